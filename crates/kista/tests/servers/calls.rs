//! Calls and their answers: kept, lost, late, in order.

use super::*;

#[tokio::test]
async fn a_kept_token_is_answered_later() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let call = call_and_keep(&server).await;
    assert_eq!(server.answer_kept(7).await, Ok(1));
    assert_eq!(call.await.unwrap(), Ok(7));
    node.stop().await;
}

#[tokio::test]
async fn a_lost_token_refuses_the_call_at_once() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let Err(CallError::Exit(reason)) = server.lose().forever().await else {
        panic!("an answer?")
    };
    // A request that was moved is gone: its name stands for it.
    assert_eq!(reason.to_string(), r#"{no_reply,<<"call lose">>}"#);
    assert!(server.is_alive());
    node.stop().await;
}

#[tokio::test]
async fn the_end_of_the_server_reaches_every_open_call() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let kept = call_and_keep(&server).await;
    let given_away = {
        let server = server.clone();
        tokio::spawn(async move { server.give_away().await })
    };
    let running = {
        let server = server.clone();
        tokio::spawn(async move { server.hang().forever().await })
    };
    tokio::task::yield_now().await;
    let queued = call_and_keep(&server).await;
    node.exit(pid(&server), ExitReason::Kill);
    for call in [kept, given_away, running, queued] {
        assert_eq!(
            call.await.unwrap(),
            Err(CallError::Exit(ExitReason::Killed))
        );
    }
    assert_eq!(server.answer_kept(1).await, Err(CallError::NoProc));
    node.stop().await;
}

#[tokio::test]
async fn a_panic_reaches_its_own_caller_as_the_reason() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    let error = server.blow_up().await.unwrap_err();
    assert_eq!(error, CallError::Exit(ExitReason::Panic("boom".into())));
    assert_eq!(
        lines(&log),
        [r#"terminate {panic,<<"boom">>}"#],
        "terminate runs after a crash in a callback"
    );
    node.stop().await;
}

#[tokio::test]
async fn a_late_answer_is_dropped() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    assert_eq!(
        server.keep().timeout(Duration::from_millis(20)).await,
        Err(CallError::Timeout)
    );
    assert_eq!(server.answer_kept(1).await, Ok(1));
    assert_eq!(server.answer_kept(2).await, Ok(0), "nothing is left behind");
    node.stop().await;
}

#[tokio::test]
async fn a_timeout_is_never_early() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    for ms in [1, 9, 10, 11, 35] {
        let asked = Duration::from_millis(ms);
        let begun = std::time::Instant::now();
        assert_eq!(server.keep().timeout(asked).await, Err(CallError::Timeout));
        assert!(begun.elapsed() >= asked);
    }
    node.stop().await;
}

#[tokio::test]
async fn a_server_that_calls_itself_gets_an_error_at_once() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let inner = server.ask_myself().forever().await.unwrap();
    assert_eq!(
        inner,
        Err(CallError::Exit(ExitReason::from(Atom::from_static(
            "calling_self"
        ))))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_handler_that_awaits_a_call_gets_its_answer() {
    let node = node().await;
    let ((a, _), (b, _)) = (keeper(&node).await, keeper(&node).await);
    assert_eq!(a.ask(b).await, Ok(Ok(0)));
    node.stop().await;
}

#[tokio::test]
async fn a_call_does_nothing_until_it_is_polled() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    drop(server.keep());
    assert_eq!(server.answer_kept(1).await, Ok(0));
    node.stop().await;
}

#[tokio::test]
async fn messages_of_one_sender_keep_their_order() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    for n in 0..1_000 {
        server.note(n.to_string());
    }
    server.answer_kept(0).await.unwrap();
    assert_eq!(
        lines(&log),
        (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>()
    );
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_five_seconds_unless_told_otherwise() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(server.keep().await, Err(CallError::Timeout));
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(5) && waited < Duration::from_millis(5_050));
    node.stop().await;
}

#[test]
fn calls_come_from_plain_threads_too() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (node, server) = runtime.block_on(async {
        let node = node().await;
        let (server, _) = keeper(&node).await;
        (node, server)
    });
    let handle = runtime.handle().clone();
    let answer =
        std::thread::spawn(move || handle.block_on(async { server.answer_kept(3).await })).join();
    assert_eq!(answer.unwrap(), Ok(0));
    runtime.block_on(node.stop());
}

#[tokio::test]
async fn who_calls_from_outside_has_a_pid_until_the_call_is_over() {
    let node = node().await;
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let server = node
        .spawn_fn(async move |mut cx| {
            let call = cx.receive_match(|info| match info {
                Info::Term(term) => Some(term.clone()),
                _ => None,
            });
            let call = call.await;
            let Some([_, from, _]) = call.as_tuple() else {
                panic!("{call}")
            };
            let Some([caller, tag]) = from.as_tuple() else {
                panic!("{from}")
            };
            let caller = caller.as_pid().unwrap();
            let monitor = cx.monitor(caller);
            assert!(cx.node().is_alive(caller));
            assert_eq!(cx.receive().after(Duration::from_millis(1)).await, None);
            let answer = Term::tuple([tag.clone(), Term::from(7)]);
            cx.send(caller, &answer).await.unwrap();
            let down = cx.receive().await;
            let _ = asked.send((caller, monitor, down));
        })
        .unwrap();
    let question = Atom::from_static("question");
    assert_eq!(node.call::<i64>(server, &question).forever().await, Ok(7));
    let (caller, monitor, down) = is_asked.await.unwrap();
    let Info::Down {
        reference, reason, ..
    } = down
    else {
        panic!("{down:?}")
    };
    assert_eq!((reference, reason), (monitor, ExitReason::Normal));
    assert!(!node.is_alive(caller));
    node.stop().await;
}

#[tokio::test]
async fn a_circle_of_servers_waits_for_its_time_and_no_longer() {
    let node = node().await;
    let (first, _) = odd(&node).await;
    let log = Log::default();
    let second = node.spawn(Odd::spec(log)).await.unwrap();
    let [Dest::Pid(one), Dest::Pid(two)] = [first.dest(), second.dest()] else {
        panic!("spawned servers have pids")
    };
    // The first asks the second, which asks the first, which is busy.
    let answer = first.round(two, one).forever().await.unwrap();
    assert_eq!(answer, CallError::Timeout.to_string());
    node.stop().await;
}

#[tokio::test]
async fn an_answer_that_comes_with_the_deadline_is_an_answer() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let call = {
        let server = server.clone();
        tokio::spawn(async move { server.keep().timeout(Duration::from_millis(10)).await })
    };
    tokio::task::yield_now().await;
    // The time is over, and nobody saw it yet: this thread is held. The answer is there when the caller looks.
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(server.answer_kept(7).await, Ok(1));
    assert_eq!(call.await.unwrap(), Ok(7));
    node.stop().await;
}

#[tokio::test]
async fn a_call_that_is_dropped_is_given_up_and_the_server_still_acts() {
    let node = node().await;
    let (odd, log) = odd(&node).await;
    let (keeper, _) = keeper(&node).await;
    for _ in 0..3 {
        let mut call = Box::pin(odd.act());
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
        drop(call);
        let mut kept = Box::pin(keeper.keep());
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(kept.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
    }
    odd.act().await.unwrap();
    assert_eq!(lines(&log)[1..], ["acted"; 4]);
    // Nobody waits for these; answering them does nothing.
    assert_eq!(keeper.answer_kept(1).await, Ok(3));
    node.stop().await;
}
