//! The deadlines of calls: one coarse wheel per node, so that a call costs no timer of its own.
//!
//! Rules: a deadline fires up to 10 ms late (more when the machine is busy), never early; an idle wheel costs nothing: its driver
//! sleeps until a deadline is armed. The driver lives as long as the node, not until its stop: calls may outlive that.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kista_sync::wheel::{Wheel, WheelKey};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

const TICK: Duration = Duration::from_millis(10);

pub(crate) struct Deadlines {
    epoch: Instant,
    wheel: Mutex<Wheel<Waker>>,
    armed: Notify,
    stopped: AtomicBool,
}

impl Deadlines {
    /// `kept` is dropped with the driver: when the node is gone, or the runtime.
    pub(super) fn start(runtime: &tokio::runtime::Handle, kept: impl Send + 'static) -> Arc<Self> {
        let deadlines = Arc::new(Self {
            epoch: Instant::now(),
            wheel: Mutex::new(Wheel::new()),
            armed: Notify::new(),
            stopped: AtomicBool::new(false),
        });
        let driven = Arc::clone(&deadlines);
        runtime.spawn(async move {
            let _kept = kept;
            driven.drive().await;
        });
        deadlines
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Relaxed);
        self.armed.notify_one();
    }

    async fn drive(self: Arc<Self>) {
        let mut expired = Vec::new();
        while !self.stopped.load(Relaxed) {
            if self.wheel.lock().is_empty() {
                self.armed.notified().await;
                continue;
            }
            let into_tick = self.epoch.elapsed().as_nanos() % TICK.as_nanos();
            tokio::time::sleep(TICK - Duration::from_nanos(into_tick as u64)).await;
            self.wheel
                .lock()
                .advance(self.ticks(self.epoch.elapsed()), &mut expired);
            expired.drain(..).for_each(Waker::wake);
        }
    }

    fn ticks(&self, time: Duration) -> u64 {
        u64::try_from(time.as_nanos() / TICK.as_nanos()).unwrap_or(u64::MAX)
    }

    fn insert(&self, at: Instant, waker: Waker) -> WheelKey {
        // Rounded up: the tick at which it fires does not begin before the deadline.
        let time = at.duration_since(self.epoch).as_nanos();
        let tick = u64::try_from(time.div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX);
        let mut wheel = self.wheel.lock();
        let was_empty = wheel.is_empty();
        let key = wheel.insert(tick, waker);
        drop(wheel);
        if was_empty {
            self.armed.notify_one();
        }
        key
    }

    fn remove(&self, key: WheelKey) {
        let removed = self.wheel.lock().remove(key);
        // Not under the lock: a waker may be the last to hold a task, and that one a deadline of its own.
        drop(removed);
    }
}

/// One deadline, armed on its first poll. Dropping it takes it off the wheel.
pub(crate) struct Deadline {
    deadlines: Arc<Deadlines>,
    at: Instant,
    armed: Option<(WheelKey, Waker)>,
}

impl Deadline {
    pub(super) fn new(deadlines: Arc<Deadlines>, timeout: Duration) -> Self {
        let now = Instant::now();
        // Beyond any clock: a hundred years will do.
        let at = now
            .checked_add(timeout)
            .unwrap_or_else(|| now + Duration::from_secs(3_153_600_000));
        Self {
            deadlines,
            at,
            armed: None,
        }
    }

    /// Ready when the time is up.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some((key, waker)) = &self.armed {
            if Instant::now() >= self.at {
                return Poll::Ready(());
            }
            if waker.will_wake(cx.waker()) {
                return Poll::Pending;
            }
            self.deadlines.remove(*key);
        }
        let waker = cx.waker().clone();
        self.armed = Some((self.deadlines.insert(self.at, waker.clone()), waker));
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        if let Some((key, _)) = self.armed.take() {
            self.deadlines.remove(key);
        }
    }
}
