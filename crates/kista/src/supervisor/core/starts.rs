//! Starts: at boot, on request, and again; and what comes of one that fails.

use std::time::Duration;

use kista_etf::{Atom, Term};

use super::{Core, Effect, Effects, Goal, Outcome, Refusal, Reply, Step, refuse};
use crate::ExitReason;
use crate::reports::{Context, Next};
use crate::supervisor::child::{ChildId, Policy};
use crate::supervisor::children::{ChildState, Key, Record};

impl Core {
    pub(super) fn started(
        &mut self,
        key: Key,
        outcome: Outcome,
        now: Duration,
        effects: &mut Effects,
    ) {
        match outcome {
            // Which child its end would be the end of could not be told.
            Outcome::Running(pid)
                if self.children.by_pid(pid).is_some_and(|other| other != key) =>
            {
                let reason = [
                    Term::from(Atom::from_static("already_started")),
                    Term::from(pid),
                ];
                self.not_started(key, ExitReason::from(Term::tuple(reason)), effects);
            }
            Outcome::Running(pid) => {
                self.children.started(key, pid, now);
                if !self.is_simple() {
                    effects.push(Effect::Progress(key, pid));
                }
                self.answer(Reply::Started(Some(pid)), effects);
            }
            Outcome::Ignored => {
                self.gone(key, effects);
                self.answer(Reply::Started(None), effects);
            }
            Outcome::Failed(reason) => self.not_started(key, reason, effects),
        }
    }

    fn answer(&self, reply: Reply, effects: &mut Effects) {
        if let Goal::StartChild | Goal::RestartChild = self.goal {
            effects.push(Effect::Reply(reply));
        }
    }

    pub(super) fn not_started(&mut self, key: Key, reason: ExitReason, effects: &mut Effects) {
        self.agenda.clear();
        match self.goal {
            Goal::Boot => {
                let offender = self.offender(key, None);
                let id = offender.id.clone();
                effects.push(Effect::Report(
                    Context::StartError,
                    offender,
                    reason.clone(),
                    Next::Ends,
                ));
                self.stop_back_to(None);
                self.goal = Goal::BootFailed(id, reason);
            }
            Goal::StartChild => {
                self.forget(key, effects);
                refuse(Refusal::Start(reason), effects);
            }
            Goal::RestartChild => refuse(Refusal::Start(reason), effects),
            _ => {
                let was = match self.state(key) {
                    Some(ChildState::Restarting(was, _)) => was,
                    _ => None,
                };
                let offender = self.offender(key, was);
                let attempts = self.children.get(key).map_or(0, Record::attempts);
                let next = match self.backoff {
                    None => Next::TriesAgain,
                    Some(backoff) => Next::TriesAgainAfter(backoff.delay(attempts)),
                };
                effects.push(Effect::Report(Context::StartError, offender, reason, next));
                self.set_restarting(key, was);
                effects.push(Effect::TryAgain(key));
            }
        }
    }

    pub(super) fn start_child(&mut self, id: ChildId, policy: Policy, effects: &mut Effects) {
        if self.is_simple() {
            return refuse(Refusal::SimpleOneForOne, effects);
        }
        match self.child(&id).map(|(_, record)| record.state) {
            None => {
                let key = self.children.push(Some(id), policy);
                effects.push(Effect::Adopt(key));
                self.goal = Goal::StartChild;
                self.agenda.push_back(Step::Start(key));
            }
            Some(ChildState::Running(pid)) => refuse(Refusal::AlreadyStarted(pid), effects),
            Some(_) => refuse(Refusal::AlreadyPresent, effects),
        }
    }

    /// The child of a request that is for children without a process only.
    pub(super) fn known_down(&self, id: &ChildId, effects: &mut Effects) -> Option<Key> {
        let refusal = match self.child(id) {
            _ if self.is_simple() => Refusal::SimpleOneForOne,
            None => Refusal::NotFound,
            Some((key, record)) => match record.state {
                ChildState::Down => return Some(key),
                ChildState::Running(_) => Refusal::Running,
                ChildState::Restarting(..) => Refusal::Restarting,
            },
        };
        refuse(refusal, effects);
        None
    }
}
