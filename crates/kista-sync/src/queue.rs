//! The inbound queue of a process: many producers, one consumer, unbounded, in the order of arrival.
//!
//! States: *open* (idle, holding items, or idle with its consumer *parked*), then *closed*, for good.
//!
//! 1. Items come out in the order in which their pushes took the lock; so each producer's items keep their order.
//! 2. The consumer is parked when [`Queue::poll_take`] returned `Pending` and nothing was pushed since. The push
//!    that ends this takes the waker along, and wakes after it released the lock; other pushes wake nobody.
//! 3. Taking hands over everything at once. When the consumer's buffer is empty the two buffers change places, so
//!    that neither side allocates; otherwise the items are moved behind those that the consumer still has.
//! 4. Closing hands over what remains. An item is taken, handed out by the close, or given back to its
//!    producer as [`Closed`]: always exactly one of these.
//! 5. A new queue owns no memory beside itself. Buffers grow by doubling, and become small again:
//!    - *when the consumer parks*, neither side keeps more than about 1 KiB, unless the consumer still holds items;
//!    - *at each take*, a buffer above that is kept only when it is at most eight times as large as its use: the
//!      batch that was just taken, or the items that the consumer still holds.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::task::{Context, Poll, Waker};

use crate::sync::Mutex;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

/// Buffers up to this many bytes are always kept (though never fewer than [`KEPT_ITEMS`] items).
const KEPT_BYTES: usize = 1024;
const KEPT_ITEMS: usize = 4;

/// A buffer that is this many times larger than its use is given back.
const SLACK: usize = 8;

/// A batch up to this size is moved behind the consumer's items while the lock is held, so that the queue keeps its
/// buffer. A larger one is taken with its buffer and moved afterwards: the lock must not last as long as a copy.
const MOVED_UNDER_LOCK: usize = 8;

/// An unbounded queue with many producers and one consumer.
///
/// Two kinds of items are told apart by how they were pushed: messages ([`push`](Self::push)) and signals
/// ([`push_signal`](Self::push_signal)). They share one order; a [`Batch`] says how many of its items were signals, so
/// that a consumer which only got messages need not look at each.
///
/// The queue takes 56 bytes on 64-bit machines, whatever `T` is, and allocates nothing before the first push.
///
/// After use it keeps one small buffer, and the consumer's `VecDeque` another; consumers that empty theirs before they
/// return to their executor can share one per thread instead.
///
/// There must be one consumer at a time: a second task that polls takes the first one's place as the one to be woken.
///
/// ```
/// use kista_sync::queue::Queue;
/// use std::collections::VecDeque;
///
/// let queue = Queue::new();
/// queue.push("hello").unwrap();
/// queue.push_signal("exit").unwrap();
///
/// let mut mine = VecDeque::new();
/// let batch = queue.try_take(&mut mine);
/// assert_eq!((batch.items, batch.signals), (2, 1));
/// assert_eq!(mine, ["hello", "exit"]);
///
/// queue.close(&mut mine);
/// assert_eq!(queue.push("too late").unwrap_err().0, "too late");
/// ```
pub struct Queue<T> {
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    /// A `Vec`, not a `VecDeque`: the queue only ever appends, and it is 8 bytes smaller. The two convert in O(1).
    items: Vec<T>,
    /// Present exactly while the consumer is parked; so never while there are items.
    parked: Option<Waker>,
    /// How many of `items` are signals. Saturates; only "none" has to be exact.
    signals: u32,
    closed: bool,
}

/// What one take handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batch {
    /// How many items were appended to the consumer's buffer, signals included.
    pub items: usize,
    /// How many of them were pushed as signals.
    pub signals: usize,
}

/// The queue was closed; the item comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Closed<T>(pub T);

impl<T> Queue<T> {
    /// An open queue that owns no memory yet.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        Self {
            inner: Mutex::new(Inner::new()),
        }
    }

    /// An open queue (loom's lock cannot be made in a constant).
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> Self {
        Self {
            inner: Mutex::new(Inner::new()),
        }
    }

    /// Appends a message; wakes the consumer if it is parked.
    ///
    /// # Errors
    ///
    /// [`Closed`] with the item, when the queue was closed.
    pub fn push(&self, item: T) -> Result<(), Closed<T>> {
        self.append(item, 0)
    }

    /// Appends an item that is counted as a signal; wakes the consumer if it is parked.
    ///
    /// # Errors
    ///
    /// [`Closed`] with the item, when the queue was closed.
    pub fn push_signal(&self, item: T) -> Result<(), Closed<T>> {
        self.append(item, 1)
    }

    /// Costs 11 ns on one thread; 16 ns per item, with the taking, while one to four producers and the consumer
    /// are at it on two cores (x86-64, items of 64 bytes): with batches the lock is hardly ever contended.
    #[inline]
    fn append(&self, item: T, signals: u32) -> Result<(), Closed<T>> {
        let mut inner = self.inner.lock();
        if inner.closed {
            return Err(Closed(item));
        }
        inner.items.push(item);
        inner.signals = inner.signals.saturating_add(signals);
        let parked = inner.parked.take();
        drop(inner);
        if let Some(waker) = parked {
            waker.wake();
        }
        Ok(())
    }

    /// Appends everything that is queued to `into`. When nothing is queued, the consumer is parked: the next push (or the
    /// close) wakes `cx`.
    ///
    /// `Ready` with a batch of zero items means that the queue was closed.
    /// The buffer behind `into` may be exchanged or shrunk, see rules 3 and 5 of the [module](self).
    pub fn poll_take(&self, cx: &mut Context<'_>, into: &mut VecDeque<T>) -> Poll<Batch> {
        make_room(into);
        let mut inner = self.inner.lock();
        if !inner.items.is_empty() {
            let taken = inner.take(into);
            drop(inner);
            return Poll::Ready(taken.finish(into));
        }
        if inner.closed {
            return Poll::Ready(Batch::default());
        }
        let stale = match &inner.parked {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            _ => inner.parked.replace(cx.waker().clone()),
        };
        let large = if is_large::<T>(inner.items.capacity()) {
            mem::take(&mut inner.items)
        } else {
            Vec::new()
        };
        drop(inner);
        drop(stale);
        drop(large);
        shrink(into);
        Poll::Pending
    }

    /// Appends everything that is queued to `into`, and never parks. A batch of zero items means that nothing was queued.
    pub fn try_take(&self, into: &mut VecDeque<T>) -> Batch {
        make_room(into);
        let mut inner = self.inner.lock();
        if inner.items.is_empty() {
            return Batch::default();
        }
        let taken = inner.take(into);
        drop(inner);
        taken.finish(into)
    }

    /// Closes the queue and appends what remained to `into`. Every later push is refused. A parked consumer is woken, and
    /// finds out by a batch of zero items. Closing again does nothing.
    pub fn close(&self, into: &mut VecDeque<T>) -> Batch {
        let mut inner = self.inner.lock();
        inner.closed = true;
        let rest = mem::take(&mut inner.items);
        let batch = Batch {
            items: rest.len(),
            signals: mem::take(&mut inner.signals) as usize,
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
        self.inner.lock().closed
    }

    /// How many items are queued: what the consumer took over is not counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.lock().items.len()
    }

    /// Whether nothing is queued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Inner<T> {
    const fn new() -> Self {
        Self {
            items: Vec::new(),
            parked: None,
            signals: 0,
            closed: false,
        }
    }

    /// Takes the batch; what is left to do is done after the lock was released, by [`Taken::finish`].
    fn take(&mut self, into: &mut VecDeque<T>) -> Taken<T> {
        let items = self.items.len();
        let batch = Batch {
            items,
            signals: mem::take(&mut self.signals) as usize,
        };
        let kept = |capacity| !is_large::<T>(capacity) || capacity / SLACK <= items;
        let (rest, spare) = if into.is_empty() {
            let mut spare = Vec::from(mem::take(into));
            let full = mem::replace(
                &mut self.items,
                if kept(spare.capacity()) {
                    mem::take(&mut spare)
                } else {
                    Vec::new()
                },
            );
            *into = VecDeque::from(full);
            (Vec::new(), spare)
        } else if items <= MOVED_UNDER_LOCK {
            into.extend(self.items.drain(..));
            (
                Vec::new(),
                if kept(self.items.capacity()) {
                    Vec::new()
                } else {
                    mem::take(&mut self.items)
                },
            )
        } else {
            (mem::take(&mut self.items), Vec::new())
        };
        Taken {
            batch,
            rest,
            _spare: spare,
        }
    }
}

/// A batch on its way out of the lock.
struct Taken<T> {
    batch: Batch,
    /// Items that are still to be moved to the consumer.
    rest: Vec<T>,
    /// A buffer that is given back to the allocator.
    _spare: Vec<T>,
}

impl<T> Taken<T> {
    fn finish(self, into: &mut VecDeque<T>) -> Batch {
        if !self.rest.is_empty() {
            extend(into, self.rest);
        }
        self.batch
    }
}

/// Whether a buffer of this capacity is more than what is always kept.
const fn is_large<T>(capacity: usize) -> bool {
    let size = size_of::<T>();
    size != 0 && capacity > KEPT_ITEMS && capacity.saturating_mul(size) > KEPT_BYTES
}

/// Makes sure that a small batch can be moved behind the consumer's items without growing its buffer under the lock, and
/// gives back what the consumer no longer needs.
fn make_room<T>(into: &mut VecDeque<T>) {
    if !into.is_empty() {
        shrink(into);
        into.reserve(MOVED_UNDER_LOCK);
    }
}

/// Gives back most of a large buffer that is hardly used. The items that left it before have paid for the copy.
fn shrink<T>(into: &mut VecDeque<T>) {
    let needed = match into.len() {
        0 => 0,
        held => held + MOVED_UNDER_LOCK, // or `make_room` would undo this each time
    };
    if is_large::<T>(into.capacity()) && needed <= into.capacity() / SLACK {
        into.shrink_to(needed);
    }
}

fn extend<T>(into: &mut VecDeque<T>, rest: Vec<T>) {
    if into.is_empty() {
        *into = VecDeque::from(rest);
    } else {
        into.extend(rest);
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.lock();
        f.debug_struct("Queue")
            .field("len", &inner.items.len())
            .field("signals", &inner.signals)
            .field("parked", &inner.parked.is_some())
            .field("closed", &inner.closed)
            .finish()
    }
}

impl<T> Closed<T> {
    /// The item that was refused.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Closed(..)")
    }
}

impl<T> fmt::Display for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue was closed")
    }
}

impl<T> std::error::Error for Closed<T> {}
