//! Children that are told to end: one after the other, each waited for; those of a `simple_one_for_one` all at once.

use std::collections::HashMap;

use kista_etf::Pid;

use super::{Core, Effect, Effects, Goal, Offender, Step, Time};
use crate::ExitReason;
use crate::reports::{Context, Next};
use crate::supervisor::child::{Policy, Restart, Shutdown};
use crate::supervisor::children::{ChildState, Key};

impl Core {
    /// On request.
    pub(super) fn terminate(&mut self, key: Key) {
        self.goal = Goal::Terminate;
        self.agenda.push_back(Step::Stop(key));
    }

    pub(super) fn stop(&mut self, key: Key, pid: Pid, effects: &mut Effects) {
        let (signal, time) = match self.policy(key).shutdown {
            Shutdown::BrutalKill => (ExitReason::Kill, Time::Endless),
            Shutdown::After(time) => (ExitReason::Shutdown, Time::Within(time)),
            Shutdown::Infinity => (ExitReason::Shutdown, Time::Endless),
        };
        // Looked at again when it has ended.
        self.agenda.push_front(Step::Stop(key));
        effects.push(Effect::Tell(pid, signal));
        effects.push(Effect::Wait(time));
    }

    pub(super) fn ended(&mut self, pid: Pid, reason: &ExitReason, effects: &mut Effects) {
        let Some(key) = self.children.by_pid(pid) else {
            return;
        };
        let as_told = ended_as_told(self.policy(key), reason);
        if let Goal::EndAll(waited_for, others) = &mut self.goal {
            *waited_for -= 1;
            if !as_told {
                *others.entry(reason.clone()).or_default() += 1;
            }
            self.forget(key, effects);
            return self.await_all(effects);
        }
        if !as_told {
            let offender = self.offender(key, Some(pid));
            effects.push(Effect::Report(
                Context::ShutdownError,
                offender,
                reason.clone(),
                Next::Stopped,
            ));
        }
        self.gone(key, effects);
    }

    pub(super) fn timed_out(&mut self, effects: &mut Effects) {
        match (&self.goal, self.agenda.front()) {
            (Goal::EndAll(..), _) => {
                let running = self.children.from(None).filter_map(|key| self.state(key));
                effects.extend(running.filter_map(|state| match state {
                    ChildState::Running(pid) => Some(Effect::Kill(pid)),
                    _ => None,
                }));
            }
            (_, Some(Step::Stop(key))) => {
                if let Some(ChildState::Running(pid)) = self.state(*key) {
                    effects.push(Effect::Kill(pid));
                }
            }
            _ => {}
        }
        effects.push(Effect::Wait(Time::Endless));
    }

    /// Plans to stop all children, the last first, up to and with this one.
    pub(super) fn stop_back_to(&mut self, first: Option<Key>) {
        for key in self.children.reversed() {
            self.agenda.push_back(Step::Stop(key));
            if Some(key) == first {
                break;
            }
        }
    }

    pub(super) fn end(&mut self, effects: &mut Effects) {
        self.agenda.clear();
        if !self.is_simple() {
            self.goal = Goal::End;
            self.stop_back_to(None);
            return self.advance(effects);
        }
        let signal = match self.template.shutdown {
            Shutdown::BrutalKill => ExitReason::Kill,
            Shutdown::After(_) | Shutdown::Infinity => ExitReason::Shutdown,
        };
        let states = self.children.from(None).filter_map(|key| self.state(key));
        effects.extend(states.filter_map(|state| match state {
            ChildState::Running(pid) => Some(Effect::Tell(pid, signal.clone())),
            _ => None,
        }));
        self.goal = Goal::EndAll(self.children.running(), HashMap::new());
        match self.template.shutdown {
            Shutdown::After(time) => self.await_all_within(Time::Within(time), effects),
            _ => self.await_all_within(Time::Endless, effects),
        }
    }

    fn await_all(&mut self, effects: &mut Effects) {
        self.await_all_within(Time::Same, effects);
    }

    fn await_all_within(&mut self, time: Time, effects: &mut Effects) {
        match std::mem::replace(&mut self.goal, Goal::Idle) {
            Goal::EndAll(0, others) => {
                for (reason, count) in others {
                    let offender = Offender {
                        key: None,
                        id: None,
                        pid: None,
                        policy: self.template,
                        restarts: 0,
                        count,
                    };
                    effects.push(Effect::Report(
                        Context::ShutdownError,
                        offender,
                        reason,
                        Next::Stopped,
                    ));
                }
                effects.push(Effect::AllEnded);
            }
            waiting => {
                self.goal = waiting;
                effects.push(Effect::Wait(time));
            }
        }
    }
}

/// Whether a child that was told to end did so properly: for other reasons there is a report.
pub(super) fn ended_as_told(policy: Policy, reason: &ExitReason) -> bool {
    // An end of its own choice, in the moment before; a permanent child should not have chosen any.
    let by_itself = policy.restart != Restart::Permanent && reason.is_normal();
    let expected = match policy.shutdown {
        Shutdown::BrutalKill => ExitReason::Killed,
        Shutdown::After(_) | Shutdown::Infinity => ExitReason::Shutdown,
    };
    by_itself || *reason == expected
}
