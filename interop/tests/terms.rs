//! What a term is to Erlang, and to us: hash, order and text of thousands of terms that the peer made up.

use kista::Term;
use kista::etf::from_slice;
use kista_interop::{Otp, ask};

/// Of each kind of question. Most of the time is the peer's.
const COUNT: &str = "5000";

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(digit).collect()
}

fn term(hex: &str) -> Term {
    from_slice(&bytes(hex)).unwrap_or_else(|error| panic!("{hex}: {error}"))
}

fn lines(function: &str) -> Vec<Vec<String>> {
    let lines = ask(Otp::current(), "term_oracle", function, &["1", COUNT]);
    let lines: Vec<Vec<String>> = lines
        .iter()
        .map(|line| line.split(' ').map(str::to_owned).collect())
        .collect();
    assert_eq!(lines.len().to_string(), COUNT);
    lines
}

#[test]
fn phash2_agrees_in_every_bit() {
    for line in lines("hashes") {
        let term = term(&line[0]);
        assert_eq!(term.phash2().to_string(), line[1], "{term}");
        assert_eq!(
            term.phash2_range(1 << 32).map(|it| it.to_string()),
            Some(line[2].clone()),
            "{term}"
        );
    }
}

#[test]
fn terms_compare_as_in_erlang() {
    let release = Otp::current().release();
    for line in lines("orders") {
        let (a, b) = (term(&line[0]), term(&line[1]));
        let holds = |at: usize| line[at] == "true";
        let values = format!("{a}\n{b}\n{line:?}");
        // Since OTP 26 a map inside of a map's key compares by the numbers that its atoms happen to have on the node.
        let by_atom_numbers = |term: &Term| release >= 26 && map_in_key(term);
        if !by_atom_numbers(&a) || !by_atom_numbers(&b) {
            assert_eq!(a.erl_cmp(&b).is_lt(), holds(2), "<\n{values}");
            assert_eq!(b.erl_cmp(&a).is_gt(), holds(2), ">\n{values}");
        }
        assert_eq!(a.erl_eq(&b), holds(3), "==\n{values}");
        // Before OTP 27 the two zeros were one.
        let text = format!("{a}{b}");
        if release >= 27 || !text.contains("-0.0") {
            assert_eq!(a == b, holds(4), "=:=\n{values}");
            if release < 26 || !has_map(&a) {
                assert_eq!(a < b, holds(5), "as keys\n{values}");
            }
        }
    }
}

/// Whether there is a map in it; a closure may have captured one.
fn has_map(term: &Term) -> bool {
    matches!(term, Term::Fun(_))
        || term.as_map().is_some_and(|map| !map.is_empty())
        || inside(term).iter().any(has_map)
}

fn map_in_key(term: &Term) -> bool {
    let keys = |map: &kista::etf::term::Map| map.iter().any(|(key, _)| has_map(key));
    term.as_map().is_some_and(keys) || inside(term).iter().any(map_in_key)
}

fn inside(term: &Term) -> Vec<Term> {
    match term.clone() {
        Term::Tuple(tuple) => tuple.into_vec(),
        Term::List(list) => list.into_vec(),
        Term::ImproperList(list) => {
            let (mut items, tail) = list.into_parts();
            items.push(tail);
            items
        }
        Term::Map(map) => map
            .into_pairs()
            .into_iter()
            .flat_map(|(key, value)| [key, value])
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn terms_print_as_in_erlang_and_are_read_back() {
    for line in lines("texts") {
        let term = term(&line[0]);
        // As above: such maps are keys in an order of the node's own.
        if Otp::current().release() >= 26 && map_in_key(&term) {
            continue;
        }
        let theirs = |at: usize| String::from_utf8(bytes(&line[at])).expect("UTF-8");
        same(&term.format().plain().to_string(), &theirs(1));
        same(&term.to_string(), &theirs(2));
        same(&format!("{term:#}"), &theirs(3));
        same(&format!("{term:#40}"), &theirs(4));
        for at in 1..=4 {
            let back: Term = theirs(at).parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(back, term);
        }
    }
}

/// Shows where two long texts part.
#[track_caller]
fn same(ours: &str, theirs: &str) {
    let both = ours.chars().zip(theirs.chars());
    let equal = both.take_while(|(a, b)| a == b).count();
    let around = |text: &str| {
        text.chars()
            .skip(equal.saturating_sub(300))
            .take(400)
            .collect::<String>()
    };
    assert!(
        ours == theirs,
        "ours:\n{}\ntheirs:\n{}",
        around(ours),
        around(theirs)
    );
}
