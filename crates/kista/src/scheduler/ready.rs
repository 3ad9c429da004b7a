use std::time::Duration;

use crossbeam_deque::{Stealer, Worker};

use super::Task;
use super::lane::taken;

/// What is ready on a lane, in the order in which it became so, but for those that are *flooded*: they have taken over more messages than
/// one turn is for, and had such a turn, or were woken by who had a whole turn then.
///
/// Who sends without a pause sends as many in a turn as are read in one: so the senders of one process, with a turn each, would outrun it
/// by as many times as they are, and it would read what the caches have long lost (100 senders of one: 68 ns a message in place of 35).
/// Rules:
/// 1. Behind a whole turn of another a flooded one goes ahead of who waits, while the flooded have had no more than twice as much time as
///    the others: what is read may take longer than what is sent.
/// 2. Otherwise it has its turn when those had theirs who were ready before it.
///
/// So whoever waits beside them waits at most three times as long for that, while a turn of theirs takes at most twice [`OWED`].
pub(super) struct Ready {
    others: Worker<Task>,
    /// The first that was woken since this was empty. By itself, where others can take it all the same, since it may turn out to be a
    /// flooded one.
    woken: Worker<Task>,
    flooded: Worker<Task>,
    /// So many others come before the one that was woken.
    before_woken: usize,
    by: By,
    /// So many others come before the first of the flooded.
    before: usize,
    /// The last turn was a flooded one's.
    was_flooded: bool,
    /// How much more time, by half of theirs, the flooded have had of late than the others, in ns: from -[`REMEMBERED`] to [`OWED`].
    ahead: i64,
}

/// Who woke the one that was woken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    /// Who has its turn now.
    This,
    /// One that had a whole turn.
    Flood,
    Any,
}

/// Takes from it, on other lanes.
pub(super) struct Thief {
    others: Stealer<Task>,
    woken: Stealer<Task>,
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
            woken: Worker::new_fifo(),
            flooded: Worker::new_fifo(),
            before_woken: 0,
            by: By::Any,
            before: 0,
            was_flooded: false,
            ahead: 0,
        }
    }

    pub(super) fn thief(&self) -> Thief {
        Thief {
            others: self.others.stealer(),
            woken: self.woken.stealer(),
            flooded: self.flooded.stealer(),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, task: Task) {
        if !self.woken.is_empty() {
            return self.others.push(task);
        }
        self.before_woken = self.others.len();
        self.by = By::This;
        self.woken.push(task);
    }

    /// Of one that had a whole turn, and is not flooded.
    pub(super) fn push_again(&mut self, task: Task) {
        self.others.push(task);
        if self.by == By::This {
            self.by = By::Flood;
        }
        if self.ahead <= 0 {
            self.before = 0;
            if self.by == By::Flood {
                self.before_woken = 0;
            }
        }
    }

    pub(super) fn push_flooded(&mut self, task: Task) {
        if self.flooded.is_empty() {
            self.before = self.others.len();
        }
        self.flooded.push(task);
    }

    pub(super) fn len(&self) -> usize {
        self.others.len() + self.woken.len() + self.flooded.len()
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Task> {
        self.was_flooded = false;
        // They may have been taken away from before it.
        if (self.before_woken == 0 || self.others.is_empty())
            && let Some(task) = self.woken.pop()
        {
            self.was_flooded = self.by == By::Flood;
            return Some(task);
        }
        if self.by == By::This {
            self.by = By::Any;
        }
        if self.before == 0
            && let Some(task) = self.flooded.pop()
        {
            self.before = self.others.len();
            self.was_flooded = true;
            return Some(task);
        }
        if let Some(task) = self.others.pop() {
            self.before = self.before.saturating_sub(1);
            self.before_woken = self.before_woken.saturating_sub(1);
            return Some(task);
        }
        // They were taken away.
        let task = self.flooded.pop();
        self.was_flooded = task.is_some();
        task
    }

    /// So much time has passed since this was said last, behind whose turn it is said.
    pub(super) fn passed(&mut self, time: Duration) {
        let time = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        self.ahead = match self.was_flooded {
            true => self.ahead.saturating_add(time / 2).min(OWED),
            false => self.ahead.saturating_sub(time).max(-REMEMBERED),
        };
    }

    /// One from elsewhere has this turn.
    pub(super) fn skip(&mut self) {
        self.was_flooded = false;
        if self.by == By::This {
            self.by = By::Any;
        }
    }

    /// Where what is taken from elsewhere goes.
    pub(super) fn others(&self) -> &Worker<Task> {
        &self.others
    }
}

impl Thief {
    pub(super) fn len(&self) -> usize {
        self.others.len() + self.woken.len() + self.flooded.len()
    }

    /// One to run, and half of the others into `into`.
    pub(super) fn steal(&self, into: &Ready) -> Option<Task> {
        let first = taken(|| self.flooded.steal()).or_else(|| taken(|| self.woken.steal()));
        let Some(first) = first else {
            return taken(|| self.others.steal_batch_and_pop(&into.others));
        };
        taken(|| self.others.steal_batch(&into.others));
        Some(first)
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

    /// Senders that each wake one and the same in a whole turn; how many turns that one waits for its own.
    #[test]
    fn who_is_woken_in_a_whole_turn_comes_next() {
        let ran = Arc::new(AtomicU32::new(0));
        let named = |who| Box::pin(Named(who, Arc::clone(&ran)));
        let mut ready = Ready::new();
        (0..50).for_each(|who| ready.push(named(who)));
        for _ in 0..200 {
            ready.pop().expect("a sender").run();
            let sender = ran.load(Relaxed);
            assert_ne!(sender, FLOODED);
            ready.push(named(FLOODED));
            ready.push_again(named(sender));
            ready.passed(Duration::from_micros(5));
            ready.pop().expect("whom it woke").run();
            assert_eq!(ran.load(Relaxed), FLOODED);
            // Twice as long as a sender's.
            ready.passed(Duration::from_micros(10));
        }
        assert_eq!(ready.len(), 50);
    }

    /// The order is that in which they became ready otherwise, wherever they lie.
    #[test]
    fn who_is_woken_in_another_turn_comes_in_its_turn() {
        let ran = Arc::new(AtomicU32::new(0));
        let named = |who| Box::pin(Named(who, Arc::clone(&ran)));
        let mut ready = Ready::new();
        let mut all = Vec::new();
        (0..10).for_each(|who| ready.push(named(who)));
        // One of them wakes some, and the next one has a whole turn.
        for turn in 0..40 {
            ready.pop().expect("there are more").run();
            let who = ran.load(Relaxed);
            all.push(who);
            match turn {
                0 => (10..20).for_each(|who| ready.push(named(who))),
                _ if who == 1 => ready.push_again(named(who)),
                _ => ready.push(named(who)),
            }
        }
        let first = (0..20).collect::<Vec<_>>();
        let second = (10..20).collect::<Vec<_>>();
        assert_eq!(all[..20], first);
        // 0 was not ready again.
        assert_eq!(
            all[20..39],
            [(1..10).collect::<Vec<_>>(), second].concat()[..19]
        );
    }

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
        assert!((9..=13).contains(&flooded), "{flooded} of 510 turns");
    }

    #[test]
    fn behind_others_that_have_no_whole_turns_it_comes_in_its_turn() {
        let all = turns(50, false, 510, |_| 5);
        let flooded = all.iter().filter(|who| **who == FLOODED).count();
        assert!((9..=10).contains(&flooded), "{flooded} of 510 turns");
    }
}
