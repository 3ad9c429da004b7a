//! The demo node: two small servers that any Erlang, Elixir or Kista node can call.
//!
//! `cargo run --release --example demo` tours it without Erlang: it starts a node with an EPMD of its own, and a second
//! OS process whose node calls the first over the wire. With `--name demo@127.0.0.1 --cookie kista` it is a plain node for
//! others to call, until SIGTERM or SIGINT.

mod counter;
mod echo;
mod remote;
mod tour;

use std::error::Error;
use std::io::IsTerminal;
use std::time::Duration;

use clap::Parser;
use kista::supervisor::{Child, Supervisor};
use kista::{Node, spec};
use tokio::signal::unix::{SignalKind, signal};

/// A Kista node with two servers: echo and counter.
#[derive(Parser)]
struct Options {
    /// The node's name, such as demo@127.0.0.1. Without it the demo tours itself.
    #[arg(long)]
    name: Option<String>,
    /// The cluster's cookie. Without it: KISTA_COOKIE or ~/.erlang.cookie.
    #[arg(long)]
    cookie: Option<String>,
    /// Stay out of nodes() of the peers.
    #[arg(long)]
    hidden: bool,
    /// A peer silent for this many seconds is down.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    net_ticktime: u64,
    /// The second process of the tour: calls the demo node of this name.
    #[arg(long, hide = true, value_name = "NODE")]
    tour_of: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let filter =
        tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let options = Options::parse();
    match (&options.name, &options.tour_of) {
        (Some(name), None) => serve(name, &options).await,
        (Some(name), Some(peer)) => {
            tour::visit(name, peer, options.cookie.as_deref().unwrap_or_default()).await
        }
        (None, _) => tour::run().await,
    }
}

/// Runs the node until it is told to stop.
async fn serve(name: &str, options: &Options) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let mut builder = Node::builder(name).net_ticktime(Duration::from_secs(options.net_ticktime));
    if let Some(cookie) = &options.cookie {
        builder = builder.cookie(cookie);
    }
    if !options.hidden {
        builder = builder.visible();
    }
    let node = builder.start().await?;
    remote::expose(&node)?;
    start_servers(&node).await?;
    println!("ready {}", node.name().as_str());

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    node.stop().await;
    Ok(())
}

/// The servers of the demo's contract, under their supervisor.
async fn start_servers(node: &Node) -> Result<(), kista::StartError> {
    let tree = Supervisor::one_for_one()
        .intensity(3, Duration::from_secs(5))
        .child(Child::new("echo", spec::<echo::Echo>(())).name("echo"))
        .child(Child::new("counter", counter::Counter::spec(0)).name("counter"));
    node.spawn(tree.spec()).name("demo_sup").await?;
    Ok(())
}
