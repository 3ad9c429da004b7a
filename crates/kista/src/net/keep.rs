//! Peers that are to be connected always, and the peers that a discovery finds.
//!
//! 1. Each kept peer has one task. It dials, waits for the end of the connection, pauses ([`BackOff`]), and begins anew; that the peer came
//!    by itself is as good.
//! 2. The task ends when the peer is let go, and when the node stops.
//! 3. A discovery is asked every so often; whom it names and who is not connected is dialled once per round. It ends with the node.
//! 4. The names that discoveries bring are on the account of the peers' atoms.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kista_etf::{Atom, AtomName};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use tokio::sync::watch;

use super::connection::Phase;
use super::{BackOff, Net};
use crate::log::Escaped;
use crate::resolve::Discovery;

/// Most names that one round of a discovery may bring.
const FOUND: usize = 4096;
/// Dials of one discovery under way at once.
const DIALS: usize = 64;

/// A peer that is kept connected: see [`Node::kept_peers`](crate::Node::kept_peers).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptPeer {
    /// The peer.
    pub node: Atom,
    /// Whether it is connected now.
    pub connected: bool,
    /// Attempts in a row that failed, or connections that did not last; 0 after one that did.
    pub failures: u32,
    /// Why the last attempt failed, since the peer was connected last.
    pub last_error: Option<String>,
    /// How long until the next attempt; `None` while one is made, and while it is connected.
    pub next_attempt: Option<Duration>,
}

/// The kept peers of a node.
#[derive(Default)]
pub(super) struct Keeper(Mutex<FxHashMap<Atom, Kept>>);

struct Kept {
    /// Dropping it ends the task.
    _running: watch::Sender<()>,
    progress: Arc<Mutex<Progress>>,
}

#[derive(Default)]
struct Progress {
    failures: u32,
    last_error: Option<String>,
    next: Option<Instant>,
}

impl Net {
    /// Keeps `node` connected from now on. `false`: it is kept already.
    pub(crate) fn keep(self: &Arc<Self>, node: Atom) -> bool {
        let mut kept = self.keeper.0.lock();
        if kept.contains_key(&node) {
            return false;
        }
        let (running, mut let_go) = watch::channel(());
        let progress = Arc::<Mutex<Progress>>::default();
        kept.insert(
            node,
            Kept {
                _running: running,
                progress: Arc::clone(&progress),
            },
        );
        drop(kept);
        let net = Arc::clone(self);
        self.runtime.spawn(async move {
            tokio::select! {
                biased;
                () = net.stopping() => {}
                _ = let_go.changed() => {}
                () = keep(&net, node, &progress) => {}
            }
        });
        true
    }

    /// Keeps it no longer; a connection that is up stays. `false`: it was not kept.
    pub(crate) fn let_go(&self, node: Atom) -> bool {
        self.keeper.0.lock().remove(&node).is_some()
    }

    pub(crate) fn kept(&self) -> Vec<KeptPeer> {
        let kept = self.keeper.0.lock();
        let mut list: Vec<_> = kept
            .iter()
            .map(|(&node, kept)| {
                let progress = kept.progress.lock();
                let connected = self.connected(node).is_some();
                let now = Instant::now();
                KeptPeer {
                    node,
                    connected,
                    failures: progress.failures,
                    last_error: progress.last_error.clone(),
                    next_attempt: progress
                        .next
                        .filter(|_| !connected)
                        .map(|at| at.saturating_duration_since(now)),
                }
            })
            .collect();
        list.sort_by(|a, b| a.node.as_str().cmp(b.node.as_str()));
        list
    }

    /// Asks `discovery` every so often for peers to connect to, until the node stops.
    pub(crate) fn discover(self: &Arc<Self>, discovery: Arc<dyn Discovery>, every: Duration) {
        let net = Arc::clone(self);
        self.runtime.spawn(async move {
            tokio::select! {
                biased;
                () = net.stopping() => {}
                () = discover(&net, &*discovery, every) => {}
            }
        });
    }
}

async fn keep(net: &Arc<Net>, node: Atom, progress: &Mutex<Progress>) {
    let back_off = net.config.back_off;
    loop {
        match net.connect(node).await {
            Ok(()) => {
                let began = Instant::now();
                progress.lock().last_error = None;
                if let Some(connection) = net.connected(node) {
                    connection.reached(Phase::Gone).await;
                }
                let mut progress = progress.lock();
                progress.failures = match back_off.is_lasting(began.elapsed()) {
                    true => 0,
                    false => progress.failures.saturating_add(1),
                };
            }
            Err(error) => {
                let mut progress = progress.lock();
                progress.failures = progress.failures.saturating_add(1);
                progress.last_error = Some(error.to_string());
            }
        }
        let pause = {
            let mut progress = progress.lock();
            let pause = back_off.pause(progress.failures, random());
            progress.next = Some(Instant::now() + pause);
            pause
        };
        tokio::time::sleep(pause).await;
        progress.lock().next = None;
    }
}

async fn discover(net: &Arc<Net>, discovery: &dyn Discovery, every: Duration) {
    // Rounds of many nodes that were started together drift apart.
    let rounds = BackOff::new(every, every);
    loop {
        match discovery.discover().await {
            Ok(names) => connect_all(net, names).await,
            Err(error) => net.log.line(|left_out| {
                let error = Escaped(&error);
                tracing::warn!(node = %net.name, %error, left_out, "discovery failed; it is asked again");
            }),
        }
        tokio::time::sleep(rounds.pause(1, random())).await;
    }
}

async fn connect_all(net: &Arc<Net>, names: Vec<String>) {
    let mut dials = tokio::task::JoinSet::new();
    for name in names.into_iter().take(FOUND) {
        // Beyond the quota a name stays text, and its node cannot be dialled.
        let Ok(AtomName::Interned(node)) = net.atoms.intern(&name) else {
            continue;
        };
        if node == net.name || net.connected(node).is_some() {
            continue;
        }
        if dials.len() >= DIALS {
            let _ = dials.join_next().await;
        }
        let net = Arc::clone(net);
        // Why it failed is in the log.
        dials.spawn(async move { net.connect(node).await.is_ok() });
    }
    while dials.join_next().await.is_some() {}
}

fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
