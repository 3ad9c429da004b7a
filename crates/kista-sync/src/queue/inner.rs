//! What lies under a queue's lock, and which buffers are kept: rule 5 of the queue.

use std::collections::VecDeque;
use std::mem;

use super::{Batch, Refused};

/// Buffers up to this many bytes are always kept (though never fewer than [`KEPT_ITEMS`] items).
pub(super) const KEPT_BYTES: usize = 1024;
pub(super) const KEPT_ITEMS: usize = 4;

/// A buffer that is this many times larger than its use is given back.
pub(super) const SLACK: usize = 8;

/// Up to so many items a buffer grows to four times its size.
pub(super) const DOUBLED_FROM: usize = 1024;

/// A batch up to this size is moved behind the consumer's items while the lock is held, so that the queue keeps its
/// buffer. A larger one is taken with its buffer and moved afterwards: the lock must not last as long as a copy.
pub(super) const MOVED_UNDER_LOCK: usize = 8;

/// No limit: more messages than there is memory for.
pub(super) const UNLIMITED: u32 = u32::MAX;

/// The limit of a closed queue, which is also what makes it closed.
pub(super) const CLOSED: u32 = 0;

pub(super) struct Inner<T, P> {
    /// A `Vec`, not a `VecDeque`: the queue only ever appends, and it is 8 bytes smaller. The two convert in O(1).
    pub(super) items: Vec<T>,
    /// Present exactly while the consumer is parked; so never while there are items.
    pub(super) parked: Option<P>,
    /// How many of `items` are signals. Saturates; only "none" has to be exact.
    pub(super) signals: u32,
    /// How many of `items` are messages.
    pub(super) messages: u32,
    /// Messages that were taken and are not done with. Kept only while there is a limit.
    pub(super) held: u32,
    /// How many messages may be unread; [`UNLIMITED`] or [`CLOSED`].
    pub(super) limit: u32,
}

/// What one item counts as: signals and messages.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    pub(super) signals: u32,
    pub(super) messages: u32,
}

impl<T, P> Inner<T, P> {
    pub(super) const fn new() -> Self {
        Self {
            items: Vec::new(),
            parked: None,
            signals: 0,
            messages: 0,
            held: 0,
            limit: UNLIMITED,
        }
    }

    /// The buffer of who is about to wait, if it is too large to be kept. For when the lock was released.
    pub(super) fn give_back(&mut self) -> Vec<T> {
        if is_large::<T>(self.items.capacity()) {
            mem::take(&mut self.items)
        } else {
            Vec::new()
        }
    }

    /// Why the limit, or the end, does not let this in.
    #[inline(never)]
    pub(super) fn refusal(&self, kind: Kind, extra: u32) -> Option<Refused<()>> {
        if self.limit == CLOSED {
            return Some(Refused::Closed(()));
        }
        let full = self.unread() >= self.limit.saturating_add(extra);
        (kind.messages > 0 && (full || kind.messages > 1)).then_some(Refused::Full(()))
    }

    /// For one item more.
    #[inline]
    pub(super) fn make_room(&mut self) {
        if self.items.len() == self.items.capacity() {
            self.grow();
        }
    }

    /// A buffer that was given back when the consumer parked is large again soon, if it was large before.
    #[cold]
    pub(super) fn grow(&mut self) {
        let now = self.items.capacity();
        let more = match now {
            0 => KEPT_ITEMS,
            1..DOUBLED_FROM => 3 * now,
            _ => now,
        };
        self.items.reserve_exact(more);
    }

    /// Of what is queued, one item: whether it is a message by itself, which nobody counts any further, in a buffer that may stay.
    pub(super) fn is_one_message(&self) -> bool {
        self.signals == 0
            && self.messages == 1
            && self.limit == UNLIMITED
            && !is_large::<T>(self.items.capacity())
    }

    pub(super) const fn unread(&self) -> u32 {
        self.messages.saturating_add(self.held)
    }

    /// Takes the batch; what is left to do is done after the lock was released, by [`Taken::finish`].
    pub(super) fn take(&mut self, into: &mut VecDeque<T>, more: usize) -> Taken<T> {
        let items = self.items.len();
        let messages = mem::take(&mut self.messages);
        if self.limit != UNLIMITED {
            self.held = self.held.saturating_add(messages);
        }
        let batch = Batch {
            items,
            signals: mem::take(&mut self.signals) as usize,
            messages: messages as usize,
            more,
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
pub(super) struct Taken<T> {
    batch: Batch,
    /// Items that are still to be moved to the consumer.
    rest: Vec<T>,
    /// A buffer that is given back to the allocator.
    _spare: Vec<T>,
}

impl<T> Taken<T> {
    pub(super) fn finish(self, into: &mut VecDeque<T>) -> Batch {
        if !self.rest.is_empty() {
            extend(into, self.rest);
        }
        self.batch
    }
}

pub(super) const MESSAGE: Kind = Kind {
    signals: 0,
    messages: 1,
};
pub(super) const SIGNAL: Kind = Kind {
    signals: 1,
    messages: 0,
};
pub(super) const ACTING: Kind = Kind {
    signals: 1,
    messages: 1,
};
pub(super) const NOTE: Kind = Kind {
    signals: 0,
    messages: 0,
};

pub(super) fn saturated(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Whether a buffer of this capacity is more than what is always kept.
pub(super) const fn is_large<T>(capacity: usize) -> bool {
    let size = size_of::<T>();
    size != 0 && capacity > KEPT_ITEMS && capacity.saturating_mul(size) > KEPT_BYTES
}

/// Makes sure that a small batch can be moved behind the consumer's items without growing its buffer under the lock, and
/// gives back what the consumer no longer needs.
pub(super) fn make_room<T>(into: &mut VecDeque<T>) {
    if !into.is_empty() {
        shrink(into);
        into.reserve(MOVED_UNDER_LOCK);
    }
}

/// Gives back most of a large buffer that is hardly used. The items that left it before have paid for the copy.
pub(super) fn shrink<T>(into: &mut VecDeque<T>) {
    let needed = match into.len() {
        0 => 0,
        held => held + MOVED_UNDER_LOCK, // or `make_room` would undo this each time
    };
    if is_large::<T>(into.capacity()) && needed <= into.capacity() / SLACK {
        into.shrink_to(needed);
    }
}

pub(super) fn extend<T>(into: &mut VecDeque<T>, rest: Vec<T>) {
    if into.is_empty() {
        *into = VecDeque::from(rest);
    } else {
        into.extend(rest);
    }
}
