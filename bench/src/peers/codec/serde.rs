//! Ours, by serde's derives.

use kista_etf::serde::{encode, from_bytes, from_slice_borrowed};
use kista_etf::{Binary, Encoder, Pid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::codec::types::{Alias, Integers, Order, Properties, Request, Settings};
use crate::codec::{Document, measured};
use crate::row::Direction;

/// `{'$gen_call', {Pid, [alias|Ref]}, {add, 2}}`; serde has no records, and no improper lists.
#[derive(Serialize, Deserialize)]
enum Call {
    #[serde(rename = "$gen_call")]
    Call((Pid, From), Request),
}

#[derive(Serialize, Deserialize)]
struct From(#[serde(with = "kista_etf::serde::exact")] Alias);

pub(super) fn run(document: Document, direction: Direction) {
    match document {
        Document::Call => codec::<Call>(document, direction),
        Document::Integers => codec::<Integers>(document, direction),
        Document::Settings => codec::<Settings>(document, direction),
        Document::Properties => codec::<Properties>(document, direction),
        // `Bytes` would be copied: serde can only lend it a slice.
        Document::Blob => codec::<Binary>(document, direction),
        Document::Order if direction == Direction::Borrow => {
            let bytes = document.bytes();
            let decode =
                || from_slice_borrowed::<Order<&str>>(&bytes).expect("a document of this type");
            document
                .check(&kista_etf::serde::to_vec(&decode()).expect("a document can be written"));
            measured(decode);
        }
        Document::Order => codec::<Order>(document, direction),
    }
}

fn codec<T: Serialize + DeserializeOwned>(document: Document, direction: Direction) {
    let bytes = document.bytes();
    let decode = || from_bytes::<T>(&bytes).expect("a document of this type");
    let value = decode();
    let mut e = Encoder::new();
    let write = |e: &mut Encoder| {
        e.clear();
        e.raw(&[131]);
        encode(&value, e).expect("a document can be written");
    };
    write(&mut e);
    document.check(&e.to_vec());
    match direction {
        Direction::Encode => measured(|| write(&mut e)),
        Direction::Decode | Direction::Borrow => measured(decode),
    }
}
