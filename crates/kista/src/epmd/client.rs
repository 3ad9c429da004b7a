//! Requests to an EPMD.

use std::net::SocketAddr;
use std::time::Duration;

use kista_dist::epmd::{AliveReply, MAX_REPLY, NamesReply, NodeInfo, PortReply, Request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{EpmdError, local};

/// What is registered.
pub(super) struct Registration {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) hidden: bool,
}

/// The time for a connection to an EPMD and its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The distribution protocol that we speak.
const VERSION: u16 = 6;

/// Registers with this host's EPMD. The name lives as long as the returned connection.
pub(super) async fn register(
    port: u16,
    registration: &Registration,
) -> Result<(TcpStream, u32), EpmdError> {
    let mut first = None;
    for address in local(port) {
        match register_at(address, registration).await {
            Err(error) if error.is_unreachable() => {
                first.get_or_insert(error);
            }
            done => return done,
        }
    }
    Err(first.unwrap_or_else(|| EpmdError::Protocol {
        address: local(port)[0],
        why: "no address to ask".to_owned(),
    }))
}

async fn register_at(
    address: SocketAddr,
    registration: &Registration,
) -> Result<(TcpStream, u32), EpmdError> {
    let info = NodeInfo::new(
        registration.name.as_str(),
        registration.port,
        registration.hidden,
    );
    let (socket, reply) = ask(address, &Request::Alive(info), |bytes, _| {
        AliveReply::decode(bytes)
    })
    .await?;
    match reply {
        AliveReply::Registered { creation } => Ok((socket, creation)),
        _ => Err(EpmdError::Refused {
            address,
            name: registration.name.clone(),
        }),
    }
}

/// The port of the node `name` (without host), as the EPMD at `address` knows it.
pub(crate) async fn lookup(address: SocketAddr, name: &str) -> Result<u16, EpmdError> {
    let request = Request::Port(name.to_owned());
    let (_, reply) = ask(address, &request, |bytes, _| PortReply::decode(bytes)).await?;
    match reply {
        PortReply::Found(info)
            if info.protocol != 0 || info.lowest > VERSION || info.highest < VERSION =>
        {
            Err(EpmdError::Version {
                name: name.to_owned(),
            })
        }
        PortReply::Found(info) if info.port != 0 => Ok(info.port),
        _ => Err(EpmdError::NotRegistered {
            address,
            name: name.to_owned(),
        }),
    }
}

/// The names that the EPMD at `address` knows.
pub(crate) async fn names(address: SocketAddr) -> Result<Vec<String>, EpmdError> {
    let names = names_and_ports(address).await?;
    Ok(names.into_iter().map(|(name, _)| name).collect())
}

/// The same, with the port of each.
pub(crate) async fn names_and_ports(address: SocketAddr) -> Result<Vec<(String, u16)>, EpmdError> {
    let (_, reply) = ask(address, &Request::Names, NamesReply::decode).await?;
    Ok(reply.names)
}

/// Sends a request and reads until `decode` has the whole reply; it is told whether the other side has closed.
async fn ask<R>(
    address: SocketAddr,
    request: &Request,
    decode: impl Fn(&[u8], bool) -> Result<Option<R>, kista_dist::epmd::EpmdError>,
) -> Result<(TcpStream, R), EpmdError> {
    let unreachable = |source| EpmdError::Unreachable { address, source };
    let protocol = |why: &str| EpmdError::Protocol {
        address,
        why: why.to_owned(),
    };
    let connected = tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await;
    let mut socket = connected
        .map_err(|e| unreachable(e.into()))?
        .map_err(unreachable)?;
    let exchange = async {
        // Ended while it was talking is as good as not there: it is being stopped.
        socket
            .write_all(&request.encode())
            .await
            .map_err(unreachable)?;
        let (mut bytes, mut closed) = (Vec::new(), false);
        loop {
            if let Some(reply) = decode(&bytes, closed).map_err(|e| protocol(&e.to_string()))? {
                return Ok(reply);
            }
            if closed {
                return Err(unreachable(std::io::ErrorKind::UnexpectedEof.into()));
            }
            if bytes.len() > MAX_REPLY {
                return Err(protocol("the reply is too long"));
            }
            let mut part = [0; 1024];
            let n = socket.read(&mut part).await.map_err(unreachable)?;
            closed = n == 0;
            bytes.extend_from_slice(&part[..n]);
        }
    };
    let reply = tokio::time::timeout(PATIENCE, exchange)
        .await
        .unwrap_or_else(|_| Err(protocol("no reply in time")))?;
    Ok((socket, reply))
}
