//! How long callers wait while something else goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kista::{Binary, Node, ServerRef};
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
    let times = delays(&quiet, child::ops()).await;
    measurement.end_with(done(times.len() as u64), &child::p99(times));
    over.store(true, Relaxed);
    flooding.await.expect("no panic");
}

/// Between two: the same connection carries something else.
pub(super) async fn beside(beside: Beside, quiet: &ServerRef<Sink>, loud: &ServerRef<Sink>) {
    let over = Arc::new(AtomicBool::new(false));
    let other = match beside {
        Beside::Nothing => None,
        Beside::Small { percent } => {
            let each = small_in_a_millisecond(loud).await * percent / 100;
            Some(tokio::spawn(small(loud.clone(), each, Arc::clone(&over))))
        }
        Beside::Large { bytes } => {
            Some(tokio::spawn(large(loud.clone(), bytes, Arc::clone(&over))))
        }
    };
    delays(quiet, child::warmup()).await;
    let quiet_sinks = std::slice::from_ref(quiet);
    let measurement = Measurement::begin(mark(quiet_sinks, false).await);
    let times = delays(quiet, child::ops()).await;
    measurement.end_with(mark(quiet_sinks, false).await, &child::p99(times));
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

async fn large(loud: ServerRef<Sink>, bytes: usize, over: Arc<AtomicBool>) {
    let blob = Binary::from(vec![7; bytes]);
    while !over.load(Relaxed) {
        loud.blob(blob.clone()).await.expect("room");
        loud.mark().forever().await.expect("an answer");
    }
}

fn every_millisecond() -> time::Interval {
    let mut due = time::interval(Duration::from_millis(1));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    due
}

/// The time that a call takes which is made once each millisecond, measured from when it was due.
async fn delays(quiet: &ServerRef<Sink>, calls: u64) -> Vec<Duration> {
    let mut due = every_millisecond();
    let mut times = Vec::new();
    for n in 0..calls {
        let at = due.tick().await;
        assert_eq!(quiet.add(n).forever().await, Ok(n + 1));
        times.push(at.elapsed());
    }
    times
}
