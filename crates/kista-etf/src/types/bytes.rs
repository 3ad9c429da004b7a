//! Bytes: binaries.

use std::borrow::Cow;

use bytes::Bytes;

use super::fits;
use crate::{Binary, BitString, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Kind};

impl Encode for Bytes {
    /// A large one is not copied, but chained into the output.
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        fits(self.len(), "a binary")?;
        e.bytes(self);
        Ok(())
    }
}

impl<'a> Decode<'a> for Bytes {
    /// A large one is a slice of the input, if that is shared.
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.binary_shared().map(Self::from)
    }
}

impl Encode for Binary {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        fits(self.len(), "a binary")?;
        e.binary_shared(self);
        Ok(())
    }
}

impl<'a> Decode<'a> for Binary {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.binary_shared()
    }
}

impl<'input: 'a, 'a> Decode<'input> for &'a [u8] {
    #[inline]
    fn decode(d: &mut Decoder<'input>) -> Result<Self, DecodeError> {
        d.binary()
    }
}

impl<'input: 'a, 'a> Decode<'input> for Cow<'a, [u8]> {
    /// Always borrowed.
    #[inline]
    fn decode(d: &mut Decoder<'input>) -> Result<Self, DecodeError> {
        d.binary().map(Cow::Borrowed)
    }
}

impl Encode for BitString {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        fits(self.bytes().len(), "a bit string")?;
        e.bit_string(self.bytes(), self.last_bits());
        Ok(())
    }
}

impl<'a> Decode<'a> for BitString {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let expected = "a bit string";
        match d.peek()? {
            Kind::BitString => {
                let mark = d.mark();
                let (bytes, bits) = d.bit_binary()?;
                let bytes = d.own(bytes);
                Self::new(bytes, bits).ok_or_else(|| {
                    d.reset(mark);
                    DecodeError::Unexpected {
                        expected,
                        found: Kind::Binary,
                    }
                })
            }
            found => Err(DecodeError::Unexpected { expected, found }),
        }
    }
}
