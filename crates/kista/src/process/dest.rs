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
/// // A text that was made while the program runs may be too long for an atom.
/// let node = format!("demo{}@127.0.0.1", 7);
/// assert_eq!(Dest::try_from(("echo", node)).unwrap().to_string(), "{echo,'demo7@127.0.0.1'}");
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
        Self::from((Atom::from_static(name), Atom::from_static(node)))
    }
}

/// # Panics
/// When the name has more than 255 characters.
impl From<(&'static str, Atom)> for Dest {
    fn from((name, node): (&'static str, Atom)) -> Self {
        Self::from((Atom::from_static(name), node))
    }
}

/// # Panics
/// When the node has more than 255 characters.
impl From<(Atom, &'static str)> for Dest {
    fn from((name, node): (Atom, &'static str)) -> Self {
        Self::from((name, Atom::from_static(node)))
    }
}

macro_rules! made_meanwhile {
    ($($name:ty, $node:ty;)*) => {$(
        /// One or both were made while the program runs. They stay atoms for good, as all do: not for names without end.
        ///
        /// # Errors
        /// When the name or the node has more than 255 characters.
        impl TryFrom<($name, $node)> for Dest {
            type Error = AtomError;

            fn try_from((name, node): ($name, $node)) -> Result<Self, AtomError> {
                Ok(Self::from((Atom::new(name.as_ref())?, Atom::new(node.as_ref())?)))
            }
        }
    )*};
}

made_meanwhile! {
    String, String;
    String, Atom;
    Atom, String;
    String, &str;
    &str, String;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_node_are_one_destination_however_they_are_written() {
        let (name, node) = (Atom::from_static("echo"), Atom::from_static("a@h"));
        let (made_name, made_node) = (|| "echo".to_owned(), || "a@h".to_owned());
        let there = Dest::Remote { name, node };
        for written in [
            Dest::from((name, node)),
            Dest::from(("echo", "a@h")),
            Dest::from(("echo", node)),
            Dest::from((name, "a@h")),
        ] {
            assert_eq!(written, there);
        }
        for written in [
            Dest::try_from((made_name(), made_node())),
            Dest::try_from((made_name(), node)),
            Dest::try_from((name, made_node())),
            Dest::try_from((made_name(), "a@h")),
            Dest::try_from(("echo", made_node())),
        ] {
            assert_eq!(written, Ok(there));
        }
        let long = || "x".repeat(256);
        assert!(Dest::try_from((long(), node)).is_err());
        assert!(Dest::try_from((name, long())).is_err());
    }
}
