//! A container that a [`Serializer`](super::Serializer) has begun.

use serde_core::{Serialize, ser};

use super::Serializer;
use super::names::AtomText;
use super::sink::{Shape, Sink};
use crate::EncodeError;

type Result<T, E = EncodeError> = std::result::Result<T, E>;

/// A tuple, list or map whose elements are being written. Lengths of lists and maps are corrected at the end when they were
/// announced wrongly, or not at all.
pub struct Compound<'s, S: Sink> {
    sink: &'s mut S,
    /// `None` for a variant without fields, which is an atom.
    open: Option<S::Open>,
    shape: Shape,
    count: usize,
    /// The tagged tuple around the map of a struct variant.
    around: Option<S::Open>,
}

impl<'s, S: Sink> Compound<'s, S> {
    #[inline]
    pub(super) fn new(sink: &'s mut S, shape: Shape, len: usize) -> Result<Self> {
        let open = Some(sink.open(shape, len)?);
        Ok(Self {
            sink,
            open,
            shape,
            count: 0,
            around: None,
        })
    }

    /// `{tag, ...}` with `len` elements behind the tag; `tag` when there are none.
    pub(super) fn tagged(sink: &'s mut S, tag: &str, len: usize) -> Result<Self> {
        let open = match len {
            0 => None,
            len => Some(sink.open(Shape::Tuple, len.saturating_add(1))?),
        };
        sink.atom(AtomText::new(tag).as_str())?;
        Ok(Self {
            sink,
            open,
            shape: Shape::Tuple,
            count: 1,
            around: None,
        })
    }

    /// `{tag, #{...}}`.
    pub(super) fn tagged_map(sink: &'s mut S, tag: &str, len: usize) -> Result<Self> {
        let around = sink.open(Shape::Tuple, 2)?;
        sink.atom(AtomText::new(tag).as_str())?;
        let open = sink.open(Shape::Map, len)?;
        Ok(Self {
            sink,
            open: Some(open),
            shape: Shape::Map,
            count: 0,
            around: Some(around),
        })
    }

    #[inline]
    pub(super) fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.count += 1;
        value.serialize(Serializer::new(self.sink))
    }

    #[inline]
    pub(super) fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<()> {
        self.sink.atom(name)?;
        self.item(value)
    }

    #[inline]
    pub(super) fn close(self) -> Result<()> {
        match self.open {
            Some(open) => self.sink.close(open, self.shape, self.count)?,
            None if self.count == 1 => {}
            None => {
                let text = "an implementation of Serialize announced a variant without fields and wrote some";
                return Err(EncodeError::custom(text));
            }
        }
        match self.around {
            Some(around) => self.sink.close(around, Shape::Tuple, 2),
            None => Ok(()),
        }
    }
}

macro_rules! sequence {
    ($($trait:ident, $method:ident;)*) => {
        $(impl<S: Sink> ser::$trait for Compound<'_, S> {
            type Ok = ();
            type Error = EncodeError;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.item(value)
            }

            #[inline]
            fn end(self) -> Result<()> {
                self.close()
            }
        })*
    };
}

sequence! {
    SerializeSeq, serialize_element;
    SerializeTuple, serialize_element;
    SerializeTupleStruct, serialize_field;
    SerializeTupleVariant, serialize_field;
}

impl<S: Sink> ser::SerializeMap for Compound<'_, S> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        key.serialize(Serializer::new(self.sink))
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.item(value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.close()
    }
}

impl<S: Sink> ser::SerializeStructVariant for Compound<'_, S> {
    type Ok = ();
    type Error = EncodeError;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        self.field(name, value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.close()
    }
}
