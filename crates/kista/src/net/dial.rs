//! Our own attempts at connecting.
//!
//! 1. A dial has `setup_time` in all: waiting for its predecessor to be gone, name lookup, EPMD, TCP, handshake, second attempts.
//! 2. Is the peer in a handshake with us already (by the name it says), it gets [`PATIENCE`] to finish before we dial.
//! 3. Told `nok`, or losing its socket while the peer's own handshake with us runs, a dial waits for that; it dials again after `nok` when
//!    nothing came for [`PATIENCE`].
//! 4. A dial that failed keeps the next one to that node waiting for [`BACK_OFF`], so that whoever sends to a dead node in a loop asks for
//!    it a few times a second. What is sent meanwhile is queued, and the peer itself may come.
//! 5. When somebody else claims the connection, or it is closed, the dial just stops.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use kista_dist::handshake::{Event, HandshakeError, Initiator, Peer, Status};
use kista_etf::Atom;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::claim::Claim;
use super::connection::Phase;
use super::error::DialError;
use super::{Connection, Net};
use crate::epmd;

const PATIENCE: Duration = Duration::from_millis(500);
/// Between the failure of a dial and the beginning of the next one to the same node.
const BACK_OFF: Duration = Duration::from_millis(250);
/// Most failures that are remembered.
const FAILURES: usize = 1024;

/// Nodes that could not be reached a moment ago.
#[derive(Default)]
pub(super) struct Failures(Mutex<FxHashMap<Atom, Instant>>);

impl Failures {
    fn note(&self, node: Atom) {
        let mut failures = self.0.lock();
        if failures.len() >= FAILURES {
            failures.retain(|_, at| at.elapsed() < BACK_OFF);
        }
        if failures.len() < FAILURES {
            failures.insert(node, Instant::now());
        }
    }

    /// When `node` may be dialled again.
    fn until(&self, node: Atom) -> Option<Instant> {
        self.0.lock().remove(&node).map(|at| at + BACK_OFF)
    }
}

pub(super) async fn run(net: Arc<Net>, connection: Arc<Connection>) {
    let attempt = tokio::time::timeout(net.config.setup_time, attempts(&net, &connection));
    let result = tokio::select! {
        biased;
        // Claimed by an accepted socket, or closed.
        () = connection.reached(Phase::Claimed) => Err(DialError::Kept),
        () = net.stopping() => Err(DialError::Kept),
        result = attempt => result.unwrap_or(Err(DialError::Timeout)),
    };
    connection.dialling.store(false, SeqCst);
    let Some(claim) = Claim::take(&net, &connection) else {
        return;
    };
    match result {
        Ok(done) => claim.establish(done.socket, &done.peer, done.leftover, true),
        Err(error) => {
            let text = match connection.why() {
                Some(why) => why.detail.clone(),
                None => {
                    net.failures.note(connection.peer());
                    error.to_string()
                }
            };
            claim.fail(text);
        }
    }
}

struct Done {
    socket: TcpStream,
    peer: Peer,
    leftover: Vec<u8>,
}

async fn attempts(net: &Net, connection: &Connection) -> Result<Done, DialError> {
    connection.predecessors_gone().await;
    if let Some(at) = net.failures.until(connection.peer()) {
        tokio::time::sleep_until(at.into()).await;
    }
    let name = connection.peer().as_str();
    loop {
        // Said before looking: either we see the peer's handshake, or it sees our dial.
        connection.dialling.store(true, SeqCst);
        if net.has_incoming(name) {
            connection.dialling.store(false, SeqCst);
            net.incoming_over(name, PATIENCE).await;
            connection.dialling.store(true, SeqCst);
        }
        let result = attempt(net, connection).await;
        connection.dialling.store(false, SeqCst);
        let error = match result {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let nok = matches!(
            error,
            DialError::Handshake(HandshakeError::Nok) | DialError::Kept
        );
        if nok {
            // The peer's own attempt comes, or has just come.
            tokio::time::sleep(PATIENCE).await;
        }
        // If it succeeds we do not come back from here.
        net.incoming_over(name, net.config.setup_time).await;
        if !nok {
            return Err(error);
        }
    }
}

/// One attempt, from the name to the end of the handshake.
async fn attempt(net: &Net, connection: &Connection) -> Result<Done, DialError> {
    let (alive, host) = connection
        .peer()
        .as_str()
        .split_once('@')
        .unwrap_or_default();
    let mut last = None;
    for ip in resolve(host).await? {
        let port = match net.epmd.peers_port() {
            Some(epmd_port) => match epmd::lookup(SocketAddr::new(ip, epmd_port), alive).await {
                Ok(port) => port,
                Err(error) => {
                    last = Some(error.into());
                    continue;
                }
            },
            None => *net.config.ports.start(),
        };
        if port == 0 {
            return Err(DialError::NoPort);
        }
        let address = SocketAddr::new(ip, port);
        match TcpStream::connect(address).await {
            Ok(socket) => return handshake(net, connection, socket).await,
            Err(source) => {
                last = Some(DialError::Connect {
                    address: address.to_string(),
                    source,
                });
            }
        }
    }
    Err(last.unwrap_or(DialError::Timeout))
}

/// The addresses of a host part, version 4 first: EPMD and nodes usually listen there.
async fn resolve(host: &str) -> Result<Vec<std::net::IpAddr>, DialError> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![ip]);
    }
    let failed = |source| DialError::Resolve {
        host: host.to_owned(),
        source,
    };
    let mut ips: Vec<_> = tokio::net::lookup_host((host, 0))
        .await
        .map_err(failed)?
        .map(|a| a.ip())
        .collect();
    ips.sort_by_key(|ip| ip.is_ipv6());
    ips.dedup();
    Ok(ips)
}

async fn handshake(
    net: &Net,
    connection: &Connection,
    mut socket: TcpStream,
) -> Result<Done, DialError> {
    let _ = socket.set_nodelay(true);
    let name = connection.peer().as_str();
    let config = net.handshake_config().map_err(|_| DialError::Random)?;
    let mut machine = Initiator::new(
        Instant::now(),
        config,
        name,
        net.config.cookie_for(name).clone(),
    );
    let mut buffer = [0; 2048];
    loop {
        let output = machine.take_output();
        if !output.is_empty() {
            socket.write_all(&output).await?;
        }
        let n = socket.read(&mut buffer).await?;
        if n == 0 {
            return Err(DialError::Closed);
        }
        let result = machine.receive(Instant::now(), &buffer[..n]);
        if let Err(error) = result {
            let _ = socket.write_all(&machine.take_output()).await;
            return Err(error.into());
        }
        while let Some(event) = machine.next_event() {
            match event {
                Event::Status(Status::Alive) => {
                    // The peer's old connection is dead to us unless somebody claimed ours meanwhile.
                    let replace = !connection.is_claimed();
                    machine.answer_alive(replace)?;
                    if !replace {
                        let _ = socket.write_all(&machine.take_output()).await;
                        return Err(DialError::Kept);
                    }
                }
                Event::Established(peer) => {
                    let leftover = machine.leftover();
                    return Ok(Done {
                        socket,
                        peer,
                        leftover,
                    });
                }
                _ => {}
            }
        }
    }
}
