//! The deadlines of calls: one coarse wheel per node, so that a call costs no timer of its own.
//!
//! Rules:
//! 1. A deadline fires up to 10 ms late (more when the machine is busy), never early; an idle wheel costs nothing: its driver sleeps until
//!    the next one is due. The driver lives as long as the node, not until its stop: calls may outlive that.
//! 2. Nearly no call comes to its deadline, and a process that calls in a row would put one on the wheel and take it off for each. So
//!    a process has one *alarm* there, for whatever it waits for: it is put there when there is none, and
//!    stays when the call has its answer. When it fires the process is woken once too often, and arms the next one if it waits still.
//! 3. Who waits otherwise (a task that is no process, a part of a process with a waker of its own, a call that is to end before the
//!    process's alarm) has an entry of its own, which it takes back.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kista_etf::Pid;
use kista_sync::wheel::{Wheel, WheelKey};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Node, WeakNode};
use crate::process::current;

const TICK: Duration = Duration::from_millis(10);

/// An alarm is at most so many ticks away, 5 s and some, and is put on the wheel again if its process still waits: so what ended
/// processes, and calls that have their answers, leave there is not for long.
const FAR: u64 = 512;

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
                for sleeper in due.drain(..) {
                    // A waker may be another executor's.
                    if catch_unwind(AssertUnwindSafe(|| sleeper.wake(node))).is_err() {
                        tracing::error!("a waker panicked when a time limit was reached");
                    }
                }
                tokio::task::yield_now().await;
                continue;
            }
            let Some(at) = self.epoch.checked_add(time_of(wakes_at)) else {
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

/// When a tick begins, behind the epoch; the last one never does.
fn time_of(tick: u64) -> Duration {
    const MILLIS: u64 = TICK.as_millis() as u64;
    tick.checked_mul(MILLIS)
        .map_or(Duration::MAX, Duration::from_millis)
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
                let far = deadlines.ticks(deadlines.epoch.elapsed()) + FAR;
                deadlines.insert(tick.min(far), Sleeper::Process(pid));
                tick.min(far)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gen_server::{Address, Cx, Flow, GenServer, InitStop, Message, ReplyTo};
    use crate::plain::ProcessCx;

    struct Echo;

    struct Ask(ReplyTo<()>);

    impl Message for Ask {}

    impl GenServer for Echo {
        type Args = ();
        type Msg = Ask;
        type Client = Address<Ask>;

        async fn init((): (), _: &mut Cx<Self>) -> Result<Self, InitStop> {
            Ok(Self)
        }

        async fn handle(&mut self, Ask(reply): Ask, _: &mut Cx<Self>) -> Flow {
            // The caller has to wait.
            tokio::task::yield_now().await;
            reply.reply(());
            Flow::Continue
        }
    }

    /// Each way by itself is what the rules are made for; in turns the one must not leave something behind for each of the other.
    #[tokio::test]
    async fn calls_with_long_and_short_limits_in_turns_do_not_pile_up_on_the_wheel() {
        let node = Node::builder("piles@localhost").no_network().start().await;
        let node = node.expect("a node without network starts");
        let echo = node
            .spawn(crate::gen_server::spec::<Echo>(()))
            .await
            .expect("it starts");
        let (tell, told) = tokio::sync::oneshot::channel();
        let caller = async move |_: ProcessCx| {
            for _ in 0..100 {
                for limit in [Duration::from_millis(10), Duration::from_secs(3_600)] {
                    // Now and then the machine is busy, and the short one is over.
                    let _ = echo.call(Ask).timeout(limit).await;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let _ = tell.send(());
        };
        node.spawn_fn(caller).expect("it starts");
        told.await.expect("it ends");
        let left = node.0.deadlines.armed.lock().wheel.len();
        assert!(left <= 2, "{left} of 100 are left");
        node.stop().await;
    }

    #[test]
    fn a_node_that_has_run_for_years_still_knows_when_a_tick_begins() {
        let years = Duration::from_secs(30 * 365 * 24 * 3_600);
        let tick = years.as_nanos() / TICK.as_nanos();
        let tick = u64::try_from(tick).expect("not that many");
        assert!(tick > u64::from(u32::MAX));
        assert_eq!(time_of(tick), years);
        assert_eq!(time_of(u64::MAX), Duration::MAX);
    }
}
