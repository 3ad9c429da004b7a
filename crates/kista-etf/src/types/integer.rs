//! Integers: what does not fit the type is a mismatch.

use std::num::NonZero;

use num_bigint::BigInt;

use super::fits;
use super::list::decode_integers;
use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

macro_rules! integers {
    ($($type:ident: $read:ident, $write:ident as $wide:ty;)*) => {
        $(impl Encode for $type {
            #[inline]
            fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                e.$write(*self as $wide);
                Ok(())
            }

            #[inline]
            fn encode_list(items: &[Self], e: &mut Encoder) -> Result<(), EncodeError> {
                let small = items.len() <= usize::from(u16::MAX)
                    && items.iter().all(|item| u8::try_from(*item).is_ok());
                if small {
                    e.small_integers(items.iter().map(|item| *item as u8));
                    return Ok(());
                }
                fits(items.len(), "a list")?;
                e.list(items.len());
                let done = e.integers_in_front(items, |item| i32::try_from(*item).ok());
                for item in &items[done..] {
                    e.$write(*item as $wide);
                }
                e.nil();
                Ok(())
            }

            #[inline]
            fn encode_slice(items: &[Self], e: &mut Encoder) -> Result<(), EncodeError> {
                integers!(@slice $type, items, e)
            }
        }

        impl<'a> Decode<'a> for $type {
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                let mark = d.mark();
                let out_of_range = |d: &mut Decoder<'a>| {
                    d.reset(mark);
                    Err(DecodeError::OutOfRange(stringify!($type)))
                };
                match d.$read() {
                    Ok(value) => match Self::try_from(value) {
                        Ok(value) => Ok(value),
                        Err(_) => out_of_range(d),
                    },
                    Err(DecodeError::OutOfRange(_)) => out_of_range(d),
                    Err(error) => Err(error),
                }
            }

            #[inline]
            fn decode_small(_: &mut Decoder<'a>, value: u8) -> Result<Self, DecodeError> {
                Self::try_from(value).map_err(|_| DecodeError::OutOfRange(stringify!($type)))
            }

            fn decode_vec(d: &mut Decoder<'a>) -> Result<Vec<Self>, DecodeError> {
                decode_integers(d)
            }

            integers!(@decode_slice $type);
        }

        impl Encode for NonZero<$type> {
            #[inline]
            fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                self.get().encode(e)
            }
        }

        impl<'a> Decode<'a> for NonZero<$type> {
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                let mark = d.mark();
                Self::new($type::decode(d)?).ok_or_else(|| {
                    d.reset(mark);
                    DecodeError::OutOfRange(concat!("NonZero<", stringify!($type), ">"))
                })
            }
        })*
    };
    // Bytes behind a reference or pointer are a binary.
    (@slice u8, $items:ident, $e:ident) => {
        crate::with::binary::encode($items, $e)
    };
    (@slice $type:ident, $items:ident, $e:ident) => {
        Self::encode_list($items, $e)
    };
    (@decode_slice u8) => {
        fn decode_slice(d: &mut Decoder<'a>) -> Result<Vec<Self>, DecodeError> {
            match d.peek()? {
                crate::Kind::List => Vec::decode(d),
                _ => d.binary().map(Vec::from),
            }
        }
    };
    (@decode_slice $type:ident) => {};
}

integers! {
    i8: int, int as i64;
    i16: int, int as i64;
    i32: int, int as i64;
    i64: int, int as i64;
    i128: int128, int128 as i128;
    isize: int, int as i64;
    u8: int, int as i64;
    u16: int, int as i64;
    u32: int, int as i64;
    u64: uint, uint as u64;
    u128: uint128, uint128 as u128;
    usize: uint, uint as u64;
}

impl Encode for BigInt {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        let bytes = usize::try_from(self.bits() / 8).unwrap_or(usize::MAX);
        fits(bytes, "an integer")?;
        e.big(self);
        Ok(())
    }
}

impl<'a> Decode<'a> for BigInt {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.big()
    }
}
