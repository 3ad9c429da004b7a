//! Rust values as terms.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use num_bigint::BigInt;

use crate::{
    Atom, AtomName, Binary, BitString, EncodeError, Encoder, Pid, Port, Reference, Term, atoms,
};

/// A type whose values can be written as terms.
///
/// | Rust | Erlang |
/// |---|---|
/// | integers, `BigInt` | integer |
/// | `f32`, `f64` | float; not finite: an error |
/// | `bool` | `true`, `false` |
/// | `&str`, `String`, `char` | binary of UTF-8 |
/// | `Bytes`, [`Binary`] | binary |
/// | `Vec`, slices, arrays, sets | list (of bytes too: for a binary take [`Binary`] or `Bytes`) |
/// | tuples up to 12 | tuple |
/// | `()` | `ok` |
/// | `Option` | `undefined`, or the value |
/// | `Result` | `{ok, Value}`, `{error, Reason}` |
/// | `HashMap`, `BTreeMap` | map |
///
/// ```
/// use kista_etf::{Encode, EncodeError, Encoder};
///
/// struct Celsius(f64);
///
/// impl Encode for Celsius {
///     fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
///         e.tuple(2);
///         e.atom(kista_etf::atom!("celsius"));
///         e.float(self.0)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as an Erlang term",
    note = "add `#[derive(kista_etf::Encode)]` to it, or implement `Encode`"
)]
pub trait Encode {
    /// Writes exactly one term.
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError>;
}

macro_rules! encode {
    ($($type:ty, $value:ident, $e:ident => $write:expr;)*) => {
        $(impl Encode for $type {
            #[inline]
            fn encode(&self, $e: &mut Encoder) -> Result<(), EncodeError> {
                let $value = self;
                $write
            }
        })*
    };
}

encode! {
    i8, value, e => { e.int(i64::from(*value)); Ok(()) };
    i16, value, e => { e.int(i64::from(*value)); Ok(()) };
    i32, value, e => { e.int(i64::from(*value)); Ok(()) };
    i64, value, e => { e.int(*value); Ok(()) };
    i128, value, e => { e.int128(*value); Ok(()) };
    isize, value, e => { e.int(*value as i64); Ok(()) };
    u8, value, e => { e.int(i64::from(*value)); Ok(()) };
    u16, value, e => { e.int(i64::from(*value)); Ok(()) };
    u32, value, e => { e.int(i64::from(*value)); Ok(()) };
    u64, value, e => { e.uint(*value); Ok(()) };
    u128, value, e => { e.big(&BigInt::from(*value)); Ok(()) };
    usize, value, e => { e.uint(*value as u64); Ok(()) };
    BigInt, value, e => {
        fits(usize::try_from(value.bits() / 8).unwrap_or(usize::MAX), "an integer")?;
        e.big(value);
        Ok(())
    };
    f32, value, e => e.float(f64::from(*value));
    f64, value, e => e.float(*value);
    bool, value, e => { e.bool(*value); Ok(()) };
    char, value, e => { e.str(value.encode_utf8(&mut [0; 4])); Ok(()) };
    str, value, e => { fits(value.len(), "a string")?; e.str(value); Ok(()) };
    String, value, e => value.as_str().encode(e);
    Bytes, value, e => { fits(value.len(), "a binary")?; e.bytes(value); Ok(()) };
    Binary, value, e => { fits(value.len(), "a binary")?; e.binary_shared(value); Ok(()) };
    BitString, value, e => {
        fits(value.bytes().len(), "a bit string")?;
        e.bit_string(value.bytes(), value.last_bits());
        Ok(())
    };
    (), _value, e => { e.atom(atoms::OK); Ok(()) };
    Atom, value, e => { e.atom(*value); Ok(()) };
    AtomName, value, e => { e.atom_name(value); Ok(()) };
    Pid, value, e => { e.pid(value); Ok(()) };
    Port, value, e => { e.port(value); Ok(()) };
    Reference, value, e => { e.reference(value); Ok(()) };
    Term, value, e => e.term(value);
}

pub(crate) fn fits(len: usize, what: &'static str) -> Result<(), EncodeError> {
    if u32::try_from(len).is_ok() {
        Ok(())
    } else {
        Err(EncodeError::TooLong { what })
    }
}

macro_rules! encode_pointer {
    ($($pointer:ty),*) => {
        $(impl<T: Encode + ?Sized> Encode for $pointer {
            #[inline]
            fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                (**self).encode(e)
            }
        })*
    };
}

encode_pointer!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Encode + ToOwned + ?Sized> Encode for Cow<'_, T> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        (**self).encode(e)
    }
}

impl<T: Encode> Encode for Option<T> {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Some(value) => value.encode(e),
            None => {
                e.atom(atoms::UNDEFINED);
                Ok(())
            }
        }
    }
}

impl<T: Encode, E: Encode> Encode for Result<T, E> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.tuple(2);
        match self {
            Ok(value) => {
                e.atom(atoms::OK);
                value.encode(e)
            }
            Err(reason) => {
                e.atom(atoms::ERROR);
                reason.encode(e)
            }
        }
    }
}

fn encode_list<T: Encode>(
    items: impl ExactSizeIterator<Item = T>,
    e: &mut Encoder,
) -> Result<(), EncodeError> {
    fits(items.len(), "a list")?;
    e.list(items.len());
    for item in items {
        item.encode(e)?;
    }
    e.nil();
    Ok(())
}

fn encode_map<K: Encode, V: Encode>(
    pairs: impl ExactSizeIterator<Item = (K, V)>,
    e: &mut Encoder,
) -> Result<(), EncodeError> {
    fits(pairs.len(), "a map")?;
    e.map(pairs.len());
    for (key, value) in pairs {
        key.encode(e)?;
        value.encode(e)?;
    }
    Ok(())
}

impl<T: Encode> Encode for [T] {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        encode_list(self.iter(), e)
    }
}

impl<T: Encode, const N: usize> Encode for [T; N] {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        encode_list(self.iter(), e)
    }
}

impl<T: Encode> Encode for Vec<T> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        encode_list(self.iter(), e)
    }
}

impl<T: Encode> Encode for VecDeque<T> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        encode_list(self.iter(), e)
    }
}

impl<T: Encode> Encode for BTreeSet<T> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        encode_list(self.iter(), e)
    }
}

impl<T: Encode, S> Encode for HashSet<T, S> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        encode_list(self.iter(), e)
    }
}

impl<K: Encode, V: Encode> Encode for BTreeMap<K, V> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        encode_map(self.iter(), e)
    }
}

impl<K: Encode, V: Encode, S> Encode for HashMap<K, V, S> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        encode_map(self.iter(), e)
    }
}

macro_rules! encode_tuple {
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
    };
}

encode_tuple!(1 A);
encode_tuple!(2 A B);
encode_tuple!(3 A B C);
encode_tuple!(4 A B C D);
encode_tuple!(5 A B C D E);
encode_tuple!(6 A B C D E F);
encode_tuple!(7 A B C D E F G);
encode_tuple!(8 A B C D E F G H);
encode_tuple!(9 A B C D E F G H I);
encode_tuple!(10 A B C D E F G H I J);
encode_tuple!(11 A B C D E F G H I J K);
encode_tuple!(12 A B C D E F G H I J K L);
