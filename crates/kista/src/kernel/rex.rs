//! The server of `rpc`: what OTP asks when it connects, and the forms of `rpc` that are messages to the name `rex`.
//!
//! Rules:
//! 1. Each function runs in a process of its own, also for `block_call`, which in OTP keeps others waiting: see [`Job`].
//! 2. Who may call what is judged by the connection that a request came by, not by the pid that it names.
//! 3. What is no request of `rpc` is not understood, and logged as such.
//!
//! Source: `rpc` of kernel: `handle_call`, `handle_cast` and `handle_info`.

use kista_etf::{Atom, DecodeError, Decoder, Pid, Term};

use crate::Dest;
use crate::gen_server::{Address, Caller, Cx, Flow, GenServer, InitStop, Message, ReplyTo};
use crate::remote::{Job, JobResult};

pub(super) struct Rex;

pub(super) enum Msg {
    FeaturesRequest(Pid),
    /// `gen_server:call(rex, {block_call | call, M, F, A, GroupLeader})`
    Call(Job, ReplyTo<JobResult>),
    /// `gen_server:cast(rex, {cast, M, F, A, GroupLeader})`
    Cast(Job),
    /// `rex ! {From, {call, M, F, A, GroupLeader}}`, answered by `{rex, Reply}`: the form of C nodes.
    Plain(Pid, Job),
    /// `rex ! {From, {sbcast, Name, Message}}`
    Broadcast(Pid, Atom, Term),
}

impl Message for Msg {
    fn decode_call(d: &mut Decoder<'_>, caller: &mut Caller) -> Result<Self, DecodeError> {
        let request = d.term()?;
        let job = ["block_call", "call"]
            .iter()
            .find_map(|tag| job(&request, tag, caller.peer()))
            .ok_or_else(unknown)?;
        Ok(Self::Call(job, caller.reply_to()?))
    }

    fn decode_cast_from(d: &mut Decoder<'_>, peer: Option<Atom>) -> Result<Self, DecodeError> {
        let request = d.term()?;
        job(&request, "cast", peer)
            .map(Self::Cast)
            .ok_or_else(unknown)
    }

    fn decode_info_from(d: &mut Decoder<'_>, peer: Option<Atom>) -> Result<Self, DecodeError> {
        let (from, request): (Pid, Term) = kista_etf::Decode::decode(d)?;
        if request.is_atom("features_request") {
            return Ok(Self::FeaturesRequest(from));
        }
        if let Some([name, message]) = request.as_tagged("sbcast") {
            let name = name.as_atom().ok_or_else(unknown)?;
            return Ok(Self::Broadcast(from, name, message.clone()));
        }
        job(&request, "call", peer)
            .map(|job| Self::Plain(from, job))
            .ok_or_else(unknown)
    }
}

/// `{Tag, Module, Function, Arguments, GroupLeader}`; a group leader that is no pid (`user`, `send_stdout_to_caller`) means none.
fn job(request: &Term, tag: &str, peer: Option<Atom>) -> Option<Job> {
    let [module, function, arguments, leader] = request.as_tagged(tag)? else {
        return None;
    };
    Some(Job {
        peer,
        module: module.as_atom_name()?,
        function: function.as_atom_name()?,
        arguments: arguments.clone(),
        group_leader: leader.as_pid(),
    })
}

fn unknown() -> DecodeError {
    DecodeError::custom("no request of rpc")
}

impl GenServer for Rex {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self)
    }

    async fn handle(&mut self, message: Msg, cx: &mut Cx<Self>) -> Flow {
        let node = cx.node();
        let rex = || Atom::from_static("rex");
        match message {
            Msg::FeaturesRequest(from) => {
                let features = vec![Atom::from_static("erpc")];
                let tag = Atom::from_static("features_reply");
                cx.send(from, &(tag, node.called(), features));
            }
            Msg::Call(job, reply) => job.spawn(node, |result| reply.reply(result)),
            Msg::Cast(job) => job.spawn(node, drop),
            Msg::Plain(from, job) => {
                let sender = node.clone();
                job.spawn(node, move |result| {
                    drop(sender.send(from, &(rex(), result)))
                });
            }
            Msg::Broadcast(from, name, message) => {
                if node.whereis(name.as_str()).is_some() {
                    cx.send(Dest::Name(name), &message);
                    cx.send(from, &(rex(), node.called(), node.called()));
                } else {
                    let nobody = (Atom::from_static("nonexisting_name"), name);
                    cx.send(from, &(rex(), node.called(), nobody));
                }
            }
        }
        Flow::Continue
    }
}
