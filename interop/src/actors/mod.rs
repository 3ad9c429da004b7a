//! Plays scenarios of signals with Kista's own processes, as `erlang/actors.erl` does with Erlang's: the same files, the same
//! steps, the same lines. What a scenario may say is described there.
//!
//! 1. An actor is a plain process. What it is to do comes as a message, in turn with what others send it.
//! 2. After each step the player waits until nothing moves: every actor that does not pause has answered, and two rounds
//!    brought nothing new. So the lines do not depend on who runs first.
//! 3. An actor is watched before anybody knows it, so that its end is always seen with its reason.

mod actor;
mod generate;
mod player;
mod world;

pub use generate::generate;
pub use player::{play, scenarios};
