//! The types of the standard library: their limits, what they refuse, and that everything comes back as it was.

mod support;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::{NonZero, NonZeroU8};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use kista_etf::{
    BigInt, Binary, Charlist, Decode, DecodeOwned, Decoder, Encode, Fault, Term, atom, from_bytes,
    from_slice, from_slice_borrowed, to_vec, to_vec_compressed, with,
};
use proptest::prelude::*;
use support::{agrees, bytes_of, read, refused};

/// A written value is read back, from a vector and from shared memory, and is the same term either way.
#[track_caller]
fn returns<T: Encode + DecodeOwned + PartialEq + Debug>(value: T) {
    let bytes = to_vec(&value).unwrap();
    assert_eq!(from_slice::<T>(&bytes).as_ref(), Ok(&value));
    assert_eq!(
        from_bytes::<T>(&Bytes::from(bytes.clone())).as_ref(),
        Ok(&value)
    );
    let term: Term = from_slice(&bytes).unwrap();
    assert_eq!(
        from_slice::<T>(&to_vec(&term).unwrap()).as_ref(),
        Ok(&value)
    );
}

macro_rules! ends {
    ($($type:ident)*) => {
        $(
            let (low, high) = (BigInt::from($type::MIN), BigInt::from($type::MAX));
            returns($type::MIN);
            returns($type::MAX);
            let name = stringify!($type);
            let huge: BigInt = BigInt::from(1) << 200;
            for beyond in [low - 1, high + 1, -huge.clone(), huge] {
                let bytes = to_vec(&beyond).unwrap();
                let error = from_slice::<$type>(&bytes).unwrap_err();
                assert_eq!(error.to_string(), format!("an integer does not fit {name}"));
                assert_eq!(error.fault(), Fault::Mismatch);
            }
            assert_eq!(refused::<NonZero<$type>>("0"), format!("an integer does not fit NonZero<{name}>"));
            returns(NonZero::<$type>::MAX);
        )*
    };
}

#[test]
fn integers_are_checked_at_both_ends() {
    ends!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);
    // Longer than they need be, and a zero with a sign.
    assert_eq!(from_slice::<u128>(&[131, 110, 2, 0, 7, 0]), Ok(7));
    assert_eq!(from_slice::<u128>(&[131, 110, 1, 1, 0]), Ok(0));
    assert_eq!(from_slice::<u8>(&[131, 111, 0, 0, 0, 3, 0, 7, 0, 0]), Ok(7));
    assert_eq!(refused::<u128>("-1"), "an integer does not fit u128");
}

#[test]
fn a_mismatch_does_not_move_the_decoder() {
    let bytes = bytes_of("300");
    let mut d = Decoder::new(&bytes[1..]);
    assert!(u8::decode(&mut d).is_err());
    assert!(NonZeroU8::decode(&mut d).is_err());
    assert!(with::milliseconds::decode::<Duration>(&mut d).is_ok());
    let bytes = bytes_of("-5");
    let mut d = Decoder::new(&bytes[1..]);
    assert!(Duration::decode(&mut d).is_err());
    assert!(u128::decode(&mut d).is_err());
    assert!(Option::<String>::decode(&mut d).is_err());
    assert_eq!(i8::decode(&mut d), Ok(-5));
}

#[test]
fn integers_are_no_floats_unless_asked_for() {
    assert_eq!(refused::<f64>("1"), "expected a float, found an integer");
    assert_eq!(refused::<u8>("1.0"), "expected an integer, found a float");
    assert_eq!(refused::<f32>("1.0e300"), "a float does not fit f32");
    let number = |text: &str| {
        let bytes = bytes_of(text);
        with::number::decode::<f64>(&mut Decoder::new(&bytes[1..]))
    };
    assert_eq!(number("1"), Ok(1.0));
    assert_eq!(number("-1.5"), Ok(-1.5));
    assert!(number("one").unwrap_err().is_mismatch());
    let big = to_vec(&(BigInt::from(1) << 200)).unwrap();
    assert!(
        with::number::decode::<f64>(&mut Decoder::new(&big[1..]))
            .unwrap_err()
            .is_mismatch()
    );
    let large = to_vec(&i128::MAX).unwrap();
    assert_eq!(
        with::number::decode(&mut Decoder::new(&large[1..])),
        Ok(i128::MAX as f64)
    );
    for bad in [f64::NAN, f64::INFINITY] {
        assert!(to_vec(&bad).is_err());
        assert!(to_vec(&(bad as f32)).is_err());
    }
}

#[test]
fn options_take_undefined_and_nil() {
    agrees(None::<u8>, "undefined");
    agrees(Some(1u8), "1");
    assert_eq!(read::<Option<u8>>("nil"), Ok(None));
    assert_eq!(read::<Option<bool>>("true"), Ok(Some(true)));
    assert!(read::<Option<u8>>("null").unwrap_err().is_mismatch());
    assert_eq!(
        read::<Vec<Option<u8>>>("[1,nil,undefined]"),
        Ok(vec![Some(1), None, None])
    );
}

#[test]
fn results_are_what_functions_of_erlang_return() {
    agrees(Ok::<u8, String>(1), "{ok,1}");
    agrees(Err::<u8, String>("no".into()), "{error,<<\"no\">>}");
    agrees(Ok::<(), u8>(()), "ok");
    agrees(Err::<Box<()>, u8>(1), "{error,1}");
    agrees(Ok::<Box<()>, u8>(Box::new(())), "ok");
    agrees(Ok::<Option<()>, u8>(None), "{ok,undefined}");
    // What Erlang seldom writes, and we never do.
    assert_eq!(read::<Result<(), u8>>("{ok,ok}"), Ok(Ok(())));
    assert_eq!(
        refused::<Result<u8, u8>>("ok"),
        "Result: expected a tuple, found an atom"
    );
    assert_eq!(
        refused::<Result<(), u8>>("error"),
        "Result: expected the atom ok, found error"
    );
    assert_eq!(
        refused::<Result<u8, u8>>("{fine,1}"),
        "fine names no variant of Result"
    );
    assert_eq!(
        refused::<Result<u8, u8>>("{ok,x}"),
        "field Ok of Result: expected an integer, found an atom"
    );
    assert!(
        read::<Result<u8, u8>>("{ok,1,2}")
            .unwrap_err()
            .is_mismatch()
    );
}

#[test]
fn charlists_are_lists_of_code_points() {
    agrees(Charlist::from("hi"), "\"hi\"");
    returns(Charlist::from("hé λ 🦀"));
    returns(Charlist::from(&*"x".repeat(70_000)));
    assert_eq!(read::<Charlist>("[]"), Ok(Charlist::default()));
    // Latin-1 in the short form is no UTF-8.
    assert_eq!(
        from_slice::<Charlist>(&[131, 107, 0, 1, 0xe9]),
        Ok(Charlist::from("é"))
    );
    for text in ["[55296]", "[1114112]", "[-1,300]"] {
        assert_eq!(refused::<Charlist>(text), "an integer does not fit char");
    }
    assert_eq!(refused::<Charlist>("[300|x]"), "a list is improper");
    assert_eq!(
        refused::<Charlist>("[300,x]"),
        "expected an integer, found an atom"
    );
    assert_eq!(
        refused::<Charlist>("<<\"x\">>"),
        "expected a list, found a binary"
    );
    assert_eq!(
        refused::<String>("\"x\""),
        "expected a binary, found a list"
    );
}

#[test]
fn bytes_behind_a_pointer_are_binaries_and_vectors_are_lists() {
    let shown = |bytes: Vec<u8>| from_slice::<Term>(&bytes).unwrap().to_string();
    let bytes: &[u8] = &[1, 2];
    assert_eq!(shown(to_vec(bytes).unwrap()), "<<1,2>>");
    assert_eq!(shown(to_vec(&bytes).unwrap()), "<<1,2>>");
    agrees(Box::<[u8]>::from(bytes), "<<1,2>>");
    agrees(Rc::<[u8]>::from(bytes), "<<1,2>>");
    agrees(Arc::<[u8]>::from(bytes), "<<1,2>>");
    agrees(Bytes::copy_from_slice(bytes), "<<1,2>>");
    agrees(Binary::copy_from_slice(bytes), "<<1,2>>");
    agrees(vec![1u8, 2], "[1,2]");
    agrees([1u8, 2], "[1,2]");
    agrees(Box::<[u16]>::from([1, 2]), "[1,2]");
    assert_eq!(read::<Box<[u8]>>("[1,2]"), Ok(Box::from(bytes)));
    assert!(read::<Vec<u8>>("<<\"ab\">>").unwrap_err().is_mismatch());

    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Borrowed<'a> {
        data: &'a [u8],
        text: Cow<'a, str>,
        more: Cow<'a, [u8]>,
    }
    let value = Borrowed {
        data: bytes,
        text: "t".into(),
        more: bytes.into(),
    };
    let written = to_vec(&value).unwrap();
    let back: Borrowed<'_> = from_slice_borrowed(&written).unwrap();
    assert_eq!(back, value);
    assert!(matches!(
        (&back.text, &back.more),
        (Cow::Borrowed(_), Cow::Borrowed(_))
    ));
    assert!(written.as_ptr_range().contains(&back.data.as_ptr()));
    // A compressed term is refused before it is inflated: what cannot be, or would be too large, as well.
    let long = to_vec_compressed(&"x".repeat(1000), 6).unwrap();
    for bytes in [
        &long[..],
        &long[..20],
        &[131, 80],
        &[131, 80, 255, 255, 255, 255],
    ] {
        assert!(
            from_slice_borrowed::<&str>(bytes)
                .unwrap_err()
                .is_mismatch()
        );
        let error = kista_etf::serde::from_slice_borrowed::<&str>(bytes).unwrap_err();
        assert!(error.is_mismatch());
    }
    assert!(from_slice_borrowed::<&str>(&[131, 109, 0, 0, 0, 0, 9]).is_err());
}

#[test]
fn binaries_for_fields_that_would_be_lists() {
    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Digest(#[etf(with = with::binary)] [u8; 2]);
    agrees(Digest([1, 2]), "<<1,2>>");
    assert_eq!(
        from_slice::<Digest>(&to_vec("abc").unwrap())
            .unwrap_err()
            .to_string(),
        "expected a binary of 2 bytes, found one of 3"
    );
}

#[test]
fn large_bytes_are_slices_of_the_input_and_small_ones_are_not() {
    let shared =
        Bytes::from(to_vec(&(Bytes::from(vec![1; 5000]), Bytes::from(vec![2; 10]))).unwrap());
    let (large, small): (Bytes, Bytes) = from_bytes(&shared).unwrap();
    assert!(shared.as_ptr_range().contains(&large.as_ptr()));
    assert!(!shared.as_ptr_range().contains(&small.as_ptr()));
}

#[test]
fn times_are_integers_of_the_unit_that_is_asked_for() {
    agrees(Duration::new(1, 5), "1000000005");
    returns(Duration::MAX);
    returns(Duration::ZERO);
    returns(SystemTime::UNIX_EPOCH);
    returns(SystemTime::UNIX_EPOCH - Duration::new(3, 7));
    assert_eq!(
        refused::<Duration>("-1"),
        "an integer does not fit Duration"
    );
    let beyond = to_vec(&((BigInt::from(u64::MAX) + 1) * 1_000_000_000)).unwrap();
    assert!(from_slice::<Duration>(&beyond).unwrap_err().is_mismatch());
    assert!(
        from_slice::<SystemTime>(&to_vec(&i128::MAX).unwrap())
            .unwrap_err()
            .is_mismatch()
    );
    assert!(
        from_slice::<SystemTime>(&to_vec(&i128::MIN).unwrap())
            .unwrap_err()
            .is_mismatch()
    );

    #[derive(Debug, PartialEq, Encode, Decode)]
    #[etf(tuple)]
    struct Units {
        #[etf(with = with::seconds)]
        s: Duration,
        #[etf(with = with::milliseconds)]
        ms: Duration,
        #[etf(with = with::microseconds)]
        us: SystemTime,
        #[etf(with = with::nanoseconds)]
        ns: SystemTime,
    }
    let base = SystemTime::UNIX_EPOCH;
    let (s, ms) = (Duration::from_secs(3), Duration::from_millis(5));
    agrees(
        Units {
            s,
            ms,
            us: base + ms,
            ns: base - ms,
        },
        "{3,5,5000,-5000000}",
    );
    let finer = Units {
        s: Duration::from_millis(2999),
        ms: Duration::from_micros(1),
        us: base - Duration::from_nanos(1),
        ns: base,
    };
    let term: Term = from_slice(&to_vec(&finer).unwrap()).unwrap();
    assert_eq!(term.to_string(), "{2,0,-1,0}");
}

#[test]
fn addresses_are_tuples_of_inet() {
    agrees(Ipv4Addr::new(127, 0, 0, 1), "{127,0,0,1}");
    agrees(
        "2001:db8::ff".parse::<Ipv6Addr>().unwrap(),
        "{8193,3512,0,0,0,0,0,255}",
    );
    agrees(IpAddr::V4(Ipv4Addr::LOCALHOST), "{127,0,0,1}");
    agrees(IpAddr::V6(Ipv6Addr::LOCALHOST), "{0,0,0,0,0,0,0,1}");
    for text in [
        "{127,0,0}",
        "{127,0,0,256}",
        "{1,2,3,4,5}",
        "x",
        "{0,0,0,0,0,0,0,65536}",
    ] {
        assert!(read::<IpAddr>(text).unwrap_err().is_mismatch(), "{text}");
    }
}

#[test]
fn atoms_with_one_meaning() {
    agrees((), "ok");
    agrees(PhantomData::<u8>, "ok");
    agrees(true, "true");
    assert_eq!(refused::<()>("error"), "expected the atom ok, found error");
    assert_eq!(
        refused::<bool>("yes"),
        "expected true or false, found an atom"
    );
    agrees('λ', "<<\"λ\"/utf8>>");
    assert!(read::<char>("<<\"ab\">>").unwrap_err().is_mismatch());
}

#[test]
fn tuples_and_arrays_have_their_size() {
    agrees(
        (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
        "{1,2,3,4,5,6,7,8,9,10,11,12}",
    );
    assert!(read::<(u8, u8)>("{1}").unwrap_err().is_mismatch());
    assert!(read::<[u8; 2]>("[1]").unwrap_err().is_mismatch());
    assert!(read::<[u8; 2]>("[1,2,3]").unwrap_err().is_mismatch());
    assert!(read::<Vec<u8>>("[1|2]").unwrap_err().is_mismatch());
    assert_eq!(
        refused::<Vec<u8>>("[1,300]"),
        "element 1: an integer does not fit u8"
    );
    assert_eq!(
        from_slice::<Vec<i8>>(&[131, 107, 0, 2, 1, 200])
            .unwrap_err()
            .to_string(),
        "element 1: an integer does not fit i8"
    );
    assert_eq!(
        from_slice::<Vec<bool>>(&[131, 107, 0, 1, 1])
            .unwrap_err()
            .to_string(),
        "element 0: expected an atom, found an integer"
    );
}

#[test]
fn a_key_twice_is_malformed_and_an_element_twice_is_one() {
    let twice = [131, 116, 0, 0, 0, 2, 97, 1, 97, 1, 97, 1, 97, 2];
    assert_eq!(
        from_slice::<BTreeMap<u8, u8>>(&twice).unwrap_err().fault(),
        Fault::Malformed
    );
    assert_eq!(
        from_slice::<HashMap<u8, u8>>(&twice).unwrap_err().fault(),
        Fault::Malformed
    );
    assert_eq!(read("[1,1,2]"), Ok(BTreeSet::from([1u8, 2])));
    assert_eq!(read("[1,1,300]"), Ok(HashSet::from([1u16, 300])));
}

#[test]
fn a_value_that_is_large_is_written_in_the_long_form() {
    returns(vec![7u8; 65_535]);
    returns(vec![7u8; 65_536]);
    returns(vec![1i64, -1]);
    assert_eq!(to_vec(&vec![7u64; 65_535]).unwrap().len(), 1 + 3 + 65_535);
    assert_eq!(
        to_vec(&vec![7u8; 65_536]).unwrap().len(),
        1 + 5 + 2 * 65_536 + 1
    );
}

#[test]
fn only_lists_of_small_integers_take_the_short_form() {
    let short = |bytes: Vec<u8>| bytes[1] == 107;
    assert!(short(to_vec(&VecDeque::from([1u32, 255])).unwrap()));
    assert!(short(to_vec(&vec![Some(1u8), Some(2)]).unwrap()));
    assert!(short(to_vec(&BTreeSet::from([1u8])).unwrap()));
    assert!(!short(to_vec(&vec![1u32, 256]).unwrap()));
    assert!(!short(to_vec(&vec![Some(97u8), None]).unwrap()));
    assert!(!short(to_vec(&vec![(), ()]).unwrap()));
    assert!(!short(to_vec(&VecDeque::from(vec![1u8; 65_536])).unwrap()));
    let mut e = kista_etf::Encoder::with_atom_table();
    vec![true, false].encode(&mut e).unwrap();
    assert_eq!(e.to_vec(), [108, 0, 0, 0, 2, 82, 0, 82, 1, 106]);
    for count in [1, 2, 255, 65_535] {
        returns((VecDeque::from(vec![97u8; count]), "after".to_owned()));
    }
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
enum Every {
    Unit,
    New(i64),
    Tuple(Option<String>, f64),
    Fields {
        a: u16,
        b: Vec<bool>,
    },
    #[etf(tuple)]
    Positional {
        a: Option<char>,
        b: u128,
    },
    Struct(Box<All>),
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[etf(rename_all = "camelCase")]
struct All {
    ints: Vec<i32>,
    floats: VecDeque<f32>,
    text_map: BTreeMap<String, Every>,
    numbers: HashMap<i128, Result<(), Charlist>>,
    set: BTreeSet<(u8, bool)>,
    list: Proplist,
    record: Record,
    elixir: Elixir,
    span: Duration,
    address: IpAddr,
    #[etf(with = with::binary)]
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[etf(proplist, keys = "binary")]
struct Proplist {
    a: Option<u64>,
    #[etf(default, skip_encoding_if = String::is_empty)]
    b: String,
}

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[etf(record = "Rec")]
struct Record(i8, [u16; 3], Arc<str>);

#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[etf(elixir = "Some.Module", rename_all = "SCREAMING-KEBAB-CASE")]
struct Elixir {
    some_name: Option<bool>,
    #[etf(flatten)]
    rest: BTreeMap<String, u8>,
}

fn every() -> impl Strategy<Value = Every> {
    let leaf = prop_oneof![
        Just(Every::Unit),
        any::<i64>().prop_map(Every::New),
        (any::<Option<String>>(), finite()).prop_map(|(a, b)| Every::Tuple(a, b)),
        (any::<u16>(), any::<Vec<bool>>()).prop_map(|(a, b)| Every::Fields { a, b }),
        (any::<Option<char>>(), any::<u128>()).prop_map(|(a, b)| Every::Positional { a, b }),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        all(inner).prop_map(|all| Every::Struct(Box::new(all)))
    })
}

fn finite() -> impl Strategy<Value = f64> {
    prop::num::f64::NORMAL | prop::num::f64::ZERO | prop::num::f64::SUBNORMAL
}

fn all(inner: impl Strategy<Value = Every>) -> impl Strategy<Value = All> {
    let charlist = || any::<String>().prop_map(Charlist);
    let collections = (
        any::<Vec<i32>>(),
        prop::collection::vec_deque(prop::num::f32::NORMAL, 0..4),
        prop::collection::btree_map(any::<String>(), inner, 0..4),
        prop::collection::hash_map(any::<i128>(), Err(charlist()).or_ok(), 0..4),
        prop::collection::btree_set(any::<(u8, bool)>(), 0..4),
    );
    let parts = (
        (any::<Option<u64>>(), any::<String>()).prop_map(|(a, b)| Proplist { a, b }),
        (any::<i8>(), any::<[u16; 3]>(), any::<String>())
            .prop_map(|(a, b, c)| Record(a, b, c.into())),
        (
            any::<Option<bool>>(),
            prop::collection::btree_map("[a-z]*", any::<u8>(), 0..4),
        )
            .prop_map(|(some_name, rest)| Elixir { some_name, rest }),
        any::<Duration>(),
        any::<IpAddr>(),
        any::<Vec<u8>>(),
    );
    (collections, parts).prop_map(
        |((ints, floats, text_map, numbers, set), (list, record, elixir, span, address, bytes))| {
            All {
                ints,
                floats,
                text_map,
                numbers,
                set,
                list,
                record,
                elixir,
                span,
                address,
                bytes,
            }
        },
    )
}

/// `Ok(())` as often as this error.
trait OrOk<E> {
    fn or_ok(self) -> BoxedStrategy<Result<(), E>>;
}

impl<E: Debug + Clone + 'static, S: Strategy<Value = E> + 'static> OrOk<E> for Result<(), S> {
    fn or_ok(self) -> BoxedStrategy<Result<(), E>> {
        match self {
            Err(errors) => prop_oneof![Just(Ok(())), errors.prop_map(Err)].boxed(),
            Ok(()) => Just(Ok(())).boxed(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_is_written_is_read_as_it_was(value in every()) {
        returns(value);
    }

    #[test]
    fn a_message_with_an_atom_table_is_the_same(value in every()) {
        let mut e = kista_etf::Encoder::with_atom_table();
        value.encode(&mut e).unwrap();
        let table: Vec<_> = e.atoms().iter().map(|atom| kista_etf::AtomName::from(*atom)).collect();
        let bytes = e.to_vec();
        let mut d = Decoder::new(&bytes).atoms(&table);
        prop_assert_eq!(Every::decode(&mut d), Ok(value));
        d.finish().unwrap();
    }

    #[test]
    fn cut_or_changed_bytes_are_an_error_or_a_value_never_a_panic(value in every(), at in any::<prop::sample::Index>(), byte: u8) {
        let bytes = to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        prop_assert!(from_slice::<Every>(&bytes[..at]).is_err());
        let mut changed = bytes;
        changed[at] = byte;
        if let Ok(value) = from_slice::<Every>(&changed) {
            returns(value);
        }
    }
}

#[test]
fn an_atom_of_the_program_may_be_long() {
    // More than 255 bytes take the other tag.
    #[derive(Debug, PartialEq, Encode, Decode)]
    #[etf(
        rename = "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
    )]
    struct Long;
    let bytes = to_vec(&Long).unwrap();
    assert_eq!(bytes[1], 118);
    returns(Long);
    assert_eq!(
        from_slice::<kista_etf::Atom>(&to_vec(&atom!("x")).unwrap()),
        Ok(atom!("x"))
    );
}
