//! Terms from Rust values.
//!
//! There is no `From<f64>` for numbers that Erlang does not have: a non-finite float makes a term that cannot be encoded.

use bytes::Bytes;
use num_bigint::BigInt;

use super::{Export, Fun, List, Map, Opaque, Term, Tuple};
use crate::{Atom, AtomName, AtomText, Binary, BitString, Pid, Port, Reference, atoms};

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
    i128, value => Self::big(BigInt::from(value));
    BigInt, value => Self::big(value);
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
    &[u8], bytes => Self::Binary(Binary::from(bytes));
    Vec<Self>, items => Self::List(List::from(items));
}

impl From<AtomName> for Term {
    fn from(name: AtomName) -> Self {
        match name {
            AtomName::Interned(atom) => Self::Atom(atom),
            AtomName::Text(text) => Self::AtomText(text),
        }
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

impl FromIterator<Self> for Term {
    /// A list.
    fn from_iter<I: IntoIterator<Item = Self>>(items: I) -> Self {
        Self::list(items)
    }
}
