//! From tokens to a node.

use proc_macro2::{Delimiter, Group, Ident, Literal, Span, TokenStream, TokenTree};
use syn::{Error, Lit, Result};

use super::binary;
use super::node::Node;

/// The words that are no atoms without quotes, as in Erlang.
const RESERVED: &[&str] = &[
    "after", "and", "andalso", "band", "begin", "bnot", "bor", "bsl", "bsr", "bxor", "case",
    "catch", "cond", "div", "else", "end", "if", "let", "maybe", "not", "of", "or", "orelse",
    "receive", "rem", "try", "when", "xor",
];

pub(super) fn whole(tokens: Vec<TokenTree>) -> Result<Node> {
    let mut cursor = Cursor::new(tokens, Span::call_site());
    let node = cursor.node()?;
    cursor.end("the term ends before this")?;
    Ok(node)
}

/// The tokens of one group, and how far they are read.
pub(super) struct Cursor {
    tokens: Vec<TokenTree>,
    at: usize,
    /// Where an error is said to be when nothing is left.
    end: Span,
}

impl Cursor {
    fn new(tokens: Vec<TokenTree>, end: Span) -> Self {
        Self { tokens, at: 0, end }
    }

    fn of(group: &Group) -> Self {
        Self::new(group.stream().into_iter().collect(), group.span_close())
    }

    pub(super) fn peek(&self) -> Option<&TokenTree> {
        self.tokens.get(self.at)
    }

    pub(super) fn next(&mut self) -> Option<TokenTree> {
        let token = self.peek().cloned();
        self.at += 1;
        token
    }

    pub(super) fn error<T>(&self, message: &str) -> Result<T> {
        let span = self.peek().map_or(self.end, TokenTree::span);
        Err(Error::new(span, message))
    }

    pub(super) fn is_punct(&self, char: char) -> bool {
        matches!(self.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == char)
    }

    pub(super) fn eat(&mut self, char: char) -> bool {
        let there = self.is_punct(char);
        self.at += usize::from(there);
        there
    }

    /// Two characters that are one sign.
    pub(super) fn eat_pair(&mut self, first: char, second: char) -> bool {
        let puncts = self.tokens.get(self.at..self.at + 2);
        let there = matches!(
            puncts,
            Some([TokenTree::Punct(a), TokenTree::Punct(b)])
                if a.as_char() == first && b.as_char() == second
        );
        self.at += if there { 2 } else { 0 };
        there
    }

    fn end(&self, message: &str) -> Result<()> {
        if self.peek().is_some() {
            return self.error(message);
        }
        Ok(())
    }

    fn node(&mut self) -> Result<Node> {
        let Some(token) = self.peek().cloned() else {
            return self.error("a term is missing here");
        };
        match token {
            TokenTree::Group(group) => {
                self.next();
                group_node(&group)
            }
            TokenTree::Ident(ident) => {
                self.next();
                self.word(&ident)
            }
            TokenTree::Literal(literal) => {
                self.next();
                self.literal(literal, false)
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                '-' | '+' => {
                    self.next();
                    match self.next() {
                        Some(TokenTree::Literal(literal)) => {
                            self.literal(literal, punct.as_char() == '-')
                        }
                        _ => Err(Error::new(
                            punct.span(),
                            "a sign stands before a number; write a Rust expression in parentheses: `(-x)`",
                        )),
                    }
                }
                '#' => {
                    self.next();
                    match self.next() {
                        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                            map(Cursor::of(&group))
                        }
                        _ => Err(Error::new(
                            punct.span(),
                            "a map is written `#{key => value}`",
                        )),
                    }
                }
                '$' => {
                    self.next();
                    self.character(punct.span())
                }
                ':' => {
                    self.next();
                    self.quoted_atom(punct.span()).map(Node::Atom)
                }
                '<' if self.eat_pair('<', '<') => binary::node(self),
                '<' => self.error(
                    "a pid, port or reference is a Rust value: write it in parentheses, as `(pid)`",
                ),
                _ => self
                    .error("no term begins so; a Rust expression stands in parentheses: `(x + 1)`"),
            },
        }
    }

    fn word(&mut self, ident: &Ident) -> Result<Node> {
        let text = ident.to_string();
        if text == "fun" {
            return self.export();
        }
        let mut text = plain_atom(&text, ident.span())?;
        while self.is_punct('@') {
            self.next();
            text.push('@');
            if let Some(TokenTree::Ident(more)) = self.peek() {
                text.push_str(&more.to_string());
                self.next();
            }
        }
        atom(text, ident.span()).map(Node::Atom)
    }

    /// `:` was read.
    fn quoted_atom(&mut self, span: Span) -> Result<String> {
        if let Some(TokenTree::Literal(literal)) = self.next()
            && let Lit::Str(text) = Lit::new(literal)
        {
            return atom(text.value(), text.span());
        }
        Err(Error::new(span, "a quoted atom is written `:\"any text\"`"))
    }

    fn atom_in_export(&mut self) -> Result<String> {
        match self.peek().cloned() {
            Some(TokenTree::Ident(ident)) => {
                self.next();
                atom(plain_atom(&ident.to_string(), ident.span())?, ident.span())
            }
            Some(TokenTree::Literal(literal)) => {
                self.next();
                match Lit::new(literal) {
                    Lit::Char(char) => Ok(char.value().to_string()),
                    other => Err(Error::new(other.span(), EXPORT)),
                }
            }
            Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => {
                self.next();
                self.quoted_atom(punct.span())
            }
            _ => self.error(EXPORT),
        }
    }

    /// `fun` was read.
    fn export(&mut self) -> Result<Node> {
        let module = self.atom_in_export()?;
        if !self.eat(':') {
            return self.error(EXPORT);
        }
        let function = self.atom_in_export()?;
        if !self.eat('/') {
            return self.error(EXPORT);
        }
        match self.next() {
            Some(TokenTree::Literal(literal)) => match Lit::new(literal) {
                Lit::Int(arity) => Ok(Node::Export(module, function, arity.base10_parse()?)),
                other => Err(Error::new(other.span(), EXPORT)),
            },
            _ => self.error(EXPORT),
        }
    }

    /// `$` was read: one character.
    fn character(&mut self, span: Span) -> Result<Node> {
        let code = |text: &str| {
            let mut chars = text.chars();
            match (chars.next(), chars.next()) {
                (Some(char), None) => Some(Node::Integer(u32::from(char).to_string())),
                _ => None,
            }
        };
        let node = match self.peek() {
            Some(TokenTree::Ident(ident)) => code(&ident.to_string()),
            Some(TokenTree::Literal(literal)) => code(&literal.to_string()),
            Some(TokenTree::Punct(punct)) => code(&punct.as_char().to_string()),
            _ => None,
        };
        self.next();
        node.ok_or_else(|| {
            Error::new(
                span,
                "`$` stands before one letter, digit or sign; others are written as `b'\\n'`",
            )
        })
    }

    pub(super) fn literal(&mut self, literal: Literal, negative: bool) -> Result<Node> {
        let span = literal.span();
        let sign = if negative { "-" } else { "" };
        match Lit::new(literal) {
            Lit::Int(base) if self.is_punct('#') => {
                self.next();
                let (digits, span) = match self.next() {
                    Some(TokenTree::Ident(digits)) => (digits.to_string(), digits.span()),
                    Some(TokenTree::Literal(digits)) => (digits.to_string(), digits.span()),
                    _ => return Err(Error::new(span, "digits are missing behind the base")),
                };
                let base = base.base10_parse().unwrap_or(0);
                if !(2..=36).contains(&base) {
                    return Err(Error::new(span, "a base is 2 to 36"));
                }
                match i128::from_str_radix(&format!("{sign}{}", digits.replace('_', "")), base) {
                    Ok(value) => Ok(Node::Integer(value.to_string())),
                    Err(_) => Err(Error::new(
                        span,
                        "no digits of this base, or more than 128 bits: those are written in base 10",
                    )),
                }
            }
            Lit::Int(value) if value.suffix().is_empty() => {
                let digits = value.base10_digits();
                let sign = if digits == "0" { "" } else { sign };
                Ok(Node::Integer(format!("{sign}{digits}")))
            }
            Lit::Float(value) if value.suffix().is_empty() => {
                let text = value.base10_digits();
                if !text.contains('.') || text.ends_with('.') || text.contains(".e") {
                    return Err(Error::new(
                        span,
                        "Erlang writes a float with digits on both sides of a point: `1.0e5`",
                    ));
                }
                let value: f64 = value.base10_parse()?;
                if !value.is_finite() {
                    return Err(Error::new(span, "the float is too large"));
                }
                Ok(Node::Float(if negative { -value } else { value }))
            }
            Lit::Int(_) | Lit::Float(_) => Err(Error::new(
                span,
                "Erlang's numbers have no suffix; a Rust value stands in parentheses: `(1u8)`",
            )),
            _ if negative => Err(Error::new(span, "a sign stands before a number")),
            Lit::Str(text) => Ok(Node::Charlist(text.value())),
            Lit::ByteStr(bytes) => Ok(Node::Bits(bytes.value(), 0)),
            Lit::Byte(byte) => Ok(Node::Integer(byte.value().to_string())),
            Lit::Char(char) => atom(char.value().to_string(), span).map(Node::Atom),
            _ => Err(Error::new(
                span,
                "no term is written so; a Rust value stands in parentheses",
            )),
        }
    }
}

const EXPORT: &str = "an exported function is written `fun module:function/1`";

fn group_node(group: &Group) -> Result<Node> {
    let mut inside = Cursor::of(group);
    match group.delimiter() {
        // Also what another macro substituted.
        Delimiter::Parenthesis | Delimiter::None => rust(group.stream(), group.span()),
        Delimiter::Brace => {
            let mut items = Vec::new();
            while !(items.is_empty() && inside.peek().is_none()) {
                items.push(inside.node()?);
                if inside.peek().is_none() {
                    break;
                }
                if !inside.eat(',') {
                    return inside.error("expected `,` or the end of the tuple");
                }
            }
            Ok(Node::Tuple(items))
        }
        Delimiter::Bracket => {
            let mut items = Vec::new();
            while !(items.is_empty() && inside.peek().is_none()) {
                items.push(inside.node()?);
                if inside.eat('|') {
                    let tail = inside.node()?;
                    inside.end("only one term may follow the bar")?;
                    return Ok(Node::List(items, Some(Box::new(tail))));
                }
                if inside.peek().is_none() {
                    break;
                }
                if !inside.eat(',') {
                    return inside.error("expected `,`, `|` or the end of the list");
                }
            }
            Ok(Node::List(items, None))
        }
    }
}

fn rust(expression: TokenStream, span: Span) -> Result<Node> {
    syn::parse2::<syn::Expr>(expression.clone())
        .map_err(|error| {
            if expression.is_empty() {
                Error::new(span, "a Rust expression is missing in the parentheses")
            } else {
                error
            }
        })
        .map(|_| Node::Rust(expression, span))
}

fn map(mut inside: Cursor) -> Result<Node> {
    let mut pairs: Vec<(Node, Node)> = Vec::new();
    let mut keys = std::collections::HashSet::new();
    while !(pairs.is_empty() && inside.peek().is_none()) {
        let start = inside.peek().map_or(inside.end, TokenTree::span);
        let key = inside.node()?;
        if !inside.eat_pair('=', '>') {
            return inside.error("expected `=>` between a key and its value");
        }
        if key.key().is_some_and(|key| !keys.insert(key)) {
            return Err(Error::new(start, "this key is in the map twice"));
        }
        pairs.push((key, inside.node()?));
        if inside.peek().is_none() {
            break;
        }
        if !inside.eat(',') {
            return inside.error("expected `,` or the end of the map");
        }
    }
    Ok(Node::Map(pairs))
}

fn plain_atom(text: &str, span: Span) -> Result<String> {
    let text = text.strip_prefix("r#").unwrap_or(text);
    if RESERVED.contains(&text) {
        let message =
            format!("`{text}` is a reserved word of Erlang; the atom is written `:\"{text}\"`");
        return Err(Error::new(span, message));
    }
    if !text.starts_with(|first: char| first.is_lowercase()) {
        let message = format!(
            "`{text}` is a variable in Erlang; a Rust expression stands in parentheses, `({})`, and an atom of that name in quotes, `:\"{text}\"`",
            text.to_lowercase()
        );
        return Err(Error::new(span, message));
    }
    Ok(text.to_owned())
}

fn atom(text: String, span: Span) -> Result<String> {
    if text.chars().count() > 255 {
        return Err(Error::new(span, "an atom has at most 255 characters"));
    }
    Ok(text)
}
