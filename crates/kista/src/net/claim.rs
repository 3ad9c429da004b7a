//! The duty that comes with a won claim: bring the connection up, or end it.

use std::sync::Arc;

use super::given_names::Given;
use super::socket::Socket;
use super::{Connection, Net};
use kista_dist::handshake::Peer;

/// A claimed connection without a socket yet. Dropped (an error, a timeout, a cancelled task), it ends the connection, so that nobody
/// waits for it forever.
pub(super) struct Claim {
    net: Arc<Net>,
    connection: Option<Arc<Connection>>,
    why: String,
}

impl Claim {
    /// `None`: somebody else has claimed it.
    pub(super) fn take(net: &Arc<Net>, connection: &Arc<Connection>) -> Option<Self> {
        connection.claim().then(|| Self {
            net: Arc::clone(net),
            connection: Some(Arc::clone(connection)),
            why: "the connection setup was given up".to_owned(),
        })
    }

    /// The claimed connection.
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.connection.as_deref()
    }

    /// The handshake is done: the reader takes over.
    pub(super) fn establish(
        mut self,
        socket: Socket,
        peer: &Peer,
        leftover: Vec<u8>,
        by_dial: bool,
        given: Option<Given>,
    ) {
        if let Some(connection) = self.connection.take() {
            self.net
                .establish(&connection, socket, peer, leftover, by_dial, given);
        }
    }

    /// Ends the connection; `why` is what [`Net::connect`] reports.
    pub(super) fn fail(mut self, why: String) {
        self.why = why;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.finish(
                self.net.host().as_ref(),
                false,
                "connection_setup_failed",
                &self.why,
            );
        }
    }
}
