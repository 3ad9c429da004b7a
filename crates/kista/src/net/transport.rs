//! What is spoken between TCP and the distribution protocol: nothing, or TLS.

use std::sync::atomic::AtomicBool;

use tokio::net::TcpStream;

use super::accept::AcceptError;
use super::error::DialError;
use super::socket::Socket;
#[cfg(feature = "tls")]
use {
    super::tls_socket::TlsSocket,
    crate::tls::{Failure, LiveTls, Tls, TlsError, server_name},
    std::sync::{Arc, atomic::Ordering::Relaxed},
};

/// What a route or a listener was told to speak.
#[derive(Clone, Debug, Default)]
pub(crate) enum Over {
    /// What the node speaks.
    #[default]
    Default,
    Plain,
    #[cfg(feature = "tls")]
    Tls(Tls),
}

#[derive(Clone, Default)]
pub(crate) enum Transport {
    #[default]
    Plain,
    #[cfg(feature = "tls")]
    Tls(Arc<LiveTls>),
}

impl Transport {
    /// The socket of somebody who came.
    pub(super) async fn accept(&self, tcp: TcpStream) -> Result<Socket, AcceptError> {
        tune(&tcp);
        match self {
            Self::Plain => Ok(Socket::Plain(tcp)),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => {
                let socket = TlsSocket::accept(tcp, tls.server().await).await?;
                Ok(Socket::Tls(Box::new(socket)))
            }
        }
    }

    /// The socket to a node on that host. While `under_way` is set it is for the peer to speak TLS.
    pub(super) async fn connect(
        &self,
        tcp: TcpStream,
        host: &str,
        under_way: &AtomicBool,
    ) -> Result<Socket, DialError> {
        tune(&tcp);
        match self {
            Self::Plain => {
                let _ = (host, under_way);
                Ok(Socket::Plain(tcp))
            }
            #[cfg(feature = "tls")]
            Self::Tls(tls) => {
                let name = server_name(host)?;
                under_way.store(true, Relaxed);
                let socket = TlsSocket::connect(tcp, tls.client().await, name).await?;
                under_way.store(false, Relaxed);
                Ok(Socket::Tls(Box::new(socket)))
            }
        }
    }

    /// Whether a peer that came by this socket may be a node on that host.
    pub(super) fn admits(&self, socket: &Socket, host: &str) -> Result<(), AcceptError> {
        match (self, socket) {
            #[cfg(feature = "tls")]
            (Self::Tls(tls), Socket::Tls(socket)) => match socket.certificate() {
                Some(certificate) => Ok(tls.admits(&certificate, host)?),
                None => Err(Failure::from(rustls::Error::NoCertificatesPresented).into()),
            },
            _ => {
                let _ = host;
                Ok(())
            }
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        !matches!(self, Self::Plain)
    }

    /// Reads certificates again.
    #[cfg(feature = "tls")]
    pub(crate) fn reload(&self) -> Result<(), TlsError> {
        match self {
            Self::Plain => Ok(()),
            Self::Tls(tls) => tls.reload(),
        }
    }
}

/// The most that the system takes beyond what is under way: what it took, no short message can pass any more. Half of it is still there when we
/// hear of room, so that the network does not wait for us.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 512 * 1024;

/// What every connection has. Where the system refuses it all is right, if later.
fn tune(tcp: &TcpStream) {
    let _ = tcp.set_nodelay(true);
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(tcp).set_tcp_notsent_lowat(UNSENT);
}
