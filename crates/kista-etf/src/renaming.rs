//! A node that others know by another name than its own processes do.
//!
//! A node that gets its name from another one may get a new name in the middle of its life. Its processes keep the pids that they have, and
//! what passes a connection says the other name: the same signals with pids, ports and references renamed, in both directions.

use crate::{Atom, AtomName, Pid, Reference};

/// One life of a node: what its pids, ports and references say beside their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Incarnation {
    /// The node's name.
    pub node: Atom,
    /// Which life of the node.
    pub creation: u32,
}

/// What says to be of one incarnation is to be of another.
///
/// ```
/// use kista_etf::{Atom, Decoder, Encoder, Incarnation, Pid, Renaming};
///
/// let here = Incarnation { node: Atom::from_static("first@host"), creation: 4 };
/// let there = Incarnation { node: Atom::from_static("second@host"), creation: 5 };
/// let pid = Pid { node: here.node, id: 1, serial: 0, creation: here.creation };
/// let mut e = Encoder::new();
/// e.pid(&pid);
/// let mut renamed = Encoder::new();
/// let renaming = Renaming { from: here, to: there };
/// Decoder::new(&e.to_bytes()).transcode_renamed(&mut renamed, &renaming)?;
/// assert_eq!(Decoder::new(&renamed.to_bytes()).pid()?, renaming.pid(pid));
/// # Ok::<(), kista_etf::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Renaming {
    /// What is renamed.
    pub from: Incarnation,
    /// How.
    pub to: Incarnation,
}

impl Renaming {
    /// The way back.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
        }
    }

    /// The pid, renamed if it is of that incarnation.
    #[must_use]
    pub fn pid(&self, pid: Pid) -> Pid {
        if pid.node != self.from.node || pid.creation != self.from.creation {
            return pid;
        }
        let Incarnation { node, creation } = self.to;
        Pid {
            node,
            creation,
            ..pid
        }
    }

    /// The reference, renamed if it is of that incarnation.
    #[must_use]
    pub fn reference(&self, reference: Reference) -> Reference {
        if reference.node() != self.from.node || reference.creation() != self.from.creation {
            return reference;
        }
        Reference::new(self.to.node, self.to.creation, reference.words()).unwrap_or(reference)
    }

    /// Whether something of this node and creation is renamed.
    pub(crate) fn concerns(&self, node: &AtomName, creation: [u8; 4]) -> bool {
        creation == self.from.creation.to_be_bytes() && node.as_str() == self.from.node.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Decoder, Encoder, Port, Term};

    fn incarnation(node: &'static str, creation: u32) -> Incarnation {
        let node = Atom::from_static(node);
        Incarnation { node, creation }
    }

    fn renaming() -> Renaming {
        Renaming {
            from: incarnation("renamed@first", 77),
            to: incarnation("renamed@the.second", 78),
        }
    }

    fn pid(of: Incarnation) -> Pid {
        let Incarnation { node, creation } = of;
        Pid {
            node,
            creation,
            id: 78,
            serial: 77,
        }
    }

    /// Of each kind one that is of this node, in each other, closures too.
    fn everything(e: &mut Encoder, of: Incarnation) {
        e.tuple(6);
        e.pid(&pid(of));
        for id in [77, 1 << 40] {
            let Incarnation { node, creation } = of;
            e.port(&Port { node, id, creation });
        }
        for words in [&[77][..], &[78, 77, 0, 1, 2]] {
            e.reference(&Reference::new(of.node, of.creation, words).unwrap());
        }
        let mut free = Encoder::new();
        free.atom(Atom::from_static("module"));
        free.int(0);
        free.int(77);
        free.pid(&pid(of));
        free.map(1);
        free.pid(&pid(of));
        free.pid(&pid(of));
        let free = free.to_bytes();
        e.raw(&[112]);
        e.raw(&u32::try_from(4 + 1 + 16 + 4 + 4 + free.len()).unwrap().to_be_bytes());
        e.raw(&[0; 21]);
        e.raw(&1_u32.to_be_bytes());
        e.raw(&free);
    }

    fn renamed(from: &Encoder, renaming: &Renaming) -> Encoder {
        let bytes = from.to_bytes();
        let atoms: Vec<AtomName> = from.atoms().iter().map(|&atom| atom.into()).collect();
        let mut d = Decoder::new(&bytes).atoms(&atoms);
        let mut out = Encoder::with_atom_table();
        d.transcode_renamed(&mut out, renaming).unwrap();
        d.finish().unwrap();
        out
    }

    fn term(of: &Encoder) -> Term {
        let bytes = of.to_bytes();
        let atoms: Vec<AtomName> = of.atoms().iter().map(|&atom| atom.into()).collect();
        Decoder::new(&bytes).atoms(&atoms).term().unwrap()
    }

    #[test]
    fn whatever_is_of_an_incarnation_is_renamed_and_back_wherever_it_stands() {
        let renaming = renaming();
        for mut first in [Encoder::new(), Encoder::with_atom_table()] {
            everything(&mut first, renaming.from);
            let mut second = Encoder::new();
            everything(&mut second, renaming.to);
            let there = renamed(&first, &renaming);
            assert_eq!(term(&there), term(&second));
            let back = renamed(&there, &renaming.reversed());
            assert_eq!(term(&back), term(&first));
        }
    }

    #[test]
    fn what_is_of_others_or_of_another_life_stays() {
        let renaming = renaming();
        let Incarnation { node, creation } = renaming.from;
        for other in [
            Incarnation { node, creation: 76 },
            Incarnation { node, creation: 0 },
            incarnation("renamed@firs", creation),
            renaming.to,
        ] {
            let mut first = Encoder::new();
            everything(&mut first, other);
            assert_eq!(term(&renamed(&first, &renaming)), term(&first));
            assert_eq!(renaming.pid(pid(other)), pid(other));
        }
    }

    #[test]
    fn what_is_no_term_is_an_error_wherever_it_ends() {
        let mut first = Encoder::new();
        everything(&mut first, renaming().from);
        let bytes = first.to_bytes();
        for end in 0..bytes.len() {
            let mut d = Decoder::new(&bytes[..end]);
            let copied = d.transcode_renamed(&mut Encoder::new(), &renaming());
            assert!(copied.is_err(), "{end}");
        }
    }
}
