//! A socket with TLS on it.
//!
//! 1. `session` is rustls' state machine for both directions. It is locked for a bounded piece of work without waiting: what was read
//!    (at most [`READ`] bytes), or what is written at once (about 64 KiB); so the tick thread may take it too.
//! 2. What rustls has encrypted and the socket does not take waits in the session, at most its 64 KiB and one record: nothing new is taken
//!    before that has left.
//! 3. An end of the stream without TLS' own word for it is an end all the same: what a frame lacks is noticed above, and a connection
//!    that is lost is lost.

use std::io::{self, BufRead as _, IoSlice, Write};
use std::net::Shutdown;
use std::sync::Arc;

use bytes::BufMut;
use parking_lot::Mutex;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, Connection as Session, ServerConfig, ServerConnection,
};
use socket2::SockRef;
use tokio::net::TcpStream;

use super::stats::TlsInfo;
use crate::tls::{CertNames, Failure};

/// Bytes that are read from the socket at once.
const READ: usize = 32 * 1024;
/// The same in the handshake.
const READ_IN_HANDSHAKE: usize = 1024;

pub(super) struct TlsSocket {
    tcp: TcpStream,
    session: Mutex<Session>,
    /// The reader's: what came and rustls did not get yet.
    inbound: Mutex<Inbound>,
}

/// Bytes off the socket, of which the first `taken` are done with.
#[derive(Default)]
struct Inbound {
    bytes: Vec<u8>,
    taken: usize,
}

/// By which way bytes go to the socket.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// As the runtime knows it.
    Scheduled,
    /// Past it.
    Unscheduled,
}

impl TlsSocket {
    /// The handshake of who dialled.
    pub(super) async fn connect(
        tcp: TcpStream,
        config: Arc<ClientConfig>,
        name: ServerName<'static>,
    ) -> Result<Self, Failure> {
        let session = ClientConnection::new(config, name)?;
        shake_hands(tcp, session.into()).await
    }

    /// The handshake of who was dialled.
    pub(super) async fn accept(tcp: TcpStream, config: Arc<ServerConfig>) -> Result<Self, Failure> {
        let session = ServerConnection::new(config)?;
        shake_hands(tcp, session.into()).await
    }

    pub(super) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    /// What the peer showed; there is no connection without it.
    pub(super) fn certificate(&self) -> Option<CertificateDer<'static>> {
        let session = self.session.lock();
        session.peer_certificates()?.first().cloned()
    }

    pub(super) fn info(&self) -> TlsInfo {
        let session = self.session.lock();
        let names = session.peer_certificates().and_then(<[_]>::first);
        TlsInfo {
            version: match session.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_3) => "1.3",
                _ => "1.2",
            },
            cipher_suite: session
                .negotiated_cipher_suite()
                .and_then(|suite| suite.suite().as_str())
                .unwrap_or_default(),
            peer_names: names
                .map_or_else(Vec::new, |certificate| CertNames::of(certificate).list()),
        }
    }

    /// Appends what has arrived; 0 at the end.
    pub(super) fn try_read(&self, out: &mut impl BufMut) -> io::Result<usize> {
        let mut inbound = self.inbound.lock();
        loop {
            let read = self.decrypt(&mut inbound, out);
            match read {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                result => return result,
            }
            inbound.reserve();
            if self.tcp.try_read_buf(&mut inbound.bytes)? == 0 {
                return Ok(0);
            }
        }
    }

    /// What can be had without the socket; `WouldBlock` if that is nothing.
    fn decrypt(&self, inbound: &mut Inbound, out: &mut impl BufMut) -> io::Result<usize> {
        let mut session = self.session.lock();
        let mut done = 0;
        loop {
            loop {
                let room = out.chunk_mut().len();
                let mut plain = session.reader();
                let chunk = match plain.fill_buf() {
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                    Err(e) => return some_or(done, Err(e)),
                    // The peer said that this is the end.
                    Ok([]) => return some_or(done, Ok(0)),
                    Ok(chunk) => chunk,
                };
                let n = chunk.len().min(room);
                if n == 0 {
                    return Ok(done);
                }
                out.put_slice(&chunk[..n]);
                plain.consume(n);
                done += n;
            }
            let mut rest = inbound.rest();
            if rest.is_empty() {
                return some_or(done, Err(io::ErrorKind::WouldBlock.into()));
            }
            let before = rest.len();
            session.read_tls(&mut rest)?;
            inbound.taken += before - rest.len();
            if let Err(error) = session.process_new_packets() {
                // An error stays, and comes again when asked for again. The peer may hear of it.
                let _ = flush(&mut session, &self.tcp, Way::Scheduled);
                let error = io::Error::new(io::ErrorKind::InvalidData, Failure::from(error));
                return some_or(done, Err(error));
            }
        }
    }

    /// Takes as much as there is room for, and hands it on as far as the socket takes it.
    pub(super) fn try_write(&self, slices: &[IoSlice<'_>], way: Way) -> io::Result<usize> {
        let mut session = self.session.lock();
        flush(&mut session, &self.tcp, way)?;
        let n = session.writer().write_vectored(slices)?;
        match flush(&mut session, &self.tcp, way) {
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(e),
            _ => Ok(n),
        }
    }

    pub(super) fn try_flush(&self) -> io::Result<()> {
        flush(&mut self.session.lock(), &self.tcp, Way::Scheduled)
    }

    /// New keys for what we write; the peer is asked for new ones of its own.
    #[cfg(test)]
    pub(super) fn refresh_keys(&self) {
        self.session.lock().refresh_traffic_keys().unwrap();
    }

    pub(super) fn shut(&self, how: Shutdown) {
        let mut session = self.session.lock();
        session.send_close_notify();
        let _ = flush(&mut session, &self.tcp, Way::Unscheduled);
        let _ = SockRef::from(&self.tcp).shutdown(how);
    }
}

async fn shake_hands(tcp: TcpStream, mut session: Session) -> Result<TlsSocket, Failure> {
    let mut heard = 0;
    let mut buffer = [0; READ_IN_HANDSHAKE];
    loop {
        while let Err(error) = flush(&mut session, &tcp, Way::Scheduled) {
            match error.kind() {
                io::ErrorKind::WouldBlock => tcp.writable().await?,
                _ => return Err(error.into()),
            }
        }
        if !session.is_handshaking() {
            return Ok(TlsSocket {
                tcp,
                session: Mutex::new(session),
                inbound: Mutex::default(),
            });
        }
        tcp.readable().await?;
        let n = match tcp.try_read(&mut buffer) {
            Ok(0) => return Err(Failure::Closed),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => continue,
            Err(e) => return Err(e.into()),
        };
        if heard == 0
            && let Some(failure) = Failure::of_first_bytes(&buffer[..n])
        {
            return Err(failure);
        }
        heard += n;
        if heard > Failure::MOST {
            return Err(Failure::TooLong);
        }
        let mut rest = &buffer[..n];
        while !rest.is_empty() {
            session.read_tls(&mut rest)?;
            if let Err(error) = session.process_new_packets() {
                let _ = flush(&mut session, &tcp, Way::Scheduled);
                return Err(error.into());
            }
        }
    }
}

/// What was read before the end or an error is told first.
fn some_or(done: usize, result: io::Result<usize>) -> io::Result<usize> {
    match done {
        0 => result,
        done => Ok(done),
    }
}

/// Hands everything that is encrypted to the socket.
fn flush(session: &mut Session, tcp: &TcpStream, way: Way) -> io::Result<()> {
    while session.wants_write() {
        if session.write_tls(&mut To(tcp, way))? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    Ok(())
}

impl Inbound {
    fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    /// Room for [`READ`] bytes; all that was there is taken.
    fn reserve(&mut self) {
        self.bytes.clear();
        self.taken = 0;
        self.bytes.reserve_exact(READ);
    }
}

struct To<'a>(&'a TcpStream, Way);

impl Write for To<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.1 {
            Way::Scheduled => self.0.try_write_vectored(slices),
            Way::Unscheduled => SockRef::from(self.0).send_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
