use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use kista_dist::frame::{Payload, Place};
use kista_etf::{Atom, Decoder, Pid, Reference, Term};

use super::dest::Dest;
use super::info::Info;
use super::process_info::InfoSlot;
use crate::ExitReason;
use crate::gen_server::PendingReply;
use crate::net::{Connection, InboundCharge};
use crate::sys::Replace;

/// One entry of a process's inbound queue. `M` is the process's own message type: a local message is
/// moved into the queue as it is, neither boxed nor encoded.
pub(crate) enum Signal<M> {
    /// A typed message that awaits no answer.
    Message(M),
    /// A typed local call. The second handle of its reply slot lets the process answer for a token that
    /// was kept or lost: see `ProcessState::deferred`.
    Call(M, Arc<dyn PendingReply>),
    /// A message in the external term format, or several of one sender (a run); the receiver's own task decodes them. Where single
    /// ones are taken out, in a selective receive and where there is a bound, each is by itself ([`unfold`]).
    Wire(Box<WireMessage>),
    /// `sys` terminate: end with this reason, in turn with the messages; the slot hears of the end.
    Stop(ExitReason, Option<Arc<dyn PendingReply>>),
    /// A local `sys` replace_state, in turn with the messages.
    Replace(Box<Replace>),
    /// A DOWN, a trapped exit or a node event: read by the behaviour in turn with its messages.
    Notice(Box<Info>),
    /// An encoded message that a selective receive decoded and left where it was.
    Passed(Box<Info>),
    /// Everything that acts on the process itself.
    Control(Box<Envelope>),
}

impl<M> Signal<M> {
    /// Whether it counts as a message: for bounds, and for what was received.
    pub(crate) fn is_message(&self) -> bool {
        match self {
            Self::Message(_) | Self::Call(..) | Self::Wire(_) | Self::Passed(_) => true,
            Self::Control(envelope) => matches!(envelope.signal, ControlSignal::ToAlias { .. }),
            Self::Stop(..) | Self::Replace(_) | Self::Notice(_) => false,
        }
    }

    /// Whether it is of the process's own type: neither encoded nor what is no message.
    #[inline]
    pub(crate) fn is_typed(&self) -> bool {
        matches!(self, Self::Message(_) | Self::Call(..))
    }

    /// Puts into `out` what it is then, and gives who waits for an answer.
    #[inline(always)]
    pub(crate) fn typed(self, out: &mut Option<M>) -> Option<Arc<dyn PendingReply>> {
        match self {
            Self::Message(message) => {
                *out = Some(message);
                None
            }
            Self::Call(message, caller) => {
                *out = Some(message);
                Some(caller)
            }
            _ => None,
        }
    }

    /// How many messages it is; what is none counts as one.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Wire(wire) => 1 + wire.left(),
            _ => 1,
        }
    }

    /// The bytes that it holds beside its place in a queue, about: encoded messages whole, of what is a value its box.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::Wire(message) => message.held_bytes(),
            Self::Notice(info) | Self::Passed(info) => size_of_val(&**info),
            Self::Replace(replace) => size_of_val(&**replace),
            Self::Control(envelope) => {
                let of_message = match &envelope.signal {
                    ControlSignal::ToAlias { message, .. } => message.held_bytes(),
                    _ => 0,
                };
                size_of_val(&**envelope) + of_message
            }
            Self::Message(_) | Self::Call(..) | Self::Stop(..) => 0,
        }
    }

    /// Whether its sender is on another node, where it can neither wait nor be told.
    pub(crate) fn is_from_away(&self) -> bool {
        match self {
            Self::Wire(message) => message.via.is_some(),
            Self::Control(envelope) => match &envelope.signal {
                ControlSignal::ToAlias { message, .. } => message.via.is_some(),
                _ => envelope.via.is_some(),
            },
            _ => false,
        }
    }

    /// What is read of it, when it is ready to be read as it is.
    pub(crate) fn into_info(self) -> Option<Info> {
        match self {
            Self::Notice(info) | Self::Passed(info) => Some(*info),
            _ => None,
        }
    }
}

/// The message type of a process that takes only what is encoded: there is none.
pub(crate) enum Never {}

/// From `from` on, each message by itself, with memory of its own.
pub(super) fn unfold<M>(list: &mut VecDeque<Signal<M>>, from: usize) {
    for signal in list.split_off(from) {
        match signal {
            Signal::Wire(wire) if wire.is_run() => {
                list.extend(wire.messages().map(|wire| Signal::Wire(Box::new(wire))));
            }
            other => list.push_back(other),
        }
    }
}

/// An encoded message, as it came from a connection or from a local sender that knew only a pid.
#[derive(Default)]
pub(crate) struct WireMessage {
    /// The message, or the block that it is in.
    pub(crate) payload: Payload,
    /// Where in the block it is, and how many are behind it.
    pub(crate) place: Option<Place>,
    /// The connection it came by, to be closed should the payload turn out to be broken. It holds the bytes on the node's account of
    /// undecoded input until the message is dropped.
    pub(crate) via: Option<InboundCharge>,
}

impl WireMessage {
    /// The node by whose connection it came; `None`: from this node.
    pub(crate) fn peer(&self) -> Option<Atom> {
        self.connection().map(|connection| connection.peer())
    }

    /// The connection it came by; `None`: it came from this node.
    pub(crate) fn connection(&self) -> Option<&Arc<Connection>> {
        self.via.as_ref().map(InboundCharge::connection)
    }

    /// A decoder at its beginning.
    #[inline]
    pub(crate) fn decoder(&self) -> Decoder<'_> {
        match &self.place {
            None => self.payload.decoder(),
            Some(place) => place.decoder(&self.payload),
        }
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        match &self.place {
            None => self.payload.len(),
            Some(place) => place.term(&self.payload).len(),
        }
    }

    /// How much memory waits with it, about: with its whole block.
    fn held_bytes(&self) -> usize {
        size_of::<Self>() + self.payload.weight()
    }

    /// Its payload, to be kept.
    pub(crate) fn own_payload(&self) -> Payload {
        match &self.place {
            None => self.payload.clone(),
            Some(place) => place.payload(&self.payload),
        }
    }

    /// Whether it shares a block with others.
    pub(crate) const fn is_run(&self) -> bool {
        self.place.is_some()
    }

    /// How many messages are behind it in its block.
    #[inline]
    pub(crate) fn left(&self) -> usize {
        self.place.as_ref().map_or(0, Place::left)
    }

    /// Goes on to the next message of the block; false: there is none.
    #[inline]
    pub(crate) fn advance(&mut self) -> bool {
        let payload = &self.payload;
        self.place
            .as_mut()
            .is_some_and(|place| place.advance(payload))
    }

    /// This message by itself.
    pub(crate) fn single(&self) -> Self {
        let payload = self.own_payload();
        let via = self
            .connection()
            .map(|connection| connection.charge(payload.weight()));
        Self {
            payload,
            place: None,
            via,
        }
    }

    /// This and those behind it, each by itself.
    pub(crate) fn messages(mut self: Box<Self>) -> impl Iterator<Item = Self> {
        let mut more = true;
        std::iter::from_fn(move || {
            let next = more.then(|| self.single());
            more = self.advance();
            next
        })
    }

    /// The message as a term. `None`, and the end of the connection that it came by, when it is none.
    pub(crate) fn term(&self) -> Option<Term> {
        let mut d = self.decoder();
        match d.term().and_then(|term| d.finish().map(|()| term)) {
            Ok(term) => Some(term),
            Err(error) => {
                if let Some(connection) = self.connection() {
                    connection.close(&format!("a message is not a term: {error}"));
                }
                None
            }
        }
    }
}

impl fmt::Debug for WireMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WireMessage({} bytes)", self.len())
    }
}

/// A control signal together with the connection it came by (`None`: from this node).
pub(crate) struct Envelope {
    pub(crate) signal: ControlSignal,
    pub(crate) via: Option<Arc<Connection>>,
}

impl From<ControlSignal> for Envelope {
    fn from(signal: ControlSignal) -> Self {
        Self { signal, via: None }
    }
}

/// A signal that acts on the process itself. Named after the distribution protocol's messages.
#[derive(Debug)]
pub(crate) enum ControlSignal {
    Link {
        from: Pid,
    },
    /// Takes the link away; `id` is to be echoed in [`ControlSignal::UnlinkAck`].
    Unlink {
        from: Pid,
        id: u64,
    },
    UnlinkAck {
        from: Pid,
        id: u64,
    },
    /// A link broke because `from` ended.
    LinkExit {
        from: Pid,
        reason: ExitReason,
    },
    /// `exit(Pid, Reason)`.
    Exit {
        from: Pid,
        reason: ExitReason,
    },
    Monitor {
        watcher: Pid,
        reference: Reference,
        /// The name under which the monitor was asked for; its DOWN carries the name, not the pid.
        name: Option<Atom>,
    },
    Demonitor {
        reference: Reference,
    },
    /// A process that we monitor ended.
    Down {
        from: Dest,
        reference: Reference,
        reason: ExitReason,
    },
    /// A call was dropped unanswered, or could not be decoded: its caller gets DOWN `{no_reply, Request}`.
    RefuseCall {
        reference: Reference,
        request: Term,
    },
    /// A message by an alias: read if that is active now.
    ToAlias {
        alias: Reference,
        message: Box<WireMessage>,
    },
    /// `exit(Alias, Reason)`: as [`ControlSignal::Exit`] if the alias is active now.
    ExitAlias {
        alias: Reference,
        from: Pid,
        reason: ExitReason,
    },
    /// What became of a process that this one asked another node for.
    SpawnReply {
        reference: Reference,
        /// It, or the word that the other node has for why there is none.
        result: Result<Pid, Term>,
        /// Whether its link and its monitor were made: [`LINKED`](crate::remote::LINKED) and so on.
        flags: u32,
    },
    GroupLeader {
        leader: Pid,
    },
    /// Issued by a connection's reader after its last frame.
    ConnectionLost {
        connection: u64,
    },
    Info {
        slot: Arc<InfoSlot>,
    },
}
