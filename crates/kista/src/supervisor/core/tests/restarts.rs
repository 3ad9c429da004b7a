//! Children that end by themselves, and what becomes of them and of others.

use super::*;

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
fn a_child_that_cannot_start_does_not_live_while_it_waits() {
    let backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(400));
    let flags = Flags {
        backoff: Some(backoff),
        intensity: 100,
        ..flags(Strategy::OneForOne)
    };
    let mut world = World::new(&flags, policy(Restart::Permanent));
    world.core.add(id("a"), policy(Restart::Permanent));
    world.give(Event::Boot);
    let failures = std::iter::repeat_n(Outcome::Failed(crash()), 6);
    world.script.insert("a".into(), failures.collect());
    // Just before a full second: a life is not counted in those.
    world.now += Duration::from_millis(399);
    world.die("a", crash());
    let mut delays = Vec::new();
    while states(&world) == ["a restarting"] {
        let (at, event) = world.later.pop().unwrap();
        delays.push((at - world.now).as_millis());
        world.now = at;
        world.give(event);
        world.settle();
    }
    assert_eq!(delays, [100, 200, 400, 400, 400, 400, 400]);
    let said: Vec<_> = world.logged();
    let said = said.iter().filter(|line| line.starts_with("report"));
    let said: Vec<_> = said.filter_map(|line| line.rsplit_once(": ")).collect();
    let said: Vec<_> = said.iter().map(|(_, next)| *next).collect();
    let tries = ["tries again after 400ms"; 5];
    assert_eq!(said[0], "restarts it after 100ms");
    assert_eq!(said[1], "tries again after 200ms");
    assert_eq!(said[2..], tries);
    // It lives for less than the most, over the turn of a second; and then for more.
    for (lived, delay) in [(300, 400), (401, 100)] {
        world.now += Duration::from_millis(lived);
        world.die("a", crash());
        let (at, event) = world.later.pop().unwrap();
        assert_eq!((at - world.now).as_millis(), delay);
        world.now = at;
        world.give(event);
    }
}

#[test]
fn a_back_off_that_was_cut_short_does_nothing_when_it_is_due() {
    let time = Duration::from_secs(1);
    let flags = Flags {
        backoff: Some(Backoff::new(time, time)),
        ..flags(Strategy::OneForOne)
    };
    let mut world = World::new(&flags, policy(Restart::Permanent));
    world.core.add(id("a"), policy(Restart::Permanent));
    world.give(Event::Boot);
    world.die("a", crash());
    let (_, cut_short) = world.later.pop().unwrap();
    world.ask(Event::Terminate(id("a")));
    world.ask(Event::Restart(id("a")));
    world.die("a", crash());
    world.logged();
    world.give(cut_short);
    assert_eq!(world.logged(), [""; 0]);
    assert_eq!(states(&world), ["a restarting"]);
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
