//! The pure core of a process: its links, monitors and exit rules. A signal goes in, effects come out.
//!
//! Rules (the names in brackets are the tests below that hold them):
//! 1. There is at most one link per pair. `unlink` makes the record inactive until the other side acknowledges with
//!    the same id; what arrives from the other side meanwhile is void [`exit_after_unlink_is_void`].
//! 2. An exit signal by a link counts only while its record is active, and removes it.
//! 3. `kill` by `exit/2` ends the process whatever it traps, and others see `killed`; by a link it is an ordinary
//!    reason [`kill_is_untrappable_by_exit_and_ordinary_by_link`].
//! 4. `normal` from another process is ignored unless exits are trapped [`normal_from_a_link_is_ignored`].
//! 5. A monitor yields exactly one DOWN; none after `demonitor`. A DOWN that waits to be read can still be taken back
//!    (`flush`): its record stays, *fired*, until it is read [`flushed_down_is_not_read`].
//! 6. When a connection is lost everything that went through it ends with `noconnection`, and only that
//!    [`lost_connection_ends_only_what_went_through_it`].
//! 7. A message to an alias is delivered exactly while the alias is active: see [`AliasMode`] for when that ends.
//!
//! Source: *Processes* in the Erlang reference manual; "Link Protocol" in *Distribution Protocol* of ERTS.

mod aliases;

use std::collections::HashMap;
use std::sync::Arc;

use kista_etf::{Atom, Pid, Reference, Term, atoms};
use rustc_hash::FxHashMap;

pub use aliases::AliasMode;
use aliases::Aliases;

use super::ancestry::Ancestry;
use super::bound::Bound;
use super::dest::Dest;
use super::env::Env;
use super::info::Info;
use super::process_info::Priority;
use super::signal::{ControlSignal, WireMessage};
use super::via::Via;
use crate::ExitReason;
use crate::gen_server::PendingReply;

/// What the shell around the state is to do, in order.
#[derive(Debug)]
pub(crate) enum Effect {
    Send(Pid, ControlSignal, Via),
    Deliver(Info),
    /// A message that came by an alias, to be read.
    Receive(Box<WireMessage>),
    /// A message whose alias is no more.
    Drop(Box<WireMessage>),
    /// The answer came: its monitor is taken back.
    Demonitor(Reference, Dest, Via),
    Die(ExitReason),
}

struct Link {
    /// `Some(id)`: unlinked, waiting for the acknowledgement with this id.
    unlinking: Option<u64>,
    via: Via,
}

struct Monitored {
    target: Dest,
    via: Via,
    /// Its DOWN waits to be read.
    fired: bool,
}

/// What became of a monitor that is given up.
pub(crate) enum Demonitored {
    /// It was active: to be taken back.
    Active(Dest, Via),
    /// Its DOWN had arrived and was not read.
    Fired,
    /// There was none, or its DOWN was read.
    No,
}

struct Watcher {
    pid: Pid,
    name: Option<Atom>,
    via: Via,
}

pub(crate) struct ProcessState {
    pub(crate) pid: Pid,
    pub(crate) trap_exit: bool,
    pub(crate) parent: Option<Pid>,
    pub(crate) name: Option<Atom>,
    /// It ends, and takes no name any more.
    pub(crate) nameless: bool,
    pub(crate) group_leader: Option<Pid>,
    pub(crate) priority: Priority,
    pub(crate) env: Env,
    /// Who started this process, and who started that one.
    pub(crate) ancestry: Ancestry,
    /// What children have as their ancestry; made for the first one.
    pub(crate) as_ancestor: Ancestry,
    aliases: Aliases,
    pub(super) bound: Option<Arc<Bound>>,
    /// Peers choose these keys, so the hash is one that they cannot aim at.
    links: HashMap<Pid, Link>,
    /// We make these keys.
    monitors: FxHashMap<Reference, Monitored>,
    /// As `links`.
    watchers: HashMap<Reference, Watcher>,
    /// Typed local calls whose handler returned without an answer: the token lives on somewhere. Their callers
    /// learn of this process's end from here.
    pub(crate) deferred: Vec<Arc<dyn PendingReply>>,
    unlink_ids: u64,
    /// DOWN messages in the private list that were flushed: passed over when they are met.
    pub(crate) flushed: usize,
    /// The last effects are out: what would be recorded now, nobody would hear the end of.
    pub(crate) ended: bool,
}

impl ProcessState {
    pub(crate) fn new(pid: Pid) -> Self {
        Self {
            pid,
            trap_exit: false,
            parent: None,
            name: None,
            nameless: false,
            group_leader: None,
            priority: Priority::Normal,
            env: Env::default(),
            ancestry: Ancestry::default(),
            as_ancestor: Ancestry::default(),
            aliases: Aliases::default(),
            bound: None,
            links: HashMap::default(),
            monitors: FxHashMap::default(),
            watchers: HashMap::default(),
            deferred: Vec::new(),
            unlink_ids: 0,
            flushed: 0,
            ended: false,
        }
    }

    /// Whether an exit signal of that process would count.
    pub(crate) fn is_linked(&self, pid: Pid) -> bool {
        self.links
            .get(&pid)
            .is_some_and(|link| link.unlinking.is_none())
    }

    /// Lets one signal act.
    pub(crate) fn apply(&mut self, signal: ControlSignal, via: Via, effects: &mut Vec<Effect>) {
        match signal {
            ControlSignal::Link { from } => {
                self.links.entry(from).or_insert(Link {
                    unlinking: None,
                    via,
                });
            }
            ControlSignal::Unlink { from, id } => {
                effects.push(Effect::Send(
                    from,
                    ControlSignal::UnlinkAck { from: self.pid, id },
                    via,
                ));
                if self
                    .links
                    .get(&from)
                    .is_some_and(|link| link.unlinking.is_none())
                {
                    self.links.remove(&from);
                }
            }
            ControlSignal::UnlinkAck { from, id } => {
                if self
                    .links
                    .get(&from)
                    .is_some_and(|link| link.unlinking == Some(id))
                {
                    self.links.remove(&from);
                }
            }
            ControlSignal::LinkExit { from, reason } => {
                if self
                    .links
                    .remove(&from)
                    .is_some_and(|link| link.unlinking.is_none())
                {
                    self.exit_signal(from, reason, effects);
                }
            }
            ControlSignal::Exit {
                reason: ExitReason::Kill,
                ..
            } => {
                effects.push(Effect::Die(ExitReason::Killed));
            }
            ControlSignal::Exit { from, reason } => self.exit_signal(from, reason, effects),
            ControlSignal::Monitor {
                watcher,
                reference,
                name,
            } => {
                self.watchers.insert(
                    reference,
                    Watcher {
                        pid: watcher,
                        name,
                        via,
                    },
                );
            }
            ControlSignal::Demonitor { reference } => {
                self.watchers.remove(&reference);
            }
            ControlSignal::Down {
                reference, reason, ..
            } => {
                if let Some(monitored) = self.monitors.get_mut(&reference)
                    && !monitored.fired
                {
                    monitored.fired = true;
                    self.aliases.monitor_is_gone(&reference);
                    effects.push(Effect::Deliver(Info::Down {
                        reference,
                        from: monitored.target,
                        reason,
                    }));
                }
            }
            ControlSignal::ToAlias { alias, message } => self.by_alias(alias, message, effects),
            ControlSignal::ExitAlias {
                alias,
                from,
                reason,
            } => {
                if self.aliases.is_active(&alias) {
                    self.apply(ControlSignal::Exit { from, reason }, via, effects);
                }
            }
            ControlSignal::RefuseCall { reference, request } => {
                if let Some(watcher) = self.watchers.remove(&reference) {
                    let no_reply = Term::tuple([Term::from(atoms::NO_REPLY), request]);
                    effects.push(self.down(watcher, reference, no_reply.into()));
                }
            }
            ControlSignal::GroupLeader { leader } => self.group_leader = Some(leader),
            ControlSignal::ConnectionLost { connection } => {
                self.connection_lost(connection, effects)
            }
            // Answered by the shell, which knows the queue.
            ControlSignal::Info { .. } => {}
        }
    }

    /// Records a link of our own making. False when there is one already, so that none is to be sent.
    pub(crate) fn link(&mut self, to: Pid, via: Via) -> bool {
        match self.links.get(&to) {
            Some(link) if link.unlinking.is_none() => false,
            // An unlinked record gives way to a new link: the pending acknowledgement no longer fits its id.
            _ => {
                self.links.insert(
                    to,
                    Link {
                        unlinking: None,
                        via,
                    },
                );
                true
            }
        }
    }

    /// Makes a link inactive; gives the id to send, and by which way. `None` when there is no active link.
    pub(crate) fn unlink(&mut self, to: Pid) -> Option<(u64, Via)> {
        let link = self
            .links
            .get_mut(&to)
            .filter(|link| link.unlinking.is_none())?;
        self.unlink_ids += 1;
        link.unlinking = Some(self.unlink_ids);
        Some((self.unlink_ids, link.via.clone()))
    }

    /// Takes back a monitor that another asked for: no DOWN follows.
    pub(crate) fn forget_watcher(&mut self, reference: &Reference) {
        self.watchers.remove(reference);
    }

    /// Takes a link away without a word to the other side, which never came to be.
    pub(crate) fn forget_link(&mut self, to: Pid) {
        self.links.remove(&to);
    }

    pub(crate) fn monitor(&mut self, reference: Reference, target: Dest, via: Via) {
        let monitored = Monitored {
            target,
            via,
            fired: false,
        };
        self.monitors.insert(reference, monitored);
    }

    /// Gives up a monitor of ours. With `flush` also its unread DOWN; without, that stays to be read.
    pub(crate) fn demonitor(&mut self, reference: &Reference, flush: bool) -> Demonitored {
        self.aliases.monitor_is_gone(reference);
        match self.monitors.get(reference) {
            Some(monitored) if !monitored.fired => match self.monitors.remove(reference) {
                Some(Monitored { target, via, .. }) => Demonitored::Active(target, via),
                None => Demonitored::No,
            },
            Some(_) => {
                if flush {
                    self.monitors.remove(reference);
                    self.flushed += 1;
                }
                Demonitored::Fired
            }
            None => Demonitored::No,
        }
    }

    /// Whether a DOWN that is met in the list is still wanted. If not, it was flushed, and is to be dropped.
    pub(crate) fn wants_down(&mut self, reference: &Reference) -> bool {
        let wanted = self.monitors.contains_key(reference);
        if !wanted {
            self.flushed = self.flushed.saturating_sub(1);
        }
        wanted
    }

    /// A DOWN is read.
    pub(crate) fn read_down(&mut self, reference: &Reference) {
        self.monitors.remove(reference);
    }

    pub(crate) fn alias(&mut self, alias: Reference, mode: AliasMode) {
        self.aliases.add(alias, mode);
    }

    /// Whether it was active.
    pub(crate) fn unalias(&mut self, alias: &Reference) -> bool {
        self.aliases.remove(alias)
    }

    pub(crate) fn alias_count(&self) -> usize {
        self.aliases.len()
    }

    fn by_alias(&mut self, alias: Reference, message: Box<WireMessage>, effects: &mut Vec<Effect>) {
        let Some(mode) = self.aliases.use_once(&alias) else {
            return effects.push(Effect::Drop(message));
        };
        effects.push(Effect::Receive(message));
        if mode == AliasMode::ReplyDemonitor
            && let Demonitored::Active(target, via) = self.demonitor(&alias, false)
        {
            effects.push(Effect::Demonitor(alias, target, via));
        }
    }

    /// The name, which the ending process frees first of all.
    pub(crate) fn give_up_name(&mut self) -> Option<Atom> {
        self.nameless = true;
        self.name.take()
    }

    /// The last effects of an ended process: signals to all that are linked with it, watch it or are watched by it.
    pub(crate) fn end(&mut self, reason: &ExitReason) -> Vec<Effect> {
        self.ended = true;
        let mut effects = Vec::new();
        let from = self.pid;
        for (to, link) in self.links.drain() {
            if link.unlinking.is_none() {
                effects.push(Effect::Send(
                    to,
                    ControlSignal::LinkExit {
                        from,
                        reason: reason.clone(),
                    },
                    link.via,
                ));
            }
        }
        for (reference, watcher) in std::mem::take(&mut self.watchers) {
            effects.push(self.down(watcher, reference, reason.clone()));
        }
        effects
    }

    /// The monitors we still hold, to be taken back at the end.
    pub(crate) fn take_monitors(&mut self) -> impl Iterator<Item = (Reference, Dest, Via)> {
        std::mem::take(&mut self.monitors)
            .into_iter()
            .filter(|(_, monitored)| !monitored.fired)
            .map(|(reference, monitored)| (reference, monitored.target, monitored.via))
    }

    pub(crate) fn links(&self) -> Vec<Pid> {
        self.links
            .iter()
            .filter(|(_, link)| link.unlinking.is_none())
            .map(|(pid, _)| *pid)
            .collect()
    }

    /// Whom we monitor, once for each monitor.
    pub(crate) fn monitors(&self) -> Vec<Dest> {
        let active = self.monitors.values().filter(|monitored| !monitored.fired);
        active.map(|monitored| monitored.target).collect()
    }

    pub(crate) fn watchers(&self) -> Vec<Pid> {
        self.watchers.values().map(|watcher| watcher.pid).collect()
    }

    fn exit_signal(&self, from: Pid, reason: ExitReason, effects: &mut Vec<Effect>) {
        if self.trap_exit {
            effects.push(Effect::Deliver(Info::Exit { from, reason }));
        } else if reason != ExitReason::Normal || from == self.pid {
            effects.push(Effect::Die(reason));
        }
    }

    fn down(&self, watcher: Watcher, reference: Reference, reason: ExitReason) -> Effect {
        let from = watcher.name.map_or(Dest::Pid(self.pid), Dest::Name);
        Effect::Send(
            watcher.pid,
            ControlSignal::Down {
                from,
                reference,
                reason,
            },
            watcher.via,
        )
    }

    fn connection_lost(&mut self, connection: u64, effects: &mut Vec<Effect>) {
        let ended: Vec<_> = self
            .links
            .extract_if(|_, link| link.via.is(connection))
            .collect();
        for (from, link) in ended {
            if link.unlinking.is_none() {
                self.exit_signal(from, ExitReason::NoConnection, effects);
            }
        }
        let lost = self
            .monitors
            .iter_mut()
            .filter(|(_, monitored)| !monitored.fired && monitored.via.is(connection));
        for (&reference, monitored) in lost {
            monitored.fired = true;
            self.aliases.monitor_is_gone(&reference);
            effects.push(Effect::Deliver(Info::Down {
                reference,
                from: monitored.target,
                reason: ExitReason::NoConnection,
            }));
        }
        self.watchers
            .retain(|_, watcher| !watcher.via.is(connection));
    }
}

#[cfg(test)]
mod tests;
