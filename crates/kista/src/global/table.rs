use std::collections::HashMap;

use kista_etf::{Pid, Term};
use parking_lot::RwLock;

/// The names and locks as this node sees them: written by the name server only, read by everybody on the node.
#[derive(Debug, Default)]
pub(super) struct Table(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    names: HashMap<Term, Named>,
    /// How many names each process has.
    named: HashMap<Pid, usize>,
    locks: HashMap<Term, Lock>,
}

/// Whom a name means, and what decides between two of that name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub(super) pid: Pid,
    pub(super) method: Term,
}

/// Who locks a resource: one requester, for whom several processes may stand.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lock {
    pub(super) requester: Term,
    pub(super) pids: Vec<Pid>,
}

impl Table {
    pub(super) fn name(&self, name: &Term) -> Option<Named> {
        self.0.read().names.get(name).cloned()
    }

    pub(super) fn whereis(&self, name: &Term) -> Option<Pid> {
        self.0.read().names.get(name).map(|named| named.pid)
    }

    pub(super) fn names(&self) -> Vec<(Term, Named)> {
        let inner = self.0.read();
        let names = inner.names.iter();
        names
            .map(|(name, named)| (name.clone(), named.clone()))
            .collect()
    }

    pub(super) fn registered(&self) -> Vec<Term> {
        self.0.read().names.keys().cloned().collect()
    }

    pub(super) fn has_a_name(&self, pid: Pid) -> bool {
        self.0.read().named.contains_key(&pid)
    }

    pub(super) fn insert_name(&self, name: Term, named: Named) {
        let mut inner = self.0.write();
        *inner.named.entry(named.pid).or_default() += 1;
        let before = inner.names.insert(name, named);
        inner.count_off(before.as_ref());
    }

    pub(super) fn remove_name(&self, name: &Term) -> Option<Named> {
        let mut inner = self.0.write();
        let before = inner.names.remove(name);
        inner.count_off(before.as_ref());
        before
    }

    pub(super) fn lock(&self, resource: &Term) -> Option<Lock> {
        self.0.read().locks.get(resource).cloned()
    }

    pub(super) fn locks(&self) -> Vec<(Term, Lock)> {
        let inner = self.0.read();
        let locks = inner.locks.iter();
        locks.map(|(on, lock)| (on.clone(), lock.clone())).collect()
    }

    pub(super) fn is_locked(&self, resource: &Term) -> bool {
        self.0.read().locks.contains_key(resource)
    }

    /// Whether it would not be refused here.
    pub(super) fn may_lock(&self, resource: &Term, requester: &Term) -> bool {
        let inner = self.0.read();
        let held = inner.locks.get(resource);
        held.is_none_or(|lock| lock.requester == *requester)
    }

    /// False: somebody else has it. A process that has it already has it once.
    pub(super) fn add_lock(&self, resource: &Term, requester: &Term, pid: Pid) -> bool {
        let mut inner = self.0.write();
        match inner.locks.get_mut(resource) {
            Some(lock) if lock.requester != *requester => return false,
            Some(lock) => {
                if !lock.pids.contains(&pid) {
                    lock.pids.push(pid);
                }
            }
            None => {
                let lock = Lock {
                    requester: requester.clone(),
                    pids: vec![pid],
                };
                inner.locks.insert(resource.clone(), lock);
            }
        }
        true
    }

    /// One process gives it back. Whether it is free now.
    pub(super) fn remove_lock(&self, resource: &Term, pid: Pid) -> bool {
        let mut inner = self.0.write();
        let Some(lock) = inner.locks.get_mut(resource) else {
            return false;
        };
        lock.pids.retain(|held| *held != pid);
        let free = lock.pids.is_empty();
        if free {
            inner.locks.remove(resource);
        }
        free
    }

    pub(super) fn clear(&self) {
        *self.0.write() = Inner::default();
    }
}

impl Inner {
    fn count_off(&mut self, named: Option<&Named>) {
        let Some(Named { pid, .. }) = named else {
            return;
        };
        if let Some(count) = self.named.get_mut(pid) {
            *count -= 1;
            if *count == 0 {
                self.named.remove(pid);
            }
        }
    }
}
