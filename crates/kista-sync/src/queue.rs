//! The inbound queue of a process: many producers, one consumer, in the order of arrival; unbounded unless a limit is set.
//!
//! States: *open* (idle, holding items, or idle with its consumer *parked*), then *closed*, for good.
//!
//! 1. Items come out in the order in which their pushes took the lock; so each producer's items keep their order.
//! 2. The consumer is parked from [`Queue::park`] until something is pushed, the queue is closed, or [`Queue::wake`]. Whoever ends this
//!    takes out what was parked, a waker or the consumer itself, and [wakes](Park::wake) it after the lock was released; others wake
//!    nobody. A park that nothing would end is refused: when there are items, when the queue is closed, and once after a wake that
//!    found nobody parked. [`Queue::take_parked`] ends it too, and wakes nobody: who calls it goes on as the consumer. A consumer
//!    with a [place](Park::place) is woken with the message by which that happens, which it has *in hand* then, before all that is
//!    queued from there on.
//! 3. Taking hands over everything at once. When the consumer's buffer is empty the two buffers change places, so
//!    that neither side allocates; otherwise the items are moved behind those that the consumer still has.
//! 4. Closing hands over what remains. An item is taken, given to the consumer in hand, handed out by the close, or given back to
//!    its producer as [`Refused`]: always exactly one of these.
//! 5. A new queue owns no memory beside itself. Buffers grow to four times their size, larger ones to twice, and become small again:
//!    - *when the consumer parks*, neither side keeps more than about 1 KiB, unless the consumer still holds items;
//!    - *at each take*, a buffer above that is kept only when it is at most eight times as large as its use: the
//!      batch that was just taken, or the items that the consumer still holds.
//! 6. A limit counts messages that are *unread*: queued, or taken and not yet reported by [`Queue::done`]. Both are counted
//!    under the one lock, so a push is refused exactly when there are that many. Signals are never refused.
//! 7. An item may be several messages ([`Queue::push_run`]), and counts as so many wherever messages are counted. Where there is a limit
//!    it is refused: who pushes pushes them one by one.

use std::collections::VecDeque;
use std::fmt;
use std::iter;
use std::mem;
use std::sync::atomic::Ordering::Relaxed;
use std::task::Waker;

use self::inner::{ACTING, CLOSED, Inner, Kind, MESSAGE, NOTE, SIGNAL, UNLIMITED};
use self::inner::{extend, make_room, saturated, shrink};
pub use self::refused::Refused;
use crate::sync::{AtomicBool, AtomicU8, AtomicU32, Mutex, MutexGuard};

mod inner;
#[cfg(all(test, loom))]
mod models;
mod refused;
#[cfg(all(test, not(loom)))]
mod tests;

// What is queued.
const HAS_ITEMS: u8 = 1;
const HAS_SIGNALS: u8 = 1 << 1;

/// A queue with many producers and one consumer.
///
/// Items are told apart by how they were pushed: messages ([`push`](Self::push)), signals ([`push_signal`](Self::push_signal)),
/// messages on which the consumer has to act as on a signal ([`push_acting`](Self::push_acting)), several messages in one
/// ([`push_run`](Self::push_run)), and what is neither ([`push_note`](Self::push_note)). They share one order; a
/// [`Batch`] says how many of its items were signals, so that a consumer which only got messages need not look at each.
///
/// The queue takes 72 bytes on 64-bit machines, whatever `T` is, and allocates nothing before the first push.
///
/// After use it keeps one small buffer, and the consumer's `VecDeque` another; consumers that empty theirs before they
/// return to their executor can share one per thread instead.
///
/// There must be one consumer at a time: a second one that parks takes the first one's place as the one to be woken, and the first one
/// is dropped.
///
/// ```
/// use kista_sync::queue::{Queue, Refused};
/// use std::collections::VecDeque;
/// use std::task::Waker;
///
/// let queue: Queue<_> = Queue::new();
/// queue.push("hello").unwrap();
/// queue.push_signal("exit").unwrap();
///
/// let mut mine = VecDeque::new();
/// let batch = queue.try_take(&mut mine);
/// assert_eq!((batch.items, batch.signals, batch.messages), (2, 1, 1));
/// assert_eq!(mine, ["hello", "exit"]);
///
/// queue.set_limit(Some(1), 1);                    // "hello" is still unread
/// assert_eq!(queue.push("more"), Err(Refused::Full("more")));
/// assert_eq!(queue.done(1), 0);
/// queue.push("more").unwrap();
///
/// assert!(queue.park(Waker::noop().clone()).is_err()); // there is "more"
/// queue.try_take(&mut mine);
/// assert!(queue.park(Waker::noop().clone()).is_ok()); // until something is pushed
///
/// queue.close(&mut mine);
/// assert_eq!(queue.push("too late"), Err(Refused::Closed("too late")));
/// ```
pub struct Queue<T, P = Waker> {
    inner: Mutex<Inner<T, P>>,
    /// Whether the consumer was woken while it was not parked. Read and written under the lock; it stands here, where there is room.
    woken: AtomicBool,
    /// Whether the consumer has a message in hand that it has yet to read.
    in_hand: AtomicBool,
    /// What is queued, as [`HAS_ITEMS`] and [`HAS_SIGNALS`]: written under the lock, and read by who does not take it.
    holds: AtomicU8,
    /// How many more messages than items are queued, because of runs. Read and written under the lock; it stands here, where there
    /// is room for it.
    more: AtomicU32,
}

/// What one take handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many items were appended to the consumer's buffer, signals included.
    pub items: usize,
    /// How many of them were pushed as signals.
    pub signals: usize,
    /// How many messages were pushed: each item of a run counts as all of them.
    pub messages: usize,
    /// How many more than the items that makes, because of runs. 0: there is no run among them.
    pub more: usize,
}

/// What [`Queue::try_next`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// Nothing was queued.
    Nothing,
    /// The one item that was queued, a message by itself; the consumer's buffer is as it was.
    One(T),
    /// Whatever else was queued, in the consumer's buffer.
    Batch(Batch),
}

/// What waits while the consumer of a queue of `T` is parked: a waker, or the consumer itself.
pub trait Park<T> {
    /// Something came.
    fn wake(self);
    /// Where the message comes that it is woken with: it is to be empty whenever the consumer parks. `None`: it has no such place.
    fn place(&mut self) -> Option<&mut Option<T>> {
        None
    }
    /// It is woken by [`Queue::wake`], with nothing in the queue.
    fn wake_idle(self)
    where
        Self: Sized,
    {
        self.wake();
    }
}

impl<T> Park<T> for Waker {
    fn wake(self) {
        Self::wake(self);
    }
}

impl<T, P: Park<T>> Queue<T, P> {
    /// An open queue that owns no memory yet.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            inner: Mutex::new(Inner::new()),
            woken: AtomicBool::new(false),
            in_hand: AtomicBool::new(false),
            holds: AtomicU8::new(0),
            more: AtomicU32::new(0),
        }
    }

    /// An open queue (loom's lock cannot be made in a constant).
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Mutex::new(Inner::new()),
            woken: AtomicBool::new(false),
            in_hand: AtomicBool::new(false),
            holds: AtomicU8::new(0),
            more: AtomicU32::new(0),
        }
    }

    /// Appends a message; wakes the consumer if it is parked. Gives the number of items that are queued now.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the item, when the queue was closed or as many messages are unread as the limit allows.
    #[inline]
    pub fn push(&self, item: T) -> Result<usize, Refused<T>> {
        self.append(item, MESSAGE, 0)
    }

    /// As [`push`](Self::push), of what is made where it is to lie, mostly under the lock: one that is made before is copied, step by
    /// step, and read again while it is still being written, for which the processor waits. A parked consumer that has a
    /// [place](Park::place) gets it there, where there is no limit, and has it in hand until it [says](Self::read_in_hand) that it
    /// reads it: so a message goes through no buffer, and is taken without a lock.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push): what would have made it.
    #[inline(always)]
    pub fn push_made<F: FnOnce() -> T>(&self, make: F) -> Result<usize, Refused<F>> {
        let mut inner = self.inner.lock();
        if inner.parked.is_some()
            && inner.limit == UNLIMITED
            && let Some(mut consumer) = inner.parked.take()
        {
            if let Some(place) = consumer.place() {
                self.in_hand.store(true, Relaxed);
                drop(inner);
                *place = Some(make());
                consumer.wake();
                return Ok(1);
            }
            inner.parked = Some(consumer);
        }
        self.append_to(inner, make, MESSAGE, 0)
    }

    /// The consumer reads the message in hand now.
    #[inline]
    pub fn read_in_hand(&self) {
        self.in_hand.store(false, Relaxed);
    }

    /// Whether nothing is queued, as far as it can be seen without the lock: this thread's own pushes are seen, those of others perhaps.
    #[inline]
    #[must_use]
    pub fn seems_empty(&self) -> bool {
        self.holds.load(Relaxed) == 0
    }

    /// Whether signals are queued, as far as it can be seen without the lock.
    #[inline]
    #[must_use]
    pub fn seems_signalled(&self) -> bool {
        self.holds.load(Relaxed) & HAS_SIGNALS != 0
    }

    /// As [`push`](Self::push), with so many more unread messages than the limit says.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_beyond(&self, item: T, extra: u32) -> Result<usize, Refused<T>> {
        self.append(item, MESSAGE, extra)
    }

    /// Appends a message that is counted as a signal too: the consumer has to act on it before it can be read.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn push_acting(&self, item: T, extra: u32) -> Result<usize, Refused<T>> {
        self.append(item, ACTING, extra)
    }

    /// Appends one item that is so many messages (at least 1). Gives the number of items and messages that are queued now.
    ///
    /// # Errors
    ///
    /// [`Refused::Closed`] as ever; [`Refused::Full`] when there is a limit, however much room it leaves.
    pub fn push_run(&self, item: T, messages: u32) -> Result<usize, Refused<T>> {
        let kind = Kind {
            signals: 0,
            messages: messages.max(1),
        };
        self.append(item, kind, 0)
    }

    /// Appends an item that is counted as a signal; wakes the consumer if it is parked. No limit holds for it.
    ///
    /// # Errors
    ///
    /// The item, when the queue was closed.
    pub fn push_signal(&self, item: T) -> Result<(), T> {
        match self.append(item, SIGNAL, 0) {
            Ok(_) => Ok(()),
            Err(refused) => Err(refused.into_inner()),
        }
    }

    /// Appends an item that is read in its turn and counts as nothing; wakes the consumer if it is parked. No limit holds for it.
    ///
    /// # Errors
    ///
    /// The item, when the queue was closed.
    pub fn push_note(&self, item: T) -> Result<(), T> {
        match self.append(item, NOTE, 0) {
            Ok(_) => Ok(()),
            Err(refused) => Err(refused.into_inner()),
        }
    }

    /// Costs 11 ns on one thread; 16 ns per item, with the taking, while one to four producers and the consumer
    /// are at it on two cores (x86-64, items of 64 bytes): with batches the lock is hardly ever contended.
    #[inline]
    fn append(&self, item: T, kind: Kind, extra: u32) -> Result<usize, Refused<T>> {
        let made = self.append_made(move || item, kind, extra);
        made.map_err(|refused| refused.map(|make| make()))
    }

    #[inline(always)]
    fn append_made<F: FnOnce() -> T>(
        &self,
        make: F,
        kind: Kind,
        extra: u32,
    ) -> Result<usize, Refused<F>> {
        self.append_to(self.inner.lock(), make, kind, extra)
    }

    #[inline(always)]
    fn append_to<F: FnOnce() -> T>(
        &self,
        mut inner: MutexGuard<'_, Inner<T, P>>,
        make: F,
        kind: Kind,
        extra: u32,
    ) -> Result<usize, Refused<F>> {
        if inner.limit != UNLIMITED
            && let Some(refused) = inner.refusal(kind, extra)
        {
            return Err(refused.map(|()| make));
        }
        inner.make_room();
        // Not `push`, which has what it is given in its own hands before it has room.
        inner.items.extend(iter::once_with(make));
        inner.signals = inner.signals.saturating_add(kind.signals);
        let more = match kind.signals {
            0 => HAS_ITEMS,
            _ => HAS_ITEMS | HAS_SIGNALS,
        };
        self.holds.store(self.holds.load(Relaxed) | more, Relaxed);
        inner.messages = inner.messages.saturating_add(kind.messages);
        let mut queued = inner.items.len();
        if kind.messages > 1 {
            let more = self.more.load(Relaxed).saturating_add(kind.messages - 1);
            self.more.store(more, Relaxed);
            queued += more as usize;
        }
        let parked = inner.parked.take();
        drop(inner);
        if let Some(waker) = parked {
            waker.wake();
        }
        Ok(queued)
    }

    /// From now on at most `limit` messages may be unread (at least 1; `None`: any number). `held` is how many the consumer
    /// took over and is not done with: only the consumer can know, so only it may call this.
    pub fn set_limit(&self, limit: Option<u32>, held: usize) {
        let mut inner = self.inner.lock();
        if inner.limit != CLOSED {
            inner.limit = limit.map_or(UNLIMITED, |limit| limit.clamp(1, UNLIMITED - 1));
            inner.held = match limit {
                Some(_) => saturated(held),
                None => 0,
            };
        }
    }

    /// The consumer is done with so many messages that it took. Gives how many are unread now.
    pub fn done(&self, messages: u32) -> u32 {
        let mut inner = self.inner.lock();
        inner.held = inner.held.saturating_sub(messages);
        inner.unread()
    }

    /// So many messages that the consumer had reported as done, or made itself, are unread at it.
    pub fn hold(&self, messages: u32) {
        let mut inner = self.inner.lock();
        inner.held = inner.held.saturating_add(messages);
    }

    /// Whether the limit would let a message in, or the queue is closed.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let inner = self.inner.lock();
        inner.limit == CLOSED || inner.unread() < inner.limit
    }

    /// Parks the consumer: what ends the park wakes `consumer`. Its small buffer is kept.
    ///
    /// # Errors
    ///
    /// The consumer, when something is queued, the queue was closed, or it was [woken](Self::wake) since it last asked: then nothing
    /// would wake it.
    pub fn park(&self, consumer: P) -> Result<(), P> {
        let mut inner = self.inner.lock();
        if !inner.items.is_empty() || inner.limit == CLOSED {
            return Err(consumer);
        }
        if self.woken.load(Relaxed) {
            self.woken.store(false, Relaxed);
            return Err(consumer);
        }
        let stale = inner.parked.replace(consumer);
        let large = inner.give_back();
        drop(inner);
        drop(stale);
        drop(large);
        Ok(())
    }

    /// Under the lock, where everything is taken. How many more messages than items that is.
    fn take_more(&self) -> usize {
        self.holds.store(0, Relaxed);
        let more = self.more.load(Relaxed);
        if more > 0 {
            self.more.store(0, Relaxed);
        }
        more as usize
    }

    /// Ends the consumer's park, or has its next one refused, though there is nothing to take.
    pub fn wake(&self) {
        let parked = {
            let mut inner = self.inner.lock();
            let parked = inner.parked.take();
            if parked.is_none() {
                self.woken.store(true, Relaxed);
            }
            parked
        };
        if let Some(consumer) = parked {
            consumer.wake_idle();
        }
    }

    /// Takes the consumer out of its park, if `is_wanted`, which is asked under the lock, and there is no limit; wakes nobody. Whoever has it
    /// is the consumer now. What it is given by hand came before whatever is pushed from here on, as if it had been pushed here.
    #[inline]
    pub fn take_parked(&self, is_wanted: impl FnOnce(&P) -> bool) -> Option<P> {
        let mut inner = self.inner.lock();
        if inner.limit != UNLIMITED || !is_wanted(inner.parked.as_ref()?) {
            return None;
        }
        inner.parked.take()
    }

    /// Appends everything that is queued to `into`, and never parks. A batch of zero items means that nothing was queued.
    pub fn try_take(&self, into: &mut VecDeque<T>) -> Batch {
        make_room(into);
        let mut inner = self.inner.lock();
        if inner.items.is_empty() {
            drop(inner);
            shrink(into);
            return Batch::default();
        }
        let taken = inner.take(into, self.take_more());
        drop(inner);
        taken.finish(into)
    }

    /// As [`try_take`](Self::try_take), but a single message, where there is no limit, is handed over by itself: so it goes through one
    /// buffer, not two. Most turns of a process that answers calls, or hands on what it gets, are for one message.
    #[inline]
    pub fn try_next(&self, into: &mut VecDeque<T>) -> Found<T> {
        make_room(into);
        let mut inner = self.inner.lock();
        match inner.items.len() {
            0 => Found::Nothing,
            1 if inner.is_one_message() => {
                inner.messages = 0;
                self.holds.store(0, Relaxed);
                inner.items.pop().map_or(Found::Nothing, Found::One)
            }
            _ => {
                let taken = inner.take(into, self.take_more());
                drop(inner);
                Found::Batch(taken.finish(into))
            }
        }
    }

    /// Takes the item that is queued if it is the only one, a message by itself where there is no limit, and `is_wanted`: which is asked
    /// under the lock.
    #[inline(always)]
    pub fn pop_only(&self, is_wanted: impl FnOnce(&T) -> bool) -> Option<T> {
        let mut inner = self.inner.lock();
        let [only] = inner.items.as_slice() else {
            return None;
        };
        if !inner.is_one_message() || !is_wanted(only) {
            return None;
        }
        inner.messages = 0;
        self.holds.store(0, Relaxed);
        inner.items.pop()
    }

    /// Closes the queue and appends what remained to `into`. Every later push is refused. A parked consumer is woken, and
    /// finds out by a batch of zero items. Closing again does nothing.
    pub fn close(&self, into: &mut VecDeque<T>) -> Batch {
        let mut inner = self.inner.lock();
        inner.limit = CLOSED;
        self.in_hand.store(false, Relaxed);
        let rest = mem::take(&mut inner.items);
        let batch = Batch {
            items: rest.len(),
            signals: mem::take(&mut inner.signals) as usize,
            messages: mem::take(&mut inner.messages) as usize,
            more: self.take_more(),
        };
        let parked = inner.parked.take();
        drop(inner);
        extend(into, rest);
        if let Some(waker) = parked {
            waker.wake();
        }
        batch
    }

    /// Whether the queue was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.inner.lock().limit == CLOSED
    }

    /// Whether nothing is queued and the queue is open.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let inner = self.inner.lock();
        inner.items.is_empty() && inner.limit != CLOSED && !self.in_hand.load(Relaxed)
    }

    /// Whether signals are queued, or the queue is closed.
    #[must_use]
    pub fn has_signals(&self) -> bool {
        let inner = self.inner.lock();
        inner.signals > 0 || inner.limit == CLOSED
    }

    /// How many items are queued, those of a run counted as so many, and one in hand that was not read yet: what the consumer took over
    /// is not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        let inner = self.inner.lock();
        let in_hand = usize::from(self.in_hand.load(Relaxed));
        inner.items.len() + self.more.load(Relaxed) as usize + in_hand
    }

    /// The bytes of the queue's buffer. What items own elsewhere is not counted.
    #[must_use]
    pub fn buffer_bytes(&self) -> usize {
        self.inner.lock().items.capacity() * size_of::<T>()
    }

    /// Whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T, P: Park<T>> Default for Queue<T, P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, P> fmt::Debug for Queue<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.lock();
        f.debug_struct("Queue")
            .field("len", &inner.items.len())
            .field("signals", &inner.signals)
            .field("parked", &inner.parked.is_some())
            .field("closed", &(inner.limit == CLOSED))
            .finish()
    }
}
