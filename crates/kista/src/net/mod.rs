//! The network of a node: listens, dials, and carries signals to and from peers. It drives [`kista_dist`] with tokio sockets and knows
//! nothing of processes: what arrives goes to a [`Host`].
//!
//! Rules:
//! 1. One table, one entry per peer name: the connection that senders get. An entry is replaced only when its connection is closing, or
//!    when a newcomer of that name has proved the cookie.
//! 2. `Host::down` of an entry has returned before `Host::up` of its successor is called.
//! 3. The accept loop waits for nothing but sockets. Each handshake is a task of its own: capped ([`gate`]), timed out as a whole, and
//!    unable to touch anything before the cookie is proved, except to say a name, which at most delays our own dial to that name.
//! 4. Two nodes that dial each other: the greater name's dial wins ([`kista_dist::handshake::simultaneous`]). The dial that is told `nok` waits for
//!    the other's to arrive, and dials again if it does not come.
//! 5. Per connection there is one reader task and one writer task; ticks come from a thread of the node.
//! 6. A connection that ends says why, once, in one rate-limited log line.

mod accept;
mod auto;
mod backoff;
mod claim;
mod config;
mod connection;
mod dial;
mod error;
mod gate;
mod given_names;
mod host;
mod inbound;
mod keep;
mod listen;
mod named;
mod node_name;
mod outgoing;
mod reader;
pub mod resolve;
mod socket;
mod start;
mod static_route;
mod stats;
mod stop;
mod ticker;
#[cfg(feature = "tls")]
mod tls_socket;
mod transport;
mod wire;
mod writer;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use kista_dist::handshake::{Challenge, Challenges, Config as HandshakeConfig, Cookie, Peer};
use kista_dist::{Flags, check_node_name};
use kista_etf::{Atom, AtomQuota, Incarnation};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};

pub use auto::AutoConnect;
pub use backoff::BackOff;
pub(crate) use config::NetConfig;
pub(crate) use connection::Connection;
pub use error::StartError;
pub(crate) use error::{ConnectError, NotConnected};
pub(crate) use gate::{Gate, Pass};
pub(crate) use host::{Host, Receiver};
pub(crate) use inbound::InboundCharge;
pub use keep::KeptPeer;
pub(crate) use listen::bind;
pub use node_name::{NodeName, NodeNameError};
pub(crate) use outgoing::{Pressure, SendError, Share};
pub use static_route::Route;
pub use stats::{ConnectionInfo, HandshakeStats, TlsInfo};
pub(crate) use transport::{Over, Transport};

use crate::epmd::{Epmd, EpmdInUse, EpmdMode};
use crate::log::{Escaped, LogLimit};
use connection::{Established, Phase, Watched};
use given_names::{Given, GivenNames};
use inbound::Inbound;
use keep::Keeper;
use named::{Naming, Standing};
use resolve::Resolver;
use socket::Socket;
use static_route::Routes;
use ticker::Ticker;

/// The network of one node.
pub(crate) struct Net {
    pub(super) config: NetConfig,
    name: Atom,
    flags: Flags,
    creation: u32,
    port: u16,
    /// All addresses that are listened on.
    listens_on: Vec<SocketAddr>,
    runtime: tokio::runtime::Handle,
    /// Until they are accepted from; then `None`.
    listeners: Mutex<Option<Vec<(TcpListener, Transport)>>>,
    /// The connection that brought our name, until it is in the table.
    naming: Mutex<Option<Naming>>,
    /// Whether the name is one that was given: only then can it change.
    nameable: bool,
    standing: Mutex<Standing>,
    /// Held by the dial that asks for a name.
    asking: Arc<tokio::sync::Mutex<()>>,
    host: OnceLock<Weak<dyn Host>>,
    table: Mutex<FxHashMap<Atom, Arc<Connection>>>,
    /// How many accepted sockets are between their name and the end of their handshake, by that unproved name. Never atoms.
    incoming: Mutex<FxHashMap<String, usize>>,
    /// Wakes dials that wait for such a handshake to end.
    incoming_ended: Notify,
    next_id: AtomicU64,
    pub(super) inbound: Inbound,
    atoms: Arc<AtomQuota>,
    log: LogLimit,
    gate: Arc<Gate>,
    /// Of all handshakes under way, so that a peer cannot have us answer one of them in another.
    challenges: Challenges,
    failures: dial::Failures,
    bars: auto::Bars,
    routes: Routes,
    resolver: Arc<dyn Resolver>,
    keeper: Keeper,
    given_names: GivenNames,
    handshakes: stats::Handshakes,
    epmd: Epmd,
    run: watch::Sender<Run>,
    ticker: Mutex<Option<Ticker>>,
    /// How many listeners are accepted from.
    accepting: AtomicUsize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Run {
    Started,
    Open,
    Stopping,
}

impl Net {
    /// Our full name: that of the configuration, or the first one that was given.
    pub(crate) fn name(&self) -> Atom {
        self.name
    }

    /// Our creation, which tells this incarnation of the name from others.
    pub(crate) fn creation(&self) -> u32 {
        self.creation
    }

    /// Where peers connect to; 0 if they do not.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// All addresses that are listened on, the node's own first.
    pub(crate) fn listens_on(&self) -> &[SocketAddr] {
        &self.listens_on
    }

    /// How many listeners are accepted from, and how many there are.
    pub(crate) fn accepting(&self) -> (usize, usize) {
        (self.accepting.load(Relaxed), self.listens_on.len())
    }

    /// Whether EPMD is to know this node.
    pub(crate) fn is_to_be_registered(&self) -> bool {
        self.config.epmd != EpmdMode::Off
    }

    /// Whether the tick thread runs.
    pub(crate) fn ticks(&self) -> bool {
        let ticker = self.ticker.lock();
        ticker.as_ref().is_some_and(Ticker::is_running)
    }

    /// What this network was told at its start.
    pub(crate) fn config(&self) -> &NetConfig {
        &self.config
    }

    /// What is to be seen of the connections that are up.
    pub(crate) fn infos(&self) -> Vec<ConnectionInfo> {
        self.ups().iter().filter_map(|c| c.info()).collect()
    }

    pub(crate) fn handshakes(&self) -> HandshakeStats {
        self.handshakes.read()
    }

    /// The way to `node` from now on, for the next dial.
    pub(crate) fn add_route(&self, node: &str, route: Route, transport: Option<Transport>) {
        self.routes.put(node, route, transport);
    }

    pub(crate) fn remove_route(&self, node: &str) -> bool {
        self.routes.remove(node)
    }

    /// Reads all certificates again; the first error is told, after the rest was done.
    #[cfg(feature = "tls")]
    pub(crate) fn reload_tls(&self) -> Result<(), crate::tls::TlsError> {
        let mut outcome = self.config.transport.reload();
        let listeners = self.config.listen_at.iter().map(|(_, transport)| transport);
        for transport in listeners.chain(&self.routes.transports()) {
            let reloaded = transport.reload();
            outcome = outcome.and(reloaded);
        }
        outcome
    }

    /// What serves as EPMD at the moment.
    pub(crate) fn epmd(&self) -> EpmdInUse {
        self.epmd.in_use()
    }

    /// The connection for a signal to `node`: the one that is up, or one that is being made, or a new one that begins to dial. Never blocks,
    /// and may be called from any thread; what is sent meanwhile queues. If the dial fails, `Host::down` tells who watches.
    ///
    /// # Errors
    /// [`NotConnected`]: nothing was tried.
    pub(crate) fn connection(
        self: &Arc<Self>,
        node: Atom,
    ) -> Result<Arc<Connection>, NotConnected> {
        self.connection_for(node, || {
            if self.called().is_none() {
                return Err(NotConnected::NameLost);
            }
            match self.bars.permit(self.config.auto_connect, node) {
                true => Ok(()),
                false => Err(NotConnected::NotAutomatic),
            }
        })
    }

    fn connection_for(
        self: &Arc<Self>,
        node: Atom,
        may_dial: impl FnOnce() -> Result<(), NotConnected>,
    ) -> Result<Arc<Connection>, NotConnected> {
        let mut table = self.table.lock();
        let old = table.get(&node);
        if let Some(connection) = old
            && !connection.is_closing()
        {
            return Ok(Arc::clone(connection));
        }
        if node == self.name || self.called().is_some_and(|called| called.node == node) {
            return Err(NotConnected::OwnNode);
        }
        if *self.run.borrow() != Run::Open {
            return Err(NotConnected::NotRunning);
        }
        check_node_name(node.as_str()).map_err(|_| NotConnected::BadName)?;
        may_dial()?;
        let old = old.cloned();
        let connection = Connection::new(self.next_id.fetch_add(1, Relaxed), node, self, old);
        table.insert(node, Arc::clone(&connection));
        drop(table);
        self.runtime
            .spawn(dial::run(Arc::clone(self), Arc::clone(&connection)));
        Ok(connection)
    }

    /// The connection to `node` if it is up.
    pub(crate) fn connected(&self, node: Atom) -> Option<Arc<Connection>> {
        self.table.lock().get(&node).filter(|c| c.is_up()).cloned()
    }

    /// Connects to `node`, whatever [`AutoConnect`] says, and waits for the outcome. At once if it is connected.
    ///
    /// # Errors
    /// Why not; the text names the step that failed.
    pub(crate) async fn connect(self: &Arc<Self>, node: Atom) -> Result<(), ConnectError> {
        let connection = self.connection_for(node, || Ok(()))?;
        connection.reached(Phase::Up).await;
        if connection.is_up() {
            return Ok(());
        }
        let detail = connection
            .why()
            .map_or("connection lost", |w| w.detail.as_str());
        Err(ConnectError::Failed(detail.to_owned()))
    }

    /// The peers that are connected, and whether the link is hidden.
    pub(crate) fn nodes(&self) -> Vec<(Atom, bool)> {
        let table = self.table.lock();
        table
            .iter()
            .filter(|(_, c)| c.is_up())
            .map(|(&node, c)| (node, c.hidden()))
            .collect()
    }

    /// Cuts the connection to `node`, or the attempt at one. Whether there was any.
    pub(crate) fn disconnect(&self, node: Atom) -> bool {
        let connection = self.table.lock().get(&node).cloned();
        match connection {
            Some(c) if c.phase() < Phase::Closing => {
                c.end("disconnect", "disconnected by this node");
                true
            }
            _ => false,
        }
    }

    // What follows is for the tasks of this module.

    fn host(&self) -> Option<Arc<dyn Host>> {
        self.host.get()?.upgrade()
    }

    fn handshake_config(&self, called: Incarnation) -> Result<HandshakeConfig, getrandom::Error> {
        let challenge = challenge(&self.challenges)?;
        let Incarnation { node, creation } = called;
        let mut config = HandshakeConfig::new(node.as_str(), self.flags, creation, challenge);
        config.setup_time = self.config.setup_time;
        Ok(config)
    }

    /// The cookie that is spoken with `peer`: its route's, its own, or everybody's.
    fn cookie_for(&self, peer: &str) -> Cookie {
        let of_route = self.routes.cookie(peer);
        of_route.unwrap_or_else(|| self.config.cookie_for(peer).clone())
    }

    pub(crate) fn entry(&self, node: Atom) -> Option<Arc<Connection>> {
        self.table.lock().get(&node).cloned()
    }

    /// Removes the entry if it is still this connection's.
    fn forget(&self, connection: &Connection) {
        let mut table = self.table.lock();
        if table
            .get(&connection.peer())
            .is_some_and(|c| c.id() == connection.id())
        {
            table.remove(&connection.peer());
        }
    }

    fn ups(&self) -> Vec<Arc<Connection>> {
        self.table
            .lock()
            .values()
            .filter(|c| c.is_up())
            .cloned()
            .collect()
    }

    /// Cuts off the peer that holds most undecoded bytes, if all together hold too many.
    fn relieve(&self) {
        let connected: FxHashSet<Atom> = self.ups().iter().map(|c| c.peer()).collect();
        let Some(peer) = self.inbound.over_cap(|peer| connected.contains(&peer)) else {
            return;
        };
        if let Some(connection) = self.connected(peer) {
            connection
                .close("too many undecoded bytes wait in this node, most of them from this peer");
        }
    }

    fn log_end(&self, connection: &Connection, was_up: bool, word: &str, detail: &str) {
        let orderly = matches!(word, "disconnect" | "net_kernel_terminated");
        if orderly || (was_up && detail == reader::LEFT) {
            tracing::info!(node = self.name.as_str(), peer = %Escaped(connection.peer().as_str()), why = detail, "connection closed");
        } else if was_up {
            self.log
                .closed(self.name.as_str(), connection.peer().as_str(), detail);
        } else {
            self.log
                .not_connected(self.name.as_str(), connection.peer().as_str(), detail);
        }
    }

    /// A claimed connection got its socket: its reader takes over, and with it the duty to end it.
    fn establish(
        self: &Arc<Self>,
        connection: &Arc<Connection>,
        socket: Socket,
        peer: &Peer,
        leftover: Vec<u8>,
        by_dial: bool,
        given: Option<Given>,
    ) {
        let address = socket.peer_addr();
        let tls = socket.tls();
        let socket = Arc::new(socket);
        connection.set_established(Established {
            creation: peer.creation,
            flags: peer.flags,
            by_dial,
            since: Instant::now(),
            address,
            tls,
            given,
            renaming: self.renaming_for(peer),
            socket: Arc::downgrade(&socket),
            wire: Mutex::new(Some(wire::Wire::new(peer.flags))),
        });
        *connection.clock.lock() = Some(Watched::new(self.config.net_ticktime));
        self.runtime.spawn(reader::run(
            Arc::clone(self),
            Arc::clone(connection),
            socket,
            leftover,
        ));
    }
}

/// A challenge that no other handshake of this node has under way.
fn challenge(challenges: &Challenges) -> Result<Challenge, getrandom::Error> {
    loop {
        if let Some(challenge) = challenges.issue(getrandom::u32()?) {
            return Ok(challenge);
        }
    }
}
