//! The core with children that are played: what each start comes to is scripted, and who does not obey is known.

mod dynamic;
mod random;
mod requests;
mod restarts;
mod scale;
mod significant;
mod starts;
mod stops;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use kista_etf::{Atom, Term};

use super::super::child::{ChildType, Restart, Shutdown};
use super::*;

/// A supervisor's core and the world around it. What happens is logged in words.
pub(super) struct World {
    pub(super) core: Core,
    pub(super) now: Duration,
    pub(super) log: Vec<String>,
    /// Who lives.
    pub(super) alive: BTreeMap<u32, Key>,
    /// What the next starts of a child come to; when nothing is said it runs.
    pub(super) script: HashMap<String, VecDeque<Outcome>>,
    /// Who ends only when killed, and who ends for a reason of its own when told to.
    pub(super) stubborn: BTreeSet<String>,
    pub(super) own_reason: HashMap<String, ExitReason>,
    pub(super) queue: VecDeque<Event>,
    pub(super) later: Vec<(Duration, Event)>,
    pub(super) reply: Option<Reply>,
    pub(super) ended: bool,
    pids: u32,
}

pub(super) const fn pid(id: u32) -> Pid {
    Pid {
        node: kista_etf::atoms::EMPTY,
        id,
        serial: 0,
        creation: 1,
    }
}

pub(super) fn crash() -> ExitReason {
    ExitReason::from(Atom::from_static("crash"))
}

pub(super) fn policy(restart: Restart) -> Policy {
    Policy {
        restart,
        shutdown: Shutdown::After(Duration::from_secs(5)),
        significant: false,
        child_type: ChildType::Worker,
    }
}

impl World {
    pub(super) fn new(flags: &Flags, template: Policy) -> Self {
        Self {
            core: Core::new(flags, template),
            now: Duration::ZERO,
            log: Vec::new(),
            alive: BTreeMap::new(),
            script: HashMap::new(),
            stubborn: BTreeSet::new(),
            own_reason: HashMap::new(),
            queue: VecDeque::new(),
            later: Vec::new(),
            reply: None,
            ended: false,
            pids: 0,
        }
    }

    pub(super) fn name(&self, key: Key) -> String {
        let record = self.core.children.get(key);
        let id = record.and_then(|record| record.id.as_ref());
        id.map_or_else(|| format!("#{}", key.0), ToString::to_string)
    }

    fn name_of(&self, pid: Pid) -> String {
        self.alive
            .get(&pid.id)
            .map_or_else(|| "gone".to_owned(), |key| self.name(*key))
    }

    fn say(&mut self, text: impl Into<String>) {
        self.log.push(text.into());
    }

    /// Gives one event, and plays the world until the core is idle.
    pub(super) fn give(&mut self, event: Event) {
        let mut next = Some(event);
        let mut told = VecDeque::new();
        while let Some(event) = next.take() {
            let mut effects = Vec::new();
            self.core.handle(event, self.now, &mut effects);
            let last = effects.len().saturating_sub(1);
            for (n, effect) in effects.into_iter().enumerate() {
                let waits = matches!(effect, Effect::Start(_) | Effect::Wait(_));
                assert!(!waits || n == last, "nothing follows what is waited for");
                match effect {
                    Effect::Start(key) => {
                        let outcome = self.play_start(key);
                        next = Some(Event::Started(key, outcome));
                    }
                    Effect::Tell(pid, reason) => {
                        let name = self.name_of(pid);
                        let how = match reason {
                            ExitReason::Kill => "kill",
                            _ => "stop",
                        };
                        self.say(format!("{how} {name}"));
                        told.push_back((pid, reason));
                    }
                    Effect::Kill(pid) => {
                        let name = self.name_of(pid);
                        self.say(format!("kill {name}"));
                        told.push_back((pid, ExitReason::Kill));
                    }
                    Effect::Wait(time) => next = Some(self.play_end(&mut told, time)),
                    Effect::TryAgain(key) => {
                        let name = self.name(key);
                        self.say(format!("again {name}"));
                        self.queue.push_back(Event::TryAgain(key));
                    }
                    Effect::Later(key, number, delay) => {
                        let name = self.name(key);
                        self.say(format!("{name} in {delay:?}"));
                        self.later.push((self.now + delay, Event::Due(key, number)));
                    }
                    Effect::Reply(reply) => self.reply = Some(reply),
                    Effect::Report(context, offender, reason, next) => {
                        let count = offender.count;
                        let whom = match (offender.id, offender.key) {
                            (Some(id), _) => id.to_string(),
                            (None, Some(key)) => format!("#{}", key.0),
                            (None, None) => format!("{count} children"),
                        };
                        self.say(format!("report {context} {whom} {reason}: {next}"));
                    }
                    Effect::BootFailed(id, reason) => {
                        let id = id.map_or_else(String::new, |id| id.to_string());
                        self.say(format!("boot failed {id} {reason}"));
                        self.ended = true;
                    }
                    Effect::Shutdown => {
                        self.say("shutdown");
                        self.ended = true;
                    }
                    Effect::AllEnded => self.say("all ended"),
                    Effect::Adopt(_)
                    | Effect::Forget(_)
                    | Effect::Progress(..)
                    | Effect::Booted => {}
                }
            }
        }
        self.check();
    }

    fn play_start(&mut self, key: Key) -> Outcome {
        let name = self.name(key);
        let scripted = self.script.get_mut(&name).and_then(VecDeque::pop_front);
        match scripted {
            None | Some(Outcome::Running(_)) => {
                self.pids += 1;
                self.alive.insert(self.pids, key);
                self.say(format!("start {name}"));
                Outcome::Running(pid(self.pids))
            }
            Some(Outcome::Ignored) => {
                self.say(format!("ignore {name}"));
                Outcome::Ignored
            }
            Some(Outcome::Failed(reason)) => {
                self.say(format!("fail {name}"));
                Outcome::Failed(reason)
            }
        }
    }

    /// The first who obeys ends; when none does the time is up.
    fn play_end(&mut self, told: &mut VecDeque<(Pid, ExitReason)>, time: Time) -> Event {
        let obeys = told.iter().position(|(pid, reason)| {
            *reason == ExitReason::Kill || !self.stubborn.contains(&self.name_of(*pid))
        });
        let Some(obeys) = obeys else {
            assert_ne!(time, Time::Endless, "nobody would ever end");
            return Event::TimedOut;
        };
        let (pid, reason) = told.remove(obeys).unwrap();
        let name = self.name_of(pid);
        let ended = match reason {
            ExitReason::Kill => ExitReason::Killed,
            told => self.own_reason.get(&name).cloned().unwrap_or(told),
        };
        told.retain(|(other, _)| *other != pid);
        self.alive.remove(&pid.id);
        Event::Ended(pid, ended)
    }

    /// Ends a child by itself.
    pub(super) fn die(&mut self, name: &str, reason: ExitReason) {
        let found = self.alive.iter().find(|(_, key)| self.name(**key) == name);
        let id = *found.unwrap_or_else(|| panic!("{name} does not live")).0;
        self.alive.remove(&id);
        self.give(Event::Exit(pid(id), reason));
        self.settle();
    }

    /// Gives what the core asked for itself, but no timers.
    pub(super) fn settle(&mut self) {
        while !self.ended
            && let Some(event) = self.queue.pop_front()
        {
            self.give(event);
        }
        if self.ended {
            self.give(Event::End);
            assert!(self.alive.is_empty(), "{:?}", self.alive);
        }
    }

    pub(super) fn ask(&mut self, event: Event) -> Reply {
        self.give(event);
        self.reply.take().expect("every request is answered")
    }

    pub(super) fn logged(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// What holds whenever the core is idle.
    fn check(&self) {
        assert!(matches!(self.core.goal, Goal::Idle), "{:?}", self.core.goal);
        assert!(self.core.agenda.is_empty());
        let running: BTreeMap<u32, Key> = self
            .core
            .children()
            .filter_map(|(key, record)| match record.state {
                ChildState::Running(pid) => Some((pid.id, key)),
                _ => None,
            })
            .collect();
        assert!(self.alive.iter().all(|alive| running.contains_key(alive.0)));
        assert_eq!(running.len(), self.core.running());
        let restarting = |record: &Record| matches!(record.state, ChildState::Restarting(..));
        let waits = self
            .core
            .children()
            .filter(|(_, record)| restarting(record))
            .count();
        assert!(self.ended || waits <= self.queue.len() + self.later.len());
    }
}

pub(super) fn flags(strategy: Strategy) -> Flags {
    Flags {
        strategy,
        intensity: 3,
        period: Duration::from_secs(5),
        auto_shutdown: AutoShutdown::Never,
        backoff: None,
    }
}

/// Children `a`, `b`, `c`, .. of these restart types, started.
fn world(strategy: Strategy, restarts: &[Restart]) -> World {
    let mut world = World::new(&flags(strategy), policy(Restart::Permanent));
    for (id, restart) in ["a", "b", "c", "d", "e"].into_iter().zip(restarts) {
        world.core.add(ChildId::from(id), policy(*restart));
    }
    world.give(Event::Boot);
    world.logged();
    world
}

fn permanent(strategy: Strategy) -> World {
    world(strategy, &[Restart::Permanent; 3])
}

fn id(id: &str) -> ChildId {
    ChildId::from(id)
}

fn states(world: &World) -> Vec<String> {
    let mut states: Vec<String> = world
        .core
        .children()
        .map(|(key, record)| {
            let state = match record.state {
                ChildState::Running(_) => "runs",
                ChildState::Restarting(..) => "restarting",
                ChildState::Down => "down",
            };
            format!("{} {state}", world.name(key))
        })
        .collect();
    states.reverse();
    states
}
