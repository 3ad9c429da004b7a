use std::collections::HashMap;
use std::time::Duration;

use kista_etf::Pid;
use rustc_hash::FxHashMap;

use super::child::{ChildId, Policy, Restart};

/// A child as long as the supervisor knows it, also through its restarts; never given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(pub(super) u64);

/// What the core knows of a child.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// `None` for the children of a `simple_one_for_one`.
    pub(super) id: Option<ChildId>,
    pub(super) policy: Policy,
    pub(super) state: ChildState,
    /// Restarts since it last lived for long; counted only for a back-off.
    attempts: u32,
    /// How often it was started.
    starts: u32,
    /// When it was started, in milliseconds.
    since: u64,
}

impl Record {
    /// Restarts since it last lived for long.
    pub(super) const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How often it was started again.
    pub(super) const fn restarts(&self) -> u32 {
        self.starts.saturating_sub(1)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChildState {
    /// No process: not started, ended for good, or terminated on request.
    Down,
    Running(Pid),
    /// It ended, and is yet to be started again. The process it was; the number of the restart that is to come.
    Restarting(Option<Pid>, u64),
}

/// The children in the order of their starts, found by key, id and pid. Everything but a walk takes the same time however many
/// there are.
#[derive(Default)]
pub(super) struct Children {
    entries: FxHashMap<Key, Entry>,
    first: Option<Key>,
    last: Option<Key>,
    keys: u64,
    /// Ids can come from other nodes, so the hash is one that they cannot aim at.
    by_id: HashMap<ChildId, Key>,
    /// Of those that run, and of those of a `simple_one_for_one` that are restarting.
    by_pid: HashMap<Pid, Key>,
    /// How many that are significant are not down.
    significant: usize,
    restarting: usize,
    running: usize,
}

struct Entry {
    record: Record,
    before: Option<Key>,
    after: Option<Key>,
}

impl Children {
    /// Adds a child behind all others.
    pub(super) fn push(&mut self, id: Option<ChildId>, policy: Policy) -> Key {
        looked();
        let key = Key(self.keys);
        self.keys += 1;
        if let Some(id) = &id {
            self.by_id.insert(id.clone(), key);
        }
        let record = Record {
            id,
            policy,
            state: ChildState::Down,
            attempts: 0,
            starts: 0,
            since: 0,
        };
        let before = self.last.replace(key);
        match before {
            Some(before) => self.entry(before).after = Some(key),
            None => self.first = Some(key),
        }
        self.entries.insert(
            key,
            Entry {
                record,
                before,
                after: None,
            },
        );
        key
    }

    pub(super) fn remove(&mut self, key: Key) {
        self.set_state(key, ChildState::Down);
        looked();
        let Some(entry) = self.entries.remove(&key) else {
            return;
        };
        if let Some(id) = &entry.record.id {
            self.by_id.remove(id);
        }
        match entry.before {
            Some(before) => self.entry(before).after = entry.after,
            None => self.first = entry.after,
        }
        match entry.after {
            Some(after) => self.entry(after).before = entry.before,
            None => self.last = entry.before,
        }
    }

    /// It is gone for now: a temporary child, and one without an id, for good.
    pub(super) fn remove_or_keep(&mut self, key: Key) -> bool {
        let Some(record) = self.get(key) else {
            return false;
        };
        let for_good = record.id.is_none() || record.policy.restart == Restart::Temporary;
        match for_good {
            true => self.remove(key),
            false => self.set_state(key, ChildState::Down),
        }
        for_good
    }

    pub(super) fn set_state(&mut self, key: Key, state: ChildState) {
        looked();
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let was = std::mem::replace(&mut entry.record.state, state);
        let significant = entry.record.policy.significant;
        self.count(was, significant, |n| *n -= 1);
        self.count(state, significant, |n| *n += 1);
        if let ChildState::Running(pid) | ChildState::Restarting(Some(pid), _) = was {
            self.by_pid.remove(&pid);
        }
        if let ChildState::Running(pid) | ChildState::Restarting(Some(pid), _) = state {
            self.by_pid.insert(pid, key);
        }
    }

    fn count(&mut self, state: ChildState, significant: bool, change: impl Fn(&mut usize)) {
        match state {
            ChildState::Down => return,
            ChildState::Running(_) => change(&mut self.running),
            ChildState::Restarting(..) => change(&mut self.restarting),
        }
        if significant {
            change(&mut self.significant);
        }
    }

    /// It runs from now on.
    pub(super) fn started(&mut self, key: Key, pid: Pid, now: Duration) {
        self.set_state(key, ChildState::Running(pid));
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.record.starts = entry.record.starts.saturating_add(1);
            entry.record.since = millis(now);
        }
    }

    /// The child is restarted: how many restarts came before this one since it last lived for so long. One that waits for its
    /// restart, or could not be started, does not live.
    pub(super) fn attempt(&mut self, key: Key, now: Duration, long: Duration) -> u32 {
        let Some(entry) = self.entries.get_mut(&key) else {
            return 0;
        };
        let record = &mut entry.record;
        let lived = matches!(record.state, ChildState::Running(_));
        if lived && millis(now).saturating_sub(record.since) > millis(long) {
            record.attempts = 0;
        }
        let before = record.attempts;
        record.attempts = before.saturating_add(1);
        before
    }

    pub(super) fn get(&self, key: Key) -> Option<&Record> {
        looked();
        self.entries.get(&key).map(|entry| &entry.record)
    }

    pub(super) fn by_id(&self, id: &ChildId) -> Option<Key> {
        self.by_id.get(id).copied()
    }

    pub(super) fn by_pid(&self, pid: Pid) -> Option<Key> {
        self.by_pid.get(&pid).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn running(&self) -> usize {
        self.running
    }

    pub(super) fn significant(&self) -> usize {
        self.significant
    }

    /// From this child on (or the first), in the order of the starts.
    pub(super) fn from(&self, key: Option<Key>) -> impl Iterator<Item = Key> + '_ {
        let first = key.filter(|key| self.entries.contains_key(key));
        std::iter::successors(first.or(self.first), |key| self.next(*key).after)
    }

    /// The other way round: the order in which children are stopped and listed.
    pub(super) fn reversed(&self) -> impl Iterator<Item = Key> + '_ {
        std::iter::successors(self.last, |key| self.next(*key).before)
    }

    fn next(&self, key: Key) -> &Entry {
        looked();
        &self.entries[&key]
    }

    fn entry(&mut self, key: Key) -> &mut Entry {
        looked();
        self.entries
            .get_mut(&key)
            .expect("its neighbours know a child that is there")
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Counts how often children were looked at: what an act costs, whatever the machine.
#[inline]
fn looked() {
    #[cfg(test)]
    LOOKS.set(LOOKS.get() + 1);
}

#[cfg(test)]
thread_local! {
    pub(super) static LOOKS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(children: &Children) -> Vec<u64> {
        let there: Vec<u64> = children.from(None).map(|key| key.0).collect();
        let mut back: Vec<u64> = children.reversed().map(|key| key.0).collect();
        back.reverse();
        assert_eq!(there, back);
        there
    }

    #[test]
    fn removing_first_last_and_middle_keeps_the_order_of_the_others() {
        let mut children = Children::default();
        let keys: Vec<Key> = (0..5)
            .map(|n| children.push(Some(ChildId::from(n)), Policy::default()))
            .collect();
        for (gone, left) in [(2, vec![0, 1, 3, 4]), (0, vec![1, 3, 4]), (4, vec![1, 3])] {
            children.remove(keys[gone]);
            assert_eq!(order(&children), left);
            assert_eq!(children.by_id(&ChildId::from(gone as i64)), None);
        }
        let again = children.push(Some(ChildId::from(2)), Policy::default());
        assert_eq!(order(&children), [1, 3, 5]);
        assert_eq!(children.by_id(&ChildId::from(2)), Some(again));
        children.remove(keys[2]);
        assert_eq!(order(&children), [1, 3, 5], "an old key finds nothing");
    }
}
