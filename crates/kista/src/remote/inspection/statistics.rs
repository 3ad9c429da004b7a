//! `erlang:statistics/1`. Reductions are messages; time is that of the program's threads; a run queue is what waits for any worker.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use kista_etf::{Atom, Term, term};
use rustc_hash::FxHashMap;

use super::{machine, process, system_info};
use crate::node::Node;

/// What a figure was at the last look of anybody: `{Total, SinceTheLastLook}`.
struct Looked(AtomicU64);

impl Looked {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    fn look(&self, total: u64) -> Term {
        let before = self.0.swap(total, Relaxed);
        Term::from((total, total.saturating_sub(before)))
    }
}

static WALL_CLOCK: Looked = Looked::new();
static RUNTIME: Looked = Looked::new();
static REDUCTIONS: Looked = Looked::new();

/// `None`: `badarg`.
pub(super) fn value(node: &Node, key: &str) -> Option<Term> {
    Some(match key {
        "wall_clock" => WALL_CLOCK.look(uptime_millis()),
        "runtime" => RUNTIME.look(machine::processor_millis()),
        "reductions" | "exact_reductions" => REDUCTIONS.look(reductions(node)),
        "io" => {
            let (input, output) = io(node);
            term!({{input, (input)}, {output, (output)}})
        }
        "run_queue" | "total_run_queue_lengths" | "total_run_queue_lengths_all" => {
            Term::from(run_queue(node))
        }
        // One queue for all workers; that of the dirty schedulers comes last.
        "run_queue_lengths" => per_worker(node, run_queue(node), 1),
        "run_queue_lengths_all" => per_worker(node, run_queue(node), 2),
        "total_active_tasks" | "total_active_tasks_all" => Term::from(active(node)),
        "active_tasks" => per_worker(node, active(node), 1),
        "active_tasks_all" => per_worker(node, active(node), 2),
        "scheduler_wall_time" | "scheduler_wall_time_all" => scheduler_wall_time(node),
        "garbage_collection" => term!({0, 0, 0}),
        "context_switches" => term!({0, 0}),
        "microstate_accounting" => term!(undefined),
        _ => return None,
    })
}

pub(super) fn uptime_millis() -> u64 {
    u64::try_from(machine::uptime().as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn run_queue(node: &Node) -> usize {
    node.runtime().metrics().global_queue_depth()
}

/// Bytes read from and written to connections.
pub(super) fn io(node: &Node) -> (u64, u64) {
    let connections = node.connections();
    let now = connections.iter().map(|c| {
        let id = (c.node, c.creation);
        (id, (c.received.bytes, c.sent.bytes))
    });
    node.remote().traffic.lock().total(now.collect())
}

/// What went through connections, those that are gone included, as far as somebody looked while they were there: it never falls.
#[derive(Default)]
pub(in crate::remote) struct Traffic {
    gone: (u64, u64),
    seen: FxHashMap<(Atom, u32), (u64, u64)>,
}

impl Traffic {
    fn total(&mut self, now: FxHashMap<(Atom, u32), (u64, u64)>) -> (u64, u64) {
        for (id, before) in std::mem::take(&mut self.seen) {
            // Fewer than before: another connection of the same node.
            let goes_on = now
                .get(&id)
                .is_some_and(|now| now.0 >= before.0 && now.1 >= before.1);
            if !goes_on {
                self.gone = (self.gone.0 + before.0, self.gone.1 + before.1);
            }
        }
        self.seen = now;
        self.seen.values().fold(self.gone, |sum, (input, output)| {
            (sum.0 + input, sum.1 + output)
        })
    }
}

fn reductions(node: &Node) -> u64 {
    let mut sum = 0;
    node.each_process(|process| sum += process::reductions(&**process));
    sum
}

/// Processes that have something in hand.
fn active(node: &Node) -> usize {
    let mut count = 0;
    node.each_process(|process| {
        count += usize::from(process.me().status() == crate::Status::Running);
    });
    count
}

/// The figure at the first worker, 0 at the others, and so many behind them.
fn per_worker(node: &Node, figure: usize, more: usize) -> Term {
    let rest = system_info::schedulers(node) - 1 + more;
    let zeros = std::iter::repeat_n(0, rest);
    Term::list(std::iter::once(figure).chain(zeros).map(Term::from))
}

/// `[{Id, ActiveNanoseconds, TotalNanoseconds}]`
pub(super) fn scheduler_wall_time(node: &Node) -> Term {
    let total = u64::try_from(machine::uptime().as_nanos()).unwrap_or(u64::MAX);
    let metrics = node.runtime().metrics();
    Term::list((0..metrics.num_workers()).map(|worker| {
        let busy = busy(&metrics, worker);
        Term::from((worker + 1, busy, total.max(busy)))
    }))
}

#[cfg(target_has_atomic = "64")]
fn busy(metrics: &tokio::runtime::RuntimeMetrics, worker: usize) -> u64 {
    let busy = metrics.worker_total_busy_duration(worker).as_nanos();
    u64::try_from(busy).unwrap_or(u64::MAX)
}

#[cfg(not(target_has_atomic = "64"))]
fn busy(_metrics: &tokio::runtime::RuntimeMetrics, _worker: usize) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lost_connections_carried_is_not_taken_back() {
        let id = |name| (Atom::from_static(name), 1);
        let mut traffic = Traffic::default();
        let two = [(id("a@h"), (10, 20)), (id("b@h"), (1, 2))];
        assert_eq!(traffic.total(two.into_iter().collect()), (11, 22));
        assert_eq!(
            traffic.total([(id("a@h"), (15, 20))].into_iter().collect()),
            (16, 22)
        );
        // Connected anew.
        assert_eq!(
            traffic.total([(id("a@h"), (3, 1))].into_iter().collect()),
            (19, 23)
        );
        assert_eq!(traffic.total(FxHashMap::default()), (19, 23));
    }
}
