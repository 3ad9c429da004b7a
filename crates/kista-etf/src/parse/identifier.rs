//! Pids, ports and references, as our `Display` prints them.

use super::{Parser, Problem, Result};
use crate::decoder::Identifier;
use crate::{AtomName, Reference, Term};

impl Parser<'_> {
    /// `<node.id.serial/creation>`
    pub(super) fn pid(&mut self) -> Result<Term> {
        self.scan.eat('<');
        if self.scan.peek().is_some_and(|char| char.is_ascii_digit()) {
            return Err(Problem::LocalPid);
        }
        let node = self.atom_here()?;
        let (id, serial) = (self.dotted()?, self.dotted()?);
        let creation = self.creation()?;
        finish(
            node,
            Identifier::Pid {
                id,
                serial,
                creation,
            },
        )
    }

    /// `#Port<node.id/creation>`
    pub(super) fn port(&mut self) -> Result<Term> {
        self.scan.eat_str("#Port<");
        let node = self.atom_here()?;
        let id = self.dotted()?;
        let creation = self.creation()?;
        finish(node, Identifier::Port { id, creation })
    }

    /// `#Ref<node.word.word/creation>`, the last word first.
    pub(super) fn reference(&mut self) -> Result<Term> {
        self.scan.eat_str("#Ref<");
        let node = self.atom_here()?;
        let mut words = [0; Reference::MAX_WORDS];
        let mut used = 0;
        while self.scan.peek() == Some('.') {
            *words
                .get_mut(used)
                .ok_or(Problem::expected("at most five words"))? = self.dotted()?;
            used += 1;
        }
        if used == 0 {
            return Err(Problem::expected("`.` and a number"));
        }
        words[..used].reverse();
        let creation = self.creation()?;
        finish(
            node,
            Identifier::Reference {
                creation,
                words,
                used: used as u8,
            },
        )
    }

    fn dotted<T: std::str::FromStr>(&mut self) -> Result<T> {
        self.scan.set_mark();
        if !self.scan.eat('.') {
            return Err(Problem::expected("`.` and a number"));
        }
        self.plain_number()
    }

    /// What ends an identifier: its creation, unless that is unknown.
    fn creation(&mut self) -> Result<u32> {
        self.scan.set_mark();
        let creation = if self.scan.eat('/') {
            self.plain_number()?
        } else {
            0
        };
        if !self.scan.eat('>') {
            return Err(Problem::expected("`>`"));
        }
        Ok(creation)
    }

    fn plain_number<T: std::str::FromStr>(&mut self) -> Result<T> {
        self.scan.set_mark();
        let digits = self.scan.take_while(|char| char.is_ascii_digit());
        digits
            .parse()
            .map_err(|_| Problem::expected("a number of at most 32 (of a port 64) bits"))
    }
}

fn finish(node: AtomName, identifier: Identifier) -> Result<Term> {
    Term::from_identifier(node, identifier).ok_or(Problem::expected("an identifier"))
}
