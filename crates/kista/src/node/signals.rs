//! SIGTERM and SIGINT, for a node that asked for them.
//!
//! Rules:
//! 1. The first one stops the node in order. A second one ends the patience: what is left is killed at once.
//! 2. The task that listens does not keep the node, and ends with it.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::stopped::{StopCause, Stopped};
use super::{Node, NodeError, WeakNode};

/// The signals, heard from here on.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, NodeError> {
        let listen = |kind| signal(kind).map_err(|error| NodeError::Signals(error.to_string()));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    /// Lets them stop the node.
    pub(super) fn stop(self, node: &Node) {
        let over = node.0.stopped.subscribe();
        node.runtime().spawn(self.follow(node.downgrade(), over));
    }

    async fn follow(mut self, node: WeakNode, mut over: watch::Receiver<Option<Stopped>>) {
        loop {
            let name = tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
                // Err: there is no node any more.
                _ = over.wait_for(Option::is_some) => return,
            };
            let Some(node) = node.upgrade() else { return };
            tracing::info!(node = %node.name(), signal = name, "told to stop");
            if !node.begin_stop(StopCause::Signal(name)) {
                node.0.hurry.notify_one();
            }
        }
    }
}
