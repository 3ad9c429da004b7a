//! The process behind `net_adm:ping/1`: without its `yes` a ping is `pang` and the connection is closed. And the spawn of old: what
//! nodes ask for here that know nothing of `SPAWN_REQUEST`.
//!
//! Source: `net_kernel` of OTP's kernel, `handle_call` of `is_auth`, `spawn`, `spawn_link` and `spawn_opt`. Other requests are
//! refused as any call that does not fit.

use kista_dist::control::SpawnRequest;
use kista_etf::{Atom, DecodeError, Decoder, Pid, Term};

use crate::gen_server::{Address, Caller, Cx, Flow, GenServer, InitStop, Message, ReplyTo};
use crate::node::Node;
use crate::process::WireMessage;
use crate::remote::Start;

pub(super) struct NetKernel;

pub(super) enum Msg {
    IsAuth(ReplyTo<Atom>),
    Spawn(Box<Spawn>, ReplyTo<Pid>),
}

/// `{spawn | spawn_link, M, F, A, GroupLeader}`, or `{spawn_opt, M, F, A, Options, link | no_link, GroupLeader}`.
pub(super) struct Spawn {
    peer: Option<Atom>,
    from: Pid,
    function: [Term; 2],
    arguments: Term,
    options: Term,
    link: bool,
    group_leader: Pid,
}

impl Message for Msg {
    fn decode_call(d: &mut Decoder<'_>, caller: &mut Caller) -> Result<Self, DecodeError> {
        let request = d.term()?;
        if request
            .as_tagged("is_auth")
            .is_some_and(|node| node.len() == 1)
        {
            return Ok(Self::IsAuth(caller.reply_to()?));
        }
        let spawn = caller
            .from()
            .and_then(|from| Spawn::parse(&request, caller.peer(), from))
            .ok_or_else(|| DecodeError::custom("no request of net_kernel"))?;
        Ok(Self::Spawn(Box::new(spawn), caller.reply_to()?))
    }
}

impl Spawn {
    fn parse(request: &Term, peer: Option<Atom>, from: Pid) -> Option<Self> {
        let [tag, m, f, arguments, rest @ ..] = request.as_tuple()? else {
            return None;
        };
        let (options, link, group_leader) = match (tag.as_atom_str()?, rest) {
            ("spawn", [leader]) => (Term::NIL, false, leader),
            ("spawn_link", [leader]) => (Term::NIL, true, leader),
            ("spawn_opt", [options, linked, leader]) => {
                // The link has its own place, and a monitor no answer, in this form.
                let mut options = options.as_list()?.to_vec();
                options.retain(|option| !option.is_atom("link") && !option.is_atom("monitor"));
                (Term::list(options), linked.is_atom("link"), leader)
            }
            _ => return None,
        };
        Some(Self {
            peer,
            from,
            function: [m.clone(), f.clone()],
            arguments: arguments.clone(),
            options,
            link,
            group_leader: group_leader.as_pid()?,
        })
    }

    /// `None`: refused.
    fn start(self, node: &Node, reply: ReplyTo<Pid>) -> Option<()> {
        // In the name of another node it would be linked with a process there.
        let here = self.peer.is_none() && self.from.node == node.name();
        if !here && self.peer != Some(self.from.node) {
            return None;
        }
        let connection = match self.peer {
            None => None,
            Some(peer) => Some(node.connected(peer)?),
        };
        let [module, function] = &self.function;
        let request = SpawnRequest {
            id: node.make_ref(),
            from: self.from,
            group_leader: self.group_leader,
            module: module.as_atom_name()?,
            function: function.as_atom_name()?,
            arity: u32::try_from(self.arguments.as_list()?.len()).ok()?,
            options: self.options,
            token: None,
        };
        let payload = node.payload(|e| e.term(&self.arguments)).ok()?;
        let start = Start::prepare(node, connection.as_ref(), request).ok()?;
        if self.link {
            // Unlike the answer to a spawn request, this one tells the caller's node nothing of a link.
            start.link(self.from);
        }
        reply.reply(start.pid());
        start.go(WireMessage {
            payload,
            ..WireMessage::default()
        });
        Some(())
    }
}

impl GenServer for NetKernel {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self)
    }

    async fn handle(&mut self, message: Msg, cx: &mut Cx<Self>) -> Flow {
        match message {
            Msg::IsAuth(reply) => reply.reply(Atom::from_static("yes")),
            // Refused: the token is dropped, which tells the caller so.
            Msg::Spawn(spawn, reply) => drop(spawn.start(cx.node(), reply)),
        }
        Flow::Continue
    }
}
