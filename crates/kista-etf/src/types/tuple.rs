//! Tuples of 1 to 12: tuples.

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

macro_rules! tuple {
    ($count:literal $($name:ident)+) => {
        impl<$($name: Encode),+> Encode for ($($name,)+) {
            #[inline]
            #[allow(non_snake_case)]
            fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                let ($($name,)+) = self;
                e.tuple($count);
                $($name.encode(e)?;)+
                Ok(())
            }
        }

        impl<'a, $($name: Decode<'a>),+> Decode<'a> for ($($name,)+) {
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                d.tuple_of($count)?;
                Ok(($($name::decode(d)?,)+))
            }
        }
    };
}

tuple!(1 A);
tuple!(2 A B);
tuple!(3 A B C);
tuple!(4 A B C D);
tuple!(5 A B C D E);
tuple!(6 A B C D E F);
tuple!(7 A B C D E F G);
tuple!(8 A B C D E F G H);
tuple!(9 A B C D E F G H I);
tuple!(10 A B C D E F G H I J);
tuple!(11 A B C D E F G H I J K);
tuple!(12 A B C D E F G H I J K L);
