use std::any::{Any, TypeId};

use kista_etf::{Atom, DecodeError, Decoder, EncodeError, Encoder, Pid, Term};

use super::answer::{ChildInfo, Counts};
use super::child::{Child, ChildId};
use super::children::Key;
use super::error::SupervisorError;
use crate::gen_server::{Caller, Message, ReplyTo, WireKind};

/// What a supervisor can be asked. Its variants are not public: ask by the methods of [`SupervisorClient`](super::SupervisorClient).
pub struct SupervisorMsg(pub(super) Request);

pub(super) type Answer<T> = ReplyTo<Result<T, SupervisorError>>;

pub(super) enum Request {
    StartChild(Box<Child>, Answer<Option<Pid>>),
    /// With an argument of this node's program.
    StartWith(Box<dyn Any + Send>, Answer<Option<Pid>>),
    /// With extra arguments, or with a specification, of another node's.
    StartRemote(Term, Answer<Option<Pid>>),
    Terminate(ChildId, Answer<()>),
    Restart(ChildId, Answer<Option<Pid>>),
    Delete(ChildId, Answer<()>),
    WhichChildren(ReplyTo<Vec<ChildInfo>>),
    WhichChild(ChildId, Answer<ChildInfo>),
    CountChildren(ReplyTo<Counts>),
    Childspec(ChildId, Answer<Term>),
    /// The process of a child that is a server of this type.
    Find(ChildId, TypeId, Answer<Pid>),
    /// What the supervisor tells itself.
    TryAgain(Key),
    Due(Key, u64),
}

impl Message for SupervisorMsg {
    fn decode_call(d: &mut Decoder<'_>, caller: &mut Caller) -> Result<Self, DecodeError> {
        let term = d.term()?;
        if let Some(request) = term.as_atom_str() {
            return Ok(Self(match request {
                "which_children" => Request::WhichChildren(caller.reply_to()?),
                "count_children" => Request::CountChildren(caller.reply_to()?),
                _ => return Err(unknown()),
            }));
        }
        let Some([tag, what]) = term.as_tuple() else {
            return Err(unknown());
        };
        let id = || ChildId::from(what.clone());
        Ok(Self(match tag.as_atom_str() {
            Some("start_child") => Request::StartRemote(what.clone(), caller.reply_to()?),
            Some("terminate_child") => Request::Terminate(id(), caller.reply_to()?),
            Some("restart_child") => Request::Restart(id(), caller.reply_to()?),
            Some("delete_child") => Request::Delete(id(), caller.reply_to()?),
            Some("which_child") => Request::WhichChild(id(), caller.reply_to()?),
            Some("get_childspec") => Request::Childspec(id(), caller.reply_to()?),
            _ => return Err(unknown()),
        }))
    }

    fn encode(&self, e: &mut Encoder) -> Result<WireKind, EncodeError> {
        let mut of = |tag: &'static str, what: &Term| {
            e.tuple(2);
            e.atom(Atom::from_static(tag));
            e.term(what)
        };
        match &self.0 {
            Request::StartRemote(what, reply) => {
                reply.arm();
                of("start_child", what)?;
            }
            Request::Terminate(id, reply) => {
                reply.arm();
                of("terminate_child", id.as_term())?;
            }
            Request::Restart(id, reply) => {
                reply.arm();
                of("restart_child", id.as_term())?;
            }
            Request::Delete(id, reply) => {
                reply.arm();
                of("delete_child", id.as_term())?;
            }
            Request::Childspec(id, reply) => {
                reply.arm();
                of("get_childspec", id.as_term())?;
            }
            Request::WhichChild(id, reply) => {
                reply.arm();
                of("which_child", id.as_term())?;
            }
            Request::WhichChildren(reply) => {
                reply.arm();
                e.atom(Atom::from_static("which_children"));
            }
            Request::CountChildren(reply) => {
                reply.arm();
                e.atom(Atom::from_static("count_children"));
            }
            Request::StartChild(..)
            | Request::StartWith(..)
            | Request::Find(..)
            | Request::TryAgain(_)
            | Request::Due(..) => {
                return Err(EncodeError::custom(
                    "what starts a child does not leave the node: ask a supervisor of this node",
                ));
            }
        }
        Ok(WireKind::Call)
    }
}

fn unknown() -> DecodeError {
    DecodeError::custom("not a request of OTP's supervisor")
}
