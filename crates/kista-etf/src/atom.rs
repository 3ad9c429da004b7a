//! Atoms: interned names, four bytes each.
//!
//! One table serves the whole process. It only grows: a text, once in, keeps its index and its memory for as long as the
//! process lives. The rules:
//!
//! 1. An atom has at most 255 characters (up to 1020 bytes of UTF-8). The empty atom is legal.
//! 2. Reading the text of an [`Atom`] takes no lock: the entries live in chunks that are never moved. Chunk `k` holds
//!    `1024 << k` entries, so an index leads to its entry by one bit count.
//! 3. Finding the index of a text first asks a small cache of this thread, then a table under a read lock. The table is
//!    keyed with a secret of this process, so that texts chosen by a peer do not collide.
//! 4. Each entry also holds its text as it is written on the wire ([`Entry::wire`]), so that writing an atom is one copy of fixed
//!    size, which is several times as fast as one of the text's size.
//! 5. The table is never fed without bound by a peer: what comes from outside passes through an
//!    [`AtomQuota`](crate::AtomQuota). The table itself ends at [`Atom::LIMIT`].

use std::cell::Cell;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::{LazyLock, OnceLock};

use parking_lot::RwLock;

use crate::{atoms, tag};

/// An atom: a name interned for the life of the process. `Copy`, four bytes, compared by index.
///
/// `Eq` and `Hash` use the index (equal texts have equal indexes); `Ord` is the order of the texts, as in Erlang.
///
/// ```
/// use kista_etf::Atom;
/// let ok = Atom::new("ok").unwrap();
/// assert_eq!(ok, kista_etf::atoms::OK);
/// assert_eq!(ok.as_str(), "ok");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Atom(u32);

/// Why a text is not an atom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AtomError {
    /// An atom has at most 255 characters.
    #[error("an atom has at most 255 characters, this text has {chars}")]
    TooLong {
        /// How many characters the text has.
        chars: usize,
    },
    /// The process-wide table is full: something makes atoms out of data. Keep data in binaries.
    #[error(
        "the atom table is full ({} atoms); keep data in binaries, not in atoms",
        Atom::LIMIT
    )]
    TableFull,
}

impl Atom {
    /// The most characters an atom can have.
    pub const MAX_CHARS: usize = 255;
    /// The most atoms one process can hold.
    pub const LIMIT: u32 = 1 << 23;

    pub(crate) const fn seeded(index: u32) -> Self {
        Self(index)
    }

    /// The atom with this text, which is added to the table when it is new.
    ///
    /// For texts of the program itself. What a peer sends goes through [`AtomQuota::intern`](crate::AtomQuota::intern).
    pub fn new(text: &str) -> Result<Self, AtomError> {
        Self::intern(text).map(|(atom, _)| atom)
    }

    /// The atom with this text, whose memory the table uses as it is.
    ///
    /// # Panics
    /// When the text has more than 255 characters, or the table is full: both are faults in the program.
    pub fn from_static(text: &'static str) -> Self {
        if let Some(atom) = Self::lookup(text) {
            return atom;
        }
        match check(text).and_then(|()| insert(text, || text)) {
            Ok((atom, _)) => atom,
            Err(error) => panic!("Atom::from_static: {error}"),
        }
    }

    /// The atom with this text, if it is already in the table. Adds nothing.
    pub fn lookup(text: &str) -> Option<Self> {
        Self::cached(text.as_bytes()).or_else(|| Self::lookup_in_table(text))
    }

    /// The atom of these bytes, if this thread's cache has it: what is found is an atom's text, so that neither its length
    /// nor its UTF-8 needs another look. `None` says nothing.
    #[inline]
    pub(crate) fn cached(text: &[u8]) -> Option<Self> {
        let cached = CACHE.with(|cache| cache[slot_of(text)].get());
        (cached != VACANT && Self(cached).as_str().as_bytes() == text).then_some(Self(cached))
    }

    #[cold]
    fn lookup_in_table(text: &str) -> Option<Self> {
        let index = *TABLE.read().get(text)?;
        CACHE.with(|cache| cache[slot_of(text.as_bytes())].set(index));
        Some(Self(index))
    }

    /// How many atoms there are: `erlang:system_info(atom_count)`. They are never taken away.
    pub fn count() -> usize {
        TABLE.read().len()
    }

    /// Like `new`, and says whether the atom was added.
    pub(crate) fn intern(text: &str) -> Result<(Self, bool), AtomError> {
        if let Some(atom) = Self::lookup(text) {
            return Ok((atom, false));
        }
        check(text)?;
        insert(text, || Box::leak(Box::from(text)))
    }

    /// The text. Takes no lock and copies nothing.
    #[inline]
    pub fn as_str(self) -> &'static str {
        self.entry().text
    }

    /// The place in the table: small, dense, stable for the life of the process, meaningless outside it.
    #[inline]
    pub const fn index(self) -> u32 {
        self.0
    }

    /// A hash of the text, the same for every atom of that text in this process.
    #[inline]
    pub(crate) fn text_hash(self) -> u64 {
        self.entry().hash
    }

    /// What is known of it. Ask once for all: the look is short, but the compiler may not join two of them.
    #[inline]
    pub(crate) fn entry(self) -> &'static Entry {
        let (chunk, offset) = place(self.0);
        chunk_at(chunk)[offset]
            .get()
            .expect("an Atom is handed out only after its entry was written")
    }
}

/// The hash of a text that is no interned atom (yet): equal to [`Atom::text_hash`] of the same text.
pub(crate) fn hash_text(text: &str) -> u64 {
    HASHER.hash_one(text)
}

/// Whether a text can be an atom.
pub(crate) fn check(text: &str) -> Result<(), AtomError> {
    if text.len() > Atom::MAX_CHARS {
        let chars = text.chars().count();
        if chars > Atom::MAX_CHARS {
            return Err(AtomError::TooLong { chars });
        }
    }
    Ok(())
}

/// What is known of an atom.
pub(crate) struct Entry {
    pub(crate) text: &'static str,
    hash: u64,
    /// As it is written on the wire, tag and length first, and zeros after it. All zeros when the text is too long for it.
    pub(crate) wire: [u8; Self::WIRE],
}

impl Entry {
    const WIRE: usize = 32;
    /// The longest text whose wire form is kept.
    pub(crate) const LONGEST: usize = Self::WIRE - 2;

    fn new(text: &'static str) -> Self {
        let mut wire = [0; Self::WIRE];
        if let [tag, len, place @ ..] = &mut wire
            && let Some(place) = place.get_mut(..text.len())
        {
            (*tag, *len) = (tag::SMALL_ATOM_UTF8, text.len() as u8);
            place.copy_from_slice(text.as_bytes());
        }
        Self {
            text,
            hash: hash_text(text),
            wire,
        }
    }
}

type Chunk = Box<[OnceLock<Entry>]>;

const FIRST_CHUNK_BITS: u32 = 10;
const CHUNKS: usize = 14;
const VACANT: u32 = u32::MAX;
const CACHE_BITS: u32 = 9;

static ENTRIES: [OnceLock<Chunk>; CHUNKS] = [const { OnceLock::new() }; CHUNKS];
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);
static TABLE: LazyLock<RwLock<HashMap<&'static str, u32, RandomState>>> = LazyLock::new(|| {
    let mut table = HashMap::with_capacity_and_hasher(1024, HASHER.clone());
    for (index, text) in (0u32..).zip(atoms::SEEDS) {
        let before = table.insert(*text, index);
        debug_assert!(before.is_none(), "{text} is seeded twice");
    }
    RwLock::new(table)
});

thread_local! {
    static CACHE: [Cell<u32>; 1 << CACHE_BITS] = const { [const { Cell::new(VACANT) }; 1 << CACHE_BITS] };
}

#[inline]
fn place(index: u32) -> (usize, usize) {
    let shifted = index + (1 << FIRST_CHUNK_BITS);
    let chunk = shifted.ilog2() - FIRST_CHUNK_BITS;
    (
        chunk as usize,
        (shifted - (1 << (chunk + FIRST_CHUNK_BITS))) as usize,
    )
}

#[inline]
fn chunk_at(chunk: usize) -> &'static Chunk {
    ENTRIES[chunk].get_or_init(|| new_chunk(chunk))
}

#[cold]
fn new_chunk(chunk: usize) -> Chunk {
    let entries: Chunk = (0..1usize << (FIRST_CHUNK_BITS as usize + chunk))
        .map(|_| OnceLock::new())
        .collect();
    if chunk == 0 {
        for (entry, text) in entries.iter().zip(atoms::SEEDS) {
            entry.get_or_init(|| Entry::new(text));
        }
    }
    entries
}

#[cold]
fn insert(text: &str, own: impl FnOnce() -> &'static str) -> Result<(Atom, bool), AtomError> {
    let mut table = TABLE.write();
    if let Some(&index) = table.get(text) {
        return Ok((Atom(index), false));
    }
    let index = u32::try_from(table.len())
        .ok()
        .filter(|index| *index < Atom::LIMIT)
        .ok_or(AtomError::TableFull)?;
    let (chunk, offset) = place(index);
    let text = own();
    chunk_at(chunk)[offset].get_or_init(|| Entry::new(text));
    table.insert(text, index);
    Ok((Atom(index), true))
}

/// A cheap spread over the thread's cache. It need not resist chosen texts: a collision is only a miss.
#[inline]
fn slot_of(text: &[u8]) -> usize {
    let word = |at: usize| {
        text[at..]
            .first_chunk::<8>()
            .map_or(0, |bytes| u64::from_le_bytes(*bytes))
    };
    let half = |at: usize| {
        text[at..]
            .first_chunk::<4>()
            .map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)))
    };
    let (front, back) = match text.len() {
        0 => (0, 0),
        n @ 1..4 => (
            u64::from(text[0]) | u64::from(text[n / 2]) << 8,
            u64::from(text[n - 1]),
        ),
        n @ 4..8 => (half(0), half(n - 4)),
        n => (word(0), word(n - 8)),
    };
    let mixed =
        (front ^ back.rotate_left(29) ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> (64 - CACHE_BITS)) as usize
}

impl PartialOrd for Atom {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Atom {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.0 == other.0 {
            Ordering::Equal
        } else {
            self.as_str().cmp(other.as_str())
        }
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::term::text::write_atom(f, self.as_str())
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::term::text::write_atom(f, self.as_str())
    }
}

impl FromStr for Atom {
    type Err = AtomError;
    fn from_str(text: &str) -> Result<Self, AtomError> {
        Self::new(text)
    }
}

impl TryFrom<&str> for Atom {
    type Error = AtomError;
    fn try_from(text: &str) -> Result<Self, AtomError> {
        Self::new(text)
    }
}

impl AsRef<str> for Atom {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Atom {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Atom {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_constants_have_their_texts() {
        for (index, text) in (0u32..).zip(atoms::SEEDS) {
            assert_eq!(Atom(index).as_str(), *text);
            assert_eq!(Atom::lookup(text), Some(Atom(index)));
        }
    }

    #[test]
    fn the_same_text_is_the_same_atom_on_every_thread() {
        let atoms: Vec<Vec<Atom>> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    (0..5000)
                        .map(|i| Atom::new(&format!("shared_{i}")).unwrap())
                        .collect()
                })
            })
            .collect::<Vec<std::thread::JoinHandle<Vec<Atom>>>>()
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        for (i, atom) in atoms[0].iter().enumerate() {
            assert_eq!(atom.as_str(), format!("shared_{i}"));
        }
        assert!(atoms.iter().all(|list| list == &atoms[0]));
    }

    #[test]
    fn a_text_of_256_characters_is_refused() {
        assert!(Atom::new(&"é".repeat(255)).is_ok());
        assert_eq!(
            Atom::new(&"é".repeat(256)),
            Err(AtomError::TooLong { chars: 256 })
        );
    }

    #[test]
    fn lookup_adds_nothing() {
        assert_eq!(Atom::lookup("never made anywhere"), None);
        assert_eq!(Atom::lookup("never made anywhere"), None);
    }

    #[test]
    fn order_is_the_order_of_the_texts_not_of_the_table() {
        let (z, a) = (
            Atom::new("zzz_first").unwrap(),
            Atom::new("aaa_second").unwrap(),
        );
        assert!(a < z);
    }
}
