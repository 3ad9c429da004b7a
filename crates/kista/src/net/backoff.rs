//! How long to wait before a peer that must be kept is dialled again. Pure: randomness and the past come in from outside.

use std::time::Duration;

/// The pauses between attempts: they double from `first` to `cap`, and each is cut by a random part of up to a half, so that many nodes
/// that lost the same peer do not come back in step.
///
/// ```
/// use std::time::Duration;
/// let back_off = kista::BackOff::new(Duration::from_millis(100), Duration::from_secs(5));
/// assert_eq!(back_off.cap(), Duration::from_secs(5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackOff {
    first: Duration,
    cap: Duration,
}

impl Default for BackOff {
    /// 250 ms to 30 s.
    fn default() -> Self {
        Self::new(Duration::from_millis(250), Duration::from_secs(30))
    }
}

impl BackOff {
    /// Pauses from `first` to `cap`; a `first` of less than 1 ms counts as 1 ms, a cap below `first` as `first`.
    #[must_use]
    pub fn new(first: Duration, cap: Duration) -> Self {
        let first = first.max(Duration::from_millis(1));
        Self {
            first,
            cap: cap.max(first),
        }
    }

    /// The longest pause.
    #[must_use]
    pub fn cap(&self) -> Duration {
        self.cap
    }

    /// The pause after `failures` attempts in a row that failed (or connections that did not last); `random` is uniform.
    pub(crate) fn pause(&self, failures: u32, random: u32) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1).min(31));
        let full = self.first.saturating_mul(doubled).min(self.cap);
        full - full.mul_f64(0.5 * f64::from(random) / f64::from(u32::MAX))
    }

    /// Whether a connection that lived for so long clears the count of failures: a peer that is lost as soon as it is reached is not
    /// reached anew without a pause.
    pub(crate) fn is_lasting(&self, lived: Duration) -> bool {
        lived >= self.cap.min(Duration::from_secs(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn pauses_double_up_to_the_cap_and_never_beyond() {
        let back_off = BackOff::new(100 * MS, 1500 * MS);
        let full: Vec<u128> = (0..7).map(|n| back_off.pause(n, 0).as_millis()).collect();
        assert_eq!(full, [100, 100, 200, 400, 800, 1500, 1500]);
        assert_eq!(back_off.pause(u32::MAX, 0), 1500 * MS);
        assert!(BackOff::new(MS, Duration::MAX).pause(u32::MAX, 7) > Duration::ZERO);
    }

    #[test]
    fn jitter_cuts_up_to_a_half_so_that_nodes_do_not_come_back_in_step() {
        let back_off = BackOff::new(100 * MS, 1000 * MS);
        assert_eq!(back_off.pause(4, 0), 800 * MS);
        assert_eq!(back_off.pause(4, u32::MAX), 400 * MS);
        let middle = back_off.pause(4, u32::MAX / 2);
        assert!(middle > 599 * MS && middle < 601 * MS, "{middle:?}");
    }

    #[test]
    fn a_cap_below_the_first_pause_and_none_at_all_are_mended() {
        assert_eq!(BackOff::new(100 * MS, MS).cap(), 100 * MS);
        assert_eq!(BackOff::new(Duration::ZERO, Duration::ZERO).pause(9, 0), MS);
    }

    #[test]
    fn only_a_connection_that_lasted_clears_the_count() {
        let back_off = BackOff::default();
        assert!(!back_off.is_lasting(Duration::from_secs(9)));
        assert!(back_off.is_lasting(Duration::from_secs(10)));
        assert!(BackOff::new(MS, 50 * MS).is_lasting(50 * MS));
    }
}
