//! Sessions: how two partitions become one.
//!
//! A session with a node, from its `nodeup` on, goes so on both sides:
//!
//! 1. *Greeting.* `init_connect` with a new tag of one's own. Who got the other's answers with `init_connect_ack`, and hands it to the
//!    locker. A tag that does not fit ends the session: `cancel_connect`, and all from the beginning.
//! 2. *Locking.* The lockers of both sides lock both partitions ([`locker`](crate::global::locker)); [`Core::lock_is_set`].
//! 3. *Exchange.* Each tells all its names (`exchange`), and says what it makes of the other's: who is new, and for a name that both have, what
//!    its method says. That one is asked by the node with the lesser name only. [`Core::decided`].
//! 4. *Resolved.* Each tells its decisions with the nodes that it knows, and does what both decided. It tells those that it knew (`new_nodes`),
//!    connects to those that the other knew, and tells them `in_sync`. The lockers give the locks back.
//!
//! Source: `global.erl` of OTP 27, whose functions have these names.

use kista_etf::{Atom, Pid, Term};

use super::{Clash, Conflict, Core, Effect};
use crate::global::locker::ToLocker;
use crate::global::wire::{Op, VERSION, say};

#[derive(Default)]
pub(super) struct Session {
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
pub(super) struct Word {
    pub(super) ops: Vec<Op>,
    pub(super) known: Vec<(Atom, i64)>,
    pub(super) external: Vec<(Term, Pid, Atom)>,
}

impl Core {
    pub(super) fn greet(&mut self, node: Atom, effects: &mut Vec<Effect>) {
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

    pub(super) fn init_connect(
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

    pub(super) fn acknowledged(
        &mut self,
        node: Atom,
        mine: &Term,
        his: &Term,
        effects: &mut Vec<Effect>,
    ) {
        let session = self.session(node);
        if session.mine.as_ref() == Some(mine) && session.his.as_ref() == Some(his) {
            return;
        }
        effects.push(Effect::Send(node, say::cancel_connect(self.me, his)));
        self.restart(node, effects);
    }

    pub(super) fn restart(&mut self, node: Atom, effects: &mut Vec<Effect>) {
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
    pub(in crate::global) fn lock_is_set(
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

    pub(super) fn exchange(
        &mut self,
        node: Atom,
        names: Vec<(Term, Pid, Term)>,
        effects: &mut Vec<Effect>,
    ) {
        let session = self.session(node);
        match std::mem::take(&mut session.exchange) {
            Exchange::Locked => self.resolve(node, names, effects),
            Exchange::Neither | Exchange::Names(_) => session.exchange = Exchange::Names(names),
        }
    }

    pub(super) fn resolve(
        &mut self,
        node: Atom,
        names: Vec<(Term, Pid, Term)>,
        effects: &mut Vec<Effect>,
    ) {
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
    pub(in crate::global) fn decided(
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

    /// What the other decided.
    pub(super) fn resolved(
        &mut self,
        node: Atom,
        tag: &Term,
        word: Word,
        effects: &mut Vec<Effect>,
    ) {
        if self.mine(node) != Some(tag) {
            return self.cancel(node, tag, Vec::new(), effects);
        }
        self.session(node).his_word = Some(word);
        self.agree(node, effects);
    }

    /// Both have said what they decided: it is done.
    pub(super) fn agree(&mut self, node: Atom, effects: &mut Vec<Effect>) {
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

    pub(super) fn finish(
        &mut self,
        node: Atom,
        tell: Vec<(Atom, Term)>,
        effects: &mut Vec<Effect>,
    ) {
        self.pending.remove(&node);
        if let Some(tag) = self.mine(node).cloned() {
            self.cancel(node, &tag, tell, effects);
        }
        self.reset(node);
    }

    pub(super) fn cancel_current(&mut self, node: Atom, effects: &mut Vec<Effect>) {
        if let Some(tag) = self.mine(node).cloned() {
            self.cancel(node, &tag, Vec::new(), effects);
        }
    }

    /// Ends the session of this tag at the locker, which tells others before it lets go.
    pub(super) fn cancel(
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

    pub(super) fn reset(&mut self, node: Atom) {
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

    pub(super) fn session(&mut self, node: Atom) -> &mut Session {
        self.sessions.entry(node).or_default()
    }

    pub(super) fn mine(&self, node: Atom) -> Option<&Term> {
        self.sessions.get(&node)?.mine.as_ref()
    }
}
