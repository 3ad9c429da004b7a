//! Children that come and go, and trees of a hundred thousand.

use super::*;

#[tokio::test]
async fn dynamic_children_are_made_of_their_arguments_again_at_each_restart() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::simple_one_for_one(Child::dynamic("worker", Worker::spec));
    let supervisor = start(&node, spec).await;
    let a = supervisor
        .start_with(how("a", &log))
        .await
        .unwrap()
        .unwrap();
    let b = supervisor
        .start_with(how("b", &log))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(node.server::<Worker>(a).who().await.unwrap(), "a");
    node.server::<Worker>(b).crash();
    until(async || log.lock().unwrap().len() == 4).await;
    assert_eq!(take(&log).last().unwrap(), "b starts");
    supervisor.terminate_pid(a).await.unwrap();
    assert_eq!(
        supervisor.terminate_pid(a).await,
        Ok(()),
        "it is gone already"
    );
    let stranger = node.spawn(Idle::spec()).await.unwrap();
    let Dest::Pid(stranger) = stranger.dest() else {
        panic!()
    };
    assert_eq!(
        supervisor.terminate_pid(stranger).await,
        Err(SupervisorError::NotFound)
    );
    assert_eq!(
        supervisor.terminate_child("worker").await,
        Err(SupervisorError::SimpleOneForOne)
    );
    assert_eq!(
        supervisor.start_child(child("c", &log)).await,
        Err(SupervisorError::SimpleOneForOne)
    );
    let wrong = supervisor.start_with(3).await.unwrap_err();
    assert!(
        matches!(wrong, SupervisorError::OtherArgument(of) if of.ends_with("How")),
        "{wrong}"
    );
    let counts = supervisor.count_children().await.unwrap();
    assert_eq!((counts.specs, counts.active, counts.workers), (1, 1, 1));
    let plain = start(&node, Supervisor::one_for_one()).await;
    assert_eq!(
        plain.start_with(1).await,
        Err(SupervisorError::NotSimpleOneForOne)
    );
}

#[tokio::test]
async fn a_hundred_thousand_children_come_and_go() {
    let node = node().await;
    let spec =
        Supervisor::simple_one_for_one(Child::dynamic("idle", |()| Idle::spec()).temporary());
    let supervisor = start(&node, spec).await;
    for _ in 0..100_000 {
        supervisor.start_with(()).await.unwrap();
    }
    assert_eq!(supervisor.count_children().await.unwrap().active, 100_000);
    supervisor
        .stop_with(ExitReason::Normal, None)
        .await
        .unwrap();
    assert!(node.processes().is_empty());
}

/// Who is alive, in the order of the starts; what comes or goes out of order is noticed.
#[derive(Default)]
struct Queue(Mutex<Vec<usize>>);

struct Ticket(usize, Arc<Queue>);

#[gen_server(local)]
impl Ticket {
    #[init]
    fn new(number: usize, queue: Arc<Queue>) -> Self {
        queue.0.lock().unwrap().push(number);
        Ticket(number, queue)
    }
    #[cast]
    fn crash(&mut self) -> kista::Flow {
        kista::Flow::Stop("told to".into())
    }
}

/// The state is gone before anybody hears of the end.
impl Drop for Ticket {
    fn drop(&mut self) {
        let last = self.1.0.lock().unwrap().pop();
        assert_eq!(last, Some(self.0), "only the last one ends");
    }
}

/// 10 supervisors of 10 supervisors of 1,000 children each.
#[tokio::test]
async fn a_tree_of_a_hundred_thousand_children_starts_and_stops_in_order() {
    let (node, queue) = (node().await, Arc::new(Queue::default()));
    let leaf = |n| Child::new(n as i64, Ticket::spec(n, Arc::clone(&queue)));
    let branch = |m: usize| {
        let leaves = (m * 1_000..(m + 1) * 1_000).map(leaf);
        Child::new(m as i64, Supervisor::one_for_one().children(leaves).spec())
    };
    let limb = |k: usize| {
        let branches = (k * 10..(k + 1) * 10).map(branch);
        Child::new(
            k as i64,
            Supervisor::one_for_one().children(branches).spec(),
        )
    };
    let tree = start(&node, Supervisor::one_for_all().children((0..10).map(limb))).await;
    let in_order = |count: usize| *queue.0.lock().unwrap() == (0..count).collect::<Vec<_>>();
    assert!(in_order(100_000));
    tree.stop_with(ExitReason::Normal, None).await.unwrap();
    assert!(in_order(0), "who did not end the last is still there");
    assert!(node.processes().is_empty());
}

#[tokio::test]
async fn children_in_a_row_by_the_ten_thousand_are_restarted_in_order() {
    let (node, queue) = (node().await, Arc::new(Queue::default()));
    let children = (0..10_000).map(|n| Child::new(n as i64, Ticket::spec(n, Arc::clone(&queue))));
    let tree = start(&node, Supervisor::one_for_all().children(children)).await;
    // The last one, since its own end is none of the supervisor's doing.
    let last = tree.child::<Ticket>(9_999).await.unwrap();
    last.crash();
    until(async || {
        let again = tree.child::<Ticket>(9_999).await;
        again.is_ok_and(|again| again.dest() != last.dest())
    })
    .await;
    assert!(queue.0.lock().unwrap().iter().copied().eq(0..10_000));
    tree.stop_with(ExitReason::Normal, None).await.unwrap();
    assert!(queue.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn of_a_temporary_child_no_argument_is_kept() {
    struct Holds {
        _argument: Arc<()>,
    }
    #[gen_server(local)]
    impl Holds {
        #[init]
        fn new(argument: Arc<()>) -> Self {
            Holds {
                _argument: argument,
            }
        }
        #[call]
        fn sync(&self) {}
    }
    let node = node().await;
    for (restart, kept) in [(Restart::Temporary, 2), (Restart::Transient, 3)] {
        let argument = Arc::new(());
        let child = Child::dynamic("holds", Holds::spec).restart(restart);
        let tree = start(&node, Supervisor::simple_one_for_one(child)).await;
        let pid = tree
            .start_with(Arc::clone(&argument))
            .await
            .unwrap()
            .unwrap();
        node.server::<Holds>(pid).sync().await.unwrap();
        assert_eq!(Arc::strong_count(&argument), kept, "{restart:?}");
        tree.terminate_pid(pid).await.unwrap();
        assert_eq!(Arc::strong_count(&argument), 1, "{restart:?}");
    }
}
