//! Terms and Rust values: from one to the other, in one call.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use kista_etf::term::Map;
use kista_etf::{
    Atom, AtomQuota, BigInt, Binary, Charlist, Decode, DecodeError, DecodeOwned, Encode, Kind,
    Limits, Pid, Port, Reference, Term, from_slice, from_slice_borrowed_with,
    from_slice_with_quota, from_term, term, to_term, to_vec, with,
};

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(elixir = "Shop.Order")]
struct Order {
    id: u64,
    note: Option<String>,
    data: Binary,
}

#[test]
fn a_type_becomes_a_term_and_comes_back() {
    let order = Order {
        id: 7,
        note: None,
        data: Binary::from(vec![7; 10_000]),
    };
    let term = to_term(&order).unwrap();
    assert_eq!(term, from_slice(&to_vec(&order).unwrap()).unwrap());
    assert!(term.as_map().unwrap().field("note").unwrap().is_atom("nil"));
    assert_eq!(from_term::<Order>(&term), Ok(order));
    let error = from_term::<Order>(&term!({x, 1})).unwrap_err();
    assert!(error.is_mismatch());
    assert!(to_term(&f64::NAN).is_err());
    assert!(from_term::<Term>(&Term::Float(f64::INFINITY)).is_err());
}

#[test]
fn what_is_in_memory_is_bounded_by_the_stack_only() {
    let mut deep = Term::NIL;
    for _ in 0..1_500_000 {
        deep = Term::list([deep]);
    }
    assert!(from_term::<Term>(&deep).unwrap() == deep);
    assert!(to_term(&deep).unwrap() == deep);
    let huge = Term::big(BigInt::from(1) << 8_000_000);
    assert_eq!(from_term::<BigInt>(&huge).unwrap().bits(), 8_000_001);
    assert!(matches!(
        from_term::<Nested>(&deep),
        Err(DecodeError::TooDeep(256))
    ));
}

#[derive(Debug, Decode)]
struct Nested(#[allow(dead_code)] Vec<Self>);

#[test]
fn an_encode_that_writes_two_terms_makes_none() {
    struct Two;
    impl Encode for Two {
        fn encode(&self, e: &mut kista_etf::Encoder) -> Result<(), kista_etf::EncodeError> {
            e.int(1);
            e.int(2);
            Ok(())
        }
    }
    assert!(to_term(&Two).is_err());
}

#[test]
fn plain_values_become_terms_in_their_form() {
    fn form<T: Clone + Encode + Into<Term>>(value: T) {
        assert_eq!(value.clone().into(), to_term(&value).unwrap());
    }
    form(u128::MAX);
    form(isize::MIN);
    form(1.5f32);
    form('é');
    form(Box::<str>::from("a"));
    form(Arc::<str>::from("a"));
    form(Cow::Borrowed("a"));
    form(Charlist::from("aé"));
    form(Some(1u8));
    form(None::<u8>);
    form(vec![1u8, 2]);
    form(vec![vec![Some("a")]]);
    form([1i64, -1]);
    form(BTreeMap::from([("b", 1u8), ("a", 2)]));
    form(HashMap::from([(1u8, ("x", 2u8))]));
    form((
        1u8, 2u8, 3u8, 4u8, 5u8, 6u8, 7u8, 8u8, 9u8, 10u8, 11u8, 12u8,
    ));
    assert_eq!(Term::from(&String::from("a")), Term::from("a"));
    assert_eq!(Term::from(&Term::from(1)), Term::from(1));
    let pairs = [
        (Term::from(1), Term::from(2)),
        (Term::from(1), Term::from(3)),
    ];
    assert_eq!(pairs.into_iter().collect::<Term>(), term!(#{1 => 3}));
}

#[test]
fn terms_become_plain_values_or_say_what_they_are() {
    fn there<
        T: TryFrom<Term> + for<'a> TryFrom<&'a Term> + Into<Term> + PartialEq + Debug + Clone,
    >(
        value: T,
    ) {
        let term: Term = value.clone().into();
        assert_eq!(T::try_from(&term).ok().as_ref(), Some(&value));
        assert_eq!(T::try_from(term).ok(), Some(value));
    }
    let node = Atom::new("a@b").unwrap();
    there(u8::MAX);
    there(i8::MIN);
    there(u64::MAX);
    there(i128::MIN);
    there(u128::MAX);
    there(usize::MAX);
    there(1.5);
    there(true);
    there("x".to_owned());
    there(BigInt::from(1) << 100);
    there(BigInt::from(1));
    there(Binary::from("x"));
    there(node);
    there(Pid {
        node,
        id: 1,
        serial: 2,
        creation: 3,
    });
    there(Port {
        node,
        id: 1,
        creation: 3,
    });
    there(Reference::new(node, 1, &[1]).unwrap());
    assert_eq!(<&str>::try_from(&Term::from("x")), Ok("x"));

    assert_eq!(
        u8::try_from(&Term::from(256)),
        Err(DecodeError::OutOfRange("u8"))
    );
    assert_eq!(
        u64::try_from(Term::from(-1)),
        Err(DecodeError::OutOfRange("u64"))
    );
    let found = Kind::Atom;
    let expected = "a binary of UTF-8";
    assert_eq!(
        String::try_from(term!(x)),
        Err(DecodeError::Unexpected { expected, found })
    );
    assert!(<&str>::try_from(&Term::from(&[0xff][..])).is_err());
    assert!(f64::try_from(Term::from(1)).is_err());
    assert!(bool::try_from(term!(yes)).is_err());
}

#[test]
fn terms_are_looked_into_by_kind() {
    let big = Term::from(u64::MAX);
    assert_eq!((big.as_uint(), big.as_int()), (Some(u64::MAX), None));
    assert_eq!(Term::from(-1).as_uint(), None);
    assert_eq!(big.to_bigint(), Some(BigInt::from(u64::MAX)));
    assert_eq!(Term::NIL.to_bigint(), None);
    let improper = term!([1, 2 | x]);
    let (items, tail) = improper.as_improper().unwrap();
    assert_eq!((items.len(), tail), (2, &term!(x)));
    assert!(term!([1]).as_improper().is_none());
    assert_eq!(term!(#{}).into_map().map(|map| map.len()), Ok(0));
    assert_eq!(term!(x).into_map().map(|_| ()), Err(term!(x)));
    let atom = Atom::try_from("abc").unwrap();
    assert_eq!(AsRef::<str>::as_ref(&atom), "abc");
    assert!(Atom::try_from("é".repeat(256).as_str()).is_err());
    assert_eq!(Vec::<u8>::from(Binary::from("ab")), b"ab");
}

#[test]
fn a_map_stays_sorted_whatever_is_put_in_and_taken_out() {
    let mut map = Map::default();
    let mut model = BTreeMap::new();
    for step in 0..200i64 {
        let key = step * 37 % 50;
        if step % 3 == 2 {
            assert_eq!(map.remove(&key.into()), model.remove(&key).map(Term::from));
        } else {
            assert_eq!(
                map.insert(key.into(), step.into()),
                model.insert(key, step).map(Term::from)
            );
        }
        assert_eq!(map.len(), model.len());
        assert_eq!(map.contains_key(&key.into()), model.contains_key(&key));
        assert_eq!(
            map.get(&key.into()).and_then(Term::as_int),
            model.get(&key).copied()
        );
        assert!(
            map.keys()
                .cloned()
                .eq(model.keys().map(|key| Term::from(*key)))
        );
        assert!(
            map.values()
                .cloned()
                .eq(model.values().map(|value| Term::from(*value)))
        );
        let mut pairs = 0;
        for (key, value) in &map {
            pairs += 1;
            assert_eq!(model.get(&key.as_int().unwrap()).copied(), value.as_int());
        }
        assert_eq!(pairs, model.len());
    }
    let term = Term::from(map.clone());
    assert_eq!(from_slice::<Term>(&to_vec(&term).unwrap()), Ok(term));
    assert_eq!(map.into_iter().collect::<Term>(), Term::from(model));
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(tuple)]
struct Forms {
    #[etf(with = with::milliseconds)]
    timeout: Option<Duration>,
    #[etf(with = with::seconds)]
    times: Vec<SystemTime>,
    #[etf(with = with::binary)]
    data: Option<Vec<u8>>,
    #[etf(with = with::binary)]
    parts: Vec<Vec<u8>>,
    #[etf(with = with::charlist)]
    name: Option<String>,
    #[etf(with = with::charlist)]
    names: Vec<String>,
    #[etf(with = with::number)]
    weights: Vec<Option<f64>>,
}

fn form(value: &Forms, text: &str) {
    let bytes = to_vec(value).unwrap();
    assert_eq!(from_slice::<Term>(&bytes).unwrap().to_string(), text);
    assert_eq!(&from_slice::<Forms>(&bytes).unwrap(), value);
}

#[test]
fn other_forms_are_for_options_and_lists_too() {
    form(
        &Forms {
            timeout: Some(Duration::from_secs(5)),
            times: vec![
                SystemTime::UNIX_EPOCH,
                SystemTime::UNIX_EPOCH + Duration::from_secs(300),
            ],
            data: Some(vec![1]),
            parts: vec![vec![1], vec![]],
            name: Some("ab".into()),
            names: vec!["c".into()],
            weights: vec![Some(1.5), None],
        },
        "{5000,[0,300],<<1>>,[<<1>>,<<>>],\"ab\",[\"c\"],[1.5,undefined]}",
    );
    form(
        &Forms {
            timeout: None,
            times: vec![],
            data: None,
            parts: vec![],
            name: None,
            names: vec![],
            weights: vec![],
        },
        "{undefined,[],undefined,[],undefined,[],[]}",
    );
    let integer = term!({nil, [], nil, [], nil, [], [1]});
    assert_eq!(from_term::<Forms>(&integer).unwrap().weights, [Some(1.0)]);
    let wrong = term!({x, [], nil, [], nil, [], []});
    assert!(from_term::<Forms>(&wrong).unwrap_err().is_mismatch());
    // `nil` around holds for these too.
    #[derive(Debug, PartialEq, Encode, Decode)]
    #[etf(elixir = "E")]
    struct E {
        #[etf(with = with::milliseconds)]
        timeout: Option<Duration>,
    }
    let none = to_term(&E { timeout: None }).unwrap();
    assert!(
        none.as_map()
            .unwrap()
            .field("timeout")
            .unwrap()
            .is_atom("nil")
    );
    assert_eq!(
        from_term::<E>(&"#{'__struct__' => 'Elixir.E'}".parse().unwrap()),
        Ok(E { timeout: None })
    );
}

#[test]
fn a_charlist_passes_through_serde_and_other_formats() {
    let text = Charlist::from("aλ");
    assert_eq!(
        kista_etf::serde::to_term(&text).unwrap(),
        Term::charlist("aλ")
    );
    let bytes = kista_etf::serde::to_vec(&text).unwrap();
    assert_eq!(bytes, to_vec(&text).unwrap());
    assert_eq!(
        kista_etf::serde::from_slice::<Charlist>(&bytes).unwrap(),
        text
    );
    let json = serde_json::to_string(&text).unwrap();
    assert_eq!(json, "\"aλ\"");
    assert_eq!(serde_json::from_str::<Charlist>(&json).unwrap(), text);
    for wrong in [term!(a), term!(["a"]), term!([-1]), Term::from("a")] {
        assert!(
            kista_etf::serde::from_term::<Charlist>(&wrong)
                .unwrap_err()
                .is_mismatch()
        );
    }
}

#[test]
fn limits_and_a_quota_of_ones_own_hold() {
    let bytes = to_vec(&term!({found_terms_new, "x"})).unwrap();
    let bytes = [&bytes[..], &[]].concat();
    let mut limits = Limits::default();
    limits.bytes = bytes.len() - 1;
    assert!(from_slice_with_quota::<Term>(&bytes, &limits, &AtomQuota::new(9)).is_err());
    assert!(from_slice_borrowed_with::<(&str, &[u8])>(&bytes, &limits).is_err());
    let fresh = b"\x83w\x11found_terms_fresh";
    let none = AtomQuota::new(0);
    let term: Term = from_slice_with_quota(fresh, &Limits::DEFAULT, &none).unwrap();
    assert_eq!(
        (term.as_atom(), term.is_atom("found_terms_fresh")),
        (None, true)
    );
    let one = AtomQuota::new(1);
    let term: Term = from_slice_with_quota(fresh, &Limits::DEFAULT, &one).unwrap();
    assert!(term.as_atom().is_some());
    let borrowed = to_vec(&("a", Binary::from("b"))).unwrap();
    let read = from_slice_borrowed_with::<(&str, &[u8])>(&borrowed, &Limits::DEFAULT);
    assert_eq!(read, Ok(("a", &b"b"[..])));
}

fn _any_owned_type_is_read<T: DecodeOwned>(term: &Term) -> Result<T, DecodeError> {
    from_term(term)
}
