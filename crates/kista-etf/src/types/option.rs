//! `Option` and `Result`: what is often there, and what often goes well.

use crate::{
    Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Kind, Place, StaticAtom, atoms,
};

static OK: StaticAtom = StaticAtom::new("ok");
static ERROR: StaticAtom = StaticAtom::new("error");
static UNDEFINED: StaticAtom = StaticAtom::new("undefined");
static NIL: StaticAtom = StaticAtom::new("nil");

impl<T: Encode> Encode for Option<T> {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Some(value) => value.encode(e),
            None => {
                e.none();
                Ok(())
            }
        }
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Option<T> {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        if d.take_atom(&UNDEFINED) || d.take_atom(&NIL) {
            return Ok(None);
        }
        T::decode(d).map(Some)
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<T: Encode, E: Encode> Encode for Result<T, E> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Ok(value) if value.is_ok() => value.encode(e),
            Err(reason) if reason.is_ok() => {
                e.atom(atoms::ERROR);
                Ok(())
            }
            Ok(value) => {
                e.tuple(2);
                e.atom(atoms::OK);
                value.encode(e)
            }
            Err(reason) => {
                e.tuple(2);
                e.atom(atoms::ERROR);
                reason.encode(e)
            }
        }
    }
}

impl<'a, T: Decode<'a>, E: Decode<'a>> Decode<'a> for Result<T, E> {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        if d.peek()? == Kind::Atom {
            if let Some(reason) = E::from_ok()
                && d.take_atom(&ERROR)
            {
                return Ok(Err(reason));
            }
            if let Some(value) = T::from_ok() {
                crate::support::expect_atom(d, &OK, "Result")?;
                return Ok(Ok(value));
            }
        }
        crate::support::tuple(d, 2, "Result")?;
        let field = |field| Place::Field {
            field,
            of: "Result",
        };
        if d.take_atom(&OK) {
            T::decode(d)
                .map(Ok)
                .map_err(|error| error.within(field("Ok")))
        } else if d.take_atom(&ERROR) {
            E::decode(d)
                .map(Err)
                .map_err(|error| error.within(field("Err")))
        } else {
            Err(DecodeError::unknown_variant(&d.atom_str()?, "Result"))
        }
    }
}
