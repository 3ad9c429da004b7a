//! A pool: a fixed number of workers behind one name.
//!
//! ```
//! use kista::pool::{self, Routing};
//! use kista::{Node, gen_server};
//!
//! #[derive(Clone)]
//! struct Squarer;
//! #[gen_server]
//! impl Squarer {
//!     #[init] fn new() -> Self { Squarer }
//!     #[call] fn square(&self, n: i64) -> i64 { n * n }
//! }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
//! let squarers = pool::of(Squarer::spec(), 4).route(Routing::LeastQueue).max_queue(1_000);
//! let squarers = node.spawn(squarers.spec()).name("squarers").await?;
//! assert_eq!(squarers.square(3).await?, 9);          // as if it were one
//! assert_eq!(pool::info(&squarers).await?.alive, 4);
//! # node.stop().await; Ok(()) }
//! ```
//! and from Erlang `gen_server:call({squarers, Node}, {square, 3})`.
//!
//! Rules:
//! 1. The pool is a server with the workers' message type. It hands each message to one worker, which answers the caller itself.
//! 2. Which worker that is, says the [`Routing`]. One that has [`max_queue`](PoolSpec::max_queue) messages unread, or is being
//!    replaced, is passed over.
//! 3. When all are full a call ends with the exit reason `overloaded`; a cast is dropped and counted. A caller on another
//!    node gets `{no_reply, Request}`.
//! 4. A worker that ends, for whatever reason, is replaced, in its place. While none is there messages wait in the pool.
//!    After more replacements than [`intensity`](PoolSpec::intensity) allows, the pool ends with
//!    `{shutdown, reached_max_restart_intensity}`.
//! 5. A caller within the node, whose worker ends, gets that worker's reason; one that came encoded `{no_reply, Request}`.
//! 6. When the pool ends its workers end in turn with what they have to do, within 5 s.

mod router;
mod server;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

pub use server::Pool;

use crate::gen_server::{GenServer, IntoSpec, ServerRef, Spec, spec};
use crate::sys::{self, SysError};

/// How messages find a worker.
pub enum Routing<M> {
    /// In turn.
    RoundRobin,
    /// The one with the fewest unread messages; in turn among equals.
    LeastQueue,
    /// By a number made from the message: the same number goes to the same worker as long as that has room, so that what
    /// belongs together is done in order. See [`key_of`]. A message for which it panics is refused, and its caller told why.
    Key(fn(&M) -> u64),
}

impl<M> Clone for Routing<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Routing<M> {}

/// A key for [`Routing::Key`], from anything that can be hashed; the same in every run of one program.
///
/// ```
/// use kista::pool::key_of;
/// assert_eq!(key_of(&"anna"), key_of(&"anna"));
/// ```
pub fn key_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A pool about to be specified; made by [`of`].
#[must_use = "a pool starts when its spec is spawned"]
pub struct PoolSpec<S: GenServer> {
    pub(super) worker: Spec<S>,
    pub(super) workers: usize,
    pub(super) routing: Routing<S::Msg>,
    pub(super) max_queue: usize,
    pub(super) intensity: (usize, Duration),
}

/// A pool of so many workers of this specification: in turn, without a bound, at most 10 replacements in 10 s.
///
/// One of no workers does not start: `{bad_pool, workers}` is the reason.
pub const fn of<S: GenServer>(worker: Spec<S>, workers: usize) -> PoolSpec<S> {
    PoolSpec {
        worker,
        workers,
        routing: Routing::RoundRobin,
        max_queue: usize::MAX,
        intensity: (10, Duration::from_secs(10)),
    }
}

impl<S: GenServer> PoolSpec<S> {
    /// How messages find a worker.
    pub const fn route(mut self, routing: Routing<S::Msg>) -> Self {
        self.routing = routing;
        self
    }

    /// A worker with so many unread messages is full. The one it handles does not count. With 0 all would always be full: the
    /// pool does not start, for the reason `{bad_pool, max_queue}`.
    pub const fn max_queue(mut self, messages: usize) -> Self {
        self.max_queue = messages;
        self
    }

    /// How many workers may be replaced within this time: as a supervisor's restart intensity.
    pub const fn intensity(mut self, restarts: usize, period: Duration) -> Self {
        self.intensity = (restarts, period);
        self
    }

    /// What [`Node::spawn`](crate::Node::spawn) and supervisors take.
    pub fn spec(self) -> Spec<Pool<S>> {
        spec(self)
    }
}

impl<S: GenServer> IntoSpec for PoolSpec<S> {
    type Server = Pool<S>;

    fn into_spec(self) -> Spec<Pool<S>> {
        self.spec()
    }
}

impl<S: GenServer> Clone for PoolSpec<S> {
    fn clone(&self) -> Self {
        Self {
            worker: self.worker.clone(),
            workers: self.workers,
            routing: self.routing,
            max_queue: self.max_queue,
            intensity: self.intensity,
        }
    }
}

/// How a pool is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolInfo {
    /// How many workers it is to have.
    pub workers: usize,
    /// How many are there now.
    pub alive: usize,
    /// How many messages each of those has unread.
    pub queues: Vec<usize>,
    /// How many messages were handed to workers.
    pub routed: u64,
    /// How many were refused or dropped, since all workers were full.
    pub refused: u64,
    /// How many workers were replaced.
    pub replaced: u64,
}

/// How a pool of this node is doing.
///
/// # Errors
/// See [`SysError`]; [`CallError::NoProc`](crate::CallError::NoProc) also for a pool of another node, of which `sys:get_state`
/// tells the same as a map.
pub async fn info<S: GenServer>(pool: &ServerRef<Pool<S>>) -> Result<PoolInfo, SysError> {
    sys::replace_state(pool, |pool: &mut Pool<S>| pool.info()).await
}

/// Gives a pool of this node another number of workers. New ones are started, and of too many the last are stopped, in turn with
/// what they have to do, after this returns.
///
/// # Errors
/// As [`info`]; and [`SysError::Refused`] with `{bad_pool, workers}` for a pool of none, which stays as it is.
pub async fn resize<S: GenServer>(
    pool: &ServerRef<Pool<S>>,
    workers: usize,
) -> Result<(), SysError> {
    if workers == 0 {
        return Err(SysError::Refused(server::bad_pool("workers")));
    }
    sys::replace_state(pool, move |pool: &mut Pool<S>| pool.want(workers)).await
}
