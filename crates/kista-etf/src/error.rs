//! What can go wrong, split by who is at fault.
//!
//! A [`DecodeError`] is one of three: the bytes are no term ([`Fault::Malformed`]: the peer's fault, end its connection), they
//! are beyond what we accept ([`Fault::Limit`]: raise the limit or refuse the peer), or they are a fine term of another shape
//! than the Rust type asked for ([`Fault::Mismatch`]: read it as a [`Term`](crate::Term)). A mismatch says where in the Rust
//! type it was found ([`Within`]).

use std::fmt;

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
    /// In which part of the Rust type it was.
    #[error("{}: {}", .0.place, .0.error)]
    Within(Box<Within<Self>>),
    /// Said by an implementation of [`Encode`](crate::Encode).
    #[error("{0}")]
    Custom(Box<str>),
}

impl EncodeError {
    /// An error with a text of one's own.
    pub fn custom(text: impl std::fmt::Display) -> Self {
        Self::Custom(text.to_string().into())
    }

    /// The same error, found at this place of a Rust type. After 16 places, further ones outside are left out.
    ///
    /// ```
    /// use kista_etf::{EncodeError, Place};
    /// let error = EncodeError::NonFinite.within(Place::Field { field: "weight", of: "Job" });
    /// assert!(error.to_string().starts_with("field weight of Job: a float must be finite"));
    /// assert_eq!(error.root(), &EncodeError::NonFinite);
    /// ```
    #[cold]
    pub fn within(self, place: Place) -> Self {
        let depth = match &self {
            Self::Within(inner) => inner.depth + 1,
            _ => 0,
        };
        if depth >= MAX_DEPTH {
            return self;
        }
        Self::Within(Box::new(Within {
            place,
            error: self,
            depth,
        }))
    }

    /// The error itself, without the places around it.
    pub fn root(&self) -> &Self {
        let mut error = self;
        while let Self::Within(inner) = error {
            error = &inner.error;
        }
        error
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
    /// A pid, port or reference in a legacy form has a number that this form never had.
    #[error("a pid, port or reference is malformed")]
    BadIdentifier,
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
    #[error(
        "nested deeper than {0}: the limit is `Limits::depth` of a `Term`, `Limits::recursion` of another type"
    )]
    TooDeep(usize),
    /// Larger than the limit, which is the number.
    #[error("{0} is larger than the limit of {1}{raise}", raise = .0.advice())]
    TooLarge(Limited, usize),

    /// A term of another kind.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What was asked for.
        expected: &'static str,
        /// What is there.
        found: Kind,
    },
    /// A number that the Rust type cannot hold.
    #[error("{number} does not fit {0}", number = if *.0 == "f32" { "a float" } else { "an integer" })]
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
    /// Another atom than the only one that can stand here: the name of a record, an Elixir struct or a unit struct.
    #[error("expected the atom {expected}, found {found}")]
    WrongAtom {
        /// The atom that was asked for.
        expected: &'static str,
        /// The atom that is there.
        found: Box<str>,
    },
    /// A map without a field that has no default.
    #[error("the field {0} is missing")]
    MissingField(&'static str),
    /// A map or proplist with a key that is no field, where `deny_unknown` refuses it.
    #[error("{0} names no field of {1}")]
    UnknownField(Box<str>, &'static str),
    /// A mismatch, and in which part of the Rust type it was found.
    #[error("{}: {}", .0.place, .0.error)]
    Within(Box<Within<Self>>),
    /// Said by an implementation of [`Decode`](crate::Decode): the term does not fit.
    #[error("{0}")]
    Custom(Box<str>),
}

/// What may be too large for a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limited {
    /// The whole input.
    Input,
    /// An integer.
    Integer,
    /// A tuple, list or map.
    Collection,
    /// What a compressed term inflates to.
    Inflated,
    /// The same, in comparison with its compressed size.
    InflationRatio,
    /// What is read again because it was not of the type tried before.
    Retries,
}

impl Limited {
    /// The field of [`Limits`](crate::Limits) to raise when more is to be accepted; none when the limit is fixed.
    ///
    /// ```
    /// use kista_etf::{DecodeError, Limited, Limits, from_slice_with};
    /// let mut limits = Limits::default();
    /// limits.bytes = 3;
    /// let error = from_slice_with::<u32>(&[131, 98, 0, 0, 1, 0], &limits).unwrap_err();
    /// assert_eq!(error, DecodeError::TooLarge(Limited::Input, 3));
    /// assert_eq!(error.to_string(), "the input is larger than the limit of 3; raise `Limits::bytes` to accept it");
    /// ```
    pub const fn field(self) -> Option<&'static str> {
        match self {
            Self::Input => Some("bytes"),
            Self::Integer => Some("bigint_bytes"),
            Self::Inflated => Some("inflated_bytes"),
            Self::InflationRatio => Some("inflation_ratio"),
            Self::Collection | Self::Retries => None,
        }
    }

    fn advice(self) -> String {
        match (self, self.field()) {
            (Self::InflationRatio, _) => {
                "; raise `Limits::inflation_ratio` or `Limits::inflated_free` to accept it"
                    .to_owned()
            }
            (_, Some(field)) => format!("; raise `Limits::{field}` to accept it"),
            (_, None) => String::new(),
        }
    }
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "the input",
            Self::Integer => "an integer",
            Self::Collection => "a collection",
            Self::Inflated | Self::InflationRatio => "an inflated term",
            Self::Retries => "the work of trying one type after another",
        })
    }
}

impl DecodeError {
    /// An error with a text of one's own; a mismatch.
    pub fn custom(text: impl std::fmt::Display) -> Self {
        Self::Custom(text.to_string().into())
    }

    /// The atom that was read names none of the variants of `of`. Long atoms are cut.
    #[cold]
    pub fn unknown_variant(found: &str, of: &'static str) -> Self {
        Self::UnknownVariant(cut(found), of)
    }

    /// Another atom was read than the only one that fits. Long atoms are cut.
    #[cold]
    pub fn wrong_atom(expected: &'static str, found: &str) -> Self {
        Self::WrongAtom {
            expected,
            found: cut(found),
        }
    }

    /// The key that was read names no field of `of`. Long keys are cut.
    #[cold]
    pub fn unknown_field(found: &str, of: &'static str) -> Self {
        Self::UnknownField(cut(found), of)
    }

    /// The same error, found at this place of a Rust type. Only a mismatch has a place; and after 16 of them, further ones
    /// outside are left out.
    ///
    /// ```
    /// use kista_etf::{DecodeError, Place};
    /// let error = DecodeError::NotUtf8.within(Place::Field { field: "name", of: "User" });
    /// assert_eq!(error.to_string(), "field name of User: a binary is not UTF-8");
    /// assert_eq!(error.root(), &DecodeError::NotUtf8);
    /// ```
    #[cold]
    pub fn within(self, place: Place) -> Self {
        let depth = match &self {
            Self::Within(inner) => inner.depth + 1,
            _ => 0,
        };
        if depth >= MAX_DEPTH || !self.is_mismatch() {
            return self;
        }
        Self::Within(Box::new(Within {
            place,
            error: self,
            depth,
        }))
    }

    /// The error itself, without the places around it.
    pub fn root(&self) -> &Self {
        let mut error = self;
        while let Self::Within(inner) = error {
            error = &inner.error;
        }
        error
    }

    /// Whose fault it is, and with it what to do.
    pub fn fault(&self) -> Fault {
        match self.root() {
            Self::Truncated
            | Self::UnknownTag(_)
            | Self::BadVersion(_)
            | Self::UnknownAtomRef(_)
            | Self::AtomNotUtf8
            | Self::AtomTooLong
            | Self::BadFloat
            | Self::BadBits(_)
            | Self::BadReference(_)
            | Self::BadIdentifier
            | Self::BadFun
            | Self::DuplicateKey
            | Self::BadCompressed
            | Self::TrailingBytes(_) => Fault::Malformed,
            Self::TooDeep(_) | Self::TooLarge(..) => Fault::Limit,
            Self::Unexpected { .. }
            | Self::OutOfRange(_)
            | Self::NotUtf8
            | Self::Improper
            | Self::Arity { .. }
            | Self::UnknownVariant(..)
            | Self::WrongAtom { .. }
            | Self::MissingField(_)
            | Self::UnknownField(..)
            | Self::Within(_)
            | Self::Custom(_) => Fault::Mismatch,
        }
    }

    /// Whether the bytes are a term, only not of the type asked for.
    pub fn is_mismatch(&self) -> bool {
        matches!(self.fault(), Fault::Mismatch)
    }
}

/// How many places an error remembers.
const MAX_DEPTH: u8 = 16;

/// An error and its place; shown as `field x of Foo: expected an integer, found an atom`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Within<E = DecodeError> {
    place: Place,
    error: E,
    /// How many more places are inside.
    depth: u8,
}

impl<E> Within<E> {
    /// The place.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// What was found there; it may say a place again, further inside.
    pub const fn error(&self) -> &E {
        &self.error
    }
}

/// A part of a Rust type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// The type itself.
    Type(&'static str),
    /// A field of a struct, or of an enum's variant (`Shape::Circle`). Fields without names are numbered from 0.
    Field {
        /// Its name in Rust.
        field: &'static str,
        /// The type or variant it belongs to.
        of: &'static str,
    },
    /// An element of a list or tuple, numbered from 0.
    Element(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type(name) => f.write_str(name),
            Self::Field { field, of } => write!(f, "field {field} of {of}"),
            Self::Element(index) => write!(f, "element {index}"),
        }
    }
}

/// At most 64 characters of a name that came from outside.
fn cut(found: &str) -> Box<str> {
    found.chars().take(64).collect::<String>().into()
}
