//! A lock for what takes a few dozen instructions, in which nothing foreign runs: a push, a taking, a slot.
//!
//! To release it is a plain store, where a lock on which others can sleep takes a second atomic operation; a call between processes takes
//! a dozen locks. Who finds it taken waits by [`Backoff`].

use std::cell::Cell;
use std::hint::spin_loop;
use std::thread;
use std::time::{Duration, Instant};

use spin::RelaxStrategy;

/// The lock. It takes one byte, and knows no poisoning.
///
/// ```
/// let counter = kista_sync::lock::Mutex::new(1);
/// *counter.lock() += 1;
/// assert_eq!(*counter.lock(), 2);
/// ```
pub type Mutex<T> = spin::mutex::SpinMutex<T, Backoff>;

pub(crate) type MutexGuard<'a, T> = spin::mutex::SpinMutexGuard<'a, T, Backoff>;

/// What a thread does while another one holds the lock.
///
/// It spins for longer than the lock is ever held by who runs. A holder that still has it has lost its core: then the thread lets
/// others run, and if that does not help (the holder may be of lower priority) sleeps, which does.
#[derive(Debug)]
pub struct Backoff;

/// In one wait: so that the holder's thread can take it several times in a row, with its cache line.
const PAUSES: u32 = 64;
const SPINS: u32 = 4;
const YIELDS: u32 = 64;
const SLEEP: Duration = Duration::from_micros(50);

thread_local! {
    /// How often this thread has waited. Where in it a wait begins does not matter.
    static WAITS: Cell<u32> = const { Cell::new(0) };
    static WAITED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// For how long this thread has waited for such locks, in all.
#[must_use]
pub fn waited() -> Duration {
    WAITED.get()
}

impl RelaxStrategy for Backoff {
    #[inline(never)]
    fn relax() {
        let begun = Instant::now();
        let waits = WAITS.get().wrapping_add(1);
        WAITS.set(waits);
        if !waits.is_multiple_of(SPINS) {
            (0..PAUSES).for_each(|_| spin_loop());
        } else if !waits.is_multiple_of(SPINS * YIELDS) {
            thread::yield_now();
        } else {
            thread::sleep(SLEEP);
        }
        WAITED.set(WAITED.get() + begun.elapsed());
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn who_finds_a_lock_taken_counts_the_wait_and_nobody_else() {
        let lock = Mutex::new(());
        drop(lock.lock());
        assert_eq!(waited(), Duration::ZERO);
        let mut theirs = Duration::ZERO;
        // The other thread may come late, and find it free.
        while theirs == Duration::ZERO {
            let held = lock.lock();
            theirs = thread::scope(|scope| {
                let other = scope.spawn(|| {
                    drop(lock.lock());
                    waited()
                });
                thread::sleep(Duration::from_millis(1));
                drop(held);
                other.join().unwrap()
            });
        }
        assert_eq!(waited(), Duration::ZERO);
    }
}
