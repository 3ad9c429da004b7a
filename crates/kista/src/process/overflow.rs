//! Messages on their way into the queue, and what becomes of those that a full one has no room for.
//!
//! Rules: [`Overflow`] states them per policy. Nothing here waits: a reader of a connection pushes as anyone else does. What is
//! evicted or refused is dropped after every lock was released.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use kista_etf::Atom;
use kista_sync::queue::Refused;

use super::bound::{Bound, Overflow, QueueBound};
use super::room::Room;
use super::signal::unfold;
use super::{AnyProcess, ExitReason, Info, Process, Signal, WireMessage, current};
use crate::sys::refuse_call;

/// What became of an encoded message.
pub(crate) enum Delivery {
    Taken,
    /// Taken, and the sender is to wait for room.
    Wait(Arc<dyn Room>),
    /// The process is overloaded.
    Refused,
    /// The process has ended.
    Ended,
}

/// Why a message was not taken; it comes back.
pub(crate) enum NotTaken<M> {
    Ended(Signal<M>),
    Overloaded(Signal<M>),
    /// To be encoded and sent to this name instead, whose process has another message type.
    Divert(Signal<M>, Atom),
}

impl<M> NotTaken<M> {
    /// The message that was not taken.
    pub(crate) fn into_message(self) -> Signal<M> {
        match self {
            Self::Ended(message) | Self::Overloaded(message) | Self::Divert(message, _) => message,
        }
    }
}

/// A sender looks at a queue's length each time that it passes a multiple of this power of two.
const LOOKS: u32 = 10;

/// How often a sender evicts before it takes its own message for the one to be dropped: others may take the room it made.
const EVICTIONS: usize = 8;

impl<M: Send + 'static> Process<M> {
    /// Queues a message of a local sender. `Some`: the sender is to wait for room. It is made by `make` where it is to lie.
    #[inline(always)]
    pub(crate) fn push(
        &self,
        make: impl FnOnce() -> Signal<M>,
    ) -> Result<Option<Arc<dyn Room>>, NotTaken<M>> {
        match self.queue.push_made(make) {
            Ok(queued) => {
                self.look_from_outside(queued);
                Ok(None)
            }
            Err(refused) => self.not_taken(refused.map(|make| make())),
        }
    }

    #[cold]
    fn not_taken(&self, refused: Refused<Signal<M>>) -> Result<Option<Arc<dyn Room>>, NotTaken<M>> {
        match refused {
            Refused::Closed(message) => Err(NotTaken::Ended(message)),
            Refused::Full(message) => self.overflow(message, true),
        }
    }

    /// Queues several messages of one sender as one item; each by itself where there is a bound.
    pub(super) fn deliver_run(&self, run: Box<WireMessage>) -> Delivery {
        let messages = 1 + run.left();
        let count = u32::try_from(messages).unwrap_or(u32::MAX);
        let run = match self.queue.push_run(Signal::Wire(run), count) {
            Ok(queued) => {
                if queued >> LOOKS != queued.saturating_sub(messages) >> LOOKS {
                    self.look_at_backlog(queued);
                }
                return Delivery::Taken;
            }
            Err(Refused::Full(Signal::Wire(run))) => run,
            Err(_) => return Delivery::Ended,
        };
        let mut last = Delivery::Taken;
        for message in run.messages() {
            last = self.deliver(Signal::Wire(Box::new(message)));
        }
        last
    }

    /// Queues an encoded message, from anywhere.
    pub(super) fn deliver(&self, message: Signal<M>) -> Delivery {
        let is_local = !message.is_from_away();
        let pushed = match self.enqueue(message, 0) {
            Ok(()) => return Delivery::Taken,
            Err(Refused::Closed(_)) => return Delivery::Ended,
            Err(Refused::Full(message)) => self.overflow(message, is_local),
        };
        match pushed {
            Ok(None) => Delivery::Taken,
            Ok(Some(room)) => Delivery::Wait(room),
            Err(NotTaken::Ended(_)) => Delivery::Ended,
            Err(NotTaken::Overloaded(message) | NotTaken::Divert(message, _)) => {
                if let Signal::Wire(wire) = &message
                    && !is_local
                {
                    refuse_call(self.node(), self.pid(), wire);
                }
                Delivery::Refused
            }
        }
    }

    fn enqueue(&self, message: Signal<M>, extra: u32) -> Result<(), Refused<Signal<M>>> {
        let queued = match &message {
            Signal::Control(_) => self.queue.push_acting(message, extra)?,
            _ => self.queue.push_beyond(message, extra)?,
        };
        self.look_from_outside(queued);
        Ok(())
    }

    /// A process that does not take its queue over does not see it grow. Looked at from time to time only.
    #[inline]
    fn look_from_outside(&self, queued: usize) {
        if queued.is_multiple_of(1 << LOOKS) {
            self.look_at_backlog(queued);
        }
    }

    #[cold]
    fn overflow(
        &self,
        message: Signal<M>,
        is_local: bool,
    ) -> Result<Option<Arc<dyn Room>>, NotTaken<M>> {
        let Some(bound) = self.bound() else {
            // Lifted just now.
            return self.enqueue_beyond(message, u32::MAX).map(|()| None);
        };
        match bound.bound.overflow {
            Overflow::Wait if is_local => match self.enqueue_beyond(message, bound.extra()) {
                // Only it could make the room that it would wait for.
                Ok(()) if current::pid_on(self.node()) == Some(self.pid()) => Ok(None),
                Ok(()) => Ok(self.node().find(self.pid()).map(|process| process as _)),
                Err(NotTaken::Overloaded(message)) => self.refuse(&bound, message, is_local),
                Err(other) => Err(other),
            },
            Overflow::Wait | Overflow::Reject => self.refuse(&bound, message, is_local),
            Overflow::DropNewest => self.drop_newest(&bound, message),
            Overflow::DropOldest => self.drop_oldest(&bound, message),
            Overflow::Divert(name) => self.divert(&bound, name, message, is_local),
        }
    }

    fn enqueue_beyond(&self, message: Signal<M>, extra: u32) -> Result<(), NotTaken<M>> {
        self.enqueue(message, extra)
            .map_err(|refused| match refused {
                Refused::Closed(message) => NotTaken::Ended(message),
                Refused::Full(message) => NotTaken::Overloaded(message),
            })
    }

    fn refuse<T>(
        &self,
        bound: &Bound,
        message: Signal<M>,
        is_told: bool,
    ) -> Result<T, NotTaken<M>> {
        count(&bound.counts.refused);
        if !is_told {
            self.report_loss(bound);
        }
        Err(NotTaken::Overloaded(message))
    }

    fn drop_newest(
        &self,
        bound: &Bound,
        message: Signal<M>,
    ) -> Result<Option<Arc<dyn Room>>, NotTaken<M>> {
        count(&bound.counts.dropped);
        self.report_loss(bound);
        match message {
            // Somebody waits for the answer.
            Signal::Call(..) => Err(NotTaken::Overloaded(message)),
            Signal::Wire(wire) => {
                refuse_call(self.node(), self.pid(), &wire);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn drop_oldest(
        &self,
        bound: &Bound,
        mut message: Signal<M>,
    ) -> Result<Option<Arc<dyn Room>>, NotTaken<M>> {
        for _ in 0..EVICTIONS {
            match self.evict() {
                Some(evicted) => {
                    self.queue.done(1);
                    count(&bound.counts.dropped);
                    self.report_loss(bound);
                    self.drop_evicted(evicted);
                }
                // Its own task has it for the length of a swap, or of a few looks.
                None => std::thread::yield_now(),
            }
            message = match self.enqueue(message, 0) {
                Ok(()) => return Ok(None),
                Err(Refused::Closed(message)) => return Err(NotTaken::Ended(message)),
                Err(Refused::Full(message)) => message,
            };
        }
        self.drop_newest(bound, message)
    }

    fn drop_evicted(&self, evicted: Signal<M>) {
        match evicted {
            Signal::Call(_, pending) => {
                pending.fail(&ExitReason::from(Atom::from_static("overloaded")));
            }
            Signal::Wire(wire) => refuse_call(self.node(), self.pid(), &wire),
            _ => {}
        }
    }

    fn evict(&self) -> Option<Signal<M>> {
        // Never waited for: in a selective receive the process's own code runs while its mail is locked, and may itself send.
        let mut mail = self.mail.try_lock()?;
        if let Some(oldest) = mail.evict() {
            return Some(oldest);
        }
        // The process has not taken its queue over: it does not run, or its thread is blocked.
        self.turn.set_arrived(true);
        let list = mail.arrived.list();
        let before = list.len();
        let batch = self.queue.try_take(list);
        if batch.more > 0 {
            unfold(list, before);
        }
        self.turn.receive(batch.messages, false);
        mail.evict()
    }

    fn divert(
        &self,
        bound: &Bound,
        name: Atom,
        message: Signal<M>,
        is_local: bool,
    ) -> Result<Option<Arc<dyn Room>>, NotTaken<M>> {
        let fallback = self
            .node()
            .named(name)
            .filter(|other| other.me().pid() != self.pid());
        let Some(fallback) = fallback else {
            return self.refuse(bound, message, is_local);
        };
        let same_type = Arc::clone(&fallback).as_any().downcast::<Self>();
        let message = match (same_type, message) {
            (Ok(same), message @ (Signal::Message(_) | Signal::Call(..) | Signal::Wire(_))) => {
                // Its own bound holds, but a message is diverted once only.
                match same.enqueue(message, 0) {
                    Ok(()) => {
                        count(&bound.counts.diverted);
                        return Ok(None);
                    }
                    Err(refused) => refused.into_inner(),
                }
            }
            (Err(_), message @ Signal::Message(_)) => {
                count(&bound.counts.diverted);
                return Err(NotTaken::Divert(message, name));
            }
            (Err(_), Signal::Wire(wire)) => match fallback.push_diverted(wire) {
                None => {
                    count(&bound.counts.diverted);
                    return Ok(None);
                }
                Some(wire) => Signal::Wire(wire),
            },
            // By an alias, or a call that nobody there would understand.
            (_, message) => message,
        };
        self.refuse(bound, message, is_local)
    }

    /// What another's full queue had no room for. Here it is refused like any other, and comes back.
    pub(super) fn take_diverted(&self, wire: Box<WireMessage>) -> Option<Box<WireMessage>> {
        match self.enqueue(Signal::Wire(wire), 0) {
            Err(Refused::Full(Signal::Wire(wire)) | Refused::Closed(Signal::Wire(wire))) => {
                Some(wire)
            }
            _ => None,
        }
    }

    /// The process itself hears of it.
    fn report_loss(&self, bound: &Bound) {
        if bound.counts.lost() {
            self.push_notice(Info::MessagesLost { count: 0 });
        }
    }

    /// Messages lost since the last report.
    pub(super) fn unreported(&self) -> u64 {
        self.bound().map_or(0, |bound| bound.counts.report())
    }

    fn bound(&self) -> Option<Arc<Bound>> {
        self.state.lock().bound.clone()
    }

    /// Sets or lifts the bound, from the process's own code or before it runs.
    pub(super) fn bound_queue(&self, bound: Option<QueueBound>) {
        let mut mail = self.mail.lock();
        mail.unfold();
        let held = mail.messages() + self.taken();
        self.queue.set_limit(bound.map(|bound| bound.limit), held);
        let new = bound.map(|bound| Arc::new(Bound::new(bound)));
        drop(mail);
        let old = std::mem::replace(&mut self.state.lock().bound, new);
        self.set_bounded(bound.is_some());
        wake(old.map(|old| old.take_waiters()));
    }

    /// The behaviour is done with messages that it took.
    pub(super) fn done(&self, messages: u32) {
        self.queue.done(messages);
        self.wake_waiters();
    }

    /// There is room, or the queue was closed.
    pub(super) fn wake_waiters(&self) {
        let bound = self.bound();
        wake(bound.map(|bound| bound.take_waiters()));
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}

fn wake(wakers: Option<Vec<Waker>>) {
    wakers.into_iter().flatten().for_each(Waker::wake);
}

impl<M: Send + 'static> Room for Process<M> {
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let bound = self.bound();
        match bound {
            Some(bound) if bound.wait(cx.waker(), || self.queue.has_room()) => Poll::Pending,
            _ => Poll::Ready(()),
        }
    }
}
