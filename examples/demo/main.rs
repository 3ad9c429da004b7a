//! The demo node: two small servers that any Erlang, Elixir or Kista node can call.
//!
//! `cargo run --release --example demo` tours it without Erlang: it starts a node with an EPMD of its own, and a second
//! OS process whose node calls the first over the wire. With `--name demo@127.0.0.1 --cookie kista` it is a plain node for
//! others to call, until SIGTERM or SIGINT.
//! With `--tls DIR` it speaks TLS with its peers, by `ca.pem`, `nut-cert.pem` and `nut-key.pem` of that directory.
//! With `--crash-loop` it shows how a node ends whose permanent application can not go on.

mod application;
mod counter;
mod echo;
mod remote;
mod tour;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};
use kista::application::StartType;
use kista::log::{Format, Log};
use kista::{Node, Stopped, Tls};
use tokio::runtime::Handle;

/// A Kista node with two servers: echo and counter.
#[derive(Parser)]
struct Options {
    /// The node's name, such as demo@127.0.0.1. Without it the demo tours itself.
    #[arg(long)]
    name: Option<String>,
    /// The cluster's cookie. Without it: KISTA_COOKIE or ~/.erlang.cookie.
    #[arg(long, requires = "name")]
    cookie: Option<String>,
    /// Stay out of nodes() of the peers, and of the names and groups of the cluster.
    #[arg(long, requires = "name")]
    hidden: bool,
    /// A peer silent for this many seconds is down.
    #[arg(long, value_name = "SECONDS", requires = "name", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    net_ticktime: u64,
    /// Speak TLS with all peers, by ca.pem, nut-cert.pem and nut-key.pem of this directory. Their certificates have to be of that CA, and
    /// for the hosts of their names.
    #[arg(long, value_name = "DIR", requires = "name")]
    tls: Option<PathBuf>,
    /// With a third server that crashes again and again: its supervisor gives up, and the node ends with the application.
    #[arg(long, requires = "name")]
    crash_loop: bool,
    /// How log lines look. What is logged is said by RUST_LOG; warnings and errors without it.
    #[arg(long, value_enum, default_value_t = LogFormat::Full)]
    log_format: LogFormat,
    /// The second process of the tour: calls the demo node of this name.
    #[arg(long, hide = true, value_name = "NODE")]
    tour_of: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum LogFormat {
    Full,
    Compact,
    Json,
}

impl From<LogFormat> for Format {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Full => Self::Full,
            LogFormat::Compact => Self::Compact,
            LogFormat::Json => Self::Json,
        }
    }
}

#[tokio::main]
async fn main() -> Result<Stopped, Box<dyn Error>> {
    let log = Log::new().filter("warn").variable("RUST_LOG");
    let options = Options::parse();
    log.format(options.log_format.into()).init()?;
    match (&options.name, &options.tour_of) {
        (Some(name), None) => serve(name, &options).await,
        (Some(name), Some(peer)) => {
            tour::visit(name, peer, options.cookie.as_deref().unwrap_or_default()).await
        }
        (None, _) => tour::run().await,
    }
}

/// Runs the node until it is told to stop, or ends with its application. The exit code tells: 0 for an orderly end.
async fn serve(name: &str, options: &Options) -> Result<Stopped, Box<dyn Error>> {
    let start_type = match options.crash_loop {
        true => StartType::Permanent,
        false => StartType::Temporary,
    };
    let mut builder = Node::builder(name)
        .net_ticktime(Duration::from_secs(options.net_ticktime))
        .stop_on_signals();
    if let Some(cookie) = &options.cookie {
        builder = builder.cookie(cookie);
    }
    if let Some(dir) = &options.tls {
        let file = |name| dir.join(name);
        builder = builder.tls(Tls::from_files(
            file("ca.pem"),
            file("nut-cert.pem"),
            file("nut-key.pem"),
        ));
    }
    if !options.hidden {
        builder = builder.visible();
    }
    let node = application::start(builder, options.crash_loop, start_type).await?;
    remote::expose(&node)?;
    println!("ready {}", node.name().as_str());
    let stopped = node.stopped().await;
    drop(node);
    println!("{stopped}; tasks left: {}", tasks_left().await);
    Ok(stopped)
}

/// How many tasks are left of all that the node started. Some have said their last word and are about to end.
async fn tasks_left() -> usize {
    let left = || Handle::current().metrics().num_alive_tasks();
    for _ in 0..200 {
        if left() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    left()
}
