//! Our own attempts at connecting.
//!
//! 1. A dial has `setup_time` in all: waiting for its predecessor to be gone, name lookup, EPMD, TCP, handshake, second attempts.
//! 2. Is the peer in a handshake with us already (by the name it says), it gets [`PATIENCE`] to finish before we dial.
//! 3. Told `nok`, or losing its socket while the peer's own handshake with us runs, a dial waits for that; it dials again after `nok` when
//!    nothing came for [`PATIENCE`].
//! 4. A dial that failed keeps the next one to that node waiting for [`BACK_OFF`], so that whoever sends to a dead node in a loop asks for
//!    it a few times a second. What is sent meanwhile is queued, and the peer itself may come.
//! 5. When somebody else claims the connection, or it is closed, the dial just stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use kista_dist::handshake::{
    Config as HandshakeConfig, Cookie, Event, HandshakeError, Initiator, Peer, READ_SIZE, Status,
};
use kista_etf::Atom;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::net::TcpStream;
use tokio::sync::OwnedMutexGuard;

use super::claim::Claim;
use super::connection::Phase;
use super::error::DialError;
use super::named::Introduction;
use super::resolve::{ResolveError, Resolver};
use super::socket::Socket;
use super::static_route::Routes;
use super::transport::Transport;
use super::{Connection, Net};

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
    let in_tls = AtomicBool::new(false);
    let attempt = tokio::time::timeout(net.config.setup_time, attempts(&net, &connection, &in_tls));
    let result = tokio::select! {
        biased;
        // Claimed by an accepted socket, or closed.
        () = connection.reached(Phase::Claimed) => Err(DialError::Kept),
        () = net.stopping() => Err(DialError::Kept),
        result = attempt => result.unwrap_or_else(|_| Err(DialError::out_of_time(&in_tls))),
    };
    connection.dialling.store(false, SeqCst);
    let Some(claim) = Claim::take(&net, &connection) else {
        return;
    };
    match result {
        Ok(done) => {
            if done.asking.is_some() {
                net.name_given(&connection, &done.peer);
            }
            claim.establish(done.socket, &done.peer, done.leftover, true, None);
        }
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

pub(super) struct Done {
    pub(super) socket: Socket,
    pub(super) peer: Peer,
    pub(super) leftover: Vec<u8>,
    /// The peer gave this node its name.
    asking: Option<OwnedMutexGuard<()>>,
}

async fn attempts(
    net: &Net,
    connection: &Connection,
    in_tls: &AtomicBool,
) -> Result<Done, DialError> {
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
        let result = attempt(net, connection, in_tls).await;
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
async fn attempt(
    net: &Net,
    connection: &Connection,
    in_tls: &AtomicBool,
) -> Result<Done, DialError> {
    let name = connection.peer().as_str();
    let own = &net.config.transport;
    let socket = reach(&net.routes, &*net.resolver, own, name, in_tls).await?;
    let introduction = net.introduction().await;
    let config = introduction.config(net)?;
    // The peer's old connection is dead to us unless somebody claimed ours meanwhile.
    let replace = || !connection.is_claimed();
    let cookie = net.cookie_for(name);
    let mut done = handshake(config, name, cookie, socket, replace, Instant::now()).await?;
    if let Introduction::Asking(asking) = introduction {
        done.asking = Some(asking);
    }
    Ok(done)
}

/// A socket to where `node` should be, on which what its route says is spoken, else what this node speaks: by its static route, else by what
/// the resolver says.
pub(super) async fn reach(
    routes: &Routes,
    resolver: &dyn Resolver,
    own: &Transport,
    node: &str,
    in_tls: &AtomicBool,
) -> Result<Socket, DialError> {
    let (alive, host) = node.split_once('@').unwrap_or_default();
    let addresses = match routes.addresses(node).await? {
        Some(addresses) => addresses,
        None => resolver.resolve(alive, host).await?,
    };
    let mut last = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(tcp) => {
                let transport = routes.transport(node);
                let transport = transport.as_ref().unwrap_or(own);
                return transport.connect(tcp, host, in_tls).await;
            }
            Err(source) => {
                last = Some(DialError::Connect {
                    address: address.to_string(),
                    source,
                });
            }
        }
    }
    Err(last.unwrap_or_else(|| {
        let node = node.to_owned();
        ResolveError::Unknown { node }.into()
    }))
}

/// The initiator's handshake with `name`; `replace` says whether a connection that the peer still has shall give way to this one.
pub(super) async fn handshake(
    mut config: HandshakeConfig,
    name: &str,
    cookie: Cookie,
    socket: Socket,
    replace: impl Fn() -> bool,
    now: Instant,
) -> Result<Done, DialError> {
    config.width = socket.length_width();
    let mut machine = Initiator::new(now, config, name, cookie);
    let mut buffer = [0; READ_SIZE];
    let mut first = true;
    loop {
        let output = machine.take_output();
        if !output.is_empty() {
            socket.write_all(&output).await?;
        }
        let n = socket.read(&mut buffer).await?;
        if n == 0 {
            return Err(DialError::Closed);
        }
        if std::mem::take(&mut first) && socket.speaks_tls(&buffer[..n]) {
            return Err(DialError::SpeaksTls);
        }
        let result = machine.receive(Instant::now(), &buffer[..n]);
        if let Err(error) = result {
            let _ = socket.write_all(&machine.take_output()).await;
            return Err(error.into());
        }
        while let Some(event) = machine.next_event() {
            match event {
                Event::Status(Status::Alive) => {
                    let replace = replace();
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
                        asking: None,
                    });
                }
                _ => {}
            }
        }
    }
}
