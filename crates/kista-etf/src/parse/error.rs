//! What can be wrong with a text.

/// Where a text is no term, and why.
///
/// ```
/// use kista_etf::Term;
/// let error = "{a, b".parse::<Term>().unwrap_err();
/// assert_eq!((error.line(), error.column()), (1, 6));
/// assert_eq!(error.to_string(), "line 1, column 6: expected `,` or `}`");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ParseError {
    offset: usize,
    line: usize,
    column: usize,
    problem: Problem,
}

impl ParseError {
    pub(super) fn at(text: &str, offset: usize, problem: Problem) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            offset: before.len(),
            line,
            column: before[start..].chars().count() + 1,
            problem,
        }
    }

    /// The byte at which the token begins that is wrong.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// The line of that token, from 1.
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column of that token, in characters, from 1.
    pub const fn column(&self) -> usize {
        self.column
    }

    /// What is wrong there.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// What is wrong with a text that is no term.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The text ends within a term, or is empty.
    #[error("the text ends where a term should be")]
    UnexpectedEnd,
    /// Something else than the syntax has here.
    #[error("expected {0}")]
    Expected(&'static str),
    /// Something stands after the term.
    #[error("the term ends before this")]
    Trailing,
    /// A quoted atom or a string without its second quote.
    #[error("this {0} is never closed")]
    Unclosed(char),
    /// An unknown or incomplete escape.
    #[error("no such escape: write \\n, \\\\, \\012, \\x41 or \\x{{1F600}}")]
    BadEscape,
    /// A code that is no character of Unicode, in an atom.
    #[error("{0:#x} is no character")]
    NoChar(u32),
    /// A variable, which only a program can bind.
    #[error("`{0}` is a variable; an atom that begins so is quoted: '{0}'")]
    Variable(Box<str>),
    /// A word of the language.
    #[error("`{0}` is a reserved word; the atom is written '{0}'")]
    Reserved(Box<str>),
    /// An atom of more than 255 characters.
    #[error("an atom has at most 255 characters")]
    LongAtom,
    /// Digits that are no number.
    #[error("this is no number: write 1_000, 16#ff, 1.5 or 1.5e-3")]
    BadNumber,
    /// A number larger than a float can be.
    #[error("the float is too large")]
    BigFloat,
    /// An integer larger than the limit.
    #[error("the integer has more than {0} bytes")]
    BigInteger(usize),
    /// Large integers in decimal whose reading would take too long.
    #[error("too many large integers in decimal: write them in base 16, as 16#ff")]
    BigIntegers,
    /// A sigil, as OTP 27 has them.
    #[error("a sigil is not read here: write \"text\", or <<\"text\"/utf8>> for ~\"text\"")]
    Sigil,
    /// A text in three quotes, as OTP 27 has them; to OTP before it these are texts beside each other.
    #[error("a text in three quotes is not read here: write \"one\\ntwo\"")]
    TripleQuoted,
    /// A map with the same key twice.
    #[error("a key of this map is there twice")]
    DuplicateKey,
    /// A segment of a binary that is not understood.
    #[error("expected a segment: an integer, 5:3, \"text\" or \"text\"/utf8")]
    BadSegment,
    /// A size of a segment that is too large.
    #[error("the segment has more bits than the text could pay for")]
    BigSegment,
    /// A pid as a node prints those of its own.
    #[error("a pid says its node by name: <'node@host'.85.0/1700000000>, or <'node@host'.85.0>")]
    LocalPid,
    /// A closure: its text does not say what it consists of.
    #[error("a closure cannot be read from text")]
    Closure,
    /// Longer than the limit.
    #[error("the text has more than {0} bytes")]
    TooLong(usize),
    /// Nested deeper than the limit.
    #[error("nested deeper than {0}")]
    TooDeep(usize),
}

impl Problem {
    pub(super) const fn expected(what: &'static str) -> Self {
        Self::Expected(what)
    }
}
