//! The crate `eetf`: terms, read from a `Read`, written to a `Write`.

use eetf::Term;

use crate::codec::{Document, measured};
use crate::row::Direction;

pub(super) fn run(document: Document, direction: Direction) {
    let bytes = document.bytes();
    let decode = || Term::decode(&bytes[..]).expect("a term");
    let term = decode();
    let mut out = Vec::new();
    encode(&term, &mut out);
    document.check(&out);
    match direction {
        Direction::Encode => measured(|| encode(&term, &mut out)),
        Direction::Decode | Direction::Borrow => measured(decode),
    }
}

fn encode(term: &Term, out: &mut Vec<u8>) {
    out.clear();
    term.encode(out).expect("a document can be written");
}
