//! Names and locks of the cluster as this node holds them: the part of the name server that knows nothing of other servers.
//!
//! Whoever has a name or a lock is watched, once, and loses all of it when it ends.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kista_etf::{Atom, Pid, Term};

use super::core::Effect;
use super::table::{Named, Table};
use super::wire::Op;

pub(super) struct Names {
    table: Arc<Table>,
    /// What each process has.
    holders: HashMap<Pid, Holdings>,
    /// Names that C nodes have by way of another node: whose, and that node.
    external: HashMap<Term, (Pid, Atom)>,
    /// The resource that stands for all names.
    global: Term,
    /// The last lock of all names was lost with its holder: what was to be registered under it is void.
    lost_lock: bool,
}

#[derive(Default)]
struct Holdings {
    names: HashSet<Term>,
    locks: HashSet<Term>,
}

/// On whose word a name is inserted, which is good as long as that one holds the lock of all names.
pub(super) enum By<'a> {
    Process(Pid),
    /// A node, with the requester of the lock under which it was agreed.
    Lock(Option<&'a Term>),
}

impl Names {
    pub(super) fn new(table: Arc<Table>) -> Self {
        Self {
            table,
            holders: HashMap::new(),
            external: HashMap::new(),
            global: Term::from(Atom::from_static("global")),
            lost_lock: false,
        }
    }

    pub(super) fn insert(
        &mut self,
        name: Term,
        pid: Pid,
        method: Term,
        by: By<'_>,
        effects: &mut Vec<Effect>,
    ) {
        self.delete(&name, effects);
        self.watch(pid, effects);
        let holdings = self.holders.entry(pid).or_default();
        holdings.names.insert(name.clone());
        self.table.insert_name(name.clone(), Named { pid, method });
        if !self.still_locked(by) {
            self.delete(&name, effects);
        }
    }

    pub(super) fn insert_external(
        &mut self,
        name: Term,
        pid: Pid,
        method: Term,
        registrar: Atom,
        by: By<'_>,
        effects: &mut Vec<Effect>,
    ) {
        self.insert(name.clone(), pid, method, by, effects);
        if self.table.whereis(&name) == Some(pid) {
            self.external.insert(name, (pid, registrar));
        }
    }

    fn still_locked(&self, by: By<'_>) -> bool {
        match (self.table.lock(&self.global), by) {
            (Some(lock), By::Process(pid)) => lock.pids.contains(&pid),
            (Some(lock), By::Lock(requester)) => requester == Some(&lock.requester),
            (None, _) => !self.lost_lock,
        }
    }

    pub(super) fn delete(&mut self, name: &Term, effects: &mut Vec<Effect>) {
        self.external.remove(name);
        if let Some(named) = self.table.remove_name(name) {
            self.give_up(named.pid, effects, |holdings| {
                holdings.names.remove(name);
            });
        }
    }

    /// What two servers agreed on.
    pub(super) fn apply(
        &mut self,
        ops: Vec<Op>,
        external: &[(Term, Pid, Atom)],
        lock: Option<&Term>,
        effects: &mut Vec<Effect>,
    ) {
        let mut deletes = Vec::new();
        for op in ops {
            match op {
                Op::Insert(name, pid, method) => {
                    let of_c_node = external.iter().find(|(n, p, _)| *n == name && *p == pid);
                    let by = By::Lock(lock);
                    match of_c_node {
                        Some((_, _, node)) => {
                            self.insert_external(name, pid, method, *node, by, effects);
                        }
                        None => self.insert(name, pid, method, by, effects),
                    }
                }
                Op::Delete(name) => deletes.push(name),
            }
        }
        // Last, as OTP has it.
        for name in deletes {
            self.delete(&name, effects);
        }
    }

    pub(super) fn set_lock(
        &mut self,
        resource: &Term,
        requester: &Term,
        pid: Pid,
        effects: &mut Vec<Effect>,
    ) -> bool {
        if !self.table.add_lock(resource, requester, pid) {
            return false;
        }
        self.watch(pid, effects);
        let holdings = self.holders.entry(pid).or_default();
        holdings.locks.insert(resource.clone());
        true
    }

    pub(super) fn del_lock(
        &mut self,
        resource: &Term,
        requester: &Term,
        pid: Pid,
        effects: &mut Vec<Effect>,
    ) {
        let held = self.table.lock(resource);
        if held.is_some_and(|lock| lock.requester == *requester && lock.pids.contains(&pid)) {
            self.free(resource, pid, false);
            self.give_up(pid, effects, |holdings| {
                holdings.locks.remove(resource);
            });
        }
    }

    fn free(&mut self, resource: &Term, pid: Pid, lost: bool) {
        if self.table.remove_lock(resource, pid) && *resource == self.global {
            self.lost_lock = lost;
        }
    }

    /// A holder ended, or its node was lost; it is not watched any more.
    pub(super) fn ended(&mut self, pid: Pid, effects: &mut Vec<Effect>) {
        let Some(holdings) = self.holders.remove(&pid) else {
            return;
        };
        for resource in &holdings.locks {
            self.free(resource, pid, true);
        }
        for name in &holdings.names {
            self.delete(name, effects);
        }
    }

    /// Everything that processes of that node have.
    pub(super) fn forget_node(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        let pids = self.holders.keys().filter(|pid| pid.node == node);
        let pids: Vec<_> = pids.copied().collect();
        for pid in pids {
            effects.push(Effect::Unwatch(pid));
            self.ended(pid, effects);
        }
    }

    pub(super) fn all(&self) -> Vec<(Term, Named)> {
        self.table.names()
    }

    pub(super) fn name(&self, name: &Term) -> Option<Named> {
        self.table.name(name)
    }

    pub(super) fn external(&self) -> Vec<(Term, Pid, Atom)> {
        let external = self.external.iter();
        external
            .map(|(name, (pid, node))| (name.clone(), *pid, *node))
            .collect()
    }

    /// Whether names are being changed somewhere.
    pub(super) fn is_locked(&self) -> bool {
        self.table.is_locked(&self.global)
    }

    fn watch(&self, pid: Pid, effects: &mut Vec<Effect>) {
        if !self.holders.contains_key(&pid) {
            effects.push(Effect::Watch(pid));
        }
    }

    fn give_up(&mut self, pid: Pid, effects: &mut Vec<Effect>, what: impl FnOnce(&mut Holdings)) {
        if let Some(holdings) = self.holders.get_mut(&pid) {
            what(holdings);
            if holdings.names.is_empty() && holdings.locks.is_empty() {
                self.holders.remove(&pid);
                effects.push(Effect::Unwatch(pid));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(node: &str, id: u32) -> Pid {
        Pid {
            node: Atom::new(node).unwrap(),
            id,
            serial: 0,
            creation: 4,
        }
    }

    fn names() -> Names {
        Names::new(Arc::default())
    }

    fn global() -> Term {
        Term::from(Atom::from_static("global"))
    }

    fn insert(names: &mut Names, name: i64, pid: Pid, by: Pid) -> Vec<Effect> {
        let mut effects = Vec::new();
        let by = By::Process(by);
        names.insert(name.into(), pid, Term::NIL, by, &mut effects);
        effects
    }

    #[test]
    fn who_ends_loses_its_names_and_locks_and_is_watched_once() {
        let mut names = names();
        let holder = pid("a@h", 1);
        assert_eq!(
            insert(&mut names, 1, holder, holder),
            [Effect::Watch(holder)]
        );
        assert_eq!(insert(&mut names, 2, holder, holder), []);
        let mut e = Vec::new();
        assert!(names.set_lock(&3.into(), &0.into(), holder, &mut e));
        assert_eq!(e, []);
        names.delete(&1.into(), &mut e);
        assert_eq!(e, []);
        names.ended(holder, &mut e);
        assert_eq!(e, []);
        assert!(names.all().is_empty());
        assert!(!names.table.is_locked(&3.into()));
        assert!(names.holders.is_empty());
    }

    #[test]
    fn a_lock_is_one_requesters_and_is_free_when_its_last_process_gives_it_back() {
        let mut names = names();
        let (a, b, c) = (pid("a@h", 1), pid("b@h", 1), pid("c@h", 1));
        let (lock, mine, other) = (Term::from(1), Term::from(2), Term::from(3));
        let e = &mut Vec::new();
        assert!(names.set_lock(&lock, &mine, a, e));
        assert!(names.set_lock(&lock, &mine, a, e));
        assert!(names.set_lock(&lock, &mine, b, e));
        assert!(!names.set_lock(&lock, &other, c, e));
        // Nobody gives back what another holds.
        names.del_lock(&lock, &other, a, e);
        names.del_lock(&lock, &mine, c, e);
        names.del_lock(&lock, &mine, a, e);
        assert!(!names.set_lock(&lock, &other, c, e));
        names.ended(b, e);
        assert!(names.set_lock(&lock, &other, c, e));
        assert_eq!(names.holders.len(), 1);
    }

    #[test]
    fn a_name_counts_only_under_the_lock_that_its_registrar_holds() {
        let mut names = names();
        let (registrar, other) = (pid("a@h", 1), pid("b@h", 1));
        let e = &mut Vec::new();
        assert!(names.set_lock(&global(), &7.into(), registrar, e));
        insert(&mut names, 1, other, other);
        assert!(names.all().is_empty());
        insert(&mut names, 1, other, registrar);
        assert_eq!(names.table.whereis(&1.into()), Some(other));
        // The registrar is gone, its lock with it: what it still had under way is void.
        names.ended(registrar, e);
        insert(&mut names, 2, other, registrar);
        assert_eq!(names.table.registered(), [Term::from(1)]);
        // Another lock that was given back in order ends that.
        assert!(names.set_lock(&global(), &8.into(), other, e));
        names.del_lock(&global(), &8.into(), other, e);
        insert(&mut names, 2, other, registrar);
        assert_eq!(names.all().len(), 2);
    }

    #[test]
    fn what_was_agreed_under_another_lock_is_void() {
        let mut names = names();
        let holder = pid("a@h", 1);
        let e = &mut Vec::new();
        assert!(names.set_lock(&global(), &7.into(), holder, e));
        let insert = || vec![Op::Insert(1.into(), holder, Term::NIL)];
        names.apply(insert(), &[], Some(&8.into()), e);
        names.apply(insert(), &[], None, e);
        assert!(names.all().is_empty());
        names.apply(insert(), &[], Some(&7.into()), e);
        assert_eq!(names.all().len(), 1);
        names.apply(
            vec![Op::Delete(1.into()), Op::Delete(9.into())],
            &[],
            None,
            e,
        );
        assert!(names.all().is_empty());
    }

    #[test]
    fn a_name_passes_from_one_process_to_another() {
        let mut names = names();
        let (a, b) = (pid("a@h", 1), pid("b@h", 1));
        insert(&mut names, 1, a, a);
        let effects = insert(&mut names, 1, b, a);
        assert_eq!(effects, [Effect::Unwatch(a), Effect::Watch(b)]);
        assert_eq!(names.table.whereis(&1.into()), Some(b));
    }
}
