//! Identifiers whose node's name is not interned.
//!
//! They equal, hash and sort as the pid, port or reference they would be with the name interned.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use super::Term;
use crate::decoder::Identifier;
use crate::pid::write_creation;
use crate::reference::cmp_words;
use crate::{AtomName, AtomText, Kind, Pid, Port, Reference, tag};

/// A pid, port or reference of a node whose name went beyond the atom quota: kept, compared by its text, sent back unchanged.
#[derive(Clone)]
pub struct Opaque {
    node: AtomText,
    parts: Identifier,
}

impl Opaque {
    /// The node's name.
    pub fn node(&self) -> &str {
        self.node.as_str()
    }

    /// Whether it is a pid, a port or a reference.
    pub const fn kind(&self) -> Kind {
        match self.parts {
            Identifier::Pid { .. } => Kind::Pid,
            Identifier::Port { .. } => Kind::Port,
            Identifier::Reference { .. } => Kind::Reference,
        }
    }

    /// What `phash2` takes of it.
    pub(super) const fn hashed_number(&self) -> (Kind, u64) {
        match self.parts {
            Identifier::Pid { id, .. } => (Kind::Pid, id as u64),
            Identifier::Port { id, .. } => (Kind::Port, id),
            Identifier::Reference { words, .. } => (Kind::Reference, words[0] as u64),
        }
    }

    pub(crate) fn write(&self, e: &mut crate::Encoder) {
        let name = AtomName::Text(self.node.clone());
        match self.parts {
            Identifier::Pid {
                id,
                serial,
                creation,
            } => {
                e.raw(&[tag::NEW_PID]);
                e.atom_name(&name);
                e.words(&[id, serial, creation]);
            }
            Identifier::Port { id, creation } => {
                e.raw(&[tag::V4_PORT]);
                e.atom_name(&name);
                e.words(&[(id >> 32) as u32, id as u32, creation]);
            }
            Identifier::Reference {
                creation,
                words,
                used,
            } => {
                e.raw(&[tag::NEWER_REF, 0, used]);
                e.atom_name(&name);
                e.words(&[creation]);
                e.words(&words[..usize::from(used)]);
            }
        }
    }
}

impl Term {
    pub(crate) fn from_identifier(node: AtomName, identifier: Identifier) -> Option<Self> {
        Some(match node {
            AtomName::Interned(node) => match identifier {
                Identifier::Pid {
                    id,
                    serial,
                    creation,
                } => Self::Pid(Pid {
                    node,
                    id,
                    serial,
                    creation,
                }),
                Identifier::Port { id, creation } => Self::Port(Port { node, id, creation }),
                Identifier::Reference {
                    creation,
                    words,
                    used,
                } => Self::Reference(Box::new(Reference::new(
                    node,
                    creation,
                    &words[..usize::from(used)],
                )?)),
            },
            AtomName::Text(node) => Self::Opaque(Box::new(Opaque {
                node,
                parts: identifier,
            })),
        })
    }
}

/// What identifies a pid, port or reference, however its node's name is kept.
#[derive(PartialEq, Eq)]
pub(crate) enum Identity<'a> {
    Pid {
        serial: u32,
        id: u32,
        node: &'a str,
        creation: u32,
    },
    Port {
        id: u64,
        node: &'a str,
        creation: u32,
    },
    Reference {
        node: &'a str,
        creation: u32,
        words: &'a [u32; Reference::MAX_WORDS],
    },
}

impl<'a> Identity<'a> {
    pub(crate) fn of(term: &'a Term) -> Option<Self> {
        Some(match term {
            Term::Pid(Pid {
                node,
                id,
                serial,
                creation,
            }) => Self::Pid {
                serial: *serial,
                id: *id,
                node: node.as_str(),
                creation: *creation,
            },
            Term::Port(Port { node, id, creation }) => Self::Port {
                id: *id,
                node: node.as_str(),
                creation: *creation,
            },
            Term::Reference(it) => Self::Reference {
                node: it.node().as_str(),
                creation: it.creation(),
                words: it.padded_words(),
            },
            Term::Opaque(it) => {
                let node = it.node();
                match &it.parts {
                    Identifier::Pid {
                        id,
                        serial,
                        creation,
                    } => Self::Pid {
                        serial: *serial,
                        id: *id,
                        node,
                        creation: *creation,
                    },
                    Identifier::Port { id, creation } => Self::Port {
                        id: *id,
                        node,
                        creation: *creation,
                    },
                    Identifier::Reference {
                        creation, words, ..
                    } => Self::Reference {
                        node,
                        creation: *creation,
                        words,
                    },
                }
            }
            _ => return None,
        })
    }

    pub(crate) fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (
                Self::Pid {
                    serial,
                    id,
                    node,
                    creation,
                },
                Self::Pid {
                    serial: s,
                    id: i,
                    node: n,
                    creation: c,
                },
            ) => (serial, id, node, creation).cmp(&(s, i, n, c)),
            (
                Self::Port { id, node, creation },
                Self::Port {
                    id: i,
                    node: n,
                    creation: c,
                },
            ) => (node, creation, id).cmp(&(n, c, i)),
            (
                Self::Reference {
                    node,
                    creation,
                    words,
                },
                Self::Reference {
                    node: n,
                    creation: c,
                    words: w,
                },
            ) => (node, creation)
                .cmp(&(n, c))
                .then_with(|| cmp_words(words, w)),
            _ => Ordering::Equal,
        }
    }

    /// Numbers only: they tell nearly all identifiers apart, and equal ones have equal numbers.
    pub(crate) fn hash(&self, state: &mut impl Hasher) {
        match self {
            Self::Pid {
                serial,
                id,
                creation,
                ..
            } => (serial, id, creation).hash(state),
            Self::Port { id, creation, .. } => (id, creation).hash(state),
            Self::Reference {
                creation, words, ..
            } => (creation, words).hash(state),
        }
    }
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let node = &self.node;
        let creation = match &self.parts {
            Identifier::Pid {
                id,
                serial,
                creation,
            } => {
                write!(f, "<{node:?}.{id}.{serial}")?;
                creation
            }
            Identifier::Port { id, creation } => {
                write!(f, "#Port<{node:?}.{id}")?;
                creation
            }
            Identifier::Reference {
                words,
                used,
                creation,
            } => {
                write!(f, "#Ref<{node:?}")?;
                for word in words[..usize::from(*used)].iter().rev() {
                    write!(f, ".{word}")?;
                }
                creation
            }
        };
        write_creation(f, *creation)
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
