use std::time::Duration;

use crossbeam_deque::{Stealer, Worker};

use super::Task;
use super::lane::taken;

/// What is ready on a lane, in the order in which it became so, but for those that are *flooded*: they have taken over more messages than
/// one turn is for, and had such a turn.
///
/// Who sends without a pause sends as many in a turn as are read in one: so the senders of one process, with a turn each, would outrun it
/// by as many times as they are, and it would read what the caches have long lost. Rules:
/// 1. Behind a whole turn of another a flooded one goes ahead of who waits, while the flooded have had no more time than the others.
/// 2. Otherwise it has its turn when those had theirs who were ready before it.
///
/// So whoever waits beside them waits at most twice as long for that, while a turn of theirs takes at most [`OWED`].
pub(super) struct Ready {
    others: Worker<Task>,
    flooded: Worker<Task>,
    /// So many others come before the first of the flooded.
    before: usize,
    /// The last turn was a flooded one's.
    was_flooded: bool,
    /// How much more time the flooded have had of late than the others, in ns: from -[`REMEMBERED`] to [`OWED`].
    ahead: i64,
}

/// Takes from it, on other lanes.
pub(super) struct Thief {
    others: Stealer<Task>,
    flooded: Stealer<Task>,
}

/// The others' time is remembered for so long, in ns: what they had long ago entitles the flooded to nothing.
const REMEMBERED: i64 = 1_000_000;

/// The flooded's own is for so long: a turn in which the thread lost its core is no turn of theirs.
const OWED: i64 = 10_000_000;

impl Ready {
    pub(super) fn new() -> Self {
        Self {
            others: Worker::new_fifo(),
            flooded: Worker::new_fifo(),
            before: 0,
            was_flooded: false,
            ahead: 0,
        }
    }

    pub(super) fn thief(&self) -> Thief {
        Thief {
            others: self.others.stealer(),
            flooded: self.flooded.stealer(),
        }
    }

    pub(super) fn push(&self, task: Task) {
        self.others.push(task);
    }

    /// Of one that had a whole turn, and is not flooded.
    pub(super) fn push_again(&mut self, task: Task) {
        self.others.push(task);
        if self.ahead <= 0 {
            self.before = 0;
        }
    }

    pub(super) fn push_flooded(&mut self, task: Task) {
        if self.flooded.is_empty() {
            self.before = self.others.len();
        }
        self.flooded.push(task);
    }

    pub(super) fn len(&self) -> usize {
        self.others.len() + self.flooded.len()
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Task> {
        if self.before == 0
            && let Some(task) = self.flooded.pop()
        {
            self.before = self.others.len();
            self.was_flooded = true;
            return Some(task);
        }
        self.before = self.before.saturating_sub(1);
        self.was_flooded = false;
        match self.others.pop() {
            Some(task) => Some(task),
            // They were taken away.
            None => {
                let task = self.flooded.pop();
                self.was_flooded = task.is_some();
                task
            }
        }
    }

    /// So much time has passed since this was said last, behind whose turn it is said.
    pub(super) fn passed(&mut self, time: Duration) {
        let time = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        self.ahead = match self.was_flooded {
            true => self.ahead.saturating_add(time).min(OWED),
            false => self.ahead.saturating_sub(time).max(-REMEMBERED),
        };
    }

    /// One from elsewhere has this turn.
    pub(super) fn skip(&mut self) {
        self.was_flooded = false;
    }

    /// Where what is taken from elsewhere goes.
    pub(super) fn others(&self) -> &Worker<Task> {
        &self.others
    }
}

impl Thief {
    pub(super) fn len(&self) -> usize {
        self.others.len() + self.flooded.len()
    }

    /// One to run, and half of the others into `into`.
    pub(super) fn steal(&self, into: &Ready) -> Option<Task> {
        let Some(flooded) = taken(|| self.flooded.steal()) else {
            return taken(|| self.others.steal_batch_and_pop(&into.others));
        };
        taken(|| self.others.steal_batch(&into.others));
        Some(flooded)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

    use super::*;
    use crate::node::Node;
    use crate::scheduler::{Runnable, Turns};

    /// Says who it is when it runs.
    struct Named(u32, Arc<AtomicU32>);

    impl Runnable for Named {
        fn run(self: Pin<Box<Self>>) {
            self.1.store(self.0, Relaxed);
        }
        fn step(self: Pin<Box<Self>>, _: usize) {
            self.run();
        }
        fn node(&self) -> &Node {
            unreachable!("nobody asks")
        }
        fn turns(&self) -> Turns {
            Turns::OfLanes
        }
    }

    const FLOODED: u32 = 100;

    /// Who has the next so many turns, of which each takes so long; a whole one for the flooded, and for the others if they say so.
    fn turns(others: u32, whole: bool, times: u32, micros: impl Fn(u32) -> u64) -> Vec<u32> {
        let ran = Arc::new(AtomicU32::new(0));
        let named = |who| Box::pin(Named(who, Arc::clone(&ran)));
        let mut ready = Ready::new();
        (0..others).for_each(|who| ready.push(named(who)));
        ready.push_flooded(named(FLOODED));
        let mut all = Vec::new();
        for _ in 0..times {
            ready.pop().expect("all of them are ready").run();
            let who = ran.load(Relaxed);
            all.push(who);
            match who {
                FLOODED => ready.push_flooded(named(who)),
                _ if whole => ready.push_again(named(who)),
                _ => ready.push(named(who)),
            }
            ready.passed(Duration::from_micros(micros(who)));
        }
        all
    }

    #[test]
    fn a_flooded_one_goes_ahead_behind_whole_turns() {
        let all = turns(50, true, 400, |_| 5);
        let flooded = all.iter().filter(|who| **who == FLOODED).count();
        assert!((120..=200).contains(&flooded), "{flooded} of 400 turns");
        assert!((0..50).all(|who| all.contains(&who)));
    }

    #[test]
    fn one_that_takes_more_time_than_the_others_comes_in_its_turn() {
        let all = turns(50, true, 510, |who| if who == FLOODED { 2_500 } else { 5 });
        let flooded = all.iter().filter(|who| **who == FLOODED).count();
        assert!((9..=12).contains(&flooded), "{flooded} of 510 turns");
    }

    #[test]
    fn behind_others_that_have_no_whole_turns_it_comes_in_its_turn() {
        let all = turns(50, false, 510, |_| 5);
        let flooded = all.iter().filter(|who| **who == FLOODED).count();
        assert_eq!(flooded, 10);
    }
}
