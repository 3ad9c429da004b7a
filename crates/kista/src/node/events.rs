use kista_etf::Atom;
use parking_lot::Mutex;
use tokio::sync::mpsc;

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
    },
    /// A connection was lost or closed; everything that came through it was delivered before.
    Down {
        /// The other node.
        node: Atom,
        /// Whether the link was a hidden one.
        hidden: bool,
        /// Why, in OTP's words where it has one: `connection_closed`, `net_tick_timeout`, `disconnect`.
        reason: String,
    },
}

/// The stream of [`NodeEvent`]s of one [`Node::events`](crate::Node::events).
#[derive(Debug)]
pub struct NodeEvents(mpsc::UnboundedReceiver<NodeEvent>);

impl NodeEvents {
    /// The next event; `None` when the node is gone.
    pub async fn next(&mut self) -> Option<NodeEvent> {
        self.0.recv().await
    }
}

#[derive(Default)]
pub(super) struct Subscribers(Mutex<Vec<mpsc::UnboundedSender<NodeEvent>>>);

impl Subscribers {
    pub(super) fn subscribe(&self) -> NodeEvents {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.0.lock().push(sender);
        NodeEvents(receiver)
    }

    pub(super) fn publish(&self, event: &NodeEvent) {
        self.0
            .lock()
            .retain(|subscriber| subscriber.send(event.clone()).is_ok());
    }
}
