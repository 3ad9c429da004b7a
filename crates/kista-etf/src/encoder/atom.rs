//! Writes atoms: inline, or as references to the message's table, which is here too.

use super::Encoder;
use crate::atom::Entry;
use crate::{Atom, AtomName, EncodeError, StaticAtom, tag};

impl Encoder {
    /// An atom.
    #[inline]
    pub fn atom(&mut self, atom: Atom) {
        match &self.table {
            None => self.inline_atom(atom.entry()),
            Some(_) => self.atom_by_table(atom),
        }
    }

    #[inline(never)]
    fn atom_by_table(&mut self, atom: Atom) {
        match self.table.as_mut().and_then(|table| table.index(atom)) {
            Some(index) => self.bytes.extend_from_slice(&[tag::ATOM_REF, index]),
            None => self.inline_atom(atom.entry()),
        }
    }

    /// An atom of the program, of which `inline` is the inline form (119, length, text): for the derives, which know it when
    /// they are compiled.
    #[doc(hidden)]
    #[inline]
    pub fn known_atom(&mut self, atom: &StaticAtom, inline: &'static [u8]) {
        if self.table.is_none() {
            self.bytes.extend_from_slice(inline);
        } else {
            self.atom(atom.atom());
        }
    }

    /// An atom that may not be interned.
    #[inline]
    pub fn atom_name(&mut self, name: &AtomName) {
        match name {
            AtomName::Interned(atom) => self.atom(*atom),
            AtomName::Text(text) => self.inline_text(text.as_str()),
        }
    }

    /// An atom by its text, always inline, without interning it. Fails when the text has more than 255 characters.
    pub fn atom_str(&mut self, text: &str) -> Result<(), EncodeError> {
        crate::atom::check(text)?;
        self.inline_text(text);
        Ok(())
    }

    /// A short atom is written whole, zeros behind it included, and these are taken back: a copy whose size is known beats
    /// one of exactly the right size by far (measured for 10 bytes: 1.5 ns against 5).
    #[inline]
    fn inline_atom(&mut self, atom: &Entry) {
        if atom.text.len() > Entry::LONGEST {
            return self.inline_text(atom.text);
        }
        self.block(&atom.wire, 2 + atom.text.len());
    }

    fn inline_text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(len) => self.bytes.extend_from_slice(&[tag::SMALL_ATOM_UTF8, len]),
            Err(_) => {
                // At most 255 characters of at most four bytes: checked where the text became an atom.
                let [high, low] = (text.len() as u16).to_be_bytes();
                self.bytes.extend_from_slice(&[tag::ATOM_UTF8, high, low]);
            }
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.atom(if value {
            crate::atoms::TRUE
        } else {
            crate::atoms::FALSE
        });
    }
}

/// The atoms of one message.
#[derive(Debug, Clone)]
pub(super) struct AtomTable {
    pub(super) atoms: Vec<Atom>,
    /// Where an atom was last seen, by its lowest bits. Only a guess: it is checked against `atoms`, so it needs no clearing.
    hints: [u8; 64],
}

impl Default for AtomTable {
    fn default() -> Self {
        Self {
            atoms: Vec::new(),
            hints: [0; 64],
        }
    }
}

impl AtomTable {
    const MAX: usize = 255;

    #[inline]
    fn index(&mut self, atom: Atom) -> Option<u8> {
        let slot = atom.index() as usize % self.hints.len();
        let hint = self.hints[slot];
        if self.atoms.get(usize::from(hint)) == Some(&atom) {
            return Some(hint);
        }
        let index = match self.atoms.iter().position(|known| *known == atom) {
            Some(index) => index,
            None if self.atoms.len() < Self::MAX => {
                self.atoms.push(atom);
                self.atoms.len() - 1
            }
            None => return None,
        };
        let index = u8::try_from(index).ok()?;
        self.hints[slot] = index;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut e = Encoder::new();
        write(&mut e);
        e.into_vec()
    }

    #[test]
    fn the_256th_atom_of_a_message_goes_inline() {
        let mut e = Encoder::with_atom_table();
        let atoms: Vec<Atom> = (0..300)
            .map(|i| Atom::new(&format!("table_{i}")).unwrap())
            .collect();
        for atom in &atoms {
            e.atom(*atom);
        }
        assert_eq!(e.atoms(), &atoms[..255]);
        assert_eq!(&e.inline_bytes()[254 * 2..254 * 2 + 4], [82, 254, 119, 9]);
        e.clear();
        e.atom(atoms[299]);
        e.atom(atoms[299]);
        assert_eq!(
            (e.inline_bytes(), e.atoms()),
            (&[82, 0, 82, 0][..], &atoms[299..])
        );
    }

    #[test]
    fn atoms_of_every_length_are_written_whole() {
        for len in 0..=255 {
            let text = "a".repeat(len);
            let bytes = written(|e| {
                e.atom(Atom::new(&text).unwrap());
                e.nil();
            });
            assert_eq!(bytes, [&[119, len as u8], text.as_bytes(), &[106]].concat());
        }
    }

    #[test]
    fn long_atoms_take_two_length_bytes_and_longer_ones_are_refused() {
        assert_eq!(
            written(|e| e.atom_str(&"é".repeat(255)).unwrap())[..3],
            [118, 1, 254]
        );
        assert!(Encoder::new().atom_str(&"a".repeat(256)).is_err());
    }
}
