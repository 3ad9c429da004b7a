//! What a process is and may do whatever its message type: one place for the `cx` of every behaviour.
//!
//! [`Me`] lies inside each process. A behaviour's context ([`Cx`](crate::Cx) of a server) dereferences to it, so that
//! `cx.link(pid)` is the same function everywhere. Rules:
//! 1. Only the process's own code gets a `&Me`, through its context: that is what makes these acts *its* acts.
//! 2. Everything here returns at once. What has to be told to others is sent; what concerns the process itself is recorded
//!    before the call returns.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | who it is, sending, starting others |
//! | `relations.rs` | links, monitors, exits |

mod relations;

use std::fmt;
use std::ops::Deref;

use kista_etf::{Encode, Pid};
use parking_lot::Mutex;

use super::ProcessState;
use crate::gen_server::{GenServer, Sent, Spawn, SpawnMonitor, Spec};
use crate::node::Node;
use crate::{Dest, Info};

/// A process's view of itself, the same for every behaviour: what only the process may do.
///
/// ```
/// use kista::{Cx, Me, gen_server};
///
/// struct Guard;
/// #[gen_server]
/// impl Guard {
///     #[init] fn new(cx: &mut Cx<Self>) -> Self {
///         cx.trap_exit(true);              // a `Cx` dereferences to `Me`
///         introduce(cx);
///         Guard
///     }
/// }
/// fn introduce(me: &Me) {
///     println!("I am {} on {}", me.pid(), me.node().name());
/// }
/// ```
///
/// Source: the `erlang` module of ERTS: `link/1`, `monitor/2`, `process_flag/2`, `exit/2` and their kin.
pub struct Me {
    pid: Pid,
    node: Node,
    behaviour: &'static str,
    /// Locked by the process's own task alone (but when it starts or is adopted, and in guests): never contended.
    pub(crate) state: Mutex<ProcessState>,
}

impl Me {
    pub(crate) fn new(node: Node, pid: Pid, behaviour: &'static str, parent: Option<Pid>) -> Self {
        Self {
            pid,
            node,
            behaviour,
            state: Mutex::new(ProcessState::new(pid, parent)),
        }
    }

    /// This process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The node it runs on.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The Rust type of the behaviour, e.g. `demo::Counter`.
    pub fn behaviour(&self) -> &'static str {
        self.behaviour
    }

    /// The process that started this one with a link ([`spawn_link`](Self::spawn_link)), if any.
    pub fn parent(&self) -> Option<Pid> {
        self.state.lock().parent
    }

    /// Whether exit signals become [`Info::Exit`] messages instead of ending the process. Gives the former setting.
    pub fn trap_exit(&self, trap: bool) -> bool {
        std::mem::replace(&mut self.state.lock().trap_exit, trap)
    }

    /// Sends a message in Erlang's format, to any process anywhere: `To ! Message`.
    pub fn send<T: Encode + ?Sized>(&self, to: impl Into<Dest>, message: &T) -> Sent {
        self.node.send(to, message)
    }

    /// Starts a linked server: it ends with this process, and this process with it.
    pub fn spawn_link<C: GenServer>(&self, spec: Spec<C>) -> Spawn<C> {
        // A process that runs its own code is in the table.
        let parent = self.node.find(self.pid);
        Spawn::new(self.node.clone(), spec, parent)
    }

    /// Starts a server that this process monitors from before its first step; when it does not start, there is the error and
    /// no [`Info::Down`].
    pub fn spawn_monitor<C: GenServer>(&self, spec: Spec<C>) -> SpawnMonitor<C> {
        SpawnMonitor::new(self.node.clone(), spec, self.node.find(self.pid))
    }

    /// Receive [`Info::NodeUp`] and [`Info::NodeDown`] from now on, or no more: `net_kernel:monitor_nodes/1`.
    pub fn monitor_nodes(&self, on: bool) {
        self.node.monitor_nodes(self.pid, on);
    }

    /// Logs what the behaviour did not expect: as a warning, at most 20 a second on one node.
    pub fn log_not_understood(&self, info: &Info) {
        // Debug is cut after 4 KiB, whatever a peer sent.
        match info {
            Info::Term(term) => self.log_not_understood_text(format_args!("{term:?}")),
            other => self.log_not_understood_text(format_args!("{other:?}")),
        }
    }

    pub(crate) fn log_not_understood_text(&self, what: impl fmt::Display) {
        self.node.log_not_understood(self.pid, self.behaviour, what);
    }
}

impl fmt::Debug for Me {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Me({} {})", self.pid, self.behaviour)
    }
}

/// A process is itself.
impl<M> Deref for super::Process<M> {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.me
    }
}
