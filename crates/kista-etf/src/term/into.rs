//! Rust values out of terms, by `TryFrom`: a [`DecodeError`] says what was there instead. Whatever else has `Decode`:
//! [`from_term`](crate::from_term).

use num_bigint::BigInt;

use super::Term;
use crate::{Atom, Binary, DecodeError, Pid, Port, Reference};

fn unexpected(expected: &'static str, found: &Term) -> DecodeError {
    DecodeError::Unexpected {
        expected,
        found: found.kind(),
    }
}

macro_rules! integers {
    ($($type:ident),*) => {
        $(impl TryFrom<&Term> for $type {
            type Error = DecodeError;

            fn try_from(term: &Term) -> Result<Self, DecodeError> {
                match term {
                    Term::Int(value) => Self::try_from(*value).ok(),
                    Term::Big(value) => Self::try_from(&**value).ok(),
                    other => return Err(unexpected("an integer", other)),
                }
                .ok_or(DecodeError::OutOfRange(stringify!($type)))
            }
        })*
    };
}

integers!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize
);

macro_rules! others {
    ($($type:ty, $expected:literal: $term:ident => $value:expr;)*) => {
        $(impl TryFrom<&Term> for $type {
            type Error = DecodeError;

            fn try_from($term: &Term) -> Result<Self, DecodeError> {
                $value.ok_or_else(|| unexpected($expected, $term))
            }
        })*
    };
}

others! {
    f64, "a float": term => term.as_float();
    bool, "true or false": term => term.as_bool();
    String, "a binary of UTF-8": term => term.as_str().map(str::to_owned);
    BigInt, "an integer": term => term.to_bigint();
    Binary, "a binary": term => term.as_binary().cloned();
    Atom, "an atom that is interned": term => term.as_atom();
    Pid, "a pid": term => term.as_pid();
    Port, "a port": term => term.as_port();
    Reference, "a reference": term => term.as_reference();
}

impl<'a> TryFrom<&'a Term> for &'a str {
    type Error = DecodeError;

    fn try_from(term: &'a Term) -> Result<Self, DecodeError> {
        term.as_str()
            .ok_or_else(|| unexpected("a binary of UTF-8", term))
    }
}

macro_rules! owned {
    ($($type:ty),*) => {
        $(impl TryFrom<Term> for $type {
            type Error = DecodeError;

            fn try_from(term: Term) -> Result<Self, DecodeError> {
                Self::try_from(&term)
            }
        })*
    };
}

owned!(
    i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f64, bool, String, BigInt,
    Binary, Atom, Pid, Port, Reference
);
