//! What a node tells the recorder of metrics that a program has installed: the facade [`metrics`](https://docs.rs/metrics).
//!
//! Nothing is counted for this where messages pass: each connection and each process counts for itself anyway. These counts are read and
//! told at once by [`Node::publish_metrics`], and every so often after [`NodeBuilder::metrics`].
//!
//! The names and what they mean are [`METRICS`]; `docs/operations.md` has them as a table. Every metric has the label `node`; those of
//! connections have `peer`, and those that are counted both ways `direction`, which is `received` or `sent`.
//!
//! Rules:
//! 1. A counter only grows, across the connections to one peer too: what passed by a connection that ended is told by the next publishing.
//!    What ended before the first one is not.
//! 2. Gauges of a peer that is connected no more are 0.
//! 3. At most [`MOST_PEERS`] peers have a label of their own in the life of a node; further ones are `other` together.
//! 4. A publishing looks at every process once, on a thread where that holds up nobody when the node does it by itself.

#[cfg(feature = "prometheus")]
pub(crate) mod prometheus;
mod publish;

use std::time::Duration;

use metrics::Unit;
pub(crate) use publish::Published;
use tokio::sync::watch;

use crate::Stopped;
use crate::node::{Node, NodeBuilder, WeakNode};

/// Peers that have a label of their own.
pub const MOST_PEERS: usize = 1_000;

/// One metric that a node publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// Whether it only grows; else it is a gauge.
    pub counter: bool,
    /// What it counts.
    pub unit: Unit,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it means.
    pub about: &'static str,
}

const NODE: &[&str] = &["node"];
const PEER: &[&str] = &["node", "peer"];
const WAY: &[&str] = &["node", "peer", "direction"];

const fn gauge(
    name: &'static str,
    unit: Unit,
    labels: &'static [&'static str],
    about: &'static str,
) -> Metric {
    Metric {
        name,
        counter: false,
        unit,
        labels,
        about,
    }
}

const fn counter(
    name: &'static str,
    unit: Unit,
    labels: &'static [&'static str],
    about: &'static str,
) -> Metric {
    Metric {
        counter: true,
        ..gauge(name, unit, labels, about)
    }
}

/// All metrics that a node publishes.
pub const METRICS: &[Metric] = &[
    gauge("kista_processes", Unit::Count, NODE, "processes that live"),
    gauge(
        "kista_registered_names",
        Unit::Count,
        NODE,
        "names that are registered",
    ),
    gauge(
        "kista_unread_messages",
        Unit::Count,
        NODE,
        "messages that processes have yet to handle, of all together",
    ),
    gauge(
        "kista_longest_queue_messages",
        Unit::Count,
        NODE,
        "messages that wait for the process for which most wait",
    ),
    counter(
        "kista_queue_alarms_total",
        Unit::Count,
        NODE,
        "how often a queue became longer than the mark",
    ),
    gauge(
        "kista_nodes",
        Unit::Count,
        &["node", "type"],
        "connected nodes, visible and hidden",
    ),
    counter(
        "kista_handshakes_total",
        Unit::Count,
        &["node", "result"],
        "handshakes of those who dialled: accepted, failed; answered nok, ok_simultaneous, alive",
    ),
    gauge(
        "kista_connection_up_seconds",
        Unit::Seconds,
        PEER,
        "how long the connection has been up",
    ),
    gauge(
        "kista_connection_queued_bytes",
        Unit::Bytes,
        PEER,
        "signals that wait for the socket",
    ),
    gauge(
        "kista_connection_undecoded_bytes",
        Unit::Bytes,
        PEER,
        "messages of the peer that their receivers have yet to decode",
    ),
    counter(
        "kista_connection_held_sends_total",
        Unit::Count,
        PEER,
        "how often a sender was held above the busy mark",
    ),
    counter(
        "kista_connection_refused_sends_total",
        Unit::Count,
        PEER,
        "messages refused above the full mark",
    ),
    counter(
        "kista_connection_bytes_total",
        Unit::Bytes,
        WAY,
        "bytes of frames, with their lengths and ticks",
    ),
    counter(
        "kista_connection_messages_total",
        Unit::Count,
        WAY,
        "signals of any kind; one in fragments is one",
    ),
    counter(
        "kista_connection_fragments_total",
        Unit::Count,
        WAY,
        "frames that held a part of a message",
    ),
    counter("kista_connection_ticks_total", Unit::Count, WAY, "ticks"),
    counter(
        "kista_connection_atom_hits_total",
        Unit::Count,
        WAY,
        "atoms named by their place in the cache",
    ),
    counter(
        "kista_connection_atom_misses_total",
        Unit::Count,
        WAY,
        "atoms written out because the other side did not have them",
    ),
];

impl Node {
    /// Tells the recorder of this program, or of this thread, what the node counts: all of [`METRICS`], as of now.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = kista::Node::builder("metrics-doc@127.0.0.1").no_network().start().await?;
    /// node.publish_metrics();         // to nobody: no recorder was installed
    /// # node.stop().await; Ok(()) }
    /// ```
    pub fn publish_metrics(&self) {
        self.published().publish(self);
    }
}

impl NodeBuilder {
    /// Publishes the metrics of this node this often, from its start on: see [`metrics`](crate::metrics). Without this they are published
    /// when [`Node::publish_metrics`] is called, or `/metrics` is read.
    pub fn metrics(mut self, every: Duration) -> Self {
        self.metrics_interval = Some(every);
        self
    }
}

/// Publishes until the node has stopped, and then once more.
pub(crate) async fn sample(
    node: WeakNode,
    every: Duration,
    mut stopped: watch::Receiver<Option<Stopped>>,
) {
    // Less is of no use, and nothing would be all the time.
    let every = every.max(Duration::from_millis(1));
    let mut over = false;
    loop {
        let Some(node) = node.upgrade() else {
            return;
        };
        let published = tokio::task::spawn_blocking(move || node.publish_metrics());
        if published.await.is_err() {
            tracing::error!("the recorder of metrics panicked");
        }
        if over {
            return;
        }
        over = tokio::select! {
            biased;
            _ = stopped.wait_for(Option::is_some) => true,
            () = tokio::time::sleep(every) => false,
        };
    }
}
