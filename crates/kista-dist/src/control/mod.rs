//! Control messages: what a frame is about.
//!
//! One enum holds every control message of the protocol. Where the wire has several numbers for one meaning (with a trace token or
//! without, with the sender or without, with the reason inside the tuple or behind it, the OTP 28 form) there is one variant here:
//! [`Control::encode`] chooses the number by the connection's flags, [`Control::decode`] takes every form.
//!
//! | variant | numbers | payload |
//! |---|---|---|
//! | `Link` | 1 | |
//! | `Send` | 2, 12, 22, 23, 37 | the message |
//! | `Exit` | 3, 13, 24, 25 | the reason |
//! | `Unlink` | 4 | |
//! | `NodeLink` | 5 | |
//! | `RegSend` | 6, 16, 37 | the message |
//! | `GroupLeader` | 7 | |
//! | `Exit2` | 8, 18, 26, 27, 37 | the reason |
//! | `Monitor` | 19 | |
//! | `Demonitor` | 20 | |
//! | `MonitorExit` | 21, 28 | the reason |
//! | `SpawnRequest` | 29, 30 | the list of arguments |
//! | `SpawnReply` | 31, 32 | |
//! | `AliasSend` | 33, 34, 37 | the message |
//! | `UnlinkId`, `UnlinkIdAck` | 35, 36 | |
//! | `Priority` | 37 | the message or the reason |
//!
//! Rules:
//! 1. A reason is always the payload in this API. Toward a peer without `EXIT_PAYLOAD` the payload's bytes become the tuple's last
//!    element; they stand at the same place in the frame, so that nothing is copied for it.
//! 2. A number that is not in the table is [`Decoded::Unknown`], whatever its tuple holds: the caller logs and ignores it. A known number with
//!    a wrong arity or a wrong type is the peer's fault and an error.
//! 3. `Unlink` and `NodeLink` are decoded, because old nodes sent them, and never to be sent: OTP 26 closes the connection on them.

mod decode;
mod encode;
mod renaming;

use kista_etf::{AtomName, Pid, Reference, Term};

pub use decode::{ControlError, Decoded};
pub use encode::Placement;
pub(crate) use encode::Sink;

/// A sequential trace token that came with a signal, kept so that it can be passed on.
pub type Token = Option<Box<Term>>;

/// A process, by pid or by registered name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// By pid.
    Pid(Pid),
    /// By a name registered at the node.
    Name(AtomName),
}

/// The receiver of a signal in the form of OTP 28.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// By pid.
    Pid(Pid),
    /// By a name registered at the node.
    Name(AtomName),
    /// By a process alias.
    Alias(Reference),
}

/// A request to start a process; the payload is the list of arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct SpawnRequest {
    /// Names the request in its reply, and the monitor if one is asked for.
    pub id: Reference,
    /// Who asks.
    pub from: Pid,
    /// The new process's group leader.
    pub group_leader: Pid,
    /// The function's module.
    pub module: AtomName,
    /// The function's name.
    pub function: AtomName,
    /// The function's arity.
    pub arity: u32,
    /// The options, a list (`link`, `monitor`...).
    pub options: Term,
    /// A trace token.
    pub token: Token,
}

/// What became of a [`SpawnRequest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpawnResult {
    /// The new process.
    Spawned(Pid),
    /// Why there is none (`notsup`, `badopt`, `system_limit`...).
    Failed(AtomName),
}

/// A control message. `from` is the sender and `to` the receiver of the signal, each at its own node.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Control {
    /// A link is to be set up.
    Link {
        /// The linking process.
        from: Pid,
        /// The process to be linked to.
        to: Pid,
    },
    /// A message to a pid. Payload: the message.
    Send {
        /// The sender; not known from peers without `SEND_SENDER`. When sending always give it.
        from: Option<Pid>,
        /// The receiver.
        to: Pid,
        /// A trace token.
        token: Token,
    },
    /// A link's exit signal. Payload: the reason.
    Exit {
        /// The process that ended.
        from: Pid,
        /// The linked process.
        to: Pid,
        /// A trace token.
        token: Token,
    },
    /// The old way to remove a link. Never to be sent.
    Unlink {
        /// The unlinking process.
        from: Pid,
        /// The linked process.
        to: Pid,
    },
    /// Obsolete. Never to be sent; ignore it.
    NodeLink,
    /// A message to a registered name. Payload: the message.
    RegSend {
        /// The sender.
        from: Pid,
        /// The name.
        to: AtomName,
        /// A trace token.
        token: Token,
    },
    /// `to` gets `from` as its group leader.
    GroupLeader {
        /// The new group leader.
        from: Pid,
        /// The process that gets it.
        to: Pid,
    },
    /// An exit signal by `exit/2`. Payload: the reason.
    Exit2 {
        /// Who called `exit/2`.
        from: Pid,
        /// The process that shall end.
        to: Pid,
        /// A trace token.
        token: Token,
    },
    /// A monitor is to be set up.
    Monitor {
        /// The monitoring process.
        from: Pid,
        /// The process to be monitored.
        to: Target,
        /// The monitor's name.
        reference: Reference,
    },
    /// A monitor is to be removed.
    Demonitor {
        /// The monitoring process.
        from: Pid,
        /// The monitored process, as the monitor named it.
        to: Target,
        /// The monitor's name.
        reference: Reference,
    },
    /// A monitor fires. Payload: the reason.
    MonitorExit {
        /// The monitored process, as the monitor named it.
        from: Target,
        /// The monitoring process.
        to: Pid,
        /// The monitor's name.
        reference: Reference,
    },
    /// A process is to be started. Payload: the list of arguments.
    SpawnRequest(Box<SpawnRequest>),
    /// What became of a [`Control::SpawnRequest`].
    SpawnReply {
        /// The request.
        id: Reference,
        /// Who asked.
        to: Pid,
        /// 1: a link was made; 2: a monitor was made.
        flags: u32,
        /// The process or the reason.
        result: SpawnResult,
        /// A trace token.
        token: Token,
    },
    /// A message to an alias. Payload: the message.
    AliasSend {
        /// The sender.
        from: Pid,
        /// The alias.
        to: Reference,
        /// A trace token.
        token: Token,
    },
    /// A link is to be removed.
    UnlinkId {
        /// Names this removal, 1 to 2^64-1.
        id: u64,
        /// The unlinking process.
        from: Pid,
        /// The linked process.
        to: Pid,
    },
    /// A link was removed; goes out before any other signal to that process.
    UnlinkIdAck {
        /// The removal.
        id: u64,
        /// The process that was unlinked.
        from: Pid,
        /// The process that unlinked.
        to: Pid,
    },
    /// What only the form of OTP 28 can say: a message or `exit/2` signal with priority, or an `exit/2` signal to an alias or a name,
    /// with or without (it is sent with priority). Payload: the message, or the reason if `exit`.
    /// Toward a peer without `ALTACT_SIG` it is sent without the priority; an exit signal to an alias or a name is not for such a peer.
    Priority {
        /// The sender.
        from: Pid,
        /// The receiver.
        to: Recipient,
        /// Whether it is an exit signal.
        exit: bool,
        /// A trace token.
        token: Token,
    },
}

// The flags of control message 37.
pub(super) const ALT_PRIORITY: i64 = 1;
pub(super) const ALT_TOKEN: i64 = 2;
pub(super) const ALT_ALIAS: i64 = 4;
pub(super) const ALT_NAME: i64 = 8;
pub(super) const ALT_EXIT: i64 = 16;

impl Control {
    /// A plain message, without a trace token.
    #[must_use]
    pub fn message(from: Pid, to: Target) -> Self {
        let token = None;
        match to {
            Target::Pid(to) => Self::Send {
                from: Some(from),
                to,
                token,
            },
            Target::Name(to) => Self::RegSend { from, to, token },
        }
    }

    /// Whether a payload belongs to it.
    #[must_use]
    pub const fn takes_payload(&self) -> bool {
        matches!(
            self,
            Self::Send { .. }
                | Self::Exit { .. }
                | Self::RegSend { .. }
                | Self::Exit2 { .. }
                | Self::MonitorExit { .. }
                | Self::SpawnRequest(_)
                | Self::AliasSend { .. }
                | Self::Priority { .. }
        )
    }

    /// The process that sent the signal, where the message says it. It must be at the peer's node.
    #[must_use]
    pub fn sender(&self) -> Option<Pid> {
        match self {
            Self::Send { from, .. } => *from,
            Self::Link { from, .. }
            | Self::Exit { from, .. }
            | Self::Unlink { from, .. }
            | Self::RegSend { from, .. }
            | Self::GroupLeader { from, .. }
            | Self::Exit2 { from, .. }
            | Self::Monitor { from, .. }
            | Self::Demonitor { from, .. }
            | Self::AliasSend { from, .. }
            | Self::UnlinkId { from, .. }
            | Self::UnlinkIdAck { from, .. }
            | Self::Priority { from, .. } => Some(*from),
            Self::MonitorExit {
                from: Target::Pid(from),
                ..
            } => Some(*from),
            Self::SpawnRequest(request) => Some(request.from),
            Self::SpawnReply {
                result: SpawnResult::Spawned(pid),
                ..
            } => Some(*pid),
            Self::MonitorExit { .. } | Self::SpawnReply { .. } | Self::NodeLink => None,
        }
    }

    /// The terms inside it that may fail to be encoded.
    pub(crate) fn terms(&self) -> impl Iterator<Item = &Term> {
        let (token, options) = match self {
            Self::Send { token, .. }
            | Self::Exit { token, .. }
            | Self::RegSend { token, .. }
            | Self::Exit2 { token, .. }
            | Self::SpawnReply { token, .. }
            | Self::AliasSend { token, .. }
            | Self::Priority { token, .. } => (token.as_deref(), None),
            Self::SpawnRequest(r) => (r.token.as_deref(), Some(&r.options)),
            _ => (None, None),
        };
        token.into_iter().chain(options)
    }
}
