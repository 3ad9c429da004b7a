use std::time::{Duration, Instant};

use super::Process;
use crate::scheduler::ticks;

/// So many turns for calls alone, in a row, make a process have its callers do them.
const ENOUGH: i32 = 8;

/// A turn of this length is long, but for what each of its messages may take.
const LONG: Duration = Duration::from_micros(50);
const EACH: Duration = Duration::from_micros(2);

/// So many more are needed after a long one.
const PENALTY: i32 = 1_024;

/// A turn that was not timed, and took so many ticks of the watch, was a long one, or the thread lost its core: so many more are needed.
const TICKS: u32 = 3;
const SMALL_PENALTY: i32 = 64;

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

    /// A lane begins a turn. It is timed, but for the first of a row: most processes have no second one.
    #[inline]
    pub(crate) fn begin(&mut self) -> Begun {
        if self.is_of_callers() {
            self.0 = 0;
        }
        Begun::now(self.0 > 0)
    }

    /// A caller begins one.
    #[inline]
    pub(crate) fn begin_called(self) -> Begun {
        Begun::now(self.0 % TIMED == 0)
    }

    /// The turn was none for calls alone.
    #[inline]
    pub(crate) fn ends(&mut self) {
        self.0 = self.0.min(0);
    }

    /// The process waits behind a turn that began then.
    #[inline]
    pub(crate) fn waits<M: Send + 'static>(&mut self, process: &Process<M>, begun: Begun) {
        if !process.rests_after_calls() {
            return self.ends();
        }
        let is_long = |at: Instant| at.elapsed() >= LONG + EACH * process.read_in_turn();
        self.0 = if begun.at.is_some_and(is_long) {
            -PENALTY
        } else if begun.is_long_ago() {
            -SMALL_PENALTY
        } else {
            self.0.checked_add(1).unwrap_or(ENOUGH)
        };
    }
}

/// When a turn began.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    /// If it is timed.
    at: Option<Instant>,
    tick: u32,
}

impl Begun {
    #[inline]
    pub(crate) fn now(is_timed: bool) -> Self {
        Self {
            at: is_timed.then(Instant::now),
            tick: ticks(),
        }
    }

    /// By the watch's ticks, of which each takes a millisecond or more: to look at them costs nothing.
    #[inline]
    pub(crate) fn is_long_ago(self) -> bool {
        ticks().wrapping_sub(self.tick) >= TICKS
    }
}
