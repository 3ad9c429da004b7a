use std::collections::BTreeMap;
use std::sync::Arc;

use kista_etf::Term;

/// The environment of a process: named terms that its children inherit. Copied when it is changed, shared else.
#[derive(Clone, Default)]
pub(crate) struct Env(Option<Arc<BTreeMap<Arc<str>, Term>>>);

impl Env {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn find(&self, key: &str) -> Option<Term> {
        self.0.as_ref()?.get(key).cloned()
    }

    /// Gives the value that was there.
    pub(crate) fn put(&mut self, key: &str, value: Term) -> Option<Term> {
        Arc::make_mut(self.0.get_or_insert_default()).insert(key.into(), value)
    }

    pub(crate) fn erase(&mut self, key: &str) -> Option<Term> {
        let shared = self.0.as_mut()?;
        // Not copied for nothing.
        if !shared.contains_key(key) {
            return None;
        }
        let erased = Arc::make_mut(shared).remove(key);
        if shared.is_empty() {
            self.0 = None;
        }
        erased
    }

    /// By key.
    pub(crate) fn list(&self) -> Vec<(String, Term)> {
        let entries = self.0.iter().flat_map(|env| env.iter());
        entries
            .map(|(key, value)| (key.to_string(), value.clone()))
            .collect()
    }
}
