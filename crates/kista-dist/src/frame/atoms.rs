//! The atoms of one inbound message, and the inbound half of the atom cache.
//!
//! ```text
//! header after 131,68 (or 131,69,seq:8,fragment:8):
//!   N:1                                  number of entries, 0: nothing more
//!   flags: N/2+1 bytes                   a nibble per entry, low nibble first: bits 0-2 cache segment, bit 3 new
//!                                        the nibble after the last: bit 0 LongAtoms
//!   entries: index:1 [length:1|2 text]   text only of new ones; length of 2 bytes if LongAtoms
//! ```
//! The cache slot is `segment * 256 + index`; a new entry overwrites it. `82,i` in the message is the i-th entry.

use std::fmt;

use kista_etf::{Atom, AtomName, AtomQuota, AtomTable};

use super::FrameError;

/// Cache slots per connection and direction.
pub(super) const SLOTS: usize = 2048;

/// The atoms that a message's `82,i` refer to. Up to nine interned ones need no memory of their own, and are copied as they are.
#[derive(Clone)]
pub struct AtomList(List);

#[derive(Clone)]
enum List {
    Few { len: u8, atoms: [Atom; FEW] },
    Names(Vec<AtomName>),
}

/// A request of `gen_server:call` has four beside those of the request itself, and the control message two.
const FEW: usize = 9;

impl AtomList {
    /// In the form in which a decoder takes them.
    #[inline]
    #[must_use]
    pub fn table(&self) -> AtomTable<'_> {
        match &self.0 {
            List::Few { len, atoms } => {
                AtomTable::Atoms(atoms.get(..usize::from(*len)).unwrap_or_default())
            }
            List::Names(names) => AtomTable::Names(names),
        }
    }

    /// How many they are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            List::Few { len, .. } => usize::from(*len),
            List::Names(names) => names.len(),
        }
    }

    /// Whether there is none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = AtomName> {
        let (atoms, names) = match self.table() {
            AtomTable::Atoms(atoms) => (atoms, &[][..]),
            AtomTable::Names(names) => (&[][..], names),
        };
        let atoms = atoms.iter().map(|atom| AtomName::Interned(*atom));
        atoms.chain(names.iter().cloned())
    }

    #[inline]
    pub(super) fn push(&mut self, name: AtomName) {
        match (&mut self.0, name) {
            (List::Few { len, atoms }, AtomName::Interned(atom)) if usize::from(*len) < FEW => {
                atoms[usize::from(*len)] = atom;
                *len += 1;
            }
            (_, name) => self.push_name(name),
        }
    }

    #[cold]
    fn push_name(&mut self, name: AtomName) {
        if let List::Few { .. } = &self.0 {
            self.0 = List::Names(self.iter().collect());
        }
        if let List::Names(names) = &mut self.0 {
            names.push(name);
        }
    }

    /// The memory that it needs beside itself, about.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.0 {
            List::Few { .. } => 0,
            List::Names(names) => names
                .iter()
                .map(|name| match name {
                    AtomName::Interned(_) => size_of::<AtomName>(),
                    AtomName::Text(text) => size_of::<AtomName>() + text.as_str().len(),
                })
                .sum(),
        }
    }
}

impl Default for AtomList {
    #[inline]
    fn default() -> Self {
        Self(List::Few {
            len: 0,
            atoms: [kista_etf::atoms::EMPTY; FEW],
        })
    }
}

impl PartialEq for AtomList {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for AtomList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl FromIterator<AtomName> for AtomList {
    fn from_iter<I: IntoIterator<Item = AtomName>>(names: I) -> Self {
        let mut list = Self::default();
        names.into_iter().for_each(|name| list.push(name));
        list
    }
}

/// What the peer has put into its slots.
#[derive(Clone, Debug)]
pub(super) struct InboundCache {
    slots: Box<[Option<AtomName>]>,
    /// Entries that were there, and entries that were new.
    pub(super) hits: u64,
    pub(super) misses: u64,
}

impl InboundCache {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![None; SLOTS].into(),
            hits: 0,
            misses: 0,
        }
    }

    /// Reads the header that begins with `N` in `bytes` into `atoms`; gives the header's length.
    #[inline]
    pub(super) fn read_header(
        &mut self,
        bytes: &[u8],
        quota: &AtomQuota,
        atoms: &mut AtomList,
    ) -> Result<usize, FrameError> {
        let (&count, rest) = bytes.split_first().ok_or(FrameError::Truncated)?;
        let count = usize::from(count);
        if count == 0 {
            return Ok(1);
        }
        let (nibbles, mut rest) = rest
            .split_at_checked(count / 2 + 1)
            .ok_or(FrameError::Truncated)?;
        let nibble = |i: usize| nibbles[i / 2] >> (4 * (i % 2)) & 0xf;
        let long = nibble(count) & 1 != 0;
        let mut new = 0;
        for i in 0..count {
            let flags = nibble(i);
            let (&index, after) = rest.split_first().ok_or(FrameError::Truncated)?;
            rest = after;
            let number = usize::from(flags & 7) << 8 | usize::from(index);
            let slot = &mut self.slots[number];
            if flags & 8 == 0 {
                atoms.push(
                    slot.clone()
                        .ok_or(FrameError::EmptyCacheSlot { slot: number })?,
                );
                continue;
            }
            let (name, after) = new_entry(rest, long, quota)?;
            rest = after;
            *slot = Some(name.clone());
            atoms.push(name);
            new += 1;
        }
        self.misses += new;
        self.hits += count as u64 - new;
        Ok(bytes.len() - rest.len())
    }
}

/// Reads a new entry's text, and gives the bytes behind it.
#[cold]
fn new_entry<'a>(
    bytes: &'a [u8],
    long: bool,
    quota: &AtomQuota,
) -> Result<(AtomName, &'a [u8]), FrameError> {
    let (len, rest) = if long {
        let (len, rest) = bytes.split_first_chunk().ok_or(FrameError::Truncated)?;
        (usize::from(u16::from_be_bytes(*len)), rest)
    } else {
        let (&len, rest) = bytes.split_first().ok_or(FrameError::Truncated)?;
        (usize::from(len), rest)
    };
    let (text, rest) = rest.split_at_checked(len).ok_or(FrameError::Truncated)?;
    let text = std::str::from_utf8(text).map_err(|_| FrameError::BadAtom)?;
    Ok((quota.intern(text).map_err(|_| FrameError::BadAtom)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cache: &mut InboundCache, bytes: &[u8]) -> Result<(AtomList, usize), FrameError> {
        let mut atoms = AtomList::default();
        let used = cache.read_header(bytes, &AtomQuota::unlimited(), &mut atoms)?;
        Ok((atoms, used))
    }

    fn texts(atoms: &AtomList) -> Vec<String> {
        atoms.iter().map(|name| name.as_str().to_owned()).collect()
    }

    #[test]
    fn a_list_keeps_its_order_when_it_becomes_long_or_gets_a_text() {
        let atom = |n| AtomName::from(Atom::new(&format!("of_a_list_{n}")).unwrap());
        let text = AtomName::text("a text in a list").unwrap();
        for count in 0..3 * FEW {
            for text_at in 0..=count {
                let names: Vec<AtomName> = (0..count)
                    .map(|n| if n == text_at { text.clone() } else { atom(n) })
                    .collect();
                let list: AtomList = names.iter().cloned().collect();
                assert_eq!(list.len(), count);
                assert!(list.iter().eq(names.iter().cloned()));
                let same = list.clone();
                assert_eq!(list, same);
                for n in 0..=count {
                    let bytes = [82, n as u8];
                    let mut d = kista_etf::Decoder::new(&bytes).atom_table(list.table());
                    assert_eq!(d.atom().ok(), names.get(n).cloned());
                }
            }
        }
    }

    #[test]
    fn an_atom_name_is_two_words() {
        assert!(size_of::<AtomName>() <= 16);
    }

    #[test]
    fn a_slot_that_was_never_filled_is_an_error() {
        let mut cache = InboundCache::new();

        assert_eq!(
            read(&mut cache, &[1, 0x03, 9]),
            Err(FrameError::EmptyCacheSlot { slot: 3 * 256 + 9 })
        );
    }

    #[test]
    fn new_entries_overwrite_and_are_found_again() {
        let mut cache = InboundCache::new();

        let (atoms, used) = read(&mut cache, b"\x01\x0a\x05\x02ok\xff").unwrap();
        assert_eq!((texts(&atoms), used), (vec!["ok".to_owned()], 6));
        // The second entry reads what the first wrote.
        let (atoms, _) = read(&mut cache, b"\x02\x2a\x00\x05\x05error\x05").unwrap();
        assert_eq!(texts(&atoms), ["error", "error"]);
        let (atoms, _) = read(&mut cache, b"\x01\x12\x05").unwrap();
        assert_eq!(texts(&atoms), ["error"]);
    }

    #[test]
    fn long_atoms_have_two_byte_lengths() {
        let text = "é".repeat(200);
        let mut bytes = vec![1, 0x18, 0, 0x01, 0x90];
        bytes.extend_from_slice(text.as_bytes());
        let (atoms, used) = read(&mut InboundCache::new(), &bytes).unwrap();
        assert_eq!((texts(&atoms), used), (vec![text], bytes.len()));
    }

    #[test]
    fn broken_texts_and_truncations_are_errors() {
        let whole = b"\x01\x08\x05\x02ok";
        for n in 0..whole.len() {
            assert_eq!(
                read(&mut InboundCache::new(), &whole[..n]),
                Err(FrameError::Truncated)
            );
        }
        assert_eq!(
            read(&mut InboundCache::new(), b"\x01\x08\x05\x02\xc3\x28"),
            Err(FrameError::BadAtom)
        );
        let mut long = vec![1, 0x18, 0, 1, 0];
        long.extend_from_slice(&[b'a'; 256]);
        assert_eq!(
            read(&mut InboundCache::new(), &long),
            Err(FrameError::BadAtom)
        );
    }
}
