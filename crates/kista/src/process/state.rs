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
mod keyed;
mod origin;
mod relations;

use std::sync::Arc;

use kista_etf::{Atom, Pid, Reference, Term, atoms};
use smallvec::SmallVec;

pub use aliases::AliasMode;
use aliases::Aliases;
use origin::Origin;
use relations::{Link, Monitored, Relations, Spawning, Watcher};

use super::bound::Bound;
use super::dest::Dest;
use super::info::Info;
use super::process_info::Priority;
use super::room::Room;
use super::signal::{ControlSignal, WireMessage};
use super::via::Via;
use crate::ExitReason;
use crate::gen_server::PendingReply;
use crate::net::Connection;
use crate::remote::{self, SpawnError, SpawnSlot};

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
    /// A process was started elsewhere, or not: to be told who asked for it.
    Spawned(Arc<SpawnSlot>, Result<Pid, SpawnError>),
    /// A process was started elsewhere that is not wanted any more.
    Abandon {
        spawned: Pid,
        reference: Reference,
        flags: u32,
        via: Via,
    },
    Die(ExitReason),
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

/// Calls that the end of their server answers. Room for one beside the list: who has a server stopped waits here.
pub(crate) type Deferred = SmallVec<[Arc<dyn PendingReply>; 1]>;

/// As small as it can be: every process has one. What most do not need lies behind a pointer.
pub(crate) struct ProcessState {
    pub(crate) pid: Pid,
    pub(crate) trap_exit: bool,
    pub(crate) name: Option<Atom>,
    /// It ends, and takes no name any more.
    pub(crate) nameless: bool,
    pub(crate) priority: Priority,
    origin: Option<Box<Origin>>,
    aliases: Aliases,
    pub(super) bound: Option<Arc<Bound>>,
    relations: Option<Box<Relations>>,
    /// The process sent more than a connection's mark or a queue's bound: it is held at its next await until there is room.
    pub(super) held_by: Option<Arc<dyn Room>>,
    /// Typed local calls whose handler returned without an answer: the token lives on somewhere. Their callers
    /// learn of this process's end from here.
    /// Behind a pointer: it is empty nearly always.
    deferred: Option<Box<Deferred>>,
    /// The last effects are out: what would be recorded now, nobody would hear the end of.
    pub(crate) ended: bool,
}

impl ProcessState {
    pub(crate) fn new(pid: Pid) -> Self {
        Self {
            pid,
            trap_exit: false,
            name: None,
            nameless: false,
            priority: Priority::Normal,
            origin: None,
            aliases: Aliases::default(),
            bound: None,
            relations: None,
            held_by: None,
            deferred: None,
            ended: false,
        }
    }

    /// What it has from its starter, if anything.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.origin.as_deref()
    }

    pub(crate) fn origin_mut(&mut self) -> &mut Origin {
        self.origin.get_or_insert_default()
    }

    pub(crate) fn parent(&self) -> Option<Pid> {
        self.origin()?.parent
    }

    pub(crate) fn group_leader(&self) -> Option<Pid> {
        self.origin()?.group_leader
    }

    /// The calls that the end of the process answers.
    pub(crate) fn deferred(&mut self) -> &mut Deferred {
        self.deferred.get_or_insert_default()
    }

    pub(crate) fn take_deferred(&mut self) -> Option<Box<Deferred>> {
        self.deferred.take()
    }

    /// Whether an exit signal of that process would count.
    pub(crate) fn is_linked(&self, pid: Pid) -> bool {
        self.link_with(pid).is_some_and(Link::is_active)
    }

    /// Lets one signal act.
    pub(crate) fn apply(&mut self, signal: ControlSignal, via: Via, effects: &mut Vec<Effect>) {
        match signal {
            ControlSignal::Link { from } => {
                self.relate()
                    .links
                    .entry(from)
                    .or_insert_with(|| Link::new(via));
            }
            ControlSignal::Unlink { from, id } => {
                effects.push(Effect::Send(
                    from,
                    ControlSignal::UnlinkAck { from: self.pid, id },
                    via,
                ));
                if self.is_linked(from) {
                    self.forget_link(from);
                }
            }
            ControlSignal::UnlinkAck { from, id } => {
                let link = self.link_with(from);
                if link.is_some_and(|link| link.unlinking == Some(id)) {
                    self.forget_link(from);
                }
            }
            ControlSignal::LinkExit { from, reason } => {
                if self.forget_link(from).is_some_and(|link| link.is_active()) {
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
                let watcher = Watcher {
                    pid: watcher,
                    name,
                    via,
                };
                self.relate().watchers.insert(reference, watcher);
            }
            ControlSignal::Demonitor { reference } => {
                self.forget_watcher(&reference);
            }
            ControlSignal::Down {
                reference, reason, ..
            } => {
                if let Some(relations) = &mut self.relations
                    && let Some(monitored) = relations.monitors.get_mut(&reference)
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
                if let Some(watcher) = self.forget_watcher(&reference) {
                    let no_reply = Term::tuple([Term::from(atoms::NO_REPLY), request]);
                    effects.push(self.down(watcher, reference, no_reply.into()));
                }
            }
            ControlSignal::SpawnReply {
                reference,
                result,
                flags,
            } => self.spawn_reply(reference, result, flags, via, effects),
            ControlSignal::GroupLeader { leader } => self.origin_mut().group_leader = Some(leader),
            ControlSignal::ConnectionLost { connection } => {
                self.connection_lost(connection, effects)
            }
            // Answered by the shell, which knows the queue.
            ControlSignal::Info { .. } => {}
        }
    }

    /// Records a link of our own making. False when there is one already, so that none is to be sent.
    pub(crate) fn link(&mut self, to: Pid, via: Via) -> bool {
        if self.is_linked(to) {
            return false;
        }
        // An unlinked record gives way to a new link: the pending acknowledgement no longer fits its id.
        self.relate().links.insert(to, Link::new(via));
        true
    }

    /// Makes a link inactive; gives the id to send, and by which way. `None` when there is no active link.
    pub(crate) fn unlink(&mut self, to: Pid) -> Option<(u64, Via)> {
        let relations = self.relations.as_deref_mut()?;
        let link = relations.links.get_mut(&to)?;
        if !link.is_active() {
            return None;
        }
        relations.unlink_ids += 1;
        link.unlinking = Some(relations.unlink_ids);
        Some((relations.unlink_ids, link.via.clone()))
    }

    /// Whether the loss of this connection, by which a relation was just made, will be told to the process. It is asked for only once.
    pub(crate) fn is_watching(&mut self, connection: &Connection) -> bool {
        let (pid, id) = (self.pid, connection.id());
        let watching = &mut self.relate().watching;
        if watching.contains(&id) {
            return true;
        }
        let told = connection.watch(pid);
        if told {
            watching.push(id);
        }
        told
    }

    /// Takes back a monitor that another asked for: no DOWN follows.
    pub(crate) fn take_back_watcher(&mut self, reference: &Reference) {
        self.forget_watcher(reference);
    }

    /// Takes a link away without a word to the other side, which never came to be.
    pub(crate) fn take_back_link(&mut self, to: Pid) {
        self.forget_link(to);
    }

    /// `holder`: the process of this node that `target` is the name of.
    pub(crate) fn monitor(
        &mut self,
        reference: Reference,
        target: Dest,
        holder: Option<Pid>,
        via: Via,
    ) {
        let monitored = Monitored {
            target,
            holder,
            via,
            fired: false,
        };
        self.relate().monitors.insert(reference, monitored);
    }

    /// Gives up a monitor of ours. With `flush` also its unread DOWN; without, that stays to be read.
    pub(crate) fn demonitor(&mut self, reference: &Reference, flush: bool) -> Demonitored {
        self.aliases.monitor_is_gone(reference);
        let Some(relations) = &mut self.relations else {
            return Demonitored::No;
        };
        match relations.monitors.get(reference) {
            Some(monitored) if !monitored.fired => match relations.monitors.remove(reference) {
                Some(monitored) => Demonitored::Active(monitored.place(), monitored.via),
                None => Demonitored::No,
            },
            Some(_) => {
                if flush {
                    relations.monitors.remove(reference);
                    relations.flushed += 1;
                }
                Demonitored::Fired
            }
            None => Demonitored::No,
        }
    }

    /// Whether a DOWN that is met in the list is still wanted. If not, it was flushed, and is to be dropped.
    pub(crate) fn wants_down(&mut self, reference: &Reference) -> bool {
        let Some(relations) = &mut self.relations else {
            return false;
        };
        let wanted = relations.monitors.contains_key(reference);
        if !wanted {
            relations.flushed = relations.flushed.saturating_sub(1);
        }
        wanted
    }

    /// A DOWN is read.
    pub(crate) fn read_down(&mut self, reference: &Reference) {
        if let Some(relations) = &mut self.relations {
            relations.monitors.remove(reference);
        }
    }

    /// DOWN messages that wait and were flushed.
    pub(crate) fn flushed(&self) -> usize {
        self.relations
            .as_ref()
            .map_or(0, |relations| relations.flushed)
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
        let Some(relations) = &mut self.relations else {
            return effects;
        };
        let from = self.pid;
        let watchers = std::mem::take(&mut relations.watchers);
        for (to, link) in relations.links.drain() {
            if link.is_active() {
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
        for (reference, watcher) in watchers {
            effects.push(self.down(watcher, reference, reason.clone()));
        }
        effects
    }

    /// The monitors we still hold, to be taken back at the end.
    pub(crate) fn take_monitors(&mut self) -> impl Iterator<Item = (Reference, Dest, Via)> {
        let relations = self.relations.as_deref_mut();
        relations
            .map(|relations| std::mem::take(&mut relations.monitors))
            .into_iter()
            .flatten()
            .filter(|(_, monitored)| !monitored.fired)
            .map(|(reference, monitored)| (reference, monitored.place(), monitored.via))
    }

    pub(crate) fn links(&self) -> Vec<Pid> {
        let links = self.relations.iter().flat_map(|related| &related.links);
        links
            .filter(|(_, link)| link.is_active())
            .map(|(pid, _)| *pid)
            .collect()
    }

    /// Whom we monitor, once for each monitor.
    pub(crate) fn monitors(&self) -> Vec<Dest> {
        let relations = self.relations.iter();
        relations
            .flat_map(|related| related.monitors.values())
            .filter(|monitored| !monitored.fired)
            .map(|monitored| monitored.target)
            .collect()
    }

    pub(crate) fn watchers(&self) -> Vec<Pid> {
        let relations = self.relations.iter();
        relations
            .flat_map(|related| related.watchers.values())
            .map(|watcher| watcher.pid)
            .collect()
    }

    /// A process is asked for elsewhere; `slot` hears what became of it.
    pub(crate) fn spawning(&mut self, reference: Reference, slot: Arc<SpawnSlot>, via: Via) {
        self.relate()
            .spawning
            .insert(reference, Spawning { slot, via });
    }

    /// It is not wanted any more. Whether its answer had yet to come.
    pub(crate) fn abandon_spawning(&mut self, reference: &Reference) -> bool {
        let relations = self.relations.as_mut();
        relations.is_some_and(|relations| relations.spawning.remove(reference).is_some())
    }

    fn spawn_reply(
        &mut self,
        reference: Reference,
        result: Result<Pid, Term>,
        flags: u32,
        via: Via,
        effects: &mut Vec<Effect>,
    ) {
        let relations = self.relate();
        let asked = match relations.spawning.get(&reference) {
            // Another node's word counts for nothing here.
            Some(asked) if asked.via != via => return,
            _ => relations.spawning.remove(&reference),
        };
        match (asked, result) {
            (Some(asked), Ok(spawned)) => {
                if flags & remote::LINKED != 0 {
                    let link = || Link::new(via.clone());
                    relations.links.entry(spawned).or_insert_with(link);
                }
                if flags & remote::MONITORED != 0 {
                    self.monitor(reference, Dest::Pid(spawned), None, via);
                }
                effects.push(Effect::Spawned(asked.slot, Ok(spawned)));
            }
            (Some(asked), Err(why)) => {
                self.aliases.remove(&reference);
                let why = SpawnError::from_reply(why);
                effects.push(Effect::Spawned(asked.slot, Err(why)));
            }
            (None, Ok(spawned)) => effects.push(Effect::Abandon {
                spawned,
                reference,
                flags,
                via,
            }),
            (None, Err(_)) => {}
        }
    }

    fn relate(&mut self) -> &mut Relations {
        self.relations.get_or_insert_default()
    }

    fn link_with(&self, pid: Pid) -> Option<&Link> {
        self.relations.as_ref()?.links.get(&pid)
    }

    fn forget_link(&mut self, to: Pid) -> Option<Link> {
        self.relations.as_mut()?.links.remove(&to)
    }

    fn forget_watcher(&mut self, reference: &Reference) -> Option<Watcher> {
        self.relations.as_mut()?.watchers.remove(reference)
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
        let Some(mut relations) = self.relations.take() else {
            return;
        };
        let ended: Vec<_> = relations
            .links
            .extract_if(|_, link| link.via.is(connection))
            .collect();
        for (from, link) in ended {
            if link.is_active() {
                self.exit_signal(from, ExitReason::NoConnection, effects);
            }
        }
        let lost = relations
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
        let spawning = &mut relations.spawning;
        for (reference, asked) in spawning.extract_if(|_, asked| asked.via.is(connection)) {
            self.aliases.remove(&reference);
            effects.push(Effect::Spawned(asked.slot, Err(SpawnError::NoConnection)));
        }
        relations
            .watchers
            .retain(|_, watcher| !watcher.via.is(connection));
        relations.watching.retain(|watched| *watched != connection);
        self.relations = Some(relations);
    }
}

#[cfg(test)]
mod tests;
