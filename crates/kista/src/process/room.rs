use std::task::{Context, Poll};

use crate::net::Connection;

/// Something that takes what is sent to it and says when it has room for more: a connection, or a process with a bounded queue.
pub(crate) trait Room: Send + Sync {
    /// Ready when there is room, or when there will never be a use for it; else the task is woken then.
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()>;
}

impl Room for Connection {
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        Self::poll_room(self, cx)
    }
}
