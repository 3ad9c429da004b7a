//! Children that end by themselves: who is restarted, who is forgotten, and whose end is the supervisor's.

use std::time::Duration;

use kista_etf::{Atom, Pid};

use super::{Core, Effect, Effects, Goal, Step};
use crate::ExitReason;
use crate::reports::{Context, Next};
use crate::supervisor::child::Restart;
use crate::supervisor::children::{ChildState, Key};
use crate::supervisor::spec::{AutoShutdown, Strategy};

impl Core {
    pub(super) fn exited(
        &mut self,
        key: Key,
        pid: Pid,
        reason: &ExitReason,
        now: Duration,
        effects: &mut Effects,
    ) {
        let policy = self.policy(key);
        let proper = reason.is_normal();
        let again = match policy.restart {
            Restart::Permanent => true,
            Restart::Transient => !proper,
            Restart::Temporary => false,
        };
        if again {
            return self.restart(key, Some((pid, reason)), now, effects);
        }
        // This one is among those that are not down yet.
        let ends = policy.significant
            && match self.auto_shutdown {
                AutoShutdown::Never => false,
                AutoShutdown::AnySignificant => true,
                AutoShutdown::AllSignificant => self.children.significant() == 1,
            };
        if !proper {
            let offender = self.offender(key, Some(pid));
            let next = if ends { Next::Ends } else { Next::Forgets };
            effects.push(Effect::Report(
                Context::ChildTerminated,
                offender,
                reason.clone(),
                next,
            ));
        }
        self.gone(key, effects);
        if ends {
            effects.push(Effect::Shutdown);
        }
    }

    /// Counts a restart, and carries it out if it is not one too many. `died`: who ended just now, and why.
    pub(super) fn restart(
        &mut self,
        key: Key,
        died: Option<(Pid, &ExitReason)>,
        now: Duration,
        effects: &mut Effects,
    ) {
        let was = match self.state(key) {
            Some(ChildState::Running(pid)) => Some(pid),
            Some(ChildState::Restarting(was, _)) => was,
            Some(ChildState::Down) | None => None,
        };
        let admitted = self.intensity.admit(now);
        let delay = self.backoff.filter(|_| admitted).map(|backoff| {
            let attempts = self.children.attempt(key, now, backoff.most());
            backoff.delay(attempts)
        });
        if let Some((pid, reason)) = died {
            let offender = self.offender(key, Some(pid));
            let next = match delay {
                _ if !admitted => Next::Ends,
                Some(delay) => Next::RestartsAfter(delay),
                None => Next::Restarts,
            };
            effects.push(Effect::Report(
                Context::ChildTerminated,
                offender,
                reason.clone(),
                next,
            ));
        }
        if !admitted {
            let reason = Atom::from_static("reached_max_restart_intensity");
            let offender = self.offender(key, was);
            effects.push(Effect::Report(
                Context::Shutdown,
                offender,
                ExitReason::from(reason),
                Next::Ends,
            ));
            self.gone(key, effects);
            return effects.push(Effect::Shutdown);
        }
        let number = self.set_restarting(key, was);
        match delay {
            None => self.carry_out(key),
            Some(delay) => effects.push(Effect::Later(key, number, delay)),
        }
    }

    /// Its number.
    pub(super) fn set_restarting(&mut self, key: Key, was: Option<Pid>) -> u64 {
        self.restarts += 1;
        // Only a `simple_one_for_one` knows its children by pid.
        let was = was.filter(|_| self.is_simple());
        self.children
            .set_state(key, ChildState::Restarting(was, self.restarts));
        self.restarts
    }

    pub(super) fn carry_out(&mut self, key: Key) {
        self.goal = Goal::Restart;
        let first = match self.strategy {
            Strategy::OneForOne | Strategy::SimpleOneForOne => {
                return self.agenda.push_back(Step::Start(key));
            }
            Strategy::RestForOne => Some(key),
            Strategy::OneForAll => None,
        };
        self.stop_back_to(first);
        self.agenda.push_back(Step::StartFrom(first));
    }
}
