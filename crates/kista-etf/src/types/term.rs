//! Erlang's own types: themselves.

use crate::{
    Atom, AtomName, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Pid, Port,
    Reference, Term,
};

macro_rules! themselves {
    ($($type:ty, $value:ident, $e:ident => $write:expr, $d:ident => $read:expr;)*) => {
        $(impl Encode for $type {
            #[inline]
            fn encode(&self, $e: &mut Encoder) -> Result<(), EncodeError> {
                let $value = self;
                $write
            }
        }

        impl<'a> Decode<'a> for $type {
            #[inline]
            fn decode($d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
                $read
            }
        })*
    };
}

themselves! {
    Atom, value, e => { e.atom(*value); Ok(()) }, d => Self::read(d);
    AtomName, value, e => { e.atom_name(value); Ok(()) }, d => d.atom();
    Pid, value, e => { e.pid(value); Ok(()) }, d => d.pid();
    Port, value, e => { e.port(value); Ok(()) }, d => d.port();
    Reference, value, e => { e.reference(value); Ok(()) }, d => d.reference();
    Term, value, e => e.term(value), d => d.term();
}
