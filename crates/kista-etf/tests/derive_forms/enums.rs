//! Enums: forms and names of variants, what none takes, variants without tags.

use super::*;

#[test]
fn variants_have_the_form_and_the_names_that_are_asked_for() {
    agrees(Shape::LonelyPoint, "'lonely-point'");
    agrees(Shape::WideCircle(1.5), "{'wide-circle',1.5}");
    agrees(
        Shape::Rect {
            side_a: 1,
            side_b: 2,
        },
        "{rect,#{sideA => 1,sideB => 2}}",
    );
    agrees(
        Shape::Triangle { base_line: 1 },
        "{'Tri',#{'BaseLine' => 1}}",
    );
    agrees(Shape::Line { from: 1, to: 2 }, "{line,1,2}");
    assert_eq!(
        refused::<Shape>("{rect,#{sideA => 1,sideB => -2}}"),
        "field side_b of Shape::Rect: an integer does not fit u8"
    );
    assert_eq!(
        refused::<Shape>("{line,1}"),
        "{line,_} names no variant of Shape"
    );
    assert_eq!(refused::<Shape>("line"), "line names no variant of Shape");
    assert_eq!(
        refused::<Shape>("{1,2}"),
        "Shape: expected an atom or a tagged tuple, found a tuple"
    );
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Level {
    Low,
    High,
    #[etf(other)]
    Other(AtomName),
}

#[derive(Debug, PartialEq, Encode, Decode)]
enum Named {
    Same,
    #[etf(rename = "same")]
    SameWithOne(u8),
    #[etf(rename = "same")]
    SameWithTwo(u8, u8),
    #[etf(other)]
    Other {
        term: Term,
    },
}

#[test]
fn what_no_variant_takes_goes_to_other_as_it_was() {
    agrees(Level::Low, "low");
    agrees(Level::Other(AtomName::text("medium").unwrap()), "medium");
    assert_eq!(refused::<Level>("{low}"), "expected an atom, found a tuple");
    agrees(Named::Same, "same");
    agrees(Named::SameWithOne(1), "{same,1}");
    agrees(Named::SameWithTwo(1, 2), "{same,1,2}");
    for text in [
        "{same,1,2,3}",
        "{same,x}",
        "{same,1,x}",
        "{}",
        "[]",
        "{1}",
        "#{}",
        "7",
        "other",
    ] {
        let term = bytes_of(text);
        let Named::Other { term: kept } = from_slice::<Named>(&term).unwrap() else {
            panic!("{text}")
        };
        assert_eq!(to_vec(&kept).unwrap(), term);
    }
}

#[derive(Debug, PartialEq, Encode, Decode)]
#[etf(untagged)]
enum Any {
    None,
    Number(i64),
    Pair(i64, Box<Self>),
    Fields { a: u8 },
    Text(String),
    Rest(Term),
}

#[test]
fn untagged_enums_take_the_first_variant_that_fits() {
    agrees(Any::None, "none");
    agrees(Any::Number(-1), "-1");
    agrees(
        Any::Pair(1, Box::new(Any::Text("x".into()))),
        r#"{1,<<"x">>}"#,
    );
    agrees(Any::Fields { a: 1 }, "#{a => 1}");
    agrees(Any::Rest(Term::from((1, 2, 3))), "{1,2,3}");
    assert!(matches!(read("some"), Ok(Any::Rest(_))));
    assert!(matches!(read("#{b => 1}"), Ok(Any::Rest(_))));

    #[derive(Debug, PartialEq, Encode, Decode)]
    #[etf(untagged)]
    enum Narrow {
        Int(u8),
        Text(String),
    }
    assert_eq!(
        refused::<Narrow>("[]"),
        "Narrow: expected what one of the variants takes, found a list"
    );
    // Broken bytes stay broken, whatever else could be tried.
    assert_eq!(
        from_slice::<Narrow>(&[131, 109, 0, 0, 0, 9])
            .unwrap_err()
            .fault(),
        Fault::Malformed
    );
}

#[test]
fn types_that_try_within_types_that_try_end_soon() {
    #[derive(Debug, Decode)]
    #[etf(untagged)]
    #[expect(dead_code)]
    enum Slow {
        A(Box<Self>, u8),
        B(Box<Self>, u16),
        C(Box<Self>, u32),
        D(Box<Self>, u64),
        End,
    }
    let depth = 200;
    let mut bytes = vec![131];
    bytes.extend(std::iter::repeat_n([104, 2], depth).flatten());
    bytes.extend(b"\x77\x03end");
    bytes.extend(std::iter::repeat_n(b"\x77\x01x".as_slice(), depth).flatten());
    let error = from_slice::<Slow>(&bytes).unwrap_err();
    assert_eq!(error.fault(), Fault::Limit, "{error}");
}
