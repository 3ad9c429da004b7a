use kista_etf::{Atom, DecodeError, Decoder, EncodeError, Encoder, Pid, Term};

use super::{EventType, Handler, HandlerId};
use crate::ExitReason;
use crate::gen_server::{Message, ReplyTo, WireKind};

/// What a manager is asked within its node, by its [`EventManager`](super::EventManager) handle. From elsewhere the same
/// comes as the terms of OTP's `gen_event`: see `request.rs`.
#[non_exhaustive]
pub enum ManagerMsg<E: EventType> {
    /// `{notify, Event}`.
    Notify(E),
    /// The answer comes when all handlers have had the event.
    SyncNotify(E, ReplyTo<()>),
    /// Adds a handler.
    Add {
        /// Its name.
        id: HandlerId,
        /// The handler.
        handler: Handler<E>,
        /// Who hears of its end, and whose end it shares.
        supervisor: Option<Pid>,
        /// Err: `init` failed.
        reply: ReplyTo<Result<(), ExitReason>>,
    },
    /// Takes a handler away.
    Delete {
        /// Which.
        id: HandlerId,
        /// For its `terminate`.
        args: Term,
        /// What `terminate` returned; none: there is no such handler.
        reply: ReplyTo<Option<Term>>,
    },
    /// Replaces a handler.
    Swap {
        /// Which, and the arguments of its `terminate`. If there is none, the new one is added all the same.
        old: (HandlerId, Term),
        /// The new one.
        new: (HandlerId, Handler<E>),
        /// Who supervises it; none: who supervised the old one.
        supervisor: Option<Pid>,
        /// Err: `init` failed.
        reply: ReplyTo<Result<(), ExitReason>>,
    },
    /// A request to one handler.
    Call {
        /// Which.
        id: HandlerId,
        /// The request.
        request: Term,
        /// None: there is no such handler. Err: it failed.
        reply: ReplyTo<Option<Result<Term, ExitReason>>>,
    },
    /// All handlers, the newest first.
    WhichHandlers(ReplyTo<Vec<HandlerId>>),
}

impl<E: EventType> Message for ManagerMsg<E> {
    fn decode_info(d: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        d.tuple_of(2)?;
        match &*d.atom_str()? {
            "notify" => Ok(Self::Notify(E::decode(d)?)),
            other => Err(DecodeError::unknown_variant(other, "gen_event message")),
        }
    }

    fn encode(&self, e: &mut Encoder) -> Result<WireKind, EncodeError> {
        let Self::Notify(event) = self else {
            return Err(EncodeError::custom(
                "requests to a manager elsewhere have a form of their own",
            ));
        };
        e.tuple(2);
        e.atom(Atom::from_static("notify"));
        event.encode(e)?;
        Ok(WireKind::Info)
    }
}
