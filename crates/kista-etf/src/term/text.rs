//! Terms as Erlang text.
//!
//! `{}` and `{:?}` print what `~tp` prints on one line (strings and texts readable); `{:#}` prints what `~tw` prints (numbers
//! only). `{:?}` cuts after 4 KiB, `{}` after 1 MiB, both with `...`: a log line cannot be flooded. An integer of more than
//! 1 KiB is printed in base 16, since decimal takes quadratic time.

use std::fmt::{self, Write};

use super::Term;

const DEBUG_LIMIT: usize = 4 * 1024;
const DISPLAY_LIMIT: usize = 1024 * 1024;
const DECIMAL_BITS: u64 = 8 * 1024;

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let readable = !f.alternate();
        write_cut(self, f, DISPLAY_LIMIT, readable)
    }
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_cut(self, f, DEBUG_LIMIT, true)
    }
}

macro_rules! container_text {
    ($($name:ident),*) => {
        $(impl fmt::Debug for super::$name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                let mut out = Cut { out: f, left: DEBUG_LIMIT, cut: false };
                match write_all(self.0.as_slice(), &mut out) {
                    Err(_) if !out.cut => return Err(fmt::Error),
                    _ => {}
                }
                f.write_str(")")
            }
        })*
    };
}

container_text!(Tuple, List, ImproperList, Map);

fn write_all(items: &[Term], out: &mut Cut<'_, '_>) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.write_char(',')?;
        }
        write_term(item, out, true)?;
    }
    Ok(())
}

fn write_cut(term: &Term, f: &mut fmt::Formatter<'_>, limit: usize, readable: bool) -> fmt::Result {
    let mut out = Cut {
        out: f,
        left: limit,
        cut: false,
    };
    match write_term(term, &mut out, readable) {
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

/// A container that is being printed.
struct Open<'a> {
    of: &'a Term,
    rest: &'a [Term],
    at: usize,
}

fn write_term(term: &Term, out: &mut impl Write, readable: bool) -> fmt::Result {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut next = term;
    loop {
        if let Some(rest) = write_head(next, out, readable)? {
            open.push(Open {
                of: next,
                rest,
                at: 0,
            });
        }
        next = loop {
            let Some(innermost) = open.last_mut() else {
                return Ok(());
            };
            let Some((item, rest)) = innermost.rest.split_first() else {
                out.write_str(
                    if matches!(innermost.of, Term::List(_) | Term::ImproperList(_)) {
                        "]"
                    } else {
                        "}"
                    },
                )?;
                open.pop();
                continue;
            };
            let separator = match innermost.of {
                _ if innermost.at == 0 => "",
                Term::ImproperList(_) if rest.is_empty() => "|",
                Term::Map(_) if innermost.at % 2 == 1 => " => ",
                _ => ",",
            };
            innermost.rest = rest;
            innermost.at += 1;
            out.write_str(separator)?;
            break item;
        };
    }
}

/// Prints a leaf, or the opening of a container and gives its items.
fn write_head<'a>(
    term: &'a Term,
    out: &mut impl Write,
    readable: bool,
) -> Result<Option<&'a [Term]>, fmt::Error> {
    match term {
        Term::Int(value) => write!(out, "{value}")?,
        Term::Big(value) if value.bits() > DECIMAL_BITS => {
            let sign = if value.sign() == num_bigint::Sign::Minus {
                "-"
            } else {
                ""
            };
            write!(out, "{sign}16#{:X}", value.magnitude())?;
        }
        Term::Big(value) => write!(out, "{value}")?,
        Term::Float(value) => write_float(out, *value)?,
        Term::Atom(atom) => write_atom(out, atom.as_str())?,
        Term::AtomText(text) => write_atom(out, text.as_str())?,
        Term::Pid(pid) => write!(out, "{pid}")?,
        Term::Port(port) => write!(out, "{port}")?,
        Term::Reference(reference) => write!(out, "{reference}")?,
        Term::Binary(binary) => write_binary(out, binary, None, readable)?,
        Term::BitString(bits) => write_binary(out, bits.bytes(), Some(bits.last_bits()), readable)?,
        Term::Fun(fun) => write!(out, "{fun}")?,
        Term::Export(export) => write!(out, "{export}")?,
        Term::Opaque(opaque) => write!(out, "{opaque}")?,
        Term::List(list) if readable && is_text(list) => {
            out.write_char('"')?;
            for char in list.iter().filter_map(printable) {
                write_escaped(out, char, '"')?;
            }
            out.write_char('"')?;
        }
        Term::List(_) | Term::ImproperList(_) => {
            out.write_char('[')?;
            return Ok(Some(term.children()));
        }
        Term::Tuple(_) => {
            out.write_char('{')?;
            return Ok(Some(term.children()));
        }
        Term::Map(_) => {
            out.write_str("#{")?;
            return Ok(Some(term.children()));
        }
    }
    Ok(None)
}

fn is_text(list: &[Term]) -> bool {
    !list.is_empty() && list.iter().all(|item| printable(item).is_some())
}

fn printable(term: &Term) -> Option<char> {
    let char = char::from_u32(u32::try_from(term.as_int()?).ok()?)?;
    is_printable(char).then_some(char)
}

fn is_printable(char: char) -> bool {
    matches!(char, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
        || matches!(
            char,
            '\n' | '\r' | '\t' | '\u{b}' | '\u{8}' | '\u{c}' | '\u{1b}'
        )
}

fn write_float(out: &mut impl Write, value: f64) -> fmt::Result {
    let text = format!("{value:?}");
    match text.split_once('e') {
        Some((mantissa, exponent)) if !mantissa.contains('.') => {
            write!(out, "{mantissa}.0e{exponent}")
        }
        _ => out.write_str(&text),
    }
}

/// An atom, in quotes where Erlang needs them.
pub(crate) fn write_atom(out: &mut impl Write, text: &str) -> fmt::Result {
    let plain = text.starts_with(|first: char| {
        first.is_ascii_lowercase() || matches!(first, 'ß'..='ÿ' if first != '÷')
    }) && text.chars().all(|char| {
        char.is_ascii_alphanumeric()
            || matches!(char, '_' | '@')
            || matches!(char, 'À'..='ÿ' if !matches!(char, '×' | '÷'))
    }) && RESERVED.binary_search(&text).is_err();
    if plain {
        return out.write_str(text);
    }
    out.write_char('\'')?;
    for char in text.chars() {
        write_escaped(out, char, '\'')?;
    }
    out.write_char('\'')
}

const RESERVED: &[&str] = &[
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case",
    "catch", "cond", "div", "else", "end", "fun", "if", "let", "maybe", "not", "of", "or",
    "orelse", "receive", "rem", "try", "when", "xor",
];

fn write_escaped(out: &mut impl Write, char: char, quote: char) -> fmt::Result {
    match char {
        '\\' => out.write_str("\\\\"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\u{b}' => out.write_str("\\v"),
        '\u{8}' => out.write_str("\\b"),
        '\u{c}' => out.write_str("\\f"),
        '\u{1b}' => out.write_str("\\e"),
        char if char == quote => write!(out, "\\{char}"),
        char if is_printable(char) => out.write_char(char),
        char => write!(out, "\\x{{{:X}}}", u32::from(char)),
    }
}

/// A binary or bit string, as text when it is readable.
pub(crate) fn write_binary(
    out: &mut impl Write,
    bytes: &[u8],
    bits: Option<u8>,
    readable: bool,
) -> fmt::Result {
    if readable
        && bits.is_none()
        && let Ok(text) = std::str::from_utf8(bytes)
        && !text.is_empty()
        && text.chars().all(is_printable)
    {
        out.write_str("<<\"")?;
        for char in text.chars() {
            write_escaped(out, char, '"')?;
        }
        return out.write_str(if text.is_ascii() { "\">>" } else { "\"/utf8>>" });
    }
    out.write_str("<<")?;
    let last = bytes.len().saturating_sub(1);
    for (at, byte) in bytes.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        match bits {
            Some(bits) if at == last => write!(out, "{comma}{}:{bits}", byte >> (8 - bits))?,
            _ => write!(out, "{comma}{byte}")?,
        }
    }
    out.write_str(">>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Atom, BitString, atoms};

    #[test]
    fn prints_what_erlang_prints() {
        let list = Term::from(vec![Term::from(1), Term::from(1000)]);
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
            (Term::from(1.5), "1.5"),
            (Term::from(1e300), "1.0e300"),
            (Term::from("é"), "<<\"é\"/utf8>>"),
            (Term::from(&[1, 2][..]), "<<1,2>>"),
            (
                Term::from(BitString::new(&[1, 0b1010_0000][..], 3).unwrap()),
                "<<1,5:3>>",
            ),
            (Term::from(Atom::new("Elixir.Foo").unwrap()), "'Elixir.Foo'"),
            (Term::from(Atom::new("end").unwrap()), "'end'"),
            (Term::from(Atom::new("a'b\\").unwrap()), r"'a\'b\\'"),
            (Term::from(atoms::EMPTY), "''"),
            (Term::from(1i128 << 70), "1180591620717411303424"),
        ] {
            assert_eq!(term.to_string(), text);
        }
        assert_eq!(format!("{:#}", Term::from("ab")), "<<97,98>>");
    }

    #[test]
    fn a_log_line_cannot_be_flooded() {
        let long = Term::list((0..100_000).map(Term::from));
        let text = format!("{long:?}");
        assert!(text.len() <= DEBUG_LIMIT + 3 && text.ends_with("..."));
        assert!(
            format!("{:?}", long.into_list().map(crate::term::List::from)).len() < DEBUG_LIMIT + 20
        );
    }

    #[test]
    fn reserved_words_are_sorted() {
        assert!(RESERVED.is_sorted());
    }
}
