//! A message's payload: bytes that nobody has looked at yet.

use std::fmt;
use std::ops::Deref;

use bytes::Bytes;
use kista_etf::{Decoder, Encoder, Renaming};

use super::AtomList;

/// An undecoded term with the atoms that it refers to. The process that it is for decodes it.
///
/// Large ones are slices of the block of memory that the connection read into, and keep it alive; small ones are copies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payload {
    /// The term, without a leading 131.
    pub bytes: PayloadBytes,
    /// What `82,i` in it stands for.
    pub atoms: AtomList,
}

impl Payload {
    /// A decoder at the beginning of the term. Large binaries in it become slices of [`Payload::bytes`].
    #[inline]
    #[must_use]
    pub fn decoder(&self) -> Decoder<'_> {
        let d = Decoder::new(&self.bytes).atom_table(self.atoms.table());
        match &self.bytes.0 {
            Kept::Many(bytes) => d.shared(bytes),
            Kept::Few { .. } => d,
        }
    }

    /// The same term with two incarnations of a node changing places. What is no term stays: who decodes it will see.
    #[must_use]
    pub fn renamed(self, renaming: &Renaming) -> Self {
        let mut out = Encoder::with_atom_table();
        let mut d = self.decoder();
        let copied = d.transcode_renamed(&mut out, renaming);
        match copied.and_then(|()| d.finish()) {
            Ok(()) => Self {
                bytes: out.to_bytes().into(),
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
        // Itself, and its place in a queue.
        2 * size_of::<Self>() + self.bytes.held_bytes() + self.atoms.held_bytes()
    }
}

/// The bytes of a payload. Few of them need no memory of their own: most messages are small, and a copy of them is then cheaper than to
/// count who holds them.
#[derive(Clone)]
pub struct PayloadBytes(Kept);

#[derive(Clone)]
enum Kept {
    Few { len: u8, bytes: [u8; FEW] },
    Many(Bytes),
}

/// A `gen_server:call` with two small arguments is some 60 bytes.
const FEW: usize = 78;

impl PayloadBytes {
    /// A copy of these bytes.
    #[inline]
    #[must_use]
    pub fn copy_of(from: &[u8]) -> Self {
        if from.len() > FEW {
            return Self(Kept::Many(Bytes::copy_from_slice(from)));
        }
        let mut bytes = [0; FEW];
        bytes[..from.len()].copy_from_slice(from);
        Self(Kept::Few {
            len: from.len() as u8,
            bytes,
        })
    }

    /// A copy of the first `len` of these bytes. A copy whose size is known is the quicker one: so others that are behind them may be copied
    /// along, where nobody sees them.
    #[inline]
    pub(super) fn copy_of_front(from: &[u8], len: usize) -> Self {
        match from.first_chunk::<FEW>() {
            Some(bytes) if len <= FEW => Self(Kept::Few {
                len: len as u8,
                bytes: *bytes,
            }),
            _ => Self::copy_of(from.get(..len).unwrap_or_default()),
        }
    }

    /// The memory that they need beside themselves.
    fn held_bytes(&self) -> usize {
        match &self.0 {
            Kept::Few { .. } => 0,
            Kept::Many(bytes) => bytes.len(),
        }
    }
}

impl Deref for PayloadBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Kept::Few { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Kept::Many(bytes) => bytes,
        }
    }
}

impl Default for PayloadBytes {
    fn default() -> Self {
        Self::copy_of(&[])
    }
}

/// They are kept as they are.
impl From<Bytes> for PayloadBytes {
    #[inline]
    fn from(bytes: Bytes) -> Self {
        Self(Kept::Many(bytes))
    }
}

impl From<Vec<u8>> for PayloadBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl PartialEq for PayloadBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for PayloadBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&Bytes::copy_from_slice(self), f)
    }
}
