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

use std::ops::Deref;

use kista_etf::{AtomName, AtomQuota};
use smallvec::SmallVec;

use super::FrameError;

/// Cache slots per connection and direction.
pub(super) const SLOTS: usize = 2048;

/// The atoms that a message's `82,i` refer to. Up to four need no memory of their own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AtomList(SmallVec<[AtomName; 4]>);

impl AtomList {
    #[inline]
    pub(super) fn push(&mut self, name: AtomName) {
        self.0.push(name);
    }
}

impl Deref for AtomList {
    type Target = [AtomName];
    #[inline]
    fn deref(&self) -> &[AtomName] {
        &self.0
    }
}

impl FromIterator<AtomName> for AtomList {
    fn from_iter<I: IntoIterator<Item = AtomName>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

/// What the peer has put into its slots.
#[derive(Debug)]
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
        assert_eq!(
            (&*atoms, used),
            (&[AtomName::from(kista_etf::atoms::OK)][..], 6)
        );
        let (atoms, _) = read(&mut cache, b"\x02\x2a\x00\x05\x05error\x05").unwrap();
        assert_eq!(
            atoms[0], atoms[1],
            "the second entry reads what the first wrote"
        );
        assert_eq!(atoms[0].as_str(), "error");
        let (atoms, _) = read(&mut cache, b"\x01\x12\x05").unwrap();
        assert_eq!(atoms[0].as_str(), "error");
    }

    #[test]
    fn long_atoms_have_two_byte_lengths() {
        let text = "é".repeat(200);
        let mut bytes = vec![1, 0x18, 0, 0x01, 0x90];
        bytes.extend_from_slice(text.as_bytes());
        let (atoms, used) = read(&mut InboundCache::new(), &bytes).unwrap();
        assert_eq!((atoms[0].as_str(), used), (&*text, bytes.len()));
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
