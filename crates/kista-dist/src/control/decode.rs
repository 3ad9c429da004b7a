//! Control messages out of bytes that anybody may have sent.

use kista_etf::{DecodeError, Decoder, Kind, Term};
use thiserror::Error;

use super::{
    ALT_ALIAS, ALT_EXIT, ALT_NAME, ALT_PRIORITY, ALT_TOKEN, Control, Recipient, SpawnRequest,
    SpawnResult, Target, Token,
};

/// The longest token or list of spawn options, in bytes. Honest ones have some hundred; each becomes many times its length in memory.
const MAX_TERM: usize = 16 * 1024;

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

impl Control {
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
                    token: token(d, op, op == 23)?,
                }
            }
            2 | 12 => {
                d.skip()?;
                Self::Send {
                    from: None,
                    to: d.pid()?,
                    token: token(d, op, op == 12)?,
                }
            }
            6 | 16 => {
                let from = d.pid()?;
                d.skip()?;
                Self::RegSend {
                    from,
                    to: d.atom()?,
                    token: token(d, op, op == 16)?,
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
                let token = token(d, op, matches!(op, 13 | 25))?;
                if op < 24 {
                    inline_reason = Some(d.raw()?);
                }
                Self::Exit { from, to, token }
            }
            8 | 18 | 26 | 27 => {
                let (from, to) = (d.pid()?, d.pid()?);
                let token = token(d, op, matches!(op, 18 | 27))?;
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
                let options = bounded(d, op)?;
                let token = token(d, op, op == 30)?;
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
                    token: token(d, op, op == 32)?,
                }
            }
            33 | 34 => Self::AliasSend {
                from: d.pid()?,
                to: d.reference()?,
                token: token(d, op, op == 34)?,
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
    let token = token(d, 37, with_token)?;
    let exit = flags & ALT_EXIT != 0;
    // What has an older form is given in that.
    if flags & ALT_PRIORITY != 0 || exit && !matches!(to, Recipient::Pid(_)) {
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

fn token(d: &mut Decoder<'_>, op: i64, present: bool) -> Result<Token, ControlError> {
    Ok(if present {
        Some(Box::new(bounded(d, op)?))
    } else {
        None
    })
}

/// A term that is decoded before anybody asks for it.
fn bounded(d: &mut Decoder<'_>, op: i64) -> Result<Term, ControlError> {
    let start = d.mark();
    if d.raw()?.len() > MAX_TERM {
        return Err(ControlError::Field { op });
    }
    d.reset(start);
    Ok(d.term()?)
}

fn target(d: &mut Decoder<'_>) -> Result<Target, ControlError> {
    Ok(if d.peek()? == Kind::Atom {
        Target::Name(d.atom()?)
    } else {
        Target::Pid(d.pid()?)
    })
}
