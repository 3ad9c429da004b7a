use super::losses::{MOST_REMEMBERED, REMEMBERED};
use super::*;

const ME: &str = "m@h";

fn node(name: &str) -> Atom {
    Atom::new(name).unwrap()
}

fn pid(name: &str, id: u32) -> Pid {
    Pid {
        node: node(name),
        id,
        serial: 0,
        creation: 4,
    }
}

fn core() -> Core {
    core_with((true, true))
}

fn core_with(options: (bool, bool)) -> Core {
    Core::new(node(ME), pid(ME, 1), 77, options, Arc::default())
}

fn effects<T>(step: impl FnOnce(&mut Vec<Effect>) -> T) -> Vec<Effect> {
    let mut effects = Vec::new();
    step(&mut effects);
    effects
}

fn say(core: &mut Core, said: Said) -> Vec<Effect> {
    effects(|e| core.said(said, Instant::now(), e))
}

fn term(text: &str) -> Term {
    text.parse().unwrap()
}

fn greeting(from: &str, tag: i64) -> Said {
    Said::InitConnect {
        node: node(from),
        version: 8,
        tag: tag.into(),
        locker: pid(from, 1),
    }
}

/// Our tag in the session with that node.
fn tag(core: &Core, of: &str) -> Term {
    core.mine(node(of)).expect("there is a session").clone()
}

/// Both have greeted; the other's tag is 9.
fn met(core: &mut Core, other: &str) -> Term {
    core.node_up(node(other), &mut Vec::new());
    say(core, greeting(other, 9));
    tag(core, other)
}

/// A node that has the same names as we.
fn known(core: &mut Core, other: &str) {
    let mine = met(core, other);
    core.lock_is_set(node(other), &mine, 5.into(), &mut Vec::new());
    let exchange = Said::Exchange {
        node: node(other),
        names: vec![],
        tag: mine.clone(),
    };
    say(core, exchange);
    core.decided(node(other), &mine, vec![], &[], &mut Vec::new());
    say(core, resolved(other, vec![], &[], &mine));
    assert!(core.known().contains(&node(other)));
}

fn resolved(from: &str, ops: Vec<Op>, known: &[&str], tag: &Term) -> Said {
    Said::Resolved {
        node: node(from),
        ops,
        known: known.iter().map(|name| (node(name), 8)).collect(),
        external: vec![],
        tag: tag.clone(),
    }
}

fn lost(a: &str, number: i64, b: &str) -> Said {
    Said::LostConnection(Lost {
        a: node(a),
        life: 1.into(),
        number,
        b: node(b),
    })
}

fn tells(to: &str, message: &str) -> Effect {
    Effect::Send(node(to), term(message))
}

#[test]
fn a_node_is_greeted_once_and_its_greeting_goes_to_the_locker_whichever_comes_first() {
    for early in [true, false] {
        let mut core = core();
        if early {
            assert_eq!(say(&mut core, greeting("a@h", 9)), []);
        }
        let mut all = effects(|e| core.node_up(node("a@h"), e));
        if !early {
            all.extend(say(&mut core, greeting("a@h", 9)));
        }
        let mine = tag(&core, "a@h");
        let hello = format!(
            "{{init_connect,{{8,{mine}}},'m@h',{{locker,no_longer_a_pid,#{{}},<'m@h'.1.0/4>}}}}"
        );
        assert_eq!(
            all,
            [
                Effect::Cast(node("a@h"), term(&hello)),
                tells("a@h", &format!("{{init_connect_ack,'m@h',9,{mine}}}")),
                Effect::Locker(ToLocker::Met {
                    locker: pid("a@h", 1),
                    version: 8,
                    his: 9.into(),
                    mine: mine.clone(),
                }),
            ]
        );
        let ack = Said::InitConnectAck {
            node: node("a@h"),
            mine,
            his: 9.into(),
        };
        assert_eq!(say(&mut core, ack), []);
        assert_eq!(effects(|e| core.node_up(node("a@h"), e)), []);
    }
}

#[test]
fn who_connects_to_nobody_greets_nobody() {
    let mut core = core_with((false, true));
    assert_eq!(effects(|e| core.node_up(node("a@h"), e)), []);
    assert_eq!(say(&mut core, greeting("a@h", 9)), []);
    assert_eq!(say(&mut core, lost("a@h", 1, ME)), []);
}

#[test]
fn a_session_whose_tags_do_not_fit_is_cancelled_and_begun_anew() {
    let mut core = core();
    let first = met(&mut core, "a@h");
    // He began anew, and we have not heard why.
    let again = say(&mut core, greeting("a@h", 10));
    assert!(
        again.contains(&tells("a@h", "{cancel_connect,'m@h',10}")),
        "{again:?}"
    );
    let second = tag(&core, "a@h");
    assert_ne!(first, second);
    assert!(core.pending.is_empty());
    // An acknowledgement of what is over.
    let old = Said::InitConnectAck {
        node: node("a@h"),
        mine: first.clone(),
        his: 9.into(),
    };
    say(&mut core, old);
    let third = tag(&core, "a@h");
    assert_ne!(second, third);
    // A cancellation of what is over is void.
    let cancel = |tag: &Term| Said::CancelConnect {
        node: node("a@h"),
        tag: tag.clone(),
    };
    assert_eq!(say(&mut core, cancel(&second)), []);
    say(&mut core, cancel(&third));
    assert_ne!(tag(&core, "a@h"), third);
}

#[test]
fn names_are_exchanged_under_the_lock_whichever_side_is_first() {
    for names_first in [true, false] {
        let mut core = core();
        let mine = met(&mut core, "a@h");
        let holder = pid("a@h", 7);
        let exchange = Said::Exchange {
            node: node("a@h"),
            names: vec![(1.into(), holder, Term::NIL)],
            tag: mine.clone(),
        };
        let lock = |core: &mut Core| effects(|e| core.lock_is_set(node("a@h"), &mine, 5.into(), e));
        let told = Effect::Cast(node("a@h"), term("{exchange,'m@h',[],[],9}"));
        let all = match names_first {
            true => {
                assert_eq!(say(&mut core, exchange), []);
                lock(&mut core)
            }
            false => {
                let mut all = lock(&mut core);
                all.extend(say(&mut core, exchange));
                all
            }
        };
        let insert = vec![Op::Insert(1.into(), holder, Term::NIL)];
        let resolve = Effect::Resolve {
            node: node("a@h"),
            tag: mine.clone(),
            conflicts: vec![],
            ops: insert.clone(),
        };
        assert_eq!(all, [told, resolve]);
        let decided = effects(|e| core.decided(node("a@h"), &mine, insert, &[], e));
        let resolved_there = term("{resolved,'m@h',[],[],unused,[],9}");
        assert_eq!(decided, [Effect::Cast(node("a@h"), resolved_there)]);
        assert!(core.known().is_empty());
        let end = say(&mut core, resolved("a@h", vec![], &["b@h"], &mine));
        assert!(end.contains(&Effect::Join(node("b@h"))));
        assert_eq!(core.known(), [node("a@h"), node("b@h")]);
        assert_eq!(core.synced(), [node("a@h")]);
        // Under no lock here, as the locker is not in this test: what counts is whose the lock is.
        assert_eq!(core.names.name(&1.into()).unwrap().pid, holder);
    }
}

#[test]
fn only_the_lesser_node_has_a_conflict_decided() {
    for (other, conflicts) in [("a@h", 0), ("z@h", 1)] {
        let mut core = core();
        let (mine, theirs) = (pid(ME, 8), pid(other, 7));
        core.register(1.into(), mine, Term::NIL, mine, &mut Vec::new());
        let tag = met(&mut core, other);
        core.lock_is_set(node(other), &tag, 5.into(), &mut Vec::new());
        let exchange = Said::Exchange {
            node: node(other),
            names: vec![(1.into(), theirs, 2.into()), (3.into(), theirs, 2.into())],
            tag,
        };
        let all = say(&mut core, exchange);
        let [
            Effect::Resolve {
                conflicts: found,
                ops,
                ..
            },
        ] = &all[..]
        else {
            panic!("{all:?}")
        };
        assert_eq!((found.len(), ops.len()), (conflicts, 1));
        if let [conflict] = &found[..] {
            assert_eq!(conflict.his, (theirs, 2.into()));
            assert_eq!(conflict.mine, (mine, Term::NIL));
        }
    }
}

#[test]
fn a_conflict_is_told_once_with_its_outcome_whoever_decides() {
    for (other, kept) in [("a@h", true), ("a@h", false), ("z@h", true), ("z@h", false)] {
        let mut core = core();
        let (mine, his) = (pid(ME, 8), pid(other, 7));
        core.register(1.into(), mine, Term::NIL, mine, &mut Vec::new());
        let tag = met(&mut core, other);
        core.lock_is_set(node(other), &tag, 5.into(), &mut Vec::new());
        let exchange = Said::Exchange {
            node: node(other),
            names: vec![(1.into(), his, Term::NIL), (3.into(), his, Term::NIL)],
            tag: tag.clone(),
        };
        say(&mut core, exchange);
        // What the lesser node decided is told by it, or came from our own resolver; our process was killed, and is heard of first.
        let decision = match kept {
            true => Op::Insert(1.into(), his, Term::NIL),
            false => Op::Delete(1.into()),
        };
        core.ended(mine, &mut Vec::new());
        let (here, there) = match other < ME {
            true => (vec![], vec![decision]),
            false => (vec![decision], vec![]),
        };
        core.decided(node(other), &tag, here, &[], &mut Vec::new());
        let all = say(&mut core, resolved(other, there, &[], &tag));
        let told: Vec<_> = all
            .iter()
            .filter_map(|effect| match effect {
                Effect::Decided(clash, now) => Some((clash, now)),
                _ => None,
            })
            .collect();
        let clash = Clash {
            name: 1.into(),
            mine,
            his,
        };
        assert_eq!(told, [(&clash, &kept.then_some(his))]);
    }
}

#[test]
fn those_who_are_known_are_told_of_new_ones_before_the_locks_are_given_back() {
    let mut core = core();
    known(&mut core, "b@h");
    let mine = met(&mut core, "c@h");
    core.lock_is_set(node("c@h"), &mine, 5.into(), &mut Vec::new());
    core.decided(node("c@h"), &mine, vec![], &[], &mut Vec::new());
    let end = say(&mut core, resolved("c@h", vec![], &[], &mine));
    let tell = end.iter().find_map(|effect| match effect {
        Effect::Locker(ToLocker::Cancel { node: of, tell, .. }) if *of == node("c@h") => Some(tell),
        _ => None,
    });
    let new = term("{new_nodes,'m@h',[],[],[{'c@h',8}],[{vsn,8},{lock,{global,5}}]}");
    assert_eq!(tell, Some(&vec![(node("b@h"), new)]));
}

#[test]
fn what_another_tells_of_new_nodes_is_joined_and_done() {
    let mut core = core();
    known(&mut core, "b@h");
    let holder = pid("c@h", 7);
    let new = Said::NewNodes {
        node: node("b@h"),
        ops: vec![Op::Insert(1.into(), holder, Term::NIL)],
        external: vec![],
        nodes: vec![(node("c@h"), 8), (node(ME), 8)],
        lock: Some(5.into()),
    };
    let all = say(&mut core, new);
    let joined: Vec<_> = all
        .iter()
        .filter(|e| matches!(e, Effect::Join(_)))
        .collect();
    assert_eq!(joined, [&Effect::Join(node("c@h"))]);
    assert!(all.contains(&Effect::Watch(holder)));
    assert_eq!(core.known(), [node("b@h"), node("c@h")]);
    // It is no stranger when its connection comes up.
    assert_eq!(effects(|e| core.node_up(node("c@h"), e)), []);
    say(&mut core, Said::InSync { node: node("c@h") });
    assert_eq!(core.synced(), [node("b@h"), node("c@h")]);
    // One that cannot be reached is lost to all.
    let unreached = effects(|e| core.unreached(node("c@h"), e));
    let told = tells(
        "b@h",
        &format!("{{lost_connection,'m@h',77,{},'c@h'}}", core.counter),
    );
    assert!(unreached.contains(&told), "{unreached:?}");
}

#[test]
fn a_loss_is_told_to_the_others_and_each_is_passed_on_once() {
    let mut core = core();
    known(&mut core, "a@h");
    known(&mut core, "b@h");
    let down = effects(|e| core.node_down(node("a@h"), e));
    let told = tells(
        "b@h",
        &format!("{{lost_connection,'m@h',77,{},'a@h'}}", core.counter),
    );
    assert!(down.contains(&told), "{down:?}");
    assert_eq!(core.known(), [node("b@h")]);
    // What others lost: they are to be left by one, whom we do not know here; nothing but to pass it on.
    let other = say(&mut core, lost("x@h", 3, "y@h"));
    assert_eq!(other, [tells("b@h", "{lost_connection,'x@h',1,3,'y@h'}")]);
    assert_eq!(say(&mut core, lost("x@h", 3, "y@h")), []);
    assert_eq!(say(&mut core, lost("x@h", 2, "y@h")), []);
    assert_eq!(say(&mut core, lost("x@h", 4, "y@h")).len(), 1);
    let mut later = core_with((true, false));
    known(&mut later, "b@h");
    let down = effects(|e| later.node_down(node("b@h"), e));
    assert!(
        !down.iter().any(|e| matches!(e, Effect::Send(..))),
        "{down:?}"
    );
    assert_eq!(say(&mut later, lost("x@h", 4, "y@h")), []);
}

#[test]
fn of_two_that_lost_each_other_one_is_asked_to_leave_and_its_end_is_no_loss() {
    let mut core = core();
    for other in ["a@h", "b@h", "c@h"] {
        known(&mut core, other);
    }
    let all = say(&mut core, lost("a@h", 1, "b@h"));
    assert!(
        all.contains(&tells("b@h", "{remove_connection,'m@h'}")),
        "{all:?}"
    );
    assert!(
        all.contains(&tells("c@h", "{lost_connection,'a@h',1,1,'b@h'}")),
        "{all:?}"
    );
    assert!(
        !all.contains(&tells("a@h", "{lost_connection,'a@h',1,1,'b@h'}")),
        "{all:?}"
    );
    assert_eq!(core.known(), [node("a@h"), node("c@h")]);
    let down = effects(|e| core.node_down(node("b@h"), e));
    assert!(
        !down.iter().any(|e| matches!(e, Effect::Send(..))),
        "{down:?}"
    );
    assert!(core.removing.is_empty());
}

#[test]
fn who_is_asked_to_leave_still_tells_why() {
    let mut core = core();
    known(&mut core, "a@h");
    known(&mut core, "b@h");
    // `b` asks before our own connection to `a` is known to be lost.
    let asked = say(&mut core, Said::RemoveConnection { node: node("b@h") });
    assert!(
        asked.contains(&Effect::DisconnectSoon(node("b@h"))),
        "{asked:?}"
    );
    assert_eq!(
        say(&mut core, Said::RemoveConnection { node: node("b@h") }),
        []
    );
    let down = effects(|e| core.node_down(node("a@h"), e));
    let told = tells(
        "b@h",
        &format!("{{lost_connection,'m@h',77,{},'a@h'}}", core.counter),
    );
    assert!(down.contains(&told), "{down:?}");
    core.node_down(node("b@h"), &mut Vec::new());
    assert!(core.leaving.is_empty() && core.removing.is_empty() && core.known().is_empty());
    // Likewise when another says what we have not noticed.
    known(&mut core, "a@h");
    known(&mut core, "b@h");
    let all = say(&mut core, lost("a@h", 1, ME));
    let told = tells(
        "b@h",
        &format!("{{lost_connection,'m@h',77,{},'a@h'}}", core.counter),
    );
    assert!(all.contains(&told), "{all:?}");
    assert!(
        all.contains(&tells("a@h", "{remove_connection,'m@h'}")),
        "{all:?}"
    );
}

#[test]
fn a_peer_cannot_have_losses_without_end_remembered() {
    let mut core = core();
    let begun = Instant::now();
    let loss = |n: usize| Lost {
        a: node("x@h"),
        life: 1.into(),
        number: 1,
        b: Atom::new(&format!("{}@h", n % 500)).unwrap(),
    };
    for n in 0..1000 {
        core.said(Said::LostConnection(loss(n)), begun, &mut Vec::new());
    }
    assert_eq!(core.lost.len(), 500);
    core.lost.resize_with(MOST_REMEMBERED, || (loss(0), begun));
    core.said(lost("y@h", 1, "z@h"), begun, &mut Vec::new());
    assert_eq!(core.lost.len(), MOST_REMEMBERED);
    core.said(lost("z@h", 1, "y@h"), begun + REMEMBERED, &mut Vec::new());
    assert_eq!(core.lost.len(), 1);
}

#[test]
fn who_waits_for_sync_is_told_when_the_last_is_in_sync_or_gone() {
    let mut core = core();
    known(&mut core, "a@h");
    let nodes = || ["a@h", "b@h", "c@h", ME].map(node).to_vec();
    assert_eq!(effects(|e| core.sync(1, nodes(), e)), []);
    say(&mut core, Said::InSync { node: node("b@h") });
    let gone = effects(|e| core.node_down(node("c@h"), e));
    assert!(gone.contains(&Effect::Synced(1)), "{gone:?}");
    assert_eq!(
        effects(|e| core.sync(2, vec![node("b@h")], e)),
        [Effect::Synced(2)]
    );
}

#[test]
fn a_lost_node_leaves_no_session_behind() {
    let mut core = core();
    met(&mut core, "a@h");
    let down = effects(|e| core.node_down(node("a@h"), e));
    assert!(down.contains(&Effect::Abandon(node("a@h"))), "{down:?}");
    assert!(core.sessions.is_empty() && core.pending.is_empty());
    // What it said last is void.
    let late = Said::Exchange {
        node: node("a@h"),
        names: vec![],
        tag: 1.into(),
    };
    say(&mut core, late);
    core.decided(node("a@h"), &1.into(), vec![], &[], &mut Vec::new());
    assert!(core.sessions.is_empty());
}

#[test]
fn who_leaves_tells_nobody() {
    let mut core = core();
    known(&mut core, "a@h");
    known(&mut core, "b@h");
    let mut left = Vec::new();
    let all = effects(|e| left = core.leave(e));
    assert_eq!(left, [node("a@h"), node("b@h")]);
    assert!(
        !all.iter().any(|e| matches!(e, Effect::Send(..))),
        "{all:?}"
    );
    for other in ["a@h", "b@h"] {
        let down = effects(|e| core.node_down(node(other), e));
        assert!(
            !down.iter().any(|e| matches!(e, Effect::Send(..))),
            "{down:?}"
        );
    }
}

#[test]
fn a_question_waits_while_names_change() {
    let mut core = core();
    let holder = pid("a@h", 7);
    let ask = || Said::Whereis {
        name: 1.into(),
        pid: pid("a@h", 9),
        tag: 2.into(),
    };
    let answer = |found| Effect::Answer(pid("a@h", 9), 2.into(), found);
    assert_eq!(say(&mut core, ask()), [answer(None)]);
    core.register(1.into(), holder, Term::NIL, holder, &mut Vec::new());
    assert_eq!(say(&mut core, ask()), [answer(Some(holder))]);
    let global = Term::from(Atom::from_static("global"));
    assert!(
        core.names
            .set_lock(&global, &5.into(), holder, &mut Vec::new())
    );
    let later = Effect::AskLater(1.into(), pid("a@h", 9), 2.into());
    assert_eq!(say(&mut core, ask()), [later]);
}
