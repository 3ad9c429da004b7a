//! serde's ways to set things aside, and other formats.

use std::collections::BTreeMap;

use bytes::Bytes;
use kista_etf::serde::{from_slice, from_slice_borrowed, from_term, to_term, to_vec};
use kista_etf::{
    Atom, AtomName, BigInt, Binary, BitString, Decoder, Encode, Encoder, Limits, Pid, Port,
    Reference, Term, atoms,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

fn atom(text: &str) -> Term {
    Term::from(Atom::new(text).unwrap())
}

fn pid() -> Pid {
    Pid {
        node: Atom::new("a@b").unwrap(),
        id: 1,
        serial: 2,
        creation: 3,
    }
}

fn round<T: Serialize + for<'a> Deserialize<'a> + PartialEq + std::fmt::Debug>(
    value: &T,
    text: &str,
) {
    let bytes = to_vec(value).unwrap();
    assert_eq!(
        kista_etf::from_slice::<Term>(&bytes).unwrap().to_string(),
        text
    );
    assert_eq!(&from_slice::<T>(&bytes).unwrap(), value);
    let term = to_term(value).unwrap();
    assert_eq!(term.to_string(), text);
    assert_eq!(&from_term::<T>(&term).unwrap(), value);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Color {
    Red,
    DarkBlue,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    label: Option<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(u64),
    Negative(i64),
    Fraction(f64),
    Yes(bool),
    Color(Color),
    Text(String),
    Pair(u8, Vec<u8>),
    Point(Point),
    Process { pid: Pid },
    Reference(Reference),
}

#[test]
fn untagged_enums() {
    round(&Untagged::Number(u64::MAX), "18446744073709551615");
    round(&Untagged::Negative(-1), "-1");
    round(&Untagged::Fraction(1.5), "1.5");
    round(&Untagged::Yes(true), "true");
    round(&Untagged::Color(Color::DarkBlue), "dark_blue");
    round(&Untagged::Text("x".into()), "<<\"x\">>");
    round(&Untagged::Pair(1, vec![2]), "{1,[2]}");
    round(
        &Untagged::Point(Point { x: 1, label: None }),
        "#{label => undefined,x => 1}",
    );
    round(&Untagged::Process { pid: pid() }, "#{pid => <a@b.1.2/3>}");
    round(
        &Untagged::Reference(Reference::new(atoms::OK, 1, &[1, 2]).unwrap()),
        "#Ref<ok.2.1/1>",
    );
    let error = from_slice::<Untagged>(&to_vec(&vec![1.5]).unwrap()).unwrap_err();
    assert!(error.is_mismatch());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Internal {
    Quit,
    Move(Point),
    Write { text: String, color: Color },
}

#[test]
fn internally_tagged_enums() {
    round(&Internal::Quit, "#{type => <<\"quit\">>}");
    round(
        &Internal::Move(Point {
            x: 1,
            label: Some("a".into()),
        }),
        "#{label => <<\"a\">>,type => <<\"move\">>,x => 1}",
    );
    let write = Internal::Write {
        text: "t".into(),
        color: Color::Red,
    };
    round(
        &write,
        "#{color => red,text => <<\"t\">>,type => <<\"write\">>}",
    );
    // An Erlang node would rather say it with an atom, and Elixir's JSON with binaries.
    for key in [atom, |text: &str| Term::from(text)] {
        let term = Term::map([
            (key("text"), Term::from("t")),
            (key("type"), atom("write")),
            (key("color"), key("red")),
        ]);
        assert_eq!(from_term::<Internal>(&term.unwrap()).unwrap(), write);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Quit,
    Move(Point),
    Pair(u8, Color),
}

#[test]
fn adjacently_tagged_enums() {
    round(&Adjacent::Quit, "#{t => quit}");
    round(&Adjacent::Pair(1, Color::Red), "#{c => {1,red},t => pair}");
    round(
        &Adjacent::Move(Point { x: 1, label: None }),
        "#{c => #{label => undefined,x => 1},t => move}",
    );
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    point: Point,
    #[serde(flatten)]
    rest: BTreeMap<String, Option<u8>>,
}

#[test]
fn flattened_structs() {
    let flat = Flat {
        id: 1,
        point: Point { x: 2, label: None },
        rest: [("a".into(), Some(3)), ("b".into(), None)].into(),
    };
    let text = r#"#{<<"a">> => 3,<<"b">> => undefined,<<"id">> => 1,<<"label">> => undefined,<<"x">> => 2}"#;
    round(&flat, text);
    let atoms = Term::map([
        (atom("id"), Term::from(1)),
        (atom("x"), Term::from(2)),
        (atom("a"), Term::from(3)),
        (atom("b"), atom("nil")),
    ]);
    assert_eq!(from_term::<Flat>(&atoms.unwrap()).unwrap(), flat);
}

#[test]
fn fields_that_are_skipped_are_not_counted() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Skipping {
        Some {
            #[serde(skip_serializing_if = "Option::is_none", default)]
            a: Option<u8>,
            b: u8,
        },
    }
    round(&Skipping::Some { a: None, b: 1 }, "{some,#{b => 1}}");
    round(
        &Skipping::Some { a: Some(2), b: 1 },
        "{some,#{a => 2,b => 1}}",
    );
}

#[test]
fn an_unknown_variant_is_taken_by_other() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Known {
        One,
        #[serde(other)]
        Other,
    }
    for term in [atom("two"), Term::from((atom("two"), 1, 2))] {
        assert_eq!(from_term::<Known>(&term).unwrap(), Known::Other);
        let bytes = to_vec(&(term, 7)).unwrap();
        assert_eq!(
            from_slice::<(Known, u8)>(&bytes).unwrap(),
            (Known::Other, 7)
        );
    }
    assert_eq!(from_term::<Known>(&atom("one")).unwrap(), Known::One);
    assert!(
        from_term::<Known>(&Term::from((atom("one"), 1)))
            .unwrap_err()
            .is_mismatch()
    );
}

/// One of everything.
fn terms() -> Vec<(Term, serde_json::Value)> {
    let parts = json!({"node": "a@b", "id": 1, "serial": 2, "creation": 3});
    let improper = Term::improper([Term::from(1)], Term::from(2));
    vec![
        (Term::from(1), json!(1)),
        (Term::from(u64::MAX), json!(u64::MAX)),
        (Term::from(-1), json!(-1)),
        (Term::from(1.5), json!(1.5)),
        (Term::from(true), json!(true)),
        (atom("undefined"), json!(null)),
        (atom("nil"), json!(null)),
        (atom("ok"), json!("ok")),
        (Term::from("text"), json!("text")),
        (Term::charlist("ab"), json!([97, 98])),
        (Term::from((1, "a")), json!([1, "a"])),
        (Term::NIL, json!([])),
        (
            Term::map([(atom("a"), Term::from(1)), ("b".into(), Term::NIL)]).unwrap(),
            json!({"a": 1, "b": []}),
        ),
        (Term::from(pid()), parts),
        (
            Term::from(Reference::new(atoms::OK, 1, &[7, 8, 9]).unwrap()),
            json!({"node": "ok", "creation": 1, "words": [7, 8, 9]}),
        ),
        (
            Term::from(Port {
                node: atoms::OK,
                id: u64::MAX,
                creation: 1,
            }),
            json!({"node": "ok", "id": u64::MAX, "creation": 1}),
        ),
        (improper, json!({"elements": [1], "tail": 2})),
        (
            Term::from(BitString::new(&b"a\x80"[..], 1).unwrap()),
            json!({"bytes": "a\u{0}", "bits": 1}),
        ),
    ]
}

#[test]
fn a_term_in_json_is_as_near_as_json_gets() {
    for (term, value) in terms() {
        if matches!(term, Term::BitString(_)) {
            // Not UTF-8: its bytes are a list in JSON.
            let shown = serde_json::to_value(&term).unwrap();
            assert_eq!(shown, json!({"bytes": [97, 128], "bits": 1}));
            continue;
        }
        assert_eq!(serde_json::to_value(&term).unwrap(), value);
    }
    let keys = Term::map([
        (Term::from(1), Term::NIL),
        (Term::from((1, 2)), Term::NIL),
        (Term::from(pid()), Term::NIL),
    ]);
    assert_eq!(
        serde_json::to_value(keys.unwrap()).unwrap(),
        json!({"1": [], "{1,2}": [], "<a@b.1.2/3>": []})
    );
    let huge: BigInt = BigInt::from(1) << 200;
    assert_eq!(
        serde_json::to_value(Term::big(huge.clone())).unwrap(),
        json!(huge.to_string())
    );
    // Decimal takes quadratic time: 512 KiB of it seconds.
    let larger = Term::big(BigInt::from(1) << (8 * 512 * 1024));
    let shown = serde_json::to_value(larger).unwrap();
    assert!(
        shown
            .as_str()
            .is_some_and(|text| text.starts_with("16#1000"))
    );
}

#[test]
fn any_term_is_transcoded_to_json_as_it_is_shown() {
    for (term, value) in terms() {
        if matches!(term, Term::ImproperList(_) | Term::BitString(_)) {
            continue;
        }
        let bytes = kista_etf::to_vec(&term).unwrap();
        assert_eq!(
            from_slice::<serde_json::Value>(&bytes).unwrap(),
            value,
            "{term}"
        );
        assert_eq!(
            from_term::<serde_json::Value>(&term).unwrap(),
            value,
            "{term}"
        );
    }
    let string: &[u8] = &[131, 107, 0, 2, 1, 2];
    assert_eq!(
        from_slice::<serde_json::Value>(string).unwrap(),
        json!([1, 2])
    );
}

#[test]
fn json_becomes_a_term() {
    let text = r#"{"a": [1, -2, 1.5, true, null, "x", 18446744073709551615], "b": {}}"#;
    let term: Term = serde_json::from_str(text).unwrap();
    assert_eq!(
        term.to_string(),
        r#"#{<<"a">> => [1,-2,1.5,true,undefined,<<"x">>,18446744073709551615],<<"b">> => #{}}"#
    );
    let value: serde_json::Value = serde_json::from_str(text).unwrap();
    assert_eq!(
        to_term(&value)
            .unwrap()
            .to_string()
            .replace(",ok,", ",undefined,"),
        term.to_string()
    );
    assert!(serde_json::from_str::<Term>(r#"{"a": 1, "a": 2}"#).is_err());
    let deep = "[".repeat(100) + &"]".repeat(100);
    assert!(serde_json::from_str::<Term>(&deep).is_ok());
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Natives {
    atom: Atom,
    name: AtomName,
    pid: Pid,
    port: Port,
    reference: Reference,
    text: Binary,
    bytes: Binary,
    bits: BitString,
    by_atom: BTreeMap<Atom, u8>,
}

fn natives() -> Natives {
    Natives {
        atom: atoms::OK,
        name: AtomName::from(atoms::ERROR),
        pid: pid(),
        port: Port {
            node: atoms::OK,
            id: u64::MAX,
            creation: 1,
        },
        reference: Reference::new(atoms::OK, 1, &[7, 8, 9]).unwrap(),
        text: Binary::from("text"),
        bytes: Binary::from(&[0xff, 0][..]),
        bits: BitString::new(&[0xff, 0x80][..], 1).unwrap(),
        by_atom: [(atoms::TRUE, 1), (atoms::NIL, 2)].into(),
    }
}

#[test]
fn our_values_come_back_from_every_format() {
    let value = natives();
    let bytes = to_vec(&value).unwrap();
    assert_eq!(from_slice::<Natives>(&bytes).unwrap(), value);
    let json = serde_json::to_string(&value).unwrap();
    assert_eq!(serde_json::from_str::<Natives>(&json).unwrap(), value);
    let in_memory = serde_json::to_value(&value).unwrap();
    assert_eq!(serde_json::from_value::<Natives>(in_memory).unwrap(), value);
    let packed = rmp_serde::to_vec(&value).unwrap();
    assert_eq!(rmp_serde::from_slice::<Natives>(&packed).unwrap(), value);
}

#[test]
fn our_values_are_refused_in_a_broken_form() {
    for text in [
        r#"{"node": "a@b", "id": 1, "serial": 2}"#,
        r#"{"node": "a@b", "id": -1, "serial": 2, "creation": 3}"#,
        r#"{"node": 1, "id": 1, "serial": 2, "creation": 3}"#,
        r#""<0.1.2>""#,
        "null",
    ] {
        assert!(serde_json::from_str::<Pid>(text).is_err(), "{text}");
    }
    for text in [
        r#"{"node": "ok", "creation": 1, "words": []}"#,
        r#"{"node": "ok", "creation": 1, "words": [1,2,3,4,5,6]}"#,
        r#"{"node": "ok", "creation": 1, "words": [4294967296]}"#,
        r#"{"node": "ok", "creation": 1, "words": 1}"#,
    ] {
        assert!(serde_json::from_str::<Reference>(text).is_err(), "{text}");
    }
    let long = serde_json::to_string(&"a".repeat(256)).unwrap();
    assert!(serde_json::from_str::<Atom>(&long).is_err());
    assert!(serde_json::from_str::<BitString>(r#"{"bytes": [1], "bits": 8}"#).is_err());
    assert!(serde_json::from_str::<Binary>("[256]").is_err());
    assert!(serde_json::from_str::<Binary>("1").is_err());
    assert!(rmp_serde::from_slice::<Term>(&rmp_serde::to_vec(&[131u8, 1]).unwrap()).is_err());
}

#[test]
fn a_term_loses_nothing_in_a_compact_format() {
    for (term, _) in terms() {
        let packed = rmp_serde::to_vec(&(1, &term)).unwrap();
        assert_eq!(
            rmp_serde::from_slice::<(u8, Term)>(&packed).unwrap(),
            (1, term)
        );
    }
}

#[test]
fn a_term_of_any_depth_passes_through_a_serde_struct() {
    let mut deep = Term::NIL;
    for _ in 0..100_000 {
        deep = Term::tuple([deep]);
    }
    let value = vec![Some(deep)];
    let bytes = to_vec(&value).unwrap();
    let back: Vec<Option<Term>> = from_slice(&bytes).unwrap();
    assert!(back == value);
    assert!(
        to_term(&value)
            .unwrap()
            .as_list()
            .is_some_and(|items| Some(&items[0]) == value[0].as_ref())
    );
    // Other formats recurse, so there it ends before the stack does.
    assert!(serde_json::to_string(&value).is_err());
    let limits = {
        let mut limits = Limits::default();
        limits.depth = 10;
        limits
    };
    assert!(kista_etf::serde::from_slice_with::<Vec<Option<Term>>>(&bytes, &limits).is_err());
}

#[test]
fn a_large_binary_is_chained_and_shared_not_copied() {
    let large = Bytes::from(vec![7; 100_000]);
    let value = (
        1,
        Binary::from(large.clone()),
        Term::from(Binary::from(large.clone())),
    );
    let mut e = Encoder::new();
    kista_etf::serde::encode(&value, &mut e).unwrap();
    assert_eq!(e.chunks().len(), 2);
    assert!(
        e.chunks()
            .iter()
            .all(|(_, chunk)| chunk.as_ptr() == large.as_ptr())
    );
    assert!(
        to_term(&value).unwrap().as_tuple().unwrap()[1]
            .as_binary()
            .unwrap()
            .as_ptr()
            == large.as_ptr()
    );

    let mut bytes = vec![131];
    bytes.extend_from_slice(&e.to_vec());
    let bytes = Bytes::from(bytes);
    let (_, first, second): (u8, Binary, Term) = kista_etf::serde::from_bytes(&bytes).unwrap();
    for binary in [&first, second.as_binary().unwrap()] {
        assert!(bytes.as_ptr_range().contains(&binary.as_ptr()));
    }
}

#[test]
fn strings_and_bytes_are_parts_of_the_input() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Line<'a> {
        text: &'a str,
        #[serde(borrow)]
        more: Vec<&'a [u8]>,
    }
    let term = Term::map([
        (atom("text"), Term::from("hello")),
        (atom("more"), Term::list([Term::from(&[0xff][..])])),
    ])
    .unwrap();
    let bytes = kista_etf::to_vec(&term).unwrap();
    let line: Line<'_> = from_slice_borrowed(&bytes).unwrap();
    assert!(bytes.as_ptr_range().contains(&line.text.as_ptr()));
    assert!(bytes.as_ptr_range().contains(&line.more[0].as_ptr()));
    let from_term: Line<'_> = from_term(&term).unwrap();
    assert_eq!(from_term, line);
    assert!(from_slice_borrowed::<Line<'_>>(&[]).is_err());
    assert!(from_slice_borrowed::<Line<'_>>(&[130, 106]).is_err());
    assert!(from_slice_borrowed::<()>(&[131, 119, 2, b'o', b'k', 0]).is_err());
}

#[test]
fn an_encoder_is_given_back_after_an_error() {
    let bad = Term::from(f64::NAN);
    let mut e = Encoder::new();
    e.atom(atoms::OK);
    assert_eq!(
        kista_etf::serde::encode(&(1, &bad), &mut e),
        Err(kista_etf::EncodeError::NonFinite)
    );
    assert!(e.inline_bytes().starts_with(&[119, 2, b'o', b'k']));
    assert!(to_term(&f32::INFINITY).is_err());
    // And what lies in the place for loans is nobody else's.
    assert_eq!(
        serde_json::from_str::<Term>("null").unwrap(),
        atom("undefined")
    );
}

/// A newtype struct with the name that is kept for terms, which says what only values of ours may say.
struct Impostor(&'static str);

impl Serialize for Impostor {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        struct Says(&'static str);
        impl Serialize for Says {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                match self.0 {
                    "atom" => s.serialize_u32(u32::MAX),
                    "text" => s.serialize_str("x"),
                    "integer" => s.serialize_i64(1),
                    "binary" => s.serialize_bytes(&[1]),
                    "pid" => s.serialize_u128(u128::MAX),
                    "loan" => s.serialize_newtype_variant("", 0, "", &1),
                    "term" => s.serialize_unit(),
                    "ours elsewhere" => {
                        // In the hands of another serializer it takes the question, and writes nothing here. Asked for
                        // a term it leaves one, which is taken for the impostor's.
                        serde_json::to_string(&Term::from(1)).map_err(serde::ser::Error::custom)?;
                        s.serialize_unit()
                    }
                    "panic" => panic!("as it was asked to"),
                    _ => s.serialize_f64(1.5),
                }
            }
        }
        s.serialize_newtype_struct("$kista_etf::serde", &Says(self.0))
    }
}

#[test]
fn nobody_else_is_believed_what_a_value_of_ours_says_of_itself() {
    for says in [
        "atom",
        "text",
        "integer",
        "binary",
        "pid",
        "loan",
        "term",
        "ours elsewhere",
        "float",
    ] {
        let mut e = Encoder::new();
        assert!(
            kista_etf::serde::encode(&(1, Impostor(says)), &mut e).is_err(),
            "{says}"
        );
        let made = to_term(&(1, Impostor(says)));
        assert_eq!(made.is_err(), says != "ours elsewhere", "{says}");
        // What comes next on this thread is asked anew.
        round(&(atom("next"), 2), "{next,2}");
        assert_eq!(serde_json::to_string(&atom("next")).unwrap(), "\"next\"");
    }
}

#[test]
fn a_panic_while_a_value_is_asked_leaves_no_question_behind() {
    let written = std::panic::catch_unwind(|| to_vec(&Impostor("panic")));
    assert!(written.is_err());
    assert_eq!(
        serde_json::to_string(&Atom::new("next").unwrap()).unwrap(),
        "\"next\""
    );
    let made = std::panic::catch_unwind(|| to_term(&Impostor("panic")));
    assert!(made.is_err());
    assert_eq!(serde_json::to_string(&atom("next")).unwrap(), "\"next\"");
}

#[test]
fn whoever_lies_about_lengths_is_found_out_or_corrected() {
    struct Liar(&'static str);
    impl Serialize for Liar {
        fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
            use serde::ser::{SerializeMap, SerializeSeq, SerializeTuple};
            match self.0 {
                "seq" => {
                    let mut seq = s.serialize_seq(Some(0))?;
                    seq.serialize_element(&1)?;
                    seq.end()
                }
                "empty" => s.serialize_seq(Some(9))?.end(),
                "map" => {
                    let mut map = s.serialize_map(None)?;
                    map.serialize_entry(&1, &2)?;
                    map.end()
                }
                "token" => s.serialize_newtype_struct("$kista_etf::serde", &1),
                _ => {
                    let mut tuple = s.serialize_tuple(2)?;
                    tuple.serialize_element(&1)?;
                    tuple.end()
                }
            }
        }
    }
    let shown = |kind| {
        let bytes = to_vec(&(Liar(kind), 7)).ok()?;
        let term: Term = kista_etf::from_slice(&bytes).unwrap();
        assert_eq!(to_term(&(Liar(kind), 7)).unwrap(), term);
        Some(term.to_string())
    };
    assert_eq!(shown("seq").unwrap(), "{[1],7}");
    assert_eq!(shown("empty").unwrap(), "{[],7}");
    assert_eq!(shown("map").unwrap(), "{#{1 => 2},7}");
    for kind in ["token", "tuple"] {
        assert_eq!(shown(kind), None);
        assert!(to_term(&Liar(kind)).is_err());
    }
}

#[test]
fn a_struct_that_is_only_named_like_a_time_is_a_map() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Duration {
        secs: u8,
        beats: u8,
    }
    round(&Duration { secs: 1, beats: 2 }, "#{beats => 2,secs => 1}");
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename = "Duration")]
    struct Other {
        secs: String,
        nanos: Option<u8>,
    }
    round(
        &Other {
            secs: "x".into(),
            nanos: None,
        },
        "#{nanos => undefined,secs => <<\"x\">>}",
    );
    let map = Term::map([
        (atom("secs"), Term::from(1)),
        (atom("nanos"), Term::from(2)),
    ])
    .unwrap();
    assert_eq!(
        from_term::<std::time::Duration>(&map).unwrap(),
        std::time::Duration::new(1, 2)
    );
    for bad in [
        Term::from(-1),
        Term::from(i128::MAX),
        Term::from(1.5),
        Term::from("1"),
    ] {
        assert!(
            from_term::<std::time::Duration>(&bad)
                .unwrap_err()
                .is_mismatch()
        );
    }
}

#[test]
fn exact_fields_have_the_form_of_their_own_traits() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Exact {
        #[serde(with = "kista_etf::serde::exact")]
        big: BigInt,
        #[serde(with = "kista_etf::serde::exact")]
        array: [u8; 2],
    }
    let exact = Exact {
        big: BigInt::from(1) << 70,
        array: [1, 2],
    };
    round(&exact, "#{array => [1,2],big => 1180591620717411303424}");
    assert_eq!(
        serde_json::to_value(&exact).unwrap()["array"],
        json!([1, 2])
    );
    let wrong = Term::map([(atom("array"), Term::NIL), (atom("big"), Term::from(1))]).unwrap();
    assert!(from_term::<Exact>(&wrong).unwrap_err().is_mismatch());
}

#[test]
fn a_serde_value_stands_among_encoded_ones() {
    let value = kista_etf::serde::Serde(Point { x: 1, label: None });
    let mut e = Encoder::new();
    (1u8, &value).encode(&mut e).unwrap();
    let bytes = e.into_vec();
    let mut d = Decoder::new(&bytes);
    let back: (u8, kista_etf::serde::Serde<Point>) = kista_etf::Decode::decode(&mut d).unwrap();
    assert_eq!(back, (1, value));
}
