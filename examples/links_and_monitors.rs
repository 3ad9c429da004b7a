//! Links and monitors: who hears of whose end, and what of.
//!
//!     cargo run --example links_and_monitors -p kista
//!
//! A link is mutual and takes both processes down, unless one traps exits; a monitor only tells.

use std::future::pending;
use std::time::Duration;

use kista::{AliasMode, Atom, ExitReason, Info, Node, ProcessCx, Term};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder("family@127.0.0.1")
        .no_network()
        .start()
        .await?;
    let (finished, end) = tokio::sync::oneshot::channel();
    node.spawn_fn(async move |mut cx| {
        monitors(&mut cx).await;
        links(&mut cx).await;
        calls(&mut cx).await;
        let _ = finished.send(());
    })?;
    end.await?;
    node.stop().await;
    Ok(())
}

async fn monitors(cx: &mut ProcessCx) {
    println!("A monitor tells, once:");
    let (child, _monitor) = cx
        .spawn_fn_monitor(async |_cx| ExitReason::from(Atom::from_static("tired")))
        .expect("the node runs");
    println!("  {child} ended: {:?}", cx.receive().await);

    let monitor = cx.monitor(child);
    println!(
        "  of what is no more it tells at once: {:?}",
        cx.receive().await
    );
    println!(
        "  a demonitor comes too late then: {}",
        cx.demonitor_flush(monitor)
    );
}

async fn links(cx: &mut ProcessCx) {
    println!("A link takes both along:");
    // The middle one is linked with both others, and does not trap exits.
    let me = cx.pid();
    let (middle, _monitor) = cx
        .spawn_fn_monitor(async move |cx| {
            let last = cx
                .spawn_fn_link(async |_cx| pending::<()>().await)
                .expect("the node runs");
            cx.send(me, &last);
            pending::<()>().await;
        })
        .expect("the node runs");
    let Info::Term(last) = cx.receive().await else {
        return;
    };
    let Some(last) = last.as_pid() else { return };
    cx.exit(last, Atom::from_static("crash"));
    println!(
        "  {last} was ended, and {middle} with it: {:?}",
        cx.receive().await
    );

    println!("Who traps exits reads them instead:");
    cx.trap_exit(true);
    let child = cx
        .spawn_fn_link(async |_cx| Err::<(), _>("it could not be helped"))
        .expect("the node runs");
    println!("  {child} failed: {:?}", cx.receive().await);
    cx.trap_exit(false);
}

async fn calls(cx: &mut ProcessCx) {
    println!("A monitor with an alias is a call:");
    let server = async |mut cx: ProcessCx| {
        if let Info::Term(to) = cx.receive().await
            && let Some(to) = to.as_reference()
        {
            cx.send(to, "the answer");
            cx.send(to, "an answer too many, which reaches nobody");
        }
    };
    let server = cx.spawn_fn(server).expect("the node runs");
    let call = cx.monitor_alias(server, AliasMode::ReplyDemonitor);
    cx.send(server, &Term::from(call));
    println!("  {:?}", cx.receive().await);
    let more = cx.receive().after(Duration::from_millis(20)).await;
    println!("  and nothing follows, no DOWN either: {more:?}");
}
