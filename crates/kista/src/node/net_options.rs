//! The builder's options about how this node and others meet.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::builder::NodeBuilder;
use super::error::NodeError;
use crate::net::{AutoConnect, BackOff, NetConfig, NodeName, Over, Route, Transport};
use crate::node::cookie;
use crate::resolve::{Discovery, Resolver};

/// What the options of this file were given.
#[derive(Clone, Default)]
pub(super) struct NetOptions {
    listen: Vec<IpAddr>,
    listen_at: Vec<(SocketAddr, Over)>,
    own: Over,
    auto_connect: AutoConnect,
    keep_connected: Vec<String>,
    back_off: BackOff,
    routes: Vec<(String, Route)>,
    resolver: Option<Arc<dyn Resolver>>,
    discoveries: Vec<(Arc<dyn Discovery>, Duration)>,
    named_by: Option<String>,
}

impl NodeBuilder {
    /// Listens on this address only; called again, on that one too, at the same port. By default: on the address that the name's host
    /// part spells out (an IP literal or `localhost`), else on all, which is said in a log line.
    ///
    /// ```
    /// use std::net::{Ipv4Addr, Ipv6Addr};
    /// let builder = kista::Node::builder("demo@localhost")
    ///     .listen_on(Ipv4Addr::LOCALHOST.into())
    ///     .listen_on(Ipv6Addr::LOCALHOST.into());
    /// ```
    pub fn listen_on(mut self, address: IpAddr) -> Self {
        if !self.net.listen.contains(&address) {
            self.net.listen.push(address);
        }
        self
    }

    /// Listens at this address and port beside the others: for peers with a [`Route`] there, since EPMD tells the node's own port only.
    pub fn listen_at(mut self, address: impl Into<SocketAddr>) -> Self {
        self.net.listen_at.push((address.into(), Over::Default));
        self
    }

    /// As [`NodeBuilder::listen_at`], and what is spoken there is plain distribution, also when the node speaks TLS.
    pub fn listen_at_plain(mut self, address: impl Into<SocketAddr>) -> Self {
        self.net.listen_at.push((address.into(), Over::Plain));
        self
    }

    /// As [`NodeBuilder::listen_at`], and what is spoken there is this TLS.
    #[cfg(feature = "tls")]
    pub fn listen_at_tls(mut self, address: impl Into<SocketAddr>, tls: crate::Tls) -> Self {
        self.net.listen_at.push((address.into(), Over::Tls(tls)));
        self
    }

    /// Speaks TLS with all peers, as `erl -proto_dist inet_tls` does, whoever dials; but for a [`Route`] or a listener that says
    /// otherwise. Both sides show a certificate, and judge the other's: see [`Tls`](crate::Tls).
    ///
    /// ```
    /// use kista::{Node, Tls};
    /// let builder = Node::builder("demo@10.0.0.1").tls(Tls::from_dir("/etc/kista/tls"));
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::Tls) -> Self {
        self.net.own = Over::Tls(tls);
        self
    }

    /// Whether a signal to a node that is not connected makes the connection: kernel's `dist_auto_connect`.
    pub fn auto_connect(mut self, policy: AutoConnect) -> Self {
        self.net.auto_connect = policy;
        self
    }

    /// Keeps this node connected: it is dialled at the start and whenever the connection is lost, with growing pauses ([`BackOff`]), until the
    /// node stops or lets it go ([`Node::let_go`](crate::Node::let_go)).
    pub fn keep_connected(mut self, node: impl Into<String>) -> Self {
        self.net.keep_connected.push(node.into());
        self
    }

    /// The pauses between attempts at a peer that is kept connected. Default: 250 ms to 30 s.
    pub fn back_off(mut self, back_off: BackOff) -> Self {
        self.net.back_off = back_off;
        self
    }

    /// Where one node is, and perhaps its own cookie: no resolver is asked for it.
    ///
    /// ```
    /// use kista::{Node, Route};
    /// let builder = Node::builder("a@ten").route("b@ten", Route::to("10.0.0.2", 9100).cookie("theirs"));
    /// ```
    pub fn route(mut self, node: impl Into<String>, route: Route) -> Self {
        self.net.routes.push((node.into(), route));
        self
    }

    /// Who says where nodes are, in the place of EPMD. This node still registers with EPMD unless that is off ([`NodeBuilder::epmd`]).
    pub fn resolver(mut self, resolver: impl Resolver) -> Self {
        self.net.resolver = Some(Arc::new(resolver));
        self
    }

    /// Asks `discovery` this often for the nodes that there are (each pause is cut by a random part of up to a half), and dials those that
    /// are not connected. May be called for several.
    ///
    /// ```
    /// use std::time::Duration;
    /// use kista::{Node, resolve::EpmdHosts};
    /// let hosts = EpmdHosts::new(["10.0.0.1", "10.0.0.2"]);
    /// let builder = Node::builder("demo@10.0.0.1").discover(hosts, Duration::from_secs(5));
    /// ```
    pub fn discover(mut self, discovery: impl Discovery, every: Duration) -> Self {
        self.net.discoveries.push((Arc::new(discovery), every));
        self
    }

    /// Gets this node's name from that one, as `erl -sname undefined` does: the builder's name is `undefined` or `undefined@host`. The node is
    /// hidden, listens nowhere, and is a client of the other. Its name lives as long as that connection; with it every
    /// other ends too. The node then has no name, and signals connect it to nobody, until [`Node::connect`](crate::Node::connect), a kept peer or a discovery
    /// makes a connection: whoever is dialled gives it another name ([`Node::known_as`](crate::Node::known_as)). Its own name and its pids stay those of the first
    /// one, and are renamed on their way out and in.
    ///
    /// ```no_run
    /// # async fn f() -> Result<(), kista::NodeError> {
    /// let node = kista::Node::builder("undefined").named_by("demo@myhost").start().await?;
    /// println!("I am {}", node.name());
    /// # Ok(()) }
    /// ```
    pub fn named_by(mut self, node: impl Into<String>) -> Self {
        self.net.named_by = Some(node.into());
        self
    }
}

impl NetOptions {
    /// Puts them into the configuration, whose name is set.
    pub(super) fn apply(&self, config: &mut NetConfig) -> Result<(), NodeError> {
        if !self.listen.is_empty() {
            config.listen.clone_from(&self.listen);
        } else if config.name.literal_address().is_none() && self.named_by.is_none() {
            tracing::info!(
                name = config.name.as_str(),
                "listening on all addresses; listen_on narrows it"
            );
        }
        let host = config.name.host().to_owned();
        if let Some(own) = transport(&self.own, &host)? {
            config.transport = own;
        }
        for (address, over) in &self.listen_at {
            let transport = transport(over, &host)?;
            let transport = transport.unwrap_or_else(|| config.transport.clone());
            config.listen_at.push((*address, transport));
        }
        config.auto_connect = self.auto_connect;
        for peer in &self.keep_connected {
            config.keep_connected.push(NodeName::parse(peer)?);
        }
        config.back_off = self.back_off;
        for (node, route) in &self.routes {
            let transport = check_route(node, route, &host)?;
            config
                .routes
                .insert(node.clone(), (route.clone(), transport));
        }
        config.resolver.clone_from(&self.resolver);
        config.discoveries.clone_from(&self.discoveries);
        config.named_by = match &self.named_by {
            Some(by) => Some(NodeName::parse(by)?),
            None => None,
        };
        if (config.name.alive() == UNDEFINED) != config.named_by.is_some() {
            return Err(NodeError::Undefined);
        }
        Ok(())
    }
}

/// The name of a node that has none yet.
const UNDEFINED: &str = "undefined";

/// What a route of a node on `host` speaks, if it says so. It leads to a node that can be, with a cookie that is one.
pub(super) fn check_route(
    node: &str,
    route: &Route,
    host: &str,
) -> Result<Option<Transport>, NodeError> {
    NodeName::parse(node)?;
    match route.has_empty_cookie() {
        true => Err(cookie::empty(&format!("the cookie of the route to {node}"))),
        false => transport(route.over(), host),
    }
}

/// `None`: what the node speaks.
fn transport(over: &Over, host: &str) -> Result<Option<Transport>, NodeError> {
    let _ = host;
    Ok(match over {
        Over::Default => None,
        Over::Plain => Some(Transport::Plain),
        #[cfg(feature = "tls")]
        Over::Tls(tls) => Some(Transport::Tls(crate::tls::LiveTls::load(tls, host)?)),
    })
}
