//! Where signals go: to a process here, by its index; to another node, by the connection there.

use std::sync::Arc;

use kista_dist::Control;
use kista_dist::control::Target;
use kista_dist::frame::{Payload, PayloadBytes};
use kista_etf::{Atom, Encode, EncodeError, Encoder, Pid, Reference, atoms};

use super::Node;
use super::scratch::{self, with_encoder};
use crate::gen_server::{CallError, SendError, Sent};
use crate::net::{self, Connection, NotConnected, Pressure, Share};
use crate::process::{
    ControlSignal, Delivery, Dest, Envelope, Room, RoomForLarge, Via, WireMessage, current,
};
use crate::{ExitReason, remote};

impl Node {
    /// Sends a message in Erlang's format: `To ! Message`. To a process that does not exist it is dropped, as in Erlang.
    pub fn send<T: Encode + ?Sized>(&self, to: impl Into<Dest>, message: &T) -> Sent {
        self.send_with(to.into(), |e| message.encode(e))
    }

    /// Sends a cast in Erlang's format: `gen_server:cast/2`.
    pub fn cast<T: Encode + ?Sized>(&self, to: impl Into<Dest>, message: &T) -> Sent {
        self.send_with(to.into(), |e| {
            e.tuple(2);
            e.atom(atoms::GEN_CAST);
            message.encode(e)
        })
    }

    pub(crate) fn send_with(
        &self,
        to: Dest,
        message: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Sent {
        self.send_there(self.node_of(to), to, message)
    }

    /// The same when it is known on which node the destination is.
    #[inline]
    pub(crate) fn send_there(
        &self,
        node: Atom,
        to: Dest,
        message: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Sent {
        with_encoder(|e| match message(e) {
            Ok(()) => self.send_encoded(node, to, e),
            Err(error) => Sent::failed(SendError::Encode(error)),
        })
    }

    fn send_encoded(&self, node: Atom, to: Dest, e: &Encoder) -> Sent {
        current::count_sent();
        match node == self.name() {
            true => self.deliver(to, || local_message(e)),
            false => self.send_away(self.current_pid(), to, node, e),
        }
    }

    /// As [`send`](Self::send), but makes no connection: to a node that is not connected it is dropped. `erlang:send(To, Message,
    /// [noconnect])`.
    pub(crate) fn send_noconnect<T: Encode + ?Sized>(&self, to: Dest, message: &T) -> Sent {
        let node = self.node_of(to);
        if node == self.name() {
            return self.send(to, message);
        }
        let Some(connection) = self.connected(node) else {
            return Sent::done();
        };
        with_encoder(|e| match message.encode(e) {
            Ok(()) => {
                current::count_sent();
                Self::message_by(&connection, self.current_pid(), to, e)
            }
            Err(error) => Sent::failed(SendError::Encode(error)),
        })
    }

    /// To another node.
    fn send_away(&self, from: Pid, to: Dest, node: Atom, e: &Encoder) -> Sent {
        let sent = self.by_connection(node, |connection| Self::message_by(connection, from, to, e));
        // No way there: dropped, as in Erlang.
        sent.unwrap_or_else(|_| Sent::done())
    }

    /// Uses the connection to another node, which is made if there is none. One after the other they look for it once.
    #[inline]
    pub(super) fn by_connection<T>(
        &self,
        node: Atom,
        send: impl FnOnce(&Arc<Connection>) -> T,
    ) -> Result<T, NotConnected> {
        let last = scratch::take_connection()
            .filter(|last| self.0.net.as_ref().is_some_and(|net| last.leads(net, node)));
        let connection = match last {
            Some(connection) => connection,
            None => self.connection(node)?,
        };
        let sent = send(&connection);
        scratch::keep_connection(connection);
        Ok(sent)
    }

    /// Uses this very connection to another node; not at all when it has ended.
    pub(super) fn by_that_connection(&self, node: Atom, id: u64, send: impl FnOnce(&Connection)) {
        let Some(net) = &self.0.net else {
            return;
        };
        let last = scratch::take_connection();
        let is_last = |last: &Arc<Connection>| last.id() == id && last.leads(net, node);
        match &last {
            Some(last) if is_last(last) => send(last),
            _ => {
                if let Some(connection) = net.entry(node).filter(|other| other.id() == id) {
                    send(&connection);
                }
            }
        }
        if let Some(last) = last {
            scratch::keep_connection(last);
        }
    }

    /// Queues an encoded message at a process or a call of this node.
    fn deliver(&self, to: Dest, message: impl FnOnce() -> WireMessage) -> Sent {
        let delivery = match to {
            Dest::Alias(alias) => match self.call_key(&alias) {
                Some(key) => {
                    self.answer_call(key, message());
                    Delivery::Taken
                }
                None => match self.alias_owner(&alias) {
                    Some(process) => process.push_to_alias(alias, message()),
                    None => Delivery::Ended,
                },
            },
            to => match self.local(to).flatten().and_then(|pid| self.find(pid)) {
                Some(process) => {
                    let message = message();
                    match self.call_answered_by(&message.payload) {
                        Some(key) => {
                            self.answer_call(key, message);
                            Delivery::Taken
                        }
                        None => process.push_wire(message),
                    }
                }
                None => Delivery::Ended,
            },
        };
        match delivery {
            Delivery::Taken | Delivery::Ended => Sent::done(),
            Delivery::Wait(room) => {
                current::hold(Arc::clone(&room));
                Sent::busy(room)
            }
            Delivery::Refused => Sent::failed(SendError::Overloaded),
        }
    }

    /// A message that was encoded before, of a sender that is not the one who runs here.
    pub(crate) fn send_payload(&self, from: Pid, to: Dest, payload: Payload) {
        let node = self.node_of(to);
        if node == self.name() {
            let message = WireMessage {
                payload,
                ..WireMessage::default()
            };
            drop(self.deliver(to, || message));
        } else if let Ok(term) = payload.decoder().term() {
            // Away it is written anew: how atoms are written depends on the connection.
            drop(with_encoder(|e| match e.term(&term) {
                Ok(()) => self.send_away(from, to, node, e),
                Err(error) => Sent::failed(SendError::Encode(error)),
            }));
        }
    }

    /// A message, encoded to be kept.
    pub(crate) fn payload(
        &self,
        message: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<Payload, EncodeError> {
        with_encoder(|e| {
            message(e)?;
            Ok(local_message(e).payload)
        })
    }

    fn message_by(connection: &Arc<Connection>, from: Pid, to: Dest, e: &Encoder) -> Sent {
        let to = match to {
            Dest::Pid(pid) => Target::Pid(pid),
            Dest::Name(name) | Dest::Remote { name, .. } => Target::Name(name.into()),
            Dest::Alias(to) => {
                let token = None;
                return Self::send_by(connection, Control::AliasSend { from, to, token }, e);
            }
        };
        Self::sent_by(connection, connection.send_message(from, to, e))
    }

    fn send_by(connection: &Arc<Connection>, control: Control, e: &Encoder) -> Sent {
        Self::sent_by(connection, connection.send(control, Some(e)))
    }

    #[inline]
    fn sent_by(connection: &Arc<Connection>, sent: Result<Pressure, net::SendError>) -> Sent {
        match sent {
            Ok(Pressure::Busy(share)) => {
                let connection = Arc::clone(connection);
                let room: Arc<dyn Room> = match share {
                    Share::Short => connection,
                    Share::All => Arc::new(RoomForLarge(connection)),
                };
                current::hold(Arc::clone(&room));
                Sent::busy(room)
            }
            Err(net::SendError::Full) => Sent::failed(SendError::Overloaded),
            Err(net::SendError::Encode(error)) => Sent::failed(SendError::Encode(error)),
            // Closed: dropped, as in Erlang.
            Ok(Pressure::Room) | Err(net::SendError::Closed) => Sent::done(),
        }
    }

    /// Sends the answer `{Tag, Reply}` that `reply` writes to a caller: to its alias, or to the pid when the tag holds none.
    pub(crate) fn send_reply(
        &self,
        server: Pid,
        from: Pid,
        alias: Option<Reference>,
        reply: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        with_encoder(|e| {
            reply(e)?;
            match alias {
                None => drop(self.send_encoded(from.node, Dest::Pid(from), e)),
                Some(alias) if from.node == self.name() => {
                    current::count_sent();
                    drop(self.deliver(Dest::Alias(alias), || local_message(e)));
                }
                Some(alias) => {
                    current::count_sent();
                    let control = Control::AliasSend {
                        from: server,
                        to: alias,
                        token: None,
                    };
                    let sent = self.by_connection(from.node, |connection| {
                        Self::send_by(connection, control, e)
                    });
                    drop(sent);
                }
            }
            Ok(())
        })
    }

    /// Sends a control signal to a process anywhere. One that cannot arrive is answered as if by the dead process.
    pub(crate) fn signal(&self, to: Pid, signal: ControlSignal) {
        if to.node == self.name() {
            return self.signal_local(to, signal);
        }
        // Only what begins something dials; an answer to a connection that is gone is void.
        let Some(outgoing) = outgoing(to, signal) else {
            return;
        };
        let connection = if outgoing.dials {
            self.connection(to.node).ok()
        } else {
            self.connected(to.node)
        };
        if let Some(connection) = connection {
            outgoing.send(&connection, None);
        }
    }

    /// Sends a signal about a relation, the way that the relation goes. It is in order with the other signals of `sender`, also when
    /// it does not say itself who sends it.
    pub(crate) fn signal_by(&self, via: &Via, sender: Option<Pid>, to: Pid, signal: ControlSignal) {
        match via {
            Via::Here => self.signal(to, signal),
            // Gone: what was related through it ended with it.
            Via::Connection(_, connection) => {
                if let Some(connection) = connection.upgrade()
                    && let Some(outgoing) = outgoing(to, signal)
                {
                    if outgoing.reason.is_some() {
                        self.count_told_away();
                    }
                    outgoing.send(&connection, sender);
                }
            }
        }
    }

    fn signal_local(&self, to: Pid, signal: ControlSignal) {
        // The DOWN of a call's monitor is for the call, not for the process that made it.
        if let ControlSignal::Down {
            reference, reason, ..
        } = &signal
            && let Some(key) = self.call_key(reference)
        {
            let reason = match reason {
                // Its process ended between the look-up and the monitor.
                ExitReason::NoProc => self.reason_of_absence(),
                reason => reason.clone(),
            };
            return self.down_for_call(key, reason);
        }
        let unreached = match self.find(to) {
            Some(process) => match process.push_control(signal.into()) {
                Ok(()) => return,
                Err(envelope) => envelope,
            },
            None => Envelope::from(signal),
        };
        self.answer_for_dead(to, unreached);
    }

    /// What a process that is no more answers: links and monitors get `noproc` (or, from elsewhere while this node stops,
    /// `shutdown`), unlinking is acknowledged, the rest is void.
    pub(crate) fn answer_for_dead(&self, dead: Pid, envelope: Envelope) {
        let reason = match envelope.via {
            None => ExitReason::NoProc,
            Some(_) => self.reason_of_absence(),
        };
        let via = Via::from(envelope.via.as_ref());
        let answer = |to, signal| self.signal_by(&via, Some(dead), to, signal);
        match envelope.signal {
            ControlSignal::Link { from } => {
                answer(from, ControlSignal::LinkExit { from: dead, reason })
            }
            ControlSignal::Unlink { from, id } => {
                answer(from, ControlSignal::UnlinkAck { from: dead, id })
            }
            ControlSignal::Monitor {
                watcher,
                reference,
                name,
            } => {
                let from = name.map_or(Dest::Pid(dead), Dest::Name);
                answer(
                    watcher,
                    ControlSignal::Down {
                        from,
                        reference,
                        reason,
                    },
                );
            }
            ControlSignal::Info { slot } => {
                let _ = slot.fail(CallError::NoProc);
            }
            ControlSignal::SpawnReply {
                reference,
                result: Ok(pid),
                flags,
            } => self.abandon_spawned(&via, dead, pid, reference, flags),
            _ => {}
        }
    }

    /// Asks for a monitor that is recorded with the watcher already, of what [`Node::local`] said that `to` is.
    pub(crate) fn monitor(
        &self,
        via: &Via,
        watcher: Pid,
        to: Dest,
        here: Option<Option<Pid>>,
        reference: Reference,
    ) {
        let down = |reason| ControlSignal::Down {
            from: to,
            reference,
            reason,
        };
        match here {
            Some(Some(pid)) => {
                let name = match to {
                    Dest::Pid(_) | Dest::Alias(_) => None,
                    Dest::Name(name) | Dest::Remote { name, .. } => Some(name),
                };
                self.signal(
                    pid,
                    ControlSignal::Monitor {
                        watcher,
                        reference,
                        name,
                    },
                );
            }
            Some(None) => self.signal(watcher, down(ExitReason::NoProc)),
            None => {
                let control = Control::Monitor {
                    from: watcher,
                    to: target(to),
                    reference,
                };
                send_by(via, control);
            }
        }
    }

    /// Takes a monitor back.
    pub(crate) fn demonitor(&self, via: &Via, watcher: Pid, to: Dest, reference: Reference) {
        match self.local(to) {
            Some(Some(pid)) => self.signal(pid, ControlSignal::Demonitor { reference }),
            Some(None) => {}
            None => {
                let control = Control::Demonitor {
                    from: watcher,
                    to: target(to),
                    reference,
                };
                send_by(via, control);
            }
        }
    }

    /// A process that was started for `asker`, who does not want it any more: link and monitor that its node made are taken back.
    /// A linked one ends with that.
    pub(crate) fn abandon_spawned(
        &self,
        via: &Via,
        asker: Pid,
        spawned: Pid,
        reference: Reference,
        flags: u32,
    ) {
        if flags & remote::MONITORED != 0 {
            self.demonitor(via, asker, Dest::Pid(spawned), reference);
        }
        if flags & remote::LINKED != 0 {
            let abandoned = ControlSignal::LinkExit {
                from: asker,
                reason: ExitReason::from(Atom::from_static("abandoned")),
            };
            self.signal_by(via, None, spawned, abandoned);
        }
    }

    /// The way that a new relation of `pid` with a process on `node` goes: a connection that is watched for its loss.
    pub(crate) fn relation_via(&self, pid: Pid, node: Atom) -> Result<Via, NotConnected> {
        if node == self.name() {
            return Ok(Via::Here);
        }
        let connection = self.connection(node)?;
        if connection.watch(pid) {
            Ok(Via::from(&connection))
        } else {
            Err(NotConnected::NotRunning)
        }
    }

    /// A control message that no process sends by itself, in order with what `sender` sends.
    pub(crate) fn control_by(
        &self,
        connection: &Connection,
        sender: Option<Pid>,
        control: Control,
    ) {
        send_control(connection, sender, control, None);
    }

    /// The DOWN of a monitor, with the reason that `reason` writes.
    ///
    /// # Errors
    /// It cannot be written: nothing was sent.
    pub(crate) fn send_down(
        &self,
        connection: &Connection,
        control: Control,
        reason: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        with_encoder(|e| {
            reason(e)?;
            self.count_told_away();
            match connection.send(control, Some(e)) {
                Err(net::SendError::Encode(error)) => Err(error),
                // Closed: what was related through it ended with it.
                _ => Ok(()),
            }
        })
    }

    pub(super) fn connection(&self, node: Atom) -> Result<Arc<Connection>, NotConnected> {
        self.0
            .net
            .as_ref()
            .ok_or(NotConnected::NotRunning)?
            .connection(node)
    }

    pub(crate) fn connected(&self, node: Atom) -> Option<Arc<Connection>> {
        self.0.net.as_ref()?.connected(node)
    }
}

/// A control signal on its way to another node.
struct Outgoing {
    control: Control,
    reason: Option<ExitReason>,
    /// Whether it is worth a new connection.
    dials: bool,
}

impl Outgoing {
    fn send(self, connection: &Connection, sender: Option<Pid>) {
        send_control(connection, sender, self.control, self.reason.as_ref());
    }
}

fn outgoing(to: Pid, signal: ControlSignal) -> Option<Outgoing> {
    let token = None;
    let (control, reason, dials) = match signal {
        ControlSignal::Link { from } => (Control::Link { from, to }, None, true),
        ControlSignal::Unlink { from, id } => (Control::UnlinkId { id, from, to }, None, false),
        ControlSignal::UnlinkAck { from, id } => {
            (Control::UnlinkIdAck { id, from, to }, None, false)
        }
        ControlSignal::LinkExit { from, reason } => {
            (Control::Exit { from, to, token }, Some(reason), false)
        }
        ControlSignal::Exit { from, reason } => {
            (Control::Exit2 { from, to, token }, Some(reason), true)
        }
        ControlSignal::Down {
            from,
            reference,
            reason,
        } => (
            Control::MonitorExit {
                from: target(from),
                to,
                reference,
            },
            Some(reason),
            false,
        ),
        ControlSignal::GroupLeader { leader } => {
            (Control::GroupLeader { from: leader, to }, None, true)
        }
        ControlSignal::Monitor {
            watcher, reference, ..
        } => (
            Control::Monitor {
                from: watcher,
                to: Target::Pid(to),
                reference,
            },
            None,
            true,
        ),
        // These have their own way out or never leave the node.
        ControlSignal::Demonitor { .. }
        | ControlSignal::RefuseCall { .. }
        | ControlSignal::ToAlias { .. }
        | ControlSignal::ExitAlias { .. }
        | ControlSignal::ConnectionLost { .. }
        | ControlSignal::SpawnReply { .. }
        | ControlSignal::Info { .. } => return None,
    };
    Some(Outgoing {
        control,
        reason,
        dials,
    })
}

/// A message from this node to itself.
pub(super) fn local_message(e: &Encoder) -> WireMessage {
    let atoms = e.atoms().iter().map(|atom| (*atom).into()).collect();
    let bytes = match e.chunks() {
        [] => PayloadBytes::copy_of(e.inline_bytes()),
        _ => e.to_bytes().into(),
    };
    WireMessage {
        payload: Payload { bytes, atoms },
        place: None,
        via: None,
    }
}

pub(super) fn send_control(
    connection: &Connection,
    sender: Option<Pid>,
    control: Control,
    reason: Option<&ExitReason>,
) {
    let send = |payload: Option<&Encoder>| match sender {
        Some(sender) => connection.send_from(sender, control, payload),
        None => connection.send(control, payload),
    };
    // An error means that the connection is closed: what was related through it ends with it.
    let sent = match reason {
        None => send(None),
        Some(reason) => with_encoder(|e| {
            if reason.encode(e).is_err() {
                // A reason made of terms always encodes, but for a float that is none.
                e.clear();
                e.atom(Atom::from_static("badarg"));
            }
            send(Some(e))
        }),
    };
    drop(sent);
}

/// Gone: what was related through it ended with it.
fn send_by(via: &Via, control: Control) {
    if let Via::Connection(_, connection) = via
        && let Some(connection) = connection.upgrade()
    {
        send_control(&connection, None, control, None);
    }
}

pub(super) fn target(dest: Dest) -> Target {
    match dest {
        Dest::Pid(pid) => Target::Pid(pid),
        Dest::Name(name) | Dest::Remote { name, .. } => Target::Name(name.into()),
        Dest::Alias(_) => unreachable!("`Node::local` says of an alias that it is no process"),
    }
}

#[cfg(test)]
mod tests;
