//! A term in memory, read item by item.

use num_bigint::BigInt;

use crate::{DecodeError, Limits, Term};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// A walk over a term in memory: what [`from_term`](super::from_term) reads from. It goes as deep as
/// [`Limits::recursion`] of the default limits.
///
/// ```
/// use kista_etf::{Term, serde::{Deserializer, TermReader}};
/// use serde::Deserialize;
/// let term = Term::from((1, "a"));
/// let mut reader = TermReader::new(&term);
/// let (n, text) = <(u8, &str)>::deserialize(Deserializer::new(&mut reader)).unwrap();
/// assert_eq!((n, text), (1, "a"));
/// ```
#[derive(Debug, Clone)]
pub struct TermReader<'a> {
    /// What is left of each open container, the innermost last. None of them is empty.
    left: Vec<&'a [Term]>,
    nesting: u16,
}

impl<'a> TermReader<'a> {
    /// A reader before this term.
    pub fn new(term: &'a Term) -> Self {
        Self {
            left: vec![std::slice::from_ref(term)],
            nesting: 0,
        }
    }

    pub(super) fn next_term(&self) -> Result<&'a Term> {
        self.left
            .last()
            .and_then(|items| items.first())
            .ok_or(DecodeError::Truncated)
    }

    /// Moves over the next term if `read` takes it.
    pub(super) fn take<T>(
        &mut self,
        expected: &'static str,
        read: impl FnOnce(&'a Term) -> Option<T>,
    ) -> Result<T> {
        let term = self.next_term()?;
        let value = read(term).ok_or_else(|| DecodeError::Unexpected {
            expected,
            found: term.kind(),
        })?;
        if let Some(items) = self.left.last_mut() {
            *items = &items[1..];
            if items.is_empty() {
                self.left.pop();
            }
        }
        Ok(value)
    }

    /// Goes on with these terms before all others.
    pub(super) fn enter(&mut self, items: &'a [Term]) {
        if !items.is_empty() {
            self.left.push(items);
        }
    }

    /// An integer, as the type `T` of this name.
    pub(super) fn integer<T: TryFrom<i64> + TryFrom<&'a BigInt>>(
        &mut self,
        name: &'static str,
    ) -> Result<T> {
        let value = match self.next_term()? {
            Term::Int(value) => T::try_from(*value).ok(),
            Term::Big(value) => T::try_from(&**value).ok(),
            other => {
                return Err(DecodeError::Unexpected {
                    expected: "an integer",
                    found: other.kind(),
                });
            }
        };
        self.take("an integer", |_| value)
            .map_err(|_| DecodeError::OutOfRange(name))
    }

    pub(super) fn deeper(&mut self) -> Result<()> {
        let limit = Limits::DEFAULT.recursion;
        if self.nesting >= limit {
            return Err(DecodeError::TooDeep(limit.into()));
        }
        self.nesting += 1;
        Ok(())
    }

    pub(super) fn higher(&mut self) {
        self.nesting -= 1;
    }
}
