//! Process groups: OTP's `pg`. Processes join groups under a name, any number of times; every node of a scope knows who is in.
//!
//! ```
//! use kista::{Node, Term};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let node = Node::builder("pg-doc@127.0.0.1").no_network().start().await?;
//! let pg = node.pg().await?;                           // the scope `pg`, started when it is not there
//! let worker = node.spawn_fn(async |mut cx| { cx.receive().await; })?;
//! pg.join("workers", worker).await?;
//! assert_eq!(pg.members("workers"), [worker]);         // of all nodes; nothing is asked, nothing waited for
//! node.send(worker, &Term::NIL);                       // it ends, and is no member any more
//! # while !pg.members("workers").is_empty() { tokio::time::sleep(std::time::Duration::from_millis(1)).await; }
//! # node.stop().await; Ok(()) }
//! ```
//! and from Erlang, with nothing more: `pg:get_members(<<"workers">>)`. A group is any term: a `&str` is a binary there, an
//! [`Atom`] an atom.
//!
//! Rules:
//! 1. A scope is a process registered under the scope's name, and a table that everybody on the node may read at once. Scopes know
//!    nothing of each other.
//! 2. Only processes of this node join and leave here. A process is in a group as often as it joined; it leaves as often, or ends.
//! 3. Membership is eventually the same on all connected, visible nodes that run the scope: each tells the others of its own members
//!    and of nobody else's. When a scope or its node is lost, its members are gone. A hidden node keeps its groups to itself.
//! 4. To peers a scope says the messages of OTP 24 to 28, which all releases read, a two-element `discover` among them: one of three elements
//!    ends the scope of OTP 25. From them it takes every form, OTP 29's lists of updates too.
//! 5. What a peer's scope says counts when it comes by a connection from that peer's node. A `leave` of whom it did not announce is void.
//! 6. Nothing that a scope sends makes a connection.
//! 7. A scope whose process ends starts anew without members; those who joined must join again, as in OTP. [`spec`] puts it under a
//!    supervisor.
//!
//! | file | what |
//! |---|---|
//! | `core.rs` | the scope as a pure core: what happened in, effects out |
//! | `table.rs` | who is in which group, for all to read |
//! | `wire.rs` | what scopes say to each other |
//! | `server.rs` | the shell: the scope's process |
//! | `scope.rs`, `pids.rs`, `change.rs`, `error.rs` | the handle; what joins; what watchers get; what is refused |
//!
//! Source: `pg` in OTP's kernel, and its manual page.

mod change;
mod core;
mod error;
mod pids;
mod scope;
mod server;
mod table;
mod wire;

use std::sync::Arc;

use kista_etf::Atom;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

pub use change::Change;
pub use error::PgError;
pub use pids::Pids;
pub use scope::Scope;
pub use server::ScopeServer;

use crate::gen_server::{Spec, StartError};
use crate::node::Node;
use table::Table;

pub(crate) const MODULE: &str = module_path!();

/// The scope that [`Node::pg`] means.
pub const DEFAULT_SCOPE: &str = "pg";

/// The process of a scope, for a supervisor: `pg:start_link/1`. [`Node::pg_scope`] is the way to its groups.
///
/// ```
/// use kista::{pg, supervisor::{Child, Supervisor}};
/// let tree = Supervisor::one_for_one().child(Child::new("chat_scope", pg::spec("chat")));
/// ```
///
/// # Panics
/// When the name has more than 255 characters.
pub fn spec(scope: &'static str) -> Spec<ScopeServer> {
    crate::gen_server::spec(Atom::from_static(scope))
}

/// The tables of a node's scopes. One stays when its process ends: handles find the next one there.
#[derive(Default)]
pub(crate) struct Scopes(Mutex<FxHashMap<Atom, Arc<Table>>>);

impl Scopes {
    fn table(&self, scope: Atom) -> Arc<Table> {
        Arc::clone(self.0.lock().entry(scope).or_default())
    }

    fn find(&self, scope: Atom) -> Option<Arc<Table>> {
        self.0.lock().get(&scope).cloned()
    }
}

impl Node {
    /// The groups of the default scope, whose process is started when there is none: `pg:start/1`. See [`pg`](self).
    ///
    /// # Errors
    /// [`StartError::AlreadyStarted`]: another process has the name `pg`.
    pub async fn pg(&self) -> Result<Scope, StartError> {
        self.start_pg(DEFAULT_SCOPE).await
    }

    /// As [`pg`](Self::pg), for another scope.
    ///
    /// # Errors
    /// As there; [`StartError::BadName`].
    pub async fn start_pg(&self, scope: &str) -> Result<Scope, StartError> {
        let bad_name = |_| StartError::BadName(scope.to_owned());
        let name = Atom::new(scope).map_err(bad_name)?;
        let spec = crate::gen_server::spec::<ScopeServer>(name);
        match self.spawn(spec).name(scope).await {
            Ok(_) => {}
            // It runs already; whether that is a scope shows its behaviour.
            Err(StartError::AlreadyStarted(pid)) if self.is_pg(pid) => {}
            Err(error) => return Err(error),
        }
        Ok(Scope::new(self.clone(), name))
    }

    /// The groups of a scope that runs, or ran, on this node.
    pub fn pg_scope(&self, scope: &str) -> Option<Scope> {
        let name = Atom::lookup(scope)?;
        self.pg_scopes().find(name)?;
        Some(Scope::new(self.clone(), name))
    }

    fn is_pg(&self, pid: crate::Pid) -> bool {
        self.find(pid)
            .is_some_and(|process| process.me().behaviour() == std::any::type_name::<ScopeServer>())
    }
}
