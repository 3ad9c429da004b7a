//! Functions across nodes: what is exposed to other nodes, and how theirs are run from here.
//!
//! A node in Rust has no modules. It exposes functions by name ([`Node::expose`](crate::Node::expose)), and every way of Erlang to run a
//! function elsewhere ends at them: `spawn` and its kin, `erpc`, `rpc`, and the plain form of `rex`. Rules:
//! 1. Each runs in a process of its own, which can be linked, monitored and ended. None keeps another waiting.
//! 2. Nothing else can be reached, but for functions that look at the node: what is not exposed, or not to that peer, is `undef` in
//!    the shape that Erlang gives it. What is there, but not for that peer, is logged as refused.
//! 3. A function is the same whichever way it is run; only what becomes of its value differs: see [`Raise`] for exceptions.
//!
//! | file | what |
//! |---|---|
//! | `exposed.rs`, `function.rs`, `raise.rs` | which functions, to whom; what can be exposed; exceptions |
//! | `inspection/` | OTP's functions for operators' tools, which look at a node and need not be exposed |
//! | `apply.rs` | a function and its undecoded arguments, or the exception that Erlang raises instead |
//! | `serve.rs`, `options.rs` | processes that peers start here |
//! | `job.rs` | functions that peers run through `rex` |
//! | `target.rs` | what a function elsewhere is named and given by |
//! | `call.rs`, `error.rs` | `erpc` and `rpc` from here; errors |
//! | `spawn_on.rs` | processes that other nodes start for this one |
//!
//! Source: `erpc` and `rpc` of kernel, `spawn_request/5` of ERTS.

mod apply;
mod call;
mod error;
mod exposed;
mod function;
mod inspection;
mod job;
mod options;
mod raise;
mod serve;
mod spawn_on;
mod target;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use kista_etf::Atom;
use parking_lot::Mutex;

pub use call::{Answers, CallFailure, Erpc, RemoteCall, RemoteMultiCall, Rpc};
pub use error::{BadRpc, ErpcError, SpawnError};
pub use exposed::{ExposeError, Peers};
pub use function::{Answer, Function};
pub(crate) use job::{Job, JobResult};
pub use raise::{Class, Raise};
pub(crate) use serve::{LINKED, MONITORED, Start, serve, serve_self};
pub use spawn_on::SpawnOn;
pub(crate) use spawn_on::{SpawnSlot, settle};
pub use target::{CallArguments, FunctionName, PeerName};

use crate::log::{Escaped, LogLimit};
use exposed::Exposed;

/// Processes that run for peers at a time, unless set otherwise: as many as a node of Erlang has by default.
pub(crate) const PROCESSES: usize = 262_144;

/// What a node has of this module.
pub(crate) struct Remote {
    exposed: Exposed,
    /// Who may call the functions that look at the node.
    inspectors: Peers,
    /// Who may stop it.
    stoppers: Peers,
    /// The processes that run for peers.
    running: Arc<AtomicUsize>,
    /// How many there may be.
    limit: usize,
    /// Lines about what was refused.
    refused: LogLimit,
    /// Bytes that went through connections, for who looks again and again.
    traffic: Mutex<inspection::Traffic>,
}

impl Remote {
    pub(crate) fn new(limit: usize, inspectors: Peers, stoppers: Peers) -> Self {
        inspection::prepare();
        Self {
            exposed: Exposed::default(),
            inspectors,
            stoppers,
            running: Arc::default(),
            limit,
            refused: LogLimit::new(),
            traffic: Mutex::default(),
        }
    }

    /// Logs what another node may not do here.
    pub(crate) fn log_refused(&self, peer: Atom, what: impl fmt::Display) {
        self.refused.line(|left_out| {
            let (peer, what) = (Escaped(peer), Escaped(what));
            tracing::warn!(%peer, %what, left_out, "refused");
        });
    }
}
