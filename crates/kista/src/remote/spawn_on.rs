//! Processes that other nodes start for this one.
//!
//! Rules:
//! 1. The request is recorded with the process that asks before it is sent; the answer acts in the order of the other signals of that
//!    node: so the link and the monitor are there before the new process can be heard of.
//! 2. Who gives the request up, or ends, takes back what the other node made meanwhile: a linked process ends.
//!
//! Source: `spawn_request/5` and `spawn_request_abandon/1` of ERTS.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;

use kista_dist::Flags;
use kista_dist::control::SpawnRequest;
use kista_etf::{Atom, Pid, Reference, Term, atoms};
use kista_sync::slot::ReplySlot;

use super::SpawnError;
use super::serve::{LINKED, MONITORED, serve_self};
use super::target::{Applied, CallArguments, FunctionName, PeerName};
use crate::AliasMode;
use crate::node::{Node, splice};
use crate::plain::Spawned;
use crate::process::{AnyProcess, Dest, Guest, Me, Via, WireMessage, current};

/// Where it is told what became of a request.
pub(crate) type SpawnSlot = ReplySlot<Pid, SpawnError>;

/// Tells what became of a request.
pub(crate) fn settle(slot: &SpawnSlot, result: Result<Pid, SpawnError>) {
    match result {
        Ok(pid) => drop(slot.fill(pid)),
        Err(error) => drop(slot.fail(error)),
    }
}

/// A process that is about to be asked for: what [`Node::spawn_on`] returns. Await it.
///
/// Dropping it while it waits is `spawn_request_abandon/1`: a process that comes to be nevertheless is neither linked nor monitored, and ends
/// if a link was asked for.
#[must_use = "nothing is started until this is awaited"]
pub struct SpawnOn {
    node: Node,
    peer: PeerName,
    call: Result<Applied, SpawnError>,
    link: bool,
    monitor: bool,
    alias: Option<AliasMode>,
    options: Vec<Term>,
}

impl SpawnOn {
    /// Links the new process with the one that asks, before its first step: `spawn_link/4`. From outside any process it means nothing.
    pub fn link(mut self) -> Self {
        self.link = true;
        self
    }

    /// Has the process that asks monitor the new one, from before its first step: `spawn_monitor/4`. From outside any process it means
    /// nothing.
    pub fn monitor(mut self) -> Self {
        self.monitor = true;
        self
    }

    /// As [`monitor`](Self::monitor), and makes the monitor's reference an alias: `{monitor, [{alias, Mode}]}`.
    pub fn monitor_alias(mut self, mode: AliasMode) -> Self {
        self.alias = Some(mode);
        self.monitor()
    }

    /// One more option of `spawn_opt/5`, as Erlang has it, such as `{priority, low}`.
    pub fn option(mut self, option: Term) -> Self {
        self.options.push(option);
        self
    }

    async fn spawn(self) -> Result<Spawned, SpawnError> {
        let Self {
            node,
            peer,
            call,
            link,
            monitor,
            alias,
            options,
        } = self;
        let call = call?;
        let peer = peer.0.map_err(SpawnError::BadName)?;
        let asker = Asker::here(&node).ok_or(SpawnError::SystemLimit)?;
        let inside = asker.guest.is_none();
        let me = asker.process.me();
        let mut options = options;
        if link && inside {
            options.push(Term::from(atoms::LINK));
        }
        if monitor && inside {
            options.push(Term::from(atoms::MONITOR));
        }
        let id = match alias {
            Some(_) => node.make_alias(me.pid()),
            None => node.make_ref(),
        };
        let request = SpawnRequest {
            id,
            from: me.pid(),
            group_leader: node.leader_for_others(),
            module: call.module.into(),
            function: call.function.into(),
            arity: call.arity,
            options: Term::list(options),
            token: None,
        };
        let alias = alias.filter(|_| inside);
        let pid = if node.is_here(peer) {
            here(&node, me, request, &call, alias)?
        } else {
            elsewhere(&node, me, peer, request, &call, alias).await?
        };
        Ok(Spawned::new(pid, (monitor && inside).then_some(id)))
    }
}

impl IntoFuture for SpawnOn {
    type Output = Result<Spawned, SpawnError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.spawn())
    }
}

/// Who asks: the process that runs here, or one that stands for what is outside any.
struct Asker {
    process: Arc<dyn AnyProcess>,
    guest: Option<Arc<Guest>>,
}

impl Asker {
    fn here(node: &Node) -> Option<Self> {
        if let Some(process) = current::process_on(node) {
            return Some(Self {
                process,
                guest: None,
            });
        }
        let guest = node.insert_guest()?;
        Some(Self {
            process: Arc::clone(&guest) as _,
            guest: Some(guest),
        })
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if let Some(guest) = &self.guest {
            guest.end();
        }
    }
}

/// On the asker's own node there is nothing to wait for.
fn here(
    node: &Node,
    me: &Me,
    request: SpawnRequest,
    call: &Applied,
    alias: Option<AliasMode>,
) -> Result<Pid, SpawnError> {
    let payload = node.payload(|e| {
        splice(e, &call.arguments);
        Ok(())
    });
    let message = WireMessage {
        payload: payload.map_err(SpawnError::Arguments)?,
        ..WireMessage::default()
    };
    let id = request.id;
    let asks = |what: Atom| {
        let options = request.options.as_list().unwrap_or_default();
        options.iter().any(|option| option.as_atom() == Some(what))
    };
    let (link, monitor) = (asks(atoms::LINK), asks(atoms::MONITOR));
    let spawned = serve_self(node, request, message, |pid| {
        let mut state = me.state.lock();
        if link {
            state.link(pid, Via::Here);
        }
        if monitor {
            state.monitor(id, Dest::Pid(pid), None, Via::Here);
        }
        if let Some(mode) = alias {
            state.alias(id, mode);
        }
    });
    spawned.map_err(|why| SpawnError::from_reply(Term::from(why)))
}

async fn elsewhere(
    node: &Node,
    me: &Me,
    peer: Atom,
    request: SpawnRequest,
    call: &Applied,
    alias: Option<AliasMode>,
) -> Result<Pid, SpawnError> {
    // What the other node can do is known when it is connected.
    let connected = node.connect(peer.as_str()).await;
    connected.map_err(|_| SpawnError::NoConnection)?;
    let connection = node.connected(peer).ok_or(SpawnError::NoConnection)?;
    if !connection.flags().contains(Flags::SPAWN) {
        return Err(SpawnError::NotSupported);
    }
    let slot = Arc::new(SpawnSlot::new());
    let asked = Asked {
        me,
        reference: request.id,
        slot: Arc::clone(&slot),
        via: Via::from(&connection),
    };
    {
        let mut state = me.state.lock();
        state.spawning(request.id, Arc::clone(&slot), asked.via.clone());
        if let Some(mode) = alias {
            state.alias(request.id, mode);
        }
    }
    if !connection.watch(me.pid()) {
        return Err(SpawnError::NoConnection);
    }
    node.send_spawn_request_by(&connection, request, |e| {
        splice(e, &call.arguments);
        Ok(())
    })?;
    poll_fn(|cx| slot.poll(cx)).await
}

/// A request under way. Dropping it before its answer is taken abandons the process.
struct Asked<'a> {
    me: &'a Me,
    reference: Reference,
    slot: Arc<SpawnSlot>,
    via: Via,
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        let Self {
            me,
            reference,
            slot,
            via,
        } = self;
        let mut state = me.state.lock();
        let waits = state.abandon_spawning(reference);
        // The answer had come and acted, and nobody took it.
        let untaken = slot.abandon();
        if waits || untaken.is_some() {
            state.unalias(reference);
        }
        let Some(Ok(pid)) = untaken else { return };
        let linked = state.is_linked(pid);
        state.take_back_link(pid);
        let _ = state.demonitor(reference, true);
        drop(state);
        let flags = MONITORED | if linked { LINKED } else { 0 };
        me.node()
            .abandon_spawned(via, me.pid(), pid, *reference, flags);
    }
}

impl Node {
    /// Starts a process on another node, with a function of it: `spawn/4` and its kin. On this node: with an exposed one.
    ///
    /// ```no_run
    /// # async fn f(cx: &kista::ProcessCx) -> Result<(), kista::SpawnError> {
    /// use kista::Atom;
    /// let mfa = (Atom::from_static("lists"), Atom::from_static("reverse"), [vec![1, 2]]);
    /// let spawned = cx
    ///     .node()
    ///     .spawn_on("erl@127.0.0.1", ("erlang", "apply"), mfa)
    ///     .link()
    ///     .monitor()
    ///     .await?;
    /// println!("{} runs, watched as {:?}", spawned.pid, spawned.monitor);
    /// # Ok(()) }
    /// ```
    /// It waits for the other node's answer. Whether there is such a function only the end of the process tells: `{undef, _}`.
    pub fn spawn_on(
        &self,
        peer: impl Into<PeerName>,
        function: impl Into<FunctionName>,
        arguments: impl CallArguments,
    ) -> SpawnOn {
        SpawnOn {
            node: self.clone(),
            peer: peer.into(),
            call: Applied::new(function.into(), &arguments).map_err(SpawnError::from),
            link: false,
            monitor: false,
            alias: None,
            options: Vec::new(),
        }
    }
}
