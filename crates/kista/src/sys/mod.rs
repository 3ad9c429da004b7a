//! `sys`: what every behaviour's process answers beside its own messages, to this node and to others.
//!
//! The functions here ask any process, by a typed handle or by `(&node, "name")`; Erlang's `sys` asks ours. Rules:
//! 1. *In turn.* A request is served in turn with the messages, between two handlers, as OTP does.
//! 2. *Suspended*, a process serves `sys`, obeys a stop and its parent's exit, and leaves everything else, in its order, for the
//!    time after [`resume`]. Exit signals and requests for information act as always.
//! 3. *Paid on demand.* Until `sys` asks for it nothing is kept: one empty pointer per process.
//! 4. *No code comes from outside.* What takes a fun of the caller's (`replace_state`, `install`) works by a local closure, or is
//!    refused with `{error, {not_supported, _}}`; so is `change_code`; `log_to_file` is refused as `{error, open_file}`.
//! 5. `get_state` is answered `{ok, State}`, as OTP 26 and later do. `sys:get_state/1` of OTP 25 takes the answer as it is, as it
//!    does from OTP's own newer nodes.
//!
//! For who writes a behaviour: how it reads its process is in the head of `inbox.rs`.
//!
//! Source: the `sys` module of STDLIB; *sys and proc_lib* in OTP Design Principles.

mod api;
mod at_rest;
mod behaviour;
mod debug;
mod held;
mod in_hand;
mod inbox;
mod read;
mod replace;
mod serve;
#[doc(hidden)]
pub mod show;
mod status;

pub use api::{
    Statistics, SysError, Target, get_state, get_status, log, no_debug, read_log, read_statistics,
    replace_state, request, resume, statistics, suspend, terminate, trace,
};
pub(crate) use behaviour::Behaviour;
pub(crate) use debug::{Tap, info_term, read as read_back};
pub(crate) use held::Held;
pub(crate) use inbox::{Event, Inbox};
pub(crate) use read::{read_message, refuse_call};
pub(crate) use replace::Replace;
