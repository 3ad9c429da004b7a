//! Kista: Erlang/OTP's way of building systems, in Rust, and a first-class node of real Erlang and Elixir clusters.
//!
//! ```no_run
//! use kista::{Node, gen_server};
//!
//! struct Counter { n: i64 }
//!
//! #[gen_server]
//! impl Counter {
//!     #[init] fn new(start: i64) -> Self { Counter { n: start } }
//!     #[call] fn get(&self) -> i64 { self.n }
//!     #[call] async fn add(&mut self, k: i64) -> i64 { self.n += k; self.n }
//!     #[cast] fn reset(&mut self) { self.n = 0 }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let node = Node::builder("demo@127.0.0.1").cookie("secret").start().await?;
//!     let counter = node.spawn(Counter::spec(0)).name("counter").await?;
//!     assert_eq!(counter.add(2).await?, 2);
//!     Ok(())
//! }
//! ```
//! and from Erlang, with nothing more: `gen_server:call({counter, 'demo@127.0.0.1'}, {add, 2})`.
//!
//! The layers below stand on their own: [`etf`] is the external term format, [`dist`] the distribution protocol without sockets.
//! The rules that processes keep are in `docs/semantics.md`; how the parts fit together, in `ARCHITECTURE.md`.

pub mod application;
#[cfg(feature = "config")]
pub mod config;
mod epmd;
pub mod events;
pub mod gen_event;
pub mod gen_server;
pub mod gen_statem;
pub mod global;
pub mod health;
pub mod io;
mod kernel;
pub mod log;
#[cfg(feature = "metrics")]
pub mod metrics;
mod net;
mod node;
pub mod pg;
pub mod plain;
pub mod pool;
mod process;
pub mod remote;
pub mod reports;
mod scheduler;
pub mod supervisor;
pub mod sys;
mod timer;
#[cfg(feature = "tls")]
pub mod tls;
mod watched;

pub use kista_derive::{Message, gen_server};
pub use kista_dist as dist;
pub use kista_etf as etf;
pub use kista_etf::{Atom, Binary, Decode, Encode, Pid, Reference, Term};

pub use epmd::{EpmdError, EpmdInUse, EpmdMode};
pub use gen_server::{
    Address, Call, CallError, Caller, Client, Cx, Dynamic, Flow, GenServer, InitReturn, InitStop,
    IntoFlow, IntoSpec, Message, MultiCall, MultiReply, NameRegistry, NoResponse, ReplyTo,
    RequestId, RequestIds, SendError, Sent, ServerRef, Spawn, SpawnMonitor, Spec, StartError,
    WireKind, spec,
};
pub use global::{Global, GlobalError};
pub use net::resolve;
pub use net::{
    AutoConnect, BackOff, ConnectionInfo, HandshakeStats, KeptPeer, NodeName, NodeNameError, Route,
    StartError as NetworkError, TlsInfo,
};
pub use node::{
    ConnectError, MonitorNodes, Node, NodeBuilder, NodeError, NodeEvent, NodeEvents, NodeStatus,
    RegisterError, Request, StopCause, Stopped, Unfinished, Visibility,
};
pub use plain::{IntoExit, ProcessCx, Spawned};
pub use process::{
    AliasMode, Dest, ExitReason, Info, Me, Overflow, Priority, ProcessInfo, ProcessSummary,
    QueueBound, SpawnOptions, Status,
};
pub use remote::{
    Answer, BadRpc, CallArguments, Class, Erpc, ErpcError, ExposeError, Function, FunctionName,
    PeerName, Peers, Raise, RemoteCall, RemoteMultiCall, Rpc, SpawnError, SpawnOn,
};
pub use timer::IntervalError;
#[cfg(feature = "tls")]
pub use tls::Tls;

/// The samples of the README, to be compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// The same for the first steps with Elixir.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/elixir.md")]
struct Elixir;

/// And for what operators need.
#[cfg(all(doctest, feature = "config", feature = "log"))]
#[doc = include_str!("../../../docs/operations.md")]
struct Operations;
