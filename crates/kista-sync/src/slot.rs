//! Where the answer to one call arrives: settled at most once, by whoever is first.
//!
//! States: *pending* → *settled* (filled or failed) → *taken*, or from any of them → *abandoned*; and from *settled* to *pending*
//! again, by one who has the slot to himself ([`take_to_reuse`](ReplySlot::take_to_reuse)).
//!
//! 1. The first [`fill`](ReplySlot::fill) or [`fail`](ReplySlot::fail) settles the slot. Every later one is refused,
//!    and its value goes back to who brought it.
//! 2. The outcome is taken once, by [`poll`](ReplySlot::poll), [`try_take`](ReplySlot::try_take) or
//!    [`abandon`](ReplySlot::abandon).
//! 3. After `abandon` nothing arrives any more: a reply that comes later is refused, so that its sender knows.
//! 4. There is one consumer. It is woken once, after the lock was released, or by who settled the slot quietly.

use std::fmt;
use std::mem;
use std::task::{Context, Poll, Waker};

use crate::sync::Mutex;

mod settled;

pub use self::settled::Settled;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

/// The meeting point of a caller and whoever answers it; used inside an [`Arc`](std::sync::Arc) by the two sides.
///
/// Its size is that of `Result<T, E>` (at least a waker's 16 bytes), a discriminant and a byte each for the lock and a flag.
///
/// ```
/// use kista_sync::slot::ReplySlot;
///
/// let slot: ReplySlot<u32, &str> = ReplySlot::new();
/// slot.fill(7).unwrap();
/// assert_eq!(slot.fail("timeout"), Err("timeout")); // too late
/// assert_eq!(slot.try_take(), Some(Ok(7)));
/// ```
pub struct ReplySlot<T, E> {
    state: Mutex<State<T, E>>,
    settled: Settled,
}

enum State<T, E> {
    Pending,
    /// Pending, and the consumer is parked.
    Parked(Waker),
    Settled(Result<T, E>),
    Taken,
    Abandoned,
}

impl<T, E> ReplySlot<T, E> {
    /// A pending slot.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            state: Mutex::new(State::Pending),
            settled: Settled::new(),
        }
    }

    /// A pending slot (loom's lock cannot be made in a constant).
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::new(State::Pending),
            settled: Settled::new(),
        }
    }

    /// Settles the slot with a reply.
    ///
    /// # Errors
    ///
    /// The reply itself, when the slot was settled or abandoned before.
    pub fn fill(&self, reply: T) -> Result<(), T> {
        self.settle(reply, Ok)
    }

    /// Settles the slot with an error.
    ///
    /// # Errors
    ///
    /// The error itself, when the slot was settled or abandoned before.
    pub fn fail(&self, error: E) -> Result<(), E> {
        self.settle(error, Err)
    }

    /// As [`fill`](Self::fill), for who holds a lock: takes the reply if it settles the slot with that, wakes nobody, and gives whom to wake.
    pub fn fill_quietly(&self, reply: &mut Option<T>) -> Option<Waker> {
        let mut state = self.state.lock();
        if !state.is_pending() {
            return None;
        }
        let reply = reply.take()?;
        self.place(&mut state, Ok(reply))
    }

    fn settle<V>(&self, value: V, outcome: impl FnOnce(V) -> Result<T, E>) -> Result<(), V> {
        let mut state = self.state.lock();
        if !state.is_pending() {
            return Err(value);
        }
        let parked = self.place(&mut state, outcome(value));
        drop(state);
        if let Some(waker) = parked {
            waker.wake();
        }
        Ok(())
    }

    fn place(&self, state: &mut State<T, E>, outcome: Result<T, E>) -> Option<Waker> {
        let before = mem::replace(state, State::Settled(outcome));
        self.settled.set(true);
        match before {
            State::Parked(waker) => Some(waker),
            _ => None,
        }
    }

    /// Takes the outcome, or parks the consumer until there is one.
    ///
    /// After the outcome was taken, and after `abandon`, this is `Pending` for ever: nothing can arrive.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<T, E>> {
        let mut state = self.state.lock();
        let next = match &*state {
            State::Parked(waker) if waker.will_wake(cx.waker()) => return Poll::Pending,
            State::Pending | State::Parked(_) => State::Parked(cx.waker().clone()),
            State::Settled(_) => State::Taken,
            State::Taken | State::Abandoned => return Poll::Pending,
        };
        let before = mem::replace(&mut *state, next);
        drop(state);
        match before {
            State::Settled(outcome) => Poll::Ready(outcome),
            _ => Poll::Pending,
        }
    }

    /// Takes the outcome if there is one. A parked consumer stays parked.
    pub fn try_take(&self) -> Option<Result<T, E>> {
        self.leave(State::Taken, |state| matches!(state, State::Settled(_)))
    }

    /// As [`try_take`](Self::try_take), by who has the slot to himself, without the lock; and the slot is pending again.
    pub fn take_to_reuse(&mut self) -> Option<Result<T, E>> {
        let state = self.state.get_mut();
        match mem::replace(state, State::Pending) {
            State::Settled(outcome) => {
                self.settled.set(false);
                Some(outcome)
            }
            other => {
                *state = other;
                None
            }
        }
    }

    /// The receiver gives up: later replies and errors are refused. An outcome that had arrived, and that nobody took, is
    /// returned: a caller whose time ran out at this very moment may still use it.
    pub fn abandon(&self) -> Option<Result<T, E>> {
        self.leave(State::Abandoned, |_| true)
    }

    fn leave(
        &self,
        next: State<T, E>,
        when: impl FnOnce(&State<T, E>) -> bool,
    ) -> Option<Result<T, E>> {
        let mut state = self.state.lock();
        if !when(&state) {
            return None;
        }
        let before = mem::replace(&mut *state, next);
        drop(state);
        match before {
            State::Settled(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Whether a reply would still be accepted: nothing settled the slot, and nobody abandoned it.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.settled.get() && self.state.lock().is_pending()
    }

    /// Whether anything settled the slot: for who does not know the type of the answer.
    pub fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Whether the receiver gave up: work for it is in vain.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        matches!(*self.state.lock(), State::Abandoned)
    }
}

impl<T, E> State<T, E> {
    const fn is_pending(&self) -> bool {
        matches!(self, Self::Pending | Self::Parked(_))
    }
}

impl<T, E> Default for ReplySlot<T, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, E> fmt::Debug for ReplySlot<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match *self.state.lock() {
            State::Pending => "pending",
            State::Parked(_) => "parked",
            State::Settled(Ok(_)) => "filled",
            State::Settled(Err(_)) => "failed",
            State::Taken => "taken",
            State::Abandoned => "abandoned",
        };
        f.debug_tuple("ReplySlot").field(&state).finish()
    }
}
