//! The concurrent pieces under Kista, kept apart so that they can be checked on their own.
//!
//! | module | what | who shares it |
//! |---|---|---|
//! | [`lock`] | what covers a few dozen instructions | whoever needs it |
//! | [`queue`] | the inbound signal queue of a process | many producers, one consumer |
//! | [`slot`] | where the one answer to a call arrives | one caller, whoever answers |
//! | [`table`] | the process table: a slab whose keys go stale | everyone |
//! | [`wheel`] | a timing wheel for coarse deadlines | nobody: its owner decides |
//!
//! Rules that hold for all of them:
//!
//! 1. There is no `unsafe` here, no runtime, no clock and no I/O: wakers are [`std::task::Waker`]s, or what a consumer
//!    [parks](queue::Park) in their place; time is a number that the caller passes in.
//! 2. A lock covers one push, one batch swap or one slot. Nothing foreign runs under one: wakers are woken, and
//!    items and wakers are dropped, after it was released. (The exceptions are named: `Waker::clone`, and the
//!    closure and the `Clone` that a caller gives to [`table::Table`].)
//! 3. A value that is refused is given back, never dropped behind the caller's back.
//! 4. What a burst made large becomes small again; each type says when.
//!
//! Every shared type has a [loom](https://docs.rs/loom) model beside it, which tries every interleaving:
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test -p kista-sync --release --lib
//! ```
//!
//! (`--lib`, because under loom nothing here works outside a model, and the examples in this documentation are not models.)
#![forbid(unsafe_code)]

#[cfg(not(loom))]
pub mod lock;
pub mod queue;
pub mod slot;
pub mod table;
pub mod wheel;

#[cfg(all(test, loom))]
mod models;
mod sync;

#[cfg(test)]
mod testing;
