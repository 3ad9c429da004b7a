//! What input from anywhere cannot do: each limit has the test that trips it, and nothing recurses on the input.
//!
//! How much memory reading takes is shown by `fuzz/tests/budget.rs`.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use kista_etf::{
    Atom, AtomName, AtomQuota, BigInt, Decode, DecodeError, Decoder, Encode, Encoder, Fault,
    Limited, Limits, Term, from_bytes_with, from_slice, from_slice_with, to_vec, to_vec_compressed,
};

const DEEP: usize = 1_000_000;

fn limits(set: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    set(&mut limits);
    limits
}

/// The error, which must say which limit is to be raised.
fn too_large(what: Limited, limit: usize) -> DecodeError {
    let error = DecodeError::TooLarge(what, limit);
    let field = what.field().unwrap();
    assert!(
        error
            .to_string()
            .contains(&format!("raise `Limits::{field}`")),
        "{error}"
    );
    error
}

/// `head`, so many times, around `[]`, with `foot` after each.
fn nested(head: &[u8], foot: &[u8]) -> Vec<u8> {
    let mut bytes = head.repeat(DEEP);
    bytes.push(106);
    bytes.extend(foot.repeat(DEEP));
    bytes
}

/// All that can be done with a term, on a stack of ordinary size.
fn survives(bytes: &[u8]) {
    let deep = limits(|limits| limits.depth = DEEP + 1);
    let decoder = || Decoder::new(bytes).limits(&deep);
    let term = decoder().term().unwrap();
    let copy = term.clone();
    assert!(copy == term);
    assert!(copy.cmp(&term).is_eq());
    let state = RandomState::new();
    assert_eq!(state.hash_one(&copy), state.hash_one(&term));
    assert!(format!("{term:?}").ends_with("..."));
    assert!(term.to_string().ends_with("..."));
    assert!(format!("{term:#}").ends_with("..."));
    assert_eq!(&to_vec(&term).unwrap()[1..], bytes);
    assert_eq!(decoder().raw().unwrap(), bytes);
    let mut out = Encoder::new();
    decoder().transcode(&mut out).unwrap();
    assert_eq!(out.inline_bytes(), bytes);
    drop(copy);
    let other = Term::tuple([term.clone(), Term::from(1)]);
    let less = Term::tuple([term, Term::from(0)]);
    assert!(less < other && less != other);
}

#[test]
fn a_million_tuples_in_each_other_overflow_no_stack() {
    survives(&nested(&[104, 1], &[]));
}

#[test]
fn a_million_lists_in_each_other_overflow_no_stack() {
    survives(&nested(&[108, 0, 0, 0, 1], &[106]));
}

#[test]
fn a_million_maps_as_values_overflow_no_stack() {
    survives(&nested(&[116, 0, 0, 0, 1, 97, 1], &[]));
}

#[test]
fn a_million_maps_as_keys_overflow_no_stack() {
    survives(&nested(&[116, 0, 0, 0, 1], &[97, 1]));
}

#[test]
fn a_million_improper_lists_in_each_other_overflow_no_stack() {
    survives(&nested(&[108, 0, 0, 0, 1], &[97, 1]));
}

#[test]
fn a_million_funs_in_each_other_overflow_no_stack() {
    // A fun says its size, so the bytes are made from the inside out, in reverse.
    let mut bytes = vec![106];
    for _ in 0..DEEP {
        let mut head = vec![1];
        head.extend([0; 16]);
        head.extend([0, 0, 0, 0, 0, 0, 0, 1, 119, 0, 97, 0, 97, 0, 103, 119, 0]);
        head.extend([0; 9]);
        let size = (head.len() + bytes.len() + 4) as u32;
        bytes.extend(head.iter().rev());
        bytes.extend(size.to_be_bytes().iter().rev());
        bytes.push(112);
    }
    bytes.reverse();
    let term = Decoder::new(&bytes).term().unwrap();
    assert!(term.clone() == term);
    assert_eq!(&to_vec(&term).unwrap()[1..], bytes);
    Decoder::new(&bytes).skip().unwrap();
}

#[test]
fn a_list_written_cell_by_cell_is_read_in_one_pass() {
    // Each cell is a list of one element whose tail is the next. Copying the rest at each would take minutes.
    let cells = 300_000;
    for (tail, proper) in [(&[106][..], true), (&[97, 7], false)] {
        let mut bytes = [108, 0, 0, 0, 1, 97, 1].repeat(cells);
        bytes.extend(tail);
        let term = Decoder::new(&bytes).term().unwrap();
        assert_eq!(term.as_list().is_some(), proper);
        let elements = match &term {
            Term::List(list) => list.len(),
            Term::ImproperList(list) => list.elements().len(),
            other => panic!("no list: {other:?}"),
        };
        assert_eq!(elements, cells);
    }
}

#[test]
fn deeper_than_the_limit_is_refused() {
    let one_less = limits(|limits| limits.depth = DEEP - 1);
    let bytes = nested(&[104, 1], &[]);
    assert!(Decoder::new(&bytes).term().is_ok());
    let error = Decoder::new(&bytes).limits(&one_less).term().unwrap_err();
    assert_eq!(error, DecodeError::TooDeep(DEEP - 1));
    assert_eq!(error.fault(), Fault::Limit);
    assert!(
        Decoder::new(&nested(&[104, 1, 104, 1], &[]))
            .term()
            .is_err()
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Tree {
    Leaf,
    Node(Box<Self>),
    Many(Vec<Self>),
    Named(HashMap<u8, Self>),
}

#[test]
fn a_rust_type_that_contains_itself_stops_at_its_limit() {
    let node = [104, 2, 119, 4, b'n', b'o', b'd', b'e'];
    let many = [&[104, 2, 119, 4][..], b"many", &[108, 0, 0, 0, 1]].concat();
    let named = [&[104, 2, 119, 5][..], b"named", &[116, 0, 0, 0, 1, 97, 1]].concat();
    let leaf = [119, 4, b'l', b'e', b'a', b'f'];
    for (head, foot) in [(&node[..], &[][..]), (&many, &[106]), (&named, &[])] {
        let tree =
            |depth: usize| [&[131][..], &head.repeat(depth), &leaf, &foot.repeat(depth)].concat();
        assert!(from_slice::<Tree>(&tree(200)).is_ok());
        for depth in [257, DEEP] {
            let error = from_slice::<Tree>(&tree(depth)).unwrap_err();
            assert_eq!(error, DecodeError::TooDeep(256));
            assert_eq!(error.fault(), Fault::Limit);
        }
        let few = limits(|limits| limits.recursion = 10);
        assert!(from_slice_with::<Tree>(&tree(9), &few).is_ok());
        assert_eq!(
            from_slice_with::<Tree>(&tree(11), &few),
            Err(DecodeError::TooDeep(10))
        );
    }
}

#[test]
fn an_input_of_more_bytes_than_the_limit_is_not_looked_at() {
    let bytes = to_vec("0123456789").unwrap();
    let enough = limits(|limits| limits.bytes = bytes.len());
    assert!(from_slice_with::<String>(&bytes, &enough).is_ok());
    let less = limits(|limits| limits.bytes = bytes.len() - 1);
    let error = too_large(Limited::Input, bytes.len() - 1);
    assert_eq!(from_slice_with::<String>(&bytes, &less), Err(error.clone()));
    let shared = Bytes::from(bytes);
    assert!(from_bytes_with::<String>(&shared, &enough).is_ok());
    assert_eq!(
        from_bytes_with::<String>(&shared, &less),
        Err(error.clone())
    );
    assert_eq!(error.fault(), Fault::Limit);
}

#[test]
fn a_collection_larger_than_the_rest_of_the_input_is_refused_at_its_head() {
    for (tag, each) in [(105, 1), (108, 1), (116, 2)] {
        for claimed in [10u32, 1 << 20, u32::MAX] {
            // One element too few, all the others there.
            let there = if claimed == 10 { 10 * each - 1 } else { 100 };
            let bytes = [&[tag][..], &claimed.to_be_bytes(), &vec![106; there]].concat();
            assert_eq!(Decoder::new(&bytes).term(), Err(DecodeError::Truncated));
            assert_eq!(Decoder::new(&bytes).skip(), Err(DecodeError::Truncated));
            let mut out = Encoder::new();
            assert!(Decoder::new(&bytes).transcode(&mut out).is_err());
        }
    }
    for claimed in [3u32, u32::MAX] {
        let bytes = [&[131, 109][..], &claimed.to_be_bytes(), &[0, 0]].concat();
        assert_eq!(from_slice::<Term>(&bytes), Err(DecodeError::Truncated));
        assert_eq!(
            from_slice::<Vec<u8>>(&bytes[..1]),
            Err(DecodeError::Truncated)
        );
    }
}

#[test]
fn an_integer_of_more_bytes_than_the_limit_is_refused_before_it_is_read() {
    let few = limits(|limits| limits.bigint_bytes = 9);
    let nine = to_vec(&((BigInt::from(1) << 72) - 1)).unwrap();
    let ten = to_vec(&(BigInt::from(1) << 72)).unwrap();
    assert!(from_slice_with::<Term>(&nine, &few).is_ok());
    let error = too_large(Limited::Integer, 9);
    assert_eq!(from_slice_with::<Term>(&ten, &few), Err(error.clone()));
    assert_eq!(from_slice_with::<BigInt>(&ten, &few), Err(error.clone()));
    // Also when most of it is zeros, and when it is not even there.
    let zeros = [&[131, 110, 10, 0, 1][..], &[0; 9]].concat();
    assert_eq!(from_slice_with::<Term>(&zeros, &few), Err(error.clone()));
    let claimed = [131, 111, 255, 255, 255, 255, 0];
    assert_eq!(from_slice_with::<Term>(&claimed, &few), Err(error));
}

#[test]
fn a_term_inflates_to_no_more_than_the_limits() {
    let value = Term::list((0..100_000).map(|_| Term::NIL));
    let packed = to_vec_compressed(&value, 9).unwrap();
    let size = to_vec(&value).unwrap().len() - 1;
    assert!(packed.len() < size / 100);
    assert!(from_slice::<Term>(&packed).is_ok());

    let all = limits(|limits| limits.inflated_bytes = size);
    assert!(from_slice_with::<Term>(&packed, &all).is_ok());
    let less = limits(|limits| limits.inflated_bytes = size - 1);
    let error = from_slice_with::<Term>(&packed, &less).unwrap_err();
    assert_eq!(error, too_large(Limited::Inflated, size - 1));
    assert_eq!(error.fault(), Fault::Limit);

    // The ratio counts above what is free at any ratio.
    let dense = limits(|limits| limits.inflated_free = 0);
    assert_eq!(
        from_slice_with::<Term>(&packed, &dense),
        Err(too_large(Limited::InflationRatio, (packed.len() - 6) * 64))
    );
    let denser = limits(|limits| {
        limits.inflated_free = 0;
        limits.inflation_ratio = 1000;
    });
    assert!(from_slice_with::<Term>(&packed, &denser).is_ok());
}

#[test]
fn one_input_makes_no_more_new_atoms_than_its_limit() {
    let names: Vec<String> = (0..100).map(|n| format!("bounds_flood_{n}")).collect();
    let mut e = Encoder::new();
    e.raw(&[131]);
    e.list(names.len());
    for name in &names {
        e.atom_str(name).unwrap();
    }
    e.nil();
    let bytes = e.into_vec();
    let few = limits(|limits| limits.new_atoms = 10);
    let interned = || {
        names
            .iter()
            .filter(|name| Atom::lookup(name).is_some())
            .count()
    };

    let first = from_slice_with::<Term>(&bytes, &few).unwrap();
    assert_eq!(interned(), 10);
    // Another input may make as many again; it is the quota's to say how many all may make.
    let second = from_slice_with::<Term>(&bytes, &few).unwrap();
    assert_eq!(interned(), 20);
    let quota = AtomQuota::new(5);
    let third = Decoder::new(&bytes[1..]).quota(&quota).limits(&few).term();
    assert_eq!((interned(), quota.used()), (25, 5));
    let all = from_slice::<Term>(&bytes).unwrap();
    assert_eq!(interned(), 100);

    // What stayed text is the same term.
    let state = RandomState::new();
    for term in [first, second, third.unwrap()] {
        assert_eq!(term, all);
        assert_eq!(all, term);
        assert!(term.cmp(&all).is_eq());
        assert_eq!(state.hash_one(&term), state.hash_one(&all));
        assert_eq!(term.to_string(), all.to_string());
        assert_eq!(to_vec(&term).unwrap(), bytes);
    }
}

#[test]
fn names_beyond_the_quota_sort_and_match_as_their_atoms() {
    let text = |name| Term::from(AtomName::text(name).unwrap());
    let atom = |name| Term::from(Atom::new(name).unwrap());
    let names = ["", "bounds_a", "bounds_aa", "bounds_b", "é", "日"];
    for (i, a) in names.iter().enumerate() {
        for (j, b) in names.iter().enumerate() {
            for (a, b) in [(text(a), text(b)), (text(a), atom(b)), (atom(a), text(b))] {
                assert_eq!(a.cmp(&b), i.cmp(&j));
                assert_eq!(a == b, i == j);
            }
        }
    }
    let map = Term::map([
        (text("bounds_a"), Term::from(1)),
        (atom("bounds_b"), Term::from(2)),
    ]);
    let map = map.unwrap();
    let map = map.as_map().unwrap();
    assert_eq!(map.value(&atom("bounds_a")), Some(&Term::from(1)));
    assert_eq!(map.value(&text("bounds_b")), Some(&Term::from(2)));
    assert_eq!(map.field("bounds_a"), Some(&Term::from(1)));
}
