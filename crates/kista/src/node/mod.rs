//! The node: the home of processes and names, and this program's place in a cluster.
//!
//! Rules:
//! 1. A process is found by index: a pid's number is its slot, its serial the slot's generation. There is no map of pids.
//! 2. Signals to another node go through the one connection to it, which is dialled on first use ([`route`]).
//! 3. Nodes share nothing but interned atoms: several may live in one OS process.
//! 4. A node lives until [`Node::stop`]; dropping the last handle stops nothing silently.

mod builder;
mod connections;
mod cookie;
mod deadlines;
mod dispatch;
mod error;
mod events;
mod monitors;
mod names;
mod net_options;
mod outcall;
mod register;
mod reports;
mod request;
mod rest;
mod route;
mod scratch;
mod signals;
mod spawn;
mod stop;
mod stop_process;
mod stopped;

use std::any::Any;
use std::fmt;
#[cfg(feature = "http")]
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use kista_etf::{Atom, Pid, Reference, Term};
use kista_sync::table::{Key, Table};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

pub use builder::{NodeBuilder, Visibility};
pub(crate) use deadlines::{Deadline, Deadlines};
pub use error::{ConnectError, NodeError};
pub use events::{NodeEvent, NodeEvents};
pub(crate) use monitors::NodeMonitors;
pub use monitors::{MonitorNodes, NodeStatus};
pub(crate) use outcall::Outcall;
pub use register::RegisterError;
pub use request::Request;
pub(crate) use request::splice;
pub use stopped::{StopCause, Stopped, Unfinished};

use crate::application as applications;
use crate::events::{EventSource, Registry};
use crate::gen_server::{
    Address, GenServer, IntoSpec, Message, NameRegistry, ServerRef, Spawn, ViaName,
};
use crate::global;
use crate::health::Checks;
use crate::log::{Escaped, LogLimit};
use crate::net::Net;
use crate::pg;
use crate::process::{
    AnyProcess, ControlSignal, Dest, Env, InfoSlot, Process, ProcessInfo, ProcessSummary, current,
};
use crate::remote::Remote;
use crate::scheduler::Scheduler;
use crate::timer::Timers;
use crate::{EpmdInUse, ExitReason};
use names::Names;
use outcall::PendingCall;
use reports::Reports;

/// A running node. Cheap to clone; all clones are the same node.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let node = kista::Node::builder("docs@127.0.0.1").no_network().start().await?;
/// assert_eq!(node.name().as_str(), "docs@127.0.0.1");
/// node.stop().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Node(Arc<Inner>);

struct Inner {
    me: Weak<Self>,
    name: Atom,
    creation: u32,
    runtime: tokio::runtime::Handle,
    scheduler: Arc<Scheduler>,
    processes: Table<Arc<dyn AnyProcess>>,
    /// How many of `processes` are guests; roughly, while some come and go.
    guests: AtomicUsize,
    /// Woken when a process has ended while the node stops.
    ended: Notify,
    names: Names,
    /// Calls under way that wait for an encoded answer; the index is in their reference.
    calls: Table<Arc<PendingCall>>,
    references: AtomicU64,
    /// `None`: a node without a network.
    net: Option<Arc<Net>>,
    deadlines: Arc<Deadlines>,
    timers: Arc<Timers>,
    /// What processes inherit that no other process starts.
    env: OnceLock<Mutex<Env>>,
    /// A queue with more unread messages raises the alarm.
    queue_alarm_mark: usize,
    queue_alarms: AtomicU64,
    /// Lines about queues that are too long.
    too_long: LogLimit,
    /// The events of this node, and the right to publish the one about nodes.
    events: Arc<Registry>,
    node_events: EventSource<NodeEvent>,
    reports: Reports,
    node_monitors: NodeMonitors,
    /// What other nodes may run here.
    remote: Remote,
    stopping: AtomicBool,
    /// See [`rest`].
    lost_runtime: AtomicBool,
    /// Lines that processes print to this node.
    printed: LogLimit,
    /// Lines about messages that no server understood.
    not_understood: LogLimit,
    /// Processes that left the table and have yet to tell others of their end.
    ending: AtomicUsize,
    /// Why it stops; set when a stop begins.
    stop_cause: OnceLock<StopCause>,
    stop_timeout: Duration,
    /// Notified when what does not end is no longer to be waited for.
    hurry: Notify,
    /// What supervisors had to kill since the stop began.
    overdue: Mutex<Vec<Unfinished>>,
    /// How often other nodes were told of an end, since the stop began.
    told_away: AtomicU64,
    /// Set when all of the stop is done.
    stopped: watch::Sender<Option<Stopped>>,
    applications: applications::Registry,
    pg_scopes: pg::Scopes,
    global: global::State,
    /// Checks of health that the program added.
    checks: Checks,
    /// The applications that start with the node.
    boot: Vec<Atom>,
    /// They have started.
    booted: AtomicBool,
    #[cfg(feature = "http")]
    http_address: Option<SocketAddr>,
    #[cfg(feature = "metrics")]
    published: crate::metrics::Published,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.deadlines.stop();
        self.timers.stop();
        self.scheduler.close();
    }
}

impl Node {
    /// Begins to configure a node: `name@host`, or a name alone for this host's short name.
    pub fn builder(name: impl Into<String>) -> NodeBuilder {
        NodeBuilder::new(name.into())
    }

    /// The full name, `name@host`.
    #[inline]
    pub fn name(&self) -> Atom {
        self.0.name
    }

    /// What tells this run of the node from earlier ones of the same name.
    pub fn creation(&self) -> u32 {
        self.0.creation
    }

    /// The port that peers connect to; 0 without a network.
    pub fn port(&self) -> u16 {
        self.0.net.as_ref().map_or(0, |net| net.port())
    }

    /// Which EPMD this node is registered with.
    pub fn epmd(&self) -> EpmdInUse {
        self.0
            .net
            .as_ref()
            .map_or(EpmdInUse::None, |net| net.epmd())
    }

    /// Starts a server: `node.spawn(Counter::spec(0)).name("counter").await?`.
    pub fn spawn<P: IntoSpec>(&self, spec: P) -> Spawn<P::Server> {
        Spawn::new(self.clone(), spec.into_spec(), None)
    }

    /// A typed handle by pid or name, here or on another node. Nothing is checked until it is used.
    ///
    /// ```no_run
    /// # use kista::{Node, GenServer, ServerRef};
    /// # fn f<Counter: GenServer>(node: &Node) -> ServerRef<Counter> {
    /// let counter = node.server::<Counter>(("counter", "demo@127.0.0.1"));
    /// # counter }
    /// ```
    pub fn server<S: GenServer>(&self, dest: impl Into<Dest>) -> ServerRef<S> {
        ServerRef::new(Address::looked_up(self.clone(), dest.into()))
    }

    /// A typed handle by a name in another registry: `{via, Module, Name}`. The name is looked up at each use.
    pub fn server_via<S: GenServer>(
        &self,
        registry: Arc<dyn NameRegistry>,
        name: Term,
    ) -> ServerRef<S> {
        ServerRef::new(Address::via(self.clone(), ViaName { registry, name }))
    }

    /// The process registered under this name on this node.
    pub fn whereis(&self, name: &str) -> Option<Pid> {
        self.0.names.find(Atom::lookup(name)?)
    }

    /// The names registered on this node.
    pub fn registered(&self) -> Vec<Atom> {
        self.0.names.all()
    }

    /// The processes of this node.
    pub fn processes(&self) -> Vec<Pid> {
        self.0
            .processes
            .keys()
            .map(|key| self.pid_of(key))
            .collect()
    }

    /// What is to be seen of each process without asking it: who it is, what it does, how much waits for it.
    pub fn process_list(&self) -> Vec<ProcessSummary> {
        let mut list = Vec::new();
        self.each_process(|process| {
            let me = process.me();
            list.push(ProcessSummary {
                pid: me.pid(),
                name: me.state.lock().name,
                behaviour: me.behaviour(),
                status: me.status(),
                message_queue_len: process.backlog(),
            });
        });
        list
    }

    /// How often a queue of this node raised the alarm: see [`NodeBuilder::queue_alarm`].
    pub fn queue_alarms(&self) -> u64 {
        self.0.queue_alarms.load(Relaxed)
    }

    /// Whether there is such a process here now. A process of another node counts as alive; an alias does while its owner lives.
    pub fn is_alive(&self, dest: impl Into<Dest>) -> bool {
        let dest = dest.into();
        if let Dest::Alias(alias) = dest {
            return alias.node() != self.name() || self.alias_owner(&alias).is_some();
        }
        match self.local(dest) {
            Some(Some(pid)) => self.0.processes.contains(key_of(pid)),
            Some(None) => false,
            None => true,
        }
    }

    /// What a process of this node says of itself; `None` when there is no such process.
    pub async fn process_info(&self, pid: Pid) -> Option<ProcessInfo> {
        let process = self.find(pid)?;
        let slot = Arc::new(InfoSlot::new());
        process
            .push_control(
                ControlSignal::Info {
                    slot: Arc::clone(&slot),
                }
                .into(),
            )
            .ok()?;
        drop(process);
        std::future::poll_fn(|cx| slot.poll(cx)).await.ok()
    }

    /// Sends an exit signal: `exit(Pid, Reason)`.
    pub fn exit(&self, to: Pid, reason: impl Into<ExitReason>) {
        self.signal(
            to,
            ControlSignal::Exit {
                from: self.outside(),
                reason: reason.into(),
            },
        );
    }

    /// The other nodes that are connected and visible.
    pub fn nodes(&self) -> Vec<Atom> {
        self.nodes_where(|hidden| !hidden)
    }

    /// The other nodes that are connected by a hidden link: either side is hidden.
    pub fn hidden_nodes(&self) -> Vec<Atom> {
        self.nodes_where(|hidden| hidden)
    }

    fn nodes_where(&self, wanted: impl Fn(bool) -> bool) -> Vec<Atom> {
        let nodes = self
            .0
            .net
            .as_ref()
            .map(|net| net.nodes())
            .unwrap_or_default();
        nodes
            .into_iter()
            .filter(|(_, hidden)| wanted(*hidden))
            .map(|(name, _)| name)
            .collect()
    }

    /// Connects to another node and waits for it; at once when it is connected already.
    ///
    /// # Errors
    /// See [`ConnectError`].
    pub async fn connect(&self, node: &str) -> Result<(), ConnectError> {
        let name = Atom::new(node).map_err(|_| ConnectError::BadName(node.to_owned()))?;
        let Some(net) = &self.0.net else {
            return Err(ConnectError::NotRunning);
        };
        net.connect(name)
            .await
            .map_err(|error| ConnectError::new(node, error))
    }

    /// Whether the other node answers: `net_adm:ping/1`.
    pub async fn ping(&self, node: &str) -> bool {
        let Ok(name) = Atom::new(node) else {
            return false;
        };
        if self.is_here(name) {
            return true;
        }
        let request = (Atom::from_static("is_auth"), self.called());
        let answer = self
            .call::<Atom>((Atom::from_static("net_kernel"), name), &request)
            .await;
        answer.is_ok_and(|answer| answer.as_str() == "yes")
    }

    /// Closes the connection to another node; false when there was none.
    pub fn disconnect(&self, node: &str) -> bool {
        match (&self.0.net, Atom::lookup(node)) {
            (Some(net), Some(name)) => net.disconnect(name),
            _ => false,
        }
    }

    /// Subscribes to nodes that come and go, from outside any process. Inside one see [`Me::monitor_nodes`](crate::Me::monitor_nodes).
    pub fn events(&self) -> NodeEvents {
        NodeEvents::of(self)
    }

    pub(crate) fn event_registry(&self) -> &Arc<Registry> {
        &self.0.events
    }

    /// Makes a reference that no other of this node equals.
    pub fn make_ref(&self) -> Reference {
        let n = self.0.references.fetch_add(1, Relaxed);
        Reference::from_words(self.name(), self.creation(), words_of(n))
    }

    /// The reference of an alias of `owner`, which says where it is found.
    pub(crate) fn make_alias(&self, owner: Pid) -> Reference {
        let n = self.0.references.fetch_add(1, Relaxed);
        let [a, b, c] = words_of(n);
        let words = [a, b, c, owner.id, owner.serial];
        match Reference::new(self.name(), self.creation(), &words) {
            Some(alias) => alias,
            None => unreachable!("a reference has up to five words"),
        }
    }

    /// The process whose alias this is, or was.
    pub(crate) fn alias_owner(&self, alias: &Reference) -> Option<Arc<dyn AnyProcess>> {
        if alias.node() != self.name() || alias.creation() != self.creation() {
            return None;
        }
        let [.., index, generation] = *<&[u32; 5]>::try_from(alias.words()).ok()?;
        let key = Key { index, generation };
        self.0.processes.get(key)
    }

    /// The reference of a timer.
    pub(crate) fn timer_reference(&self, id: u64) -> Reference {
        let words = [TIMER, id as u32, (id >> 32) as u32];
        Reference::from_words(self.name(), self.creation(), words)
    }

    /// `None`: it is no timer of this node.
    pub(crate) fn timer_id(&self, reference: &Reference) -> Option<u64> {
        match *reference.words() {
            [TIMER, low, high]
                if reference.node() == self.name() && reference.creation() == self.creation() =>
            {
                Some(u64::from(high) << 32 | u64::from(low))
            }
            _ => None,
        }
    }

    pub(crate) fn net(&self) -> Option<&Arc<Net>> {
        self.0.net.as_ref()
    }

    pub(crate) fn application_registry(&self) -> &applications::Registry {
        &self.0.applications
    }

    pub(crate) fn pg_scopes(&self) -> &pg::Scopes {
        &self.0.pg_scopes
    }

    pub(crate) fn global_state(&self) -> &global::State {
        &self.0.global
    }

    pub(crate) fn checks(&self) -> &Checks {
        &self.0.checks
    }

    /// `None`: it has none.
    pub(crate) fn network(&self) -> Option<&Arc<Net>> {
        self.0.net.as_ref()
    }

    pub(crate) fn has_booted(&self) -> bool {
        self.0.booted.load(Relaxed)
    }

    /// Those of the applications that start with the node which do not run.
    pub(crate) fn booted_and_not_running(&self) -> Vec<&'static str> {
        let running = self.applications().which();
        let boot = self.0.boot.iter();
        boot.filter(|name| !running.iter().any(|application| application.name == **name))
            .map(|name| name.as_str())
            .collect()
    }

    #[cfg(feature = "metrics")]
    pub(crate) fn published(&self) -> &crate::metrics::Published {
        &self.0.published
    }

    /// Where it answers by HTTP: see [`NodeBuilder::http`].
    #[cfg(feature = "http")]
    pub fn http_address(&self) -> Option<SocketAddr> {
        self.0.http_address
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.0.timers
    }

    #[inline]
    pub(crate) fn queue_alarm_mark(&self) -> usize {
        self.0.queue_alarm_mark
    }

    pub(crate) fn raise_queue_alarm(
        &self,
        pid: Pid,
        name: Option<Atom>,
        behaviour: &str,
        unread: usize,
    ) {
        self.0.queue_alarms.fetch_add(1, Relaxed);
        let name = name.map(|name| name.as_str());
        self.0.too_long.line(|left_out| {
            tracing::warn!(%pid, name, behaviour, unread, left_out, "queue alarm: a process does not keep up with its messages");
        });
    }

    /// The process that runs here, or the one that stands for what is outside any.
    pub(crate) fn current_pid(&self) -> Pid {
        current::pid_on(self).unwrap_or_else(|| self.outside())
    }

    /// A handle that does not keep the node.
    pub(crate) fn downgrade(&self) -> WeakNode {
        WeakNode(self.0.me.clone())
    }

    /// The processes, without guests.
    pub(crate) fn each_process(&self, mut act: impl FnMut(&Arc<dyn AnyProcess>)) {
        for key in self.0.processes.keys() {
            if let Some(process) = self.0.processes.get(key)
                && !process.is_guest()
            {
                act(&process);
            }
        }
    }

    /// Logs a message that a server did not understand: a peer can send any number of them.
    pub(crate) fn log_not_understood(&self, pid: Pid, behaviour: &str, message: impl fmt::Display) {
        let message = Escaped(message);
        self.0.not_understood.line(|left_out| {
            tracing::warn!(%pid, behaviour, %message, left_out, "message not understood");
        });
    }

    #[inline]
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn printed(&self) -> &LogLimit {
        &self.0.printed
    }

    pub(crate) fn remote(&self) -> &Remote {
        &self.0.remote
    }

    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        &self.0.runtime
    }

    pub(crate) fn scheduler(&self) -> &Arc<Scheduler> {
        &self.0.scheduler
    }

    pub(crate) fn deadline(&self, timeout: Duration) -> Deadline {
        Deadline::new(timeout)
    }

    /// The sender of what no process sends.
    pub(crate) fn outside(&self) -> Pid {
        Pid {
            node: self.name(),
            id: 0,
            serial: 0,
            creation: self.creation(),
        }
    }

    pub(crate) fn free_name(&self, name: Atom, pid: Pid) {
        self.0.names.free(name, pid);
    }

    /// The process that holds a name here.
    pub(crate) fn named(&self, name: Atom) -> Option<Arc<dyn AnyProcess>> {
        self.find(self.0.names.find(name)?)
    }

    pub(crate) fn find(&self, pid: Pid) -> Option<Arc<dyn AnyProcess>> {
        self.is_own(pid)
            .then(|| self.0.processes.get(key_of(pid)))
            .flatten()
    }

    pub(crate) fn is_own(&self, pid: Pid) -> bool {
        pid.node == self.name() && pid.creation == self.creation()
    }

    /// Whether `node` is this one: by its own name, or by what the others call it since it lost that.
    #[inline]
    pub(crate) fn is_here(&self, node: Atom) -> bool {
        node == self.name() || (self.0.net.as_ref()).is_some_and(|net| net.answers_to(node))
    }

    /// This node's name where others read it: what they call it, as long as they have a name for it.
    pub(crate) fn called(&self) -> Atom {
        self.known_as().unwrap_or_else(|| self.name())
    }

    /// `None`: on another node. `Some(None)`: here, but no such name.
    pub(crate) fn local(&self, dest: Dest) -> Option<Option<Pid>> {
        match dest {
            Dest::Pid(pid) if pid.node == self.name() => {
                Some(Some(pid).filter(|pid| self.is_own(*pid)))
            }
            Dest::Pid(_) => None,
            Dest::Name(name) => Some(self.0.names.find(name)),
            Dest::Remote { name, node } if self.is_here(node) => Some(self.0.names.find(name)),
            Dest::Remote { .. } => None,
            // An alias takes messages, which go another way; it is no process.
            Dest::Alias(_) => Some(None),
        }
    }

    /// The node that a destination is on.
    #[inline]
    pub(crate) fn node_of(&self, dest: Dest) -> Atom {
        match dest {
            Dest::Pid(pid) => pid.node,
            Dest::Name(_) => self.name(),
            Dest::Remote { node, .. } if self.is_here(node) => self.name(),
            Dest::Remote { node, .. } => node,
            Dest::Alias(alias) => alias.node(),
        }
    }

    /// The process behind a destination when it is here and takes this message type.
    pub(crate) fn local_process<M: Message>(&self, dest: Dest) -> Option<Arc<Process<M>>> {
        let process = self.find(self.local(dest)??)?;
        let any: Arc<dyn Any + Send + Sync> = process.as_any();
        any.downcast().ok()
    }

    pub(crate) fn node_monitors(&self) -> &NodeMonitors {
        &self.0.node_monitors
    }

    fn pid_of(&self, key: Key) -> Pid {
        Pid {
            node: self.name(),
            id: key.index,
            serial: key.generation,
            creation: self.creation(),
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Node({})", self.name())
    }
}

/// The words of the n-th reference. Bit 17 of the first one is clear: kinds whose words are no number have it set. Old peers take
/// 18 bits there.
fn words_of(n: u64) -> [u32; 3] {
    [(n & 0x1_ffff) as u32, (n >> 17) as u32, (n >> 49) as u32]
}

/// The first word of a reference that names a timer.
const TIMER: u32 = 1 << 17 | 1;

/// A node that may be gone.
pub(crate) struct WeakNode(Weak<Inner>);

impl WeakNode {
    pub(crate) fn upgrade(&self) -> Option<Node> {
        self.0.upgrade().map(Node)
    }
}

fn key_of(pid: Pid) -> Key {
    Key {
        index: pid.id,
        generation: pid.serial,
    }
}
