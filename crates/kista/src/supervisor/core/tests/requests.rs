//! What is asked of a supervisor, and refused.

use super::*;

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
