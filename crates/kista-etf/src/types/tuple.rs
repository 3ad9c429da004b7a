//! Tuples of 1 to 12: tuples.

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Place};

macro_rules! tuple {
    ($count:literal $($name:ident $at:literal)+) => {
        impl<$($name: Encode),+> Encode for ($($name,)+) {
            #[inline]
            #[allow(non_snake_case)]
            fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                let ($($name,)+) = self;
                e.tuple($count);
                $(if let Err(error) = $name.encode(e) {
                    return Err(error.within(Place::Element($at)));
                })+
                Ok(())
            }
        }

        impl<'a, $($name: Decode<'a>),+> Decode<'a> for ($($name,)+) {
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                d.tuple_of($count)?;
                Ok(($(match $name::decode(d) {
                    Ok(value) => value,
                    Err(error) => return Err(error.within(Place::Element($at))),
                },)+))
            }
        }
    };
}

tuple!(1 A 0);
tuple!(2 A 0 B 1);
tuple!(3 A 0 B 1 C 2);
tuple!(4 A 0 B 1 C 2 D 3);
tuple!(5 A 0 B 1 C 2 D 3 E 4);
tuple!(6 A 0 B 1 C 2 D 3 E 4 F 5);
tuple!(7 A 0 B 1 C 2 D 3 E 4 F 5 G 6);
tuple!(8 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
tuple!(9 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
tuple!(10 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
tuple!(11 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
tuple!(12 A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);
