//! The name server as a pure core: who is known, how two partitions become one, and what is done so that partitions do not overlap. What
//! happens goes in, effects come out, which the shell carries out in order.
//!
//! Its sessions with other nodes are in `session.rs`, what is told of lost connections in `losses.rs`.
//!
//! Source: `global.erl` of OTP 27, whose functions have these names.

mod losses;
mod session;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use kista_etf::{Atom, Pid, Term};

use super::locker::ToLocker;
use super::names::{By, Names};
use super::table::Table;
use super::wire::{Lost, Op, Said};
use session::{Session, Word};

pub(super) struct Core {
    me: Atom,
    locker: Pid,
    /// Which life of this node; a number that no other has.
    life: i64,
    connect_all: bool,
    prevent: bool,
    pub(super) names: Names,
    /// The nodes that have the same names as we, with the version that they speak. 0: not known.
    known: BTreeMap<Atom, i64>,
    /// Those that are on the way to that.
    pending: BTreeMap<Atom, i64>,
    /// Those whose connection is to be closed for the sake of the others, so that its end is nothing to tell.
    removing: BTreeSet<Atom>,
    /// Those of them that wanted it. As long as they are connected they hear of further losses: that of the third node, which is why they
    /// want it, may be noticed here last, and then they must hear of it to leave that one too. (Ours: OTP leaves it to chance.)
    leaving: BTreeSet<Atom>,
    synced: BTreeSet<Atom>,
    sessions: HashMap<Atom, Session>,
    /// Who waits for which nodes to be in sync.
    syncers: HashMap<u64, BTreeSet<Atom>>,
    counter: i64,
    lost: VecDeque<(Lost, Instant)>,
}

/// A name that two partitions have for two processes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Conflict {
    pub(super) name: Term,
    /// Theirs, with its method.
    pub(super) his: (Pid, Term),
    pub(super) mine: (Pid, Term),
}

/// A name that two processes had, of ours and of theirs, whoever decides about it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clash {
    pub(super) name: Term,
    pub(super) mine: Pid,
    pub(super) his: Pid,
}

#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// A cast to the server of a node, if that is connected.
    Cast(Atom, Term),
    /// A plain message to it, likewise.
    Send(Atom, Term),
    Locker(ToLocker),
    /// The end of this process is to be told by [`Core::ended`].
    Watch(Pid),
    Unwatch(Pid),
    /// To be answered by [`Core::decided`], with these decisions and those about the conflicts.
    Resolve {
        node: Atom,
        tag: Term,
        conflicts: Vec<Conflict>,
        ops: Vec<Op>,
    },
    /// What is being resolved for that node is not wanted any more.
    Abandon(Atom),
    /// Connects, and then tells them that we are in sync; who is not reached is told by [`Core::unreached`].
    Join(Atom),
    Disconnect(Atom),
    /// After a moment.
    DisconnectSoon(Atom),
    Answer(Pid, Term, Option<Pid>),
    /// The names are locked; the question is to be asked again later.
    AskLater(Term, Pid, Term),
    Synced(u64),
    Log(&'static str, Atom),
    /// To be logged: who has the name now, if anybody.
    Decided(Clash, Option<Pid>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Down {
    /// The connection is gone, for whatever reason.
    Lost,
    /// It is to be closed.
    Remove,
}

impl Core {
    pub(super) fn new(
        me: Atom,
        locker: Pid,
        life: i64,
        (connect_all, prevent): (bool, bool),
        table: Arc<Table>,
    ) -> Self {
        Self {
            me,
            locker,
            life,
            connect_all,
            prevent,
            names: Names::new(table),
            known: BTreeMap::new(),
            pending: BTreeMap::new(),
            removing: BTreeSet::new(),
            leaving: BTreeSet::new(),
            synced: BTreeSet::new(),
            sessions: HashMap::new(),
            syncers: HashMap::new(),
            counter: 0,
            lost: VecDeque::new(),
        }
    }

    pub(super) fn known(&self) -> Vec<Atom> {
        self.known.keys().copied().collect()
    }

    pub(super) fn synced(&self) -> Vec<Atom> {
        self.synced.iter().copied().collect()
    }

    /// A visible node is connected.
    pub(super) fn node_up(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        if self.connect_all {
            self.greet(node, effects);
        }
    }

    /// The connection to a node is gone.
    pub(super) fn node_down(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        self.in_sync_or_gone(node, effects);
        self.leaving.remove(&node);
        self.down(node, Down::Lost, effects);
    }

    /// A node that another knows could not be reached.
    pub(super) fn unreached(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        effects.push(Effect::Log("failed to connect to", node));
        self.node_down(node, effects);
    }

    fn down(&mut self, node: Atom, how: Down, effects: &mut Vec<Effect>) {
        self.cancel_current(node, effects);
        effects.push(Effect::Locker(ToLocker::Unknown(node)));
        self.reset(node);
        match how {
            Down::Remove => drop(self.removing.insert(node)),
            Down::Lost => {
                if !self.removing.remove(&node) {
                    self.tell_loss(node, effects);
                }
            }
        }
        self.pending.remove(&node);
        self.known.remove(&node);
        self.synced.remove(&node);
    }

    /// Closes the connections to all that are known, of which nobody is told. Who they are.
    pub(super) fn leave(&mut self, effects: &mut Vec<Effect>) -> Vec<Atom> {
        let all: BTreeSet<_> = self
            .known
            .keys()
            .chain(self.pending.keys())
            .copied()
            .collect();
        for node in &all {
            effects.push(Effect::Disconnect(*node));
            self.down(*node, Down::Remove, effects);
        }
        all.into_iter().collect()
    }

    /// What the server of another node said, or a process.
    pub(super) fn said(&mut self, said: Said, now: Instant, effects: &mut Vec<Effect>) {
        match said {
            Said::InitConnect {
                node,
                version,
                tag,
                locker,
            } => self.init_connect(node, version, tag, locker, effects),
            Said::InitConnectAck { node, mine, his } => {
                self.acknowledged(node, &mine, &his, effects)
            }
            Said::CancelConnect { node, tag } => {
                if self.mine(node) == Some(&tag) {
                    self.restart(node, effects);
                }
            }
            Said::LockSet { locker, set, tag } => {
                if tag.is_none() || self.mine(locker.node) == tag.as_ref() {
                    effects.push(Effect::Locker(ToLocker::LockSet { locker, set, tag }));
                }
            }
            Said::Exchange { node, names, tag } => match self.mine(node) == Some(&tag) {
                true => self.exchange(node, names, effects),
                false => self.cancel(node, &tag, Vec::new(), effects),
            },
            Said::Resolved {
                node,
                ops,
                known,
                external,
                tag,
            } => {
                let word = Word {
                    ops,
                    known,
                    external,
                };
                self.resolved(node, &tag, word, effects);
            }
            Said::NewNodes {
                node: _,
                ops,
                external,
                nodes,
                lock,
            } => {
                let added = self.add_known(&nodes, effects);
                self.join(&added, effects);
                self.names.apply(ops, &external, lock.as_ref(), effects);
            }
            Said::InSync { node } => {
                self.in_sync_or_gone(node, effects);
                self.pending.remove(&node);
                self.synced.insert(node);
                self.cancel_current(node, effects);
                self.reset(node);
            }
            Said::LostConnection(lost) => self.lost_connection(lost, now, effects),
            Said::RemoveConnection { node } => {
                if self.is_member(node) {
                    effects.push(Effect::DisconnectSoon(node));
                    self.down(node, Down::Remove, effects);
                    self.leaving.insert(node);
                    effects.push(Effect::Log("disconnected", node));
                }
            }
            Said::Whereis { name, pid, tag } => match self.names.is_locked() {
                true => effects.push(Effect::AskLater(name, pid, tag)),
                false => {
                    let found = self.names.name(&name).map(|named| named.pid);
                    effects.push(Effect::Answer(pid, tag, found));
                }
            },
            Said::Void => {}
        }
    }

    fn join(&mut self, nodes: &[Atom], effects: &mut Vec<Effect>) {
        let others = nodes.iter().filter(|node| **node != self.me);
        effects.extend(others.map(|node| Effect::Join(*node)));
    }

    /// Those that were not known before.
    fn add_known(&mut self, nodes: &[(Atom, i64)], effects: &mut Vec<Effect>) -> Vec<Atom> {
        let mut added = Vec::new();
        for (node, version) in nodes {
            if *node == self.me {
                continue;
            }
            match self.known.get_mut(node) {
                None => {
                    self.known.insert(*node, *version);
                    added.push(*node);
                }
                Some(known) if *known <= 0 => *known = *version,
                Some(_) => {}
            }
        }
        effects.push(Effect::Locker(ToLocker::Known(added.clone())));
        added
    }

    /// A process that has names or locks ended.
    pub(super) fn ended(&mut self, pid: Pid, effects: &mut Vec<Effect>) {
        self.names.ended(pid, effects);
    }

    /// Who calls `{register, Name, Pid, Method}`.
    pub(super) fn register(
        &mut self,
        name: Term,
        pid: Pid,
        method: Term,
        by: Pid,
        effects: &mut Vec<Effect>,
    ) {
        self.names
            .insert(name, pid, method, By::Process(by), effects);
    }

    /// [`Effect::Synced`] follows when these are in sync, or gone.
    pub(super) fn sync(&mut self, id: u64, nodes: Vec<Atom>, effects: &mut Vec<Effect>) {
        let nodes = nodes.into_iter();
        let missing = nodes.filter(|node| *node != self.me && !self.synced.contains(node));
        self.syncers.insert(id, missing.collect());
        self.tell_syncers(effects);
    }

    fn in_sync_or_gone(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        for missing in self.syncers.values_mut() {
            missing.remove(&node);
        }
        self.tell_syncers(effects);
    }

    fn tell_syncers(&mut self, effects: &mut Vec<Effect>) {
        self.syncers.retain(|id, missing| {
            if missing.is_empty() {
                effects.push(Effect::Synced(*id));
            }
            !missing.is_empty()
        });
    }

    fn is_member(&self, node: Atom) -> bool {
        self.known.contains_key(&node) || self.pending.contains_key(&node)
    }

    fn version_of(&self, node: Atom) -> i64 {
        let version = self.known.get(&node).or_else(|| self.pending.get(&node));
        version.copied().unwrap_or(0)
    }

    fn count(&mut self) -> i64 {
        self.counter += 1;
        self.counter
    }
}

#[cfg(test)]
mod tests;
