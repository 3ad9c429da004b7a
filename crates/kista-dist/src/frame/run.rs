//! Messages that followed each other from one process to one other, handed over together.
//!
//! ```text
//! length:4 term | length:4 term | ...
//! ```
//! Rules:
//! 1. All have the envelope of the first: the same header and the same control tuple, byte for byte, so the same sender, receiver and
//!    atoms.
//! 2. The terms are copied out of the read buffer into one piece of memory, [`RUN_BYTES`] and a message at most. Only those up to
//!    [`MOST_IN_RUN`] bytes are: larger ones have their memory for themselves.
//! 3. Who keeps one of them for long copies it out ([`Place::payload`]): a message of ten bytes does not keep the piece.

use bytes::Bytes;
use kista_etf::Decoder;

use super::{AtomList, Payload, PayloadBytes};

/// A longer message is no part of a run.
pub(super) const MOST_IN_RUN: usize = 4 * 1024;
/// A run of so many bytes is not continued.
pub(super) const RUN_BYTES: usize = 64 * 1024;

/// Two messages or more, see the head of this file.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// All of them, with the atoms of each.
    pub block: Payload,
    /// Where the first is.
    pub place: Place,
}

/// Where one message of a [`Run`] is, and how many are behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    at: u32,
    len: u32,
    left: u32,
}

impl Run {
    pub(super) fn new(bytes: Bytes, atoms: AtomList, messages: u32) -> Self {
        let mut place = Place {
            at: 0,
            len: 0,
            left: messages,
        };
        let block = Payload {
            bytes: bytes.into(),
            atoms,
        };
        place.advance(&block);
        Self { block, place }
    }

    /// How many messages it has.
    #[must_use]
    pub fn messages(&self) -> usize {
        1 + self.place.left()
    }

    /// Whether one of them begins with these bytes.
    #[must_use]
    pub fn any_begins_with(&self, beginning: &[u8]) -> bool {
        let mut place = self.place;
        loop {
            if place.term(&self.block).starts_with(beginning) {
                return true;
            }
            if !place.advance(&self.block) {
                return false;
            }
        }
    }

    /// Each with memory of its own.
    pub fn payloads(self) -> impl Iterator<Item = Payload> {
        let Self { block, place } = self;
        let mut next = Some(place);
        std::iter::from_fn(move || {
            let mut place = next?;
            let payload = place.payload(&block);
            next = place.advance(&block).then_some(place);
            Some(payload)
        })
    }
}

impl Place {
    /// How many messages are behind this one.
    #[inline]
    #[must_use]
    pub const fn left(&self) -> usize {
        self.left as usize
    }

    /// Goes on to the next message of the block; false: this was the last, and it stays.
    #[inline]
    pub fn advance(&mut self, block: &Payload) -> bool {
        let next = (self.at + self.len) as usize;
        let head = block.bytes.get(next..).and_then(|rest| rest.first_chunk());
        let Some(head) = head.filter(|_| self.left > 0) else {
            return false;
        };
        self.at = next as u32 + 4;
        self.len = u32::from_ne_bytes(*head);
        self.left -= 1;
        true
    }

    /// The term, without a leading 131.
    #[inline]
    #[must_use]
    pub fn term<'a>(&self, block: &'a Payload) -> &'a [u8] {
        let (at, len) = (self.at as usize, self.len as usize);
        block.bytes.get(at..at + len).unwrap_or_default()
    }

    /// A decoder at the beginning of the term. Binaries in it are copied, not shared.
    #[inline]
    #[must_use]
    pub fn decoder<'a>(&self, block: &'a Payload) -> Decoder<'a> {
        Decoder::new(self.term(block)).atom_table(block.atoms.table())
    }

    /// The message with memory of its own.
    #[must_use]
    pub fn payload(&self, block: &Payload) -> Payload {
        Payload {
            bytes: PayloadBytes::copy_of(self.term(block)),
            atoms: block.atoms.clone(),
        }
    }
}
