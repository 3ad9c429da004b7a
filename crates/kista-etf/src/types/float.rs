//! Floats: finite ones, and never integers, as Erlang tells `1` from `1.0`.

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

impl Encode for f64 {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.float(*self)
    }
}

impl<'a> Decode<'a> for f64 {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.float()
    }
}

impl Encode for f32 {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.float(f64::from(*self))
    }
}

impl<'a> Decode<'a> for f32 {
    /// The nearest `f32`; a float that is too large for one is a mismatch.
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let mark = d.mark();
        let value = d.float()? as Self;
        if value.is_finite() {
            return Ok(value);
        }
        d.reset(mark);
        Err(DecodeError::OutOfRange("f32"))
    }
}
