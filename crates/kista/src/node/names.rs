use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Release};

use kista_etf::{Atom, Pid};
use parking_lot::{RwLock, RwLockWriteGuard};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// The registered names of one node. A name has one holder, freed before the holder's links hear of its end.
///
/// Who lived on without its name is kept beside it: a node that monitors by name says the name when it takes that back, not whom the name
/// meant.
#[derive(Default)]
pub(super) struct Names {
    table: RwLock<Table>,
    /// Changes whenever the table may: what was found is right for as long as this is the same.
    version: AtomicU64,
}

/// What there is to a name.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) holder: Option<Pid>,
    /// Others have had it, and may live.
    pub(super) had_by_others: bool,
}

#[derive(Default)]
struct Table {
    held: FxHashMap<Atom, Pid>,
    former: FxHashMap<Atom, SmallVec<[Pid; 1]>>,
    /// With so many names in `former` the dead are taken out.
    look_at: usize,
}

impl Names {
    /// Err: the present holder.
    pub(super) fn register(&self, name: Atom, pid: Pid) -> Result<(), Pid> {
        match self.change().held.entry(name) {
            std::collections::hash_map::Entry::Occupied(held) => Err(*held.get()),
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(pid);
                Ok(())
            }
        }
    }

    /// Frees the name of an ended process, unless it has another holder by now.
    pub(super) fn free(&self, name: Atom, pid: Pid) {
        self.change().free(name, pid);
    }

    /// The same of one that lives on.
    pub(super) fn take(&self, name: Atom, pid: Pid, lives: impl Fn(Pid) -> bool) {
        let mut table = self.change();
        if !table.free(name, pid) {
            return;
        }
        let former = table.former.entry(name).or_default();
        former.retain(|former| *former != pid && lives(*former));
        former.push(pid);
        if table.former.len() > table.look_at {
            table.former.retain(|_, former| {
                former.retain(|former| lives(*former));
                !former.is_empty()
            });
            table.look_at = 2 * table.former.len() + 16;
        }
    }

    pub(super) fn find(&self, name: Atom) -> Option<Pid> {
        self.table.read().held.get(&name).copied()
    }

    /// As [`find`](Self::find), to be remembered; see [`version`](Self::version).
    pub(super) fn look_up(&self, name: Atom) -> (Found, u64) {
        let table = self.table.read();
        let found = Found {
            holder: table.held.get(&name).copied(),
            had_by_others: table.former.contains_key(&name),
        };
        (found, self.version())
    }

    /// Read without a lock: whoever was told of a change of a name reads another one than before.
    #[inline]
    pub(super) fn version(&self) -> u64 {
        self.version.load(Acquire)
    }

    fn change(&self) -> RwLockWriteGuard<'_, Table> {
        let table = self.table.write();
        // Under the lock, and before anybody can know of the change.
        self.version.fetch_add(1, Release);
        table
    }

    /// Who has the name and who had it; some may be dead.
    pub(super) fn find_all(&self, name: Atom) -> SmallVec<[Pid; 1]> {
        let table = self.table.read();
        let mut all: SmallVec<_> = table.held.get(&name).copied().into_iter().collect();
        if !table.former.is_empty() {
            all.extend(table.former.get(&name).into_iter().flatten().copied());
        }
        all
    }

    pub(super) fn all(&self) -> Vec<Atom> {
        self.table.read().held.keys().copied().collect()
    }
}

impl Table {
    fn free(&mut self, name: Atom, pid: Pid) -> bool {
        let holds = self.held.get(&name) == Some(&pid);
        if holds {
            self.held.remove(&name);
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(id: u32) -> Pid {
        Pid {
            node: Atom::from_static("here@host"),
            id,
            serial: 1,
            creation: 4,
        }
    }

    #[test]
    fn only_its_holder_frees_a_name() {
        let name = Atom::from_static("held");
        let names = Names::default();
        assert_eq!(names.register(name, pid(1)), Ok(()));
        assert_eq!(names.register(name, pid(2)), Err(pid(1)));
        names.free(name, pid(2));
        assert_eq!(names.find(name), Some(pid(1)));
        names.free(name, pid(1));
        assert_eq!(names.find(name), None);
    }

    /// Else a message could reach who had the name, after its sender was told that another has it.
    #[test]
    fn what_was_found_is_known_to_be_old_once_the_name_has_changed() {
        let names = Names::default();
        let name = Atom::from_static("remembered");
        let mut last = names.look_up(name);
        let mut changed = |had: Option<Pid>, by_others: bool| {
            assert_ne!(names.version(), last.1);
            last = names.look_up(name);
            let (found, version) = last;
            assert_eq!((found.holder, found.had_by_others), (had, by_others));
            assert_eq!(version, names.version(), "nothing happens meanwhile");
        };
        assert_eq!(names.register(name, pid(1)), Ok(()));
        changed(Some(pid(1)), false);
        names.take(name, pid(1), |_| true);
        changed(None, true);
        assert_eq!(names.register(name, pid(2)), Ok(()));
        changed(Some(pid(2)), true);
        names.free(name, pid(2));
        changed(None, true);
    }

    #[test]
    fn who_had_a_name_is_known_while_it_lives_and_then_forgotten() {
        let names = Names::default();
        let name = Atom::from_static("moved");
        for id in [1, 2, 1, 3] {
            assert_eq!(names.register(name, pid(id)), Ok(()));
            names.take(name, pid(id), |_| true);
        }
        assert_eq!(names.find(name), None);
        assert_eq!(names.find_all(name).as_slice(), [pid(2), pid(1), pid(3)]);
        assert_eq!(names.register(name, pid(4)), Ok(()));
        assert_eq!(names.find_all(name).first(), Some(&pid(4)));
        // It is another's name: nobody's was taken.
        names.take(name, pid(5), |_| true);
        assert!(!names.find_all(name).contains(&pid(5)));
        // Names that the dead had do not pile up.
        for id in 0..1000 {
            let name = Atom::new(&format!("moved_{id}")).unwrap();
            assert_eq!(names.register(name, pid(id)), Ok(()));
            names.take(name, pid(id), |_| false);
        }
        assert!(names.table.read().former.len() < 100);
    }
}
