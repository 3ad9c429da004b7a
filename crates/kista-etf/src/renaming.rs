//! A node that others know by another name than its own processes do.
//!
//! A node that gets its name from another one may get a new name in the middle of its life. Its processes keep the pids that they have, and
//! what passes a connection says the other name: the same signals with pids, ports and references renamed, in both directions.
//!
//! The two names change places. So a pid that a peer kept from before, under the first name, does not become one of today's: it is of a life
//! that is over, as it is in OTP, and goes back to whoever asks for it as it came.

use crate::{Atom, Pid, Reference};

/// One life of a node: what its pids, ports and references say beside their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Incarnation {
    /// The node's name.
    pub node: Atom,
    /// Which life of the node.
    pub creation: u32,
}

/// Two incarnations change places: what is of one is said to be of the other. Renamed twice, everything is what it was.
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
/// let renaming = Renaming::new(here, there);
/// Decoder::new(&e.to_bytes()).transcode_renamed(&mut renamed, &renaming)?;
/// assert_eq!(Decoder::new(&renamed.to_bytes()).pid()?, renaming.pid(pid));
/// # Ok::<(), kista_etf::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Renaming {
    one: Incarnation,
    other: Incarnation,
}

impl Renaming {
    /// These two change places.
    #[must_use]
    pub fn new(one: Incarnation, other: Incarnation) -> Self {
        Self { one, other }
    }

    /// The pid, renamed if it is of one of them.
    #[must_use]
    pub fn pid(&self, pid: Pid) -> Pid {
        match self.of(pid.node.as_str(), pid.creation) {
            Some(Incarnation { node, creation }) => Pid {
                node,
                creation,
                ..pid
            },
            None => pid,
        }
    }

    /// The reference, renamed if it is of one of them.
    #[must_use]
    pub fn reference(&self, reference: Reference) -> Reference {
        self.of(reference.node().as_str(), reference.creation())
            .and_then(|to| Reference::new(to.node, to.creation, reference.words()))
            .unwrap_or(reference)
    }

    /// What this incarnation is called instead.
    pub(crate) fn of(&self, node: &str, creation: u32) -> Option<Incarnation> {
        let is = |this: Incarnation| this.creation == creation && this.node.as_str() == node;
        match () {
            () if is(self.one) => Some(self.other),
            () if is(self.other) => Some(self.one),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AtomName, Decoder, Encoder, Port, Term};

    fn incarnation(node: &'static str, creation: u32) -> Incarnation {
        let node = Atom::from_static(node);
        Incarnation { node, creation }
    }

    fn renaming() -> Renaming {
        Renaming::new(
            incarnation("renamed@first", 77),
            incarnation("renamed@the.second", 78),
        )
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
        e.raw(
            &u32::try_from(4 + 1 + 16 + 4 + 4 + free.len())
                .unwrap()
                .to_be_bytes(),
        );
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
    fn whatever_is_of_one_of_them_is_renamed_and_back_wherever_it_stands() {
        let renaming = renaming();
        for mut first in [Encoder::new(), Encoder::with_atom_table()] {
            everything(&mut first, renaming.one);
            let mut second = Encoder::new();
            everything(&mut second, renaming.other);
            let there = renamed(&first, &renaming);
            assert_eq!(term(&there), term(&second));
            let back = renamed(&there, &renaming);
            assert_eq!(term(&back), term(&first));
        }
    }

    #[test]
    fn what_is_of_others_or_of_another_life_stays() {
        let renaming = renaming();
        let Incarnation { node, creation } = renaming.one;
        for other in [
            Incarnation { node, creation: 76 },
            Incarnation { node, creation: 0 },
            incarnation("renamed@firs", creation),
            incarnation("renamed@the.second", creation),
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
        everything(&mut first, renaming().one);
        let bytes = first.to_bytes();
        for end in 0..bytes.len() {
            let mut d = Decoder::new(&bytes[..end]);
            let copied = d.transcode_renamed(&mut Encoder::new(), &renaming());
            assert!(copied.is_err(), "{end}");
        }
    }
}
