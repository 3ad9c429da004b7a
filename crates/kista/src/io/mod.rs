//! Input and output by messages, as processes of Erlang print: to their *group leader*, wherever that is.
//!
//! ```
//! use kista::{Atom, ExitReason, Node, Term, io};
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let node = Node::builder("io-doc@127.0.0.1").no_network().start().await?;
//! let greeter = node.spawn_fn(async |cx| {
//!     // Started by `spawn` or `rpc` of another node, it prints there.
//!     let printed = cx.io().format("~p says ~ts~n", &[Term::from(cx.pid()), "säger vi".into()]).await;
//!     assert!(printed.is_ok());
//! })?;
//! # let _ = greeter; node.stop().await; Ok(()) }
//! ```
//!
//! Rules:
//! 1. A process has the group leader of the one that started it: a process that another node starts here prints there, one that is started
//!    from here prints here. In an application it is the application's master, which does what is asked of it as `user` would.
//! 2. Where there is no other, it is this node's: the process `user`. What is printed there becomes log lines (`kista::io`, level
//!    info): escaped, at most 20 a second, each cut behind 1,000 characters; how many were left out, the next one says.
//!    What is printed in one request has at most 1 MiB, or nothing of it is printed: `{error, enospc}`.
//! 3. Nothing can be read from `user`: it is at its end.
//! 4. Events of the loggers of other nodes whose group leader is here come to the processes `logger_proxy` and `logger`, and become
//!    log lines as well (`kista::logger`), in their own level, with the same limits.
//!
//! | file | what |
//! |---|---|
//! | `format.rs`, `format/` | `io_lib:format` |
//! | `request.rs` | the requests that a group leader gets, and what it answers |
//! | `user.rs` | the node's own group leader |
//! | `client.rs` | printing to one |
//! | `logger.rs` | events of other nodes' loggers |
//!
//! Source: "The Erlang I/O Protocol" in the user's guide of stdlib; `logger_proxy` of kernel.

mod client;
mod error;
mod format;
mod logger;
mod request;
mod user;

pub use client::Io;
pub use error::{FormatError, IoError};
pub use format::format;
pub(crate) use request::{chardata, format_of, is_request};
pub(crate) use user::answer;

use crate::gen_server::{StartError, spec};
use crate::node::Node;

/// Where the processes are that print.
pub(crate) const MODULE: &str = module_path!();

/// The node's group leader.
pub(crate) const USER: &str = "user";

/// Starts the processes that other nodes print and log to.
pub(crate) async fn start(node: &Node) -> Result<(), StartError> {
    node.spawn(spec::<user::User>(())).name(USER).await?;
    for name in ["logger", "logger_proxy"] {
        node.spawn(spec::<logger::Logger>(())).name(name).await?;
    }
    Ok(())
}
