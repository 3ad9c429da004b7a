//! Writes whole terms, without recursion.

use smallvec::SmallVec;

use crate::term::Term;
use crate::{EncodeError, Encoder};

/// A container of which this is still to be written. Whole words only: to move a flag of one byte with the padding behind it
/// makes the processor wait for the byte to be stored, which took half of the time to write small tuples.
struct Open<'t> {
    rest: std::slice::Iter<'t, Term>,
    end: usize,
}

/// How a container ends: as it is, or with the tail of a proper list.
const AS_IT_IS: usize = 0;
const WITH_NIL: usize = 1;

impl Open<'_> {
    fn done() -> Self {
        Self {
            rest: [].iter(),
            end: AS_IT_IS,
        }
    }

    /// Whether there is nothing to come back for.
    fn is_done(&self) -> bool {
        self.rest.len() == 0 && self.end == AS_IT_IS
    }
}

impl Encoder {
    /// Any term. Fails for floats that are not finite and for containers of more than `u32::MAX` elements.
    pub fn term(&mut self, term: &Term) -> Result<(), EncodeError> {
        let mut outer: SmallVec<[Open<'_>; 8]> = SmallVec::new();
        // What lies around, not in memory but at hand: many containers are small, and in a large one.
        let mut around = Open::done();
        let mut open = Open {
            rest: std::slice::from_ref(term).iter(),
            end: AS_IT_IS,
        };
        loop {
            let Some(next) = open.rest.next() else {
                if open.end == WITH_NIL {
                    self.nil();
                }
                if !around.is_done() {
                    open = std::mem::replace(&mut around, Open::done());
                } else if let Some(parent) = outer.pop() {
                    open = parent;
                } else {
                    return Ok(());
                }
                continue;
            };
            if let Some(inner) = self.head_of(next)? {
                let parent = std::mem::replace(&mut open, inner);
                if !parent.is_done() {
                    let farther = std::mem::replace(&mut around, parent);
                    if !farther.is_done() {
                        outer.push(farther);
                    }
                }
            }
        }
    }

    /// A leaf, or the head of a container whose items are then still to be written.
    #[inline(always)]
    fn head_of<'t>(&mut self, term: &'t Term) -> Result<Option<Open<'t>>, EncodeError> {
        match term {
            Term::Int(value) => self.int(*value),
            Term::Big(value) => {
                if u32::try_from(value.bits() / 8).is_err() {
                    return Err(EncodeError::TooLong { what: "an integer" });
                }
                self.big(value);
            }
            Term::Float(value) => self.float(*value)?,
            Term::Atom(atom) => self.atom(*atom),
            Term::AtomText(text) => self.atom_str(text.as_str())?,
            Term::Pid(pid) => self.pid(pid),
            Term::Port(port) => self.port(port),
            Term::Reference(reference) => self.reference(reference),
            Term::Binary(binary) => {
                fits(binary.len(), "a binary")?;
                self.binary_shared(binary);
            }
            Term::BitString(bits) => {
                fits(bits.bytes().len(), "a binary")?;
                self.bit_string(bits.bytes(), bits.last_bits());
            }
            Term::Fun(fun) => self.raw(fun.as_bytes()),
            Term::Export(export) => {
                self.raw(&[crate::tag::EXPORT]);
                self.atom_name(&export.module);
                self.atom_name(&export.function);
                self.int(i64::from(export.arity));
            }
            Term::Opaque(opaque) => opaque.write(self),
            Term::Tuple(_) | Term::List(_) | Term::ImproperList(_) | Term::Map(_) => {
                return self.container(term);
            }
        }
        Ok(None)
    }

    #[inline(always)]
    fn container<'t>(&mut self, term: &'t Term) -> Result<Option<Open<'t>>, EncodeError> {
        let mut items = term.children();
        fits(items.len(), "a collection")?;
        let mut end = AS_IT_IS;
        match term {
            Term::List(_) if matches!(items, [Term::Int(_), ..]) => {
                end = WITH_NIL;
                match self.integers_of(items) {
                    Some(rest) => items = rest,
                    None => return Ok(None),
                }
            }
            Term::List(_) => {
                end = WITH_NIL;
                self.list(items.len());
            }
            Term::ImproperList(_) => self.list(items.len().saturating_sub(1)),
            Term::Map(_) => self.map(items.len() / 2),
            _ => self.tuple(items.len()),
        }
        Ok(Some(Open {
            rest: items.iter(),
            end,
        }))
    }

    /// A list that begins with an integer, as far as it has more of them; the items after these are still to be written.
    fn integers_of<'t>(&mut self, items: &'t [Term]) -> Option<&'t [Term]> {
        let head = self.inline_bytes().len();
        self.list(items.len());
        let small = |item: &Term| item.as_int().and_then(|value| i32::try_from(value).ok());
        let done = self.integers_in_front(items, small);
        let rest = &items[done..];
        if rest.is_empty() {
            self.end_list(head, items.len());
            return None;
        }
        Some(rest)
    }
}

fn fits(len: usize, what: &'static str) -> Result<(), EncodeError> {
    match u32::try_from(len) {
        Ok(_) => Ok(()),
        Err(_) => Err(EncodeError::TooLong { what }),
    }
}
