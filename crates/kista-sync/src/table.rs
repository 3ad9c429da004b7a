//! A slab whose keys go stale: the process table.
//!
//! 1. A [`Key`] is a slot's index (from 1) and its generation (from 1). Emptying a slot bumps its generation, past 0;
//!    so a key finds the entry that it was made for, or nothing.
//! 2. Slots live in chunks of 32, 64, 128, ... that are made when they are first needed and never move. To look up an
//!    index is arithmetic and one acquire load; there is no hash, and no lock but the slot's own.
//! 3. Each slot has its own lock. It covers the copy of a value, or the closure given to [`Table::with`]: look-ups of
//!    different entries never wait for each other, nor for insertions and removals elsewhere.
//! 4. Empty slots wait in one first-in-first-out list, with their next generations, under one more lock. As long as
//!    the limit allows, a slot waits until 1,024 others wait behind it: so a generation is not spent
//!    quickly, even when a single entry comes and goes all the time (the same key returns after 2^42 insertions).
//! 5. No lock is taken under another. Values are dropped under none.

use std::collections::VecDeque;
use std::fmt;
use std::mem;
use std::sync::OnceLock;

use crate::sync::Mutex;

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;

/// The number of slots in the first chunk; each later one has twice as many as the one before.
const FIRST_CHUNK: u64 = 32;

/// Indexes that follow each other are this many slots apart in memory (as a power of two). Processes that are started together are
/// used together; with their locks in one cache line, two threads were 3.5 times slower than with this.
const SCATTER: u32 = 3;

/// Chunks of 2^5 to 2^26 slots.
const CHUNKS: usize = 22;

/// While fresh slots are left, an empty slot is used again only when this many wait.
const WAITING: usize = 1024;

/// The name of an entry in a [`Table`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The slot: 1 or more.
    pub index: u32,
    /// Which of the slot's entries, one after the other: never 0.
    pub generation: u32,
}

/// The table holds as many entries as it may; the limit is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full(pub u32);

/// A concurrent slab with stale-proof keys; see the [module](self) for its rules.
///
/// Per slot it takes the value, 8 bytes and the lock: 24 bytes for an `Arc`.
///
/// ```
/// use kista_sync::table::Table;
/// use std::sync::Arc;
///
/// let table = Table::with_capacity_limit(1000);
/// let key = table.insert_with(|key| Arc::new(format!("process {}", key.index))).unwrap();
/// assert_eq!(*table.get(key).unwrap(), "process 1");
/// table.remove(key);
/// assert!(table.get(key).is_none());
/// ```
pub struct Table<T> {
    chunks: [OnceLock<Box<[Slot<T>]>>; CHUNKS],
    free: Mutex<Free>,
    limit: u32,
}

type Slot<T> = Mutex<Entry<T>>;

struct Entry<T> {
    value: Option<T>,
    /// The generation of the value, or of the next one.
    generation: u32,
}

/// The empty slots that were used before.
struct Free {
    /// The keys of their next entries, the one that is empty for longest first.
    waiting: VecDeque<Key>,
    /// The highest index that was ever used.
    used: u32,
}

impl<T> Table<T> {
    /// The largest limit: 134,217,696, about as many processes as Erlang allows.
    pub const MAX_CAPACITY: u32 = (1 << 27) - 32;

    /// A table with room for [`MAX_CAPACITY`](Self::MAX_CAPACITY) entries.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity_limit(Self::MAX_CAPACITY)
    }

    /// A table that holds at most `max` entries (capped at [`MAX_CAPACITY`](Self::MAX_CAPACITY)). Memory is taken as it is needed.
    #[must_use]
    pub fn with_capacity_limit(max: u32) -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNKS],
            free: Mutex::new(Free {
                waiting: VecDeque::new(),
                used: 0,
            }),
            limit: max.min(Self::MAX_CAPACITY),
        }
    }

    /// Inserts the value that `make` returns for its key. `make` runs without any lock, and may use the table; the
    /// key finds nothing before the insertion is complete. If `make` panics, the slot is free again.
    ///
    /// # Errors
    ///
    /// [`Full`] at the limit; `make` is then not called.
    pub fn insert_with(&self, make: impl FnOnce(Key) -> T) -> Result<Key, Full> {
        let key = self.reserve()?;
        let slot = self.slot_or_grow(key.index);
        let reserved = Reserved {
            table: self,
            slot,
            index: key.index,
        };
        let value = make(key);
        slot.lock().value = Some(value);
        mem::forget(reserved);
        Ok(key)
    }

    /// A clone of the entry. `T::clone` runs under the slot's lock: it should be as short as an `Arc`'s.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<T>
    where
        T: Clone,
    {
        self.with(key, T::clone)
    }

    /// Calls `look` with the entry, under the slot's lock: it must be short and must not use the table.
    pub fn with<R>(&self, key: Key, look: impl FnOnce(&T) -> R) -> Option<R> {
        let entry = self.slot(key.index)?.lock();
        if entry.generation != key.generation {
            return None;
        }
        entry.value.as_ref().map(look)
    }

    /// Whether the key finds an entry.
    #[must_use]
    pub fn contains(&self, key: Key) -> bool {
        self.with(key, |_| ()).is_some()
    }

    /// Removes the entry and returns it. Of several callers with the same key one gets it.
    pub fn remove(&self, key: Key) -> Option<T> {
        let mut entry = self.slot(key.index)?.lock();
        if entry.generation != key.generation {
            return None;
        }
        let value = entry.value.take()?;
        let next = entry.retire(key.index);
        drop(entry);
        self.release(next);
        Some(value)
    }

    /// The number of entries, those that are just being inserted included.
    #[must_use]
    pub fn len(&self) -> usize {
        let free = self.free.lock();
        free.used as usize - free.waiting.len()
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many entries there may be.
    #[must_use]
    pub const fn capacity_limit(&self) -> u32 {
        self.limit
    }

    /// The keys of all entries, by index. Nothing is stopped meanwhile: an entry that is there all the time is found once; one
    /// that comes or goes during the walk may be found or not.
    #[must_use]
    pub fn keys(&self) -> Keys<'_, T> {
        Keys {
            table: self,
            next: 1,
            last: self.free.lock().used,
        }
    }

    /// A slot that nobody else uses, and the key of its next entry.
    fn reserve(&self) -> Result<Key, Full> {
        let mut free = self.free.lock();
        let fresh = free.used < self.limit;
        if free.waiting.len() > if fresh { WAITING } else { 0 }
            && let Some(key) = free.waiting.pop_front()
        {
            return Ok(key);
        }
        if !fresh {
            return Err(Full(self.limit));
        }
        free.used += 1;
        Ok(Key {
            index: free.used,
            generation: 1,
        })
    }

    /// Puts the next key of an empty slot at the end of the list.
    fn release(&self, next: Key) {
        self.free.lock().waiting.push_back(next);
    }

    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        let (chunk, offset) = place(index)?;
        self.chunks[chunk].get()?.get(offset)
    }

    fn slot_or_grow(&self, index: u32) -> &Slot<T> {
        let (chunk, offset) = place(index).expect("indexes start at 1 and end at the limit");
        let slots = self.chunks[chunk].get_or_init(|| {
            (0..FIRST_CHUNK << chunk)
                .map(|_| {
                    Mutex::new(Entry {
                        value: None,
                        generation: 1,
                    })
                })
                .collect()
        });
        &slots[offset]
    }
}

/// The chunk that holds an index, and where in it. Chunk `n` has `FIRST_CHUNK << n` slots.
fn place(index: u32) -> Option<(usize, usize)> {
    let position = u64::from(index.checked_sub(1)?) + FIRST_CHUNK;
    let bits = position.ilog2();
    let size = 1 << bits;
    let offset = position - size;
    let scattered = (offset << SCATTER | offset >> (bits - SCATTER)) & (size - 1);
    let chunk = (bits - FIRST_CHUNK.ilog2()) as usize;
    (chunk < CHUNKS).then_some((chunk, scattered as usize))
}

impl<T> Entry<T> {
    /// Makes every key of the value that was here stale; gives the next one.
    fn retire(&mut self, index: u32) -> Key {
        self.generation = self.generation.checked_add(1).unwrap_or(1);
        Key {
            index,
            generation: self.generation,
        }
    }
}

/// An index between its reservation and the insertion; gives it back if that panics.
struct Reserved<'a, T> {
    table: &'a Table<T>,
    slot: &'a Slot<T>,
    index: u32,
}

impl<T> Drop for Reserved<'_, T> {
    fn drop(&mut self) {
        // The key was shown to the closure.
        let next = self.slot.lock().retire(self.index);
        self.table.release(next);
    }
}

/// The iterator that [`Table::keys`] returns.
pub struct Keys<'a, T> {
    table: &'a Table<T>,
    next: u32,
    last: u32,
}

impl<T> Iterator for Keys<'_, T> {
    type Item = Key;

    fn next(&mut self) -> Option<Key> {
        while self.next <= self.last {
            let index = self.next;
            self.next += 1;
            // A slot may be missing: its index was reserved, its chunk is still being made.
            let Some(slot) = self.table.slot(index) else {
                continue;
            };
            let entry = slot.lock();
            if entry.value.is_some() {
                return Some(Key {
                    index,
                    generation: entry.generation,
                });
            }
        }
        None
    }
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("len", &self.len())
            .field("limit", &self.limit)
            .finish()
    }
}

impl<T> fmt::Debug for Keys<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("next", &self.next)
            .field("last", &self.last)
            .finish()
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the table is full: it may hold {} entries", self.0)
    }
}

impl std::error::Error for Full {}
