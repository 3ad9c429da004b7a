//! Writes whole terms, without recursion.

use crate::term::Term;
use crate::{EncodeError, Encoder};

impl Encoder {
    /// Any term. Fails for floats that are not finite and for containers of more than `u32::MAX` elements.
    pub fn term(&mut self, term: &Term) -> Result<(), EncodeError> {
        let Some(children) = self.term_head(term)? else {
            return Ok(());
        };
        let mut outer: Vec<(std::slice::Iter<'_, Term>, bool)> = Vec::new();
        let mut open = (children.iter(), matches!(term, Term::List(_)));
        loop {
            match open.0.next() {
                Some(next) => {
                    if let Some(children) = self.term_head(next)? {
                        outer.push(std::mem::replace(
                            &mut open,
                            (children.iter(), matches!(next, Term::List(_))),
                        ));
                    }
                }
                None => {
                    if open.1 {
                        self.nil();
                    }
                    match outer.pop() {
                        Some(parent) => open = parent,
                        None => return Ok(()),
                    }
                }
            }
        }
    }

    /// A leaf, or the head of a container whose items are then still to be written.
    #[inline]
    fn term_head<'t>(&mut self, term: &'t Term) -> Result<Option<&'t [Term]>, EncodeError> {
        let children = term.children();
        if u32::try_from(children.len()).is_err() {
            return Err(EncodeError::TooLong {
                what: "a collection",
            });
        }
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
                long_enough(binary)?;
                self.binary_shared(binary);
            }
            Term::BitString(bits) => {
                long_enough(bits.bytes())?;
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
            Term::Tuple(_) => {
                self.tuple(children.len());
                return Ok(Some(children));
            }
            Term::List(_) if children.is_empty() => self.nil(),
            Term::List(_) => {
                self.list(children.len());
                return Ok(Some(children));
            }
            Term::ImproperList(_) => {
                self.list(children.len().saturating_sub(1));
                return Ok(Some(children));
            }
            Term::Map(_) => {
                self.map(children.len() / 2);
                return Ok(Some(children));
            }
        }
        Ok(None)
    }
}

fn long_enough(bytes: &[u8]) -> Result<(), EncodeError> {
    match u32::try_from(bytes.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(EncodeError::TooLong { what: "a binary" }),
    }
}
