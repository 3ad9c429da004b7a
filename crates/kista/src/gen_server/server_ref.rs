use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use super::reply_to::ReplyTo;
use super::{Address, Call, CallError, Client, GenServer, Sent};
use crate::ExitReason;
use crate::process::Dest;

/// A typed handle of a server `S`, here or on another node. Cheap to clone; keeps nothing alive.
///
/// It dereferences to the server's generated methods: `counter.add(2).await?`. A handle from
/// [`Node::spawn`](crate::Node::spawn) is bound to that process; one from [`Node::server`](crate::Node::server) goes by
/// name or pid and so survives restarts.
pub struct ServerRef<S: GenServer> {
    client: S::Client,
}

impl<S: GenServer> ServerRef<S> {
    pub(crate) fn new(address: Address<S::Msg>) -> Self {
        Self {
            client: S::Client::from(address),
        }
    }

    /// Asks with the message type itself: see [`Address::call`].
    pub fn call<T, F>(&self, request: F) -> Call<'_, S::Msg, T>
    where
        T: Send + 'static,
        F: FnOnce(ReplyTo<T>) -> S::Msg,
    {
        self.client.address().call(request)
    }

    /// Sends the message type itself: see [`Address::cast`].
    pub fn cast(&self, message: S::Msg) -> Sent {
        self.client.address().cast(message)
    }

    /// Where messages go: a pid or a name; what links, monitors and untyped sends take.
    pub fn dest(&self) -> Dest {
        self.client.address().dest()
    }

    /// Whether there is such a process on this node now. A process elsewhere counts as alive: ask it.
    pub fn is_alive(&self) -> bool {
        self.client.address().node().is_alive(self.dest())
    }

    /// Stops the server as `gen_server:stop/1` does: in turn with its messages, through `terminate`, and waits for the end,
    /// however long that takes.
    ///
    /// # Errors
    /// [`CallError::NoProc`], or [`CallError::Exit`] when it ended for another reason.
    pub async fn stop(&self) -> Result<(), CallError> {
        self.stop_with(ExitReason::Normal, None).await
    }

    /// [`stop`](Self::stop) with a reason and a time limit (`None`: as long as it takes).
    ///
    /// # Errors
    /// As [`stop`](Self::stop), and [`CallError::Timeout`].
    pub async fn stop_with(
        &self,
        reason: ExitReason,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        let address = self.client.address();
        match address.process() {
            Some(process) => address.node().stop_here(process, reason, timeout).await,
            None => {
                let node = address.node();
                node.stop_process(address.dest(), reason, timeout).await
            }
        }
    }
}

impl<S: GenServer> Deref for ServerRef<S> {
    type Target = S::Client;

    fn deref(&self) -> &S::Client {
        &self.client
    }
}

impl<S: GenServer> Clone for ServerRef<S> {
    fn clone(&self) -> Self {
        Self {
            client: self.client.clone(),
        }
    }
}

impl<S: GenServer> fmt::Debug for ServerRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerRef({})", self.dest())
    }
}

impl<S: GenServer> From<&ServerRef<S>> for Dest {
    fn from(server: &ServerRef<S>) -> Self {
        server.dest()
    }
}
