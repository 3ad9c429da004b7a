//! A call that goes encoded, to another node or to a process here whose type the caller does not know.
//!
//! The wire form is `gen:call`'s: a monitor of the target, then `{'$gen_call', {Pid, [alias|Ref]}, Request}`, where `Ref` names
//! the monitor and is the alias of the answer. Rules:
//! 1. The reference's words are the index and generation of the call's entry in the node's table: answer and DOWN find it without
//!    a map, and find nothing once the call is over. A late answer is dropped before anyone sees it.
//! 2. The first of answer, DOWN and loss of the connection settles the call.
//! 3. Dropping an [`Outcall`] takes the monitor back and frees the entry.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use kista_dist::Control;
use kista_dist::control::Target;
use kista_etf::{Atom, DecodeError, Decoder, EncodeError, Encoder, Pid, Reference, atoms};
use kista_sync::slot::ReplySlot;
use kista_sync::table::Key;

use super::Node;
use super::scratch::with_encoder;
use crate::gen_server::CallError;
use crate::net::{Connection, SendError};
use crate::process::{AnyProcess, ControlSignal, Delivery, Dest, Guest, WireMessage, current};

/// Set in the first word of a reference that names a call.
const CALL: u32 = 1 << 17;

/// One entry of the node's table of calls.
pub(super) struct PendingCall {
    slot: ReplySlot<WireMessage, CallError>,
    /// The connection it went by; 0 within the node.
    via: AtomicU64,
}

pub(crate) struct Outcall {
    node: Node,
    key: Key,
    pending: Arc<PendingCall>,
    reference: Reference,
    from: Pid,
    guest: Option<Arc<Guest>>,
    monitored: Monitored,
}

enum Monitored {
    Not,
    Local(Pid),
    Remote(Arc<Connection>, Target),
}

/// An answer, undecoded: `{Tag, Reply}`.
pub(crate) struct Answer(WireMessage);

impl Answer {
    pub(crate) fn read<T>(
        &self,
        decode: impl FnOnce(&mut Decoder<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, CallError> {
        let mut d = self.0.payload.decoder();
        let value = d
            .tuple()
            .and_then(|_| d.skip())
            .and_then(|()| decode(&mut d))
            .and_then(|value| d.finish().map(|()| value));
        value.map_err(|error| {
            let mut d = self.0.payload.decoder();
            if let Some(connection) = &self.0.via
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

    fn prepare(node: &Node, dest: Dest) -> Result<Self, CallError> {
        let (from, guest) = match current::pid_on(node) {
            Some(pid) if node.local(dest).flatten() == Some(pid) => {
                return Err(CallError::calling_self());
            }
            Some(pid) => (pid, None),
            None => {
                let guest = node.insert_guest().ok_or(CallError::NoProc)?;
                (guest.me().pid(), Some(guest))
            }
        };
        let pending = Arc::new(PendingCall {
            slot: ReplySlot::new(),
            via: AtomicU64::new(0),
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
        })
    }

    /// Waits for nothing but the end of the process: the monitor of a call without its message.
    pub(crate) fn watch(node: &Node, dest: Dest) -> Result<Self, CallError> {
        let mut outcall = Self::prepare(node, dest)?;
        outcall.monitor(dest)?;
        Ok(outcall)
    }

    fn send(&mut self, dest: Dest, e: &Encoder) -> Result<(), CallError> {
        self.monitor(dest)?;
        current::count_sent();
        match &self.monitored {
            Monitored::Local(pid) => {
                // A process that ended meanwhile answers the monitor, with its reason.
                let Some(process) = self.node.find(*pid) else {
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
            Monitored::Remote(connection, target) => {
                let message = match target {
                    Target::Pid(pid) => Control::Send {
                        from: Some(self.from),
                        to: *pid,
                        token: None,
                    },
                    Target::Name(name) => Control::RegSend {
                        from: self.from,
                        to: name.clone(),
                        token: None,
                    },
                };
                match connection.send(message, Some(e)) {
                    Ok(_) => Ok(()),
                    Err(SendError::Full) => Err(CallError::Overloaded),
                    Err(SendError::Encode(error)) => Err(CallError::Request(error)),
                    Err(SendError::Closed) => Err(CallError::NoConnection),
                }
            }
            Monitored::Not => Err(CallError::NoProc),
        }
    }

    fn monitor(&mut self, dest: Dest) -> Result<(), CallError> {
        if let Some(local) = self.node.local(dest) {
            return self.monitor_local(local.ok_or(CallError::NoProc)?, dest);
        }
        let net = self.node.0.net.as_ref().ok_or(CallError::NoConnection)?;
        let connection = net
            .connection(self.node.node_of(dest))
            .map_err(|_| CallError::NoConnection)?;
        self.pending.via.store(connection.id(), Relaxed);
        let target = super::route::target(dest);
        let monitor = Control::Monitor {
            from: self.from,
            to: target.clone(),
            reference: self.reference,
        };
        let _room = connection
            .send(monitor, None)
            .map_err(|_| CallError::NoConnection)?;
        self.monitored = Monitored::Remote(connection, target);
        Ok(())
    }

    fn monitor_local(&mut self, to: Pid, dest: Dest) -> Result<(), CallError> {
        let process = self.node.find(to).ok_or(CallError::NoProc)?;
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
            .map_err(|_| CallError::NoProc)?;
        self.monitored = Monitored::Local(to);
        Ok(())
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, CallError>> {
        self.pending.slot.poll(cx).map_ok(Answer)
    }
}

impl Drop for Outcall {
    fn drop(&mut self) {
        drop(self.node.0.calls.remove(self.key));
        drop(self.pending.slot.abandon());
        let reference = self.reference;
        match std::mem::replace(&mut self.monitored, Monitored::Not) {
            Monitored::Not => {}
            Monitored::Local(pid) => self
                .node
                .signal(pid, ControlSignal::Demonitor { reference }),
            Monitored::Remote(connection, to) => {
                // Closed: the monitor went with the connection.
                let _ = connection.send(
                    Control::Demonitor {
                        from: self.from,
                        to,
                        reference,
                    },
                    None,
                );
            }
        }
        if let Some(guest) = &self.guest {
            guest.end();
        }
    }
}

impl Node {
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

    /// An answer for a call; dropped when the call is over.
    pub(super) fn answer_call(&self, key: Key, message: WireMessage) {
        if let Some(pending) = self.0.calls.get(key) {
            drop(pending.slot.fill(message));
        }
    }

    pub(super) fn fail_call(&self, key: Key, error: CallError) {
        if let Some(pending) = self.0.calls.get(key) {
            let _ = pending.slot.fail(error);
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
