//! Ours, by `#[derive(Encode, Decode)]`.

use kista_etf::{DecodeOwned, Encode, Encoder, from_bytes, from_slice_borrowed};

use crate::codec::types::{Blob, Call, Integers, Order, Properties, Settings};
use crate::codec::{Document, measured};
use crate::row::Direction;

pub(super) fn run(document: Document, direction: Direction) {
    match document {
        Document::Call => codec::<Call>(document, direction),
        Document::Integers => codec::<Integers>(document, direction),
        Document::Settings => codec::<Settings>(document, direction),
        Document::Properties => codec::<Properties>(document, direction),
        Document::Blob => codec::<Blob>(document, direction),
        Document::Order if direction == Direction::Borrow => borrow(document),
        Document::Order => codec::<Order>(document, direction),
    }
}

/// Reads the nested document with its text left where it is.
fn borrow(document: Document) {
    let bytes = document.bytes();
    let decode = || from_slice_borrowed::<Order<&str>>(&bytes).expect("a document of this type");
    let mut e = Encoder::new();
    encode(&decode(), &mut e);
    document.check(&e.to_vec());
    measured(decode);
}

pub(super) fn codec<T: Encode + DecodeOwned>(document: Document, direction: Direction) {
    let bytes = document.bytes();
    let decode = || from_bytes::<T>(&bytes).expect("a document of this type");
    let value = decode();
    let mut e = Encoder::new();
    encode(&value, &mut e);
    document.check(&e.to_vec());
    match direction {
        Direction::Encode => measured(|| encode(&value, &mut e)),
        Direction::Decode | Direction::Borrow => measured(decode),
    }
}

fn encode<T: Encode>(value: &T, e: &mut Encoder) {
    e.clear();
    e.raw(&[131]);
    value.encode(e).expect("a document can be written");
}
