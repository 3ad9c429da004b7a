//! Text and terms: what is printed reads back as the same term, and no text does harm.

use kista_etf::term::{Export, Opaque};
use kista_etf::{
    Atom, AtomName, BigInt, BitString, Limits, Pid, Port, Reference, Term, from_slice_with,
};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = AtomName> {
    let text = prop_oneof![
        Just("ok".to_owned()),
        Just("end".to_owned()),
        Just("a@b_C1".to_owned()),
        "[a-zA-Z0-9_@ÿß×'\\\\ \n\u{0}\u{7f}\u{85}λ日]{0,6}",
        any::<[char; 3]>().prop_map(|chars| chars.iter().collect()),
    ];
    (text, any::<bool>()).prop_map(|(text, interned)| {
        if interned && text.len() < 4 {
            AtomName::from(Atom::new(&text).unwrap())
        } else {
            AtomName::text(&text).unwrap()
        }
    })
}

fn leaf() -> impl Strategy<Value = Term> {
    let node = || prop_oneof![Just("a@b"), Just("a@b.c-d"), Just("x")];
    let node = move || node().prop_map(|text| Atom::new(text).unwrap());
    let number = || prop_oneof![Just(0), 1u32..4, any::<u32>()];
    let float = any::<f64>().prop_filter("Erlang has only these", |it| it.is_finite());
    prop_oneof![
        any::<i64>().prop_map(Term::from),
        (-300i64..300).prop_map(Term::from),
        (proptest::collection::vec(any::<u8>(), 0..40), any::<bool>()).prop_map(
            |(bytes, negative)| {
                let value = BigInt::from_bytes_be(num_sign(negative), &bytes);
                Term::big(value)
            }
        ),
        // Beyond what is printed in base 10.
        (1u32..5000).prop_map(|bits| Term::big((BigInt::from(3) << (bits * 4)) + 1)),
        float.prop_map(Term::from),
        (-20i32..20).prop_map(|power| Term::from(10f64.powi(power))),
        name().prop_map(Term::from),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(|it| Term::from(&it[..])),
        ".{0,8}".prop_map(Term::from),
        any::<[char; 4]>().prop_map(|chars| Term::from(chars.iter().collect::<String>())),
        any::<[char; 4]>().prop_map(|chars| Term::charlist(&chars.iter().collect::<String>())),
        proptest::collection::vec(0u8..=255, 0..20)
            .prop_map(|it| it.into_iter().collect::<Codes>().0),
        (proptest::collection::vec(any::<u8>(), 1..9), 1u8..8)
            .prop_map(|(bytes, bits)| Term::from(BitString::new(bytes, bits).unwrap())),
        (node(), number(), number(), number()).prop_map(|(node, id, serial, creation)| {
            Term::from(Pid {
                node,
                id,
                serial,
                creation,
            })
        }),
        (node(), any::<u64>(), number()).prop_map(|(node, id, creation)| Term::from(Port {
            node,
            id,
            creation
        })),
        (node(), number(), proptest::collection::vec(number(), 1..6)).prop_map(
            |(node, creation, words)| Term::from(Reference::new(node, creation, &words).unwrap())
        ),
        (name(), name(), any::<u8>()).prop_map(|(module, function, arity)| {
            Term::from(Export {
                module,
                function,
                arity,
            })
        }),
    ]
}

fn num_sign(negative: bool) -> kista_etf::Sign {
    if negative {
        kista_etf::Sign::Minus
    } else {
        kista_etf::Sign::Plus
    }
}

struct Codes(Term);

impl FromIterator<u8> for Codes {
    fn from_iter<I: IntoIterator<Item = u8>>(codes: I) -> Self {
        Self(codes.into_iter().map(Term::from).collect())
    }
}

fn term() -> impl Strategy<Value = Term> {
    leaf().prop_recursive(5, 60, 8, |inner| {
        let items = || proptest::collection::vec(inner.clone(), 0..8);
        prop_oneof![
            items().prop_map(Term::list),
            items().prop_map(Term::tuple),
            (items(), inner.clone()).prop_map(|(items, tail)| Term::improper(items, tail)),
            proptest::collection::btree_map(inner.clone(), inner.clone(), 0..6)
                .prop_map(|pairs| Term::map(pairs).unwrap()),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_printed_reads_back(term in term(), width in 1usize..120) {
        for text in [
            term.to_string(),
            term.format().plain().to_string(),
            term.format().pretty(width).to_string(),
        ] {
            match text.parse::<Term>() {
                Ok(back) => prop_assert_eq!(&back, &term, "{}", text),
                Err(error) => prop_assert!(false, "{}: {}", error, text),
            }
        }
    }

    #[test]
    fn no_text_panics(text in "[a-z0-9A-Z{}\\[\\]()<>#=|,.:/$%'\"\\\\_ \n\u{e9}-]{0,40}") {
        let _ = text.parse::<Term>();
        let _ = Term::consult(&text);
    }

    #[test]
    fn no_cut_of_a_printed_term_panics(term in term(), end in any::<prop::sample::Index>()) {
        let text = term.to_string();
        let end = text.floor_char_boundary(end.index(text.len() + 1));
        if let Ok(short) = text[..end].parse::<Term>() {
            // A shorter text can be a term, such as `12` of `123`; then it prints as what was read.
            prop_assert_eq!(short.to_string().parse::<Term>().unwrap(), short);
        }
    }

    #[test]
    fn the_orders_are_orders(a in term(), b in term(), c in term()) {
        use std::cmp::Ordering::{Equal, Greater};
        for order in [Term::cmp, Term::erl_cmp] {
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            prop_assert_eq!(order(&a, &a), Equal);
            if order(&a, &b) != Greater && order(&b, &c) != Greater {
                prop_assert!(order(&a, &c) != Greater);
            }
        }
        prop_assert_eq!(a.cmp(&b) == Equal, a == b);
        if a == b {
            prop_assert!(a.erl_eq(&b) && a.phash2() == b.phash2());
        }
    }
}

#[test]
fn a_million_levels_are_safe_everywhere() {
    let mut term = Term::NIL;
    for level in 0..1_000_000u32 {
        term = match level % 4 {
            0 => Term::tuple([Term::from(1), term]),
            1 => Term::list([Term::from(1), term]),
            2 => Term::improper([term], Term::from(1)),
            _ => Term::map([(Term::from(1), term)]).unwrap(),
        };
    }
    let text = term.format().limit(usize::MAX).to_string();
    let back: Term = text.parse().unwrap();
    assert!(back == term && back.erl_eq(&term) && back.cmp(&term).is_eq());
    assert_eq!(back.phash2(), term.phash2());
    assert_eq!(back.phash2_range(1 << 32), term.phash2_range(1 << 32));
    assert!(format!("{:#}", term).ends_with("..."));
    let copy = term.clone();
    drop(term);
    assert!(copy == back);
}

/// A closure that captured a closure, and so on: `levels` of them.
fn closures(levels: usize, captured: u8) -> Term {
    let mut fun = vec![97, captured];
    for _ in 0..levels {
        let mut outer = vec![112, 0, 0, 0, 0, 0];
        outer.extend([7; 16]);
        outer.extend([0, 0, 0, 1, 0, 0, 0, 1, 119, 1, b'm', 97, 1, 97, 2]);
        outer.extend([88, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
        outer.extend(&fun);
        let size = (outer.len() - 1) as u32;
        outer[1..5].copy_from_slice(&size.to_be_bytes());
        fun = outer;
    }
    fun.insert(0, 131);
    from_slice_with(&fun, &Limits::DEFAULT).unwrap()
}

#[test]
fn closures_inside_closures_overflow_no_stack() {
    // Sizes add up to the square of the levels, which bounds them; this is what 16 MB hold.
    for levels in [1, 7, 8, 9, 700] {
        let (one, two) = (closures(levels, 1), closures(levels, 2));
        assert!(one != two && one < two && !one.erl_eq(&two), "{levels}");
        assert!(one == closures(levels, 1));
        assert_ne!(one.phash2(), two.phash2());
        assert_eq!(one.to_string(), "#Fun<m.1.2>");
        assert!(one.to_string().parse::<Term>().is_err());
    }
}

#[test]
fn an_identifier_beyond_the_quota_reads_back_too() {
    fn is_opaque(term: &Term) -> bool {
        matches!(term, Term::Opaque(it) if !Opaque::node(it).is_empty())
    }
    let quota = kista_etf::AtomQuota::new(0);
    for text in [
        "<text_unknown_node.1.2/3>",
        "#Port<text_unknown_node.1/3>",
        "#Ref<text_unknown_node.3.2.1/3>",
    ] {
        let term = Term::parse_with(text, &Limits::DEFAULT, &quota).unwrap();
        assert!(is_opaque(&term));
        assert_eq!(term.to_string(), text);
        assert_eq!(
            term,
            Term::parse_with(&term.to_string(), &Limits::DEFAULT, &quota).unwrap()
        );
    }
}

#[test]
fn integers_of_many_digits_are_printed_in_decimal_and_read_back() {
    for bits in [8191u64, 8192, 8193, 40_000, 8 * 64 * 1024 - 1] {
        let value: BigInt = -(BigInt::from(1) << bits) + 1;
        let text = Term::big(value.clone()).to_string();
        assert!(text.bytes().skip(1).all(|byte| byte.is_ascii_digit()));
        assert_eq!(text.parse::<Term>().unwrap(), Term::big(value));
    }
    // The bound: printed in base 16, which takes linear time, and reads back too.
    let larger = Term::big(BigInt::from(1) << (8 * 64 * 1024));
    let text = larger.to_string();
    assert!(text.starts_with("16#1000"));
    assert_eq!(text.parse::<Term>().unwrap(), larger);
}

#[test]
fn large_integers_in_decimal_take_bounded_time() {
    let nines = "9".repeat(157_000);
    assert!("9".repeat(160_000).parse::<Term>().is_err());
    let many = format!("[{}]", vec![&*nines; 100].join(","));
    let error = many.parse::<Term>().unwrap_err();
    assert_eq!(error.problem(), &kista_etf::Problem::BigIntegers);
    // Small ones cost nothing.
    let small = format!("[{}]", vec!["9".repeat(2000); 5000].join(","));
    assert!(small.parse::<Term>().is_ok());
}
