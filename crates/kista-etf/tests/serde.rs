//! serde, against the derives: one value has one form, whichever way it is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::time::{Duration, SystemTime};

use kista_etf::{
    Atom, AtomName, Binary, BitString, Decode, DecodeError, DecodeOwned, Encode, Encoder, Pid,
    Port, Reference, Term, atoms,
};
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Writes with serde, as bytes (with and without an atom table) and as a term, and reads all of them back.
fn is_written<T: Serialize + DeserializeOwned + PartialEq + Debug>(
    value: &T,
    text: &str,
) -> Vec<u8> {
    let bytes = kista_etf::serde::to_vec(value).unwrap();
    let term: Term = kista_etf::from_slice(&bytes).unwrap();
    assert_eq!(term.to_string(), text);
    assert_eq!(&kista_etf::serde::from_slice::<T>(&bytes).unwrap(), value);

    assert_eq!(kista_etf::serde::to_term(value).unwrap(), term);
    assert_eq!(&kista_etf::serde::from_term::<T>(&term).unwrap(), value);

    let mut e = Encoder::with_atom_table();
    kista_etf::serde::encode(value, &mut e).unwrap();
    let atoms: Vec<AtomName> = e.atoms().iter().map(|atom| (*atom).into()).collect();
    let payload = e.to_vec();
    let mut d = kista_etf::Decoder::new(&payload).atoms(&atoms);
    let owned: T = {
        let mut d = d.clone();
        let term = d.term().unwrap();
        kista_etf::serde::from_term(&term).unwrap()
    };
    assert_eq!(&owned, value);
    d.skip().unwrap();
    d.finish().unwrap();
    bytes
}

/// The same, and the derive does the same.
fn agrees<T>(value: T, text: &str)
where
    T: Encode + DecodeOwned + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let bytes = is_written(&value, text);
    assert_eq!(kista_etf::to_vec(&value).unwrap(), bytes);
    assert_eq!(kista_etf::from_slice::<T>(&bytes).unwrap(), value);
    let table = |encode: &dyn Fn(&mut Encoder)| {
        let mut e = Encoder::with_atom_table();
        encode(&mut e);
        (e.to_vec(), e.atoms().to_vec())
    };
    assert_eq!(
        table(&|e| kista_etf::serde::encode(&value, e).unwrap()),
        table(&|e| value.encode(e).unwrap()),
    );
}

fn atom(text: &str) -> Term {
    Term::from(Atom::new(text).unwrap())
}

fn read<T: DeserializeOwned>(term: impl Into<Term>) -> Result<T, DecodeError> {
    let term = term.into();
    let bytes = kista_etf::to_vec(&term).unwrap();
    let by_bytes = kista_etf::serde::from_slice(&bytes);
    let by_term = kista_etf::serde::from_term::<T>(&term);
    assert_eq!(by_bytes.is_ok(), by_term.is_ok(), "{term}");
    by_bytes
}

#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
enum Request {
    Get,
    GetAll,
    HTTPServer(u8),
    Add(i64),
    AddTwo(i64, Option<String>),
    Empty(),
    #[etf(rename = "$set")]
    #[serde(rename = "$set")]
    Set(String, Option<Box<Self>>),
    Named {
        first: u8,
        r#type: Option<Box<Self>>,
    },
    NoField {},
    #[etf(rename = "DOWN")]
    #[serde(rename = "DOWN")]
    Down(Reference),
}

#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
struct User<T> {
    name: String,
    r#type: Option<T>,
    #[etf(default)]
    #[serde(default)]
    port: u16,
    #[etf(rename = "Verbose")]
    #[serde(rename = "Verbose")]
    verbose: bool,
    #[etf(skip)]
    #[serde(skip)]
    cached: usize,
}

#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
struct Meters(f64);

#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
struct Both(Meters, Pid);

#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
struct AllDone;

#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
struct Nothing {}

#[derive(Debug, Clone, PartialEq, Encode, Decode, Serialize, Deserialize)]
struct Everything {
    bytes: Vec<u8>,
    small: [i64; 0],
    numbers: (i8, i16, i32, i64, i128, u8, u16, u32, u64, u128),
    floats: (f32, f64),
    text: (char, String),
    flags: (bool, ()),
    sets: BTreeSet<i32>,
    by_name: BTreeMap<String, Meters>,
    by_request: HashMap<u8, Request>,
    results: Vec<Result<Request, AllDone>>,
    boxed: Option<Box<(Nothing,)>>,
    exact: (Atom, Term, Binary, BitString, Port),
}

fn pid() -> Pid {
    Pid {
        node: atoms::OK,
        id: 1,
        serial: 2,
        creation: 3,
    }
}

fn reference() -> Reference {
    Reference::new(atoms::OK, 1, &[1, 2, 3]).unwrap()
}

fn everything() -> Everything {
    Everything {
        bytes: vec![1, 2, 255],
        small: [],
        numbers: (
            i8::MIN,
            i16::MIN,
            i32::MIN,
            i64::MIN,
            i128::MIN,
            u8::MAX,
            u16::MAX,
            u32::MAX,
            u64::MAX,
            u128::MAX,
        ),
        floats: (1.5, -0.0),
        text: ('é', "ü".into()),
        flags: (false, ()),
        sets: [3, 1].into(),
        by_name: [("b".into(), Meters(2.0)), ("a".into(), Meters(1.0))].into(),
        by_request: [(1, Request::Get)].into(),
        results: vec![Ok(Request::Add(1)), Err(AllDone)],
        boxed: Some(Box::new((Nothing {},))),
        exact: (
            atoms::OK,
            Term::improper([Term::from(1)], atom("tail")),
            Binary::from(&[0xff][..]),
            BitString::new(&[0b1010_0000][..], 3).unwrap(),
            Port {
                node: atoms::OK,
                id: u64::MAX,
                creation: 1,
            },
        ),
    }
}

#[test]
fn enums_are_atoms_and_tagged_tuples() {
    agrees(Request::Get, "get");
    agrees(Request::GetAll, "get_all");
    agrees(Request::HTTPServer(1), "{http_server,1}");
    agrees(Request::Add(-2), "{add,-2}");
    agrees(Request::AddTwo(1, None), "{add_two,1,undefined}");
    agrees(Request::Empty(), "empty");
    agrees(
        Request::Set("x".into(), Some(Box::new(Request::Get))),
        "{'$set',<<\"x\">>,get}",
    );
    agrees(
        Request::Named {
            first: 1,
            r#type: Some(Box::new(Request::Get)),
        },
        "{named,#{first => 1,type => get}}",
    );
    agrees(Request::NoField {}, "{no_field,#{}}");
    agrees(Request::Down(reference()), "{'DOWN',#Ref<ok.3.2.1/1>}");
}

#[test]
fn structs_are_maps_values_tuples_or_atoms() {
    agrees(
        User {
            name: "a".into(),
            r#type: Some(1u8),
            port: 2,
            verbose: true,
            cached: 0,
        },
        "#{'Verbose' => true,name => <<\"a\">>,port => 2,type => 1}",
    );
    agrees(Meters(1.5), "1.5");
    agrees(Both(Meters(1.5), pid()), "{1.5,<ok.1.2/3>}");
    agrees(AllDone, "all_done");
    agrees(Nothing {}, "#{}");
    agrees(PhantomData::<u8>, "ok");
}

#[test]
fn standard_types_have_the_form_of_this_crate() {
    agrees(Some(1u8), "1");
    agrees(None::<u8>, "undefined");
    agrees(Ok::<u8, String>(1), "{ok,1}");
    agrees(Err::<u8, String>("e".into()), "{error,<<\"e\">>}");
    agrees(Ok::<(), AllDone>(()), "ok");
    agrees(Err::<(), AllDone>(AllDone), "{error,all_done}");
    agrees(Duration::new(2, 3), "2000000003");
    agrees(Duration::ZERO, "0");
    agrees(SystemTime::UNIX_EPOCH + Duration::from_nanos(5), "5");
    agrees(
        vec![
            (Some(Duration::MAX), Ok::<(), Duration>(())),
            (None, Err(Duration::from_secs(1))),
        ],
        "[{18446744073709551615999999999,ok},{undefined,{error,1000000000}}]",
    );
    agrees(vec![1u16, 300], "[1,300]");
    agrees(Vec::<u8>::new(), "[]");
    // serde does not tell it from the null of other formats.
    is_written(&(), "undefined");
    agrees(u128::MAX, &u128::MAX.to_string());
    agrees(i128::MIN, &i128::MIN.to_string());
    agrees(HashMap::from([("a".to_string(), 1)]), "#{<<\"a\">> => 1}");
}

#[test]
fn many_types_at_once() {
    let value = everything();
    let bytes = is_written(
        &value,
        &Term::to_string(&kista_etf::serde::to_term(&value).unwrap()),
    );
    // An empty array is the one that an array has in common with a tuple: nothing but its brackets. And a unit is `undefined`.
    let derived = kista_etf::to_vec(&value).unwrap();
    assert_eq!(
        derived.len() + 1 + "undefined".len() - "ok".len(),
        bytes.len()
    );
    assert_eq!(
        kista_etf::serde::from_slice::<Everything>(&derived).unwrap(),
        value
    );
}

#[test]
fn the_order_of_decoders_does_not_matter() {
    let request = Request::Set(
        "x".into(),
        Some(Box::new(Request::AddTwo(7, Some("y".into())))),
    );
    let by_derive = kista_etf::to_vec(&request).unwrap();
    assert_eq!(
        kista_etf::serde::from_slice::<Request>(&by_derive).unwrap(),
        request
    );
    let by_serde = kista_etf::serde::to_vec(&request).unwrap();
    assert_eq!(
        kista_etf::from_slice::<Request>(&by_serde).unwrap(),
        request
    );
}

/// What reads as the one reads as the other, and as the same value; or neither reads it.
fn read_alike<T>(term: &Term)
where
    T: DecodeOwned + DeserializeOwned + PartialEq + Debug,
{
    let bytes = kista_etf::to_vec(term).unwrap();
    let by_derive = kista_etf::from_slice::<T>(&bytes);
    let by_serde = read::<T>(term.clone());
    match (by_derive, by_serde) {
        (Ok(a), Ok(b)) => assert_eq!(a, b, "{term}"),
        (Err(a), Err(b)) => assert_eq!(a.fault(), b.fault(), "{term}: {a}; {b}"),
        (a, b) => panic!("{term}: derive {a:?}, serde {b:?}"),
    }
}

fn read_alike_as_all(term: &Term) {
    read_alike::<Request>(term);
    read_alike::<User<u8>>(term);
    read_alike::<Meters>(term);
    read_alike::<Both>(term);
    read_alike::<AllDone>(term);
    read_alike::<Nothing>(term);
    read_alike::<Option<Vec<Option<i16>>>>(term);
    read_alike::<Result<Request, String>>(term);
    read_alike::<BTreeMap<i8, Request>>(term);
    read_alike::<BTreeMap<Atom, Term>>(term);
    read_alike::<Vec<u8>>(term);
    read_alike::<char>(term);
    read_alike::<f32>(term);
    read_alike::<f64>(term);
    read_alike::<bool>(term);
    read_alike::<u128>(term);
    read_alike::<i128>(term);
    read_alike::<u64>(term);
    read_alike::<Binary>(term);
    read_alike::<BitString>(term);
    read_alike::<Pid>(term);
    read_alike::<Reference>(term);
    read_alike::<Term>(term);
}

#[test]
fn what_does_not_fit_fits_neither_way() {
    let atom_key = |key: &str, value: Term| (atom(key), value);
    for term in [
        Term::from((atom("add"),)),
        Term::from((atom("add"), 1)),
        Term::from((atom("add"), 1, 2)),
        Term::from((atom("sub"), 1)),
        Term::from((atom("add"), "text")),
        Term::from((atom("Add"), 1)),
        Term::from((atom("get"), 1)),
        Term::from(("add", 1)),
        Term::from((1, 2)),
        Term::tuple([]),
        atom("add"),
        atom("Get"),
        atom("get"),
        atom("empty"),
        Term::from((atom("empty"),)),
        Term::from("get"),
        Term::from("é"),
        Term::from(""),
        Term::from(1),
        Term::from(-1),
        Term::from(1.5),
        Term::from(1e300),
        Term::from(i128::MAX),
        Term::from(i128::MIN),
        Term::big(kista_etf::BigInt::from(u128::MAX)),
        Term::big(kista_etf::BigInt::from(u128::MAX) + 1),
        Term::big(-kista_etf::BigInt::from(u128::MAX)),
        Term::NIL,
        atom("nil"),
        atom("undefined"),
        atom("ok"),
        atom("true"),
        atom("all_done"),
        atom("AllDone"),
        Term::from((atom("ok"), atom("get"))),
        Term::from((atom("ok"), atom("ok"))),
        Term::from((atom("error"), "e")),
        Term::from((atom("err"), "e")),
        Term::list([Term::from(1), atom("nil"), Term::from(2)]),
        Term::list([Term::from(1), Term::from(300)]),
        Term::list([Term::from((1, true))]),
        Term::improper([Term::from(1)], Term::from(2)),
        Term::from(&[0xff, 0xfe][..]),
        Term::from(BitString::new(&[0x80][..], 1).unwrap()),
        Term::from(pid()),
        Term::from(reference()),
        Term::map([]).unwrap(),
        Term::map([(Term::from(1), atom("get"))]).unwrap(),
        Term::map([
            (Term::from(1), Term::from((1, 2))),
            (Term::from(2.5), atom("get")),
        ])
        .unwrap(),
        Term::map([
            atom_key("name", Term::from("a")),
            atom_key("Verbose", atom("true")),
            (Term::from(7), Term::NIL),
            (Term::from((1, 2)), Term::NIL),
            (Term::from(&[0xff][..]), Term::NIL),
            atom_key("more", Term::NIL),
        ])
        .unwrap(),
        Term::map([atom_key("name", Term::from("a"))]).unwrap(),
        Term::map([
            atom_key("name", atom("a")),
            atom_key("Verbose", atom("true")),
        ])
        .unwrap(),
    ] {
        read_alike_as_all(&term);
    }
}

/// Where serde cannot follow: it does not tell an array from a tuple.
#[test]
fn an_array_is_written_as_a_tuple_and_read_from_both() {
    is_written(&[1u8, 2], "{1,2}");
    for term in [
        Term::from((1, 2)),
        Term::list([Term::from(1), Term::from(2)]),
    ] {
        assert_eq!(read::<[u8; 2]>(term.clone()).unwrap(), [1, 2]);
        assert_eq!(read::<(u8, u8)>(term).unwrap(), (1, 2));
    }
    let list = kista_etf::to_vec(&[1u8, 2, 3]).unwrap();
    assert!(
        kista_etf::serde::from_slice::<[u8; 2]>(&list)
            .unwrap_err()
            .is_mismatch()
    );
    assert!(read::<[u8; 2]>((1, 2, 3)).unwrap_err().is_mismatch());
    assert!(read::<Both>(Term::list([Term::from(1.5), Term::from(pid())])).is_err());
}

/// Where serde is more tolerant: keys may be binaries, as Elixir has them from JSON.
#[test]
fn keys_are_atoms_or_binaries() {
    let user = User {
        name: "a".into(),
        r#type: None::<u8>,
        port: 0,
        verbose: true,
        cached: 0,
    };
    let binaries = Term::map([("name".into(), "a".into()), ("Verbose".into(), true.into())]);
    assert_eq!(read::<User<u8>>(binaries.unwrap()).unwrap(), user);
    let both = Term::map([
        (atom("name"), "a".into()),
        ("name".into(), "b".into()),
        (atom("Verbose"), true.into()),
    ]);
    assert!(read::<User<u8>>(both.unwrap()).unwrap_err().is_mismatch());

    let map = Term::map([(atom("a"), Term::from(1)), ("b".into(), Term::from(2))]).unwrap();
    let by_name = BTreeMap::from([("a".to_string(), 1), ("b".to_string(), 2)]);
    assert_eq!(read::<BTreeMap<String, u8>>(map).unwrap(), by_name);
}

fn any_term() -> impl Strategy<Value = Term> {
    let name = prop::sample::select(vec![
        "get",
        "add",
        "$set",
        "nil",
        "undefined",
        "true",
        "ok",
        "error",
        "name",
        "Verbose",
        "type",
        "port",
        "all_done",
        "add_two",
    ]);
    let leaf = prop_oneof![
        4 => name.prop_map(atom),
        2 => any::<i64>().prop_map(Term::from),
        2 => (0i64..256).prop_map(Term::from),
        1 => any::<i128>().prop_map(Term::from),
        1 => prop::num::f64::NORMAL.prop_map(Term::from),
        2 => ".{0,2}".prop_map(Term::from),
        1 => any::<Vec<u8>>().prop_map(|bytes| Term::from(&*bytes)),
        1 => any::<u32>().prop_map(|id| Term::from(Pid { id, ..pid() })),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let key = prop_oneof![
            3 => prop::sample::select(vec!["name", "Verbose", "type", "port", "x"]).prop_map(atom),
            1 => (0i64..9).prop_map(Term::from),
        ];
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 0..4).prop_map(Term::tuple),
            2 => prop::collection::vec(inner.clone(), 0..5).prop_map(Term::list),
            1 => (prop::collection::vec(inner.clone(), 1..3), inner.clone())
                .prop_map(|(items, tail)| Term::improper(items, tail)),
            3 => prop::collection::btree_map(key, inner, 0..5)
                .prop_map(|pairs| Term::map(pairs).unwrap()),
        ]
    })
}

proptest! {
    #[test]
    fn any_term_is_read_as_the_derives_read_it(term in any_term()) {
        read_alike_as_all(&term);
    }

    #[test]
    fn any_term_in_a_serde_struct_comes_back_as_it_was(term in any_term()) {
        let value = vec![(term.clone(), Some(Box::new(term)))];
        let bytes = kista_etf::serde::to_vec(&value).unwrap();
        prop_assert_eq!(&bytes, &kista_etf::to_vec(&value).unwrap());
        // A term that is `undefined` is none, as it is for the derives.
        prop_assert_eq!(
            kista_etf::serde::from_slice::<Vec<(Term, Option<Box<Term>>)>>(&bytes).unwrap(),
            kista_etf::from_slice::<Vec<(Term, Option<Box<Term>>)>>(&bytes).unwrap()
        );
        prop_assert_eq!(kista_etf::serde::to_term(&value).unwrap(), kista_etf::from_slice::<Term>(&bytes).unwrap());
    }

    #[test]
    fn any_value_comes_back(
        numbers in any::<(i8, i64, i128, u8, u64, u128)>(),
        floats in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 0..9),
        texts in prop::collection::btree_map(".*", any::<Option<char>>(), 0..9),
        results in prop::collection::vec(any::<Result<bool, Vec<u8>>>(), 0..9),
    ) {
        let value = (numbers, floats, texts, results);
        let bytes = kista_etf::serde::to_vec(&value).unwrap();
        prop_assert_eq!(&bytes, &kista_etf::to_vec(&value).unwrap());
        let term = kista_etf::serde::to_term(&value).unwrap();
        let by_term = kista_etf::serde::from_term(&term);
        let by_bytes = kista_etf::serde::from_slice(&bytes);
        prop_assert_eq!((by_term.as_ref(), by_bytes.as_ref()), (Ok(&value), Ok(&value)));
    }
}
