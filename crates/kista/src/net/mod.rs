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
mod claim;
mod config;
mod connection;
mod dial;
mod error;
mod gate;
mod host;
mod inbound;
mod node_name;
mod reader;
mod ticker;
mod wire;
mod writer;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use kista_dist::handshake::{Challenges, Config as HandshakeConfig, Peer};
use kista_dist::{Flags, check_node_name};
use kista_etf::{Atom, AtomQuota};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

pub(crate) use config::NetConfig;
pub(crate) use connection::{Connection, Pressure, SendError};
pub use error::StartError;
pub(crate) use error::{ConnectError, NotConnected};
pub(crate) use gate::{Gate, Pass};
pub(crate) use host::Host;
pub(crate) use inbound::InboundCharge;
pub use node_name::{NodeName, NodeNameError};

use crate::epmd::{Epmd, EpmdInUse};
use crate::log::{Escaped, LogLimit};
use connection::{Established, Phase, Watched};
use inbound::Inbound;
use ticker::Ticker;

/// The network of one node.
pub(crate) struct Net {
    pub(super) config: NetConfig,
    name: Atom,
    flags: Flags,
    creation: u32,
    port: u16,
    runtime: tokio::runtime::Handle,
    listener: Mutex<Option<TcpListener>>,
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
    epmd: Epmd,
    run: watch::Sender<Run>,
    ticker: Mutex<Option<Ticker>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Run {
    Started,
    Open,
    Stopping,
}

impl Net {
    /// Listens, and registers with EPMD. Who connects from now on waits until [`Net::open`].
    ///
    /// # Errors
    /// No port could be listened on, or EPMD could not be used as `config.epmd` demands.
    pub(crate) async fn start(config: NetConfig) -> Result<Arc<Self>, StartError> {
        let listener = listen(&config)?;
        let port = listener
            .local_addr()
            .map_err(|source| StartError::Listen {
                address: config.listen.to_string(),
                source,
            })?
            .port();
        let epmd = Epmd::start(&config, port).await?;
        let creation = match epmd.creation() {
            // 1 to 3 are what old EPMDs give, and 0 stands for "any".
            Some(creation) if creation != 0 => creation,
            _ => random_creation().map_err(|e| StartError::Random(e.to_string()))?,
        };
        Ok(Arc::new(Self {
            name: config.name.atom(),
            flags: Flags::ours(config.hidden),
            creation,
            port,
            runtime: tokio::runtime::Handle::current(),
            listener: Mutex::new(Some(listener)),
            host: OnceLock::new(),
            table: Mutex::new(FxHashMap::default()),
            incoming: Mutex::new(FxHashMap::default()),
            incoming_ended: Notify::new(),
            next_id: AtomicU64::new(1),
            inbound: Inbound::new(config.limits.inbound_bytes),
            atoms: Arc::new(AtomQuota::new(config.limits.atoms as u64)),
            log: LogLimit::new(),
            challenges: Challenges::default(),
            gate: Gate::new(
                config.limits.unauthenticated,
                config.limits.unauthenticated_per_ip,
            ),
            failures: dial::Failures::default(),
            epmd,
            run: watch::Sender::new(Run::Started),
            ticker: Mutex::new(None),
            config,
        }))
    }

    /// Begins to accept, to tick and to keep the registration alive. Once; later calls do nothing.
    pub(crate) fn open(self: &Arc<Self>, host: Weak<dyn Host>) {
        let Some(listener) = self.listener.lock().take() else {
            return;
        };
        let _ = self.host.set(host);
        self.run.send_replace(Run::Open);
        match Ticker::start(self) {
            Ok(ticker) => *self.ticker.lock() = Some(ticker),
            Err(error) => {
                tracing::error!(%error, "no tick thread: silent peers will cut this node off")
            }
        }
        self.epmd.keep_alive(&self.runtime);
        self.runtime.spawn(accept::run(Arc::clone(self), listener));
    }

    /// Our creation, which tells this incarnation of the name from others.
    pub(crate) fn creation(&self) -> u32 {
        self.creation
    }

    /// Where peers connect to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What serves as EPMD at the moment.
    pub(crate) fn epmd(&self) -> EpmdInUse {
        self.epmd.in_use()
    }

    /// The connection to `node`: the one that is up, or one that is being made, or a new one that begins to dial. Never blocks, and may
    /// be called from any thread; what is sent meanwhile queues. If the dial fails, `Host::down` tells who watches.
    ///
    /// # Errors
    /// [`NotConnected`]: nothing was tried.
    pub(crate) fn connection(
        self: &Arc<Self>,
        node: Atom,
    ) -> Result<Arc<Connection>, NotConnected> {
        let mut table = self.table.lock();
        let old = table.get(&node);
        if let Some(connection) = old
            && connection.phase() < Phase::Closing
        {
            return Ok(Arc::clone(connection));
        }
        if node == self.name {
            return Err(NotConnected::OwnNode);
        }
        if *self.run.borrow() != Run::Open {
            return Err(NotConnected::NotRunning);
        }
        check_node_name(node.as_str()).map_err(|_| NotConnected::BadName)?;
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

    /// Connects to `node` and waits for the outcome. At once if it is connected.
    ///
    /// # Errors
    /// Why not; the text names the step that failed.
    pub(crate) async fn connect(self: &Arc<Self>, node: Atom) -> Result<(), ConnectError> {
        let connection = self.connection(node)?;
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

    /// Accepts no more, writes out what is queued (for at most `stop_time`), closes all connections, unregisters, ends the tick thread.
    pub(crate) async fn stop(&self) {
        self.run.send_replace(Run::Stopping);
        drop(self.listener.lock().take());
        // Once more for what a handshake completed in that very moment.
        for _ in 0..2 {
            self.end_all().await;
        }
        self.epmd.stop().await;
        let ticker = self.ticker.lock().take();
        if let Some(ticker) = ticker {
            let _ = tokio::task::spawn_blocking(move || ticker.stop()).await;
        }
    }

    async fn end_all(&self) {
        let connections: Vec<_> = self.table.lock().values().cloned().collect();
        for c in &connections {
            if c.is_up() {
                c.drain();
            } else {
                c.end("net_kernel_terminated", "this node stops");
            }
        }
        let gone = async {
            for c in &connections {
                c.reached(Phase::Gone).await;
            }
        };
        if tokio::time::timeout(self.config.stop_time, gone)
            .await
            .is_ok()
        {
            return;
        }
        for c in &connections {
            c.end(
                "net_kernel_terminated",
                "this node stops, and the peer did not take what was queued for it in time",
            );
        }
        for c in &connections {
            // Only a host that blocks can make this fail.
            let _ = tokio::time::timeout(Duration::from_secs(1), c.reached(Phase::Gone)).await;
        }
    }

    // What follows is for the tasks of this module.

    fn host(&self) -> Option<Arc<dyn Host>> {
        self.host.get()?.upgrade()
    }

    fn handshake_config(&self) -> Result<HandshakeConfig, getrandom::Error> {
        let challenge = loop {
            if let Some(challenge) = self.challenges.issue(getrandom::u32()?) {
                break challenge;
            }
        };
        let mut config = HandshakeConfig::new(
            self.config.name.as_str(),
            self.flags,
            self.creation,
            challenge,
        );
        config.setup_time = self.config.setup_time;
        Ok(config)
    }

    /// Returns when the node stops.
    async fn stopping(&self) {
        let mut run = self.run.subscribe();
        let _ = run.wait_for(|r| *r == Run::Stopping).await;
    }

    fn entry(&self, node: Atom) -> Option<Arc<Connection>> {
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
        socket: TcpStream,
        peer: &Peer,
        leftover: Vec<u8>,
        by_dial: bool,
    ) {
        let _ = socket.set_nodelay(true);
        let socket = Arc::new(socket);
        connection.set_established(Established {
            creation: peer.creation,
            flags: peer.flags,
            by_dial,
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

fn listen(config: &NetConfig) -> Result<TcpListener, StartError> {
    let mut last = None;
    for port in config.ports.clone() {
        let address = SocketAddr::new(config.listen, port);
        match bind(address) {
            Ok(listener) => return Ok(listener),
            Err(source) => {
                last = Some(StartError::Listen {
                    address: address.to_string(),
                    source,
                });
            }
        }
    }
    Err(last.unwrap_or_else(|| StartError::Listen {
        address: config.listen.to_string(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, "the port range is empty"),
    }))
}

/// A listener whose port can be taken again at once after a restart.
pub(crate) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(512)?;
    TcpListener::from_std(socket.into())
}

/// A creation of our own making, when no EPMD gives one: 4 or more.
fn random_creation() -> Result<u32, getrandom::Error> {
    Ok(getrandom::u32()?.max(4))
}
