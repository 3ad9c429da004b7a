//! `term!` and the reader of text agree, and what the macro refuses it explains.

use kista_etf::{Atom, Pid, Term, atom, term};

/// The same syntax, by both ways.
macro_rules! both {
    ($(($($tokens:tt)*))*) => {
        [$((term!($($tokens)*), stringify!($($tokens)*))),*]
    };
}

#[test]
fn the_macro_and_the_reader_agree() {
    // What both can read.
    for (term, text) in both! {
        ({ok})
        ({true, false, a@b})
        ({r#type_of})
        ({})
        ([[]])
        ([a, b | c])
        ([a | [b]])
        ([1 | [2 | 3]])
        ({0, -1, 1_000, 16#ff, -16#7f, 2#101})
        ({9223372036854775807, -9223372036854775808})
        ({9223372036854775808, -9223372036854775809, 340282366920938463463374607431768211456})
        ({1.5, -0.0, 1.0e5, 1_0.0e-3})
        ({"", "text", "π"})
        ({$a, $1})
        (#{})
        (#{a => 1, "b" => #{c => []}})
        (#{{1, 2} => [3]})
        ({<<>>, <<"text">>, <<"π"/utf8>>, <<"é">>, <<1, 2, 300, -1>>, <<5:3>>, <<1:1, 255:8, "a">>, <<258:16>>})
        ({fun lists:map/2, fun m:f/0})
    } {
        // Tokens lose the places of their blanks: what Rust takes apart Erlang wants together.
        let text = text
            .replace("r#", "")
            .replace("16 # ", "16#")
            .replace("2 # ", "2#");
        let text = text
            .replace("# {", "#{")
            .replace("$ ", "$")
            .replace(" @ ", "@");
        let read: Term = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(term, read, "{text}");
    }
}

#[test]
fn rust_values_stand_in_parentheses() {
    let (n, text, items) = (7u8, String::from("text"), vec![Term::from(1)]);
    let pid = Pid {
        node: atom!("a@b"),
        id: 1,
        serial: 2,
        creation: 3,
    };
    let tail = Term::list([term!(z)]);
    let built = term!({(n), (text.as_str()), (items.clone()), (n + 1), [(pid) | (tail)], #{(n) => (true)}, ((n, 1.5))});
    assert_eq!(
        built.to_string(),
        r#"{7,<<"text">>,[1],8,[<a@b.1.2/3>,z],#{7 => true},{7,1.5}}"#
    );
    assert_eq!(term!((text)), Term::from("text"));
}

#[test]
fn what_rust_cannot_spell_is_spelled_otherwise() {
    assert_eq!(
        term!(:"two words"),
        Term::from(Atom::new("two words").unwrap())
    );
    assert_eq!(term!('A'), Term::from(Atom::new("A").unwrap()));
    assert_eq!(term!(b"\xff"), Term::from(&[255][..]));
    assert_eq!(term!(b'\n'), Term::from(10));
    assert_eq!(
        term!([$+, 0x1e]),
        Term::list([Term::from(43), Term::from(30)])
    );
    assert_eq!(term!(fun :"a b":'C'/1).to_string(), "fun 'a b':'C'/1");
}

#[test]
fn of_computed_keys_the_last_counts() {
    let key = 1;
    assert_eq!(
        term!(#{(key) => a, 1 => b, (key) => c}).to_string(),
        "#{1 => c}"
    );
}

/// The expression of another macro, as one token.
#[test]
fn a_macro_can_pass_its_expressions_on() {
    macro_rules! ok {
        ($value:expr) => {
            term!({ok, $value})
        };
    }
    assert_eq!(ok!(1 + 1).to_string(), "{ok,2}");
}

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("tests/ui/term/*.rs");
}
