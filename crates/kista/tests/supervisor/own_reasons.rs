//! Children that end for reasons of their own when they are told to end.

use super::*;

/// A process that traps exits, and ends for its own reason when it is told to end.
fn own_reason(id: impl Into<ChildId>, reason: ExitReason, ready: &Arc<AtomicUsize>) -> Child {
    let ready = Arc::clone(ready);
    Child::start(id, move |starter| {
        let (reason, ready) = (reason.clone(), Arc::clone(&ready));
        async move {
            starter.spawn_fn(async move |mut cx| {
                cx.trap_exit(true);
                ready.fetch_add(1, Relaxed);
                cx.receive().await;
                reason
            })
        }
    })
}

fn own_reasons() -> [ExitReason; 4] {
    let today = Term::from(Atom::from_static("today"));
    let shutdown = Term::from(Atom::from_static("shutdown"));
    [
        ExitReason::Normal,
        ExitReason::Shutdown,
        ExitReason::from(Term::tuple([shutdown, today])),
        ExitReason::from("other"),
    ]
}

#[tokio::test]
async fn children_that_end_for_reasons_of_their_own_do_not_hold_up_a_stop() {
    let node = node().await;
    let ready = Arc::new(AtomicUsize::new(0));
    let mut reports = node.subscribe::<Report>(REPORTS).unwrap();
    let mut children = Vec::new();
    for restart in [Restart::Permanent, Restart::Transient, Restart::Temporary] {
        for reason in own_reasons() {
            let child = own_reason(children.len() as i64, reason, &ready);
            children.push(child.restart(restart));
        }
    }
    let tree = start(&node, Supervisor::one_for_one().children(children)).await;
    until(async || ready.load(Relaxed) == 12).await;
    tree.stop_with(ExitReason::Shutdown, None).await.unwrap();
    assert!(node.processes().is_empty());
    let mut reported = Vec::new();
    while let Some(Update::Event(report)) = reports.try_next() {
        if let Report::Supervisor { context, child, .. } = report {
            assert_eq!(context, Context::ShutdownError);
            reported.push(child.id.to_string());
        }
    }
    // Of permanent ones all but `shutdown`; of others those whose reason is not proper.
    assert_eq!(reported, ["11", "7", "3", "2", "0"]);
}

#[tokio::test]
async fn dynamic_children_end_for_reasons_of_their_own_in_any_way_and_are_all_waited_for() {
    let node = node().await;
    for shutdown in [
        Shutdown::BrutalKill,
        Shutdown::Infinity,
        Duration::from_secs(60).into(),
    ] {
        for reason in own_reasons() {
            let ready = Arc::new(AtomicUsize::new(0));
            let child = own_reason("child", reason.clone(), &ready).shutdown(shutdown);
            let tree = start(&node, Supervisor::simple_one_for_one(child)).await;
            for _ in 0..10 {
                tree.start_with(()).await.unwrap();
            }
            until(async || ready.load(Relaxed) == 10).await;
            let mut reports = node.subscribe::<Report>(REPORTS).unwrap();
            tree.stop_with(ExitReason::Shutdown, None).await.unwrap();
            assert!(node.processes().is_empty());
            let mut report = None;
            while let Some(Update::Event(next)) = reports.try_next() {
                if let Report::Supervisor { child, reason, .. } = next {
                    assert_eq!(report.replace((child.count, reason)), None);
                }
            }
            // Killed ones say nothing of their own.
            match shutdown == Shutdown::BrutalKill || reason == ExitReason::Shutdown {
                true => assert_eq!(report, None),
                false => assert_eq!(report, Some((10, reason))),
            }
        }
    }
}

#[tokio::test]
async fn dynamic_children_that_do_not_end_in_time_are_killed() {
    let (node, log) = (node().await, Log::default());
    let child = Child::dynamic("worker", Worker::spec).shutdown(Duration::from_millis(20));
    let tree = start(&node, Supervisor::simple_one_for_one(child)).await;
    for (name, lingers) in [("quick", None), ("slow", Some(Duration::from_secs(3600)))] {
        let how = How {
            lingers,
            ..how(name, &log)
        };
        tree.start_with(how).await.unwrap();
    }
    let mut reports = node.subscribe::<Report>(REPORTS).unwrap();
    tree.stop_with(ExitReason::Shutdown, None).await.unwrap();
    assert!(node.processes().is_empty());
    let problem = next_problem(&mut reports).await;
    assert_eq!(
        problem,
        (Context::ShutdownError, "worker".into(), "killed".into())
    );
    assert_eq!(
        take(&log),
        ["quick starts", "slow starts", "slow ends slowly"]
    );
}
