//! The pure core of a pool: which worker gets a message, and whether a dead one is replaced.
//!
//! Rules (the names in brackets are the tests below that hold them):
//! 1. Round-robin takes the workers in turn, least queue the one with the fewest unread messages and in turn among equals
//!    [`workers_take_turns`, `the_shortest_queue_is_chosen_and_equal_ones_take_turns`].
//! 2. A key goes to the same worker as long as it has room. When the number of workers changes from n to n + 1, about one key
//!    in n + 1 changes its worker, to the new one [`a_new_worker_takes_keys_from_all_and_moves_no_other`].
//! 3. A worker that is full or not there is passed over; when all are, nobody is chosen [`full_workers_are_passed_over`].
//! 4. More replacements within the period than allowed are refused [`replacing_without_end_is_refused`].

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// What a worker has to do already.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Load {
    /// It is not there, or it has no room.
    None,
    /// So many messages are unread.
    Queue(usize),
}

/// How a message finds its worker.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    InTurn,
    LeastQueue,
    Key(u64),
}

/// Remembers whose turn it is.
#[derive(Default)]
pub(super) struct Router {
    next: usize,
}

impl Router {
    /// The place of the worker among `workers` places; none when no worker has room.
    pub(super) fn choose(
        &mut self,
        choice: Choice,
        workers: usize,
        load: impl Fn(usize) -> Load,
    ) -> Option<usize> {
        let next = self.next;
        let in_turn = (0..workers).map(|n| (next + n) % workers);
        let chosen = match choice {
            Choice::InTurn => in_turn.into_iter().find(|at| load(*at) != Load::None),
            Choice::LeastQueue => in_turn
                .filter_map(|at| match load(at) {
                    Load::Queue(queue) => Some((queue, at)),
                    Load::None => None,
                })
                .min_by_key(|(queue, _)| *queue)
                .map(|(_, at)| at),
            // Each place draws a number for the key, and the highest wins: rendezvous hashing.
            Choice::Key(key) => in_turn
                .filter(|at| load(*at) != Load::None)
                .max_by_key(|at| mix(key ^ mix(*at as u64 + 1))),
        };
        if let Some(at) = chosen {
            self.next = at + 1;
        }
        chosen
    }
}

/// Spreads the bits of a number over all of it (SplitMix64's finalizer).
const fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

/// How many replacements there may be in which time, and when the last ones were: a supervisor's restart intensity.
pub(super) struct Intensity {
    most: usize,
    period: Duration,
    recent: VecDeque<Instant>,
}

impl Intensity {
    pub(super) const fn new(most: usize, period: Duration) -> Self {
        Self {
            most,
            period,
            recent: VecDeque::new(),
        }
    }

    /// Whether one more is allowed now.
    pub(super) fn admit(&mut self, now: Instant) -> bool {
        while let Some(first) = self.recent.front()
            && now.saturating_duration_since(*first) > self.period
        {
            self.recent.pop_front();
        }
        if self.recent.len() >= self.most {
            return false;
        }
        self.recent.push_back(now);
        true
    }

    /// How many were allowed within the period.
    pub(super) fn counted(&self) -> usize {
        self.recent.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(router: &mut Router, choice: Choice, loads: &[Load], times: usize) -> Vec<usize> {
        let choose = |_| router.choose(choice, loads.len(), |at| loads[at]);
        (0..times).filter_map(choose).collect()
    }

    const ROOM: Load = Load::Queue(0);

    #[test]
    fn workers_take_turns() {
        let chosen = chosen(&mut Router::default(), Choice::InTurn, &[ROOM; 3], 7);
        assert_eq!(chosen, [0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn the_shortest_queue_is_chosen_and_equal_ones_take_turns() {
        let router = &mut Router::default();
        let loads = [Load::Queue(3), Load::Queue(1), Load::Queue(2)];
        assert_eq!(chosen(router, Choice::LeastQueue, &loads, 3), [1, 1, 1]);
        let loads = [Load::Queue(1), Load::Queue(1), Load::Queue(2)];
        assert_eq!(chosen(router, Choice::LeastQueue, &loads, 4), [0, 1, 0, 1]);
    }

    #[test]
    fn full_workers_are_passed_over() {
        let loads = [ROOM, Load::None, ROOM];
        let router = &mut Router::default();
        assert_eq!(chosen(router, Choice::InTurn, &loads, 4), [0, 2, 0, 2]);
        assert_eq!(chosen(router, Choice::LeastQueue, &loads, 2), [0, 2]);
        for choice in [Choice::InTurn, Choice::LeastQueue, Choice::Key(1)] {
            let mut router = Router::default();
            assert_eq!(router.choose(choice, 3, |_| Load::None), None);
            assert_eq!(router.choose(choice, 0, |_| ROOM), None);
        }
        for key in 0..100 {
            let at = Router::default().choose(Choice::Key(key), 3, |at| loads[at]);
            assert_ne!(at, Some(1));
        }
    }

    #[test]
    fn a_new_worker_takes_keys_from_all_and_moves_no_other() {
        const KEYS: u64 = 10_000;
        let place = |key, workers| {
            let chosen = Router::default().choose(Choice::Key(key), workers, |_| ROOM);
            chosen.expect("there is room")
        };
        let mut count = [0; 4];
        let mut moved_from = [0; 4];
        for key in 0..KEYS {
            let (before, after) = (place(key, 4), place(key, 5));
            count[before] += 1;
            if before != after {
                assert_eq!(after, 4, "key {key} went to another old worker");
                moved_from[before] += 1;
            }
        }
        assert!(
            count.iter().all(|count| (2_200..2_800).contains(count)),
            "{count:?}"
        );
        assert!(
            moved_from.iter().all(|moved| (400..600).contains(moved)),
            "{moved_from:?}"
        );
    }

    #[test]
    fn a_key_comes_back_to_its_worker_whatever_happened_between() {
        let mut router = Router::default();
        let first = router.choose(Choice::Key(7), 5, |_| ROOM);
        chosen(&mut router, Choice::InTurn, &[ROOM; 5], 3);
        assert_eq!(router.choose(Choice::Key(7), 5, |_| ROOM), first);
        let without = |at| if Some(at) == first { Load::None } else { ROOM };
        assert_ne!(router.choose(Choice::Key(7), 5, without), first);
        assert_eq!(router.choose(Choice::Key(7), 5, |_| ROOM), first);
    }

    #[tokio::test]
    async fn replacing_without_end_is_refused() {
        let second = Duration::from_secs(1);
        let start = Instant::now();
        let mut intensity = Intensity::new(2, 5 * second);
        assert!(intensity.admit(start));
        assert!(intensity.admit(start + second));
        assert!(!intensity.admit(start + 5 * second));
        assert!(intensity.admit(start + 6 * second), "the first is long ago");
        assert!(!Intensity::new(0, second).admit(start));
    }
}
