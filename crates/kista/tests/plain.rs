//! Plain processes: receiving, choosing, waiting, starting and ending, as `docs/semantics.md` states it.

#[path = "support/plain.rs"]
mod plain;

use std::future::pending;
use std::time::Duration;

use kista::{
    Dest, ExitReason, Info, Node, Overflow, ProcessCx, QueueBound, SpawnOptions, StartError, Term,
};
use plain::{SOON, node, reason, run, run_with, term};
use tokio::time::timeout;

async fn down(cx: &mut ProcessCx, monitor: kista::Reference) -> ExitReason {
    cx.receive_match(|info| match info {
        Info::Down {
            reference, reason, ..
        } if *reference == monitor => Some(reason.clone()),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn what_a_selective_receive_passes_over_stays_in_order() {
    let node = node("save").await;
    run(&node, async |mut cx| {
        for n in 0..1_000 {
            cx.send(cx.pid(), &n);
        }
        // Every tenth, from the far end on.
        for wanted in (0..1_000).rev().step_by(10) {
            assert_eq!(
                cx.receive_if(|info| *info == term(wanted)).await,
                term(wanted)
            );
        }
        cx.send(cx.pid(), &1_000);
        let left = (0..=1_000).filter(|n| n % 10 != 9);
        for n in left {
            assert_eq!(cx.receive().await, term(n));
        }
        assert_eq!(cx.receive().after(Duration::ZERO).await, None);
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_receive_that_is_dropped_loses_nothing() {
    let node = node("dropped").await;
    run(&node, async |mut cx| {
        for n in 0..10 {
            cx.send(cx.pid(), &n);
        }
        for _ in 0..3 {
            let never = cx.receive_if(|_| false);
            assert!(timeout(Duration::from_millis(20), never).await.is_err());
            let never = cx.receive_match(|_| None::<()>);
            assert_eq!(never.after(Duration::from_millis(1)).await, None);
        }
        for n in 0..10 {
            assert_eq!(cx.receive().await, term(n));
        }
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_receive_without_patience_sees_all_that_has_arrived() {
    let node = node("zero").await;
    run(&node, async |mut cx| {
        // More than is read, or looked at, in one poll; and the last one sent just now.
        for n in 0..20_000 {
            cx.send(cx.pid(), &n);
        }
        let last = cx.receive_if(|info| *info == term(19_999));
        assert_eq!(last.after(Duration::ZERO).await, Some(term(19_999)));
        let nothing = cx.receive_if(|info| *info == term(20_000));
        assert_eq!(nothing.after(Duration::ZERO).await, None);
        for n in 0..19_999 {
            assert_eq!(cx.receive().after(Duration::ZERO).await, Some(term(n)));
        }
        assert_eq!(cx.receive().after(Duration::ZERO).await, None);
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn messages_behind_a_flood_of_signals_are_seen_without_patience() {
    let node = node("flood").await;
    run(&node, async |mut cx| {
        let me = cx.pid();
        let stranger = cx.spawn_fn(async |_cx| pending::<()>().await).unwrap();
        for _ in 0..5_000 {
            // Void, but each has to act.
            cx.node().exit(me, ExitReason::Normal);
        }
        cx.send(me, &1);
        assert_eq!(cx.receive().after(Duration::ZERO).await, Some(term(1)));
        cx.exit(stranger, ExitReason::Kill);
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_receive_gives_up_after_its_time_and_never_before() {
    let node = node("after").await;
    run(&node, async |mut cx| {
        for time in [1, 7, 30].map(Duration::from_millis) {
            let began = tokio::time::Instant::now();
            assert_eq!(cx.receive().after(time).await, None);
            assert!(began.elapsed() >= time);
        }
        // What comes meanwhile and is not wanted does not begin the time anew.
        let node = cx.node().clone();
        let me = cx.pid();
        let noise = tokio::spawn(async move {
            loop {
                node.send(me, &0);
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        });
        let wanted = cx.receive_if(|info| *info == term(1));
        assert_eq!(wanted.after(Duration::from_millis(50)).await, None);
        noise.abort();
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_waiting_process_is_woken_by_the_one_message_it_wants() {
    let node = node("woken").await;
    let (waits, waiting) = tokio::sync::oneshot::channel();
    let (done, ended) = tokio::sync::oneshot::channel();
    let pid = node
        .spawn_fn(async move |mut cx| {
            waits.send(()).unwrap();
            let got = cx.receive_if(|info| *info == term(2)).await;
            done.send((got, cx.receive().await)).unwrap();
        })
        .unwrap();
    waiting.await.unwrap();
    node.send(pid, &1);
    tokio::task::yield_now().await;
    node.send(pid, &2);
    let got = timeout(SOON, ended).await.unwrap().unwrap();
    assert_eq!(got, (term(2), term(1)));
    node.stop().await;
}

#[tokio::test]
async fn what_the_function_returns_is_the_exit_reason() {
    let node = node("reasons").await;
    run(&node, async |mut cx| {
        let (_, monitor) = cx.spawn_fn_monitor(async |_| ()).unwrap();
        assert_eq!(down(&mut cx, monitor).await, ExitReason::Normal);
        let (_, monitor) = cx.spawn_fn_monitor(async |_| reason("foo")).unwrap();
        assert_eq!(down(&mut cx, monitor).await, reason("foo"));
        let failing = async |_| Err::<(), _>(reason("bar"));
        let (_, monitor) = cx.spawn_fn_monitor(failing).unwrap();
        assert_eq!(down(&mut cx, monitor).await, reason("bar"));
        let failing = async |_| "no number".parse::<i32>().map(drop);
        let (_, monitor) = cx.spawn_fn_monitor(failing).unwrap();
        assert_eq!(
            down(&mut cx, monitor).await,
            ExitReason::from("invalid digit found in string")
        );
        let (_, monitor) = cx
            .spawn_fn_monitor(async |_| -> () { panic!("as asked") })
            .unwrap();
        let why = down(&mut cx, monitor).await.to_string();
        assert_eq!(why, r#"{panic,<<"as asked">>}"#);
    })
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child_is_monitored_and_linked_before_its_first_step() {
    let node = node("atomic").await;
    run(&node, async |mut cx| {
        cx.trap_exit(true);
        // It ends at once, on another thread: a link or a monitor made afterwards would report `noproc`.
        for _ in 0..5_000 {
            let (_, monitor) = cx.spawn_fn_monitor(async |_| reason("foo")).unwrap();
            assert_eq!(down(&mut cx, monitor).await, reason("foo"));
            let pid = cx.spawn_fn_link(async |_| reason("bar")).unwrap();
            let exit = Info::Exit {
                from: pid,
                reason: reason("bar"),
            };
            assert_eq!(cx.receive().await, exit);
        }
        let both = SpawnOptions::new().link().monitor();
        let both = cx.spawn_opt(both, async |_| reason("both")).unwrap();
        let mut heard = [cx.receive().await, cx.receive().await];
        heard.sort_by_key(|info| matches!(info, Info::Down { .. }));
        assert!(matches!(&heard[0], Info::Exit { from, .. } if *from == both.pid));
        assert!(
            matches!(&heard[1], Info::Down { reference, .. } if Some(*reference) == both.monitor)
        );
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_linked_child_goes_with_its_parent_and_an_unlinked_one_stays() {
    let node = node("parents").await;
    let (done, started) = tokio::sync::oneshot::channel();
    let parent = node
        .spawn_fn(async move |cx| {
            let linked = cx.spawn_fn_link(async |_| pending::<()>().await).unwrap();
            let free = cx.spawn_fn(async |_| pending::<()>().await).unwrap();
            done.send((linked, free)).unwrap();
            pending::<()>().await;
        })
        .unwrap();
    let (linked, free) = started.await.unwrap();
    node.exit(parent, reason("over"));
    timeout(SOON, async {
        while node.is_alive(linked) {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert!(node.is_alive(free));
    node.stop().await;
}

#[tokio::test]
async fn options_hold_before_the_first_step() {
    let node = Node::builder("options@127.0.0.1")
        .no_network()
        .env("lang", "sv")
        .start()
        .await
        .unwrap();
    let leader = run(&node, async |cx| cx.pid()).await;
    let options = SpawnOptions::new()
        .name("chosen")
        .bound(QueueBound::new(7, Overflow::Reject))
        .group_leader(leader)
        .env("depth", 1);
    let pid = run_with(&node, options.clone(), async move |mut cx| {
        assert_eq!(cx.node().whereis("chosen"), Some(cx.pid()));
        assert_eq!(cx.group_leader(), Some(leader));
        assert_eq!(cx.env("depth"), Some(Term::from(1)));
        assert_eq!(cx.env("lang"), Some(Term::from("sv")));
        let again = SpawnOptions::new().name("chosen");
        assert_eq!(
            cx.spawn_opt(again, async |_| ()).unwrap_err(),
            StartError::AlreadyStarted(cx.pid())
        );
        // Children inherit, and what they change is theirs.
        let me = cx.pid();
        cx.spawn_fn(async move |cx| {
            assert_eq!(cx.group_leader(), Some(leader));
            assert_eq!(cx.put_env("depth", 2), Some(Term::from(1)));
            assert_eq!(cx.erase_env("lang"), Some(Term::from("sv")));
            assert_eq!(cx.ancestors(), [Dest::from("chosen")]);
            cx.spawn_fn(async move |cx| {
                let ancestors = cx.ancestors();
                assert!(matches!(ancestors[..], [Dest::Pid(_), Dest::Name(_)]));
                cx.send(me, &cx.env("depth").unwrap());
                cx.send(me, &(cx.env("lang").is_none()));
            })
            .unwrap();
        })
        .unwrap();
        assert_eq!(cx.receive().await, term(2));
        assert_eq!(cx.receive().await, Info::Term(Term::from(true)));
        assert_eq!(cx.env("depth"), Some(Term::from(1)));
        cx.pid()
    })
    .await;
    while node.is_alive(pid) {
        tokio::task::yield_now().await;
    }
    assert_eq!(node.whereis("chosen"), None);
    assert_eq!(node.env("lang"), Some(Term::from("sv")));
    assert!(matches!(
        node.spawn_opt(SpawnOptions::new().name("x".repeat(256)), async |_| ()),
        Err(StartError::BadName(_))
    ));
    node.stop().await;
    assert_eq!(
        node.spawn_fn(async |_| ()).unwrap_err(),
        StartError::NodeStopped
    );
}

#[tokio::test]
async fn a_deadline_kills_and_is_gone_with_the_process() {
    let node = node("deadline").await;
    run(&node, async |mut cx| {
        let late = SpawnOptions::new()
            .monitor()
            .deadline(Duration::from_millis(20));
        let late = cx
            .spawn_opt(late, async |mut cx| {
                cx.trap_exit(true);
                loop {
                    cx.receive().await;
                }
            })
            .unwrap();
        assert_eq!(
            down(&mut cx, late.monitor.unwrap()).await,
            ExitReason::Killed
        );
        let in_time = SpawnOptions::new()
            .monitor()
            .deadline(Duration::from_secs(3_600));
        let in_time = cx.spawn_opt(in_time, async |_| ()).unwrap();
        assert_eq!(
            down(&mut cx, in_time.monitor.unwrap()).await,
            ExitReason::Normal
        );
    })
    .await;
    assert_eq!(node.timer_count(), 0);
    node.stop().await;
}

#[tokio::test]
async fn a_stop_is_an_exit_signal_to_a_plain_process() {
    let node = node("stops").await;
    let obedient = node.spawn_fn(async |_| pending::<()>().await).unwrap();
    let obedient = node.server::<Nobody>(obedient);
    obedient
        .stop_with(ExitReason::Shutdown, None)
        .await
        .unwrap();
    let (done, ended) = tokio::sync::oneshot::channel();
    let trapping = node
        .spawn_fn(async move |mut cx| {
            cx.trap_exit(true);
            cx.send(cx.pid(), &1);
            assert_eq!(cx.receive().await, term(1));
            let Info::Exit { reason, .. } = cx.receive().await else {
                return reason("no exit");
            };
            done.send(()).unwrap();
            reason
        })
        .unwrap();
    // Once it traps.
    while !node.process_info(trapping).await.unwrap().trap_exit {
        tokio::task::yield_now().await;
    }
    node.stop().await;
    ended.await.unwrap();
}

/// For a handle by pid.
struct Nobody;

impl kista::GenServer for Nobody {
    type Args = ();
    type Msg = kista::Dynamic;
    type Client = kista::Address<kista::Dynamic>;

    async fn init((): (), _cx: &mut kista::Cx<Self>) -> Result<Self, kista::InitStop> {
        Ok(Self)
    }

    async fn handle(&mut self, _: kista::Dynamic, _: &mut kista::Cx<Self>) -> kista::Flow {
        kista::Flow::Continue
    }
}

#[tokio::test]
async fn a_receive_in_another_task_is_an_error_at_once() {
    let node = node("elsewhere").await;
    let joined = run(&node, async |mut cx| {
        tokio::spawn(async move { cx.receive().await }).await
    })
    .await;
    let panic = joined.unwrap_err().into_panic();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("in its own task only"), "{text}");
    node.stop().await;
}

#[tokio::test]
async fn a_call_to_a_plain_process_is_a_message_as_in_erlang() {
    let node = node("gencall").await;
    let pid = node
        .spawn_fn(async |mut cx| {
            let Info::Term(call) = cx.receive().await else {
                return reason("no term");
            };
            let [_, from, request] = call.as_tuple().unwrap() else {
                return reason("no call");
            };
            let [_, tag] = from.as_tuple().unwrap() else {
                return reason("no from");
            };
            let alias = match tag {
                Term::ImproperList(tag) => tag.tail().as_reference().unwrap(),
                _ => return reason("no alias"),
            };
            cx.send(alias, &Term::tuple([tag.clone(), request.clone()]));
            ExitReason::Normal
        })
        .unwrap();
    let answer = node.call::<i64>(pid, &7).await;
    assert_eq!(answer, Ok(7));
    node.stop().await;
}

#[tokio::test]
async fn what_comes_behind_the_end_is_answered_noproc() {
    let node = node("behind").await;
    run(&node, async |mut cx| {
        cx.trap_exit(true);
        let named = SpawnOptions::new().name("ending");
        let child = cx.spawn_opt(named, async |_| pending::<()>().await);
        let child = child.unwrap().pid;
        // On one thread it has no turn before all of this is queued.
        cx.exit(child, reason("foo"));
        cx.link(child);
        let by_pid = cx.monitor(child);
        let by_name = cx.monitor("ending");
        let exit = Info::Exit {
            from: child,
            reason: ExitReason::NoProc,
        };
        assert_eq!(timeout(SOON, cx.receive()).await.unwrap(), exit);
        for (reference, from) in [(by_pid, Dest::Pid(child)), (by_name, Dest::from("ending"))] {
            let down = Info::Down {
                reference,
                from,
                reason: ExitReason::NoProc,
            };
            assert_eq!(timeout(SOON, cx.receive()).await.unwrap(), down);
        }
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn no_unlink_takes_the_noproc_of_the_dead_back() {
    let node = node("unlinked").await;
    run(&node, async |mut cx| {
        cx.trap_exit(true);
        let (dead, monitor) = cx.spawn_fn_monitor(async |_| ()).unwrap();
        assert_eq!(down(&mut cx, monitor).await, ExitReason::Normal);
        cx.link(dead);
        cx.unlink(dead);
        let exit = Info::Exit {
            from: dead,
            reason: ExitReason::NoProc,
        };
        assert_eq!(timeout(SOON, cx.receive()).await.unwrap(), exit);
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_receive_beside_another_branch_sees_what_the_process_sent_itself_just_before() {
    let node = node("select").await;
    run(&node, async |mut cx| {
        for n in 0..100 {
            cx.send(cx.pid(), &n);
            tokio::select! {
                biased;
                got = cx.receive() => assert_eq!(got, term(n)),
                () = std::future::ready(()) => panic!("message {n} was not seen"),
            }
        }
        // In order with what is no message: the link's exit acts before the message behind it is read.
        let other = cx.spawn_fn(async |_| pending::<()>().await).unwrap();
        cx.trap_exit(true);
        cx.link(other);
        cx.exit(cx.pid(), reason("first"));
        cx.send(cx.pid(), &1);
        tokio::select! {
            biased;
            got = cx.receive() => assert!(matches!(got, Info::Exit { .. }), "{got:?}"),
            () = std::future::ready(()) => panic!("the exit was not seen"),
        }
        assert_eq!(cx.receive().await, term(1));
        cx.exit(other, ExitReason::Kill);
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_receive_that_meets_ones_own_end_reads_nothing_any_more() {
    let node = node("fatal").await;
    run(&node, async |mut cx| {
        let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
        let (_, monitor) = cx
            .spawn_fn_monitor(async move |mut cx| {
                cx.exit(cx.pid(), reason("over"));
                cx.send(cx.pid(), &1);
                let got = cx.receive().after(Duration::ZERO).await;
                let _ = told.send(got);
            })
            .unwrap();
        assert_eq!(down(&mut cx, monitor).await, reason("over"));
        assert_eq!(tells.recv().await, None, "it went on");
    })
    .await;
    node.stop().await;
}
