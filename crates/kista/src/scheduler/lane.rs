use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use crossbeam_deque::Steal;
use kista_sync::lock;
use tokio::task::{coop, yield_now};

use super::help::Shared;
use super::ready::Ready;
use super::waits::Waits;
use super::{PATIENCE, SLICE, SLICES, Scheduler, Task, drop_in_turn, watch};

/// What others see of a lane. In cache lines of its own: it is written at each turn.
#[derive(Default)]
#[repr(align(128))]
pub(super) struct Sign {
    /// It runs processes right now.
    at_work: AtomicBool,
    /// Its processes are to be taken away, though there be only one.
    gives_away: AtomicBool,
    /// Its turns.
    turns: AtomicU32,
    /// At which of them it was seen last.
    seen: AtomicU32,
    /// What a turn took of late, in ns. 0: it is not known yet.
    pace: AtomicU64,
    /// When it shared.
    shared: Shared,
    bell: OnceLock<Waker>,
}

impl Sign {
    pub(super) fn is_at_work(&self) -> bool {
        self.at_work.load(Relaxed)
    }

    /// Whether it is at the turn at which it was seen last.
    pub(super) fn stands(&self) -> bool {
        let turns = self.turns.load(Relaxed);
        self.seen.swap(turns, Relaxed) == turns
    }

    /// Whether some of so many that are ready would wait for long.
    pub(super) fn has_long_waits(&self, waiting: usize) -> bool {
        let pace = match self.pace.load(Relaxed) {
            0 => PATIENCE,
            pace => pace,
        };
        waiting > 1 && (waiting as u64).saturating_mul(pace) >= PATIENCE
    }

    /// Whether what is ready is to be taken away.
    pub(super) fn gives_away(&self) -> bool {
        self.gives_away.load(Relaxed)
    }

    pub(super) fn set_gives_away(&self, gives_away: bool) {
        self.gives_away.store(gives_away, Relaxed);
    }

    /// One turn more.
    fn count(&self) -> u32 {
        let turns = self.turns.load(Relaxed).wrapping_add(1);
        self.turns.store(turns, Relaxed);
        turns
    }

    pub(super) fn ring(&self) {
        if let Some(bell) = self.bell.get() {
            bell.wake_by_ref();
        }
    }
}

/// A lane while it runs here.
struct Lane {
    scheduler: Arc<Scheduler>,
    index: usize,
    ready: Ready,
    /// When it looked at the clock last, and at which turn.
    looked: Instant,
    looked_at: u32,
    /// What a turn took then, in ns. Very long: it is not known yet.
    pace: u64,
    /// The turn at which it looks again.
    looks_at: u32,
    /// When what waits for any lane came before its own, the last time.
    common_at: Instant,
    /// The last turn was as long as one may be.
    after_whole_turn: bool,
    /// What waits for any lane comes next.
    common_first: bool,
    /// The watch's tick when it looked at that last.
    tick: u32,
    waits: Waits,
    /// Its work is to be left to the others.
    steps_aside: bool,
}

/// So often it looks first at what is there for all.
const FAIR: u32 = 32;

/// After so many turns it looks at the clock; when they are long, and at first, after fewer.
const LOOK: u32 = 32;

/// So many of these it takes at once.
const SHARE: usize = 16;

thread_local! {
    static HERE: RefCell<Option<Lane>> = const { RefCell::new(None) };
}

/// Runs processes until the scheduler is closed. Dropped before it ran, by a runtime that is gone, it closes the scheduler too.
pub(super) fn drive(
    scheduler: Arc<Scheduler>,
    index: usize,
    ready: Ready,
) -> impl Future<Output = ()> {
    let mut lane = Ended(Some(Lane {
        scheduler,
        index,
        ready,
        looked: Instant::now(),
        looked_at: 0,
        pace: u64::MAX,
        looks_at: 0,
        common_at: Instant::now(),
        after_whole_turn: false,
        common_first: false,
        tick: 0,
        waits: Waits::default(),
        steps_aside: false,
    }));
    async move {
        while !poll_fn(|cx| lane.poll(cx)).await {
            // Behind it the thread looks at its other tasks, at sockets and timers, and wakes nobody for this one.
            yield_now().await;
        }
    }
}

/// A task that does nothing.
///
/// The runtime keeps the task that was woken last for the thread that woke it, which helps nobody while that thread is at work.
/// So behind a lane that is woken from another one's thread this one is: it takes that place. So it is on a thread whose lane
/// goes on, for the sake of whatever was woken there.
pub(super) async fn bell(scheduler: Arc<Scheduler>, index: usize) {
    poll_fn(|cx| {
        scheduler.signs[index]
            .bell
            .get_or_init(|| cx.waker().clone());
        match scheduler.is_closed() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
}

/// Where a process that is ready comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Last,
    /// It had a whole turn.
    Again,
    /// It had one, and has messages for another.
    Flooded,
}

/// Takes a process that is ready, if a lane of its node runs here.
pub(super) fn push(task: Task, place: Place) -> Result<(), Task> {
    let mut task = Some(task);
    // None: the thread ends.
    let _ = HERE.try_with(|here| {
        if let Some(lane) = &mut *here.borrow_mut()
            && let Some(task) = task.take_if(|task| lane.is_of(task))
        {
            lane.push(task, place);
        }
    });
    task.map_or(Ok(()), Err)
}

/// The lane between its polls. With the runtime's task its processes go.
struct Ended(Option<Lane>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(lane) = &mut self.0 {
            // It ends for no other reason than that, or that the runtime is gone.
            lane.scheduler.close();
            while let Some(task) = lane.ready.pop() {
                drop_in_turn(task);
            }
        }
    }
}

/// While the lane runs here.
struct Running<'a> {
    ended: &'a mut Ended,
    /// A lane whose process drives another runtime here.
    outer: Option<Lane>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let lane = HERE.replace(self.outer.take());
        if let Some(lane) = &lane {
            lane.sign().at_work.store(false, Relaxed);
            lane.sign().set_gives_away(false);
        }
        self.ended.0 = lane;
    }
}

impl Ended {
    /// Ready: its turn is over; true: for good.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Some(mut lane) = self.0.take() else {
            return Poll::Ready(true);
        };
        let (scheduler, index) = (Arc::clone(&lane.scheduler), lane.index);
        lane.begin();
        let begun = lane.looked;
        let mut until = begun + SLICE;
        let outer = HERE.replace(Some(lane));
        let _running = Running { ended: self, outer };
        let mut behind_turn = false;
        loop {
            if scheduler.is_closed() {
                return Poll::Ready(true);
            }
            let task = match next(cx, until, std::mem::take(&mut behind_turn)) {
                Next::Task(task) => task,
                Next::Sleeps => return Poll::Pending,
                Next::IsOver(now) if now < begun + SLICES && scheduler.sleepers.any() => {
                    scheduler.signs[index].ring();
                    until = now + SLICE;
                    continue;
                }
                Next::IsOver(_) => return Poll::Ready(false),
            };
            behind_turn = true;
            let ran = catch_unwind(AssertUnwindSafe(|| task.run()));
            if ran.is_err() {
                tracing::error!("the shell of a process panicked");
            }
            // What a process waits for in the runtime would not answer any more.
            if !coop::has_budget_remaining() {
                HERE.with_borrow_mut(|here| here.as_mut().map_or((), Lane::pass));
                return Poll::Ready(false);
            }
        }
    }
}

/// What the lane does next.
enum Next {
    Task(Task),
    /// Its time is over, now.
    IsOver(Instant),
    Sleeps,
}

/// Until then it has time, by its last look at the clock: it looks behind turns, so that of those that are ready one has its turn, however
/// slow the machine.
fn next(cx: &mut Context<'_>, until: Instant, behind_turn: bool) -> Next {
    HERE.with_borrow_mut(|here| {
        let Some(lane) = here.as_mut() else {
            return Next::Sleeps;
        };
        if behind_turn {
            lane.pass();
        }
        loop {
            if lane.looked >= until {
                return Next::IsOver(lane.looked);
            }
            if let Some(task) = lane.find() {
                return Next::Task(task);
            }
            if !lane.sleep(cx.waker()) {
                return Next::Sleeps;
            }
        }
    })
}

impl Lane {
    fn sign(&self) -> &Sign {
        &self.scheduler.signs[self.index]
    }

    fn is_of(&self, task: &Task) -> bool {
        Arc::ptr_eq(&self.scheduler, task.node().scheduler())
    }

    fn begin(&mut self) {
        self.scheduler.sleepers.awake(self.index);
        let sign = self.sign();
        sign.at_work.store(true, Relaxed);
        let turns = sign.turns.load(Relaxed);
        self.looked = Instant::now();
        self.looked_at = turns;
        self.looks_at = turns.wrapping_add(1);
        self.tick = watch::ticks();
        self.waits.begin(lock::waited());
    }

    fn push(&mut self, task: Task, place: Place) {
        self.after_whole_turn |= place != Place::Last;
        match place {
            Place::Last => self.ready.push(task),
            Place::Again => self.ready.push_again(task),
            Place::Flooded => self.ready.push_flooded(task),
        }
        self.scheduler.wake_watch();
        self.share();
    }

    /// Others are woken for what would wait here for long.
    fn share(&self) {
        if self.scheduler.sleepers.any()
            && self
                .scheduler
                .is_to_share(self.index, self.ready.len(), self.looked)
        {
            self.call_for_help();
        }
    }

    fn call_for_help(&self) {
        if self.scheduler.sleepers.wake_one() {
            self.sign().ring();
        }
    }

    /// Learns its pace.
    fn look(&mut self, turns: u32) {
        let now = Instant::now();
        let passed = now.duration_since(self.looked);
        self.ready.passed(passed);
        self.common_first |= now.duration_since(self.common_at) >= SLICES;
        let done = turns.wrapping_sub(self.looked_at).max(1);
        let each = passed / done;
        let pace = u64::try_from(each.as_nanos()).unwrap_or(u64::MAX);
        // The less of two: one that is much longer by itself has lost its core meanwhile.
        let before = std::mem::replace(&mut self.pace, pace);
        self.sign().pace.store(pace.min(before), Relaxed);
        self.looked = now;
        self.looked_at = turns;
        self.looks_at = turns.wrapping_add(self.next_look(done));
        if self.waits.look(passed, lock::waited()) && self.scheduler.has_others(self.index) {
            self.scheduler.help.hinders(now, &self.sign().shared);
            self.steps_aside = true;
        }
        self.share();
    }

    /// After so many turns: not later than when its slice is over, by what they took last, of which there were so many. At most twice as
    /// many as these, since what comes may take longer.
    fn next_look(&self, last: u32) -> u32 {
        const SLICE_NANOS: u64 = SLICE.as_nanos() as u64;
        let turns = SLICE_NANOS / self.pace.max(1);
        let turns = u32::try_from(turns).map_or(LOOK, |turns| turns.clamp(1, LOOK));
        turns.min(last.saturating_mul(2))
    }

    /// Behind a turn: counts it, and looks at the clock from time to time, and after a long one.
    fn pass(&mut self) {
        let turns = self.sign().count();
        let after_whole_turn = std::mem::take(&mut self.after_whole_turn);
        self.common_first |= after_whole_turn || turns.is_multiple_of(FAIR);
        let tick = watch::ticks();
        if turns == self.looks_at || after_whole_turn || tick != self.tick {
            self.tick = tick;
            self.look(turns);
        }
    }

    fn find(&mut self) -> Option<Task> {
        if self.steps_aside {
            self.leave_all();
            return None;
        }
        if std::mem::take(&mut self.common_first) {
            self.common_at = self.looked;
            if let Some(task) = taken(|| self.scheduler.common.steal()) {
                self.found();
                return Some(task);
            }
        }
        if let Some(task) = self.ready.pop() {
            return Some(task);
        }
        let task = taken(|| {
            self.scheduler
                .common
                .steal_batch_with_limit_and_pop(self.ready.others(), SHARE)
        })
        .or_else(|| self.steal())?;
        self.found();
        Some(task)
    }

    /// Its work goes to the others, of whom one is awake, as [`sleep`](Self::sleep) sees to: nobody is woken for it.
    fn leave_all(&mut self) {
        let ready = &mut self.ready;
        self.scheduler.leave(std::iter::from_fn(|| ready.pop()));
    }

    /// It may be the one that was woken: then the next one is to be.
    fn found(&mut self) {
        self.ready.skip();
        self.scheduler.sleepers.found();
        if !self.scheduler.common.is_empty() && self.scheduler.help.is_of_use(self.looked) {
            self.call_for_help();
        }
        self.share();
    }

    fn steal(&self) -> Option<Task> {
        let lanes = self.scheduler.lanes();
        (1..lanes)
            .map(|step| (self.index + step) % lanes)
            .filter(|lane| self.scheduler.may_steal(*lane, self.looked))
            .find_map(|lane| {
                let task = self.scheduler.thieves[lane].steal(&self.ready)?;
                let both = [self.index, lane].map(|lane| &self.scheduler.signs[lane].shared);
                self.scheduler.help.shared(self.looked, both);
                Some(task)
            })
    }

    /// False: it does; true: there is something, or it is to end.
    fn sleep(&mut self, waker: &Waker) -> bool {
        let now = Instant::now();
        // By the same time it looks whether it may take from others, and takes.
        (self.looked, self.looked_at) = (now, self.sign().turns.load(Relaxed));
        let aside = std::mem::take(&mut self.steps_aside);
        let scheduler = &self.scheduler;
        if !aside {
            let shared = &self.sign().shared;
            scheduler.help.ran_dry(now, shared, scheduler.have_many());
        }
        scheduler.sleepers.found();
        scheduler.sleepers.sleep(self.index, waker.clone());
        if scheduler.is_closed() {
            // Its next poll sees that.
            waker.wake_by_ref();
            return false;
        }
        // Who goes to sleep later looks for what was left: of several that leave their work at once the last one does all.
        let leaves = aside && !scheduler.sleepers.are_all(scheduler.lanes());
        let has_work = !leaves && scheduler.has_work(now);
        if has_work {
            scheduler.sleepers.awake(self.index);
        }
        has_work
    }
}

pub(super) fn taken<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(task) => return Some(task),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}
