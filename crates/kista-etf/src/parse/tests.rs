use super::*;
use crate::{Atom, BitString};

fn read(text: &str) -> Term {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn wrong(text: &str, at: usize, problem: Problem) {
    let error = text.parse::<Term>().unwrap_err();
    assert_eq!((error.offset(), error.problem()), (at, &problem), "{text}");
}

/// What `erl_scan` and `erl_parse` of OTP 25 and 27 make of these.
#[test]
fn reads_what_erlang_reads() {
    for (text, printed) in [
        ("ok", "ok"),
        (" ok . ", "ok"),
        ("%c\n ok % d", "ok"),
        ("'a b'", "'a b'"),
        (
            r"'it\'s \x{41}\x42\103\^a\
'",
            r"'it\'s ABC\001'",
        ),
        ("a@b_C1", "a@b_C1"),
        ("-1_000", "-1000"),
        ("- 1", "-1"),
        ("+1", "1"),
        ("16#f_F", "255"),
        ("-36#Zz", "-1295"),
        ("2#101", "5"),
        ("$a", "97"),
        (r"$\n", "10"),
        (r"$\x{1F600}", "128512"),
        (r"$\\", "92"),
        ("-$a", "-97"),
        ("$ ", "32"),
        ("1.5", "1.5"),
        ("1_0.5_0e+1_0", "1.05e11"),
        ("-0.0", "-0.0"),
        ("1.0E-3", "0.001"),
        ("9223372036854775808", "9223372036854775808"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("\"a\" \"b\"", "\"ab\""),
        ("\"\"", "[]"),
        ("[]", "[]"),
        ("[a,b|c]", "[a,b|c]"),
        ("[a|[b|[]]]", "[a,b]"),
        ("[a|[b|c]]", "[a,b|c]"),
        ("{}", "{}"),
        ("{(1),((a))}", "{1,a}"),
        ("#{}", "#{}"),
        ("# {b=>1 , a => 2}", "#{a => 2,b => 1}"),
        ("fun lists : map / 2", "fun lists:map/2"),
        ("fun 'a b':'+'/0", "fun 'a b':'+'/0"),
        ("<<>>", "<<>>"),
        ("<<1,300,-1>>", "<<1,44,255>>"),
        ("<<\"ab\",$c>>", "<<\"abc\">>"),
        ("<<\"é\">>", "<<\"é\">>"),
        ("<<\"π\"/utf8, 960/utf8>>", "<<\"ππ\"/utf8>>"),
        ("<<\"\\x{3c0}\">>", "<<\"À\">>"),
        ("<<5:3>>", "<<5:3>>"),
        ("<<1:1,255:8,0:7>>", "<<255,128>>"),
        ("<<-1:3, (-2):5>>", "<<\"þ\">>"),
        ("<<258:16>>", "<<1,2>>"),
        ("<<1:0>>", "<<>>"),
        (
            "<<18446744073709551617:72/integer>>",
            "<<1,0,0,0,0,0,0,0,1>>",
        ),
        ("<<1.5/float>>", "<<63,248,0,0,0,0,0,0>>"),
        ("<a.1.2>", "<a.1.2>"),
        ("<'a.b'.1.2/3>", "<'a.b'.1.2/3>"),
        ("#Port<a.4294967297/3>", "#Port<a.4294967297/3>"),
        ("#Ref<a.3.2.1/9>", "#Ref<a.3.2.1/9>"),
    ] {
        assert_eq!(read(text).to_string(), printed, "{text}");
    }
}

#[test]
fn what_is_read_is_the_term_itself() {
    assert_eq!(
        read("{a, \"b\"}"),
        Term::from((Atom::new("a").unwrap(), Term::charlist("b")))
    );
    assert_eq!(
        read("<<1, 5:3>>"),
        Term::from(BitString::new(&[1, 0b1010_0000][..], 3).unwrap())
    );
    assert_eq!(read("\"\\x{D800}\""), Term::list([Term::from(0xD800)]));
}

#[test]
fn errors_say_where_and_what() {
    let expected = Problem::expected;
    for (text, at, problem) in [
        ("", 0, Problem::UnexpectedEnd),
        ("{a,", 3, Problem::UnexpectedEnd),
        ("[a|", 3, Problem::UnexpectedEnd),
        ("{a b}", 3, expected("`,` or `}`")),
        ("[a b]", 3, expected("`,`, `|` or `]`")),
        ("[a|b,c]", 4, expected("`]`")),
        ("(a", 2, expected("`)`")),
        ("#{a}", 3, expected("`=>`")),
        ("#{a => b => c}", 9, expected("`,` or `}`")),
        ("#a{}", 1, expected("a map, `#{`")),
        ("{a,}", 3, expected("a term")),
        ("[|a]", 1, expected("a term")),
        ("a b", 2, Problem::Trailing),
        ("a. b", 3, Problem::Trailing),
        ("{Xy}", 1, Problem::Variable("Xy".into())),
        ("_", 0, Problem::Variable("_".into())),
        ("{end}", 1, Problem::Reserved("end".into())),
        ("'a", 0, Problem::Unclosed('\'')),
        ("[\"a]", 1, Problem::Unclosed('"')),
        (r#""ab\xg0""#, 3, Problem::BadEscape),
        (r#""\x+1""#, 1, Problem::BadEscape),
        (r#""\x{110000}""#, 1, Problem::BadEscape),
        (r"'\x{D800}'", 0, Problem::NoChar(0xD800)),
        ("1a", 0, Problem::BadNumber),
        ("1__0", 0, Problem::BadNumber),
        ("1_", 0, Problem::BadNumber),
        ("16#fg", 0, Problem::BadNumber),
        ("1e5", 0, Problem::BadNumber),
        ("1.5x", 0, Problem::BadNumber),
        ("--1", 1, Problem::BadNumber),
        ("1.0e999", 0, Problem::BigFloat),
        ("#{a => 1, a => 2}", 16, Problem::DuplicateKey),
        ("<<a>>", 2, Problem::BadSegment),
        ("<<1/little>>", 4, Problem::BadSegment),
        ("<<1:99999999999>>", 2, Problem::BigSegment),
        ("<0.85.0>", 0, Problem::LocalPid),
        ("#Fun<m.1.2>", 0, Problem::Closure),
        ("#Ref<a.1.2.3.4.5.6>", 17, expected("at most five words")),
    ] {
        let error = text.parse::<Term>().unwrap_err();
        assert_eq!(error.problem(), &problem, "{text}");
        assert_eq!(error.offset(), at, "{text}: {error}");
    }
    wrong(&"a".repeat(256), 0, Problem::LongAtom);
    let error = "{a,\n é, B}".parse::<Term>().unwrap_err();
    assert_eq!((error.line(), error.column(), error.offset()), (2, 5, 9));
}

#[test]
fn a_million_levels_are_read_and_one_more_is_refused() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert_eq!(
        read(&deep(1_000_001)).to_string(),
        deep(1_000_001)[..1 << 20].to_owned() + "..."
    );
    wrong(&deep(1_000_002), 1_000_000, Problem::TooDeep(1_000_000));
    assert!("{".repeat(1_000_000).parse::<Term>().is_err());
    assert!("#{".repeat(1_000_000).parse::<Term>().is_err());
    assert!("(".repeat(2_000_000).parse::<Term>().is_err());
}

#[test]
fn short_texts_take_no_large_memory() {
    let many = ["<<0:500000>>"; 3].join(",");
    assert_eq!(
        format!("[{many}]").parse::<Term>().unwrap_err().problem(),
        &Problem::BigSegment
    );
    let digits = "9".repeat(200_000);
    assert!(matches!(
        digits.parse::<Term>().unwrap_err().problem(),
        Problem::BigInteger(_)
    ));
    assert!(format!("16#{digits}").parse::<Term>().is_ok());
    assert!(
        format!("16#{}", "f".repeat(2_000_000))
            .parse::<Term>()
            .is_err()
    );
}

#[test]
fn atoms_beyond_the_quota_stay_text() {
    let quota = AtomQuota::new(0);
    let term = Term::parse_with(
        "{parse_new_atom, <parse_new_node.1.2/3>}",
        &Limits::DEFAULT,
        &quota,
    )
    .unwrap();
    assert!(Atom::lookup("parse_new_atom").is_none());
    assert_eq!(term.to_string(), "{parse_new_atom,<parse_new_node.1.2/3>}");
}

#[test]
fn the_limits_of_terms_hold_for_text_too() {
    let mut limits = Limits::DEFAULT;
    (limits.bytes, limits.new_atoms, limits.bigint_bytes) = (60, 1, 8);
    let read = |text: &str| Term::parse_with(text, &limits, &AtomQuota::unlimited());
    read("[parse_limit_one, parse_limit_two]").unwrap();
    assert!(Atom::lookup("parse_limit_one").is_some());
    assert!(Atom::lookup("parse_limit_two").is_none());
    let long = read(&" ".repeat(61)).unwrap_err();
    assert_eq!(long.problem(), &Problem::TooLong(60));
    let large = read("16#fffffffffffffffffffffffffffffff").unwrap_err();
    assert_eq!(large.problem(), &Problem::BigInteger(8));
}

#[test]
fn consult_wants_full_stops() {
    assert_eq!(Term::consult("a. {b, 1.0}.\n% end").unwrap().len(), 2);
    assert_eq!(Term::consult("").unwrap().len(), 0);
    assert!(Term::consult("a. b").is_err());
}

#[test]
fn what_otp_27_brought_is_refused_and_not_read_as_something_else() {
    wrong("~\"abc\"", 0, Problem::Sigil);
    wrong("[~s(abc)]", 1, Problem::Sigil);
    wrong("\"\"\"\nabc\n\"\"\"", 0, Problem::TripleQuoted);
    wrong("<<\"\"\"\nabc\n\"\"\">>", 2, Problem::TripleQuoted);
    assert_eq!(read("\"\" \"abc\"").to_string(), "\"abc\"");
}

#[test]
fn a_point_is_a_full_stop_only_before_white_space() {
    for text in ["{a,1}.{b,2}.", "1.2.3.", "a.b.", "a..", "a.\"b\"."] {
        assert!(Term::consult(text).is_err(), "{text}");
        assert!(text.parse::<Term>().is_err(), "{text}");
    }
    for (text, count) in [
        ("a. b.", 2),
        ("a.%b\nc.", 2),
        ("1.\n2.", 2),
        ("a.", 1),
        ("1.5.\u{a0}b.", 2),
    ] {
        assert_eq!(Term::consult(text).unwrap().len(), count, "{text}");
    }
    assert!("1.5. % end".parse::<Term>().is_ok());
}
