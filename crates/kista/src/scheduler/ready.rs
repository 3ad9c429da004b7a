use crossbeam_deque::{Stealer, Worker};

use super::Task;
use super::lane::taken;

/// What is ready on a lane, in the order in which it became so.
///
/// Those that have more messages waiting than one turn is for are *flooded*, and have every second turn among themselves. Who sends without
/// a pause sends as many in a turn as are read in one: so the senders of one process, with a turn each, would outrun it by as many
/// times as they are, and it would read what the caches have long lost. Others wait at most twice as long for that.
pub(super) struct Ready {
    others: Worker<Task>,
    flooded: Worker<Task>,
    /// The last turn was a flooded one's.
    was_flooded: bool,
}

/// Takes from it, on other lanes.
pub(super) struct Thief {
    others: Stealer<Task>,
    flooded: Stealer<Task>,
}

impl Ready {
    pub(super) fn new() -> Self {
        Self {
            others: Worker::new_fifo(),
            flooded: Worker::new_fifo(),
            was_flooded: false,
        }
    }

    pub(super) fn thief(&self) -> Thief {
        Thief {
            others: self.others.stealer(),
            flooded: self.flooded.stealer(),
        }
    }

    pub(super) fn push(&self, task: Task) {
        self.others.push(task);
    }

    pub(super) fn push_flooded(&self, task: Task) {
        self.flooded.push(task);
    }

    pub(super) fn len(&self) -> usize {
        self.others.len() + self.flooded.len()
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Task> {
        if !self.was_flooded
            && let Some(task) = self.flooded.pop()
        {
            self.was_flooded = true;
            return Some(task);
        }
        self.was_flooded = false;
        self.others.pop().or_else(|| self.flooded.pop())
    }

    /// Where what is taken from elsewhere goes.
    pub(super) fn others(&self) -> &Worker<Task> {
        &self.others
    }
}

impl Thief {
    pub(super) fn len(&self) -> usize {
        self.others.len() + self.flooded.len()
    }

    /// One to run, and half of the others into `into`. A flooded one by itself: beside its senders it keeps pace with them.
    pub(super) fn steal(&self, into: &Ready) -> Option<Task> {
        taken(|| self.flooded.steal())
            .or_else(|| taken(|| self.others.steal_batch_and_pop(&into.others)))
    }
}
