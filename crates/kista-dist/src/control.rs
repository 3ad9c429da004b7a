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

use kista_etf::{
    Atom, AtomName, DecodeError, Decoder, EncodeError, Encoder, Kind, Pid, Reference, Term, atoms,
};
use thiserror::Error;

use crate::flags::Flags;

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

/// The receiver of a priority signal.
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
    /// A message or `exit/2` signal with priority (OTP 28). Payload: the message, or the reason if `exit`.
    /// Toward a peer without `ALTACT_SIG` it is sent without the priority.
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

/// What [`Control::decode`] read.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded<'a> {
    /// A control message.
    Signal {
        /// It.
        control: Control,
        /// The bytes of the reason, when it was inside the tuple (peers without `EXIT_PAYLOAD`): use it as the payload.
        inline_reason: Option<&'a [u8]>,
    },
    /// A control message that this crate does not know: ignore it, and its payload.
    Unknown {
        /// Its number.
        op: i64,
    },
}

/// Where [`Control::encode`] expects the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Placement {
    /// There is no payload.
    None,
    /// The payload is a term of its own behind the control tuple.
    Behind,
    /// The payload's bytes are the control tuple's last element and must follow directly.
    Inside,
}

/// Why a control message could not be read: the peer's fault, end its connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Not a term, or not of the right type.
    #[error("bad control message: {0}")]
    Term(#[from] DecodeError),
    /// A known number with a wrong number of elements.
    #[error("control message {op} with {arity} elements")]
    Arity {
        /// The number.
        op: i64,
        /// How many elements the tuple has.
        arity: usize,
    },
    /// A field has a value that it must not have.
    #[error("control message {op} with a bad field")]
    Field {
        /// The number.
        op: i64,
    },
}

const ALT_PRIORITY: i64 = 1;
const ALT_TOKEN: i64 = 2;
const ALT_ALIAS: i64 = 4;
const ALT_NAME: i64 = 8;
const ALT_EXIT: i64 = 16;

impl Control {
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

    /// Writes the control tuple in the form that `flags`, the negotiated ones, ask for, and says where the payload goes.
    ///
    /// # Errors
    /// Only if a token or the options of a spawn request can not be encoded.
    pub fn encode(&self, flags: Flags, encoder: &mut Encoder) -> Result<Placement, EncodeError> {
        self.write(flags, encoder)
    }

    pub(crate) fn write<S: Sink>(&self, flags: Flags, s: &mut S) -> Result<Placement, EncodeError> {
        use Placement::{Behind, Inside, None as Nothing};
        let payload_reason = flags.contains(Flags::EXIT_PAYLOAD);
        match self {
            Self::Send {
                from: Some(from),
                to,
                token,
            } if flags.contains(Flags::SEND_SENDER) => {
                s.head(3, 22, 23, token);
                s.put_pid(from);
                s.put_pid(to);
                s.token(token)?;
                Ok(Behind)
            }
            Self::Send { to, token, .. } => {
                s.head(3, 2, 12, token);
                s.put_atom(atoms::EMPTY);
                s.put_pid(to);
                s.token(token)?;
                Ok(Behind)
            }
            Self::RegSend { from, to, token } => {
                s.head(4, 6, 16, token);
                s.put_pid(from);
                s.put_atom(atoms::EMPTY);
                s.put_atom_name(to);
                s.token(token)?;
                Ok(Behind)
            }
            Self::AliasSend { from, to, token } if flags.contains(Flags::ALTACT_SIG) => {
                s.alt(ALT_ALIAS, from, token);
                s.put_reference(to);
                s.token(token)?;
                Ok(Behind)
            }
            Self::AliasSend { from, to, token } => {
                s.head(3, 33, 34, token);
                s.put_pid(from);
                s.put_reference(to);
                s.token(token)?;
                Ok(Behind)
            }
            Self::Exit { from, to, token } => {
                exit(s, payload_reason, [24, 25, 3, 13], from, to, token)
            }
            Self::Exit2 { from, to, token } => {
                exit(s, payload_reason, [26, 27, 8, 18], from, to, token)
            }
            Self::Priority {
                from,
                to,
                exit: is_exit,
                token,
            } if flags.contains(Flags::ALTACT_SIG) => {
                let kind = match to {
                    Recipient::Pid(_) => 0,
                    Recipient::Name(_) => ALT_NAME,
                    Recipient::Alias(_) => ALT_ALIAS,
                };
                s.alt(
                    ALT_PRIORITY | kind | if *is_exit { ALT_EXIT } else { 0 },
                    from,
                    token,
                );
                match to {
                    Recipient::Pid(pid) => s.put_pid(pid),
                    Recipient::Name(name) => s.put_atom_name(name),
                    Recipient::Alias(alias) => s.put_reference(alias),
                }
                s.token(token)?;
                Ok(Behind)
            }
            Self::Priority {
                from,
                to,
                exit: is_exit,
                token,
            } => {
                let (from, token) = (*from, token.clone());
                let plain = match (to, is_exit) {
                    (Recipient::Pid(to), false) => Self::Send {
                        from: Some(from),
                        to: *to,
                        token,
                    },
                    (Recipient::Pid(to), true) => Self::Exit2 {
                        from,
                        to: *to,
                        token,
                    },
                    (Recipient::Name(to), _) => Self::RegSend {
                        from,
                        to: to.clone(),
                        token,
                    },
                    (Recipient::Alias(to), _) => Self::AliasSend {
                        from,
                        to: *to,
                        token,
                    },
                };
                plain.write(flags, s)
            }
            Self::Link { from, to } => pair(s, 1, from, to),
            Self::Unlink { from, to } => pair(s, 4, from, to),
            Self::GroupLeader { from, to } => pair(s, 7, from, to),
            Self::NodeLink => {
                s.put_tuple(1);
                s.put_int(5);
                Ok(Nothing)
            }
            Self::Monitor {
                from,
                to,
                reference,
            } => monitor(s, 19, from, to, reference),
            Self::Demonitor {
                from,
                to,
                reference,
            } => monitor(s, 20, from, to, reference),
            Self::MonitorExit {
                from,
                to,
                reference,
            } => {
                s.put_tuple(if payload_reason { 4 } else { 5 });
                s.put_int(if payload_reason { 28 } else { 21 });
                s.target(from);
                s.put_pid(to);
                s.put_reference(reference);
                Ok(if payload_reason { Behind } else { Inside })
            }
            Self::UnlinkId { id, from, to } => unlink(s, 35, *id, from, to),
            Self::UnlinkIdAck { id, from, to } => unlink(s, 36, *id, from, to),
            Self::SpawnRequest(r) => {
                s.head(6, 29, 30, &r.token);
                s.put_reference(&r.id);
                s.put_pid(&r.from);
                s.put_pid(&r.group_leader);
                s.put_tuple(3);
                s.put_atom_name(&r.module);
                s.put_atom_name(&r.function);
                s.put_int(i64::from(r.arity));
                s.put_term(&r.options)?;
                s.token(&r.token)?;
                Ok(Behind)
            }
            Self::SpawnReply {
                id,
                to,
                flags,
                result,
                token,
            } => {
                s.head(5, 31, 32, token);
                s.put_reference(id);
                s.put_pid(to);
                s.put_int(i64::from(*flags));
                match result {
                    SpawnResult::Spawned(pid) => s.put_pid(pid),
                    SpawnResult::Failed(why) => s.put_atom_name(why),
                }
                s.token(token)?;
                Ok(Nothing)
            }
        }
    }

    /// Reads a control tuple. The decoder then stands behind it.
    ///
    /// # Errors
    /// [`ControlError`]: the peer broke the protocol.
    pub fn decode<'a>(d: &mut Decoder<'a>) -> Result<Decoded<'a>, ControlError> {
        let arity = d.tuple()?;
        if arity == 0 {
            return Err(ControlError::Arity { op: 0, arity });
        }
        let op = d.int()?;
        let Some(want) = arity_of(op) else {
            for _ in 1..arity {
                d.skip()?;
            }
            return Ok(Decoded::Unknown { op });
        };
        if arity != want && !(op == 37 && arity == 5) {
            return Err(ControlError::Arity { op, arity });
        }
        let mut inline_reason = None;
        let control = match op {
            22 | 23 => {
                let (from, to) = (d.pid()?, d.pid()?);
                Self::Send {
                    from: Some(from),
                    to,
                    token: token(d, op == 23)?,
                }
            }
            2 | 12 => {
                d.skip()?;
                Self::Send {
                    from: None,
                    to: d.pid()?,
                    token: token(d, op == 12)?,
                }
            }
            6 | 16 => {
                let from = d.pid()?;
                d.skip()?;
                Self::RegSend {
                    from,
                    to: d.atom()?,
                    token: token(d, op == 16)?,
                }
            }
            1 => Self::Link {
                from: d.pid()?,
                to: d.pid()?,
            },
            4 => Self::Unlink {
                from: d.pid()?,
                to: d.pid()?,
            },
            5 => Self::NodeLink,
            7 => Self::GroupLeader {
                from: d.pid()?,
                to: d.pid()?,
            },
            3 | 13 | 24 | 25 => {
                let (from, to) = (d.pid()?, d.pid()?);
                let token = token(d, matches!(op, 13 | 25))?;
                if op < 24 {
                    inline_reason = Some(d.raw()?);
                }
                Self::Exit { from, to, token }
            }
            8 | 18 | 26 | 27 => {
                let (from, to) = (d.pid()?, d.pid()?);
                let token = token(d, matches!(op, 18 | 27))?;
                if op < 24 {
                    inline_reason = Some(d.raw()?);
                }
                Self::Exit2 { from, to, token }
            }
            19 => Self::Monitor {
                from: d.pid()?,
                to: target(d)?,
                reference: d.reference()?,
            },
            20 => Self::Demonitor {
                from: d.pid()?,
                to: target(d)?,
                reference: d.reference()?,
            },
            21 | 28 => {
                let control = Self::MonitorExit {
                    from: target(d)?,
                    to: d.pid()?,
                    reference: d.reference()?,
                };
                if op == 21 {
                    inline_reason = Some(d.raw()?);
                }
                control
            }
            29 | 30 => {
                let (id, from, group_leader) = (d.reference()?, d.pid()?, d.pid()?);
                if d.tuple()? != 3 {
                    return Err(ControlError::Field { op });
                }
                let (module, function) = (d.atom()?, d.atom()?);
                let arity = u32::try_from(d.int()?).map_err(|_| ControlError::Field { op })?;
                let options = d.term()?;
                let token = token(d, op == 30)?;
                Self::SpawnRequest(Box::new(SpawnRequest {
                    id,
                    from,
                    group_leader,
                    module,
                    function,
                    arity,
                    options,
                    token,
                }))
            }
            31 | 32 => {
                let (id, to) = (d.reference()?, d.pid()?);
                let flags = u32::try_from(d.int()?).map_err(|_| ControlError::Field { op })?;
                let result = match target(d)? {
                    Target::Pid(pid) => SpawnResult::Spawned(pid),
                    Target::Name(why) => SpawnResult::Failed(why),
                };
                Self::SpawnReply {
                    id,
                    to,
                    flags,
                    result,
                    token: token(d, op == 32)?,
                }
            }
            33 | 34 => Self::AliasSend {
                from: d.pid()?,
                to: d.reference()?,
                token: token(d, op == 34)?,
            },
            35 | 36 => {
                let (id, from, to) = (d.uint()?, d.pid()?, d.pid()?);
                if id == 0 {
                    return Err(ControlError::Field { op });
                }
                if op == 35 {
                    Self::UnlinkId { id, from, to }
                } else {
                    Self::UnlinkIdAck { id, from, to }
                }
            }
            37 => altact(d, arity)?,
            _ => return Ok(Decoded::Unknown { op }),
        };
        Ok(Decoded::Signal {
            control,
            inline_reason,
        })
    }
}

/// How many elements the tuple of a known number has.
const fn arity_of(op: i64) -> Option<usize> {
    Some(match op {
        5 => 1,
        1 | 2 | 4 | 7 | 22 | 24 | 26 | 33 => 3,
        3 | 6 | 8 | 12 | 19 | 20 | 23 | 25 | 27 | 28 | 34 | 35 | 36 | 37 => 4,
        13 | 16 | 18 | 21 | 31 => 5,
        29 | 32 => 6,
        30 => 7,
        _ => return None,
    })
}

fn altact(d: &mut Decoder<'_>, arity: usize) -> Result<Control, ControlError> {
    let flags = d.int()?;
    let with_token = flags & ALT_TOKEN != 0;
    if with_token != (arity == 5) {
        return Err(ControlError::Arity { op: 37, arity });
    }
    let from = d.pid()?;
    let to = match flags & (ALT_ALIAS | ALT_NAME) {
        0 => Recipient::Pid(d.pid()?),
        ALT_ALIAS => Recipient::Alias(d.reference()?),
        ALT_NAME => Recipient::Name(d.atom()?),
        _ => return Err(ControlError::Field { op: 37 }),
    };
    let token = token(d, with_token)?;
    let exit = flags & ALT_EXIT != 0;
    if exit && !matches!(to, Recipient::Pid(_)) {
        return Err(ControlError::Field { op: 37 });
    }
    if flags & ALT_PRIORITY != 0 {
        return Ok(Control::Priority {
            from,
            to,
            exit,
            token,
        });
    }
    Ok(match to {
        Recipient::Pid(to) if exit => Control::Exit2 { from, to, token },
        Recipient::Pid(to) => Control::Send {
            from: Some(from),
            to,
            token,
        },
        Recipient::Name(to) => Control::RegSend { from, to, token },
        Recipient::Alias(to) => Control::AliasSend { from, to, token },
    })
}

fn token(d: &mut Decoder<'_>, present: bool) -> Result<Token, ControlError> {
    Ok(if present {
        Some(Box::new(d.term()?))
    } else {
        None
    })
}

fn target(d: &mut Decoder<'_>) -> Result<Target, ControlError> {
    Ok(if d.peek()? == Kind::Atom {
        Target::Name(d.atom()?)
    } else {
        Target::Pid(d.pid()?)
    })
}

fn pair<S: Sink>(s: &mut S, op: i64, from: &Pid, to: &Pid) -> Result<Placement, EncodeError> {
    s.put_tuple(3);
    s.put_int(op);
    s.put_pid(from);
    s.put_pid(to);
    Ok(Placement::None)
}

fn unlink<S: Sink>(
    s: &mut S,
    op: i64,
    id: u64,
    from: &Pid,
    to: &Pid,
) -> Result<Placement, EncodeError> {
    s.put_tuple(4);
    s.put_int(op);
    s.put_uint(id);
    s.put_pid(from);
    s.put_pid(to);
    Ok(Placement::None)
}

fn monitor<S: Sink>(
    s: &mut S,
    op: i64,
    from: &Pid,
    to: &Target,
    r: &Reference,
) -> Result<Placement, EncodeError> {
    s.put_tuple(4);
    s.put_int(op);
    s.put_pid(from);
    s.target(to);
    s.put_reference(r);
    Ok(Placement::None)
}

/// `ops`: payload, payload with token, inline, inline with token.
fn exit<S: Sink>(
    s: &mut S,
    payload_reason: bool,
    ops: [i64; 4],
    from: &Pid,
    to: &Pid,
    token: &Token,
) -> Result<Placement, EncodeError> {
    let [plain, traced, old, old_traced] = ops;
    if payload_reason {
        s.head(3, plain, traced, token);
    } else {
        s.head(4, old, old_traced, token);
    }
    s.put_pid(from);
    s.put_pid(to);
    s.token(token)?;
    Ok(if payload_reason {
        Placement::Behind
    } else {
        Placement::Inside
    })
}

/// What a control tuple is written to: an encoder, or the frame writer's scratch with its own atom table.
pub(crate) trait Sink {
    fn put_tuple(&mut self, arity: u8);
    fn put_int(&mut self, n: i64);
    fn put_uint(&mut self, n: u64);
    fn put_atom(&mut self, atom: Atom);
    fn put_atom_name(&mut self, name: &AtomName);
    fn put_pid(&mut self, pid: &Pid);
    fn put_reference(&mut self, reference: &Reference);
    fn put_term(&mut self, term: &Term) -> Result<(), EncodeError>;

    fn head(&mut self, arity: u8, op: i64, traced_op: i64, token: &Token) {
        let traced = token.is_some();
        self.put_tuple(arity + u8::from(traced));
        self.put_int(if traced { traced_op } else { op });
    }

    fn alt(&mut self, flags: i64, from: &Pid, token: &Token) {
        self.head(4, 37, 37, token);
        self.put_int(flags | if token.is_some() { ALT_TOKEN } else { 0 });
        self.put_pid(from);
    }

    fn token(&mut self, token: &Token) -> Result<(), EncodeError> {
        token.as_ref().map_or(Ok(()), |t| self.put_term(t))
    }

    fn target(&mut self, target: &Target) {
        match target {
            Target::Pid(pid) => self.put_pid(pid),
            Target::Name(name) => self.put_atom_name(name),
        }
    }
}

impl Sink for Encoder {
    fn put_tuple(&mut self, arity: u8) {
        self.tuple(usize::from(arity));
    }
    fn put_int(&mut self, n: i64) {
        self.int(n);
    }
    fn put_uint(&mut self, n: u64) {
        self.uint(n);
    }
    fn put_atom(&mut self, atom: Atom) {
        self.atom(atom);
    }
    fn put_atom_name(&mut self, name: &AtomName) {
        self.atom_name(name);
    }
    fn put_pid(&mut self, pid: &Pid) {
        self.pid(pid);
    }
    fn put_reference(&mut self, reference: &Reference) {
        self.reference(reference);
    }
    fn put_term(&mut self, term: &Term) -> Result<(), EncodeError> {
        self.term(term)
    }
}
