//! The reader task: splits what arrives into signals and hands them to the host. It owns the end of its connection.
//!
//! 1. `Host::up` first, then the signals, then `Host::down`: all from this task.
//! 2. It never waits for anything local. A panic of the host is caught and ends the connection.
//! 3. A `from` that is not the peer's is a protocol error, as it is to OTP.
//! 4. A peer that never stops sending, such as one with a large message, has no fixed share of the runtime. After each [`TURN`] those have
//!    theirs whom its signals woke: the last of them waits for just this thread.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use bytes::BufMut as _;
use kista_dist::Control;
use kista_dist::frame::{FrameError, FrameReader, Inbound, ReaderLimits};
use kista_etf::{Atom, AtomQuota};
use thiserror::Error;

use super::connection::Phase;
use super::socket::Socket;
use super::{Connection, Host, Net, Receiver, writer};
use crate::log::Escaped;

/// What the story of a connection says when the peer left at the end of a frame, as it does when it stops.
pub(super) const LEFT: &str = "closed by the peer";

/// After so many bytes in a row others have their turn: a fraction of a millisecond.
const TURN: usize = 256 * 1024;

#[derive(Debug, Error)]
enum ReadEnd {
    #[error("{LEFT}")]
    Eof,
    #[error("read: {0}")]
    Io(#[from] io::Error),
    #[error("protocol error: {0}")]
    Frame(#[from] FrameError),
    #[error("protocol error: a signal in the name of another node")]
    ForeignSender,
    #[error("this node panicked over a signal: {0}")]
    Panic(String),
    #[error("the node is gone")]
    NoHost,
    #[error("closed by this node")]
    Closing,
}

pub(super) async fn run(
    net: Arc<Net>,
    connection: Arc<Connection>,
    socket: Arc<Socket>,
    leftover: Vec<u8>,
) {
    let Some(host) = net.host() else {
        return connection.finish(
            None,
            false,
            "connection_closed",
            &ReadEnd::NoHost.to_string(),
        );
    };
    connection.announce();
    let up = catch_unwind(AssertUnwindSafe(|| host.up(&connection)))
        .map_err(|p| ReadEnd::Panic(panic_text(&*p)));
    let end = match up {
        Err(end) => end,
        Ok(()) if !connection.set_up() => ReadEnd::Closing,
        Ok(()) => {
            tracing::debug!(
                peer = %Escaped(connection.peer()),
                creation = connection.peer_creation(),
                hidden = connection.hidden(),
                "connection up"
            );
            let writer = net
                .runtime
                .spawn(writer::run(Arc::clone(&connection), Arc::clone(&socket)));
            let end = tokio::select! {
                biased;
                end = read_all(&net, &host, &connection, &socket, &leftover) => end,
                () = connection.reached(Phase::Closing) => ReadEnd::Closing,
            };
            writer.abort();
            end
        }
    };
    // The socket is closed before anybody hears of it: a successor finds no trace of it.
    connection.end("connection_closed", &end.to_string());
    drop(socket);
    connection.finish(Some(&host), true, "connection_closed", &end.to_string());
}

async fn read_all(
    net: &Net,
    host: &Arc<dyn Host>,
    connection: &Arc<Connection>,
    socket: &Socket,
    leftover: &[u8],
) -> ReadEnd {
    let limits = &net.config.limits;
    let mut reader_limits = ReaderLimits::default();
    reader_limits.frame = limits.frame_bytes;
    reader_limits.fragment_bytes = limits.fragment_bytes;
    reader_limits.open_sequences = limits.fragment_sequences;
    let quota = AtomQuota::child(Arc::clone(&net.atoms), limits.atoms_per_connection as u64);
    let mut frames = FrameReader::new(connection.flags(), reader_limits, Arc::new(quota));
    frames.push(leftover);
    let mut receiver = Arc::clone(host).receiver(connection);
    let mut turn = 0;
    loop {
        let delivered = deliver(&mut *receiver, connection, &mut frames);
        *connection.received.lock() = frames.counters();
        if let Err(end) = delivered {
            return end;
        }
        if turn >= TURN {
            turn = 0;
            tokio::task::yield_now().await;
        } else {
            tokio::task::consume_budget().await;
        }
        let (room, most) = frames.room();
        match socket.try_read(&mut room.limit(most)) {
            Ok(0) => return ReadEnd::Eof,
            Ok(read) => {
                connection.reads.fetch_add(1, Relaxed);
                turn += read;
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                turn = 0;
                if let Err(e) = socket.readable().await {
                    return e.into();
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return e.into(),
        }
    }
}

/// Hands over everything that is whole.
fn deliver(
    receiver: &mut dyn Receiver,
    connection: &Arc<Connection>,
    frames: &mut FrameReader,
) -> Result<(), ReadEnd> {
    let peer = connection.peer();
    let renaming = connection.established().and_then(|e| e.renaming);
    let mut deliver = || {
        while let Some(inbound) = frames.next_run()? {
            match inbound {
                Inbound::Signal { control, payload } => {
                    if sender(&control).is_some_and(|node| node != peer) {
                        return Err(ReadEnd::ForeignSender);
                    }
                    let (control, payload) = match &renaming {
                        None => (control, payload),
                        Some(renaming) => (
                            control.renamed(renaming),
                            payload.map(|payload| payload.renamed(renaming)),
                        ),
                    };
                    receiver.signal(control, payload);
                    if connection.is_closing() {
                        return Err(ReadEnd::Closing);
                    }
                }
                Inbound::Run { control, run } => {
                    if sender(&control).is_some_and(|node| node != peer) {
                        return Err(ReadEnd::ForeignSender);
                    }
                    match &renaming {
                        None => receiver.run(control, run),
                        Some(renaming) => {
                            let control = control.renamed(renaming);
                            for payload in run.payloads() {
                                let payload = Some(payload.renamed(renaming));
                                receiver.signal(control.clone(), payload);
                            }
                        }
                    }
                    if connection.is_closing() {
                        return Err(ReadEnd::Closing);
                    }
                }
                Inbound::Unknown { op } => {
                    tracing::debug!(peer = %Escaped(peer), op, "unknown control message ignored");
                }
                _ => {}
            }
        }
        receiver.rest();
        Ok(())
    };
    // Costs nothing while nobody panics.
    catch_unwind(AssertUnwindSafe(&mut deliver))
        .unwrap_or_else(|p| Err(ReadEnd::Panic(panic_text(&*p))))
}

/// The node in whose name a signal acts, where that must be the peer. (A group leader may live anywhere.)
fn sender(control: &Control) -> Option<Atom> {
    match control {
        Control::GroupLeader { .. } => None,
        control => control.sender().map(|pid| pid.node),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
        .to_owned()
}
