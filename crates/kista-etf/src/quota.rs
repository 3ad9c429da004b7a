//! How many new atoms a source may make.
//!
//! An atom that is already in the table costs nothing. A new one takes one from this quota and from every quota above it
//! (connection, then node); when one of them is used up nothing is taken, and the name stays text ([`AtomName::Text`]):
//! same equality, same order, same hash, and no message is refused for it. What was taken is never given back, as the atom
//! is never given back. Quotas are shared by reference between threads and take no lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{Atom, AtomError, AtomName};

/// A limit on new atoms, possibly under another one.
///
/// ```
/// use kista_etf::{AtomName, AtomQuota};
/// let quota = AtomQuota::new(1);
/// assert!(matches!(quota.intern("quota_doc_one").unwrap(), AtomName::Interned(_)));
/// assert!(matches!(quota.intern("quota_doc_two").unwrap(), AtomName::Text(_)));
/// assert!(matches!(quota.intern("ok").unwrap(), AtomName::Interned(_)));
/// ```
#[derive(Debug)]
pub struct AtomQuota {
    used: AtomicU64,
    limit: u64,
    parent: Option<Arc<Self>>,
}

/// What a decoder without a quota of its own uses: one for the whole process.
pub(crate) static DEFAULT: AtomQuota = AtomQuota::new(AtomQuota::DEFAULT_LIMIT);

/// No new atoms: for what is read only to be checked.
pub(crate) static NONE: AtomQuota = AtomQuota::new(0);

impl AtomQuota {
    /// How many new atoms all decoders without a quota of their own may make together.
    pub const DEFAULT_LIMIT: u64 = 262_144;

    /// A quota of `limit` new atoms.
    pub const fn new(limit: u64) -> Self {
        Self {
            used: AtomicU64::new(0),
            limit,
            parent: None,
        }
    }

    /// A quota of `limit` new atoms that also takes each one from `parent`.
    pub const fn child(parent: Arc<Self>, limit: u64) -> Self {
        Self {
            used: AtomicU64::new(0),
            limit,
            parent: Some(parent),
        }
    }

    /// No limit but the table's own ([`Atom::LIMIT`]): for input that is trusted.
    pub const fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// The atom of this text, or the text itself when a new atom would go beyond the quota.
    ///
    /// Fails only on more than 255 characters.
    pub fn intern(&self, text: &str) -> Result<AtomName, AtomError> {
        self.intern_counting(text, &mut 0, usize::MAX)
    }

    /// The same for one of many names in an input, which has made `made` new atoms and may make `limit`.
    pub(crate) fn intern_counting(
        &self,
        text: &str,
        made: &mut usize,
        limit: usize,
    ) -> Result<AtomName, AtomError> {
        if let Some(atom) = Atom::lookup(text) {
            return Ok(AtomName::Interned(atom));
        }
        crate::atom::check(text)?;
        if *made >= limit || !self.take() {
            return AtomName::text(text);
        }
        match Atom::intern(text) {
            Ok((atom, true)) => {
                *made += 1;
                Ok(AtomName::Interned(atom))
            }
            Ok((atom, false)) => {
                self.give_back();
                Ok(AtomName::Interned(atom))
            }
            Err(_) => {
                self.give_back();
                AtomName::text(text)
            }
        }
    }

    /// How many atoms were taken from this quota.
    pub fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// How many may be taken.
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    fn take(&self) -> bool {
        let mut level = Some(self);
        while let Some(quota) = level {
            let taken = quota.used.fetch_update(Relaxed, Relaxed, |used| {
                (used < quota.limit).then_some(used + 1)
            });
            if taken.is_err() {
                self.release(Some(quota));
                return false;
            }
            level = quota.parent.as_deref();
        }
        true
    }

    fn give_back(&self) {
        self.release(None);
    }

    /// Undoes a `take` on every level below `end`.
    fn release(&self, end: Option<&Self>) {
        let mut level = Some(self);
        while let Some(quota) = level {
            if end.is_some_and(|end| std::ptr::eq(end, quota)) {
                return;
            }
            quota.used.fetch_sub(1, Relaxed);
            level = quota.parent.as_deref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_atoms_cost_nothing() {
        let quota = AtomQuota::new(0);
        assert!(matches!(
            quota.intern("normal").unwrap(),
            AtomName::Interned(_)
        ));
        assert_eq!(quota.used(), 0);
    }

    #[test]
    fn a_used_up_parent_takes_nothing_from_the_child() {
        let parent = Arc::new(AtomQuota::new(1));
        let (a, b) = (
            AtomQuota::child(parent.clone(), 10),
            AtomQuota::child(parent.clone(), 10),
        );
        assert!(matches!(
            a.intern("quota_test_1").unwrap(),
            AtomName::Interned(_)
        ));
        assert!(matches!(
            b.intern("quota_test_2").unwrap(),
            AtomName::Text(_)
        ));
        assert_eq!((a.used(), b.used(), parent.used()), (1, 0, 1));
        assert_eq!(Atom::lookup("quota_test_2"), None);
    }

    #[test]
    fn flooding_adds_at_most_the_quota() {
        let quota = AtomQuota::new(100);
        let interned = (0..1000)
            .filter(|i| {
                matches!(
                    quota.intern(&format!("quota_flood_{i}")).unwrap(),
                    AtomName::Interned(_)
                )
            })
            .count();
        assert_eq!((interned, quota.used()), (100, 100));
    }
}
