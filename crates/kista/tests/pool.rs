//! Pools: what their callers see, and what becomes of workers. Which worker is chosen is decided by the pure core, and tested
//! there (`src/pool/router.rs`).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use kista::pool::{self, Pool, PoolInfo, PoolSpec, Routing, key_of};
use kista::{
    Atom, CallError, Cx, ExitReason, Info, InitStop, Node, Pid, ServerRef, StartError, gen_server,
    sys,
};
use tokio::sync::{Semaphore, oneshot};

/// Tells who it is, or waits at a gate.
struct Worker {
    gate: Arc<Semaphore>,
}

#[gen_server]
impl Worker {
    #[init]
    async fn new(gate: Arc<Semaphore>) -> Result<Self, InitStop> {
        match gate.is_closed() {
            true => Err("closed".into()),
            false => Ok(Worker { gate }),
        }
    }
    #[call]
    fn who(&self, cx: &mut Cx<Self>) -> Pid {
        cx.pid()
    }
    #[call]
    fn whose(&self, _key: String, cx: &mut Cx<Self>) -> Pid {
        cx.pid()
    }
    #[call]
    async fn wait(&self, cx: &mut Cx<Self>) -> Pid {
        self.gate.acquire().await.expect("open").forget();
        cx.pid()
    }
    #[call]
    fn crash(&mut self) {
        panic!("asked to crash")
    }
    #[cast]
    fn leave(&mut self, cx: &mut Cx<Self>) {
        cx.exit(cx.pid(), ExitReason::Kill);
    }
}

fn key(message: &WorkerMsg) -> u64 {
    match message {
        WorkerMsg::Whose(key, _) => key_of(key),
        _ => 0,
    }
}

/// Tells how another process ended.
struct Watcher(Option<oneshot::Sender<ExitReason>>);

#[gen_server(local)]
impl Watcher {
    #[init]
    fn new(target: Pid, tell: Tell, cx: &mut Cx<Self>) -> Self {
        cx.monitor(target);
        Watcher(tell.0.lock().take())
    }
    #[info(other)]
    fn down(&mut self, info: Info) {
        if let Info::Down { reason, .. } = info
            && let Some(tell) = self.0.take()
        {
            let _ = tell.send(reason);
        }
    }
}

#[derive(Clone)]
struct Tell(Arc<parking_lot::Mutex<Option<oneshot::Sender<ExitReason>>>>);

async fn node(name: &str) -> Node {
    let node = Node::builder(name).no_network().start().await;
    node.expect("a node without a network starts")
}

fn closed_gate() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

type Workers = ServerRef<Pool<Worker>>;

async fn start(node: &Node, spec: PoolSpec<Worker>) -> Workers {
    let pool = node.spawn(spec.spec()).name("workers").await;
    pool.expect("it starts")
}

async fn info(pool: &Workers) -> PoolInfo {
    pool::info(pool).await.expect("it is there")
}

/// The pool comes to this sooner or later.
async fn until(pool: &Workers, is: impl Fn(&PoolInfo) -> bool) -> PoolInfo {
    let wait = async {
        loop {
            let info = info(pool).await;
            if is(&info) {
                return info;
            }
            tokio::task::yield_now().await;
        }
    };
    let came = tokio::time::timeout(Duration::from_secs(60), wait).await;
    came.expect("it comes to that")
}

/// Occupies a worker, and returns when it is occupied.
async fn occupy(pool: &Workers, routed: u64) -> tokio::task::JoinHandle<Result<Pid, CallError>> {
    let waiting = pool.clone();
    let call = tokio::spawn(async move { waiting.wait().forever().await });
    until(pool, |info| info.routed > routed).await;
    call
}

#[tokio::test]
async fn workers_take_turns_and_answer_themselves() {
    let node = node("turns@test").await;
    let pool = start(&node, pool::of(Worker::spec(closed_gate()), 3)).await;
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(pool.who().await.expect("answered"));
    }
    assert_eq!(answers[..3], answers[3..]);
    assert_eq!(answers.iter().collect::<BTreeSet<_>>().len(), 3);
    assert!(!answers.contains(&node.whereis("workers").expect("registered")));
    assert_eq!(info(&pool).await.routed, 6);
    node.stop().await;
}

#[tokio::test]
async fn who_is_busy_gets_less_by_least_queue() {
    let node = node("least@test").await;
    let gate = closed_gate();
    let spec = pool::of(Worker::spec(gate.clone()), 2).route(Routing::LeastQueue);
    let pool = start(&node, spec).await;
    // One is occupied and has one unread; the other nothing.
    let first = occupy(&pool, 0).await;
    let other = pool.who().await.expect("answered by the other");
    let second = occupy(&pool, 2).await;
    until(&pool, |info| info.queues.contains(&1)).await;
    for _ in 0..5 {
        assert_eq!(pool.who().await, Ok(other));
    }
    gate.add_permits(2);
    let busy = first.await.expect("no panic").expect("answered");
    assert_ne!(busy, other);
    assert_eq!(second.await.expect("no panic"), Ok(busy));
    node.stop().await;
}

#[tokio::test]
async fn a_key_stays_with_its_worker() {
    let node = node("key@test").await;
    let spec = pool::of(Worker::spec(closed_gate()), 4).route(Routing::Key(key));
    let pool = start(&node, spec).await;
    let mut owners = BTreeSet::new();
    for name in [
        "anna", "bert", "cleo", "dora", "emil", "fina", "gert", "hugo",
    ] {
        let owner = pool.whose(name.to_owned()).await.expect("answered");
        pool.who().await.expect("another key between");
        assert_eq!(pool.whose(name.to_owned()).await, Ok(owner), "{name}");
        owners.insert(owner);
    }
    assert!(owners.len() > 1, "not all to one");
    node.stop().await;
}

#[tokio::test]
async fn full_workers_are_passed_over_and_a_full_pool_refuses() {
    let node = node("full@test").await;
    let gate = closed_gate();
    let spec = pool::of(Worker::spec(gate.clone()), 2).max_queue(1);
    let pool = start(&node, spec).await;
    let mut waiting = Vec::new();
    // Each handles one and has one unread.
    for routed in 0..4 {
        waiting.push(occupy(&pool, routed).await);
        until(&pool, |info| {
            info.queues.iter().sum::<usize>() == (routed as usize).saturating_sub(1)
        })
        .await;
    }
    let overloaded = ExitReason::from(Atom::from_static("overloaded"));
    assert_eq!(pool.who().await, Err(CallError::Exit(overloaded)));
    pool.leave();
    let encoded = node.call::<Pid>("workers", &Atom::from_static("who")).await;
    let Err(CallError::Exit(no_reply)) = encoded else {
        panic!("nobody has room: {encoded:?}")
    };
    assert_eq!(no_reply.to_string(), "{no_reply,who}");
    assert_eq!(info(&pool).await.refused, 3);
    gate.add_permits(4);
    for call in waiting {
        call.await.expect("no panic").expect("answered");
    }
    assert!(pool.who().await.is_ok(), "there is room again");
    node.stop().await;
}

#[tokio::test]
async fn a_dead_worker_is_replaced_and_its_caller_hears_why_it_died() {
    let node = node("dead@test").await;
    let pool = start(&node, pool::of(Worker::spec(closed_gate()), 2)).await;
    assert_eq!(
        pool.crash().await,
        Err(CallError::Exit(ExitReason::Panic("asked to crash".into())))
    );
    let info = until(&pool, |info| info.replaced == 1 && info.alive == 2).await;
    assert_eq!(info.workers, 2);
    let mut answers = BTreeSet::new();
    for _ in 0..4 {
        answers.insert(pool.who().await.expect("answered"));
    }
    assert_eq!(answers.len(), 2);
    node.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_worker_that_dies_is_answered_with_its_end() {
    let node = node("queued@test").await;
    let pool = start(&node, pool::of(Worker::spec(closed_gate()), 1)).await;
    let handled = occupy(&pool, 0).await;
    let queued = occupy(&pool, 1).await;
    let encoded = {
        let node = node.clone();
        let request = async move {
            let wait = Atom::from_static("wait");
            node.call::<Pid>("workers", &wait).forever().await
        };
        tokio::spawn(request)
    };
    until(&pool, |info| info.routed == 3).await;
    let workers = node.processes();
    for pid in workers {
        if node.whereis("workers") != Some(pid) {
            node.exit(pid, ExitReason::Kill);
        }
    }
    for call in [handled, queued] {
        assert_eq!(
            call.await.expect("no panic"),
            Err(CallError::Exit(ExitReason::Killed))
        );
    }
    let Err(CallError::Exit(no_reply)) = encoded.await.expect("no panic") else {
        panic!("its worker is dead")
    };
    assert_eq!(no_reply.to_string(), "{no_reply,wait}");
    node.stop().await;
}

#[tokio::test]
async fn messages_wait_while_the_only_worker_is_replaced() {
    let node = node("held@test").await;
    let pool = start(&node, pool::of(Worker::spec(closed_gate()), 1)).await;
    let first = pool.who().await.expect("answered");
    let (crash, who) = tokio::join!(pool.crash(), pool.who());
    assert!(crash.is_err());
    match who {
        Ok(second) => assert_ne!(second, first),
        // It was in the queue of the worker that crashed.
        Err(CallError::Exit(ExitReason::Panic(_))) => {}
        other => panic!("{other:?}"),
    }
    // Read behind the exit: held until the new one is there.
    assert_ne!(pool.who().await.expect("answered"), first);
    node.stop().await;
}

#[tokio::test]
async fn a_pool_whose_workers_do_not_live_ends() {
    let node = node("spin@test").await;
    let spec = pool::of(Worker::spec(closed_gate()), 1).intensity(2, Duration::from_secs(3600));
    let pool = start(&node, spec).await;
    let (tell, end) = oneshot::channel();
    let tell = Tell(Arc::new(parking_lot::Mutex::new(Some(tell))));
    let pid = node.whereis("workers").expect("registered");
    node.spawn(Watcher::spec(pid, tell)).await.expect("starts");
    for round in 0..3 {
        assert!(pool.crash().await.is_err());
        if round < 2 {
            until(&pool, |info| info.replaced == round + 1 && info.alive == 1).await;
        }
    }
    let reason = end.await.expect("the watcher lives");
    assert_eq!(
        reason.to_string(),
        "{shutdown,reached_max_restart_intensity}"
    );
    assert_eq!(pool.who().await, Err(CallError::NoProc));
    node.stop().await;
}

#[tokio::test]
async fn a_worker_that_can_not_start_again_does_not_spin() {
    let node = node("closed@test").await;
    let gate = closed_gate();
    let spec = pool::of(Worker::spec(gate.clone()), 2).intensity(5, Duration::from_secs(3600));
    let pool = start(&node, spec).await;
    let (tell, end) = oneshot::channel();
    let tell = Tell(Arc::new(parking_lot::Mutex::new(Some(tell))));
    let pid = node.whereis("workers").expect("registered");
    node.spawn(Watcher::spec(pid, tell)).await.expect("starts");
    gate.close();
    pool.leave();
    let reason = end.await.expect("the watcher lives");
    assert_eq!(
        reason.to_string(),
        "{shutdown,reached_max_restart_intensity}"
    );
    node.stop().await;
}

#[tokio::test]
async fn a_pool_without_workers_does_not_start() {
    let node = node("nobody@test").await;
    let gate = closed_gate();
    gate.close();
    let before = node.processes().len();
    let pool = node.spawn(pool::of(Worker::spec(gate), 3).spec()).await;
    assert_eq!(
        pool.expect_err("no worker can start"),
        StartError::Init(ExitReason::from("closed"))
    );
    assert_eq!(node.processes().len(), before);
    node.stop().await;
}

#[tokio::test]
async fn a_pool_grows_and_shrinks_without_losing_anything() {
    let node = node("resize@test").await;
    let gate = closed_gate();
    let pool = start(&node, pool::of(Worker::spec(gate.clone()), 1)).await;
    pool::resize(&pool, 3).await.expect("there");
    until(&pool, |info| info.alive == 3).await;
    let mut waiting = Vec::new();
    for routed in 0..6 {
        waiting.push(occupy(&pool, routed).await);
    }
    pool::resize(&pool, 1).await.expect("there");
    assert_eq!(until(&pool, |info| info.alive == 1).await.workers, 1);
    gate.add_permits(6);
    for call in waiting {
        call.await
            .expect("no panic")
            .expect("answered before it ended");
    }
    let only = pool.who().await.expect("answered");
    assert_eq!(pool.who().await, Ok(only));
    assert_eq!(info(&pool).await.replaced, 0);
    node.stop().await;
}

#[tokio::test]
async fn workers_end_with_their_pool_when_they_are_done() {
    let node = node("stop@test").await;
    let gate = closed_gate();
    let before = node.processes().len();
    let pool = start(&node, pool::of(Worker::spec(gate.clone()), 2)).await;
    let mut waiting = Vec::new();
    for routed in 0..3 {
        waiting.push(occupy(&pool, routed).await);
    }
    let stopping = pool.clone();
    let stop = tokio::spawn(async move { stopping.stop().await });
    while pool.is_alive() && !stop.is_finished() {
        gate.add_permits(1);
        tokio::task::yield_now().await;
    }
    for call in waiting {
        call.await.expect("no panic").expect("answered first");
    }
    assert_eq!(stop.await.expect("no panic"), Ok(()));
    assert_eq!(node.processes().len(), before);
    node.stop().await;
}

#[tokio::test]
async fn workers_do_not_outlive_a_killed_pool() {
    let node = node("killed@test").await;
    let before = node.processes().len();
    let _pool = start(&node, pool::of(Worker::spec(closed_gate()), 3)).await;
    node.exit(node.whereis("workers").expect("there"), ExitReason::Kill);
    let ended = async {
        while node.processes().len() > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended)
        .await
        .expect("they end");
    node.stop().await;
}

#[tokio::test]
async fn sys_shows_how_a_pool_is_doing() {
    let node = node("sys@test").await;
    let pool = start(&node, pool::of(Worker::spec(closed_gate()), 2)).await;
    pool.who().await.expect("answered");
    let shown = sys::get_state(&pool).await.expect("answered");
    let field = |name| shown.as_map().and_then(|map| map.field(name)?.as_int());
    assert_eq!(field("workers"), Some(2));
    assert_eq!(field("routed"), Some(1));
    node.stop().await;
}

#[tokio::test]
async fn a_pool_of_nothing_is_refused_and_a_resize_to_nothing_too() {
    let node = node("nothing@test").await;
    let bad = |what: &'static str| {
        let words = ["bad_pool", what].map(|word| kista::Term::from(Atom::from_static(word)));
        kista::Term::tuple(words)
    };
    let gate = closed_gate();
    let before = node.processes().len();
    for (spec, what) in [
        (pool::of(Worker::spec(Arc::clone(&gate)), 0), "workers"),
        (
            pool::of(Worker::spec(Arc::clone(&gate)), 1).max_queue(0),
            "max_queue",
        ),
    ] {
        let refused = node
            .spawn(spec.spec())
            .await
            .expect_err("a pool of nothing");
        assert_eq!(refused, StartError::Init(ExitReason::from(bad(what))));
    }
    assert_eq!(node.processes().len(), before);
    let pool = node
        .spawn(pool::of(Worker::spec(gate), 2).spec())
        .await
        .unwrap();
    let refused = pool::resize(&pool, 0).await;
    assert_eq!(refused, Err(sys::SysError::Refused(bad("workers"))));
    assert_eq!(pool::info(&pool).await.unwrap().workers, 2);
    node.stop().await;
}

fn fragile_key(message: &WorkerMsg) -> u64 {
    match message {
        WorkerMsg::Whose(key, _) if key == "bad" => panic!("no key"),
        other => key(other),
    }
}

#[tokio::test]
async fn a_key_that_panics_costs_its_message_only() {
    let node = node("bad-key@test").await;
    let spec = pool::of(Worker::spec(closed_gate()), 2).route(Routing::Key(fragile_key));
    let pool = start(&node, spec).await;
    let before = pool.whose("good".to_owned()).await.unwrap();
    let refused = pool.whose("bad".to_owned()).await;
    let panicked = CallError::Exit(ExitReason::Panic("no key".into()));
    assert_eq!(refused, Err(panicked));
    assert_eq!(pool.whose("good".to_owned()).await, Ok(before));
    assert_eq!(info(&pool).await.refused, 1);
    node.stop().await;
}
