//! Terms as Erlang text: what `io:format` prints.
//!
//! | Rust | Erlang | |
//! |---|---|---|
//! | `{}` | `~0tp` | one line, strings readable; up to 1 MiB, [`FromStr`](std::str::FromStr) reads it back |
//! | `{:#}`, `{:#40}` | `~tp`, `~40tp` | broken into lines of at most 80 (40) columns where that is possible |
//! | [`term.format().plain()`](Term::format) | `~tw` | one line, numbers for strings |
//! | `{:?}` | `~0tp` | at most 4 KiB |
//!
//! The rules:
//!
//! 1. It is what OTP 27 and later print when started with `+pc unicode` (every character of Unicode that is one is printable),
//!    and with `k`, from OTP 26 on, for the order of map keys. OTP 25 and 26 print the atoms `else` and `maybe` without quotes;
//!    with them, as here, every release reads them.
//! 2. Pids, ports and references name their node, and its creation unless that is 0, so that the text says which they are:
//!    `<'a@host'.85.0/1700000000>`, `#Port<'a@host'.6/1700000000>`, `#Ref<'a@host'.3.2.1/1700000000>`. Erlang prints numbers that
//!    mean something on one node only.
//! 3. An integer of more than 64 KiB (157,000 digits) is printed in base 16, since decimal takes quadratic time.
//! 4. What is longer than the limit is cut off, with `...`: 1 MiB, for `{:?}` 4 KiB, or what [`Format::limit`] says. So a log
//!    line cannot be flooded.
//! 5. Nothing recurses on the term, but breaking lines: what is nested deeper than 200 is printed on one line.

use std::fmt::{self, Write};

use super::{Term, pretty, write};

pub(crate) use super::lexeme::{write_atom, write_binary};

const DEBUG_LIMIT: usize = 4 * 1024;
const DISPLAY_LIMIT: usize = 1024 * 1024;
const WIDTH: usize = 80;

/// A term about to be printed, in the form that its methods choose; made by [`Term::format`].
///
/// ```
/// use kista_etf::Term;
/// let term = Term::from(("text", Term::charlist("list")));
/// assert_eq!(term.format().to_string(), r#"{<<"text">>,"list"}"#);
/// assert_eq!(term.format().plain().to_string(), "{<<116,101,120,116>>,[108,105,115,116]}");
/// assert_eq!(term.format().pretty(18).to_string(), "{<<\"text\">>,\n \"list\"}");
/// assert_eq!(term.format().limit(8).to_string(), r#"{<<"text..."#);
/// ```
#[derive(Clone, Copy)]
#[must_use = "it does nothing until it is printed"]
pub struct Format<'a> {
    term: &'a Term,
    form: Form,
    limit: usize,
}

#[derive(Clone, Copy)]
enum Form {
    Plain,
    Readable,
    Pretty(usize),
}

impl Term {
    /// The term as text, in a form to be chosen: [`Format::plain`], [`Format::pretty`], [`Format::limit`].
    pub const fn format(&self) -> Format<'_> {
        Format {
            term: self,
            form: Form::Readable,
            limit: DISPLAY_LIMIT,
        }
    }
}

impl Format<'_> {
    /// As `~tw`: strings and texts as numbers.
    pub const fn plain(mut self) -> Self {
        self.form = Form::Plain;
        self
    }

    /// As `~tp`: lines are broken so that they have at most `width` columns, where that is possible.
    pub const fn pretty(mut self, width: usize) -> Self {
        self.form = Form::Pretty(width);
        self
    }

    /// At most so many bytes (and `...`), instead of 1 MiB.
    pub const fn limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }
}

impl fmt::Display for Format<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        cut(f, self.limit, |out| match self.form {
            Form::Plain => write::term(out, self.term, false),
            Form::Readable => write::term(out, self.term, true),
            Form::Pretty(width) => pretty::term(out, self.term, width),
        })
    }
}

impl fmt::Debug for Format<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `{}` is `~0tp`, which [`FromStr`](std::str::FromStr) reads back; `{:#}` is `~tp`. What is longer than 1 MiB is cut off
/// with `...`, and then does not read back: [`Format::limit`] takes another limit.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = self.format();
        if f.alternate() {
            format.pretty(f.width().unwrap_or(WIDTH)).fmt(f)
        } else {
            format.fmt(f)
        }
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.format().limit(DEBUG_LIMIT), f)
    }
}

macro_rules! container_text {
    ($($name:ident),*) => {
        $(impl fmt::Debug for super::$name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                cut(f, DEBUG_LIMIT, |out| write_all(out, self.0.as_slice()))?;
                f.write_str(")")
            }
        })*
    };
}

container_text!(Tuple, List, ImproperList, Map);

fn write_all(out: &mut impl Write, items: &[Term]) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.write_char(',')?;
        }
        write::term(out, item, true)?;
    }
    Ok(())
}

fn cut(
    f: &mut fmt::Formatter<'_>,
    limit: usize,
    print: impl FnOnce(&mut Cut<'_, '_>) -> fmt::Result,
) -> fmt::Result {
    let mut out = Cut {
        out: f,
        left: limit,
        cut: false,
    };
    match print(&mut out) {
        Err(_) if out.cut => Ok(()),
        result => result,
    }
}

/// Passes on so many bytes, then `...`, then fails.
struct Cut<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    left: usize,
    cut: bool,
}

impl Write for Cut<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if let Some(left) = self.left.checked_sub(text.len()) {
            self.left = left;
            return self.out.write_str(text);
        }
        self.out
            .write_str(&text[..text.floor_char_boundary(self.left)])?;
        self.left = 0;
        self.cut = true;
        self.out.write_str("...")?;
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Atom, BitString, atoms};

    #[test]
    fn prints_what_erlang_prints() {
        let list = Term::from(vec![Term::from(1), Term::from(1000)]);
        let atom = |text: &str| Term::from(Atom::new(text).unwrap());
        for (term, text) in [
            (Term::NIL, "[]"),
            (Term::from((atoms::OK, -7)), "{ok,-7}"),
            (Term::charlist("ab\"c\n"), r#""ab\"c\n""#),
            (list, "[1,1000]"),
            (
                Term::improper([Term::from(1), Term::from(2)], Term::from(3)),
                "[1,2|3]",
            ),
            (
                Term::map([
                    (Term::from(1), Term::from(2)),
                    (Term::from(3), Term::from(4)),
                ])
                .unwrap(),
                "#{1 => 2,3 => 4}",
            ),
            (Term::from("é"), "<<\"é\"/utf8>>"),
            (Term::from(&[233][..]), "<<\"é\">>"),
            (Term::from(&[1, 2][..]), "<<1,2>>"),
            (
                Term::from(BitString::new(&[1, 0b1010_0000][..], 3).unwrap()),
                "<<1,5:3>>",
            ),
            (atom("Elixir.Foo"), "'Elixir.Foo'"),
            (atom("end"), "'end'"),
            (atom("a'b\\"), r"'a\'b\\'"),
            (atom("a\0\u{7f}\u{85}"), r"'a\000\d\205'"),
            (Term::from(atoms::EMPTY), "''"),
            (Term::from(1i128 << 70), "1180591620717411303424"),
        ] {
            assert_eq!(term.to_string(), text);
        }
    }

    #[test]
    fn a_log_line_cannot_be_flooded() {
        let long = Term::list((0..100_000).map(Term::from));
        let text = format!("{long:?}");
        assert!(text.len() <= DEBUG_LIMIT + 3 && text.ends_with("..."));
        assert!(format!("{:#}", long.format().limit(100)).len() <= 103);
        assert!(
            format!("{:?}", long.into_list().map(crate::term::List::from)).len() < DEBUG_LIMIT + 20
        );
    }
}
