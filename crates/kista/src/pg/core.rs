//! One node's end of a scope, as a pure core: what happens goes in, effects come out, which the shell carries out in order.
//!
//! Whoever matters to the scope is watched, once, whatever for: as a member of this node, as a peer's scope, as one who gets told of changes.
//! The table that everybody reads is the core's own to write: it is right when a function has returned.

use std::collections::HashMap;
use std::sync::Arc;

use kista_etf::{Atom, Pid, Reference, Term};

use super::change::Change;
use super::table::{Table, subtract};
use super::wire::{Said, Say, Update, What};

pub(super) struct Core {
    scope: Atom,
    table: Arc<Table>,
    /// The members of this node, each with its groups, one as often as it joined.
    members: HashMap<Pid, Vec<Term>>,
    /// The scope's processes on other nodes, with what they said of their own members.
    peers: HashMap<Pid, HashMap<Term, Vec<Pid>>>,
    monitors: HashMap<Reference, Monitor>,
    /// How many monitors each process has.
    monitoring: HashMap<Pid, usize>,
    /// The monitors of single groups; the others are of all.
    by_group: HashMap<Term, Vec<Reference>>,
    of_all: Vec<Reference>,
}

struct Monitor {
    who: Pid,
    /// `None`: all groups.
    group: Option<Term>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// To a peer's scope; only if its node is connected.
    Say(Pid, Say),
    /// To whatever has the scope's name on that node; only if it is connected.
    Greet(Atom),
    /// Its end is to be told by [`Core::ended`].
    Watch(Pid),
    Unwatch(Pid),
    Tell(Pid, Change),
}

impl Core {
    pub(super) fn new(scope: Atom, table: Arc<Table>) -> Self {
        Self {
            scope,
            table,
            members: HashMap::new(),
            peers: HashMap::new(),
            monitors: HashMap::new(),
            monitoring: HashMap::new(),
            by_group: HashMap::new(),
            of_all: Vec::new(),
        }
    }

    pub(super) fn scope(&self) -> Atom {
        self.scope
    }

    /// A visible node is connected.
    pub(super) fn node_up(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        effects.push(Effect::Greet(node));
    }

    /// Processes of this node join.
    pub(super) fn join(&mut self, group: &Term, pids: Vec<Pid>, effects: &mut Vec<Effect>) {
        if pids.is_empty() {
            return;
        }
        for pid in &pids {
            self.watch(*pid, effects);
            self.members.entry(*pid).or_default().push(group.clone());
        }
        self.table.add(group, &pids, true);
        self.say(|| Say::Join(group.clone(), pids.clone()), effects);
        self.tell(true, group, pids, effects);
    }

    /// Processes of this node leave. False: none of them was in the group.
    pub(super) fn leave(&mut self, group: &Term, pids: &[Pid], effects: &mut Vec<Effect>) -> bool {
        let mut left = Vec::new();
        for pid in pids {
            let Some(groups) = self.members.get_mut(pid) else {
                continue;
            };
            let Some(place) = groups.iter().position(|held| held == group) else {
                continue;
            };
            groups.swap_remove(place);
            left.push(*pid);
            if groups.is_empty() {
                self.members.remove(pid);
                self.unwatch(*pid, effects);
            }
        }
        if left.is_empty() {
            return false;
        }
        self.table.remove(group, &left, true);
        self.say(|| Say::Leave(left.clone(), vec![group.clone()]), effects);
        self.tell(false, group, left, effects);
        true
    }

    /// What a peer's scope said.
    pub(super) fn said(&mut self, said: Said, effects: &mut Vec<Effect>) {
        let peer = said.peer;
        match said.what {
            What::Discover => {
                effects.push(Effect::Say(peer, Say::All(self.table.local())));
                if self.meet(peer, effects) {
                    effects.push(Effect::Say(peer, Say::Discover));
                }
            }
            What::All(groups) => {
                self.meet(peer, effects);
                for update in self.difference(peer, groups) {
                    self.update(peer, update, effects);
                }
            }
            // Of one that was not met: what it says in full comes first.
            What::Update(updates) => {
                for update in updates {
                    self.update(peer, update, effects);
                }
            }
        }
    }

    /// A watched process ended, or its node was lost.
    pub(super) fn ended(&mut self, pid: Pid, effects: &mut Vec<Effect>) {
        if let Some(groups) = self.members.remove(&pid) {
            for group in &groups {
                self.table.remove(group, &[pid], true);
            }
            self.say(|| Say::Leave(vec![pid], groups.clone()), effects);
            for group in &groups {
                self.tell(false, group, vec![pid], effects);
            }
        }
        if let Some(groups) = self.peers.remove(&pid) {
            for (group, pids) in groups {
                self.table.remove(&group, &pids, false);
                self.tell(false, &group, pids, effects);
            }
        }
        if self.monitoring.remove(&pid).is_some() {
            let theirs = self.monitors.iter().filter(|(_, m)| m.who == pid);
            let theirs: Vec<_> = theirs.map(|(reference, _)| *reference).collect();
            for reference in theirs {
                self.forget(reference);
            }
        }
    }

    /// `who` is told of changes from now on, in one group or in all, by messages with this reference. Who is in it now.
    pub(super) fn monitor(
        &mut self,
        who: Pid,
        reference: Reference,
        group: Option<Term>,
        effects: &mut Vec<Effect>,
    ) -> Vec<(Term, Vec<Pid>)> {
        self.watch(who, effects);
        *self.monitoring.entry(who).or_default() += 1;
        let now = match &group {
            None => {
                self.of_all.push(reference);
                self.table.all()
            }
            Some(group) => {
                let monitors = self.by_group.entry(group.clone()).or_default();
                monitors.push(reference);
                vec![(group.clone(), self.table.members(group))]
            }
        };
        self.monitors.insert(reference, Monitor { who, group });
        now
    }

    /// False: there is no such monitor.
    pub(super) fn demonitor(&mut self, reference: Reference, effects: &mut Vec<Effect>) -> bool {
        let Some(who) = self.forget(reference) else {
            return false;
        };
        if let Some(times) = self.monitoring.get_mut(&who) {
            *times -= 1;
            if *times == 0 {
                self.monitoring.remove(&who);
                self.unwatch(who, effects);
            }
        }
        true
    }

    /// How many of this node are members; how many peers there are.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.members.len(), self.peers.len())
    }

    /// Whether it was not known before.
    fn meet(&mut self, peer: Pid, effects: &mut Vec<Effect>) -> bool {
        if self.peers.contains_key(&peer) {
            return false;
        }
        self.watch(peer, effects);
        self.peers.insert(peer, HashMap::new());
        true
    }

    /// What changed since the peer last said all.
    fn difference(&self, peer: Pid, groups: Vec<(Term, Vec<Pid>)>) -> Vec<Update> {
        let mut before = self.peers.get(&peer).cloned().unwrap_or_default();
        let mut updates = Vec::new();
        for (group, mut joined) in groups {
            let mut left = before.remove(&group).unwrap_or_default();
            let stay = subtract(&mut left, &joined);
            subtract(&mut joined, &stay);
            updates.push(Update {
                group,
                joined,
                left,
            });
        }
        updates.extend(before.into_iter().map(|(group, left)| Update {
            group,
            joined: Vec::new(),
            left,
        }));
        updates
    }

    fn update(&mut self, peer: Pid, update: Update, effects: &mut Vec<Effect>) {
        let Some(groups) = self.peers.get_mut(&peer) else {
            return;
        };
        let Update {
            group,
            joined,
            left,
        } = update;
        if !joined.is_empty() {
            let held = groups.entry(group.clone()).or_default();
            held.extend_from_slice(&joined);
            self.table.add(&group, &joined, false);
        }
        let mut gone = Vec::new();
        if let Some(held) = groups.get_mut(&group) {
            gone = subtract(held, &left);
            if held.is_empty() {
                groups.remove(&group);
            }
            self.table.remove(&group, &gone, false);
        }
        self.tell(true, &group, joined, effects);
        self.tell(false, &group, gone, effects);
    }

    fn say(&self, say: impl Fn() -> Say, effects: &mut Vec<Effect>) {
        effects.extend(self.peers.keys().map(|peer| Effect::Say(*peer, say())));
    }

    fn tell(&self, joined: bool, group: &Term, pids: Vec<Pid>, effects: &mut Vec<Effect>) {
        if pids.is_empty() || self.monitors.is_empty() {
            return;
        }
        let of_group = self.by_group.get(group).into_iter().flatten();
        for reference in self.of_all.iter().chain(of_group) {
            if let Some(monitor) = self.monitors.get(reference) {
                let change = Change {
                    reference: *reference,
                    joined,
                    group: group.clone(),
                    pids: pids.clone(),
                };
                effects.push(Effect::Tell(monitor.who, change));
            }
        }
    }

    fn forget(&mut self, reference: Reference) -> Option<Pid> {
        let Monitor { who, group } = self.monitors.remove(&reference)?;
        match group {
            None => self.of_all.retain(|other| *other != reference),
            Some(group) => {
                if let Some(monitors) = self.by_group.get_mut(&group) {
                    monitors.retain(|other| *other != reference);
                    if monitors.is_empty() {
                        self.by_group.remove(&group);
                    }
                }
            }
        }
        Some(who)
    }

    /// Before it gets a part to play.
    fn watch(&self, pid: Pid, effects: &mut Vec<Effect>) {
        if !self.plays(pid) {
            effects.push(Effect::Watch(pid));
        }
    }

    /// After it gave one up.
    fn unwatch(&self, pid: Pid, effects: &mut Vec<Effect>) {
        if !self.plays(pid) {
            effects.push(Effect::Unwatch(pid));
        }
    }

    fn plays(&self, pid: Pid) -> bool {
        self.members.contains_key(&pid)
            || self.peers.contains_key(&pid)
            || self.monitoring.contains_key(&pid)
    }
}

#[cfg(test)]
mod tests;
