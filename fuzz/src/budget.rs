//! How much memory the reading of hostile bytes may hold.

use std::sync::LazyLock;

use allocation_counter::measure;

use crate::names;

/// The most bytes that may be held at once while `input` bytes are read.
pub const fn budget(input: usize) -> usize {
    64 * input + 64 * 1024
}

/// Runs `read` and gives its result.
///
/// # Panics
///
/// When it held more at once than the budget for `input` bytes. What it holds in the end counts; what other threads do does
/// not. A growing vector counts with its old and its new memory, as a copy needs both.
pub fn within_budget<T>(input: usize, read: impl FnOnce() -> T) -> T {
    // The process's table of atoms comes to be at its first use; no input pays for that.
    LazyLock::force(&names::TABLE);
    let mut result = None;
    let held = measure(|| result = Some(read())).bytes_max;
    assert!(
        held <= budget(input) as u64,
        "{input} bytes of input made the decoder hold {held} bytes; the budget is {}",
        budget(input)
    );
    result.expect("it was run")
}
