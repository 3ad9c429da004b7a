//! The text under the parser: characters, blanks, words, and what stands in quotes.

use super::{Problem, Result};

pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    mark: usize,
}

/// Whether it is white space.
pub(super) fn is_blank(char: char) -> bool {
    char <= ' ' || ('\u{80}'..='\u{a0}').contains(&char)
}

/// Whether a word begins with it: an atom without quotes, or a variable, which is then refused by name.
pub(super) fn starts_word(char: char) -> bool {
    char == '_' || char.is_alphabetic()
}

impl<'a> Scan<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            mark: 0,
        }
    }

    /// Where an error is said to be: the beginning of the token that is being read.
    pub(super) const fn mark(&self) -> usize {
        self.mark
    }

    pub(super) fn set_mark(&mut self) {
        self.mark = self.at;
    }

    pub(super) const fn mark_at(&mut self, at: usize) {
        self.mark = at;
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.at += char.len_utf8();
        Some(char)
    }

    pub(super) fn starts_with(&self, text: &str) -> bool {
        self.rest().starts_with(text)
    }

    pub(super) fn eat(&mut self, char: char) -> bool {
        let there = self.peek() == Some(char);
        if there {
            self.at += char.len_utf8();
        }
        there
    }

    pub(super) fn eat_str(&mut self, text: &str) -> bool {
        let there = self.starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    /// The characters from here on of which all fulfil the condition.
    pub(super) fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|char| !accept(char)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Passes over white space and comments, and marks what comes next.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            self.take_while(is_blank);
            if self.peek() != Some('%') {
                break;
            }
            self.take_while(|char| char != '\n');
        }
        self.set_mark();
    }

    pub(super) fn word(&mut self) -> &'a str {
        // Letters beyond Latin-1 are taken too, so that the error names the whole word.
        self.take_while(|char| crate::term::continues_atom(char) || char.is_alphabetic())
    }

    /// What stands between two of these quotes, escapes resolved, one code at a time: a character, or what `\x{...}` says.
    pub(super) fn quoted(&mut self, quote: char, mut push: impl FnMut(u32)) -> Result<()> {
        if self.starts_with("\"\"\"") {
            return Err(Problem::TripleQuoted);
        }
        self.bump();
        loop {
            match self.bump() {
                None => return Err(Problem::Unclosed(quote)),
                Some(char) if char == quote => return Ok(()),
                Some('\\') => {
                    let escape = self.at - 1;
                    match self.escape() {
                        Ok(Some(code)) => push(code),
                        // A line that is continued.
                        Ok(None) => {}
                        Err(problem) => {
                            self.mark = escape;
                            return Err(problem);
                        }
                    }
                }
                Some(char) => push(u32::from(char)),
            }
        }
    }

    /// What follows a backslash. `None` for a newline.
    pub(super) fn escape(&mut self) -> Result<Option<u32>> {
        let char = self.bump().ok_or(Problem::UnexpectedEnd)?;
        Ok(Some(match char {
            '\n' => return Ok(None),
            'n' => 10,
            'r' => 13,
            't' => 9,
            'v' => 11,
            'b' => 8,
            'f' => 12,
            'e' => 27,
            's' => 32,
            'd' => 127,
            '^' => match self.bump() {
                Some(char @ '@'..='_') => u32::from(char) - 64,
                Some(char @ 'a'..='z') => u32::from(char) - 96,
                Some('?') => 127,
                _ => return Err(Problem::BadEscape),
            },
            '0'..='7' => {
                let mut code = u32::from(char) - 48;
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|char| char.to_digit(8)) else {
                        break;
                    };
                    self.bump();
                    code = code * 8 + digit;
                }
                code
            }
            'x' => {
                let digits = if self.eat('{') {
                    let digits = self.take_while(|char| char.is_ascii_hexdigit());
                    if !self.eat('}') {
                        return Err(Problem::BadEscape);
                    }
                    digits
                } else {
                    let rest = self.rest();
                    let digits = rest.get(..2).ok_or(Problem::BadEscape)?;
                    self.at += 2;
                    digits
                };
                // `from_str_radix` takes a sign.
                if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    return Err(Problem::BadEscape);
                }
                u32::from_str_radix(digits, 16)
                    .ok()
                    .filter(|code| *code <= 0x10_ffff)
                    .ok_or(Problem::BadEscape)?
            }
            other => u32::from(other),
        }))
    }
}
