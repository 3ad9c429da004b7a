//! The crate `erltf`: terms, read from a slice, written to a new `Vec`.

use crate::codec::{Document, measured};
use crate::row::Direction;

pub(super) fn run(document: Document, direction: Direction) {
    let bytes = document.bytes();
    let decode = || erltf::decode(&bytes).expect("a term");
    let term = decode();
    let encode = || erltf::encode(&term).expect("a document can be written");
    document.check(&encode());
    match direction {
        Direction::Encode => measured(encode),
        Direction::Decode | Direction::Borrow => measured(decode),
    }
}
