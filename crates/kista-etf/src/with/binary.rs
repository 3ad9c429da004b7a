//! Bytes as a binary: for `Vec<u8>`, `Box<[u8]>`, `[u8; N]` and the like, which are lists of integers otherwise; and for an
//! `Option` or `Vec` of them.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;

use super::{DecodeAs, EncodeAs};
use crate::{Binary, DecodeError, Decoder, EncodeError, Encoder};

/// The form of a binary.
#[derive(Debug)]
pub enum Form {}

/// Writes a binary.
#[inline]
pub fn encode<T: EncodeAs<Form> + ?Sized>(value: &T, e: &mut Encoder) -> Result<(), EncodeError> {
    value.encode_as(e)
}

/// Reads a binary; a mismatch when it does not have the size of an array.
#[inline]
pub fn decode<'a, T: DecodeAs<'a, Form>>(d: &mut Decoder<'a>) -> Result<T, DecodeError> {
    T::decode_as(d)
}

impl EncodeAs<Form> for [u8] {
    #[inline]
    fn encode_as(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        crate::types::fits(self.len(), "a binary")?;
        e.binary(self);
        Ok(())
    }
}

macro_rules! bytes {
    ($([$($generics:tt)*] $type:ty;)*) => {
        $(impl<$($generics)*> EncodeAs<Form> for $type {
            #[inline]
            fn encode_as(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                <[u8] as EncodeAs<Form>>::encode_as(self.as_ref(), e)
            }
        })*
    };
}

bytes! {
    [] Vec<u8>;
    [] &[u8];
    [] Box<[u8]>;
    [] Rc<[u8]>;
    [] Arc<[u8]>;
    [] Cow<'_, [u8]>;
    [] Bytes;
    [] Binary;
    [const N: usize] [u8; N];
}

macro_rules! owned {
    ($($type:ty),*) => {
        $(impl<'a> DecodeAs<'a, Form> for $type {
            #[inline]
            fn decode_as(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                d.binary().map(Self::from)
            }
        })*
    };
}

owned!(Vec<u8>, Box<[u8]>, Rc<[u8]>, Arc<[u8]>);

macro_rules! as_usual {
    ($([$($generics:tt)*] $type:ty;)*) => {
        $(impl<'input: 'a, 'a, $($generics)*> DecodeAs<'input, Form> for $type {
            #[inline]
            fn decode_as(d: &mut Decoder<'input>) -> Result<Self, DecodeError> {
                crate::Decode::decode(d)
            }
        })*
    };
}

as_usual! {
    [] &'a [u8];
    [] Cow<'a, [u8]>;
}

macro_rules! shared {
    ($($type:ty),*) => {
        $(impl<'a> DecodeAs<'a, Form> for $type {
            #[inline]
            fn decode_as(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                crate::Decode::decode(d)
            }
        })*
    };
}

shared!(Bytes, Binary);

impl<'a, const N: usize> DecodeAs<'a, Form> for [u8; N] {
    #[inline]
    fn decode_as(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let mark = d.mark();
        let bytes = d.binary()?;
        Self::try_from(bytes).map_err(|_| {
            d.reset(mark);
            DecodeError::custom(format_args!(
                "expected a binary of {N} bytes, found one of {}",
                bytes.len()
            ))
        })
    }
}
