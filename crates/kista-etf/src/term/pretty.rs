//! Breaking a term into lines, as `~p` does (the rules are those of OTP's `io_lib_pretty`).
//!
//! First every part is measured. What fits into what is left of the line is printed on it; else a container is opened:
//!
//! 1. A list, or a tuple that does not begin with an atom: its items go below each other, indented by one. Items that are
//!    *flat* (no container, no binary in numbers) share a line as long as they fit.
//! 2. A tuple that begins with an atom (a *tag*): the items stand behind the tag, or below it, indented by four, or one. One
//!    choice is made for the whole term, by trying: the first of "behind", 4 and 1 that pushes no tagged tuple beyond the middle of
//!    the line.
//! 3. A map: pairs go below each other, indented by two; a pair that does not fit is broken behind `=>`.
//! 4. A binary in numbers is broken behind commas.
//!
//! A line also keeps room for the brackets that close on it.

use std::fmt::{self, Write};

use super::lexeme::Readable;
use super::{Term, write};

/// How deep containers are opened; this bounds the recursion. At this depth the indentation alone is wider than most lines.
const MAX_DEPTH: usize = 200;

pub(super) fn term(out: &mut impl Write, term: &Term, width: usize) -> fmt::Result {
    let nodes = measure(term)?;
    let all = nodes[0].chars;
    let at = At { term, node: 0 };
    let columns = isize::try_from(width).unwrap_or(isize::MAX / 4);
    if columns == 0 || all < columns - 1 || nodes[0].shape == Shape::Flat {
        return write::term(out, term, true);
    }
    let mut layout = Layout {
        out,
        trial: true,
        nodes: &nodes,
        columns,
        all,
        tag_indent: 1,
        depth: 0,
    };
    for tag_indent in [-1, 4] {
        layout.tag_indent = tag_indent;
        layout.depth = 0;
        match layout.part(at, Place::START) {
            Ok(()) => break,
            Err(Stop::TooFarRight) => layout.tag_indent = 1,
            Err(Stop::Fmt(error)) => return Err(error),
        }
    }
    layout.trial = false;
    layout.depth = 0;
    match layout.part(at, Place::START) {
        Err(Stop::Fmt(error)) => Err(error),
        _ => Ok(()),
    }
}

/// One term within the whole, measured.
struct Node {
    /// How many characters it has on one line.
    chars: isize,
    /// How many nodes it consists of, itself included.
    nodes: usize,
    shape: Shape,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Printed as one word: all but the others.
    Flat,
    /// A binary in numbers.
    Binary,
    List,
    Tuple,
    /// A tuple of at least two, the first an atom.
    Tagged,
    Map,
}

/// Measures all nodes, each before those inside of it, without recursion.
fn measure(term: &Term) -> Result<Vec<Node>, fmt::Error> {
    struct Open<'a> {
        node: usize,
        rest: std::slice::Iter<'a, Term>,
    }
    let mut nodes = vec![node(term)?];
    let mut open = vec![Open {
        node: 0,
        rest: inside(term, nodes[0].shape).iter(),
    }];
    while let Some(innermost) = open.last_mut() {
        if let Some(term) = innermost.rest.next() {
            let (at, node) = (nodes.len(), node(term)?);
            open.push(Open {
                node: at,
                rest: inside(term, node.shape).iter(),
            });
            nodes.push(node);
        } else {
            let Node {
                chars,
                nodes: count,
                ..
            } = nodes[innermost.node];
            open.pop();
            if let Some(outer) = open.last() {
                nodes[outer.node].chars += chars;
                nodes[outer.node].nodes += count;
            }
        }
    }
    Ok(nodes)
}

/// A term without what is inside of it.
fn node(term: &Term) -> Result<Node, fmt::Error> {
    let shape = shape(term);
    let count = term.children().len() as isize;
    let chars = match shape {
        Shape::Flat | Shape::Binary => {
            let mut chars = Chars(0);
            write::term(&mut chars, term, true)?;
            chars.0
        }
        // Brackets and commas; a bar is as long as a comma.
        Shape::List | Shape::Tuple | Shape::Tagged => 2 + count - 1,
        // `#{}`, ` => ` for each pair, and commas.
        Shape::Map => 3 + count / 2 * 4 + count / 2 - 1,
    };
    Ok(Node {
        chars,
        nodes: 1,
        shape,
    })
}

/// What is measured by itself: not the characters of a string.
fn inside(term: &Term, shape: Shape) -> &[Term] {
    match shape {
        Shape::Flat | Shape::Binary => &[],
        _ => term.children(),
    }
}

fn shape(term: &Term) -> Shape {
    match term {
        Term::List(list) if list.is_empty() || write::is_text(list) => Shape::Flat,
        Term::List(_) | Term::ImproperList(_) => Shape::List,
        Term::Tuple(tuple) => match tuple.as_slice() {
            [] => Shape::Flat,
            [Term::Atom(_) | Term::AtomText(_), _, ..] => Shape::Tagged,
            _ => Shape::Tuple,
        },
        Term::Map(map) if !map.is_empty() => Shape::Map,
        Term::Binary(binary) if !binary.is_empty() && Readable::of(binary).is_none() => {
            Shape::Binary
        }
        Term::BitString(_) => Shape::Binary,
        _ => Shape::Flat,
    }
}

/// Counts characters.
struct Chars(isize);

impl Write for Chars {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 += text.chars().count() as isize;
        Ok(())
    }
}

/// Why laying out ends early.
enum Stop {
    /// A tagged tuple would begin beyond the middle of the line.
    TooFarRight,
    Fmt(fmt::Error),
}

impl From<fmt::Error> for Stop {
    fn from(error: fmt::Error) -> Self {
        Self::Fmt(error)
    }
}

type Result<T, E = Stop> = std::result::Result<T, E>;

/// A term and its node.
#[derive(Clone, Copy)]
struct At<'a> {
    term: &'a Term,
    node: usize,
}

/// Terms beside each other, and the node of the first.
#[derive(Clone, Copy)]
struct Row<'a> {
    items: &'a [Term],
    /// What follows them behind a bar.
    tail: Option<&'a Term>,
    node: usize,
}

/// Where something is printed.
#[derive(Clone, Copy)]
struct Place {
    /// The column of its first character, from 1.
    column: isize,
    /// How far lines that begin within it are indented.
    indent: isize,
    /// How many brackets close right behind it.
    closing: isize,
    /// How many characters of the term stand before it on the line.
    before: isize,
}

impl Place {
    const START: Self = Self {
        column: 1,
        indent: 0,
        closing: 0,
        before: 0,
    };

    const fn right(mut self, columns: isize) -> Self {
        self.column += columns;
        self.indent += columns;
        self
    }
}

struct Layout<'o, 'n, W> {
    out: &'o mut W,
    /// Nothing is printed: it is tried whether the indentation of tagged tuples will do.
    trial: bool,
    nodes: &'n [Node],
    /// The length of a line.
    columns: isize,
    /// How many characters the whole term has.
    all: isize,
    /// How far below a tag items are indented: 4 or 1, or -1 for items behind the tag.
    tag_indent: isize,
    depth: usize,
}

impl<W: Write> Layout<'_, '_, W> {
    fn part(&mut self, at: At<'_>, place: Place) -> Result<()> {
        if self.fits(self.chars(at), place) || self.depth >= MAX_DEPTH {
            return self.whole(at);
        }
        self.depth += 1;
        match self.nodes[at.node].shape {
            Shape::Flat => self.whole(at)?,
            Shape::Binary => self.binary(at, place)?,
            Shape::List => {
                self.text("[")?;
                let inside = Place {
                    before: place.before + 1,
                    ..place.right(1)
                };
                self.row(Row::of(at), inside)?;
                self.text("]")?;
            }
            Shape::Tuple => {
                self.text("{")?;
                let inside = Place {
                    before: place.before + 1,
                    ..place.right(1)
                };
                self.row(Row::of(at), inside)?;
                self.text("}")?;
            }
            Shape::Tagged => {
                self.text("{")?;
                self.tagged(Row::of(at), place)?;
                self.text("}")?;
            }
            Shape::Map => {
                self.text("#{")?;
                let inside = Place {
                    before: place.before + if self.trial { 2 } else { 1 },
                    ..place.right(2)
                };
                self.pairs(Row::of(at), inside)?;
                self.text("}")?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// A tag and the items behind or below it.
    fn tagged(&mut self, row: Row<'_>, place: Place) -> Result<()> {
        let Some((tag, rest)) = self.split(row) else {
            return Ok(());
        };
        let width = self.chars(tag);
        let behind = width + 2;
        let before = place.before + 1 + width;
        self.whole(tag)?;
        if self.tag_indent > 0 && behind > self.tag_indent {
            let below = place.right(self.tag_indent);
            self.check(below.column, self.all + below.column <= self.columns, true)?;
            let start = Place { before, ..below };
            self.row_rest(rest, start, place.column + behind)
        } else {
            let inside = place.right(behind);
            let room = self.all + inside.column < self.columns;
            self.check(inside.column, room, false)?;
            self.text(",")?;
            self.row(
                rest,
                Place {
                    before: before + 1,
                    ..inside
                },
            )
        }
    }

    /// Only a trial is stopped: by a column beyond the middle of the line, when there is no room for the whole term there.
    fn check(&self, column: isize, room: bool, middle_too: bool) -> Result<()> {
        let middle = self.columns / 2;
        let left = column < middle || (middle_too && column == middle);
        if self.trial && !room && !left {
            return Err(Stop::TooFarRight);
        }
        Ok(())
    }

    /// Items, the first of them at the place.
    fn row(&mut self, row: Row<'_>, place: Place) -> Result<()> {
        let Some((first, rest)) = self.split(row) else {
            return Ok(());
        };
        let width = self.item(first, rest.closing(place))?;
        let start = Place {
            before: place.before + width,
            ..place
        };
        self.row_rest(rest, start, place.column + width)
    }

    /// Further items: at the column as long as they fit, else below each other at the place.
    fn row_rest(&mut self, mut row: Row<'_>, place: Place, mut column: isize) -> Result<()> {
        let mut before = place.before;
        while let Some((item, rest)) = self.split(row) {
            row = rest;
            let width = 1 + self.chars(item);
            let below = Place {
                before: 0,
                ..rest.closing(place)
            };
            if self.is_flat(item) && self.fits_behind(width, column, before, below.closing) {
                self.text(",")?;
                self.whole(item)?;
                column += width;
                before += width;
            } else {
                self.text(",")?;
                self.line(place.indent)?;
                before = self.item(item, below)?;
                column = place.column + before;
            }
        }
        let Some(tail) = row.tail else {
            return Ok(());
        };
        let tail = At {
            term: tail,
            node: row.node,
        };
        self.text("|")?;
        let closing = place.closing + 1;
        let here = Place {
            column: column + 1,
            before: before + 1,
            closing,
            ..place
        };
        if self.is_flat(tail)
            && self.chars(tail) + 1 < self.columns - column - closing
            && self.chars(tail) + here.before + closing <= self.all
        {
            return self.whole(tail);
        }
        self.line(place.indent)?;
        let column = if self.trial { column } else { place.column };
        self.part(
            tail,
            Place {
                column,
                before: 0,
                closing,
                indent: place.indent,
            },
        )
    }

    /// One item; its width, which is a whole line unless it is flat and fits.
    fn item(&mut self, at: At<'_>, place: Place) -> Result<isize> {
        if self.is_flat(at) && self.fits(self.chars(at), place) {
            self.whole(at)?;
            return Ok(self.chars(at));
        }
        self.part(at, place)?;
        Ok(self.columns)
    }

    fn pairs(&mut self, mut row: Row<'_>, place: Place) -> Result<()> {
        let Some((key, value, rest)) = self.split_pair(row) else {
            return Ok(());
        };
        row = rest;
        let width = self.pair(key, value, row.closing(place))?;
        let mut column = place.column + width;
        let mut before = if self.trial { place.before } else { 0 } + width;
        while let Some((key, value, rest)) = self.split_pair(row) {
            row = rest;
            let width = 1 + self.pair_chars(key, value);
            let below = Place {
                before: 0,
                ..row.closing(place)
            };
            self.text(",")?;
            if self.is_flat(key)
                && self.is_flat(value)
                && self.fits_behind(width, column, before, below.closing)
            {
                self.whole_pair(key, value)?;
                column += width;
                before += width;
            } else {
                self.line(place.indent)?;
                before = self.pair(key, value, below)?;
                column = place.column + before;
            }
        }
        Ok(())
    }

    /// One pair; its width, which is a whole line unless it is flat and fits.
    fn pair(&mut self, key: At<'_>, value: At<'_>, place: Place) -> Result<isize> {
        let width = self.pair_chars(key, value);
        if self.fits(width, place) {
            self.whole_pair(key, value)?;
            let flat = self.is_flat(key) && self.is_flat(value);
            return Ok(if flat { width } else { self.columns });
        }
        self.part(key, place)?;
        self.text(" =>")?;
        let below = place.right(if self.tag_indent > 0 {
            self.tag_indent
        } else {
            4
        });
        self.line(below.indent)?;
        self.part(value, Place { before: 0, ..below })?;
        Ok(self.columns)
    }

    /// A binary in numbers, broken behind commas.
    fn binary(&mut self, at: At<'_>, place: Place) -> Result<()> {
        if self.trial {
            return Ok(());
        }
        let mut text = String::new();
        write::term(&mut text, at.term, true)?;
        let inside = place.right(2);
        let room = (self.columns - inside.column).min(self.all - 4 - place.before) - place.closing;
        let room = room.max(8);
        let mut left = room;
        self.text("<<")?;
        let body = text.strip_prefix("<<").and_then(|it| it.strip_suffix(">>"));
        for number in body.unwrap_or(&text).split_inclusive(',') {
            let width = number.len() as isize;
            if width > left {
                self.line(inside.indent)?;
                left = room;
            }
            left -= width;
            self.text(number)?;
        }
        self.text(">>")
    }

    fn whole(&mut self, at: At<'_>) -> Result<()> {
        if !self.trial {
            write::term(self.out, at.term, true)?;
        }
        Ok(())
    }

    fn whole_pair(&mut self, key: At<'_>, value: At<'_>) -> Result<()> {
        self.whole(key)?;
        self.text(" => ")?;
        self.whole(value)
    }

    fn text(&mut self, text: &str) -> Result<()> {
        if !self.trial {
            self.out.write_str(text)?;
        }
        Ok(())
    }

    fn line(&mut self, indent: isize) -> Result<()> {
        if !self.trial {
            write!(
                self.out,
                "\n{:width$}",
                "",
                width = usize::try_from(indent).unwrap_or(0)
            )?;
        }
        Ok(())
    }

    /// The first item, and the row behind it.
    fn split<'a>(&self, row: Row<'a>) -> Option<(At<'a>, Row<'a>)> {
        let (term, items) = row.items.split_first()?;
        let first = At {
            term,
            node: row.node,
        };
        let node = row.node + self.nodes[row.node].nodes;
        Some((first, Row { items, node, ..row }))
    }

    fn split_pair<'a>(&self, row: Row<'a>) -> Option<(At<'a>, At<'a>, Row<'a>)> {
        let (key, row) = self.split(row)?;
        let (value, row) = self.split(row)?;
        Some((key, value, row))
    }

    fn chars(&self, at: At<'_>) -> isize {
        self.nodes[at.node].chars
    }

    fn pair_chars(&self, key: At<'_>, value: At<'_>) -> isize {
        self.chars(key) + 4 + self.chars(value)
    }

    fn is_flat(&self, at: At<'_>) -> bool {
        self.nodes[at.node].shape == Shape::Flat
    }

    const fn fits(&self, chars: isize, place: Place) -> bool {
        chars < self.columns - place.column - place.closing
            && chars + place.before + place.closing <= self.all
    }

    /// Whether something with its comma fits behind what is there. A comma that follows takes the place of a bracket.
    const fn fits_behind(
        &self,
        chars: isize,
        column: isize,
        before: isize,
        closing: isize,
    ) -> bool {
        let closing = if closing == 0 { 1 } else { closing };
        chars < self.columns - column - closing && before + chars + closing <= self.all
    }
}

impl<'a> Row<'a> {
    fn of(at: At<'a>) -> Self {
        let children = at.term.children();
        let node = at.node + 1;
        match (at.term, children.split_last()) {
            (Term::ImproperList(_), Some((tail, items))) => Self {
                items,
                tail: Some(tail),
                node,
            },
            _ => Self {
                items: children,
                tail: None,
                node,
            },
        }
    }

    /// The place of the item before this row: brackets close behind it only if it is the last one.
    const fn closing(&self, place: Place) -> Place {
        Place {
            closing: if self.items.is_empty() {
                place.closing + 1
            } else {
                0
            },
            ..place
        }
    }
}
