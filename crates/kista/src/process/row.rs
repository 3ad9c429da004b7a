use std::time::{Duration, Instant};

use super::Process;

/// So many turns for calls alone, in a row, make a process have its callers do them.
const ENOUGH: i32 = 8;

/// A turn of this length is long, but for what each of its messages may take.
const LONG: Duration = Duration::from_micros(50);
const EACH: Duration = Duration::from_micros(2);

/// So many more are needed after a long one.
const PENALTY: i32 = 1_024;

/// Every so many turns that callers do one is timed.
const TIMED: i32 = 32;

/// How many turns for calls alone a process had in a row; less than none after a long one. From [`ENOUGH`] on callers do its turns (the
/// rules are in `shell.rs`), and it counts these.
#[derive(Clone, Copy)]
pub(crate) struct Row(i32);

impl Row {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn is_of_callers(self) -> bool {
        self.0 >= ENOUGH
    }

    /// A lane begins a turn. When that was, if it is to be timed: the first of a row is not, since most processes have none.
    #[inline]
    pub(crate) fn begin(&mut self) -> Option<Instant> {
        if self.is_of_callers() {
            self.0 = 0;
        }
        (self.0 > 0).then(Instant::now)
    }

    /// A caller begins one.
    #[inline]
    pub(crate) fn begin_called(self) -> Option<Instant> {
        (self.0 % TIMED == 0).then(Instant::now)
    }

    /// The turn was none for calls alone.
    #[inline]
    pub(crate) fn ends(&mut self) {
        self.0 = self.0.min(0);
    }

    /// The process waits behind a turn that began then.
    #[inline]
    pub(crate) fn waits<M: Send + 'static>(
        &mut self,
        process: &Process<M>,
        begun: Option<Instant>,
    ) {
        if !process.rests_after_calls() {
            return self.ends();
        }
        let took_long =
            begun.is_some_and(|begun| begun.elapsed() >= LONG + EACH * process.read_in_turn());
        self.0 = match took_long {
            true => -PENALTY,
            false => self.0.checked_add(1).unwrap_or(ENOUGH),
        };
    }
}
