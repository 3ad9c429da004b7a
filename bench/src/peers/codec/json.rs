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
        Document::Order if direction == Direction::Borrow => {
            let (value, mut out) = (Order::new(), Vec::new());
            encode(&value, &mut out);
            let decode =
                || serde_json::from_slice::<Order<&str>>(&out).expect("a document of ours");
            let mut again = Vec::new();
            encode(&decode(), &mut again);
            assert_eq!(again, out);
            measured(decode);
        }
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
        Direction::Decode | Direction::Borrow => measured(|| decode::<T>(&out)),
    }
}

fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    out.clear();
    serde_json::to_writer(out, value).expect("a document can be written");
}

fn decode<T: DeserializeOwned>(bytes: &[u8]) -> T {
    serde_json::from_slice(bytes).expect("our own JSON")
}
