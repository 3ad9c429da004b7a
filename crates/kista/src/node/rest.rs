//! Processes without a task, when the runtime goes away that would have given them one.
//!
//! A runtime that goes away drops its tasks, and the drop of its task ends a process. One at rest has none: a server that was
//! sent nothing since its `init`, or one whose callers do its turns. So a task of the node holds [`WakeAtEnd`]: when that is dropped each one at rest gets its task
//! after all, which the runtime drops at once. Who comes to rest later finds the node's flag.

use std::sync::atomic::Ordering::Relaxed;

use super::{Node, WeakNode};

/// Dropped with the tasks of the runtime, or with the node.
pub(super) struct WakeAtEnd(pub(super) WeakNode);

impl Drop for WakeAtEnd {
    fn drop(&mut self) {
        if let Some(node) = self.0.upgrade() {
            // The locks of the table and the queues order it: who comes to rest behind the walk sees it.
            node.0.lost_runtime.store(true, Relaxed);
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
