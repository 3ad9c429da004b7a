//! Bytes from a peer that means harm, read by serde types.

use std::collections::{BTreeMap, HashMap};

use allocation_counter::measure;
use kista_etf::serde::{decode, from_slice, from_slice_with, from_term, to_vec};
use kista_etf::{
    Atom, AtomName, AtomQuota, DecodeError, Decoder, Encoder, Fault, Limits, Term, atoms,
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn read<T: DeserializeOwned>(term: &[u8]) -> Result<T, DecodeError> {
    let mut bytes = vec![131];
    bytes.extend_from_slice(term);
    from_slice(&bytes)
}

fn atom(text: &str) -> Term {
    Term::from(Atom::new(text).unwrap())
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle(f64),
    Line(i8, i8),
    Named {
        name: String,
        inner: Option<Box<Shape>>,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Drawing {
    shapes: Vec<Shape>,
    tags: BTreeMap<String, u8>,
}

fn drawing() -> Drawing {
    Drawing {
        shapes: vec![
            Shape::Empty,
            Shape::Circle(1.5),
            Shape::Line(1, -1),
            Shape::Named {
                name: "x".into(),
                inner: Some(Box::new(Shape::Empty)),
            },
        ],
        tags: [("a".into(), 1), ("b".into(), 2)].into(),
    }
}

#[test]
fn every_truncation_is_an_error() {
    let bytes = to_vec(&drawing()).unwrap();
    for end in 0..bytes.len() {
        let error = from_slice::<Drawing>(&bytes[..end]).unwrap_err();
        assert_eq!(error, DecodeError::Truncated, "at {end}");
        assert!(from_slice::<serde_json::Value>(&bytes[..end]).is_err());
    }
    let mut longer = bytes;
    longer.push(0);
    assert_eq!(
        from_slice::<Drawing>(&longer),
        Err(DecodeError::TrailingBytes(1))
    );
}

fn nested(open: &[u8], levels: usize, end: &[u8]) -> Vec<u8> {
    let mut bytes = open.repeat(levels);
    bytes.extend_from_slice(end);
    bytes
}

#[test]
fn no_nesting_overflows_the_stack() {
    #[derive(Debug, Deserialize)]
    struct List(#[expect(dead_code)] Vec<List>);
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        #[expect(dead_code)]
        Many(Vec<Untagged>),
    }
    #[derive(Debug, Deserialize)]
    struct Link {
        #[expect(dead_code)]
        next: Option<Box<Link>>,
    }
    let million = 1_000_000;
    let lists = nested(&[108, 0, 0, 0, 1], million, &[106]);
    let tuples = nested(&[104, 1], million, &[106]);
    let maps = nested(
        &[116, 0, 0, 0, 1, 119, 4, b'n', b'e', b'x', b't'],
        million,
        &[119, 3, b'n', b'i', b'l'],
    );
    let tagged = nested(
        &[
            104, 2, 119, 5, b'n', b'a', b'm', b'e', b'd', 116, 0, 0, 0, 1, 119, 5, b'i', b'n',
            b'n', b'e', b'r',
        ],
        million,
        &[119, 3, b'n', b'i', b'l'],
    );
    let deep = Err(DecodeError::TooDeep(256));
    assert_eq!(read::<List>(&lists).map(|_| ()), deep);
    assert_eq!(read::<Link>(&maps).map(|_| ()), deep);
    assert_eq!(read::<Shape>(&tagged).map(|_| ()), deep);
    for bytes in [&lists, &tuples, &maps, &tagged] {
        assert_eq!(read::<Untagged>(bytes).map(|_| ()), deep);
        assert_eq!(read::<serde_json::Value>(bytes).map(|_| ()), deep);
    }
    assert!(read::<serde::de::IgnoredAny>(&tuples).is_ok());
    // What is allowed fits the stack of a test's thread, also in a debug build.
    let fine = nested(&[104, 1], 255, &[106]);
    assert!(read::<serde_json::Value>(&fine).is_ok());
    assert!(read::<Untagged>(&fine).is_ok());
    // A term in memory may be deeper than its reader goes.
    let term = (0..1000).fold(Term::NIL, |term, _| Term::list([term]));
    assert_eq!(from_term::<List>(&term).map(|_| ()), deep);
    assert_eq!(from_term::<serde_json::Value>(&term).map(|_| ()), deep);
}

#[test]
fn a_type_without_end_ends() {
    #[derive(Debug, Deserialize)]
    struct Endless(#[expect(dead_code)] Option<Box<Endless>>);
    assert_eq!(
        read::<Endless>(&[97, 1]).map(|_| ()),
        Err(DecodeError::TooDeep(256))
    );
    assert!(read::<Endless>(&[119, 3, b'n', b'i', b'l']).is_ok());
    assert!(from_term::<Endless>(&Term::from(1)).is_err());
}

#[test]
fn claimed_lengths_take_no_memory() {
    type Deep = Vec<Vec<Vec<Vec<Vec<Vec<[u64; 8]>>>>>>;
    let claim = [108, 0, 0, 255, 255];
    let mut bytes = vec![131];
    bytes.extend(claim.repeat(6));
    bytes.resize(70_000, 106);
    let info = measure(|| {
        assert!(from_slice::<Deep>(&bytes).is_err());
        assert!(from_slice::<serde_json::Value>(&bytes).is_err());
        assert!(from_slice::<HashMap<u64, Deep>>(&bytes).is_err());
    });
    let bound = bytes.len() as u64 * 64 + 65_536;
    assert!(info.bytes_max < bound, "{} bytes at once", info.bytes_max);
    for head in [
        &[108, 255, 255, 255, 255, 97, 1][..],
        &[104, 255, 97, 1],
        &[105, 255, 255, 255, 255, 97, 1],
        &[116, 255, 255, 255, 255, 97, 1],
        &[109, 255, 255, 255, 255, 1],
    ] {
        assert_eq!(read::<serde_json::Value>(head), Err(DecodeError::Truncated));
        assert!(read::<Vec<u8>>(head).is_err());
    }
}

/// A map of these keys, each with the value 1.
fn map_of(keys: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![116, 0, 0, 0, keys.len() as u8];
    for key in keys {
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(&[97, 1]);
    }
    bytes
}

#[test]
fn a_key_twice_is_refused_however_it_is_written() {
    let twice: [&[&[u8]]; 8] = [
        &[&[97, 1], &[97, 1]],
        &[&[97, 1], &[97, 2], &[97, 1]],
        &[&[97, 1], &[98, 0, 0, 0, 1]],
        &[&[97, 1], &[110, 1, 0, 1]],
        &[&[119, 1, b'a'], &[119, 1, b'b'], &[119, 1, b'a']],
        &[&[119, 1, b'a'], &[100, 0, 1, b'a']],
        &[&[115, 1, 0xe9], &[119, 2, 0xc3, 0xa9]],
        &[&[104, 1, 97, 1], &[97, 7], &[104, 1, 97, 1]],
    ];
    for keys in twice {
        let bytes = map_of(keys);
        assert_eq!(
            read::<HashMap<Term, u8>>(&bytes),
            Err(DecodeError::DuplicateKey),
            "{keys:?}"
        );
        assert_eq!(
            read::<Vec<Term>>(&nested(&[108, 0, 0, 0, 1], 1, &bytes)),
            Err(DecodeError::DuplicateKey)
        );
    }
    assert_eq!(
        read::<HashMap<i64, u8>>(&map_of(twice[2])),
        Err(DecodeError::DuplicateKey)
    );
    assert_eq!(
        read::<serde_json::Value>(&map_of(twice[4])),
        Err(DecodeError::DuplicateKey)
    );
    let binary: &[u8] = &[109, 0, 0, 0, 1, b'a'];
    assert_eq!(
        read::<HashMap<String, u8>>(&map_of(&[binary, &[109, 0, 0, 0, 1, b'b'], binary])),
        Err(DecodeError::DuplicateKey)
    );
    // Two keys in Erlang, but one string: no fault of the peer's.
    let mixed = map_of(&[&[119, 1, b'a'], binary]);
    assert!(
        read::<HashMap<String, u8>>(&mixed)
            .unwrap_err()
            .is_mismatch()
    );
    assert_eq!(read::<HashMap<Term, u8>>(&mixed).unwrap().len(), 2);
    // Out of order is no fault at all.
    let fine = map_of(&[
        &[97, 3],
        &[97, 1],
        &[119, 1, b'a'],
        &[97, 2],
        &[70, 0, 0, 0, 0, 0, 0, 0, 0],
    ]);
    assert_eq!(read::<HashMap<Term, u8>>(&fine).unwrap().len(), 5);
}

#[test]
fn a_key_twice_is_found_among_many_and_by_atom_references() {
    let keys: Vec<[u8; 5]> = (0..200u32)
        .map(|n| {
            let [a, b, c, d] = (n * 7919 % 1009 + 256).to_be_bytes();
            [98, a, b, c, d]
        })
        .collect();
    let mut keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
    assert_eq!(read::<HashMap<i32, u8>>(&map_of(&keys)).unwrap().len(), 200);
    keys.push(keys[17]);
    assert_eq!(
        read::<HashMap<i32, u8>>(&map_of(&keys)),
        Err(DecodeError::DuplicateKey)
    );

    let table = [AtomName::from(atoms::OK), AtomName::from(atoms::ERROR)];
    let bytes = map_of(&[&[82, 0], &[82, 1], &[119, 2, b'o', b'k']]);
    let mut d = Decoder::new(&bytes).atoms(&table);
    assert_eq!(
        decode::<HashMap<Atom, u8>>(&mut d),
        Err(DecodeError::DuplicateKey)
    );
    let mut d = Decoder::new(&bytes).atoms(&table);
    assert_eq!(
        decode::<HashMap<String, u8>>(&mut d),
        Err(DecodeError::DuplicateKey)
    );
    let bytes = map_of(&[&[82, 0], &[82, 1]]);
    let mut d = Decoder::new(&bytes).atoms(&table);
    assert_eq!(decode::<HashMap<String, u8>>(&mut d).unwrap().len(), 2);
    let mut d = Decoder::new(&[82, 2]).atoms(&table);
    assert_eq!(decode::<Shape>(&mut d), Err(DecodeError::UnknownAtomRef(2)));
}

#[test]
fn an_integer_key_is_not_the_index_of_a_field() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct One {
        #[serde(default)]
        a: u8,
    }
    for key in [&[97, 0][..], &[104, 0], &[106], &[109, 0, 0, 0, 1, 0xff]] {
        assert_eq!(read::<One>(&map_of(&[key])).unwrap(), One { a: 0 });
    }
    assert!(read::<One>(&map_of(&[&[119, 1, b'a'], &[119, 1, b'a']])).is_err());
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Strict {}
    assert_eq!(
        read::<Strict>(&map_of(&[&[119, 1, b'b']]))
            .unwrap_err()
            .to_string(),
        "b names no field of Strict"
    );
    assert!(
        read::<Strict>(&map_of(&[&[97, 0]]))
            .unwrap_err()
            .is_mismatch()
    );
}

#[test]
fn what_is_read_interns_nothing() {
    let term = Term::map([
        (atom("shapes"), Term::NIL),
        (atom("tags"), Term::map([]).unwrap()),
    ]);
    let mut bytes = kista_etf::to_vec(&term.unwrap()).unwrap();
    bytes[5] = 3;
    let unknown = |name: &str| {
        let mut e = Encoder::new();
        e.atom_str(name).unwrap();
        e.into_vec()
    };
    bytes.extend(unknown("serde_unknown_field"));
    bytes.extend(unknown("serde_unknown_value"));
    assert!(from_slice::<Drawing>(&bytes).is_ok());
    assert!(from_slice::<serde_json::Value>(&bytes).is_ok());
    assert!(read::<Shape>(&unknown("serde_unknown_variant")).is_err());
    assert!(read::<Option<Shape>>(&unknown("serde_unknown_option")).is_err());
    assert!(read::<bool>(&unknown("serde_unknown_bool")).is_err());
    for name in ["field", "value", "variant", "option", "bool"] {
        assert_eq!(Atom::lookup(&format!("serde_unknown_{name}")), None);
    }
    let quota = AtomQuota::new(0);
    let bytes = unknown("serde_beyond_quota");
    let read_with = |d: &mut Decoder<'_>| {
        (
            decode::<Atom>(&mut d.clone()),
            decode::<AtomName>(&mut d.clone()),
            decode::<Term>(d),
        )
    };
    let (as_atom, as_name, as_term) = read_with(&mut Decoder::new(&bytes).quota(&quota));
    assert!(as_atom.unwrap_err().is_mismatch());
    assert_eq!(as_name.unwrap(), *"serde_beyond_quota");
    assert!(as_term.unwrap().is_atom("serde_beyond_quota"));
}

#[test]
fn a_mismatch_says_where_and_has_not_moved() {
    let mut bytes = kista_etf::to_vec(
        &Term::map([
            (
                atom("shapes"),
                Term::list([atom("empty"), Term::from((atom("circle"), 1))]),
            ),
            (atom("tags"), Term::map([]).unwrap()),
        ])
        .unwrap(),
    )
    .unwrap();
    let error = from_slice::<Drawing>(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "field shapes of Drawing: element 1: field 0 of Circle: expected a float, found an integer"
    );
    bytes.remove(0);
    let mut d = Decoder::new(&bytes);
    assert!(decode::<Drawing>(&mut d).unwrap_err().is_mismatch());
    assert_eq!(d.position(), 0);
    assert!(d.term().is_ok());
    let error = from_term::<Shape>(&atom("square")).unwrap_err();
    assert_eq!(error, DecodeError::UnknownVariant("square".into(), "Shape"));
    let error = from_term::<Drawing>(&Term::map([]).unwrap()).unwrap_err();
    assert_eq!(error, DecodeError::MissingField("shapes"));
    let error =
        from_term::<Drawing>(&Term::map([(atom("shapes"), Term::list([Term::from(1)]))]).unwrap())
            .unwrap_err();
    assert_eq!(
        error.to_string(),
        "field shapes of Drawing: element 0: expected an atom or a tagged tuple, found an integer"
    );
}

#[test]
fn numbers_beyond_the_type_or_the_limit_are_refused() {
    fn out<T>(kind: &'static str) -> Result<T, DecodeError> {
        Err(DecodeError::OutOfRange(kind))
    }
    assert_eq!(read::<u8>(&[98, 0, 0, 1, 0]), out("u8"));
    assert_eq!(read::<i8>(&[97, 128]), out("i8"));
    assert_eq!(read::<u64>(&[98, 255, 255, 255, 255]), out("u64"));
    assert_eq!(
        read::<i64>(&[110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128]),
        out("i64")
    );
    let mut seventeen = vec![110, 17, 0];
    seventeen.extend([1; 17]);
    assert_eq!(
        read::<u128>(&seventeen).map(|_| ()),
        Err(DecodeError::OutOfRange("u128"))
    );
    assert_eq!(
        read::<i128>(&seventeen).map(|_| ()),
        Err(DecodeError::OutOfRange("i128"))
    );
    assert!(read::<serde_json::Value>(&seventeen).is_err());
    assert_eq!(
        read::<f32>(&[70, 0x7e, 0x37, 0xe4, 0x3c, 0x88, 0, 0x75, 0x9c]),
        Err(DecodeError::OutOfRange("f32"))
    );
    assert_eq!(
        read::<f64>(&[70, 127, 240, 0, 0, 0, 0, 0, 0]),
        Err(DecodeError::BadFloat)
    );
    let mut limits = Limits::default();
    limits.bigint_bytes = 16;
    let mut bytes = vec![131];
    bytes.extend(seventeen);
    assert_eq!(
        from_slice_with::<Term>(&bytes, &limits).map_err(|e| e.fault()),
        Err(Fault::Limit)
    );
    limits.recursion = 2;
    let bytes = to_vec(&vec![vec![vec![1]]]).unwrap();
    assert_eq!(
        from_slice_with::<Vec<Vec<Vec<u8>>>>(&bytes, &limits),
        Err(DecodeError::TooDeep(2))
    );
}

#[test]
fn improper_lists_and_short_readers_are_errors() {
    assert_eq!(
        read::<Vec<u8>>(&[108, 0, 0, 0, 1, 97, 1, 97, 2]),
        Err(DecodeError::Improper)
    );
    assert!(from_term::<Vec<u8>>(&Term::improper([Term::from(1)], Term::from(2))).is_err());
    assert!(read::<serde_json::Value>(&[108, 0, 0, 0, 1, 97, 1, 97, 2]).is_err());

    struct First(u8);
    impl<'de> Deserialize<'de> for First {
        fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            struct Visitor;
            impl<'de> serde::de::Visitor<'de> for Visitor {
                type Value = First;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a list")
                }
                fn visit_seq<A: serde::de::SeqAccess<'de>>(
                    self,
                    mut seq: A,
                ) -> Result<First, A::Error> {
                    Ok(First(seq.next_element()?.unwrap_or(0)))
                }
            }
            d.deserialize_seq(Visitor)
        }
    }
    assert_eq!(read::<First>(&[107, 0, 1, 7]).unwrap().0, 7);
    assert_eq!(read::<First>(&[108, 0, 0, 0, 1, 97, 7, 106]).unwrap().0, 7);
    for longer in [
        &[107, 0, 2, 7, 8][..],
        &[108, 0, 0, 0, 2, 97, 7, 97, 8, 106],
    ] {
        assert!(
            read::<First>(longer)
                .map(|first| first.0)
                .unwrap_err()
                .is_mismatch()
        );
    }
}

#[test]
fn nothing_is_allocated_for_names_and_borrowed_values() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Message<'a> {
        Ping,
        PutValue {
            key: &'a str,
            value: &'a [u8],
            version: u64,
            ttl: Option<u32>,
        },
        Pair(&'a str, bool),
    }
    // serde writes `&[u8]` as a list: as bytes it comes from elsewhere.
    let put = Term::from((
        atom("put_value"),
        Term::map([
            (atom("key"), Term::from("k")),
            (atom("value"), Term::from(&[1, 2][..])),
            (atom("version"), Term::from(u64::MAX)),
            (atom("ttl"), atom("undefined")),
            (atom("more"), Term::list([Term::from(1)])),
        ])
        .unwrap(),
    ));
    let put = kista_etf::to_vec(&put).unwrap();
    let pair = to_vec(&Message::Pair("a", true)).unwrap();
    let ping = to_vec(&Message::Ping).unwrap();
    let mut e = Encoder::new();
    e.raw(&[0; 1024]);
    for (bytes, message) in [
        (
            &put,
            Message::PutValue {
                key: "k",
                value: &[1, 2],
                version: u64::MAX,
                ttl: None,
            },
        ),
        (&pair, Message::Pair("a", true)),
        (&ping, Message::Ping),
    ] {
        e.clear();
        let info = measure(|| {
            let mut d = Decoder::new(&bytes[1..]);
            assert_eq!(decode::<Message<'_>>(&mut d).unwrap(), message);
            kista_etf::serde::encode(&message, &mut e).unwrap();
        });
        assert_eq!(info.count_total, 0, "{message:?}");
    }
}

fn survives<T: DeserializeOwned>(bytes: &[u8]) {
    let mut d = Decoder::new(bytes);
    if let Err(error) = decode::<T>(&mut d) {
        assert_eq!(d.position(), 0);
        assert!(!error.to_string().is_empty());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        survives::<Drawing>(&bytes);
        survives::<serde_json::Value>(&bytes);
        survives::<HashMap<Term, Option<Shape>>>(&bytes);
        survives::<Vec<Result<(), std::time::Duration>>>(&bytes);
    }

    #[test]
    fn any_damage_is_read_or_refused(at in any::<prop::sample::Index>(), byte in any::<u8>(), more in any::<prop::sample::Index>(), other in any::<u8>()) {
        let mut bytes = to_vec(&drawing()).unwrap();
        bytes.remove(0);
        let len = bytes.len();
        bytes[at.index(len)] = byte;
        bytes[more.index(len)] = other;
        survives::<Drawing>(&bytes);
        survives::<serde_json::Value>(&bytes);
        let as_term = Decoder::new(&bytes).term();
        let as_value = decode::<Drawing>(&mut Decoder::new(&bytes));
        // What is no term is nothing else either; skipped parts are not looked at that closely.
        if let (Err(error), Ok(_)) = (&as_term, &as_value) {
            prop_assert!(matches!(error, DecodeError::AtomNotUtf8 | DecodeError::BadFloat | DecodeError::DuplicateKey), "{error}");
        }
    }
}
