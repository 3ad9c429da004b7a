//! The whole external term format: every tag is read, modern ones are written, and what OTP refuses is refused.
//!
//! That a living `erl` agrees is shown by `interop/tests/interop/differential`; these are the rules by name.

use kista_etf::{
    Atom, AtomName, BigInt, BitString, Compression, DecodeError, Decoder, EncodeError, Encoder,
    Fault, Pid, Port, Reference, Term, atoms, from_slice, to_vec, to_vec_compressed,
};

fn term(bytes: &[u8]) -> Result<Term, DecodeError> {
    let mut d = Decoder::new(bytes);
    let term = d.term()?;
    d.finish()?;
    Ok(term)
}

fn written(value: &Term) -> Vec<u8> {
    to_vec(value).unwrap()[1..].to_vec()
}

/// A closure `m/1` with these parts behind its head.
fn fun(parts: &[&[u8]], free: u32) -> Vec<u8> {
    let body = [
        &[1][..],
        &[7; 16],
        &[0, 0, 0, 2],
        &free.to_be_bytes(),
        &parts.concat(),
    ]
    .concat();
    [&[112][..], &(body.len() as u32 + 4).to_be_bytes(), &body].concat()
}

const MODULE: &[u8] = &[119, 1, b'm'];
const ONE: &[u8] = &[97, 1];
const PID: &[u8] = &[88, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];

#[test]
fn every_kind_is_written_with_its_modern_tag_only() {
    let node = Atom::new("a@b").unwrap();
    let pid = Pid {
        node,
        id: 1,
        serial: 2,
        creation: 3,
    };
    let port = Port {
        node,
        id: 1,
        creation: 3,
    };
    let reference = Reference::new(node, 3, &[1, 2, 3]).unwrap();
    let tuple = |len: usize| Term::tuple(vec![Term::NIL; len]);
    for (value, tag) in [
        (Term::from(255), 97),
        (Term::from(-1), 98),
        (Term::from(1i64 << 31), 110),
        (Term::big(BigInt::from(1) << 2039), 110),
        (Term::big(BigInt::from(1) << 2040), 111),
        (Term::from(1.5), 70),
        (Term::from(atoms::OK), 119),
        (Term::from(Atom::new(&"é".repeat(127)).unwrap()), 119),
        (Term::from(Atom::new(&"é".repeat(128)).unwrap()), 118),
        (tuple(255), 104),
        (tuple(256), 105),
        (Term::NIL, 106),
        (Term::charlist("abc"), 107),
        (Term::charlist("ab\u{100}"), 108),
        (Term::improper([Term::NIL], Term::from(1)), 108),
        (Term::from("abc"), 109),
        (Term::from(BitString::new(&[0xe0][..], 3).unwrap()), 77),
        (Term::map([(Term::NIL, Term::NIL)]).unwrap(), 116),
        (Term::from(pid), 88),
        (Term::from(port), 120),
        (Term::from(reference), 90),
        (term(&fun(&[MODULE, ONE, ONE, PID], 0)).unwrap(), 112),
        (term(&[113, 119, 0, 119, 0, 97, 0]).unwrap(), 113),
    ] {
        let bytes = written(&value);
        assert_eq!(bytes[0], tag, "{value}");
        assert_eq!(term(&bytes).unwrap(), value);
    }
}

#[test]
fn legacy_and_roundabout_forms_are_the_same_terms() {
    for forms in [
        &[
            &[97, 7][..],
            &[98, 0, 0, 0, 7],
            &[110, 1, 0, 7],
            &[110, 3, 0, 7, 0, 0],
            &[111, 0, 0, 0, 2, 0, 7, 0],
        ][..],
        &[
            &[97, 0],
            &[110, 0, 0],
            &[110, 1, 1, 0],
            &[111, 0, 0, 0, 0, 1],
        ],
        &[
            &[119, 2, 0xc3, 0xa9],
            &[118, 0, 2, 0xc3, 0xa9],
            &[100, 0, 1, 0xe9],
            &[115, 1, 0xe9],
        ],
        &[&[104, 1, 106], &[105, 0, 0, 0, 1, 106]],
        &[
            &[106],
            &[107, 0, 0],
            &[108, 0, 0, 0, 0, 106],
            &[108, 0, 0, 0, 0, 107, 0, 0],
        ],
        &[
            &[108, 0, 0, 0, 2, 97, 1, 97, 2, 106],
            &[107, 0, 2, 1, 2],
            &[108, 0, 0, 0, 1, 97, 1, 107, 0, 1, 2],
            &[108, 0, 0, 0, 1, 97, 1, 108, 0, 0, 0, 1, 97, 2, 106],
        ],
        // A list of no elements is its tail.
        &[&[97, 5], &[108, 0, 0, 0, 0, 97, 5]],
        &[&[109, 0, 0, 0, 1, 3], &[77, 0, 0, 0, 1, 8, 3]],
        &[&[109, 0, 0, 0, 0], &[77, 0, 0, 0, 0, 0]],
        &[&[77, 0, 0, 0, 1, 3, 0xa0], &[77, 0, 0, 0, 1, 3, 0xbf]],
        &[
            &[116, 0, 0, 0, 2, 97, 1, 106, 97, 2, 106],
            &[116, 0, 0, 0, 2, 97, 2, 106, 97, 1, 106],
        ],
        &[
            &[88, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
            &[103, 100, 0, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 2, 3],
        ],
        &[
            &[120, 119, 1, b'a', 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3],
            &[89, 119, 1, b'a', 0, 0, 0, 1, 0, 0, 0, 3],
            &[102, 119, 1, b'a', 0, 0, 0, 1, 3],
        ],
        &[
            &[90, 0, 1, 119, 1, b'a', 0, 0, 0, 3, 0, 0, 0, 1],
            &[114, 0, 1, 119, 1, b'a', 3, 0, 0, 0, 1],
            &[101, 119, 1, b'a', 0, 0, 0, 1, 3],
        ],
        &[
            &[70, 63, 248, 0, 0, 0, 0, 0, 0],
            b"c1.50000000000000000000e+00\0\0\0\0\0",
        ],
    ] {
        let first = term(forms[0]).unwrap();
        for form in forms {
            let same = term(form).unwrap_or_else(|error| panic!("{form:?}: {error}"));
            assert_eq!(same, first, "{form:?}");
            assert_eq!(written(&same), written(&first));
        }
    }
}

#[test]
fn a_list_of_bytes_is_a_list_however_it_was_written() {
    let string = [131, 107, 0, 3, 1, 2, 255];
    assert_eq!(from_slice::<Vec<u8>>(&string), Ok(vec![1, 2, 255]));
    assert_eq!(from_slice::<Vec<i64>>(&string), Ok(vec![1, 2, 255]));
    assert_eq!(
        from_slice::<Vec<Term>>(&string).unwrap(),
        [Term::from(1), Term::from(2), Term::from(255)]
    );
    assert!(from_slice::<String>(&string).unwrap_err().is_mismatch());
}

#[test]
fn integers_of_any_size_up_to_the_limit_come_back() {
    for bits in [62, 63, 64, 127, 128, 129, 2039, 2040, 2041, 100_000] {
        for off in [-1, 0, 1] {
            for sign in [-1, 1] {
                let value = ((BigInt::from(1) << bits) + off) * sign;
                let bytes = to_vec(&value).unwrap();
                assert_eq!(from_slice::<BigInt>(&bytes).unwrap(), value);
                assert_eq!(from_slice::<Term>(&bytes).unwrap(), Term::big(value));
            }
        }
    }
    // The limit counts bytes: 512 KiB is one, and a byte more is too much.
    let largest = (BigInt::from(1) << (8 * 512 * 1024)) - 1;
    let bytes = to_vec(&largest).unwrap();
    assert_eq!(from_slice::<BigInt>(&bytes).unwrap(), largest);
    let error = from_slice::<BigInt>(&to_vec(&(largest + 1)).unwrap()).unwrap_err();
    assert_eq!(error.fault(), Fault::Limit);
}

#[test]
fn a_float_that_erlang_does_not_have_is_never_written() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(to_vec(&bad), Err(EncodeError::NonFinite));
        assert_eq!(to_vec(&(bad as f32)), Err(EncodeError::NonFinite));
        let inside = Term::map([(Term::NIL, Term::list([Term::from(bad)]))]).unwrap();
        assert_eq!(to_vec(&inside), Err(EncodeError::NonFinite));
        assert_eq!(to_vec_compressed(&inside, 9), Err(EncodeError::NonFinite));
        assert!(EncodeError::NonFinite.to_string().contains("finite"));
    }
}

#[test]
fn floats_as_text_are_read_as_erlang_reads_them() {
    let read = |text: &str| {
        let mut bytes = [0; 32];
        bytes[0] = 99;
        bytes[1..=text.len()].copy_from_slice(text.as_bytes());
        term(&bytes)
    };
    for (text, value) in [
        ("1.5", 1.5),
        ("+1.5", 1.5),
        ("-0.0", -0.0),
        ("1,5", 1.5),
        ("1.5E5", 1.5e5),
        ("1.5e+05", 1.5e5),
        ("1.0e-400", 0.0),
        ("1.79769313486231570815e+308", f64::MAX),
    ] {
        assert_eq!(read(text), Ok(Term::from(value)), "{text}");
    }
    for text in [
        "",
        "1",
        "1e5",
        " 1.5",
        "1.5 ",
        ".5",
        "5.",
        "1.5e",
        "1.5x",
        "inf",
        "nan",
        "0x1p3",
        "1.0e400",
        "1.50000000000000000000e+0000000",
    ] {
        assert_eq!(read(text), Err(DecodeError::BadFloat), "{text}");
    }
}

#[test]
fn a_key_twice_is_refused_in_every_way_of_reading() {
    use std::collections::{BTreeMap, HashMap};
    let twice = [131, 116, 0, 0, 0, 2, 97, 1, 97, 1, 98, 0, 0, 0, 1, 97, 2];
    assert_eq!(from_slice::<Term>(&twice), Err(DecodeError::DuplicateKey));
    assert_eq!(
        from_slice::<HashMap<u8, u8>>(&twice),
        Err(DecodeError::DuplicateKey)
    );
    assert_eq!(
        from_slice::<BTreeMap<u8, u8>>(&twice),
        Err(DecodeError::DuplicateKey)
    );
    // Deep inside, and of 1 and 1.0, which are two keys.
    let inside = [&[131, 104, 1, 108, 0, 0, 0, 1][..], &twice[1..], &[106]].concat();
    assert_eq!(from_slice::<Term>(&inside), Err(DecodeError::DuplicateKey));
    let two = [
        116, 0, 0, 0, 2, 97, 1, 106, 70, 63, 240, 0, 0, 0, 0, 0, 0, 106,
    ];
    assert_eq!(term(&two).unwrap().as_map().unwrap().len(), 2);
}

#[test]
fn identifiers_in_legacy_forms_have_the_numbers_that_those_forms_had() {
    for good in [
        &[103, 119, 0, 255, 255, 255, 255, 255, 255, 255, 255, 3][..],
        &[102, 119, 0, 255, 255, 255, 255, 3],
        &[101, 119, 0, 0, 3, 255, 255, 3],
        &[114, 0, 2, 119, 0, 3, 0, 3, 255, 255, 255, 255, 255, 255],
        &[90, 0, 1, 119, 0, 255, 255, 255, 255, 255, 255, 255, 255],
    ] {
        assert!(term(good).is_ok(), "{good:?}");
    }
    for bad in [
        &[103, 119, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4][..],
        &[102, 119, 0, 0, 0, 0, 0, 4],
        &[101, 119, 0, 0, 0, 0, 0, 4],
        &[101, 119, 0, 0, 4, 0, 0, 3],
        &[114, 0, 1, 119, 0, 4, 0, 0, 0, 0],
        &[114, 0, 1, 119, 0, 0, 0, 4, 0, 0],
    ] {
        assert_eq!(term(bad), Err(DecodeError::BadIdentifier), "{bad:?}");
        assert_eq!(DecodeError::BadIdentifier.fault(), Fault::Malformed);
    }
}

#[test]
fn references_of_one_to_five_words_come_back() {
    let node = Atom::new("a@b").unwrap();
    for count in 1..=5 {
        let words: Vec<u32> = (1..=count).collect();
        let reference = Reference::new(node, 9, &words).unwrap();
        let bytes = to_vec(&reference).unwrap();
        assert_eq!(from_slice::<Reference>(&bytes), Ok(reference));
        assert_eq!(from_slice::<Term>(&bytes).unwrap(), Term::from(reference));
    }
}

#[test]
fn funs_and_exports_are_sent_back_unchanged() {
    for bytes in [
        fun(&[MODULE, ONE, ONE, PID], 0),
        fun(&[MODULE, ONE, ONE, PID, &[104, 1, 106]], 1),
        fun(
            &[
                MODULE,
                ONE,
                &[98, 255, 255, 255, 255],
                PID,
                &fun(&[MODULE, ONE, ONE, PID], 0),
            ],
            1,
        ),
        vec![113, 119, 1, b'm', 119, 1, b'f', 97, 255],
    ] {
        let value = term(&bytes).unwrap();
        assert_eq!(written(&value), bytes);
        assert_eq!(value, term(&bytes).unwrap());
    }
}

#[test]
fn a_fun_with_broken_insides_is_refused_not_passed_on() {
    // A peer that gets it back would close our connection, not the one that it came by.
    for (free, error) in [
        (&[119, 1, 0xff][..], DecodeError::AtomNotUtf8),
        (&[70, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0], DecodeError::BadFloat),
        (
            &[116, 0, 0, 0, 2, 97, 1, 106, 97, 1, 106],
            DecodeError::DuplicateKey,
        ),
        (
            &[103, 119, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4],
            DecodeError::BadIdentifier,
        ),
    ] {
        let one = fun(&[MODULE, ONE, ONE, PID, free], 1);
        assert_eq!(term(&one), Err(error.clone()), "{free:?}");
        let in_another = fun(&[MODULE, ONE, ONE, PID, &[104, 1], &one], 1);
        assert_eq!(term(&in_another), Err(error), "{free:?}");
    }
    let big = &[110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 8][..];
    for parts in [
        [ONE, ONE, ONE, PID],
        [MODULE, MODULE, ONE, PID],
        [MODULE, ONE, big, PID],
        [MODULE, ONE, ONE, ONE],
    ] {
        assert_eq!(term(&fun(&parts, 0)), Err(DecodeError::BadFun));
    }
}

#[test]
fn a_map_with_funs_for_keys_inside_of_a_fun_is_read() {
    let (a, b) = (
        fun(&[MODULE, ONE, ONE, PID], 0),
        fun(&[MODULE, ONE, ONE, PID, ONE], 1),
    );
    let map = [&[116, 0, 0, 0, 3][..], &a, ONE, &b, ONE, ONE, ONE].concat();
    assert!(term(&fun(&[MODULE, ONE, ONE, PID, &map], 1)).is_ok());
}

#[test]
fn a_fun_interns_no_name_that_is_inside_of_it() {
    let name = [&[119, 20][..], b"only_ever_in_a_fun_1"].concat();
    let value = term(&fun(&[MODULE, ONE, ONE, PID, &name], 1)).unwrap();
    assert_eq!(Atom::lookup("only_ever_in_a_fun_1"), None);
    assert_eq!(term(&written(&value)).unwrap(), value);
}

#[test]
fn funs_in_funs_cost_no_more_than_their_bytes() {
    // 20,000 levels of 57 bytes: anything quadratic would take minutes.
    let mut bytes = vec![106];
    for _ in 0..20_000 {
        let head = fun(&[MODULE, ONE, ONE, PID], 1);
        let size = (head.len() - 1 + bytes.len()) as u32;
        // Built from the inside out, in reverse, so that nothing is copied twice.
        bytes.extend(head[5..].iter().rev());
        bytes.extend(size.to_be_bytes().iter().rev());
        bytes.push(112);
    }
    bytes.reverse();
    let value = term(&bytes).unwrap();
    assert_eq!(written(&value), bytes);
}

#[test]
fn compressed_terms_are_read_and_written_at_every_level() {
    let value = Term::list((0..2000).map(|n| Term::from((atoms::OK, n % 10))));
    let plain = to_vec(&value).unwrap();
    for level in 0..=9 {
        let bytes = to_vec_compressed(&value, level).unwrap();
        assert!(bytes.len() <= plain.len());
        assert_eq!(bytes[1] == 80, level > 0);
        assert_eq!(from_slice::<Term>(&bytes).unwrap(), value);
    }
    let how = Compression::new(6).threshold(plain.len() + 1);
    assert_eq!(to_vec_compressed(&value, how).unwrap(), plain);
    // Inside a message there is no such tag.
    assert_eq!(term(&[80, 0, 0, 0, 1, 0]), Err(DecodeError::UnknownTag(80)));
}

#[test]
fn atoms_have_255_characters_of_any_size() {
    for char in ["a", "é", "日", "😀"] {
        let atom = Atom::new(&char.repeat(255)).unwrap();
        assert_eq!(from_slice::<Atom>(&to_vec(&atom).unwrap()), Ok(atom));
        let long = char.repeat(256);
        assert!(Atom::new(&long).is_err());
        assert!(Encoder::new().atom_str(&long).is_err());
        let bytes = [
            &[118][..],
            &(long.len() as u16).to_be_bytes(),
            long.as_bytes(),
        ]
        .concat();
        assert_eq!(term(&bytes), Err(DecodeError::AtomTooLong));
    }
    // Latin-1 has up to 255 in its forms too; 256 do not fit.
    let latin = [&[100, 0, 255][..], &[0xe9; 255]].concat();
    assert_eq!(
        term(&latin).unwrap().as_atom_name(),
        Some(AtomName::from(Atom::new(&"é".repeat(255)).unwrap()))
    );
    let long = [&[100, 1, 0][..], &[0xe9; 256]].concat();
    assert_eq!(term(&long), Err(DecodeError::AtomTooLong));
}
