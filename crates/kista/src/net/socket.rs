//! The socket of a connection, from the first byte of the handshake to the last: for all others in this module it is bytes in and bytes
//! out, whatever is spoken on the wire.
//!
//! 1. Nothing here blocks a thread. What is tried (`try_*`) says [`WouldBlock`](io::ErrorKind::WouldBlock); then wait for
//!    [`Socket::readable`] or [`Socket::writable`].
//! 2. One task reads, and one writes at a time (under the connection's `wire` lock).
//! 3. Bytes that were taken and did not leave yet are kept here, to be written before all others: see [`Socket::try_flush`].

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};

use bytes::BufMut;
use kista_dist::handshake::LengthWidth;
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::stats::TlsInfo;
#[cfg(feature = "tls")]
use super::tls_socket::{TlsSocket, Way};

pub(super) enum Socket {
    Plain(TcpStream),
    #[cfg(feature = "tls")]
    Tls(Box<TlsSocket>),
}

impl Socket {
    /// How lengths are written in a handshake on this socket.
    pub(super) fn length_width(&self) -> LengthWidth {
        match self {
            Self::Plain(_) => LengthWidth::U16,
            #[cfg(feature = "tls")]
            Self::Tls(_) => LengthWidth::U32,
        }
    }

    /// What the TLS is, if it is TLS.
    pub(super) fn tls(&self) -> Option<TlsInfo> {
        match self {
            Self::Plain(_) => None,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => Some(tls.info()),
        }
    }

    /// Whether these first bytes of somebody are TLS, where plain distribution is spoken: a record of a handshake, or an alert.
    pub(super) fn speaks_tls(&self, first: &[u8]) -> bool {
        matches!((self, first), (Self::Plain(_), [22 | 21, 3, ..]))
    }

    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        self.tcp().peer_addr().ok()
    }

    /// Waits for bytes; 0 at the end.
    pub(super) async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.try_read(&mut &mut *buffer) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.readable().await?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Writes all of it, for as long as that takes.
    pub(super) async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        loop {
            let tried = match bytes {
                [] => self.try_flush().map(|()| 0),
                _ => self.try_write(&[IoSlice::new(bytes)]),
            };
            match tried {
                Ok(0) if bytes.is_empty() => return Ok(()),
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }

    /// Appends what has arrived; 0 at the end.
    pub(super) fn try_read(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => try_read(tcp, buffer),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.try_read(buffer),
        }
    }

    /// Takes as many bytes as there is room for.
    pub(super) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write_vectored(slices),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.try_write(slices, Way::Scheduled),
        }
    }

    /// As [`Socket::try_write`], past the runtime: it may stand still, and with it what it knows of the socket.
    pub(super) fn try_write_unscheduled(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => SockRef::from(tcp).send_vectored(slices),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.try_write(slices, Way::Unscheduled),
        }
    }

    /// Hands over what was taken and kept; done when all of it has left.
    pub(super) fn try_flush(&self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.try_flush(),
        }
    }

    pub(super) async fn readable(&self) -> io::Result<()> {
        self.tcp().readable().await
    }

    pub(super) async fn writable(&self) -> io::Result<()> {
        self.tcp().writable().await
    }

    /// Whether bytes, an end or an error are there for the reader to find.
    pub(super) fn has_input(&self) -> bool {
        let mut one = [MaybeUninit::uninit(); 1];
        match SockRef::from(self.tcp()).peek(&mut one) {
            Ok(_) => true,
            Err(e) => e.kind() != io::ErrorKind::WouldBlock,
        }
    }

    pub(super) fn shut(&self, how: Shutdown) {
        match self {
            Self::Plain(tcp) => {
                let _ = SockRef::from(tcp).shutdown(how);
            }
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.shut(how),
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            #[cfg(feature = "tls")]
            Self::Tls(tls) => tls.tcp(),
        }
    }
}

/// Appends what has arrived; 0 at the end. What leaves room was all of it: so the next try finds nothing, without a system call, until the
/// runtime hears of more.
fn try_read(tcp: &TcpStream, buffer: &mut impl BufMut) -> io::Result<usize> {
    let room = buffer.chunk_mut().len();
    let mut short = None;
    // The readiness that this takes back is the one of before the read.
    let read = tcp.try_io(Interest::READABLE, || {
        let read = tcp.try_read_buf(buffer)?;
        if (1..room).contains(&read) {
            short = Some(read);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(read)
    });
    match short {
        Some(read) => Ok(read),
        None => read,
    }
}
