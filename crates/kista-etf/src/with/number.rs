//! A float that may come as an integer: what Erlang's `number()` is. For `f64` and `f32`, and for an `Option` or `Vec` of them.
//!
//! Integers of up to 128 bits are taken, rounded as `float/1` does. A float is always written as a float.

use super::{DecodeAs, EncodeAs};
use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Kind};

/// The form of a number.
#[derive(Debug)]
pub enum Form {}

/// `f64` and `f32`.
pub trait Number: Encode + for<'a> Decode<'a> {
    /// The nearest float; `None` when there is no finite one.
    fn from_integer(value: i128) -> Option<Self>;
}

impl Number for f64 {
    fn from_integer(value: i128) -> Option<Self> {
        Some(value as Self)
    }
}

impl Number for f32 {
    fn from_integer(value: i128) -> Option<Self> {
        Some(value as Self).filter(|value| value.is_finite())
    }
}

/// Writes a float.
#[inline]
pub fn encode<T: EncodeAs<Form>>(value: &T, e: &mut Encoder) -> Result<(), EncodeError> {
    value.encode_as(e)
}

/// Reads a float or an integer.
#[inline]
pub fn decode<'a, T: DecodeAs<'a, Form>>(d: &mut Decoder<'a>) -> Result<T, DecodeError> {
    T::decode_as(d)
}

impl<T: Number> EncodeAs<Form> for T {
    #[inline]
    fn encode_as(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        self.encode(e)
    }
}

impl<'a, T: Number> DecodeAs<'a, Form> for T {
    #[inline]
    fn decode_as(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        read(d)
    }
}

fn read<T: Number>(d: &mut Decoder<'_>) -> Result<T, DecodeError> {
    if d.peek()? != Kind::Integer {
        return T::decode(d);
    }
    let mark = d.mark();
    let value = match d.int128() {
        Ok(value) => T::from_integer(value),
        Err(DecodeError::OutOfRange(_)) => None,
        Err(error) => return Err(error),
    };
    value.ok_or_else(|| {
        d.reset(mark);
        DecodeError::OutOfRange("a float")
    })
}
