//! Supervisors with real processes: `docs/semantics.md`, "Supervisors". The rules by cases are tested on the core, beside it.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kista::events::{Subscription, Update};
use kista::reports::{Context, REPORTS, Report};
use kista::supervisor::{
    AutoShutdown, Backoff, Child, ChildId, ChildProcess, Restart, Shutdown, SpecError, Supervisor,
    SupervisorError, SupervisorRef, SupervisorSpec,
};
use kista::{
    Atom, CallError, Cx, Dest, ExitReason, InitStop, Node, Pid, StartError, Term, gen_server, sys,
};

async fn node() -> Node {
    Node::builder("sup@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

/// What happened, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn take(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

/// How a worker is.
#[derive(Clone, Default)]
struct How {
    name: &'static str,
    log: Log,
    /// How long its end takes; it traps exits then.
    lingers: Option<Duration>,
    /// What its starts come to, the last first; then they succeed.
    starts: Arc<Mutex<Vec<InitStop>>>,
    unlinks: bool,
}

struct Worker {
    how: How,
}

#[gen_server(local)]
impl Worker {
    #[init]
    fn new(how: How, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        if let Some(stop) = how.starts.lock().unwrap().pop() {
            return Err(stop);
        }
        cx.trap_exit(how.lingers.is_some());
        if how.unlinks {
            cx.unlink(cx.parent().unwrap());
        }
        let worker = Worker { how };
        worker.say("starts");
        Ok(worker)
    }
    #[call]
    fn who(&self) -> &'static str {
        self.how.name
    }
    #[cast]
    fn crash(&mut self) {
        panic!("asked to")
    }
    #[cast]
    fn end(&mut self, reason: ExitReason) -> kista::Flow {
        kista::Flow::Stop(reason)
    }
    #[terminate]
    async fn terminate(&mut self, reason: &ExitReason) {
        if let Some(time) = self.how.lingers {
            self.say("ends slowly");
            tokio::time::sleep(time).await;
        }
        self.say(&format!("ended {reason}"));
    }
}

impl Worker {
    fn say(&self, what: &str) {
        let line = format!("{} {what}", self.how.name);
        self.how.log.lock().unwrap().push(line);
    }
}

/// Another server, to be taken for a `Worker` by mistake.
struct Idle;

#[gen_server(local)]
impl Idle {
    #[init]
    fn new() -> Self {
        Idle
    }
    #[call]
    fn sync(&self) {}
}

fn how(name: &'static str, log: &Log) -> How {
    How {
        name,
        log: Arc::clone(log),
        ..How::default()
    }
}

fn child(name: &'static str, log: &Log) -> Child {
    Child::new(name, Worker::spec(how(name, log)))
}

/// Traps exits and takes so long to end.
fn slow(name: &'static str, log: &Log, millis: u64) -> Child {
    let lingers = Some(Duration::from_millis(millis));
    let how = How {
        lingers,
        ..how(name, log)
    };
    Child::new(name, Worker::spec(how))
}

async fn pid(supervisor: &SupervisorRef, id: &str) -> Option<Pid> {
    let children = supervisor.which_children().await.unwrap();
    let child = children.into_iter().find(|child| child.id == id.into());
    child.and_then(|child| child.process.pid())
}

/// Until it is so; the suite's guard is against hanging only.
async fn until(what: impl AsyncFn() -> bool) {
    let wait = async {
        while !what().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .expect("it never came to be");
}

/// Until this child is another process than before.
async fn restarted(supervisor: &SupervisorRef, id: &str, before: Option<Pid>) -> Pid {
    let now = Mutex::new(None);
    until(async || {
        *now.lock().unwrap() = pid(supervisor, id).await;
        let now = *now.lock().unwrap();
        now.is_some() && now != before
    })
    .await;
    now.into_inner().unwrap().unwrap()
}

async fn start(node: &Node, spec: SupervisorSpec) -> SupervisorRef {
    node.spawn(spec.spec()).await.unwrap()
}

/// Its problems, one after the other, as context, child and reason.
async fn next_problem(reports: &mut Subscription<Report>) -> (Context, String, String) {
    let wait = async {
        loop {
            if let Some(Update::Event(Report::Supervisor {
                context,
                child,
                reason,
                ..
            })) = reports.next().await
            {
                return (context, child.id.to_string(), reason.to_string());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait)
        .await
        .expect("there is a report")
}

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
async fn a_child_is_found_as_what_it_is_and_as_nothing_else() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one()
        .child(child("a", &log))
        .child(Child::new(7, Idle::spec()));
    let supervisor = start(&node, spec).await;
    assert_eq!(
        supervisor
            .child::<Worker>("a")
            .await
            .unwrap()
            .who()
            .await
            .unwrap(),
        "a"
    );
    supervisor
        .child::<Idle>(7)
        .await
        .unwrap()
        .sync()
        .await
        .unwrap();
    let wrong = supervisor.child::<Idle>("a").await.unwrap_err();
    assert!(
        matches!(wrong, SupervisorError::OtherServer(is) if is.ends_with("Worker")),
        "{wrong}"
    );
    assert_eq!(
        supervisor.child::<Idle>("b").await.unwrap_err(),
        SupervisorError::NotFound
    );
    supervisor.terminate_child(7).await.unwrap();
    assert_eq!(
        supervisor.child::<Idle>(7).await.unwrap_err(),
        SupervisorError::NotFound
    );
}

#[tokio::test]
async fn any_process_can_be_a_child_and_a_start_that_panics_is_one_that_failed() {
    let node = node().await;
    let custom = Child::start("custom", async |starter| {
        let idle = starter.spawn(Idle::spec()).await?;
        match idle.dest() {
            Dest::Pid(pid) => Ok(pid),
            other => panic!("{other}"),
        }
    });
    let supervisor = start(&node, Supervisor::one_for_one().child(custom.name("idle"))).await;
    let before = node.whereis("idle");
    node.exit(before.unwrap(), ExitReason::Kill);
    restarted(&supervisor, "custom", before).await;
    let panics = Child::start("panics", async |_| panic!("no way"));
    let error = supervisor.start_child(panics).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the child did not start: {panic,<<\"no way\">>}"
    );
    assert_eq!(supervisor.count_children().await.unwrap().specs, 1);
}

#[tokio::test]
async fn a_child_that_its_start_did_not_link_is_linked_all_the_same() {
    let (node, log) = (node().await, Log::default());
    let of = how("a", &log);
    let child = Child::start("a", move |starter| {
        let (node, of) = (starter.node().clone(), of.clone());
        async move {
            match node.spawn(Worker::spec(of)).await?.dest() {
                Dest::Pid(pid) => Ok(pid),
                _ => Err(StartError::Ignored),
            }
        }
    });
    let tree = start(&node, Supervisor::one_for_one().child(child)).await;
    let before = pid(&tree, "a").await;
    node.server::<Worker>(before.unwrap()).crash();
    restarted(&tree, "a", before).await;
    tree.stop().await.unwrap();
    assert!(node.processes().is_empty());
}

#[tokio::test]
async fn a_plain_process_is_a_child_as_any_other() {
    let node = node().await;
    let plain = Child::start("plain", async |starter| {
        starter.spawn_fn(async move |mut cx| {
            cx.receive().await;
            ExitReason::from("asked to")
        })
    });
    let spec = Supervisor::one_for_one().child(plain.name("plain"));
    let supervisor = start(&node, spec).await;
    let before = node.whereis("plain");
    node.send(before.unwrap(), &1);
    let now = restarted(&supervisor, "plain", before).await;
    assert_eq!(node.whereis("plain"), Some(now));
    supervisor.stop().await.unwrap();
    assert!(node.processes().is_empty());
}

#[tokio::test]
async fn specifications_that_can_not_be_are_refused_with_the_reason() {
    let (node, log) = (node().await, Log::default());
    let refused = |spec: SupervisorSpec| {
        let node = node.clone();
        async move {
            let checked = spec.check().unwrap_err();
            assert!(node.spawn(spec.spec()).await.is_err());
            checked
        }
    };
    let twice = Supervisor::one_for_one().children([child("a", &log), child("a", &log)]);
    assert_eq!(refused(twice).await, SpecError::DuplicateId("a".into()));
    let permanent = Supervisor::one_for_one().auto_shutdown(AutoShutdown::AllSignificant);
    let permanent = permanent.child(child("a", &log).significant());
    assert_eq!(
        refused(permanent).await,
        SpecError::SignificantPermanent("a".into())
    );
    let never = Supervisor::one_for_one().child(child("a", &log).transient().significant());
    assert_eq!(
        refused(never).await,
        SpecError::SignificantNever("a".into())
    );
    for period in [Duration::ZERO, Duration::from_millis(1_500)] {
        let spec = Supervisor::one_for_one().intensity(1, period);
        assert_eq!(refused(spec).await, SpecError::Period(period));
    }
    let two = Supervisor::simple_one_for_one(child("a", &log)).child(child("b", &log));
    assert_eq!(refused(two).await, SpecError::NotOneChild(2));
    let named = Supervisor::simple_one_for_one(child("a", &log).name("x"));
    assert_eq!(
        refused(named).await,
        SpecError::SharedName("a".into(), "x".into())
    );
    let ending = Supervisor::simple_one_for_one(child("a", &log))
        .auto_shutdown(AutoShutdown::AnySignificant);
    assert_eq!(refused(ending).await, SpecError::SimpleShutdown);
    let dynamic = Supervisor::one_for_one().child(Child::dynamic("a", Worker::spec));
    assert_eq!(refused(dynamic).await, SpecError::Dynamic("a".into()));
    assert_eq!(take(&log), [""; 0], "nothing was started");

    let supervisor = start(&node, Supervisor::one_for_one()).await;
    let refused = supervisor
        .start_child(child("a", &log).transient().significant())
        .await;
    assert_eq!(refused, Err(SpecError::SignificantNever("a".into()).into()));
    let refused = supervisor
        .start_child(Child::dynamic("a", Worker::spec))
        .await;
    assert_eq!(refused, Err(SpecError::Dynamic("a".into()).into()));
}

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

#[tokio::test]
async fn a_name_that_somebody_else_holds_is_a_start_that_failed() {
    let (node, log) = (node().await, Log::default());
    let holder = node.spawn(Idle::spec()).name("held").await.unwrap();
    let tree = start(&node, Supervisor::one_for_one()).await;
    let Dest::Pid(holder) = holder.dest() else {
        panic!()
    };
    assert_eq!(
        tree.start_child(child("a", &log).name("held")).await,
        Err(SupervisorError::AlreadyStarted(holder))
    );
    assert_eq!(tree.which_children().await.unwrap(), []);
}

#[tokio::test]
async fn one_child_is_asked_for_by_its_id_or_by_its_pid() {
    let (node, log) = (node().await, Log::default());
    let tree = start(&node, Supervisor::one_for_one().child(child("a", &log))).await;
    let all = tree.which_children().await.unwrap();
    assert_eq!(tree.which_child("a").await.as_ref(), Ok(&all[0]));
    tree.terminate_child("a").await.unwrap();
    assert_eq!(
        tree.which_child("a").await.unwrap().process,
        ChildProcess::Down
    );
    assert_eq!(tree.which_child("b").await, Err(SupervisorError::NotFound));
    let a = all[0].process.pid().unwrap();
    assert_eq!(
        tree.which_child(Term::from(a)).await,
        Err(SupervisorError::NotFound)
    );

    let child = Child::dynamic("worker", Worker::spec).temporary();
    let tree = start(&node, Supervisor::simple_one_for_one(child)).await;
    let pid = tree.start_with(how("b", &log)).await.unwrap().unwrap();
    let found = tree.which_child(Term::from(pid)).await.unwrap();
    let spec = tree.childspec(Term::from(pid)).await;
    assert_eq!(spec, tree.childspec("worker").await);
    assert_eq!(
        tree.childspec(Term::from(a)).await,
        Err(SupervisorError::NotFound)
    );
    assert_eq!(
        (found.id, found.process),
        ("undefined".into(), ChildProcess::Running(pid))
    );
    assert_eq!(
        tree.which_child("worker").await,
        Err(SupervisorError::SimpleOneForOne)
    );
    tree.terminate_pid(pid).await.unwrap();
    assert_eq!(
        tree.which_child(Term::from(pid)).await,
        Err(SupervisorError::NotFound)
    );
}

#[tokio::test]
async fn children_that_are_restarting_are_counted_and_not_active() {
    let (node, log) = (node().await, Log::default());
    let wait = Duration::from_secs(3600);
    let child = Child::dynamic("worker", Worker::spec);
    let spec = Supervisor::simple_one_for_one(child).backoff(Backoff::new(wait, wait));
    let tree = start(&node, spec.intensity(10, wait)).await;
    let a = tree.start_with(how("a", &log)).await.unwrap().unwrap();
    tree.start_with(how("b", &log)).await.unwrap();
    node.server::<Worker>(a).crash();
    until(async || tree.count_children().await.unwrap().active == 1).await;
    let counts = tree.count_children().await.unwrap();
    assert_eq!(
        (counts.specs, counts.workers, counts.supervisors),
        (1, 2, 0)
    );
    tree.terminate_pid(a).await.unwrap();
    assert_eq!(tree.count_children().await.unwrap().workers, 1);
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

#[tokio::test]
async fn reports_say_who_and_why_and_what_came_of_it() {
    let (node, log) = (node().await, Log::default());
    let mut reports = node.subscribe::<Report>(REPORTS).unwrap();
    let spec = Supervisor::one_for_one().child(child("a", &log));
    let supervisor = node.spawn(spec.spec()).name("top").await.unwrap();
    let Some(Update::Event(Report::Progress { name, child, .. })) = reports.next().await else {
        panic!("a child that started is told")
    };
    assert_eq!(
        (name, child.id),
        (Some(Atom::new("top").unwrap()), "a".into())
    );
    assert!(child.starts.ends_with("Worker"));
    let before = pid(&supervisor, "a").await;
    assert_eq!(child.pid, before);
    supervisor.child::<Worker>("a").await.unwrap().crash();
    let problem = next_problem(&mut reports).await;
    assert_eq!(
        problem,
        (
            Context::ChildTerminated,
            "a".into(),
            "{panic,<<\"asked to\">>}".into()
        )
    );
    restarted(&supervisor, "a", before).await;
    supervisor.child::<Worker>("a").await.unwrap().crash();
    assert_eq!(next_problem(&mut reports).await.0, Context::ChildTerminated);
    assert_eq!(next_problem(&mut reports).await.0, Context::Shutdown);
}

/// What an Erlang caller sends and gets, within the node.
async fn ask(node: &Node, request: Term) -> Term {
    node.call::<Term>("sup", &request).await.unwrap()
}

fn atom(text: &'static str) -> Term {
    Term::from(Atom::from_static(text))
}

fn tagged(tag: &'static str, what: impl Into<Term>) -> Term {
    Term::tuple([atom(tag), what.into()])
}

#[tokio::test]
async fn encoded_requests_get_the_answers_of_otp() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_one()
        .child(child("a", &log))
        .child(Child::new("b", Supervisor::one_for_one().spec()));
    let supervisor = node.spawn(spec.spec()).name("sup").await.unwrap();
    let a = pid(&supervisor, "a").await.unwrap();
    let listed = ask(&node, atom("which_children")).await;
    let [b, last] = listed.as_list().unwrap() else {
        panic!("{listed}")
    };
    assert_eq!(b.as_tuple().unwrap()[2], atom("supervisor"));
    let [id, child, kind, modules] = last.as_tuple().unwrap() else {
        panic!("{last}")
    };
    assert_eq!(
        (id, child, kind),
        (&atom("a"), &Term::from(a), &atom("worker"))
    );
    assert!(modules.to_string().contains("Worker"));
    let counts = ask(&node, atom("count_children")).await;
    assert_eq!(
        counts.to_string(),
        "[{specs,2},{active,2},{supervisors,1},{workers,1}]"
    );
    let one = ask(&node, tagged("which_child", atom("a"))).await;
    assert!(
        one.to_string()
            .starts_with(&format!("{{ok,{{a,{a},worker,[")),
        "{one}"
    );
    let spec = ask(&node, tagged("get_childspec", atom("b"))).await;
    let [ok, spec] = spec.as_tuple().unwrap() else {
        panic!("{spec}")
    };
    assert_eq!(*ok, atom("ok"));
    let spec = spec.as_map().unwrap();
    for (key, value) in [
        ("id", "b"),
        ("restart", "permanent"),
        ("shutdown", "infinity"),
        ("type", "supervisor"),
        ("significant", "false"),
    ] {
        assert_eq!(spec.field(key).unwrap().to_string(), value);
    }
    for (tag, id, answer) in [
        ("restart_child", "a", "{error,running}"),
        ("delete_child", "a", "{error,running}"),
        ("terminate_child", "x", "{error,not_found}"),
        ("get_childspec", "x", "{error,not_found}"),
        ("which_child", "x", "{error,not_found}"),
        ("terminate_child", "a", "ok"),
        ("delete_child", "a", "ok"),
        ("restart_child", "a", "{error,not_found}"),
        ("start_child", "a", "{error,code_from_outside}"),
    ] {
        assert_eq!(
            ask(&node, tagged(tag, atom(id))).await.to_string(),
            answer,
            "{tag} {id}"
        );
    }
    let refused = node.call::<Term>("sup", &atom("unheard_of")).await;
    assert!(matches!(refused, Err(CallError::Exit(_))), "{refused:?}");
}

#[tokio::test]
async fn extra_arguments_from_elsewhere_make_a_child_only_when_it_takes_them() {
    struct Pair(i64, Atom);
    #[gen_server]
    impl Pair {
        #[init]
        fn new(pair: (i64, Atom)) -> Self {
            Pair(pair.0, pair.1)
        }
        #[call]
        fn get(&self) -> (i64, Atom) {
            (self.0, self.1)
        }
    }
    let node = node().await;
    let pairs = Supervisor::simple_one_for_one(Child::dynamic_remote("pair", Pair::spec));
    node.spawn(pairs.spec()).name("sup").await.unwrap();
    let started = ask(
        &node,
        tagged("start_child", Term::list([Term::from(5), atom("x")])),
    )
    .await;
    let pid = started.as_tuple().unwrap()[1].as_pid().unwrap();
    assert_eq!(
        node.server::<Pair>(pid).get().await.unwrap(),
        (5, Atom::new("x").unwrap())
    );
    let wrong = ask(&node, tagged("start_child", Term::list([atom("x")]))).await;
    assert!(
        wrong.to_string().starts_with("{error,{wrong_argument,"),
        "{wrong}"
    );
    let listed = ask(&node, atom("which_children")).await;
    assert_eq!(
        listed.as_list().unwrap()[0].as_tuple().unwrap()[0],
        atom("undefined")
    );
    assert_eq!(
        ask(&node, tagged("terminate_child", pid)).await.to_string(),
        "ok"
    );
    for tag in ["terminate_child", "restart_child", "delete_child"] {
        let answer = ask(&node, tagged(tag, atom("pair"))).await;
        assert_eq!(answer.to_string(), "{error,simple_one_for_one}", "{tag}");
    }
    let local = Supervisor::simple_one_for_one(Child::dynamic("pair", Pair::spec));
    let local = start(&node, local).await;
    assert_eq!(
        local.start_with_terms([Term::from(1)]).await,
        Err(SupervisorError::LocalOnly)
    );
}

/// A notice of what is no child is not taken for one.
#[tokio::test]
async fn exits_of_others_and_foreign_messages_leave_a_supervisor_as_it_is() {
    let (node, log) = (node().await, Log::default());
    let spec = Supervisor::one_for_all().child(child("a", &log));
    let supervisor = start(&node, spec).await;
    let before = pid(&supervisor, "a").await;
    let Dest::Pid(to) = supervisor.dest() else {
        panic!()
    };
    node.exit(to, "a stranger's");
    node.send(to, &atom("hello"));
    assert_eq!(pid(&supervisor, "a").await, before);
}

#[tokio::test]
async fn a_process_given_for_two_children_is_refused_and_the_supervisor_goes_on() {
    let node = node().await;
    let shared = node.spawn_fn(async |mut cx| {
        loop {
            cx.receive().await;
        }
    });
    let shared = shared.unwrap();
    let child = |id: &'static str| Child::start(id, move |_| async move { Ok(shared) });
    let supervisor = start(&node, Supervisor::one_for_one()).await;
    supervisor.start_child(child("a")).await.unwrap();
    let refused = supervisor.start_child(child("b")).await;
    assert_eq!(refused, Err(SupervisorError::AlreadyStarted(shared)));
    assert_eq!(supervisor.which_children().await.unwrap().len(), 1);
    supervisor.terminate_child("a").await.unwrap();
    until(async || !node.is_alive(shared)).await;
    node.stop().await;
}

/// A supervisor's specification is taken as it stands, and its id may be made at run time.
#[tokio::test]
async fn a_supervisor_is_started_from_what_it_was_begun_with() {
    let node = node().await;
    let inner = Child::new(String::from("in"), Supervisor::one_for_one());
    let outer = node.spawn(Supervisor::one_for_one().child(inner));
    let outer = outer.name("out").await.unwrap();
    let children = outer.which_children().await.unwrap();
    assert_eq!(children[0].id, ChildId::from("in"));
    assert_eq!(children[0].child_type, Atom::from_static("supervisor"));
    let name = Dest::try_from(format!("{}t", "ou")).unwrap();
    let by_name = node.server::<Supervisor>(name);
    assert_eq!(by_name.which_children().await.unwrap().len(), 1);
    assert!(Dest::try_from("x".repeat(256)).is_err());
    node.stop().await;
}
