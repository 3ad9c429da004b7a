use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, Instant};

/// Whether it is of use that a lane's processes are shared with another.
///
/// Processes that all wait for one come back to the thread that runs it: who took half of them away has them for a moment, and moved them from
/// one core's caches to another's and back. So:
/// 1. To share was in vain if one of the two lanes runs out of work [`SOON`] behind it, while more than a [`FEW`] wait on another.
/// 2. Once that happened twice in a row lanes do not share for a millisecond, and for twice as long each further time, up to [`LONGEST`].
/// 3. It was in vain too if one of them waits for locks that the other one holds, for much of its [time](super::waits): then it leaves its
///    work to the others, and sleeps, and they do not share for as long.
/// 4. If it was of use nothing is remembered, nor what was longer than [`REMEMBERED`] ago.
///
/// What waits behind a turn that keeps its thread is given away nevertheless: see [`watch`](super::watch).
pub(super) struct Help {
    /// What the times are counted from, in ns.
    since: Instant,
    /// Until then they do not.
    not_before: AtomicU64,
    /// So often in a row it was in vain, and when last.
    vain: AtomicU32,
    last: AtomicU64,
}

/// When a lane shared, and has not run out of work since. 0: it did not.
#[derive(Default)]
pub(super) struct Shared(AtomicU64);

const SOON: Duration = Duration::from_millis(2);
const FIRST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_millis(64);
const REMEMBERED: Duration = Duration::from_secs(1);

/// So many that wait elsewhere may be what is left of a burst.
pub(super) const FEW: usize = 8;

impl Help {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            since: now,
            not_before: AtomicU64::new(0),
            vain: AtomicU32::new(0),
            last: AtomicU64::new(0),
        }
    }

    /// Whether lanes share.
    pub(super) fn is_of_use(&self, now: Instant) -> bool {
        self.at(now) >= self.not_before.load(Relaxed)
    }

    /// Two lanes did.
    pub(super) fn shared(&self, now: Instant, lanes: [&Shared; 2]) {
        let now = self.at(now).max(1);
        for lane in lanes {
            lane.0.store(now, Relaxed);
        }
    }

    /// A lane ran out of work; `others_wait`: more than a few wait on another.
    pub(super) fn ran_dry(&self, now: Instant, lane: &Shared, others_wait: bool) {
        let shared_at = lane.0.load(Relaxed);
        if shared_at == 0 {
            return;
        }
        lane.0.store(0, Relaxed);
        let now = self.at(now);
        if !others_wait || now.saturating_sub(shared_at) >= nanos(SOON) {
            return self.vain.store(0, Relaxed);
        }
        self.was_in_vain(now, 1);
    }

    /// A lane waits for others for long, twice in a row, and leaves its work to them.
    pub(super) fn hinders(&self, now: Instant, lane: &Shared) {
        lane.0.store(0, Relaxed);
        self.was_in_vain(self.at(now), 2);
    }

    /// For at least so many times in a row.
    fn was_in_vain(&self, now: u64, times: u32) {
        let since = now.saturating_sub(self.last.swap(now, Relaxed));
        let before = match since < nanos(REMEMBERED) {
            true => self.vain.load(Relaxed),
            false => 0,
        };
        let vain = before.saturating_add(1).max(times);
        self.vain.store(vain, Relaxed);
        if let Some(doubled) = vain.checked_sub(2) {
            let pause = nanos(FIRST) << doubled.min(16);
            let until = now + pause.min(nanos(LONGEST));
            self.not_before.store(until, Relaxed);
        }
    }

    fn at(&self, now: Instant) -> u64 {
        nanos(now.saturating_duration_since(self.since))
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn what_comes_back_at_once_is_shared_less_and_less() {
        let begun = Instant::now();
        let help = Help::new(begun);
        let (one, other) = (Shared::default(), Shared::default());
        let mut now = begun + ms(1);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            assert!(help.is_of_use(now));
            help.shared(now, [&one, &other]);
            now += ms(1);
            help.ran_dry(now, &one, true);
            let pause = (0..200).find(|wait| help.is_of_use(now + ms(*wait)));
            let pause = pause.expect("they share again");
            pauses.push(pause);
            now += ms(pause);
        }
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 64, 64, 64, 64, 64]);
        // It was of use: nothing is remembered.
        help.shared(now, [&one, &other]);
        help.ran_dry(now + ms(5), &one, true);
        now += ms(6);
        help.shared(now, [&one, &other]);
        help.ran_dry(now, &one, true);
        assert!(help.is_of_use(now));
    }

    #[test]
    fn lanes_that_hinder_each_other_share_less_and_less_too() {
        let mut now = Instant::now();
        let help = Help::new(now);
        let lane = Shared::default();
        for pause in [1, 2, 4, 8] {
            assert!(help.is_of_use(now));
            help.hinders(now, &lane);
            assert!(!help.is_of_use(now + ms(pause) - Duration::from_nanos(1)));
            now += ms(pause);
        }
        // That was long ago.
        now += REMEMBERED;
        help.hinders(now, &lane);
        assert!(help.is_of_use(now + ms(1)));
    }

    #[test]
    fn a_burst_that_is_over_was_shared_with_use() {
        let begun = Instant::now();
        let help = Help::new(begun);
        let (one, other) = (Shared::default(), Shared::default());
        for round in 1..100 {
            let now = begun + ms(round);
            help.shared(now, [&one, &other]);
            help.ran_dry(now, &other, false);
            // It has not shared since: this says nothing.
            help.ran_dry(now, &other, true);
            assert!(help.is_of_use(now));
        }
    }
}
