use std::collections::HashMap;

use kista_etf::{Pid, Term};
use parking_lot::RwLock;

/// Who is in which group: written by the scope's process only, read by everybody on the node.
#[derive(Debug, Default)]
pub(super) struct Table(RwLock<HashMap<Term, Members>>);

#[derive(Debug, Default)]
struct Members {
    /// Of all nodes, in the order in which they came.
    all: Vec<Pid>,
    /// Those of this node.
    local: Vec<Pid>,
}

impl Table {
    pub(super) fn members(&self, group: &Term) -> Vec<Pid> {
        self.read(group, |members| members.all.clone())
    }

    pub(super) fn local_members(&self, group: &Term) -> Vec<Pid> {
        self.read(group, |members| members.local.clone())
    }

    fn read(&self, group: &Term, look: impl FnOnce(&Members) -> Vec<Pid>) -> Vec<Pid> {
        self.0.read().get(group).map_or_else(Vec::new, look)
    }

    pub(super) fn groups(&self) -> Vec<Term> {
        self.0.read().keys().cloned().collect()
    }

    pub(super) fn local_groups(&self) -> Vec<Term> {
        let groups = self.0.read();
        let local = groups.iter().filter(|(_, m)| !m.local.is_empty());
        local.map(|(group, _)| group.clone()).collect()
    }

    /// Every group with all its members.
    pub(super) fn all(&self) -> Vec<(Term, Vec<Pid>)> {
        let groups = self.0.read();
        let all = groups
            .iter()
            .map(|(group, m)| (group.clone(), m.all.clone()));
        all.collect()
    }

    /// Every group that has members of this node, with those.
    pub(super) fn local(&self) -> Vec<(Term, Vec<Pid>)> {
        let groups = self.0.read();
        let local = groups.iter().filter(|(_, m)| !m.local.is_empty());
        local
            .map(|(group, m)| (group.clone(), m.local.clone()))
            .collect()
    }

    pub(super) fn add(&self, group: &Term, pids: &[Pid], local: bool) {
        if pids.is_empty() {
            return;
        }
        let mut groups = self.0.write();
        let members = match groups.get_mut(group) {
            Some(members) => members,
            None => groups.entry(group.clone()).or_default(),
        };
        members.all.extend_from_slice(pids);
        if local {
            members.local.extend_from_slice(pids);
        }
    }

    pub(super) fn remove(&self, group: &Term, pids: &[Pid], local: bool) {
        let mut groups = self.0.write();
        let Some(members) = groups.get_mut(group) else {
            return;
        };
        subtract(&mut members.all, pids);
        if local {
            subtract(&mut members.local, pids);
        }
        if members.all.is_empty() {
            groups.remove(group);
        }
    }

    pub(super) fn clear(&self) {
        *self.0.write() = HashMap::new();
    }
}

/// Takes each of these out once: `From -- Pids`. What was taken out.
pub(super) fn subtract(from: &mut Vec<Pid>, pids: &[Pid]) -> Vec<Pid> {
    // The usual one is not worth a table.
    if let [pid] = pids {
        return match from.iter().position(|held| held == pid) {
            Some(place) => vec![from.remove(place)],
            None => Vec::new(),
        };
    }
    let mut wanted: HashMap<Pid, usize> = HashMap::new();
    for pid in pids {
        *wanted.entry(*pid).or_default() += 1;
    }
    let mut taken = Vec::new();
    from.retain(|pid| match wanted.get_mut(pid) {
        Some(times) if *times > 0 => {
            *times -= 1;
            taken.push(*pid);
            false
        }
        _ => true,
    });
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use kista_etf::Atom;

    fn pid(id: u32) -> Pid {
        Pid {
            node: Atom::from_static("a@h"),
            id,
            serial: 0,
            creation: 4,
        }
    }

    #[test]
    fn each_is_taken_out_once_for_each_time_it_is_named() {
        let mut from = vec![pid(1), pid(2), pid(1), pid(3), pid(1)];
        assert_eq!(
            subtract(&mut from, &[pid(1), pid(4), pid(1)]),
            [pid(1), pid(1)]
        );
        assert_eq!(from, [pid(2), pid(3), pid(1)]);
        assert_eq!(subtract(&mut from, &[pid(1)]), [pid(1)]);
        assert_eq!(subtract(&mut from, &[pid(1)]), []);
        assert_eq!(subtract(&mut from, &[]), []);
        assert_eq!(from, [pid(2), pid(3)]);
    }

    #[test]
    fn an_empty_group_is_none() {
        let table = Table::default();
        let group = Term::from(1);
        table.add(&group, &[], true);
        assert!(table.groups().is_empty());
        table.add(&group, &[pid(1)], true);
        table.add(&group, &[pid(2)], false);
        assert_eq!(table.local_members(&group), [pid(1)]);
        table.remove(&group, &[pid(1)], true);
        assert!(table.local_groups().is_empty());
        assert_eq!(table.groups(), vec![group.clone()]);
        table.remove(&group, &[pid(2)], false);
        assert!(table.groups().is_empty());
        table.remove(&group, &[pid(2)], false);
    }
}
