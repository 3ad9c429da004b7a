//! The sockets on which peers arrive.
//!
//! 1. The first address is the node's own: its port is what EPMD tells.
//! 2. Further addresses listen at the same port; further sockets wherever they were told to.
//! 3. With one address, `::` takes IPv4 too where the system does so; with several, each IPv6 socket takes IPv6 only.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use super::{NetConfig, StartError, Transport};

/// Attempts at finding one port that is free at all addresses, when the system chooses it.
const TRIES: usize = 32;

/// All listeners of a node and what is spoken at them, the node's own first; none if it is told to listen nowhere.
pub(super) fn listen(config: &NetConfig) -> Result<Vec<(TcpListener, Transport)>, StartError> {
    let mut listeners: Vec<_> = common_port(config)?
        .into_iter()
        .map(|listener| (listener, config.transport.clone()))
        .collect();
    for (address, transport) in &config.listen_at {
        let listener = bind_only(*address, true).map_err(|source| failed(*address, source))?;
        listeners.push((listener, transport.clone()));
    }
    Ok(listeners)
}

fn common_port(config: &NetConfig) -> Result<Vec<TcpListener>, StartError> {
    if config.listen.is_empty() {
        return Ok(Vec::new());
    }
    let mut last = None;
    let chosen_by_system = *config.ports.start() == 0;
    for port in config.ports.clone() {
        let tries = if port == 0 { TRIES } else { 1 };
        for _ in 0..tries {
            match at_port(&config.listen, port) {
                Ok(listeners) => return Ok(listeners),
                Err(error) => last = Some(error),
            }
        }
        if chosen_by_system {
            break;
        }
    }
    Err(last.unwrap_or_else(|| {
        let source = io::Error::new(io::ErrorKind::InvalidInput, "the port range is empty");
        let ip = config.listen[0];
        failed(SocketAddr::new(ip, *config.ports.start()), source)
    }))
}

fn at_port(ips: &[IpAddr], port: u16) -> Result<Vec<TcpListener>, StartError> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut port = port;
    for &ip in ips {
        let address = SocketAddr::new(ip, port);
        let listener =
            bind_only(address, ips.len() > 1).map_err(|source| failed(address, source))?;
        port = listener
            .local_addr()
            .map_err(|source| failed(address, source))?
            .port();
        listeners.push(listener);
    }
    Ok(listeners)
}

fn failed(address: SocketAddr, source: io::Error) -> StartError {
    StartError::Listen {
        address: address.to_string(),
        source,
    }
}

/// A listener whose port can be taken again at once after a restart.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    bind_only(address, false)
}

fn bind_only(address: SocketAddr, only_v6: bool) -> io::Result<TcpListener> {
    use socket2::{Domain, Protocol, Socket, Type};
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && only_v6 {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    socket.listen(512)?;
    TcpListener::from_std(socket.into())
}
