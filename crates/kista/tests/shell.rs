//! Dangers in the shell of a process: wake-ups that get lost, ends that somebody does not hear of.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::Poll;
use std::time::Duration;

use kista::{
    Address, Atom, CallError, Cx, Dest, ExitReason, Flow, GenServer, Info, InitStop, Message, Node,
    Pid, ReplyTo, ServerRef, StartError, gen_server, spec,
};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A guard against hanging, not a promise.
const SOON: Duration = Duration::from_secs(60);

/// Does what the danger at hand needs.
struct Hand {
    held: Vec<ReplyTo<i64>>,
    downs: Vec<ExitReason>,
}

#[gen_server(local)]
impl Hand {
    #[init]
    fn new() -> Self {
        Hand {
            held: Vec::new(),
            downs: Vec::new(),
        }
    }
    #[cast]
    async fn hang(&mut self) {
        pending::<()>().await;
    }
    #[cast]
    async fn wait_for(&mut self, gate: oneshot::Receiver<()>) {
        let _ = gate.await;
    }
    #[cast]
    fn nothing(&mut self) {}
    #[cast]
    fn drop_it(&mut self, _bomb: Bomb) {}
    #[call]
    fn pong(&self) -> bool {
        true
    }
    #[call]
    fn hold(&mut self, reply: ReplyTo<i64>) {
        self.held.push(reply);
    }
    #[call]
    fn hand_over(&mut self, to: ServerRef<Hand>, reply: ReplyTo<i64>) {
        to.take_over(Handed(reply));
    }
    #[call]
    fn lose_in_a_task_that_panics(&mut self, reply: ReplyTo<i64>) {
        tokio::spawn(async move {
            let _reply = reply;
            panic!("a plain task");
        });
    }
    #[cast]
    fn take_over(&mut self, handed: Handed) {
        self.held.push(handed.0);
    }
    #[cast]
    fn stop_for(&mut self, reason: ExitReason) -> Flow {
        Flow::Stop(reason)
    }
    #[call]
    fn watch(&mut self, target: Dest, cx: &mut Cx<Self>) {
        cx.monitor(target);
    }
    #[call]
    fn link(&mut self, target: Pid, cx: &mut Cx<Self>) {
        cx.link(target);
    }
    #[call]
    fn downs(&self) -> Vec<ExitReason> {
        self.downs.clone()
    }
    #[info(other)]
    fn other(&mut self, info: Info) {
        if let Info::Down { reason, .. } = info {
            self.downs.push(reason);
        }
    }
}

/// A token on its way to another process.
struct Handed(ReplyTo<i64>);

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb in a message");
    }
}

async fn node() -> Node {
    Node::builder("shell@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

async fn hand(node: &Node) -> (ServerRef<Hand>, Pid) {
    let hand = node.spawn(Hand::spec()).await.unwrap();
    let pid = pid(&hand);
    (hand, pid)
}

fn pid<S: GenServer>(server: &ServerRef<S>) -> Pid {
    let Dest::Pid(pid) = server.dest() else {
        panic!("a spawned server has a pid")
    };
    pid
}

fn atom(text: &'static str) -> ExitReason {
    ExitReason::from(Atom::from_static(text))
}

async fn downs(watcher: &ServerRef<Hand>) -> Vec<ExitReason> {
    timeout(SOON, async {
        loop {
            let downs = watcher.downs().await.unwrap();
            if !downs.is_empty() {
                return downs;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("a DOWN")
}

#[tokio::test]
async fn a_process_that_took_a_whole_batch_and_waits_still_hears_signals() {
    let node = node().await;
    for queued in [126, 127, 128, 129, 300] {
        let (hand, pid) = hand(&node).await;
        hand.hang();
        (0..queued).for_each(|_| drop(hand.nothing()));
        tokio::task::yield_now().await;
        let info = timeout(SOON, node.process_info(pid)).await;
        assert_eq!(
            info.expect("lost wake-up").unwrap().message_queue_len,
            queued
        );
        node.exit(pid, ExitReason::Kill);
        timeout(SOON, async {
            while node.is_alive(pid) {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("deaf to kill");
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_up_is_lost_between_batches_and_gates() {
    let node = node().await;
    for round in 0..5_000 {
        let (hand, pid) = hand(&node).await;
        let (open, gate) = oneshot::channel();
        hand.wait_for(gate);
        (0..round % 300).for_each(|_| drop(hand.nothing()));
        let opener = tokio::spawn(async move {
            let _ = open.send(());
        });
        if round % 2 == 0 {
            assert_eq!(timeout(SOON, hand.pong()).await.expect("stuck"), Ok(true));
        }
        node.exit(pid, ExitReason::Kill);
        let end = timeout(SOON, hand.hold().forever()).await.expect("stuck");
        assert!(end.is_err());
        opener.await.unwrap();
    }
    node.stop().await;
}

#[tokio::test]
async fn a_flooded_process_that_waits_leaves_its_thread_to_others() {
    const SIGNALS: usize = 200_000;
    let node = node().await;
    let (hand, pid) = hand(&node).await;
    hand.hang();
    tokio::task::yield_now().await;
    for _ in 0..SIGNALS {
        node.exit(pid, ExitReason::Normal);
    }
    let turns = Arc::new(AtomicUsize::new(0));
    let other = tokio::spawn({
        let turns = Arc::clone(&turns);
        // Runnable at once again, unlike `yield_now`, which waits for the driver.
        poll_fn(move |cx| -> Poll<()> {
            turns.fetch_add(1, Relaxed);
            cx.waker().wake_by_ref();
            Poll::Pending
        })
    });
    // Answered behind the flood.
    let info = timeout(SOON, node.process_info(pid)).await;
    assert_eq!(info.expect("an answer").unwrap().message_queue_len, 0);
    let turns = turns.load(Relaxed);
    assert!(turns > SIGNALS / 5_000, "the other task had {turns} turns");
    other.abort();
    node.exit(pid, ExitReason::Kill);
    node.stop().await;
}

#[tokio::test]
async fn what_came_behind_a_flood_of_signals_is_answered_when_the_process_ends() {
    let node = node().await;
    let (watcher, _) = hand(&node).await;
    let (victim, pid) = hand(&node).await;
    victim.hang();
    tokio::task::yield_now().await;
    for _ in 0..10_000 {
        node.exit(pid, ExitReason::Normal);
    }
    node.exit(pid, atom("foo"));
    for _ in 0..10_000 {
        node.exit(pid, ExitReason::Normal);
    }
    let call = victim.hold().send_request();
    watcher.watch(Dest::Pid(pid)).await.unwrap();
    // As OTP answers what comes behind the end.
    assert_eq!(downs(&watcher).await, [ExitReason::NoProc]);
    assert_eq!(
        timeout(SOON, call).await.expect("an answer"),
        Err(CallError::Exit(atom("foo")))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_message_that_panics_when_dropped_keeps_nobody_from_hearing_of_the_end() {
    let node = node().await;
    let (watcher, _) = hand(&node).await;
    let (victim, pid) = hand(&node).await;
    watcher.watch(Dest::Pid(pid)).await.unwrap();
    victim.hang();
    victim.drop_it(Bomb);
    let call = {
        let victim = victim.clone();
        tokio::spawn(async move { victim.hold().forever().await })
    };
    tokio::task::yield_now().await;
    node.exit(pid, atom("foo"));
    assert_eq!(downs(&watcher).await, [atom("foo")]);
    assert_eq!(
        timeout(SOON, call).await.unwrap().unwrap(),
        Err(CallError::Exit(atom("foo")))
    );
    node.stop().await;
}

#[tokio::test]
async fn kill_as_a_reason_of_ones_own_is_seen_as_it_is() {
    let node = node().await;
    let (watcher, _) = hand(&node).await;
    let (victim, victim_pid) = hand(&node).await;
    let (linked, linked_pid) = hand(&node).await;
    linked.link(victim_pid).await.unwrap();
    watcher.watch(Dest::Pid(linked_pid)).await.unwrap();
    // As `exit(kill)`, which is not `exit(Pid, kill)`: the link carries `kill`, and so does the DOWN of who it ends.
    victim.stop_for(ExitReason::Kill);
    assert_eq!(downs(&watcher).await, [ExitReason::Kill]);
    node.stop().await;
}

#[tokio::test]
async fn a_token_lost_by_another_process_or_task_refuses_the_call() {
    let node = node().await;
    let (server, _) = hand(&node).await;
    let refused = |result: Result<i64, CallError>| match result {
        Err(CallError::Exit(reason)) => {
            assert!(reason.to_term().as_tagged("no_reply").is_some(), "{reason}")
        }
        other => panic!("not refused: {other:?}"),
    };
    // A worker that ends with the token in its state.
    let (worker, worker_pid) = hand(&node).await;
    let asked = {
        let (server, worker) = (server.clone(), worker.clone());
        tokio::spawn(async move { server.hand_over(worker).forever().await })
    };
    tokio::task::yield_now().await;
    worker.pong().await.unwrap();
    node.exit(worker_pid, ExitReason::Kill);
    refused(timeout(SOON, asked).await.expect("held").unwrap());
    // A worker that ends with the token in its queue.
    let (worker, worker_pid) = hand(&node).await;
    worker.hang();
    let asked = {
        let (server, worker) = (server.clone(), worker.clone());
        tokio::spawn(async move { server.hand_over(worker).forever().await })
    };
    server.pong().await.unwrap();
    tokio::task::yield_now().await;
    node.exit(worker_pid, ExitReason::Kill);
    refused(timeout(SOON, asked).await.expect("queued").unwrap());
    // A plain task that panics.
    refused(
        timeout(SOON, server.lose_in_a_task_that_panics().forever())
            .await
            .expect("panicked"),
    );
    assert!(server.is_alive());
    node.stop().await;
}

/// Ends in `init` for a reason that is also a word for something else.
struct Refusing;

enum Nothing {}
impl Message for Nothing {}

impl GenServer for Refusing {
    type Args = InitStop;
    type Msg = Nothing;
    type Client = Address<Nothing>;

    async fn init(why: InitStop, _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Err(why)
    }

    async fn handle(&mut self, message: Nothing, _cx: &mut Cx<Self>) -> Flow {
        match message {}
    }
}

#[tokio::test]
async fn a_start_that_failed_with_noproc_was_not_ignored() {
    let node = node().await;
    for reason in [
        ExitReason::NoProc,
        ExitReason::NoConnection,
        ExitReason::Kill,
    ] {
        let start = node.spawn(spec::<Refusing>(InitStop::Stop(reason.clone())));
        assert_eq!(start.await.unwrap_err(), StartError::Init(reason));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_was_ignored_has_freed_its_name() {
    let node = node().await;
    for _ in 0..5_000 {
        let start = node.spawn(spec::<Refusing>(InitStop::Ignore)).name("same");
        assert_eq!(start.await.unwrap_err(), StartError::Ignored);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_a_process_that_lost_its_name_gets_an_answer() {
    let node = node().await;
    node.spawn(Hand::spec()).name("taken").await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let asking = {
        let (node, done) = (node.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Relaxed) {
                for pid in node.processes() {
                    timeout(SOON, node.process_info(pid))
                        .await
                        .expect("no answer");
                }
                tokio::task::yield_now().await;
            }
        })
    };
    for _ in 0..20_000 {
        let start = node.spawn(Hand::spec()).name("taken").await;
        assert!(matches!(start, Err(StartError::AlreadyStarted(_))));
    }
    done.store(true, Relaxed);
    asking.await.unwrap();
    node.stop().await;
}

/// Has a child started for it by somebody else.
struct Parent;

#[gen_server(local)]
impl Parent {
    #[init]
    fn new() -> Self {
        Parent
    }
    #[call]
    fn spawn_of(&self, cx: &mut Cx<Self>) -> kista::Spawn<Hand> {
        cx.spawn_link(Hand::spec())
    }
}

#[tokio::test]
async fn a_child_started_after_its_parents_end_does_not_outlive_it() {
    let node = node().await;
    let parent = node.spawn(Parent::spec()).await.unwrap();
    let start = parent.spawn_of().await.unwrap();
    parent.stop().await.unwrap();
    match start.await {
        Err(error) => assert_eq!(error, StartError::Init(ExitReason::NoProc)),
        Ok(child) => {
            let end = timeout(SOON, child.hold().forever()).await;
            assert!(end.expect("an orphan").is_err());
        }
    }
    node.stop().await;
}

#[test]
fn the_end_of_the_runtime_ends_its_processes() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (node, hand, mut events) = runtime.block_on(async {
        let node = node().await;
        let hand = node.spawn(Hand::spec()).name("hand").await.unwrap();
        let events = node.events();
        hand.hang();
        (node, hand, events)
    });
    let other = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let called = hand.clone();
    let call = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async { timeout(SOON, called.hold().forever()).await })
    });
    std::thread::sleep(Duration::from_millis(100));
    drop(runtime);
    let outcome = call.join().unwrap().expect("the call hangs");
    assert_eq!(outcome, Err(CallError::Exit(ExitReason::Killed)));
    assert_eq!(node.whereis("hand"), None);
    assert!(!hand.is_alive());
    other.block_on(async {
        let start = timeout(SOON, async { node.spawn(Hand::spec()).await });
        assert!(start.await.expect("the start hangs").is_err());
    });
    drop((node, hand));
    let gone = other.block_on(async { timeout(SOON, events.next()).await });
    assert_eq!(gone.expect("the node is leaked"), None);
}

/// Counts what it handles; tells when it is asked by another.
struct Counted(Arc<AtomicUsize>);

#[gen_server(local)]
impl Counted {
    #[init]
    fn new(count: Arc<AtomicUsize>) -> Self {
        Counted(count)
    }
    #[cast]
    fn one(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
    #[call]
    fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

#[tokio::test]
async fn a_flood_of_messages_leaves_the_thread_to_others_after_128() {
    let node = node().await;
    let count = Arc::new(AtomicUsize::new(0));
    let flooded = node.spawn(Counted::spec(Arc::clone(&count))).await.unwrap();
    let other = node.spawn(Counted::spec(Arc::clone(&count))).await.unwrap();
    // One thread: nothing runs before the first await, and then the flooded one is first.
    for _ in 0..10_000 {
        flooded.one();
    }
    let seen = other.count().await.unwrap();
    assert!((1..=128).contains(&seen), "{seen} messages in one go");
    while count.load(Relaxed) < 10_000 {
        tokio::task::yield_now().await;
    }
    node.stop().await;
}

/// Its state panics when it is dropped.
struct Volatile {
    _bomb: Bomb,
}

#[gen_server(local)]
impl Volatile {
    #[init]
    fn new() -> Self {
        Volatile { _bomb: Bomb }
    }
    #[call]
    fn here(&self) {}
}

#[tokio::test]
async fn a_state_that_panics_when_dropped_keeps_nobody_from_hearing_of_the_end() {
    let node = node().await;
    for stopped in [false, true] {
        let (watcher, _) = hand(&node).await;
        let volatile = node.spawn(Volatile::spec()).name("volatile").await.unwrap();
        watcher.watch(volatile.dest()).await.unwrap();
        volatile.here().await.unwrap();
        if stopped {
            // It ended as asked: what its state did afterwards is only logged.
            let stop = timeout(SOON, volatile.stop())
                .await
                .expect("the stop hangs");
            assert_eq!(stop, Ok(()));
        } else {
            node.exit(pid(&volatile), ExitReason::Kill);
        }
        let downs = downs(&watcher).await;
        match stopped {
            false => assert_eq!(downs, [ExitReason::Killed]),
            true => assert_eq!(downs, [ExitReason::Normal]),
        }
        assert_eq!(node.whereis("volatile"), None);
    }
    node.stop().await;
}
