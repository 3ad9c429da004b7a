//! Skips whole terms, without recursion and nearly without memory.
//!
//! What is skipped is checked: that every length fits, every tag is known, atoms are text and in the table, floats finite. One
//! thing is not: whether a map has a key twice, since that would take memory for all of its keys.

use super::{Decoder, length};
use crate::kind::kind_of;
use crate::{DecodeError, Kind, Reference, tag};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// A fun that is being skipped: it ends when `owed` terms are left to skip, at `end`.
struct OpenFun {
    owed: usize,
    end: usize,
}

impl Decoder<'_> {
    /// Passes over one whole term of any depth. It is checked as if it were read, but for keys that are in a map twice.
    pub fn skip(&mut self) -> Result<()> {
        let mut owed = 1usize;
        let mut funs: Vec<OpenFun> = Vec::new();
        while owed > 0 {
            owed -= 1;
            let start = self.position();
            let tag = self.tag()?;
            let inside = self.skip_head(tag)?;
            if tag == tag::NEW_FUN {
                if funs.len() >= self.limits_ref().depth {
                    return Err(DecodeError::TooDeep(self.limits_ref().depth));
                }
                funs.push(OpenFun {
                    owed,
                    end: fun_end(self.input(), start)?,
                });
            }
            owed += inside;
            self.expect_terms(owed)?;
            while funs.last().is_some_and(|fun| fun.owed == owed) {
                if funs.pop().is_some_and(|fun| fun.end != self.position()) {
                    return Err(DecodeError::BadFun);
                }
            }
        }
        Ok(())
    }

    /// Passes over a tag and all that belongs to it but the terms inside, whose number it gives.
    pub(crate) fn skip_head(&mut self, tag: u8) -> Result<usize> {
        match tag {
            tag::SMALL_INTEGER => self.take(2)?,
            tag::ATOM_REF => {
                self.atom_ref()?;
                &[]
            }
            tag::SMALL_ATOM_UTF8 | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::ATOM => {
                self.atom_str()?;
                &[]
            }
            tag::INTEGER => self.take(5)?,
            tag::NEW_FLOAT | tag::FLOAT => {
                self.float()?;
                &[]
            }
            tag::NIL => self.take(1)?,
            tag::STRING => {
                let [_, high, low] = *self.take_array()?;
                self.take(usize::from(u16::from_be_bytes([high, low])))?
            }
            tag::BINARY => {
                let [_, a, b, c, d] = *self.take_array()?;
                self.take(length([a, b, c, d]))?
            }
            tag::BIT_BINARY => self.bit_binary()?.0,
            tag::SMALL_BIG | tag::LARGE_BIG => self.big_parts()?.1,
            tag::SMALL_TUPLE | tag::LARGE_TUPLE => return self.tuple(),
            tag::MAP => return Ok(self.map()? * 2),
            tag::LIST => {
                let [_, a, b, c, d] = *self.take_array()?;
                return Ok(length([a, b, c, d]) + 1);
            }
            // The node comes before the numbers, so it is skipped here and is no term inside.
            tag::NEW_PID => self.skip_identifier(1, 12)?,
            tag::PID | tag::NEW_PORT => {
                self.skip_identifier(1, if tag == tag::PID { 9 } else { 8 })?
            }
            tag::V4_PORT => self.skip_identifier(1, 12)?,
            tag::PORT | tag::REFERENCE => self.skip_identifier(1, 5)?,
            tag::NEWER_REF | tag::NEW_REFERENCE => {
                let words = match self.input().get(self.position() + 1..self.position() + 3) {
                    Some(count) => u16::from_be_bytes([count[0], count[1]]),
                    None => return Err(DecodeError::Truncated),
                };
                if words == 0 || usize::from(words) > Reference::MAX_WORDS {
                    return Err(DecodeError::BadReference(words));
                }
                let creation = if tag == tag::NEWER_REF { 4 } else { 1 };
                self.skip_identifier(3, creation + usize::from(words) * 4)?
            }
            tag::EXPORT => {
                self.take(1)?;
                self.skip_atom()?;
                self.skip_atom()?;
                let [tag, _] = *self.take_array()?;
                if tag != tag::SMALL_INTEGER {
                    return Err(DecodeError::BadFun);
                }
                &[]
            }
            tag::NEW_FUN => {
                let head: &[u8; 30] = self.take_array()?;
                let free = length([head[26], head[27], head[28], head[29]]);
                // Module, old index, old uniq, pid, and the free variables.
                let inside = free.checked_add(4).ok_or(DecodeError::BadFun)?;
                return Ok(inside);
            }
            other => return Err(DecodeError::UnknownTag(other)),
        };
        Ok(0)
    }

    /// Passes over a fun whose size is known to be right.
    pub(crate) fn skip_fun_by_size(&mut self) -> Result<()> {
        let start = self.position();
        let end = fun_end(self.input, start)?;
        self.take(end - start).map(|_| ())
    }

    fn skip_identifier(&mut self, before: usize, after: usize) -> Result<&[u8]> {
        self.take(before)?;
        self.skip_atom()?;
        self.take(after)
    }

    fn skip_atom(&mut self) -> Result<()> {
        let tag = self.tag()?;
        match kind_of(tag)? {
            Kind::Atom => self.skip_head(tag).map(|_| ()),
            _ => Err(DecodeError::UnknownTag(tag)),
        }
    }
}

/// Where the fun that starts at `start` says it ends. Its size counts itself, but not the tag.
pub(crate) fn fun_end(input: &[u8], start: usize) -> Result<usize> {
    let size = input
        .get(start + 1..start + 5)
        .ok_or(DecodeError::Truncated)?;
    (start + 1)
        .checked_add(length([size[0], size[1], size[2], size[3]]))
        .ok_or(DecodeError::BadFun)
}
