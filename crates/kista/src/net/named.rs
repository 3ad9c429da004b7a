//! This node without a name of its own: `erl -name undefined`, as the one who dials.
//!
//! 1. It gets its name and creation from the first node that it dials, at its start. It listens nowhere, is registered nowhere and hidden.
//! 2. The name is that connection's: when it ends, the other node may give the name to somebody else. So all other connections end with it, and
//!    no signal makes a new one. The node lives on without a name.
//! 3. The next node that it is asked to connect to (by the program, a kept peer or a discovery) gives it another name. Of several at once
//!    one is asked, and the others wait to be dialled under the name that comes.
//! 4. In OTP the processes' pids change with the name, in the terms that hold them too. Here the node's processes keep the pids of its
//!    first name, and what passes a connection is renamed, both ways ([`Renaming`]): to the others it is the same, and what they kept of an
//!    earlier name is of a life that is over. A name by itself is an atom like any other and not renamed: what is said inside to
//!    `{Name, Node}` with the name that the others use stays here ([`Net::answers_to`]).

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use kista_dist::Flags;
use kista_dist::handshake::{Challenges, Config as HandshakeConfig, Peer};
use kista_etf::{Atom, Incarnation, Renaming};
use tokio::sync::OwnedMutexGuard;

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
        let in_tls = AtomicBool::new(false);
        let asking = ask(config, routes, resolver, challenges, by, &in_tls);
        let done = tokio::time::timeout(config.setup_time, asking)
            .await
            .unwrap_or_else(|_| Err(DialError::out_of_time(&in_tls)))
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
    in_tls: &AtomicBool,
) -> Result<dial::Done, DialError> {
    let socket = dial::reach(routes, resolver, &config.transport, by.as_str(), in_tls).await?;
    let handshake = asking_config(config, challenges)?;
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

/// Of a handshake that asks for a name.
fn asking_config(
    config: &NetConfig,
    challenges: &Challenges,
) -> Result<HandshakeConfig, DialError> {
    let challenge = super::challenge(challenges).map_err(|_| DialError::Random)?;
    let flags = Flags::ours(true) | Flags::NAME_ME;
    let mut handshake = HandshakeConfig::new(config.name.host(), flags, 0, challenge);
    handshake.setup_time = config.setup_time;
    Ok(handshake)
}

/// What this node is called at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// As its configuration says.
    Own,
    /// As the peer of that connection says.
    Given { by: u64, called: Incarnation },
    /// Not at all, until a node that is dialled says how.
    Nameless,
}

/// How a dial introduces this node.
pub(super) enum Introduction {
    As(Incarnation),
    /// By asking for a name. Nobody else asks meanwhile.
    Asking(OwnedMutexGuard<()>),
}

impl Introduction {
    pub(super) fn config(&self, net: &Net) -> Result<HandshakeConfig, DialError> {
        match self {
            Self::As(called) => net.handshake_config(*called).map_err(|_| DialError::Random),
            Self::Asking(_) => asking_config(&net.config, &net.challenges),
        }
    }
}

/// What the peer of a finished handshake calls us; the handshake has checked the name. `None`: no further atom can be made.
fn called_by(peer: &Peer) -> Option<Incarnation> {
    let node = Atom::new(&peer.our_name).ok()?;
    let creation = peer.our_creation;
    Some(Incarnation { node, creation })
}

impl Net {
    /// What other nodes call this one.
    pub(crate) fn called(&self) -> Option<Incarnation> {
        match *self.standing.lock() {
            Standing::Own => Some(self.incarnation()),
            Standing::Given { called, .. } => Some(called),
            Standing::Nameless => None,
        }
    }

    /// Whether `node` is a name that this node was given since it lost its first.
    pub(crate) fn answers_to(&self, node: Atom) -> bool {
        self.nameable && self.called().is_some_and(|called| called.node == node)
    }

    /// What this node calls itself.
    pub(super) fn incarnation(&self) -> Incarnation {
        Incarnation {
            node: self.name,
            creation: self.creation,
        }
    }

    /// How the next dial introduces this node; rule 3.
    pub(super) async fn introduction(&self) -> Introduction {
        if let Some(called) = self.called() {
            return Introduction::As(called);
        }
        let asking = Arc::clone(&self.asking).lock_owned().await;
        match self.called() {
            Some(called) => Introduction::As(called),
            None => Introduction::Asking(asking),
        }
    }

    /// The peer of `connection` gave this node its name.
    pub(super) fn name_given(&self, connection: &Connection, peer: &Peer) {
        if let Some(called) = called_by(peer) {
            let by = connection.id();
            *self.standing.lock() = Standing::Given { by, called };
        }
    }

    /// What must be said differently to a peer that calls this node otherwise; rule 4.
    pub(super) fn renaming_for(&self, peer: &Peer) -> Option<Renaming> {
        let called = called_by(peer)?;
        let own = self.incarnation();
        (own != called).then(|| Renaming::new(own, called))
    }

    /// Takes the connection that brought the name into the table; by [`Net::open`].
    pub(super) fn open_named(self: &Arc<Self>, naming: Naming) {
        let Some(connection) = self.insert_after(naming.by, None) else {
            return;
        };
        self.name_given(&connection, &naming.peer);
        if let Some(claim) = super::claim::Claim::take(self, &connection) {
            claim.establish(naming.socket, &naming.peer, naming.leftover, true, None);
        }
    }

    /// Rule 2, when a connection that was up has ended.
    pub(super) fn name_may_be_lost(&self, ended: &Connection) {
        {
            let mut standing = self.standing.lock();
            if !matches!(*standing, Standing::Given { by, .. } if by == ended.id()) {
                return;
            }
            *standing = Standing::Nameless;
        }
        tracing::warn!(node = %self.name, by = %ended.peer(), "the node that gave this node its name is gone, and the name with it");
        let others: Vec<_> = self.table.lock().values().cloned().collect();
        for connection in others {
            if connection.id() != ended.id() {
                connection.close("this node lost its name");
            }
        }
    }
}
