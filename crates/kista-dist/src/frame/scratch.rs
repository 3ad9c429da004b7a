//! A control tuple before its frame's header can be written.
//!
//! The header stands in front and lists the atoms of the payload, then those that only the control tuple has; so the tuple is
//! encoded here first, over the payload's atom list.

use kista_etf::{Atom, AtomName, EncodeError, Encoder, Pid, Reference, Term};

use crate::control::Sink;

/// Most entries of a header.
const MAX_ATOMS: usize = 255;

#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) bytes: Vec<u8>,
    pub(super) atoms: Vec<Atom>,
    /// No header entries: the peer has no atom cache.
    inline_atoms: bool,
}

impl Scratch {
    pub(super) fn new(inline_atoms: bool) -> Self {
        Self {
            bytes: Vec::with_capacity(128),
            atoms: Vec::with_capacity(16),
            inline_atoms,
        }
    }

    #[inline]
    pub(super) fn begin(&mut self, payload_atoms: &[Atom]) {
        self.bytes.clear();
        self.atoms.clear();
        if !self.inline_atoms {
            self.atoms.extend_from_slice(payload_atoms);
        }
    }

    fn inline_atom(&mut self, text: &str) {
        if let Ok(len) = u8::try_from(text.len()) {
            self.bytes.extend_from_slice(&[119, len]);
        } else {
            self.bytes.push(118);
            self.bytes
                .extend_from_slice(&(text.len() as u16).to_be_bytes());
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

impl Sink for Scratch {
    #[inline]
    fn put_tuple(&mut self, arity: u8) {
        self.bytes.extend_from_slice(&[104, arity]);
    }

    #[inline]
    fn put_int(&mut self, n: i64) {
        if let Ok(n) = u8::try_from(n) {
            self.bytes.extend_from_slice(&[97, n]);
        } else if let Ok(n) = i32::try_from(n) {
            self.bytes.push(98);
            self.bytes.extend_from_slice(&n.to_be_bytes());
        } else {
            self.bytes.extend_from_slice(&[110, 8, u8::from(n < 0)]);
            self.bytes
                .extend_from_slice(&n.unsigned_abs().to_le_bytes());
        }
    }

    fn put_uint(&mut self, n: u64) {
        if let Ok(n) = i32::try_from(n) {
            return self.put_int(i64::from(n));
        }
        let bytes = n.to_le_bytes();
        let used = 8 - n.leading_zeros() as usize / 8;
        self.bytes.extend_from_slice(&[110, used as u8, 0]);
        self.bytes.extend_from_slice(&bytes[..used]);
    }

    #[inline]
    fn put_atom(&mut self, atom: Atom) {
        if self.inline_atoms {
            return self.inline_atom(atom.as_str());
        }
        let index = match self.atoms.iter().position(|&a| a == atom) {
            Some(index) => index,
            None if self.atoms.len() < MAX_ATOMS => {
                self.atoms.push(atom);
                self.atoms.len() - 1
            }
            None => return self.inline_atom(atom.as_str()),
        };
        self.bytes.extend_from_slice(&[82, index as u8]);
    }

    fn put_atom_name(&mut self, name: &AtomName) {
        match name {
            AtomName::Interned(atom) => self.put_atom(*atom),
            AtomName::Text(text) => self.inline_atom(text.as_str()),
        }
    }

    #[inline]
    fn put_pid(&mut self, pid: &Pid) {
        self.bytes.push(88);
        self.put_atom(pid.node);
        let mut rest = [0; 12];
        rest[..4].copy_from_slice(&pid.id.to_be_bytes());
        rest[4..8].copy_from_slice(&pid.serial.to_be_bytes());
        rest[8..].copy_from_slice(&pid.creation.to_be_bytes());
        self.bytes.extend_from_slice(&rest);
    }

    fn put_reference(&mut self, reference: &Reference) {
        let words = reference.words();
        self.bytes.extend_from_slice(&[90, 0, words.len() as u8]);
        self.put_atom(reference.node());
        self.bytes
            .extend_from_slice(&reference.creation().to_be_bytes());
        for word in words {
            self.bytes.extend_from_slice(&word.to_be_bytes());
        }
    }

    #[cold]
    fn put_term(&mut self, term: &Term) -> Result<(), EncodeError> {
        let mut encoder = Encoder::new();
        encoder.term(term)?;
        self.bytes.extend_from_slice(&encoder.to_vec());
        Ok(())
    }
}
