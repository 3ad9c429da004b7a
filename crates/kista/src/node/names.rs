use kista_etf::{Atom, Pid};
use parking_lot::RwLock;
use rustc_hash::FxHashMap;

/// The registered names of one node. A name has one holder, freed before the holder's links hear of its end.
#[derive(Default)]
pub(super) struct Names(RwLock<FxHashMap<Atom, Pid>>);

impl Names {
    /// Err: the present holder.
    pub(super) fn register(&self, name: Atom, pid: Pid) -> Result<(), Pid> {
        match self.0.write().entry(name) {
            std::collections::hash_map::Entry::Occupied(held) => Err(*held.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(pid);
                Ok(())
            }
        }
    }

    /// Frees a name, unless it has another holder by now.
    pub(super) fn free(&self, name: Atom, pid: Pid) {
        let mut names = self.0.write();
        if names.get(&name) == Some(&pid) {
            names.remove(&name);
        }
    }

    pub(super) fn find(&self, name: Atom) -> Option<Pid> {
        self.0.read().get(&name).copied()
    }

    pub(super) fn all(&self) -> Vec<Atom> {
        self.0.read().keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_holder_frees_a_name() {
        let name = Atom::from_static("held");
        let pid = |id| Pid {
            node: Atom::from_static("here@host"),
            id,
            serial: 1,
            creation: 4,
        };
        let names = Names::default();
        assert_eq!(names.register(name, pid(1)), Ok(()));
        assert_eq!(names.register(name, pid(2)), Err(pid(1)));
        names.free(name, pid(2));
        assert_eq!(names.find(name), Some(pid(1)));
        names.free(name, pid(1));
        assert_eq!(names.find(name), None);
    }
}
