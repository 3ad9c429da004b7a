//! The kinds of term.

use std::fmt;

use crate::{DecodeError, tag};

/// What kind of term stands next in the input, or a [`Term`](crate::Term) is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An integer of any size.
    Integer,
    /// A float.
    Float,
    /// An atom, booleans included.
    Atom,
    /// A reference.
    Reference,
    /// A fun: closure or export.
    Fun,
    /// A port identifier.
    Port,
    /// A process identifier.
    Pid,
    /// A tuple.
    Tuple,
    /// A map.
    Map,
    /// A list: empty, proper, improper, or a string of bytes.
    List,
    /// A binary.
    Binary,
    /// A bit string whose size is no multiple of eight.
    BitString,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Atom => "an atom",
            Self::Reference => "a reference",
            Self::Fun => "a fun",
            Self::Port => "a port",
            Self::Pid => "a pid",
            Self::Tuple => "a tuple",
            Self::Map => "a map",
            Self::List => "a list",
            Self::Binary => "a binary",
            Self::BitString => "a bit string",
        })
    }
}

#[cold]
pub(crate) fn mismatch(expected: &'static str, tag: u8) -> DecodeError {
    match kind_of(tag) {
        Ok(found) => DecodeError::Unexpected { expected, found },
        Err(error) => error,
    }
}

#[inline]
pub(crate) fn kind_of(tag: u8) -> Result<Kind, DecodeError> {
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
