//! The pure core of a process: its links, monitors and exit rules. A signal goes in, effects come out.
//!
//! Rules (the names in brackets are the tests below that hold them):
//! 1. There is at most one link per pair. `unlink` makes the record inactive until the other side acknowledges with
//!    the same id; what arrives from the other side meanwhile is void [`exit_after_unlink_is_void`].
//! 2. An exit signal by a link counts only while its record is active, and removes it.
//! 3. `kill` by `exit/2` ends the process whatever it traps, and others see `killed`; by a link it is an ordinary
//!    reason [`kill_is_untrappable_by_exit_and_ordinary_by_link`].
//! 4. `normal` from another process is ignored unless exits are trapped [`normal_from_a_link_is_ignored`].
//! 5. A monitor yields exactly one DOWN; none after `demonitor`.
//! 6. When a connection is lost everything that went through it ends with `noconnection`, and only that
//!    [`lost_connection_ends_only_what_went_through_it`].
//!
//! Source: *Processes* in the Erlang reference manual; "Link Protocol" in *Distribution Protocol* of ERTS.

use std::collections::HashMap;
use std::sync::Arc;

use kista_etf::{Atom, Pid, Reference, Term, atoms};
use rustc_hash::FxHashMap;

use super::dest::Dest;
use super::info::Info;
use super::signal::ControlSignal;
use super::via::Via;
use crate::ExitReason;
use crate::gen_server::PendingReply;

/// What the shell around the state is to do, in order.
#[derive(Debug)]
pub(crate) enum Effect {
    Send(Pid, ControlSignal, Via),
    Deliver(Info),
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
    pub(crate) group_leader: Option<Pid>,
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
    /// The last effects are out: what would be recorded now, nobody would hear the end of.
    pub(crate) ended: bool,
}

impl ProcessState {
    pub(crate) fn new(pid: Pid, parent: Option<Pid>) -> Self {
        Self {
            pid,
            trap_exit: false,
            parent,
            name: None,
            group_leader: None,
            links: HashMap::default(),
            monitors: FxHashMap::default(),
            watchers: HashMap::default(),
            deferred: Vec::new(),
            unlink_ids: 0,
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
                if let Some(monitored) = self.monitors.remove(&reference) {
                    effects.push(Effect::Deliver(Info::Down {
                        reference,
                        from: monitored.target,
                        reason,
                    }));
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
        self.monitors.insert(reference, Monitored { target, via });
    }

    /// Forgets a monitor of ours; its target when it was still active.
    pub(crate) fn demonitor(&mut self, reference: &Reference) -> Option<(Dest, Via)> {
        self.monitors
            .remove(reference)
            .map(|monitored| (monitored.target, monitored.via))
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
            .map(|(reference, monitored)| (reference, monitored.target, monitored.via))
    }

    pub(crate) fn links(&self) -> Vec<Pid> {
        self.links
            .iter()
            .filter(|(_, link)| link.unlinking.is_none())
            .map(|(pid, _)| *pid)
            .collect()
    }

    pub(crate) fn monitor_count(&self) -> usize {
        self.monitors.len()
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
        for (reference, monitored) in self
            .monitors
            .extract_if(|_, monitored| monitored.via.is(connection))
        {
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
mod tests {
    use std::sync::Weak;

    use super::*;

    fn pid(id: u32) -> Pid {
        Pid {
            node: Atom::from_static("here@host"),
            id,
            serial: 1,
            creation: 4,
        }
    }

    fn reference(n: u32) -> Reference {
        Reference::from_words(Atom::from_static("here@host"), 4, [n, 0, 0])
    }

    fn state() -> ProcessState {
        ProcessState::new(pid(1), None)
    }

    fn apply(state: &mut ProcessState, signal: ControlSignal) -> Vec<Effect> {
        let mut effects = Vec::new();
        state.apply(signal, Via::Here, &mut effects);
        effects
    }

    fn exit_of(from: Pid, reason: ExitReason) -> ControlSignal {
        ControlSignal::LinkExit { from, reason }
    }

    #[test]
    fn exit_after_unlink_is_void() {
        let mut state = state();
        assert!(state.link(pid(2), Via::Here));
        let (id, _) = state.unlink(pid(2)).unwrap();
        assert!(apply(&mut state, exit_of(pid(2), ExitReason::Killed)).is_empty());
        assert!(apply(&mut state, ControlSignal::UnlinkAck { from: pid(2), id }).is_empty());
        assert!(state.links().is_empty());
    }

    #[test]
    fn stale_acknowledgement_does_not_end_a_new_link() {
        let mut state = state();
        state.link(pid(2), Via::Here);
        let (id, _) = state.unlink(pid(2)).unwrap();
        assert!(state.link(pid(2), Via::Here), "relinking sends a new link");
        apply(&mut state, ControlSignal::UnlinkAck { from: pid(2), id });
        assert_eq!(state.links(), [pid(2)]);
    }

    #[test]
    fn unlink_is_acknowledged_even_without_a_link() {
        let effects = apply(
            &mut state(),
            ControlSignal::Unlink {
                from: pid(2),
                id: 9,
            },
        );
        assert!(
            matches!(effects[..], [Effect::Send(to, ControlSignal::UnlinkAck { id: 9, .. }, _)] if to == pid(2))
        );
    }

    #[test]
    fn kill_is_untrappable_by_exit_and_ordinary_by_link() {
        let mut state = state();
        state.trap_exit = true;
        state.link(pid(2), Via::Here);
        let by_link = apply(&mut state, exit_of(pid(2), ExitReason::Kill));
        assert!(matches!(
            by_link[..],
            [Effect::Deliver(Info::Exit {
                reason: ExitReason::Kill,
                ..
            })]
        ));
        let by_exit = apply(
            &mut state,
            ControlSignal::Exit {
                from: pid(2),
                reason: ExitReason::Kill,
            },
        );
        assert!(matches!(by_exit[..], [Effect::Die(ExitReason::Killed)]));
    }

    #[test]
    fn normal_from_a_link_is_ignored() {
        let mut state = state();
        state.link(pid(2), Via::Here);
        assert!(apply(&mut state, exit_of(pid(2), ExitReason::Normal)).is_empty());
        assert!(
            apply(
                &mut state,
                ControlSignal::Exit {
                    from: pid(3),
                    reason: ExitReason::Normal
                }
            )
            .is_empty()
        );
        let own = apply(
            &mut state,
            ControlSignal::Exit {
                from: pid(1),
                reason: ExitReason::Normal,
            },
        );
        assert!(matches!(own[..], [Effect::Die(ExitReason::Normal)]));
    }

    #[test]
    fn exit_from_a_stranger_without_a_link_is_ignored() {
        assert!(apply(&mut state(), exit_of(pid(2), ExitReason::Killed)).is_empty());
    }

    #[test]
    fn no_down_after_demonitor() {
        let mut state = state();
        state.monitor(reference(1), Dest::Pid(pid(2)), Via::Here);
        assert!(state.demonitor(&reference(1)).is_some());
        let late = ControlSignal::Down {
            from: Dest::Pid(pid(2)),
            reference: reference(1),
            reason: ExitReason::Normal,
        };
        assert!(apply(&mut state, late).is_empty());
    }

    #[test]
    fn refused_call_takes_its_monitor_with_it() {
        let mut state = state();
        apply(
            &mut state,
            ControlSignal::Monitor {
                watcher: pid(2),
                reference: reference(1),
                name: None,
            },
        );
        let refused = ControlSignal::RefuseCall {
            reference: reference(1),
            request: Term::from(7),
        };
        assert_eq!(apply(&mut state, refused).len(), 1);
        assert!(state.end(&ExitReason::Normal).is_empty(), "no second DOWN");
    }

    #[test]
    fn lost_connection_ends_only_what_went_through_it() {
        let mut state = state();
        state.trap_exit = true;
        let via = |id| Via::Connection(id, Weak::new());
        state.link(pid(2), via(7));
        state.link(pid(3), via(8));
        state.monitor(reference(1), Dest::Pid(pid(2)), via(7));
        let lost = apply(&mut state, ControlSignal::ConnectionLost { connection: 7 });
        assert_eq!(lost.len(), 2);
        assert_eq!(state.links(), [pid(3)]);
    }

    #[test]
    fn monitor_by_name_reports_the_name() {
        let mut state = state();
        let name = Atom::from_static("echo");
        apply(
            &mut state,
            ControlSignal::Monitor {
                watcher: pid(2),
                reference: reference(1),
                name: Some(name),
            },
        );
        let effects = state.end(&ExitReason::Shutdown);
        assert!(
            matches!(effects[..], [Effect::Send(_, ControlSignal::Down { from: Dest::Name(n), .. }, _)] if n == name)
        );
    }
}
