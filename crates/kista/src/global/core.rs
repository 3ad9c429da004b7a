//! The name server as a pure core: who is known, how two partitions become one, and what is done so that partitions do not overlap. What
//! happens goes in, effects come out, which the shell carries out in order.
//!
//! A session with a node, from its `nodeup` on, goes so on both sides:
//!
//! 1. *Greeting.* `init_connect` with a new tag of one's own. Who got the other's answers with `init_connect_ack`, and hands it to the
//!    locker. A tag that does not fit ends the session: `cancel_connect`, and all from the beginning.
//! 2. *Locking.* The lockers of both sides lock both partitions ([`locker`](super::locker)); [`Core::lock_is_set`].
//! 3. *Exchange.* Each tells all its names (`exchange`), and says what it makes of the other's: who is new, and for a name that both have, what
//!    its method says. That one is asked by the node with the lesser name only. [`Core::decided`].
//! 4. *Resolved.* Each tells its decisions with the nodes that it knows, and does what both decided. It tells those that it knew (`new_nodes`),
//!    connects to those that the other knew, and tells them `in_sync`. The lockers give the locks back.
//!
//! Source: `global.erl` of OTP 27, whose functions have these names.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kista_etf::{Atom, Pid, Term};

use super::locker::ToLocker;
use super::names::{By, Names};
use super::table::Table;
use super::wire::{Lost, Op, Said, VERSION, say};

/// How long a lost connection is remembered, as in OTP, and how many at most.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);
const MOST_REMEMBERED: usize = 10_000;

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

#[derive(Default)]
struct Session {
    /// The tag of the session for which names may be resolved.
    resolver: Option<Term>,
    mine: Option<Term>,
    his: Option<Term>,
    version: i64,
    /// The requester of the lock on both partitions.
    lock: Option<Term>,
    /// What came before its `nodeup`.
    early: Option<(i64, Term, Pid)>,
    exchange: Exchange,
    /// To be told when it is decided, whoever does.
    clashes: Vec<Clash>,
    decided: Option<Vec<Op>>,
    his_word: Option<Word>,
}

/// Both must be there: the lock, and the other's names.
#[derive(Default)]
enum Exchange {
    #[default]
    Neither,
    Locked,
    Names(Vec<(Term, Pid, Term)>),
}

/// The other's `resolved`.
struct Word {
    ops: Vec<Op>,
    known: Vec<(Atom, i64)>,
    external: Vec<(Term, Pid, Atom)>,
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

    fn greet(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        let under_way = self
            .sessions
            .get(&node)
            .is_some_and(|s| s.resolver.is_some());
        if under_way || self.known.contains_key(&node) {
            return;
        }
        let mine = Term::from(self.count());
        let session = self.sessions.entry(node).or_default();
        session.mine = Some(mine.clone());
        session.resolver = Some(mine.clone());
        let early = session.early.take();
        let known: Vec<_> = self.known.iter().map(|(n, v)| (*n, *v)).collect();
        let greeting = say::init_connect(self.me, &mine, &known, self.locker);
        effects.push(Effect::Cast(node, greeting));
        if let Some((version, tag, locker)) = early {
            self.init_connect(node, version, tag, locker, effects);
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

    fn tell_loss(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        if self.connect_all && self.prevent {
            let lost = Lost {
                a: self.me,
                life: self.life.into(),
                number: self.count(),
                b: node,
            };
            self.multicast(&lost, node, effects);
        }
    }

    fn multicast(&self, lost: &Lost, but: Atom, effects: &mut Vec<Effect>) {
        let members = self.known.iter().chain(&self.pending);
        let members = members.filter(|(_, version)| **version >= 7);
        let to = members.map(|(node, _)| node).chain(&self.leaving);
        let to = to.filter(|node| **node != but);
        effects.extend(to.map(|node| Effect::Send(*node, say::lost_connection(lost))));
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
                if self.mine(node) != Some(&tag) {
                    return self.cancel(node, &tag, Vec::new(), effects);
                }
                let word = Word {
                    ops,
                    known,
                    external,
                };
                self.session(node).his_word = Some(word);
                self.agree(node, effects);
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

    fn init_connect(
        &mut self,
        node: Atom,
        version: i64,
        tag: Term,
        locker: Pid,
        effects: &mut Vec<Effect>,
    ) {
        if self.pending.contains_key(&node) {
            // It began anew, of which the end of the former session should have told us.
            if version < 8 {
                effects.push(Effect::Disconnect(node));
                effects.push(Effect::Log(
                    "got an attempt out of sync, and disconnects from",
                    node,
                ));
                return;
            }
            effects.push(Effect::Send(node, say::cancel_connect(self.me, &tag)));
            return self.restart(node, effects);
        }
        let me = self.me;
        let session = self.session(node);
        session.version = version.min(VERSION);
        session.his = Some(tag.clone());
        let Some(mine) = session.mine.clone().filter(|_| session.resolver.is_some()) else {
            session.early = Some((version, tag, locker));
            return;
        };
        let spoken = session.version;
        if version >= 8 {
            effects.push(Effect::Send(node, say::init_connect_ack(me, &tag, &mine)));
        }
        effects.push(Effect::Locker(ToLocker::Met {
            locker,
            version: spoken,
            his: tag,
            mine,
        }));
        self.pending.insert(node, version);
    }

    fn acknowledged(&mut self, node: Atom, mine: &Term, his: &Term, effects: &mut Vec<Effect>) {
        let session = self.session(node);
        if session.mine.as_ref() == Some(mine) && session.his.as_ref() == Some(his) {
            return;
        }
        effects.push(Effect::Send(node, say::cancel_connect(self.me, his)));
        self.restart(node, effects);
    }

    fn restart(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        let had = self.mine(node).is_some();
        self.cancel_current(node, effects);
        self.reset(node);
        self.pending.remove(&node);
        self.names.forget_node(node, effects);
        if had {
            self.greet(node, effects);
        }
    }

    /// Our locker: both partitions are locked.
    pub(super) fn lock_is_set(
        &mut self,
        node: Atom,
        mine: &Term,
        requester: Term,
        effects: &mut Vec<Effect>,
    ) {
        if self.mine(node) != Some(mine) {
            return self.cancel(node, mine, Vec::new(), effects);
        }
        let names = self.names.all().into_iter();
        let names = names.map(|(name, named)| (name, named.pid, named.method));
        let session = self.sessions.entry(node).or_default();
        session.lock = Some(requester);
        let his = session.his.clone().unwrap_or(Term::NIL);
        effects.push(Effect::Cast(node, say::exchange(self.me, names, &his)));
        match std::mem::take(&mut session.exchange) {
            Exchange::Names(names) => self.resolve(node, names, effects),
            Exchange::Neither | Exchange::Locked => session.exchange = Exchange::Locked,
        }
    }

    fn exchange(&mut self, node: Atom, names: Vec<(Term, Pid, Term)>, effects: &mut Vec<Effect>) {
        let session = self.session(node);
        match std::mem::take(&mut session.exchange) {
            Exchange::Locked => self.resolve(node, names, effects),
            Exchange::Neither | Exchange::Names(_) => session.exchange = Exchange::Names(names),
        }
    }

    fn resolve(&mut self, node: Atom, names: Vec<(Term, Pid, Term)>, effects: &mut Vec<Effect>) {
        let Some(tag) = self.mine(node).cloned() else {
            return;
        };
        let (mut conflicts, mut ops, mut clashes) = (Vec::new(), Vec::new(), Vec::new());
        for (name, pid, method) in names {
            let mine = match self.names.name(&name) {
                None => {
                    ops.push(Op::Insert(name, pid, method));
                    continue;
                }
                Some(mine) if mine.pid == pid => continue,
                Some(mine) => mine,
            };
            clashes.push(Clash {
                name: name.clone(),
                mine: mine.pid,
                his: pid,
            });
            // Else the other one decides, and tells.
            if self.me < node {
                conflicts.push(Conflict {
                    name,
                    his: (pid, method),
                    mine: (mine.pid, mine.method),
                });
            }
        }
        self.session(node).clashes = clashes;
        effects.push(Effect::Resolve {
            node,
            tag,
            conflicts,
            ops,
        });
    }

    /// What is to become of the other's names here, and of ours there.
    pub(super) fn decided(
        &mut self,
        node: Atom,
        tag: &Term,
        here: Vec<Op>,
        there: &[Op],
        effects: &mut Vec<Effect>,
    ) {
        if self.mine(node) != Some(tag) {
            return self.cancel(node, tag, Vec::new(), effects);
        }
        let known: Vec<_> = self.known.iter().map(|(n, v)| (*n, *v)).collect();
        let external = self.names.external();
        let session = self.sessions.entry(node).or_default();
        let his = session.his.clone().unwrap_or(Term::NIL);
        let resolved = say::resolved(self.me, there, &known, &external, &his, session.version);
        effects.push(Effect::Cast(node, resolved));
        session.decided = Some(here);
        self.agree(node, effects);
    }

    /// Both have said what they decided: it is done.
    fn agree(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        let session = self.session(node);
        let Some(mut ops) = session.decided.take() else {
            return;
        };
        let Some(word) = session.his_word.take() else {
            session.decided = Some(ops);
            return;
        };
        let (lock, version) = (session.lock.clone(), session.version);
        let clashes = std::mem::take(&mut session.clashes);
        ops.extend(word.ops);
        let theirs: Vec<_> = word.known.iter().map(|(node, _)| *node).collect();
        let mut new = vec![(node, version)];
        new.extend(word.known);
        for (node, version) in &mut new {
            if *version == 0 {
                *version = self.version_of(*node);
            }
        }
        self.join(&theirs, effects);
        let external = word.external;
        self.names
            .apply(ops.clone(), &external, lock.as_ref(), effects);
        effects.extend(clashes.into_iter().map(|clash| {
            let now = self.names.name(&clash.name).map(|named| named.pid);
            Effect::Decided(clash, now)
        }));
        self.in_sync_or_gone(node, effects);
        for node in theirs {
            self.finish(node, Vec::new(), effects);
        }
        // Told by the locker before it gives the locks back.
        let tell = self.known.iter().map(|(to, version)| {
            let lock = lock.as_ref();
            let message = say::new_nodes(self.me, &ops, &external, &new, lock, *version);
            (*to, message)
        });
        let tell = tell.collect();
        self.finish(node, tell, effects);
        self.add_known(&new, effects);
        self.synced.insert(node);
    }

    fn finish(&mut self, node: Atom, tell: Vec<(Atom, Term)>, effects: &mut Vec<Effect>) {
        self.pending.remove(&node);
        if let Some(tag) = self.mine(node).cloned() {
            self.cancel(node, &tag, tell, effects);
        }
        self.reset(node);
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

    fn lost_connection(&mut self, lost: Lost, now: Instant, effects: &mut Vec<Effect>) {
        if !(self.connect_all && self.prevent) {
            return;
        }
        self.lost
            .retain(|(_, at)| now.saturating_duration_since(*at) < REMEMBERED);
        let before = self
            .lost
            .iter()
            .position(|(l, _)| (l.a, l.b) == (lost.a, lost.b));
        if let Some(place) = before {
            let (old, _) = &self.lost[place];
            if old.life == lost.life && lost.number <= old.number {
                return;
            }
            self.lost.remove(place);
        }
        self.multicast(&lost, lost.a, effects);
        if self.lost.len() >= MOST_REMEMBERED {
            self.lost.pop_front();
        }
        let ours = self.me == lost.b;
        let remove = match ours {
            true => lost.a,
            false => lost.b,
        };
        self.lost.push_back((lost, now));
        if !self.is_member(remove) {
            return;
        }
        if ours {
            // It is our loss as well, and will not be told when it is noticed here. (Ours: OTP tells it only if it is noticed before.)
            self.tell_loss(remove, effects);
        }
        match self.version_of(remove) < 7 {
            true => effects.push(Effect::Disconnect(remove)),
            false => effects.push(Effect::Send(remove, say::remove_connection(self.me))),
        }
        effects.push(Effect::Log("requested disconnect from", remove));
        self.down(remove, Down::Remove, effects);
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

    fn cancel_current(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        if let Some(tag) = self.mine(node).cloned() {
            self.cancel(node, &tag, Vec::new(), effects);
        }
    }

    /// Ends the session of this tag at the locker, which tells others before it lets go.
    fn cancel(
        &mut self,
        node: Atom,
        tag: &Term,
        tell: Vec<(Atom, Term)>,
        effects: &mut Vec<Effect>,
    ) {
        effects.push(Effect::Locker(ToLocker::Cancel {
            node,
            mine: tag.clone(),
            tell,
        }));
        let Some(session) = self.sessions.get_mut(&node) else {
            return;
        };
        let of_peer = self.pending.get(&node).is_some_and(|version| *version >= 8);
        if of_peer && session.mine.as_ref() == Some(tag) {
            let his = session.his.clone().unwrap_or(Term::NIL);
            effects.push(Effect::Send(node, say::cancel_connect(self.me, &his)));
        }
        if session.resolver.as_ref() == Some(tag) {
            session.resolver = None;
            effects.push(Effect::Abandon(node));
        }
    }

    fn reset(&mut self, node: Atom) {
        if let Some(session) = self.sessions.remove(&node)
            && session.resolver.is_some()
        {
            let resolver = session.resolver;
            let session = Session {
                resolver,
                ..Session::default()
            };
            self.sessions.insert(node, session);
        }
    }

    fn session(&mut self, node: Atom) -> &mut Session {
        self.sessions.entry(node).or_default()
    }

    fn mine(&self, node: Atom) -> Option<&Term> {
        self.sessions.get(&node)?.mine.as_ref()
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
