//! The pure core of a supervisor: an event in, effects out, the clock passed in. It knows nothing of processes but pids.
//!
//! Rules (the tests in `core/tests` hold them):
//! 1. *One thing at a time.* While the core waits for a start or an end ([`Effect::Start`], [`Effect::Wait`]) the shell gives
//!    it nothing else but the answer to that: everything else stays in the process's queue, in its order.
//! 2. *Order.* Children are started in the order of the specification and stopped the other way round, each waited for. Only
//!    those of a `simple_one_for_one` are stopped all at once.
//! 3. *A restart is counted, then carried out.* One too many within the period ends the supervisor with `shutdown`. A restart
//!    that fails leaves its child `restarting`, and is tried again behind whatever else is in the queue, counted again.
//! 4. *Temporary* children, and those of a `simple_one_for_one`, are forgotten when they are gone; others stay known.
//! 5. `one_for_all` and `rest_for_one` start all their children again that are not temporary: also those that had ended
//!    for good, or were terminated on request.
//! 6. *Automatic shutdown* looks at children that end by themselves, not at those that are terminated on request.
//!
//! Source: `supervisor.erl` of STDLIB; *Supervisor Behaviour* in OTP Design Principles.

mod protocol;
mod restarts;
mod starts;
mod stops;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use kista_etf::Pid;

use super::child::{ChildId, Policy};
use super::children::{ChildState, Children, Key, Record};
use super::intensity::Intensity;
use super::spec::{AutoShutdown, Backoff, Strategy};
use crate::ExitReason;
pub(super) use protocol::{Effect, Event, Flags, Offender, Outcome, Refusal, Reply, Time};

pub(super) struct Core {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    intensity: Intensity,
    backoff: Option<Backoff>,
    /// What decides over the children of a `simple_one_for_one`.
    template: Policy,
    children: Children,
    /// What is being done, and for what.
    goal: Goal,
    agenda: VecDeque<Step>,
    /// Numbers the restarts, so that a late timer finds only its own.
    restarts: u64,
}

#[derive(Debug)]
enum Goal {
    Idle,
    Boot,
    BootFailed(Option<ChildId>, ExitReason),
    /// The restart of this child, and of others with it.
    Restart,
    StartChild,
    RestartChild,
    Terminate,
    End,
    /// The end of a `simple_one_for_one`: how many are still waited for, and those that ended for a reason to report.
    EndAll(usize, HashMap<ExitReason, usize>),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Stop(Key),
    /// From this child on, or all.
    StartFrom(Option<Key>),
    Start(Key),
}

type Effects = Vec<Effect>;

impl Core {
    /// `template`: of a `simple_one_for_one`.
    pub(super) fn new(flags: &Flags, template: Policy) -> Self {
        Self {
            strategy: flags.strategy,
            auto_shutdown: flags.auto_shutdown,
            intensity: Intensity::new(flags.intensity, flags.period),
            backoff: flags.backoff,
            template,
            children: Children::default(),
            goal: Goal::Idle,
            agenda: VecDeque::new(),
            restarts: 0,
        }
    }

    /// Adds a child of the specification, before [`Event::Boot`].
    pub(super) fn add(&mut self, id: ChildId, policy: Policy) -> Key {
        self.children.push(Some(id), policy)
    }

    /// Lets one event act. `now` is the time on any clock that only goes forward.
    pub(super) fn handle(&mut self, event: Event, now: Duration, effects: &mut Effects) {
        match event {
            Event::Boot => {
                self.goal = Goal::Boot;
                self.agenda.push_back(Step::StartFrom(None));
            }
            Event::Started(key, outcome) => self.started(key, outcome, now, effects),
            Event::Ended(pid, reason) => self.ended(pid, &reason, effects),
            Event::TimedOut => return self.timed_out(effects),
            Event::Exit(pid, reason) => {
                if let Some(key) = self.children.by_pid(pid)
                    && self.state(key) == Some(ChildState::Running(pid))
                {
                    self.exited(key, pid, &reason, now, effects);
                }
            }
            Event::TryAgain(key) => {
                if let Some(ChildState::Restarting(..)) = self.state(key) {
                    self.restart(key, None, now, effects);
                }
            }
            Event::Due(key, number) => {
                if let Some(ChildState::Restarting(_, n)) = self.state(key)
                    && n == number
                {
                    self.carry_out(key);
                }
            }
            Event::StartChild(id, policy) => self.start_child(id, policy, effects),
            Event::StartDynamic => {
                let key = self.children.push(None, self.template);
                effects.push(Effect::Adopt(key));
                self.goal = Goal::StartChild;
                self.agenda.push_back(Step::Start(key));
            }
            Event::Terminate(id) => match self.is_simple() {
                true => refuse(Refusal::SimpleOneForOne, effects),
                false => match self.children.by_id(&id) {
                    Some(key) => self.terminate(key),
                    None => refuse(Refusal::NotFound, effects),
                },
            },
            Event::TerminatePid(pid, alive) => match self.children.by_pid(pid) {
                Some(key) => self.terminate(key),
                None if alive => refuse(Refusal::NotFound, effects),
                None => effects.push(Effect::Reply(Reply::Done)),
            },
            Event::Restart(id) => {
                if let Some(key) = self.known_down(&id, effects) {
                    self.goal = Goal::RestartChild;
                    self.agenda.push_back(Step::Start(key));
                }
            }
            Event::Delete(id) => {
                if let Some(key) = self.known_down(&id, effects) {
                    self.forget(key, effects);
                    effects.push(Effect::Reply(Reply::Done));
                }
            }
            Event::End => return self.end(effects),
        }
        self.advance(effects);
    }

    // What is known.

    pub(super) const fn strategy(&self) -> Strategy {
        self.strategy
    }

    pub(super) const fn auto_shutdown(&self) -> AutoShutdown {
        self.auto_shutdown
    }

    pub(super) const fn template(&self) -> Policy {
        self.template
    }

    pub(super) fn is_simple(&self) -> bool {
        self.strategy == Strategy::SimpleOneForOne
    }

    /// As OTP lists them: the last started first.
    pub(super) fn children(&self) -> impl Iterator<Item = (Key, &Record)> {
        let keys = self.children.reversed();
        keys.filter_map(|key| Some((key, self.children.get(key)?)))
    }

    pub(super) fn count(&self) -> usize {
        self.children.len()
    }

    pub(super) fn running(&self) -> usize {
        self.children.running()
    }

    pub(super) fn restarts_counted(&self) -> usize {
        self.intensity.counted()
    }

    pub(super) fn child(&self, id: &ChildId) -> Option<(Key, &Record)> {
        let key = self.children.by_id(id)?;
        Some((key, self.children.get(key)?))
    }

    pub(super) fn child_of_pid(&self, pid: Pid) -> Option<(Key, &Record)> {
        let key = self.children.by_pid(pid)?;
        Some((key, self.children.get(key)?))
    }

    pub(super) fn record(&self, key: Key) -> Option<&Record> {
        self.children.get(key)
    }

    fn state(&self, key: Key) -> Option<ChildState> {
        self.children.get(key).map(|record| record.state)
    }

    fn policy(&self, key: Key) -> Policy {
        let record = self.children.get(key);
        record.map_or(self.template, |record| record.policy)
    }

    // Steps.

    /// Does what is on the agenda until something has to be waited for.
    fn advance(&mut self, effects: &mut Effects) {
        while let Some(step) = self.agenda.pop_front() {
            match step {
                Step::Start(key) => return effects.push(Effect::Start(key)),
                Step::StartFrom(first) => {
                    let starts = self.children.from(first).map(Step::Start);
                    self.agenda.extend(starts.collect::<Vec<_>>());
                }
                Step::Stop(key) => match self.state(key) {
                    Some(ChildState::Running(pid)) => return self.stop(key, pid, effects),
                    Some(_) => self.gone(key, effects),
                    None => {}
                },
            }
        }
        match std::mem::replace(&mut self.goal, Goal::Idle) {
            Goal::Boot => effects.push(Effect::Booted),
            Goal::BootFailed(id, reason) => effects.push(Effect::BootFailed(id, reason)),
            Goal::Terminate => effects.push(Effect::Reply(Reply::Done)),
            Goal::End => effects.push(Effect::AllEnded),
            waiting @ Goal::EndAll(..) => self.goal = waiting,
            Goal::Idle | Goal::Restart | Goal::StartChild | Goal::RestartChild => {}
        }
    }

    /// The child is stopped, or was not there.
    fn gone(&mut self, key: Key, effects: &mut Effects) {
        if self.children.remove_or_keep(key) {
            effects.push(Effect::Forget(key));
        }
    }

    fn forget(&mut self, key: Key, effects: &mut Effects) {
        self.children.remove(key);
        effects.push(Effect::Forget(key));
    }

    fn offender(&self, key: Key, pid: Option<Pid>) -> Offender {
        Offender {
            key: Some(key),
            id: self.children.get(key).and_then(|record| record.id.clone()),
            pid,
            policy: self.policy(key),
            restarts: self.children.get(key).map_or(0, Record::restarts),
            count: 1,
        }
    }
}

fn refuse(refusal: Refusal, effects: &mut Effects) {
    effects.push(Effect::Reply(Reply::Failed(refusal)));
}
