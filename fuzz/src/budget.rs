//! How much memory the reading of hostile bytes may hold.

use std::sync::LazyLock;

use allocation_counter::measure;

use crate::names;

/// What is held for free: a reader's first buffers.
const FREE: usize = 64 * 1024;

/// The most bytes that may be held at once while `input` bytes are read.
pub const fn budget(input: usize) -> usize {
    64 * input + FREE
}

/// Runs `read` and gives its result.
///
/// # Panics
///
/// When it held more at once than the budget for `input` bytes. What it holds in the end counts; what other threads do does
/// not. A growing vector counts with its old and its new memory, as a copy needs both.
pub fn within_budget<T>(input: usize, read: impl FnOnce() -> T) -> T {
    within(input, FREE, read)
}

/// As [`within_budget`], with so many bytes for free.
pub(crate) fn within<T>(input: usize, free: usize, read: impl FnOnce() -> T) -> T {
    // The process's table of atoms comes to be at its first use; no input pays for that.
    LazyLock::force(&names::TABLE);
    let mut result = None;
    let held = held_by(|| result = Some(read())).most;
    let budget = 64 * input + free;
    assert!(
        held <= budget,
        "{input} bytes of input made the decoder hold {held} bytes; the budget is {budget}"
    );
    result.expect("it was run")
}

/// What a function made this thread hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// The most at any moment.
    pub(crate) most: usize,
    /// What it left behind; below zero when it gave back what was there before.
    pub(crate) left: i64,
}

pub(crate) fn held_by(run: impl FnOnce()) -> Held {
    let counted = measure(run);
    Held {
        most: usize::try_from(counted.bytes_max).unwrap_or(usize::MAX),
        left: counted.bytes_current,
    }
}
