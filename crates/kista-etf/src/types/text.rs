//! Text: a binary of UTF-8, what Elixir calls a string.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use super::fits;
use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

impl Encode for str {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        fits(self.len(), "a string")?;
        e.str(self);
        Ok(())
    }
}

impl Encode for String {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        self.as_str().encode(e)
    }
}

impl Encode for char {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.str(self.encode_utf8(&mut [0; 4]));
        Ok(())
    }
}

impl<'a> Decode<'a> for char {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let mark = d.mark();
        let mut chars = d.str()?.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => Ok(char),
            _ => {
                d.reset(mark);
                Err(DecodeError::custom("expected a text of one character"))
            }
        }
    }
}

impl<'a> Decode<'a> for String {
    #[inline(always)]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.string()
    }
}

macro_rules! owned_text {
    ($($type:ty),*) => {
        $(impl<'a> Decode<'a> for $type {
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                d.str().map(Self::from)
            }
        })*
    };
}

owned_text!(Box<str>, Rc<str>, Arc<str>);

impl<'input: 'a, 'a> Decode<'input> for &'a str {
    #[inline]
    fn decode(d: &mut Decoder<'input>) -> Result<Self, DecodeError> {
        d.str()
    }
}

impl<'input: 'a, 'a> Decode<'input> for Cow<'a, str> {
    /// Always borrowed.
    #[inline]
    fn decode(d: &mut Decoder<'input>) -> Result<Self, DecodeError> {
        d.str().map(Cow::Borrowed)
    }
}
