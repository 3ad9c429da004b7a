//! The derives, through the wire format and against hand-written terms.

use std::fmt::Debug;

use kista_etf::{
    Atom, Decode, DecodeError, DecodeOwned, Encode, Pid, Term, atoms, from_slice, to_vec,
};

fn agrees<T: Encode + DecodeOwned + PartialEq + Debug>(value: T, text: &str) {
    let bytes = to_vec(&value).unwrap();
    assert_eq!(from_slice::<Term>(&bytes).unwrap().to_string(), text);
    assert_eq!(from_slice::<T>(&bytes).unwrap(), value);
}

fn read<T: DecodeOwned>(term: impl Into<Term>) -> Result<T, DecodeError> {
    from_slice(&to_vec(&term.into()).unwrap())
}

fn atom(text: &str) -> Term {
    Term::from(Atom::new(text).unwrap())
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Request {
    Get,
    Add(i64),
    GetMany {
        first: u8,
        last: u8,
    },
    #[etf(rename = "$set")]
    Set(String, Option<Box<Self>>),
}

#[test]
fn enums_are_atoms_and_tagged_tuples() {
    agrees(Request::Get, "get");
    agrees(Request::Add(-2), "{add,-2}");
    agrees(
        Request::GetMany { first: 1, last: 2 },
        "{get_many,#{first => 1,last => 2}}",
    );
    agrees(
        Request::Set("x".into(), None),
        "{'$set',<<\"x\">>,undefined}",
    );
    agrees(
        Request::Set("x".into(), Some(Box::new(Request::Get))),
        "{'$set',<<\"x\">>,get}",
    );
}

#[test]
fn another_tag_arity_or_kind_is_a_mismatch_not_a_broken_message() {
    for term in [
        Term::from((atom("add"),)),
        Term::from((atom("add"), 1, 2)),
        Term::from((atom("sub"), 1)),
        Term::from((atom("add"), "text")),
        Term::from((1, 2)),
        Term::tuple([]),
        atom("add"),
        Term::from(1),
        Term::NIL,
    ] {
        let error = read::<Request>(term.clone()).unwrap_err();
        assert!(error.is_mismatch(), "{term}: {error}");
    }
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Open {
    Known(u8),
    #[etf(other)]
    Other(Term),
}

#[test]
fn other_takes_what_no_variant_takes() {
    agrees(Open::Known(1), "{known,1}");
    agrees(Open::Other(Term::from((atom("unknown"), 1))), "{unknown,1}");
    assert_eq!(read::<Open>(Term::NIL).unwrap(), Open::Other(Term::NIL));
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Settings<T> {
    name: String,
    r#type: Option<T>,
    #[etf(default)]
    port: u16,
    #[etf(rename = "Verbose")]
    verbose: bool,
    #[etf(skip)]
    cached: usize,
}

#[test]
fn structs_are_maps_with_atom_keys() {
    agrees(
        Settings {
            name: "a".into(),
            r#type: Some(1u8),
            port: 2,
            verbose: true,
            cached: 0,
        },
        "#{'Verbose' => true,name => <<\"a\">>,port => 2,type => 1}",
    );
}

#[test]
fn missing_fields_take_defaults_and_unknown_ones_are_ignored() {
    let pairs = |extra: &[(Term, Term)]| {
        let mut pairs = vec![
            (atom("name"), Term::from("a")),
            (atom("Verbose"), Term::from(true)),
        ];
        pairs.extend_from_slice(extra);
        Term::map(pairs).unwrap()
    };
    let plain = Settings::<u8> {
        name: "a".into(),
        r#type: None,
        port: 0,
        verbose: true,
        cached: 0,
    };
    assert_eq!(read::<Settings<u8>>(pairs(&[])).unwrap(), plain);
    assert_eq!(
        read::<Settings<u8>>(pairs(&[
            (Term::from("name"), Term::NIL),
            (atom("more"), Term::NIL)
        ]))
        .unwrap(),
        plain
    );
    let error =
        read::<Settings<u8>>(Term::map([(atom("name"), Term::from("a"))]).unwrap()).unwrap_err();
    assert_eq!(error.root(), &DecodeError::MissingField("Verbose"));
}

#[test]
fn a_field_twice_is_refused() {
    let once = to_vec(&Term::map([(atom("a"), Term::from(1))]).unwrap()).unwrap();
    let mut twice = once.clone();
    twice[5] = 2;
    twice.extend_from_slice(&once[6..]);
    #[derive(Debug, Decode)]
    struct One {
        #[expect(dead_code)]
        a: u8,
    }
    assert_eq!(
        from_slice::<One>(&twice).unwrap_err(),
        DecodeError::DuplicateKey
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(record)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(tuple)]
struct Pair {
    x: i32,
    y: i32,
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Meters(f64);

#[derive(Debug, PartialEq, Encode, Decode)]
struct Both(Meters, Pid);

#[derive(Debug, PartialEq, Encode, Decode)]
struct AllDone;

#[test]
fn structs_are_records_tuples_values_or_atoms() {
    agrees(Point { x: 1, y: 2 }, "{point,1,2}");
    agrees(Pair { x: 1, y: 2 }, "{1,2}");
    agrees(Meters(1.5), "1.5");
    agrees(
        Both(
            Meters(1.5),
            Pid {
                node: atoms::OK,
                id: 1,
                serial: 2,
                creation: 3,
            },
        ),
        "{1.5,<ok.1.2/3>}",
    );
    agrees(AllDone, "all_done");
    assert!(
        read::<Point>((atom("pixel"), 1, 2))
            .unwrap_err()
            .is_mismatch()
    );
    assert!(read::<AllDone>(atoms::OK).unwrap_err().is_mismatch());
}

#[test]
fn borrowed_fields_are_parts_of_the_input() {
    #[derive(Debug, PartialEq, Decode)]
    enum Line<'a> {
        Text(&'a str),
        #[etf(tuple)]
        Data {
            bytes: &'a [u8],
        },
    }
    let bytes = to_vec(&(atom("text"), "hello")).unwrap();
    let mut d = kista_etf::Decoder::new(&bytes[1..]);
    let Line::Text(text) = Line::decode(&mut d).unwrap() else {
        panic!()
    };
    assert!(bytes.as_ptr_range().contains(&text.as_ptr()));
    let bytes = to_vec(&(atom("data"), "raw")).unwrap();
    let mut d = kista_etf::Decoder::new(&bytes[1..]);
    assert_eq!(Line::decode(&mut d).unwrap(), Line::Data { bytes: b"raw" });
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Tree {
    Leaf,
    Node(Box<Self>),
}

#[test]
fn a_recursive_type_ends_before_the_stack_does() {
    let mut bytes = vec![131];
    for _ in 0..1_000_000 {
        bytes.extend_from_slice(&[104, 2, 119, 4, b'n', b'o', b'd', b'e']);
    }
    bytes.extend_from_slice(&[119, 4, b'l', b'e', b'a', b'f']);
    assert_eq!(from_slice::<Tree>(&bytes), Err(DecodeError::TooDeep(256)));
    assert!(from_slice::<Tree>(&bytes[..20]).is_err());
    let mut fine = vec![131];
    fine.extend_from_slice(&bytes[bytes.len() - 6 - 8 * 200..]);
    assert!(from_slice::<Tree>(&fine).is_ok());
}
