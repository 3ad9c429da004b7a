//! Maps: maps. A key twice is malformed.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};

use super::fits;
use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

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

impl<'a, K: Decode<'a> + Ord, V: Decode<'a>> Decode<'a> for BTreeMap<K, V> {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
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
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
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
