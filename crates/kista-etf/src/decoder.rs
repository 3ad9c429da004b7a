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

use crate::{
    Atom, AtomName, AtomQuota, Binary, DecodeError, Kind, Limits, Pid, Port, Reference, StaticAtom,
    quota, tag,
};

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
    input: &'a [u8],
    position: usize,
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

/// An identifier whose node's name may not be interned.
pub(crate) enum Identifier {
    Pid {
        id: u32,
        serial: u32,
        creation: u32,
    },
    Port {
        id: u64,
        creation: u32,
    },
    Reference {
        creation: u32,
        words: [u32; Reference::MAX_WORDS],
        used: u8,
    },
}

impl<'a> Decoder<'a> {
    /// Binaries of at least this many bytes become slices of the [`shared`](Self::shared) input; shorter ones are copied,
    /// so that a small value does not keep a large buffer alive.
    pub const SHARE_THRESHOLD: usize = 1024;

    /// A decoder at the start of `input`, which begins with a tag (the version byte 131 is read by
    /// [`from_slice`](crate::from_slice)), with default limits, no atom table, and the process-wide quota of new atoms.
    #[inline]
    pub const fn new(input: &'a [u8]) -> Self {
        Self {
            input,
            position: 0,
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
        self.input.len() - self.position
    }

    /// How many bytes were read.
    #[inline]
    pub const fn position(&self) -> usize {
        self.position
    }

    /// Remembers this place.
    #[inline]
    pub const fn mark(&self) -> Mark {
        Mark(self.position)
    }

    /// Returns to a place of this decoder.
    #[inline]
    pub fn reset(&mut self, mark: Mark) {
        self.position = mark.0.min(self.input.len());
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
    pub fn peek(&self) -> Result<Kind> {
        kind_of(self.tag()?)
    }

    /// An atom; a new one is interned as far as the quota allows.
    #[inline]
    pub fn atom(&mut self) -> Result<AtomName> {
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
        let text = atom.text().as_bytes();
        match &self.input[self.position..] {
            [tag::SMALL_ATOM_UTF8, len, rest @ ..] => {
                let same = usize::from(*len) == text.len() && rest.starts_with(text);
                if same {
                    self.position += 2 + text.len();
                }
                same
            }
            [tag::ATOM_REF, index, ..] => {
                let same = match self.atoms.get(usize::from(*index)) {
                    Some(AtomName::Interned(known)) => *known == atom.atom(),
                    Some(AtomName::Text(known)) => known.as_str() == atom.text(),
                    None => false,
                };
                if same {
                    self.position += 2;
                }
                same
            }
            // How `term_to_binary` of OTP 25 writes every atom of Latin-1.
            [tag::ATOM, high, low, rest @ ..] if text.is_ascii() => {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                let same = len == text.len() && rest.starts_with(text);
                if same {
                    self.position += 3 + text.len();
                }
                same
            }
            _ => self.take_rare_atom(atom.text()),
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

    /// The bytes of an inline atom, unchecked and not moved over: to be looked up among known texts, and then taken by
    /// [`take_atom`](Self::take_atom).
    #[inline]
    pub(crate) fn peek_atom_bytes(&self) -> Option<&'a [u8]> {
        match &self.input[self.position..] {
            [tag::SMALL_ATOM_UTF8, len, rest @ ..] => rest.get(..usize::from(*len)),
            [tag::ATOM, high, low, rest @ ..] => {
                rest.get(..usize::from(u16::from_be_bytes([*high, *low])))
            }
            _ => None,
        }
    }

    #[inline]
    fn atom_ref(&mut self) -> Result<&'a AtomName> {
        let [_, index] = *self.take_array()?;
        self.atoms
            .get(usize::from(index))
            .ok_or(DecodeError::UnknownAtomRef(index))
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
        match self.tag()? {
            tag::SMALL_INTEGER => {
                let [_, value] = *self.take_array()?;
                Ok(i64::from(value))
            }
            tag::INTEGER => {
                let [_, a, b, c, d] = *self.take_array()?;
                Ok(i64::from(i32::from_be_bytes([a, b, c, d])))
            }
            _ => self.medium("i64"),
        }
    }

    /// An integer that fits `u64`.
    #[inline]
    pub fn uint(&mut self) -> Result<u64> {
        match self.tag()? {
            tag::SMALL_INTEGER => {
                let [_, value] = *self.take_array()?;
                Ok(u64::from(value))
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
    fn medium<T: TryFrom<i128>>(&mut self, name: &'static str) -> Result<T> {
        let mark = self.mark();
        let value = match self.tag()? {
            tag::SMALL_INTEGER | tag::INTEGER => i128::from(self.int()?),
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
        let value = match self.tag()? {
            tag::NEW_FLOAT => {
                let [_, value @ ..] = *self.take_array::<9>()?;
                f64::from_be_bytes(value)
            }
            tag::FLOAT => {
                let [_, text @ ..] = self.take_array::<32>()?;
                text_float(text).ok_or(DecodeError::BadFloat)?
            }
            other => return Err(mismatch("a float", other)),
        };
        if value.is_finite() {
            Ok(value)
        } else {
            Err(DecodeError::BadFloat)
        }
    }

    /// A binary, as a part of the input.
    #[inline]
    pub fn binary(&mut self) -> Result<&'a [u8]> {
        match self.tag()? {
            tag::BINARY => {
                let [_, a, b, c, d] = *self.take_array()?;
                self.take(length([a, b, c, d]))
            }
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
    pub fn str(&mut self) -> Result<&'a str> {
        let mark = self.mark();
        std::str::from_utf8(self.binary()?).map_err(|_| {
            self.reset(mark);
            DecodeError::NotUtf8
        })
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
        let arity = match self.tag()? {
            tag::SMALL_TUPLE => {
                let [_, arity] = *self.take_array()?;
                usize::from(arity)
            }
            tag::LARGE_TUPLE => {
                let [_, a, b, c, d] = *self.take_array()?;
                length([a, b, c, d])
            }
            other => return Err(mismatch("a tuple", other)),
        };
        self.expect_terms(arity)?;
        Ok(arity)
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
                self.position += 1;
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
        match self.tag()? {
            tag::NIL => {
                self.position += 1;
                Ok(())
            }
            tag::STRING if self.input[self.position..].starts_with(&[tag::STRING, 0, 0]) => {
                self.position += 3;
                Ok(())
            }
            other => {
                kind_of(other)?;
                Err(DecodeError::Improper)
            }
        }
    }

    /// The head of a map: this many times a key and its value follow. Duplicate keys are the caller's to find
    /// ([`term`](Self::term) and the maps of the standard library do).
    #[inline]
    pub fn map(&mut self) -> Result<usize> {
        match self.tag()? {
            tag::MAP => {
                let [_, a, b, c, d] = *self.take_array()?;
                let len = length([a, b, c, d]);
                self.expect_terms(len.checked_mul(2).ok_or(DecodeError::Truncated)?)?;
                Ok(len)
            }
            other => Err(mismatch("a map", other)),
        }
    }

    /// A process identifier. A pid of a node whose name is beyond the atom quota is a mismatch: read it as a `Term`.
    #[inline]
    pub fn pid(&mut self) -> Result<Pid> {
        let mark = self.mark();
        match self.identifier("a pid", |kind| kind == Kind::Pid)? {
            (
                AtomName::Interned(node),
                Identifier::Pid {
                    id,
                    serial,
                    creation,
                },
            ) => Ok(Pid {
                node,
                id,
                serial,
                creation,
            }),
            _ => Err(self.unusable(mark)),
        }
    }

    /// A port identifier; as [`pid`](Self::pid).
    pub fn port(&mut self) -> Result<Port> {
        let mark = self.mark();
        match self.identifier("a port", |kind| kind == Kind::Port)? {
            (AtomName::Interned(node), Identifier::Port { id, creation }) => {
                Ok(Port { node, id, creation })
            }
            _ => Err(self.unusable(mark)),
        }
    }

    /// A reference; as [`pid`](Self::pid).
    #[inline]
    pub fn reference(&mut self) -> Result<Reference> {
        let mark = self.mark();
        match self.identifier("a reference", |kind| kind == Kind::Reference)? {
            (
                AtomName::Interned(node),
                Identifier::Reference {
                    creation,
                    words,
                    used,
                },
            ) => Reference::new(node, creation, &words[..usize::from(used)])
                .ok_or(DecodeError::BadReference(0)),
            _ => Err(self.unusable(mark)),
        }
    }

    #[cold]
    fn unusable(&mut self, mark: Mark) -> DecodeError {
        self.reset(mark);
        DecodeError::custom("the node of an identifier is beyond the quota of new atoms")
    }

    /// A pid, port or reference, in any of its forms.
    pub(crate) fn identifier(
        &mut self,
        expected: &'static str,
        fits: impl FnOnce(Kind) -> bool,
    ) -> Result<(AtomName, Identifier)> {
        let tag = self.tag()?;
        let kind = kind_of(tag)?;
        if !fits(kind) || !matches!(kind, Kind::Pid | Kind::Port | Kind::Reference) {
            return Err(DecodeError::Unexpected {
                expected,
                found: kind,
            });
        }
        self.position += 1;
        let words_left = match tag {
            tag::NEWER_REF | tag::NEW_REFERENCE => {
                let count = u16::from_be_bytes(*self.take_array()?);
                if count == 0 || usize::from(count) > Reference::MAX_WORDS {
                    return Err(DecodeError::BadReference(count));
                }
                usize::from(count)
            }
            _ => 1,
        };
        if kind_of(self.tag()?)? != Kind::Atom {
            return Err(DecodeError::UnknownTag(self.tag()?));
        }
        let node = self.atom()?;
        let identifier = match tag {
            tag::NEW_PID => {
                let (id, serial) = (self.word()?, self.word()?);
                Identifier::Pid {
                    id,
                    serial,
                    creation: self.word()?,
                }
            }
            tag::PID => {
                let (id, serial) = (self.word()?, self.word()?);
                Identifier::Pid {
                    id,
                    serial,
                    creation: self.byte_creation()?,
                }
            }
            tag::V4_PORT => {
                let id = u64::from(self.word()?) << 32 | u64::from(self.word()?);
                Identifier::Port {
                    id,
                    creation: self.word()?,
                }
            }
            tag::NEW_PORT => Identifier::Port {
                id: u64::from(self.word()?),
                creation: self.word()?,
            },
            tag::PORT => Identifier::Port {
                id: u64::from(self.word()?),
                creation: self.byte_creation()?,
            },
            tag::REFERENCE => {
                let word = self.word()?;
                let creation = self.byte_creation()?;
                legacy_first_word(word)?;
                Identifier::Reference {
                    creation,
                    words: [word, 0, 0, 0, 0],
                    used: 1,
                }
            }
            _ => {
                let creation = if tag == tag::NEWER_REF {
                    self.word()?
                } else {
                    self.byte_creation()?
                };
                let mut words = [0; Reference::MAX_WORDS];
                for word in &mut words[..words_left] {
                    *word = self.word()?;
                }
                if tag == tag::NEW_REFERENCE {
                    legacy_first_word(words[0])?;
                }
                Identifier::Reference {
                    creation,
                    words,
                    used: words_left as u8,
                }
            }
        };
        Ok((node, identifier))
    }

    #[inline]
    fn word(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(*self.take_array()?))
    }

    /// Legacy identifiers have two bits of creation in one byte.
    fn byte_creation(&mut self) -> Result<u32> {
        match *self.take_array()? {
            [creation @ 0..=3] => Ok(u32::from(creation)),
            _ => Err(DecodeError::BadIdentifier),
        }
    }

    /// One whole term, unread, as a part of the input. It may refer to this message's atom table.
    pub fn raw(&mut self) -> Result<&'a [u8]> {
        let start = self.position;
        self.skip()?;
        Ok(&self.input[start..self.position])
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
            .saturating_add(self.position.saturating_sub(mark.0).max(1));
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
            input,
            position: 0,
            shared: None,
            ..*self
        }
    }

    /// A decoder at the fun that starts there, to look at what is in it: nothing is interned, and funs in it are passed over.
    pub(crate) fn for_parts_of_fun(&self, start: usize) -> Self {
        Self {
            position: start,
            quota: &quota::NONE,
            inside_fun: true,
            ..*self
        }
    }

    /// Passes over a fun whose size is known to be right.
    pub(crate) fn skip_fun_by_size(&mut self) -> Result<()> {
        let end = crate::skip::fun_end(self.input, self.position)?;
        self.take(end - self.position).map(|_| ())
    }

    pub(crate) const fn limits_ref(&self) -> &'a Limits {
        self.limits
    }

    pub(crate) const fn input(&self) -> &'a [u8] {
        self.input
    }

    #[inline]
    pub(crate) fn tag(&self) -> Result<u8> {
        self.input
            .get(self.position)
            .copied()
            .ok_or(DecodeError::Truncated)
    }

    #[inline]
    pub(crate) fn expect_terms(&self, terms: usize) -> Result<()> {
        if terms > self.remaining() {
            Err(DecodeError::Truncated)
        } else {
            Ok(())
        }
    }

    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let bytes = self.input[self.position..]
            .get(..len)
            .ok_or(DecodeError::Truncated)?;
        self.position += len;
        Ok(bytes)
    }

    #[inline]
    pub(crate) fn take_array<const N: usize>(&mut self) -> Result<&'a [u8; N]> {
        let bytes = self.input[self.position..]
            .first_chunk()
            .ok_or(DecodeError::Truncated)?;
        self.position += N;
        Ok(bytes)
    }
}

#[inline]
pub(crate) const fn length(bytes: [u8; 4]) -> usize {
    u32::from_be_bytes(bytes) as usize
}

/// In the legacy forms of a reference the first word has 18 bits.
fn legacy_first_word(word: u32) -> Result<()> {
    match word >> 18 {
        0 => Ok(()),
        _ => Err(DecodeError::BadIdentifier),
    }
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

pub(crate) const fn kind_of(tag: u8) -> Result<Kind> {
    Ok(match tag {
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
        other => return Err(DecodeError::UnknownTag(other)),
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
