//! Bytes from a peer that means harm, or is broken.

use kista_etf::{
    AtomName, AtomQuota, DecodeError, Decoder, Encoder, Fault, Limits, Term, atoms, from_slice,
    from_slice_with, to_vec,
};
use proptest::prelude::*;

fn term(bytes: &[u8]) -> Result<Term, DecodeError> {
    let mut d = Decoder::new(bytes);
    let term = d.term()?;
    d.finish()?;
    Ok(term)
}

/// One of every tag: the bytes, and what they print as.
const EVERY_TAG: &[(&[u8], &str)] = &[
    (&[97, 255], "255"),
    (&[98, 255, 255, 255, 255], "-1"),
    (
        &[
            99, b'1', b'.', b'5', b'0', b'e', b'+', b'0', b'0', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
        "1.5",
    ),
    (&[70, 63, 248, 0, 0, 0, 0, 0, 0], "1.5"),
    (&[110, 1, 1, 5], "-5"),
    (&[110, 4, 0, 1, 0, 0, 0], "1"),
    (&[110, 1, 1, 0], "0"),
    (
        &[110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        "18446744073709551616",
    ),
    (
        &[110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128],
        "-9223372036854775808",
    ),
    (&[111, 0, 0, 0, 1, 0, 7], "7"),
    (&[100, 0, 2, b'o', b'k'], "ok"),
    (&[100, 0, 1, 0xe9], "é"),
    (&[115, 1, 0xe9], "é"),
    (&[118, 0, 2, 0xc3, 0xa9], "é"),
    (&[119, 0], "''"),
    (&[104, 0], "{}"),
    (&[104, 1, 106], "{[]}"),
    (&[105, 0, 0, 0, 1, 97, 1], "{1}"),
    (&[107, 0, 2, 1, 2], "[1,2]"),
    (&[107, 0, 0], "[]"),
    (&[108, 0, 0, 0, 1, 97, 1, 106], "[1]"),
    (&[108, 0, 0, 0, 1, 97, 1, 97, 2], "[1|2]"),
    (&[108, 0, 0, 0, 1, 97, 1, 107, 0, 1, 2], "[1,2]"),
    (
        &[108, 0, 0, 0, 1, 97, 1, 108, 0, 0, 0, 1, 97, 2, 97, 3],
        "[1,2|3]",
    ),
    (&[108, 0, 0, 0, 0, 106], "[]"),
    (&[109, 0, 0, 0, 1, 0], "<<0>>"),
    (&[77, 0, 0, 0, 1, 3, 0b1011_1111], "<<5:3>>"),
    (&[77, 0, 0, 0, 1, 8, 3], "<<3>>"),
    (
        &[116, 0, 0, 0, 2, 97, 2, 97, 1, 97, 1, 97, 2],
        "#{1 => 2,2 => 1}",
    ),
    (&[103, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2, 3], "<a.1.2/3>"),
    (
        &[88, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
        "<a.1.2/3>",
    ),
    (&[102, 119, 1, b'a', 0, 0, 0, 1, 3], "#Port<a.1/3>"),
    (&[89, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 3], "#Port<a.1/3>"),
    (
        &[120, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3],
        "#Port<a.4294967297/3>",
    ),
    (&[101, 119, 1, b'a', 0, 0, 0, 1, 3], "#Ref<a.1/3>"),
    (
        &[114, 0, 2, 119, 1, b'a', 3, 0, 0, 0, 1, 0, 0, 0, 2],
        "#Ref<a.2.1/3>",
    ),
    (
        &[90, 0, 1, 119, 1, b'a', 0, 0, 0, 3, 0, 0, 0, 1],
        "#Ref<a.1/3>",
    ),
    (&[113, 119, 1, b'm', 119, 1, b'f', 97, 2], "fun m:f/2"),
    (FUN, "#Fun<m.1.2>"),
];

/// A closure of `m` with one free variable.
const FUN: &[u8] = &[
    112, 0, 0, 0, 56, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0, 1, 0, 0,
    0, 1, // head
    119, 1, b'm', 97, 1, 97, 2, // module, old index, old uniq
    88, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, // pid
    119, 2, b'o', b'k', // the free variable
];

#[test]
fn every_tag_is_read_written_skipped_and_copied() {
    for (bytes, text) in EVERY_TAG {
        let value = term(bytes).unwrap_or_else(|error| panic!("{bytes:?}: {error}"));
        assert_eq!(&value.to_string(), text);
        assert_eq!(from_slice::<Term>(&to_vec(&value).unwrap()).unwrap(), value);
        let mut d = Decoder::new(bytes);
        assert_eq!(d.raw().unwrap(), *bytes);
        let mut copy = Encoder::new();
        Decoder::new(bytes).transcode(&mut copy).unwrap();
        assert_eq!(copy.inline_bytes(), *bytes);
    }
}

#[test]
fn every_truncation_of_every_tag_is_an_error() {
    let mut all = Encoder::new();
    all.tuple(EVERY_TAG.len());
    EVERY_TAG.iter().for_each(|(bytes, _)| all.raw(bytes));
    let whole = all.into_vec();
    assert!(term(&whole).is_ok());
    for end in 0..whole.len() {
        let cut = &whole[..end];
        assert_eq!(term(cut).unwrap_err().fault(), Fault::Malformed, "{end}");
        assert!(Decoder::new(cut).skip().is_err(), "{end}");
        assert!(
            Decoder::new(cut).transcode(&mut Encoder::new()).is_err(),
            "{end}"
        );
    }
    for (bytes, _) in EVERY_TAG {
        for end in 0..bytes.len() {
            assert!(term(&bytes[..end]).is_err(), "{bytes:?} {end}");
        }
    }
}

#[test]
fn malformed_terms_are_named() {
    let long: Vec<u8> = [&[118, 4, 0][..], &[b'a'; 1024]].concat();
    let mut fun = FUN.to_vec();
    fun[4] += 1;
    for (bytes, error) in [
        (&[121, 1][..], DecodeError::UnknownTag(121)),
        (&[117, 1], DecodeError::UnknownTag(117)),
        (&[80, 0, 0, 0, 1, 1], DecodeError::UnknownTag(80)),
        (&[82, 0], DecodeError::UnknownAtomRef(0)),
        (&[119, 1, 0xff], DecodeError::AtomNotUtf8),
        (&long, DecodeError::AtomTooLong),
        (&[70, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0], DecodeError::BadFloat),
        (&[70, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], DecodeError::BadFloat),
        (&[77, 0, 0, 0, 1, 9, 0], DecodeError::BadBits(9)),
        (&[77, 0, 0, 0, 1, 0, 0], DecodeError::BadBits(0)),
        (&[90, 0, 6, 119, 0], DecodeError::BadReference(6)),
        (&[90, 0, 0, 119, 0], DecodeError::BadReference(0)),
        (
            &[116, 0, 0, 0, 2, 97, 1, 97, 1, 97, 1, 97, 2],
            DecodeError::DuplicateKey,
        ),
        (&[97, 1, 97], DecodeError::TrailingBytes(1)),
        (&fun, DecodeError::BadFun),
        (
            &[88, 97, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            DecodeError::UnknownTag(97),
        ),
        (&[113, 119, 0, 97, 0, 97, 0], DecodeError::BadFun),
    ] {
        assert_eq!(term(bytes), Err(error.clone()), "{bytes:?}");
        assert_eq!(error.fault(), Fault::Malformed);
    }
}

#[test]
fn a_length_is_not_believed() {
    for tag in [105, 108, 109, 111, 116] {
        assert!(matches!(
            term(&[tag, 255, 255, 255, 255, 0, 0, 0]),
            Err(DecodeError::Truncated | DecodeError::TooLarge(..))
        ));
    }
    // Each of these tuples claims nearly all of the rest: together far more than there is.
    let mut nested = Vec::new();
    for _ in 0..100_000 {
        nested.extend_from_slice(&[105, 0, 4, 0, 0]);
    }
    assert_eq!(term(&nested), Err(DecodeError::Truncated));
    assert_eq!(Decoder::new(&nested).skip(), Err(DecodeError::Truncated));
    assert!(
        from_slice::<Vec<Vec<Vec<u64>>>>(&[&[131][..], &[108, 0, 0, 0, 200].repeat(50)].concat())
            .is_err()
    );
}

#[test]
fn funs_become_independent_of_the_message_they_came_in() {
    let table = [
        AtomName::from(atoms::OK),
        AtomName::text("beyond_the_quota").unwrap(),
    ];
    let mut bytes = FUN.to_vec();
    bytes.truncate(bytes.len() - 4);
    bytes.extend_from_slice(&[82, 1]);
    bytes[4] -= 2;
    let mut d = Decoder::new(&bytes).atoms(&table);
    let fun = d.term().unwrap();
    d.finish().unwrap();
    let alone = to_vec(&fun).unwrap();
    assert!(alone.ends_with(&[&[119, 16][..], b"beyond_the_quota"].concat()));
    assert_eq!(from_slice::<Term>(&alone).unwrap(), fun);
}

#[test]
fn names_beyond_the_quota_are_kept_and_sent_back() {
    let quota = AtomQuota::new(0);
    let bytes = [
        &[104, 4, 119, 9][..],
        b"unheard_1",
        &[88, 119, 9],
        b"unheard_2",
        &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
        &[120, 119, 9],
        b"unheard_2",
        &[0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3],
        &[90, 0, 2, 119, 9],
        b"unheard_2",
        &[0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2],
    ]
    .concat();
    let kept = Decoder::new(&bytes).quota(&quota).term().unwrap();
    assert_eq!(
        (&to_vec(&kept).unwrap()[1..], quota.used()),
        (&bytes[..], 0)
    );
    assert!(
        Decoder::new(&bytes[15..])
            .quota(&quota)
            .pid()
            .unwrap_err()
            .is_mismatch()
            || bytes[15] != 88
    );
    let interned = Decoder::new(&bytes).term().unwrap();
    assert_eq!(interned, kept);
    assert!(interned.cmp(&kept).is_eq());
    use std::hash::BuildHasher;
    let state = std::hash::RandomState::new();
    assert_eq!(state.hash_one(&interned), state.hash_one(&kept));
}

#[test]
fn limits_hold() {
    let mut limits = Limits::default();
    limits.bigint_bytes = 8;
    limits.depth = 2;
    let big = to_vec(&(1i128 << 64)).unwrap();
    assert_eq!(
        from_slice_with::<Term>(&big, &limits).unwrap_err().fault(),
        Fault::Limit
    );
    assert!(from_slice_with::<Term>(&[131, 104, 1, 104, 1, 97, 1], &limits).is_ok());
    assert_eq!(
        from_slice_with::<Term>(&[131, 104, 1, 104, 1, 104, 1, 97, 1], &limits),
        Err(DecodeError::TooDeep(2))
    );
}

#[test]
fn integers_are_checked_and_a_mismatch_has_not_moved() {
    let bytes = [110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128];
    let mut d = Decoder::new(&bytes);
    assert_eq!(d.int(), Err(DecodeError::OutOfRange("i64")));
    assert!(d.atom().unwrap_err().is_mismatch());
    assert!(d.tuple().unwrap_err().is_mismatch());
    assert_eq!(d.position(), 0);
    assert_eq!(d.uint(), Ok(1 << 63));
    assert_eq!(
        from_slice::<u8>(&[131, 98, 0, 0, 1, 0]),
        Err(DecodeError::OutOfRange("u8"))
    );
    assert_eq!(from_slice::<i64>(&to_vec(&i64::MIN).unwrap()), Ok(i64::MIN));
    assert_eq!(
        from_slice::<u128>(&to_vec(&u128::MAX).unwrap()),
        Ok(u128::MAX)
    );
    assert_eq!(
        from_slice::<Vec<i16>>(&[131, 107, 0, 2, 1, 255]),
        Ok(vec![1, 255])
    );
    assert_eq!(
        from_slice::<Option<u8>>(&to_vec(&atoms::NIL).unwrap()),
        Ok(None)
    );
    assert_eq!(
        from_slice::<Vec<u8>>(&[131, 108, 0, 0, 0, 1, 97, 1, 97, 2]),
        Err(DecodeError::Improper)
    );
}

fn any_term() -> impl Strategy<Value = Term> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Term::from),
        any::<i128>().prop_map(Term::from),
        any::<f64>()
            .prop_filter("finite", |value| value.is_finite())
            .prop_map(Term::from),
        (0u8..50).prop_map(|n| Term::from(kista_etf::Atom::new(&format!("prop_{n}")).unwrap())),
        any::<Vec<u8>>().prop_map(|bytes| Term::from(&bytes[..])),
        Just(Term::NIL),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let many = prop::collection::vec(inner.clone(), 0..6);
        prop_oneof![
            many.clone().prop_map(Term::tuple),
            many.clone().prop_map(Term::list),
            (many.clone(), inner.clone()).prop_map(|(items, tail)| Term::improper(items, tail)),
            prop::collection::btree_map(inner.clone(), inner, 0..5)
                .prop_map(|map| Term::map(map).unwrap()),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read_again(value in any_term()) {
        let bytes = to_vec(&value).unwrap();
        prop_assert_eq!(&from_slice::<Term>(&bytes).unwrap(), &value);
        prop_assert_eq!(&value.clone(), &value);
        let mut e = Encoder::with_atom_table();
        e.term(&value).unwrap();
        let names: Vec<AtomName> = e.atoms().iter().map(|atom| AtomName::from(*atom)).collect();
        let payload = e.to_bytes();
        let mut d = Decoder::new(&payload).atoms(&names).shared(&payload);
        prop_assert_eq!(&d.term().unwrap(), &value);
        d.finish().unwrap();
        let mut inline = Encoder::new();
        Decoder::new(&payload).atoms(&names).transcode(&mut inline).unwrap();
        prop_assert_eq!(inline.inline_bytes(), &bytes[1..]);
    }

    #[test]
    fn the_order_is_total(a in any_term(), b in any_term(), c in any_term()) {
        prop_assert_eq!(a == b, a.cmp(&b).is_eq());
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        let mut sorted = [a, b, c];
        sorted.sort();
        prop_assert!(sorted[0] <= sorted[2]);
    }

    #[test]
    fn mutated_bytes_never_panic(value in any_term(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let mut d = Decoder::new(&bytes[1..]);
        let skipped = d.skip();
        if let Ok(read) = from_slice::<Term>(&bytes) {
            prop_assert_eq!(&from_slice::<Term>(&to_vec(&read).unwrap()).unwrap(), &read);
            if bytes.get(1) != Some(&80) {
                prop_assert_eq!(skipped, Ok(()));
            }
            let _ = format!("{read} {read:?} {read:#}");
        }
    }

    #[test]
    fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = term(&bytes);
        let _ = Decoder::new(&bytes).skip();
        let _ = Decoder::new(&bytes).transcode(&mut Encoder::new());
        let _ = from_slice::<Term>(&bytes);
        let _ = from_slice::<(u8, String, Vec<f64>)>(&bytes);
    }
}
