//! Messages that arrive in parts.

use std::collections::HashMap;

use bytes::{Bytes, BytesMut};

use super::reader::{Message, ReaderLimits};
use super::{AtomList, FrameError};

/// For so many parts like the first one room is made at once.
const TRUSTED_PARTS: u64 = 8;

/// A message whose last fragments are not there yet.
#[derive(Debug)]
pub(super) struct Partial {
    message: Message,
    atoms: AtomList,
    /// The counter that the next fragment must have.
    next: u64,
    bytes: BytesMut,
    /// What it counts on the account of bytes: all that arrived for it, its control part too.
    weight: usize,
}

impl Partial {
    /// `fragment` is the first fragment's counter, `frame` all of it, its share of the payload from `payload_at` on.
    pub(super) fn new(
        message: Message,
        atoms: AtomList,
        fragment: u64,
        frame: &[u8],
        payload_at: usize,
    ) -> Result<Self, FrameError> {
        if fragment < 2 {
            return Err(FrameError::FragmentOrder {
                expected: 2,
                actual: fragment,
            });
        }
        let part = &frame[payload_at..];
        // An honest first fragment tells the size; the peer's word is worth a few times of what it sent.
        let parts = usize::try_from(fragment.min(TRUSTED_PARTS)).unwrap_or(1);
        let mut bytes = BytesMut::with_capacity(parts.saturating_mul(part.len()));
        bytes.extend_from_slice(part);
        Ok(Self {
            message,
            atoms,
            next: fragment - 1,
            bytes,
            weight: frame.len(),
        })
    }
}

/// The incomplete messages of one connection, by sequence id.
#[derive(Debug)]
pub(super) struct Fragments {
    open: HashMap<u64, Partial>,
    bytes: usize,
    limits: ReaderLimits,
}

impl Fragments {
    pub(super) fn new(limits: ReaderLimits) -> Self {
        Self {
            open: HashMap::new(),
            bytes: 0,
            limits,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn must_be_closed(&self, sequence: u64) -> Result<(), FrameError> {
        if self.open.contains_key(&sequence) {
            Err(FrameError::SequenceOpen { sequence })
        } else {
            Ok(())
        }
    }

    pub(super) fn open(&mut self, sequence: u64, partial: Partial) -> Result<(), FrameError> {
        self.must_be_closed(sequence)?;
        if self.open.len() >= self.limits.open_sequences {
            return Err(FrameError::TooManySequences {
                limit: self.limits.open_sequences,
            });
        }
        self.take_room(partial.weight)?;
        self.open.insert(sequence, partial);
        Ok(())
    }

    /// Adds a later fragment; gives the message when it was the last.
    pub(super) fn append(
        &mut self,
        sequence: u64,
        fragment: u64,
        part: &[u8],
    ) -> Result<Option<(Message, AtomList, Bytes)>, FrameError> {
        self.take_room(part.len())?;
        let partial = self
            .open
            .get_mut(&sequence)
            .ok_or(FrameError::UnknownSequence { sequence })?;
        if fragment != partial.next {
            return Err(FrameError::FragmentOrder {
                expected: partial.next,
                actual: fragment,
            });
        }
        partial.bytes.extend_from_slice(part);
        partial.weight += part.len();
        partial.next -= 1;
        if partial.next > 0 {
            return Ok(None);
        }
        let Some(done) = self.open.remove(&sequence) else {
            return Ok(None);
        };
        self.bytes -= done.weight;
        Ok(Some((done.message, done.atoms, done.bytes.freeze())))
    }

    fn take_room(&mut self, more: usize) -> Result<(), FrameError> {
        if more > self.limits.fragment_bytes - self.bytes {
            return Err(FrameError::TooManyFragmentBytes {
                limit: self.limits.fragment_bytes,
            });
        }
        self.bytes += more;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_counter_is_worth_no_memory() {
        let partial = |fragment, part: &[u8]| {
            Partial::new(
                Message::Unknown { op: 99 },
                AtomList::default(),
                fragment,
                part,
                0,
            )
            .unwrap()
        };
        assert!(partial(u64::MAX, &[0; 10]).bytes.capacity() <= 80);
        assert!(partial(2, &[0; 1000]).bytes.capacity() >= 2000);
    }
}
