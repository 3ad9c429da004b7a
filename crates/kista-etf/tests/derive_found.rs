//! What users of the derives stumbled over.

use std::collections::BTreeMap;
use std::fmt::Debug;

use kista_etf::{
    Charlist, Decode, DecodeError, DecodeOwned, Decoder, Encode, Term, from_slice, to_vec,
};

fn written<T: Encode + DecodeOwned + PartialEq + Debug>(value: &T, text: &str) {
    let bytes = to_vec(value).unwrap();
    assert_eq!(from_slice::<Term>(&bytes).unwrap().to_string(), text);
    assert_eq!(&from_slice::<T>(&bytes).unwrap(), value);
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Plain {
    none: Option<u8>,
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(elixir = "E")]
struct Deep<T> {
    list: Vec<Option<u8>>,
    tuple: (Option<u8>, u8),
    result: Result<Option<u8>, u8>,
    map: BTreeMap<u8, Option<u8>>,
    generic: T,
    plain: Option<Plain>,
    #[etf(flatten)]
    flat: Plain,
}

#[test]
fn within_an_elixir_struct_no_none_is_undefined() {
    written(
        &Deep {
            list: vec![Some(1), None],
            tuple: (None, 1),
            result: Ok(None),
            map: [(1, None)].into(),
            generic: None::<u8>,
            plain: Some(Plain { none: None }),
            flat: Plain { none: None },
        },
        "#{'__struct__' => 'Elixir.E',generic => nil,list => [1,nil],map => #{1 => nil},none => nil,\
         plain => #{none => nil},result => {ok,nil},tuple => {nil,1}}",
    );
    // Beside it, and after it, `None` is what it was.
    written(
        &(None::<u8>, Plain { none: None }),
        "{undefined,#{none => undefined}}",
    );
}

#[test]
fn nil_on_an_enum_or_a_field_holds_at_any_depth() {
    #[derive(Debug, PartialEq, Encode, Decode)]
    #[etf(nil)]
    enum Message {
        Found(Vec<Option<u8>>),
    }
    #[derive(Debug, PartialEq, Encode, Decode)]
    #[etf(tuple)]
    struct Two {
        #[etf(nil)]
        a: Option<Vec<Option<u8>>>,
        b: Vec<Option<u8>>,
    }
    written(&Message::Found(vec![None]), "{found,[nil]}");
    written(
        &Two {
            a: Some(vec![None]),
            b: vec![None],
        },
        "{[nil],[undefined]}",
    );
}

#[test]
fn after_an_error_none_is_undefined_again() {
    #[derive(Encode)]
    #[etf(elixir = "E")]
    struct Fails {
        float: f64,
    }
    let mut e = kista_etf::Encoder::new();
    assert!(Fails { float: f64::NAN }.encode(&mut e).is_err());
    e.clear();
    None::<u8>.encode(&mut e).unwrap();
    assert_eq!(e.inline_bytes(), b"w\x09undefined");
}

#[test]
fn a_bare_error_is_the_error_of_nothing() {
    written(&Err::<u8, ()>(()), "error");
    written(&Ok::<u8, ()>(7), "{ok,7}");
    written(&Ok::<(), ()>(()), "ok");
    written(&Err::<(), ()>(()), "error");
    written(&Err::<(), Box<()>>(Box::new(())), "error");
    written(&Err::<u8, u8>(7), "{error,7}");
    let long = to_vec(&kista_etf::term!({error, ok})).unwrap();
    assert_eq!(from_slice::<Result<u8, ()>>(&long), Ok(Err(())));
    for term in [
        kista_etf::term!(ok),
        kista_etf::term!(eror),
        kista_etf::term!({error, 1}),
    ] {
        assert!(from_slice::<Result<u8, ()>>(&to_vec(&term).unwrap()).is_err());
    }
    let error = to_vec(&kista_etf::term!(error)).unwrap();
    assert!(from_slice::<Result<u8, u8>>(&error).is_err());
    assert!(from_slice::<Result<(), u8>>(&error).is_err());
}

/// `[1 | "\2"]`, `[1 | [2]]`, and with a third cell.
fn spread() -> [(Vec<u8>, Vec<u8>); 5] {
    [
        (vec![131, 108, 0, 0, 0, 1, 97, 1, 107, 0, 1, 2], vec![1, 2]),
        (
            vec![131, 108, 0, 0, 0, 1, 97, 1, 108, 0, 0, 0, 1, 97, 2, 106],
            vec![1, 2],
        ),
        (vec![131, 108, 0, 0, 0, 1, 97, 1, 107, 0, 0], vec![1]),
        (vec![131, 108, 0, 0, 0, 0, 106], vec![]),
        (
            [
                &[131][..],
                &[108, 0, 0, 0, 1, 97, 1].repeat(3),
                &[107, 0, 2, 2, 3],
            ]
            .concat(),
            vec![1, 1, 1, 2, 3],
        ),
    ]
}

#[test]
fn a_list_whose_tail_is_a_list_is_one_list_to_every_type() {
    for (bytes, items) in spread() {
        let term: Term = from_slice(&bytes).unwrap();
        assert_eq!(term, Term::list(items.iter().map(|item| Term::from(*item))));
        assert_eq!(from_slice::<Vec<u8>>(&bytes).as_ref(), Ok(&items));
        let terms: Vec<Term> = items.iter().map(|item| Term::from(*item)).collect();
        assert_eq!(from_slice::<Vec<Term>>(&bytes), Ok(terms));
        let wide: Vec<Option<i64>> = items.iter().map(|item| Some(i64::from(*item))).collect();
        assert_eq!(from_slice(&bytes), Ok(wide.clone()));
        assert_eq!(kista_etf::serde::from_slice(&bytes), Ok(wide));
        let text: String = items.iter().map(|item| char::from(*item)).collect();
        assert_eq!(from_slice::<Charlist>(&bytes), Ok(Charlist(text)));
        let json: serde_json::Value = kista_etf::serde::from_slice(&bytes).unwrap();
        assert_eq!(json, serde_json::json!(items));
        assert_eq!(
            kista_etf::serde::from_slice::<[u8; 2]>(&bytes).is_ok(),
            items.len() == 2
        );
        assert_eq!(from_slice::<[u8; 2]>(&bytes).is_ok(), items.len() == 2);
    }
    let improper = [131, 108, 0, 0, 0, 1, 97, 1, 108, 0, 0, 0, 1, 97, 2, 97, 3];
    assert_eq!(from_slice::<Vec<u8>>(&improper), Err(DecodeError::Improper));
    assert_eq!(
        from_slice::<Vec<Option<u8>>>(&improper),
        Err(DecodeError::Improper)
    );
    assert_eq!(
        kista_etf::serde::from_slice::<Vec<u8>>(&improper),
        Err(DecodeError::Improper)
    );
    for end in 1..improper.len() {
        assert!(from_slice::<Vec<u8>>(&improper[..end]).is_err());
        assert!(kista_etf::serde::from_slice::<Vec<u8>>(&improper[..end]).is_err());
    }
    let wrong = [
        131, 108, 0, 0, 0, 1, 97, 1, 108, 0, 0, 0, 1, 98, 0, 0, 1, 0, 106,
    ];
    let error = from_slice::<Vec<u8>>(&wrong).unwrap_err().to_string();
    assert_eq!(error, "element 1: an integer does not fit u8");
    let error = kista_etf::serde::from_slice::<Vec<u8>>(&wrong).unwrap_err();
    assert_eq!(error.to_string(), "element 1: an integer does not fit u8");
}

#[test]
fn a_proplist_goes_on_in_its_tail() {
    #[derive(Debug, PartialEq, Encode, Decode)]
    #[etf(proplist)]
    struct Options {
        a: u8,
        b: bool,
        #[etf(flatten)]
        rest: BTreeMap<kista_etf::Atom, u8>,
    }
    // [{a,1} | [b | [{c,3}]]]
    let bytes = b"\x83l\0\0\0\x01h\x02w\x01aa\x01l\0\0\0\x01w\x01bl\0\0\0\x01h\x02w\x01ca\x03j";
    let options = Options {
        a: 1,
        b: true,
        rest: [(kista_etf::atom!("c"), 3)].into(),
    };
    assert_eq!(from_slice::<Options>(bytes), Ok(options));
    let improper = b"\x83l\0\0\0\x01h\x02w\x01aa\x01w\x01b";
    assert_eq!(from_slice::<Options>(improper), Err(DecodeError::Improper));
}

#[test]
fn what_is_skipped_is_checked_too() {
    let wrapped = |value: &[u8]| [b"\x83t\0\0\0\x02w\x01x", value, b"w\x04nonea\x07"].concat();
    let nan = [&[70][..], &f64::NAN.to_be_bytes()].concat();
    let mut long = vec![118, 1, 0];
    long.resize(3 + 256, b'a');
    for (value, error) in [
        (&[119, 1, 0xff][..], DecodeError::AtomNotUtf8),
        (&long, DecodeError::AtomTooLong),
        (&nan, DecodeError::BadFloat),
        (&[104, 1, 82, 7], DecodeError::UnknownAtomRef(7)),
        (
            &[108, 0, 0, 0, 1, 119, 1, 0xff, 106],
            DecodeError::AtomNotUtf8,
        ),
        (
            &[88, 119, 1, 0xff, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
            DecodeError::AtomNotUtf8,
        ),
    ] {
        let bytes = wrapped(value);
        assert_eq!(from_slice::<Term>(&bytes).map(drop).as_ref(), Err(&error));
        assert_eq!(from_slice::<Plain>(&bytes).map(drop).as_ref(), Err(&error));
        let ignored = kista_etf::serde::from_slice::<serde::de::IgnoredAny>(&bytes);
        assert_eq!(ignored.map(drop).as_ref(), Err(&error));
        let mut d = Decoder::new(value);
        assert_eq!(d.raw().map(drop).as_ref(), Err(&error));
    }
    for value in [
        &[119, 2, 0xc3, 0xa9][..],
        &[100, 0, 1, 0xe9],
        &[70, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
        assert_eq!(
            from_slice::<Plain>(&wrapped(value)),
            Ok(Plain { none: Some(7) })
        );
    }
}

#[derive(Debug, PartialEq, Encode, Decode)]
struct Job {
    weights: Vec<(u8, f32)>,
    kind: JobKind,
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum JobKind {
    Every { letter: char },
}

#[test]
fn errors_say_the_way_in_both_directions() {
    let job = |weight| Job {
        weights: vec![(1, 1.0), (2, weight)],
        kind: JobKind::Every { letter: 'x' },
    };
    let error = to_vec(&job(f32::NAN)).unwrap_err();
    let way = "field weights of Job: element 1: element 1: a float must be finite";
    assert!(error.to_string().starts_with(way), "{error}");
    assert_eq!(error.root(), &kista_etf::EncodeError::NonFinite);

    let term = kista_etf::to_term(&job(2.0)).unwrap();
    let wrong = |from: &str, to: &str| {
        let text = term.to_string();
        assert!(text.contains(from), "{text}");
        let term: Term = text.replace(from, to).parse().unwrap();
        let derived = kista_etf::from_term::<Job>(&term).unwrap_err();
        assert!(derived.is_mismatch());
        derived.to_string()
    };
    assert_eq!(
        wrong("{2,2.0}", "{2,1.0e300}"),
        "field weights of Job: element 1: element 1: a float does not fit f32"
    );
    assert_eq!(
        wrong("{2,2.0}", "{256,2.0}"),
        "field weights of Job: element 1: element 0: an integer does not fit u8"
    );
    assert_eq!(
        wrong("<<\"x\">>", "<<\"xy\">>"),
        "field kind of Job: field letter of JobKind::Every: expected a text of one character"
    );
    let error = kista_etf::serde::from_slice::<char>(&to_vec("xy").unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "expected a text of one character");
}

#[test]
fn a_deep_value_that_cannot_be_written_has_a_bounded_way() {
    #[derive(Encode)]
    struct Nested(Vec<Nested>, f64);
    let nested = (0..100).fold(Nested(vec![], f64::NAN), |inner, _| {
        Nested(vec![inner], 1.0)
    });
    let error = to_vec(&nested).unwrap_err();
    assert_eq!(error.root(), &kista_etf::EncodeError::NonFinite);
    assert_eq!(
        error.to_string().matches("field").count() + error.to_string().matches("element").count(),
        16
    );
}

#[test]
fn other_takes_what_a_known_name_does_not() {
    #[derive(Debug, PartialEq, Encode, Decode)]
    enum Message {
        Get,
        Add(u8),
        Set {
            key: u8,
        },
        #[etf(other)]
        Other(Term),
    }
    for (term, message) in [
        (kista_etf::term!(get), Message::Get),
        (kista_etf::term!({add, 1}), Message::Add(1)),
        (
            kista_etf::term!({set, #{key => 1}}),
            Message::Set { key: 1 },
        ),
    ] {
        assert_eq!(kista_etf::from_term::<Message>(&term), Ok(message));
    }
    for other in [
        kista_etf::term!({add, 256}),
        kista_etf::term!({add, x}),
        kista_etf::term!({add, 1, 2}),
        kista_etf::term!(add),
        kista_etf::term!({set, #{}}),
        kista_etf::term!({set, 1}),
        kista_etf::term!({}),
        kista_etf::term!(7),
    ] {
        assert_eq!(
            kista_etf::from_term(&other),
            Ok(Message::Other(other.clone()))
        );
        // It has read exactly that term.
        let two = Term::from((other.clone(), kista_etf::term!(get)));
        assert_eq!(
            kista_etf::from_term(&two),
            Ok((Message::Other(other), Message::Get))
        );
    }
    // What is no term is nobody's.
    let broken = b"\x83h\x02w\x03addw\x01\xff";
    assert_eq!(from_slice::<Message>(broken), Err(DecodeError::AtomNotUtf8));
}

#[test]
fn other_in_other_takes_bounded_time() {
    #[derive(Debug, Encode, Decode)]
    enum Tree {
        #[allow(dead_code)]
        Node(Box<Self>, u8),
        #[etf(other)]
        Other(Box<(Option<Box<Self>>, u8)>),
    }
    // Each level is tried twice: 2 to the power of 100 without a bound.
    let mut term = kista_etf::term!(x);
    for _ in 0..100 {
        term = Term::from((kista_etf::term!(node), term, kista_etf::term!(y)));
    }
    assert!(kista_etf::from_term::<Tree>(&term).is_err());
}
