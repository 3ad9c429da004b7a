//! The alarm for queues without a bound that grow and grow.
//!
//! Rules:
//! 1. It is raised once when a process has more unread messages than the node's mark, and cleared when it has less than half
//!    of that: in between nothing is said, however the number goes up and down.
//! 2. A process looks whenever it takes its queue over, and while it is alarmed at each batch that it reads. One that does not
//!    run is looked at by its senders, at every 1,024th message.
//! 3. Raising counts in the node ([`Node::queue_alarms`](crate::Node::queue_alarms)) and writes a warning, at most 20 a second.

use super::Me;

impl Me {
    /// Looks at the number of unread messages.
    #[inline]
    pub(super) fn look_at_backlog(&self, unread: usize) {
        let mark = self.node.queue_alarm_mark();
        if unread > mark || self.is_alarmed() {
            self.alarm(mark, unread);
        }
    }

    #[cold]
    fn alarm(&self, mark: usize, unread: usize) {
        if unread > mark {
            if self.set_alarmed(true) {
                let name = self.state.lock().name;
                self.node
                    .raise_queue_alarm(self.pid, name, self.behaviour, unread);
            }
        } else if unread < mark / 2 && self.set_alarmed(false) {
            tracing::info!(pid = %self.pid, behaviour = self.behaviour, unread, "queue alarm cleared");
        }
    }
}
