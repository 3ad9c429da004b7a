//! Control messages as bytes.
//!
//! The tuple is written to a [`Sink`]: an [`Encoder`], or the frame writer's scratch, which has an atom table of its own.

use kista_etf::{Atom, AtomName, EncodeError, Encoder, Pid, Reference, Term, atoms};

use super::{
    ALT_ALIAS, ALT_EXIT, ALT_NAME, ALT_PRIORITY, ALT_TOKEN, Control, Recipient, SpawnResult,
    Target, Token,
};
use crate::flags::Flags;

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

impl Control {
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
