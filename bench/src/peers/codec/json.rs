//! `serde_json`, for scale: JSON has no atoms, tuples or binaries, and text instead of numbers.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::types::{Integers, Order, Properties, Settings};
use crate::codec::{Document, measured};
use crate::row::Direction;

/// There is no JSON for a pid, nor for bytes that are no text.
pub(super) const EXCEPT: &[Document] = &[Document::Call, Document::Blob];

pub(super) fn run(document: Document, direction: Direction) {
    match document {
        Document::Integers => codec(&Integers::new(), direction),
        Document::Settings => codec(&Settings::new(), direction),
        Document::Properties => codec(&Properties::text(), direction),
        Document::Order => codec(&Order::new(), direction),
        Document::Call | Document::Blob => unreachable!("excepted"),
    }
}

fn codec<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, direction: Direction) {
    let mut out = Vec::new();
    encode(value, &mut out);
    assert_eq!(decode::<T>(&out), *value);
    match direction {
        Direction::Encode => measured(|| encode(value, &mut out)),
        Direction::Decode => measured(|| decode::<T>(&out)),
    }
}

fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    out.clear();
    serde_json::to_writer(out, value).expect("a document can be written");
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    serde_json::from_slice(bytes).expect("our own JSON")
}
