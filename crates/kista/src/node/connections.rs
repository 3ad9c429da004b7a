//! What is to be seen of this node's connections, and what can be changed about them while it runs.

use std::net::SocketAddr;

use kista_etf::Atom;

use super::error::{ConnectError, NodeError};
use super::{Node, net_options};
use crate::net::{ConnectionInfo, HandshakeStats, KeptPeer, NodeName, Route};

impl Node {
    /// The connections that are up, each with what passed through it.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = kista::Node::builder("docs@127.0.0.1").no_network().start().await?;
    /// for c in node.connections() {
    ///     println!("{}: {} messages in, {} out, {} bytes queued", c.node, c.received.messages, c.sent.messages, c.queued_bytes);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn connections(&self) -> Vec<ConnectionInfo> {
        self.0.net.as_ref().map_or_else(Vec::new, |net| net.infos())
    }

    /// The connection to one node, if it is up.
    pub fn connection_info(&self, node: &str) -> Option<ConnectionInfo> {
        let net = self.0.net.as_ref()?;
        net.connected(Atom::lookup(node)?)?.info()
    }

    /// How the handshakes of those who dialled this node went so far.
    pub fn handshakes(&self) -> HandshakeStats {
        let net = self.0.net.as_ref();
        net.map_or_else(HandshakeStats::default, |net| net.handshakes())
    }

    /// The addresses that this node listens on, its own first; none without a network, or with a given name
    /// ([`NodeBuilder::named_by`](crate::NodeBuilder::named_by)).
    pub fn listens_on(&self) -> Vec<SocketAddr> {
        let net = self.0.net.as_ref();
        net.map_or_else(Vec::new, |net| net.listens_on().to_vec())
    }

    /// What other nodes call this one. That is its [`name`](Node::name), unless it was given that name and lost it
    /// ([`NodeBuilder::named_by`](crate::NodeBuilder::named_by)): then the name that it was given since; none until then, and none without a network.
    pub fn known_as(&self) -> Option<Atom> {
        self.0.net.as_ref()?.called().map(|called| called.node)
    }

    /// Keeps that node connected from now on: see [`NodeBuilder::keep_connected`](crate::NodeBuilder::keep_connected). False: it is kept already.
    ///
    /// # Errors
    /// [`ConnectError::BadName`], [`ConnectError::NotRunning`].
    pub fn keep_connected(&self, node: &str) -> Result<bool, ConnectError> {
        let name = NodeName::parse(node).map_err(|_| ConnectError::BadName(node.to_owned()))?;
        let net = self.0.net.as_ref().ok_or(ConnectError::NotRunning)?;
        Ok(net.keep(name.atom()))
    }

    /// Keeps that node connected no longer; a connection that is up stays. False: it was not kept.
    pub fn let_go(&self, node: &str) -> bool {
        match (&self.0.net, Atom::lookup(node)) {
            (Some(net), Some(name)) => net.let_go(name),
            _ => false,
        }
    }

    /// The peers that are kept connected, and how it goes.
    pub fn kept_peers(&self) -> Vec<KeptPeer> {
        self.0.net.as_ref().map_or_else(Vec::new, |net| net.kept())
    }

    /// The way to that node from the next dial on: see [`NodeBuilder::route`](crate::NodeBuilder::route).
    ///
    /// # Errors
    /// The name is none, the route's cookie is empty, or its certificates cannot be used.
    pub fn add_route(&self, node: &str, route: Route) -> Result<(), NodeError> {
        let host = self
            .name()
            .as_str()
            .split_once('@')
            .map_or("", |(_, host)| host);
        let transport = net_options::check_route(node, &route, host)?;
        if let Some(net) = &self.0.net {
            net.add_route(node, route, transport);
        }
        Ok(())
    }

    /// Leaves the way to that node to the resolver again. False: it had no route.
    pub fn remove_route(&self, node: &str) -> bool {
        self.0
            .net
            .as_ref()
            .is_some_and(|net| net.remove_route(node))
    }

    /// Reads this node's certificates again, and those of its listeners and routes. Connections from now on use the new ones, those that are up
    /// go on. Changed files are noticed without this; it tells what is wrong with them. Blocks while it reads.
    ///
    /// # Errors
    /// What is wrong; the old certificates are used on.
    #[cfg(feature = "tls")]
    pub fn reload_tls(&self) -> Result<(), crate::tls::TlsError> {
        match &self.0.net {
            Some(net) => net.reload_tls(),
            None => Ok(()),
        }
    }
}
