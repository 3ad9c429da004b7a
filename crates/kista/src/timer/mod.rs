//! Timers: messages and exit signals that are sent later. `erlang:send_after/3`, `start_timer/3`, and the `timer` module.
//!
//! Rules:
//! 1. A timer never fires early. It fires up to 2 ms late: its time is rounded up to a tick of 1 ms, and tokio's clock has the
//!    same grain. A machine that is busy adds to that.
//! 2. A timer that sends to a pid of this node ends with that process; who armed it does not matter. One that sends to a name or to another
//!    node stays until it fires or is cancelled: the name is looked up when it fires.
//! 3. What is sent is encoded when the timer is armed. It comes from the process that armed it, or from outside.
//! 4. A timer is named by a reference, which says where it lies: it can be cancelled and read from anywhere, once it fired by
//!    nobody. A message that it sent before may still wait to be read.
//! 5. All timers of a node lie on one wheel with one task, which sleeps until the next one is due.
//!
//! Source: *Timers* in the `erlang` module of ERTS; the `timer` module of STDLIB.

mod api;
mod interval_error;
mod timers;

pub use interval_error::IntervalError;
pub(crate) use timers::{Action, Timers};
