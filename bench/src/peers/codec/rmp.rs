//! `rmp-serde`, MessagePack, for scale: binary as the external term format is, without atoms and tuples.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::types::{Blob, Integers, Order, Properties, Settings};
use crate::codec::{Document, measured};
use crate::row::Direction;

/// There is no MessagePack for a pid.
pub(super) const EXCEPT: &[Document] = &[Document::Call];

pub(super) fn run(document: Document, direction: Direction) {
    match document {
        Document::Integers => codec(&Integers::new(), direction),
        Document::Settings => codec(&Settings::new(), direction),
        Document::Properties => codec(&Properties::text(), direction),
        Document::Blob => codec(&Blob::new(), direction),
        Document::Order if direction == Direction::Borrow => {
            let (value, mut out) = (Order::new(), Vec::new());
            encode(&value, &mut out);
            let decode = || rmp_serde::from_slice::<Order<&str>>(&out).expect("a document of ours");
            let mut again = Vec::new();
            encode(&decode(), &mut again);
            assert_eq!(again, out);
            measured(decode);
        }
        Document::Order => codec(&Order::new(), direction),
        Document::Call => unreachable!("excepted"),
    }
}

fn codec<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, direction: Direction) {
    let mut out = Vec::new();
    encode(value, &mut out);
    assert_eq!(decode::<T>(&out), *value);
    match direction {
        Direction::Encode => measured(|| encode(value, &mut out)),
        Direction::Decode | Direction::Borrow => measured(|| decode::<T>(&out)),
    }
}

fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    out.clear();
    // Structs as maps of their fields' names, as the other codecs write them.
    let mut serializer = rmp_serde::Serializer::new(out).with_struct_map();
    value
        .serialize(&mut serializer)
        .expect("a document can be written");
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    rmp_serde::from_slice(bytes).expect("our own MessagePack")
}
