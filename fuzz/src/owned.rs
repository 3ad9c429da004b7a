//! Terms that own what they are made of.

use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use kista_etf::{Decoder, Fault, Term, from_slice_with, to_vec};

use crate::names::{QUOTA, TABLE, limits};
use crate::within_budget;

/// Reads a [`Term`], in each way there is, and does with it all that a program can.
pub fn owned(input: &[u8]) {
    let table = &**TABLE;
    let decoder = || Decoder::new(input).quota(&QUOTA).atoms(table);
    let mut d = decoder();
    let read = within_budget(input.len(), || d.term());
    let read_to = d.position();

    let mut skipper = decoder();
    let skipped = skipper.skip();

    let term = match read {
        Ok(term) => term,
        Err(error) => {
            assert!(
                !error.is_mismatch(),
                "a term of any shape is a Term: {error}"
            );
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(skipped, Ok(()), "what can be read can be skipped");
    assert_eq!(
        skipper.position(),
        read_to,
        "and skipping ends where reading does"
    );

    let shared = Bytes::copy_from_slice(input);
    let again = Decoder::new(&shared)
        .quota(&QUOTA)
        .atoms(table)
        .shared(&shared)
        .term()
        .expect("shared memory reads the same");
    same(&term, &again);
    same(&term, &term.clone());
    assert!(format!("{term:?}").len() <= 4 * 1024 + 8);
    let _ = (term.to_string(), format!("{term:#}"));

    let written = to_vec(&term).expect("what was read can be written");
    match from_slice_with::<Term>(&written, &limits()) {
        Ok(back) => same(&term, &back),
        // Lists in the tails of lists become one list, so nothing can have become deeper.
        Err(error) => panic!("{} came of {term:?}", error),
    }
    assert_eq!(
        to_vec(&again).expect("the same"),
        written,
        "the same term is written the same"
    );
    if let Some(map) = term.as_map() {
        for (key, value) in map.iter() {
            assert!(map.value(key) == Some(value), "a map has its keys");
        }
    }
    let cut = &input[..read_to.saturating_sub(1)];
    let error = Decoder::new(cut)
        .quota(&QUOTA)
        .atoms(table)
        .term()
        .expect_err("a term without its last byte is none");
    assert_eq!(error.fault(), Fault::Malformed);
}

/// Whether two terms are the same for `Eq`, `Ord` and `Hash`, both ways.
pub(crate) fn same(a: &Term, b: &Term) {
    assert!(a == b, "{a:?} is not {b:?}");
    assert!(b == a, "{b:?} is not {a:?}");
    assert!(a.cmp(b).is_eq() && b.cmp(a).is_eq(), "{a:?} <> {b:?}");
    let state = RandomState::new();
    assert_eq!(state.hash_one(a), state.hash_one(b), "hashes of {a:?}");
}
