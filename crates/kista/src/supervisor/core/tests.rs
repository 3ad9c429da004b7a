//! The core with children that are played: what each start comes to is scripted, and who does not obey is known.

mod random;
mod scale;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use kista_etf::{Atom, Term};

use super::super::child::{ChildType, Restart, Shutdown};
use super::stops::ended_as_told;
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

#[test]
fn children_start_in_order_and_stop_in_reverse() {
    let mut world = World::new(&flags(Strategy::OneForOne), policy(Restart::Permanent));
    for name in ["a", "b", "c"] {
        world.core.add(id(name), policy(Restart::Permanent));
    }
    world.give(Event::Boot);
    assert_eq!(world.logged(), ["start a", "start b", "start c"]);
    world.give(Event::End);
    assert_eq!(world.logged(), ["stop c", "stop b", "stop a", "all ended"]);
}

#[test]
fn a_start_that_fails_stops_those_before_it_in_reverse() {
    let mut world = World::new(&flags(Strategy::OneForOne), policy(Restart::Permanent));
    for name in ["a", "b", "c", "d"] {
        world.core.add(id(name), policy(Restart::Permanent));
    }
    world
        .script
        .insert("c".into(), [Outcome::Failed(crash())].into());
    world.give(Event::Boot);
    assert_eq!(
        world.logged(),
        [
            "start a",
            "start b",
            "fail c",
            "report start_error c crash: ends",
            "stop b",
            "stop a",
            "boot failed c crash"
        ]
    );
    assert!(world.alive.is_empty());
}

#[test]
fn a_child_that_ignores_is_kept_unless_it_is_temporary() {
    let mut world = World::new(&flags(Strategy::OneForOne), policy(Restart::Permanent));
    for (name, restart) in [
        ("a", Restart::Permanent),
        ("b", Restart::Transient),
        ("c", Restart::Temporary),
    ] {
        world.core.add(id(name), policy(restart));
        world.script.insert(name.into(), [Outcome::Ignored].into());
    }
    world.give(Event::Boot);
    assert_eq!(states(&world), ["a down", "b down"]);
    assert_eq!(
        world.ask(Event::Restart(id("a"))),
        Reply::Started(Some(pid(1)))
    );
}

/// What becomes of `b` among `a`, `b`, `c`.
fn after(restart: Restart, reason: &ExitReason) -> Vec<String> {
    let mut world = world(
        Strategy::OneForOne,
        &[Restart::Permanent, restart, Restart::Permanent],
    );
    world.die("b", reason.clone());
    let mut all = world.logged();
    all.extend(
        states(&world)
            .into_iter()
            .filter(|state| state.starts_with('b')),
    );
    all
}

#[test]
fn each_restart_type_restarts_for_its_reasons_only() {
    let with_term = Term::tuple([Term::from(kista_etf::atoms::SHUTDOWN), Term::from(1)]);
    let proper = [
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::from(with_term),
    ];
    let improper = [
        crash(),
        ExitReason::Killed,
        ExitReason::Kill,
        ExitReason::NoProc,
    ];
    for reason in &proper {
        let report = format!("report child_terminated b {reason}: restarts it");
        assert_eq!(
            after(Restart::Permanent, reason),
            [&*report, "start b", "b runs"]
        );
        assert_eq!(after(Restart::Transient, reason), ["b down"]);
        assert_eq!(after(Restart::Temporary, reason), [""; 0]);
    }
    for reason in &improper {
        let report = format!("report child_terminated b {reason}: restarts it");
        assert_eq!(
            after(Restart::Permanent, reason),
            [&*report, "start b", "b runs"]
        );
        assert_eq!(
            after(Restart::Transient, reason),
            [&*report, "start b", "b runs"]
        );
        let forgotten = format!("report child_terminated b {reason}: forgets it");
        assert_eq!(after(Restart::Temporary, reason), [forgotten]);
    }
}

#[test]
fn each_strategy_takes_along_whom_it_must_in_order() {
    let report = "report child_terminated b crash: restarts it";
    let run = |strategy| {
        let mut world = permanent(strategy);
        world.die("b", crash());
        world.logged()
    };
    assert_eq!(run(Strategy::OneForOne), [report, "start b"]);
    assert_eq!(
        run(Strategy::RestForOne),
        [report, "stop c", "start b", "start c"]
    );
    assert_eq!(
        run(Strategy::OneForAll),
        [report, "stop c", "stop a", "start a", "start b", "start c"]
    );
}

#[test]
fn temporary_siblings_are_stopped_and_forgotten_and_those_that_were_down_are_started() {
    for strategy in [Strategy::OneForAll, Strategy::RestForOne] {
        let mut world = world(
            strategy,
            &[
                Restart::Permanent,
                Restart::Temporary,
                Restart::Transient,
                Restart::Permanent,
            ],
        );
        world.die("c", ExitReason::Normal);
        assert_eq!(world.ask(Event::Terminate(id("d"))), Reply::Done);
        assert_eq!(states(&world), ["a runs", "b runs", "c down", "d down"]);
        world.logged();
        world.die("a", crash());
        assert_eq!(
            world.logged(),
            [
                "report child_terminated a crash: restarts it",
                "stop b",
                "start a",
                "start c",
                "start d"
            ]
        );
        assert_eq!(states(&world), ["a runs", "c runs", "d runs"]);
    }
}

#[test]
fn one_restart_too_many_ends_all_with_shutdown() {
    let mut world = permanent(Strategy::OneForOne);
    for _ in 0..3 {
        world.die("b", crash());
    }
    world.logged();
    world.die("a", crash());
    assert_eq!(
        world.logged(),
        [
            "report child_terminated a crash: ends",
            "report shutdown a reached_max_restart_intensity: ends",
            "shutdown",
            "stop c",
            "stop b",
            "all ended"
        ]
    );
}

#[test]
fn restarts_a_period_apart_never_end_the_supervisor() {
    let mut world = permanent(Strategy::OneForAll);
    for _ in 0..50 {
        world.die("b", crash());
        world.now += Duration::from_secs(2);
    }
    assert!(!world.ended);
    // Two a second are too many with 3 in 5 s.
    for _ in 0..4 {
        if !world.ended {
            world.die("b", crash());
        }
    }
    assert!(world.ended);
}

#[test]
fn a_restart_that_fails_is_tried_again_and_counted_each_time() {
    let mut world = permanent(Strategy::OneForOne);
    world.script.insert(
        "b".into(),
        [Outcome::Failed(crash()), Outcome::Failed(crash())].into(),
    );
    world.die("b", crash());
    let (fail, report, again) = (
        "fail b",
        "report start_error b crash: tries again",
        "again b",
    );
    let first = "report child_terminated b crash: restarts it";
    assert_eq!(
        world.logged(),
        [first, fail, report, again, fail, report, again, "start b"]
    );
    assert_eq!(world.core.restarts_counted(), 3);
    world
        .script
        .insert("b".into(), vec![Outcome::Failed(crash()); 9].into());
    world.now += Duration::from_secs(6);
    world.die("b", crash());
    assert!(world.ended);
    assert_eq!(
        world.logged().iter().filter(|line| *line == fail).count(),
        3
    );
}

#[test]
fn requests_are_answered_between_two_tries_and_can_end_them() {
    let mut world = permanent(Strategy::OneForOne);
    world
        .script
        .insert("b".into(), vec![Outcome::Failed(crash()); 9].into());
    let key = world.core.child(&id("b")).unwrap().0;
    world.alive.retain(|_, child| *child != key);
    world.give(Event::Exit(pid(2), crash()));
    assert_eq!(states(&world), ["a runs", "b restarting", "c runs"]);
    assert_eq!(
        world.ask(Event::Restart(id("b"))),
        Reply::Failed(Refusal::Restarting)
    );
    assert_eq!(
        world.ask(Event::Delete(id("b"))),
        Reply::Failed(Refusal::Restarting)
    );
    assert_eq!(
        world.ask(Event::StartChild(id("b"), policy(Restart::Permanent))),
        Reply::Failed(Refusal::AlreadyPresent)
    );
    assert_eq!(world.ask(Event::Terminate(id("b"))), Reply::Done);
    world.logged();
    world.settle();
    assert_eq!(world.logged(), [""; 0]);
    assert_eq!(states(&world), ["a runs", "b down", "c runs"]);
}

#[test]
fn a_sibling_that_fails_to_start_again_is_tried_again_from_there() {
    let mut world = permanent(Strategy::RestForOne);
    world
        .script
        .insert("b".into(), [Outcome::Failed(crash())].into());
    world.die("a", crash());
    let lines = [
        "stop c",
        "stop b",
        "start a",
        "fail b",
        "report start_error b crash: tries again",
        "again b",
        "start b",
        "start c",
    ];
    assert_eq!(world.logged()[1..], lines);
    assert_eq!(world.core.restarts_counted(), 2);

    let mut world = permanent(Strategy::OneForAll);
    world
        .script
        .insert("b".into(), [Outcome::Failed(crash())].into());
    world.die("c", crash());
    let lines = [
        "stop b",
        "stop a",
        "start a",
        "fail b",
        "report start_error b crash: tries again",
        "again b",
        "stop a",
        "start a",
        "start b",
        "start c",
    ];
    assert_eq!(world.logged()[1..], lines);
}

#[test]
fn who_does_not_end_in_time_is_killed_and_reported() {
    let mut world = permanent(Strategy::OneForOne);
    world.stubborn.insert("b".into());
    assert_eq!(world.ask(Event::Terminate(id("b"))), Reply::Done);
    assert_eq!(
        world.logged(),
        [
            "stop b",
            "kill b",
            "report shutdown_error b killed: has stopped it"
        ]
    );
}

#[test]
fn how_a_child_is_told_to_end_is_its_own_choice() {
    let mut world = World::new(&flags(Strategy::OneForOne), policy(Restart::Permanent));
    for (name, shutdown) in [("a", Shutdown::BrutalKill), ("b", Shutdown::Infinity)] {
        let policy = Policy {
            shutdown,
            ..policy(Restart::Permanent)
        };
        world.core.add(id(name), policy);
    }
    world.give(Event::Boot);
    world.logged();
    world.give(Event::End);
    assert_eq!(world.logged(), ["stop b", "kill a", "all ended"]);
}

#[test]
fn a_child_is_waited_for_as_long_as_its_own_time_says() {
    let time = Duration::from_secs(7);
    for (shutdown, wait) in [
        (Shutdown::BrutalKill, Time::Endless),
        (Shutdown::After(time), Time::Within(time)),
        (Shutdown::Infinity, Time::Endless),
    ] {
        for strategy in [Strategy::OneForOne, Strategy::SimpleOneForOne] {
            let child = Policy {
                shutdown,
                ..policy(Restart::Permanent)
            };
            let mut core = Core::new(&flags(strategy), child);
            let mut effects = Vec::new();
            let key = match strategy {
                Strategy::SimpleOneForOne => {
                    core.handle(Event::StartDynamic, Duration::ZERO, &mut effects);
                    Key(0)
                }
                _ => core.add(id("a"), child),
            };
            core.handle(Event::Boot, Duration::ZERO, &mut effects);
            let started = Event::Started(key, Outcome::Running(pid(1)));
            core.handle(started, Duration::ZERO, &mut effects);
            effects.clear();
            core.handle(Event::End, Duration::ZERO, &mut effects);
            assert_eq!(effects.last(), Some(&Effect::Wait(wait)), "{shutdown:?}");
        }
    }
}

#[test]
fn an_end_that_was_not_the_one_asked_for_is_reported() {
    let shutdowns = [
        Shutdown::After(Duration::ZERO),
        Shutdown::Infinity,
        Shutdown::BrutalKill,
    ];
    for (restart, reason, reported) in [
        (Restart::Permanent, ExitReason::Normal, true),
        (Restart::Transient, ExitReason::Normal, false),
        (Restart::Temporary, ExitReason::Normal, false),
        (Restart::Transient, crash(), true),
        (Restart::Temporary, crash(), true),
        (Restart::Permanent, ExitReason::NoProc, true),
    ] {
        for shutdown in shutdowns {
            let policy = Policy {
                shutdown,
                ..policy(restart)
            };
            assert_eq!(
                ended_as_told(policy, &reason),
                !reported,
                "{policy:?} {reason}"
            );
        }
    }
    let brutal = Policy {
        shutdown: Shutdown::BrutalKill,
        ..policy(Restart::Permanent)
    };
    assert!(ended_as_told(brutal, &ExitReason::Killed));
    assert!(!ended_as_told(brutal, &ExitReason::Shutdown));
    assert!(!ended_as_told(
        policy(Restart::Permanent),
        &ExitReason::Killed
    ));
    assert!(ended_as_told(
        policy(Restart::Permanent),
        &ExitReason::Shutdown
    ));
    let mut world = permanent(Strategy::OneForOne);
    world.own_reason.insert("c".into(), crash());
    world.give(Event::End);
    assert_eq!(
        world.logged()[..2],
        ["stop c", "report shutdown_error c crash: has stopped it"]
    );
}

#[test]
fn each_request_is_refused_for_its_own_reason() {
    let mut world = permanent(Strategy::OneForOne);
    let child = policy(Restart::Permanent);
    let refused = |refusal| Reply::Failed(refusal);
    assert_eq!(
        world.ask(Event::StartChild(id("b"), child)),
        refused(Refusal::AlreadyStarted(pid(2)))
    );
    assert_eq!(
        world.ask(Event::Restart(id("b"))),
        refused(Refusal::Running)
    );
    assert_eq!(world.ask(Event::Delete(id("b"))), refused(Refusal::Running));
    assert_eq!(
        world.ask(Event::Terminate(id("x"))),
        refused(Refusal::NotFound)
    );
    assert_eq!(
        world.ask(Event::Restart(id("x"))),
        refused(Refusal::NotFound)
    );
    assert_eq!(
        world.ask(Event::Delete(id("x"))),
        refused(Refusal::NotFound)
    );
    assert_eq!(world.ask(Event::Terminate(id("b"))), Reply::Done);
    assert_eq!(
        world.ask(Event::StartChild(id("b"), child)),
        refused(Refusal::AlreadyPresent)
    );
    world.script.insert(
        "b".into(),
        [Outcome::Failed(crash()), Outcome::Ignored].into(),
    );
    assert_eq!(
        world.ask(Event::Restart(id("b"))),
        refused(Refusal::Start(crash()))
    );
    assert_eq!(world.ask(Event::Restart(id("b"))), Reply::Started(None));
    assert_eq!(world.ask(Event::Delete(id("b"))), Reply::Done);
    assert_eq!(states(&world), ["a runs", "c runs"]);
    world
        .script
        .insert("b".into(), [Outcome::Failed(crash())].into());
    assert_eq!(
        world.ask(Event::StartChild(id("b"), child)),
        refused(Refusal::Start(crash()))
    );
    assert_eq!(
        states(&world),
        ["a runs", "c runs"],
        "a child that did not start is not kept"
    );
    assert_eq!(
        world.ask(Event::StartChild(id("b"), child)),
        Reply::Started(Some(pid(4)))
    );
    assert_eq!(
        states(&world),
        ["a runs", "c runs", "b runs"],
        "it comes last"
    );
    assert_eq!(world.core.restarts_counted(), 0);
}

#[test]
fn terminating_a_temporary_child_forgets_it() {
    let mut world = world(
        Strategy::OneForOne,
        &[Restart::Temporary, Restart::Permanent],
    );
    assert_eq!(world.ask(Event::Terminate(id("a"))), Reply::Done);
    assert_eq!(states(&world), ["b runs"]);
}

fn significant(auto_shutdown: AutoShutdown, children: &[(Restart, bool)]) -> World {
    let flags = Flags {
        auto_shutdown,
        ..flags(Strategy::OneForOne)
    };
    let mut world = World::new(&flags, policy(Restart::Permanent));
    for (name, (restart, significant)) in ["a", "b", "c"].into_iter().zip(children) {
        let policy = Policy {
            significant: *significant,
            ..policy(*restart)
        };
        world.core.add(id(name), policy);
    }
    world.give(Event::Boot);
    world.logged();
    world
}

#[test]
fn any_significant_child_ends_its_supervisor_when_it_ends_for_good() {
    let children = [
        (Restart::Transient, true),
        (Restart::Temporary, true),
        (Restart::Temporary, false),
    ];
    let ends = |name: &str, reason: ExitReason| {
        let mut world = significant(AutoShutdown::AnySignificant, &children);
        world.die(name, reason);
        world.ended
    };
    assert!(ends("a", ExitReason::Normal));
    assert!(!ends("a", crash()), "it is restarted");
    assert!(ends("b", ExitReason::Normal));
    assert!(ends("b", crash()));
    assert!(!ends("c", crash()));
    let mut world = significant(AutoShutdown::AnySignificant, &children);
    world.give(Event::Terminate(id("a")));
    world.give(Event::Terminate(id("b")));
    assert!(!world.ended, "on request is not by itself");
}

#[test]
fn the_last_significant_child_ends_its_supervisor() {
    let children = [
        (Restart::Transient, true),
        (Restart::Temporary, true),
        (Restart::Permanent, false),
    ];
    let mut world = significant(AutoShutdown::AllSignificant, &children);
    world.die("a", ExitReason::Shutdown);
    assert!(!world.ended);
    world.die("b", crash());
    assert!(world.ended);
    let mut world = significant(AutoShutdown::AllSignificant, &children);
    world.give(Event::Terminate(id("b")));
    world.die("a", ExitReason::Normal);
    assert!(world.ended, "one that was terminated is not waited for");
}

fn simple(child: Policy, count: usize) -> World {
    let mut world = World::new(&flags(Strategy::SimpleOneForOne), child);
    world.give(Event::Boot);
    for _ in 0..count {
        world.ask(Event::StartDynamic);
    }
    world.logged();
    world
}

#[test]
fn dynamic_children_go_by_pid_and_leave_nothing_behind() {
    let mut world = simple(policy(Restart::Temporary), 3);
    let refused = Reply::Failed(Refusal::SimpleOneForOne);
    let child = policy(Restart::Permanent);
    for event in [
        Event::Terminate(id("a")),
        Event::Restart(id("a")),
        Event::Delete(id("a")),
        Event::StartChild(id("a"), child),
    ] {
        assert_eq!(world.ask(event), refused);
    }
    assert_eq!(world.ask(Event::TerminatePid(pid(2), true)), Reply::Done);
    assert_eq!(world.ask(Event::TerminatePid(pid(2), false)), Reply::Done);
    assert_eq!(
        world.ask(Event::TerminatePid(pid(9), true)),
        Reply::Failed(Refusal::NotFound)
    );
    world.die("#0", crash());
    assert_eq!(world.core.count(), 1);
    world.script.insert("#3".into(), [Outcome::Ignored].into());
    world
        .script
        .insert("#4".into(), [Outcome::Failed(crash())].into());
    assert_eq!(world.ask(Event::StartDynamic), Reply::Started(None));
    assert_eq!(
        world.ask(Event::StartDynamic),
        Reply::Failed(Refusal::Start(crash()))
    );
    assert_eq!(world.core.count(), 1);
    assert_eq!(world.core.restarts_counted(), 0);
}

#[test]
fn a_dynamic_child_that_ignores_or_fails_is_not_kept_whatever_its_restart_type() {
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        let mut world = simple(policy(restart), 0);
        world.script.insert("#0".into(), [Outcome::Ignored].into());
        world
            .script
            .insert("#1".into(), [Outcome::Failed(crash())].into());
        assert_eq!(world.ask(Event::StartDynamic), Reply::Started(None));
        assert_eq!(
            world.ask(Event::StartDynamic),
            Reply::Failed(Refusal::Start(crash()))
        );
        assert_eq!(world.core.count(), 0);
        assert_eq!(world.ask(Event::StartDynamic), Reply::Started(Some(pid(1))));
        world.give(Event::End);
        assert_eq!(world.logged().pop().unwrap(), "all ended");
    }
}

#[test]
fn dynamic_children_that_fail_to_restart_can_be_terminated_by_their_old_pid() {
    let mut world = simple(policy(Restart::Permanent), 2);
    world
        .script
        .insert("#0".into(), vec![Outcome::Failed(crash()); 2].into());
    world.alive.remove(&1);
    world.give(Event::Exit(pid(1), crash()));
    assert_eq!((world.core.count(), world.core.running()), (2, 1));
    assert_eq!(world.ask(Event::TerminatePid(pid(1), false)), Reply::Done);
    world.settle();
    assert_eq!((world.core.count(), world.core.running()), (1, 1));
}

#[test]
fn dynamic_children_are_stopped_all_at_once_and_the_stubborn_are_killed() {
    let mut world = simple(policy(Restart::Temporary), 4);
    world.stubborn.extend(["#1".into(), "#3".into()]);
    world.own_reason.insert("#0".into(), crash());
    world.give(Event::End);
    let mut log = world.logged();
    assert_eq!(
        log[..6],
        [
            "stop #0", "stop #1", "stop #2", "stop #3", "kill #1", "kill #3"
        ]
    );
    assert_eq!(log.pop().unwrap(), "all ended");
    log[6..].sort();
    assert_eq!(
        log[6..],
        [
            "report shutdown_error 1 children crash: has stopped it",
            "report shutdown_error 2 children killed: has stopped it"
        ]
    );
    let mut none = simple(policy(Restart::Temporary), 0);
    none.give(Event::End);
    assert_eq!(none.logged(), ["all ended"]);
}

#[test]
fn a_back_off_doubles_up_to_its_most_and_begins_anew_after_a_long_life() {
    let backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(4));
    let flags = Flags {
        backoff: Some(backoff),
        intensity: 100,
        ..flags(Strategy::OneForOne)
    };
    let mut world = World::new(&flags, policy(Restart::Permanent));
    world.core.add(id("a"), policy(Restart::Permanent));
    world.give(Event::Boot);
    let mut delays = Vec::new();
    for lived in [0, 0, 0, 4, 5, 0] {
        world.now += Duration::from_secs(lived);
        world.die("a", crash());
        assert_eq!(states(&world), ["a restarting"]);
        let (at, event) = world.later.pop().unwrap();
        delays.push((at - world.now).as_secs());
        world.now = at;
        world.give(event.clone());
        assert_eq!(states(&world), ["a runs"]);
        world.give(event);
        assert_eq!(world.alive.len(), 1, "a timer that comes twice acts once");
    }
    assert_eq!(delays, [1, 2, 4, 4, 1, 2]);
}

#[test]
fn exits_of_strangers_and_late_tries_do_nothing() {
    let mut world = permanent(Strategy::OneForAll);
    let key = world.core.child(&id("a")).unwrap().0;
    for event in [
        Event::Exit(pid(99), crash()),
        Event::TryAgain(key),
        Event::Due(key, 0),
        Event::TryAgain(Key(77)),
    ] {
        world.give(event);
        assert_eq!(world.logged(), [""; 0]);
    }
    assert_eq!(world.core.restarts_counted(), 0);
}
