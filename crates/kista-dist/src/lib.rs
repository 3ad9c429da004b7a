//! The Erlang distribution protocol without sockets or clocks.

pub mod epmd;
mod flags;
pub mod handshake;
mod name;
mod tick;

pub use flags::Flags;
pub use name::{NodeNameError, check_node_name};
pub use tick::{TickAction, TickClock};
