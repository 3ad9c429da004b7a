//! The bed on which Kista meets real Erlang and Elixir.
//!
//! The tests in `tests/` start the demo node (`cargo run --release --example demo`) or a node in their own process, start
//! real `erl` and `elixir` nodes beside it, and let the two talk. What the peers do is written in their own language, in
//! `erlang/*.erl` and `elixir/*.exs`: one exported function for each scenario.
//!
//! 1. Every test has a [`Bed`] of its own: a private EPMD on a port of its own, found by all through `ERL_EPMD_PORT`. Tests
//!    run in parallel under the same node names, and the machine's own EPMD is neither needed nor disturbed.
//! 2. A scenario prints `ok` as its last word, or `failed: Reason`. A test waits for that line and shows everything the
//!    peer printed when it does not come.
//! 3. Whatever a bed started is killed when its handle is dropped, so that a failing test leaves nothing running.
//! 4. The scenarios are themselves proved: all that Erlang does to the demo node runs against `demo_reference.erl` too, the
//!    demo's contract written in plain Erlang.
//! 5. Which release is used comes from `KISTA_OTP_ROOT`: unset or `/` for this machine's `erl`, else a directory
//!    made by `scripts/otp`, which is entered by `chroot`. `./test --otp 27` sets it.
//! 6. What all nodes of a bed speak comes from `KISTA_TLS`: when it is set, every test is one over TLS ([`Bed::node`] and [`Bed::command`]
//!    see to it), but those that ask for a [`Bed::plain`]. `./test --tls` sets it.

pub mod actors;
mod bed;
mod demo;
pub mod interposer;
mod modules;
mod oracle;
mod otp;
mod papers;
mod program;
pub mod proofs;
mod random;

pub use bed::Bed;
pub use demo::{Subject, demo_binary};
pub use oracle::ask;
pub use otp::Otp;
pub use program::Program;
pub use random::Random;
