//! Starts: in which order, and what comes of one that fails or answers `ignore`.

use super::*;

/// A start function that gives a process which is another child already.
#[test]
fn a_process_is_no_second_child_and_nobody_waits_for_it_for_ever() {
    let mut core = Core::new(&flags(Strategy::OneForOne), policy(Restart::Permanent));
    let mut effects = Vec::new();
    let shared = pid(7);
    for (n, name) in ["a", "b"].into_iter().enumerate() {
        effects.clear();
        core.handle(
            Event::StartChild(id(name), policy(Restart::Permanent)),
            Duration::ZERO,
            &mut effects,
        );
        let Some(Effect::Start(key)) = effects.last().cloned() else {
            panic!("{effects:?}")
        };
        effects.clear();
        let started = Event::Started(key, Outcome::Running(shared));
        core.handle(started, Duration::ZERO, &mut effects);
        let reply = effects.iter().find_map(|effect| match effect {
            Effect::Reply(reply) => Some(reply.clone()),
            _ => None,
        });
        let reason = ExitReason::from(Term::tuple([
            Term::from(Atom::from_static("already_started")),
            Term::from(shared),
        ]));
        let expected = [
            Reply::Started(Some(shared)),
            Reply::Failed(Refusal::Start(reason)),
        ];
        assert_eq!(reply.as_ref(), Some(&expected[n]));
    }
    assert_eq!(core.count(), 1, "the second is not there");
    effects.clear();
    core.handle(Event::Terminate(id("a")), Duration::ZERO, &mut effects);
    core.handle(
        Event::Ended(shared, ExitReason::Shutdown),
        Duration::ZERO,
        &mut effects,
    );
    assert_eq!(effects.last(), Some(&Effect::Reply(Reply::Done)));
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

#[test]
fn children_have_progress_reports_but_for_dynamic_ones() {
    for (strategy, reports) in [(Strategy::OneForOne, 1), (Strategy::SimpleOneForOne, 0)] {
        let mut core = Core::new(&flags(strategy), policy(Restart::Permanent));
        let mut effects = Vec::new();
        let start = match strategy {
            Strategy::SimpleOneForOne => Event::StartDynamic,
            _ => Event::StartChild(id("a"), policy(Restart::Permanent)),
        };
        core.handle(start, Duration::ZERO, &mut effects);
        let started = Event::Started(Key(0), Outcome::Running(pid(1)));
        core.handle(started, Duration::ZERO, &mut effects);
        let progress = |effect: &&Effect| matches!(effect, Effect::Progress(..));
        assert_eq!(effects.iter().filter(progress).count(), reports);
    }
}
