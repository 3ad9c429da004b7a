//! Terms as Erlang text.

use kista_etf::{Decoder, Term};

use crate::names::{QUOTA, TABLE, limits};
use crate::owned::same;
use crate::within_budget;

/// Reads the input as text; and, when it is a term, prints that. What is printed reads back as the same term.
pub fn text(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        match within_budget(text.len(), || parse(text)) {
            Ok(term) => printed(&term),
            Err(error) => {
                assert!(error.offset() <= text.len());
                assert!(!error.to_string().is_empty());
            }
        }
        let _ = within_budget(text.len(), || parse(&text[text.ceil_char_boundary(1)..]));
    }
    let mut d = Decoder::new(input).quota(&QUOTA).atoms(&TABLE);
    if let Ok(term) = d.term() {
        printed(&term);
    }
}

fn parse(text: &str) -> Result<Term, kista_etf::ParseError> {
    Term::parse_with(text, &limits(), &QUOTA)
}

/// Prints the term in each form and reads it back.
fn printed(term: &Term) {
    for text in [
        term.to_string(),
        term.format().plain().to_string(),
        term.format().pretty(20).to_string(),
    ] {
        match parse(&text) {
            Ok(back) => same(term, &back),
            // Of a closure only its name is shown.
            Err(_) if text.contains("#Fun<") => {}
            Err(error) => panic!("{error}: {text}"),
        }
        let cut = term.format().limit(10).to_string();
        assert!(cut.len() <= 10 + 4 * 4, "{cut}");
    }
}
