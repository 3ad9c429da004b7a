//! Terms from Rust values, in the forms of [`mapping`](crate::mapping). Whatever else has `Encode`: [`to_term`](crate::to_term).
//!
//! There is no `From<f64>` for numbers that Erlang does not have: a non-finite float makes a term that cannot be encoded.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use num_bigint::BigInt;

use super::{Export, Fun, List, Map, Opaque, Term, Tuple};
use crate::{Atom, AtomName, AtomText, Binary, BitString, Charlist, Pid, Port, Reference, atoms};

macro_rules! from {
    ($($type:ty, $value:ident => $term:expr;)*) => {
        $(impl From<$type> for Term {
            #[inline]
            fn from($value: $type) -> Self {
                $term
            }
        })*
    };
}

from! {
    i8, value => Self::Int(value.into());
    i16, value => Self::Int(value.into());
    i32, value => Self::Int(value.into());
    i64, value => Self::Int(value);
    u8, value => Self::Int(value.into());
    u16, value => Self::Int(value.into());
    u32, value => Self::Int(value.into());
    u64, value => i64::try_from(value).map_or_else(|_| Self::Big(Box::new(BigInt::from(value))), Self::Int);
    usize, value => Self::from(value as u64);
    isize, value => Self::Int(value as i64);
    i128, value => Self::big(BigInt::from(value));
    u128, value => Self::big(BigInt::from(value));
    BigInt, value => Self::big(value);
    f32, value => Self::Float(f64::from(value));
    f64, value => Self::Float(value);
    bool, value => Self::Atom(if value { atoms::TRUE } else { atoms::FALSE });
    (), _nothing => Self::Atom(atoms::OK);
    Atom, atom => Self::Atom(atom);
    AtomText, text => Self::AtomText(text);
    Pid, pid => Self::Pid(pid);
    Port, port => Self::Port(port);
    Reference, reference => Self::Reference(Box::new(reference));
    Tuple, tuple => Self::Tuple(tuple);
    List, list => Self::List(list);
    Map, map => Self::Map(map);
    Binary, binary => Self::Binary(binary);
    BitString, bits => Self::BitString(Box::new(bits));
    Fun, fun => Self::Fun(fun);
    Export, export => Self::Export(Box::new(export));
    Opaque, opaque => Self::Opaque(Box::new(opaque));
    Bytes, bytes => Self::Binary(Binary::from(bytes));
    &str, text => Self::Binary(Binary::from(text));
    String, text => Self::Binary(Binary::from(text));
    &String, text => Self::from(text.as_str());
    Box<str>, text => Self::from(String::from(text));
    Arc<str>, text => Self::from(&*text);
    Cow<'_, str>, text => Self::from(&*text);
    char, text => Self::from(&*text.encode_utf8(&mut [0; 4]));
    Charlist, text => Self::charlist(&text);
    &[u8], bytes => Self::Binary(Binary::from(bytes));
    &Self, term => term.clone();
}

impl From<AtomName> for Term {
    fn from(name: AtomName) -> Self {
        match name {
            AtomName::Interned(atom) => Self::Atom(atom),
            AtomName::Text(text) => Self::AtomText(text),
        }
    }
}

/// A list.
impl<T: Into<Self>> From<Vec<T>> for Term {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().map(Into::into).collect()
    }
}

/// A list.
impl<T: Into<Self>, const N: usize> From<[T; N]> for Term {
    fn from(items: [T; N]) -> Self {
        items.into_iter().map(Into::into).collect()
    }
}

/// `undefined` for `None`.
impl<T: Into<Self>> From<Option<T>> for Term {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Atom(atoms::UNDEFINED), Into::into)
    }
}

impl<K: Into<Self>, V: Into<Self>> From<BTreeMap<K, V>> for Term {
    fn from(pairs: BTreeMap<K, V>) -> Self {
        pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect()
    }
}

impl<K: Into<Self>, V: Into<Self>, S> From<HashMap<K, V, S>> for Term {
    fn from(pairs: HashMap<K, V, S>) -> Self {
        pairs
            .into_iter()
            .map(|(key, value)| (key.into(), value.into()))
            .collect()
    }
}

macro_rules! from_tuple {
    ($($name:ident)+) => {
        impl<$($name: Into<Self>),+> From<($($name,)+)> for Term {
            #[allow(non_snake_case)]
            fn from(($($name,)+): ($($name,)+)) -> Self {
                Self::Tuple(Tuple::from(vec![$($name.into()),+]))
            }
        }
    };
}

from_tuple!(A);
from_tuple!(A B);
from_tuple!(A B C);
from_tuple!(A B C D);
from_tuple!(A B C D E);
from_tuple!(A B C D E F);
from_tuple!(A B C D E F G);
from_tuple!(A B C D E F G H);
from_tuple!(A B C D E F G H I);
from_tuple!(A B C D E F G H I J);
from_tuple!(A B C D E F G H I J K);
from_tuple!(A B C D E F G H I J K L);

impl FromIterator<Self> for Term {
    /// A list.
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Self::list(items)
    }
}

impl FromIterator<(Self, Self)> for Term {
    /// A map; of pairs with the same key the last one counts, as in `maps:from_list/1`.
    fn from_iter<I: IntoIterator<Item = (Self, Self)>>(pairs: I) -> Self {
        Self::Map(pairs.into_iter().collect())
    }
}
