//! The shell: the process `global_name_server`, which carries out what the core says.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kista_etf::{Atom, DecodeError, Decoder, Pid, Term, atoms};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::core::{Clash, Core, Effect};
use super::locker::{Locker, ToLocker, cast};
use super::names::By;
use super::registrar::{Job, Registrar};
use super::resolve::decide;
use super::table::Table;
use super::wire::{Op, Said, VERSION, say};
use crate::gen_server::{Address, Caller, Cx, Flow, GenServer, InitStop, Message, ReplyTo};
use crate::log::Escaped;
use crate::process::{Dest, ExitReason, Info};
use crate::watched::Watched;

/// The name under which every node has its own.
pub(super) const SERVER: &str = "global_name_server";

/// Characters of a name in a line of the log.
pub(super) const NAME: usize = 255;

/// How long a question waits for names that are being changed.
const LATER: Duration = Duration::from_millis(250);

/// How long a connection stays that another node wants closed: the loss of others, which is the reason, may be noticed here only after that was
/// asked for.
const GRACE: Duration = Duration::from_millis(100);

pub(crate) struct NameServer {
    core: Core,
    table: Arc<Table>,
    watched: Watched,
    locker: UnboundedSender<ToLocker>,
    registrar: UnboundedSender<Job>,
    /// The processes that ask methods.
    resolvers: HashMap<Atom, Pid>,
    syncers: HashMap<u64, ReplyTo<Atom>>,
    next: u64,
}

pub(crate) enum Msg {
    /// Name, process, method; who asks.
    Register([Term; 2], Pid, Pid, ReplyTo<Atom>),
    RegisterExternal([Term; 2], Pid, Atom, Pid, ReplyTo<Atom>),
    Unregister(Term, ReplyTo<Atom>),
    /// Resource and requester; who asks.
    SetLock([Term; 2], Pid, ReplyTo<bool>),
    DelLock([Term; 2], Pid, ReplyTo<bool>),
    Known(ReplyTo<Vec<Atom>>),
    Synced(ReplyTo<Vec<Atom>>),
    Sync(Vec<Atom>, ReplyTo<Atom>),
    Version(ReplyTo<i64>),
    NamesExternal(ReplyTo<Vec<(Term, Pid, Atom)>>),
    /// Closes the connections to all that are known, in order.
    Leave(ReplyTo<Vec<Atom>>),
    Said(Said),
    LockIsSet(Atom, Term, Term),
    Decided(Atom, Term, Vec<Op>, Vec<Op>),
    Unreached(Atom),
    Change(Job),
}

impl Message for Msg {
    fn decode_call(d: &mut Decoder<'_>, caller: &mut Caller) -> Result<Self, DecodeError> {
        let request = d.term()?;
        let from = caller
            .from()
            .filter(|from| caller.peer().is_none_or(|peer| peer == from.node));
        let from = from.ok_or_else(unknown)?;
        match request.as_atom_str() {
            Some("get_known") => return Ok(Self::Known(caller.reply_to()?)),
            Some("get_synced") => return Ok(Self::Synced(caller.reply_to()?)),
            Some("get_protocol_version") => return Ok(Self::Version(caller.reply_to()?)),
            Some("get_names_ext") => return Ok(Self::NamesExternal(caller.reply_to()?)),
            _ => {}
        }
        let (tag, rest) = request
            .as_tuple()
            .and_then(|t| t.split_first())
            .ok_or_else(unknown)?;
        let pid = |term: &Term| term.as_pid().ok_or_else(unknown);
        match (tag.as_atom_str().unwrap_or_default(), rest) {
            ("register", [name, process, method]) => {
                let what = [name.clone(), method.clone()];
                Ok(Self::Register(
                    what,
                    pid(process)?,
                    from,
                    caller.reply_to()?,
                ))
            }
            ("register_ext", [name, process, method, node]) => {
                let what = [name.clone(), method.clone()];
                let node = node.as_atom().ok_or_else(unknown)?;
                Ok(Self::RegisterExternal(
                    what,
                    pid(process)?,
                    node,
                    from,
                    caller.reply_to()?,
                ))
            }
            ("unregister", [name]) => Ok(Self::Unregister(name.clone(), caller.reply_to()?)),
            ("set_lock", [id]) => Ok(Self::SetLock(lock_id(id)?, from, caller.reply_to()?)),
            ("del_lock", [id]) => Ok(Self::DelLock(lock_id(id)?, from, caller.reply_to()?)),
            ("sync", [nodes]) => {
                let nodes = nodes.as_list().ok_or_else(unknown)?.iter();
                let nodes: Option<Vec<_>> = nodes.map(Term::as_atom).collect();
                Ok(Self::Sync(nodes.ok_or_else(unknown)?, caller.reply_to()?))
            }
            _ => Err(unknown()),
        }
    }

    fn decode_cast_from(d: &mut Decoder<'_>, peer: Option<Atom>) -> Result<Self, DecodeError> {
        let said = Said::parse_cast(&d.term()?, peer);
        said.map(Self::Said).ok_or_else(unknown)
    }

    fn decode_info_from(d: &mut Decoder<'_>, peer: Option<Atom>) -> Result<Self, DecodeError> {
        let said = Said::parse_info(&d.term()?, peer);
        said.map(Self::Said).ok_or_else(unknown)
    }
}

fn unknown() -> DecodeError {
    DecodeError::custom("no message of global")
}

fn lock_id(term: &Term) -> Result<[Term; 2], DecodeError> {
    match term.as_tuple() {
        Some([resource, requester]) => Ok([resource.clone(), requester.clone()]),
        _ => Err(unknown()),
    }
}

impl GenServer for NameServer {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        let node = cx.node();
        let shared = node.global_state();
        let table = Arc::clone(&shared.table);
        let (locker, to_locker) = unbounded_channel();
        let (registrar, jobs) = unbounded_channel();
        let (server, of_locker) = (address(cx), Arc::clone(&table));
        let locker_pid = cx.spawn_fn_link(async move |cx| {
            Locker::new(cx, to_locker, server, of_locker).run().await;
        });
        let (server, of_registrar) = (address(cx), Arc::clone(&table));
        let registrar_pid = cx.spawn_fn_link(async move |cx| {
            let registrar = Registrar {
                cx,
                server,
                table: of_registrar,
            };
            registrar.run(jobs).await;
        });
        let (locker_pid, _) = match (locker_pid, registrar_pid) {
            (Ok(locker), Ok(registrar)) => (locker, registrar),
            (Err(error), _) | (_, Err(error)) => return Err(InitStop::Error(error.into())),
        };
        // 60 bits are a small integer there.
        let life = getrandom::u64().map_or(1, |random| (random >> 5) as i64);
        let core = Core::new(
            node.name(),
            locker_pid,
            life,
            shared.options,
            Arc::clone(&table),
        );
        let mut server = Self {
            core,
            table,
            watched: Watched::default(),
            locker,
            registrar,
            resolvers: HashMap::new(),
            syncers: HashMap::new(),
            next: 0,
        };
        cx.monitor_nodes(true);
        for node in cx.node().nodes() {
            server.act(cx, |core, effects| core.node_up(node, effects));
        }
        Ok(server)
    }

    async fn handle(&mut self, message: Msg, cx: &mut Cx<Self>) -> Flow {
        match message {
            Msg::Register([name, method], pid, by, reply) => {
                self.act(cx, |core, e| core.register(name, pid, method, by, e));
                reply.reply(Atom::from_static("yes"));
            }
            Msg::RegisterExternal([name, method], pid, node, by, reply) => {
                self.act(cx, |core, e| {
                    let by = By::Process(by);
                    core.names.insert_external(name, pid, method, node, by, e);
                });
                reply.reply(Atom::from_static("yes"));
            }
            Msg::Unregister(name, reply) => {
                self.act(cx, |core, e| core.names.delete(&name, e));
                reply.reply(atoms::OK);
            }
            Msg::SetLock([resource, requester], by, reply) => {
                let set = self.act(cx, |core, e| {
                    core.names.set_lock(&resource, &requester, by, e)
                });
                reply.reply(set);
            }
            Msg::DelLock([resource, requester], by, reply) => {
                self.act(cx, |core, e| {
                    core.names.del_lock(&resource, &requester, by, e)
                });
                reply.reply(true);
            }
            Msg::Known(reply) => reply.reply(self.core.known()),
            Msg::Synced(reply) => reply.reply(self.core.synced()),
            Msg::Version(reply) => reply.reply(VERSION),
            Msg::NamesExternal(reply) => reply.reply(self.core.names.external()),
            Msg::Sync(nodes, reply) => {
                self.next += 1;
                let id = self.next;
                self.syncers.insert(id, reply);
                self.act(cx, |core, effects| core.sync(id, nodes, effects));
            }
            Msg::Leave(reply) => {
                let left = self.act(cx, |core, effects| core.leave(effects));
                reply.reply(left);
            }
            Msg::Said(said) => {
                let now = Instant::now();
                self.act(cx, |core, effects| core.said(said, now, effects));
            }
            Msg::LockIsSet(node, tag, requester) => {
                self.act(cx, |core, e| core.lock_is_set(node, &tag, requester, e));
            }
            Msg::Decided(node, tag, here, there) => {
                self.resolvers.remove(&node);
                self.act(cx, |core, e| core.decided(node, &tag, here, &there, e));
            }
            Msg::Unreached(node) => self.act(cx, |core, effects| core.unreached(node, effects)),
            // An error: the registrar ended, and this process is about to.
            Msg::Change(job) => drop(self.registrar.send(job)),
        }
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Flow {
        match info {
            Info::NodeUp(node) => self.act(cx, |core, effects| core.node_up(node, effects)),
            Info::NodeDown(node) => self.act(cx, |core, effects| core.node_down(node, effects)),
            Info::Down { reference, .. } => {
                if let Some(pid) = self.watched.ended(reference) {
                    self.act(cx, |core, effects| core.ended(pid, effects));
                }
            }
            other => cx.log_not_understood(&other),
        }
        Flow::Continue
    }
}

impl NameServer {
    fn act<T>(&mut self, cx: &Cx<Self>, step: impl FnOnce(&mut Core, &mut Vec<Effect>) -> T) -> T {
        let mut effects = Vec::new();
        let result = step(&mut self.core, &mut effects);
        for effect in effects {
            self.carry_out(effect, cx);
        }
        result
    }

    fn carry_out(&mut self, effect: Effect, cx: &Cx<Self>) {
        let node = cx.node();
        match effect {
            Effect::Cast(to, message) => cast(node, to, &message),
            Effect::Send(to, message) => {
                drop(node.send_noconnect(Dest::from((SERVER, to)), &message));
            }
            // An error: the locker ended, and this process is about to.
            Effect::Locker(message) => drop(self.locker.send(message)),
            Effect::Watch(pid) => self.watched.watch(cx, pid),
            Effect::Unwatch(pid) => self.watched.unwatch(cx, pid),
            Effect::Resolve {
                node: of,
                tag,
                conflicts,
                mut ops,
            } => {
                let server = address(cx);
                let ask = async move |cx: crate::ProcessCx| {
                    let (here, there) = decide(cx.node(), conflicts).await;
                    ops.extend(here);
                    server.cast(Msg::Decided(of, tag, ops, there));
                };
                if let Ok(pid) = cx.spawn_fn(ask) {
                    self.resolvers.insert(of, pid);
                }
            }
            Effect::Abandon(of) => {
                if let Some(pid) = self.resolvers.remove(&of) {
                    cx.exit(pid, ExitReason::Kill);
                }
            }
            Effect::Join(other) => {
                let server = address(cx);
                let join = async move |cx: crate::ProcessCx| {
                    let node = cx.node();
                    match node.connect(other.as_str()).await {
                        Ok(()) => cast(node, other, &say::in_sync(node.name())),
                        Err(_) => drop(server.cast(Msg::Unreached(other))),
                    }
                };
                // An error: the node stops.
                drop(cx.spawn_fn(join));
            }
            Effect::Disconnect(other) => drop(node.disconnect(other.as_str())),
            Effect::DisconnectSoon(other) => {
                let Some(id) = node.connected(other).map(|connection| connection.id()) else {
                    return;
                };
                let leave = async move |cx: crate::ProcessCx| {
                    tokio::time::sleep(GRACE).await;
                    // Not one that was made meanwhile.
                    let now = cx.node().connected(other);
                    if now.is_some_and(|connection| connection.id() == id) {
                        cx.node().disconnect(other.as_str());
                    }
                };
                // An error: the node stops.
                drop(cx.spawn_fn(leave));
            }
            Effect::Answer(to, tag, found) => {
                let found = found.map_or_else(|| Atom::from_static("undefined").into(), Term::from);
                cx.send(to, &Term::tuple([tag, found]));
            }
            Effect::AskLater(name, pid, tag) => {
                let from = Term::tuple([pid.into(), tag]);
                let again = Term::from((Atom::from_static("whereis"), name, from));
                // An error: what was read can be written.
                drop(cx.send_after(LATER, cx.pid(), &again));
            }
            Effect::Synced(id) => {
                if let Some(reply) = self.syncers.remove(&id) {
                    reply.reply(atoms::OK);
                }
            }
            Effect::Log(what, other) => {
                tracing::warn!(node = %node.name(), "global {what} {other}");
            }
            Effect::Decided(Clash { name, mine, his }, now) => {
                let name = Escaped::up_to(NAME, name);
                let me = node.name();
                node.global_state().conflicts.line(|left_out| match now {
                    Some(now) => {
                        let lost = if now == mine { his } else { mine };
                        tracing::warn!(node = %me, left_out, "global: name conflict: {name} is {now}'s, and no longer {lost}'s");
                    }
                    None => {
                        tracing::warn!(node = %me, left_out, "global: name conflict: {name} is neither {mine}'s any longer nor {his}'s");
                    }
                });
            }
        }
    }
}

fn address(cx: &Cx<NameServer>) -> Address<Msg> {
    (*cx.server_ref()).clone()
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.table.clear();
    }
}
