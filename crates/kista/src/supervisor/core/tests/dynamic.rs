//! Children of a `simple_one_for_one`.

use super::*;

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

/// Who traps exits can get an exit signal of a child twice: one that the child sent, and the one of its end.
#[test]
fn a_second_exit_of_a_child_that_is_restarting_is_nobodys() {
    let mut world = simple(policy(Restart::Permanent), 1);
    world
        .script
        .insert("#0".into(), [Outcome::Failed(crash())].into());
    world.alive.remove(&1);
    for restarts in [1, 1] {
        world.give(Event::Exit(pid(1), crash()));
        assert_eq!(world.core.restarts_counted(), restarts);
        assert_eq!(world.core.running(), 0);
    }
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
