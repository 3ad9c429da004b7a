//! Writes terms as bytes.
//!
//! An encoder is a growing buffer with one method per kind of term; containers are a head followed by their elements.
//! The rules:
//!
//! 1. Only modern tags are written, and always the smallest form of an integer.
//! 2. Atoms go inline (tags 119, 118), or, after [`Encoder::with_atom_table`], as `82, i` into a table of this message, which
//!    the frame's header carries: at most 255 entries, further ones inline. A name that is not interned always goes inline.
//! 3. A shared binary of [`Encoder::CHAIN_THRESHOLD`] bytes or more is not copied: it is kept beside the buffer with the
//!    offset at which it belongs ([`Encoder::chunks`]).
//! 4. The encoder checks values, not structure: who writes `tuple(2)` writes two terms after it.

mod atom;
mod binary;
mod container;
mod identifier;
mod number;
mod term;

use bytes::Bytes;

use crate::{Atom, atoms};
use atom::AtomTable;

/// The writer of the external term format.
///
/// ```
/// use kista_etf::{atoms, Encoder};
/// let mut e = Encoder::new();
/// e.tuple(2);
/// e.atom(atoms::OK);
/// e.int(7);
/// assert_eq!(e.inline_bytes(), [104, 2, 119, 2, b'o', b'k', 97, 7]);
/// ```
#[derive(Debug, Clone)]
pub struct Encoder {
    bytes: Vec<u8>,
    chunks: Vec<(usize, Bytes)>,
    chained: usize,
    table: Option<Box<AtomTable>>,
    /// Whether `None` is `nil`.
    nil: bool,
}

impl Encoder {
    /// Shared binaries of at least this many bytes are chained, not copied.
    pub const CHAIN_THRESHOLD: usize = 4096;

    /// An encoder that writes atoms inline: for everything but distribution messages.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            chunks: Vec::new(),
            chained: 0,
            table: None,
            nil: false,
        }
    }

    /// An encoder that writes atoms as references to [`atoms`](Self::atoms), for the payload of a distribution message.
    pub fn with_atom_table() -> Self {
        Self {
            table: Some(Box::default()),
            ..Self::new()
        }
    }

    /// Forgets what was written, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.chunks.clear();
        self.chained = 0;
        if let Some(table) = &mut self.table {
            table.atoms.clear();
        }
    }

    /// The message's atom table: entry `i` is what `82, i` means. Empty for an encoder that writes atoms inline.
    pub fn atoms(&self) -> &[Atom] {
        self.table.as_ref().map_or(&[], |table| &table.atoms)
    }

    /// Whether atoms are written as references.
    pub const fn has_atom_table(&self) -> bool {
        self.table.is_some()
    }

    /// How many bytes were written, chained ones included.
    pub const fn len(&self) -> usize {
        self.bytes.len() + self.chained
    }

    /// Whether nothing was written.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was written, without the chained binaries.
    pub fn inline_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The chained binaries, each with the offset in [`inline_bytes`](Self::inline_bytes) before which it belongs.
    /// Offsets never decrease.
    pub fn chunks(&self) -> &[(usize, Bytes)] {
        &self.chunks
    }

    /// Everything in one piece; copies the chained binaries.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.len());
        let mut from = 0;
        for (offset, chunk) in &self.chunks {
            whole.extend_from_slice(&self.bytes[from..*offset]);
            whole.extend_from_slice(chunk);
            from = *offset;
        }
        whole.extend_from_slice(&self.bytes[from..]);
        whole
    }

    /// Everything in one piece; copies the chained binaries.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(self.to_vec())
    }

    /// Everything in one piece, without a copy when nothing was chained.
    pub fn into_vec(self) -> Vec<u8> {
        if self.chunks.is_empty() {
            self.bytes
        } else {
            self.to_vec()
        }
    }

    /// Bytes as they are: whole terms that were encoded before, with inline atoms (or for this very table).
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes as they are, that belong to somebody else: chained when they are many.
    pub fn raw_shared(&mut self, bytes: Bytes) {
        if bytes.len() < Self::CHAIN_THRESHOLD {
            self.raw(&bytes)
        } else {
            self.chain(bytes)
        }
    }

    /// Writes with `nil` for every `None` in it, at any depth, instead of `undefined`: as Elixir has it.
    ///
    /// ```
    /// use kista_etf::{Encode, Encoder};
    /// let mut e = Encoder::new();
    /// e.with_nil(|e| vec![Some(1), None].encode(e)).unwrap();
    /// assert!(e.inline_bytes().ends_with(&[97, 1, 119, 3, b'n', b'i', b'l', 106]));
    /// ```
    #[inline]
    pub fn with_nil<T>(&mut self, write: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.nil, true);
        let result = write(self);
        self.nil = before;
        result
    }

    /// What `None` is written as: `undefined`, or `nil` within [`with_nil`](Self::with_nil).
    #[inline]
    pub fn none(&mut self) {
        self.atom(if self.nil {
            atoms::NIL
        } else {
            atoms::UNDEFINED
        });
    }

    fn chain(&mut self, bytes: Bytes) {
        self.chained += bytes.len();
        self.chunks.push((self.bytes.len(), bytes));
    }

    /// A tag and a length of four bytes.
    #[inline]
    fn head(&mut self, tag: u8, len: usize) {
        let len = u32::try_from(len).expect("a length of the external term format has 32 bits");
        let [a, b, c, d] = len.to_be_bytes();
        self.bytes.extend_from_slice(&[tag, a, b, c, d]);
    }

    /// The first `used` bytes of a block: see [`inline_atom`](Self::inline_atom).
    #[inline]
    fn block<const N: usize>(&mut self, block: &[u8; N], used: usize) {
        let end = self.bytes.len() + used;
        self.bytes.extend_from_slice(block);
        self.bytes.truncate(end);
    }

    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}
