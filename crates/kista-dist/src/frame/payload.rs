//! A message's payload: bytes that nobody has looked at yet.

use bytes::Bytes;
use kista_etf::Decoder;

use super::AtomList;

/// An undecoded term with the atoms that it refers to. The process that it is for decodes it.
///
/// The bytes are usually a slice of the connection's read buffer, and keep that block of memory alive.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payload {
    /// The term, without a leading 131.
    pub bytes: Bytes,
    /// What `82,i` in it stands for.
    pub atoms: AtomList,
}

impl Payload {
    /// A decoder at the beginning of the term. Large binaries in it become slices of [`Payload::bytes`].
    #[inline]
    #[must_use]
    pub fn decoder(&self) -> Decoder<'_> {
        Decoder::new(&self.bytes)
            .shared(&self.bytes)
            .atoms(&self.atoms)
    }

    /// How many bytes the term has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there is nothing; no term is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
