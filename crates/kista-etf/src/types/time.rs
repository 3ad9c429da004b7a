//! Time: nanoseconds, which lose nothing; other units are in [`with`](crate::with).

use std::time::{Duration, SystemTime};

use crate::with::nanoseconds;
use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

macro_rules! time {
    ($($type:ty),*) => {
        $(impl Encode for $type {
            fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                nanoseconds::encode(self, e)
            }
        }

        impl<'a> Decode<'a> for $type {
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                nanoseconds::decode(d)
            }
        })*
    };
}

time!(Duration, SystemTime);
