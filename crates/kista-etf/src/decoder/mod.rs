//! Reads terms from bytes.
//!
//! A decoder walks over a slice and yields one item per call: a value, or the head of a container whose elements the caller
//! reads next. The rules:
//!
//! 1. No length is believed: a container of `n` elements needs at least `n` more bytes, a binary of `n` bytes needs them all;
//!    both are checked before memory is taken.
//! 2. Every tag that OTP 24 to 29 accepts is read, the legacy ones included; they mean the same as the modern ones.
//! 3. A call that finds a term of another kind fails with a mismatch and has not moved; the caller may ask for another kind.
//!    After any other error the position is of no use.
//! 4. What follows the term is the caller's: [`Decoder::finish`] refuses it.

mod atom;
mod binary;
mod container;
mod identifier;
mod number;
mod skip;
mod term;

use bytes::Bytes;

use crate::kind::kind_of;
use crate::{Atom, AtomName, AtomQuota, DecodeError, Kind, Limited, Limits, quota};

pub use atom::FoundAtom;
pub(crate) use atom::same;
pub use container::ListHeader;
pub(crate) use identifier::Identifier;
pub(crate) use skip::fun_end;

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// The reader of the external term format.
///
/// ```
/// use kista_etf::Decoder;
/// let mut d = Decoder::new(&[104, 2, 119, 2, b'o', b'k', 97, 7]);
/// assert_eq!(d.tuple().unwrap(), 2);
/// assert_eq!(d.atom().unwrap(), "ok");
/// assert_eq!(d.int().unwrap(), 7);
/// d.finish().unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Decoder<'a> {
    /// What is still to be read: the end of `input`.
    rest: &'a [u8],
    input: &'a [u8],
    shared: Option<&'a Bytes>,
    atoms: AtomTable<'a>,
    limits: &'a Limits,
    quota: &'a AtomQuota,
    /// How many new atoms this input has made.
    new_atoms: usize,
    nesting: u16,
    /// How many bytes were read in vain, by [`retry`](Self::retry).
    retried: usize,
    /// Whether the free variables of a fun are being checked: funs among them are passed over.
    pub(crate) inside_fun: bool,
}

/// What `82, i` in a message stands for.
#[derive(Debug, Clone, Copy)]
pub enum AtomTable<'a> {
    /// All of them are interned.
    Atoms(&'a [Atom]),
    /// Some may be text.
    Names(&'a [AtomName]),
}

impl AtomTable<'_> {
    /// No atom.
    pub const EMPTY: Self = Self::Atoms(&[]);
}

/// A place in the input to return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark(usize);

impl<'a> Decoder<'a> {
    /// Binaries of at least this many bytes become slices of the [`shared`](Self::shared) input; shorter ones are copied,
    /// so that a small value does not keep a large buffer alive.
    ///
    /// Measured, to make and to drop one, in ns: a slice takes 49 whatever its size; a copy takes 31 for 64 bytes, 41 for 512,
    /// 45 for 768, 56 for 1,024, 89 for 2,048, 139 for 4,096. So a slice is the faster one from about 900 bytes on, and
    /// there is nothing to be gained below that would make up for the buffer kept.
    pub const SHARE_THRESHOLD: usize = 1024;

    /// A decoder at the start of `input`, which begins with a tag (the version byte 131 is read by
    /// [`from_slice`](crate::from_slice)), with default limits, no atom table, and the process-wide quota of new atoms.
    #[inline]
    pub const fn new(input: &'a [u8]) -> Self {
        Self {
            rest: input,
            input,
            shared: None,
            atoms: AtomTable::EMPTY,
            limits: &Limits::DEFAULT,
            quota: &quota::DEFAULT,
            new_atoms: 0,
            nesting: 0,
            retried: 0,
            inside_fun: false,
        }
    }

    /// Lets large binaries be slices of this memory, of which the input must be a part (else it is ignored).
    pub fn shared(mut self, bytes: &'a Bytes) -> Self {
        let (input, whole) = (self.input.as_ptr_range(), bytes.as_ptr_range());
        self.shared = (whole.start <= input.start && input.end <= whole.end).then_some(bytes);
        self
    }

    /// Sets the message's atom table, which `82, i` refers to.
    #[inline]
    pub const fn atoms(mut self, atoms: &'a [AtomName]) -> Self {
        self.atoms = AtomTable::Names(atoms);
        self
    }

    /// The same in either form.
    #[inline]
    pub const fn atom_table(mut self, atoms: AtomTable<'a>) -> Self {
        self.atoms = atoms;
        self
    }

    /// Sets the limits.
    #[inline]
    pub const fn limits(mut self, limits: &'a Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the quota of new atoms.
    #[inline]
    pub const fn quota(mut self, quota: &'a AtomQuota) -> Self {
        self.quota = quota;
        self
    }

    /// How many bytes are left.
    #[inline]
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// How many bytes were read.
    #[inline]
    pub const fn position(&self) -> usize {
        self.input.len() - self.rest.len()
    }

    /// Remembers this place.
    #[inline]
    pub const fn mark(&self) -> Mark {
        Mark(self.position())
    }

    /// Returns to a place of this decoder.
    #[inline]
    pub fn reset(&mut self, mark: Mark) {
        self.rest = self.input.get(mark.0..).unwrap_or_default();
    }

    /// Fails if bytes are left.
    #[inline]
    pub const fn finish(&self) -> Result<()> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DecodeError::TrailingBytes(left)),
        }
    }

    /// The kind of the next term, which stays where it is.
    #[inline]
    pub fn peek(&self) -> Result<Kind> {
        kind_of(self.tag()?)
    }

    /// One whole term, unread, as a part of the input. It may refer to this message's atom table.
    pub fn raw(&mut self) -> Result<&'a [u8]> {
        let start = self.rest;
        self.skip()?;
        let used = start.len() - self.rest.len();
        Ok(start.get(..used).unwrap_or_default())
    }

    /// Runs `read` one level deeper; refuses to go deeper than [`Limits::recursion`]. For implementations of `Decode` that
    /// can call themselves.
    #[inline]
    pub fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= self.limits.recursion {
            return Err(DecodeError::TooDeep(usize::from(self.limits.recursion)));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    /// Returns to a place to read the same bytes as another type. Types that try within types that try could take time without
    /// bound; so what is read in vain may be 64 times the input, and 64 KiB.
    pub fn retry(&mut self, mark: Mark) -> Result<()> {
        self.retried = self
            .retried
            .saturating_add(self.position().saturating_sub(mark.0).max(1));
        self.reset(mark);
        let limit = self.input.len().saturating_mul(64).saturating_add(65_536);
        if self.retried > limit {
            return Err(DecodeError::TooLarge(Limited::Retries, limit));
        }
        Ok(())
    }

    /// For how many elements of `size` bytes to take memory in advance, when `claimed` are said to follow. No more than the
    /// input can pay for: 8 bytes for each of its own at the outermost level, 4 at the next. Deeper levels get nearly none,
    /// as nested claims would add up.
    pub(crate) fn reserve_for(&self, claimed: usize, size: usize) -> usize {
        if claimed <= 4 || self.nesting > 2 {
            return claimed.min(4);
        }
        // Of a list that came as a string all bytes are read already.
        let input = claimed.max(self.remaining());
        let paid = input.saturating_mul(16) >> self.nesting;
        claimed.min(paid.min(1 << 20) / size.max(1))
    }

    /// A decoder of other bytes with the same settings.
    pub(crate) fn fork(&self, input: &'a [u8]) -> Self {
        Self {
            rest: input,
            input,
            shared: None,
            ..*self
        }
    }

    /// A decoder at the fun that starts there, to look at what is in it: nothing is interned, and funs in it are passed over.
    pub(crate) fn for_parts_of_fun(&self, start: usize) -> Self {
        Self {
            rest: self.input.get(start..).unwrap_or_default(),
            quota: &quota::NONE,
            inside_fun: true,
            ..*self
        }
    }

    pub(crate) const fn limits_ref(&self) -> &'a Limits {
        self.limits
    }

    pub(crate) const fn input(&self) -> &'a [u8] {
        self.input
    }

    /// What is still to be read.
    #[inline]
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    // No `ok_or` in what follows, nor anywhere on the way of a value: it makes an error for nothing and has to drop it, which
    // was a tenth of the time to decode a struct.

    #[inline]
    pub(crate) fn tag(&self) -> Result<u8> {
        match self.rest {
            [tag, ..] => Ok(*tag),
            [] => Err(DecodeError::Truncated),
        }
    }

    #[inline]
    pub(crate) fn expect_terms(&self, terms: usize) -> Result<()> {
        if terms > self.remaining() {
            Err(DecodeError::Truncated)
        } else {
            Ok(())
        }
    }

    /// Goes on by as many bytes as were seen to be there.
    #[inline]
    fn advance(&mut self, len: usize) {
        self.rest = self.rest.get(len..).unwrap_or_default();
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let Some((bytes, rest)) = self.rest.split_at_checked(len) else {
            return Err(DecodeError::Truncated);
        };
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn take_array<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let Some((bytes, rest)) = self.rest.split_first_chunk() else {
            return Err(DecodeError::Truncated);
        };
        self.rest = rest;
        Ok(bytes)
    }
}

#[inline]
pub(crate) const fn length(bytes: [u8; 4]) -> usize {
    u32::from_be_bytes(bytes) as usize
}
