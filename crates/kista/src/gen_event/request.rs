//! The requests of OTP's `gen_event`, as the terms that come from other nodes: `{Label, {Pid, Tag}, Request}`.

use kista_etf::{DecodeError, DecodeOwned, Encode, EncodeError, Pid, Term, from_slice, to_vec};

use super::HandlerId;
use crate::gen_server::Tag;

pub(super) struct WireRequest {
    pub(super) from: Pid,
    pub(super) tag: Tag,
    pub(super) request: Request,
}

pub(super) enum Request {
    SyncNotify(Term),
    Call(HandlerId, Term),
    Add {
        id: HandlerId,
        args: Term,
        supervisor: Option<Pid>,
    },
    Delete(HandlerId, Term),
    Swap {
        old: (HandlerId, Term),
        new: (HandlerId, Term),
        supervisor: Option<Pid>,
    },
    WhichHandlers,
    Modules,
    Stop,
}

impl WireRequest {
    /// None: it is no request, but a message like any other.
    pub(super) fn read(term: &Term) -> Option<Self> {
        let [_label, from, request] = term.as_tuple()? else {
            return None;
        };
        let [from, tag] = from.as_tuple()? else {
            return None;
        };
        Some(Self {
            from: from.as_pid()?,
            tag: Tag::from_term(tag.clone()),
            request: Request::read(request)?,
        })
    }
}

impl Request {
    fn read(term: &Term) -> Option<Self> {
        if let Some(name) = term.as_atom_str() {
            return match name {
                "which_handlers" => Some(Self::WhichHandlers),
                "get_modules" => Some(Self::Modules),
                "stop" => Some(Self::Stop),
                _ => None,
            };
        }
        let [name, rest @ ..] = term.as_tuple()? else {
            return None;
        };
        let handler = HandlerId::from_term;
        match (name.as_atom_str()?, rest) {
            ("sync_notify", [event]) => Some(Self::SyncNotify(event.clone())),
            ("call", [id, request]) => Some(Self::Call(handler(id)?, request.clone())),
            ("add_handler", [id, args]) => Some(Self::Add {
                id: handler(id)?,
                args: args.clone(),
                supervisor: None,
            }),
            ("add_sup_handler", [id, args, supervisor]) => Some(Self::Add {
                id: handler(id)?,
                args: args.clone(),
                supervisor: Some(supervisor.as_pid()?),
            }),
            ("delete_handler", [id, args]) => Some(Self::Delete(handler(id)?, args.clone())),
            ("swap_handler", [old, old_args, new, args]) => Some(Self::Swap {
                old: (handler(old)?, old_args.clone()),
                new: (handler(new)?, args.clone()),
                supervisor: None,
            }),
            ("swap_sup_handler", [old, old_args, new, args, supervisor]) => Some(Self::Swap {
                old: (handler(old)?, old_args.clone()),
                new: (handler(new)?, args.clone()),
                supervisor: Some(supervisor.as_pid()?),
            }),
            _ => None,
        }
    }
}

/// A term as a Rust type.
pub(super) fn reread<T: DecodeOwned>(term: &Term) -> Result<T, DecodeError> {
    let bytes = to_vec(term).map_err(|error| DecodeError::custom(error.to_string()))?;
    from_slice(&bytes)
}

/// A Rust value as a term.
pub(super) fn to_term(value: &impl Encode) -> Result<Term, EncodeError> {
    let bytes = to_vec(value)?;
    from_slice(&bytes).map_err(|error| EncodeError::custom(error.to_string()))
}

#[cfg(test)]
mod tests {
    use kista_etf::Atom;

    use super::*;

    fn word(text: &'static str) -> Term {
        Term::from(Atom::from_static(text))
    }

    fn tuple<const N: usize>(items: [Term; N]) -> Term {
        Term::tuple(items)
    }

    #[test]
    fn what_is_no_request_is_a_message() {
        let one = || Term::from(1);
        for term in [
            word("stop_it"),
            tuple([word("call"), word("h")]),
            tuple([word("call"), one(), one()]),
            tuple([word("add_sup_handler"), word("h"), one(), word("no_pid")]),
            tuple([
                word("delete_handler"),
                tuple([word("h"), one(), one()]),
                one(),
            ]),
            Term::NIL,
            tuple([]),
            one(),
        ] {
            assert!(Request::read(&term).is_none(), "{term}");
        }
        assert!(WireRequest::read(&tuple([one(), one(), one()])).is_none());
    }

    #[test]
    fn handlers_are_named_by_an_atom_or_a_pair() {
        let swap = tuple([
            word("swap_handler"),
            tuple([word("h"), Term::from(1)]),
            word("a"),
            word("h"),
            word("b"),
        ]);
        let Some(Request::Swap { old, new, .. }) = Request::read(&swap) else {
            panic!("a request")
        };
        assert_eq!(old.0, HandlerId::from(("h", 1)));
        assert_eq!(new.0, HandlerId::from("h"));
    }
}
