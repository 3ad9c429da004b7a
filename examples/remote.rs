//! Functions across nodes: one node exposes some, another calls them, spawns them, and hears how they end. Both nodes run in this
//! program; Erlang does the same to them: `erpc:call('worker@127.0.0.1', math, fib, [30])`.
//!
//! `cargo run --release --example remote -p kista`

use std::error::Error;
use std::net::TcpListener;
use std::time::Duration;

use kista::{Atom, BadRpc, EpmdMode, ErpcError, Info, Node, Peers, ProcessCx, Raise};

const WORKER: &str = "worker@127.0.0.1";

async fn fib(n: u64) -> Result<u64, Raise> {
    if n > 90 {
        return Err(Raise::error(Atom::from_static("badarg")));
    }
    let (mut a, mut b) = (0, 1);
    for _ in 0..n {
        (a, b) = (b, a + b);
    }
    Ok(a)
}

/// A process: it counts for whoever started it, until it is told to stop.
async fn counter(mut cx: ProcessCx, start: u64) -> Result<(), Raise> {
    let mut n = start;
    loop {
        match cx.receive().await {
            Info::Term(term) if term.is_atom("stop") => return Err(Raise::exit(n.to_string())),
            _ => n += 1,
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
    let node = |name: &str, epmd| {
        let builder = Node::builder(format!("{name}@127.0.0.1")).cookie("example");
        builder.epmd(epmd).epmd_port(port)
    };
    let worker = node("worker", EpmdMode::Embedded).start().await?;
    worker.expose("math", "fib", fib)?;
    worker.expose("work", "counter", counter)?;
    let admin = Peers::only(["admin@127.0.0.1"]);
    worker.expose_to(admin, "work", "secret", async || 42)?;

    let caller = node("caller", EpmdMode::Running).start().await?;
    let n: u64 = caller.erpc(WORKER, ("math", "fib"), (30,)).await?;
    println!("1. fib(30) = {n}");

    let many = (0..5).map(|n| {
        caller
            .erpc::<u64>(WORKER, ("math", "fib"), (n,))
            .send_request()
    });
    for (n, request) in many.collect::<Vec<_>>().into_iter().enumerate() {
        println!("2. asked before, read now: fib({n}) = {}", request.await?);
    }

    match caller.erpc::<u64>(WORKER, ("math", "fib"), (1000,)).await {
        Err(ErpcError::Exception { class, reason, .. }) => {
            println!("3. it raised {class}:{reason}")
        }
        other => println!("3. unexpected: {other:?}"),
    }
    match caller.rpc::<u64>(WORKER, ("work", "secret"), ()).await {
        Err(BadRpc::Exit(reason)) => println!("4. not for this node: {reason}"),
        other => println!("4. unexpected: {other:?}"),
    }
    let slow = caller.rpc::<()>(WORKER, ("work", "counter"), (0,));
    println!("5. {:?}", slow.timeout(Duration::from_millis(50)).await);

    let (done, ended) = tokio::sync::oneshot::channel();
    caller.spawn_fn(async move |mut cx| {
        let spawn = cx.node().spawn_on(WORKER, ("work", "counter"), (100,));
        let counter = spawn.link().monitor().await?;
        cx.trap_exit(true);
        for _ in 0..3 {
            cx.send(counter.pid, &Atom::from_static("tick"));
        }
        cx.send(counter.pid, &Atom::from_static("stop"));
        let heard = (cx.receive().await, cx.receive().await);
        let _ = done.send(heard);
        Ok::<_, kista::SpawnError>(())
    })?;
    let (exit, down) = ended.await?;
    println!("6. its link: {exit:?}\n   its monitor: {down:?}");

    caller.stop().await;
    worker.stop().await;
    Ok(())
}
