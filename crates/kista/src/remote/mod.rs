//! Functions across nodes: what is exposed to other nodes, and how theirs are run from here.
//!
//! A node in Rust has no modules. It exposes functions by name ([`Node::expose`](crate::Node::expose)), and every way of Erlang to run a
//! function elsewhere ends at them: `spawn` and its kin, `erpc`, `rpc`, and the plain form of `rex`. Rules:
//! 1. Each runs in a process of its own, which can be linked, monitored and ended. None keeps another waiting.
//! 2. Nothing else can be reached: what is not exposed, or not to that peer, is `undef` in the shape that Erlang gives it.
//! 3. A function is the same whichever way it is run; only what becomes of its value differs: see [`Raise`] for exceptions.
//!
//! | file | what |
//! |---|---|
//! | `exposed.rs`, `function.rs`, `raise.rs` | which functions, to whom; what can be exposed; exceptions |
//! | `apply.rs` | a function and its undecoded arguments, or the exception that Erlang raises instead |
//! | `serve.rs`, `options.rs` | processes that peers start here |
//! | `job.rs` | functions that peers run through `rex` |
//!
//! Source: `erpc` and `rpc` of kernel, `spawn_request/5` of ERTS.

mod apply;
mod exposed;
mod function;
mod job;
mod options;
mod raise;
mod serve;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

pub use exposed::{ExposeError, Peers};
pub use function::{Answer, Function};
pub(crate) use job::{Job, JobResult};
pub use raise::{Class, Raise};
pub(crate) use serve::{Start, serve};

use crate::log::LogLimit;
use exposed::Exposed;

/// Processes that run for peers at a time, unless set otherwise: as many as a node of Erlang has by default.
pub(crate) const PROCESSES: usize = 262_144;

/// What a node has of this module.
pub(crate) struct Remote {
    exposed: Exposed,
    /// The processes that run for peers.
    running: Arc<AtomicUsize>,
    /// How many there may be.
    limit: usize,
    /// Lines about those that end for no proper reason.
    log: LogLimit,
}

impl Remote {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            exposed: Exposed::default(),
            running: Arc::default(),
            limit,
            log: LogLimit::new(),
        }
    }
}
