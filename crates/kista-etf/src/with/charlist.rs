//! A string as the list of its code points, Erlang's `"text"`: for `String`, `Box<str>` and the like, and for an `Option` or
//! `Vec` of them.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use super::{DecodeAs, EncodeAs};
use crate::{Charlist, Decode, DecodeError, Decoder, EncodeError, Encoder};

/// The form of a list of code points.
#[derive(Debug)]
pub enum Form {}

/// Writes the list.
#[inline]
pub fn encode<T: EncodeAs<Form> + ?Sized>(value: &T, e: &mut Encoder) -> Result<(), EncodeError> {
    value.encode_as(e)
}

/// Reads the list; a mismatch when an element is no code point.
#[inline]
pub fn decode<'a, T: DecodeAs<'a, Form>>(d: &mut Decoder<'a>) -> Result<T, DecodeError> {
    T::decode_as(d)
}

macro_rules! written {
    ($($type:ty),*) => {
        $(impl EncodeAs<Form> for $type {
            #[inline]
            fn encode_as(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                crate::charlist::encode(self, e)
            }
        })*
    };
}

written!(
    str,
    String,
    &str,
    Box<str>,
    Rc<str>,
    Arc<str>,
    Cow<'_, str>,
    Charlist
);

macro_rules! read {
    ($($type:ty),*) => {
        $(impl<'a> DecodeAs<'a, Form> for $type {
            #[inline]
            fn decode_as(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                Charlist::decode(d).map(|text| Self::from(text.0))
            }
        })*
    };
}

read!(String, Box<str>, Rc<str>, Arc<str>, Cow<'_, str>, Charlist);
