//! `gen_statem`: a state machine behind a queue of typed events.
//!
//! ```
//! use kista::gen_statem::{Event, GenStatem, Init, StatemCx, Transition, statem};
//! use kista::{Address, InitStop, Message, Node, ReplyTo};
//!
//! #[derive(Message)]
//! enum Msg { Push, Count(ReplyTo<u32>) }             // the cast `push`, the call `count`
//!
//! #[derive(Debug, PartialEq)]
//! enum State { Off, On }
//!
//! struct Button { pushed: u32 }                      // OTP's push button
//! impl GenStatem for Button {
//!     type Args = ();
//!     type State = State;
//!     type Msg = Msg;
//!     type Timer = ();
//!     type Content = ();
//!     type Client = Address<Msg>;
//!     async fn init((): (), _cx: &mut StatemCx<Self>) -> Result<Init<Self>, InitStop> {
//!         Ok(Init::new(Button { pushed: 0 }, State::Off))
//!     }
//!     async fn handle(&mut self, state: &State, event: Event<Self>, _cx: &mut StatemCx<Self>) -> Transition<Self> {
//!         match (state, event) {
//!             (State::Off, Event::Message(Msg::Push)) => { self.pushed += 1; Transition::next_state(State::On) }
//!             (State::On, Event::Message(Msg::Push)) => Transition::next_state(State::Off),
//!             (_, Event::Message(Msg::Count(reply))) => Transition::keep_state().reply(reply, self.pushed),
//!             _ => Transition::keep_state(),
//!         }
//!     }
//! }
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let node = Node::builder("doc@127.0.0.1").no_network().start().await?;
//! let button = node.spawn(statem::<Button>(())).name("button").await?;
//! button.cast(Msg::Push);
//! assert_eq!(button.call(Msg::Count).await?, 1);
//! # node.stop().await; Ok(()) }
//! ```
//! and from Erlang, with nothing more: `gen_statem:call({button, Node}, count)`.
//!
//! Rules:
//! 1. The first state is entered before anything is received; a state is entered after each change of state and after
//!    `repeat_state`. Enter calls get the old state and the new one, which are the same at the start and on repetition.
//! 2. An event that a handler gives back is postponed: handled again after the next change of state, in the order of arrival,
//!    before anything newer. A call that is postponed is answered by whoever handles it in the end.
//! 3. Events inserted with `next_event` come before all others.
//! 4. Timeouts of three kinds are events: of the state, which its change cancels; of the event, which any event cancels;
//!    and named ones. What was cancelled or replaced does not ring.
//! 5. A timer is never early. It rings behind the messages that have arrived when the machine comes to see it; a flood of
//!    later ones does not hold it up.
//! 6. All else is as for a [`gen_server`](mod@crate::gen_server), which a machine is to everyone outside: calls, casts, links,
//!    `sys`, `terminate`. Erlang calls it with `gen_statem:call/2` and `gen_statem:cast/2`.
//!
//! Not there: `push_callback_module` and its kin, which change code; a machine here changes its states instead.
//!
//! Source: *gen_statem Behaviour* in OTP Design Principles; the `gen_statem` module of STDLIB, "Transition options".

mod event;
mod machine;
mod outcome;
mod statem;
mod timers;

use std::fmt;
use std::future::Future;

pub use event::{Event, Timeout};
pub use outcome::{EnterStep, Entered, First, Init, Outcome, Step, Transition, When};
pub use statem::{Statem, statem};

use crate::gen_server::{Client, Cx, InitStop, Message, ServerRef};
use crate::{Atom, Binary, ExitReason, Term};

/// A machine's view of its own process: everything of [`Me`](crate::Me).
pub type StatemCx<S> = Cx<Statem<S>>;
/// A typed handle of a machine `S`, here or on another node.
pub type StatemRef<S> = ServerRef<Statem<S>>;

/// A state machine: its data, and what it does with each event in each state. See the [module](self) for the rules.
pub trait GenStatem: Sized + Send + 'static {
    /// What [`init`](Self::init) starts from.
    type Args: Send + 'static;
    /// The states. Two that are equal are one state: going from one to the other is no change.
    type State: PartialEq + fmt::Debug + Send + Sync + 'static;
    /// Everything that can be sent to the machine, as for a [`GenServer`](crate::GenServer).
    type Msg: Message;
    /// The names of its generic timeouts; `()` when it has none or one.
    type Timer: PartialEq + fmt::Debug + Send + Sync + 'static;
    /// What its timeouts and internal events carry; `()` when that is nothing.
    type Content: Send + 'static;
    /// What a [`StatemRef`] of this machine dereferences to; `Address<Self::Msg>` when there are no methods of its own.
    type Client: Client<Self::Msg>;

    /// Makes the data and the first state, inside the new process. The one who spawns waits for it, not for the first
    /// enter call.
    fn init(
        args: Self::Args,
        cx: &mut StatemCx<Self>,
    ) -> impl Future<Output = Result<Init<Self>, InitStop>> + Send;

    /// Handles one event in a state.
    fn handle(
        &mut self,
        state: &Self::State,
        event: Event<Self>,
        cx: &mut StatemCx<Self>,
    ) -> impl Future<Output = Transition<Self>> + Send;

    /// The state enter call: see rule 1 of the [module](self). By default it does nothing.
    fn enter(
        &mut self,
        _old: &Self::State,
        _state: &Self::State,
        _cx: &mut StatemCx<Self>,
    ) -> impl Future<Output = Entered<Self>> + Send {
        async { Entered::keep_state() }
    }

    /// State and data as `sys:get_state` shows them. By default the text of the state, and `{opaque, Type}`.
    fn format_status(&self, state: &Self::State) -> Term {
        let text = |text: &str| Term::from(Binary::from(text.as_bytes()));
        let opaque = Term::from(Atom::from_static("opaque"));
        let data = Term::tuple([opaque, text(std::any::type_name::<Self>())]);
        Term::tuple([text(&format!("{state:?}")), data])
    }

    /// The last act, when a [`GenServer`](crate::GenServer) has it: on stop, after a panic in a callback, on `sys` terminate, and on
    /// the parent's exit only when exits are trapped.
    fn terminate(
        &mut self,
        _reason: &ExitReason,
        _state: &Self::State,
        _cx: &mut StatemCx<Self>,
    ) -> impl Future<Output = ()> + Send {
        async {}
    }
}
