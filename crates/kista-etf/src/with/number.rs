//! A float that may come as an integer: what Erlang's `number()` is. For `f64` and `f32`.
//!
//! Integers of up to 128 bits are taken, rounded as `float/1` does. A float is always written as a float.

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Kind};

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
pub fn encode<T: Number>(value: &T, e: &mut Encoder) -> Result<(), EncodeError> {
    value.encode(e)
}

/// Reads a float or an integer.
#[inline]
pub fn decode<T: Number>(d: &mut Decoder<'_>) -> Result<T, DecodeError> {
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
