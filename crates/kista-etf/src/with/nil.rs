//! An `Option` whose `None` is written as `nil`, as Elixir has it. The attribute `nil` is short for this.

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, atoms};

/// Writes the value, or `nil`.
#[inline]
pub fn encode<T: Encode>(value: &Option<T>, e: &mut Encoder) -> Result<(), EncodeError> {
    match value {
        Some(value) => value.encode(e),
        None => {
            e.atom(atoms::NIL);
            Ok(())
        }
    }
}

/// Reads the value; `nil` and `undefined` are `None`.
#[inline]
pub fn decode<'a, T: Decode<'a>>(d: &mut Decoder<'a>) -> Result<Option<T>, DecodeError> {
    Option::decode(d)
}
