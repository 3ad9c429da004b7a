//! The locker: a process that locks our partition and another's, so that nobody but the two servers changes names while they become one.
//!
//! Rules:
//! 1. It works on one other node at a time: one that it chose, or one whose locker asked for it.
//! 2. It locks the boss first, the greatest name of the partition, so that of two who want the same one gets nothing at once; then this node
//!    and the other one; then the rest. A lock that is refused takes back those that were set.
//! 3. The lock is named after both lockers, so that both sides may hold it.
//! 4. It holds the locks until the server says that the session is over, tells others what the server wants them to know, and lets go of the
//!    boss last.
//! 5. Before a try it waits, the longer the more nodes there are; not when it just had a success and others wait already.
//!
//! Source: `loop_the_locker` and what it calls, in `global.erl`.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use kista_etf::{Atom, Pid, Term};
use tokio::sync::mpsc::UnboundedReceiver;

use super::server::{Msg, SERVER};
use super::table::Table;
use super::wire::say;
use crate::gen_server::Address;
use crate::node::Node;
use crate::plain::ProcessCx;
use crate::process::{Dest, Info};

/// What the server tells the locker.
#[derive(Debug, PartialEq)]
pub(super) enum ToLocker {
    /// A node whose partition is to be locked together with ours.
    Met {
        locker: Pid,
        version: i64,
        his: Term,
        mine: Term,
    },
    /// The session of this tag is over. These are to be told so before the locks are given back.
    Cancel {
        node: Atom,
        mine: Term,
        tell: Vec<(Atom, Term)>,
    },
    /// What the other's locker says of its side.
    LockSet {
        locker: Pid,
        set: bool,
        tag: Option<Term>,
    },
    Known(Vec<Atom>),
    Unknown(Atom),
}

/// Another node's locker.
#[derive(Clone, Debug, PartialEq)]
struct Him {
    locker: Pid,
    version: i64,
    his: Term,
    mine: Term,
}

pub(super) struct Locker {
    inbox: Inbox,
    server: Address<Msg>,
    table: Arc<Table>,
    /// On this host, and elsewhere: the near ones come first.
    near: Vec<Him>,
    far: Vec<Him>,
    known: Vec<Atom>,
    pace: Pace,
}

/// How long it waits for messages before the next try.
#[derive(Default)]
struct Pace {
    /// The last thing done was a success: there is no reason to wait.
    just_synced: bool,
}

struct Inbox {
    /// The process: a refusal of one that knows no tag of ours comes straight to its pid.
    cx: ProcessCx,
    from: UnboundedReceiver<ToLocker>,
    /// What came while something else was waited for.
    later: VecDeque<ToLocker>,
}

impl Locker {
    pub(super) fn new(
        cx: ProcessCx,
        from: UnboundedReceiver<ToLocker>,
        server: Address<Msg>,
        table: Arc<Table>,
    ) -> Self {
        let inbox = Inbox {
            cx,
            from,
            later: VecDeque::new(),
        };
        Self {
            inbox,
            server,
            table,
            near: Vec::new(),
            far: Vec::new(),
            known: Vec::new(),
            pace: Pace::default(),
        }
    }

    /// Until the server is gone.
    pub(super) async fn run(mut self) {
        loop {
            let message = match self.inbox.now() {
                Some(message) => Some(message),
                None => {
                    let waiting = self.near.len() + self.far.len();
                    match self.pace.pause(waiting, self.known.len()) {
                        None => match self.inbox.next().await {
                            Some(message) => Some(message),
                            None => return,
                        },
                        Some(pause) => match tokio::time::timeout(pause, self.inbox.next()).await {
                            Ok(Some(message)) => Some(message),
                            Ok(None) => return,
                            Err(_) => None,
                        },
                    }
                }
            };
            match message {
                Some(message) => self.take(message).await,
                None if self.table.is_locked(&global()) => {}
                None => self.choose().await,
            }
        }
    }

    async fn take(&mut self, message: ToLocker) {
        match message {
            ToLocker::Met {
                locker,
                version,
                his,
                mine,
            } => {
                let near = self.is_near(locker.node);
                let him = Him {
                    locker,
                    version,
                    his,
                    mine,
                };
                match near {
                    true => self.near.push(him),
                    false => self.far.push(him),
                }
            }
            ToLocker::Cancel { node, mine, tell } => {
                self.tell(tell);
                self.forget(node, &mine);
            }
            ToLocker::LockSet { set: false, .. } => {}
            ToLocker::LockSet { locker, tag, .. } => self.asked(locker, tag).await,
            ToLocker::Known(_) | ToLocker::Unknown(_) => self.learn(message),
        }
    }

    fn learn(&mut self, message: ToLocker) {
        match message {
            ToLocker::Known(nodes) => {
                for node in nodes {
                    if !self.known.contains(&node) {
                        self.known.push(node);
                    }
                }
            }
            ToLocker::Unknown(node) => self.known.retain(|known| *known != node),
            _ => {}
        }
    }

    /// The other's locker has its side, and wants ours.
    async fn asked(&mut self, locker: Pid, tag: Option<Term>) {
        let mut all = self.near.iter().chain(&self.far);
        let him = all.find(|him| {
            him.locker.node == locker.node && tag.as_ref().is_none_or(|tag| him.mine == *tag)
        });
        let Some(him) = him.cloned() else {
            let refused = say::lock_set(
                self.inbox.cx.pid(),
                false,
                &self.known,
                &Term::NIL,
                VERSIONLESS,
            );
            drop(self.inbox.cx.node().send_noconnect(locker.into(), &refused));
            return;
        };
        let requester = self.requester(locker);
        let locked = self.lock(&requester, None).await;
        self.say_lock_set(locked, &him);
        self.pace.just_synced = locked;
        if locked {
            let known = self.with_us(None);
            self.locked(&him, requester, known).await;
        }
    }

    /// Tries one of those who are to be met.
    async fn choose(&mut self) {
        let use_far = self.near.is_empty();
        let known = std::mem::take(&mut self.known);
        let from = match use_far {
            true => &mut self.far,
            false => &mut self.near,
        };
        from.retain(|him| !known.contains(&him.locker.node));
        let him = match from.len() {
            0 => None,
            n => Some(from[super::below(n)].clone()),
        };
        self.known = known;
        let Some(him) = him else { return };
        let node = him.locker.node;
        let requester = self.requester(him.locker);
        if !self.lock(&requester, Some(node)).await {
            return;
        }
        let locked = self.with_us(Some(node));
        self.say_lock_set(true, &him);
        // His word, on ours.
        let answer = self.inbox.find(|message| match message {
            ToLocker::LockSet { locker, tag, .. } => {
                locker.node == node && tag.as_ref().is_none_or(|tag| *tag == him.mine)
            }
            ToLocker::Cancel { node: of, mine, .. } => *of == node && *mine == him.mine,
            _ => false,
        });
        match answer.await {
            Some(ToLocker::LockSet { set: true, .. }) => {
                self.pace.just_synced = true;
                self.locked(&him, requester, locked).await;
            }
            Some(ToLocker::Cancel { tell, .. }) => {
                self.tell(tell);
                self.unlock(&requester, locked).await;
                self.forget(node, &him.mine);
            }
            _ => self.unlock(&requester, locked).await,
        }
    }

    /// Both sides are locked: the servers talk, until ours says that they are done.
    async fn locked(&mut self, him: &Him, requester: Term, known: Vec<Atom>) {
        let node = him.locker.node;
        self.server
            .cast(Msg::LockIsSet(node, him.mine.clone(), requester.clone()));
        let over = self.inbox.find(|message| {
            matches!(message, ToLocker::Cancel { node: of, mine, .. } if *of == node && *mine == him.mine)
        });
        if let Some(ToLocker::Cancel { tell, .. }) = over.await {
            self.tell(tell);
        }
        self.unlock(&requester, known).await;
        self.forget(node, &him.mine);
    }

    async fn lock(&mut self, requester: &Term, other: Option<Atom>) -> bool {
        let me = self.inbox.cx.node().name();
        let boss = boss(self.known.iter().copied().chain([me]));
        if boss != Some(me) && !self.table.may_lock(&global(), requester) {
            return false;
        }
        let node = self.inbox.cx.node().clone();
        let first: Vec<_> = boss.into_iter().collect();
        if !set_lock(&node, &self.table, &global(), requester, &first).await {
            return false;
        }
        self.catch_up();
        let second = [Some(me), other].into_iter().flatten();
        let second: Vec<_> = second.filter(|node| !first.contains(node)).collect();
        if !set_lock(&node, &self.table, &global(), requester, &second).await {
            del_lock(&node, &global(), requester, &first).await;
            return false;
        }
        let rest = self.known.iter().filter(|node| !first.contains(node));
        let rest: Vec<_> = rest.copied().collect();
        if !set_lock(&node, &self.table, &global(), requester, &rest).await {
            let so_far: Vec<_> = first.into_iter().chain(second).collect();
            del_lock(&node, &global(), requester, &so_far).await;
            return false;
        }
        true
    }

    /// Whom the partition lost or gained meanwhile.
    fn catch_up(&mut self) {
        while let Ok(message) = self.inbox.from.try_recv() {
            self.inbox.later.push_back(message);
        }
        for message in std::mem::take(&mut self.inbox.later) {
            match message {
                ToLocker::Known(_) | ToLocker::Unknown(_) => self.learn(message),
                other => self.inbox.later.push_back(other),
            }
        }
    }

    async fn unlock(&self, requester: &Term, nodes: Vec<Atom>) {
        give_back(self.inbox.cx.node(), requester, nodes).await;
    }

    fn say_lock_set(&self, set: bool, him: &Him) {
        let message = say::lock_set(self.inbox.cx.pid(), set, &self.known, &him.his, him.version);
        cast(self.inbox.cx.node(), him.locker.node, &message);
    }

    fn tell(&self, tell: Vec<(Atom, Term)>) {
        for (node, message) in tell {
            cast(self.inbox.cx.node(), node, &message);
        }
    }

    fn with_us(&self, other: Option<Atom>) -> Vec<Atom> {
        let us = [Some(self.inbox.cx.node().name()), other]
            .into_iter()
            .flatten();
        us.chain(self.known.iter().copied()).collect()
    }

    /// Both lockers, in the order of terms: the same on both sides.
    fn requester(&self, his: Pid) -> Term {
        let mine = self.inbox.cx.pid();
        let (first, second) = match mine.cmp(&his) {
            Ordering::Greater => (his, mine),
            _ => (mine, his),
        };
        Term::list([first.into(), second.into()])
    }

    fn is_near(&self, node: Atom) -> bool {
        let host = |name: Atom| name.as_str().split_once('@').map(|(_, host)| host);
        host(node) == host(self.inbox.cx.node().name())
    }

    fn forget(&mut self, node: Atom, mine: &Term) {
        let stays = |him: &Him| him.locker.node != node || him.mine != *mine;
        self.near.retain(stays);
        self.far.retain(stays);
    }
}

impl Pace {
    /// `None`: nobody waits to be met. A success counts for the wait that begins now only, also for one without an end: whoever comes after it
    /// is not met before the nodes that come together with it have connected to each other.
    fn pause(&mut self, waiting: usize, known: usize) -> Option<Duration> {
        let just_synced = std::mem::take(&mut self.just_synced);
        if waiting == 0 {
            return None;
        }
        Some(match (just_synced, known) {
            (true, _) => Duration::ZERO,
            (false, 0) => Duration::from_millis(200),
            (false, n) => Duration::from_millis((1000 + 100 * n as u64).min(3000)),
        })
    }
}

/// So old that no tag is in its `lock_set`.
const VERSIONLESS: i64 = 5;

impl Inbox {
    /// What is there already.
    fn now(&mut self) -> Option<ToLocker> {
        self.later.pop_front().or_else(|| self.from.try_recv().ok())
    }

    async fn next(&mut self) -> Option<ToLocker> {
        match self.later.pop_front() {
            Some(message) => Some(message),
            None => self.come().await,
        }
    }

    /// The first that is wanted; the others stay. `None`: the server is gone.
    async fn find(&mut self, wanted: impl Fn(&ToLocker) -> bool) -> Option<ToLocker> {
        if let Some(place) = self.later.iter().position(&wanted) {
            return self.later.remove(place);
        }
        loop {
            let message = self.come().await?;
            if wanted(&message) {
                return Some(message);
            }
            self.later.push_back(message);
        }
    }

    async fn come(&mut self) -> Option<ToLocker> {
        loop {
            tokio::select! {
                message = self.from.recv() => return message,
                info = self.cx.receive() => {
                    if let Some(refusal) = refusal(&info) {
                        return Some(refusal);
                    }
                }
            }
        }
    }
}

/// `{lock_set, Pid, false, Known}`
fn refusal(info: &Info) -> Option<ToLocker> {
    let Info::Term(term) = info else { return None };
    match term.as_tagged("lock_set")? {
        [locker, set, _known] if set.as_bool() == Some(false) => Some(ToLocker::LockSet {
            locker: locker.as_pid()?,
            set: false,
            tag: None,
        }),
        _ => None,
    }
}

/// The resource that stands for all names.
pub(super) fn global() -> Term {
    Term::from(Atom::from_static("global"))
}

/// The node that is locked first.
pub(super) fn boss(nodes: impl IntoIterator<Item = Atom>) -> Option<Atom> {
    nodes.into_iter().max()
}

/// One try to lock a resource on these nodes, for the process that runs. Those that do not answer are not counted.
pub(super) async fn set_lock(
    node: &Node,
    table: &Table,
    resource: &Term,
    requester: &Term,
    nodes: &[Atom],
) -> bool {
    if nodes.is_empty() {
        return true;
    }
    if nodes.len() > 1 && nodes.contains(&node.name()) && !table.may_lock(resource, requester) {
        return false;
    }
    let request = lock_request("set_lock", resource, requester);
    let answers = node
        .multi_call::<Term>(nodes.iter().copied(), SERVER, &request)
        .await;
    let (set, refused): (Vec<_>, Vec<_>) = answers
        .replies
        .into_iter()
        .partition(|(_, answer)| answer.as_bool() == Some(true));
    if refused.is_empty() {
        return true;
    }
    let set: Vec<_> = set.into_iter().map(|(node, _)| node).collect();
    del_lock(node, resource, requester, &set).await;
    false
}

/// Gives a lock back on these nodes.
pub(super) async fn del_lock(node: &Node, resource: &Term, requester: &Term, nodes: &[Atom]) {
    if !nodes.is_empty() {
        let request = lock_request("del_lock", resource, requester);
        let answers = node.multi_call::<Term>(nodes.iter().copied(), SERVER, &request);
        drop(answers.await);
    }
}

/// Gives the lock of all names back, at the boss last.
pub(super) async fn give_back(node: &Node, requester: &Term, mut nodes: Vec<Atom>) {
    let boss = boss(nodes.iter().copied());
    nodes.retain(|node| Some(*node) != boss);
    del_lock(node, &global(), requester, &nodes).await;
    let boss: Vec<_> = boss.into_iter().collect();
    del_lock(node, &global(), requester, &boss).await;
}

fn lock_request(what: &'static str, resource: &Term, requester: &Term) -> Term {
    let id = Term::tuple([resource.clone(), requester.clone()]);
    Term::from((Atom::from_static(what), id))
}

/// To the name server of a node, if that is connected.
pub(super) fn cast(node: &Node, to: Atom, message: &Term) {
    let cast = Term::from((kista_etf::atoms::GEN_CAST, message.clone()));
    drop(node.send_noconnect(Dest::from((SERVER, to)), &cast));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_when_nobody_waited_any_more_is_not_met_at_once() {
        let mut pace = Pace { just_synced: true };
        // One that waited already is.
        assert_eq!(pace.pause(1, 1), Some(Duration::ZERO));
        assert_eq!(pace.pause(1, 1), Some(Duration::from_millis(1100)));
        // As of OTP's locker, a success is forgotten by a wait that has no end, too.
        let mut pace = Pace { just_synced: true };
        assert_eq!(pace.pause(0, 1), None);
        assert_eq!(pace.pause(1, 1), Some(Duration::from_millis(1100)));
        assert_eq!(pace.pause(1, 0), Some(Duration::from_millis(200)));
        assert_eq!(pace.pause(2, 50), Some(Duration::from_secs(3)));
    }
}
