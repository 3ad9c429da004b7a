//! When a tick is due, and when a silent peer is down.
//!
//! The rule is OTP's `net_ticktime` with exact times in place of its four coarse rounds:
//! 1. With nothing written for `net_ticktime / intensity`, a tick is due.
//! 2. With nothing read for `net_ticktime`, the peer is down. Any byte counts, not only ticks.
//!
//! OTP's own limit lies between 0.75 and 1.25 of `net_ticktime`, so that ours is inside its range.
//! The clock is the caller's: tell [`TickClock::on_read`] and [`TickClock::on_write`] about *bytes that passed the
//! socket*, and call [`TickClock::poll`] at [`TickClock::next_deadline`] or oftener.

use std::time::{Duration, Instant};

/// What [`TickClock::poll`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum TickAction {
    /// Nothing is due.
    None,
    /// Send a tick (four zero bytes) at a frame boundary.
    SendTick,
    /// Nothing was heard for `net_ticktime`: close with `net_tick_timeout`.
    Down,
}

/// The liveness state of one connection.
///
/// ```
/// use std::time::{Duration, Instant};
/// use kista_dist::{TickAction, TickClock};
/// let t0 = Instant::now();
/// let mut clock = TickClock::new(Duration::from_secs(60), 4, t0);
/// assert_eq!(clock.poll(t0), TickAction::None);
/// assert_eq!(clock.poll(t0 + Duration::from_secs(15)), TickAction::SendTick);
/// assert_eq!(clock.poll(t0 + Duration::from_secs(60)), TickAction::Down);
/// ```
#[derive(Clone, Debug)]
pub struct TickClock {
    net_ticktime: Duration,
    interval: Duration,
    last_read: Instant,
    last_write: Instant,
}

impl TickClock {
    /// A clock for a connection that was established at `now`. OTP's defaults are 60 s and 4; an `intensity` of 0 counts as 1.
    #[must_use]
    pub fn new(net_ticktime: Duration, intensity: u32, now: Instant) -> Self {
        Self {
            net_ticktime,
            interval: net_ticktime / intensity.max(1),
            last_read: now,
            last_write: now,
        }
    }

    /// Bytes arrived at `now`.
    #[inline]
    pub fn on_read(&mut self, now: Instant) {
        self.last_read = self.last_read.max(now);
    }

    /// Bytes were handed to the socket at `now`.
    #[inline]
    pub fn on_write(&mut self, now: Instant) {
        self.last_write = self.last_write.max(now);
    }

    /// What is due at `now`. `SendTick` is said once per interval: it counts as a write.
    pub fn poll(&mut self, now: Instant) -> TickAction {
        if now.saturating_duration_since(self.last_read) >= self.net_ticktime {
            return TickAction::Down;
        }
        if now.saturating_duration_since(self.last_write) >= self.interval {
            self.last_write = now;
            return TickAction::SendTick;
        }
        TickAction::None
    }

    /// When [`TickClock::poll`] will next have something to say, if nothing passes until then.
    #[must_use]
    pub fn next_deadline(&self) -> Instant {
        (self.last_read + self.net_ticktime).min(self.last_write + self.interval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(t0: Instant, ms: u64) -> Instant {
        t0 + Duration::from_millis(ms)
    }

    #[test]
    fn writing_postpones_the_tick_but_not_the_peers_death() {
        let t0 = Instant::now();
        let mut c = TickClock::new(Duration::from_secs(8), 4, t0);
        for s in 1..8 {
            c.on_write(at(t0, s * 1000));
            assert_eq!(c.poll(at(t0, s * 1000 + 1)), TickAction::None);
        }
        assert_eq!(c.poll(at(t0, 8000)), TickAction::Down);
    }

    #[test]
    fn a_tick_is_asked_for_once_per_interval() {
        let t0 = Instant::now();
        let mut c = TickClock::new(Duration::from_secs(8), 4, t0);
        assert_eq!(c.next_deadline(), at(t0, 2000));
        assert_eq!(c.poll(at(t0, 2000)), TickAction::SendTick);
        assert_eq!(c.poll(at(t0, 2001)), TickAction::None);
        assert_eq!(c.next_deadline(), at(t0, 4000));
    }

    #[test]
    fn an_instant_from_the_past_moves_nothing_back() {
        let t0 = Instant::now();
        let mut c = TickClock::new(Duration::from_secs(8), 0, at(t0, 1000));
        c.on_read(t0);
        c.on_write(t0);
        assert_eq!(c.next_deadline(), at(t0, 9000));
        assert_eq!(c.poll(t0), TickAction::None);
    }
}
