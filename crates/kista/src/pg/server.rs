use std::sync::Arc;

use kista_etf::{Atom, DecodeError, Decoder, Pid, Reference, Term};

use super::core::{Core, Effect};
use super::table::Table;
use super::wire::{Said, Say};
use crate::gen_server::{Address, Cx, Flow, GenServer, InitStop, Message, ReplyTo, StartError};
use crate::node::RegisterError;
use crate::process::{Dest, Info};
use crate::watched::Watched;

/// A scope's process: carries out what the core says. Started by [`Node::pg`](crate::Node::pg) or [`spec`](super::spec).
pub struct ScopeServer {
    core: Core,
    table: Arc<Table>,
    watched: Watched,
}

/// The messages of a [`ScopeServer`].
pub enum Msg {
    #[doc(hidden)]
    Join(Term, Vec<Pid>, ReplyTo<()>),
    #[doc(hidden)]
    Leave(Term, Vec<Pid>, ReplyTo<bool>),
    #[doc(hidden)]
    Monitor(Pid, Reference, Option<Term>, ReplyTo<Vec<(Term, Vec<Pid>)>>),
    #[doc(hidden)]
    Demonitor(Reference, ReplyTo<bool>),
    #[doc(hidden)]
    Said(Peer),
}

/// What came from another node.
#[doc(hidden)]
pub struct Peer(Said);

impl Message for Msg {
    fn decode_cast_from(d: &mut Decoder<'_>, peer: Option<Atom>) -> Result<Self, DecodeError> {
        Self::decode_info_from(d, peer)
    }

    fn decode_info_from(d: &mut Decoder<'_>, peer: Option<Atom>) -> Result<Self, DecodeError> {
        let said = Said::parse(&d.term()?, peer);
        let said = said.ok_or_else(|| DecodeError::custom("no message of a scope of pg"))?;
        Ok(Self::Said(Peer(said)))
    }
}

impl GenServer for ScopeServer {
    type Args = Atom;
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init(scope: Atom, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        // Whoever has the name has the table.
        match cx.node().register(scope.as_str(), cx.pid()) {
            Ok(()) => {}
            Err(RegisterError::HasName(name)) if name == scope => {}
            Err(RegisterError::Taken(holder)) => {
                return Err(InitStop::Error(StartError::AlreadyStarted(holder).into()));
            }
            Err(error) => return Err(InitStop::Error(error.to_string().into())),
        }
        let table = cx.node().pg_scopes().table(scope);
        let mut scope = Self {
            core: Core::new(scope, Arc::clone(&table)),
            table,
            watched: Watched::default(),
        };
        cx.monitor_nodes(true);
        for node in cx.node().nodes() {
            scope.act(cx, |core, effects| core.node_up(node, effects));
        }
        Ok(scope)
    }

    async fn handle(&mut self, message: Msg, cx: &mut Cx<Self>) -> Flow {
        match message {
            Msg::Join(group, pids, reply) => {
                self.act(cx, |core, effects| core.join(&group, pids, effects));
                reply.reply(());
            }
            Msg::Leave(group, pids, reply) => {
                let left = self.act(cx, |core, effects| core.leave(&group, &pids, effects));
                reply.reply(left);
            }
            Msg::Monitor(who, reference, group, reply) => {
                let now = self.act(cx, |core, effects| {
                    core.monitor(who, reference, group, effects)
                });
                reply.reply(now);
            }
            Msg::Demonitor(reference, reply) => {
                let was = self.act(cx, |core, effects| core.demonitor(reference, effects));
                reply.reply(was);
            }
            Msg::Said(Peer(said)) => self.act(cx, |core, effects| core.said(said, effects)),
        }
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Flow {
        match info {
            Info::NodeUp(node) => self.act(cx, |core, effects| core.node_up(node, effects)),
            // Its scope's DOWN says all.
            Info::NodeDown(_) => {}
            Info::Down { reference, .. } => {
                if let Some(pid) = self.watched.ended(reference) {
                    self.act(cx, |core, effects| core.ended(pid, effects));
                }
            }
            other => cx.log_not_understood(&other),
        }
        Flow::Continue
    }

    fn format_status(&self) -> Term {
        let (members, peers) = self.core.sizes();
        let count = |name, n: usize| Term::from((Atom::from_static(name), n));
        let scope = Term::from((Atom::from_static("scope"), self.core.scope()));
        Term::list([
            scope,
            count("local_members", members),
            count("peers", peers),
        ])
    }
}

impl ScopeServer {
    fn act<T>(&mut self, cx: &Cx<Self>, step: impl FnOnce(&mut Core, &mut Vec<Effect>) -> T) -> T {
        let mut effects = Vec::new();
        let result = step(&mut self.core, &mut effects);
        for effect in effects {
            match effect {
                Effect::Say(peer, say) => said(cx, peer, &say),
                Effect::Greet(node) => {
                    let to = Dest::from((self.core.scope(), node));
                    let hello = Say::Discover.to_term(cx.pid());
                    drop(cx.node().send_noconnect(to, &hello));
                }
                Effect::Watch(pid) => self.watched.watch(cx, pid),
                Effect::Unwatch(pid) => self.watched.unwatch(cx, pid),
                Effect::Tell(who, change) => {
                    drop(cx.node().send_noconnect(who.into(), &change.to_term()));
                }
            }
        }
        result
    }
}

fn said(cx: &Cx<ScopeServer>, peer: Pid, say: &Say) {
    let said = say.to_term(cx.pid());
    let said = match say.is_cast() {
        true => Term::from((kista_etf::atoms::GEN_CAST, said)),
        false => said,
    };
    drop(cx.node().send_noconnect(peer.into(), &said));
}

/// Before its name is free: the next one begins with an empty table.
impl Drop for ScopeServer {
    fn drop(&mut self) {
        self.table.clear();
    }
}
