//! The kinds of term.

use std::fmt;

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
