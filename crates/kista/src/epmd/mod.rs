//! EPMD, the port mapper: being found, and finding others.
//!
//! 1. A node registers over a connection to the EPMD of its own host (127.0.0.1, else ::1) and keeps that connection: its end is the only way
//!    to unregister; a stop waits for that.
//! 2. Where there is no EPMD, [`EpmdMode`] says what to do: start the program, or serve in this process ([`Server`]).
//! 3. When the connection to EPMD ends, the node registers again, at most [`RETRY`] apart, for ever. The first creation is kept: the node
//!    is still the same incarnation. The first second is left to whoever restarts EPMD; then rule 2 applies anew.
//! 4. What serves here goes on until this node stops; others re-register then, with whoever owns the port next.

mod client;
mod server;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::net::NetConfig;
use client::{Registration, register};
pub(crate) use client::{lookup, names, names_and_ports};
use server::Server;

/// Where a node registers its name.
///
/// ```
/// assert_eq!(kista::EpmdMode::default(), kista::EpmdMode::Auto);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EpmdMode {
    /// With the EPMD that runs on this host; else start `epmd -daemon` if it is on the `PATH`; else serve in this process.
    #[default]
    Auto,
    /// Only with one that runs.
    Running,
    /// With one that runs, else start `epmd -daemon`.
    Spawn,
    /// With one that runs, else serve in this process.
    Embedded,
    /// Not at all, as `erl -start_epmd false -erl_epmd_port P`: the node listens on the first port of its range, and expects every
    /// peer on the same.
    Off,
}

/// What a node's name is registered with at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EpmdInUse {
    /// An EPMD that was running.
    Running,
    /// The `epmd` program, started by this node. It goes on when the node ends, as Erlang's does.
    Spawned,
    /// This process.
    Embedded,
    /// Nothing: EPMD is off, or lost and not yet back.
    None,
}

/// Why EPMD could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EpmdError {
    /// Nobody answers.
    #[error("no EPMD at {address}: {source}")]
    Unreachable {
        /// Where it was looked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A living node has that name.
    #[error(
        "EPMD at {address} refused the name {name:?}: a node of that name is running, or the name is not accepted"
    )]
    Refused {
        /// The EPMD.
        address: SocketAddr,
        /// The part of the node's name before the `@`.
        name: String,
    },
    /// No such node.
    #[error("EPMD at {address} knows no node {name:?}")]
    NotRegistered {
        /// The EPMD.
        address: SocketAddr,
        /// The part of the node's name before the `@`.
        name: String,
    },
    /// The peer speaks no protocol version that we do.
    #[error("node {name:?} speaks another version of the distribution protocol")]
    Version {
        /// The part of the node's name before the `@`.
        name: String,
    },
    /// What answers there is no EPMD.
    #[error("what answers at {address} is no EPMD: {why}")]
    Protocol {
        /// Where.
        address: SocketAddr,
        /// What is wrong.
        why: String,
    },
    /// The program could not be started.
    #[error(
        "cannot start epmd: {0}; install Erlang's epmd, or let the node serve in its place (EpmdMode::Embedded)"
    )]
    Spawn(io::Error),
    /// The port could not be listened on.
    #[error("cannot serve as EPMD on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

impl EpmdError {
    /// Nobody there, as opposed to somebody who says no.
    fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// How long a stop waits for EPMD to take the name back.
const UNREGISTER: Duration = Duration::from_secs(1);
/// Between two attempts at registering again.
const RETRY: Duration = Duration::from_millis(500);
/// How long a lost EPMD is left to whoever restarts it, before it is replaced.
const GRACE: Duration = Duration::from_secs(1);

/// A node's side of EPMD.
pub(crate) struct Epmd {
    shared: Arc<Shared>,
    creation: Option<u32>,
    /// The registration's connection, until the task that keeps it takes it over.
    socket: Mutex<Option<TcpStream>>,
    stop: watch::Sender<bool>,
    keeper: Mutex<Option<tokio::task::JoinHandle<()>>>,
}

struct Shared {
    mode: EpmdMode,
    port: u16,
    listen: Vec<IpAddr>,
    registration: Registration,
    in_use: Mutex<EpmdInUse>,
    server: Mutex<Option<Server>>,
}

impl Epmd {
    /// Registers as `config` says.
    pub(crate) async fn start(config: &NetConfig, node_port: u16) -> Result<Self, EpmdError> {
        let shared = Arc::new(Shared {
            mode: config.epmd,
            port: config.epmd_port,
            listen: config.listen.clone(),
            registration: Registration {
                name: config.name.alive().to_owned(),
                port: node_port,
                hidden: config.hidden,
            },
            in_use: Mutex::new(EpmdInUse::None),
            server: Mutex::new(None),
        });
        let (socket, creation) = if config.epmd == EpmdMode::Off {
            (None, None)
        } else {
            let (socket, creation) = shared.acquire().await?;
            (Some(socket), Some(creation))
        };
        Ok(Self {
            shared,
            creation,
            socket: Mutex::new(socket),
            stop: watch::Sender::new(false),
            keeper: Mutex::new(None),
        })
    }

    /// The creation that EPMD gave at the first registration.
    pub(crate) fn creation(&self) -> Option<u32> {
        self.creation
    }

    pub(crate) fn in_use(&self) -> EpmdInUse {
        *self.shared.in_use.lock()
    }

    /// Keeps the registration from now on (rule 3).
    pub(crate) fn keep_alive(&self, runtime: &tokio::runtime::Handle) {
        let Some(socket) = self.socket.lock().take() else {
            return;
        };
        let mut stop = self.stop.subscribe();
        let shared = Arc::clone(&self.shared);
        let keeper = runtime.spawn(async move {
            let mut socket = Some(socket);
            tokio::select! {
                biased;
                _ = stop.wait_for(|stopped| *stopped) => {}
                () = shared.keep(&mut socket) => {}
            }
            if let Some(socket) = socket {
                unregister(socket).await;
            }
        });
        *self.keeper.lock() = Some(keeper);
    }

    /// Unregisters, and stops serving.
    pub(crate) async fn stop(&self) {
        self.stop.send_replace(true);
        let unkept = self.socket.lock().take();
        if let Some(socket) = unkept {
            unregister(socket).await;
        }
        let keeper = self.keeper.lock().take();
        if let Some(keeper) = keeper {
            let _ = keeper.await;
        }
        let server = self.shared.server.lock().take();
        drop(server);
        *self.shared.in_use.lock() = EpmdInUse::None;
    }
}

impl Shared {
    /// Registers, by whatever the mode allows. Gives the connection that keeps the name, and the creation.
    async fn acquire(&self) -> Result<(TcpStream, u32), EpmdError> {
        let error = match self.register_with_running().await {
            Err(error) if error.is_unreachable() => error,
            done => return done,
        };
        let may_spawn = matches!(self.mode, EpmdMode::Auto | EpmdMode::Spawn);
        let may_serve = matches!(self.mode, EpmdMode::Auto | EpmdMode::Embedded);
        let mut error = error;
        if may_spawn {
            match self.spawn().await {
                Ok(done) => return Ok(done),
                Err(e) => error = e,
            }
        }
        if may_serve {
            return self.serve().await;
        }
        Err(error)
    }

    async fn register_with_running(&self) -> Result<(TcpStream, u32), EpmdError> {
        let done = register(self.port, &self.registration).await?;
        let mut in_use = self.in_use.lock();
        let own = match *in_use {
            _ if self.server.lock().is_some() => EpmdInUse::Embedded,
            EpmdInUse::Spawned => EpmdInUse::Spawned,
            _ => EpmdInUse::Running,
        };
        *in_use = own;
        Ok(done)
    }

    /// Starts the program, and registers with it as soon as it answers.
    async fn spawn(&self) -> Result<(TcpStream, u32), EpmdError> {
        let mut command = std::process::Command::new("epmd");
        command
            .arg("-daemon")
            .env("ERL_EPMD_PORT", self.port.to_string());
        if !self.listen.iter().any(IpAddr::is_unspecified)
            && std::env::var_os("ERL_EPMD_ADDRESS").is_none()
        {
            // It listens on loopback beside that in any case.
            let addresses: Vec<_> = self.listen.iter().map(IpAddr::to_string).collect();
            command.env("ERL_EPMD_ADDRESS", addresses.join(","));
        }
        let null = std::process::Stdio::null;
        command.stdin(null()).stdout(null()).stderr(null());
        let running = tokio::task::spawn_blocking(move || command.status());
        let ended = tokio::time::timeout(Duration::from_secs(3), running).await;
        match ended {
            Ok(Ok(Ok(status))) if status.success() => {}
            Ok(Ok(Err(error))) => return Err(EpmdError::Spawn(error)),
            Ok(Ok(Ok(status))) => {
                return Err(EpmdError::Spawn(io::Error::other(format!(
                    "it ended with {status}"
                ))));
            }
            _ => return Err(EpmdError::Spawn(io::ErrorKind::TimedOut.into())),
        }
        let mut tries = 0;
        loop {
            match register(self.port, &self.registration).await {
                Err(error) if error.is_unreachable() && tries < 40 => tries += 1,
                Err(error) => return Err(error),
                Ok(done) => {
                    *self.in_use.lock() = EpmdInUse::Spawned;
                    tracing::info!(port = self.port, "started epmd");
                    return Ok(done);
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Serves in this process, and registers there.
    async fn serve(&self) -> Result<(TcpStream, u32), EpmdError> {
        if self.server.lock().is_none() {
            match Server::start(&self.listen, self.port) {
                Ok(server) => {
                    *self.server.lock() = Some(server);
                    tracing::info!(port = self.port, "serving as EPMD in this process");
                }
                // Somebody was faster.
                Err(EpmdError::Bind { source, .. })
                    if source.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
        self.register_with_running().await
    }

    /// Holds the registration, and renews it when it is lost: then there is no socket for a while. Never returns.
    async fn keep(&self, kept: &mut Option<TcpStream>) {
        loop {
            if let Some(socket) = kept {
                wait_for_end(socket).await;
            }
            *kept = None;
            let in_use = std::mem::replace(&mut *self.in_use.lock(), EpmdInUse::None);
            tracing::warn!(port = self.port, ?in_use, "EPMD is gone; registering again");
            let lost = tokio::time::Instant::now();
            let mut failures = 0u32;
            let socket = loop {
                // Who was just stopped may not have closed its port yet.
                tokio::time::sleep(if failures == 0 {
                    Duration::from_millis(100)
                } else {
                    RETRY
                })
                .await;
                let result = if lost.elapsed() < GRACE {
                    self.register_with_running().await
                } else {
                    self.acquire().await
                };
                match result {
                    Ok((socket, _later_creation_is_ignored)) => break socket,
                    Err(error) => {
                        failures += 1;
                        if failures == 4 || failures.is_multiple_of(60) {
                            tracing::warn!(%error, failures, "not registered with EPMD: no new peer finds this node");
                        }
                    }
                }
            };
            *kept = Some(socket);
            tracing::info!(port = self.port, in_use = ?*self.in_use.lock(), "registered with EPMD again");
        }
    }
}

/// EPMD says nothing on a registered connection; whatever ends it is its end.
async fn wait_for_end(socket: &mut TcpStream) {
    use tokio::io::AsyncReadExt as _;
    let mut buffer = [0; 64];
    while socket.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
}

/// Gives the name up, and waits until EPMD has taken it back: it closes its side then. So a node that stopped can be started at once.
async fn unregister(mut socket: TcpStream) {
    use tokio::io::AsyncWriteExt as _;
    let done = async {
        if socket.shutdown().await.is_ok() {
            wait_for_end(&mut socket).await;
        }
    };
    // One that stands still is not waited for.
    let _ = tokio::time::timeout(UNREGISTER, done).await;
}

/// Where this host's EPMD is looked for.
fn local(port: u16) -> [SocketAddr; 2] {
    [
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
        SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), port),
    ]
}
