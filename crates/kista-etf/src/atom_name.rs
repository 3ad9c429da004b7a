//! An atom as it came from outside: interned when the quota allowed it, else its text.
//!
//! Equality, hash and order go by the text, across both forms: `Text("x")` equals `Interned(x)`.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use crate::atom::{check, hash_text};
use crate::{Atom, AtomError};

/// An atom's name: interned, or kept as text because a quota was used up.
///
/// ```
/// use kista_etf::{Atom, AtomName};
/// let text = AtomName::text("ok").unwrap();
/// assert_eq!(text, AtomName::from(kista_etf::atoms::OK));
/// ```
#[derive(Clone)]
pub enum AtomName {
    /// An interned atom.
    Interned(Atom),
    /// The text of an atom that is not interned.
    Text(AtomText),
}

/// The text of an atom that was not interned: at most 255 characters, cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AtomText(Arc<str>);

impl AtomText {
    /// Checks the length (255 characters) and keeps a copy of the text.
    pub fn new(text: &str) -> Result<Self, AtomError> {
        check(text)?;
        Ok(Self(Arc::from(text)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AtomName {
    /// A name that stays text, whether or not an atom of that text exists.
    pub fn text(text: &str) -> Result<Self, AtomError> {
        AtomText::new(text).map(Self::Text)
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Interned(atom) => atom.as_str(),
            Self::Text(text) => text.as_str(),
        }
    }

    /// The interned atom of this text: also for a `Text` whose atom exists by now.
    #[inline]
    pub fn atom(&self) -> Option<Atom> {
        match self {
            Self::Interned(atom) => Some(*atom),
            Self::Text(text) => Atom::lookup(text.as_str()),
        }
    }
}

impl From<Atom> for AtomName {
    fn from(atom: Atom) -> Self {
        Self::Interned(atom)
    }
}

impl PartialEq for AtomName {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Interned(a), Self::Interned(b)) => a == b,
            _ => self.as_str() == other.as_str(),
        }
    }
}

impl Eq for AtomName {}

impl PartialEq<Atom> for AtomName {
    #[inline]
    fn eq(&self, other: &Atom) -> bool {
        match self {
            Self::Interned(atom) => atom == other,
            Self::Text(text) => text.as_str() == other.as_str(),
        }
    }
}

impl PartialEq<str> for AtomName {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for AtomName {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Hash for AtomName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(match self {
            Self::Interned(atom) => atom.text_hash(),
            Self::Text(text) => hash_text(text.as_str()),
        });
    }
}

impl PartialOrd for AtomName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for AtomName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl fmt::Debug for AtomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::term::text::write_atom(f, self.as_str())
    }
}

impl fmt::Display for AtomName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::term::text::write_atom(f, self.as_str())
    }
}

impl fmt::Debug for AtomText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::term::text::write_atom(f, self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atoms;
    use std::hash::BuildHasher;

    #[test]
    fn text_beyond_the_quota_equals_and_hashes_as_the_atom() {
        let (text, atom) = (AtomName::text("ok").unwrap(), AtomName::from(atoms::OK));
        assert_eq!(text, atom);
        assert_eq!(text, atoms::OK);
        assert_eq!(text.cmp(&atom), Ordering::Equal);
        let state = std::hash::RandomState::new();
        assert_eq!(state.hash_one(&text), state.hash_one(&atom));
        assert_ne!(text, AtomName::from(atoms::ERROR));
    }

    #[test]
    fn too_long_a_text_is_no_name() {
        assert!(AtomName::text(&"a".repeat(256)).is_err());
    }
}
