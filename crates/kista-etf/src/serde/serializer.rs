//! serde's data model as terms, item by item; the table is in the [module](super).

use std::cell::Cell;

use serde_core::{Serialize, ser};

use super::compound::Compound;
use super::loan::TOKEN;
use super::names::AtomText;
use super::sink::{Shape, Sink};
use super::time::{self, StructWriter};
use crate::{EncodeError, Encoder};

type Result<T, E = EncodeError> = std::result::Result<T, E>;

/// serde's serializer: writes one term to an [`Encoder`], or to a [`TermBuilder`](super::TermBuilder).
///
/// ```
/// use kista_etf::{Encoder, serde::Serializer};
/// use serde::Serialize;
/// let mut e = Encoder::new();
/// (7, true).serialize(Serializer::new(&mut e)).unwrap();
/// assert_eq!(e.inline_bytes(), [104, 2, 97, 7, 119, 4, b't', b'r', b'u', b'e']);
/// ```
#[derive(Debug)]
pub struct Serializer<'s, S = Encoder> {
    sink: &'s mut S,
    /// Set by a `()` instead of being written: `Ok(())` is the atom `ok` alone, `Err(())` the atom `error`.
    unit: Option<&'s Cell<bool>>,
}

impl<'s, S: Sink> Serializer<'s, S> {
    /// A serializer that writes to `sink`.
    #[inline]
    pub const fn new(sink: &'s mut S) -> Self {
        Self { sink, unit: None }
    }

    fn name(self, name: &str) -> Result<()> {
        self.sink.atom(AtomText::new(name).as_str())
    }

    #[inline]
    fn open(self, shape: Shape, len: usize) -> Result<Compound<'s, S>> {
        Compound::new(self.sink, shape, len)
    }

    /// `{ok, Value}` and `{error, Reason}`, or `ok` and `error` when that is `()`.
    fn result<T: Serialize + ?Sized>(self, name: &str, value: &T) -> Result<()> {
        let unit = Cell::new(false);
        let open = self.sink.open(Shape::Tuple, 2)?;
        self.sink.atom(name)?;
        value.serialize(Serializer {
            sink: &mut *self.sink,
            unit: Some(&unit),
        })?;
        if unit.get() {
            self.sink.discard(open);
            return self.sink.atom(name);
        }
        self.sink.close(open, Shape::Tuple, 2)
    }
}

/// The name of a variant; that of `Err` is `error`, as everywhere in Erlang.
pub(super) fn variant_name<'a>(of: &str, variant: &'a str) -> &'a str {
    match (of, variant) {
        ("Result", "Err") => "error",
        _ => variant,
    }
}

impl<'s, S: Sink> ser::Serializer for Serializer<'s, S> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Compound<'s, S>;
    type SerializeTuple = Compound<'s, S>;
    type SerializeTupleStruct = Compound<'s, S>;
    type SerializeTupleVariant = Compound<'s, S>;
    type SerializeMap = Compound<'s, S>;
    type SerializeStruct = StructWriter<'s, S>;
    type SerializeStructVariant = Compound<'s, S>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        self.sink.bool(value);
        Ok(())
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<()> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<()> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<()> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<()> {
        self.sink.int(value);
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<()> {
        self.sink.int128(value);
        Ok(())
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<()> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<()> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<()> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<()> {
        self.sink.uint(value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<()> {
        self.sink.uint128(value);
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.sink.float(value.into())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.sink.float(value)
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, text: &str) -> Result<()> {
        self.sink.binary(text.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result<()> {
        self.sink.binary(bytes)
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.sink.atom("undefined")
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(Self::new(self.sink))
    }

    fn serialize_unit(self) -> Result<()> {
        match self.unit {
            Some(unit) => {
                unit.set(true);
                Ok(())
            }
            None => self.sink.atom("undefined"),
        }
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<()> {
        match name {
            "PhantomData" => self.sink.atom("ok"),
            _ => self.name(name),
        }
    }

    #[inline]
    fn serialize_unit_variant(self, of: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.name(variant_name(of, variant))
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        if name == TOKEN {
            return self.sink.native(value);
        }
        value.serialize(Self::new(self.sink))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        of: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        match (of, variant) {
            ("Result", "Ok") => return self.result("ok", value),
            ("Result", "Err") => return self.result("error", value),
            _ => {}
        }
        let mut tuple = Compound::tagged(self.sink, variant_name(of, variant), 1)?;
        tuple.item(value)?;
        tuple.close()
    }

    #[inline]
    fn serialize_seq(self, len: Option<usize>) -> Result<Compound<'s, S>> {
        self.open(Shape::List, len.unwrap_or_default())
    }

    #[inline]
    fn serialize_tuple(self, len: usize) -> Result<Compound<'s, S>> {
        self.open(Shape::Tuple, len)
    }

    #[inline]
    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Compound<'s, S>> {
        self.open(Shape::Tuple, len)
    }

    fn serialize_tuple_variant(
        self,
        of: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'s, S>> {
        Compound::tagged(self.sink, variant_name(of, variant), len)
    }

    #[inline]
    fn serialize_map(self, len: Option<usize>) -> Result<Compound<'s, S>> {
        self.open(Shape::Map, len.unwrap_or_default())
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<StructWriter<'s, S>> {
        if time::is_time(name) {
            return Ok(StructWriter::time(self.sink, len));
        }
        self.open(Shape::Map, len).map(StructWriter::Map)
    }

    fn serialize_struct_variant(
        self,
        of: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'s, S>> {
        Compound::tagged_map(self.sink, variant_name(of, variant), len)
    }
}
