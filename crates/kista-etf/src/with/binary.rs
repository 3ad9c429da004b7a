//! Bytes as a binary: for `Vec<u8>`, `Box<[u8]>`, `[u8; N]` and the like, which are lists of integers otherwise.

use crate::{DecodeError, Decoder, EncodeError, Encoder};

/// Writes a binary.
#[inline]
pub fn encode<T: AsRef<[u8]> + ?Sized>(value: &T, e: &mut Encoder) -> Result<(), EncodeError> {
    let bytes = value.as_ref();
    crate::types::fits(bytes.len(), "a binary")?;
    e.binary(bytes);
    Ok(())
}

/// Reads a binary; a mismatch when it does not have the size of an array.
#[inline]
pub fn decode<'a, T: TryFrom<&'a [u8]>>(d: &mut Decoder<'a>) -> Result<T, DecodeError> {
    let mark = d.mark();
    let bytes = d.binary()?;
    T::try_from(bytes).map_err(|_| {
        d.reset(mark);
        DecodeError::custom(format_args!(
            "a binary of {} bytes does not fit",
            bytes.len()
        ))
    })
}
