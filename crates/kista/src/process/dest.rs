use std::fmt;

use kista_etf::{Atom, AtomError, Pid, Reference};

/// Where a message, a call or a monitor goes: a process, a name on this node, or a name on another node.
///
/// Everything that takes a destination takes `impl Into<Dest>`: a [`Pid`], a name (`"echo"`), or a name and a node
/// (`("echo", "demo@127.0.0.1")`), as `Pid`, `Name` and `{Name, Node}` in Erlang.
///
/// ```
/// use kista::Dest;
/// assert_eq!(Dest::from(("echo", "demo@127.0.0.1")).to_string(), "{echo,'demo@127.0.0.1'}");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dest {
    /// A process, here or elsewhere.
    Pid(Pid),
    /// The process registered under this name on this node when the message arrives.
    Name(Atom),
    /// The process registered under this name on that node when the message arrives.
    Remote {
        /// The registered name.
        name: Atom,
        /// The node's full name.
        node: Atom,
    },
    /// The process whose alias this is, here or elsewhere, if it is active when a message arrives. For messages only: to
    /// monitor it or to call it finds no process.
    Alias(Reference),
}

impl From<Pid> for Dest {
    fn from(pid: Pid) -> Self {
        Self::Pid(pid)
    }
}

impl From<Reference> for Dest {
    fn from(alias: Reference) -> Self {
        Self::Alias(alias)
    }
}

impl From<Atom> for Dest {
    fn from(name: Atom) -> Self {
        Self::Name(name)
    }
}

/// # Panics
/// When the name has more than 255 characters.
impl From<&'static str> for Dest {
    fn from(name: &'static str) -> Self {
        Self::Name(Atom::from_static(name))
    }
}

/// A name that was made while the program runs. It stays an atom for good, as all do: not for names without end.
///
/// # Errors
/// When the name has more than 255 characters.
impl TryFrom<String> for Dest {
    type Error = AtomError;

    fn try_from(name: String) -> Result<Self, AtomError> {
        Atom::new(&name).map(Self::Name)
    }
}

impl From<(Atom, Atom)> for Dest {
    fn from((name, node): (Atom, Atom)) -> Self {
        Self::Remote { name, node }
    }
}

/// # Panics
/// When the name or the node has more than 255 characters.
impl From<(&'static str, &'static str)> for Dest {
    fn from((name, node): (&'static str, &'static str)) -> Self {
        Self::Remote {
            name: Atom::from_static(name),
            node: Atom::from_static(node),
        }
    }
}

/// # Panics
/// When the name has more than 255 characters.
impl From<(&'static str, Atom)> for Dest {
    fn from((name, node): (&'static str, Atom)) -> Self {
        Self::Remote {
            name: Atom::from_static(name),
            node,
        }
    }
}

impl fmt::Display for Dest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pid(pid) => pid.fmt(f),
            Self::Name(name) => name.fmt(f),
            Self::Alias(alias) => alias.fmt(f),
            Self::Remote { name, node } => write!(f, "{{{name},{node}}}"),
        }
    }
}
