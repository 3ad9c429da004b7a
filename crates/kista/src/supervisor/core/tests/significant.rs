//! Supervisors that shut down by themselves.

use super::*;

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
fn no_child_ends_a_supervisor_that_never_shuts_down_by_itself() {
    let mut world = significant(AutoShutdown::Never, &[(Restart::Temporary, true)]);
    world.die("a", ExitReason::Normal);
    assert!(!world.ended);
    assert_eq!(world.logged(), [""; 0]);
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
