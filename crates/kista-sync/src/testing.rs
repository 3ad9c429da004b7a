//! Consumers and wakers for the tests and the models.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Poll, Wake, Waker};

use crate::queue::{Batch, Queue};

/// What a consumer does that sleeps while there is nothing: takes all that is there, or parks. Of a closed queue there is nothing more:
/// a batch of zero items says so.
pub(crate) fn take_or_park<T>(
    queue: &Queue<T>,
    waker: &Waker,
    into: &mut VecDeque<T>,
) -> Poll<Batch> {
    loop {
        let batch = queue.try_take(into);
        if batch.items > 0 {
            return Poll::Ready(batch);
        }
        if queue.park(waker.clone()).is_ok() {
            return Poll::Pending;
        }
        if queue.is_closed() {
            return Poll::Ready(Batch::default());
        }
    }
}

/// Counts how often it was woken.
#[cfg(not(loom))]
#[derive(Default)]
pub(crate) struct Counted(std::sync::atomic::AtomicUsize);

#[cfg(not(loom))]
impl Counted {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let counted = Arc::new(Self::default());
        (counted.clone(), Waker::from(counted))
    }

    pub(crate) fn wakes(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

#[cfg(not(loom))]
impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }
}

/// Runs a closure when it is woken.
#[cfg(not(loom))]
pub(crate) struct Calling<F>(pub(crate) F);

#[cfg(not(loom))]
impl<F: Fn() + Send + Sync + 'static> Wake for Calling<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// Unparks the thread that made it.
#[cfg(not(loom))]
pub(crate) struct Unparking(std::thread::Thread);

#[cfg(not(loom))]
impl Unparking {
    pub(crate) fn waker() -> Waker {
        Waker::from(Arc::new(Self(std::thread::current())))
    }
}

#[cfg(not(loom))]
impl Wake for Unparking {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Parks a thread of a model. A wake-up that is lost shows as a deadlock, which loom reports.
#[cfg(loom)]
pub(crate) struct Parker(loom::sync::Notify);

#[cfg(loom)]
impl Parker {
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let parker = Arc::new(Self(loom::sync::Notify::new()));
        (parker.clone(), Waker::from(parker))
    }

    pub(crate) fn park(&self) {
        self.0.wait();
    }
}

#[cfg(loom)]
impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}
