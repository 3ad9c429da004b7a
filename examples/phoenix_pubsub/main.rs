//! A node that takes part in a cluster's Phoenix.PubSub: it prints what is broadcast under a topic, and broadcasts each line that is typed.
//! `@NODE TEXT` goes to the subscribers of one node only, `. TEXT` to those of this one.
//!
//!     cargo run --example phoenix_pubsub -- --name rust@127.0.0.1 --cookie secret --pubsub MyApp.PubSub --connect ex@127.0.0.1
//!
//! How PubSub works is in `pubsub.rs`, which a program of one's own may take as it is.

mod lines;
mod pubsub;

use std::error::Error;

use clap::Parser;
use kista::{Atom, Info, Node, NodeEvent, Pid};
use pubsub::PubSub;
use tokio::io::BufReader;

/// A node in a cluster's Phoenix.PubSub.
#[derive(Parser)]
struct Options {
    /// Full name of this node.
    #[arg(long, default_value = "rust@127.0.0.1")]
    name: String,
    /// The cluster's cookie; else from the environment or ~/.erlang.cookie.
    #[arg(long)]
    cookie: Option<String>,
    /// The name of the PubSub, as `{Phoenix.PubSub, name: MyApp.PubSub}` has it.
    #[arg(long, default_value = "MyApp.PubSub")]
    pubsub: String,
    /// As many workers as the cluster's :broadcast_pool_size.
    #[arg(long, default_value_t = 1)]
    pool_size: usize,
    /// What is listened to.
    #[arg(long, default_value = "room:lobby")]
    topic: String,
    /// A node of the cluster. The others follow from it.
    #[arg(long)]
    connect: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    // Only visible nodes take part in process groups.
    let mut builder = Node::builder(&options.name).visible();
    if let Some(cookie) = &options.cookie {
        builder = builder.cookie(cookie);
    }
    let node = builder.start().await?;
    let pubsub = PubSub::start(&node, &options.pubsub, options.pool_size).await?;
    let listener = listener(&node)?;
    pubsub.subscribe(listener, &options.topic).await?;
    tokio::spawn(watch(node.clone()));
    if let Some(other) = &options.connect {
        node.connect(other).await?;
    }
    println!("{} listens to {}", node.name(), options.topic);

    let mut input = BufReader::new(tokio::io::stdin());
    while let Some(line) = lines::next_line(&mut input).await? {
        say(&pubsub, listener, &options.topic, &line);
    }
    pubsub.unsubscribe(listener, &options.topic).await?;
    pubsub.broadcast(&options.topic, &(Atom::from_static("left"), node.name()));
    pubsub.stop().await?;
    node.stop().await;
    Ok(())
}

/// Broadcasts a line, to whom it says.
fn say(pubsub: &PubSub, listener: Pid, topic: &str, line: &str) {
    match line.split_once(' ') {
        Some((".", text)) => pubsub.local_broadcast(topic, text),
        Some((to, text)) if to.starts_with('@') => match Atom::new(&to[1..]) {
            Ok(node) => pubsub.direct_broadcast(node, topic, text),
            Err(error) => eprintln!("{to} is no node: {error}"),
        },
        // To all but ourselves.
        _ => pubsub.broadcast_from(listener, topic, line),
    }
}

/// A process that prints every message that it gets.
fn listener(node: &Node) -> Result<Pid, kista::StartError> {
    node.spawn_fn(async |mut cx| {
        loop {
            if let Info::Term(message) = cx.receive().await {
                println!("heard {message}");
            }
        }
    })
}

async fn watch(node: Node) {
    let mut events = node.events();
    while let Some(event) = events.next().await {
        match event {
            NodeEvent::Up { node, .. } => println!("{node} is there"),
            NodeEvent::Down { node, .. } => println!("{node} is gone"),
            _ => {}
        }
    }
}
