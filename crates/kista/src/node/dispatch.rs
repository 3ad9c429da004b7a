//! What arrives from other nodes, on its way to processes. Runs in reader tasks: decodes control data only, and never waits.

use std::sync::Arc;

use kista_dist::control::{Recipient, SpawnResult, Target};
use kista_dist::frame::{Payload, Run};
use kista_dist::{Control, Flags};
use kista_etf::{Atom, AtomName, Pid, Reference};
use kista_sync::table::Key;
use smallvec::{SmallVec, smallvec};

use super::events::NodeEvent;
use super::monitors::Change;
use super::names::Found;
use super::outcall::BEGINNING_OF_ANSWER;
use super::route::send_control;
use super::{Inner, Node};
use crate::ExitReason;
use crate::net::{Connection, Host, Receiver};
use crate::process::{AnyProcess, ControlSignal, Dest, Envelope, Info, Me, Via, WireMessage};
use crate::{kernel, remote};

/// The network holds its host weakly: a node that is gone receives nothing.
impl Host for Inner {
    fn receiver(self: Arc<Self>, connection: &Arc<Connection>) -> Box<dyn Receiver> {
        Box::new(Inbound {
            node: Node(self),
            connection: Arc::clone(connection),
            known: Known::default(),
        })
    }

    fn up(&self, connection: &Arc<Connection>) {
        let Some(inner) = self.me.upgrade() else {
            return;
        };
        let node = Node(inner);
        if !connection.flags().contains(Flags::SPAWN) {
            node.fail_processes_via(connection.id());
        }
        let (peer, hidden) = (connection.peer(), connection.hidden());
        tracing::info!(node = %node.name(), %peer, hidden, "nodeup");
        let connection_id = connection.id();
        node.0.node_monitors.tell(
            &node,
            &Change {
                node: peer,
                hidden,
                connection: connection_id,
                reason: None,
            },
        );
        node.publish(NodeEvent::Up {
            node: peer,
            hidden,
            connection_id,
        });
    }

    fn down(&self, connection: &Arc<Connection>, was_up: bool, reason: &str, watchers: Vec<Pid>) {
        let Some(inner) = self.me.upgrade() else {
            return;
        };
        let node = Node(inner);
        for pid in watchers {
            if let Some(process) = node.find(pid) {
                let lost = ControlSignal::ConnectionLost {
                    connection: connection.id(),
                };
                let _ = process.push_control(lost.into());
                for _ in 0..node.0.node_monitors.take(pid, connection.id()) {
                    process.push_notice(Info::NodeDown(connection.peer()));
                }
            }
        }
        node.fail_calls_via(connection.id());
        #[cfg(feature = "metrics")]
        if let Some(last) = connection.last_info() {
            node.published().ended(last);
        }
        if was_up {
            let (peer, hidden) = (connection.peer(), connection.hidden());
            tracing::info!(node = %node.name(), %peer, reason, "nodedown");
            let connection_id = connection.id();
            node.0.node_monitors.tell(
                &node,
                &Change {
                    node: peer,
                    hidden,
                    connection: connection_id,
                    reason: Some(reason),
                },
            );
            node.publish(NodeEvent::Down {
                node: peer,
                hidden,
                connection_id,
                reason: reason.to_owned(),
            });
        }
    }
}

impl Node {
    fn publish(&self, event: NodeEvent) {
        // An event without an owner does not end before its source.
        let _ = self.0.node_events.publish(event);
    }
}

/// What arrives by one connection.
struct Inbound {
    node: Node,
    connection: Arc<Connection>,
    known: Known,
}

/// Whom the last signals were for: the next one often is for the same. It is forgotten whenever the connection has nothing more, so that
/// it keeps nobody.
#[derive(Default)]
struct Known {
    process: Option<(Pid, Arc<dyn AnyProcess>)>,
    name: Option<(Atom, Found, u64)>,
}

impl Known {
    /// One that has ended since it was found takes nothing, which is the same as not to be found.
    #[inline]
    fn process(&mut self, node: &Node, pid: Pid) -> Option<&Arc<dyn AnyProcess>> {
        if self.process.as_ref().is_none_or(|(known, _)| *known != pid) {
            self.process = Some((pid, node.find(pid)?));
        }
        self.process.as_ref().map(|(_, process)| process)
    }

    #[inline]
    fn name(&mut self, node: &Node, name: Atom) -> Found {
        let names = &node.0.names;
        if let Some((known, found, version)) = self.name
            && known == name
            && version == names.version()
        {
            return found;
        }
        let (found, version) = names.look_up(name);
        self.name = Some((name, found, version));
        found
    }
}

impl Receiver for Inbound {
    fn signal(&mut self, control: Control, payload: Option<Payload>) {
        self.dispatch(control, payload);
    }

    /// The process is looked for once.
    fn run(&mut self, control: Control, run: Run) {
        let to = match &control {
            // Answers to calls go elsewhere, each by itself.
            _ if run.any_begins_with(&BEGINNING_OF_ANSWER) => None,
            Control::Send { to, .. } => Some(Some(*to)),
            Control::RegSend { to, .. } => Some(self.named(to)),
            _ => None,
        };
        let Some(to) = to else {
            for payload in run.payloads() {
                self.dispatch(control.clone(), Some(payload));
            }
            return;
        };
        let Some(process) = to.and_then(|to| self.known.process(&self.node, to)) else {
            return;
        };
        let weight = run.block.weight() + (run.messages() - 1) * size_of::<WireMessage>();
        drop(process.push_wire(WireMessage {
            payload: run.block,
            place: Some(run.place),
            via: Some(self.connection.charge(weight)),
        }));
    }

    fn rest(&mut self) {
        self.known = Known::default();
    }
}

impl Inbound {
    fn dispatch(&mut self, control: Control, payload: Option<Payload>) {
        match control {
            Control::Send { to, .. } => self.message(Some(to), payload),
            Control::RegSend { to, .. } => {
                let to = self.named(&to);
                self.message(to, payload);
            }
            Control::AliasSend { to, .. } => self.answer(&to, payload),
            Control::Link { from, to } => self.control(to, ControlSignal::Link { from }),
            Control::UnlinkId { id, from, to } => {
                self.control(to, ControlSignal::Unlink { from, id })
            }
            Control::UnlinkIdAck { id, from, to } => {
                self.control(to, ControlSignal::UnlinkAck { from, id })
            }
            Control::Exit { from, to, .. } => {
                if let Some(reason) = self.reason(payload) {
                    self.control(to, ControlSignal::LinkExit { from, reason });
                }
            }
            Control::Exit2 { from, to, .. } => self.exit(from, to, payload),
            Control::Monitor {
                from,
                to,
                reference,
            } => self.monitor(from, &to, reference),
            Control::Demonitor { to, reference, .. } => {
                for pid in self.targets(&to) {
                    self.control(pid, ControlSignal::Demonitor { reference });
                }
            }
            Control::MonitorExit {
                from,
                to,
                reference,
            } => self.down(&from, to, reference, payload),
            Control::GroupLeader { from, to } => {
                self.control(to, ControlSignal::GroupLeader { leader: from })
            }
            Control::SpawnRequest(request) => {
                if let Some(arguments) = self.wire(payload) {
                    remote::serve(&self.node, &self.connection, *request, arguments);
                }
            }
            Control::Priority { from, to, exit, .. } => match (to, exit) {
                (Recipient::Pid(to), true) => self.exit(from, to, payload),
                (Recipient::Name(name), true) => {
                    if let Some(to) = self.named(&name) {
                        self.exit(from, to, payload);
                    }
                }
                (Recipient::Pid(to), false) => self.message(Some(to), payload),
                (Recipient::Name(name), false) => {
                    let to = self.named(&name);
                    self.message(to, payload);
                }
                (Recipient::Alias(alias), false) => self.answer(&alias, payload),
                (Recipient::Alias(alias), true) => self.exit_alias(from, alias, payload),
            },
            Control::SpawnReply {
                id,
                to,
                flags,
                result,
                ..
            } => self.spawn_reply(id, to, flags, result),
            // Nothing that acts.
            Control::Unlink { .. } | Control::NodeLink => {}
            // A control message that a later kista-dist knows: it is not ours to close the connection for.
            other => {
                tracing::debug!(peer = %self.connection.peer(), ?other, "control message ignored")
            }
        }
    }

    fn message(&mut self, to: Option<Pid>, payload: Option<Payload>) {
        if let Some(payload) = &payload
            && let Some(key) = self.node.call_answered_by(payload)
        {
            if let Some(message) = self.wire(Some(payload.clone())) {
                self.node.answer_call(key, message);
            }
            return;
        }
        // To a missing process: dropped silently, as everywhere in Erlang.
        if let Some(process) = to.and_then(|to| self.known.process(&self.node, to))
            && let Some(payload) = payload
        {
            // What a full queue refuses it counts itself: nobody here could be told.
            drop(process.push_wire(wire(&self.connection, payload)));
        }
    }

    fn answer(&self, alias: &Reference, payload: Option<Payload>) {
        if let Some(key) = self.node.call_key(alias) {
            if let Some(message) = self.wire(payload) {
                self.node.answer_call(key, message);
            }
        } else if let Some(process) = self.node.alias_owner(alias)
            && let Some(message) = self.wire(payload)
        {
            drop(process.push_to_alias(*alias, message));
        }
    }

    /// An alias that is a call's is no name for the process that makes it.
    fn exit_alias(&mut self, from: Pid, alias: Reference, payload: Option<Payload>) {
        if let Some(process) = self.node.alias_owner(&alias)
            && let Some(reason) = self.reason(payload)
        {
            let exit = ControlSignal::ExitAlias {
                alias,
                from,
                reason,
            };
            self.control(process.me().pid(), exit);
        }
    }

    fn wire(&self, payload: Option<Payload>) -> Option<WireMessage> {
        payload.map(|payload| wire(&self.connection, payload))
    }

    fn control(&mut self, to: Pid, signal: ControlSignal) {
        // What is taken back is not answered, nor does anything go by it.
        let via = match signal {
            ControlSignal::Demonitor { .. } => None,
            _ => Some(Arc::clone(&self.connection)),
        };
        let envelope = Envelope { signal, via };
        let Self {
            node,
            connection,
            known,
        } = self;
        let unreached = match known.process(node, to) {
            Some(process) if refuses(node, connection, process.me(), &envelope.signal) => envelope,
            Some(process) => match process.push_control(envelope) {
                Ok(()) => return,
                Err(envelope) => envelope,
            },
            None => envelope,
        };
        self.node.answer_for_dead(to, unreached);
    }

    fn exit(&mut self, from: Pid, to: Pid, payload: Option<Payload>) {
        if let Some(reason) = self.reason(payload) {
            self.control(to, ControlSignal::Exit { from, reason });
        }
    }

    fn monitor(&mut self, watcher: Pid, to: &Target, reference: Reference) {
        let name = match to {
            Target::Pid(_) => None,
            Target::Name(name) => Some(name),
        };
        match self.target(to) {
            Some(pid) => {
                let name = name.and_then(as_atom);
                self.control(
                    pid,
                    ControlSignal::Monitor {
                        watcher,
                        reference,
                        name,
                    },
                );
            }
            // Answered at once: a caller with an infinite timeout waits for nothing else.
            None => {
                let control = Control::MonitorExit {
                    from: to.clone(),
                    to: watcher,
                    reference,
                };
                self.node.count_told_away();
                let reason = self.node.reason_of_absence();
                send_control(&self.connection, None, control, Some(&reason));
            }
        }
    }

    fn down(&mut self, from: &Target, to: Pid, reference: Reference, payload: Option<Payload>) {
        if let Some(key) = self.node.call_key(&reference) {
            return self.down_for_call(key, payload);
        }
        let Some(reason) = self.reason(payload) else {
            return;
        };
        // The record at the watcher says what was monitored; this is only to have a value.
        let from = match from {
            Target::Pid(pid) => Dest::Pid(*pid),
            Target::Name(name) => {
                let Some(name) = as_atom(name) else { return };
                Dest::Remote {
                    name,
                    node: self.connection.peer(),
                }
            }
        };
        self.control(
            to,
            ControlSignal::Down {
                from,
                reference,
                reason,
            },
        );
    }

    fn down_for_call(&self, key: Key, payload: Option<Payload>) {
        if self.node.call_is_process(key) {
            // The answer: decoded by who waits for it.
            if let Some(message) = self.wire(payload) {
                self.node.answer_call(key, message);
            }
        } else if let Some(reason) = self.reason(payload) {
            self.node.down_for_call(key, reason);
        }
    }

    fn spawn_reply(&mut self, id: Reference, to: Pid, flags: u32, result: SpawnResult) {
        let Some(key) = self.node.call_key(&id) else {
            let result = match result {
                SpawnResult::Spawned(pid) => Ok(pid),
                SpawnResult::Failed(why) => Err(why.into()),
            };
            let reply = ControlSignal::SpawnReply {
                reference: id,
                result,
                flags,
            };
            return self.control(to, reply);
        };
        let waited_for = (self.node).started_for_call(key, self.connection.id(), &result);
        if !waited_for && let SpawnResult::Spawned(pid) = result {
            let via = Via::from(&self.connection);
            (self.node).abandon_spawned(&via, to, pid, id, flags);
        }
    }

    fn target(&mut self, target: &Target) -> Option<Pid> {
        match target {
            Target::Pid(pid) => Some(*pid),
            Target::Name(name) => self.named(name),
        }
    }

    /// Whoever may have been meant when the name was said.
    fn targets(&mut self, target: &Target) -> SmallVec<[Pid; 1]> {
        let name = match target {
            Target::Pid(pid) => return smallvec![*pid],
            Target::Name(name) => name,
        };
        let Some(name) = as_atom(name) else {
            return SmallVec::new();
        };
        let found = self.known.name(&self.node, name);
        match found.had_by_others {
            true => self.node.0.names.find_all(name),
            false => found.holder.into_iter().collect(),
        }
    }

    fn named(&mut self, name: &AtomName) -> Option<Pid> {
        self.known.name(&self.node, as_atom(name)?).holder
    }

    /// `None`, and the end of the connection, when the payload is no term.
    fn reason(&self, payload: Option<Payload>) -> Option<ExitReason> {
        let payload = payload?;
        let mut d = payload.decoder();
        match d.term().and_then(|term| d.finish().map(|()| term)) {
            Ok(term) => Some(ExitReason::from(term)),
            Err(error) => {
                self.connection
                    .close(&format!("an exit reason is not a term: {error}"));
                None
            }
        }
    }
}

/// A name that stayed text can be registered nowhere here, unless it became an atom since.
fn as_atom(name: &AtomName) -> Option<Atom> {
    match name {
        AtomName::Interned(atom) => Some(*atom),
        AtomName::Text(text) => Atom::lookup(text.as_str()),
    }
}

/// Whether it is a signal that no system process takes from another node: one that could end it, or changes it.
fn refuses(node: &Node, connection: &Connection, to: &Me, signal: &ControlSignal) -> bool {
    let what = match signal {
        ControlSignal::Exit { .. } | ControlSignal::LinkExit { .. } => "an exit signal",
        ControlSignal::Link { .. } => "a link",
        ControlSignal::GroupLeader { .. } => "a group leader",
        _ => return false,
    };
    if !kernel::is_system(to.behaviour()) {
        return false;
    }
    let peer = connection.peer();
    let process = Dest::Pid(to.pid());
    let to = to.state.lock().name.map_or(process, Dest::Name);
    let what = format_args!("{what} for {to}");
    node.remote().log_refused(peer, what);
    true
}

fn wire(connection: &Arc<Connection>, payload: Payload) -> WireMessage {
    let via = Some(connection.charge(payload.weight()));
    WireMessage {
        payload,
        place: None,
        via,
    }
}
