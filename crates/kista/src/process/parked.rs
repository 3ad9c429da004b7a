//! What is parked in a process's queue while it waits: all of it, in the hand of nobody. Its rules are those of the shell (`shell.rs`).

use std::pin::Pin;
use std::sync::Arc;

use kista_sync::queue::Park;
use kista_sync::slot::Settled;

use super::{Process, Signal};
use crate::gen_server::{PendingReply, inline};
use crate::scheduler::{ROUNDS, Runnable, schedule};

/// A process that takes `M`, parked in its queue.
pub(crate) type Parked<M> = Pin<Box<dyn Waits<M>>>;

pub(crate) trait Waits<M: Send + 'static>: Runnable {
    /// Whether a call is handed to it, by who may do its turns: it is at rest, and nothing is in its queue.
    fn takes_calls(&self) -> bool {
        false
    }

    /// Where a message of its own type comes that it is woken with, if it has such a place.
    fn given(self: Pin<&mut Self>) -> Option<&mut Option<Signal<M>>> {
        None
    }

    /// Has a turn, as in [`step`](Runnable::step), in which the call comes first: nothing was queued when it was taken out of its park.
    fn answer(self: Pin<Box<Self>>, call: Handed<'_, M>) {
        call.queue();
        self.step(ROUNDS);
    }
}

/// A call that is not queued: its server was at rest, and its caller does the turn.
pub(crate) struct Handed<'a, M> {
    /// The server.
    pub(crate) process: &'a Process<M>,
    pub(crate) message: &'a mut Option<M>,
    pub(crate) caller: Caller<'a>,
}

/// Who waits for the answer to a call that is handed over.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    /// Whether the call is answered.
    pub(crate) settled: &'a Settled,
    pub(crate) slot: &'a dyn Fn() -> Option<Arc<dyn PendingReply>>,
}

impl Caller<'_> {
    /// As long as it waits.
    #[inline]
    pub(crate) fn who_waits(self) -> Option<Arc<dyn PendingReply>> {
        match self.settled.get() {
            true => None,
            false => (self.slot)(),
        }
    }
}

impl<M: Send + 'static> Handed<'_, M> {
    /// Puts it into the server's queue after all.
    pub(crate) fn queue(self) {
        if let (Some(message), Some(caller)) = (self.message.take(), self.caller.who_waits()) {
            // Refused: its process is at its end, whatever became of it, and the token with the message says so to the caller.
            drop(self.process.push(|| Signal::Call(message, caller)));
        }
    }
}

impl<M: Send + 'static> Park<Signal<M>> for Parked<M> {
    fn place(&mut self) -> Option<&mut Option<Signal<M>>> {
        self.as_mut().given()
    }

    fn wake(self) {
        if inline::catches(|| self.turns()) {
            inline::catch(self);
        } else {
            schedule(self);
        }
    }

    fn wake_idle(mut self) {
        self.as_mut().set_idle();
        self.wake();
    }
}
