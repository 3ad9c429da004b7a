//! What stood in front of earlier messages, so that it is not made or read again.
//!
//! A burst from one process to another repeats the header and the control tuple of its first message byte for byte, as long as the
//! atom cache stays as it is. Making or reading them takes some hundreds of instructions, recognising them a few dozen. Rules:
//! 1. Kept is only what changed nothing in the cache, and it holds only until something there changes: the cache's count of
//!    misses is the time of both.
//! 2. A message has one place, by its sender and receiver; the later one of two that share it stays.
//! 3. Nothing is owned before the first message; afterwards at most [`PLACES`] entries of some hundred bytes.

use kista_etf::{Atom, AtomName};

use super::AtomList;
use crate::control::Control;

/// Pairs of processes that are remembered.
const PLACES: usize = 256;
/// Longer ones are not worth it.
const MOST_BYTES: usize = 256;

/// What the writer put in front of messages.
#[derive(Debug, Default)]
pub(super) struct Written(Places<WrittenEntry>);

#[derive(Debug)]
struct WrittenEntry {
    time: u64,
    control: Control,
    /// Those of the payload; the control tuple's own are behind them in the header.
    atoms: Vec<Atom>,
    bytes: Vec<u8>,
    header_atoms: usize,
}

impl Written {
    /// The bytes in front of the payload, and how many atoms their header lists.
    #[inline]
    pub(super) fn find(
        &self,
        control: &Control,
        atoms: &[Atom],
        time: u64,
    ) -> Option<(&[u8], usize)> {
        let entry = self.0.get(sender_and_receiver(control)?)?;
        (entry.time == time && entry.control == *control && entry.atoms == atoms)
            .then_some((&entry.bytes[..], entry.header_atoms))
    }

    /// Remembers what was just written.
    pub(super) fn keep(
        &mut self,
        control: &Control,
        atoms: &[Atom],
        bytes: &[u8],
        header_atoms: usize,
        time: u64,
    ) {
        let Some(place) = sender_and_receiver(control) else {
            return;
        };
        if bytes.len() > MOST_BYTES {
            return;
        }
        // The memory of the one that was there is used again.
        let entry = self.0.take(place);
        let (mut kept_atoms, mut kept_bytes) =
            entry.map_or_else(Default::default, |entry| (entry.atoms, entry.bytes));
        kept_atoms.clear();
        kept_atoms.extend_from_slice(atoms);
        kept_bytes.clear();
        kept_bytes.extend_from_slice(bytes);
        self.0.put(
            place,
            WrittenEntry {
                time,
                control: control.clone(),
                atoms: kept_atoms,
                bytes: kept_bytes,
                header_atoms,
            },
        );
    }
}

/// What the reader found in front of messages.
#[derive(Debug, Default)]
pub(super) struct Seen(Places<SeenEntry>);

#[derive(Debug)]
struct SeenEntry {
    time: u64,
    bytes: Vec<u8>,
    control: Control,
    atoms: AtomList,
}

impl Seen {
    /// What `frame`, from its header on, begins with: the control tuple, the atoms, and how many bytes these took. There is
    /// a payload behind them.
    #[inline]
    pub(super) fn find(&self, frame: &[u8], time: u64) -> Option<(&Control, &AtomList, usize)> {
        let entry = self.0.get(beginning(frame)?)?;
        let length = entry.bytes.len();
        (entry.time == time && frame.len() > length && frame[..length] == entry.bytes[..])
            .then_some((&entry.control, &entry.atoms, length))
    }

    /// Remembers what was just read: `control` and `atoms` are what the first `length` bytes of `frame` say.
    pub(super) fn keep(
        &mut self,
        frame: &[u8],
        length: usize,
        control: &Control,
        atoms: &AtomList,
        time: u64,
    ) {
        let Some(place) = beginning(frame) else {
            return;
        };
        if length > MOST_BYTES || sender_and_receiver(control).is_none() {
            return;
        }
        let mut bytes = self
            .0
            .take(place)
            .map_or_else(Vec::new, |entry| entry.bytes);
        bytes.clear();
        bytes.extend_from_slice(&frame[..length]);
        self.0.put(
            place,
            SeenEntry {
                time,
                bytes,
                control: control.clone(),
                atoms: atoms.clone(),
            },
        );
    }
}

#[derive(Debug)]
struct Places<T>(Vec<Option<Box<T>>>);

impl<T> Default for Places<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Places<T> {
    #[inline]
    fn get(&self, hash: u64) -> Option<&T> {
        self.0.get(place(hash))?.as_deref()
    }

    fn take(&mut self, hash: u64) -> Option<T> {
        self.0.get_mut(place(hash))?.take().map(|entry| *entry)
    }

    fn put(&mut self, hash: u64, entry: T) {
        if self.0.is_empty() {
            self.0.resize_with(PLACES, || None);
        }
        self.0[place(hash)] = Some(Box::new(entry));
    }
}

#[inline]
const fn place(hash: u64) -> usize {
    (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PLACES
}

/// A number for the pair; `None` for what is no plain message from one process to another.
#[inline]
fn sender_and_receiver(control: &Control) -> Option<u64> {
    let (from, to) = match control {
        Control::Send {
            from: Some(from),
            to,
            token: None,
        } => (from, to.id),
        Control::RegSend {
            from,
            to: AtomName::Interned(to),
            token: None,
        } => (from, to.index()),
        _ => return None,
    };
    Some(u64::from(from.id) << 32 ^ u64::from(to))
}

/// The same for a frame, as far as its bytes tell: `None` unless it looks like a message to a pid or to a name.
#[inline]
fn beginning(frame: &[u8]) -> Option<u64> {
    let atoms = usize::from(*frame.first()?);
    let control = frame.get(2 + atoms / 2 + atoms..)?;
    let number = |at: usize| Some(u32::from_be_bytes(*control.get(at..)?.first_chunk()?));
    let to = match control.first_chunk()? {
        [104, 3, 97, 22] => number(22)?,
        [104, 4, 97, 6] => u32::from(*control.get(22)?),
        _ => return None,
    };
    Some(u64::from(number(7)?) << 32 ^ u64::from(to))
}
