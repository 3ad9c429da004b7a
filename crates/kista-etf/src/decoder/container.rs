//! Reads the heads of tuples, lists and maps.

use super::{Decoder, length};
use crate::kind::{kind_of, mismatch};
use crate::{DecodeError, Kind, tag};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// What a list looks like on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ListHeader<'a> {
    /// `[]`; nothing follows.
    Nil,
    /// This many elements follow (at least one), and then the tail: read it with [`Decoder::tail`].
    Elements(usize),
    /// A list of small integers, all of them here; nothing follows.
    Bytes(&'a [u8]),
}

impl<'a> Decoder<'a> {
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

    /// What follows the elements of a proper list: its end, or a list that is its tail, whose elements go on. Another tail is
    /// an [`Improper`](DecodeError::Improper) list.
    ///
    /// ```
    /// use kista_etf::{Decoder, ListHeader};
    /// // [1 | "\002"], which is [1, 2].
    /// let mut d = Decoder::new(&[108, 0, 0, 0, 1, 97, 1, 107, 0, 1, 2]);
    /// assert_eq!(d.list().unwrap(), ListHeader::Elements(1));
    /// assert_eq!(d.int().unwrap(), 1);
    /// assert_eq!(d.tail().unwrap(), ListHeader::Bytes(&[2]));
    /// ```
    #[inline]
    pub fn tail(&mut self) -> Result<ListHeader<'a>> {
        if let [tag::NIL, rest @ ..] = self.rest {
            self.rest = rest;
            return Ok(ListHeader::Nil);
        }
        self.other_tail()
    }

    #[cold]
    fn other_tail(&mut self) -> Result<ListHeader<'a>> {
        match kind_of(self.tag()?)? {
            Kind::List => self.list(),
            _ => Err(DecodeError::Improper),
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
}
