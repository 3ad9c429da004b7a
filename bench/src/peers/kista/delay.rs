//! How long callers wait while something else goes on.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kista::{Binary, Node, ServerRef};
use tokio::task::JoinSet;
use tokio::time::{self, MissedTickBehavior};

use super::servers::Sink;
use super::{done, mark};
use crate::child::{self, Measurement};
use crate::row::Beside;

/// How many small messages are sent to see how many go through.
const TRIAL: u64 = 300_000;

/// Within one node: one server is flooded, another is called.
pub(super) async fn flood(node: &Node) {
    let (quiet, loud) = (super::sink(node).await, super::sink(node).await);
    let over = Arc::new(AtomicBool::new(false));
    let flooding = tokio::spawn({
        let over = Arc::clone(&over);
        async move {
            // So many, then one answer, so that memory does not decide.
            while !over.load(Relaxed) {
                for n in 0..100_000 {
                    drop(loud.tick(n));
                }
                loud.mark().forever().await.expect("an answer");
                tokio::task::yield_now().await;
            }
        }
    });
    delays(&quiet, child::warmup()).await;
    let measurement = Measurement::begin(done(0));
    let calls = delays(&quiet, child::ops()).await;
    measurement.end_with(done(calls.len() as u64), &child::p99(times(&calls)));
    over.store(true, Relaxed);
    flooding.await.expect("no panic");
}

/// Between two: the same connection carries something else.
pub(super) async fn beside(beside: Beside, quiet: &ServerRef<Sink>, loud: &ServerRef<Sink>) {
    let over = Arc::new(AtomicBool::new(false));
    let large_ones = Arc::new(Mutex::new(Vec::new()));
    let other = match beside {
        Beside::Nothing => None,
        Beside::Small { percent } => {
            let each = small_in_a_millisecond(loud).await * percent / 100;
            Some(tokio::spawn(small(loud.clone(), each, Arc::clone(&over))))
        }
        Beside::Large { bytes, pause } => {
            let (loud, over, spans) = (loud.clone(), Arc::clone(&over), Arc::clone(&large_ones));
            Some(tokio::spawn(large(loud, bytes, pause, over, spans)))
        }
    };
    delays(quiet, child::warmup()).await;
    let quiet_sinks = std::slice::from_ref(quiet);
    let measurement = Measurement::begin(mark(quiet_sinks, false).await);
    let calls = delays(quiet, child::ops()).await;
    let mark = mark(quiet_sinks, false).await;
    let p99 = match beside {
        Beside::Large { .. } => {
            let spans = large_ones.lock().expect("no panic");
            let meets = |call: &Call| spans.iter().any(|span| span.meets(call));
            let met: Vec<_> = calls.iter().copied().filter(meets).collect();
            child::p99_of_some(times(&met), times(&calls))
        }
        _ => child::p99(times(&calls)),
    };
    measurement.end_with(mark, &p99);
    over.store(true, Relaxed);
    if let Some(other) = other {
        other.await.expect("no panic");
    }
}

async fn small_in_a_millisecond(loud: &ServerRef<Sink>) -> u32 {
    let mut least = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        for n in 0..TRIAL {
            loud.tick(n).await.expect("room");
        }
        loud.mark().forever().await.expect("an answer");
        least = least.min(start.elapsed());
    }
    u32::try_from(u128::from(TRIAL) * 1_000_000 / least.as_nanos()).expect("fewer")
}

async fn small(loud: ServerRef<Sink>, each: u32, over: Arc<AtomicBool>) {
    let mut due = every_millisecond();
    while !over.load(Relaxed) {
        due.tick().await;
        for n in 0..each {
            loud.tick(n.into()).await.expect("room");
        }
    }
}

async fn large(
    loud: ServerRef<Sink>,
    bytes: usize,
    pause: Duration,
    over: Arc<AtomicBool>,
    spans: Arc<Mutex<Vec<Span>>>,
) {
    let blob = Binary::from(vec![7; bytes]);
    while !over.load(Relaxed) {
        let start = Instant::now();
        spans
            .lock()
            .expect("no panic")
            .push(Span { start, end: None });
        loud.blob(blob.clone()).await.expect("room");
        loud.mark().forever().await.expect("an answer");
        if let Some(span) = spans.lock().expect("no panic").last_mut() {
            span.end = Some(Instant::now());
        }
        time::sleep(pause).await;
    }
}

/// When a large message was under way: from before it was sent until it was known to be received.
struct Span {
    start: Instant,
    end: Option<Instant>,
}

impl Span {
    fn meets(&self, call: &Call) -> bool {
        self.start < call.answered && self.end.is_none_or(|end| call.due < end)
    }
}

/// A call that is made once each millisecond.
#[derive(Clone, Copy)]
struct Call {
    due: Instant,
    answered: Instant,
}

/// How long they took from when they were due.
fn times(calls: &[Call]) -> Vec<Duration> {
    let time = |call: &Call| call.answered - call.due;
    calls.iter().map(time).collect()
}

fn every_millisecond() -> time::Interval {
    let mut due = time::interval(Duration::from_millis(1));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    due
}

/// Each call by a task of its own: one that waits holds up no other.
async fn delays(quiet: &ServerRef<Sink>, calls: u64) -> Vec<Call> {
    let mut due = every_millisecond();
    let mut under_way = JoinSet::new();
    for n in 0..calls {
        let due = due.tick().await.into_std();
        let quiet = quiet.clone();
        under_way.spawn(async move {
            assert_eq!(quiet.add(n).forever().await, Ok(n + 1));
            let answered = Instant::now();
            Call { due, answered }
        });
    }
    under_way.join_all().await
}
