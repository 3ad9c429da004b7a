//! Where a [`Serializer`](super::Serializer) puts a term together in memory.

use super::sink::Shape;
use crate::{EncodeError, Term};

/// A term under construction: what [`to_term`](super::to_term) writes to.
///
/// ```
/// use kista_etf::serde::{Serializer, TermBuilder};
/// use serde::Serialize;
/// let mut builder = TermBuilder::default();
/// (1, "a").serialize(Serializer::new(&mut builder)).unwrap();
/// assert_eq!(builder.finish().unwrap().to_string(), r#"{1,<<"a">>}"#);
/// ```
#[derive(Debug, Default)]
pub struct TermBuilder {
    whole: Option<Term>,
    /// The containers that are open, the innermost last.
    open: Vec<Vec<Term>>,
}

impl TermBuilder {
    /// The term; `None` when nothing whole was written.
    pub fn finish(self) -> Option<Term> {
        self.whole
    }

    pub(super) fn push(&mut self, term: Term) {
        match self.open.last_mut() {
            Some(items) => items.push(term),
            None => self.whole = Some(term),
        }
    }

    pub(super) fn begin(&mut self, items: usize) {
        // The length is a guess of whoever implements `Serialize`.
        self.open.push(Vec::with_capacity(items.min(4096)));
    }

    pub(super) fn end(&mut self, shape: Shape) -> Result<(), EncodeError> {
        let items = self.open.pop().unwrap_or_default();
        let term = match shape {
            Shape::Tuple => Term::tuple(items),
            Shape::List => Term::list(items),
            Shape::Map => {
                let mut pairs = Vec::with_capacity(items.len() / 2);
                let mut rest = items.into_iter();
                while let (Some(key), Some(value)) = (rest.next(), rest.next()) {
                    pairs.push((key, value));
                }
                Term::map(pairs)
                    .ok_or_else(|| EncodeError::custom("a map has the same key twice"))?
            }
        };
        self.push(term);
        Ok(())
    }

    pub(super) fn abandon(&mut self) {
        self.open.pop();
    }
}
