//! Funs: closures, kept as the bytes they came in, and exports.

use std::fmt;
use std::hash::{Hash, Hasher};

use super::Term;
use crate::{AtomName, AtomQuota, Binary, Decoder};

/// Looking into a closure makes no atoms.
static NO_NEW_ATOMS: AtomQuota = AtomQuota::new(0);

fn decoder(bytes: &[u8]) -> Decoder<'_> {
    Decoder::new(bytes).quota(&NO_NEW_ATOMS)
}

/// A closure of some Erlang node: opaque here, sent back unchanged. Atoms in it are inline, so it stands by itself.
///
/// Two closures are equal when they are of the same fun expression of the same version of a module, and captured the same
/// values; as in Erlang, not when it was the same process that made them. It prints as Erlang prints it,
/// `#Fun<module.index.uniq>`, which cannot be read back.
#[derive(Clone)]
pub struct Fun(pub(crate) Binary);

/// What a closure consists of. `NEW_FUN_EXT`:
///
/// ```text
/// 112 | size: u32 | arity: u8 | uniq: 16 bytes | index: u32 | free: u32 | module | old index | old uniq | pid | free terms
/// ```
pub(crate) struct FunParts<'a> {
    pub(crate) index: u32,
    pub(crate) free: u32,
    pub(crate) module: AtomName,
    pub(crate) old_index: i64,
    pub(crate) old_uniq: i64,
    /// The captured values, encoded one after the other.
    captured: &'a [u8],
    /// All between size and pid.
    head: &'a [u8],
}

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
        let mut d = decoder(self.0.get(30..)?);
        d.atom().ok()
    }

    /// `None` when a part is of another kind than it should be: only the structure was checked when the fun was read.
    pub(crate) fn parts(&self) -> Option<FunParts<'_>> {
        let bytes: &[u8] = &self.0;
        let (head, rest) = bytes.split_first_chunk::<30>()?;
        let word = |at: usize| Some(u32::from_be_bytes(*head.get(at..)?.first_chunk()?));
        let mut d = decoder(rest);
        let (module, old_index, old_uniq) = (d.atom().ok()?, d.int().ok()?, d.int().ok()?);
        let pid = 30 + d.position();
        d.skip().ok()?;
        Some(FunParts {
            index: word(22)?,
            free: word(26)?,
            module,
            old_index,
            old_uniq,
            captured: bytes.get(30 + d.position()..)?,
            head: bytes.get(5..pid)?,
        })
    }

    /// What equality goes by: all but the process that made the closure.
    pub(super) fn key(&self) -> (&[u8], &[u8]) {
        match self.parts() {
            Some(parts) => (parts.head, parts.captured),
            None => (&self.0, &[]),
        }
    }
}

impl FunParts<'_> {
    /// The captured values as one tuple.
    pub(crate) fn captured(&self) -> Option<Term> {
        let mut d = decoder(self.captured);
        let mut values = Vec::new();
        for _ in 0..self.free {
            values.push(d.term().ok()?);
        }
        Some(Term::tuple(values))
    }
}

impl PartialEq for Fun {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.key() == other.key()
    }
}

impl Eq for Fun {}

impl Hash for Fun {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl PartialOrd for Fun {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fun {
    /// As terms compare.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        Term::Fun(self.clone()).cmp(&Term::Fun(other.clone()))
    }
}

impl fmt::Display for Fun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            Some(it) => write!(f, "#Fun<{}.{}.{}>", it.module, it.old_index, it.old_uniq),
            None => write!(f, "#Fun<?/{}>", self.arity()),
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
