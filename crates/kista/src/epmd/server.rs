//! EPMD served in this process, for hosts without one.
//!
//! 1. It listens on loopback, and on the node's own addresses if those are others. Only who comes by loopback may register.
//! 2. Connections that hold no name have [`REQUEST_TIME`](kista_dist::epmd::REQUEST_TIME) and are at most [`WAITING`], where a newcomer pushes
//!    out who has waited longest without a word ([`Gate`]); those that hold one are bounded by the registry.
//! 3. Dropping the server closes everything, and with it frees all names.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kista_dist::epmd::{READ_SIZE, Registry, RegistryLimits, ServerConnection};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::{EpmdError, wait_for_end};
use crate::net::{Gate, Pass, bind};

/// Most connections that wait for a request or an answer, and how many of them from one address that is not loopback.
const WAITING: usize = 256;
const SHARE: usize = 32;

/// A running server; dropping it ends it.
pub(super) struct Server {
    stop: watch::Sender<bool>,
}

struct Shared {
    registry: Mutex<Registry>,
    waiting: Arc<Gate>,
    stop: watch::Receiver<bool>,
}

impl Server {
    pub(super) fn start(listen: &[IpAddr], port: u16) -> Result<Self, EpmdError> {
        let mut listeners = Vec::new();
        for (ip, needed) in addresses(listen) {
            let address = SocketAddr::new(ip, port);
            match bind(address) {
                Ok(listener) => listeners.push(listener),
                Err(source) if needed => return Err(EpmdError::Bind { address, source }),
                // A host without IPv6.
                Err(_) => {}
            }
        }
        let (stop, stopped) = watch::channel(false);
        let seed = getrandom::u32()
            .unwrap_or_else(|_| std::process::id())
            .max(4);
        let shared = Arc::new(Shared {
            registry: Mutex::new(Registry::new(port, seed, RegistryLimits::default())),
            waiting: Gate::new(WAITING, SHARE),
            stop: stopped,
        });
        for listener in listeners {
            tokio::spawn(accept(Arc::clone(&shared), listener));
        }
        Ok(Self { stop })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Where to listen, and whether it must be possible.
fn addresses(listen: &[IpAddr]) -> Vec<(IpAddr, bool)> {
    if let Some(&all) = listen.iter().find(|ip| ip.is_unspecified()) {
        return vec![(all, true)];
    }
    let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let mut addresses: Vec<_> = listen.iter().map(|&ip| (ip, true)).collect();
    // Nodes register by one of the two; the other may be what others look at.
    if !listen.contains(&v4) {
        addresses.push((v4, listen != [v6]));
    }
    if listen == [v4] {
        addresses.push((v6, false));
    }
    addresses
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut stop = shared.stop.clone();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((socket, from)) => {
                    // Beyond the share: closed at once.
                    if let Some(pass) = shared.waiting.enter(from.ip()) {
                        tokio::spawn(serve(Arc::clone(&shared), socket, from, pass));
                    }
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    tokio::select! {
        biased;
        _ = stop.wait_for(|stopped| *stopped) => {}
        () = accepting => {}
    }
}

async fn serve(shared: Arc<Shared>, mut socket: TcpStream, from: SocketAddr, pass: Pass) {
    let loopback = from.ip().to_canonical().is_loopback();
    let mut held = Held {
        connection: Some(ServerConnection::new(Instant::now(), loopback)),
        shared: &shared,
    };
    let mut stop = shared.stop.clone();
    let registered = tokio::select! {
        biased;
        _ = stop.wait_for(|stopped| *stopped) => false,
        registered = answer(&mut held, &mut socket) => registered.unwrap_or(false),
        () = pass.pushed_out() => false,
    };
    drop(pass);
    if registered {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stopped| *stopped) => {}
            () = wait_for_end(&mut socket) => {}
        }
    }
}

/// Hears and answers the one request of a connection; whether it holds a name now.
async fn answer(held: &mut Held<'_>, socket: &mut TcpStream) -> io::Result<bool> {
    let Some(connection) = held.connection.as_mut() else {
        return Ok(false);
    };
    let mut buffer = [0; READ_SIZE];
    while let Some(at) = connection.deadline() {
        let n = tokio::time::timeout_at(at.into(), socket.read(&mut buffer)).await??;
        if n == 0 {
            return Ok(false);
        }
        connection.receive(&buffer[..n], &mut held.shared.registry.lock());
        let output = connection.take_output();
        if !output.is_empty() {
            tokio::time::timeout(kista_dist::epmd::REQUEST_TIME, socket.write_all(&output))
                .await??;
        }
        // A KILL that was granted frees nothing here: this process is a node, and goes on.
        if connection.is_closing() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A connection whose name is freed however its task ends.
struct Held<'a> {
    connection: Option<ServerConnection>,
    shared: &'a Shared,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.closed(&mut self.shared.registry.lock());
        }
    }
}
