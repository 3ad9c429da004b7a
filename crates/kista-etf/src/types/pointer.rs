//! Pointers: what they hold.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

macro_rules! encode_pointer {
    ($($pointer:ty),*) => {
        $(impl<T: Encode + ?Sized> Encode for $pointer {
            #[inline]
            fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                (**self).encode(e)
            }

            fn is_ok(&self) -> bool {
                (**self).is_ok()
            }
        })*
    };
}

encode_pointer!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Encode + ToOwned + ?Sized> Encode for Cow<'_, T> {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        (**self).encode(e)
    }
}

macro_rules! decode_pointer {
    ($($pointer:ident),*) => {
        $(impl<'a, T: Decode<'a>> Decode<'a> for $pointer<T> {
            /// A type that contains itself does so through a pointer or a collection: these count the depth.
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                d.nested(|d| T::decode(d).map(Self::new))
            }

            fn from_ok() -> Option<Self> {
                T::from_ok().map(Self::new)
            }
        }

        impl<'a, T: Decode<'a>> Decode<'a> for $pointer<[T]> {
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                T::decode_slice(d).map(Self::from)
            }
        })*
    };
}

decode_pointer!(Box, Rc, Arc);
