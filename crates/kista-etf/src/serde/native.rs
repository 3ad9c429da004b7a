//! The values of this crate in serde types.
//!
//! In the external term format, and in a [`Term`], they are themselves: nothing is lost ([`loan`](super::loan) tells how). In
//! other formats they take a [`form`](super::form); an atom is a string, a pid a map of its parts, and so on, and each type
//! reads its own form back.

use std::borrow::Cow;

use serde_core::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use super::aside;
use super::form::{Form, FormVisitor, Found, Way};
use super::loan::{self, Asked, TOKEN};
use super::native_sink::pid_as_number;
use crate::{
    Atom, AtomName, Binary, BitString, Charlist, DecodeError, DecodeOwned, Encode, EncodeError,
    Encoder, Kind, Pid, Port, Reference, Term, quota,
};

/// A value that can write itself, or be a term.
trait ToTerm: Encode + Sized {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError>;

    /// Writes the value with what our serializers hand over; by the encoder itself, unless it can do with less.
    fn serialize_parts<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_variant("", 0, "", &Lent(self))
    }

    /// Writes the form of the value in a format for people.
    fn serialize_form<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let term = self.to_term().map_err(ser::Error::custom)?;
        Form::new(&term).serialize(serializer)
    }
}

/// A value that can be read from a term.
trait FromTerm: Sized {
    /// The value of this term.
    fn from_term(term: Term) -> Result<Self, DecodeError>;

    /// The value of which this term is the form.
    fn from_form(term: Term) -> Result<Self, DecodeError> {
        Self::from_term(term)
    }

    /// The value of which serde set this aside.
    fn from_aside(term: Term) -> Result<Self, DecodeError> {
        Self::from_form(term)
    }
}

/// A value that writes itself with the encoder that is lent to it.
struct Lent<'a, T>(&'a T);

impl<T: Encode> Serialize for Lent<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        loan::with_encoder(|encoder| self.0.encode(encoder));
        serializer.serialize_unit()
    }
}

/// A value under the name that our serializers know.
struct Offer<'a, T>(&'a T);

impl<T: ToTerm> Serialize for Offer<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match loan::take_question() {
            Asked::Nothing => {}
            Asked::Parts => return self.0.serialize_parts(serializer),
            Asked::Term => {
                loan::leave(self.0.to_term().map(Cow::into_owned));
                return serializer.serialize_unit();
            }
        }
        if serializer.is_human_readable() {
            self.0.serialize_form(serializer)
        } else {
            let bytes = crate::to_vec(self.0).map_err(ser::Error::custom)?;
            serializer.serialize_bytes(&bytes)
        }
    }
}

fn serialize<T: ToTerm, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_newtype_struct(TOKEN, &Offer(value))
}

fn deserialize<'de, T: FromTerm, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let Found { term, way } = deserializer.deserialize_newtype_struct(TOKEN, FormVisitor::new())?;
    match way {
        Way::Exact => T::from_term(term),
        Way::Form => T::from_form(term),
        Way::Aside => T::from_aside(term),
    }
    .map_err(de::Error::custom)
}

macro_rules! native {
    ($($type:ty),*) => {
        $(impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serialize(self, serializer)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize(deserializer)
            }
        })*
    };
}

native!(
    Term, Atom, AtomName, Binary, BitString, Charlist, Pid, Port, Reference
);

fn unexpected(expected: &'static str, found: &Term) -> DecodeError {
    DecodeError::Unexpected {
        expected,
        found: found.kind(),
    }
}

impl ToTerm for Term {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
        Ok(Cow::Borrowed(self))
    }

    fn serialize_parts<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Atom(atom) => atom.serialize_parts(serializer),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Binary(binary) => binary.serialize_parts(serializer),
            Self::Pid(pid) => pid.serialize_parts(serializer),
            other => serializer.serialize_newtype_variant("", 0, "", &Lent(other)),
        }
    }
}

impl FromTerm for Term {
    fn from_term(term: Term) -> Result<Self, DecodeError> {
        Ok(term)
    }

    fn from_aside(_: Term) -> Result<Self, DecodeError> {
        Err(aside::not_as_it_was("a Term"))
    }
}

impl ToTerm for AtomName {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
        Ok(Cow::Owned(self.clone().into()))
    }

    fn serialize_parts<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Interned(atom) => atom.serialize_parts(serializer),
            Self::Text(text) => serializer.serialize_str(text.as_str()),
        }
    }

    fn serialize_form<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromTerm for AtomName {
    fn from_term(term: Term) -> Result<Self, DecodeError> {
        term.as_atom_name()
            .ok_or_else(|| unexpected("an atom", &term))
    }

    fn from_form(term: Term) -> Result<Self, DecodeError> {
        match (&term, term.as_str()) {
            (_, Some(text)) => quota::DEFAULT
                .intern(text)
                .map_err(|_| DecodeError::AtomTooLong),
            _ => Self::from_term(term),
        }
    }

    /// A text that was no atom is none.
    fn from_aside(term: Term) -> Result<Self, DecodeError> {
        match term.as_str() {
            Some(text) if !aside::was_atom(text) => Err(unexpected("an atom", &term)),
            _ => Self::from_form(term),
        }
    }
}

impl ToTerm for Atom {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
        Ok(Cow::Owned((*self).into()))
    }

    #[inline]
    fn serialize_parts<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.index())
    }

    fn serialize_form<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl FromTerm for Atom {
    fn from_term(term: Term) -> Result<Self, DecodeError> {
        interned(&AtomName::from_term(term)?)
    }

    fn from_form(term: Term) -> Result<Self, DecodeError> {
        interned(&AtomName::from_form(term)?)
    }

    fn from_aside(term: Term) -> Result<Self, DecodeError> {
        interned(&AtomName::from_aside(term)?)
    }
}

fn interned(name: &AtomName) -> Result<Atom, DecodeError> {
    name.atom()
        .ok_or_else(|| DecodeError::custom("an atom is beyond the quota of new atoms"))
}

impl ToTerm for Binary {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
        Ok(Cow::Owned(self.clone().into()))
    }

    #[inline]
    fn serialize_parts<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A larger one is chained, not copied.
        if self.len() < Encoder::CHAIN_THRESHOLD {
            return serializer.serialize_bytes(self);
        }
        serializer.serialize_newtype_variant("", 0, "", &Lent(self))
    }
}

impl FromTerm for Binary {
    fn from_term(term: Term) -> Result<Self, DecodeError> {
        match term {
            Term::Binary(binary) => Ok(binary),
            other => Err(unexpected("a binary", &other)),
        }
    }

    /// Formats without bytes have lists of them.
    fn from_form(term: Term) -> Result<Self, DecodeError> {
        let Some(items) = term.as_list() else {
            return Self::from_term(term);
        };
        items
            .iter()
            .map(|item| u8::try_from(item.as_int()?).ok())
            .collect::<Option<Vec<u8>>>()
            .map(Self::from)
            .ok_or_else(|| unexpected("a binary, or a list of bytes", &term))
    }
}

impl ToTerm for BitString {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
        Ok(Cow::Owned(self.clone().into()))
    }
}

impl FromTerm for BitString {
    fn from_term(term: Term) -> Result<Self, DecodeError> {
        match term {
            Term::BitString(bits) => Ok(*bits),
            other => Err(unexpected("a bit string", &other)),
        }
    }

    fn from_form(term: Term) -> Result<Self, DecodeError> {
        let bytes = Binary::from_form(part(&term, "bytes")?.clone())?;
        Self::new(bytes, number(&term, "bits")?)
            .ok_or_else(|| DecodeError::custom("a bit string has 1 to 7 bits in its last byte"))
    }
}

impl ToTerm for Charlist {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
        Ok(Cow::Owned(Term::charlist(self)))
    }

    fn serialize_form<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl FromTerm for Charlist {
    fn from_term(term: Term) -> Result<Self, DecodeError> {
        let items = term
            .as_list()
            .ok_or_else(|| unexpected("a list of code points", &term))?;
        let code = |item: &Term| char::from_u32(u32::try_from(item.as_int()?).ok()?);
        let text: Option<String> = items.iter().map(code).collect();
        text.map(Self).ok_or(DecodeError::OutOfRange("char"))
    }

    fn from_form(term: Term) -> Result<Self, DecodeError> {
        match term.as_str() {
            Some(text) => Ok(Self::from(text)),
            None => Self::from_term(term),
        }
    }

    /// A text was a binary or an atom there.
    fn from_aside(term: Term) -> Result<Self, DecodeError> {
        Self::from_term(term)
    }
}

impl ToTerm for Pid {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
        Ok(Cow::Owned((*self).into()))
    }

    fn serialize_parts<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u128(pid_as_number(self))
    }
}

impl FromTerm for Pid {
    fn from_term(term: Term) -> Result<Self, DecodeError> {
        term.as_pid().ok_or_else(|| foreign("a pid", &term))
    }

    fn from_form(term: Term) -> Result<Self, DecodeError> {
        Ok(Self {
            node: node(&term)?,
            id: number(&term, "id")?,
            serial: number(&term, "serial")?,
            creation: number(&term, "creation")?,
        })
    }
}

impl ToTerm for Port {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
        Ok(Cow::Owned((*self).into()))
    }
}

impl FromTerm for Port {
    fn from_term(term: Term) -> Result<Self, DecodeError> {
        match term {
            Term::Port(port) => Ok(port),
            other => Err(foreign("a port", &other)),
        }
    }

    fn from_form(term: Term) -> Result<Self, DecodeError> {
        let id = match part(&term, "id")? {
            Term::Big(id) => u64::try_from(&**id).ok(),
            id => id.as_int().and_then(|id| u64::try_from(id).ok()),
        };
        Ok(Self {
            node: node(&term)?,
            id: id.ok_or(DecodeError::OutOfRange("u64"))?,
            creation: number(&term, "creation")?,
        })
    }
}

impl ToTerm for Reference {
    fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
        Ok(Cow::Owned((*self).into()))
    }
}

impl FromTerm for Reference {
    fn from_term(term: Term) -> Result<Self, DecodeError> {
        term.as_reference()
            .ok_or_else(|| foreign("a reference", &term))
    }

    fn from_form(term: Term) -> Result<Self, DecodeError> {
        let words = part(&term, "words")?;
        let words = words
            .as_list()
            .ok_or_else(|| unexpected("a list of words", words))?
            .iter()
            .map(|word| u32::try_from(word.as_int()?).ok())
            .collect::<Option<Vec<u32>>>()
            .ok_or(DecodeError::OutOfRange("u32"))?;
        Self::new(node(&term)?, number(&term, "creation")?, &words)
            .ok_or_else(|| DecodeError::custom("a reference has one to five words"))
    }
}

/// An identifier of another kind, or of a node whose name is beyond the quota.
fn foreign(expected: &'static str, term: &Term) -> DecodeError {
    match term {
        Term::Opaque(_)
            if matches!(
                (expected, term.kind()),
                ("a pid", Kind::Pid) | ("a port", Kind::Port) | ("a reference", Kind::Reference)
            ) =>
        {
            DecodeError::custom("the node of an identifier is beyond the quota of new atoms")
        }
        _ => unexpected(expected, term),
    }
}

fn part<'t>(term: &'t Term, name: &'static str) -> Result<&'t Term, DecodeError> {
    term.as_map()
        .ok_or_else(|| unexpected("a map of parts", term))?
        .value(&Term::from(name))
        .ok_or(DecodeError::MissingField(name))
}

fn number<T: TryFrom<i64>>(term: &Term, name: &'static str) -> Result<T, DecodeError> {
    let part = part(term, name)?;
    let value = part
        .as_int()
        .ok_or_else(|| unexpected("an integer", part))?;
    T::try_from(value).map_err(|_| DecodeError::OutOfRange(name))
}

fn node(term: &Term) -> Result<Atom, DecodeError> {
    Atom::from_form(part(term, "node")?.clone())
}

/// For `#[serde(with = "kista_etf::serde::exact")]`: the type's own [`Encode`](trait@Encode) and
/// [`Decode`](trait@crate::Decode) in place of what serde makes of it.
///
/// serde writes an array as a tuple, an IP address as text, and knows no big integers; so they are written as this crate
/// writes them. In other formats such a field takes the form of its term.
///
/// ```
/// use kista_etf::{BigInt, serde::{from_slice, to_term}};
///
/// #[derive(serde::Serialize, serde::Deserialize)]
/// struct Job {
///     #[serde(with = "kista_etf::serde::exact")]
///     id: BigInt,
///     #[serde(with = "kista_etf::serde::exact")]
///     window: [u8; 2],
/// }
///
/// let job = Job { id: BigInt::from(1) << 200, window: [1, 2] };
/// let text = to_term(&job).unwrap().to_string();
/// assert!(text.ends_with(",window => [1,2]}"), "{text}");
/// let bytes = kista_etf::serde::to_vec(&job).unwrap();
/// assert_eq!(from_slice::<Job>(&bytes).unwrap().id.bits(), 201);
/// ```
pub mod exact {
    use super::{
        Cow, DecodeError, DecodeOwned, Deserializer, Encode, EncodeError, Encoder, FromTerm,
        Serializer, Term, ToTerm, aside,
    };

    /// Writes a value by its `Encode`.
    pub fn serialize<T: Encode, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::serialize(&Exact(value), serializer)
    }

    /// Reads a value by its `Decode`.
    pub fn deserialize<'de, T: DecodeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        super::deserialize(deserializer).map(|Exact(value)| value)
    }

    struct Exact<T>(T);

    impl<T: Encode> Encode for Exact<T> {
        fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
            self.0.encode(e)
        }
    }

    impl<T: Encode> ToTerm for Exact<T> {
        fn to_term(&self) -> Result<Cow<'_, Term>, EncodeError> {
            let bytes = crate::to_vec(&self.0)?;
            crate::from_slice(&bytes)
                .map(Cow::Owned)
                .map_err(EncodeError::custom)
        }
    }

    impl<T: DecodeOwned> FromTerm for Exact<T> {
        fn from_term(term: Term) -> Result<Self, DecodeError> {
            let bytes = crate::to_vec(&term).map_err(DecodeError::custom)?;
            crate::from_slice(&bytes).map(Exact)
        }

        /// Numbers and booleans are what they were.
        fn from_aside(term: Term) -> Result<Self, DecodeError> {
            match term {
                Term::Int(_) | Term::Big(_) | Term::Float(_) => Self::from_term(term),
                term if term.as_bool().is_some() => Self::from_term(term),
                _ => Err(aside::not_as_it_was("a field with `exact`")),
            }
        }
    }
}
