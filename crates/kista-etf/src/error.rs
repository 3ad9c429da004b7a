//! What can go wrong, split by who is at fault.
//!
//! A [`DecodeError`] is one of three: the bytes are no term ([`Fault::Malformed`]: the peer's fault, end its connection), they
//! are beyond what we accept ([`Fault::Limit`]: raise the limit or refuse the peer), or they are a fine term of another shape
//! than the Rust type asked for ([`Fault::Mismatch`]: read it as a [`Term`](crate::Term)).

use crate::{AtomError, Kind};

/// Why a value cannot be written: always the caller's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Erlang has no infinity and no NaN.
    #[error("a float must be finite: Erlang has no infinity and no NaN")]
    NonFinite,
    /// The text is no atom.
    #[error(transparent)]
    Atom(#[from] AtomError),
    /// The format counts with 32 bits.
    #[error("{what} has more than 4,294,967,295 elements or bytes")]
    TooLong {
        /// What is too long.
        what: &'static str,
    },
    /// Said by an implementation of [`Encode`](crate::Encode).
    #[error("{0}")]
    Custom(Box<str>),
}

impl EncodeError {
    /// An error with a text of one's own.
    pub fn custom(text: impl std::fmt::Display) -> Self {
        Self::Custom(text.to_string().into())
    }
}

/// Whose fault a [`DecodeError`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes are not a term: the sender is broken or hostile.
    Malformed,
    /// The bytes ask for more than a [`Limits`](crate::Limits) allows.
    Limit,
    /// The bytes are a term, but not of the type that was asked for.
    Mismatch,
}

/// Why bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The input ends within a term, or a length says more than is left.
    #[error("the input ends within a term")]
    Truncated,
    /// No term begins with this byte.
    #[error("no term begins with the byte {0}")]
    UnknownTag(u8),
    /// The first byte is not 131.
    #[error("a term begins with the byte 131, not {0}")]
    BadVersion(u8),
    /// The message's atom table has no such entry.
    #[error("the message's atom table has no entry {0}")]
    UnknownAtomRef(u8),
    /// An atom's text is not UTF-8.
    #[error("an atom is not UTF-8")]
    AtomNotUtf8,
    /// An atom is longer than 255 characters.
    #[error("an atom has more than 255 characters")]
    AtomTooLong,
    /// A float is infinite, NaN, or not readable.
    #[error("a float is not a finite number")]
    BadFloat,
    /// A bit string says another number of bits in its last byte than 1 to 8.
    #[error("a bit string has {0} bits in its last byte")]
    BadBits(u8),
    /// A reference has no words or more than five.
    #[error("a reference has {0} words")]
    BadReference(u16),
    /// A fun's size field, or a part of it, is wrong.
    #[error("a fun is malformed")]
    BadFun,
    /// A map has the same key twice.
    #[error("a map has the same key twice")]
    DuplicateKey,
    /// The compressed part is no zlib stream of the size it says.
    #[error("a compressed term is malformed")]
    BadCompressed,
    /// Bytes are left after the term.
    #[error("{0} bytes are left after the term")]
    TrailingBytes(usize),

    /// Nested deeper than the limit.
    #[error("nested deeper than {0}")]
    TooDeep(usize),
    /// Larger than the limit.
    #[error("{what} is larger than the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit.
        limit: usize,
    },

    /// A term of another kind.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What was asked for.
        expected: &'static str,
        /// What is there.
        found: Kind,
    },
    /// A number that the Rust type cannot hold.
    #[error("an integer does not fit {0}")]
    OutOfRange(&'static str),
    /// A binary that is not UTF-8, where a string was asked for.
    #[error("a binary is not UTF-8")]
    NotUtf8,
    /// A list whose tail is not `[]`, where a proper one was asked for.
    #[error("a list is improper")]
    Improper,
    /// A tuple of another size.
    #[error("expected a tuple of {expected}, found one of {found}")]
    Arity {
        /// The size that was asked for.
        expected: usize,
        /// The size that is there.
        found: usize,
    },
    /// An atom that names none of the variants.
    #[error("{0} names no variant of {1}")]
    UnknownVariant(Box<str>, &'static str),
    /// A map without a field that has no default.
    #[error("the field {0} is missing")]
    MissingField(&'static str),
    /// Said by an implementation of [`Decode`](crate::Decode): the term does not fit.
    #[error("{0}")]
    Custom(Box<str>),
}

impl DecodeError {
    /// An error with a text of one's own; a mismatch.
    pub fn custom(text: impl std::fmt::Display) -> Self {
        Self::Custom(text.to_string().into())
    }

    /// The atom that was read names none of the variants of `of`. Long atoms are cut.
    #[cold]
    pub fn unknown_variant(found: &str, of: &'static str) -> Self {
        Self::UnknownVariant(found.chars().take(64).collect::<String>().into(), of)
    }

    /// Whose fault it is, and with it what to do.
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Truncated
            | Self::UnknownTag(_)
            | Self::BadVersion(_)
            | Self::UnknownAtomRef(_)
            | Self::AtomNotUtf8
            | Self::AtomTooLong
            | Self::BadFloat
            | Self::BadBits(_)
            | Self::BadReference(_)
            | Self::BadFun
            | Self::DuplicateKey
            | Self::BadCompressed
            | Self::TrailingBytes(_) => Fault::Malformed,
            Self::TooDeep(_) | Self::TooLarge { .. } => Fault::Limit,
            Self::Unexpected { .. }
            | Self::OutOfRange(_)
            | Self::NotUtf8
            | Self::Improper
            | Self::Arity { .. }
            | Self::UnknownVariant(..)
            | Self::MissingField(_)
            | Self::Custom(_) => Fault::Mismatch,
        }
    }

    /// Whether the bytes are a term, only not of the type asked for.
    pub const fn is_mismatch(&self) -> bool {
        matches!(self.fault(), Fault::Mismatch)
    }
}
