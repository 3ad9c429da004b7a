//! EPMD served in this process, for hosts without one.
//!
//! 1. It listens on loopback, and on the node's own address if that is another one. Only who comes by loopback may register.
//! 2. Connections that hold no name have [`REQUEST_TIME`](kista_dist::epmd::REQUEST_TIME) and are at most [`WAITING`]; those that hold one are
//!    bounded by the registry.
//! 3. Dropping the server closes everything, and with it frees all names.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kista_dist::epmd::{Registry, RegistryLimits, ServerConnection};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::EpmdError;
use crate::net::bind;

/// Most connections that wait for a request or an answer.
const WAITING: usize = 256;

/// A running server; dropping it ends it.
pub(super) struct Server {
    stop: watch::Sender<bool>,
}

struct Shared {
    registry: Mutex<Registry>,
    waiting: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
}

impl Server {
    pub(super) fn start(listen: IpAddr, port: u16) -> Result<Self, EpmdError> {
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
            waiting: Arc::new(Semaphore::new(WAITING)),
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
fn addresses(listen: IpAddr) -> Vec<(IpAddr, bool)> {
    let v4 = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    if listen.is_unspecified() {
        vec![(listen, true)]
    } else if listen == v4 {
        vec![(v4, true), (v6, false)]
    } else if listen == v6 {
        vec![(v6, true), (v4, false)]
    } else {
        vec![(v4, true), (listen, true)]
    }
}

async fn accept(shared: Arc<Shared>, listener: TcpListener) {
    let mut stop = shared.stop.clone();
    let accepting = async {
        loop {
            match listener.accept().await {
                Ok((socket, from)) => {
                    // Beyond the cap: closed at once.
                    if let Ok(place) = Arc::clone(&shared.waiting).try_acquire_owned() {
                        tokio::spawn(serve(Arc::clone(&shared), socket, from, place));
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

async fn serve(
    shared: Arc<Shared>,
    mut socket: TcpStream,
    from: SocketAddr,
    place: OwnedSemaphorePermit,
) {
    let loopback = from.ip().to_canonical().is_loopback();
    let mut connection = Held {
        connection: Some(ServerConnection::new(Instant::now(), loopback)),
        shared: &shared,
    };
    let mut stop = shared.stop.clone();
    tokio::select! {
        biased;
        _ = stop.wait_for(|stopped| *stopped) => {}
        _ = talk(&mut connection, &mut socket, place) => {}
    }
}

async fn talk(
    held: &mut Held<'_>,
    socket: &mut TcpStream,
    place: OwnedSemaphorePermit,
) -> io::Result<()> {
    let mut place = Some(place);
    let Some(connection) = held.connection.as_mut() else {
        return Ok(());
    };
    let mut buffer = [0; 2048];
    loop {
        let deadline = connection.deadline().map(tokio::time::Instant::from_std);
        let n = match deadline {
            Some(at) => tokio::time::timeout_at(at, socket.read(&mut buffer)).await??,
            None => socket.read(&mut buffer).await?,
        };
        if n == 0 {
            return Ok(());
        }
        connection.receive(&buffer[..n], &mut held.shared.registry.lock());
        let output = connection.take_output();
        if !output.is_empty() {
            tokio::time::timeout(kista_dist::epmd::REQUEST_TIME, socket.write_all(&output))
                .await??;
        }
        // A KILL that was granted frees nothing here: this process is a node, and goes on.
        if connection.is_closing() {
            return Ok(());
        }
        if connection.registered().is_some() {
            place = None;
        }
        let _ = &place;
    }
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
