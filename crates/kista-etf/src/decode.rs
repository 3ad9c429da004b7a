//! Rust values out of terms.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use num_bigint::BigInt;

use crate::{
    Atom, AtomName, Binary, BitString, DecodeError, Decoder, Kind, ListHeader, Pid, Place, Port,
    Reference, Term, tag,
};

/// A type whose values can be read from terms; the table is at [`Encode`](trait@crate::Encode). On the way in, an `Option`
/// takes `undefined` and `nil` for `None`, a float does not take an integer, and `&str` and `&[u8]` are parts of the input.
///
/// ```
/// use kista_etf::{Decode, DecodeError, Decoder};
///
/// struct Celsius(f64);
///
/// impl<'a> Decode<'a> for Celsius {
///     fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
///         d.tuple_of(2)?;
///         match &*d.atom_str()? {
///             "celsius" => Ok(Celsius(d.float()?)),
///             other => Err(DecodeError::unknown_variant(other, "Celsius")),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from an Erlang term",
    note = "add `#[derive(kista_etf::Decode)]` to it, or implement `Decode`"
)]
pub trait Decode<'a>: Sized {
    /// Reads exactly one term.
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError>;

    /// What stands for a field that a map does not have: `None` for an `Option`, nothing for other types.
    fn missing() -> Option<Self> {
        None
    }
}

/// A type that can be read from any input and borrows nothing of it.
pub trait DecodeOwned: for<'a> Decode<'a> {}

impl<T: for<'a> Decode<'a>> DecodeOwned for T {}

type Result_<T> = Result<T, DecodeError>;

macro_rules! decode {
    ($($type:ty, $d:ident => $read:expr;)*) => {
        $(impl<'a> Decode<'a> for $type {
            #[inline]
            fn decode($d: &mut Decoder<'a>) -> Result_<Self> {
                $read
            }
        })*
    };
}

macro_rules! decode_int {
    ($($type:ty, $method:ident;)*) => {
        $(impl<'a> Decode<'a> for $type {
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
                let mark = d.mark();
                let out_of_range = |d: &mut Decoder<'a>| {
                    d.reset(mark);
                    Err(DecodeError::OutOfRange(stringify!($type)))
                };
                match d.$method() {
                    Ok(value) => match Self::try_from(value) {
                        Ok(value) => Ok(value),
                        Err(_) => out_of_range(d),
                    },
                    Err(DecodeError::OutOfRange(_)) => out_of_range(d),
                    Err(error) => Err(error),
                }
            }
        })*
    };
}

decode_int! {
    i8, int;
    i16, int;
    i32, int;
    i64, int;
    i128, int128;
    isize, int;
    u8, int;
    u16, int;
    u32, int;
    u64, uint;
    u128, big;
    usize, uint;
}

decode! {
    BigInt, d => d.big();
    f64, d => d.float();
    f32, d => {
        let mark = d.mark();
        let value = d.float()? as Self;
        if value.is_finite() {
            return Ok(value);
        }
        d.reset(mark);
        Err(DecodeError::OutOfRange("f32"))
    };
    bool, d => d.bool();
    char, d => {
        let mark = d.mark();
        let mut chars = d.str()?.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => Ok(char),
            _ => {
                d.reset(mark);
                Err(DecodeError::OutOfRange("char"))
            }
        }
    };
    String, d => d.str().map(Self::from);
    Box<str>, d => d.str().map(Self::from);
    Arc<str>, d => d.str().map(Self::from);
    Binary, d => d.binary_shared();
    Bytes, d => d.binary_shared().map(Self::from);
    BitString, d => match d.peek()? {
        Kind::BitString => {
            let mark = d.mark();
            let (bytes, bits) = d.bit_binary()?;
            let bytes = d.own(bytes);
            Self::new(bytes, bits).ok_or_else(|| {
                d.reset(mark);
                DecodeError::Unexpected { expected: "a bit string", found: Kind::Binary }
            })
        }
        found => Err(DecodeError::Unexpected { expected: "a bit string", found }),
    };
    (), d => {
        let mark = d.mark();
        if d.atom_str()? == "ok" {
            return Ok(());
        }
        d.reset(mark);
        Err(DecodeError::Unexpected { expected: "ok", found: Kind::Atom })
    };
    Atom, d => Self::read(d);
    AtomName, d => d.atom();
    Pid, d => d.pid();
    Port, d => d.port();
    Reference, d => d.reference();
    Term, d => d.term();
}

macro_rules! decode_borrowed {
    ($($type:ty, $d:ident => $read:expr;)*) => {
        $(impl<'input: 'a, 'a> Decode<'input> for $type {
            #[inline]
            fn decode($d: &mut Decoder<'input>) -> Result_<Self> {
                $read
            }
        })*
    };
}

decode_borrowed! {
    &'a str, d => d.str();
    &'a [u8], d => d.binary();
    Cow<'a, str>, d => d.str().map(Cow::Borrowed);
}

impl<'a, T: Decode<'a>> Decode<'a> for Option<T> {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        if d.peek()? == Kind::Atom {
            let mark = d.mark();
            if matches!(&*d.atom_str()?, "undefined" | "nil") {
                return Ok(None);
            }
            d.reset(mark);
        }
        T::decode(d).map(Some)
    }

    fn missing() -> Option<Self> {
        Some(None)
    }
}

impl<'a, T: Decode<'a>, E: Decode<'a>> Decode<'a> for Result<T, E> {
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        d.tuple_of(2)?;
        match &*d.atom_str()? {
            "ok" => T::decode(d).map(Ok),
            "error" => E::decode(d).map(Err),
            other => Err(DecodeError::unknown_variant(other, "Result")),
        }
    }
}

macro_rules! decode_pointer {
    ($($pointer:ident),*) => {
        $(impl<'a, T: Decode<'a>> Decode<'a> for $pointer<T> {
            /// A type that contains itself does so through a pointer or a collection: these count the depth.
            fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
                d.nested(|d| T::decode(d).map(Self::new))
            }
        })*
    };
}

decode_pointer!(Box, Rc, Arc);

/// The integers 0 to 255 as terms: the elements of a list that came as a string.
pub(crate) static SMALL_INTEGERS: [[u8; 2]; 256] = {
    let mut table = [[tag::SMALL_INTEGER, 0]; 256];
    let mut value = 0;
    while value < 256 {
        table[value][1] = value as u8;
        value += 1;
    }
    table
};

/// Reads a proper list and gives each element to `push`, after telling `reserve` how many to expect.
fn decode_list<'a, T: Decode<'a>, C>(
    d: &mut Decoder<'a>,
    with_capacity: impl FnOnce(usize) -> C,
    mut push: impl FnMut(&mut C, T),
) -> Result_<C> {
    d.nested(|d| match d.list()? {
        ListHeader::Nil => Ok(with_capacity(0)),
        ListHeader::Bytes(bytes) => {
            let mut items = with_capacity(d.reserve_for(bytes.len(), size_of::<T>()));
            for (at, byte) in bytes.iter().enumerate() {
                let item = T::decode(&mut d.fork(&SMALL_INTEGERS[usize::from(*byte)]));
                push(
                    &mut items,
                    item.map_err(|error| error.within(Place::Element(at)))?,
                );
            }
            Ok(items)
        }
        ListHeader::Elements(len) => {
            let mut items = with_capacity(d.reserve_for(len, size_of::<T>()));
            for at in 0..len {
                let item = T::decode(d).map_err(|error| error.within(Place::Element(at)))?;
                push(&mut items, item);
            }
            d.nil()?;
            Ok(items)
        }
    })
}

impl<'a, T: Decode<'a>> Decode<'a> for Vec<T> {
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        decode_list(d, Self::with_capacity, Self::push)
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for VecDeque<T> {
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        decode_list(d, Self::with_capacity, Self::push_back)
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for Box<[T]> {
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        Vec::decode(d).map(Vec::into_boxed_slice)
    }
}

impl<'a, T: Decode<'a>, const N: usize> Decode<'a> for [T; N] {
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        let items: Vec<T> = Vec::decode(d)?;
        let found = items.len();
        Self::try_from(items).map_err(|_| {
            DecodeError::custom(format_args!("expected a list of {N}, found one of {found}"))
        })
    }
}

impl<'a, T: Decode<'a> + Ord> Decode<'a> for BTreeSet<T> {
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        decode_list(
            d,
            |_| Self::new(),
            |set, item| {
                set.insert(item);
            },
        )
    }
}

impl<'a, T: Decode<'a> + Eq + Hash, S: BuildHasher + Default> Decode<'a> for HashSet<T, S> {
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        decode_list(
            d,
            |len| Self::with_capacity_and_hasher(len, S::default()),
            |set, item| {
                set.insert(item);
            },
        )
    }
}

impl<'a, K: Decode<'a> + Ord, V: Decode<'a>> Decode<'a> for BTreeMap<K, V> {
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        d.nested(|d| {
            let mut map = Self::new();
            for _ in 0..d.map()? {
                if map.insert(K::decode(d)?, V::decode(d)?).is_some() {
                    return Err(DecodeError::DuplicateKey);
                }
            }
            Ok(map)
        })
    }
}

impl<'a, K: Decode<'a> + Eq + Hash, V: Decode<'a>, S: BuildHasher + Default> Decode<'a>
    for HashMap<K, V, S>
{
    fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
        d.nested(|d| {
            let len = d.map()?;
            let mut map = Self::with_capacity_and_hasher(
                d.reserve_for(len, size_of::<(K, V)>()),
                S::default(),
            );
            for _ in 0..len {
                if map.insert(K::decode(d)?, V::decode(d)?).is_some() {
                    return Err(DecodeError::DuplicateKey);
                }
            }
            Ok(map)
        })
    }
}

macro_rules! decode_tuple {
    ($count:literal $($name:ident)+) => {
        impl<'a, $($name: Decode<'a>),+> Decode<'a> for ($($name,)+) {
            #[inline]
            fn decode(d: &mut Decoder<'a>) -> Result_<Self> {
                d.tuple_of($count)?;
                Ok(($($name::decode(d)?,)+))
            }
        }
    };
}

decode_tuple!(1 A);
decode_tuple!(2 A B);
decode_tuple!(3 A B C);
decode_tuple!(4 A B C D);
decode_tuple!(5 A B C D E);
decode_tuple!(6 A B C D E F);
decode_tuple!(7 A B C D E F G);
decode_tuple!(8 A B C D E F G H);
decode_tuple!(9 A B C D E F G H I);
decode_tuple!(10 A B C D E F G H I J);
decode_tuple!(11 A B C D E F G H I J K);
decode_tuple!(12 A B C D E F G H I J K L);
