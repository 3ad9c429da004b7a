//! A message's payload: bytes that nobody has looked at yet.

use bytes::Bytes;
use kista_etf::{AtomName, Decoder, Encoder, Renaming};

use super::AtomList;

/// An undecoded term with the atoms that it refers to. The process that it is for decodes it.
///
/// Large ones are slices of the block of memory that the connection read into, and keep it alive; small ones are copies.
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

    /// The same term with two incarnations of a node changing places. What is no term stays: who decodes it will see.
    #[must_use]
    pub fn renamed(self, renaming: &Renaming) -> Self {
        let mut out = Encoder::with_atom_table();
        let mut d = self.decoder();
        let copied = d.transcode_renamed(&mut out, renaming);
        match copied.and_then(|()| d.finish()) {
            Ok(()) => Self {
                bytes: out.to_bytes(),
                atoms: out.atoms().iter().map(|&atom| atom.into()).collect(),
            },
            Err(_) => self,
        }
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

    /// How much memory waits with it, about: for accounts of what nobody has decoded yet.
    #[must_use]
    pub fn weight(&self) -> usize {
        let atoms: usize = self
            .atoms
            .iter()
            .map(|atom| match atom {
                AtomName::Interned(_) => size_of::<AtomName>(),
                AtomName::Text(text) => size_of::<AtomName>() + text.as_str().len(),
            })
            .sum();
        // Itself, and its place in a queue.
        2 * size_of::<Self>() + self.bytes.len() + atoms
    }
}
