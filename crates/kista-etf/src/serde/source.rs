//! What a [`Deserializer`](super::Deserializer) reads from: bytes, or a term in memory. Both are read alike, as all that
//! decides what fits lies in the deserializer.

use std::borrow::Cow;

use super::TermReader;
use super::keys::Keys;
use crate::{DecodeError, Decoder, Kind, ListHeader, Mark, Term};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// A reader of terms, one item at a time, as [`Decoder`] is. Implemented by [`Decoder`] and [`TermReader`].
pub trait Source<'de> {
    /// A place in the input.
    type Place: Copy;

    /// The next term's place.
    fn place(&self) -> Self::Place;
    /// The text of the atom or binary at a place, to say what was wrong there. The position is of no use afterwards.
    fn text_at(&mut self, place: Self::Place) -> Option<Cow<'de, str>>;
    /// The kind of the next term.
    fn peek(&self) -> Result<Kind>;
    /// Reads `undefined` or `nil`, if one of them is next.
    fn take_none(&mut self) -> Result<bool>;
    /// An atom's text, which is not interned.
    fn atom(&mut self) -> Result<Cow<'de, str>>;
    /// An integer.
    fn int(&mut self) -> Result<i64>;
    /// An integer.
    fn uint(&mut self) -> Result<u64>;
    /// An integer.
    fn int128(&mut self) -> Result<i128>;
    /// An integer.
    fn uint128(&mut self) -> Result<u128>;
    /// A float.
    fn float(&mut self) -> Result<f64>;
    /// A binary.
    fn binary(&mut self) -> Result<&'de [u8]>;
    /// The head of a tuple.
    fn tuple(&mut self) -> Result<usize>;
    /// The head of a list.
    fn list(&mut self) -> Result<ListHeader<'de>>;
    /// What follows the elements of a proper list.
    fn tail(&mut self) -> Result<ListHeader<'de>>;
    /// The head of a map.
    fn map(&mut self) -> Result<usize>;
    /// Passes over a term.
    fn skip(&mut self) -> Result<()>;
    /// A whole term.
    fn term(&mut self) -> Result<Term>;
    /// Reads one level deeper; refuses to go too deep.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T>;
    /// For how many of `claimed` elements to take memory in advance.
    fn reserve_for(&self, claimed: usize) -> usize;
    /// Remembers the key that begins at `place`, and whether it was read as a string.
    fn note_key(&self, keys: &mut Keys<'de>, place: Self::Place, is_text: bool) -> Result<()>;
    /// Fails if one of the keys was there twice.
    fn check_keys(&self, keys: Keys<'de>) -> Result<()>;
}

impl<'de> Source<'de> for Decoder<'de> {
    type Place = Mark;

    #[inline]
    fn place(&self) -> Mark {
        self.mark()
    }

    fn text_at(&mut self, place: Mark) -> Option<Cow<'de, str>> {
        self.reset(place);
        match self.peek().ok()? {
            Kind::Atom => self.atom_str().ok(),
            Kind::Binary => self.str().ok().map(Cow::Borrowed),
            _ => None,
        }
    }

    #[inline]
    fn peek(&self) -> Result<Kind> {
        Self::peek(self)
    }

    #[inline]
    fn take_none(&mut self) -> Result<bool> {
        if Self::peek(self)? != Kind::Atom {
            return Ok(false);
        }
        let mark = self.mark();
        if matches!(&*self.atom_str()?, "undefined" | "nil") {
            return Ok(true);
        }
        self.reset(mark);
        Ok(false)
    }

    #[inline]
    fn atom(&mut self) -> Result<Cow<'de, str>> {
        self.atom_str()
    }

    #[inline]
    fn int(&mut self) -> Result<i64> {
        Self::int(self)
    }

    #[inline]
    fn uint(&mut self) -> Result<u64> {
        Self::uint(self)
    }

    fn int128(&mut self) -> Result<i128> {
        Self::int128(self)
    }

    fn uint128(&mut self) -> Result<u128> {
        Self::uint128(self)
    }

    #[inline]
    fn float(&mut self) -> Result<f64> {
        Self::float(self)
    }

    #[inline]
    fn binary(&mut self) -> Result<&'de [u8]> {
        Self::binary(self)
    }

    #[inline]
    fn tuple(&mut self) -> Result<usize> {
        Self::tuple(self)
    }

    #[inline]
    fn list(&mut self) -> Result<ListHeader<'de>> {
        Self::list(self)
    }

    #[inline]
    fn tail(&mut self) -> Result<ListHeader<'de>> {
        Self::tail(self)
    }

    #[inline]
    fn map(&mut self) -> Result<usize> {
        Self::map(self)
    }

    #[inline]
    fn skip(&mut self) -> Result<()> {
        Self::skip(self)
    }

    /// Mostly it is an atom or a binary, which need not what containers need.
    fn term(&mut self) -> Result<Term> {
        match Self::peek(self)? {
            Kind::Atom => Self::atom(self).map(Term::from),
            Kind::Binary => self.binary_shared().map(Term::from),
            _ => Self::term(self),
        }
    }

    #[inline]
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        Self::nested(self, read)
    }

    #[inline]
    fn reserve_for(&self, claimed: usize) -> usize {
        // The size of the elements is not known here; serde bounds what it takes by it, too.
        Self::reserve_for(self, claimed, size_of::<Term>())
    }

    #[inline]
    fn note_key(&self, keys: &mut Keys<'de>, place: Mark, is_text: bool) -> Result<()> {
        keys.note(self, place, is_text)
    }

    #[inline]
    fn check_keys(&self, keys: Keys<'de>) -> Result<()> {
        keys.check(self)
    }
}

impl<'de> Source<'de> for TermReader<'de> {
    type Place = Option<&'de Term>;

    fn place(&self) -> Option<&'de Term> {
        self.next_term().ok()
    }

    fn text_at(&mut self, place: Option<&'de Term>) -> Option<Cow<'de, str>> {
        let term = place?;
        term.as_atom_str()
            .or_else(|| term.as_str())
            .map(Cow::Borrowed)
    }

    fn peek(&self) -> Result<Kind> {
        self.next_term().map(Term::kind)
    }

    fn take_none(&mut self) -> Result<bool> {
        let none = matches!(self.next_term()?.as_atom_str(), Some("undefined" | "nil"));
        if none {
            self.skip()?;
        }
        Ok(none)
    }

    fn atom(&mut self) -> Result<Cow<'de, str>> {
        self.take("an atom", Term::as_atom_str).map(Cow::Borrowed)
    }

    fn int(&mut self) -> Result<i64> {
        self.integer("i64")
    }

    fn uint(&mut self) -> Result<u64> {
        self.integer("u64")
    }

    fn int128(&mut self) -> Result<i128> {
        self.integer("i128")
    }

    fn uint128(&mut self) -> Result<u128> {
        self.integer("u128")
    }

    fn float(&mut self) -> Result<f64> {
        self.take("a float", Term::as_float)
    }

    fn binary(&mut self) -> Result<&'de [u8]> {
        self.take("a binary", |term| {
            term.as_binary().map(|binary| binary.as_slice())
        })
    }

    fn tuple(&mut self) -> Result<usize> {
        let items = self.take("a tuple", Term::as_tuple)?;
        self.enter(items);
        Ok(items.len())
    }

    fn list(&mut self) -> Result<ListHeader<'de>> {
        if let Term::ImproperList(_) = self.next_term()? {
            return Err(DecodeError::Improper);
        }
        let items = self.take("a list", Term::as_list)?;
        self.enter(items);
        Ok(match items.len() {
            0 => ListHeader::Nil,
            len => ListHeader::Elements(len),
        })
    }

    fn tail(&mut self) -> Result<ListHeader<'de>> {
        Ok(ListHeader::Nil)
    }

    fn map(&mut self) -> Result<usize> {
        let items = self.take("a map", |term| term.as_map().map(|_| term.children()))?;
        self.enter(items);
        Ok(items.len() / 2)
    }

    fn skip(&mut self) -> Result<()> {
        self.take("a term", Some).map(|_| ())
    }

    fn term(&mut self) -> Result<Term> {
        self.take("a term", Some).cloned()
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.deeper()?;
        let result = read(self);
        self.higher();
        result
    }

    fn reserve_for(&self, claimed: usize) -> usize {
        claimed
    }

    fn note_key(&self, _: &mut Keys<'de>, _: Option<&'de Term>, _: bool) -> Result<()> {
        Ok(())
    }

    fn check_keys(&self, _: Keys<'de>) -> Result<()> {
        Ok(())
    }
}
