//! `gen_server`: state behind a queue of typed calls and casts.
//!
//! The attribute [`#[gen_server]`](macro@crate::gen_server) is sugar over the trait [`GenServer`]; both make the same
//! server. Its message type is an enum ([`Message`]) whose call variants carry a [`ReplyTo`]:
//!
//! ```
//! use kista::{Address, Cx, ExitReason, Flow, GenServer, InitStop, Message, Node, ReplyTo};
//!
//! #[derive(Message)]                            // its wire form: `get`, `{add, K}`, `reset`
//! enum Msg { Get(ReplyTo<i64>), Add(i64, ReplyTo<i64>), Reset }
//!
//! struct Counter { n: i64 }
//! impl GenServer for Counter {
//!     type Args = i64;
//!     type Msg = Msg;
//!     type Client = Address<Msg>;
//!     async fn init(n: i64, _cx: &mut Cx<Self>) -> Result<Self, InitStop> { Ok(Counter { n }) }
//!     async fn handle(&mut self, msg: Msg, _cx: &mut Cx<Self>) -> Flow {
//!         match msg {
//!             Msg::Get(reply) => reply.reply(self.n),
//!             Msg::Add(k, reply) => { self.n += k; reply.reply(self.n) }
//!             Msg::Reset => self.n = 0,
//!         }
//!         Flow::Continue
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
//! let counter = node.spawn(kista::spec::<Counter>(0)).await?;
//! assert_eq!(counter.call(|r| Msg::Add(2, r)).await?, 2);
//! # node.stop().await; Ok(()) }
//! ```
//!
//! Rules:
//! 1. Messages of one sender are handled in the order they were sent, one at a time.
//! 2. A handler that awaits keeps the process alive to signals: links, monitors and exits act at once, and a fatal exit
//!    drops the handler where it stands.
//! 3. A call is answered exactly once, or its caller learns why not: see [`ReplyTo`].
//! 4. `terminate` runs exactly when OTP runs it: on stop, after a panic in a handler, on `sys` terminate, and on the
//!    parent's exit only when exits are trapped.
//!
//! Source: *gen_server Behaviour* in OTP Design Principles; the `gen_server` module of STDLIB.

mod address;
mod blocking;
mod call;
mod call_error;
mod cx;
mod dynamic;
mod flow;
pub(crate) mod inline;
mod message;
mod multi_call;
mod registry;
mod reply_to;
mod request_id;
mod request_ids;
mod resting;
mod sent;
mod serve;
mod server_ref;
mod spawn;
mod spec;
mod start_error;
mod wait;

use std::future::Future;

pub use address::{Address, Client};
pub(crate) use blocking::block_on;
pub use call::Call;
pub(crate) use call::{DEFAULT_TIMEOUT, poll_deadline};
pub use call_error::CallError;
pub use cx::Cx;
pub use dynamic::Dynamic;
pub use flow::{Flow, InitReturn, InitStop, IntoFlow};
pub use message::{Caller, Message, WireKind};
pub use multi_call::{MultiCall, MultiReply};
pub use registry::NameRegistry;
pub(crate) use registry::ViaName;
pub use reply_to::ReplyTo;
pub(crate) use reply_to::{CallSlot, PendingReply, RemoteReply, Tag};
pub(crate) use request_id::Asked;
pub use request_id::RequestId;
pub use request_ids::{NoResponse, RequestIds};
pub use sent::{SendError, Sent};
pub(crate) use serve::caught;
pub use server_ref::ServerRef;
pub use spawn::{Spawn, SpawnMonitor, Starting, StartingMonitored};
pub use spec::{IntoSpec, Spec, spec};
pub use start_error::StartError;

use crate::etf::atoms;
use crate::{Atom, ExitReason, Info, Term};

/// A server: state, and what it does with each message. See the [module](self) for the rules.
pub trait GenServer: Sized + Send + 'static {
    /// What [`init`](Self::init) starts from.
    type Args: Send + 'static;
    /// Everything that can be asked of the server.
    type Msg: Message;
    /// What a [`ServerRef`] of this server dereferences to; `Address<Self::Msg>` when no methods are generated.
    type Client: Client<Self::Msg>;

    /// Makes the state, inside the new process. The one who spawns waits for it; what comes before the first await that has
    /// to wait mostly runs on that one's thread already, in the name of the new process; task-locals of tokio found there are
    /// that one's.
    fn init(
        args: Self::Args,
        cx: &mut Cx<Self>,
    ) -> impl Future<Output = Result<Self, InitStop>> + Send;

    /// Handles one message. What blocks its thread belongs in `spawn_blocking`: it may hold who calls, see *Who does the work* in
    /// `docs/semantics.md`.
    fn handle(&mut self, msg: Self::Msg, cx: &mut Cx<Self>) -> impl Future<Output = Flow> + Send;

    /// Handles one message, if nothing has to be awaited for it; or gives it back, to [`handle`](Self::handle). It is asked first.
    ///
    /// A plain call is cheaper than a future: the message goes from the queue into the variables of the code that handles it. With
    /// [`#[gen_server]`](macro@crate::gen_server) these are the methods that are not `async`. By default none is handled so.
    ///
    /// # Errors
    /// The message, untouched.
    fn handle_now(&mut self, msg: Self::Msg, cx: &mut Cx<Self>) -> Result<Flow, Self::Msg> {
        let _ = cx;
        Err(msg)
    }

    /// Handles what is not of the server's own type: DOWN, trapped exits, node events, foreign terms.
    /// By default it is logged as a warning, at most 20 a second, and dropped.
    fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> impl Future<Output = Flow> + Send {
        cx.log_not_understood(&info);
        async { Flow::Continue }
    }

    /// The state as `sys:get_state` and `sys:get_status` show it. By default `{opaque, Type}`; of a server made by
    /// [`#[gen_server]`](macro@crate::gen_server) the term when the type has `Encode`, the text of `Debug` when it has that.
    /// What is shown here, every node of the cluster may see.
    fn format_status(&self) -> Term {
        crate::sys::show::opaque::<Self>()
    }

    /// The OTP module that `sys` names. Behaviours that are built on this one have another.
    #[doc(hidden)]
    const MODULE: Atom = atoms::GEN_SERVER;

    /// Whether [`run`](Self::run) is a loop of its own.
    #[doc(hidden)]
    const HAS_LOOP: bool = false;

    /// The loop of the process; `None`: it rests until it is sent something. Behaviours that are built on this one have another; servers
    /// leave it as it is.
    #[doc(hidden)]
    fn run(&mut self, cx: &mut Cx<Self>) -> impl Future<Output = Option<ExitReason>> + Send {
        serve::handle_until_rest(self, cx)
    }

    /// The last act: see rule 4 of the [module](self).
    fn terminate(
        &mut self,
        _reason: &ExitReason,
        _cx: &mut Cx<Self>,
    ) -> impl Future<Output = ()> + Send {
        async {}
    }
}
