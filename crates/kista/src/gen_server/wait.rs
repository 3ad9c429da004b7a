use std::task::{Context, Poll};
use std::time::Duration;

use crate::node::{Deadline, Node};

/// The time that a server gave itself until `timeout`. Boxed: most servers wait without end.
pub(super) struct Wait {
    pub(super) time: Duration,
    state: State,
}

enum State {
    Begun,
    /// No time was given: what is in the queue already comes first, so the shell takes the queue over once more.
    Yielded,
    Armed(Deadline),
}

impl Wait {
    pub(super) fn new(time: Duration) -> Self {
        Self {
            time,
            state: State::Begun,
        }
    }

    /// Ready when the time is up: never early, and up to 10 ms late.
    pub(super) fn poll(&mut self, node: &Node, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.state {
            State::Begun if self.time.is_zero() => {
                self.state = State::Yielded;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            State::Begun => {
                let mut deadline = node.deadline(self.time);
                let poll = deadline.poll(node, cx);
                self.state = State::Armed(deadline);
                poll
            }
            State::Yielded => Poll::Ready(()),
            State::Armed(deadline) => deadline.poll(node, cx),
        }
    }
}
