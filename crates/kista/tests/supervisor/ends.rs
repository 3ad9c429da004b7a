//! How children start and are told to end, and what becomes of them when their supervisor ends.

use super::*;

#[tokio::test]
async fn children_start_in_order_and_stop_in_reverse_each_waited_for() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one()
        .child(slow("a", &log, 1))
        .child(slow("b", &log, 30))
        .child(slow("c", &log, 1));
    let supervisor = start(&node, spec).await;
    assert_eq!(take(&log), ["a starts", "b starts", "c starts"]);
    supervisor.stop().await.unwrap();
    let ends = |name| {
        [
            format!("{name} ends slowly"),
            format!("{name} ended shutdown"),
        ]
    };
    assert_eq!(take(&log), [ends("c"), ends("b"), ends("a")].concat());
    assert!(node.processes().is_empty());
}

#[tokio::test]
async fn a_child_that_crashes_runs_again_under_its_name() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one().child(child("a", &log).name("worker"));
    let supervisor = start(&node, spec).await;
    let by_name = node.server::<Worker>("worker");
    let before = node.whereis("worker");
    by_name.crash();
    restarted(&supervisor, "a", before).await;
    assert_eq!(by_name.who().await.unwrap(), "a");
}

#[tokio::test]
async fn a_start_that_fails_rolls_back_and_says_which_child_and_why() {
    let (node, log) = (node().await, Log::default());
    let mut reports = node.subscribe::<Report>(REPORTS).unwrap();
    let fails = how("c", &log);
    fails
        .starts
        .lock()
        .unwrap()
        .push(InitStop::Stop("no disk".into()));
    let spec = Supervisor::one_for_one()
        .child(slow("a", &log, 1))
        .child(slow("b", &log, 1))
        .child(Child::new("c", Worker::spec(fails)))
        .child(child("d", &log));
    let error = node.spawn(spec.spec()).name("sup").await.unwrap_err();
    let StartError::Init(reason) = error else {
        panic!("{error}")
    };
    assert_eq!(
        reason.to_string(),
        "{shutdown,{failed_to_start_child,c,<<\"no disk\">>}}"
    );
    assert_eq!(
        take(&log)[2..],
        [
            "b ends slowly",
            "b ended shutdown",
            "a ends slowly",
            "a ended shutdown"
        ]
    );
    assert!(node.processes().is_empty());
    assert_eq!(node.whereis("sup"), None);
    let (context, id, _) = next_problem(&mut reports).await;
    assert_eq!((context, &*id), (Context::StartError, "c"));
}

#[tokio::test]
async fn who_does_not_end_in_time_is_killed_and_reported() {
    let (node, log) = (node().await, Log::default());
    let mut reports = node.subscribe::<Report>(REPORTS).unwrap();
    let spec = Supervisor::one_for_one()
        .child(slow("a", &log, 3_600_000).shutdown(Duration::from_millis(20)))
        .child(slow("b", &log, 3_600_000).shutdown(Shutdown::BrutalKill));
    let supervisor = start(&node, spec).await;
    supervisor.terminate_child("b").await.unwrap();
    supervisor.terminate_child("a").await.unwrap();
    assert_eq!(
        take(&log)[2..],
        ["a ends slowly"],
        "b had no time to say anything"
    );
    let problem = next_problem(&mut reports).await;
    assert_eq!(
        problem,
        (Context::ShutdownError, "a".into(), "killed".into())
    );
}

#[tokio::test]
async fn a_child_that_had_ended_before_it_was_told_to_says_why() {
    let (node, log) = (node().await, Log::default());
    let mut reports = node.subscribe::<Report>(REPORTS).unwrap();
    let spec = Supervisor::one_for_one()
        .child(child("a", &log))
        .child(child("b", &log))
        .child(slow("c", &log, 100));
    let supervisor = start(&node, spec).await;
    let worker = supervisor.child::<Worker>("b").await.unwrap();
    let stopping = tokio::spawn(async move { supervisor.stop().await });
    until(async || log.lock().unwrap().contains(&"c ends slowly".to_owned())).await;
    worker.end("of its own".into());
    stopping.await.unwrap().unwrap();
    let problem = next_problem(&mut reports).await;
    assert_eq!(
        problem,
        (
            Context::ShutdownError,
            "b".into(),
            "<<\"of its own\">>".into()
        )
    );
}

#[tokio::test]
async fn a_child_that_unlinked_itself_does_not_hang_its_supervisor() {
    let (node, log) = (node().await, Log::default());
    let naughty = How {
        unlinks: true,
        ..how("a", &log)
    };
    let spec = Supervisor::one_for_one().child(Child::new("a", Worker::spec(naughty)));
    let supervisor = start(&node, spec).await;
    supervisor.terminate_child("a").await.unwrap();
    assert_eq!(
        supervisor.which_children().await.unwrap()[0].process,
        ChildProcess::Down
    );
    assert_eq!(
        supervisor.restart_child("a").await.unwrap(),
        pid(&supervisor, "a").await
    );
    supervisor.stop().await.unwrap();
}

#[tokio::test]
async fn what_arrives_while_a_child_ends_is_answered_afterwards_in_its_order() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one()
        .child(slow("a", &log, 100))
        .child(child("b", &log));
    let supervisor = start(&node, spec).await;
    let busy = supervisor.clone();
    let terminating = tokio::spawn(async move { busy.terminate_child("a").await });
    until(async || log.lock().unwrap().contains(&"a ends slowly".to_owned())).await;
    // The second one is refused unless the first one came first.
    let (deleted, again, counts) = tokio::join!(
        supervisor.delete_child("a"),
        supervisor.restart_child("a"),
        supervisor.count_children(),
    );
    assert_eq!(deleted, Ok(()));
    assert_eq!(again, Err(SupervisorError::NotFound));
    assert_eq!(counts.unwrap().specs, 1);
    assert_eq!(terminating.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn callers_of_a_supervisor_that_is_killed_while_it_waits_hear_of_it() {
    let (node, log) = (node().await, Log::default());
    let spec =
        Supervisor::one_for_one().child(slow("a", &log, 3_600_000).shutdown(Shutdown::Infinity));
    let supervisor = start(&node, spec).await;
    let ask = |supervisor: &SupervisorRef| {
        let supervisor = supervisor.clone();
        tokio::spawn(async move { supervisor.terminate_child("a").await })
    };
    let first = ask(&supervisor);
    until(async || log.lock().unwrap().contains(&"a ends slowly".to_owned())).await;
    let second = ask(&supervisor);
    tokio::task::yield_now().await;
    let Dest::Pid(pid) = supervisor.dest() else {
        panic!("a spawned server has a pid")
    };
    node.exit(pid, ExitReason::Kill);
    for asked in [first, second] {
        let error = asked.await.unwrap().unwrap_err();
        let killed = CallError::Exit(ExitReason::Killed);
        // The second may have come when nobody was there any more.
        assert!(
            error == SupervisorError::Call(killed)
                || error == SupervisorError::Call(CallError::NoProc)
        );
    }
}

#[tokio::test]
async fn a_node_that_stops_lets_supervisors_stop_their_children_in_order() {
    let (node, log) = (node().await, Log::default());
    let inner = Supervisor::one_for_one()
        .child(slow("b1", &log, 20))
        .child(slow("b2", &log, 20));
    let spec = Supervisor::one_for_one()
        .child(slow("a", &log, 1))
        .child(Child::new("b", inner.spec()))
        .child(slow("c", &log, 20));
    start(&node, spec).await;
    take(&log);
    node.stop().await;
    let ended: Vec<_> = take(&log)
        .into_iter()
        .filter(|line| line.contains("ended"))
        .collect();
    assert_eq!(
        ended,
        [
            "c ended shutdown",
            "b2 ended shutdown",
            "b1 ended shutdown",
            "a ended shutdown"
        ]
    );
}

#[tokio::test]
async fn the_end_of_a_supervisor_is_the_end_of_its_children() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one()
        .child(slow("a", &log, 1))
        .child(child("b", &log));
    let supervisor = start(&node, spec).await;
    let Dest::Pid(pid) = supervisor.dest() else {
        panic!()
    };
    node.exit(pid, ExitReason::Kill);
    until(async || node.processes().is_empty()).await;
    assert_eq!(take(&log).pop().unwrap(), "a ended killed");
}
