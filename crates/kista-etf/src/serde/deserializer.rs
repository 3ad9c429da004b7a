//! Terms as serde's data model: what a type asks for, or what is there; the table is in the [module](super).

use std::borrow::Cow;
use std::cell::Cell;

use serde_core::de::{self, Visitor, value};

use super::access::{Entries, Items, Variant, bytes_seq};
use super::aside;
use super::form;
use super::loan::{self, TOKEN};
use super::names::is_named;
use super::source::Source;
use super::time;
use crate::{DecodeError, Kind, Limits, ListHeader};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// serde's deserializer: reads one term from a [`Decoder`](crate::Decoder), or from a [`TermReader`](super::TermReader).
///
/// ```
/// use kista_etf::{Decoder, serde::Deserializer};
/// use serde::Deserialize;
/// let mut d = Decoder::new(&[104, 2, 97, 7, 119, 4, b't', b'r', b'u', b'e']);
/// let value = <(u8, bool)>::deserialize(Deserializer::new(&mut d)).unwrap();
/// assert_eq!(value, (7, true));
/// d.finish().unwrap();
/// ```
#[derive(Debug)]
pub struct Deserializer<'d, D> {
    source: &'d mut D,
    /// How many options and newtypes were entered without reading anything: `struct A(Option<Box<A>>)` never would.
    entered: u16,
    /// Whether this is a key of a map, which may be an atom where a string is asked for. Set when it was read as a string.
    key: Option<&'d Cell<bool>>,
}

impl<'d, D> Deserializer<'d, D> {
    /// A deserializer that reads from `source`.
    #[inline]
    pub const fn new(source: &'d mut D) -> Self {
        Self {
            source,
            entered: 0,
            key: None,
        }
    }

    #[inline]
    pub(super) const fn key(source: &'d mut D, is_text: &'d Cell<bool>) -> Self {
        Self {
            source,
            entered: 0,
            key: Some(is_text),
        }
    }

    fn enter(self) -> Result<Self> {
        let limit = Limits::DEFAULT.recursion;
        if self.entered >= limit {
            return Err(DecodeError::TooDeep(limit.into()));
        }
        Ok(Self {
            entered: self.entered + 1,
            ..self
        })
    }
}

impl<'de, D: Source<'de>> Deserializer<'_, D> {
    fn integer<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let value = match self.source.int() {
            Ok(value) => return visit_int(value, visitor),
            Err(DecodeError::OutOfRange(_)) => self.source.int128(),
            Err(error) => return Err(error),
        };
        match value {
            Ok(value) => match u64::try_from(value) {
                Ok(value) => visitor.visit_u64(value),
                Err(_) => visitor.visit_i128(value),
            },
            Err(DecodeError::OutOfRange(_)) => visitor.visit_u128(self.source.uint128()?),
            Err(error) => Err(error),
        }
    }

    fn atom<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let text = self.source.atom()?;
        match &*text {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            // As other formats do with their null: serde takes it for a `None` and for a `()`, and so it does when it was set aside.
            "undefined" | "nil" => visitor.visit_unit(),
            _ => {
                aside::saw_atom(&text);
                visit_text(text, visitor)
            }
        }
    }

    fn binary<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let bytes = self.source.binary()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => visitor.visit_borrowed_str(text),
            Err(_) => visitor.visit_borrowed_bytes(bytes),
        }
    }

    #[inline]
    fn str(&mut self) -> Result<&'de str> {
        std::str::from_utf8(self.source.binary()?).map_err(|_| DecodeError::NotUtf8)
    }

    fn list<V: Visitor<'de>>(self, len: Option<usize>, visitor: V) -> Result<V::Value> {
        self.source.nested(|source| {
            let header = source.list()?;
            let (found, ends) = match header {
                ListHeader::Nil => (0, true),
                // A list that is its tail goes on.
                ListHeader::Elements(len) => (len, false),
                ListHeader::Bytes(bytes) => (bytes.len(), true),
            };
            if let Some(expected) = len.filter(|len| found > *len || found < *len && ends) {
                return Err(DecodeError::custom(format_args!(
                    "expected a list of {expected}, found one of {found}"
                )));
            }
            match header {
                ListHeader::Nil => Items::read(source, 0, visitor),
                ListHeader::Bytes(bytes) => bytes_seq(bytes, visitor),
                ListHeader::Elements(len) => Items::read_list(source, len, visitor),
            }
        })
    }

    fn tuple<V: Visitor<'de>>(self, expected: usize, visitor: V) -> Result<V::Value> {
        self.source.nested(|source| {
            let found = source.tuple()?;
            if expected != found {
                return Err(DecodeError::Arity { expected, found });
            }
            Items::read(source, found, visitor)
        })
    }

    /// A tuple that nobody asked for.
    fn any_tuple<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.source.nested(|source| {
            let found = source.tuple()?;
            if found > 1 && source.peek()? == Kind::Atom {
                aside::saw_tagged();
            }
            Items::read(source, found, visitor)
        })
    }

    /// A value of this crate: the visitor finds the term in the place for loans.
    fn native<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let term = self.source.term()?;
        loan::with_term(Some(term), || visitor.visit_unit()).0
    }
}

fn visit_int<'de, V: Visitor<'de>>(value: i64, visitor: V) -> Result<V::Value> {
    match u64::try_from(value) {
        Ok(value) => visitor.visit_u64(value),
        Err(_) => visitor.visit_i64(value),
    }
}

fn visit_text<'de, V: Visitor<'de>>(text: Cow<'de, str>, visitor: V) -> Result<V::Value> {
    match text {
        Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
        Cow::Owned(text) => visitor.visit_string(text),
    }
}

macro_rules! integers {
    ($($type:ty, $deserialize:ident, $visit:ident, $read:ident;)*) => {
        $(#[inline]
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            let out_of_range = || DecodeError::OutOfRange(stringify!($type));
            let value = self.source.$read().map_err(|error| match error {
                DecodeError::OutOfRange(_) => out_of_range(),
                error => error,
            })?;
            visitor.$visit(<$type>::try_from(value).map_err(|_| out_of_range())?)
        })*
    };
}

impl<'de, D: Source<'de>> de::Deserializer<'de> for Deserializer<'_, D> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.source.peek()? {
            Kind::Integer => self.integer(visitor),
            Kind::Float => visitor.visit_f64(self.source.float()?),
            Kind::Atom => self.atom(visitor),
            Kind::Binary => self.binary(visitor),
            Kind::List => self.list(None, visitor),
            Kind::Tuple => self.any_tuple(visitor),
            Kind::Map => self.deserialize_map(visitor),
            _ => form::visit_parts(&self.source.term()?, visitor),
        }
    }

    integers! {
        i8, deserialize_i8, visit_i8, int;
        i16, deserialize_i16, visit_i16, int;
        i32, deserialize_i32, visit_i32, int;
        i64, deserialize_i64, visit_i64, int;
        i128, deserialize_i128, visit_i128, int128;
        u8, deserialize_u8, visit_u8, int;
        u16, deserialize_u16, visit_u16, int;
        u32, deserialize_u32, visit_u32, int;
        u64, deserialize_u64, visit_u64, uint;
        u128, deserialize_u128, visit_u128, uint128;
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &*self.source.atom()? {
            "true" => visitor.visit_bool(true),
            "false" => visitor.visit_bool(false),
            _ => Err(DecodeError::Unexpected {
                expected: "true or false",
                found: Kind::Atom,
            }),
        }
    }

    #[inline]
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let value = self.source.float()? as f32;
        if !value.is_finite() {
            return Err(DecodeError::OutOfRange("f32"));
        }
        visitor.visit_f32(value)
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_f64(self.source.float()?)
    }

    fn deserialize_char<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        let mut chars = self.str()?.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => visitor.visit_char(char),
            _ => Err(DecodeError::custom("expected a text of one character")),
        }
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value> {
        if let Some(is_text) = self.key {
            is_text.set(true);
            if self.source.peek()? == Kind::Atom {
                return visit_text(self.source.atom()?, visitor);
            }
        }
        visitor.visit_borrowed_str(self.str()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_bytes(self.source.binary()?)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.source.take_none()? {
            return visitor.visit_none();
        }
        visitor.visit_some(self.enter()?)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match &*self.source.atom()? {
            "undefined" | "nil" | "ok" => visitor.visit_unit(),
            _ => Err(DecodeError::Unexpected {
                expected: "undefined, nil or ok",
                found: Kind::Atom,
            }),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        let atom = self.source.atom()?;
        if is_named(&atom, if name == "PhantomData" { "ok" } else { name }) {
            return visitor.visit_unit();
        }
        Err(DecodeError::unknown_variant(&atom, name))
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        if name == TOKEN {
            return self.native(visitor);
        }
        visitor.visit_newtype_struct(self.enter()?)
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.list(None, visitor)
    }

    /// serde does not tell arrays, which are lists in Erlang, from tuples: so both are read.
    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        if self.source.peek()? == Kind::List {
            return self.list(Some(len), visitor);
        }
        self.tuple(len, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.source
            .nested(|source| Entries::read_distinct(source, visitor))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if time::has_fields_of_time(name, fields) && self.source.peek()? == Kind::Integer {
            let parts = time::parts(self.source.int128()?)?;
            return visitor.visit_seq(value::SeqDeserializer::new(parts.into_iter()));
        }
        self.source
            .nested(|source| Entries::read_fields(source, name, fields, visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let found = self.source.peek()?;
        match found {
            Kind::Atom => {
                let tag = self.source.atom()?;
                visitor.visit_enum(Variant::<D>::atom(name, variants, tag))
            }
            Kind::Tuple => self.source.nested(|source| {
                let arity = source.tuple()?;
                if arity < 2 || source.peek()? != Kind::Atom {
                    return Err(DecodeError::Unexpected {
                        expected: "an atom or a tagged tuple",
                        found,
                    });
                }
                let tag = source.atom()?;
                visitor.visit_enum(Variant::tuple(name, variants, tag, source, arity - 1))
            }),
            found => Err(DecodeError::Unexpected {
                expected: "an atom or a tagged tuple",
                found,
            }),
        }
    }

    /// The name of a field, as an atom or as a binary; or, of a flattened map, any key.
    #[inline]
    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if let Some(is_text) = self.key {
            is_text.set(true);
        }
        match self.source.peek()? {
            Kind::Atom => visit_text(self.source.atom()?, visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.source.skip()?;
        visitor.visit_unit()
    }
}
