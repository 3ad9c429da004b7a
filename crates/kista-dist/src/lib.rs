//! The Erlang distribution protocol without sockets or clocks.
//!
//! Everything here is a state machine or a codec: bytes and instants go in, bytes, events and deadlines come out. What is needed to
//! be a node of an Erlang cluster, in the order of use:
//!
//! - [`epmd`]: finding nodes, and being found.
//! - [`handshake`]: proving the cookie, agreeing on [`Flags`].
//! - [`frame`]: frames in and out, with atom cache and fragments.
//! - [`Control`]: what a frame is about.
//! - [`TickClock`]: noticing that a peer is gone.
//!
//! Nothing a peer sends makes this crate panic, or take memory beyond a stated limit. The example `ping` connects to a running `erl`
//! over a plain blocking socket.

pub mod control;
pub mod epmd;
mod flags;
pub mod frame;
pub mod handshake;
mod name;
mod tick;

pub use control::{Control, ControlError};
pub use flags::Flags;
pub use name::{NodeNameError, check_node_name};
pub use tick::{TickAction, TickClock};
