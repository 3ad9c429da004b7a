//! What a value of this crate is written with.

use serde_core::ser::{Impossible, Serialize};

use super::Serializer;
use super::loan::{self, TOKEN};
use crate::{Atom, EncodeError, Encoder, Pid};

type Result<T, E = EncodeError> = std::result::Result<T, E>;

/// The words of serde's that values of ours use among themselves, each with a meaning of its own. Nobody else is listened to:
/// the numbers are believed.
///
/// | word | is written as |
/// |---|---|
/// | `u32` | the atom of this number |
/// | `str` | an atom that is not interned |
/// | `i64` | an integer |
/// | `bytes` | a binary |
/// | `u128` | a pid: node, number, serial, creation, 32 bits each |
/// | `newtype_variant` | what the value writes itself with the encoder, which is lent to it |
pub(super) struct Native<'s>(pub(super) &'s mut Encoder);

impl<'s> Native<'s> {
    fn believed(self) -> Result<&'s mut Encoder> {
        if loan::is_answered() {
            return Ok(self.0);
        }
        Err(not_ours())
    }
}

#[cold]
pub(super) fn not_ours() -> EncodeError {
    EncodeError::custom(
        "a newtype struct uses the name that is kept for terms; give it another one",
    )
}

/// A pid as one number.
pub(super) fn pid_as_number(pid: &Pid) -> u128 {
    [pid.node.index(), pid.id, pid.serial, pid.creation]
        .iter()
        .fold(0, |number, word| number << 32 | u128::from(*word))
}

fn pid_of_number(number: u128) -> Pid {
    let word = |at: u32| (number >> (32 * at)) as u32;
    Pid {
        node: Atom::seeded(word(3)),
        id: word(2),
        serial: word(1),
        creation: word(0),
    }
}

macro_rules! refused {
    ($($method:ident($($type:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $type),*) -> Result<$ok> {
            Err(not_ours())
        })*
    };
}

impl serde_core::Serializer for Native<'_> {
    type Ok = ();
    type Error = EncodeError;
    type SerializeSeq = Impossible<(), EncodeError>;
    type SerializeTuple = Impossible<(), EncodeError>;
    type SerializeTupleStruct = Impossible<(), EncodeError>;
    type SerializeTupleVariant = Impossible<(), EncodeError>;
    type SerializeMap = Impossible<(), EncodeError>;
    type SerializeStruct = Impossible<(), EncodeError>;
    type SerializeStructVariant = Impossible<(), EncodeError>;

    #[inline]
    fn serialize_u32(self, index: u32) -> Result<()> {
        self.believed()?.atom(Atom::seeded(index));
        Ok(())
    }

    fn serialize_str(self, text: &str) -> Result<()> {
        self.believed()?.atom_str(text)
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<()> {
        self.believed()?.int(value);
        Ok(())
    }

    #[inline]
    fn serialize_bytes(self, bytes: &[u8]) -> Result<()> {
        self.believed()?.binary(bytes);
        Ok(())
    }

    fn serialize_u128(self, pid: u128) -> Result<()> {
        self.believed()?.pid(&pid_of_number(pid));
        Ok(())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        let encoder = self.believed()?;
        // What it says to serde does not matter: it goes nowhere.
        let mut nowhere = Encoder::new();
        loan::lend_encoder(encoder, || {
            let _ = value.serialize(Serializer::new(&mut nowhere));
        })
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        if name == TOKEN {
            return value.serialize(self);
        }
        Err(not_ours())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<()> {
        Err(not_ours())
    }

    refused! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i128(i128) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_unit_variant(&'static str, u32, &'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atom;

    #[test]
    fn a_pid_is_the_same_after_it_was_a_number() {
        for (id, serial, creation) in [(0, 0, 0), (1, 2, 3), (u32::MAX, u32::MAX - 1, u32::MAX)] {
            let pid = Pid {
                node: atom!("native@sink"),
                id,
                serial,
                creation,
            };
            assert_eq!(pid_of_number(pid_as_number(&pid)), pid);
        }
    }
}
