use std::collections::VecDeque;
use std::time::Duration;

/// How often children may be restarted: at most so many times within a period, counted as OTP counts: by whole seconds of a
/// clock that only goes forward, and with the second that lies a period back still within it.
#[derive(Clone, Debug)]
pub(super) struct Intensity {
    most: u32,
    period: u64,
    /// The seconds of the restarts within the period, the oldest first: at most one more than `most`.
    restarts: VecDeque<u64>,
}

impl Intensity {
    pub(super) fn new(most: u32, period: Duration) -> Self {
        Self {
            most,
            period: period.as_secs(),
            restarts: VecDeque::new(),
        }
    }

    /// Counts a restart; false when it is one too many.
    pub(super) fn admit(&mut self, now: Duration) -> bool {
        let now = now.as_secs();
        while let Some(oldest) = self.restarts.front()
            && oldest + self.period < now
        {
            self.restarts.pop_front();
        }
        self.restarts.push_back(now);
        self.restarts.len() <= self.most as usize
    }

    /// How many were counted within the period.
    pub(super) fn counted(&self) -> usize {
        self.restarts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(most: u32, period: u64, millis: &[u64]) -> Vec<bool> {
        let mut intensity = Intensity::new(most, Duration::from_secs(period));
        let restarts = millis.iter();
        restarts
            .map(|at| intensity.admit(Duration::from_millis(*at)))
            .collect()
    }

    #[test]
    fn one_more_than_allowed_is_too_many() {
        assert_eq!(admitted(1, 5, &[0, 1]), [true, false]);
        assert_eq!(admitted(3, 5, &[0, 0, 0, 0]), [true, true, true, false]);
        assert_eq!(admitted(0, 5, &[0]), [false]);
    }

    #[test]
    fn the_second_a_period_ago_counts_and_the_one_before_it_does_not() {
        assert_eq!(admitted(1, 5, &[0, 5_999]), [true, false]);
        assert_eq!(admitted(1, 5, &[999, 5_000]), [true, false]);
        assert_eq!(admitted(1, 5, &[999, 6_000]), [true, true]);
        assert_eq!(
            admitted(1, 1, &[0, 2_000, 4_000, 5_900]),
            [true, true, true, false]
        );
    }

    #[test]
    fn what_is_kept_is_bounded_by_the_intensity() {
        let mut intensity = Intensity::new(2, Duration::from_secs(1));
        for at in 0..1_000 {
            intensity.admit(Duration::from_secs(at));
            assert!(intensity.restarts.len() <= 3);
        }
    }
}
