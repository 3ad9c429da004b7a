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

#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use kista_etf::Pid;

use super::child::{ChildId, Policy, Restart, Shutdown};
use super::children::{ChildState, Children, Key, Record};
use super::intensity::Intensity;
use super::report::Context;
use super::spec::{AutoShutdown, Backoff, Strategy};
use crate::ExitReason;

/// What happens to a supervisor.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// The children of the specification are to be started.
    Boot,
    /// The answer to [`Effect::Start`].
    Started(Key, Outcome),
    /// A child that was told to end did, for this reason: the answer to [`Effect::Wait`].
    Ended(Pid, ExitReason),
    /// The time for that is up: the other answer.
    TimedOut,
    /// A linked process ended.
    Exit(Pid, ExitReason),
    /// What [`Effect::TryAgain`] asked for.
    TryAgain(Key),
    /// What [`Effect::Later`] asked for.
    Due(Key, u64),
    /// A request to add a child and start it.
    StartChild(ChildId, Policy),
    /// The same in a `simple_one_for_one`.
    StartDynamic,
    Terminate(ChildId),
    /// Of a `simple_one_for_one`; whether there is such a process at all.
    TerminatePid(Pid, bool),
    Restart(ChildId),
    Delete(ChildId),
    /// The supervisor ends: its children are to be stopped.
    End,
}

#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Running(Pid),
    Ignored,
    Failed(ExitReason),
}

/// What the shell is to do, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Effect {
    /// Keep what starts this child: it was asked to be added.
    Adopt(Key),
    /// The child is forgotten.
    Forget(Key),
    /// Start it, and answer with [`Event::Started`]. The last of its effects.
    Start(Key),
    /// Watch the process, and send it this exit signal: `shutdown` or `kill`.
    Tell(Pid, ExitReason),
    /// Kill it: it is watched already.
    Kill(Pid),
    /// Wait for one of those to end, at most so long from now; without a time, as the time set before says. The last of its effects.
    Wait(Time),
    /// Give [`Event::TryAgain`] behind what is in the queue.
    TryAgain(Key),
    /// Give [`Event::Due`] after this time.
    Later(Key, u64, Duration),
    /// Answer the request.
    Reply(Reply),
    Report(Context, Offender, ExitReason),
    /// Report that it runs.
    Progress(Key, Pid),
    /// All children of the specification are started.
    Booted,
    /// This one did not start; those before it are stopped.
    BootFailed(Option<ChildId>, ExitReason),
    /// End the supervisor with `shutdown`.
    Shutdown,
    /// All children are stopped.
    AllEnded,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    /// From now on.
    Within(Duration),
    Endless,
    /// As before.
    Same,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply {
    Done,
    Started(Option<Pid>),
    Failed(Refusal),
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Refusal {
    NotFound,
    Running,
    Restarting,
    AlreadyPresent,
    AlreadyStarted(Pid),
    SimpleOneForOne,
    Start(ExitReason),
}

/// Whom a report is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Offender {
    pub(super) key: Option<Key>,
    pub(super) id: Option<ChildId>,
    pub(super) pid: Option<Pid>,
    pub(super) policy: Policy,
    /// Of how many children, for those of a `simple_one_for_one` that were stopped together.
    pub(super) count: usize,
}

/// What of a specification the core needs.
pub(super) struct Flags {
    pub(super) strategy: Strategy,
    pub(super) intensity: u32,
    pub(super) period: Duration,
    pub(super) auto_shutdown: AutoShutdown,
    pub(super) backoff: Option<Backoff>,
}

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
                    self.restart(key, now, effects);
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

    fn stop(&mut self, key: Key, pid: Pid, effects: &mut Effects) {
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

    fn ended(&mut self, pid: Pid, reason: &ExitReason, effects: &mut Effects) {
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
            ));
        }
        self.gone(key, effects);
    }

    fn timed_out(&mut self, effects: &mut Effects) {
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

    // Starts.

    fn started(&mut self, key: Key, outcome: Outcome, now: Duration, effects: &mut Effects) {
        match outcome {
            Outcome::Running(pid) => {
                self.children.set_state(key, ChildState::Running(pid));
                self.children.set_since(key, now);
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

    fn not_started(&mut self, key: Key, reason: ExitReason, effects: &mut Effects) {
        self.agenda.clear();
        match self.goal {
            Goal::Boot => {
                let offender = self.offender(key, None);
                let id = offender.id.clone();
                effects.push(Effect::Report(
                    Context::StartError,
                    offender,
                    reason.clone(),
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
                effects.push(Effect::Report(Context::StartError, offender, reason));
                self.set_restarting(key, was);
                effects.push(Effect::TryAgain(key));
            }
        }
    }

    fn start_child(&mut self, id: ChildId, policy: Policy, effects: &mut Effects) {
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
    fn known_down(&self, id: &ChildId, effects: &mut Effects) -> Option<Key> {
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

    fn terminate(&mut self, key: Key) {
        self.goal = Goal::Terminate;
        self.agenda.push_back(Step::Stop(key));
    }

    // Ends of children.

    fn exited(
        &mut self,
        key: Key,
        pid: Pid,
        reason: &ExitReason,
        now: Duration,
        effects: &mut Effects,
    ) {
        let policy = self.policy(key);
        let proper = reason.is_normal();
        if policy.restart == Restart::Permanent || !proper {
            let offender = self.offender(key, Some(pid));
            effects.push(Effect::Report(
                Context::ChildTerminated,
                offender,
                reason.clone(),
            ));
        }
        let again = match policy.restart {
            Restart::Permanent => true,
            Restart::Transient => !proper,
            Restart::Temporary => false,
        };
        if again {
            return self.restart(key, now, effects);
        }
        self.gone(key, effects);
        let ends = policy.significant
            && match self.auto_shutdown {
                AutoShutdown::Never => false,
                AutoShutdown::AnySignificant => true,
                AutoShutdown::AllSignificant => self.children.significant() == 0,
            };
        if ends {
            effects.push(Effect::Shutdown);
        }
    }

    /// Counts a restart, and carries it out if it is not one too many.
    fn restart(&mut self, key: Key, now: Duration, effects: &mut Effects) {
        let was = match self.state(key) {
            Some(ChildState::Running(pid)) => Some(pid),
            Some(ChildState::Restarting(was, _)) => was,
            Some(ChildState::Down) | None => None,
        };
        if !self.intensity.admit(now) {
            let reason = kista_etf::Atom::from_static("reached_max_restart_intensity");
            let offender = self.offender(key, was);
            effects.push(Effect::Report(
                Context::Shutdown,
                offender,
                ExitReason::from(reason),
            ));
            self.gone(key, effects);
            return effects.push(Effect::Shutdown);
        }
        let number = self.set_restarting(key, was);
        match self.backoff {
            None => self.carry_out(key),
            Some(backoff) => {
                let attempts = self.children.attempt(key, now, backoff.most());
                effects.push(Effect::Later(key, number, backoff.delay(attempts)));
            }
        }
    }

    /// Its number.
    fn set_restarting(&mut self, key: Key, was: Option<Pid>) -> u64 {
        self.restarts += 1;
        // Only a `simple_one_for_one` knows its children by pid.
        let was = was.filter(|_| self.is_simple());
        self.children
            .set_state(key, ChildState::Restarting(was, self.restarts));
        self.restarts
    }

    fn carry_out(&mut self, key: Key) {
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

    /// Plans to stop all children, the last first, up to and with this one.
    fn stop_back_to(&mut self, first: Option<Key>) {
        for key in self.children.reversed() {
            self.agenda.push_back(Step::Stop(key));
            if Some(key) == first {
                break;
            }
        }
    }

    // The supervisor's end.

    fn end(&mut self, effects: &mut Effects) {
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
                        count,
                    };
                    effects.push(Effect::Report(Context::ShutdownError, offender, reason));
                }
                effects.push(Effect::AllEnded);
            }
            waiting => {
                self.goal = waiting;
                effects.push(Effect::Wait(time));
            }
        }
    }

    fn offender(&self, key: Key, pid: Option<Pid>) -> Offender {
        Offender {
            key: Some(key),
            id: self.children.get(key).and_then(|record| record.id.clone()),
            pid,
            policy: self.policy(key),
            count: 1,
        }
    }
}

fn refuse(refusal: Refusal, effects: &mut Effects) {
    effects.push(Effect::Reply(Reply::Failed(refusal)));
}

/// Whether a child that was told to end did so properly: for other reasons there is a report.
fn ended_as_told(policy: Policy, reason: &ExitReason) -> bool {
    // An end of its own choice, in the moment before; a permanent child should not have chosen any.
    let by_itself = policy.restart != Restart::Permanent && reason.is_normal();
    let expected = match policy.shutdown {
        Shutdown::BrutalKill => ExitReason::Killed,
        Shutdown::After(_) | Shutdown::Infinity => ExitReason::Shutdown,
    };
    by_itself || *reason == expected
}
