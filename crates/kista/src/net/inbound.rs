//! What peers sent and nobody decoded yet, counted in bytes, with a cap per node.
//!
//! 1. Each queued payload holds an [`InboundCharge`]; dropping it (decoded, or the receiver died) gives the bytes back.
//! 2. Charges are counted per peer *name*: a peer that reconnects takes its old load with it.
//! 3. The sum is looked at whenever a peer's load crosses a multiple of [`STEP`] upwards, so that the usual charge is one
//!    addition to a counter that nobody else writes. Above the cap the connected peer that holds most loses its connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kista_etf::Atom;
use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::Connection;

const STEP: usize = 1 << 20;

/// Bytes held for one peer.
#[derive(Default)]
pub(crate) struct PeerLoad {
    bytes: AtomicUsize,
}

/// The loads of all peers of a node.
pub(crate) struct Inbound {
    cap: usize,
    peers: Mutex<FxHashMap<Atom, Arc<PeerLoad>>>,
}

/// The connection that a payload came by, and its bytes, which are given back when dropped.
#[must_use]
pub(crate) struct InboundCharge {
    connection: Arc<Connection>,
    bytes: usize,
}

impl InboundCharge {
    /// Of bytes that were added to the load of the connection.
    pub(super) fn new(connection: &Arc<Connection>, bytes: usize) -> Self {
        Self {
            connection: Arc::clone(connection),
            bytes,
        }
    }

    pub(crate) fn connection(&self) -> &Arc<Connection> {
        &self.connection
    }
}

impl Inbound {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap,
            peers: Mutex::new(FxHashMap::default()),
        }
    }

    /// The load of `peer`, new or old.
    pub(crate) fn load(&self, peer: Atom) -> Arc<PeerLoad> {
        let mut peers = self.peers.lock();
        if peers.len() >= 1024 && !peers.contains_key(&peer) {
            peers.retain(|_, load| Arc::strong_count(load) > 1);
        }
        Arc::clone(peers.entry(peer).or_default())
    }

    /// The peer that must go, if the connected peers together hold more than the cap.
    pub(crate) fn over_cap(&self, connected: impl Fn(Atom) -> bool) -> Option<Atom> {
        let mut sum = 0usize;
        let mut most = (0usize, None);
        for (&peer, load) in self.peers.lock().iter() {
            let bytes = load.bytes.load(Relaxed);
            if bytes > 0 && connected(peer) {
                sum = sum.saturating_add(bytes);
                if bytes > most.0 {
                    most = (bytes, Some(peer));
                }
            }
        }
        if sum > self.cap { most.1 } else { None }
    }
}

impl PeerLoad {
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Takes `bytes`; `true` says that the sum should be looked at.
    pub(super) fn add(&self, bytes: usize) -> bool {
        let before = self.bytes.fetch_add(bytes, Relaxed);
        before / STEP != before.saturating_add(bytes) / STEP
    }

    fn give_back(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Relaxed);
    }
}

impl Drop for InboundCharge {
    fn drop(&mut self) {
        self.connection.load().give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_that_holds_most_goes_and_only_if_it_is_connected() {
        let inbound = Inbound::new(10 << 20);
        let (a, b) = (
            Atom::from_static("a@inbound"),
            Atom::from_static("b@inbound"),
        );
        inbound.load(a).add(4 << 20);
        assert!(inbound.load(b).add(7 << 20));
        assert_eq!(inbound.over_cap(|_| true), Some(b));
        assert_eq!(inbound.over_cap(|peer| peer == a), None);
        inbound.load(b).give_back(7 << 20);
        assert_eq!(inbound.over_cap(|_| true), None);
        inbound.load(a).give_back(4 << 20);
        assert!(!inbound.load(a).add(100));
    }

    #[test]
    fn a_reconnecting_peer_takes_its_load_with_it() {
        let inbound = Inbound::new(1 << 20);
        let a = Atom::from_static("c@inbound");
        inbound.load(a).add(900 << 10);
        inbound.load(a).add(900 << 10);
        assert_eq!(inbound.over_cap(|_| true), Some(a));
    }
}
