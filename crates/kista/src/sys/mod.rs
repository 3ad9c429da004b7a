//! `sys`: what every behaviour's process answers beside its own messages, and the inbox through which it does.
//!
//! A behaviour (gen_server, and each other one) does not read its process's queue itself. It asks its [`Inbox`] for the next
//! [`Event`], each time with a [`Behaviour`] made from a borrow of its state:
//!
//! ```text
//! let mut inbox = Inbox::new(process);
//! loop {
//!     match poll_fn(|cx| inbox.poll_next(&mut Shown(&mut state), cx)).await {
//!         Event::Message(message) => state.handle(message).await,
//!         Event::Info(info) => state.handle_info(info).await,
//!         Event::System => {}
//!         Event::Stop(reason) => break reason,
//!     }
//! }
//! ```
//!
//! Rules:
//! 1. *One place.* The inbox decodes what came encoded, refuses calls that do not fit, keeps the calls whose tokens outlive
//!    their handlers, ends on the parent's trapped exit and on a stop, and serves `{system, From, Request}`.
//! 2. *In turn.* A request of `sys` is served in turn with the messages, between two handlers, as OTP does.
//! 3. *Suspended*, a process serves `sys`, obeys a stop and its parent's exit, and leaves everything else, in its order, for the
//!    time after `resume`. Exit signals and requests for information act as always.
//! 4. *Paid on demand.* Until `sys` asks for it nothing is kept: one empty pointer per process.
//! 5. *No code comes from outside.* What takes a fun of the caller's (`replace_state`, `install`) works by a local closure, or is
//!    refused with `{error, {not_supported, _}}`; so is `change_code`; `log_to_file` is refused as `{error, open_file}`.
//!
//! Source: the `sys` module of STDLIB; *sys and proc_lib* in OTP Design Principles.

mod api;
mod behaviour;
mod debug;
mod inbox;
mod read;
mod replace;
mod serve;
mod status;

pub use api::{
    Statistics, SysError, Target, get_state, get_status, log, no_debug, read_log, read_statistics,
    replace_state, request, resume, statistics, suspend, terminate, trace,
};
pub(crate) use behaviour::Behaviour;
pub(crate) use debug::{Tap, read as read_back};
pub(crate) use inbox::{Event, Inbox};
pub(crate) use replace::Replace;
