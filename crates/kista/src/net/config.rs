//! What a node's network side is told at its start, and its limits, each with a name.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use kista_dist::handshake::Cookie;
use rustc_hash::FxHashMap;

use super::resolve::{Discovery, EpmdResolver, FixedPort, Resolver};
use super::{AutoConnect, BackOff, NodeName, Route, Transport};
use crate::epmd::EpmdMode;

/// Everything [`Net::start`](super::Net::start) needs.
pub(crate) struct NetConfig {
    pub(crate) name: NodeName,
    pub(crate) cookie: Cookie,
    /// Cookies for single peers, by full name (as `erlang:set_cookie(Node, Cookie)`).
    pub(crate) peer_cookies: FxHashMap<String, Cookie>,
    /// The node's own address first; the others listen at its port. None: nobody can connect to this node.
    pub(crate) listen: Vec<IpAddr>,
    /// Further sockets, each at its own port.
    pub(crate) listen_at: Vec<(SocketAddr, Transport)>,
    /// Ports to try; `0..=0` lets the system choose.
    pub(crate) ports: RangeInclusive<u16>,
    pub(crate) hidden: bool,
    pub(crate) epmd: EpmdMode,
    /// EPMD's port, on this host and on every peer's.
    pub(crate) epmd_port: u16,
    /// A peer that is silent for this long is down; a quarter of it without a write makes a tick.
    pub(crate) net_ticktime: Duration,
    /// The limit of a whole connection setup, in each direction.
    pub(crate) setup_time: Duration,
    /// How long [`Net::stop`](super::Net::stop) may take to write out what is queued.
    pub(crate) stop_time: Duration,
    pub(crate) auto_connect: AutoConnect,
    /// Peers to keep connected, by full name, and how they are dialled again.
    pub(crate) keep_connected: Vec<NodeName>,
    pub(crate) back_off: BackOff,
    /// What is spoken at the node's own listeners, and with whom it dials.
    pub(crate) transport: Transport,
    /// Nodes that no resolver is asked for, by full name, and what is spoken with them instead.
    pub(crate) routes: FxHashMap<String, (Route, Option<Transport>)>,
    /// Instead of EPMD (or, where it is off, of the one port of all nodes).
    pub(crate) resolver: Option<Arc<dyn Resolver>>,
    /// Who says which nodes there are, and how often it is asked.
    pub(crate) discoveries: Vec<(Arc<dyn Discovery>, Duration)>,
    /// The node that gives this one its name.
    pub(crate) named_by: Option<NodeName>,
    pub(crate) limits: NetLimits,
}

/// The caps. Every one is per node unless it says otherwise.
#[derive(Clone, Debug)]
pub(crate) struct NetLimits {
    /// The largest frame that is read (per connection).
    pub(crate) frame_bytes: usize,
    /// Incomplete fragmented messages, in bytes (per connection).
    pub(crate) fragment_bytes: usize,
    /// Incomplete fragmented messages (per connection).
    pub(crate) fragment_sequences: usize,
    /// Accepted sockets that have not proved the cookie yet.
    pub(crate) unauthenticated: usize,
    /// The share of one IP address in `unauthenticated`; loopback has no share of its own.
    pub(crate) unauthenticated_per_ip: usize,
    /// Bytes received and not yet decoded by their receivers.
    pub(crate) inbound_bytes: usize,
    /// Bytes in flight on a connection above which senders are held.
    pub(crate) busy_mark: usize,
    /// Bytes in flight on a connection above which messages are refused.
    pub(crate) full_mark: usize,
    /// New atoms that all peers together may make; beyond it atoms stay text.
    pub(crate) atoms: usize,
    /// New atoms that one connection may make.
    pub(crate) atoms_per_connection: usize,
}

impl Default for NetLimits {
    fn default() -> Self {
        Self {
            frame_bytes: 128 << 20,
            fragment_bytes: 256 << 20,
            fragment_sequences: 1024,
            unauthenticated: 128,
            unauthenticated_per_ip: 16,
            inbound_bytes: 512 << 20,
            busy_mark: 1 << 20,
            full_mark: 64 << 20,
            atoms: 500_000,
            atoms_per_connection: 100_000,
        }
    }
}

impl NetConfig {
    /// The defaults for a node of this name: loopback when the name says so, else all addresses; any port; hidden.
    pub(crate) fn new(name: NodeName, cookie: Cookie) -> Self {
        let listen = name
            .literal_address()
            .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Self {
            name,
            cookie,
            peer_cookies: FxHashMap::default(),
            listen: vec![listen],
            listen_at: Vec::new(),
            ports: 0..=0,
            hidden: true,
            epmd: EpmdMode::Auto,
            epmd_port: 4369,
            net_ticktime: Duration::from_secs(60),
            setup_time: Duration::from_secs(7),
            stop_time: Duration::from_secs(5),
            auto_connect: AutoConnect::default(),
            keep_connected: Vec::new(),
            back_off: BackOff::default(),
            transport: Transport::Plain,
            routes: FxHashMap::default(),
            resolver: None,
            discoveries: Vec::new(),
            named_by: None,
            limits: NetLimits::default(),
        }
    }

    /// Who says where a node is.
    pub(super) fn resolver(&self) -> Arc<dyn Resolver> {
        match (&self.resolver, self.epmd) {
            (Some(resolver), _) => Arc::clone(resolver),
            (None, EpmdMode::Off) => Arc::new(FixedPort::new(*self.ports.start())),
            (None, _) => Arc::new(EpmdResolver::new(self.epmd_port)),
        }
    }

    /// The cookie that is spoken with `peer`.
    pub(crate) fn cookie_for(&self, peer: &str) -> &Cookie {
        self.peer_cookies.get(peer).unwrap_or(&self.cookie)
    }
}
