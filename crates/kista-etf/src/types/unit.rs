//! Types with a few values, which are atoms.

use std::marker::PhantomData;

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, StaticAtom, atoms};

static OK: StaticAtom = StaticAtom::new("ok");

impl Encode for bool {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.bool(*self);
        Ok(())
    }
}

impl<'a> Decode<'a> for bool {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.bool()
    }
}

impl Encode for () {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.atom(atoms::OK);
        Ok(())
    }

    fn is_ok(&self) -> bool {
        true
    }
}

impl<'a> Decode<'a> for () {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        crate::support::struct_name(d, &OK)
    }

    fn from_ok() -> Option<Self> {
        Some(())
    }
}

impl<T: ?Sized> Encode for PhantomData<T> {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        ().encode(e)
    }
}

impl<'a, T: ?Sized> Decode<'a> for PhantomData<T> {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        <()>::decode(d).map(|()| Self)
    }
}
