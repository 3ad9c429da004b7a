//! One thread for all nodes of this OS process: sees to it that nobody waits for long behind a process that keeps its thread.
//!
//! A lane that has processes waiting and is at the same turn at two looks in a row has a process that computes for long, or has left its
//! thread by `block_in_place`, or shares the thread with a task of the runtime that does: what waits there is given to another lane, and
//! if all of them are so, a further one is started. The thread looks every [`EACH`] while there is work, and sleeps otherwise: who makes
//! a process ready behind one that runs wakes it.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, fence};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, Thread};
use std::time::Duration;

use parking_lot::Mutex;

use super::Scheduler;

const EACH: Duration = Duration::from_millis(1);

/// After so many looks at which there was no work it sleeps.
const IDLE: u32 = 4;

struct Watch {
    awake: AtomicBool,
    schedulers: Mutex<Vec<Weak<Scheduler>>>,
    thread: OnceLock<Thread>,
}

static WATCH: Watch = Watch {
    awake: AtomicBool::new(false),
    schedulers: Mutex::new(Vec::new()),
    thread: OnceLock::new(),
};

/// By itself: it is read at each turn, and written at each look.
#[repr(align(128))]
struct Ticks(AtomicU32);

static TICKS: Ticks = Ticks(AtomicU32::new(0));

/// How often it has looked. Not while it sleeps, when nobody runs, nor where no runtime has several threads.
#[inline]
pub(crate) fn ticks() -> u32 {
    TICKS.0.load(Relaxed)
}

/// From now on this one is looked at.
pub(super) fn add(scheduler: &Arc<Scheduler>) {
    let mut schedulers = WATCH.schedulers.lock();
    schedulers.retain(|other| other.strong_count() > 0);
    schedulers.push(Arc::downgrade(scheduler));
    drop(schedulers);
    WATCH.thread.get_or_init(|| {
        let spawned = thread::Builder::new()
            .name("kista-watch".to_owned())
            .spawn(look_on);
        match spawned {
            Ok(handle) => handle.thread().clone(),
            Err(error) => {
                tracing::warn!(%error, "no thread watches the schedulers: a process that keeps its thread may hold up others");
                thread::current()
            }
        }
    });
}

/// To be called when something waits behind a process that runs.
#[inline]
pub(super) fn wake() {
    if !WATCH.awake.load(Relaxed) {
        begin();
    }
}

#[cold]
fn begin() {
    if !WATCH.awake.swap(true, SeqCst)
        && let Some(thread) = WATCH.thread.get()
    {
        thread.unpark();
    }
}

fn look_on() {
    let mut idle = 0;
    loop {
        thread::sleep(EACH);
        let works = look();
        idle = if works { 0 } else { idle + 1 };
        if idle < IDLE {
            continue;
        }
        idle = 0;
        WATCH.awake.store(false, SeqCst);
        // Who saw it awake just before does not wake it, and what that one made ready is seen by now.
        fence(SeqCst);
        thread::sleep(EACH);
        if look() {
            WATCH.awake.store(true, SeqCst);
            continue;
        }
        while !WATCH.awake.load(SeqCst) {
            thread::park();
        }
    }
}

/// Whether there is any work.
fn look() -> bool {
    let schedulers: Vec<_> = {
        let mut schedulers = WATCH.schedulers.lock();
        schedulers.retain(|scheduler| scheduler.strong_count() > 0);
        schedulers.iter().filter_map(Weak::upgrade).collect()
    };
    TICKS.0.fetch_add(1, Relaxed);
    let mut works = false;
    for scheduler in &schedulers {
        works |= scheduler.look();
    }
    works
}
