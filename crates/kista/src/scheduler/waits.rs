use std::time::Duration;

/// How much of a lane's time goes into waiting for locks that other threads hold, as those of one process's queue, to which both send.
///
/// To take turns at one lock, and to move what is under it from one core's caches into the other's each time, takes longer than to do the
/// work of both on one thread. What is waited for is a sign of that, and a part of it.
#[derive(Default)]
pub(super) struct Waits {
    passed: Duration,
    waited: Duration,
    /// The thread's own count at the last look.
    seen: Duration,
    /// It was too much before already.
    too_much: bool,
}

/// So much time is looked at together.
const WINDOW: Duration = Duration::from_micros(500);

/// It is too much when it is this part of that.
const PART: u32 = 10;

impl Waits {
    /// The lane begins on a thread that has waited for so long, ever.
    pub(super) fn begin(&mut self, waited: Duration) {
        self.seen = waited;
    }

    /// So much time has passed since the last look, and the thread has waited for so long by now. Whether that is too much twice in a row: once
    /// may be that who had a lock lost its core.
    pub(super) fn look(&mut self, passed: Duration, waited: Duration) -> bool {
        self.passed += passed;
        self.waited += waited.saturating_sub(self.seen);
        self.seen = waited;
        if self.passed < WINDOW {
            return false;
        }
        let too_much = self.waited >= self.passed / PART;
        (self.passed, self.waited) = (Duration::ZERO, Duration::ZERO);
        std::mem::replace(&mut self.too_much, too_much) && too_much
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(micros: u64) -> Duration {
        Duration::from_micros(micros)
    }

    #[test]
    fn what_was_waited_is_held_against_the_time_that_passed_on_whatever_threads() {
        let mut waits = Waits::default();
        waits.begin(micros(7_000));
        assert!(!waits.look(micros(300), micros(7_040)));
        // Elsewhere: what that thread waited before is none of the lane's.
        waits.begin(micros(90_000));
        assert!(
            !waits.look(micros(300), micros(90_020)),
            "once is not enough"
        );
        assert!(!waits.look(micros(600), micros(90_079)));
        assert!(!waits.look(micros(600), micros(90_139)));
        assert!(waits.look(micros(600), micros(90_199)));
    }
}
