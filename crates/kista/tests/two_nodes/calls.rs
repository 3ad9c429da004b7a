//! Calls and casts to the other node.

use super::*;

#[tokio::test]
async fn typed_calls_and_casts_cross_nodes() {
    let pair = Pair::start().await;
    counter_on_b(&pair).await;
    let counter = pair.a.server::<Counter>(on_b("counter"));
    assert_eq!(counter.add(2).await, Ok(2));
    counter.reset();
    assert_eq!(counter.add(40).await, Ok(40));
    assert_eq!(pair.a.nodes(), [pair.b.name()]);
    assert_eq!(pair.b.nodes(), [pair.a.name()]);
    pair.stop().await;
}

#[tokio::test]
async fn ping_both_ways() {
    let pair = Pair::start().await;
    assert!(pair.a.ping("b@127.0.0.1").await);
    assert!(pair.b.ping("a@127.0.0.1").await);
    assert!(!pair.a.ping("nobody@127.0.0.1").await);
    pair.stop().await;
}

#[tokio::test]
async fn an_unknown_name_answers_an_endless_call() {
    let pair = Pair::start().await;
    let counter = pair.a.server::<Counter>(on_b("nobody"));
    assert_eq!(counter.add(1).forever().await, Err(CallError::NoProc));
    pair.stop().await;
}

#[tokio::test]
async fn an_unreachable_node_answers_an_endless_call() {
    let pair = Pair::start().await;
    let counter = pair.a.server::<Counter>(("counter", "nobody@127.0.0.1"));
    assert_eq!(counter.add(1).forever().await, Err(CallError::NoConnection));
    pair.stop().await;
}

#[tokio::test]
async fn a_remote_call_ends_as_its_server_ends() {
    let pair = Pair::start().await;
    let pid = counter_on_b(&pair).await;
    let counter = pair.a.server::<Counter>(Dest::Pid(pid));
    let Err(CallError::Exit(refused)) = counter.lose().forever().await else {
        panic!("answered?")
    };
    assert_eq!(refused.to_string(), "{no_reply,lose}");
    let call = tokio::spawn(async move { counter.hang().forever().await });
    let counter = pair.a.server::<Counter>(Dest::Pid(pid));
    until_it_hangs(&counter).await;
    pair.a.exit(pid, ExitReason::from(Atom::from_static("foo")));
    assert_eq!(
        call.await.unwrap(),
        Err(CallError::Exit(ExitReason::from(Atom::from_static("foo"))))
    );
    assert_eq!(counter.add(1).await, Err(CallError::NoProc));
    pair.stop().await;
}

#[tokio::test]
async fn calls_end_with_the_connection() {
    let pair = Pair::start().await;
    counter_on_b(&pair).await;
    let counter = pair.a.server::<Counter>(on_b("counter"));
    let call = {
        let counter = counter.clone();
        tokio::spawn(async move { counter.hang().forever().await })
    };
    until_it_hangs(&counter).await;
    assert!(pair.a.disconnect("b@127.0.0.1"));
    assert_eq!(call.await.unwrap(), Err(CallError::NoConnection));
    pair.stop().await;
}

#[tokio::test]
async fn an_answer_to_the_callers_pid_that_names_its_alias_is_the_calls() {
    let pair = Pair::start().await;
    let answers = async move |mut cx: kista::ProcessCx| loop {
        let Info::Term(call) = cx.receive().await else {
            continue;
        };
        let Some([_, from, request]) = call.as_tuple() else {
            panic!("{call}")
        };
        let Some([caller, tag]) = from.as_tuple() else {
            panic!("{from}")
        };
        // To the pid, not to the alias that the tag names.
        let answer = Term::tuple([tag.clone(), request.clone()]);
        cx.send(caller.as_pid().unwrap(), &answer);
    };
    let old = kista::SpawnOptions::new().name("old");
    pair.b.spawn_opt(old, answers).unwrap();
    let patience = Duration::from_secs(30);
    let call = pair.a.call::<i64>(on_b("old"), &5).timeout(patience);
    assert_eq!(call.await, Ok(5), "by who is no process");
    let (done, ended) = tokio::sync::oneshot::channel();
    pair.a
        .spawn_fn(async move |mut cx| {
            let call = cx.node().call::<i64>(on_b("old"), &6).timeout(patience);
            let answer = call.await;
            let _ = done.send((answer, cx.receive().after(Duration::ZERO).await));
        })
        .unwrap();
    let (answer, left) = ended.await.unwrap();
    assert_eq!(answer, Ok(6), "by a process");
    assert_eq!(left, None, "the answer is not a message too");
    pair.stop().await;
}
