//! Reads whole terms, without recursion.
//!
//! The containers that are open wait on a stack, each with its elements so far. Memory is claimed for a container when its
//! head is read, and only if the input has a byte for every element that is still owed anywhere: claims nested in each other
//! cannot add up to more than the input pays for.

use num_bigint::{BigInt, Sign};

use crate::term::{Elements, Export, Fun, ImproperList, List, Map, Term, Tuple};
use crate::{AtomName, Binary, BitString, DecodeError, Decoder, Encoder, Kind, tag};

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
    /// The last item is the tail.
    List,
    Map,
}

enum Head {
    Leaf(Term),
    Open(u32, Shape),
}

impl Decoder<'_> {
    /// Any term, of any depth up to [`Limits::depth`](crate::Limits::depth).
    pub fn term(&mut self) -> Result<Term> {
        let mut outer: Vec<Open> = Vec::new();
        let mut total_owed = 0;
        let (owed, shape) = match self.head()? {
            Head::Leaf(term) => return Ok(term),
            Head::Open(owed, shape) => (owed, shape),
        };
        let mut open = self.open(owed, shape, &mut total_owed)?;
        loop {
            while open.owed > 0 {
                open.owed -= 1;
                total_owed -= 1;
                // Small integers are what long lists are made of.
                if let Some([tag::SMALL_INTEGER | tag::INTEGER, ..]) =
                    self.input()[self.position()..].first_chunk::<2>()
                {
                    let value = self.int()?;
                    open.items.push(Term::Int(value));
                    continue;
                }
                match self.head()? {
                    Head::Leaf(term) => open.items.push(term),
                    Head::Open(owed, shape) => {
                        let limit = self.limits_ref().depth;
                        if outer.len() + 1 >= limit {
                            return Err(DecodeError::TooDeep(limit));
                        }
                        let inner = self.open(owed, shape, &mut total_owed)?;
                        outer.push(std::mem::replace(&mut open, inner));
                    }
                }
            }
            let Some(parent) = outer.pop() else {
                return close(open);
            };
            let finished = std::mem::replace(&mut open, parent);
            open.items.push(close(finished)?);
        }
    }

    fn open(&self, owed: u32, shape: Shape, total_owed: &mut usize) -> Result<Open> {
        *total_owed += owed as usize;
        self.expect_terms(*total_owed)?;
        Ok(Open {
            items: Vec::with_capacity(owed as usize),
            owed,
            shape,
        })
    }

    /// The next term if it is a leaf, else how many items are in it.
    #[inline]
    fn head(&mut self) -> Result<Head> {
        let tag = self.tag()?;
        let leaf = match tag {
            tag::SMALL_INTEGER | tag::INTEGER => Term::Int(self.int()?),
            tag::SMALL_TUPLE | tag::LARGE_TUPLE => {
                let arity = self.tuple()?;
                if arity > 0 {
                    return Ok(Head::Open(narrow(arity)?, Shape::Tuple));
                }
                Term::Tuple(Tuple(Elements::EMPTY))
            }
            tag::ATOM_REF | tag::ATOM | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8 => {
                self.atom()?.into()
            }
            tag::NIL => {
                self.nil()?;
                Term::NIL
            }
            tag::LIST => {
                let crate::ListHeader::Elements(len) = self.list()? else {
                    return Err(DecodeError::UnknownTag(tag));
                };
                return Ok(Head::Open(narrow(len + 1)?, Shape::List));
            }
            tag::STRING => {
                let crate::ListHeader::Bytes(bytes) = self.list()? else {
                    return Ok(Head::Leaf(Term::NIL));
                };
                Term::list(bytes.iter().map(|byte| Term::Int(i64::from(*byte))))
            }
            tag::MAP => {
                let len = self.map()?;
                if len > 0 {
                    return Ok(Head::Open(narrow(len * 2)?, Shape::Map));
                }
                Term::Map(Map::default())
            }
            tag::BINARY => Term::Binary(self.binary_shared()?),
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
            tag::NEW_FLOAT | tag::FLOAT => Term::Float(self.float()?),
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
        };
        Ok(Head::Leaf(leaf))
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
    u32::try_from(count).map_err(|_| DecodeError::TooLarge {
        what: "a collection",
        limit: u32::MAX as usize,
    })
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

fn close(mut open: Open) -> Result<Term> {
    Ok(match open.shape {
        Shape::Tuple => Term::Tuple(Tuple(Elements::new(open.items))),
        Shape::Map => Term::Map(Map::from_flat(open.items).ok_or(DecodeError::DuplicateKey)?),
        Shape::List => match open.items.pop() {
            Some(tail) if tail.is_nil() => Term::List(List(Elements::new(open.items))),
            Some(tail)
                if matches!(tail, Term::List(_) | Term::ImproperList(_))
                    || open.items.is_empty() =>
            {
                Term::list_with_tail(open.items, tail)
            }
            Some(tail) => {
                open.items.push(tail);
                Term::ImproperList(ImproperList(Elements::new(open.items)))
            }
            None => Term::NIL,
        },
    })
}
