//! What must hold for any input, as functions that take bytes and panic when it does not.
//!
//! The rules:
//!
//! 1. A target reads one term from its input, without the version byte, and never fails on what the bytes are: only on what
//!    the library made of them.
//! 2. Whatever reads the input first does so under [`within_budget`]: it may hold 64 times the input's size and 64 KiB more,
//!    at any moment, its result included.
//! 3. Targets intern nothing from their input (a quota of none, but for a few names that are known before), so that a
//!    million inputs leave no memory behind, and names that stay text are met often.
//! 4. The same functions run in two ways. `tests/bounded.rs` mutates seeds for some seconds, from a fixed number, in every
//!    run of the tests. `libfuzzer/` hands them to `cargo fuzz` for as long as one likes: `scripts/fuzz SECONDS`.
//!
//! A new target is a function here, a line in [`TARGETS`], and a file and a line in `libfuzzer/`.

mod borrowed;
mod budget;
mod compressed;
mod copied;
mod derived;
mod mutate;
mod names;
mod owned;
mod rng;
mod seeds;
mod serde_types;
mod text;

pub use borrowed::borrowed;
pub use budget::{budget, within_budget};
pub use compressed::compressed;
pub use copied::copied;
pub use derived::derived;
pub use mutate::mutate;
pub use owned::owned;
pub use rng::Rng;
pub use seeds::{compressed_seeds, seeds, text_seeds};
pub use serde_types::serde;
pub use text::text;

/// A target: panics when something that must hold for its input does not.
pub type Target = fn(&[u8]);

/// All targets, by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("owned", owned),
    ("borrowed", borrowed),
    ("derived", derived),
    ("compressed", compressed),
    ("copied", copied),
    ("text", text),
    ("serde", serde),
];
