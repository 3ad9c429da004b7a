//! What was told so far, and what is new.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kista_dist::frame::FrameCounters;
use kista_etf::Atom;
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{METRICS, MOST_PEERS};
use crate::net::{ConnectionInfo, HandshakeStats};
use crate::node::Node;

/// What a node has told, so that counters are told by what they grew.
#[derive(Default)]
pub(crate) struct Published {
    told: Mutex<Told>,
    /// Somebody listens: what ends between two publishings is kept for the next one.
    wanted: AtomicBool,
}

#[derive(Default)]
struct Told {
    queue_alarms: u64,
    handshakes: HandshakeStats,
    /// Of connections that are up, by their ids.
    connections: FxHashMap<u64, Passed>,
    /// What passed untold by connections that ended.
    ended: FxHashMap<Atom, Passed>,
    /// Peers with a label of their own.
    labelled: FxHashSet<Atom>,
    /// The labels whose gauges are not 0.
    standing: FxHashSet<Cow<'static, str>>,
}

/// What a connection counts.
#[derive(Clone, Copy, Default)]
struct Passed {
    received: FrameCounters,
    sent: FrameCounters,
    held: u64,
    refused: u64,
}

/// The gauges of a peer.
#[derive(Default)]
struct Now {
    up: f64,
    queued: usize,
    undecoded: usize,
}

impl Passed {
    fn of(info: &ConnectionInfo) -> Self {
        Self {
            received: info.received,
            sent: info.sent,
            held: info.held_sends,
            refused: info.refused_sends,
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            received: combine(&self.received, &before.received, u64::saturating_sub),
            sent: combine(&self.sent, &before.sent, u64::saturating_sub),
            held: self.held.saturating_sub(before.held),
            refused: self.refused.saturating_sub(before.refused),
        }
    }

    fn and(&self, more: &Self) -> Self {
        Self {
            received: combine(&self.received, &more.received, u64::saturating_add),
            sent: combine(&self.sent, &more.sent, u64::saturating_add),
            held: self.held.saturating_add(more.held),
            refused: self.refused.saturating_add(more.refused),
        }
    }
}

fn combine(a: &FrameCounters, b: &FrameCounters, with: fn(u64, u64) -> u64) -> FrameCounters {
    let mut all = FrameCounters::default();
    all.bytes = with(a.bytes, b.bytes);
    all.messages = with(a.messages, b.messages);
    all.fragments = with(a.fragments, b.fragments);
    all.ticks = with(a.ticks, b.ticks);
    all.atom_hits = with(a.atom_hits, b.atom_hits);
    all.atom_misses = with(a.atom_misses, b.atom_misses);
    all
}

impl Published {
    pub(super) fn publish(&self, node: &Node) {
        self.wanted.store(true, Relaxed);
        let mut told = self.told.lock();
        describe();
        let name = node.name().as_str();
        told.of_node(node, name);
        told.of_connections(node, name);
    }

    /// A connection has ended: what passed by it until then.
    pub(crate) fn ended(&self, last: &ConnectionInfo) {
        if !self.wanted.load(Relaxed) {
            return;
        }
        let mut told = self.told.lock();
        let before = told.connections.remove(&last.connection_id);
        let new = Passed::of(last).since(&before.unwrap_or_default());
        let of_peer = told.ended.entry(last.node).or_default();
        *of_peer = of_peer.and(&new);
    }
}

impl Told {
    fn of_node(&mut self, node: &Node, name: &'static str) {
        let (mut processes, mut unread, mut longest) = (0_u64, 0_u64, 0_u64);
        node.each_process(|process| {
            let waiting = process.backlog() as u64;
            processes += 1;
            unread += waiting;
            longest = longest.max(waiting);
        });
        let set =
            |metric: &'static str, value: u64| gauge!(metric, "node" => name).set(value as f64);
        set("kista_processes", processes);
        set("kista_registered_names", node.registered().len() as u64);
        set("kista_unread_messages", unread);
        set("kista_longest_queue_messages", longest);
        for (kind, nodes) in [("visible", node.nodes()), ("hidden", node.hidden_nodes())] {
            gauge!("kista_nodes", "node" => name, "type" => kind).set(nodes.len() as f64);
        }
        let alarms = node.queue_alarms();
        counter!("kista_queue_alarms_total", "node" => name)
            .increment(alarms.saturating_sub(self.queue_alarms));
        self.queue_alarms = alarms;
        let (now, before) = (node.handshakes(), self.handshakes);
        for (result, now, before) in [
            ("accepted", now.accepted, before.accepted),
            ("failed", now.failed, before.failed),
            ("nok", now.nok, before.nok),
            (
                "ok_simultaneous",
                now.ok_simultaneous,
                before.ok_simultaneous,
            ),
            ("alive", now.alive, before.alive),
        ] {
            counter!("kista_handshakes_total", "node" => name, "result" => result)
                .increment(now.saturating_sub(before));
        }
        self.handshakes = now;
    }

    fn of_connections(&mut self, node: &Node, name: &'static str) {
        let mut passed: FxHashMap<Cow<'static, str>, Passed> = FxHashMap::default();
        let mut now: FxHashMap<Cow<'static, str>, Now> = FxHashMap::default();
        let mut up = FxHashMap::default();
        for info in node.connections() {
            let all = Passed::of(&info);
            let before = self.connections.get(&info.connection_id);
            let new = all.since(&before.copied().unwrap_or_default());
            up.insert(info.connection_id, all);
            let label = self.label(info.node);
            let sum = passed.entry(label.clone()).or_default();
            *sum = sum.and(&new);
            let now = now.entry(label).or_default();
            now.up = now.up.max(info.up_for.as_secs_f64());
            now.queued += info.queued_bytes;
            now.undecoded += info.undecoded_bytes;
        }
        for (peer, rest) in std::mem::take(&mut self.ended) {
            let sum = passed.entry(self.label(peer)).or_default();
            *sum = sum.and(&rest);
        }
        // Those that are about to end, and have not been told of as ended, are told of again.
        self.connections.retain(|id, _| !up.contains_key(id));
        self.connections.extend(up);
        for (peer, passed) in passed {
            add(name, peer, &passed);
        }
        for gone in self.standing.drain() {
            now.entry(gone).or_default();
        }
        for (peer, now) in now {
            if now.up > 0.0 {
                self.standing.insert(peer.clone());
            }
            let gauge = |metric: &'static str| -> Gauge {
                gauge!(metric, "node" => name, "peer" => peer.clone())
            };
            gauge("kista_connection_up_seconds").set(now.up);
            gauge("kista_connection_queued_bytes").set(now.queued as f64);
            gauge("kista_connection_undecoded_bytes").set(now.undecoded as f64);
        }
    }

    fn label(&mut self, peer: Atom) -> Cow<'static, str> {
        if !self.labelled.contains(&peer) {
            if self.labelled.len() >= MOST_PEERS {
                return Cow::Borrowed("other");
            }
            self.labelled.insert(peer);
        }
        Cow::Borrowed(peer.as_str())
    }
}

fn add(name: &'static str, peer: Cow<'static, str>, passed: &Passed) {
    let of_peer = |metric: &'static str, grown: u64| {
        counter!(metric, "node" => name, "peer" => peer.clone()).increment(grown);
    };
    of_peer("kista_connection_held_sends_total", passed.held);
    of_peer("kista_connection_refused_sends_total", passed.refused);
    for (direction, c) in [("received", &passed.received), ("sent", &passed.sent)] {
        let grown = |metric: &'static str, grown: u64| {
            let counter: Counter =
                counter!(metric, "node" => name, "peer" => peer.clone(), "direction" => direction);
            counter.increment(grown);
        };
        grown("kista_connection_bytes_total", c.bytes);
        grown("kista_connection_messages_total", c.messages);
        grown("kista_connection_fragments_total", c.fragments);
        grown("kista_connection_ticks_total", c.ticks);
        grown("kista_connection_atom_hits_total", c.atom_hits);
        grown("kista_connection_atom_misses_total", c.atom_misses);
    }
}

/// Each time: the recorder may be another than the last time's.
fn describe() {
    for metric in METRICS {
        match metric.counter {
            true => describe_counter!(metric.name, metric.unit, metric.about),
            false => describe_gauge!(metric.name, metric.unit, metric.about),
        }
    }
}
