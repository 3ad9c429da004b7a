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

use std::borrow::Cow;

use bytes::Bytes;
use num_bigint::{BigInt, Sign};

use crate::{Atom, AtomName, AtomQuota, Binary, DecodeError, Kind, Limits, StaticAtom, quota, tag};

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
    atoms: &'a [AtomName],
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

/// What a list looks like on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListHeader<'a> {
    /// `[]`; nothing follows.
    Nil,
    /// This many elements follow (at least one), and then the tail: read it with [`Decoder::nil`] for a proper list.
    Elements(usize),
    /// A list of small integers, all of them here; nothing follows.
    Bytes(&'a [u8]),
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
            atoms: &[],
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

    /// An atom; a new one is interned as far as the quota allows.
    #[inline]
    pub fn atom(&mut self) -> Result<AtomName> {
        if let Some((text, before)) = self.peek_atom_text()
            && let Some(atom) = Atom::cached(text)
        {
            self.advance(before + text.len());
            return Ok(AtomName::Interned(atom));
        }
        self.atom_by_table()
    }

    fn atom_by_table(&mut self) -> Result<AtomName> {
        if self.tag()? == tag::ATOM_REF {
            return Ok(self.atom_ref()?.clone());
        }
        let text = self.inline_atom()?;
        self.quota
            .intern_counting(&text, &mut self.new_atoms, self.limits.new_atoms)
            .map_err(|_| DecodeError::AtomTooLong)
    }

    /// The text of an atom, which is not interned.
    #[inline]
    pub fn atom_str(&mut self) -> Result<Cow<'a, str>> {
        if self.tag()? == tag::ATOM_REF {
            return Ok(Cow::Borrowed(self.atom_ref()?.as_str()));
        }
        self.inline_atom()
    }

    /// Reads the atom if it is this one; else has not moved. Whether what stands there is an atom at all is not checked.
    ///
    /// ```
    /// use kista_etf::{Decoder, StaticAtom};
    /// static OK: StaticAtom = StaticAtom::new("ok");
    /// static ERROR: StaticAtom = StaticAtom::new("error");
    /// let mut d = Decoder::new(&[119, 2, b'o', b'k']);
    /// assert!(!d.take_atom(&ERROR));
    /// assert!(d.take_atom(&OK));
    /// d.finish().unwrap();
    /// ```
    #[inline]
    pub fn take_atom(&mut self, atom: &StaticAtom) -> bool {
        let text = atom.text();
        match self.rest {
            [tag::SMALL_ATOM_UTF8, len, ..] if usize::from(*len) != text.len() => false,
            [tag::SMALL_ATOM_UTF8, _, rest @ ..] => match rest.split_at_checked(text.len()) {
                Some((found, rest)) if same(found, text.as_bytes()) => {
                    self.rest = rest;
                    true
                }
                _ => false,
            },
            [tag::ATOM_REF, index, rest @ ..] => {
                let same = match self.atom_entry(*index) {
                    Some(AtomName::Interned(known)) => *known == atom.atom(),
                    Some(AtomName::Text(known)) => known.as_str() == text,
                    None => false,
                };
                if same {
                    self.rest = rest;
                }
                same
            }
            // How `term_to_binary` of OTP 25 writes every atom of Latin-1.
            [tag::ATOM, high, low, rest @ ..] if text.is_ascii() => {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                match rest.split_at_checked(len) {
                    Some((found, rest)) if same(found, text.as_bytes()) => {
                        self.rest = rest;
                        true
                    }
                    _ => false,
                }
            }
            _ => self.take_rare_atom(text),
        }
    }

    /// [`take_atom`](Self::take_atom) for the forms that are rarely met.
    #[cold]
    fn take_rare_atom(&mut self, text: &str) -> bool {
        let mark = self.mark();
        let same = self.atom_str().is_ok_and(|found| found == text);
        if !same {
            self.reset(mark);
        }
        same
    }

    /// The text of an atom in one of its two usual forms, and how many bytes stand before it; it may not be UTF-8. The atom
    /// stays where it is.
    #[inline]
    pub(crate) fn peek_atom_text(&self) -> Option<(&'a [u8], usize)> {
        match self.rest {
            [tag::SMALL_ATOM_UTF8, len, rest @ ..] => {
                rest.get(..usize::from(*len)).map(|text| (text, 2))
            }
            // Latin-1, which is UTF-8 when it is ASCII.
            [tag::ATOM, high, low, rest @ ..] => rest
                .get(..usize::from(u16::from_be_bytes([*high, *low])))
                .filter(|text| text.is_ascii())
                .map(|text| (text, 3)),
            _ => None,
        }
    }

    /// An entry of the message's atom table.
    #[inline]
    pub(crate) fn atom_entry(&self, index: u8) -> Option<&'a AtomName> {
        self.atoms.get(usize::from(index))
    }

    #[inline]
    fn atom_ref(&mut self) -> Result<&'a AtomName> {
        let [_, index] = *self.take_array()?;
        match self.atom_entry(index) {
            Some(name) => Ok(name),
            None => Err(DecodeError::UnknownAtomRef(index)),
        }
    }

    fn inline_atom(&mut self) -> Result<Cow<'a, str>> {
        let tag = self.tag()?;
        let len = match tag {
            tag::SMALL_ATOM_UTF8 | tag::SMALL_ATOM => {
                let [_, len] = *self.take_array()?;
                usize::from(len)
            }
            tag::ATOM_UTF8 | tag::ATOM => {
                let [_, high, low] = *self.take_array()?;
                usize::from(u16::from_be_bytes([high, low]))
            }
            other => return Err(mismatch("an atom", other)),
        };
        let bytes = self.take(len)?;
        let text = if matches!(tag, tag::SMALL_ATOM | tag::ATOM) && !bytes.is_ascii() {
            Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect())
        } else {
            Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| DecodeError::AtomNotUtf8)?)
        };
        crate::atom::check(&text).map_err(|_| DecodeError::AtomTooLong)?;
        Ok(text)
    }

    /// `true` or `false`.
    pub fn bool(&mut self) -> Result<bool> {
        let mark = self.mark();
        match &*self.atom_str()? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => {
                self.reset(mark);
                Err(DecodeError::Unexpected {
                    expected: "true or false",
                    found: Kind::Atom,
                })
            }
        }
    }

    /// An integer that fits `i64`.
    #[inline]
    pub fn int(&mut self) -> Result<i64> {
        match self.rest {
            [tag::SMALL_INTEGER, value, rest @ ..] => {
                self.rest = rest;
                Ok(i64::from(*value))
            }
            [tag::INTEGER, a, b, c, d, rest @ ..] => {
                self.rest = rest;
                Ok(i64::from(i32::from_be_bytes([*a, *b, *c, *d])))
            }
            _ => self.medium("i64"),
        }
    }

    /// An integer that fits `u64`.
    #[inline]
    pub fn uint(&mut self) -> Result<u64> {
        match self.rest {
            [tag::SMALL_INTEGER, value, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(*value))
            }
            _ => self.medium("u64"),
        }
    }

    /// An integer that fits `i128`.
    pub fn int128(&mut self) -> Result<i128> {
        self.medium("i128")
    }

    /// An integer that fits `u128`.
    pub fn uint128(&mut self) -> Result<u128> {
        let mark = self.mark();
        match self.int128() {
            Err(DecodeError::OutOfRange(_)) => {}
            Ok(value) if value < 0 => self.reset(mark),
            result => return result.map(i128::cast_unsigned),
        }
        match self.big_parts() {
            Ok((false, magnitude)) if magnitude.len() <= 16 => {
                let mut bytes = [0; 16];
                bytes[..magnitude.len()].copy_from_slice(magnitude);
                Ok(u128::from_le_bytes(bytes))
            }
            _ => {
                self.reset(mark);
                Err(DecodeError::OutOfRange("u128"))
            }
        }
    }

    /// An integer of up to 16 bytes, as the type `T` of this name.
    #[inline(never)]
    fn medium<T: TryFrom<i128>>(&mut self, name: &'static str) -> Result<T> {
        let mark = self.mark();
        let value = match self.tag()? {
            tag::SMALL_INTEGER => i128::from(self.take_array::<2>()?[1]),
            tag::INTEGER => {
                let [_, value @ ..] = *self.take_array::<5>()?;
                i128::from(i32::from_be_bytes(value))
            }
            _ => match self.big_parts()? {
                (negative, magnitude) if magnitude.len() <= 16 => {
                    let mut bytes = [0; 16];
                    bytes[..magnitude.len()].copy_from_slice(magnitude);
                    let magnitude = u128::from_le_bytes(bytes);
                    let value = if negative {
                        0i128.checked_sub_unsigned(magnitude)
                    } else {
                        i128::try_from(magnitude).ok()
                    };
                    let Some(value) = value else {
                        self.reset(mark);
                        return Err(DecodeError::OutOfRange(name));
                    };
                    value
                }
                _ => {
                    self.reset(mark);
                    return Err(DecodeError::OutOfRange(name));
                }
            },
        };
        T::try_from(value).map_err(|_| {
            self.reset(mark);
            DecodeError::OutOfRange(name)
        })
    }

    /// An integer of any size up to the limit.
    pub fn big(&mut self) -> Result<BigInt> {
        if matches!(self.tag()?, tag::SMALL_INTEGER | tag::INTEGER) {
            return Ok(BigInt::from(self.int()?));
        }
        let (negative, magnitude) = self.big_parts()?;
        Ok(BigInt::from_bytes_le(
            if negative { Sign::Minus } else { Sign::Plus },
            magnitude,
        ))
    }

    /// The sign and the bytes (least first, without leading zeros) of a big integer.
    pub(crate) fn big_parts(&mut self) -> Result<(bool, &'a [u8])> {
        let (len, sign) = match self.tag()? {
            tag::SMALL_BIG => {
                let [_, len, sign] = *self.take_array()?;
                (usize::from(len), sign)
            }
            tag::LARGE_BIG => {
                let [_, a, b, c, d, sign] = *self.take_array()?;
                (length([a, b, c, d]), sign)
            }
            other => return Err(mismatch("an integer", other)),
        };
        let limit = self.limits.bigint_bytes;
        if len > limit {
            return Err(DecodeError::TooLarge {
                what: "an integer",
                limit,
            });
        }
        let bytes = self.take(len)?;
        let used = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        Ok((sign != 0, &bytes[..used]))
    }

    /// A float. Integers are not taken for floats.
    #[inline]
    pub fn float(&mut self) -> Result<f64> {
        if let Some(([tag::NEW_FLOAT, value @ ..], rest)) = self.rest.split_first_chunk::<9>() {
            let value = f64::from_be_bytes(*value);
            if value.is_finite() {
                self.rest = rest;
                return Ok(value);
            }
        }
        self.rare_float()
    }

    /// A float as text, or none.
    #[cold]
    fn rare_float(&mut self) -> Result<f64> {
        match self.tag()? {
            tag::NEW_FLOAT => {
                self.take(9)?;
                Err(DecodeError::BadFloat)
            }
            tag::FLOAT => {
                let [_, text @ ..] = self.take_array::<32>()?;
                text_float(text)
                    .filter(|value| value.is_finite())
                    .ok_or(DecodeError::BadFloat)
            }
            other => Err(mismatch("a float", other)),
        }
    }

    /// A binary, as a part of the input.
    #[inline]
    pub fn binary(&mut self) -> Result<&'a [u8]> {
        if let [tag::BINARY, a, b, c, d, rest @ ..] = self.rest
            && let Some((bytes, rest)) = rest.split_at_checked(length([*a, *b, *c, *d]))
        {
            self.rest = rest;
            return Ok(bytes);
        }
        self.rare_binary()
    }

    /// A bit string of whole bytes, or no binary.
    #[cold]
    fn rare_binary(&mut self) -> Result<&'a [u8]> {
        match self.tag()? {
            tag::BINARY => Err(DecodeError::Truncated),
            tag::BIT_BINARY => {
                let mark = self.mark();
                let (bytes, bits) = self.bit_binary()?;
                if bits == 8 || bytes.is_empty() {
                    return Ok(bytes);
                }
                self.reset(mark);
                Err(DecodeError::Unexpected {
                    expected: "a binary",
                    found: Kind::BitString,
                })
            }
            other => Err(mismatch("a binary", other)),
        }
    }

    /// A binary that is UTF-8, as a part of the input.
    #[inline]
    pub fn str(&mut self) -> Result<&'a str> {
        let mark = self.mark();
        match std::str::from_utf8(self.binary()?) {
            Ok(text) => Ok(text),
            Err(_) => {
                self.reset(mark);
                Err(DecodeError::NotUtf8)
            }
        }
    }

    /// A binary that outlives the input: a slice of the shared memory when it is large, else a copy.
    #[inline]
    pub fn binary_shared(&mut self) -> Result<Binary> {
        let bytes = self.binary()?;
        Ok(self.own(bytes))
    }

    #[inline]
    pub(crate) fn own(&self, bytes: &'a [u8]) -> Binary {
        match self.shared {
            Some(shared) if bytes.len() >= Self::SHARE_THRESHOLD => {
                Binary::from(shared.slice_ref(bytes))
            }
            _ => Binary::copy_from_slice(bytes),
        }
    }

    /// The bytes and the number of bits in the last one.
    pub(crate) fn bit_binary(&mut self) -> Result<(&'a [u8], u8)> {
        let [_, a, b, c, d, bits] = *self.take_array()?;
        let bytes = self.take(length([a, b, c, d]))?;
        match bits {
            1..=8 if !bytes.is_empty() => Ok((bytes, bits)),
            0 if bytes.is_empty() => Ok((bytes, 8)),
            _ => Err(DecodeError::BadBits(bits)),
        }
    }

    /// The head of a tuple: this many terms follow.
    #[inline]
    pub fn tuple(&mut self) -> Result<usize> {
        if let [tag::SMALL_TUPLE, arity, rest @ ..] = self.rest
            && usize::from(*arity) <= rest.len()
        {
            self.rest = rest;
            return Ok(usize::from(*arity));
        }
        self.rare_tuple()
    }

    /// A tuple of more than 255, or none.
    #[cold]
    fn rare_tuple(&mut self) -> Result<usize> {
        match self.tag()? {
            tag::SMALL_TUPLE => Err(DecodeError::Truncated),
            tag::LARGE_TUPLE => {
                let [_, a, b, c, d] = *self.take_array()?;
                let arity = length([a, b, c, d]);
                self.expect_terms(arity)?;
                Ok(arity)
            }
            other => Err(mismatch("a tuple", other)),
        }
    }

    /// The head of a tuple of exactly this many terms, which follow. Has not moved when the size is another one.
    #[inline]
    pub fn tuple_of(&mut self, expected: usize) -> Result<()> {
        let mark = self.mark();
        let found = self.tuple()?;
        if found == expected {
            return Ok(());
        }
        self.reset(mark);
        Err(DecodeError::Arity { expected, found })
    }

    /// The head of a list.
    #[inline]
    pub fn list(&mut self) -> Result<ListHeader<'a>> {
        match self.tag()? {
            tag::NIL => {
                self.advance(1);
                Ok(ListHeader::Nil)
            }
            tag::STRING => {
                let [_, high, low] = *self.take_array()?;
                match self.take(usize::from(u16::from_be_bytes([high, low])))? {
                    [] => Ok(ListHeader::Nil),
                    bytes => Ok(ListHeader::Bytes(bytes)),
                }
            }
            tag::LIST => {
                let [_, a, b, c, d] = *self.take_array()?;
                let len = length([a, b, c, d]);
                self.expect_terms(len)?;
                Ok(ListHeader::Elements(len))
            }
            other => Err(mismatch("a list", other)),
        }
    }

    /// The empty list, which is also the end of a proper one.
    #[inline]
    pub fn nil(&mut self) -> Result<()> {
        if let [tag::NIL, rest @ ..] | [tag::STRING, 0, 0, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(());
        }
        kind_of(self.tag()?)?;
        Err(DecodeError::Improper)
    }

    /// The head of a map: this many times a key and its value follow. Duplicate keys are the caller's to find
    /// ([`term`](Self::term) and the maps of the standard library do).
    #[inline]
    pub fn map(&mut self) -> Result<usize> {
        match self.tag()? {
            tag::MAP => {
                let [_, a, b, c, d] = *self.take_array()?;
                let len = length([a, b, c, d]);
                self.expect_terms(len.saturating_mul(2))?;
                Ok(len)
            }
            other => Err(mismatch("a map", other)),
        }
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
            return Err(DecodeError::TooLarge {
                what: "the work of trying one type after another",
                limit,
            });
        }
        Ok(())
    }

    /// Reads integers of up to 32 bits, at most so many, and gives each to `take`; ends before what is none, and before one
    /// that `take` refuses. What is left stays in a register all the way.
    #[inline]
    pub(crate) fn small_integers(&mut self, most: usize, mut take: impl FnMut(i32) -> bool) {
        let mut rest = self.rest;
        for _ in 0..most {
            let (value, after) = match rest {
                [tag::SMALL_INTEGER, value, after @ ..] => (i32::from(*value), after),
                [tag::INTEGER, a, b, c, d, after @ ..] => {
                    (i32::from_be_bytes([*a, *b, *c, *d]), after)
                }
                _ => break,
            };
            if !take(value) {
                break;
            }
            rest = after;
        }
        self.rest = rest;
    }

    /// For how many elements of `size` bytes to take memory in advance, when `claimed` are said to follow. No more than the
    /// input can pay for: 8 bytes for each of its own at the outermost level, 4 at the next. Deeper levels get nearly none,
    /// as nested claims would add up.
    pub(crate) fn reserve_for(&self, claimed: usize, size: usize) -> usize {
        if self.nesting > 2 {
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

    /// Passes over a fun whose size is known to be right.
    pub(crate) fn skip_fun_by_size(&mut self) -> Result<()> {
        let start = self.position();
        let end = crate::skip::fun_end(self.input, start)?;
        self.take(end - start).map(|_| ())
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

/// Whether two texts are the same: faster than `==` for short ones, which asks a function of the C library.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    fn ends<const N: usize>(text: &[u8]) -> (Option<&[u8; N]>, Option<&[u8; N]>) {
        (text.first_chunk(), text.last_chunk())
    }
    a.len() == b.len()
        && match a.len() {
            0 => true,
            1..4 => a[0] == b[0] && a[a.len() / 2] == b[a.len() / 2] && a.last() == b.last(),
            4..8 => ends::<4>(a) == ends::<4>(b),
            8..=16 => ends::<8>(a) == ends::<8>(b),
            _ => a == b,
        }
}

#[inline]
pub(crate) const fn length(bytes: [u8; 4]) -> usize {
    u32::from_be_bytes(bytes) as usize
}

/// The number in a float's legacy form, which is text up to a zero byte: a sign or none, digits, a point (or the comma that
/// some locales wrote), digits, and maybe an exponent. Infinite when it is too large.
fn text_float(text: &[u8]) -> Option<f64> {
    let digits = |text: &mut &[u8]| {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        *text = &text[count..];
        (count > 0).then_some(())
    };
    let sign = |text: &mut &[u8]| {
        if let [b'+' | b'-', rest @ ..] = *text {
            *text = rest;
        }
    };
    let text = &text[..text.iter().position(|byte| *byte == 0)?];
    let mut rest = text;
    sign(&mut rest);
    digits(&mut rest)?;
    let point = text.len() - rest.len();
    let [b'.' | b',', after @ ..] = rest else {
        return None;
    };
    rest = after;
    digits(&mut rest)?;
    if let [b'e' | b'E', after @ ..] = rest {
        rest = after;
        sign(&mut rest);
        digits(&mut rest)?;
    }
    let mut plain = [0; 31];
    let plain = plain.get_mut(..text.len()).filter(|_| rest.is_empty())?;
    plain.copy_from_slice(text);
    plain[point] = b'.';
    std::str::from_utf8(plain).ok()?.parse().ok()
}

#[cold]
pub(crate) fn mismatch(expected: &'static str, tag: u8) -> DecodeError {
    match kind_of(tag) {
        Ok(found) => DecodeError::Unexpected { expected, found },
        Err(error) => error,
    }
}

#[inline]
pub(crate) fn kind_of(tag: u8) -> Result<Kind> {
    match KINDS[usize::from(tag)] {
        Some(kind) => Ok(kind),
        None => Err(DecodeError::UnknownTag(tag)),
    }
}

/// The kinds by tag.
static KINDS: [Option<Kind>; 256] = {
    let mut kinds = [None; 256];
    let mut tag = 0;
    while tag < kinds.len() {
        kinds[tag] = kind_by_tag(tag as u8);
        tag += 1;
    }
    kinds
};

const fn kind_by_tag(tag: u8) -> Option<Kind> {
    Some(match tag {
        tag::SMALL_INTEGER | tag::INTEGER | tag::SMALL_BIG | tag::LARGE_BIG => Kind::Integer,
        tag::NEW_FLOAT | tag::FLOAT => Kind::Float,
        tag::ATOM_REF | tag::ATOM | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8 => {
            Kind::Atom
        }
        tag::REFERENCE | tag::NEW_REFERENCE | tag::NEWER_REF => Kind::Reference,
        tag::NEW_FUN | tag::EXPORT => Kind::Fun,
        tag::PORT | tag::NEW_PORT | tag::V4_PORT => Kind::Port,
        tag::PID | tag::NEW_PID => Kind::Pid,
        tag::SMALL_TUPLE | tag::LARGE_TUPLE => Kind::Tuple,
        tag::MAP => Kind::Map,
        tag::NIL | tag::STRING | tag::LIST => Kind::List,
        tag::BINARY => Kind::Binary,
        tag::BIT_BINARY => Kind::BitString,
        _ => return None,
    })
}

impl Atom {
    /// The atom that is next in the input, if it is already interned or the quota allows it; a mismatch otherwise.
    pub(crate) fn read(d: &mut Decoder<'_>) -> Result<Self> {
        let mark = d.mark();
        match d.atom()? {
            AtomName::Interned(atom) => Ok(atom),
            AtomName::Text(_) => {
                d.reset(mark);
                Err(DecodeError::custom(
                    "an atom is beyond the quota of new atoms",
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_one_byte_are_not_the_same() {
        for len in 0..40 {
            let text = vec![7; len];
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &vec![7; len + 1]));
            for at in 0..len {
                let mut other = text.clone();
                other[at] = 8;
                assert!(!same(&text, &other), "{at} of {len}");
            }
        }
    }

    #[test]
    fn an_integer_that_ends_early_is_no_integer() {
        for bytes in [&[97][..], &[98, 1, 2, 3], &[110, 1], &[110, 1, 0], &[]] {
            for read in [
                |d: &mut Decoder<'_>| d.int().map(drop),
                |d: &mut Decoder<'_>| d.uint().map(drop),
                |d: &mut Decoder<'_>| d.int128().map(drop),
                |d: &mut Decoder<'_>| d.term().map(drop),
            ] {
                assert_eq!(read(&mut Decoder::new(bytes)), Err(DecodeError::Truncated));
            }
        }
        let short = [108, 0, 0, 0, 3, 97, 1, 98, 0, 0];
        assert_eq!(
            crate::Decode::decode(&mut Decoder::new(&short)),
            Err::<Vec<i64>, _>(DecodeError::Truncated)
        );
    }

    #[test]
    fn a_list_of_integers_says_which_element_does_not_fit() {
        use crate::{Decode, Place, to_vec};
        for (items, at) in [
            (vec![1i64, 2, 300], 2),
            (vec![-1, 1], 0),
            (vec![1i64, 1 << 40], 1),
        ] {
            let error = Vec::<u8>::decode(&mut Decoder::new(&to_vec(&items).unwrap()[1..]));
            let expected = DecodeError::OutOfRange("u8").within(Place::Element(at));
            assert_eq!(error, Err(expected));
        }
        let error = Vec::<i8>::decode(&mut Decoder::new(&[107, 0, 2, 127, 128]));
        let expected = DecodeError::OutOfRange("i8").within(Place::Element(1));
        assert_eq!(error, Err(expected));
    }
}
