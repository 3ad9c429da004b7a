//! Plain processes: a function that receives what it wants, when it wants it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use kista::{Info, Node, Term};
//!
//! let node = Node::builder("plain@127.0.0.1").no_network().start().await?;
//! # let (done, ended) = tokio::sync::oneshot::channel();
//! let pid = node.spawn_fn(async move |mut cx| {
//!     // The urgent one first, whatever came before it.
//!     let urgent = cx.receive_if(|info| *info == Info::Term(Term::from(2))).await;
//!     let other = cx.receive().await;
//!     println!("{urgent:?}, then {other:?}");
//!     # done.send((urgent, other)).unwrap();
//! })?;
//! node.send(pid, &1);
//! node.send(pid, &2);
//! # assert_eq!(ended.await?, (Info::Term(Term::from(2)), Info::Term(Term::from(1))));
//! # node.stop().await; Ok(()) }
//! ```
//!
//! Rules:
//! 1. The function owns its [`ProcessCx`]; what it returns is the reason with which the process ends ([`IntoExit`]): `()` is `normal`.
//! 2. A receive looks at the messages in the order of their arrival, from the oldest on, and takes the first that it wants. What it
//!    passes over stays, in place and in order, for the next receive: Erlang's save queue. Nothing is lost when a receive is dropped
//!    before it is ready.
//! 3. [`Receive::after`] is `after Time`: it counts from when the receive is first polled. With a time of zero everything that has
//!    arrived by then is looked at, and nothing is waited for.
//! 4. What it receives is an [`Info`]: a term, a DOWN, a trapped exit and so on. A `{'$gen_call', From, Request}` is a term like any
//!    other, as in Erlang. [`ProcessCx::receive_as`] reads messages of a type instead, calls with their reply tokens among them.
//! 5. When the node stops, or somebody asks the process to stop as if it were a server, it gets an exit signal with that
//!    reason; one that traps exits reads it and ends when it likes, within the time that a stop takes.
//!
//! Source: *Processes* and *Expressions* (receive) in the Erlang reference manual.

mod cx;
mod exit;
mod receive;
mod start;
mod typed;

pub use cx::ProcessCx;
pub use exit::IntoExit;
pub use receive::{Receive, ReceiveAfter};
pub use start::Spawned;
pub(crate) use start::start;
pub use typed::As;

#[cfg(doc)]
use crate::Info;
