//! The turn of a process that has no code of its own running: it is at rest, as its state, and handles what needs nothing awaited.

use std::collections::VecDeque;
use std::sync::Arc;

use super::mail::Taken;
use super::turn::{CALLED, READING, RESTS, TOOK};
use super::{BUDGET, Process, Signal};
use crate::gen_server::PendingReply;

/// What a turn of one at rest came to.
pub(crate) enum AtRest {
    /// There is nothing to do.
    Waits,
    /// It did as much as one turn may.
    Spent,
    /// There is something for which its code has to run.
    Left,
    /// It is to end for what [`Process::end_reason`] says.
    Over,
}

impl<M: Send + 'static> Process<M> {
    /// A turn begins, of one that was given a message or not. False: its code has to run.
    #[inline]
    pub(crate) fn begin_at_rest(&self, taken: &VecDeque<Signal<M>>, given: bool) -> bool {
        self.turn.refill();
        self.turn.begin_read();
        let has_signals = || self.turn.has_arrived() || self.queue.has_signals();
        // What is no message acts before those are read that came before it.
        let waits = match given {
            true => self.queue.seems_signalled(),
            false => !taken.is_empty() && has_signals(),
        };
        !waits && !self.is_to_hold()
    }

    /// What it was given goes in front of what it has taken over, to be read by its code.
    pub(crate) fn take_given(&self, given: Signal<M>, taken: &mut VecDeque<Signal<M>>) {
        taken.push_front(given);
        self.count_taken(1);
        self.turn.receive(1, true);
        self.queue.read_in_hand();
    }

    /// As [`next_message`](Self::next_message), of what it was given: at the beginning of a turn.
    #[inline(always)]
    pub(crate) fn given_message(
        &self,
        given: &mut Option<Signal<M>>,
        out: &mut Option<M>,
    ) -> Option<Arc<dyn PendingReply>> {
        let caller = given.take()?.typed(out);
        self.queue.read_in_hand();
        // What came since is taken over in this turn; else the park looks.
        if self.queue.seems_empty() {
            self.turn.set_read(TOOK);
        }
        self.turn.receive(1, true);
        self.look_at_backlog(1);
        self.reads(caller)
    }

    /// Counts a call that was handed over as taken from the queue, and read. False: it has to be queued.
    #[inline]
    pub(crate) fn takes_handed(&self) -> bool {
        let free = !self.turn.is_listed() && !self.turn.has_arrived() && !self.is_bounded();
        if free {
            self.turn.set_read(TOOK | CALLED);
            self.turn.receive(1, true);
            self.look_at_backlog(1);
            self.turn.count_read();
            self.set_waiting(false);
        }
        free
    }

    /// Takes over what is queued, if all that was taken before is read: once in a turn, and what is no message acts first. Whether there is
    /// something to read now.
    #[inline]
    pub(crate) fn takes_more(&self, taken: &mut VecDeque<Signal<M>>) -> bool {
        if !taken.is_empty() || !self.turn.may_read() || self.turn.is_listed() {
            return false;
        }
        match self.take_queue(taken) {
            Taken::Some => true,
            Taken::One(signal) => {
                taken.push_back(signal);
                self.count_taken(1);
                true
            }
            Taken::Nothing | Taken::Left => false,
        }
    }

    /// Whether it took the queue over in this turn, and nothing of that is listed elsewhere.
    #[inline]
    pub(crate) fn has_taken_over(&self) -> bool {
        self.turn.has_read(TOOK) && !self.turn.is_listed() && !self.turn.has_arrived()
    }

    /// A turn is over in which everything was read that can be.
    #[inline(always)]
    pub(crate) fn end_at_rest(&self, taken: &mut VecDeque<Signal<M>>) -> AtRest {
        if self.end_reason().is_some() {
            return AtRest::Over;
        }
        let has_left = !taken.is_empty()
            || self.turn.is_listed()
            || self.turn.has_arrived()
            || self.is_bounded();
        if self.turn.is_spent() {
            self.look_at_alarm();
            if has_left {
                return AtRest::Spent;
            }
        }
        if has_left {
            return AtRest::Left;
        }
        super::mail::give_back_buffer(taken);
        self.turn.set_read(READING | RESTS);
        self.set_waiting(true);
        AtRest::Waits
    }

    /// Whether it waits for its next message, and is to go on.
    pub(crate) fn is_reading(&self) -> bool {
        self.turn.is_reading() && self.end_reason().is_none()
    }

    /// Behind a whole turn: whether it has messages for another one.
    #[inline]
    pub(crate) fn is_flooded(&self) -> bool {
        self.taken() + self.queue.len() >= usize::from(BUDGET)
    }

    /// Whether its turn was as long as one may be.
    pub(crate) fn had_whole_turn(&self) -> bool {
        self.turn.is_spent()
    }
}
