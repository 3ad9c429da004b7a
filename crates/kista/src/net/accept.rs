//! Connections from outside, from the accept to the proved cookie.
//!
//! 1. The loop only accepts, takes a place at the gate, and starts a task. Out of file descriptors, it pauses and goes on.
//! 2. What a socket says before the cookie is proved changes nothing but a counter under its name ([`Incoming`]) and, if it is the lesser name's
//!    turn, the answer it gets.
//! 3. With the cookie proved: a pending entry of that name is claimed (our own dial stops); an entry that is up is ended, and its end
//!    awaited, before the peer gets its digest; if that entry is our own dial, which won meanwhile by the rule of names, the newcomer goes.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use kista_dist::handshake::{Acceptor, Decision, Event, HandshakeError, READ_SIZE, simultaneous};
use kista_etf::Atom;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

use super::claim::Claim;
use super::connection::Phase;
use super::gate::Pass;
use super::given_names::{Given, Offer};
use super::socket::Socket;
use super::transport::Transport;
use super::{Connection, Net};

#[derive(Debug, Error)]
pub(super) enum AcceptError {
    #[error("{0}")]
    Handshake(#[from] HandshakeError),
    #[error("handshake: {0}")]
    Io(#[from] io::Error),
    #[cfg(feature = "tls")]
    #[error("{0}")]
    Tls(#[from] crate::tls::Failure),
    #[error("the peer speaks TLS, and this is a port for plain distribution")]
    SpeaksTls,
    #[error("the route to that node is over TLS, and it came without")]
    WithoutTls,
    #[error("closed by the peer in the handshake")]
    Closed,
    #[error("handshake not finished in time")]
    Timeout,
    #[error("pushed out by newer unauthenticated connections")]
    PushedOut,
    #[error("this node's own connection to it was made at the same time")]
    Lost,
    #[error("the system's random source failed")]
    Random,
}

/// The accept loop, which counts from now on.
pub(super) fn run(
    net: Arc<Net>,
    listener: TcpListener,
    transport: Transport,
) -> impl Future<Output = ()> {
    let accepting = Accepting::begin(net);
    async move {
        let net = &accepting.0;
        let accept = async {
            loop {
                match listener.accept().await {
                    Ok((socket, from)) => admit(net, &transport, socket, from),
                    Err(error) => {
                        // Out of descriptors, or the peer was gone already.
                        tracing::warn!(node = %net.name, %error, "accept failed");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        };
        tokio::select! {
            biased;
            () = net.stopping() => {}
            () = accept => {}
        }
    }
}

/// Counts an accept loop while it runs, however it ends.
struct Accepting(Arc<Net>);

impl Accepting {
    fn begin(net: Arc<Net>) -> Self {
        net.accepting.fetch_add(1, Relaxed);
        Self(net)
    }
}

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.accepting.fetch_sub(1, Relaxed);
    }
}

fn admit(net: &Arc<Net>, transport: &Transport, socket: TcpStream, from: SocketAddr) {
    match net.gate.enter(from.ip()) {
        Some(pass) => {
            let net = Arc::clone(net);
            tokio::spawn(serve(net, transport.clone(), socket, from, pass));
        }
        None => net.log.closed(
            net.name.as_str(),
            from,
            "too many unauthenticated connections from this address",
        ),
    }
}

async fn serve(
    net: Arc<Net>,
    transport: Transport,
    socket: TcpStream,
    from: SocketAddr,
    pass: Pass,
) {
    // For the log: unproved.
    let said = OnceLock::new();
    let shaking = handshake(&net, &transport, socket, &pass, &said);
    let result = tokio::select! {
        biased;
        () = net.stopping() => return,
        result = tokio::time::timeout(net.config.setup_time, shaking) => result.unwrap_or(Err(AcceptError::Timeout)),
        () = pass.pushed_out() => Err(AcceptError::PushedOut),
    };
    match &result {
        Ok(()) => net.handshakes.accepted.fetch_add(1, Relaxed),
        Err(AcceptError::Lost) => 0,
        Err(_) => net.handshakes.failed.fetch_add(1, Relaxed),
    };
    match result {
        Ok(()) => {}
        // Two nodes that dial each other are no event.
        Err(AcceptError::Lost) => {
            tracing::debug!(node = %net.name, %from, "handshake given up for our own dial")
        }
        Err(error) => match said.get() {
            Some(name) => net.log.closed(
                net.name.as_str(),
                format_args!("{from} ({name}, unproved)"),
                error,
            ),
            None => net.log.closed(net.name.as_str(), from, error),
        },
    }
}

async fn handshake(
    net: &Arc<Net>,
    transport: &Transport,
    tcp: TcpStream,
    pass: &Pass,
    said: &OnceLock<String>,
) -> Result<(), AcceptError> {
    let socket = transport.accept(tcp).await?;
    let mut config = net
        .handshake_config(net.incarnation())
        .map_err(|_| AcceptError::Random)?;
    config.width = socket.length_width();
    let mut machine = Acceptor::new(Instant::now(), config);
    let mut incoming = None;
    let mut asked_alive = false;
    let mut claim = None;
    let mut offer: Option<Offer<'_>> = None;
    let mut buffer = [0; READ_SIZE];
    let mut first = true;
    loop {
        let n = socket.read(&mut buffer).await?;
        if n == 0 {
            return Err(AcceptError::Closed);
        }
        if std::mem::take(&mut first) && socket.speaks_tls(&buffer[..n]) {
            return Err(AcceptError::SpeaksTls);
        }
        if let Err(error) = machine.receive(Instant::now(), &buffer[..n]) {
            let _ = socket.write_all(&machine.take_output()).await;
            return Err(error.into());
        }
        let mut established = None;
        while let Some(event) = machine.next_event() {
            match event {
                Event::NameReceived {
                    name, wants_name, ..
                } => {
                    pass.named();
                    let _ = said.set(name.clone());
                    if let Err(error) = net.admits(transport, &socket, &name) {
                        machine.decide(Decision::NotAllowed, net.cookie_for(&name))?;
                        let _ = socket.write_all(&machine.take_output()).await;
                        return Err(error);
                    }
                    if wants_name {
                        let is_free = |name: &str| net.is_free(name);
                        let offered = net.given_names.offer(&name, is_free);
                        offer = Some(offered.map_err(|_| AcceptError::Random)?);
                    }
                    let given = offer.as_ref().and_then(Offer::given).cloned();
                    let (name, named) = match given {
                        Some(Given { name, creation }) => {
                            (name.clone(), Some(Decision::Named { name, creation }))
                        }
                        None => (name, None),
                    };
                    let cookie = net.cookie_for(&name);
                    // Entered before the decision: either we see the dial, or the dial sees us.
                    let entered = Incoming::enter(net, name);
                    let decision = named.unwrap_or_else(|| net.decide(&entered.name));
                    net.count(&decision);
                    let refused = decision == Decision::Nok;
                    asked_alive = decision == Decision::Alive;
                    machine.decide(decision, cookie)?;
                    if refused {
                        socket.write_all(&machine.take_output()).await?;
                        return Err(AcceptError::Lost);
                    }
                    incoming = Some(entered);
                }
                Event::Verified => {
                    let Some(incoming) = &incoming else {
                        return Err(HandshakeError::OutOfTurn.into());
                    };
                    let taken = take_over(net, &incoming.name, asked_alive)?;
                    if let Some(connection) = taken.connection() {
                        connection.predecessors_gone().await;
                    }
                    claim = Some(taken);
                    machine.finish()?;
                }
                Event::Established(peer) => established = Some(peer),
                _ => {}
            }
        }
        let output = machine.take_output();
        if !output.is_empty() {
            socket.write_all(&output).await?;
        }
        if let (Some(peer), Some(claim)) = (established, claim.take()) {
            let given = offer.take().and_then(Offer::accepted);
            claim.establish(socket, &peer, machine.leftover(), false, given);
            return Ok(());
        }
    }
}

/// The proved peer's entry, claimed; an older connection is ended.
fn take_over(net: &Arc<Net>, name: &str, asked_alive: bool) -> Result<Claim, AcceptError> {
    let node = Atom::new(name).map_err(|_| HandshakeError::OutOfTurn)?;
    loop {
        let old = net.entry(node);
        if let Some(connection) = &old {
            if let Some(claim) = Claim::take(net, connection) {
                if !connection.is_closing() {
                    return Ok(claim);
                }
                // It was cut before anybody owned it: its end is carried out here.
                drop(claim);
            }
            if !asked_alive
                && connection.established().is_some_and(|e| e.by_dial)
                && net.config.name.as_str() > name
            {
                return Err(AcceptError::Lost);
            }
            connection.end(
                "connection_closed",
                "replaced by a newer connection of that node",
            );
        }
        // Not by `Net::connection`: no dial belongs to it.
        let Some(connection) = net.insert_after(node, old.as_ref()) else {
            continue;
        };
        if let Some(claim) = Claim::take(net, &connection) {
            return Ok(claim);
        }
    }
}

/// An accepted socket that said a name and has not proved it; see rule 2.
pub(super) struct Incoming {
    net: Arc<Net>,
    name: String,
}

impl Incoming {
    fn enter(net: &Arc<Net>, name: String) -> Self {
        *net.incoming.lock().entry(name.clone()).or_default() += 1;
        Self {
            net: Arc::clone(net),
            name,
        }
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        let mut incoming = self.net.incoming.lock();
        if let Some(count) = incoming.get_mut(&self.name) {
            *count -= 1;
            if *count == 0 {
                incoming.remove(&self.name);
            }
        }
        drop(incoming);
        self.net.incoming_ended.notify_waiters();
    }
}

impl Net {
    /// What a socket that says to be `name` is answered.
    fn decide(&self, name: &str) -> Decision {
        let entry = Atom::lookup(name).and_then(|node| self.entry(node));
        match entry {
            Some(c) => match c.phase() {
                Phase::Pending => {
                    simultaneous(self.config.name.as_str(), name, c.dialling.load(SeqCst))
                }
                Phase::Claimed | Phase::Up => Decision::Alive,
                Phase::Closing | Phase::Gone => Decision::Ok,
            },
            None => Decision::Ok,
        }
    }

    /// Whether a socket may say to be `name`, or of that host if it asks for a name.
    fn admits(
        &self,
        transport: &Transport,
        socket: &Socket,
        name: &str,
    ) -> Result<(), AcceptError> {
        let over_tls = self.routes.transport(name).is_some_and(|t| t.is_tls());
        if over_tls && !transport.is_tls() {
            return Err(AcceptError::WithoutTls);
        }
        let host = name.split_once('@').map_or(name, |(_, host)| host);
        transport.admits(socket, host)
    }

    fn count(&self, decision: &Decision) {
        let counter = match decision {
            Decision::Nok => &self.handshakes.nok,
            Decision::OkSimultaneous => &self.handshakes.ok_simultaneous,
            Decision::Alive => &self.handshakes.alive,
            _ => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Whether no node of that name is connected, or about to be.
    fn is_free(&self, name: &str) -> bool {
        let entry = Atom::lookup(name).and_then(|node| self.entry(node));
        entry.is_none() && !self.has_incoming(name)
    }

    /// A new entry for `node` in the place of `old`; `None` if the entry is another one by now.
    pub(super) fn insert_after(
        self: &Arc<Self>,
        node: Atom,
        old: Option<&Arc<Connection>>,
    ) -> Option<Arc<Connection>> {
        let mut table = self.table.lock();
        if let Some(current) = table.get(&node)
            && old.is_none_or(|old| old.id() != current.id())
        {
            return None;
        }
        let connection =
            Connection::new(self.next_id.fetch_add(1, Relaxed), node, self, old.cloned());
        table.insert(node, Arc::clone(&connection));
        Some(connection)
    }

    /// Whether an accepted socket of that (unproved) name is in a handshake.
    pub(super) fn has_incoming(&self, name: &str) -> bool {
        self.incoming.lock().contains_key(name)
    }

    /// Returns when no accepted socket of that (unproved) name is in a handshake, after `limit` at the latest.
    pub(super) async fn incoming_over(&self, name: &str, limit: Duration) {
        let over = async {
            loop {
                let ended = self.incoming_ended.notified();
                tokio::pin!(ended);
                ended.as_mut().enable();
                if !self.has_incoming(name) {
                    return;
                }
                ended.await;
            }
        };
        let _ = tokio::time::timeout(limit, over).await;
    }
}
