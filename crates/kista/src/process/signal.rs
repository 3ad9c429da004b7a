use std::sync::Arc;

use kista_dist::frame::Payload;
use kista_etf::{Atom, Pid, Reference, Term};

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
    /// A message in the external term format; the receiver's own task decodes it.
    Wire(Box<WireMessage>),
    /// `sys` terminate: end with this reason, in turn with the messages; the slot hears of the end.
    Stop(ExitReason, Option<Arc<dyn PendingReply>>),
    /// A local `sys` replace_state, in turn with the messages.
    Replace(Box<Replace>),
    /// A DOWN, a trapped exit or a node event: read by the behaviour in turn with its messages.
    Notice(Box<Info>),
    /// Everything that acts on the process itself.
    Control(Box<Envelope>),
}

/// An encoded message, as it came from a connection or from a local sender that knew only a pid.
pub(crate) struct WireMessage {
    pub(crate) payload: Payload,
    /// The connection it came by, to be closed should the payload turn out to be broken.
    pub(crate) via: Option<Arc<Connection>>,
    /// Holds the bytes on the node's account of undecoded input until the message is dropped.
    pub(crate) _charge: Option<InboundCharge>,
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
