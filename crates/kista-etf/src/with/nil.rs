//! An `Option` whose `None` is written as `nil`, as Elixir has it, and so is every other one in it. The attribute `nil` is short
//! for this.

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

/// Writes the value, or `nil`.
#[inline]
pub fn encode<T: Encode>(value: &Option<T>, e: &mut Encoder) -> Result<(), EncodeError> {
    e.with_nil(|e| value.encode(e))
}

/// Reads the value; `nil` and `undefined` are `None`.
#[inline]
pub fn decode<'a, T: Decode<'a>>(d: &mut Decoder<'a>) -> Result<Option<T>, DecodeError> {
    Option::decode(d)
}
