use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::Waker;

use kista_etf::Atom;
use parking_lot::Mutex;

/// How many messages may be unread at a process, and what becomes of further ones. Without one a queue grows as it must, as in Erlang.
///
/// What counts is every message that was sent and not yet handled (or, in a plain process, not yet received). Signals are no
/// messages: links, monitors, exits, DOWN and requests for information always arrive.
///
/// ```
/// use kista::{Overflow, QueueBound, SpawnOptions};
/// let options = SpawnOptions::new().bound(QueueBound::new(1_000, Overflow::DropOldest));
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueBound {
    pub(crate) limit: u32,
    pub(crate) overflow: Overflow,
}

impl QueueBound {
    /// At most `limit` messages (1 at least); `overflow` says what becomes of one more.
    pub const fn new(limit: u32, overflow: Overflow) -> Self {
        let limit = if limit == 0 { 1 } else { limit };
        Self { limit, overflow }
    }

    /// How many messages may be unread.
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// What becomes of one more.
    pub const fn overflow(&self) -> Overflow {
        self.overflow
    }
}

/// What becomes of a message that a full queue has no room for.
///
/// Whoever sends from another node can neither wait nor be told: what is refused to it is counted, and reported to the process as
/// [`Info::MessagesLost`](crate::Info::MessagesLost). Its calls are refused at once, as a server refuses a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The sender waits: the message is taken, a sending process is held at its next await until there is room, and
    /// [`Sent`](crate::Sent) can be awaited for it. Senders that do neither are refused when they passed the limit by as much
    /// again, and by 1,024 at least. From other nodes: refused at the limit.
    ///
    /// What a process sends to itself never holds it: it is taken, and refused as far beyond the limit. Two processes that are
    /// bounded so and cast to each other can hold each other for ever, each waiting for the other's room: give one of them
    /// [`Reject`](Self::Reject), or let it call.
    Wait,
    /// The message is refused, and the sender told: [`SendError::Overloaded`](crate::SendError), [`CallError::Overloaded`](crate::CallError).
    Reject,
    /// The message is dropped. Its sender is not told, unless it is a call's.
    DropNewest,
    /// The oldest unread message is dropped in its place; the caller of a dropped call gets the exit reason `overloaded`.
    DropOldest,
    /// The message goes to the process registered under this name on this node, as it is. When there is none, or its own
    /// queue is full too, or a typed call is not of its message type, it is refused as by [`Reject`](Self::Reject).
    Divert(Atom),
}

/// A bound in force.
pub(super) struct Bound {
    pub(super) bound: QueueBound,
    /// Who waits for room.
    waiters: Mutex<Vec<Waker>>,
    pub(super) counts: Counts,
}

/// What became of the messages that there was no room for.
#[derive(Default)]
pub(super) struct Counts {
    pub(super) refused: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) diverted: AtomicU64,
    /// Lost without a word to the sender, and not reported yet.
    unreported: AtomicU64,
    /// Whether a report is on its way.
    reporting: AtomicBool,
}

impl Bound {
    pub(super) fn new(bound: QueueBound) -> Self {
        Self {
            bound,
            waiters: Mutex::default(),
            counts: Counts::default(),
        }
    }

    /// How far senders that should wait may go beyond the limit.
    pub(super) fn extra(&self) -> u32 {
        self.bound.limit.max(1024)
    }

    /// Waits, unless `has_room` says meanwhile that there is no need to. False: no need.
    pub(super) fn wait(&self, waker: &Waker, has_room: impl FnOnce() -> bool) -> bool {
        let mut waiters = self.waiters.lock();
        if has_room() {
            return false;
        }
        if !waiters.iter().any(|waiter| waiter.will_wake(waker)) {
            waiters.push(waker.clone());
        }
        true
    }

    /// All of them: one that is gone must not take the turn of one that waits.
    pub(super) fn take_waiters(&self) -> Vec<Waker> {
        std::mem::take(&mut self.waiters.lock())
    }
}

impl Counts {
    /// A message was lost and its sender not told. True: a report is to be sent.
    pub(super) fn lost(&self) -> bool {
        self.unreported.fetch_add(1, Relaxed);
        !self.reporting.swap(true, Relaxed)
    }

    /// How many were lost since the last report. The next one that is lost begins another.
    pub(super) fn report(&self) -> u64 {
        self.reporting.store(false, Relaxed);
        self.unreported.swap(0, Relaxed)
    }
}
