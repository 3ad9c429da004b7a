//! What is to be seen of a connection, and of the handshakes of a node, without touching either.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use kista_dist::Flags;
use kista_dist::frame::FrameCounters;
use kista_etf::Atom;

/// One connection that is up, at the moment of the question: see [`Node::connections`](crate::Node::connections).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionInfo {
    /// The peer.
    pub node: Atom,
    /// Which connection: of no other in this node, and as in [`NodeEvent`](crate::NodeEvent)s and
    /// [`NodeStatus`](crate::NodeStatus).
    pub connection_id: u64,
    /// What tells this run of the peer from others of its name.
    pub creation: u32,
    /// Whether the link is hidden: either side is.
    pub hidden: bool,
    /// Whether this node dialled.
    pub dialled: bool,
    /// The peer's end of the socket; `None` when the socket is gone already.
    pub address: Option<SocketAddr>,
    /// What the TLS is, when the connection is one over TLS.
    pub tls: Option<TlsInfo>,
    /// What both sides can do.
    pub flags: Flags,
    /// How long the connection has been up.
    pub up_for: Duration,
    /// What was read.
    pub received: FrameCounters,
    /// What was written; the bytes are handed to the socket at once or as soon as it takes them.
    pub sent: FrameCounters,
    /// Bytes of signals that wait for the socket.
    pub queued_bytes: usize,
    /// Bytes of messages that came from this peer and that their receivers have yet to decode.
    pub undecoded_bytes: usize,
    /// How often a sender was told that it is above the busy mark.
    pub held_sends: u64,
    /// Messages refused above the full mark.
    pub refused_sends: u64,
}

/// The TLS of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsInfo {
    /// `"1.2"` or `"1.3"`.
    pub version: &'static str,
    /// Its name in the registry of such suites.
    pub cipher_suite: &'static str,
    /// The names and addresses that the peer's certificate is for.
    pub peer_names: Vec<String>,
}

/// How accepted handshakes went, since the node began: see [`Node::handshakes`](crate::Node::handshakes).
///
/// The words are those of the protocol; the last three are what two nodes say to each other that dial at once, or again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandshakeStats {
    /// Peers that proved the cookie and are connected.
    pub accepted: u64,
    /// Sockets that ended before that: nonsense, a wrong cookie, silence, too many of them.
    pub failed: u64,
    /// Answered `nok`: our own dial goes on instead.
    pub nok: u64,
    /// Answered `ok_simultaneous`: our own dial gives way.
    pub ok_simultaneous: u64,
    /// Answered `alive`: there was a connection of that name.
    pub alive: u64,
}

/// The counters behind [`HandshakeStats`].
#[derive(Default)]
pub(super) struct Handshakes {
    pub(super) accepted: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) nok: AtomicU64,
    pub(super) ok_simultaneous: AtomicU64,
    pub(super) alive: AtomicU64,
}

impl Handshakes {
    pub(super) fn read(&self) -> HandshakeStats {
        HandshakeStats {
            accepted: self.accepted.load(Relaxed),
            failed: self.failed.load(Relaxed),
            nok: self.nok.load(Relaxed),
            ok_simultaneous: self.ok_simultaneous.load(Relaxed),
            alive: self.alive.load(Relaxed),
        }
    }
}
