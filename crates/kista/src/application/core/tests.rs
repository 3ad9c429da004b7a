use super::*;

/// Drives a core; masters are numbers, askers too.
struct Played(Core<u32, u32>);

impl Played {
    fn new(names: &[(&str, &str)]) -> Self {
        let mut core = Self(Core::new());
        for (name, depends_on) in names {
            let depends_on = depends_on.split_whitespace().map(atom).collect();
            core.tell(Event::Load {
                name: atom(name),
                depends_on,
                has_code: true,
                to: 0,
            });
        }
        core
    }

    fn tell(&mut self, event: Event<u32, u32>) -> Vec<Effect<u32, u32>> {
        let mut out = Vec::new();
        self.0.handle(event, &mut out);
        out
    }

    fn starts(&mut self, name: &str, start_type: StartType, master: u32) {
        self.tell(Event::Start(atom(name), start_type, 0));
        let out = self.tell(Event::Started(atom(name), Ok(master)));
        assert!(out.contains(&Effect::Reply(0, Ok(()))), "{out:?}");
    }
}

fn atom(name: &str) -> Atom {
    Atom::new(name).unwrap()
}

fn crash() -> ExitReason {
    ExitReason::from("crash")
}

#[test]
fn who_asks_for_a_start_that_is_under_way_waits_for_it_and_changes_nothing() {
    let mut core = Played::new(&[("a", "")]);
    let a = atom("a");
    assert_eq!(
        core.tell(Event::Start(a, StartType::Temporary, 1)),
        [Effect::Start(a)]
    );
    // Not permanent by this.
    assert_eq!(core.tell(Event::Start(a, StartType::Permanent, 2)), []);
    assert_eq!(
        core.tell(Event::Unload(a, 3)),
        [Effect::Reply(3, Err(ApplicationError::Running(a)))]
    );
    assert_eq!(
        core.tell(Event::Stop(a, 3)),
        [Effect::Reply(3, Err(ApplicationError::NotStarted(a)))]
    );
    assert_eq!(
        core.tell(Event::Started(a, Ok(7))),
        [
            Effect::Running(a, StartType::Temporary, Some(7)),
            Effect::Reply(1, Ok(())),
            Effect::Reply(2, Ok(())),
        ]
    );
    assert_eq!(
        core.tell(Event::Ended(7, crash())),
        [Effect::Exited(a, StartType::Temporary, Some(crash()))]
    );
}

#[test]
fn the_one_who_asked_is_answered_before_the_node_ends() {
    let mut core = Played::new(&[("a", "")]);
    let a = atom("a");
    core.tell(Event::Start(a, StartType::Permanent, 1));
    let out = core.tell(Event::Started(a, Err(crash())));
    assert!(matches!(
        &out[..],
        [
            Effect::Reply(1, Err(ApplicationError::Start { .. })),
            Effect::Failed(..),
            Effect::StopNode(_)
        ]
    ));
    // Once is enough, and nothing new begins.
    let refused = [Effect::Reply(2, Err(ApplicationError::NodeStopping))];
    assert_eq!(core.tell(Event::Start(a, StartType::Permanent, 2)), refused);
    assert_eq!(core.tell(Event::Stop(a, 2)), refused);
    assert_eq!(core.tell(Event::Unload(a, 2)), refused);
}

#[test]
fn an_application_that_was_started_again_ends_in_the_place_of_its_last_start() {
    let mut core = Played::new(&[("a", ""), ("b", ""), ("c", "")]);
    core.starts("a", StartType::Temporary, 1);
    core.starts("b", StartType::Temporary, 2);
    core.tell(Event::Ended(1, crash()));
    core.starts("c", StartType::Temporary, 3);
    core.starts("a", StartType::Temporary, 4);
    let out = core.tell(Event::End(9));
    let ended: Vec<_> = out
        .iter()
        .filter_map(|effect| match effect {
            Effect::Shutdown(master) => Some(*master),
            _ => None,
        })
        .collect();
    assert_eq!(ended, [4, 3, 2]);
    assert_eq!(out.last(), Some(&Effect::Reply(9, Ok(()))));
}

#[test]
fn what_ends_while_the_node_ends_does_not_end_it_again() {
    let mut core = Played::new(&[("a", ""), ("b", "")]);
    core.starts("a", StartType::Permanent, 1);
    core.starts("b", StartType::Permanent, 2);
    let stops = |out: &[Effect<u32, u32>]| {
        out.iter()
            .filter(|effect| matches!(effect, Effect::StopNode(_)))
            .count()
    };
    assert_eq!(stops(&core.tell(Event::Ended(2, crash()))), 1);
    assert_eq!(stops(&core.tell(Event::Ended(1, crash()))), 0);
    core.tell(Event::End(0));
    assert_eq!(core.tell(Event::Ended(1, crash())), []);
}

#[test]
fn a_start_that_is_given_up_is_answered_and_its_late_success_is_nothing() {
    let mut core = Played::new(&[("a", "")]);
    let a = atom("a");
    core.tell(Event::Start(a, StartType::Permanent, 1));
    assert_eq!(
        core.tell(Event::End(2)),
        [
            Effect::Abandon(a),
            Effect::Reply(1, Err(ApplicationError::NodeStopping)),
            Effect::Reply(2, Ok(())),
        ]
    );
    assert_eq!(core.tell(Event::Started(a, Ok(7))), []);
}

#[test]
fn a_library_runs_without_a_master_also_upon_one_that_has_ended() {
    let mut core = Played::new(&[("a", "")]);
    let lib = atom("lib");
    core.tell(Event::Load {
        name: lib,
        depends_on: vec![atom("a")],
        has_code: false,
        to: 0,
    });
    assert_eq!(
        core.tell(Event::Start(lib, StartType::Permanent, 1)),
        [Effect::Reply(
            1,
            Err(ApplicationError::NotStarted(atom("a")))
        )]
    );
    core.starts("a", StartType::Temporary, 1);
    core.tell(Event::Ended(1, crash()));
    assert_eq!(
        core.tell(Event::Start(lib, StartType::Permanent, 1)),
        [
            Effect::Running(lib, StartType::Permanent, None),
            Effect::Reply(1, Ok(()))
        ]
    );
    assert_eq!(
        core.tell(Event::Stop(lib, 2)),
        [
            Effect::Exited(lib, StartType::Permanent, None),
            Effect::Reply(2, Ok(()))
        ]
    );
}

/// Whether the node is told to end, which it may be once.
fn ends_the_node(out: &[Effect<u32, u32>]) -> bool {
    let stops = out.iter().filter(|e| matches!(e, Effect::StopNode(_)));
    match stops.count() {
        0 => false,
        1 => true,
        more => panic!("{more} times: {out:?}"),
    }
}

#[test]
fn what_an_end_and_a_failed_start_do_to_the_node_goes_by_start_type_and_reason() {
    for (start_type, reason, ends) in [
        (StartType::Temporary, ExitReason::Normal, false),
        (StartType::Temporary, crash(), false),
        (StartType::Transient, ExitReason::Normal, false),
        (StartType::Transient, ExitReason::Shutdown, true),
        (StartType::Transient, crash(), true),
        (StartType::Permanent, ExitReason::Normal, true),
        (StartType::Permanent, crash(), true),
    ] {
        let case = format!("{start_type} {reason}");
        let a = atom("a");
        let mut core = Played::new(&[("a", "")]);
        core.starts("a", start_type, 1);
        let out = core.tell(Event::Ended(1, reason.clone()));
        assert_eq!(ends_the_node(&out), ends, "the end of {case}");

        let mut core = Played::new(&[("a", "")]);
        core.tell(Event::Start(a, start_type, 0));
        let out = core.tell(Event::Started(a, Err(reason)));
        assert_eq!(ends_the_node(&out), ends, "the start of {case}");
    }
    // One that is needed has ended: never `normal`.
    for (start_type, ends) in [
        (StartType::Temporary, false),
        (StartType::Transient, true),
        (StartType::Permanent, true),
    ] {
        let mut core = Played::new(&[("a", ""), ("b", "a")]);
        core.starts("a", StartType::Temporary, 1);
        core.tell(Event::Ended(1, ExitReason::Normal));
        let out = core.tell(Event::Start(atom("b"), start_type, 2));
        let refused = Err(ApplicationError::NotRunning(atom("a")));
        assert_eq!(out[0], Effect::Reply(2, refused));
        assert_eq!(ends_the_node(&out), ends, "{start_type}");
    }
}

#[test]
fn all_who_wait_for_a_start_hear_that_it_failed() {
    let mut core = Played::new(&[("a", "")]);
    let a = atom("a");
    core.tell(Event::Start(a, StartType::Temporary, 1));
    core.tell(Event::Start(a, StartType::Temporary, 2));
    let error = ApplicationError::Start {
        application: a,
        reason: crash(),
    };
    assert_eq!(
        core.tell(Event::Started(a, Err(crash()))),
        [
            Effect::Reply(1, Err(error.clone())),
            Effect::Reply(2, Err(error)),
            Effect::Failed(a, StartType::Temporary, crash()),
        ]
    );
}

#[test]
fn a_start_that_fails_while_the_node_ends_does_not_end_it_again() {
    let mut core = Played::new(&[("a", ""), ("b", "")]);
    core.starts("a", StartType::Permanent, 1);
    core.tell(Event::Start(atom("b"), StartType::Permanent, 2));
    assert!(ends_the_node(&core.tell(Event::Ended(1, crash()))));
    let out = core.tell(Event::Started(atom("b"), Err(crash())));
    assert!(!ends_the_node(&out), "{out:?}");
}

#[test]
fn the_last_start_says_what_the_end_does_to_the_node() {
    let mut core = Played::new(&[("a", "")]);
    core.starts("a", StartType::Temporary, 1);
    core.tell(Event::Ended(1, crash()));
    core.starts("a", StartType::Permanent, 2);
    assert!(ends_the_node(&core.tell(Event::Ended(2, crash()))));
}

#[test]
fn nothing_begins_when_the_node_has_been_told_to_end() {
    let mut core = Played::new(&[("a", ""), ("b", "")]);
    core.starts("a", StartType::Temporary, 1);
    core.tell(Event::End(2));
    let refused = [Effect::Reply(3, Err(ApplicationError::NodeStopping))];
    assert_eq!(
        core.tell(Event::Start(atom("b"), StartType::Temporary, 3)),
        refused
    );
    assert_eq!(core.tell(Event::Unload(atom("b"), 3)), refused);
    assert_eq!(core.tell(Event::Stop(atom("a"), 3)), refused);
    let load = Event::Load {
        name: atom("c"),
        depends_on: Vec::new(),
        has_code: true,
        to: 3,
    };
    assert_eq!(core.tell(load), refused);
}
