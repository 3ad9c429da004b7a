//! This node without a name of its own: `erl -name undefined`, as the one who dials.
//!
//! 1. It gets its name and creation from the first node that it dials, at its start. It listens nowhere, is registered nowhere and hidden.
//! 2. The name is that connection's: when it ends, the other node may give the name to somebody else. So all other connections end with it, and
//!    none is made any more. (OTP's node has no name then until it gets another one, and its processes' pids change; ours keep what
//!    they have, and the program starts another node when it wants to come back.)

use std::time::Instant;

use kista_dist::Flags;
use kista_dist::handshake::{Challenges, Config as HandshakeConfig, Peer};
use kista_etf::Atom;

use super::error::{DialError, StartError};
use super::resolve::Resolver;
use super::socket::Socket;
use super::static_route::Routes;
use super::{Connection, Net, NetConfig, NodeName, dial};

/// The connection that brought the name.
pub(super) struct Naming {
    pub(super) by: Atom,
    pub(super) socket: Socket,
    pub(super) peer: Peer,
    pub(super) leftover: Vec<u8>,
}

impl Naming {
    /// Dials `by` and asks for a name.
    pub(super) async fn ask(
        config: &NetConfig,
        routes: &Routes,
        resolver: &dyn Resolver,
        challenges: &Challenges,
        by: &NodeName,
    ) -> Result<Self, StartError> {
        let failed = |why: String| StartError::Naming {
            by: by.to_string(),
            why,
        };
        let asking = ask(config, routes, resolver, challenges, by);
        let done = tokio::time::timeout(config.setup_time, asking)
            .await
            .unwrap_or(Err(DialError::Timeout))
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            by: by.atom(),
            socket: done.socket,
            peer: done.peer,
            leftover: done.leftover,
        })
    }

    /// The name that was given.
    pub(super) fn name(&self) -> Result<NodeName, StartError> {
        NodeName::parse(&self.peer.our_name).map_err(|error| StartError::Naming {
            by: self.by.as_str().to_owned(),
            why: error.to_string(),
        })
    }
}

async fn ask(
    config: &NetConfig,
    routes: &Routes,
    resolver: &dyn Resolver,
    challenges: &Challenges,
    by: &NodeName,
) -> Result<dial::Done, DialError> {
    let socket = dial::reach(routes, resolver, by.as_str()).await?;
    let challenge = loop {
        let number = getrandom::u32().map_err(|_| DialError::Random)?;
        if let Some(challenge) = challenges.issue(number) {
            break challenge;
        }
    };
    let flags = Flags::ours(true) | Flags::NAME_ME;
    let mut handshake = HandshakeConfig::new(config.name.host(), flags, 0, challenge);
    handshake.setup_time = config.setup_time;
    let cookie = routes
        .cookie(by.as_str())
        .unwrap_or_else(|| config.cookie_for(by.as_str()).clone());
    // It cannot have a connection of a name that it has yet to give.
    dial::handshake(
        handshake,
        by.as_str(),
        cookie,
        socket,
        || false,
        Instant::now(),
    )
    .await
}

impl Net {
    /// Takes the connection that brought the name into the table; by [`Net::open`].
    pub(super) fn open_named(self: &std::sync::Arc<Self>, naming: Naming) {
        let Some(connection) = self.insert_after(naming.by, None) else {
            return;
        };
        if let Some(claim) = super::claim::Claim::take(self, &connection) {
            claim.establish(naming.socket, &naming.peer, naming.leftover, true, None);
        }
    }

    /// Rule 2, when a connection that was up has ended.
    pub(super) fn name_may_be_lost(&self, ended: &Connection) {
        if self.named_by != Some(ended.peer()) {
            return;
        }
        self.name_lost
            .store(true, std::sync::atomic::Ordering::SeqCst);
        tracing::warn!(node = %self.name, by = %ended.peer(), "the node that gave this node its name is gone, and the name with it");
        let others: Vec<_> = self.table.lock().values().cloned().collect();
        for connection in others {
            if connection.id() != ended.id() {
                connection.close("this node lost its name");
            }
        }
    }
}
