//! Process identifiers.

use std::cmp::Ordering;
use std::fmt;

use crate::Atom;

/// A process identifier: `Copy`, 16 bytes. Equal when all four fields are.
///
/// ```
/// use kista_etf::{Atom, Pid};
/// let pid = Pid { node: Atom::new("demo@127.0.0.1").unwrap(), id: 7, serial: 0, creation: 4 };
/// assert_eq!(pid.to_string(), "<'demo@127.0.0.1'.7.0/4>");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pid {
    /// The node's name.
    pub node: Atom,
    /// Which process of the node.
    pub id: u32,
    /// Which use of that number.
    pub serial: u32,
    /// Which life of the node; 0 is unknown.
    pub creation: u32,
}

impl PartialOrd for Pid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pid {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.serial, self.id, self.node, self.creation).cmp(&(
            other.serial,
            other.id,
            other.node,
            other.creation,
        ))
    }
}

impl fmt::Display for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}.{}.{}", self.node, self.id, self.serial)?;
        write_creation(f, self.creation)
    }
}

/// The end of an identifier's text. Which life of the node it is of belongs to its identity; 0 is unknown, and is not said.
pub(crate) fn write_creation(f: &mut fmt::Formatter<'_>, creation: u32) -> fmt::Result {
    match creation {
        0 => f.write_str(">"),
        known => write!(f, "/{known}>"),
    }
}

impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
