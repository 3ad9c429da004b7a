//! `gen_event`: an event manager, and the handlers that others add to it.
//!
//! ```
//! use kista::gen_event::{self, EventHandler, Handled};
//! use kista::{Decode, Encode, Me, Node, Term};
//!
//! #[derive(Debug, Encode, Decode)]
//! enum Alarm { Raised(String), Cleared }            // `{raised, <<"disk full">>}` and `cleared` in Erlang
//!
//! struct Count(i64);
//! impl EventHandler<Alarm> for Count {
//!     async fn handle_event(&mut self, event: &Alarm, _me: &Me) -> Handled<Alarm> {
//!         if let Alarm::Raised(_) = event { self.0 += 1 }
//!         Handled::Keep
//!     }
//!     async fn handle_call(&mut self, _request: Term, _me: &Me) -> (Term, Handled<Alarm>) {
//!         (Term::from(self.0), Handled::Keep)
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
//! let alarms = node.spawn(gen_event::manager::<Alarm>()).name("alarms").await?;
//! alarms.add_handler("count", Count(0)).await?;
//! alarms.notify(Alarm::Raised("disk full".into()));
//! alarms.sync_notify(Alarm::Cleared).await?;
//! assert_eq!(alarms.call_handler::<i64>("count", &Term::NIL).await?, 1);
//! # node.stop().await; Ok(()) }
//! ```
//! and from Erlang, with nothing more: `gen_event:notify({alarms, 'demo@127.0.0.1'}, {raised, <<"disk full">>})`.
//!
//! Rules:
//! 1. A manager is a server like any other: started, named, linked, supervised and stopped as one. It traps exits.
//! 2. Each event is given to the handlers one after the other, the newest handler first; the next event after the last
//!    handler is done.
//! 3. A handler that panics, or says that it failed, is removed. The manager and the other handlers go on.
//! 4. A supervised handler's end is told to its supervisor (`{gen_event_EXIT, Handler, Reason}`), and the supervisor's end
//!    removes the handler.
//! 5. When the manager ends, the `terminate` of each handler runs, the newest first, when OTP runs it.
//! 6. Other nodes speak OTP's `gen_event`: `notify`, `sync_notify`, `call`, `which_handlers`, `delete_handler` on what is
//!    there; `add_handler` and `swap_handler` only with handlers that the manager was made with.
//!
//! Source: *gen_event Behaviour* in OTP Design Principles; the `gen_event` module of STDLIB.

mod handler;
mod handler_id;
mod manager;
mod manager_ref;
mod message;
mod request;
mod table;

pub use handler::{EventHandler, Handled, Handler, Removed};
pub use handler_id::HandlerId;
pub use manager::{Manager, ManagerArgs, manager, manager_with};
pub use manager_ref::{EventManager, ManagerError};
pub use message::ManagerMsg;

use kista_etf::{DecodeOwned, Encode};

/// What a manager's events can be: any type with a form in Erlang. [`Term`](crate::Term) itself takes all there are.
pub trait EventType: Encode + DecodeOwned + Send + Sync + 'static {}

impl<E: Encode + DecodeOwned + Send + Sync + 'static> EventType for E {}
