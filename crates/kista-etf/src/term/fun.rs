//! Funs: closures, kept as the bytes they came in, and exports.

use std::fmt;

use crate::{AtomName, Binary};

/// A closure of some Erlang node: opaque here, sent back unchanged. Atoms in it are inline, so it stands by itself.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fun(pub(crate) Binary);

impl Fun {
    /// The closure in the external term format, beginning with its tag (112), without the version byte.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// How many arguments it takes.
    pub fn arity(&self) -> u8 {
        self.0.get(5).copied().unwrap_or(0)
    }

    /// The module that it is from.
    pub fn module(&self) -> Option<AtomName> {
        let mut d = crate::Decoder::new(self.0.get(30..)?);
        d.atom().ok()
    }
}

impl fmt::Display for Fun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.module() {
            Some(module) => write!(f, "#Fun<{module}/{}>", self.arity()),
            None => write!(f, "#Fun</{}>", self.arity()),
        }
    }
}

impl fmt::Debug for Fun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `fun module:function/arity`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Export {
    /// The module.
    pub module: AtomName,
    /// The function.
    pub function: AtomName,
    /// How many arguments it takes.
    pub arity: u8,
}

impl fmt::Display for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fun {}:{}/{}", self.module, self.function, self.arity)
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
