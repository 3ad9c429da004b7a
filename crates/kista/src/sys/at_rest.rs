//! How a behaviour at rest reads, which has no code that could be polled: [`Inbox::next_message`] until there is none, and these around it.

use std::sync::Arc;

use super::in_hand::InHand;
use super::inbox::{Inbox, Origin};
use crate::gen_server::{Message, PendingReply};
use crate::process::{AtRest, Signal};

impl<M: Message> Inbox<M> {
    /// A turn begins of a process at rest, which was given a message or not. False: its code has to run.
    #[inline]
    pub(crate) fn begin_at_rest(&self, given: bool) -> bool {
        self.process.begin_at_rest(&self.taken, given)
    }

    /// As [`next_message`](Self::next_message), of what it was given: at the beginning of a turn.
    #[inline(always)]
    pub(crate) fn given_message(&mut self, given: &mut Option<Signal<M>>, out: &mut Option<M>) {
        if !self.is_plain() {
            return;
        }
        if let Some(caller) = self.process.given_message(given, out) {
            self.origin = Origin::Caller(caller);
        }
        self.in_hand = out.as_ref().map_or(InHand::NOTHING, InHand::message);
    }

    /// What it was given is for its code to read, or for the end of the process to answer.
    pub(crate) fn take_given(&mut self, given: Signal<M>) {
        self.process.take_given(given, &mut self.taken);
    }

    /// A call that was handed over comes first. False: it has to be queued, and be read as any other.
    #[inline]
    pub(crate) fn takes_handed(&mut self, message: &M) -> bool {
        let takes = self.is_plain() && self.taken.is_empty() && self.process.takes_handed();
        if takes {
            self.in_hand = InHand::message(message);
        }
        takes
    }

    /// Of the call that was handed over: who waits still.
    #[inline]
    pub(crate) fn is_awaited_by(&mut self, caller: Option<Arc<dyn PendingReply>>) {
        if let Some(caller) = caller {
            self.set_caller(caller);
        }
    }

    /// Where [`next_message`](Self::next_message) found nothing: whether it finds something now.
    #[inline]
    pub(crate) fn takes_more(&mut self) -> bool {
        self.is_plain() && self.process.takes_more(&mut self.taken)
    }

    /// Whether it would find nothing, and [`takes_more`](Self::takes_more) nothing either.
    #[inline]
    pub(crate) fn is_read_up(&mut self) -> bool {
        if !self.taken.is_empty() || !self.is_plain() || !self.process.has_taken_over() {
            return false;
        }
        self.in_hand = InHand::NOTHING;
        true
    }

    /// Behind that turn.
    #[inline]
    pub(crate) fn end_at_rest(&mut self) -> AtRest {
        match self.is_plain() {
            true => self.process.end_at_rest(&mut self.taken),
            false => AtRest::Left,
        }
    }
}
