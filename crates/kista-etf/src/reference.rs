//! References: unique values, also process aliases.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::Atom;
use crate::pid::write_creation;

/// A reference: node, creation and one to five words. `Copy`, 32 bytes. All words count for equality and hash; as in Erlang,
/// one that is not there counts as zero.
///
/// ```
/// use kista_etf::{atoms, Reference};
/// let reference = Reference::new(atoms::OK, 1, &[1, 2, 3]).unwrap();
/// assert_eq!(reference.words(), [1, 2, 3]);
/// assert!(Reference::new(atoms::OK, 1, &[]).is_none());
/// ```
#[derive(Clone, Copy)]
pub struct Reference {
    node: Atom,
    creation: u32,
    words: [u32; Self::MAX_WORDS],
    used: u8,
}

impl Reference {
    /// The most words a reference has (OTP 27 and later use all five for aliases that are monitors too).
    pub const MAX_WORDS: usize = 5;

    /// A reference of one to five words; `None` for another number of them.
    pub fn new(node: Atom, creation: u32, words: &[u32]) -> Option<Self> {
        if words.is_empty() || words.len() > Self::MAX_WORDS {
            return None;
        }
        let mut kept = [0; Self::MAX_WORDS];
        kept[..words.len()].copy_from_slice(words);
        Some(Self {
            node,
            creation,
            words: kept,
            used: words.len() as u8,
        })
    }

    /// A reference of three words, which is what nodes make for themselves.
    pub const fn from_words(node: Atom, creation: u32, words: [u32; 3]) -> Self {
        Self {
            node,
            creation,
            words: [words[0], words[1], words[2], 0, 0],
            used: 3,
        }
    }

    /// The node's name.
    pub const fn node(&self) -> Atom {
        self.node
    }

    /// Which life of the node; 0 is unknown.
    pub const fn creation(&self) -> u32 {
        self.creation
    }

    /// The words, those that are missing as zeros.
    pub(crate) const fn padded_words(&self) -> &[u32; Self::MAX_WORDS] {
        &self.words
    }

    /// The words, in wire order.
    pub fn words(&self) -> &[u32] {
        &self.words[..usize::from(self.used)]
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words && self.node == other.node && self.creation == other.creation
    }
}

impl Eq for Reference {}

impl Hash for Reference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.node.hash(state);
        self.creation.hash(state);
        self.words.hash(state);
    }
}

impl PartialOrd for Reference {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Reference {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.node, self.creation)
            .cmp(&(other.node, other.creation))
            .then_with(|| cmp_words(&self.words, &other.words))
    }
}

/// The order of two references of one node: the last word counts most, and missing words are zero.
pub(crate) fn cmp_words(
    a: &[u32; Reference::MAX_WORDS],
    b: &[u32; Reference::MAX_WORDS],
) -> Ordering {
    a.iter().rev().cmp(b.iter().rev())
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#Ref<{}", self.node)?;
        for word in self.words().iter().rev() {
            write!(f, ".{word}")?;
        }
        write_creation(f, self.creation)
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atoms::OK;

    #[test]
    fn every_word_counts_and_a_missing_one_is_zero() {
        let new = |words: &[u32]| Reference::new(OK, 1, words).unwrap();
        assert_eq!(new(&[1, 2, 3]), new(&[1, 2, 3, 0]));
        assert!(new(&[1, 2, 3]).cmp(&new(&[1, 2, 3, 0])).is_eq());
        assert_ne!(new(&[1, 2, 3]), new(&[1, 2, 3, 1]));
        assert_ne!(new(&[1, 2, 3, 4, 5]), new(&[1, 2, 3, 4, 6]));
        assert!(new(&[9, 1]) < new(&[0, 2]));
        assert_eq!(size_of::<Reference>(), 32);
    }

    #[test]
    fn six_words_are_refused() {
        assert!(Reference::new(OK, 1, &[0; 6]).is_none());
    }
}
