//! Aliases, monitors with aliases, `demonitor` with flush, and what of links and monitors only a process can see.

#[path = "support/port.rs"]
mod port;

#[path = "support/plain.rs"]
mod plain;

use port::free_port;
use std::future::pending;
use std::time::Duration;

use kista::{AliasMode, Dest, EpmdMode, ExitReason, Info, Node, Priority, ProcessCx, Term};
use plain::{node, reason, run, term};

async fn nothing_more(cx: &mut ProcessCx) {
    assert_eq!(cx.receive().after(Duration::ZERO).await, None);
}

/// Everything that was sent to this process has acted.
async fn settled(cx: &mut ProcessCx) {
    nothing_more(cx).await;
}

#[tokio::test]
async fn an_alias_takes_messages_until_it_is_taken_back() {
    let node = node("alias").await;
    run(&node, async |mut cx| {
        let alias = cx.alias(AliasMode::Explicit);
        assert!(cx.node().is_alive(alias));
        cx.send(alias, &1);
        cx.send(alias, &2);
        assert_eq!(cx.receive().await, term(1));
        // The second one has arrived: it stays to be read.
        assert!(cx.unalias(alias));
        assert!(!cx.unalias(alias), "it is taken back once");
        assert_eq!(cx.receive().await, term(2));
        cx.send(alias, &3);
        nothing_more(&mut cx).await;
        let info = cx.node().process_info(cx.pid()).await.unwrap();
        assert_eq!(info.aliases, 0);
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn an_alias_is_gone_with_its_process_and_never_anothers() {
    let node = node("gone").await;
    let alias = run(&node, async |cx| cx.alias(AliasMode::Explicit)).await;
    while node.is_alive(alias) {
        tokio::task::yield_now().await;
    }
    run(&node, async move |mut cx| {
        let mine = cx.alias(AliasMode::Explicit);
        assert!(!cx.unalias(alias), "not of this process");
        cx.send(alias, &1);
        cx.send(mine, &2);
        assert_eq!(cx.receive().await, term(2));
        nothing_more(&mut cx).await;
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_call_by_hand_leaves_nothing_whoever_is_first() {
    let node = node("calls").await;
    run(&node, async |mut cx| {
        let answers = async |mut cx: ProcessCx| {
            let Info::Term(to) = cx.receive().await else {
                return;
            };
            let to = to.as_reference().unwrap();
            cx.send(to, &1);
            cx.send(to, &2);
        };
        for _ in 0..200 {
            // It answers, twice, and ends at once: one answer and nothing else arrives.
            let server = cx.spawn_fn(answers).unwrap();
            let call = cx.monitor_alias(server, AliasMode::ReplyDemonitor);
            cx.send(server, &Term::from(call));
            assert_eq!(cx.receive().await, term(1));
            let second = cx.spawn_fn_monitor(async |_| ()).unwrap().1;
            let info = cx.receive().await;
            assert!(matches!(info, Info::Down { reference, .. } if reference == second));
            nothing_more(&mut cx).await;
        }
        // It ends without an answer: the DOWN ends the alias.
        let server = cx
            .spawn_fn(async |mut cx| drop(cx.receive().await))
            .unwrap();
        let call = cx.monitor_alias(server, AliasMode::ReplyDemonitor);
        cx.send(server, &0);
        assert!(matches!(cx.receive().await, Info::Down { reference, .. } if reference == call));
        assert!(!cx.unalias(call));
        // With an explicit one the alias outlives the DOWN.
        let server = cx
            .spawn_fn(async |mut cx| drop(cx.receive().await))
            .unwrap();
        let call = cx.monitor_alias(server, AliasMode::Explicit);
        cx.send(server, &0);
        assert!(matches!(cx.receive().await, Info::Down { reference, .. } if reference == call));
        cx.send(call, &5);
        assert_eq!(cx.receive().await, term(5));
        assert!(cx.unalias(call));
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_down_that_arrived_stays_unless_it_is_flushed() {
    let node = node("flush").await;
    run(&node, async |mut cx| {
        let ended = |cx: &ProcessCx| cx.spawn_fn_monitor(async |_| ()).unwrap();
        let (_, stays) = ended(&cx);
        let (_, flushed) = ended(&cx);
        // Both have arrived.
        let (_, last) = ended(&cx);
        cx.receive_if(|info| matches!(info, Info::Down { reference, .. } if *reference == last))
            .await;
        assert!(!cx.demonitor(stays), "too late");
        assert!(!cx.demonitor_flush(flushed));
        let info = cx.receive().await;
        assert!(matches!(info, Info::Down { reference, .. } if reference == stays));
        nothing_more(&mut cx).await;
        // An active one: true, and no DOWN.
        let lives = cx.spawn_fn(async |_| pending::<()>().await).unwrap();
        let active = cx.monitor(lives);
        assert!(cx.demonitor_flush(active));
        assert!(!cx.demonitor(active), "it is no more");
        cx.exit(lives, ExitReason::Kill);
        while cx.node().is_alive(lives) {
            tokio::task::yield_now().await;
        }
        nothing_more(&mut cx).await;
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn linking_twice_is_one_link_and_with_oneself_none() {
    let node = node("links").await;
    run(&node, async |mut cx| {
        cx.trap_exit(true);
        cx.link(cx.pid());
        let other = cx.spawn_fn(async |_| pending::<()>().await).unwrap();
        cx.link(other);
        cx.link(other);
        let links = |cx: &ProcessCx, of| {
            let node = cx.node().clone();
            async move { node.process_info(of).await.unwrap().links }
        };
        assert_eq!(links(&cx, other).await, [cx.pid()]);
        cx.exit(other, reason("foo"));
        let exit = Info::Exit {
            from: other,
            reason: reason("foo"),
        };
        assert_eq!(cx.receive().await, exit);
        settled(&mut cx).await;
        // One unlink takes it away, however often it was made.
        let other = cx.spawn_fn(async |_| pending::<()>().await).unwrap();
        cx.link(other);
        cx.link(other);
        cx.unlink(other);
        assert_eq!(links(&cx, other).await, []);
        cx.exit(other, reason("foo"));
        while cx.node().is_alive(other) {
            tokio::task::yield_now().await;
        }
        nothing_more(&mut cx).await;
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn downs_and_exits_are_read_in_turn_with_messages() {
    let node = node("turns").await;
    run(&node, async |mut cx| {
        cx.trap_exit(true);
        let me = cx.pid();
        let child = cx
            .spawn_opt(
                kista::SpawnOptions::new().link().monitor(),
                async move |cx| {
                    cx.send(me, &1);
                    cx.exit(me, reason("between"));
                    cx.send(me, &2);
                },
            )
            .unwrap();
        assert_eq!(cx.receive().await, term(1));
        let between = Info::Exit {
            from: child.pid,
            reason: reason("between"),
        };
        assert_eq!(cx.receive().await, between);
        assert_eq!(cx.receive().await, term(2));
        let ends = [cx.receive().await, cx.receive().await];
        assert!(ends.iter().any(|info| matches!(info, Info::Down { .. })));
        assert!(ends.iter().any(|info| matches!(info, Info::Exit { .. })));
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn exit_reasons_keep_their_structure() {
    let node = node("structure").await;
    run(&node, async |mut cx| {
        let why = Term::tuple([
            Term::from(kista::Atom::from_static("badmatch")),
            Term::list([Term::from(1), Term::from("two"), Term::from(3.5)]),
        ]);
        let given = ExitReason::from(why.clone());
        let (_, monitor) = cx.spawn_fn_monitor(async move |_| given).unwrap();
        let Info::Down {
            reference, reason, ..
        } = cx.receive().await
        else {
            panic!("no DOWN")
        };
        assert_eq!((reference, reason.to_term()), (monitor, why));
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn flags_give_their_former_setting() {
    let node = node("flags").await;
    run(&node, async |cx| {
        assert!(!cx.trap_exit(true));
        assert!(cx.trap_exit(true));
        assert_eq!(cx.priority(Priority::High), Priority::Normal);
        assert_eq!(cx.priority(Priority::Low), Priority::High);
        assert_eq!(cx.group_leader(), None);
        cx.set_group_leader(cx.pid(), cx.pid());
        assert_eq!(cx.group_leader(), Some(cx.pid()));
    })
    .await;
    node.stop().await;
}

async fn pair() -> (Node, Node) {
    let port = free_port();
    let start = async |name: &str, epmd| {
        let node = Node::builder(name).cookie("aliases").visible();
        node.epmd(epmd).epmd_port(port).start().await.unwrap()
    };
    let a = start("a-alias@127.0.0.1", EpmdMode::Embedded).await;
    let b = start("b-alias@127.0.0.1", EpmdMode::Running).await;
    (a, b)
}

#[tokio::test]
async fn aliases_and_group_leaders_cross_nodes() {
    let (a, b) = pair().await;
    let (done, started) = tokio::sync::oneshot::channel();
    // It answers each term `{To, N}` to `To`, and says who its group leader is.
    let far = b
        .spawn_fn(async move |mut cx| {
            done.send(()).unwrap();
            loop {
                let Info::Term(asked) = cx.receive().await else {
                    continue;
                };
                let [to, n] = asked.as_tuple().unwrap() else {
                    continue;
                };
                let to = Dest::from(to.as_reference().unwrap());
                cx.send(to, n);
                cx.send(to, &cx.group_leader().map_or(Term::NIL, Term::from));
            }
        })
        .unwrap();
    started.await.unwrap();
    run(&a, async move |mut cx| {
        let alias = cx.alias(AliasMode::Explicit);
        cx.set_group_leader(cx.pid(), far);
        cx.send(far, &Term::tuple([Term::from(alias), Term::from(1)]));
        assert_eq!(cx.receive().await, term(1));
        assert_eq!(cx.receive().await, Info::Term(Term::from(cx.pid())));
        // One answer by this one.
        let call = cx.monitor_alias(far, AliasMode::ReplyDemonitor);
        cx.send(far, &Term::tuple([Term::from(call), Term::from(2)]));
        cx.send(far, &Term::tuple([Term::from(alias), Term::from(3)]));
        assert_eq!(cx.receive().await, term(2));
        assert_eq!(cx.receive().await, term(3));
        assert_eq!(cx.receive().await, Info::Term(Term::from(cx.pid())));
        assert!(!cx.unalias(call));
        // Taken back: what comes later is dropped.
        assert!(cx.unalias(alias));
        let last = cx.alias(AliasMode::Reply);
        cx.send(far, &Term::tuple([Term::from(alias), Term::from(4)]));
        cx.send(far, &Term::tuple([Term::from(last), Term::from(5)]));
        assert_eq!(cx.receive().await, term(5));
        nothing_more(&mut cx).await;
    })
    .await;
    // The answer took the monitor back.
    let watched = async { b.process_info(far).await.unwrap().monitored_by };
    assert_eq!(watched.await, []);
    b.stop().await;
    a.stop().await;
}
