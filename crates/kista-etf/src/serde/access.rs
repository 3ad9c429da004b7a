//! The elements of containers, for serde's visitors. What a visitor leaves unread is an error.

use std::borrow::Cow;
use std::cell::Cell;

use serde_core::de::{self, DeserializeSeed, IntoDeserializer, Visitor, value};
use serde_core::forward_to_deserialize_any;

use super::Deserializer;
use super::error::{in_element, in_field, unknown_in};
use super::keys::Keys;
use super::names::is_named;
use super::serializer::variant_name;
use super::source::Source;
use crate::decode::SMALL_INTEGERS;
use crate::{DecodeError, Decoder, Kind, ListHeader};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// The elements of a tuple or list.
pub(super) struct Items<'d, 'de, D> {
    source: &'d mut D,
    len: usize,
    left: usize,
    /// Whether a tail follows.
    tail: bool,
    /// The bytes that are the tail.
    bytes: &'de [u8],
}

impl<'d, 'de, D: Source<'de>> Items<'d, 'de, D> {
    #[inline]
    pub(super) fn read<V: Visitor<'de>>(
        source: &'d mut D,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        Self::read_all(source, len, false, visitor)
    }

    /// Reads the tail of the list too.
    #[inline]
    pub(super) fn read_list<V: Visitor<'de>>(
        source: &'d mut D,
        len: usize,
        visitor: V,
    ) -> Result<V::Value> {
        Self::read_all(source, len, true, visitor)
    }

    #[inline]
    fn read_all<V: Visitor<'de>>(
        source: &'d mut D,
        len: usize,
        tail: bool,
        visitor: V,
    ) -> Result<V::Value> {
        let mut items = Self {
            source,
            len,
            left: len,
            tail,
            bytes: &[],
        };
        let value = visitor.visit_seq(&mut items)?;
        while items.tail && items.left == 0 {
            items.go_on()?;
        }
        all_read(items.left + items.bytes.len())?;
        Ok(value)
    }

    /// Reads the tail, in which there may be more.
    fn go_on(&mut self) -> Result<()> {
        match self.source.tail()? {
            ListHeader::Nil => self.tail = false,
            ListHeader::Bytes(bytes) => {
                self.tail = false;
                self.bytes = bytes;
                self.len += bytes.len();
            }
            ListHeader::Elements(len) => {
                self.left = len;
                self.len += len;
            }
        }
        Ok(())
    }

    #[cold]
    fn next_byte<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let Some((byte, rest)) = self.bytes.split_first() else {
            return Ok(None);
        };
        self.bytes = rest;
        let mut integer = Decoder::new(&SMALL_INTEGERS[usize::from(*byte)]);
        match seed.deserialize(Deserializer::new(&mut integer)) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(in_element(error, self.len - self.bytes.len() - 1)),
        }
    }
}

#[inline]
fn all_read(left: usize) -> Result<()> {
    match left {
        0 => Ok(()),
        left => Err(DecodeError::custom(format_args!(
            "{left} elements more than the type takes"
        ))),
    }
}

impl<'de, D: Source<'de>> de::SeqAccess<'de> for Items<'_, 'de, D> {
    type Error = DecodeError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        while self.left == 0 {
            if !self.tail {
                return self.next_byte(seed);
            }
            self.go_on()?;
        }
        self.left -= 1;
        match seed.deserialize(Deserializer::new(&mut *self.source)) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(in_element(error, self.len - self.left - 1)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.source.reserve_for(self.left))
    }
}

/// A list that came as a string of bytes.
pub(super) fn bytes_seq<'de, V: Visitor<'de>>(bytes: &[u8], visitor: V) -> Result<V::Value> {
    struct Bytes<'b> {
        rest: std::slice::Iter<'b, u8>,
        len: usize,
    }

    impl<'de> de::SeqAccess<'de> for Bytes<'_> {
        type Error = DecodeError;

        #[inline]
        fn next_element_seed<T: DeserializeSeed<'de>>(
            &mut self,
            seed: T,
        ) -> Result<Option<T::Value>> {
            let Some(byte) = self.rest.next() else {
                return Ok(None);
            };
            let mut integer = Decoder::new(&SMALL_INTEGERS[usize::from(*byte)]);
            match seed.deserialize(Deserializer::new(&mut integer)) {
                Ok(value) => Ok(Some(value)),
                Err(error) => Err(in_element(error, self.len - self.rest.len() - 1)),
            }
        }

        fn size_hint(&self) -> Option<usize> {
            Some(self.rest.len())
        }
    }

    let mut items = Bytes {
        rest: bytes.iter(),
        len: bytes.len(),
    };
    let value = visitor.visit_seq(&mut items)?;
    all_read(items.rest.len())?;
    Ok(value)
}

/// The pairs of a map.
pub(super) struct Entries<'d, 'de, D: Source<'de>> {
    source: &'d mut D,
    left: usize,
    /// The struct and its fields, if it is one.
    fields: Option<(&'static str, &'static [&'static str])>,
    /// Where the last key is.
    place: D::Place,
    /// The keys of what is no struct: to be compared, as the visitor would not.
    keys: Keys<'de>,
}

impl<'d, 'de, D: Source<'de>> Entries<'d, 'de, D> {
    /// Any map.
    pub(super) fn read_distinct<V: Visitor<'de>>(
        source: &'d mut D,
        visitor: V,
    ) -> Result<V::Value> {
        let left = source.map()?;
        let mut entries = Self {
            place: source.place(),
            source,
            left,
            fields: None,
            keys: Keys::default(),
        };
        let value = visitor.visit_map(&mut entries)?;
        all_read(entries.left)?;
        entries.source.check_keys(entries.keys)?;
        Ok(value)
    }

    /// The fields of a struct. serde finds those that are there twice.
    #[inline]
    pub(super) fn read_fields<V: Visitor<'de>>(
        source: &'d mut D,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let left = source.map()?;
        let mut entries = Self {
            place: source.place(),
            source,
            left,
            fields: Some((name, fields)),
            keys: Keys::default(),
        };
        let value = visitor.visit_map(&mut entries)?;
        all_read(entries.left)?;
        Ok(value)
    }

    #[cold]
    fn at_key(&mut self, error: DecodeError) -> DecodeError {
        let Some((of, fields)) = self.fields else {
            return error;
        };
        let key = self.source.text_at(self.place);
        let field = fields.iter().find(|field| Some(**field) == key.as_deref());
        match field {
            Some(field) => in_field(error, field, of),
            None => error,
        }
    }
}

impl<'de, D: Source<'de>> de::MapAccess<'de> for Entries<'_, 'de, D> {
    type Error = DecodeError;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.place = self.source.place();
        if let Some((of, _)) = self.fields {
            let name = seed.deserialize(FieldName(&mut *self.source));
            return name.map(Some).map_err(|error| unknown_in(error, of));
        }
        let is_text = Cell::new(false);
        let key = seed.deserialize(Deserializer::key(&mut *self.source, &is_text))?;
        self.source
            .note_key(&mut self.keys, self.place, is_text.get())?;
        Ok(Some(key))
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        match seed.deserialize(Deserializer::new(&mut *self.source)) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.at_key(error)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.source.reserve_for(self.left))
    }
}

/// A key of a struct: its text, or, when it is neither atom nor binary, something that is the name of no field.
struct FieldName<'d, D>(&'d mut D);

impl<'de, D: Source<'de>> de::Deserializer<'de> for FieldName<'_, D> {
    type Error = DecodeError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.0.peek()? {
            Kind::Atom => match self.0.atom()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            Kind::Binary => visitor.visit_borrowed_bytes(self.0.binary()?),
            _ => {
                self.0.skip()?;
                // Names are UTF-8, and this is not.
                visitor.visit_bytes(&[0xff])
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// An atom or tagged tuple, as a variant of an enum.
pub(super) struct Variant<'d, 'de, D> {
    of: &'static str,
    variants: &'static [&'static str],
    tag: Cow<'de, str>,
    /// Where the terms behind the tag are, and how many; `None` for an atom.
    payload: Option<(&'d mut D, usize)>,
}

/// What belongs to a variant.
pub(super) struct Payload<'d, D> {
    of: &'static str,
    /// `None` for a variant that takes all that are unknown.
    variant: Option<&'static str>,
    payload: Option<(&'d mut D, usize)>,
}

impl<'d, 'de, D: Source<'de>> Variant<'d, 'de, D> {
    pub(super) const fn atom(
        of: &'static str,
        variants: &'static [&'static str],
        tag: Cow<'de, str>,
    ) -> Self {
        Self {
            of,
            variants,
            tag,
            payload: None,
        }
    }

    pub(super) const fn tuple(
        of: &'static str,
        variants: &'static [&'static str],
        tag: Cow<'de, str>,
        source: &'d mut D,
        len: usize,
    ) -> Self {
        Self {
            of,
            variants,
            tag,
            payload: Some((source, len)),
        }
    }
}

impl<'d, 'de, D: Source<'de>> de::EnumAccess<'de> for Variant<'d, 'de, D> {
    type Error = DecodeError;
    type Variant = Payload<'d, D>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self::Variant)> {
        let Self {
            of, variants, tag, ..
        } = &self;
        let variant = variants
            .iter()
            .copied()
            .find(|variant| is_named(tag, variant_name(of, variant)));
        let value = match variant {
            Some(variant) => seed.deserialize(variant.into_deserializer()),
            // In Rust's spelling it is no name here, but serde would take it for one.
            None if variants.contains(&&**tag) => Err(DecodeError::unknown_variant(tag, of)),
            None => seed.deserialize(IntoDeserializer::into_deserializer(&**tag)),
        };
        let value = value.map_err(|error| unknown_in(error, of))?;
        Ok((
            value,
            Payload {
                of,
                variant,
                payload: self.payload,
            },
        ))
    }
}

impl<'de, D: Source<'de>> de::VariantAccess<'de> for Payload<'_, D> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<()> {
        match (self.payload, self.variant) {
            (None, _) => Ok(()),
            (Some((source, len)), None) => {
                for _ in 0..len {
                    source.skip()?;
                }
                Ok(())
            }
            (Some(_), Some(_)) => Err(DecodeError::Unexpected {
                expected: "an atom",
                found: Kind::Tuple,
            }),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        match self.payload {
            Some((source, 1)) => seed
                .deserialize(Deserializer::new(source))
                .map_err(|error| in_field(error, "0", self.variant.unwrap_or(self.of))),
            Some((_, len)) => Err(arity(1, len)),
            None if self.of == "Result" && matches!(self.variant, Some("Ok" | "Err")) => {
                seed.deserialize(OnlyUnit)
            }
            None => Err(no_tuple()),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value> {
        match self.payload {
            Some((source, found)) if found == len => Items::read(source, len, visitor),
            Some((_, found)) => Err(arity(len, found)),
            None if len == 0 => {
                visitor.visit_seq(value::SeqDeserializer::new(std::iter::empty::<u8>()))
            }
            None => Err(no_tuple()),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.payload {
            Some((source, 1)) => {
                let name = self.variant.unwrap_or(self.of);
                source.nested(|source| Entries::read_fields(source, name, fields, visitor))
            }
            Some((_, len)) => Err(arity(1, len)),
            None => Err(no_tuple()),
        }
    }
}

fn arity(expected: usize, found: usize) -> DecodeError {
    DecodeError::Arity {
        expected: expected + 1,
        found: found + 1,
    }
}

fn no_tuple() -> DecodeError {
    DecodeError::Unexpected {
        expected: "a tagged tuple",
        found: Kind::Atom,
    }
}

/// What `ok` and `error` hold as a `Result`: a `()` and nothing else.
struct OnlyUnit;

impl<'de> de::Deserializer<'de> for OnlyUnit {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(no_tuple())
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
