//! What the tests of the derives share: terms from a little of Erlang's syntax, and checks in both directions.
#![allow(dead_code, unreachable_pub)]

use std::fmt::Debug;

use kista_etf::{Atom, DecodeError, DecodeOwned, Encode, Term, from_slice, to_vec};

/// The value is written as this term, which is shown so, and read back from it.
#[track_caller]
pub fn agrees<T: Encode + DecodeOwned + PartialEq + Debug>(value: T, text: &str) {
    let bytes = to_vec(&value).unwrap();
    assert_eq!(from_slice::<Term>(&bytes).unwrap().to_string(), text);
    assert_eq!(from_slice::<T>(&bytes).unwrap(), value);
}

/// A value out of a term in Erlang's syntax.
#[track_caller]
pub fn read<T: DecodeOwned>(text: &str) -> Result<T, DecodeError> {
    from_slice(&bytes_of(text))
}

/// What is said when the term does not fit.
#[track_caller]
pub fn refused<T: DecodeOwned + Debug>(text: &str) -> String {
    let error = read::<T>(text).unwrap_err();
    assert!(error.is_mismatch(), "{error}");
    error.to_string()
}

/// A term in Erlang's syntax, encoded.
#[track_caller]
pub fn bytes_of(text: &str) -> Vec<u8> {
    let mut parser = Parser { rest: text };
    let term = parser.term();
    parser.space();
    assert!(parser.rest.is_empty(), "left: {}", parser.rest);
    to_vec(&term).unwrap()
}

/// As much of the syntax as the tests need.
struct Parser<'t> {
    rest: &'t str,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, text: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    #[track_caller]
    fn expect(&mut self, text: &str) {
        assert!(self.eat(text), "expected {text} at {}", self.rest);
    }

    fn until(&mut self, end: char) -> String {
        let (text, rest) = self.rest.split_once(end).expect("closed");
        self.rest = rest;
        text.to_owned()
    }

    fn word(&mut self) -> String {
        let end = self
            .rest
            .find(|char: char| !char.is_alphanumeric() && !"_@-.".contains(char))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word.to_owned()
    }

    fn items(&mut self, close: &str) -> Vec<Term> {
        let mut items = Vec::new();
        self.space();
        while !self.rest.starts_with(close) && !self.rest.starts_with('|') {
            items.push(self.term());
            if !self.eat(",") {
                break;
            }
        }
        items
    }

    fn term(&mut self) -> Term {
        if self.eat("#{") {
            let mut pairs = Vec::new();
            while !self.eat("}") {
                let key = self.term();
                self.expect("=>");
                pairs.push((key, self.term()));
                self.eat(",");
            }
            Term::map(pairs).expect("distinct keys")
        } else if self.eat("{") {
            let items = self.items("}");
            self.expect("}");
            Term::tuple(items)
        } else if self.eat("[") {
            let items = self.items("]");
            let tail = if self.eat("|") {
                self.term()
            } else {
                Term::NIL
            };
            self.expect("]");
            Term::improper(items, tail)
        } else if self.eat("<<\"") {
            let text = self.until('"');
            self.expect(">>");
            Term::from(&*text)
        } else if self.eat("<<1:3>>") {
            Term::BitString(Box::new(
                kista_etf::BitString::new(&[1 << 5][..], 3).unwrap(),
            ))
        } else if self.eat("\"") {
            Term::charlist(&self.until('"'))
        } else if self.eat("'") {
            Term::from(Atom::new(&self.until('\'')).unwrap())
        } else {
            let word = self.word();
            match word.parse::<i64>() {
                Ok(number) => Term::from(number),
                Err(_) => match word.parse::<f64>() {
                    Ok(float) if word.contains('.') => Term::Float(float),
                    _ => Term::from(Atom::new(&word).unwrap()),
                },
            }
        }
    }
}
