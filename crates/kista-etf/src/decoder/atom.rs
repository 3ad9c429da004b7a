//! Reads atoms: inline in one of four forms, or out of the message's table.
//!
//! An atom that a program knows is found without a look at the process-wide table, and without interning anything.

use std::borrow::Cow;
use std::fmt;

use super::{AtomTable, Decoder};
use crate::kind::mismatch;
use crate::{Atom, AtomName, AtomText, DecodeError, Kind, StaticAtom, tag};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// An entry of a message's atom table.
#[derive(Clone, Copy)]
pub(crate) enum Entry<'a> {
    Known(Atom),
    Text(&'a AtomText),
}

/// An atom that was found in the input: see [`Decoder::found_atom`].
#[derive(Debug, Clone)]
pub enum FoundAtom<'a> {
    /// An interned one, out of the message's table.
    Known(Atom),
    /// Its text.
    Text(Cow<'a, str>),
}

impl FoundAtom<'_> {
    /// Whether it is this one.
    #[inline]
    pub fn is(&self, atom: &StaticAtom) -> bool {
        match self {
            Self::Known(known) => *known == atom.atom(),
            Self::Text(text) => same(text.as_bytes(), atom.text().as_bytes()),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Known(atom) => atom.as_str(),
            Self::Text(text) => text,
        }
    }
}

impl fmt::Display for FoundAtom<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'a> Decoder<'a> {
    /// An atom; a new one is interned as far as the quota allows.
    #[inline]
    pub fn atom(&mut self) -> Result<AtomName> {
        if let Some((text, before)) = self.peek_atom_text()
            && let Some(atom) = Atom::cached(text)
        {
            self.advance(before + text.len());
            return Ok(AtomName::Interned(atom));
        }
        self.atom_by_table()
    }

    fn atom_by_table(&mut self) -> Result<AtomName> {
        if self.tag()? == tag::ATOM_REF {
            return Ok(match self.atom_ref()? {
                Entry::Known(atom) => AtomName::Interned(atom),
                Entry::Text(text) => AtomName::Text(text.clone()),
            });
        }
        let text = self.inline_atom()?;
        self.quota
            .intern_counting(&text, &mut self.new_atoms, self.limits.new_atoms)
            .map_err(|_| DecodeError::AtomTooLong)
    }

    /// The text of an atom, which is not interned.
    #[inline]
    pub fn atom_str(&mut self) -> Result<Cow<'a, str>> {
        // At most 255 bytes are at most 255 characters.
        if let [tag::SMALL_ATOM_UTF8, len, rest @ ..] = self.rest
            && let Some((text, rest)) = rest.split_at_checked(usize::from(*len))
            && let Ok(text) = std::str::from_utf8(text)
        {
            self.rest = rest;
            return Ok(Cow::Borrowed(text));
        }
        self.rare_atom_str()
    }

    fn rare_atom_str(&mut self) -> Result<Cow<'a, str>> {
        if self.tag()? == tag::ATOM_REF {
            return Ok(Cow::Borrowed(match self.atom_ref()? {
                Entry::Known(atom) => atom.as_str(),
                Entry::Text(text) => text.as_str(),
            }));
        }
        self.inline_atom()
    }

    /// Reads the atom if it is this one; else has not moved. Whether what stands there is an atom at all is not checked.
    ///
    /// ```
    /// use kista_etf::{Decoder, StaticAtom};
    /// static OK: StaticAtom = StaticAtom::new("ok");
    /// static ERROR: StaticAtom = StaticAtom::new("error");
    /// let mut d = Decoder::new(&[119, 2, b'o', b'k']);
    /// assert!(!d.take_atom(&ERROR));
    /// assert!(d.take_atom(&OK));
    /// d.finish().unwrap();
    /// ```
    #[inline]
    pub fn take_atom(&mut self, atom: &StaticAtom) -> bool {
        self.take_front(atom) || self.take_other_atom(atom)
    }

    /// [`take_atom`](Self::take_atom) at one glance: may be false when the atom is there.
    #[inline]
    pub(crate) fn take_front(&mut self, atom: &StaticAtom) -> bool {
        if let Some(len) = atom.at_front_of(self.rest)
            && let Some(rest) = self.rest.get(len..)
        {
            self.rest = rest;
            return true;
        }
        false
    }

    /// [`take_atom`](Self::take_atom) for what is not seen at one glance.
    #[inline(never)]
    fn take_other_atom(&mut self, atom: &StaticAtom) -> bool {
        let text = atom.text();
        match self.rest {
            [tag::SMALL_ATOM_UTF8, len, ..] if usize::from(*len) != text.len() => false,
            [tag::SMALL_ATOM_UTF8, _, rest @ ..] => match rest.split_at_checked(text.len()) {
                Some((found, rest)) if same(found, text.as_bytes()) => {
                    self.rest = rest;
                    true
                }
                _ => false,
            },
            [tag::ATOM_REF, index, rest @ ..] => {
                let same = match self.atom_entry(*index) {
                    Some(Entry::Known(known)) => known == atom.atom(),
                    Some(Entry::Text(known)) => known.as_str() == text,
                    None => false,
                };
                if same {
                    self.rest = rest;
                }
                same
            }
            // How `term_to_binary` of OTP 25 writes every atom of Latin-1.
            [tag::ATOM, high, low, rest @ ..] if text.is_ascii() => {
                let len = usize::from(u16::from_be_bytes([*high, *low]));
                match rest.split_at_checked(len) {
                    Some((found, rest)) if same(found, text.as_bytes()) => {
                        self.rest = rest;
                        true
                    }
                    _ => false,
                }
            }
            _ => self.take_rare_atom(text),
        }
    }

    /// [`take_atom`](Self::take_atom) for the forms that are rarely met.
    #[cold]
    fn take_rare_atom(&mut self, text: &str) -> bool {
        let mark = self.mark();
        let same = self.atom_str().is_ok_and(|found| found == text);
        if !same {
            self.reset(mark);
        }
        same
    }

    /// The text of an atom in one of its two usual forms, and how many bytes stand before it; it may not be UTF-8. The atom
    /// stays where it is.
    #[inline]
    pub(crate) fn peek_atom_text(&self) -> Option<(&'a [u8], usize)> {
        match self.rest {
            [tag::SMALL_ATOM_UTF8, len, rest @ ..] => {
                rest.get(..usize::from(*len)).map(|text| (text, 2))
            }
            // Latin-1, which is UTF-8 when it is ASCII.
            [tag::ATOM, high, low, rest @ ..] => rest
                .get(..usize::from(u16::from_be_bytes([*high, *low])))
                .filter(|text| text.is_ascii())
                .map(|text| (text, 3)),
            _ => None,
        }
    }

    /// An entry of the message's atom table.
    #[inline]
    pub(crate) fn atom_entry(&self, index: u8) -> Option<Entry<'a>> {
        match self.atoms {
            AtomTable::Atoms(atoms) => atoms
                .get(usize::from(index))
                .map(|atom| Entry::Known(*atom)),
            AtomTable::Names(names) => names.get(usize::from(index)).map(|name| match name {
                AtomName::Interned(atom) => Entry::Known(*atom),
                AtomName::Text(text) => Entry::Text(text),
            }),
        }
    }

    #[inline]
    pub(super) fn atom_ref(&mut self) -> Result<Entry<'a>> {
        let [_, index] = *self.take_array()?;
        match self.atom_entry(index) {
            Some(entry) => Ok(entry),
            None => Err(DecodeError::UnknownAtomRef(index)),
        }
    }

    /// An atom, to be asked which one of several it is. It is not interned.
    ///
    /// ```
    /// use kista_etf::{Decoder, StaticAtom};
    /// static OK: StaticAtom = StaticAtom::new("ok");
    /// static ERROR: StaticAtom = StaticAtom::new("error");
    /// let found = Decoder::new(&[119, 2, b'o', b'k']).found_atom().unwrap();
    /// assert!(found.is(&OK) && !found.is(&ERROR));
    /// ```
    #[inline]
    pub fn found_atom(&mut self) -> Result<FoundAtom<'a>> {
        if let [tag::ATOM_REF, index, rest @ ..] = self.rest
            && let Some(Entry::Known(atom)) = self.atom_entry(*index)
        {
            self.rest = rest;
            return Ok(FoundAtom::Known(atom));
        }
        Ok(FoundAtom::Text(self.atom_str()?))
    }

    fn inline_atom(&mut self) -> Result<Cow<'a, str>> {
        let tag = self.tag()?;
        let len = match tag {
            tag::SMALL_ATOM_UTF8 | tag::SMALL_ATOM => {
                let [_, len] = *self.take_array()?;
                usize::from(len)
            }
            tag::ATOM_UTF8 | tag::ATOM => {
                let [_, high, low] = *self.take_array()?;
                usize::from(u16::from_be_bytes([high, low]))
            }
            other => return Err(mismatch("an atom", other)),
        };
        let bytes = self.take(len)?;
        let text = if matches!(tag, tag::SMALL_ATOM | tag::ATOM) && !bytes.is_ascii() {
            Cow::Owned(bytes.iter().map(|byte| char::from(*byte)).collect())
        } else {
            Cow::Borrowed(std::str::from_utf8(bytes).map_err(|_| DecodeError::AtomNotUtf8)?)
        };
        crate::atom::check(&text).map_err(|_| DecodeError::AtomTooLong)?;
        Ok(text)
    }

    /// `true` or `false`.
    pub fn bool(&mut self) -> Result<bool> {
        let mark = self.mark();
        match &*self.atom_str()? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => {
                self.reset(mark);
                Err(DecodeError::Unexpected {
                    expected: "true or false",
                    found: Kind::Atom,
                })
            }
        }
    }
}

impl Atom {
    /// The atom that is next in the input, if it is already interned or the quota allows it; a mismatch otherwise.
    pub(crate) fn read(d: &mut Decoder<'_>) -> Result<Self> {
        let mark = d.mark();
        match d.atom()? {
            AtomName::Interned(atom) => Ok(atom),
            AtomName::Text(_) => {
                d.reset(mark);
                Err(DecodeError::custom(
                    "an atom is beyond the quota of new atoms",
                ))
            }
        }
    }
}

/// Whether two texts are the same: faster than `==` for short ones, which asks a function of the C library.
#[inline]
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    fn ends<const N: usize>(text: &[u8]) -> (Option<&[u8; N]>, Option<&[u8; N]>) {
        (text.first_chunk(), text.last_chunk())
    }
    a.len() == b.len()
        && match a.len() {
            0 => true,
            1..4 => a[0] == b[0] && a[a.len() / 2] == b[a.len() / 2] && a.last() == b.last(),
            4..8 => ends::<4>(a) == ends::<4>(b),
            8..=16 => ends::<8>(a) == ends::<8>(b),
            _ => a == b,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_one_byte_are_not_the_same() {
        for len in 0..40 {
            let text = vec![7; len];
            assert!(same(&text, &text.clone()));
            assert!(!same(&text, &vec![7; len + 1]));
            for at in 0..len {
                let mut other = text.clone();
                other[at] = 8;
                assert!(!same(&text, &other), "{at} of {len}");
            }
        }
    }
}
