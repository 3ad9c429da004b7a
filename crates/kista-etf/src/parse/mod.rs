//! Reading terms from Erlang text: what `file:consult/1` reads, and what `Display` of a term prints.
//!
//! ```text
//! term    = atom | integer | float | string | binary | list | tuple | map | export | identifier | "(" term ")"
//! atom    = ok | 'Any Text'
//! integer = [+-] 1_000 | [+-] 16#ff | $c | $\n
//! float   = [+-] 1.5e-3
//! string  = "text" "more text"
//! binary  = << [ segment, ... ] >>       segment = integer [:size] | "text" [/utf8]
//! list    = [ term, ... [| term] ]
//! tuple   = { term, ... }
//! map     = #{ term => term, ... }
//! export  = fun module:function/arity
//! identifier = <node.id.serial/creation> | #Port<node.id/creation> | #Ref<node.word.word.word/creation>
//! ```
//!
//! The rules:
//!
//! 1. White space and comments (`%` to the end of the line) may stand between any two tokens. A full stop may end the text: a
//!    point before white space, a comment or the end.
//! 2. `parse(print(t)) == t` for every term that is not a closure and not longer than the printing's limit.
//! 3. Nothing recurses; length, depth, the size of integers and new atoms are bounded by [`Limits`] and [`AtomQuota`], and all that
//!    segments like `<<0:1000>>` make out of few digits by 64 KiB: memory is at most a small multiple of the text.
//! 4. Stricter than Erlang: a key that is twice in a map is an error. Of a segment's types only `utf8`, `integer` and `float`
//!    (64 bits) are read. Sigils (`~"text"`) and texts in three quotes, which OTP 27 brought, are refused.
//!
//! `scan.rs` knows characters, numbers and quotes; `binary.rs` segments; `identifier.rs` what Erlang itself cannot read back.

mod binary;
mod error;
mod identifier;
mod number;
mod scan;

pub use error::{ParseError, Problem};

use scan::Scan;

use crate::term::{Elements, Export, ImproperList, Map, Term};
use crate::{AtomQuota, Limits};

type Result<T, E = Problem> = std::result::Result<T, E>;

impl std::str::FromStr for Term {
    type Err = ParseError;

    /// Reads one term, with the limits of [`Limits::DEFAULT`] and the process-wide atom quota.
    /// An integer of more than 64 KiB must be in a base that is a power of two, as it is printed.
    ///
    /// ```
    /// use kista_etf::Term;
    /// let term: Term = "{ok, [1, 16#ff, $a | tail], <<\"π\"/utf8>>} % a comment".parse().unwrap();
    /// assert_eq!(term.to_string(), r#"{ok,[1,255,97|tail],<<"π"/utf8>>}"#);
    /// let error = "{ok,\n  Value}".parse::<Term>().unwrap_err();
    /// assert_eq!(error.to_string(), "line 2, column 3: `Value` is a variable; an atom that begins so is quoted: 'Value'");
    /// ```
    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse_with(text, &Limits::DEFAULT, &crate::quota::DEFAULT)
    }
}

impl Term {
    /// Reads one term, as [`FromStr`](std::str::FromStr) does, with limits of one's own.
    ///
    /// ```
    /// use kista_etf::{AtomQuota, Limits, Term};
    /// let mut limits = Limits::default();
    /// limits.depth = 2;
    /// let quota = AtomQuota::new(0);
    /// assert!(Term::parse_with("[[new_atom]]", &limits, &quota).is_ok());
    /// assert!(Term::parse_with("[[[new_atom]]]", &limits, &quota).is_err());
    /// ```
    pub fn parse_with(text: &str, limits: &Limits, quota: &AtomQuota) -> Result<Self, ParseError> {
        let mut parser = Parser::new(text, limits, quota);
        parser
            .check_length()
            .and_then(|()| parser.only_term())
            .map_err(|problem| ParseError::at(text, parser.scan.mark(), problem))
    }

    /// Reads all terms of a text, each ended by a full stop, as `file:consult/1` does.
    ///
    /// ```
    /// use kista_etf::Term;
    /// let terms = Term::consult("{port, 4369}. % default\n{host, \"localhost\"}.\n").unwrap();
    /// assert_eq!(terms.len(), 2);
    /// assert!(Term::consult("{port, 4369}").is_err());
    /// ```
    pub fn consult(text: &str) -> Result<Vec<Self>, ParseError> {
        let mut parser = Parser::new(text, &Limits::DEFAULT, &crate::quota::DEFAULT);
        parser
            .check_length()
            .and_then(|()| parser.all_terms())
            .map_err(|problem| ParseError::at(text, parser.scan.mark(), problem))
    }
}

/// How many bits all segments of a text together may have beyond their digits.
const UNPAID_BITS: u64 = 64 * 1024 * 8;

struct Parser<'a> {
    scan: Scan<'a>,
    limits: &'a Limits,
    quota: &'a AtomQuota,
    unpaid_bits: u64,
    /// What large integers in decimal may still cost.
    slow_work: u64,
    new_atoms: usize,
}

impl<'a> Parser<'a> {
    const fn new(text: &'a str, limits: &'a Limits, quota: &'a AtomQuota) -> Self {
        Self {
            scan: Scan::new(text),
            limits,
            quota,
            unpaid_bits: UNPAID_BITS,
            slow_work: number::SLOW_WORK,
            new_atoms: 0,
        }
    }
}

/// A container that is being read.
struct Open {
    kind: Kind,
    items: Vec<Term>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    List,
    /// Behind the bar: one term is left.
    Tail,
    Tuple,
    /// A key comes next, or the end.
    Key,
    /// `=>` was read, the value comes next.
    Value,
    /// A term in parentheses.
    Group,
}

impl Kind {
    const fn close(self) -> char {
        match self {
            Self::List | Self::Tail => ']',
            Self::Tuple | Self::Key | Self::Value => '}',
            Self::Group => ')',
        }
    }
}

/// What a term begins with.
enum Head {
    Leaf(Term),
    Open(Kind),
}

impl Parser<'_> {
    fn check_length(&self) -> Result<()> {
        if self.scan.rest().len() > self.limits.bytes {
            return Err(Problem::TooLong(self.limits.bytes));
        }
        Ok(())
    }

    fn only_term(&mut self) -> Result<Term> {
        let term = self.term()?;
        self.scan.skip_blanks();
        if self.scan.eat('.') {
            self.after_dot()?;
        }
        self.scan.skip_blanks();
        match self.scan.peek() {
            None => Ok(term),
            Some(_) => Err(Problem::Trailing),
        }
    }

    fn all_terms(&mut self) -> Result<Vec<Term>> {
        let mut terms = Vec::new();
        loop {
            self.scan.skip_blanks();
            if self.scan.peek().is_none() {
                return Ok(terms);
            }
            terms.push(self.term()?);
            self.scan.skip_blanks();
            if !self.scan.eat('.') {
                return Err(Problem::expected("`.` at the end of the term"));
            }
            self.after_dot()?;
        }
    }

    /// A point is a full stop only before white space, a comment, or the end.
    fn after_dot(&mut self) -> Result<()> {
        match self.scan.peek() {
            None | Some('%') => Ok(()),
            Some(char) if scan::is_blank(char) => Ok(()),
            Some(_) => Err(Problem::expected("white space after the full stop")),
        }
    }

    fn term(&mut self) -> Result<Term> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            self.scan.skip_blanks();
            let mut done = match self.head()? {
                Head::Leaf(term) => term,
                Head::Open(kind) => {
                    let start = self.scan.mark();
                    self.scan.skip_blanks();
                    let empty = Open {
                        kind,
                        items: Vec::new(),
                    };
                    if kind != Kind::Group && self.scan.eat(kind.close()) {
                        self.close(empty)?
                    } else if open.len() < self.limits.depth {
                        open.push(empty);
                        continue;
                    } else {
                        self.scan.mark_at(start);
                        return Err(Problem::TooDeep(self.limits.depth));
                    }
                }
            };
            // The term that is done belongs into the innermost container, which it may complete, and so on.
            loop {
                let Some(innermost) = open.last_mut() else {
                    return Ok(done);
                };
                innermost.items.push(done);
                if self.goes_on(innermost)? {
                    break;
                }
                match open.pop() {
                    Some(whole) => done = self.close(whole)?,
                    None => return Err(Problem::expected("a term")),
                }
            }
        }
    }

    /// What follows an item: true when that is another one, false when the container ends.
    fn goes_on(&mut self, open: &mut Open) -> Result<bool> {
        self.scan.skip_blanks();
        self.scan.set_mark();
        match open.kind {
            Kind::Key => {
                if !self.scan.eat_str("=>") {
                    return Err(Problem::expected("`=>`"));
                }
                open.kind = Kind::Value;
                return Ok(true);
            }
            Kind::List if self.scan.eat('|') => {
                open.kind = Kind::Tail;
                return Ok(true);
            }
            Kind::Value => open.kind = Kind::Key,
            _ => {}
        }
        if self.scan.eat(open.kind.close()) {
            return Ok(false);
        }
        match open.kind {
            Kind::Tail => Err(Problem::expected("`]`")),
            Kind::Group => Err(Problem::expected("`)`")),
            _ if self.scan.eat(',') => Ok(true),
            Kind::List => Err(Problem::expected("`,`, `|` or `]`")),
            _ => Err(Problem::expected("`,` or `}`")),
        }
    }

    fn close(&mut self, open: Open) -> Result<Term> {
        let Open { kind, mut items } = open;
        Ok(match kind {
            Kind::List => Term::list(items),
            Kind::Tail => match items.pop() {
                Some(tail @ (Term::List(_) | Term::ImproperList(_))) => {
                    Term::list_with_tail(items, tail)
                }
                Some(tail) => {
                    items.push(tail);
                    Term::ImproperList(ImproperList(Elements::new(items)))
                }
                None => Term::NIL,
            },
            Kind::Tuple => Term::tuple(items),
            Kind::Key | Kind::Value => {
                Term::Map(Map::from_flat(items).ok_or(Problem::DuplicateKey)?)
            }
            Kind::Group => items.pop().unwrap_or(Term::NIL),
        })
    }

    fn head(&mut self) -> Result<Head> {
        self.scan.set_mark();
        let Some(char) = self.scan.peek() else {
            return Err(Problem::UnexpectedEnd);
        };
        Ok(match char {
            '[' => self.open(Kind::List),
            '{' => self.open(Kind::Tuple),
            '(' => self.open(Kind::Group),
            '"' => Head::Leaf(self.string()?),
            '\'' => Head::Leaf(self.quoted_atom()?),
            '~' => return Err(Problem::Sigil),
            '<' if self.scan.starts_with("<<") => Head::Leaf(self.binary()?),
            '<' => Head::Leaf(self.pid()?),
            '#' if self.scan.starts_with("#Port<") => Head::Leaf(self.port()?),
            '#' if self.scan.starts_with("#Ref<") => Head::Leaf(self.reference()?),
            '#' if self.scan.starts_with("#Fun<") => return Err(Problem::Closure),
            '#' => {
                self.scan.eat('#');
                self.scan.skip_blanks();
                if !self.scan.eat('{') {
                    return Err(Problem::expected("a map, `#{`"));
                }
                Head::Open(Kind::Key)
            }
            '0'..='9' | '+' | '-' | '$' => Head::Leaf(self.number()?),
            char if scan::starts_word(char) => Head::Leaf(self.word()?),
            _ => return Err(Problem::expected("a term")),
        })
    }

    fn open(&mut self, kind: Kind) -> Head {
        self.scan.bump();
        Head::Open(kind)
    }

    /// An atom without quotes, or `fun`.
    fn word(&mut self) -> Result<Term> {
        let word = self.scan.word();
        if word == "fun" {
            return self.export();
        }
        self.plain_atom(word)
    }

    fn plain_atom(&mut self, word: &str) -> Result<Term> {
        if crate::term::is_reserved(word) {
            return Err(Problem::Reserved(word.into()));
        }
        if !word.starts_with(crate::term::starts_atom) {
            return Err(Problem::Variable(word.chars().take(64).collect()));
        }
        if !word.chars().all(crate::term::continues_atom) {
            return Err(Problem::expected(
                "an atom; one with letters beyond Latin-1 is quoted",
            ));
        }
        self.atom(word)
    }

    fn quoted_atom(&mut self) -> Result<Term> {
        let text = self.quoted_text('\'')?;
        self.atom(&text)
    }

    fn atom(&mut self, text: &str) -> Result<Term> {
        let name = self
            .quota
            .intern_counting(text, &mut self.new_atoms, self.limits.new_atoms)
            .map_err(|_| Problem::LongAtom)?;
        Ok(Term::from(name))
    }

    /// Texts beside each other are one.
    fn string(&mut self) -> Result<Term> {
        let mut chars = Vec::new();
        while self.scan.peek() == Some('"') {
            self.scan
                .quoted('"', |code| chars.push(Term::Int(i64::from(code))))?;
            self.scan.skip_blanks();
        }
        Ok(Term::list(chars))
    }

    /// `fun` was read.
    fn export(&mut self) -> Result<Term> {
        let module = self.export_atom()?;
        if !self.scan.eat(':') {
            return Err(Problem::expected("`:`, as in `fun module:function/1`"));
        }
        let function = self.export_atom()?;
        if !self.scan.eat('/') {
            return Err(Problem::expected("`/` and the number of arguments"));
        }
        self.scan.skip_blanks();
        self.scan.set_mark();
        let arity = match self.number() {
            Ok(Term::Int(arity)) => u8::try_from(arity).ok(),
            _ => None,
        };
        let arity = arity.ok_or(Problem::expected("a number of arguments, 0 to 255"))?;
        Ok(Term::from(Export {
            module,
            function,
            arity,
        }))
    }

    fn export_atom(&mut self) -> Result<crate::AtomName> {
        self.scan.skip_blanks();
        self.scan.set_mark();
        let name = self.atom_here()?;
        self.scan.skip_blanks();
        Ok(name)
    }

    /// An atom in either form.
    fn atom_here(&mut self) -> Result<crate::AtomName> {
        let atom = match self.scan.peek() {
            Some('\'') => self.quoted_atom()?,
            Some(char) if scan::starts_word(char) => {
                let word = self.scan.word();
                self.plain_atom(word)?
            }
            _ => return Err(Problem::expected("an atom")),
        };
        atom.as_atom_name().ok_or(Problem::expected("an atom"))
    }

    /// A text in quotes.
    fn quoted_text(&mut self, quote: char) -> Result<String> {
        let mut text = String::new();
        let mut bad = None;
        self.scan.quoted(quote, |code| match char::from_u32(code) {
            Some(char) => text.push(char),
            None => bad = Some(code),
        })?;
        match bad {
            Some(code) => Err(Problem::NoChar(code)),
            None => Ok(text),
        }
    }
}

#[cfg(test)]
mod tests;
