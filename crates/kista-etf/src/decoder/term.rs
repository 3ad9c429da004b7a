//! Reads whole terms, without recursion.
//!
//! The containers that are open wait on a stack, each with its elements so far. Memory is claimed for a container when its
//! head is read, exactly as much as it will hold, and only if the input has a byte for every element that is still owed
//! anywhere: claims nested in each other cannot add up to more than the input pays for. A list whose tail is a list goes on
//! in place, so that one written cell by cell is read in one pass.

use num_bigint::{BigInt, Sign};
use smallvec::SmallVec;

use crate::term::{Elements, Export, Fun, List, Map, Term, Tuple};
use crate::{
    AtomName, Binary, BitString, DecodeError, Decoder, Encoder, Kind, Limited, ListHeader, tag,
};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// A container whose elements are being read.
struct Open {
    items: Vec<Term>,
    /// How many more belong into `items`.
    owed: u32,
    shape: Shape,
}

#[derive(Clone, Copy)]
enum Shape {
    Tuple,
    Map,
    /// After the elements there is a tail.
    List,
    /// A list that ended with `[]`.
    Proper,
    /// A list whose tail is, or is about to be, the last of `items`.
    Tailed,
}

/// Where terms go as they are read. They are made in their place: to return a term, or to push one that was made before,
/// moves its tag and its value together right after they were stored apart, and the processor waits for that each time.
trait Sink {
    fn put(&mut self, make: impl FnOnce() -> Term);
}

impl Sink for Vec<Term> {
    #[inline(always)]
    fn put(&mut self, make: impl FnOnce() -> Term) {
        self.extend(std::iter::once_with(make));
    }
}

impl Sink for Option<Term> {
    #[inline(always)]
    fn put(&mut self, make: impl FnOnce() -> Term) {
        *self = Some(make());
    }
}

impl Decoder<'_> {
    /// Any term, of any depth up to [`Limits::depth`](crate::Limits::depth).
    pub fn term(&mut self) -> Result<Term> {
        let mut whole = None;
        let mut stack: SmallVec<[Open; 8]> = SmallVec::new();
        let mut total_owed = 0;
        let mut inside = self.item(&mut whole)?;
        loop {
            if let Some((owed, shape)) = inside {
                let limit = self.limits_ref().depth;
                if stack.len() >= limit {
                    return Err(DecodeError::TooDeep(limit));
                }
                stack.push(self.open(owed, shape, &mut total_owed)?);
            }
            let Some(open) = stack.last_mut() else {
                return Ok(whole.unwrap_or(Term::NIL));
            };
            inside = self.fill(open, &mut total_owed)?;
            if inside.is_none()
                && let Some(full) = stack.pop()
            {
                match stack.last_mut() {
                    Some(parent) => close(full, &mut parent.items)?,
                    None => close(full, &mut whole)?,
                }
            }
        }
    }

    #[inline]
    fn open(&self, owed: u32, shape: Shape, total_owed: &mut usize) -> Result<Open> {
        *total_owed += owed as usize + usize::from(matches!(shape, Shape::List));
        self.expect_terms(*total_owed)?;
        Ok(Open {
            items: Vec::with_capacity(owed as usize),
            owed,
            shape,
        })
    }

    /// Reads what belongs into a container, up to the next one inside, whose size and shape it gives.
    #[inline]
    fn fill(&mut self, open: &mut Open, total_owed: &mut usize) -> Result<Option<(u32, Shape)>> {
        loop {
            while open.owed > 0 {
                if open.owed >= 4 && matches!(self.tag()?, tag::SMALL_INTEGER | tag::INTEGER) {
                    let read = self.integers_of(open);
                    *total_owed -= read;
                    if read > 0 {
                        continue;
                    }
                }
                open.owed -= 1;
                *total_owed -= 1;
                if let Some(inside) = self.item(&mut open.items)? {
                    return Ok(Some(inside));
                }
            }
            if !matches!(open.shape, Shape::List) {
                return Ok(None);
            }
            *total_owed -= 1;
            if self.tag()? == tag::NIL {
                self.take(1)?;
                open.shape = Shape::Proper;
                return Ok(None);
            }
            // One more than is needed for most lists, which have no such tail.
            open.items.reserve_exact(1);
            match self.item(&mut open.items)? {
                Some((more, Shape::List)) => {
                    *total_owed += more as usize + 1;
                    self.expect_terms(*total_owed)?;
                    open.items.reserve(more as usize);
                    open.owed = more;
                }
                inside => {
                    open.shape = Shape::Tailed;
                    return Ok(inside);
                }
            }
        }
    }

    /// The integers of up to 32 bits that follow each other, at most 32 of them, and how many it were.
    fn integers_of(&mut self, open: &mut Open) -> usize {
        let mut values = [0; 32];
        let mut read = 0;
        self.small_integers(open.owed as usize, |value| {
            let place = values.get_mut(read);
            read += usize::from(place.is_some());
            place.map(|place| *place = value).is_some()
        });
        open.owed -= read as u32;
        let values = values.get(..read).unwrap_or_default();
        open.items
            .extend(values.iter().map(|value| Term::Int(i64::from(*value))));
        read
    }

    /// The next term, or if it is a container with elements: how many, and of which shape.
    #[inline(always)]
    fn item(&mut self, to: &mut impl Sink) -> Result<Option<(u32, Shape)>> {
        let tag = self.tag()?;
        match tag {
            tag::SMALL_INTEGER | tag::INTEGER => {
                let value = self.int()?;
                to.put(|| Term::Int(value));
            }
            tag::SMALL_TUPLE | tag::LARGE_TUPLE => match self.tuple()? {
                0 => to.put(|| Term::Tuple(Tuple(Elements::EMPTY))),
                arity => return Ok(Some((narrow(arity)?, Shape::Tuple))),
            },
            tag::ATOM_REF | tag::ATOM | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8 => {
                match self.atom()? {
                    AtomName::Interned(atom) => to.put(|| Term::Atom(atom)),
                    AtomName::Text(text) => to.put(|| Term::AtomText(text)),
                }
            }
            tag::NIL => {
                self.take(1)?;
                to.put(|| Term::NIL);
            }
            tag::LIST | tag::STRING => match self.list()? {
                ListHeader::Nil => to.put(|| Term::NIL),
                ListHeader::Bytes(bytes) => {
                    to.put(|| Term::list(bytes.iter().map(|byte| Term::Int(i64::from(*byte)))));
                }
                ListHeader::Elements(len) => return Ok(Some((narrow(len)?, Shape::List))),
            },
            tag::MAP => match self.map()? {
                0 => to.put(|| Term::Map(Map::default())),
                len => return Ok(Some((narrow(len * 2)?, Shape::Map))),
            },
            tag::BINARY => {
                let bytes = self.binary()?;
                let bytes = self.own(bytes);
                to.put(|| Term::Binary(bytes));
            }
            tag::NEW_FLOAT => {
                let value = self.float()?;
                to.put(|| Term::Float(value));
            }
            tag::NEW_PID if let Some((pid, len)) = self.usual_pid() => {
                self.take(len)?;
                to.put(|| Term::Pid(pid));
            }
            tag::NEWER_REF if let Some((reference, len)) = self.usual_reference() => {
                self.take(len)?;
                to.put(|| Term::Reference(Box::new(reference)));
            }
            _ => {
                let term = self.rare_leaf(tag)?;
                to.put(|| term);
            }
        }
        Ok(None)
    }

    #[inline(never)]
    fn rare_leaf(&mut self, tag: u8) -> Result<Term> {
        Ok(match tag {
            tag::BIT_BINARY => {
                let (bytes, bits) = self.bit_binary()?;
                let bytes = self.own(bytes);
                match bits {
                    8 => Term::Binary(bytes),
                    bits => BitString::new(bytes, bits)
                        .map(Term::from)
                        .ok_or(DecodeError::BadBits(bits))?,
                }
            }
            tag::FLOAT => Term::Float(self.float()?),
            tag::SMALL_BIG | tag::LARGE_BIG => {
                let (negative, magnitude) = self.big_parts()?;
                integer(negative, magnitude)
            }
            tag::NEW_FUN => self.fun()?,
            tag::EXPORT => self.export()?,
            _ => {
                let (node, identifier) = self.identifier("a term", |kind| {
                    matches!(kind, Kind::Pid | Kind::Port | Kind::Reference)
                })?;
                Term::from_identifier(node, identifier).ok_or(DecodeError::BadReference(0))?
            }
        })
    }

    fn export(&mut self) -> Result<Term> {
        self.take(1)?;
        let (module, function) = (self.part_atom()?, self.part_atom()?);
        let [tag, arity] = *self.take_array()?;
        if tag != tag::SMALL_INTEGER {
            return Err(DecodeError::BadFun);
        }
        Ok(Export {
            module,
            function,
            arity,
        }
        .into())
    }

    fn part_atom(&mut self) -> Result<AtomName> {
        match self.peek()? {
            Kind::Atom => self.atom(),
            _ => Err(DecodeError::BadFun),
        }
    }

    /// A closure: checked as a whole, and kept with inline atoms.
    fn fun(&mut self) -> Result<Term> {
        let start = self.position();
        if self.inside_fun {
            // It is checked in its turn. What stands for it differs from every other term, as a map's keys must.
            self.skip_fun_by_size()?;
            return Ok(Term::Fun(Fun(Binary::copy_from_slice(
                &start.to_be_bytes(),
            ))));
        }
        let mut own = Encoder::new();
        let mut funs = Vec::new();
        self.transcode_noting_funs(&mut own, &mut funs)?;
        for fun in funs {
            self.check_fun(fun)?;
        }
        Ok(Term::Fun(Fun(own.into_vec().into())))
    }

    /// Reads all that is in the fun that starts there, but for further funs, so that whoever gets the fun back can read it.
    /// Its structure has been checked.
    fn check_fun(&self, start: usize) -> Result<()> {
        let mut d = self.for_parts_of_fun(start);
        let tag = d.tag()?;
        let parts = d.skip_head(tag)?;
        d.part_atom()?;
        for _ in 0..2 {
            // Old index and old uniq are what the emulator calls small.
            match d.int() {
                Ok(value) if (-(1 << 59)..1 << 59).contains(&value) => {}
                _ => return Err(DecodeError::BadFun),
            }
        }
        d.identifier("a pid", |kind| kind == Kind::Pid)
            .map_err(|error| match error.is_mismatch() {
                true => DecodeError::BadFun,
                false => error,
            })?;
        for _ in 4..parts {
            d.term()?;
        }
        Ok(())
    }
}

fn narrow(count: usize) -> Result<u32> {
    let limit = u32::MAX as usize;
    u32::try_from(count).map_err(|_| DecodeError::TooLarge(Limited::Collection, limit))
}

fn integer(negative: bool, magnitude: &[u8]) -> Term {
    if magnitude.len() <= 8 {
        let mut bytes = [0; 8];
        bytes[..magnitude.len()].copy_from_slice(magnitude);
        let magnitude = i128::from(u64::from_le_bytes(bytes));
        if let Ok(value) = i64::try_from(if negative { -magnitude } else { magnitude }) {
            return Term::Int(value);
        }
    }
    Term::big(BigInt::from_bytes_le(
        if negative { Sign::Minus } else { Sign::Plus },
        magnitude,
    ))
}

/// A container with all of its elements becomes a term.
#[inline]
fn close(full: Open, to: &mut impl Sink) -> Result<()> {
    let Open {
        mut items, shape, ..
    } = full;
    match shape {
        Shape::Tuple => to.put(|| Term::Tuple(Tuple(Elements::new(items)))),
        Shape::Proper => to.put(|| Term::List(List(Elements::new(items)))),
        Shape::Map => match Map::from_flat(items) {
            Some(map) => to.put(|| Term::Map(map)),
            None => return Err(DecodeError::DuplicateKey),
        },
        Shape::List | Shape::Tailed => {
            let tail = items.pop().unwrap_or(Term::NIL);
            to.put(|| Term::list_with_tail(items, tail));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn a_list_cell_by_cell_is_one_list_and_no_depth() {
        // 300,000 cells took minutes when each was a level whose tail was appended.
        let cells = 300_000;
        let mut bytes = [108, 0, 0, 0, 1, 97, 7].repeat(cells);
        let limits = Limits {
            depth: 1,
            ..Limits::DEFAULT
        };
        for (tail, len) in [
            (&[106][..], cells),
            (&[107, 0, 0], cells),
            (&[107, 0, 1, 9], cells + 1),
        ] {
            let end = bytes.len();
            bytes.extend_from_slice(tail);
            let term = Decoder::new(&bytes).limits(&limits).term().unwrap();
            assert_eq!(term.as_list().map(<[Term]>::len), Some(len));
            bytes.truncate(end);
        }
    }

    #[test]
    fn tails_of_every_kind() {
        let read = |bytes: &[u8]| Decoder::new(bytes).term().map(|term| term.to_string());
        let improper = [108, 0, 0, 0, 2, 97, 1, 97, 2];
        for (tail, text) in [
            (&[97, 3][..], "[1,2|3]"),
            (&[104, 1, 97, 3], "[1,2|{3}]"),
            (&[104, 1, 108, 0, 0, 0, 1, 97, 3, 106], "[1,2|{[3]}]"),
            (&[116, 0, 0, 0, 0], "[1,2|#{}]"),
            (&[108, 0, 0, 0, 1, 97, 3, 97, 4], "[1,2,3|4]"),
            (&[108, 0, 0, 0, 0, 97, 4], "[1,2|4]"),
        ] {
            assert_eq!(read(&[&improper, tail].concat()).as_deref(), Ok(text));
        }
        assert_eq!(read(&[108, 0, 0, 0, 0, 97, 4]).as_deref(), Ok("4"));
        assert_eq!(read(&[108, 0, 0, 0, 0, 106]).as_deref(), Ok("[]"));
    }

    #[test]
    fn depth_counts_containers_and_is_refused_at_the_limit() {
        let nested = |depth: usize| [&[104, 1].repeat(depth)[..], &[106]].concat();
        let limits = Limits {
            depth: 20,
            ..Limits::DEFAULT
        };
        let read = |bytes: &[u8]| Decoder::new(bytes).limits(&limits).term().map(drop);
        assert_eq!(read(&nested(20)), Ok(()));
        assert_eq!(read(&nested(21)), Err(DecodeError::TooDeep(20)));
    }
}
