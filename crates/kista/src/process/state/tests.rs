//! The rules of the pure core, one by one.

use std::sync::Weak;

use super::*;

fn pid(id: u32) -> Pid {
    Pid {
        node: Atom::from_static("here@host"),
        id,
        serial: 1,
        creation: 4,
    }
}

fn reference(n: u32) -> Reference {
    Reference::from_words(Atom::from_static("here@host"), 4, [n, 0, 0])
}

fn state() -> ProcessState {
    ProcessState::new(pid(1))
}

fn apply(state: &mut ProcessState, signal: ControlSignal) -> Vec<Effect> {
    let mut effects = Vec::new();
    state.apply(signal, Via::Here, &mut effects);
    effects
}

fn exit_of(from: Pid, reason: ExitReason) -> ControlSignal {
    ControlSignal::LinkExit { from, reason }
}

#[test]
fn exit_after_unlink_is_void() {
    let mut state = state();
    assert!(state.link(pid(2), Via::Here));
    let (id, _) = state.unlink(pid(2)).unwrap();
    assert!(apply(&mut state, exit_of(pid(2), ExitReason::Killed)).is_empty());
    assert!(apply(&mut state, ControlSignal::UnlinkAck { from: pid(2), id }).is_empty());
    assert!(state.links().is_empty());
}

#[test]
fn a_link_that_crosses_our_unlink_is_void() {
    let mut state = state();
    state.link(pid(2), Via::Here);
    let (id, _) = state.unlink(pid(2)).unwrap();
    // Sent before the other side heard of the unlink, which takes that link away too.
    apply(&mut state, ControlSignal::Link { from: pid(2) });
    assert!(state.links().is_empty());
    apply(&mut state, ControlSignal::UnlinkAck { from: pid(2), id });
    apply(&mut state, ControlSignal::Link { from: pid(2) });
    assert_eq!(state.links(), [pid(2)], "sent after it");
}

#[test]
fn who_is_unlinked_hears_no_exit() {
    let mut state = state();
    state.link(pid(2), Via::Here);
    state.link(pid(3), Via::Here);
    state.unlink(pid(2)).unwrap();
    let told = state.end(&ExitReason::Killed);
    assert!(
        matches!(told[..], [Effect::Send(to, ControlSignal::LinkExit { .. }, _)] if to == pid(3))
    );
}

#[test]
fn stale_acknowledgement_does_not_end_a_new_link() {
    let mut state = state();
    state.link(pid(2), Via::Here);
    let (id, _) = state.unlink(pid(2)).unwrap();
    assert!(state.link(pid(2), Via::Here), "relinking sends a new link");
    apply(&mut state, ControlSignal::UnlinkAck { from: pid(2), id });
    assert_eq!(state.links(), [pid(2)]);

    let (next, _) = state.unlink(pid(2)).unwrap();
    assert!(id > 0 && next > id, "no id comes twice, and none is 0");
}

#[test]
fn unlink_is_acknowledged_even_without_a_link() {
    let effects = apply(
        &mut state(),
        ControlSignal::Unlink {
            from: pid(2),
            id: 9,
        },
    );
    assert!(
        matches!(effects[..], [Effect::Send(to, ControlSignal::UnlinkAck { id: 9, .. }, _)] if to == pid(2))
    );
}

#[test]
fn kill_is_untrappable_by_exit_and_ordinary_by_link() {
    let mut state = state();
    state.trap_exit = true;
    state.link(pid(2), Via::Here);
    let by_link = apply(&mut state, exit_of(pid(2), ExitReason::Kill));
    assert!(matches!(
        by_link[..],
        [Effect::Deliver(Info::Exit {
            reason: ExitReason::Kill,
            ..
        })]
    ));
    let by_exit = apply(
        &mut state,
        ControlSignal::Exit {
            from: pid(2),
            reason: ExitReason::Kill,
        },
    );
    assert!(matches!(by_exit[..], [Effect::Die(ExitReason::Killed)]));
}

#[test]
fn normal_from_a_link_is_ignored() {
    let mut state = state();
    state.link(pid(2), Via::Here);
    assert!(apply(&mut state, exit_of(pid(2), ExitReason::Normal)).is_empty());
    assert!(
        apply(
            &mut state,
            ControlSignal::Exit {
                from: pid(3),
                reason: ExitReason::Normal
            }
        )
        .is_empty()
    );
    let own = apply(
        &mut state,
        ControlSignal::Exit {
            from: pid(1),
            reason: ExitReason::Normal,
        },
    );
    assert!(matches!(own[..], [Effect::Die(ExitReason::Normal)]));
}

#[test]
fn exit_from_a_stranger_without_a_link_is_ignored() {
    assert!(apply(&mut state(), exit_of(pid(2), ExitReason::Killed)).is_empty());
}

#[test]
fn no_down_after_demonitor() {
    let mut state = state();
    state.monitor(reference(1), Dest::Pid(pid(2)), None, Via::Here);
    assert!(matches!(
        state.demonitor(&reference(1), false),
        Demonitored::Active(..)
    ));
    let late = ControlSignal::Down {
        from: Dest::Pid(pid(2)),
        reference: reference(1),
        reason: ExitReason::Normal,
    };
    assert!(apply(&mut state, late).is_empty());
}

#[test]
fn refused_call_takes_its_monitor_with_it() {
    let mut state = state();
    apply(
        &mut state,
        ControlSignal::Monitor {
            watcher: pid(2),
            reference: reference(1),
            name: None,
        },
    );
    let refused = ControlSignal::RefuseCall {
        reference: reference(1),
        request: Term::from(7),
    };
    assert_eq!(apply(&mut state, refused).len(), 1);
    assert!(state.end(&ExitReason::Normal).is_empty(), "no second DOWN");
}

#[test]
fn lost_connection_ends_only_what_went_through_it() {
    let mut state = state();
    state.trap_exit = true;
    let via = |id| Via::Connection(id, Weak::new());
    state.link(pid(2), via(7));
    state.link(pid(3), via(8));
    state.monitor(reference(1), Dest::Pid(pid(2)), None, via(7));
    let lost = apply(&mut state, ControlSignal::ConnectionLost { connection: 7 });
    assert_eq!(lost.len(), 2);
    assert_eq!(state.links(), [pid(3)]);
}

#[test]
fn who_watched_by_a_lost_connection_is_forgotten() {
    let mut state = state();
    for (n, connection) in [(1, 7), (2, 8)] {
        let watched = ControlSignal::Monitor {
            watcher: pid(n),
            reference: reference(n),
            name: None,
        };
        let via = Via::Connection(connection, Weak::new());
        state.apply(watched, via, &mut Vec::new());
    }
    apply(&mut state, ControlSignal::ConnectionLost { connection: 7 });
    assert_eq!(state.watchers(), [pid(2)]);
}

#[test]
fn monitor_by_name_reports_the_name() {
    let mut state = state();
    let name = Atom::from_static("echo");
    apply(
        &mut state,
        ControlSignal::Monitor {
            watcher: pid(2),
            reference: reference(1),
            name: Some(name),
        },
    );
    let effects = state.end(&ExitReason::Shutdown);
    assert!(
        matches!(effects[..], [Effect::Send(_, ControlSignal::Down { from: Dest::Name(n), .. }, _)] if n == name)
    );
}

fn down(n: u32) -> ControlSignal {
    ControlSignal::Down {
        from: Dest::Pid(pid(2)),
        reference: reference(n),
        reason: ExitReason::Normal,
    }
}

#[test]
fn flushed_down_is_not_read() {
    let mut state = state();
    for n in [1, 2] {
        state.monitor(reference(n), Dest::Pid(pid(2)), None, Via::Here);
        assert_eq!(apply(&mut state, down(n)).len(), 1);
        assert!(apply(&mut state, down(n)).is_empty(), "it fires once");
    }
    assert!(state.monitors().is_empty(), "what fired is no monitor");
    assert!(matches!(
        state.demonitor(&reference(1), false),
        Demonitored::Fired
    ));
    assert!(matches!(
        state.demonitor(&reference(2), true),
        Demonitored::Fired
    ));
    assert_eq!(state.flushed(), 1);
    assert!(state.wants_down(&reference(1)), "it stays without a flush");
    state.read_down(&reference(1));
    assert!(!state.wants_down(&reference(2)));
    assert_eq!(state.flushed(), 0);
    assert!(matches!(
        state.demonitor(&reference(1), true),
        Demonitored::No
    ));
    assert_eq!(
        state.flushed(),
        0,
        "what was read leaves nothing to pass over"
    );
    assert_eq!(state.take_monitors().count(), 0);
}

/// What reaches an alias, one letter for each message: delivered, or not.
fn reached(state: &mut ProcessState, alias: u32) -> bool {
    let to_alias = ControlSignal::ToAlias {
        alias: reference(alias),
        message: Box::default(),
    };
    let effects = apply(state, to_alias);
    match effects.first() {
        Some(Effect::Receive(_)) => true,
        Some(Effect::Drop(_)) => false,
        other => panic!("neither delivered nor dropped: {other:?}"),
    }
}

#[test]
fn an_explicit_alias_lasts_until_it_is_taken_back() {
    let mut state = state();
    assert!(!reached(&mut state, 1), "never made");
    state.monitor(reference(1), Dest::Pid(pid(2)), None, Via::Here);
    state.alias(reference(1), AliasMode::Explicit);
    assert!(reached(&mut state, 1) && reached(&mut state, 1));
    apply(&mut state, down(1));
    assert!(reached(&mut state, 1), "it outlives its monitor");
    assert!(state.unalias(&reference(1)));
    assert!(!reached(&mut state, 1));
    assert!(!state.unalias(&reference(1)));
    assert_eq!(state.alias_count(), 0);
}

#[test]
fn a_reply_alias_takes_one_message() {
    let mut state = state();
    state.alias(reference(1), AliasMode::Reply);
    assert!(reached(&mut state, 1) && !reached(&mut state, 1));
}

#[test]
fn an_alias_of_a_monitor_ends_with_it() {
    for mode in [AliasMode::Demonitor, AliasMode::ReplyDemonitor] {
        for by_down in [true, false] {
            let mut state = state();
            state.monitor(reference(1), Dest::Pid(pid(2)), None, Via::Here);
            state.alias(reference(1), mode);
            if by_down {
                apply(&mut state, down(1));
            } else {
                state.demonitor(&reference(1), false);
            }
            assert!(!reached(&mut state, 1), "{mode:?}, {by_down}");
        }
    }
    let mut state = state();
    state.monitor(
        reference(1),
        Dest::Pid(pid(2)),
        None,
        Via::Connection(7, Weak::new()),
    );
    state.alias(reference(1), AliasMode::Demonitor);
    apply(&mut state, ControlSignal::ConnectionLost { connection: 7 });
    assert!(!reached(&mut state, 1), "the connection was lost");
}

#[test]
fn an_answer_takes_its_monitor_back_with_reply_demonitor_only() {
    for (mode, monitors) in [(AliasMode::ReplyDemonitor, 0), (AliasMode::Demonitor, 1)] {
        let mut state = state();
        state.monitor(reference(1), Dest::Pid(pid(2)), None, Via::Here);
        state.alias(reference(1), mode);
        let answer = ControlSignal::ToAlias {
            alias: reference(1),
            message: Box::default(),
        };
        let effects = apply(&mut state, answer);
        assert_eq!(state.monitors().len(), monitors);
        assert_eq!(effects.len(), 2 - monitors, "{effects:?}");
        assert_eq!(apply(&mut state, down(1)).len(), monitors, "no late DOWN");
    }
}

#[test]
fn an_exit_by_an_alias_counts_while_the_alias_is_active() {
    let mut state = state();
    let exit = || ControlSignal::ExitAlias {
        alias: reference(1),
        from: pid(2),
        reason: ExitReason::Kill,
    };
    assert!(apply(&mut state, exit()).is_empty());
    state.alias(reference(1), AliasMode::Explicit);
    assert!(matches!(
        apply(&mut state, exit())[..],
        [Effect::Die(ExitReason::Killed)]
    ));
}

fn spawn_reply(result: Result<Pid, Term>) -> ControlSignal {
    ControlSignal::SpawnReply {
        reference: reference(1),
        result,
        flags: crate::remote::LINKED | crate::remote::MONITORED,
    }
}

#[test]
fn a_spawn_is_answered_by_whom_it_was_asked_of() {
    let via = |id| Via::Connection(id, Weak::new());
    let mut state = state();
    state.spawning(reference(1), Arc::default(), via(7));
    let mut effects = Vec::new();
    state.apply(spawn_reply(Ok(pid(2))), via(8), &mut effects);
    assert!(effects.is_empty() && state.links().is_empty());
    state.apply(spawn_reply(Ok(pid(3))), via(7), &mut effects);
    assert!(matches!(effects[..], [Effect::Spawned(_, Ok(spawned))] if spawned == pid(3)));
    assert_eq!(state.links(), [pid(3)]);
    assert_eq!(state.monitors(), [Dest::Pid(pid(3))]);
}

#[test]
fn a_spawn_that_nobody_waits_for_is_abandoned() {
    let mut state = state();
    state.spawning(reference(1), Arc::default(), Via::Here);
    assert!(state.abandon_spawning(&reference(1)));
    let effects = apply(&mut state, spawn_reply(Ok(pid(2))));
    assert!(matches!(effects[..], [Effect::Abandon { spawned, .. }] if spawned == pid(2)));
    assert!(state.links().is_empty() && state.monitors().is_empty());
    let refused = spawn_reply(Err(Term::from(atoms::NOTSUP)));
    assert!(apply(&mut state, refused).is_empty());
}

#[test]
fn a_lost_connection_answers_the_spawns_that_went_by_it() {
    let via = |id| Via::Connection(id, Weak::new());
    let mut state = state();
    state.spawning(reference(1), Arc::default(), via(7));
    state.spawning(reference(2), Arc::default(), via(8));
    state.alias(reference(1), AliasMode::Explicit);
    let lost = apply(&mut state, ControlSignal::ConnectionLost { connection: 7 });
    assert!(matches!(
        lost[..],
        [Effect::Spawned(_, Err(SpawnError::NoConnection))]
    ));
    assert_eq!(state.alias_count(), 0);
    assert!(state.abandon_spawning(&reference(2)));
}
