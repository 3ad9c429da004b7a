use kista_etf::Atom;

use super::Node;
use crate::events::{NODES, Subscription, Update};

/// A node came or went.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeEvent {
    /// A connection is up.
    Up {
        /// The other node.
        node: Atom,
        /// Whether the link is a hidden one.
        hidden: bool,
        /// Which connection: the same when it goes, and of no other.
        connection_id: u64,
    },
    /// A connection was lost or closed; everything that came through it was delivered before.
    Down {
        /// The other node.
        node: Atom,
        /// Whether the link was a hidden one.
        hidden: bool,
        /// Which connection.
        connection_id: u64,
        /// Why, in OTP's words where it has one: `connection_closed`, `net_tick_timeout`, `disconnect`.
        reason: String,
    },
}

/// The stream of [`NodeEvent`]s of one [`Node::events`](crate::Node::events).
#[derive(Debug)]
pub struct NodeEvents(Option<Subscription<NodeEvent>>);

impl NodeEvents {
    pub(super) fn of(node: &Node) -> Self {
        // The node holds this event as long as it is there.
        Self(node.subscribe(NODES).ok())
    }

    /// The next event; `None` when the node is gone.
    pub async fn next(&mut self) -> Option<NodeEvent> {
        match self.0.as_mut()?.next().await? {
            Update::Event(event) => Some(event),
            // Nothing is left out of a stream without a bound.
            Update::Missed(_) | Update::Ended(_) => None,
        }
    }
}
