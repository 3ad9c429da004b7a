//! Port identifiers.

use std::cmp::Ordering;
use std::fmt;

use crate::Atom;
use crate::pid::write_creation;

/// A port identifier: `Copy`, 16 bytes. A Kista node has no ports; it passes those of others on.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Port {
    /// The node's name.
    pub node: Atom,
    /// Which port of the node.
    pub id: u64,
    /// Which life of the node; 0 is unknown.
    pub creation: u32,
}

impl PartialOrd for Port {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Port {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.node, self.creation, self.id).cmp(&(other.node, other.creation, other.id))
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#Port<{}.{}", self.node, self.id)?;
        write_creation(f, self.creation)
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
