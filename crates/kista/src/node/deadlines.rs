//! The deadlines of calls: one coarse wheel per node, so that a call costs no timer of its own.
//!
//! Rules:
//! 1. A deadline fires up to 10 ms late (more when the machine is busy), never early; an idle wheel costs nothing: its driver sleeps until
//!    the next one is due. The driver lives as long as the node, not until its stop: calls may outlive that.
//! 2. Nearly no call comes to its deadline, and a process that calls in a row would put one on the wheel and take it off for each. So
//!    a process has one *alarm* there, for whatever it waits for: it is put there when there is none that fires in time, and
//!    stays when the call has its answer. When it fires the process is woken once too often, and arms the next one if it waits again.
//! 3. Who waits otherwise (a task that is no process, a part of a process with a waker of its own) has an entry of its own, which it
//!    takes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kista_etf::Pid;
use kista_sync::lock::Mutex;
use kista_sync::wheel::{Wheel, WheelKey};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Node, WeakNode};
use crate::process::current;

const TICK: Duration = Duration::from_millis(10);

pub(crate) struct Deadlines {
    epoch: Instant,
    armed: Mutex<Armed>,
    /// The tick to which the wheel was advanced: all that was due by then has been woken, or is about to be.
    passed: AtomicU64,
    sooner: Notify,
    stopped: AtomicBool,
}

struct Armed {
    wheel: Wheel<Sleeper>,
    /// When the driver wakes by itself.
    wakes_at: u64,
}

enum Sleeper {
    Waker(Waker),
    /// By its pid: a process that has ended meanwhile is not kept.
    Process(Pid),
}

impl Deadlines {
    /// `kept` is dropped with the driver: when the node is gone, or the runtime.
    pub(super) fn start(
        runtime: &tokio::runtime::Handle,
        node: WeakNode,
        kept: impl Send + 'static,
    ) -> Arc<Self> {
        let deadlines = Arc::new(Self {
            epoch: Instant::now(),
            armed: Mutex::new(Armed {
                wheel: Wheel::new(),
                wakes_at: u64::MAX,
            }),
            passed: AtomicU64::new(0),
            sooner: Notify::new(),
            stopped: AtomicBool::new(false),
        });
        let driven = Arc::clone(&deadlines);
        runtime.spawn(async move {
            let _kept = kept;
            driven.drive(&node).await;
        });
        deadlines
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Relaxed);
        self.sooner.notify_one();
    }

    async fn drive(self: Arc<Self>, node: &WeakNode) {
        let mut due = Vec::new();
        while !self.stopped.load(Relaxed) {
            let sooner = self.sooner.notified();
            let wakes_at = {
                let now = self.ticks(self.epoch.elapsed());
                let mut armed = self.armed.lock();
                armed.wheel.advance(now, &mut due);
                self.passed.store(now, Relaxed);
                armed.wakes_at = armed.wheel.next_deadline().unwrap_or(u64::MAX);
                armed.wakes_at
            };
            if !due.is_empty() {
                due.drain(..).for_each(|sleeper| sleeper.wake(node));
                continue;
            }
            let Some(at) = u32::try_from(wakes_at)
                .ok()
                .and_then(|ticks| self.epoch.checked_add(TICK * ticks))
            else {
                sooner.await;
                continue;
            };
            tokio::select! {
                () = tokio::time::sleep_until(at) => {}
                () = sooner => {}
            }
        }
    }

    fn ticks(&self, time: Duration) -> u64 {
        u64::try_from(time.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Rounded up: the tick at which it fires does not begin before the deadline.
    fn tick_at(&self, at: Instant) -> u64 {
        let time = at.duration_since(self.epoch).as_nanos();
        u64::try_from(time.div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX)
    }

    fn insert(&self, tick: u64, sleeper: Sleeper) -> WheelKey {
        let mut armed = self.armed.lock();
        let key = armed.wheel.insert(tick, sleeper);
        let is_sooner = tick < armed.wakes_at;
        if is_sooner {
            armed.wakes_at = tick;
        }
        drop(armed);
        if is_sooner {
            self.sooner.notify_one();
        }
        key
    }

    fn remove(&self, key: WheelKey) {
        let removed = self.armed.lock().wheel.remove(key);
        // Not under the lock: a waker may be the last to hold a task, and that one a deadline of its own.
        drop(removed);
    }
}

impl Sleeper {
    fn wake(self, node: &WeakNode) {
        match self {
            Self::Waker(waker) => waker.wake(),
            Self::Process(pid) => {
                if let Some(process) = node.upgrade().and_then(|node| node.find(pid)) {
                    process.wake();
                }
            }
        }
    }
}

/// One deadline, armed on its first poll.
pub(crate) struct Deadline {
    at: Instant,
    /// On the wheel by itself: rule 3. Dropping it takes it off.
    armed: Option<(Arc<Deadlines>, WheelKey, Waker)>,
}

impl Deadline {
    pub(super) fn new(timeout: Duration) -> Self {
        let now = Instant::now();
        // Beyond any clock: a hundred years will do.
        let at = now
            .checked_add(timeout)
            .unwrap_or_else(|| now + Duration::from_secs(3_153_600_000));
        Self { at, armed: None }
    }

    /// Ready when the time is up. `node`: always the same one.
    pub(crate) fn poll(&mut self, node: &Node, cx: &mut Context<'_>) -> Poll<()> {
        let deadlines = &node.0.deadlines;
        if self.armed.is_none() {
            let tick = deadlines.tick_at(self.at);
            if deadlines.passed.load(Relaxed) >= tick {
                return Poll::Ready(());
            }
            let arm = |pid| {
                deadlines.insert(tick, Sleeper::Process(pid));
            };
            if current::set_alarm(node, cx.waker(), tick, deadlines.passed.load(Relaxed), arm) {
                return Poll::Pending;
            }
        }
        if let Some((_, key, waker)) = &self.armed {
            if Instant::now() >= self.at {
                return Poll::Ready(());
            }
            if waker.will_wake(cx.waker()) {
                return Poll::Pending;
            }
            deadlines.remove(*key);
        }
        let waker = cx.waker().clone();
        let key = deadlines.insert(deadlines.tick_at(self.at), Sleeper::Waker(waker.clone()));
        self.armed = Some((Arc::clone(deadlines), key, waker));
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        if let Some((deadlines, key, _)) = self.armed.take() {
            deadlines.remove(key);
        }
    }
}
