//! What must hold for any input, as functions that take bytes and panic when it does not.
//!
//! The rules:
//!
//! 1. A target never fails on what the bytes are, only on what the library made of them. Those of terms read one from their
//!    input, without the version byte; [`frames`], [`accepts`], [`dials`], [`epmd_server`] and [`epmd_client`] read what a peer
//!    says, message after message.
//! 2. Whatever reads the input first does so under [`within_budget`]: it may hold 64 times the input's size and 64 KiB more,
//!    at any moment, its result included. Before a peer has proved anything it may make us hold 4 KiB, whatever it says.
//! 3. Targets intern nothing from their input (a quota of none, but for a few names that are known before), so that a
//!    million inputs leave no memory behind, and names that stay text are met often.
//! 4. The same functions run in two ways. `tests/bounded.rs` mutates seeds for some seconds, from a fixed number, in every
//!    run of the tests. `libfuzzer/` hands them to `cargo fuzz` for as long as one likes: `scripts/fuzz SECONDS`.
//!
//! A new target is a function here, a line in [`TARGETS`] with its seeds, and a file and a line in `libfuzzer/`.

mod borrowed;
mod budget;
mod compressed;
mod copied;
mod derived;
mod epmd;
mod frames;
mod handshakes;
mod mutate;
mod names;
mod owned;
mod protocol_seeds;
mod rng;
mod seeds;
mod serde_types;
mod text;

pub use borrowed::borrowed;
pub use budget::{budget, within_budget};
pub use compressed::compressed;
pub use copied::copied;
pub use derived::derived;
pub use epmd::{epmd_client, epmd_server};
pub use frames::frames;
pub use handshakes::{accepts, dials};
pub use mutate::mutate;
pub use owned::owned;
pub use rng::Rng;
pub use seeds::seeds;
pub use serde_types::serde;
pub use text::text;

/// What must hold for any input.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// What it is called here and in `libfuzzer/`.
    pub name: &'static str,
    /// Panics when something that must hold for its input does not.
    pub run: fn(&[u8]),
    /// Good input to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("owned", owned, seeds::seeds),
    target("borrowed", borrowed, seeds::seeds),
    target("derived", derived, seeds::seeds),
    target("compressed", compressed, seeds::compressed_seeds),
    target("copied", copied, seeds::seeds),
    target("text", text, seeds::text_seeds),
    target("serde", serde, seeds::seeds),
    target("frames", frames, protocol_seeds::frames),
    target("accepts", accepts, protocol_seeds::accepts),
    target("dials", dials, protocol_seeds::dials),
    target("epmd_server", epmd_server, protocol_seeds::epmd_server),
    target("epmd_client", epmd_client, protocol_seeds::epmd_client),
];

const fn target(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, seeds }
}
