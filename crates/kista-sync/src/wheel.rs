//! A hashed timing wheel: many coarse deadlines, most of which are removed before they pass.
//!
//! Time is a number of *ticks* that only [`Wheel::advance`] moves. The wheel has 512 slots; an entry is in the slot of its deadline
//! modulo 512, in a list linked through a slab.
//!
//! 1. Insert and remove are O(1) and allocate nothing once the slab has grown. `advance` looks at the slots of the ticks
//!    that passed: an entry further than one turn away is passed over once per turn.
//! 2. An entry never expires before its deadline, and at the latest with the first `advance` that reaches it. A deadline that is
//!    already reached at the insertion counts as the next tick: `insert` itself expires nothing.
//! 3. Entries expire in the order of their deadlines; those with the same deadline in the order of their insertion.
//! 4. A key finds its own entry or nothing: insertions are numbered and the number is part of the key.
//! 5. Slots in the slab are used again, the last emptied first. When the last entry goes, a slab that grew above 256 entries is freed.

use std::fmt;
use std::num::NonZeroU64;

#[cfg(all(test, not(loom)))]
mod tests;

/// Slots in the wheel; at 10 ms a tick one turn is 5.12 s, just more than the default time limit of a call.
const SLOTS: usize = 512;
const WORDS: usize = SLOTS / 64;

/// An empty slab keeps room for this many entries.
const KEPT: usize = 256;

/// "No entry", in links.
const NONE: u32 = u32::MAX;

/// The name of an entry in a [`Wheel`]; never used for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WheelKey {
    number: NonZeroU64,
    index: u32,
}

/// A timing wheel: not shared, without a lock and without a clock; see the [module](self) for its rules.
///
/// An empty wheel that was never used owns no memory beside itself. One that is used takes 6 KiB and 32 bytes (and the value) per entry.
///
/// ```
/// use kista_sync::wheel::Wheel;
///
/// let mut wheel = Wheel::new();
/// let early = wheel.insert(3, "early");
/// wheel.insert(5, "late");
/// assert_eq!(wheel.remove(early), Some("early"));
///
/// let mut expired = Vec::new();
/// wheel.advance(4, &mut expired);
/// assert!(expired.is_empty());
/// wheel.advance(7, &mut expired);
/// assert_eq!(expired, ["late"]);
/// ```
pub struct Wheel<T> {
    slots: Option<Box<Slots>>,
    entries: Vec<Entry<T>>,
    /// The first empty entry of the slab.
    free: u32,
    len: usize,
    /// Everything up to this tick has expired.
    now: u64,
    inserted: u64,
}

struct Slots {
    /// The first entry of each slot's circular list.
    heads: [u32; SLOTS],
    /// No entry of the slot is due before; exact when nothing was removed since `advance` last passed. Meaningless when the slot is empty.
    earliest: [u64; SLOTS],
    /// One bit per slot: whether it has entries.
    occupied: [u64; WORDS],
}

struct Entry<T> {
    /// Absent when the entry is empty; then only `next` has a meaning: the next empty one.
    value: Option<T>,
    deadline: u64,
    number: u64,
    next: u32,
    prev: u32,
}

impl<T> Wheel<T> {
    /// An empty wheel at tick 0.
    #[must_use]
    pub const fn new() -> Self {
        Self::starting_at(0)
    }

    /// An empty wheel for which everything up to `now_tick` is past.
    #[must_use]
    pub const fn starting_at(now_tick: u64) -> Self {
        Self {
            slots: None,
            entries: Vec::new(),
            free: NONE,
            len: 0,
            now: now_tick,
            inserted: 0,
        }
    }

    /// Inserts a value that expires at `deadline_tick`, or with the next tick if that is already reached.
    ///
    /// # Panics
    ///
    /// At 2^32 - 1 entries.
    pub fn insert(&mut self, deadline_tick: u64, value: T) -> WheelKey {
        let deadline = deadline_tick.max(self.now.saturating_add(1));
        self.inserted += 1;
        let number = self.inserted;
        let entry = Entry {
            value: Some(value),
            deadline,
            number,
            next: NONE,
            prev: NONE,
        };
        let index = match self.free {
            NONE => {
                let index = u32::try_from(self.entries.len())
                    .ok()
                    .filter(|&index| index != NONE);
                self.entries.push(entry);
                index.expect("a wheel holds fewer than 2^32 entries")
            }
            index => {
                self.free = self.entries[index as usize].next;
                self.entries[index as usize] = entry;
                index
            }
        };
        self.len += 1;
        self.link(index, deadline);
        WheelKey {
            number: NonZeroU64::new(number).expect("insertions are numbered from 1"),
            index,
        }
    }

    /// Removes an entry that has not expired, and returns its value.
    pub fn remove(&mut self, key: WheelKey) -> Option<T> {
        let entry = self.entries.get(key.index as usize)?;
        if entry.value.is_none() || entry.number != key.number.get() {
            return None;
        }
        let value = self.unlink(key.index);
        self.shrink();
        value
    }

    /// Moves the time forward to `now_tick` (never back) and appends what expired to `expired`.
    pub fn advance(&mut self, now_tick: u64, expired: &mut Vec<T>) {
        let from = self.now;
        if now_tick <= from {
            return;
        }
        self.now = now_tick;
        if self.len == 0 {
            return;
        }
        if now_tick - from < SLOTS as u64 {
            for tick in from + 1..=now_tick {
                self.expire(tick as usize % SLOTS, |wheel, index| {
                    expired.extend(wheel.unlink(index))
                });
            }
        } else {
            // Several turns at once: the slots do not tell the order.
            let mut due = Vec::new();
            for slot in 0..SLOTS {
                self.expire(slot, |wheel, index| {
                    let deadline = wheel.entries[index as usize].deadline;
                    due.extend(wheel.unlink(index).map(|value| (deadline, value)));
                });
            }
            due.sort_by_key(|&(deadline, _)| deadline);
            expired.extend(due.into_iter().map(|(_, value)| value));
        }
        self.shrink();
    }

    /// Nothing expires before this tick; `None` when there is no entry. It is the next deadline exactly, or, after removals, a tick before it.
    /// It is always later than the tick that `advance` reached.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        let slots = self.slots.as_deref()?;
        let mut found: Option<u64> = None;
        // Slots in the order of their next ticks; nothing in those further on can be due before their tick.
        let mut tick = self.now.saturating_add(1);
        let last = self.now.saturating_add(SLOTS as u64);
        loop {
            tick = slots.next_occupied(tick);
            if tick > last || found.is_some_and(|found| found <= tick) {
                return found;
            }
            let earliest = slots.earliest[tick as usize % SLOTS].max(tick);
            found = Some(found.map_or(earliest, |found| found.min(earliest)));
            match tick.checked_add(1) {
                Some(next) => tick = next,
                None => return found,
            }
        }
    }

    /// The number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes what is due out of one slot, oldest first.
    fn expire(&mut self, slot: usize, mut take: impl FnMut(&mut Self, u32)) {
        let Some(slots) = self
            .slots
            .as_deref()
            .filter(|slots| slots.is_occupied(slot))
        else {
            return;
        };
        let first = slots.heads[slot];
        let last = self.entries[first as usize].prev;
        let mut earliest = u64::MAX;
        let mut index = first;
        loop {
            let Entry { deadline, next, .. } = self.entries[index as usize];
            if deadline <= self.now {
                take(self, index);
            } else {
                earliest = earliest.min(deadline);
            }
            if index == last {
                break;
            }
            index = next;
        }
        if let Some(slots) = &mut self.slots {
            slots.earliest[slot] = earliest;
        }
    }

    /// Appends an entry to its slot's list.
    fn link(&mut self, index: u32, deadline: u64) {
        let slots = self.slots.get_or_insert_with(Slots::new);
        let slot = deadline as usize % SLOTS;
        let (prev, next) = if slots.is_occupied(slot) {
            slots.earliest[slot] = slots.earliest[slot].min(deadline);
            let first = slots.heads[slot];
            (self.entries[first as usize].prev, first)
        } else {
            slots.occupy(slot);
            slots.earliest[slot] = deadline;
            slots.heads[slot] = index;
            (index, index)
        };
        self.entries[index as usize].prev = prev;
        self.entries[index as usize].next = next;
        self.entries[prev as usize].next = index;
        self.entries[next as usize].prev = index;
    }

    /// Takes an entry out of its slot's list and empties it.
    fn unlink(&mut self, index: u32) -> Option<T> {
        let entry = &mut self.entries[index as usize];
        let value = entry.value.take();
        let (prev, next) = (entry.prev, entry.next);
        let slot = entry.deadline as usize % SLOTS;
        entry.next = self.free;
        self.free = index;
        self.len -= 1;
        let slots = self.slots.as_deref_mut()?;
        if next == index {
            slots.vacate(slot);
            return value;
        }
        if slots.heads[slot] == index {
            slots.heads[slot] = next;
        }
        self.entries[prev as usize].next = next;
        self.entries[next as usize].prev = prev;
        value
    }

    /// Rule 5. Keys of freed entries stay stale: numbers are never given twice.
    fn shrink(&mut self) {
        if self.len == 0 && self.entries.capacity() > KEPT {
            self.entries = Vec::new();
            self.free = NONE;
        }
    }
}

impl Slots {
    fn new() -> Box<Self> {
        Box::new(Self {
            heads: [NONE; SLOTS],
            earliest: [0; SLOTS],
            occupied: [0; WORDS],
        })
    }

    const fn is_occupied(&self, slot: usize) -> bool {
        self.occupied[slot / 64] & (1 << (slot % 64)) != 0
    }

    const fn occupy(&mut self, slot: usize) {
        self.occupied[slot / 64] |= 1 << (slot % 64);
    }

    const fn vacate(&mut self, slot: usize) {
        self.occupied[slot / 64] &= !(1 << (slot % 64));
    }

    /// The first tick from `tick` on whose slot has entries; some slot has.
    fn next_occupied(&self, tick: u64) -> u64 {
        let slot = tick as usize % SLOTS;
        let first = self.occupied[slot / 64] >> (slot % 64);
        if first != 0 {
            return tick.saturating_add(u64::from(first.trailing_zeros()));
        }
        let mut tick = tick.saturating_add(64 - slot as u64 % 64);
        // Once around, the first word again: its low bits are the last slots of the turn.
        for _ in 0..WORDS {
            let word = self.occupied[tick as usize % SLOTS / 64];
            if word != 0 {
                return tick.saturating_add(u64::from(word.trailing_zeros()));
            }
            tick = tick.saturating_add(64);
        }
        tick
    }
}

impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wheel")
            .field("len", &self.len)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}
