//! The waiting room of accepted sockets that have not proved the cookie yet (or have not asked this node's EPMD for anything yet).
//!
//! 1. At most `cap` sockets wait, at most `share` of them from one IP address. Loopback has no share of its own: whoever is on this
//!    machine is many nodes at once.
//! 2. Who comes beyond his share is closed at once. When the room itself is full the newcomer is let in, and the socket that has waited
//!    longest goes: first of those that have not even said a name. A flood of silent sockets therefore pushes itself out, and an honest
//!    node, which needs a few round trips only, still gets through.
//! 3. A [`Pass`] is a place in the room; dropping it frees the place.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::sync::Notify;

pub(crate) struct Gate {
    cap: usize,
    share: usize,
    /// In order of arrival.
    waiting: Mutex<Vec<Arc<Place>>>,
}

struct Place {
    ip: IpAddr,
    named: AtomicBool,
    pushed_out: Notify,
}

/// A place in the room.
pub(crate) struct Pass {
    gate: Arc<Gate>,
    place: Arc<Place>,
}

impl Gate {
    pub(crate) fn new(cap: usize, share: usize) -> Arc<Self> {
        Arc::new(Self {
            cap: cap.max(1),
            share: share.max(1),
            waiting: Mutex::new(Vec::new()),
        })
    }

    /// A place for a socket from `ip`; none if that address has used up its share.
    pub(crate) fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Pass> {
        let ip = ip.to_canonical();
        let place = Arc::new(Place {
            ip,
            named: AtomicBool::new(false),
            pushed_out: Notify::new(),
        });
        let mut waiting = self.waiting.lock();
        if !ip.is_loopback() && waiting.iter().filter(|p| p.ip == ip).count() >= self.share {
            return None;
        }
        if waiting.len() >= self.cap {
            let oldest_silent = waiting.iter().position(|p| !p.named.load(Relaxed));
            let loser = waiting.remove(oldest_silent.unwrap_or(0));
            loser.pushed_out.notify_one();
        }
        waiting.push(Arc::clone(&place));
        drop(waiting);
        Some(Pass {
            gate: Arc::clone(self),
            place,
        })
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.lock().len()
    }
}

impl Pass {
    /// The socket said a well-formed name: it is pushed out later than silent ones.
    pub(super) fn named(&self) {
        self.place.named.store(true, Relaxed);
    }

    /// Returns when the place was given to somebody else.
    pub(crate) async fn pushed_out(&self) {
        self.place.pushed_out.notified().await;
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.gate
            .waiting
            .lock()
            .retain(|p| !Arc::ptr_eq(p, &self.place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_flood_pushes_itself_out_and_not_who_said_a_name() {
        let gate = Gate::new(3, 2);
        let local = IpAddr::from([127, 0, 0, 1]);
        let honest = gate.enter(local).unwrap();
        honest.named();
        let flood: Vec<_> = (0..100).map(|_| gate.enter(local).unwrap()).collect();
        assert_eq!(gate.waiting(), 3);
        for pass in &flood[..98] {
            pass.pushed_out().await;
        }
        assert!(
            gate.waiting
                .lock()
                .iter()
                .any(|p| Arc::ptr_eq(p, &honest.place))
        );
        drop(flood);
        assert_eq!(gate.waiting(), 1);
    }

    #[test]
    fn one_address_has_only_its_share() {
        let gate = Gate::new(10, 2);
        let ip = IpAddr::from([10, 0, 0, 1]);
        let first = gate.enter(ip).unwrap();
        let _second = gate.enter(ip).unwrap();
        assert!(gate.enter(ip).is_none());
        assert!(gate.enter("::ffff:10.0.0.1".parse().unwrap()).is_none());
        assert!(gate.enter(IpAddr::from([10, 0, 0, 2])).is_some());
        drop(first);
        assert!(gate.enter(ip).is_some());
    }
}
