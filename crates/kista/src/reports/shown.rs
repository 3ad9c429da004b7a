use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use kista_etf::{Binary, Term};

use crate::process::caught_text;

/// How many bytes of text a report keeps of a state or a message.
pub const MOST_SHOWN: usize = 4 * 1024;

/// A state or a message in a report, as far as it can be shown. `Display` is its text, with control characters escaped.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Shown {
    /// All of it.
    Whole(Term),
    /// The beginning of its text: it has more than [`MOST_SHOWN`] bytes.
    Cut(String),
    /// The name of a message that was moved, and is gone: `call {add, K}`.
    Named(&'static str),
    /// A state whose type says nothing about it: it has neither `Encode`, `Debug` nor a `#[format_status]`.
    Not,
    /// There is none: no message was being handled, or there was no state yet.
    Nothing,
}

impl Shown {
    /// The whole of a term unless it is large.
    pub(crate) fn term(term: Term) -> Self {
        let mut text = Beginning(String::new());
        // Err: there is more.
        match write!(text, "{term}") {
            Ok(()) => Self::Whole(term),
            Err(fmt::Error) => Self::Cut(text.0),
        }
    }

    /// What `format_status` makes of a state: the user's code, which may panic.
    pub(crate) fn state(format_status: impl FnOnce() -> Term) -> Self {
        match catch_unwind(AssertUnwindSafe(format_status)) {
            Ok(state) if crate::sys::show::is_opaque(&state) => Self::Not,
            Ok(state) => Self::term(state),
            Err(panic) => {
                let text = format!("format_status panicked: {}", caught_text(panic));
                Self::term(Term::from(Binary::from(text.as_bytes())))
            }
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let escaped = |text: &dyn fmt::Display, f: &mut fmt::Formatter<'_>| {
            // What it keeps has not many more characters than bytes.
            crate::log::Escaped::up_to(MOST_SHOWN + 1, text).fmt(f)
        };
        match self {
            Self::Whole(term) => escaped(term, f),
            Self::Cut(text) => {
                escaped(text, f)?;
                f.write_str("... (cut)")
            }
            Self::Named(name) => f.write_str(name),
            Self::Not => f.write_str("not shown"),
            Self::Nothing => f.write_str("none"),
        }
    }
}

/// A text that takes no more than [`MOST_SHOWN`] bytes.
struct Beginning(String);

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = MOST_SHOWN - self.0.len();
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

    #[test]
    fn what_is_large_is_cut_with_a_mark_and_what_just_fits_is_whole() {
        let list = |n: usize| Term::list((0..n).map(|_| Term::from(100)));
        let Shown::Whole(_) = Shown::term(list(1_000)) else {
            panic!("four bytes each fit")
        };
        let shown = Shown::term(list(1_000_000));
        let Shown::Cut(text) = &shown else {
            panic!("that is too much")
        };
        assert_eq!(text.len(), MOST_SHOWN);
        assert!(shown.to_string().ends_with("... (cut)"));
        assert!(shown.to_string().len() <= MOST_SHOWN + 20);
    }

    #[test]
    fn a_cut_falls_between_two_characters() {
        let mut text = Beginning(String::new());
        assert!(write!(text, "x{}", "ü".repeat(MOST_SHOWN)).is_err());
        assert_eq!(text.0.len(), MOST_SHOWN - 1);
    }

    #[test]
    fn a_state_that_panics_when_it_is_shown_says_so() {
        let shown = Shown::state(|| panic!("never look"));
        assert_eq!(
            shown.to_string(),
            "<<\"format_status panicked: never look\">>"
        );
    }

    #[test]
    fn control_characters_of_a_state_are_escaped() {
        let atom = Term::from(kista_etf::Atom::new("a\u{1b}[31m\n\u{202e}").unwrap());
        let shown = Shown::Whole(atom).to_string();
        assert!(!shown.contains(['\u{1b}', '\n', '\u{202e}']), "{shown:?}");
        let cut = Shown::Cut("\u{7}bell".to_owned()).to_string();
        assert_eq!(cut, "\\u{7}bell... (cut)");
    }
}
