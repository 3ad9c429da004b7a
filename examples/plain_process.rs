//! A plain process with selective receive: urgent orders first, whatever came before them, and a break when none come.
//!
//!     cargo run --example plain_process -p kista
//!
//! What it passes over stays in its queue, in order: Erlang's save queue.

use std::time::Duration;

use kista::{ExitReason, Info, Node, ProcessCx, Term};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let node = Node::builder("kitchen@127.0.0.1")
        .no_network()
        .start()
        .await?;

    // A child of this process cooks; its monitor says when it went home, and why.
    let (finished, evening) = tokio::sync::oneshot::channel();
    node.spawn_fn(async move |mut cx| {
        let (cook, monitor) = cx.spawn_fn_monitor(cook).expect("the node runs");
        for (table, urgent) in [(1, false), (2, false), (3, true), (4, false), (5, true)] {
            let order = Term::tuple([Term::from(urgent), Term::from(table)]);
            cx.send(cook, &order);
        }
        let why = cx
            .receive_match(|info| match info {
                Info::Down {
                    reference, reason, ..
                } if *reference == monitor => Some(reason.clone()),
                _ => None,
            })
            .await;
        println!("the cook went home: {why}");
        let _ = finished.send(());
    })?;

    evening.await?;
    node.stop().await;
    Ok(())
}

/// Takes orders `{Urgent, Table}`. Returns the reason with which the process ends.
async fn cook(mut cx: ProcessCx) -> ExitReason {
    println!("{} opens the kitchen", cx.pid());
    // A timer sends to the process like anyone else; it ends with the process.
    let closing = cx
        .send_after(Duration::from_millis(200), cx.pid(), "closing time")
        .expect("a text can be encoded");
    loop {
        // Everything that has arrived is looked at; nothing is waited for.
        let urgent = cx
            .receive_match(|info| order(info, true))
            .after(Duration::ZERO)
            .await;
        if let Some(table) = urgent {
            println!("table {table}, at once");
            continue;
        }
        match cx
            .receive_match(|info| order(info, false))
            .after(Duration::from_millis(50))
            .await
        {
            Some(table) => println!("table {table}, in turn"),
            None => break,
        }
    }
    println!(
        "no order for 50 ms; closing is {:?} away",
        cx.read_timer(closing)
    );
    // The oldest of what is left, whatever it is: the timer's message, in the end.
    println!("the last message: {:?}", cx.receive().await);
    ExitReason::Normal
}

/// The table of an order of this kind.
fn order(info: &Info, wanted: bool) -> Option<i64> {
    let Info::Term(term) = info else { return None };
    let [urgent, table] = term.as_tuple()? else {
        return None;
    };
    (*urgent == Term::from(wanted)).then(|| table.as_int())?
}
