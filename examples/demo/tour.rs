//! The tour: this process is one node, a child process is the other, and an EPMD of ours introduces them.

use std::error::Error;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use kista::application::StartType;
use kista::{Atom, CallError, EpmdMode, Node, Stopped, Term};
use tokio::process::Command;

use crate::counter::Counter;

const SERVER: &str = "demo@127.0.0.1";
const VISITOR: &str = "visitor@127.0.0.1";
const COOKIE: &str = "tour";

/// Starts the serving node, then itself again as the visitor, and waits for it.
pub(crate) async fn run() -> Result<Stopped, Box<dyn Error>> {
    let port = free_port()?;
    println!(
        "1. an EPMD of our own on port {port}, and the node {SERVER} with the servers echo and counter"
    );
    let builder = Node::builder(SERVER)
        .cookie(COOKIE)
        .visible()
        .epmd(EpmdMode::Embedded)
        .epmd_port(port);
    let node = crate::application::start(builder, false, StartType::Temporary).await?;

    println!("2. a second OS process, with the node {VISITOR}");
    let status = Command::new(std::env::current_exe()?)
        .args(["--name", VISITOR, "--cookie", COOKIE, "--tour-of", SERVER])
        .env("ERL_EPMD_PORT", port.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await?;
    if !status.success() {
        return Err(format!("the visitor failed: {status}").into());
    }

    println!("8. the visitor has left; {SERVER} stops");
    Ok(node.stop().await)
}

/// The visitor's half.
pub(crate) async fn visit(name: &str, peer: &str, cookie: &str) -> Result<Stopped, Box<dyn Error>> {
    let node = Node::builder(name)
        .cookie(cookie)
        .visible()
        .epmd(EpmdMode::Running)
        .start()
        .await?;
    let peer_name = Atom::new(peer)?;

    println!(
        "3. ping {peer}: {}",
        if node.ping(peer).await {
            "pong"
        } else {
            "pang"
        }
    );
    println!("   nodes(): {:?}", node.nodes());

    let echoed: Term = node
        .call((Atom::new("echo")?, peer_name), &("hello", [1, 2, 3]))
        .await?;
    println!("4. echo answers {echoed}");

    let counter = node.server::<Counter>((Atom::new("counter")?, peer_name));
    println!(
        "5. counter: add(2) = {}, add(40) = {}",
        counter.add(2).await?,
        counter.add(40).await?
    );
    counter.reset();
    println!("   after the cast reset: get() = {}", counter.get().await?);

    match counter.crash().await {
        Err(error) => println!("6. a call that crashes the server: {error}"),
        Ok(_) => return Err("the counter did not crash".into()),
    }
    // Its supervisor starts another; until that is registered a call finds nobody.
    let n = loop {
        match counter.get().await {
            Ok(n) => break n,
            Err(CallError::NoProc) => tokio::time::sleep(Duration::from_millis(1)).await,
            Err(error) => return Err(error.into()),
        }
    };
    println!("7. its supervisor has started another: get() = {n}");

    Ok(node.stop().await)
}

fn free_port() -> Result<u16, std::io::Error> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
