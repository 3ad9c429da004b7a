//! The form of a term in formats that know none.
//!
//! | term | in a format for people (JSON, ...) | read back from it as a [`Term`] |
//! |---|---|---|
//! | integer, float | the number; beyond 64 bits its digits as a string, of more than 8 KiB as `16#FF` | the same; the string |
//! | `true`, `false` | boolean | the same |
//! | `undefined`, `nil` | null | `undefined` |
//! | other atoms, binaries of UTF-8 | string | binary |
//! | other binaries | bytes | binary, or the list of bytes |
//! | list, tuple | sequence | list |
//! | map | map; keys that are no text and no integer as they are printed | map |
//! | pid, port, reference, bit string, fun, improper list | map of their parts | map |
//!
//! A format that is not for people (`is_human_readable` is false) gets the bytes of `term_to_binary`, and loses nothing.

use std::fmt;

use num_bigint::BigInt;
use serde_core::de::{self, DeserializeSeed, IntoDeserializer, Visitor, value};
use serde_core::ser::{self, SerializeMap, SerializeSeq};
use serde_core::{Deserializer, Serialize, Serializer, forward_to_deserialize_any};

use super::{aside, loan};
use crate::decoder::Identifier;
use crate::{AtomQuota, DecodeError, Decoder, Encoder, Limits, Term};

/// How deep a term may be to be written in another format.
const MAX_DEPTH: u16 = Limits::DEFAULT.recursion;

/// A term as other formats see it.
pub(super) struct Form<'t> {
    term: &'t Term,
    depth: u16,
}

impl<'t> Form<'t> {
    pub(super) const fn new(term: &'t Term) -> Self {
        Self { term, depth: 0 }
    }

    const fn inside(&self, term: &'t Term) -> Self {
        Self {
            term,
            depth: self.depth + 1,
        }
    }

    fn seq<S: Serializer>(&self, items: &'t [Term], serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(items.len()))?;
        for item in items {
            seq.serialize_element(&self.inside(item))?;
        }
        seq.end()
    }
}

impl Serialize for Form<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.depth > MAX_DEPTH {
            return Err(ser::Error::custom(DecodeError::TooDeep(MAX_DEPTH.into())));
        }
        if let Some(text) = self.term.as_atom_str() {
            return match text {
                "true" => serializer.serialize_bool(true),
                "false" => serializer.serialize_bool(false),
                "undefined" | "nil" => serializer.serialize_none(),
                text => serializer.serialize_str(text),
            };
        }
        match self.term {
            Term::Int(value) => serializer.serialize_i64(*value),
            Term::Big(value) => match u64::try_from(&**value) {
                Ok(value) => serializer.serialize_u64(value),
                Err(_) => serializer.collect_str(&Digits(value)),
            },
            Term::Float(value) => serializer.serialize_f64(*value),
            Term::Binary(binary) => match binary.as_str() {
                Some(text) => serializer.serialize_str(text),
                None => serializer.serialize_bytes(binary),
            },
            Term::Tuple(items) => self.seq(items.as_slice(), serializer),
            Term::List(items) => self.seq(items.as_slice(), serializer),
            Term::Map(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (key, value) in pairs.iter() {
                    map.serialize_entry(&Key(key), &self.inside(value))?;
                }
                map.end()
            }
            term => {
                let parts = parts(term).map_err(ser::Error::custom)?;
                let mut map = serializer.serialize_map(Some(parts.len()))?;
                for (name, part) in &parts {
                    let part = Form {
                        term: part,
                        depth: self.depth + 1,
                    };
                    map.serialize_entry(name, &part)?;
                }
                map.end()
            }
        }
    }
}

/// An integer beyond 64 bits. In decimal it takes quadratic time.
struct Digits<'t>(&'t BigInt);

impl fmt::Display for Digits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::term::write::integer(f, self.0, 8 * 8 * 1024)
    }
}

/// A key of a map. Most formats want strings.
struct Key<'t>(&'t Term);

impl Serialize for Key<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.0, self.0.as_atom_str().or_else(|| self.0.as_str())) {
            (_, Some(text)) => serializer.serialize_str(text),
            (Term::Int(value), _) => serializer.serialize_i64(*value),
            (term, _) => serializer.collect_str(term),
        }
    }
}

/// What a term of a kind that only Erlang has is made of.
fn parts(term: &Term) -> Result<Vec<(&'static str, Term)>, DecodeError> {
    Ok(match term {
        Term::ImproperList(list) => vec![
            ("elements", Term::list(list.elements().iter().cloned())),
            ("tail", list.tail().clone()),
        ],
        Term::BitString(bits) => vec![
            ("bytes", Term::from(bits.bytes().clone())),
            ("bits", Term::from(bits.last_bits())),
        ],
        Term::Fun(fun) => vec![("fun", Term::from(fun.as_bytes()))],
        Term::Export(export) => vec![
            ("module", Term::from(export.module.as_str())),
            ("function", Term::from(export.function.as_str())),
            ("arity", Term::from(export.arity)),
        ],
        identifier => identifier_parts(identifier)?,
    })
}

/// The parts of a pid, port or reference, be its node's name interned or not.
fn identifier_parts(term: &Term) -> Result<Vec<(&'static str, Term)>, DecodeError> {
    static NO_NEW_ATOMS: AtomQuota = AtomQuota::new(0);
    let mut e = Encoder::new();
    e.term(term).map_err(DecodeError::custom)?;
    let (node, identifier) = Decoder::new(e.inline_bytes())
        .quota(&NO_NEW_ATOMS)
        .identifier("an identifier", |_| true)?;
    let mut parts = vec![("node", Term::from(node.as_str()))];
    match identifier {
        Identifier::Pid {
            id,
            serial,
            creation,
        } => parts.extend([
            ("id", Term::from(id)),
            ("serial", Term::from(serial)),
            ("creation", Term::from(creation)),
        ]),
        Identifier::Port { id, creation } => {
            parts.extend([("id", Term::from(id)), ("creation", Term::from(creation))])
        }
        Identifier::Reference {
            creation,
            words,
            used,
        } => parts.extend([
            ("creation", Term::from(creation)),
            (
                "words",
                Term::list(
                    words[..usize::from(used)]
                        .iter()
                        .map(|word| Term::from(*word)),
                ),
            ),
        ]),
    }
    Ok(parts)
}

/// Shows a visitor the parts of a term of a kind that only Erlang has.
pub(super) fn visit_parts<'de, V: Visitor<'de>>(
    term: &Term,
    visitor: V,
) -> Result<V::Value, DecodeError> {
    let parts = parts(term)?.into_iter();
    visitor.visit_map(value::MapDeserializer::new(
        parts.map(|(name, part)| (name, Part(part))),
    ))
}

/// A string, bytes, a number, or a list of numbers.
struct Part(Term);

impl<'de> IntoDeserializer<'de, DecodeError> for Part {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> de::Deserializer<'de> for Part {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.0 {
            Term::Int(value) => visitor.visit_u64(value.unsigned_abs()),
            Term::Big(value) => visitor.visit_u64(u64::try_from(*value).unwrap_or(u64::MAX)),
            Term::List(items) => {
                visitor.visit_seq(value::SeqDeserializer::new(items.into_iter().map(Part)))
            }
            Term::Binary(binary) => match binary.as_str() {
                Some(text) => visitor.visit_str(text),
                None => visitor.visit_bytes(&binary),
            },
            other => Err(DecodeError::Unexpected {
                expected: "a part of an identifier",
                found: other.kind(),
            }),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A term that was read.
pub(super) struct Found {
    pub(super) term: Term,
    pub(super) way: Way,
}

/// How a term came here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is the very term.
    Exact,
    /// It is the form of one in another format.
    Form,
    /// It is what serde set aside of our input.
    Aside,
}

/// Makes a term of whatever a format has.
#[derive(Clone, Copy)]
pub(super) struct FormVisitor {
    depth: u16,
}

impl FormVisitor {
    pub(super) const fn new() -> Self {
        Self { depth: 0 }
    }

    fn inside<E: de::Error>(self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(DecodeError::TooDeep(MAX_DEPTH.into())));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

fn form<E>(term: impl Into<Term>) -> Result<Found, E> {
    Ok(Found {
        term: term.into(),
        way: Way::Form,
    })
}

impl<'de> DeserializeSeed<'de> for FormVisitor {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FormVisitor {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an Erlang term")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Found, E> {
        form(value)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Found, E> {
        form(value)
    }

    fn visit_i128<E>(self, value: i128) -> Result<Found, E> {
        form(value)
    }

    fn visit_u64<E>(self, value: u64) -> Result<Found, E> {
        form(value)
    }

    fn visit_u128<E>(self, value: u128) -> Result<Found, E> {
        form(Term::big(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Found, E> {
        if !value.is_finite() {
            return Err(E::custom(DecodeError::BadFloat));
        }
        form(value)
    }

    fn visit_str<E>(self, text: &str) -> Result<Found, E> {
        form(text)
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Found, E> {
        form(bytes)
    }

    fn visit_none<E: de::Error>(self) -> Result<Found, E> {
        form(crate::atoms::UNDEFINED)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        self.inside()?.deserialize(deserializer)
    }

    /// Nothing; or, from a deserializer of ours, the term that it left in the place for loans.
    fn visit_unit<E: de::Error>(self) -> Result<Found, E> {
        match loan::take_term() {
            Some(term) => Ok(Found {
                term,
                way: Way::Exact,
            }),
            None => self.visit_none(),
        }
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Found, D::Error> {
        if aside::is_ours::<D::Error>() {
            let found = self.inside()?.deserialize(deserializer)?;
            Ok(Found {
                way: Way::Aside,
                ..found
            })
        } else if deserializer.is_human_readable() {
            self.inside()?.deserialize(deserializer)
        } else {
            deserializer.deserialize_bytes(External)
        }
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Found, A::Error> {
        let inside = self.inside()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(inside)? {
            items.push(item.term);
        }
        form(Term::list(items))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let inside = self.inside()?;
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key_seed(inside)? {
            pairs.push((key.term, map.next_value_seed(inside)?.term));
        }
        match Term::map(pairs) {
            Some(map) => form(map),
            None => Err(de::Error::custom(DecodeError::DuplicateKey)),
        }
    }
}

/// The bytes of `term_to_binary`.
struct External;

impl<'de> Visitor<'de> for External {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of an Erlang term")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Found, E> {
        let term = crate::from_slice(bytes).map_err(E::custom)?;
        Ok(Found {
            term,
            way: Way::Exact,
        })
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Found, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}
