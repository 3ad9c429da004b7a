//! Names and locks of the whole cluster: OTP's `global`.
//!
//! ```
//! use kista::{Node, Term};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let node = Node::builder("global-doc@127.0.0.1").no_network().start().await?;
//! let global = node.global().await?;
//! let worker = node.spawn_fn(async |mut cx| { cx.receive().await; })?;
//! global.register("worker", worker).await?;            // on all nodes, or not at all
//! assert_eq!(global.whereis("worker"), Some(worker));  // nothing is asked, nothing waited for
//! assert!(global.register("worker", worker).await.is_err());
//! # node.stop().await; Ok(()) }
//! ```
//! and from Erlang, with nothing more: `global:whereis_name(<<"worker">>)`. A name is any term: a `&str` is a binary there, an
//! [`Atom`] an atom.
//!
//! Rules:
//! 1. A visible node is one of the cluster's `global` from its start on: it takes part in every lock, knows every name, and connects to every
//!    node that the others know ([`NodeBuilder::connect_all`](crate::NodeBuilder::connect_all)). A hidden one takes no part: its names are its own.
//! 2. A name is given and taken under a lock of all nodes that have the same names. Whoever has a name or a lock loses it when it ends, or when
//!    its node is lost.
//! 3. When two parts of a network meet that have one name for two processes, the method with which it was registered decides ([`Resolve`]).
//! 4. A node that loses its connection to another tells the others, and all of them close theirs to one of the two, so that parts do not overlap:
//!    [`NodeBuilder::prevent_overlapping_partitions`](crate::NodeBuilder::prevent_overlapping_partitions).
//! 5. What a server says counts when it comes by a connection from its node. To another node's server nothing is sent that makes a connection,
//!    but for rule 1.
//! 6. Between two looks at the table of names a process may have ended; a message to it is dropped, as to any other.
//!
//! | file | what |
//! |---|---|
//! | `core.rs`, `core/`, `names.rs` | the name server as a pure core: who is known, how parts become one, losses; names and locks |
//! | `table.rs` | names and locks, for all to read |
//! | `wire.rs` | what name servers say to each other |
//! | `server.rs` | the shell: the process `global_name_server` |
//! | `locker.rs`, `registrar.rs` | the processes that hold locks: for the meeting of two parts, for a change of names |
//! | `resolve.rs` | what decides between two of one name |
//! | `lock.rs`, `error.rs` | locks for everybody; what is refused |
//!
//! Source: `global` in OTP's kernel, and its manual page.

mod core;
mod error;
mod lock;
mod locker;
mod names;
mod registrar;
mod resolve;
mod server;
mod table;
mod wire;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use kista_etf::{Atom, Encode, Pid, Term};
use tokio::sync::oneshot;

pub use error::GlobalError;
pub use lock::LockId;
pub use resolve::Resolve;

use crate::gen_server::{GenServer, NameRegistry, ServerRef, StartError};
use crate::log::{Escaped, LogLimit};
use crate::node::{Node, NodeBuilder};
use crate::{CallError, ExposeError, ProcessCx};
use registrar::{Change, Job};
use server::{Msg, NameServer, SERVER};
use table::Table;

/// What a node has of `global`, whether its server runs or not.
pub(crate) struct State {
    table: Arc<Table>,
    options: Options,
    /// How many lines about two processes of one name there are.
    conflicts: LogLimit,
}

/// Whether to connect to all, and to prevent overlapping partitions.
pub(crate) type Options = (bool, bool);

/// What OTP does.
pub(crate) const DEFAULT: Options = (true, true);

impl State {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            table: Arc::default(),
            options,
            conflicts: LogLimit::new(),
        }
    }
}

/// The cluster's names and locks, as this node has them. Cheap to clone. See the [module](self) for the rules.
///
/// It is a [`NameRegistry`]: `node.spawn(Counter::spec(0)).via(Arc::new(global), "counter".into())` starts a server under a name of the
/// cluster, `{via, global, Name}` in Erlang.
#[derive(Clone)]
pub struct Global {
    node: Node,
    table: Arc<Table>,
}

impl Node {
    /// The cluster's names and locks. The server of a hidden node, or of one without a network, is started by this; a visible one
    /// runs it from the start.
    ///
    /// # Errors
    /// [`StartError`]: the node stops.
    pub async fn global(&self) -> Result<Global, StartError> {
        if self.whereis(SERVER).is_none() {
            start(self).await?;
        }
        Ok(self.global_names())
    }
}

impl Node {
    /// What this node has of the cluster's names, whether it takes part or not.
    pub(crate) fn global_names(&self) -> Global {
        Global {
            node: self.clone(),
            table: Arc::clone(&self.global_state().table),
        }
    }
}

/// Where the processes are that it consists of.
pub(crate) const MODULE: &str = module_path!();

/// Starts the server, if it does not run.
pub(crate) async fn start(node: &Node) -> Result<(), StartError> {
    let server = node.spawn(crate::gen_server::spec::<NameServer>(()));
    match server.name(SERVER).await {
        Ok(_) | Err(StartError::AlreadyStarted(_)) => {}
        Err(error) => return Err(error),
    }
    // Called by the nodes that meet this one, when both have a name.
    let resolve = async |cx: ProcessCx, method: Term, name: Term, a: Pid, b: Pid| {
        let node = cx.node();
        let shown = Escaped::up_to(server::NAME, name.clone());
        let now = resolve::resolve_it(node, method, name, a, b).await;
        // The nodes that met log it too; but they are others.
        node.global_state().conflicts.line(|left_out| {
            let (node, now) = (node.name(), Escaped::up_to(server::NAME, &now));
            tracing::warn!(%node, left_out, "global: name conflict: of {a} and {b}, {shown} is {now}'s");
        });
        now
    };
    match node.expose("global", "resolve_it", resolve) {
        Ok(()) => Ok(()),
        Err(ExposeError::BadName(name)) => Err(StartError::BadName(name)),
        // It is there already.
        Err(_) => Ok(()),
    }
}

impl NodeBuilder {
    /// Whether a visible node connects to all that its peers know, and has the cluster's names: the `connect_all` of OTP's kernel.
    /// Default: true. Peers that have it off are left alone in any case.
    pub fn connect_all(mut self, on: bool) -> Self {
        self.global.0 = on;
        self
    }

    /// Whether connections are closed so that no two nodes know different parts of one network: the `prevent_overlapping_partitions` of OTP's
    /// kernel, to be the same at all nodes. Default: true.
    pub fn prevent_overlapping_partitions(mut self, on: bool) -> Self {
        self.global.1 = on;
        self
    }
}

impl Global {
    /// Gives a process a name on all nodes: `global:register_name/2`. A process has one such name at most.
    ///
    /// # Errors
    /// [`GlobalError::Refused`]: OTP's `no`.
    pub async fn register(&self, name: impl Into<Term>, pid: Pid) -> Result<(), GlobalError> {
        self.register_with(name, pid, &Resolve::default()).await
    }

    /// As [`register`](Self::register), with another method for when two parts of a network meet: `global:register_name/3`.
    ///
    /// # Errors
    /// As there.
    pub async fn register_with(
        &self,
        name: impl Into<Term>,
        pid: Pid,
        resolve: &Resolve,
    ) -> Result<(), GlobalError> {
        self.give(name.into(), pid, resolve, false).await
    }

    /// Gives a name to another process than the one that has it, in one step: `global:re_register_name/2`.
    ///
    /// # Errors
    /// [`GlobalError::Server`].
    pub async fn re_register(&self, name: impl Into<Term>, pid: Pid) -> Result<(), GlobalError> {
        self.re_register_with(name, pid, &Resolve::default()).await
    }

    /// As [`re_register`](Self::re_register), with another method: `global:re_register_name/3`.
    ///
    /// # Errors
    /// [`GlobalError::Server`].
    pub async fn re_register_with(
        &self,
        name: impl Into<Term>,
        pid: Pid,
        resolve: &Resolve,
    ) -> Result<(), GlobalError> {
        self.give(name.into(), pid, resolve, true).await
    }

    async fn give(
        &self,
        name: Term,
        pid: Pid,
        resolve: &Resolve,
        anew: bool,
    ) -> Result<(), GlobalError> {
        let change = Change::Register {
            name,
            pid,
            method: resolve.to_term(),
            anew,
        };
        match self.change(change).await? {
            true => Ok(()),
            false => Err(GlobalError::Refused),
        }
    }

    /// Takes a name away on all nodes: `global:unregister_name/1`. False: nobody had it.
    ///
    /// # Errors
    /// [`GlobalError::Server`].
    pub async fn unregister(&self, name: impl Into<Term>) -> Result<bool, GlobalError> {
        let name = name.into();
        match self.table.whereis(&name) {
            None => Ok(false),
            Some(_) => self.change(Change::Unregister(name, None)).await,
        }
    }

    /// Who has the name, on whatever node: `global:whereis_name/1`.
    pub fn whereis(&self, name: impl Into<Term>) -> Option<Pid> {
        self.find(&name.into())
    }

    fn find(&self, name: &Term) -> Option<Pid> {
        let pid = self.table.whereis(name)?;
        (pid.node != self.node.name() || self.node.is_alive(pid)).then_some(pid)
    }

    /// All names: `global:registered_names/0`.
    pub fn registered_names(&self) -> Vec<Term> {
        self.table.registered()
    }

    /// Sends to whoever has the name, and says who that was: `global:send/2`. `None`: nobody has it.
    pub fn send<T: Encode + ?Sized>(&self, name: impl Into<Term>, message: &T) -> Option<Pid> {
        let pid = self.whereis(name)?;
        drop(self.node.send(pid, message));
        Some(pid)
    }

    /// The server that has the name at each use: calls and casts to `{global, Name}`.
    pub fn server<S: GenServer>(&self, name: impl Into<Term>) -> ServerRef<S> {
        self.node.server_via(Arc::new(self.clone()), name.into())
    }

    /// Waits until the names here are those of all nodes that are connected: `global:sync/0`.
    ///
    /// # Errors
    /// [`GlobalError::Server`].
    pub async fn sync(&self) -> Result<(), GlobalError> {
        let nodes = self.node.nodes();
        let server = self.name_server();
        server
            .call(|reply| Msg::Sync(nodes, reply))
            .forever()
            .await?;
        Ok(())
    }

    /// The nodes that have the same names as this one.
    ///
    /// # Errors
    /// [`GlobalError::Server`].
    pub async fn synced(&self) -> Result<Vec<Atom>, GlobalError> {
        Ok(self.name_server().call(Msg::Synced).forever().await?)
    }

    /// Leaves the cluster: closes the connections to all nodes that have the same names, which the others take for what it is.
    /// `global:disconnect/0`. Those that were left.
    ///
    /// # Errors
    /// [`GlobalError::Server`].
    pub async fn disconnect(&self) -> Result<Vec<Atom>, GlobalError> {
        Ok(self.name_server().call(Msg::Leave).forever().await?)
    }

    async fn change(&self, change: Change) -> Result<bool, GlobalError> {
        let (done, is_done) = oneshot::channel();
        drop(self.name_server().cast(Msg::Change(Job { change, done })));
        is_done.await.map_err(|_| CallError::NoProc.into())
    }

    fn name_server(&self) -> ServerRef<NameServer> {
        self.node.server(SERVER)
    }
}

impl NameRegistry for Global {
    fn register<'a>(
        &'a self,
        name: &'a Term,
        pid: Pid,
    ) -> Pin<Box<dyn Future<Output = Result<(), Pid>> + Send + 'a>> {
        Box::pin(async move {
            let given = self.register(name.clone(), pid).await;
            given.map_err(|_| self.find(name).unwrap_or(pid))
        })
    }

    fn unregister(&self, name: &Term, pid: Pid) {
        let change = Change::Unregister(name.clone(), Some(pid));
        let (done, _) = oneshot::channel();
        drop(self.name_server().cast(Msg::Change(Job { change, done })));
    }

    fn whereis(&self, name: &Term) -> Option<Pid> {
        self.find(name)
    }
}

impl fmt::Debug for Global {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Global({})", self.node.name())
    }
}

/// A random number below this one.
fn below(n: usize) -> usize {
    let random = getrandom::u64().unwrap_or_default();
    (random % n.max(1) as u64) as usize
}
