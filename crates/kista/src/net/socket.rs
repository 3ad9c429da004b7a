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
use tokio::net::TcpStream;

pub(super) enum Socket {
    Plain(TcpStream),
}

impl Socket {
    /// A socket on which the distribution protocol is spoken as it is.
    pub(super) fn plain(tcp: TcpStream) -> Self {
        let _ = tcp.set_nodelay(true);
        Self::Plain(tcp)
    }

    /// How lengths are written in a handshake on this socket.
    pub(super) fn length_width(&self) -> LengthWidth {
        match self {
            Self::Plain(_) => LengthWidth::U16,
        }
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
            Self::Plain(tcp) => tcp.try_read_buf(buffer),
        }
    }

    /// Takes as many bytes as there is room for.
    pub(super) fn try_write(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.try_write_vectored(slices),
        }
    }

    /// As [`Socket::try_write`], past the runtime: it may stand still, and with it what it knows of the socket.
    pub(super) fn try_write_unscheduled(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => SockRef::from(tcp).send_vectored(slices),
        }
    }

    /// Hands over what was taken and kept; done when all of it has left.
    pub(super) fn try_flush(&self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
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
        let _ = SockRef::from(self.tcp()).shutdown(how);
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
        }
    }
}
