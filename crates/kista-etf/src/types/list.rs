//! Sequences and sets: proper lists.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash};

use super::fits;
use super::parts::Parts;
use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, ListHeader, Place};

impl<T: Encode> Encode for [T] {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        T::encode_slice(self, e)
    }
}

impl<T: Encode, const N: usize> Encode for [T; N] {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        T::encode_list(self, e)
    }
}

impl<T: Encode> Encode for Vec<T> {
    #[inline]
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        T::encode_list(self, e)
    }
}

/// Writes a list, whatever its elements.
pub(crate) fn encode_list<T: Encode>(
    items: impl ExactSizeIterator<Item = T>,
    e: &mut Encoder,
) -> Result<(), EncodeError> {
    let len = items.len();
    fits(len, "a list")?;
    let at = e.inline_bytes().len();
    e.list(len);
    for (at, item) in items.enumerate() {
        if let Err(error) = item.encode(e) {
            return Err(error.within(Place::Element(at)));
        }
    }
    e.end_list(at, len);
    Ok(())
}

macro_rules! encode_items {
    ($([$($generics:tt)*] $type:ty;)*) => {
        $(impl<$($generics)*> Encode for $type {
            fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
                encode_list(self.iter(), e)
            }
        })*
    };
}

encode_items! {
    [T: Encode] VecDeque<T>;
    [T: Encode] BTreeSet<T>;
    [T: Encode, S] HashSet<T, S>;
}

/// Reads a proper list and gives each element to `push`, after telling `with_capacity` how many to expect.
fn decode_list<'a, T: Decode<'a>, C>(
    d: &mut Decoder<'a>,
    with_capacity: impl FnOnce(usize) -> C,
    mut push: impl FnMut(&mut C, T),
) -> Result<C, DecodeError> {
    d.nested(|d| match d.list()? {
        ListHeader::Nil => Ok(with_capacity(0)),
        ListHeader::Bytes(bytes) => {
            let mut items = with_capacity(d.reserve_for(bytes.len(), size_of::<T>()));
            for (at, byte) in bytes.iter().enumerate() {
                match T::decode_small(d, *byte) {
                    Ok(item) => push(&mut items, item),
                    Err(error) => return Err(at_element(error, at)),
                }
            }
            Ok(items)
        }
        ListHeader::Elements(len) => {
            let mut items = with_capacity(d.reserve_for(len, size_of::<T>()));
            for at in 0..len {
                match T::decode(d) {
                    Ok(item) => push(&mut items, item),
                    Err(error) => return Err(at_element(error, at)),
                }
            }
            match d.tail()? {
                ListHeader::Nil => {}
                more => decode_more(d, more, len, &mut |item| push(&mut items, item))?,
            }
            Ok(items)
        }
    })
}

/// Reads on in the list that is the tail of one with `at` elements, which is rare.
#[cold]
fn decode_more<'a, T: Decode<'a>>(
    d: &mut Decoder<'a>,
    mut header: ListHeader<'a>,
    mut at: usize,
    push: &mut dyn FnMut(T),
) -> Result<(), DecodeError> {
    loop {
        match header {
            ListHeader::Nil => return Ok(()),
            ListHeader::Bytes(bytes) => {
                for byte in bytes {
                    push(T::decode_small(d, *byte).map_err(|error| at_element(error, at))?);
                    at += 1;
                }
                return Ok(());
            }
            ListHeader::Elements(len) => {
                for _ in 0..len {
                    push(T::decode(d).map_err(|error| at_element(error, at))?);
                    at += 1;
                }
            }
        }
        header = d.tail()?;
    }
}

/// [`decode_list`] into a vector.
#[inline]
pub(crate) fn decode_vec<'a, T: Decode<'a>>(d: &mut Decoder<'a>) -> Result<Vec<T>, DecodeError> {
    decode_list(d, Parts::with_capacity, |parts, item| parts.push(item)).map(Parts::into_vec)
}

/// [`decode_list`] for integers, of which most have up to 32 bits.
pub(super) fn decode_integers<'a, T: Decode<'a> + TryFrom<i32>>(
    d: &mut Decoder<'a>,
) -> Result<Vec<T>, DecodeError> {
    // A string, or `[]`.
    let mark = d.mark();
    let ListHeader::Elements(len) = d.list()? else {
        d.reset(mark);
        return decode_vec(d);
    };
    d.nested(|d| {
        let mut items = Vec::with_capacity(d.reserve_for(len, size_of::<T>()));
        while items.len() < len {
            d.small_integers(len - items.len(), |value| match T::try_from(value) {
                Ok(item) => {
                    items.push(item);
                    true
                }
                Err(_) => false,
            });
            if items.len() < len {
                items.push(T::decode(d).map_err(|error| at_element(error, items.len()))?);
            }
        }
        match d.tail()? {
            ListHeader::Nil => {}
            more => decode_more(d, more, len, &mut |item| items.push(item))?,
        }
        Ok(items)
    })
}

#[cold]
fn at_element(error: DecodeError, at: usize) -> DecodeError {
    error.within(Place::Element(at))
}

impl<'a, T: Decode<'a>> Decode<'a> for Vec<T> {
    #[inline]
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        T::decode_vec(d)
    }
}

impl<'a, T: Decode<'a>> Decode<'a> for VecDeque<T> {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        Vec::decode(d).map(Self::from)
    }
}

impl<'a, T: Decode<'a>, const N: usize> Decode<'a> for [T; N] {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let items: Vec<T> = Vec::decode(d)?;
        let found = items.len();
        Self::try_from(items).map_err(|_| {
            DecodeError::custom(format_args!("expected a list of {N}, found one of {found}"))
        })
    }
}

impl<'a, T: Decode<'a> + Ord> Decode<'a> for BTreeSet<T> {
    /// An element that is there twice counts once.
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
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
    /// An element that is there twice counts once.
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        decode_list(
            d,
            |len| Self::with_capacity_and_hasher(len, S::default()),
            |set, item| {
                set.insert(item);
            },
        )
    }
}
