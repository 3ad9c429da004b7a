//! A call that goes encoded, to another node or to a process here whose type the caller does not know.
//!
//! The wire form is `gen:call`'s: a monitor of the target, then `{'$gen_call', {Pid, [alias|Ref]}, Request}`, where `Ref` names
//! the monitor and is the alias of the answer. Rules:
//! 1. The reference's words are the index and generation of the call's entry in the node's table: answer and DOWN find it without
//!    a map, and find nothing once the call is over. A late answer is dropped before anyone sees it.
//! 2. The first of answer, DOWN and loss of the connection settles the call.
//! 3. Dropping an [`Outcall`] takes the monitor back and frees the entry.
//! 4. A call may be a process that the other node starts for it (`erpc`): the request is a `SPAWN_REQUEST` with a monitor, whose
//!    reference is that of the call, and the reason of its end is the answer.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use kista_dist::control::{SpawnRequest, SpawnResult, Target};
use kista_dist::frame::Payload;
use kista_dist::{Control, Flags};
use kista_etf::{
    Atom, DecodeError, Decoder, Encode, EncodeError, Encoder, ListHeader, Pid, Reference, atoms,
};
use kista_sync::slot::ReplySlot;
use kista_sync::table::Key;

use super::Node;
use super::scratch::with_encoder;
use crate::gen_server::CallError;
use crate::net::{Connection, Pressure, SendError};
use crate::process::{AnyProcess, ControlSignal, Delivery, Dest, Guest, Via, WireMessage, current};
use crate::{ExitReason, remote};

/// Set in the first word of a reference that names a call.
const CALL: u32 = 1 << 17;

/// One entry of the node's table of calls.
pub(super) struct PendingCall {
    slot: ReplySlot<WireMessage, CallError>,
    /// The connection it went by; 0 within the node.
    via: AtomicU64,
    /// Of a call that is a process: which one, once that is known.
    process: Option<OnceLock<Pid>>,
}

pub(crate) struct Outcall {
    node: Node,
    key: Key,
    pending: Arc<PendingCall>,
    reference: Reference,
    from: Pid,
    guest: Option<Arc<Guest>>,
    monitored: Monitored,
    /// The answer was taken: nothing can arrive any more.
    answered: bool,
}

enum Monitored {
    Not,
    Local(Pid),
    /// On that node, by the connection that is noted in the entry.
    Remote(Atom, Target),
    /// The process that the call is; by this connection, or here.
    Process(Option<Arc<Connection>>),
}

/// An answer, undecoded: `{Tag, Reply}`.
pub(crate) struct Answer(WireMessage);

impl Answer {
    /// Of a call that is a process: the reason of its end.
    pub(crate) fn into_message(self) -> WireMessage {
        self.0
    }

    pub(crate) fn read<T>(
        &self,
        decode: impl FnOnce(&mut Decoder<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, CallError> {
        let mut d = self.0.payload.decoder();
        let value = d
            .tuple()
            .and_then(|_| skip_tag(&mut d))
            .and_then(|()| decode(&mut d))
            .and_then(|value| d.finish().map(|()| value));
        value.map_err(|error| {
            let mut d = self.0.payload.decoder();
            if let Some(connection) = self.0.connection()
                && d.skip().and_then(|()| d.finish()).is_err()
            {
                connection.close(&format!("an answer is not a term: {error}"));
            }
            CallError::Reply(error)
        })
    }
}

impl Outcall {
    /// A `'$gen_call'` with the request that `request` writes.
    pub(crate) fn start(
        node: &Node,
        dest: Dest,
        request: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<Self, CallError> {
        Self::start_as(node, dest, atoms::GEN_CALL, request)
    }

    /// The same with another first element: `system` for `sys` requests.
    pub(crate) fn start_as(
        node: &Node,
        dest: Dest,
        label: Atom,
        request: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<Self, CallError> {
        let mut outcall = Self::prepare(node, dest)?;
        with_encoder(|e| {
            e.tuple(3);
            e.atom(label);
            e.tuple(2);
            e.pid(&outcall.from);
            e.list(1);
            e.atom(atoms::ALIAS);
            e.reference(&outcall.reference);
            request(e)?;
            outcall.send(dest, e)
        })?;
        Ok(outcall)
    }

    /// A call that is a process of `peer`: it has yet to be named in the request, by the call's reference, and who calls.
    pub(crate) fn start_process(
        node: &Node,
        peer: Atom,
        request: impl FnOnce(Reference, Pid) -> SpawnRequest,
        arguments: impl FnOnce(&mut Encoder, &Reference) -> Result<(), EncodeError>,
    ) -> Result<Self, CallError> {
        let mut outcall = Self::enter(node, Some(OnceLock::new()))?;
        let reference = outcall.reference;
        let request = request(reference, outcall.from);
        if node.is_here(peer) {
            let message = WireMessage {
                payload: node.payload(|e| arguments(e, &reference))?,
                ..WireMessage::default()
            };
            outcall.monitored = Monitored::Process(None);
            let known = |pid| {
                if let Some(process) = &outcall.pending.process {
                    let _ = process.set(pid);
                }
            };
            remote::serve_self(node, request, message, known).map_err(ExitReason::from)?;
            return Ok(outcall);
        }
        let connection = node.connection(peer).map_err(|_| CallError::NoConnection)?;
        if connection.is_up() && !connection.flags().contains(Flags::SPAWN) {
            return Err(CallError::Exit(ExitReason::from(atoms::NOTSUP)));
        }
        outcall.pending.via.store(connection.id(), Relaxed);
        with_encoder(|e| {
            arguments(e, &reference)?;
            match connection.send(Control::SpawnRequest(Box::new(request)), Some(e)) {
                Ok(_) => Ok(()),
                Err(error) => Err(not_sent(error)),
            }
        })?;
        outcall.monitored = Monitored::Process(Some(connection));
        Ok(outcall)
    }

    pub(crate) fn reference(&self) -> &Reference {
        &self.reference
    }

    fn prepare(node: &Node, dest: Dest) -> Result<Self, CallError> {
        match current::pid_on(node) {
            Some(pid) if node.local(dest).flatten() == Some(pid) => Err(CallError::calling_self()),
            _ => Self::enter(node, None),
        }
    }

    fn enter(node: &Node, process: Option<OnceLock<Pid>>) -> Result<Self, CallError> {
        let (from, guest) = match current::pid_on(node) {
            Some(pid) => (pid, None),
            None => {
                let guest = node.insert_guest().ok_or(CallError::NoProc)?;
                (guest.me().pid(), Some(guest))
            }
        };
        let pending = Arc::new(PendingCall {
            slot: ReplySlot::new(),
            via: AtomicU64::new(0),
            process,
        });
        let key = node.0.calls.insert_with(|_| Arc::clone(&pending));
        let Ok(key) = key else {
            guest.iter().for_each(|guest| guest.end());
            return Err(CallError::Exit(crate::ExitReason::from(Atom::from_static(
                "system_limit",
            ))));
        };
        // Word 2 is the index, word 1 the generation: see `Node::call_key`.
        let reference = Reference::from_words(
            node.name(),
            node.creation(),
            [CALL, key.generation, key.index],
        );
        Ok(Self {
            node: node.clone(),
            key,
            pending,
            reference,
            from,
            guest,
            monitored: Monitored::Not,
            answered: false,
        })
    }

    /// Waits for nothing but the end of the process: the monitor of a call without its message.
    pub(crate) fn watch(node: &Node, dest: Dest) -> Result<Self, CallError> {
        let mut outcall = Self::prepare(node, dest)?;
        outcall.monitor(dest)?;
        Ok(outcall)
    }

    fn send(&mut self, dest: Dest, e: &Encoder) -> Result<(), CallError> {
        let Some(local) = self.node.local(dest) else {
            current::count_sent();
            return self.monitor_there(dest, |connection, monitor, from, to| {
                connection.send_call(monitor, from, to, e)
            });
        };
        let pid = local.ok_or_else(|| self.node.absent())?;
        self.monitor_local(pid, dest)?;
        current::count_sent();
        // A process that ended meanwhile answers the monitor, with its reason.
        let Some(process) = self.node.find(pid) else {
            return Ok(());
        };
        match process.push_wire(super::route::local_message(e)) {
            Delivery::Refused => Err(CallError::Overloaded),
            Delivery::Wait(room) => {
                current::hold(room);
                Ok(())
            }
            Delivery::Taken | Delivery::Ended => Ok(()),
        }
    }

    fn monitor(&mut self, dest: Dest) -> Result<(), CallError> {
        if let Some(local) = self.node.local(dest) {
            let here = local.ok_or_else(|| self.node.absent())?;
            return self.monitor_local(here, dest);
        }
        self.monitor_there(dest, |connection, monitor, _, _| {
            connection.send(monitor, None)
        })
    }

    /// `send` sends the monitor, and what is to follow it at once.
    fn monitor_there(
        &mut self,
        dest: Dest,
        send: impl FnOnce(&Connection, Control, Pid, Target) -> Result<Pressure, SendError>,
    ) -> Result<(), CallError> {
        let (peer, target) = (self.node.node_of(dest), super::route::target(dest));
        let monitor = Control::Monitor {
            from: self.from,
            to: target.clone(),
            reference: self.reference,
        };
        let (from, via) = (self.from, &self.pending.via);
        let sent = self.node.by_connection(peer, |connection| {
            // Before anything can be lost with it.
            via.store(connection.id(), Relaxed);
            send(connection, monitor, from, target.clone())
        });
        let sent = sent.map_err(|_| CallError::NoConnection)?;
        if !matches!(sent, Err(SendError::Closed | SendError::Full)) {
            self.monitored = Monitored::Remote(peer, target);
        }
        sent.map(drop).map_err(not_sent)
    }

    fn monitor_local(&mut self, to: Pid, dest: Dest) -> Result<(), CallError> {
        let process = self.node.find(to).ok_or_else(|| self.node.absent())?;
        let name = match dest {
            Dest::Pid(_) | Dest::Alias(_) => None,
            Dest::Name(name) | Dest::Remote { name, .. } => Some(name),
        };
        let monitor = ControlSignal::Monitor {
            watcher: self.from,
            reference: self.reference,
            name,
        };
        process
            .push_control(monitor.into())
            .map_err(|_| self.node.absent())?;
        self.monitored = Monitored::Local(to);
        Ok(())
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, CallError>> {
        let answer = self.pending.slot.poll(cx);
        self.answered |= answer.is_ready();
        if answer.is_ready() && matches!(self.monitored, Monitored::Process(_)) {
            // Ended: there is no monitor to take back.
            self.monitored = Monitored::Not;
        }
        answer.map_ok(Answer)
    }
}

impl Drop for Outcall {
    fn drop(&mut self) {
        drop(self.node.0.calls.remove(self.key));
        if !self.answered {
            drop(self.pending.slot.abandon());
        }
        let reference = self.reference;
        match std::mem::replace(&mut self.monitored, Monitored::Not) {
            Monitored::Not => {}
            // Not known yet: its reply finds no call, and is answered so.
            Monitored::Process(connection) => {
                let pid = self.pending.process.as_ref().and_then(OnceLock::get);
                if let Some(pid) = pid {
                    let via = Via::from(connection.as_ref());
                    let process = Dest::Pid(*pid);
                    self.node.demonitor(&via, self.from, process, reference);
                }
            }
            Monitored::Local(pid) => self
                .node
                .signal(pid, ControlSignal::Demonitor { reference }),
            Monitored::Remote(peer, to) => {
                let demonitor = Control::Demonitor {
                    from: self.from,
                    to,
                    reference,
                };
                let via = self.pending.via.load(Relaxed);
                // Closed: the monitor went with the connection.
                self.node.by_that_connection(peer, via, |connection| {
                    let _ = connection.send(demonitor, None);
                });
            }
        }
        if let Some(guest) = &self.guest {
            guest.end();
        }
    }
}

fn not_sent(error: SendError) -> CallError {
    match error {
        SendError::Full => CallError::Overloaded,
        SendError::Encode(error) => CallError::Request(error),
        SendError::Closed => CallError::NoConnection,
    }
}

impl Node {
    /// Asks for a process that nobody waits for.
    pub(crate) fn send_spawn_request(
        &self,
        peer: Atom,
        request: SpawnRequest,
        arguments: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<(), CallError> {
        if self.is_here(peer) {
            let message = WireMessage {
                payload: self.payload(arguments)?,
                ..WireMessage::default()
            };
            let started = remote::serve_self(self, request, message, drop);
            return started
                .map(drop)
                .map_err(|why| CallError::Exit(ExitReason::from(why)));
        }
        let connection = self.connection(peer);
        let connection = connection.map_err(|_| CallError::NoConnection)?;
        self.send_spawn_request_by(&connection, request, arguments)
    }

    pub(crate) fn send_spawn_request_by(
        &self,
        connection: &Connection,
        request: SpawnRequest,
        arguments: impl FnOnce(&mut Encoder) -> Result<(), EncodeError>,
    ) -> Result<(), CallError> {
        with_encoder(|e| {
            arguments(e)?;
            let sent = connection.send(Control::SpawnRequest(Box::new(request)), Some(e));
            sent.map(drop).map_err(not_sent)
        })
    }

    /// The group leader of a process that another node starts for this one: that of the process that asks. Where there is none it is
    /// this node's own.
    pub(crate) fn leader_for_others(&self) -> Pid {
        let process = current::process_on(self);
        let leader = process.and_then(|process| process.me().state.lock().group_leader());
        leader
            .or_else(|| self.whereis(crate::io::USER))
            .unwrap_or_else(|| self.outside())
    }

    /// The entry that a reference names, when it is one of our calls'.
    pub(super) fn call_key(&self, reference: &Reference) -> Option<Key> {
        match reference.words() {
            [CALL, generation, index]
                if reference.node() == self.name() && reference.creation() == self.creation() =>
            {
                Some(Key {
                    index: *index,
                    generation: *generation,
                })
            }
            _ => None,
        }
    }

    /// The entry of the call that this message answers, though it was sent to the caller's pid: OTP 25's `net_kernel` answers so, and
    /// whoever writes `To ! {Tag, Reply}`. It is for the call, also when the caller is a process that reads its messages only after
    /// the call.
    pub(super) fn call_answered_by(&self, payload: &Payload) -> Option<Key> {
        self.call_key(&alias_in_answer(payload)?)
    }

    /// An answer for a call; dropped when the call is over.
    pub(super) fn answer_call(&self, key: Key, message: WireMessage) {
        // Outside of the lock: what nobody takes is dropped, and who waits is woken.
        let mut message = Some(message);
        let calls = &self.0.calls;
        let caller = calls.with(key, |pending| pending.slot.fill_quietly(&mut message));
        if let Some(caller) = caller.flatten() {
            caller.wake();
        }
    }

    /// A call's monitor fired.
    pub(super) fn down_for_call(&self, key: Key, reason: ExitReason) {
        let Some(pending) = self.0.calls.get(key) else {
            return;
        };
        if pending.process.is_some() && reason != ExitReason::NoConnection {
            let payload = self.payload(|e| reason.encode(e)).unwrap_or_default();
            let message = WireMessage {
                payload,
                ..WireMessage::default()
            };
            drop(pending.slot.fill(message));
        } else {
            let _ = pending.slot.fail(CallError::from(reason));
        }
    }

    pub(super) fn call_is_process(&self, key: Key) -> bool {
        let pending = self.0.calls.get(key);
        pending.is_some_and(|pending| pending.process.is_some())
    }

    /// What became of the process that a call is to be. False: nobody waits for it.
    pub(super) fn started_for_call(&self, key: Key, connection: u64, result: &SpawnResult) -> bool {
        let Some(pending) = self.0.calls.get(key) else {
            return false;
        };
        let Some(process) = &pending.process else {
            return false;
        };
        // Another node's word counts for nothing here.
        if pending.via.load(Relaxed) != connection {
            return true;
        }
        match result {
            SpawnResult::Spawned(pid) => drop(process.set(*pid)),
            SpawnResult::Failed(why) => {
                let why = ExitReason::from(kista_etf::Term::from(why.clone()));
                let _ = pending.slot.fail(CallError::Exit(why));
            }
        }
        !pending.slot.is_abandoned()
    }

    /// The calls by this connection that are processes end: the peer turned out to start none.
    pub(super) fn fail_processes_via(&self, connection: u64) {
        for key in self.0.calls.keys() {
            if let Some(pending) = self.0.calls.get(key)
                && pending.process.is_some()
                && pending.via.load(Relaxed) == connection
            {
                let notsup = ExitReason::from(atoms::NOTSUP);
                let _ = pending.slot.fail(CallError::Exit(notsup));
            }
        }
    }

    /// Every call that went by this connection ends.
    pub(super) fn fail_calls_via(&self, connection: u64) {
        for key in self.0.calls.keys() {
            if let Some(pending) = self.0.calls.get(key)
                && pending.via.load(Relaxed) == connection
            {
                let _ = pending.slot.fail(CallError::NoConnection);
            }
        }
    }
}

/// Passes over the tag of an answer, which nearly always is `[alias|Alias]`.
fn skip_tag(d: &mut Decoder<'_>) -> Result<(), DecodeError> {
    let start = d.mark();
    if let Ok(ListHeader::Elements(1)) = d.list()
        && d.found_atom().is_ok()
        && d.reference().is_ok()
    {
        return Ok(());
    }
    d.reset(start);
    d.skip()
}

/// A tuple of two, and a list of one element before its tail: `{[alias|Ref], _}` begins so, and so may others.
pub(super) const BEGINNING_OF_ANSWER: [u8; 7] = [104, 2, 108, 0, 0, 0, 1];

/// The alias of an answer `{[alias|Alias], Reply}`.
fn alias_in_answer(payload: &Payload) -> Option<Reference> {
    if !payload.bytes.starts_with(&BEGINNING_OF_ANSWER) {
        return None;
    }
    let mut d = payload.decoder();
    d.tuple().ok()?;
    d.list().ok()?;
    if d.atom().ok()?.as_str() != "alias" {
        return None;
    }
    d.reference().ok()
}
