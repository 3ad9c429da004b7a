//! The smallest pieces of Erlang text: atoms, floats, characters, binaries.

use std::fmt::{self, Write};

use super::Term;

/// An atom, in quotes where Erlang needs them.
pub(crate) fn write_atom(out: &mut impl Write, text: &str) -> fmt::Result {
    if is_plain_atom(text) {
        return out.write_str(text);
    }
    out.write_char('\'')?;
    for char in text.chars() {
        write_escaped(out, char, '\'')?;
    }
    out.write_char('\'')
}

fn is_plain_atom(text: &str) -> bool {
    text.starts_with(starts_atom) && text.chars().all(continues_atom) && !is_reserved(text)
}

/// Whether an atom without quotes can begin with it: a lower-case letter of Latin-1.
pub(crate) const fn starts_atom(char: char) -> bool {
    matches!(char, 'a'..='z' | 'ß'..='ö' | 'ø'..='ÿ')
}

/// Whether an atom without quotes, or a variable, can go on with it.
pub(crate) const fn continues_atom(char: char) -> bool {
    matches!(char, 'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '@' | 'À'..='Ö' | 'Ø'..='ö' | 'ø'..='ÿ')
}

/// Whether it is a word of the language. `maybe` is one since OTP 27; quoted it reads the same everywhere.
pub(crate) fn is_reserved(text: &str) -> bool {
    RESERVED.binary_search(&text).is_ok()
}

const RESERVED: &[&str] = &[
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case",
    "catch", "cond", "div", "else", "end", "fun", "if", "let", "maybe", "not", "of", "or",
    "orelse", "receive", "rem", "try", "when", "xor",
];

/// The fewest digits that read back as the same float. Beyond 2^53, where not every integer is a float any more, always with
/// an exponent; below, with one when that is shorter.
pub(super) fn write_float(out: &mut impl Write, value: f64) -> fmt::Result {
    let text = format!("{:e}", value.abs());
    let parts = text
        .split_once('e')
        .and_then(|(mantissa, exponent)| Some((mantissa, exponent.parse::<i32>().ok()?)));
    let Some((mantissa, exponent)) = parts.filter(|_| value.is_finite()) else {
        return write!(out, "{value:?}");
    };
    if value.is_sign_negative() {
        out.write_char('-')?;
    }
    let digits: String = mantissa.chars().filter(|char| *char != '.').collect();
    let count = digits.len() as i32;
    // How many zeros stand behind the digits; below zero, how many digits behind the point.
    let place = exponent + 1 - count;
    // What an exponent costs: itself, its `e`, the point, and a zero behind that when there is but one digit.
    let cost = exponent.to_string().len() as i32 + 2 + i32::from(count == 1);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if place < 0 && exponent >= 0 {
        let (whole, fraction) = digits.split_at(exponent as usize + 1);
        write!(out, "{whole}.{fraction}")
    } else if place < 0 && 2 - place - count <= cost {
        write!(out, "0.{}{digits}", zeros(-place - count))
    } else if place >= 0 && cost >= place + 2 && value.abs() < 9_007_199_254_740_992.0 {
        write!(out, "{digits}{}.0", zeros(place))
    } else {
        let (first, rest) = digits.split_at(1);
        let rest = if rest.is_empty() { "0" } else { rest };
        write!(out, "{first}.{rest}e{exponent}")
    }
}

/// The character that an element of a list is, if it can be printed.
pub(super) fn printable(term: &Term) -> Option<char> {
    let char = char::from_u32(u32::try_from(term.as_int()?).ok()?)?;
    is_printable(char).then_some(char)
}

pub(super) const fn is_printable(char: char) -> bool {
    matches!(char, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
        || matches!(
            char,
            '\n' | '\r' | '\t' | '\u{b}' | '\u{8}' | '\u{c}' | '\u{1b}'
        )
}

/// A character inside quotes.
pub(super) fn write_escaped(out: &mut impl Write, char: char, quote: char) -> fmt::Result {
    match char {
        '\\' => out.write_str("\\\\"),
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\u{b}' => out.write_str("\\v"),
        '\u{8}' => out.write_str("\\b"),
        '\u{c}' => out.write_str("\\f"),
        '\u{1b}' => out.write_str("\\e"),
        '\u{7f}' => out.write_str("\\d"),
        char if char == quote => write!(out, "\\{char}"),
        '\0'..'\u{a0}' if !is_printable(char) => write!(out, "\\{:03o}", u32::from(char)),
        char => out.write_char(char),
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
        && let Some(text) = Readable::of(bytes)
    {
        return text.write(out);
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

/// The text that a binary is printed as.
pub(super) enum Readable<'a> {
    Utf8(&'a str),
    Latin1(&'a [u8]),
}

impl<'a> Readable<'a> {
    /// UTF-8 if it is that; Latin-1 only if the bytes turn out not to be UTF-8 before something is found in them that cannot be
    /// printed.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => text.chars().all(is_printable).then_some(Self::Utf8(text)),
            Err(error) => {
                let printable_so_far = std::str::from_utf8(&bytes[..error.valid_up_to()])
                    .is_ok_and(|text| text.chars().all(is_printable));
                (printable_so_far && bytes.iter().all(|byte| is_printable(char::from(*byte))))
                    .then_some(Self::Latin1(bytes))
            }
        }
    }

    fn write(&self, out: &mut impl Write) -> fmt::Result {
        out.write_str("<<\"")?;
        match self {
            Self::Utf8(text) => {
                for char in text.chars() {
                    write_escaped(out, char, '"')?;
                }
                out.write_str(if text.is_ascii() { "\">>" } else { "\"/utf8>>" })
            }
            Self::Latin1(bytes) => {
                for byte in *bytes {
                    write_escaped(out, char::from(*byte), '"')?;
                }
                out.write_str("\">>")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_words_are_sorted() {
        assert!(RESERVED.is_sorted());
    }

    /// As OTP 25, 27 and 29 print them.
    #[test]
    fn floats_are_as_short_as_erlangs() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.5, "1.5"),
            (-100.0, "-100.0"),
            (1.0e4, "1.0e4"),
            (12345.0, "12345.0"),
            (123456.0, "123456.0"),
            (1.0e15, "1.0e15"),
            (0.001, "0.001"),
            (0.0001, "0.0001"),
            (0.00001, "1.0e-5"),
            (0.00012, "1.2e-4"),
            (9007199254740991.0, "9007199254740991.0"),
            (9007199254740992.0, "9.007199254740992e15"),
            (5.0e-324, "5.0e-324"),
            (f64::MAX, "1.7976931348623157e308"),
            (123456.789, "123456.789"),
        ] {
            let mut out = String::new();
            write_float(&mut out, value).unwrap();
            assert_eq!(out, text);
        }
    }
}
