//! Children that are told to end.

use super::super::stops::ended_as_told;
use super::*;

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
