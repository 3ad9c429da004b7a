//! How often children are restarted, and when it is too often.

use super::*;

#[tokio::test]
async fn too_many_restarts_end_the_supervisor_and_its_own_supervisor_heals_it() {
    let (node, log) = (node().await, Log::default());
    let inner = Supervisor::one_for_one()
        .intensity(2, Duration::from_secs(60))
        .child(child("a", &log))
        .child(child("b", &log));
    let outer = Supervisor::one_for_one().child(Child::new("inner", inner.spec()));
    let outer = start(&node, outer).await;
    let before = pid(&outer, "inner").await;
    let inner = outer.child::<Supervisor>("inner").await.unwrap();
    let counts = outer.count_children().await.unwrap();
    assert_eq!((counts.supervisors, counts.workers), (1, 0));
    for _ in 0..2 {
        let a = pid(&inner, "a").await;
        inner.child::<Worker>("a").await.unwrap().crash();
        restarted(&inner, "a", a).await;
    }
    inner.child::<Worker>("a").await.unwrap().crash();
    restarted(&outer, "inner", before).await;
    let again = outer.child::<Supervisor>("inner").await.unwrap();
    let counts = again.count_children().await.unwrap();
    assert_eq!(counts.active, 2);
    assert_eq!(node.processes().len(), 4);
}

/// Counts its starts, and ends at once when it is born doomed.
struct Mortal;

#[gen_server(local)]
impl Mortal {
    #[init]
    fn new(starts: Arc<AtomicUsize>, doomed: bool, cx: &mut Cx<Self>) -> Self {
        starts.fetch_add(1, Relaxed);
        if doomed {
            cx.then(kista::Flow::Stop("doomed".into()));
        }
        Mortal
    }
    #[cast]
    fn die(&mut self) -> kista::Flow {
        kista::Flow::Stop("told to".into())
    }
}

/// If one of them span, or counted one too many or too few, the starts would show it.
#[tokio::test]
async fn a_hundred_supervisors_whose_children_die_at_once_count_exactly() {
    let node = node().await;
    let starts: Vec<_> = (0..100).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    for starts in &starts {
        let child = Child::new("doomed", Mortal::spec(Arc::clone(starts), true));
        let spec = Supervisor::one_for_one()
            .intensity(4, Duration::from_secs(3600))
            .child(child);
        node.spawn(spec.spec()).await.unwrap();
    }
    until(async || node.processes().is_empty()).await;
    for starts in &starts {
        assert_eq!(starts.load(Relaxed), 1 + 4);
    }
}

#[tokio::test]
async fn as_many_deaths_at_once_as_the_intensity_allows_end_nobody_and_one_more_ends_all() {
    const CHILDREN: usize = 5;
    let node = node().await;
    let starts: Vec<_> = (0..100).map(|_| Arc::new(AtomicUsize::new(0))).collect();
    let mut trees = Vec::new();
    for starts in &starts {
        let child = |n| Child::new(n as i64, Mortal::spec(Arc::clone(starts), false));
        let spec = Supervisor::one_for_one()
            .intensity(CHILDREN as u32, Duration::from_secs(3600))
            .children((0..CHILDREN).map(child));
        trees.push(start(&node, spec).await);
    }
    let mut doomed = Vec::new();
    for tree in &trees {
        for n in 0..CHILDREN {
            doomed.push(tree.child::<Mortal>(n as i64).await.unwrap());
        }
    }
    for child in &doomed {
        child.die();
    }
    until(async || {
        starts
            .iter()
            .all(|starts| starts.load(Relaxed) == 2 * CHILDREN)
    })
    .await;
    for tree in &trees {
        assert_eq!(tree.count_children().await.unwrap().active, CHILDREN);
        tree.child::<Mortal>(0).await.unwrap().die();
    }
    until(async || node.processes().is_empty()).await;
    for starts in &starts {
        assert_eq!(
            starts.load(Relaxed),
            2 * CHILDREN,
            "nobody was started any more"
        );
    }
}

#[tokio::test]
async fn a_significant_child_takes_its_supervisor_along() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one()
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(child("a", &log).transient().significant())
        .child(slow("b", &log, 1));
    let supervisor = start(&node, spec).await;
    supervisor
        .child::<Worker>("a")
        .await
        .unwrap()
        .end(ExitReason::Normal);
    until(async || node.processes().is_empty()).await;
    assert_eq!(
        take(&log)[2..],
        ["a ended normal", "b ends slowly", "b ended shutdown"]
    );
}

#[tokio::test]
async fn a_back_off_lets_a_child_wait_and_can_be_cut_short() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one()
        .intensity(100, Duration::from_secs(1))
        .backoff(Backoff::new(
            Duration::from_secs(3600),
            Duration::from_secs(3600),
        ))
        .child(child("a", &log));
    let supervisor = start(&node, spec).await;
    supervisor.child::<Worker>("a").await.unwrap().crash();
    until(async || {
        supervisor.which_children().await.unwrap()[0].process == ChildProcess::Restarting
    })
    .await;
    assert_eq!(
        supervisor.restart_child("a").await,
        Err(SupervisorError::Restarting)
    );
    supervisor.terminate_child("a").await.unwrap();
    supervisor.restart_child("a").await.unwrap();

    let spec = Supervisor::one_for_one()
        .intensity(100, Duration::from_secs(1))
        .backoff(Backoff::new(
            Duration::from_millis(1),
            Duration::from_millis(4),
        ))
        .child(child("b", &log));
    let supervisor = start(&node, spec).await;
    for _ in 0..5 {
        let before = pid(&supervisor, "b").await;
        supervisor.child::<Worker>("b").await.unwrap().crash();
        restarted(&supervisor, "b", before).await;
    }
}

#[tokio::test]
async fn a_suspended_supervisor_restarts_what_died_when_it_is_resumed() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one().child(child("a", &log));
    let supervisor = start(&node, spec).await;
    let (worker, before) = (
        supervisor.child::<Worker>("a").await.unwrap(),
        pid(&supervisor, "a").await,
    );
    sys::suspend(&supervisor).await.unwrap();
    worker.crash();
    until(async || !worker.is_alive()).await;
    let state = sys::get_state(&supervisor).await.unwrap();
    assert_eq!(
        state
            .as_map()
            .unwrap()
            .field("strategy")
            .unwrap()
            .as_atom_str(),
        Some("one_for_one")
    );
    sys::resume(&supervisor).await.unwrap();
    restarted(&supervisor, "a", before).await;
}
