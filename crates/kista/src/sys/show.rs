//! How `#[gen_server]` shows a state that says nothing about it: as a term when it has `Encode`, as text when it has `Debug`,
//! else by its type's name. The generated code picks the first that the type has, by the number of borrows that the
//! method needs. Hidden from the documentation: users write `#[format_status]`, or derive.

use std::fmt::{self, Write};

use kista_etf::{Atom, Binary, Encode, Encoder, Term, atoms};

/// How much of a `Debug` text is shown.
const MOST_TEXT: usize = 64 * 1024;

/// A borrowed state.
pub struct Show<'a, S>(pub &'a S);

pub trait Encoded {
    fn show(&self) -> Term;
}

impl<S: Encode> Encoded for &&Show<'_, S> {
    fn show(&self) -> Term {
        encoded(self.0)
    }
}

pub trait Debugged {
    fn show(&self) -> Term;
}

impl<S: fmt::Debug> Debugged for &Show<'_, S> {
    fn show(&self) -> Term {
        let mut text = Cut(String::new());
        // Err: there is more, which is left out.
        let _ = write!(text, "{:?}", self.0);
        Term::from(Binary::from(text.0.as_bytes()))
    }
}

pub trait Opaque {
    fn show(&self) -> Term;
}

impl<S> Opaque for Show<'_, S> {
    fn show(&self) -> Term {
        opaque::<S>()
    }
}

/// What a value is as a term; `{error, Text}` when it has none after all, such as a float that is no number.
pub fn encoded<S: Encode + ?Sized>(value: &S) -> Term {
    let mut e = Encoder::new();
    let written = value.encode(&mut e);
    match written.map(|()| super::read_back(e)) {
        Ok(Some(term)) => term,
        Ok(None) => Term::from(atoms::UNDEFINED),
        Err(error) => Term::tuple([
            Term::from(atoms::ERROR),
            Term::from(Binary::from(error.to_string().as_bytes())),
        ]),
    }
}

/// `{opaque, Type}`.
pub(crate) fn opaque<S>() -> Term {
    let name = Binary::from(std::any::type_name::<S>().as_bytes());
    Term::tuple([Term::from(Atom::from_static("opaque")), Term::from(name)])
}

/// Whether a state is shown by its type's name only.
pub(crate) fn is_opaque(shown: &Term) -> bool {
    shown
        .as_tagged("opaque")
        .is_some_and(|rest| matches!(rest, [Term::Binary(_)]))
}

/// Text up to a limit.
struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MOST_TEXT - self.0.len();
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|end| text.is_char_boundary(*end));
        self.0.push_str(&text[..end.unwrap_or(0)]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Long(#[expect(dead_code, reason = "shown")] String);

    #[test]
    fn a_state_of_any_size_is_shown_up_to_a_limit() {
        let state = Long("ü".repeat(100_000));
        let Term::Binary(text) = (&&Show(&state)).show() else {
            panic!("Debug is shown as text")
        };
        assert!(text.len() <= MOST_TEXT && text.len() > MOST_TEXT - 4);
    }
}
