//! `io_lib:format/2`: a text in which terms stand where its control sequences are.
//!
//! The control sequences are a table at [`format`].
//!
//! Rules:
//! 1. What does not fit into a field is cut (`s`) or is stars (all else), as in OTP.
//! 2. Terms are written as [`Term::format`] does, so as `~tp` and `~tw` with `+pc unicode`: `t` and `l` change nothing there but that `l`
//!    writes strings as numbers; `k` is always on, and `K` is refused.
//! 3. A text that would become longer than a limit is an error; for a line of a log it is cut off there, with `...`. No more than that is
//!    ever made, however wide a field is.
//!
//! Source: `io:fwrite/3` in the manual of stdlib, and `io_lib_format`.

mod depth;
mod numbers;

use std::iter::{Peekable, repeat_n};
use std::slice;
use std::str::Chars;

use kista_etf::Term;
use kista_etf::term::TextError;

use super::FormatError;
use depth::{DEEPEST, cut, uncut};
use numbers::{exponent, fixed, in_base, shorter};

/// Bytes that a text may have.
pub(super) const MOST: usize = 1024 * 1024;
/// What is made of one term, or as digits: so much that one sees that it was too much.
const MADE: usize = MOST + 1;

/// Puts the arguments into a text, where its control sequences are.
///
/// `~F.P.PadModC`: a field's width `F` (negative: to the left), a precision `P`, the character that fills, modifiers, and what is
/// printed. `*` for a number or a fill takes it from the arguments.
///
/// | `C` | prints |
/// |---|---|
/// | `w`, `p` | a term on one line; in lines of `F` (80) columns, from the column that the text is at, or `P` |
/// | `W`, `P` | the same to a depth, the next argument; deeper ones are `...` |
/// | `s` | a string: a list of characters, a binary or an atom; with `t` of Unicode, else of Latin-1 |
/// | `c` | a character, `F` times |
/// | `f`, `e`, `g` | a float with `P` (6) digits: behind the point, in all with an exponent, whichever is shorter |
/// | `B`, `b` | an integer in base `P` (10), with capital letters or small ones |
/// | `X`, `x`; `#`, `+` | the same behind a prefix, the next argument; behind `Base#` |
/// | `i` | nothing: skips an argument |
/// | `n`, `~` | a line's end, a tilde; `F` times |
///
/// ```
/// use kista::{Term, etf::term, io};
/// let text = io::format("~p has ~b messages, ~ts~n", &[term!({echo, [1]}), Term::from(3), Term::from("säger vi")])?;
/// assert_eq!(text, "{echo,[1]} has 3 messages, säger vi\n");
/// assert_eq!(io::format("~8.3f|~-6s|~6..0b", &[Term::from(2.5), term!(left), Term::from(-42)])?, "   2.500|left  |000-42");
/// # Ok::<(), io::FormatError>(())
/// ```
///
/// # Errors
/// See [`FormatError`]: OTP's `badarg`, with the reason; and a text of more than 1 MiB.
pub fn format(text: &str, arguments: &[Term]) -> Result<String, FormatError> {
    within(text, arguments, MOST)
}

/// With a lower limit.
pub(super) fn within(text: &str, arguments: &[Term], limit: usize) -> Result<String, FormatError> {
    let out = put_together(text, arguments, limit)?;
    match out.full {
        true => Err(FormatError::TooLong { limit }),
        false => Ok(out.text),
    }
}

/// So much of it, and `...` if there is more.
pub(super) fn cut_off(text: &str, arguments: &[Term], limit: usize) -> Result<String, FormatError> {
    Ok(put_together(text, arguments, limit)?.text)
}

fn put_together(text: &str, arguments: &[Term], limit: usize) -> Result<Out, FormatError> {
    let mut arguments = Arguments(arguments.iter());
    let mut out = Out::new(limit);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '~' => Sequence::read(&mut chars, &mut arguments)?.write(&mut out, &mut arguments)?,
            c => out.push(c),
        }
    }
    match arguments.0.len() {
        0 => Ok(out),
        left => Err(FormatError::TooManyArguments(left)),
    }
}

struct Arguments<'a>(slice::Iter<'a, Term>);

impl<'a> Arguments<'a> {
    fn next(&mut self) -> Result<&'a Term, FormatError> {
        self.0.next().ok_or(FormatError::TooFewArguments)
    }
}

/// The text so far.
struct Out {
    text: String,
    /// Bytes that it may still get.
    room: usize,
    /// There was more.
    full: bool,
    column: usize,
}

impl Out {
    fn new(limit: usize) -> Self {
        Self {
            text: String::new(),
            room: limit,
            full: false,
            column: 0,
        }
    }

    fn push(&mut self, c: char) {
        if self.full {
            return;
        }
        let Some(room) = self.room.checked_sub(c.len_utf8()) else {
            self.full = true;
            self.text.push_str("...");
            return;
        };
        self.room = room;
        self.text.push(c);
        self.column = match c {
            '\n' => 0,
            '\t' => (self.column / 8 + 1) * 8,
            _ => self.column + 1,
        };
    }

    fn extend(&mut self, chars: impl IntoIterator<Item = char>) {
        for c in chars {
            if self.full {
                return;
            }
            self.push(c);
        }
    }
}

/// One control sequence.
struct Sequence {
    width: Option<usize>,
    left: bool,
    precision: Option<i64>,
    pad: char,
    unicode: bool,
    /// Strings are lists of numbers.
    plain: bool,
    control: char,
}

impl Sequence {
    fn read(
        chars: &mut Peekable<Chars<'_>>,
        arguments: &mut Arguments<'_>,
    ) -> Result<Self, FormatError> {
        let minus = chars.next_if_eq(&'-').is_some();
        let width = number(chars, arguments)?;
        let precision = match chars.next_if_eq(&'.') {
            Some(_) => number(chars, arguments)?,
            None => None,
        };
        let pad = match chars.next_if_eq(&'.') {
            None => ' ',
            Some(_) => match chars.next() {
                Some('*') => character(arguments.next()?).ok_or(FormatError::BadArgument('*'))?,
                Some(pad) => pad,
                None => return Err(FormatError::Unfinished),
            },
        };
        let mut sequence = Self {
            width: width.map(|width| usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX)),
            left: minus != width.is_some_and(|width| width < 0),
            precision,
            pad,
            unicode: false,
            plain: false,
            control: ' ',
        };
        loop {
            match chars.next() {
                Some('t') => sequence.unicode = true,
                Some('l') => sequence.plain = true,
                Some('k') => {}
                Some(control) => {
                    sequence.control = control;
                    return Ok(sequence);
                }
                None => return Err(FormatError::Unfinished),
            }
        }
    }

    fn write(&self, out: &mut Out, arguments: &mut Arguments<'_>) -> Result<(), FormatError> {
        let times = self.width.unwrap_or(1);
        if out.full {
            return self.pass_over(arguments);
        }
        match self.control {
            '~' => out.extend(repeat_n('~', times)),
            'n' => out.extend(repeat_n('\n', times)),
            'i' => drop(arguments.next()?),
            'c' => self.characters(out, arguments.next()?)?,
            's' => self.string(out, arguments.next()?)?,
            'w' => self.word(out, arguments.next()?, None),
            'p' => self.pretty(out, arguments.next()?, None),
            'W' | 'P' => {
                let (term, depth) = (arguments.next()?, arguments.next()?);
                let depth = depth.as_int().ok_or_else(|| self.bad())?;
                // As deep as it goes.
                let depth = usize::try_from(depth)
                    .ok()
                    .filter(|depth| *depth <= DEEPEST);
                match self.control {
                    'W' => self.word(out, term, depth),
                    _ => self.pretty(out, term, depth),
                }
            }
            'f' | 'e' | 'g' => self.float(out, arguments.next()?)?,
            'b' | 'B' | '#' | '+' => self.integer(out, arguments.next()?, None)?,
            'x' | 'X' => {
                let (integer, prefix) = (arguments.next()?, arguments.next()?);
                self.integer(out, integer, Some(prefix))?;
            }
            control => return Err(FormatError::UnknownControl(control)),
        }
        Ok(())
    }

    /// The text is full: what would not be seen is not made. A format may be a long row of wide fields.
    fn pass_over(&self, arguments: &mut Arguments<'_>) -> Result<(), FormatError> {
        let count = match self.control {
            '~' | 'n' => 0,
            'W' | 'P' | 'x' | 'X' => 2,
            'w' | 'p' | 's' | 'c' | 'f' | 'e' | 'g' | 'b' | 'B' | '#' | '+' | 'i' => 1,
            control => return Err(FormatError::UnknownControl(control)),
        };
        (0..count).try_for_each(|_| arguments.next().map(drop))
    }

    const fn bad(&self) -> FormatError {
        FormatError::BadArgument(self.control)
    }

    fn no_text(&self, error: TextError) -> FormatError {
        match error {
            TextError::TooLong { limit } => FormatError::TooLong { limit },
            _ => self.bad(),
        }
    }

    /// A precision that is a count.
    fn digits(&self, default: usize) -> Result<usize, FormatError> {
        match self.precision {
            None => Ok(default),
            // More than a float has are zeros; no more of them than no text can have.
            Some(digits) => usize::try_from(digits)
                .map(|digits| digits.min(MADE))
                .map_err(|_| self.bad()),
        }
    }

    fn characters(&self, out: &mut Out, argument: &Term) -> Result<(), FormatError> {
        let c = character(argument).ok_or_else(|| self.bad())?;
        let c = match (self.unicode, c) {
            (true, c) => c,
            // The low byte, as in OTP.
            (false, c) => char::from((c as u32 & 0xff) as u8),
        };
        let field = self
            .width
            .or_else(|| Some(self.precision?.unsigned_abs() as usize));
        let field = field.unwrap_or(1);
        let count = self.digits(field)?.min(field);
        self.justified(out, repeat_n(c, count), count, field);
        Ok(())
    }

    fn string(&self, out: &mut Out, argument: &Term) -> Result<(), FormatError> {
        let text = match (self.unicode, argument.as_atom_str()) {
            (true, Some(name)) => name.to_owned(),
            (false, Some(name)) if name.chars().all(is_latin1) => name.to_owned(),
            (true, None) => argument
                .to_text(Term::TEXT_LIMIT)
                .map(|text| text.into_owned())
                .map_err(|error| self.no_text(error))?,
            (false, None) => {
                let bytes = argument.iolist_to_binary();
                let bytes = bytes.map_err(|error| self.no_text(error))?;
                bytes.iter().map(|byte| char::from(*byte)).collect()
            }
            (false, Some(_)) => return Err(self.bad()),
        };
        let length = text.chars().count();
        let shown = length.min(self.digits(length)?);
        let Some(width) = self.width else {
            let field = self.digits(shown)?;
            self.justified(out, text.chars().take(shown), shown, field);
            return Ok(());
        };
        let shown = shown.min(width);
        self.justified(out, text.chars().take(shown), shown, width);
        Ok(())
    }

    /// On one line, in its field.
    fn word(&self, out: &mut Out, term: &Term, depth: Option<usize>) {
        let text = match depth {
            None => term.format().plain().limit(MADE).to_string(),
            Some(depth) => {
                let cut = cut(term, depth, false);
                uncut(&cut.format().plain().limit(MADE).to_string())
            }
        };
        self.field(out, &text);
    }

    /// In lines of so many columns: the first begins where the text is.
    fn pretty(&self, out: &mut Out, term: &Term, depth: Option<usize>) {
        if self.plain {
            return self.word(out, term, depth);
        }
        let indent = match self.precision {
            // Columns are counted from 1 there.
            Some(column) => usize::try_from(column).unwrap_or(0).saturating_sub(1),
            None => out.column,
        };
        let width = self.width.unwrap_or(80);
        let cut = depth.map(|depth| cut(term, depth, true));
        let term = cut.as_ref().unwrap_or(term);
        let text = match width {
            // All on one line.
            0 => term.format().limit(MADE).to_string(),
            // A line that begins behind its end is broken wherever it can be.
            width => {
                let columns = width.saturating_sub(indent).max(1);
                term.format().pretty(columns).limit(MADE).to_string()
            }
        };
        let text = match depth {
            Some(_) => uncut(&text),
            None => text,
        };
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                out.push('\n');
                out.extend(repeat_n(' ', indent));
            }
            out.extend(line.chars());
        }
    }

    fn integer(
        &self,
        out: &mut Out,
        integer: &Term,
        prefix: Option<&Term>,
    ) -> Result<(), FormatError> {
        let value = integer.to_bigint().ok_or_else(|| self.bad())?;
        let base = match self.precision.unwrap_or(10) {
            base @ 2..=36 => base as u32,
            _ => return Err(self.bad()),
        };
        let mut text = in_base(&value, base);
        if matches!(self.control, 'B' | 'X' | '#') {
            text.make_ascii_uppercase();
        }
        let prefix = match prefix {
            Some(prefix) if prefix.as_atom_name().is_some() => {
                prefix.as_atom_str().unwrap_or_default().to_owned()
            }
            Some(Term::Binary(_)) => return Err(self.bad()),
            Some(prefix) => {
                let prefix = prefix.to_text(255).map_err(|_| self.bad())?;
                prefix.into_owned()
            }
            None if matches!(self.control, '#' | '+') => format!("{base}#"),
            None => String::new(),
        };
        let text = match text.strip_prefix('-') {
            Some(digits) => format!("-{prefix}{digits}"),
            None => format!("{prefix}{text}"),
        };
        // The precision is the base here.
        self.in_field(out, &text, None);
        Ok(())
    }

    fn float(&self, out: &mut Out, argument: &Term) -> Result<(), FormatError> {
        let value = argument.as_float().ok_or_else(|| self.bad())?;
        // More digits than the field has are stars, however many.
        let most = self.width.map_or(MADE, |width| width.saturating_add(1));
        let digits = self.digits(6)?.min(most);
        let text = match self.control {
            'f' => fixed(value, digits),
            'e' => exponent(value, digits),
            _ => shorter(value, digits),
        };
        let text = text.ok_or_else(|| self.bad())?;
        self.in_field(out, &text, None);
        Ok(())
    }

    fn field(&self, out: &mut Out, text: &str) {
        let precision = self
            .precision
            .and_then(|precision| usize::try_from(precision).ok());
        self.in_field(out, text, precision);
    }

    /// Stars where it does not fit.
    fn in_field(&self, out: &mut Out, text: &str, precision: Option<usize>) {
        let Some(width) = self.width.or(precision) else {
            return out.extend(text.chars());
        };
        let room = precision.map_or(width, |precision| precision.min(width));
        let length = text.chars().count();
        match length > room {
            true => self.justified(out, repeat_n('*', room), room, width),
            false => self.justified(out, text.chars(), length, width),
        }
    }

    fn justified(
        &self,
        out: &mut Out,
        text: impl Iterator<Item = char>,
        length: usize,
        width: usize,
    ) {
        let fill = repeat_n(self.pad, width.saturating_sub(length));
        match self.left {
            true => {
                out.extend(text);
                out.extend(fill);
            }
            false => {
                out.extend(fill);
                out.extend(text);
            }
        }
    }
}

/// Digits, or `*` for an argument.
fn number(
    chars: &mut Peekable<Chars<'_>>,
    arguments: &mut Arguments<'_>,
) -> Result<Option<i64>, FormatError> {
    if chars.next_if_eq(&'*').is_some() {
        let number = arguments.next()?.as_int();
        return number.map(Some).ok_or(FormatError::BadArgument('*'));
    }
    let mut found = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        let number: i64 = found.unwrap_or(0);
        found = Some(number.saturating_mul(10).saturating_add(i64::from(digit)));
    }
    Ok(found)
}

fn character(of: &Term) -> Option<char> {
    char::from_u32(u32::try_from(of.as_int()?).ok()?)
}

const fn is_latin1(c: char) -> bool {
    (c as u32) < 256
}

#[cfg(test)]
mod tests {
    use super::*;
    use kista_etf::term;

    #[test]
    fn a_row_of_wide_fields_makes_no_more_than_the_text_may_be_long() {
        let row = "~.999999f~999999999s~*..*c~P~~".repeat(10_000);
        let arguments: Vec<Term> = (0..10_000)
            .flat_map(|_| {
                let wide = Term::from(i64::MAX);
                [
                    term!(1.5),
                    term!("x"),
                    wide,
                    term!(120),
                    term!(121),
                    term!([a]),
                    term!(1),
                ]
            })
            .collect();
        let text = cut_off(&row, &arguments, 1_000).expect("it fits its arguments");
        assert_eq!(text.len(), 1_003);
        assert!(text.ends_with("..."));
        assert_eq!(
            within(&row, &arguments, 1_000),
            Err(FormatError::TooLong { limit: 1_000 })
        );
        // What is not seen is checked all the same.
        assert_eq!(
            within(&row, &arguments[..69_999], 1_000),
            Err(FormatError::TooFewArguments)
        );
        let wrong = format!("{row}~q");
        assert_eq!(
            within(&wrong, &arguments, 1_000),
            Err(FormatError::UnknownControl('q'))
        );
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(cut_off("äöü", &[], 3), Ok("ä...".to_owned()));
        assert_eq!(cut_off("äö", &[], 4), Ok("äö".to_owned()));
        assert_eq!(cut_off("aö", &[], 2), Ok("a...".to_owned()));
    }

    #[test]
    fn a_text_is_whole_or_an_error_whatever_makes_it_too_long() {
        let whole = "x".repeat(MOST);
        let as_term = Term::from(whole.as_str());
        assert_eq!(format("~s", slice::from_ref(&as_term)), Ok(whole.clone()));
        assert_eq!(format(&whole, &[]), Ok(whole.clone()));
        let longer = Term::from(format!("{whole}x").as_str());
        let longest = Term::from("y".repeat(Term::TEXT_LIMIT + 1).as_str());
        let zeros = Term::list(vec![Term::from(0); MOST / 2]);
        // Each is cut by the depth, and is as long as 20 kB all the same.
        let mut row = vec![Term::from("x".repeat(5_000).as_str())];
        row.extend(vec![term!(a); 100]);
        let rows = Term::list(vec![Term::list(row); 100]);
        let (one_more, x) = (Term::from(MOST as i64 + 1), Term::from(120));
        let too_long = [
            ("~s", vec![longer.clone()]),
            ("~.1048577s", vec![longer]),
            ("~ts", vec![longest]),
            ("~sx", vec![as_term.clone()]),
            ("~p", vec![as_term]),
            ("~w", vec![zeros.clone()]),
            ("~0p", vec![zeros.clone()]),
            ("~W", vec![rows, Term::from(100)]),
            ("~*c", vec![one_more.clone(), x.clone()]),
            ("~*.1048577c", vec![one_more.clone(), x]),
            ("~*s", vec![one_more, term!("x")]),
            ("~.1048577f", vec![Term::from(1.5)]),
            ("~.1048577e", vec![Term::from(1.5)]),
            ("~1048577n", vec![]),
        ];
        for (text, arguments) in &too_long {
            let made = format(text, arguments).map(|text| text.len());
            let refused = matches!(made, Err(FormatError::TooLong { .. }));
            assert!(refused, "{text}: {made:?}");
        }
        // What a field or a depth makes short is short.
        assert_eq!(format("~3w", slice::from_ref(&zeros)), Ok("***".to_owned()));
        let deep = format("~P", &[zeros, Term::from(3)]);
        assert_eq!(deep, Ok("[0,0|...]".to_owned()));
    }
}
