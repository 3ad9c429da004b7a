//! Processes that wait, when the runtime goes away on whose threads they would run.
//!
//! A runtime that goes away drops its tasks, and with the scheduler's those processes that are ready; which ends them. Those that wait
//! are parked in their own queues. So a task of the node holds [`WakeAtEnd`]: when that is dropped they are made ready, and a closed
//! scheduler drops what is. Who parks later finds the node's flag.

use std::sync::atomic::Ordering::Relaxed;

use super::{Node, WeakNode};

/// Dropped with the tasks of the runtime, or with the node.
pub(super) struct WakeAtEnd(pub(super) WeakNode);

impl Drop for WakeAtEnd {
    fn drop(&mut self) {
        if let Some(node) = self.0.upgrade() {
            // The locks of the table and the queues order it: who comes to rest behind the walk sees it.
            node.0.lost_runtime.store(true, Relaxed);
            node.0.scheduler.close();
            node.each_process(|process| process.wake());
        }
    }
}

impl Node {
    /// Whether the tasks of its runtime are gone.
    pub(crate) fn has_lost_runtime(&self) -> bool {
        self.0.lost_runtime.load(Relaxed)
    }
}
