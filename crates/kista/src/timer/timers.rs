use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use kista_etf::Pid;
use kista_sync::wheel::{Wheel, WheelKey};
use parking_lot::Mutex;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::Notify;
use tokio::time::Instant;

const TICK: Duration = Duration::from_millis(1);

/// The timers of a node. Knows when and for whom, not what: that is a closure.
pub(crate) struct Timers {
    epoch: Instant,
    armed: Mutex<Armed>,
    last_id: AtomicU64,
    /// A timer was armed that is due before all others.
    sooner: Notify,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Armed {
    wheel: Wheel<u64>,
    timers: FxHashMap<u64, Timer>,
    /// The timers that end with a process.
    by_process: FxHashMap<Pid, FxHashSet<u64>>,
    /// When the task looks again, in ticks; `None` while it waits for the first timer.
    wakes_at: Option<u64>,
}

struct Timer {
    key: WheelKey,
    due: Instant,
    ends_with: Option<Pid>,
    /// Absent while an interval acts.
    action: Option<Action>,
}

/// What a timer does.
pub(crate) enum Action {
    Once(Box<dyn FnOnce() + Send>),
    /// Again and again.
    Every(Duration, Box<dyn FnMut() + Send>),
}

impl Timers {
    pub(crate) fn start(runtime: &tokio::runtime::Handle) -> Arc<Self> {
        let timers = Arc::new(Self {
            epoch: Instant::now(),
            armed: Mutex::default(),
            last_id: AtomicU64::new(0),
            sooner: Notify::new(),
            stopped: AtomicBool::new(false),
        });
        runtime.spawn(Arc::clone(&timers).drive());
        timers
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Relaxed);
        self.sooner.notify_one();
    }

    /// The name of a timer to come.
    pub(crate) fn name(&self) -> u64 {
        self.last_id.fetch_add(1, Relaxed) + 1
    }

    /// Arms a timer under a name that is its own. One that `ends_with` a process is to be cancelled by the caller if that process has
    /// ended meanwhile.
    pub(crate) fn arm(&self, id: u64, after: Duration, ends_with: Option<Pid>, action: Action) {
        let now = Instant::now();
        // Beyond any clock: a hundred years will do.
        let due = now
            .checked_add(after)
            .unwrap_or_else(|| now + Duration::from_secs(3_153_600_000));
        let tick = self.tick_at(due);
        let mut armed = self.armed.lock();
        let timer = Timer {
            key: armed.wheel.insert(tick, id),
            due,
            ends_with,
            action: Some(action),
        };
        armed.timers.insert(id, timer);
        if let Some(pid) = ends_with {
            armed.by_process.entry(pid).or_default().insert(id);
        }
        let is_sooner = armed.wakes_at.is_none_or(|wakes_at| tick < wakes_at);
        drop(armed);
        if is_sooner {
            self.sooner.notify_one();
        }
    }

    /// Takes a timer back; the time that was left. `None`: it fired, was cancelled, or never was.
    pub(crate) fn cancel(&self, id: u64) -> Option<Duration> {
        let timer = self.armed.lock().remove(id)?;
        Some(timer.due.saturating_duration_since(Instant::now()))
    }

    /// The time that is left.
    pub(crate) fn read(&self, id: u64) -> Option<Duration> {
        let due = self.armed.lock().timers.get(&id)?.due;
        Some(due.saturating_duration_since(Instant::now()))
    }

    /// The process has ended, and is no longer found.
    pub(crate) fn end_of(&self, pid: Pid) {
        let mut armed = self.armed.lock();
        let ids = armed.by_process.remove(&pid).unwrap_or_default();
        let ended: Vec<_> = ids.into_iter().filter_map(|id| armed.remove(id)).collect();
        // What they hold is dropped without the lock.
        drop(armed);
        drop(ended);
    }

    /// How many timers end with this process.
    pub(crate) fn count(&self, pid: Pid) -> usize {
        let armed = self.armed.lock();
        armed.by_process.get(&pid).map_or(0, FxHashSet::len)
    }

    /// How many timers there are.
    pub(crate) fn len(&self) -> usize {
        self.armed.lock().timers.len()
    }

    async fn drive(self: Arc<Self>) {
        let mut due = Vec::new();
        while !self.stopped.load(Relaxed) {
            let sooner = self.sooner.notified();
            let wakes_at = {
                let mut armed = self.armed.lock();
                armed.wheel.advance(self.tick_now(), &mut due);
                armed.wakes_at = armed.wheel.next_deadline();
                armed.wakes_at
            };
            if !due.is_empty() {
                due.drain(..).for_each(|id| self.fire(id));
                continue;
            }
            match wakes_at {
                None => sooner.await,
                Some(tick) => {
                    let ticks = Duration::from_millis(tick);
                    tokio::select! {
                        () = tokio::time::sleep_until(self.epoch + ticks) => {}
                        () = sooner => {}
                    }
                }
            }
        }
    }

    fn fire(&self, id: u64) {
        let action = {
            let mut armed = self.armed.lock();
            match armed.timers.get_mut(&id) {
                Some(Timer {
                    action: Some(Action::Once(_)),
                    ..
                }) => armed.remove(id).and_then(|timer| timer.action),
                Some(timer) => timer.action.take(),
                // Cancelled just now.
                None => None,
            }
        };
        match action {
            None => {}
            Some(Action::Once(act)) => act(),
            Some(Action::Every(period, mut act)) => {
                act();
                self.arm_again(id, period, act);
            }
        }
    }

    fn arm_again(&self, id: u64, period: Duration, act: Box<dyn FnMut() + Send>) {
        let mut armed = self.armed.lock();
        let Armed { wheel, timers, .. } = &mut *armed;
        // None: it was cancelled, perhaps by what it did.
        let Some(timer) = timers.get_mut(&id) else {
            return;
        };
        // From when it was due, not from now: an interval does not drift. After a standstill what was missed is not made up for.
        let now = Instant::now();
        timer.due = (timer.due + period).max(now);
        timer.action = Some(Action::Every(period, act));
        timer.key = wheel.insert(self.tick_at(timer.due), id);
    }

    fn tick_now(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Rounded up: the tick does not begin before the time.
    fn tick_at(&self, time: Instant) -> u64 {
        let since = time.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(since.div_ceil(TICK.as_nanos())).unwrap_or(u64::MAX)
    }
}

impl Armed {
    fn remove(&mut self, id: u64) -> Option<Timer> {
        let timer = self.timers.remove(&id)?;
        self.wheel.remove(timer.key);
        if let Some(pid) = timer.ends_with
            && let Some(ids) = self.by_process.get_mut(&pid)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_process.remove(&pid);
            }
        }
        if self.timers.is_empty() {
            // A burst's memory is not kept.
            self.timers = FxHashMap::default();
            self.by_process = FxHashMap::default();
        }
        Some(timer)
    }
}
