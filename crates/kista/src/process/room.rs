use std::sync::Arc;
use std::task::{Context, Poll};

use crate::net::{Connection, Share};

/// Something that takes what is sent to it and says when it has room for more: a connection, or a process with a bounded queue.
pub(crate) trait Room: Send + Sync {
    /// Ready when there is room, or when there will never be a use for it; else the task is woken then.
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()>;
}

/// For short messages, which pass the large ones.
impl Room for Connection {
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        Self::poll_room(self, Share::Short, cx)
    }
}

/// A connection as who sends large messages sees it.
pub(crate) struct RoomForLarge(pub(crate) Arc<Connection>);

impl Room for RoomForLarge {
    fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_room(Share::All, cx)
    }
}
