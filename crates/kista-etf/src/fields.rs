//! Types whose fields can stand among those of another type: what `#[etf(flatten)]` needs.
//!
//! The derives implement both traits for every struct with keys, except those with `elixir` or `deny_unknown`; this crate does
//! for `HashMap` and `BTreeMap`, which take all that is left. The rules:
//!
//! 1. A flattened field is read from the same map (or proplist) once more, from its beginning, skipping what is not its own.
//!    So nothing is kept aside meanwhile.
//! 2. Nothing is written twice: a key of a flattened map that belongs to a field is an error, for a peer that finds a key
//!    twice refuses the whole message.
//!
//! ```
//! use std::collections::BTreeMap;
//! use kista_etf::{Decode, Encode, Term, from_slice, to_vec};
//!
//! #[derive(Debug, PartialEq, Encode, Decode)]
//! struct Page { offset: u32 }
//!
//! #[derive(Debug, PartialEq, Encode, Decode)]
//! struct Query {
//!     text: String,
//!     #[etf(flatten)]
//!     page: Page,
//!     #[etf(flatten)]
//!     rest: BTreeMap<kista_etf::Atom, u8>,
//! }
//!
//! let rest = BTreeMap::from([(kista_etf::atom!("limit"), 10)]);
//! let query = Query { text: "x".into(), page: Page { offset: 3 }, rest };
//! let bytes = to_vec(&query).unwrap();
//! assert_eq!(from_slice::<Term>(&bytes).unwrap().to_string(), r#"#{limit => 10,offset => 3,text => <<"x">>}"#);
//! assert_eq!(from_slice::<Query>(&bytes).unwrap(), query);
//! ```

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use crate::{
    Atom, AtomName, Binary, Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, Kind, Term,
    support,
};

/// The form of a map: keys and values in turn.
#[derive(Debug, Clone, Copy)]
pub enum MapForm {}

/// The form of a proplist: tuples of a key and a value; to be read, also bare atoms.
#[derive(Debug, Clone, Copy)]
pub enum ProplistForm {}

/// A key, as far as it can be a field's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKey<'a> {
    /// An atom.
    Atom(&'a str),
    /// A binary.
    Binary(&'a [u8]),
    /// Another term, which is no field's key.
    Other,
}

/// Whether a key belongs to a field of the type around.
pub type Taken<'f> = &'f dyn Fn(FieldKey<'_>) -> bool;

/// A type whose fields can be written among others, in a map or a proplist.
#[diagnostic::on_unimplemented(
    message = "the fields of `{Self}` cannot be flattened into this form",
    note = "flatten a struct with the same form (map or proplist) and neither `elixir` nor `deny_unknown`, or a `HashMap` or `BTreeMap` with keys that are atoms or strings"
)]
pub trait EncodeFields<Form> {
    /// Whether the key is one that every value of this type may write.
    fn owns(key: FieldKey<'_>) -> bool;

    /// How many fields will be written.
    fn count(&self) -> usize;

    /// Writes the fields; fails if one of their keys is `taken`.
    fn encode_fields(&self, e: &mut Encoder, taken: Option<Taken<'_>>) -> Result<(), EncodeError>;
}

/// A type whose fields can be read among others, in a map or a proplist.
#[diagnostic::on_unimplemented(
    message = "the fields of `{Self}` cannot be flattened out of this form",
    note = "flatten a struct with the same form (map or proplist) and neither `elixir` nor `deny_unknown`, or a `HashMap` or `BTreeMap`"
)]
pub trait DecodeFields<'a, Form>: Sized {
    /// Whether the key is one of this type's fields.
    fn owns(key: FieldKey<'_>) -> bool;

    /// Reads a whole map or proplist, of which only the keys that are not `taken` may be this type's.
    fn decode_fields(d: &mut Decoder<'a>, taken: Taken<'_>) -> Result<Self, DecodeError>;
}

/// A type of keys that can be told apart from the names of fields.
#[diagnostic::on_unimplemented(
    message = "a map with keys of type `{Self}` cannot be flattened",
    note = "its keys stand among those of fields: take `Atom`, `AtomName`, `String`, `&str`, `Binary` or `Term`"
)]
pub trait AsFieldKey {
    /// The key it is written as.
    fn as_field_key(&self) -> FieldKey<'_>;
}

macro_rules! field_keys {
    ($($type:ty, $key:ident => $as:expr;)*) => {
        $(impl AsFieldKey for $type {
            fn as_field_key(&self) -> FieldKey<'_> {
                let $key = self;
                $as
            }
        })*
    };
}

field_keys! {
    Atom, key => FieldKey::Atom(key.as_str());
    AtomName, key => FieldKey::Atom(key.as_str());
    str, key => FieldKey::Binary(key.as_bytes());
    String, key => FieldKey::Binary(key.as_bytes());
    Binary, key => FieldKey::Binary(key);
    Term, key => match key {
        Term::Binary(bytes) => FieldKey::Binary(bytes),
        term => term.as_atom_str().map_or(FieldKey::Other, FieldKey::Atom),
    };
}

impl<T: AsFieldKey + ?Sized> AsFieldKey for &T {
    fn as_field_key(&self) -> FieldKey<'_> {
        (**self).as_field_key()
    }
}

impl<T: AsFieldKey + ?Sized> AsFieldKey for Box<T> {
    fn as_field_key(&self) -> FieldKey<'_> {
        (**self).as_field_key()
    }
}

/// Fails if one of these names is taken.
#[doc(hidden)]
pub fn refuse_taken<'a>(
    keys: impl IntoIterator<Item = FieldKey<'a>>,
    taken: Option<Taken<'_>>,
) -> Result<(), EncodeError> {
    let Some(taken) = taken else { return Ok(()) };
    match keys.into_iter().find(|key| taken(*key)) {
        Some(key) => Err(twice(key)),
        None => Ok(()),
    }
}

#[cold]
fn twice(key: FieldKey<'_>) -> EncodeError {
    let name = match key {
        FieldKey::Atom(text) => text.into(),
        FieldKey::Binary(bytes) => String::from_utf8_lossy(bytes),
        FieldKey::Other => "a key".into(),
    };
    let name: String = name.chars().take(64).collect();
    EncodeError::custom(format_args!(
        "the key {name} of a flattened field is the key of another field too"
    ))
}

/// The key that is next in the input, which does not move.
fn peek_key<R>(d: &Decoder<'_>, look: impl FnOnce(FieldKey<'_>) -> R) -> Result<R, DecodeError> {
    let mut ahead = d.clone();
    Ok(match d.peek()? {
        Kind::Atom => look(FieldKey::Atom(&ahead.atom_str()?)),
        Kind::Binary => look(FieldKey::Binary(ahead.binary()?)),
        _ => look(FieldKey::Other),
    })
}

/// A map that takes what is left.
trait Rest<K, V>: Sized {
    fn empty() -> Self;
    fn has(&self, key: &K) -> bool;
    fn add(&mut self, key: K, value: V);
}

impl<K: Ord, V> Rest<K, V> for BTreeMap<K, V> {
    fn empty() -> Self {
        Self::new()
    }
    fn has(&self, key: &K) -> bool {
        self.contains_key(key)
    }
    fn add(&mut self, key: K, value: V) {
        self.insert(key, value);
    }
}

impl<K: Eq + Hash, V, S: BuildHasher + Default> Rest<K, V> for HashMap<K, V, S> {
    fn empty() -> Self {
        Self::default()
    }
    fn has(&self, key: &K) -> bool {
        self.contains_key(key)
    }
    fn add(&mut self, key: K, value: V) {
        self.insert(key, value);
    }
}

fn rest_of_map<'a, K: Decode<'a>, V: Decode<'a>, M: Rest<K, V>>(
    d: &mut Decoder<'a>,
    taken: Taken<'_>,
) -> Result<M, DecodeError> {
    d.nested(|d| {
        let mut rest = M::empty();
        for _ in 0..d.map()? {
            if peek_key(d, taken)? {
                d.skip()?;
                d.skip()?;
                continue;
            }
            let key = K::decode(d)?;
            if rest.has(&key) {
                return Err(DecodeError::DuplicateKey);
            }
            rest.add(key, V::decode(d)?);
        }
        Ok(rest)
    })
}

fn rest_of_proplist<'a, K: Decode<'a>, V: Decode<'a>, M: Rest<K, V>>(
    d: &mut Decoder<'a>,
    taken: Taken<'_>,
) -> Result<M, DecodeError> {
    d.nested(|d| {
        let mut rest = M::empty();
        let mut entries = support::proplist(d, "a proplist")?;
        while let Some(len) = entries {
            for _ in 0..len {
                rest_of_entry(d, taken, &mut rest)?;
            }
            entries = support::proplist_tail(d)?;
        }
        Ok(rest)
    })
}

fn rest_of_entry<'a, K: Decode<'a>, V: Decode<'a>, M: Rest<K, V>>(
    d: &mut Decoder<'a>,
    taken: Taken<'_>,
    rest: &mut M,
) -> Result<(), DecodeError> {
    let bare = match d.peek()? {
        Kind::Atom => true,
        Kind::Tuple => match d.tuple()? {
            2 => false,
            arity => return (0..arity).try_for_each(|_| d.skip()),
        },
        _ => return d.skip(),
    };
    let key = if peek_key(d, taken)? {
        d.skip()?;
        None
    } else {
        Some(K::decode(d)?).filter(|key| !rest.has(key))
    };
    match key {
        Some(key) if bare => rest.add(key, V::decode(&mut support::bare(d))?),
        Some(key) => rest.add(key, V::decode(d)?),
        None if bare => {}
        None => d.skip()?,
    }
    Ok(())
}

macro_rules! rest {
    ([$($encode:tt)*] [$($decode:tt)*] $map:ty) => {
        impl<$($encode)*> EncodeFields<MapForm> for $map {
            fn owns(_: FieldKey<'_>) -> bool {
                false
            }
            fn count(&self) -> usize {
                self.len()
            }
            fn encode_fields(&self, e: &mut Encoder, taken: Option<Taken<'_>>) -> Result<(), EncodeError> {
                refuse_taken(self.keys().map(K::as_field_key), taken)?;
                for (key, value) in self {
                    key.encode(e)?;
                    value.encode(e)?;
                }
                Ok(())
            }
        }

        impl<$($encode)*> EncodeFields<ProplistForm> for $map {
            fn owns(_: FieldKey<'_>) -> bool {
                false
            }
            fn count(&self) -> usize {
                self.len()
            }
            fn encode_fields(&self, e: &mut Encoder, taken: Option<Taken<'_>>) -> Result<(), EncodeError> {
                refuse_taken(self.keys().map(K::as_field_key), taken)?;
                for pair in self {
                    pair.encode(e)?;
                }
                Ok(())
            }
        }

        impl<'a, $($decode)*> DecodeFields<'a, MapForm> for $map {
            fn owns(_: FieldKey<'_>) -> bool {
                false
            }
            fn decode_fields(d: &mut Decoder<'a>, taken: Taken<'_>) -> Result<Self, DecodeError> {
                rest_of_map(d, taken)
            }
        }

        impl<'a, $($decode)*> DecodeFields<'a, ProplistForm> for $map {
            fn owns(_: FieldKey<'_>) -> bool {
                false
            }
            fn decode_fields(d: &mut Decoder<'a>, taken: Taken<'_>) -> Result<Self, DecodeError> {
                rest_of_proplist(d, taken)
            }
        }
    };
}

rest!([K: Encode + AsFieldKey, V: Encode] [K: Decode<'a> + Ord, V: Decode<'a>] BTreeMap<K, V>);
rest!([K: Encode + AsFieldKey, V: Encode, S] [K: Decode<'a> + Eq + Hash, V: Decode<'a>, S: BuildHasher + Default] HashMap<K, V, S>);
