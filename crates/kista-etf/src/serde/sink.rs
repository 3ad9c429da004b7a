//! What a [`Serializer`](super::Serializer) writes to: bytes, or a term in memory. Both write the same terms, as all that
//! decides about their form lies in the serializer.

use serde_core::Serialize;

use super::loan::{self, Asked};
use super::native_sink::{Native, not_ours};
use super::{Serializer, TermBuilder};
use crate::{Atom, EncodeError, Encoder, Term, atoms, tag};

type Result<T, E = EncodeError> = std::result::Result<T, E>;

/// The kinds of container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A tuple of exactly as many terms as are announced.
    Tuple,
    /// A proper list.
    List,
    /// Keys and values in turn; the length counts pairs.
    Map,
}

/// A writer of terms, one item at a time. Implemented by [`Encoder`] and [`TermBuilder`].
pub trait Sink {
    /// A container that is being written.
    type Open;

    /// An atom whose text is a name of the program.
    fn atom(&mut self, name: &str) -> Result<()>;
    /// `true` or `false`.
    fn bool(&mut self, value: bool);
    /// An integer.
    fn int(&mut self, value: i64);
    /// An integer.
    fn uint(&mut self, value: u64);
    /// An integer.
    fn int128(&mut self, value: i128);
    /// An integer.
    fn uint128(&mut self, value: u128);
    /// A float; fails when it is not finite.
    fn float(&mut self, value: f64) -> Result<()>;
    /// A binary.
    fn binary(&mut self, bytes: &[u8]) -> Result<()>;
    /// Begins a container. Its length is a guess, but for a tuple.
    fn open(&mut self, shape: Shape, len: usize) -> Result<Self::Open>;
    /// Ends a container in which `count` terms (of a map: pairs) were written.
    fn close(&mut self, open: Self::Open, shape: Shape, count: usize) -> Result<()>;
    /// Takes a container back, with all that was written in it.
    fn discard(&mut self, open: Self::Open);
    /// A value of this crate, which writes itself.
    fn native<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()>;
}

/// Where the container begins, and how many elements its head says.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    at: usize,
    len: usize,
}

impl Sink for Encoder {
    type Open = Head;

    #[inline]
    fn atom(&mut self, name: &str) -> Result<()> {
        if self.has_atom_table() {
            Self::atom(self, Atom::new(name)?);
            return Ok(());
        }
        self.atom_str(name)
    }

    #[inline]
    fn bool(&mut self, value: bool) {
        Self::bool(self, value);
    }

    #[inline]
    fn int(&mut self, value: i64) {
        Self::int(self, value);
    }

    #[inline]
    fn uint(&mut self, value: u64) {
        Self::uint(self, value);
    }

    fn int128(&mut self, value: i128) {
        Self::int128(self, value);
    }

    fn uint128(&mut self, value: u128) {
        Self::uint128(self, value);
    }

    #[inline]
    fn float(&mut self, value: f64) -> Result<()> {
        Self::float(self, value)
    }

    #[inline]
    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        narrow(bytes.len(), "a binary")?;
        Self::binary(self, bytes);
        Ok(())
    }

    #[inline]
    fn open(&mut self, shape: Shape, len: usize) -> Result<Head> {
        let at = self.inline_bytes().len();
        let [a, b, c, d] = narrow(len, "a collection")?.to_be_bytes();
        match shape {
            Shape::Tuple => self.tuple(len),
            Shape::List => self.raw(&[tag::LIST, a, b, c, d]),
            Shape::Map => self.raw(&[tag::MAP, a, b, c, d]),
        }
        Ok(Head { at, len })
    }

    #[inline]
    fn close(&mut self, head: Head, shape: Shape, count: usize) -> Result<()> {
        match shape {
            Shape::Tuple => return same_len(head.len, count),
            Shape::List if count == 0 => self.buffer().truncate(head.at),
            _ if count != head.len => {
                let count = narrow(count, "a collection")?.to_be_bytes();
                self.buffer()[head.at + 1..head.at + 5].copy_from_slice(&count);
            }
            _ => {}
        }
        if shape == Shape::List {
            self.end_list(head.at, count);
        }
        Ok(())
    }

    fn discard(&mut self, head: Head) {
        self.buffer().truncate(head.at);
    }

    #[inline]
    fn native<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let before = self.len();
        loan::ask(Asked::Parts, || value.serialize(Native(self)))?;
        if self.len() == before {
            return Err(not_ours());
        }
        Ok(())
    }
}

impl Sink for TermBuilder {
    /// How many elements were announced.
    type Open = usize;

    fn atom(&mut self, name: &str) -> Result<()> {
        self.push(Term::Atom(Atom::new(name)?));
        Ok(())
    }

    fn bool(&mut self, value: bool) {
        self.push(Term::Atom(if value { atoms::TRUE } else { atoms::FALSE }));
    }

    fn int(&mut self, value: i64) {
        self.push(Term::Int(value));
    }

    fn uint(&mut self, value: u64) {
        self.push(Term::from(value));
    }

    fn int128(&mut self, value: i128) {
        self.push(Term::from(value));
    }

    fn uint128(&mut self, value: u128) {
        self.push(Term::big(value.into()));
    }

    fn float(&mut self, value: f64) -> Result<()> {
        if !value.is_finite() {
            return Err(EncodeError::NonFinite);
        }
        self.push(Term::Float(value));
        Ok(())
    }

    fn binary(&mut self, bytes: &[u8]) -> Result<()> {
        narrow(bytes.len(), "a binary")?;
        self.push(Term::from(bytes));
        Ok(())
    }

    fn open(&mut self, shape: Shape, len: usize) -> Result<usize> {
        let items = if shape == Shape::Map {
            len.saturating_mul(2)
        } else {
            len
        };
        self.begin(items);
        Ok(len)
    }

    fn close(&mut self, len: usize, shape: Shape, count: usize) -> Result<()> {
        if shape == Shape::Tuple {
            same_len(len, count)?;
        }
        self.end(shape)
    }

    fn discard(&mut self, _: usize) {
        self.abandon();
    }

    fn native<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        // What it says to serde does not matter: it goes nowhere.
        let mut nowhere = Encoder::new();
        let (result, left) = loan::with_term(None, || {
            loan::ask(Asked::Term, || {
                value.serialize(Serializer::new(&mut nowhere))
            })
        });
        match left {
            Some(term) => {
                self.push(term?);
                Ok(())
            }
            None => Err(result.err().unwrap_or_else(not_ours)),
        }
    }
}

fn narrow(len: usize, what: &'static str) -> Result<u32> {
    u32::try_from(len).map_err(|_| EncodeError::TooLong { what })
}

fn same_len(announced: usize, written: usize) -> Result<()> {
    if announced == written {
        return Ok(());
    }
    Err(EncodeError::custom(format_args!(
        "an implementation of Serialize announced a tuple of {announced} elements and wrote {written}"
    )))
}
