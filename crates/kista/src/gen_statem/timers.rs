use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::When;
use super::machine::{TimerEffect, TimerId};

/// The running timers of one machine, on one sleep of the runtime's: a machine has few of them. None is early.
#[derive(Default)]
pub(super) struct Timers {
    armed: Vec<(Instant, TimerId)>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Timers {
    pub(super) fn apply(&mut self, effects: &mut Vec<TimerEffect>) {
        for effect in effects.drain(..) {
            match effect {
                TimerEffect::Start(timer, when) => self.armed.push((instant(when), timer)),
                TimerEffect::Cancel(timer) => self.armed.retain(|(_, armed)| *armed != timer),
            }
        }
        if self.armed.is_empty() {
            self.sleep = None;
        }
    }

    /// Whether one has rung that was not polled yet.
    pub(super) fn is_due(&self) -> bool {
        self.next().is_some_and(|(_, (at, _))| at <= Instant::now())
    }

    /// Ready with the first one when its time has come.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<TimerId> {
        let Some((place, (at, timer))) = self.next() else {
            return Poll::Pending;
        };
        // The sleep has a coarser clock, and may need a moment more to notice.
        if at <= Instant::now() {
            self.sleep = None;
            self.armed.remove(place);
            return Poll::Ready(timer);
        }
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx).map(|()| {
            self.sleep = None;
            self.armed.remove(place);
            timer
        })
    }

    /// The earliest; of several at one time the one that was started first.
    fn next(&self) -> Option<(usize, (Instant, TimerId))> {
        let armed = self.armed.iter().copied().enumerate();
        armed.min_by_key(|(_, (at, _))| *at)
    }
}

fn instant(when: When) -> Instant {
    match when {
        When::At(at) => Instant::from_std(at),
        When::After(time) => {
            let now = Instant::now();
            // Beyond any clock: a hundred years will do.
            now.checked_add(time)
                .unwrap_or_else(|| now + Duration::from_secs(3_153_600_000))
        }
    }
}
