//! Bare tokio tasks with typed channels: what hand-written actors without names, monitors or a network cost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::shares::in_shares;
use super::{Peer, Role, children};
use crate::child::{self, Mark, Measurement};
use crate::row::{Pattern, Row};

/// `tokio::sync::mpsc`, with a `oneshot` for each answer, and one to say that a task has started.
pub(super) struct Tokio;

enum Message {
    Tick(u64),
    Add(u64, oneshot::Sender<u64>),
    Count(oneshot::Sender<u64>),
    Stop(oneshot::Sender<()>),
}

type Sink = mpsc::UnboundedSender<Message>;

impl Peer for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn processes(&self, row: &Row) -> Option<Vec<std::process::Command>> {
        matches!(row.work, crate::row::Work::Local(_))
            .then(|| children(self.name(), row))
            .flatten()
    }

    fn run(&self, row: &Row, _role: Role) {
        let pattern = row.work.pattern().expect("a row of messages");
        let runtime = Runtime::new().expect("a runtime starts");
        runtime
            .block_on(runtime.spawn(run(pattern)))
            .expect("the driver ends well");
    }
}

async fn run(pattern: Pattern) {
    match pattern {
        Pattern::Send {
            senders, receivers, ..
        } => messages(senders, receivers, false).await,
        Pattern::Call { callers } => messages(callers, 1, true).await,
        Pattern::StartStop => {
            start_stop(child::warmup()).await;
            let measurement = Measurement::begin(done(0));
            measurement.end(done(start_stop(child::ops()).await));
        }
        Pattern::StartAll => {
            start_all(child::warmup()).await;
            let measurement = Measurement::begin(done(0));
            measurement.end(done(start_all(child::ops()).await));
        }
        Pattern::Idle => {
            let mut sinks = Vec::with_capacity(usize::try_from(child::ops()).expect("memory"));
            let before = child::resident();
            let measurement = Measurement::begin(done(0));
            for _ in 0..child::ops() {
                sinks.push(start().await);
            }
            let more = child::bytes_per_process(before, child::ops());
            measurement.end_with(done(sinks.len() as u64), &more);
        }
        Pattern::Ring { nodes } => ring(nodes).await,
        Pattern::Flood => flood().await,
        Pattern::CallEach { servers } => call_each(servers).await,
        Pattern::Apply | Pattern::Delay(_) | Pattern::Nodes { .. } => {
            unreachable!("a row between two OS processes")
        }
    }
}

/// A task that receives; ready when it runs.
async fn start() -> Sink {
    let (to, messages) = mpsc::unbounded_channel();
    let (started, starting) = oneshot::channel();
    tokio::spawn(async move {
        let _ = started.send(());
        receive(messages).await;
    });
    starting.await.expect("it runs");
    to
}

async fn stop(sink: Sink) {
    let (ended, ending) = oneshot::channel();
    let _ = sink.send(Message::Stop(ended));
    ending.await.expect("it ends");
}

async fn receive(mut messages: mpsc::UnboundedReceiver<Message>) {
    let (mut received, mut sum) = (0, 0u64);
    while let Some(message) = messages.recv().await {
        match message {
            Message::Tick(n) => {
                received += 1;
                sum = sum.wrapping_add(n);
            }
            Message::Add(n, reply) => {
                received += 1;
                let _ = reply.send(n + 1);
            }
            Message::Count(reply) => {
                std::hint::black_box(sum);
                let _ = reply.send(received);
            }
            Message::Stop(ended) => {
                let _ = ended.send(());
                return;
            }
        }
    }
}

const fn done(received: u64) -> Mark {
    Mark {
        received,
        cpu: Duration::ZERO,
    }
}

async fn messages(drivers: usize, receivers: usize, calls: bool) {
    let mut sinks = Vec::new();
    for _ in 0..receivers {
        sinks.push(start().await);
    }
    work(&sinks, drivers, calls, child::warmup()).await;
    let measurement = Measurement::begin(mark(&sinks).await);
    work(&sinks, drivers, calls, child::ops()).await;
    measurement.end(mark(&sinks).await);
}

/// As many tasks as there are drivers, each of which does its share and hears that it was received.
async fn work(sinks: &[Sink], drivers: usize, calls: bool, ops: u64) {
    in_shares(sinks, drivers, ops, |sink, share| async move {
        for n in 0..share {
            if calls {
                assert_eq!(add(&sink, n).await, n + 1);
            } else {
                let _ = sink.send(Message::Tick(n));
            }
        }
        count(&sink).await;
    })
    .await;
}

async fn add(sink: &Sink, n: u64) -> u64 {
    let (reply, answer) = oneshot::channel();
    let _ = sink.send(Message::Add(n, reply));
    answer.await.expect("the receiver lives")
}

async fn count(sink: &Sink) -> u64 {
    let (reply, answer) = oneshot::channel();
    let _ = sink.send(Message::Count(reply));
    answer.await.expect("the receiver lives")
}

async fn mark(sinks: &[Sink]) -> Mark {
    let mut received = 0;
    for sink in sinks {
        received += count(sink).await;
    }
    done(received)
}

async fn start_stop(ops: u64) -> u64 {
    for _ in 0..ops {
        stop(start().await).await;
    }
    ops
}

async fn start_all(ops: u64) -> u64 {
    let mut sinks = Vec::with_capacity(usize::try_from(ops).expect("memory"));
    for _ in 0..ops {
        sinks.push(start().await);
    }
    let started = sinks.len() as u64;
    for sink in sinks {
        stop(sink).await;
    }
    started
}

/// Each task hands the number on, less one; the driver is one of the ring.
async fn ring(nodes: usize) {
    let (to_driver, mut here) = mpsc::unbounded_channel::<u64>();
    let mut next = to_driver;
    for _ in 1..nodes {
        let (to, mut from) = mpsc::unbounded_channel();
        let on = std::mem::replace(&mut next, to);
        tokio::spawn(async move {
            while let Some(left) = from.recv().await {
                let _ = on.send(left - 1);
            }
        });
    }
    let mut go_round = async |ops: u64| {
        let mut left = ops.next_multiple_of(nodes as u64);
        while left > 0 {
            let _ = next.send(left - 1);
            left = here.recv().await.expect("the ring lives");
        }
        ops.next_multiple_of(nodes as u64)
    };
    go_round(child::warmup()).await;
    let measurement = Measurement::begin(done(0));
    measurement.end(done(go_round(child::ops()).await));
}

async fn flood() {
    let (quiet, loud) = (start().await, start().await);
    let over = Arc::new(AtomicBool::new(false));
    let flooding = tokio::spawn({
        let over = Arc::clone(&over);
        async move {
            while !over.load(Relaxed) {
                for n in 0..100_000 {
                    let _ = loud.send(Message::Tick(n));
                }
                count(&loud).await;
                tokio::task::yield_now().await;
            }
        }
    });
    delays(&quiet, child::warmup()).await;
    let measurement = Measurement::begin(done(0));
    let times = delays(&quiet, child::ops()).await;
    measurement.end_with(done(times.len() as u64), &child::p99(times));
    over.store(true, Relaxed);
    flooding.await.expect("no panic");
}

/// Each call by a task of its own: one that waits holds up no other.
async fn delays(quiet: &Sink, calls: u64) -> Vec<Duration> {
    let mut due = tokio::time::interval(Duration::from_millis(1));
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let mut under_way = JoinSet::new();
    for n in 0..calls {
        let at = due.tick().await;
        let quiet = quiet.clone();
        under_way.spawn(async move {
            assert_eq!(add(&quiet, n).await, n + 1);
            at.elapsed()
        });
    }
    under_way.join_all().await
}

async fn call_each(servers: usize) {
    let mut sinks = Vec::with_capacity(servers);
    for n in 0..servers as u64 {
        let sink = start().await;
        assert_eq!(add(&sink, n).await, n + 1);
        sinks.push(sink);
    }
    let calls = async |ops: u64| {
        for (n, sink) in (0..ops).zip(sinks.iter().cycle()) {
            assert_eq!(add(sink, n).await, n + 1);
        }
    };
    calls(child::warmup()).await;
    let measurement = Measurement::begin(done(0));
    calls(child::ops()).await;
    measurement.end(done(child::ops()));
}
