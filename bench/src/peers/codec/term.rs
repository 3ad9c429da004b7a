//! Ours, by `Term`.

use kista_etf::Term;

use crate::codec::Document;
use crate::row::Direction;

pub(super) fn run(document: Document, direction: Direction) {
    super::derive::codec::<Term>(document, direction);
}
