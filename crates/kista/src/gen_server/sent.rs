use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use kista_etf::EncodeError;

use crate::process::Room;
use crate::process::budget;

/// A message on its way. Dropping it is fine: the message is queued already.
///
/// Awaiting it waits for room: when the connection holds more than its mark (1 MiB unless set otherwise) of what was
/// not written yet, or when the process has a bounded queue that is full ([`Overflow::Wait`](crate::Overflow::Wait)).
///
/// Cheap to make and to drop when all is well, which is nearly always.
pub struct Sent(Option<Box<Unsettled>>);

enum Unsettled {
    Busy(Arc<dyn Room>),
    Failed(SendError),
}

/// Why a message was not queued.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The message has no wire form.
    #[error("the message cannot be encoded: {0}")]
    Encode(EncodeError),
    /// The connection holds more unwritten bytes than its hard mark allows (64 MiB unless set otherwise), or the process has as many
    /// unread messages as its bound allows.
    #[error("overloaded: the connection or the process holds as much as it may")]
    Overloaded,
}

impl Sent {
    /// Whether the message was queued; like Erlang's `!` this says nothing about its arrival.
    ///
    /// # Errors
    /// See [`SendError`].
    pub fn result(&self) -> Result<(), SendError> {
        match self.0.as_deref() {
            Some(Unsettled::Failed(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    pub(crate) const fn done() -> Self {
        Self(None)
    }

    pub(crate) fn busy(room: Arc<dyn Room>) -> Self {
        Self(Some(Box::new(Unsettled::Busy(room))))
    }

    pub(crate) fn failed(error: SendError) -> Self {
        Self(Some(Box::new(Unsettled::Failed(error))))
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_deref() {
            None => f.write_str("Sent"),
            Some(Unsettled::Busy(_)) => f.write_str("Sent(busy)"),
            Some(Unsettled::Failed(error)) => write!(f, "Sent({error})"),
        }
    }
}

impl Future for Sent {
    type Output = Result<(), SendError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.0.as_deref() {
            // A sender that awaits each message yields from time to time: the receiver that it woke may wait for this very thread.
            None => budget::poll_send(cx).map(Ok),
            Some(Unsettled::Busy(room)) => room.poll_room(cx).map(Ok),
            Some(Unsettled::Failed(error)) => Poll::Ready(Err(error.clone())),
        }
    }
}
