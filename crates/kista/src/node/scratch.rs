use std::cell::Cell;

use kista_etf::Encoder;

thread_local! {
    static SCRATCH: Cell<Option<Box<Encoder>>> = const { Cell::new(None) };
}

/// A buffer that grew beyond this is not kept for the next message.
const KEPT: usize = 64 * 1024;

/// Lends this thread's encoder for one message. A nested use (an `Encode` that sends) gets one of its own.
pub(super) fn with_encoder<R>(f: impl FnOnce(&mut Encoder) -> R) -> R {
    let mut encoder = SCRATCH
        .take()
        .unwrap_or_else(|| Box::new(Encoder::with_atom_table()));
    let result = f(&mut encoder);
    if encoder.inline_bytes().len() <= KEPT {
        encoder.clear();
        SCRATCH.set(Some(encoder));
    }
    result
}
