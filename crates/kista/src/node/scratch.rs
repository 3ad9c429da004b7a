//! What a thread keeps for the next message that it sends: an encoder, and the connection by which the last one went.
//!
//! The connection saves a look into the table of all, where each sender would take the same lock. It is used again only while it is the
//! one that the table has ([`Connection::leads`]). At most one is kept by a thread, for as long as that sends nothing elsewhere.

use std::cell::Cell;
use std::sync::Arc;

use kista_etf::Encoder;

use crate::net::Connection;

thread_local! {
    static SCRATCH: Cell<Option<Box<Encoder>>> = const { Cell::new(None) };
    static LAST: Cell<Option<Arc<Connection>>> = const { Cell::new(None) };
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

/// The connection that was kept last. A thread that ends keeps none.
pub(super) fn take_connection() -> Option<Arc<Connection>> {
    LAST.try_with(Cell::take).ok().flatten()
}

pub(super) fn keep_connection(connection: Arc<Connection>) {
    // Err: the thread ends.
    let _ = LAST.try_with(|last| drop(last.replace(Some(connection))));
}
