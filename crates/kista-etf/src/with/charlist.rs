//! A string as the list of its code points, Erlang's `"text"`: for `String`, `Box<str>` and the like.

use crate::{Charlist, Decode, DecodeError, Decoder, EncodeError, Encoder};

/// Writes the list.
#[inline]
pub fn encode<T: AsRef<str> + ?Sized>(value: &T, e: &mut Encoder) -> Result<(), EncodeError> {
    crate::charlist::encode(value.as_ref(), e)
}

/// Reads the list; a mismatch when an element is no code point.
#[inline]
pub fn decode<'a, T: From<String>>(d: &mut Decoder<'a>) -> Result<T, DecodeError> {
    Charlist::decode(d).map(|text| T::from(text.0))
}
