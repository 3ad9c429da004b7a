//! Supervisors: processes that start others, stop them in order, and start them again when they end.
//!
//! ```
//! use std::time::Duration;
//! use kista::supervisor::{Child, Supervisor};
//! use kista::{ExitReason, Node, gen_server};
//!
//! struct Counter { n: i64 }
//! #[gen_server]
//! impl Counter {
//!     #[init] fn new(start: i64) -> Self { Counter { n: start } }
//!     #[call] fn add(&mut self, k: i64) -> i64 { self.n += k; self.n }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
//! let tree = Supervisor::one_for_one()
//!     .intensity(3, Duration::from_secs(5))
//!     .child(Child::new("counter", Counter::spec(0)).name("counter"))
//!     .child(Child::new("spare", Counter::spec(100)).temporary());
//! let tree = node.spawn(tree.spec()).name("demo_sup").await?;
//!
//! let counter = tree.child::<Counter>("counter").await?;      // found by id and type
//! assert_eq!(counter.add(2).await?, 2);
//! let before = node.whereis("counter");
//! node.exit(before.unwrap(), ExitReason::Kill);
//! while node.whereis("counter").is_none() || node.whereis("counter") == before { tokio::task::yield_now().await }
//! assert_eq!(node.server::<Counter>("counter").add(2).await?, 2);     // another process, under the same name
//! # node.stop().await; Ok(()) }
//! ```
//! Erlang sees it as one of its own: `supervisor:which_children({demo_sup, 'doc@127.0.0.1'})`, and `count_children`,
//! `which_child`, `get_childspec`, `terminate_child`, `restart_child`, `delete_child`; `start_child` of a `simple_one_for_one` whose children
//! are made by [`Child::dynamic_remote`].
//!
//! The rules are OTP's; what is ours says so. They are in the head of `core.rs`, and by cases in `docs/semantics.md`.
//! A supervisor traps exits. While it starts or stops a child it does nothing else, as in OTP: what arrives meanwhile waits.
//! A child that blocks its thread and never lets go can not be killed, and is waited for.
//!
//! Source: the `supervisor` module of STDLIB; *Supervisor Behaviour* in OTP Design Principles.

mod answer;
mod child;
mod children;
mod client;
mod core;
mod ending;
mod error;
mod intensity;
mod request;
mod server;
mod spec;
mod start;

pub use answer::{ChildInfo, ChildProcess, Counts};
pub use child::{Child, ChildId, ChildType, Restart, Shutdown};
pub use client::{SupervisorClient, SupervisorRef};
pub use error::SupervisorError;
pub use request::SupervisorMsg;
pub use server::Supervisor;
pub use spec::{AutoShutdown, Backoff, SpecError, Strategy, SupervisorSpec, check_childspecs};
pub use start::Starter;
