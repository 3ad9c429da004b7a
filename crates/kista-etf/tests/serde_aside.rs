//! What serde sets aside (`flatten`, `tag`, `untagged`) comes back as it was, or is an error that says what to write.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use kista_etf::serde::{from_slice, from_term, to_term, to_vec};
use kista_etf::{Atom, BigInt, Term, term};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// By bytes and by a term.
fn read<T: DeserializeOwned + PartialEq + Debug>(term: &Term) -> Result<T, String> {
    let bytes = kista_etf::to_vec(term).unwrap();
    let read = from_slice::<T>(&bytes);
    assert_eq!(from_term::<T>(term), read);
    read.map_err(|error| {
        assert!(error.is_mismatch());
        error.to_string()
    })
}

fn round<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let term = to_term(value).unwrap();
    assert_eq!(read::<T>(&term).as_ref(), Ok(value), "{term}");
}

/// The value is written, and reading it is an error with this text in it.
fn refused<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, text: &str) {
    let term = to_term(value).unwrap();
    let error = read::<T>(&term).unwrap_err();
    assert!(error.contains(text), "{term}: {error}");
}

const RENAME: &str = "put #[serde(rename_all = \"snake_case\")] on this enum";

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Color {
    Red,
    DarkBlue,
    Mixed(u8, u8),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Snake {
    Red,
    DarkBlue,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Inner<T> {
    inner: T,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flat<T> {
    id: u8,
    #[serde(flatten)]
    flat: Inner<T>,
}

impl<T> Flat<T> {
    fn new(inner: T) -> Self {
        Self {
            id: 1,
            flat: Inner { inner },
        }
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
enum Tagged<T> {
    Paint(Inner<T>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either<A, B> {
    A(A),
    B(B),
}

#[test]
fn a_variant_that_serde_cannot_find_again_is_an_error_that_says_what_to_write() {
    for color in [Color::Red, Color::DarkBlue] {
        let tagged = Tagged::Paint(Inner { inner: color });
        refused(&tagged, RENAME);
        let Tagged::Paint(Inner { inner: color }) = tagged;
        refused(&Flat::new(color), RENAME);
    }
    refused(&Flat::new(vec![Color::Red]), RENAME);
    refused(
        &Flat::new(Color::Mixed(1, 2)),
        "put #[serde(tag = \"type\")] on this enum",
    );
    refused(&Flat::new(Ok::<u8, u8>(1)), "tagged tuple");
    refused(
        &Flat::new(Ok::<(), u8>(())),
        "the atom ok is the variant Ok",
    );
}

#[test]
fn an_untagged_enum_takes_no_other_variant_instead() {
    refused(&Either::<Color, String>::A(Color::DarkBlue), RENAME);
    refused(&Either::<Color, Atom>::A(Color::DarkBlue), RENAME);
    refused(
        &Either::<Color, serde_json::Value>::A(Color::Mixed(1, 2)),
        "a variant with data",
    );
    refused(
        &Either::<Inner<Color>, Inner<String>>::A(Inner { inner: Color::Red }),
        RENAME,
    );
    // Nor does an optional field become none.
    refused(&Flat::new(Some(Color::Red)), RENAME);
    // Of what was said to fail here, nothing is left for the next one.
    round(&Either::<Snake, String>::B("blue".into()));
}

#[test]
fn with_the_workaround_everything_comes_back() {
    round(&Flat::new(Snake::DarkBlue));
    round(&Tagged::Paint(Inner {
        inner: Some(Snake::Red),
    }));
    round(&Either::<Snake, String>::A(Snake::DarkBlue));
    round(&Either::<Snake, String>::B("x".into()));
    // A text that is no atom is no variant that got lost.
    round(&Either::<Color, String>::B("red".into()));
    round(&Either::<Color, Vec<u8>>::B(vec![1, 2]));

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case")]
    enum WithData {
        Nothing,
        Two { a: u8, color: Snake },
    }
    round(&Flat::new(WithData::Nothing));
    round(&Flat::new(WithData::Two {
        a: 1,
        color: Snake::Red,
    }));

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "type", content = "value", rename_all = "snake_case")]
    enum Adjacent {
        Nothing,
        Mixed(u8, Snake),
    }
    round(&Flat::new(Adjacent::Nothing));
    round(&Either::<u8, Adjacent>::B(Adjacent::Mixed(
        1,
        Snake::DarkBlue,
    )));
}

#[test]
fn nothing_is_kept_from_one_value_to_the_next() {
    assert!(read::<Flat<Color>>(&term!(#{id => 1, inner => red})).is_err());
    let red = term!(#{id => 1, inner => <<"red">>});
    assert_eq!(
        read::<Flat<Either<Color, String>>>(&red),
        Ok(Flat::new(Either::B("red".into())))
    );
    // Nor from an inner one, that is read in between, to the one around.
    #[derive(Debug, PartialEq)]
    struct Nested(bool);
    impl<'de> Deserialize<'de> for Nested {
        fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            let inner = term!(#{id => 1, inner => red});
            u8::deserialize(d)?;
            Ok(Self(from_term::<Flat<Color>>(&inner).is_ok()))
        }
    }
    let around = term!({1, <<"red">>});
    assert_eq!(
        read::<(Nested, Either<Color, String>)>(&around),
        Ok((Nested(false), Either::B("red".into())))
    );
}

#[test]
fn a_unit_struct_that_was_set_aside_is_no_string() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct AllDone;
    refused(&Flat::new(AllDone), "the unit struct AllDone");
    refused(
        &Either::<AllDone, String>::A(AllDone),
        "the unit struct AllDone",
    );
    round(&Either::<AllDone, String>::B("x".into()));
}

#[test]
fn null_comes_back_as_null_and_unit_as_unit() {
    let value = json!({"a": null, "b": [null, 1, {"c": null}], "ok": "ok"});
    assert_eq!(
        to_term(&value)
            .unwrap()
            .to_string()
            .matches("undefined")
            .count(),
        3
    );
    round(&value);
    round(&json!(null));
    round(&());
    round(&(1, ((),)));
    round(&Flat::new(()));
    round(&Flat::new(json!([null])));
    round(&Flat::new(None::<u8>));
    round(&Ok::<(), u8>(()));
    // As the derives write it, and what Erlang has for nothing.
    for unit in [term!(ok), term!(undefined), term!(nil)] {
        assert_eq!(read::<()>(&unit), Ok(()));
    }
    assert!(read::<()>(&term!(error)).is_err());
    assert_eq!(to_vec(&()).unwrap(), to_vec(&None::<u8>).unwrap());
    // What is no null stays what it was: `{ok, 5}` is no null and a number.
    assert_eq!(read(&term!({ok, 5})), Ok(json!(["ok", 5])));
}

#[test]
fn a_term_that_was_set_aside_is_an_error_not_another_term() {
    for inner in [term!({x, 1}), term!(x), term!(1), term!([])] {
        refused(&Flat::new(inner.clone()), "a Term cannot be read");
        refused(&Flat::new(Some(inner.clone())), "a Term cannot be read");
        refused(&Either::<Term, u8>::A(inner), "a Term cannot be read");
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Exact<T>
    where
        T: kista_etf::Encode + kista_etf::DecodeOwned,
    {
        #[serde(with = "kista_etf::serde::exact")]
        value: T,
    }
    refused(
        &Either::<Exact<Vec<Term>>, u8>::A(Exact {
            value: vec![term!(x)],
        }),
        "`exact`",
    );
    round(&Either::<Exact<BigInt>, u8>::A(Exact {
        value: BigInt::from(1) << 60,
    }));
    round(&Either::<u8, Exact<Duration>>::B(Exact {
        value: Duration::from_secs(1),
    }));
    // Another format has only forms: there it is as near as it gets.
    let shown = serde_json::to_value(Flat::new(term!({x, 1}))).unwrap();
    assert_eq!(shown, json!({"id": 1, "inner": ["x", 1]}));
    assert!(serde_json::from_value::<Flat<Term>>(shown).is_ok());
}

#[test]
fn an_atom_that_was_set_aside_was_an_atom() {
    round(&Flat::new(Atom::new("red").unwrap()));
    round(&Either::<Atom, String>::A(Atom::new("red").unwrap()));
    round(&Either::<Atom, String>::B("red".into()));
    round(&BTreeMap::from([(
        Atom::new("k").unwrap(),
        Flat::new(Atom::new("true").unwrap()),
    )]));
}

#[test]
fn a_time_before_1970_is_exact_or_an_error() {
    let before = SystemTime::UNIX_EPOCH - Duration::from_nanos(1);
    assert!(to_vec(&before).is_err());
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct At(#[serde(with = "kista_etf::serde::exact")] SystemTime);
    assert_eq!(to_term(&At(before)).unwrap(), Term::from(-1));
    round(&At(before));
}
