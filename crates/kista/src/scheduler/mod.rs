//! Who runs when: the run queues of a node's processes, over the runtime's worker threads.
//!
//! A runtime's own task for each process would do, and did: but a process that calls another and waits changes tasks twice, and each
//! change costs a scheduler that knows nothing of queues about a dozen atomic operations, and every fourth time another thread. Rules:
//! 1. There is a [`lane`] for each worker thread of the runtime: one task of it, which runs processes from a queue of its own.
//! 2. A process that waits is *parked in its own queue*, as a whole: see [`Park`]. What is sent to it takes it out and puts it behind
//!    those of the lane that runs here, or hands it to all when none does. So a process is in one place at any time: parked, in one run
//!    queue, or running; to be in a place is the right to run it, and no other state says so.
//! 3. One that is made ready by another stays on that one's thread, where what it is to read is warm. An idle lane is woken, and takes half
//!    of what is ready there, only when that would wait for [`PATIENCE`] by what turns took of late, since to wake a thread takes as long, and
//!    while that is of use: see [`help`].
//! 4. After a [`SLICE`] of time, or [`SLICES`] while another thread is idle, a lane lets the thread's other tasks have theirs, and the
//!    sockets and timers be looked at. After more than [`SLICES`] in a turn those that wait for any lane come first, as from time to
//!    time: who is woken by a timer or a socket waits there. A process that had a whole turn comes behind those that wait for any lane;
//!    of them the flooded may go ahead of the lane's own: see [`ready`].
//! 5. Nobody waits for more than some milliseconds behind a process that keeps its thread: see [`watch`].
//! 6. When the runtime goes away all processes do, in turns: the end of one that makes another ready is no recursion.

mod help;
mod lane;
mod ready;
mod sleepers;
mod task;
mod waits;
mod watch;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize, fence};
use std::time::{Duration, Instant};

use crossbeam_deque::{Injector, Steal};
use parking_lot::Mutex;
use tokio::runtime::{Handle, RuntimeFlavor};

use self::help::{FEW, Help};
use self::lane::{Place, Sign};
use self::ready::{Ready, Thief};
use self::sleepers::Sleepers;
pub(crate) use self::task::{ROUNDS, Runnable, Task, Turns};
pub(crate) use self::watch::ticks;

/// How long it runs processes between two looks at the thread's other tasks.
const SLICE: Duration = Duration::from_micros(100);

/// How long at most, while another thread has nothing to do: that one sees to sockets and timers, and takes this one's other tasks. For
/// a lane to let its thread go and come back wakes it each time.
const SLICES: Duration = Duration::from_millis(1);

/// For what waits less, in ns, nobody else is woken: that costs as much, and what it takes is cold there.
const PATIENCE: u64 = 200_000;

/// Lanes beyond one for each thread of the runtime, for when all are kept.
const SPARE: usize = 64;

/// The run queues of one node.
pub(crate) struct Scheduler {
    runtime: Handle,
    /// What was made ready where no lane runs.
    common: Injector<Task>,
    thieves: Box<[Thief]>,
    signs: Box<[Sign]>,
    /// Of the lanes that were not started.
    spare: Mutex<Vec<Ready>>,
    /// How many were started.
    started: AtomicUsize,
    sleepers: Sleepers,
    help: Help,
    /// Not where one thread is all that there is: nobody could help.
    watched: bool,
    /// The runtime is gone, or the node.
    closed: AtomicBool,
}

impl Scheduler {
    /// As many lanes as the runtime has threads.
    pub(crate) fn start(runtime: &Handle) -> Arc<Self> {
        let lanes = runtime.metrics().num_workers().max(1);
        let all = lanes + SPARE;
        let mut queues: Vec<_> = (0..all).map(|_| Ready::new()).collect();
        let scheduler = Arc::new(Self {
            runtime: runtime.clone(),
            common: Injector::new(),
            thieves: queues.iter().map(Ready::thief).collect(),
            signs: (0..all).map(|_| Sign::default()).collect(),
            spare: Mutex::new({
                queues.reverse();
                queues
            }),
            started: AtomicUsize::new(0),
            sleepers: Sleepers::default(),
            help: Help::new(Instant::now()),
            watched: runtime.runtime_flavor() != RuntimeFlavor::CurrentThread,
            closed: AtomicBool::new(false),
        });
        for _ in 0..lanes {
            scheduler.start_lane();
        }
        if scheduler.watched {
            watch::add(&scheduler);
        }
        scheduler
    }

    /// One lane more. False: there are enough.
    fn start_lane(self: &Arc<Self>) -> bool {
        let (index, ready) = {
            let mut spare = self.spare.lock();
            let Some(ready) = spare.pop() else {
                return false;
            };
            let index = self.thieves.len() - spare.len() - 1;
            self.started.store(index + 1, SeqCst);
            (index, ready)
        };
        if self.thieves.len() > SPARE + 1 {
            self.runtime.spawn(lane::bell(Arc::clone(self), index));
        }
        self.runtime
            .spawn(lane::drive(Arc::clone(self), index, ready));
        true
    }

    fn lanes(&self) -> usize {
        self.started.load(Relaxed)
    }

    /// For the [`watch`]: gives to others what waits behind a turn, or a task of the runtime, that is as it was at the last look.
    /// Whether there is any work.
    fn look(self: &Arc<Self>) -> bool {
        self.sleepers.look();
        let mut works = false;
        for (sign, thief) in self.signs.iter().zip(&self.thieves).take(self.lanes()) {
            let waits = thief.len() > 0 || !self.common.is_empty();
            works |= waits || sign.is_at_work();
            if sign.stands() && waits && !self.is_closed() {
                sign.set_gives_away(true);
                if !self.sleepers.wake_one()
                    && !self.sleepers.any()
                    && !self.sleepers.has_searcher()
                {
                    self.start_lane();
                }
            }
        }
        works
    }

    /// Runs no more: what is ready, and what becomes so, is dropped.
    pub(crate) fn close(&self) {
        self.closed.store(true, SeqCst);
        self.sleepers.wake_all();
        // They hold the scheduler until they are polled.
        self.signs.iter().for_each(Sign::ring);
        self.drain();
    }

    fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// From a lane whose work is for the others, of whom one is awake. If it is closed meanwhile the lane drains it, at its end: what is
    /// dropped may make others ready, and that is not to be within the lane.
    fn leave(&self, tasks: impl Iterator<Item = Task>) {
        tasks.for_each(|task| self.common.push(task));
        self.wake_watch();
    }

    /// From a thread on which no lane of this node runs.
    fn inject(&self, task: Task) {
        self.common.push(task);
        // Whoever closes drains what was pushed before; this sees that it is closed, or that one sees what was pushed.
        fence(SeqCst);
        if self.is_closed() {
            return self.drain();
        }
        self.sleepers.wake_one();
        // The lane that was woken may have to wait behind a task that keeps the thread.
        self.wake_watch();
    }

    /// To be called when something waits behind a process, or a task of the runtime, that runs.
    #[inline]
    fn wake_watch(&self) {
        if self.watched {
            watch::wake();
        }
    }

    fn drain(&self) {
        loop {
            match self.common.steal() {
                Steal::Success(task) => drop_in_turn(task),
                Steal::Retry => {}
                Steal::Empty => return,
            }
        }
    }

    /// Whether somebody who has nothing to do would find something.
    fn has_work(&self, now: Instant) -> bool {
        !self.common.is_empty() || (0..self.lanes()).any(|lane| self.may_steal(lane, now))
    }

    /// Rule 3.
    fn may_steal(&self, lane: usize, now: Instant) -> bool {
        self.is_to_share(lane, self.thieves[lane].len(), now)
    }

    /// Whether others may take of so many that are ready on this lane.
    fn is_to_share(&self, lane: usize, waiting: usize, now: Instant) -> bool {
        let sign = &self.signs[lane];
        waiting > 0
            && (sign.gives_away() || (sign.has_long_waits(waiting) && self.help.is_of_use(now)))
    }

    /// Whether another lane is at work, and does not stand.
    fn has_others(&self, lane: usize) -> bool {
        let others = (0..self.lanes()).filter(|other| *other != lane);
        let mut signs = others.map(|other| &self.signs[other]);
        signs.any(|sign| sign.is_at_work() && !sign.gives_away())
    }

    /// Whether more than a few wait on some lane.
    fn have_many(&self) -> bool {
        let lanes = self.thieves.iter().take(self.lanes());
        lanes.map(Thief::len).any(|waiting| waiting > FEW)
    }
}

/// Makes a process ready to run.
pub(crate) fn schedule(task: Task) {
    put(task, Place::Last);
}

/// The same of one that did as much as one turn may: those that wait for any lane come first. `flooded`: it has messages for another
/// turn, by the number of which it may do in one.
pub(crate) fn schedule_again(task: Task, flooded: bool) {
    let place = match flooded {
        true => Place::Flooded,
        false => Place::Again,
    };
    put(task, place);
}

fn put(task: Task, place: Place) {
    if let Err(task) = lane::push(task, place) {
        let scheduler = Arc::clone(task.node().scheduler());
        scheduler.inject(task);
    }
}

thread_local! {
    static DROPPING: Cell<bool> = const { Cell::new(false) };
    /// What waits for its turn.
    static NEXT: RefCell<VecDeque<Task>> = const { RefCell::new(VecDeque::new()) };
}

/// Rule 6. Where a thread ends there is no turn.
fn drop_in_turn(task: Task) {
    let mut task = Some(task);
    let waits = DROPPING.try_with(|dropping| dropping.replace(true));
    if waits == Ok(true) {
        let _ = NEXT.try_with(|next| next.borrow_mut().extend(task.take()));
        return drop(task);
    }
    let turn = waits.is_ok().then_some(Turn);
    while let Some(next) = task.take() {
        if catch_unwind(AssertUnwindSafe(|| drop(next))).is_err() {
            tracing::error!("the end of a process panicked");
        }
        task = NEXT
            .try_with(|next| next.borrow_mut().pop_front())
            .ok()
            .flatten();
    }
    drop(turn);
}

/// Over when it is dropped: also when a drop panics.
struct Turn;

impl Drop for Turn {
    fn drop(&mut self) {
        let _ = DROPPING.try_with(|dropping| dropping.set(false));
    }
}
