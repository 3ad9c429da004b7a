use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, fence};
use std::task::Waker;

use parking_lot::Mutex;

/// Lanes without work.
///
/// One at a time is woken, and looks for work; when it has found some, and there is more, it wakes the next. Who makes work
/// ready and who goes to sleep look for each other in opposite order, so one of them sees the other.
#[derive(Default)]
pub(super) struct Sleepers {
    asleep: Mutex<Vec<(usize, Waker)>>,
    count: AtomicUsize,
    /// One was woken that has not found anything yet.
    searching: AtomicBool,
    /// How often one was woken so.
    searches: AtomicU32,
    /// How often at the last look.
    seen: AtomicU32,
}

impl Sleepers {
    /// To be followed by a look for work.
    pub(super) fn sleep(&self, lane: usize, waker: Waker) {
        let mut asleep = self.asleep.lock();
        asleep.push((lane, waker));
        self.count.store(asleep.len(), SeqCst);
        drop(asleep);
        fence(SeqCst);
    }

    /// The lane is awake, whoever woke it.
    pub(super) fn awake(&self, lane: usize) {
        let mut asleep = self.asleep.lock();
        asleep.retain(|(other, _)| *other != lane);
        self.count.store(asleep.len(), SeqCst);
    }

    pub(super) fn any(&self) -> bool {
        self.count.load(SeqCst) > 0
    }

    /// Whether so many are asleep: to be asked behind [`sleep`](Self::sleep), by who leaves work to those that are not.
    pub(super) fn are_all(&self, lanes: usize) -> bool {
        self.count.load(SeqCst) >= lanes
    }

    /// To be called behind what makes work ready, and behind a fence where nobody else would do it. Whether one was woken.
    pub(super) fn wake_one(&self) -> bool {
        if self.count.load(SeqCst) == 0 || self.searching.load(SeqCst) {
            return false;
        }
        let waker = {
            let mut asleep = self.asleep.lock();
            let waker = asleep.pop();
            self.count.store(asleep.len(), SeqCst);
            if waker.is_some() {
                self.searching.store(true, SeqCst);
                self.searches.fetch_add(1, Relaxed);
            }
            waker
        };
        match waker {
            Some((_, waker)) => {
                waker.wake();
                true
            }
            None => false,
        }
    }

    /// Whether one is awake that has found nothing yet.
    pub(super) fn has_searcher(&self) -> bool {
        self.searching.load(SeqCst)
    }

    /// For the watch: gives up on one that was woken and has not come to search since the last look. It waits for a thread that
    /// somebody else keeps.
    pub(super) fn look(&self) {
        let searches = self.searches.load(Relaxed);
        if self.seen.swap(searches, Relaxed) == searches && self.has_searcher() {
            self.found();
        }
    }

    pub(super) fn found(&self) {
        self.searching.store(false, SeqCst);
    }

    pub(super) fn wake_all(&self) {
        let all = {
            let mut asleep = self.asleep.lock();
            self.count.store(0, SeqCst);
            std::mem::take(&mut *asleep)
        };
        for (_, waker) in all {
            waker.wake();
        }
    }
}
