//! A peer that stands still while we send to it as fast as we can: memory stays bounded, others get what they got before, and when
//! it goes on it gets everything that was accepted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kista::{Atom, CallError, Dest, Node};

use super::{PATIENCE, QUIET, ours};
use crate::{Bed, Program};

const OURS: &str = "stalls@127.0.0.1";
const STALLED: &str = "stalled@127.0.0.1";
const STEADY: &str = "steady@127.0.0.1";
/// Processes that send to the peer that stands still, and tasks that are no process.
const PROCESSES: usize = 6;
const TASKS: usize = 2;
const PAYLOAD: usize = 1000;

/// What is measured.
#[derive(Debug, Clone, Copy)]
pub struct Stalls {
    /// How long each rate is measured.
    pub phase: Duration,
}

/// What came out.
#[derive(Debug, Clone, Copy)]
pub struct Stalled {
    /// Messages a second to the other peer, while nobody sends to the one that will stand still.
    pub rate_before: f64,
    /// The same while it stands still and everybody sends to it.
    pub rate_meanwhile: f64,
    /// Memory of this process in KiB, before and at most.
    pub resident_before: u64,
    /// See `resident_before`.
    pub resident_most: u64,
    /// Messages that were accepted for the peer that stood still; all of them arrived.
    pub accepted: u64,
    /// Messages that were refused.
    pub refused: u64,
}

impl Stalled {
    /// What part of its rate the other connection kept.
    #[must_use]
    pub fn kept(&self) -> f64 {
        self.rate_meanwhile / self.rate_before
    }

    /// By how many KiB the process grew.
    #[must_use]
    pub fn grown(&self) -> u64 {
        self.resident_most.saturating_sub(self.resident_before)
    }
}

/// Has a peer stand still.
///
/// # Panics
///
/// When something that was accepted does not arrive, or nothing is refused.
pub async fn stalls(bed: &Bed, plan: Stalls) -> Stalled {
    println!("stalls: {:?} for each rate", plan.phase);
    let start = |name: &str| {
        let mut erl = bed.erlang_with(&QUIET, name, bed.cookie(), "stalls", "count", &[]);
        erl.expect(&format!("ready {name}"), PATIENCE);
        erl
    };
    let (stalled, _steady): (Program, Program) = (start(STALLED), start(STEADY));
    let node = ours(bed, OURS).start().await.expect("our node starts");
    for name in [STALLED, STEADY] {
        node.connect(name).await.expect("it is there");
    }
    let counts = Arc::new(Counts::default());
    for _ in 0..2 {
        let counts = Arc::clone(&counts);
        node.spawn_fn(async move |cx| {
            while !counts.stop.load(Relaxed) {
                let _ = cx.send(("count", STEADY), &[7u8; PAYLOAD].as_slice()).await;
            }
        })
        .expect("a process starts");
    }
    tokio::time::sleep(plan.phase / 4).await;
    let rate_before = rate(&node, plan.phase).await;
    let resident_before = resident();

    stalled.signal("STOP");
    for _ in 0..PROCESSES {
        let counts = Arc::clone(&counts);
        // It does not wait for room itself: it is held.
        node.spawn_fn(async move |cx| {
            while !counts.stop.load(Relaxed) {
                counts.count(cx.send(("count", STALLED), &[7u8; PAYLOAD].as_slice()));
                tokio::task::yield_now().await;
            }
        })
        .expect("a process starts");
    }
    for _ in 0..TASKS {
        let (node, counts) = (node.clone(), Arc::clone(&counts));
        tokio::spawn(async move {
            while !counts.stop.load(Relaxed) {
                let sent = node.send(("count", STALLED), &[7u8; PAYLOAD].as_slice());
                if counts.count(sent) {
                    tokio::task::yield_now().await;
                } else {
                    // Nobody can hold who is no process: it is refused, and tries again.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        });
    }
    let most = Arc::new(AtomicU64::new(resident()));
    let watching = tokio::spawn({
        let most = Arc::clone(&most);
        async move {
            loop {
                most.fetch_max(resident(), Relaxed);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    });
    // Until there is no room any more.
    let end = Instant::now() + PATIENCE;
    while counts.refused.load(Relaxed) == 0 {
        assert!(Instant::now() < end, "nothing is ever refused");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let rate_meanwhile = rate(&node, plan.phase).await;
    watching.abort();
    counts.stop.store(true, Relaxed);

    stalled.signal("CONT");
    let end = Instant::now() + PATIENCE;
    loop {
        let accepted = counts.accepted.load(Relaxed);
        let arrived = count(&node, STALLED).await;
        if arrived == accepted && accepted == counts.accepted.load(Relaxed) {
            break;
        }
        assert!(
            arrived <= accepted && Instant::now() < end,
            "{arrived} arrived of {accepted}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    node.stop().await;
    Stalled {
        rate_before,
        rate_meanwhile,
        resident_before,
        resident_most: most.load(Relaxed),
        accepted: counts.accepted.load(Relaxed),
        refused: counts.refused.load(Relaxed),
    }
}

#[derive(Default)]
struct Counts {
    accepted: AtomicU64,
    refused: AtomicU64,
    stop: AtomicBool,
}

impl Counts {
    /// Whether it was accepted.
    fn count(&self, sent: kista::Sent) -> bool {
        let accepted = sent.result().is_ok();
        let counter = if accepted {
            &self.accepted
        } else {
            &self.refused
        };
        counter.fetch_add(1, Relaxed);
        accepted
    }
}

async fn rate(node: &Node, time: Duration) -> f64 {
    let (before, start) = (count(node, STEADY).await, Instant::now());
    tokio::time::sleep(time).await;
    let (after, took) = (count(node, STEADY).await, start.elapsed());
    (after - before) as f64 / took.as_secs_f64()
}

async fn count(node: &Node, peer: &'static str) -> u64 {
    loop {
        let question = Atom::from_static("count");
        let count = node.call::<u64>(Dest::from(("asked", peer)), &question);
        match count.timeout(PATIENCE).await {
            // What waits for the peer leaves no room even for a question.
            Err(CallError::Overloaded) => tokio::time::sleep(Duration::from_millis(10)).await,
            other => return other.expect("a count"),
        }
    }
}

/// Memory of this process, in KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .expect("a number of kB")
}
