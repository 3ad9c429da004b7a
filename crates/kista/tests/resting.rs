//! What must not be told apart although a server has no task until it is sent something, and may end without ever having had one.

#[path = "../../../examples/starts/round.rs"]
mod round;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use kista::{
    Atom, CallError, Cx, Dest, ExitReason, Info, Node, Pid, ServerRef, Status, gen_server,
};
use tokio::runtime::Runtime;
use tokio::time::timeout;

/// Only a guard against hanging.
const SOON: Duration = Duration::from_secs(60);

async fn node() -> Node {
    let builder = Node::builder("resting@localhost").no_network();
    builder
        .start()
        .await
        .expect("a node without network starts")
}

/// Says as whom it ends, and takes a second step for it when it is told to.
struct Quiet {
    ended: Arc<AtomicUsize>,
    slowly: bool,
}

#[gen_server(local)]
impl Quiet {
    #[init]
    fn new(ended: Arc<AtomicUsize>, slowly: bool) -> Self {
        Quiet { ended, slowly }
    }

    #[call]
    fn own_pid(&self, cx: &mut Cx<Self>) -> Pid {
        cx.pid()
    }

    #[terminate]
    async fn terminate(&mut self, reason: &ExitReason, cx: &mut Cx<Self>) {
        assert_eq!(*reason, ExitReason::Normal);
        // A call to itself is seen for what it is only where it runs as itself.
        let me = cx.server_ref();
        let calling_self = CallError::Exit(Atom::from_static("calling_self").into());
        assert_eq!(me.own_pid().await, Err(calling_self));
        if self.slowly {
            tokio::task::yield_now().await;
        }
        self.ended.fetch_add(1, Relaxed);
    }
}

fn pid_of<S: kista::GenServer<Client: kista::Client<S::Msg>>>(server: &ServerRef<S>) -> Pid {
    match Dest::from(server) {
        Dest::Pid(pid) => pid,
        other => panic!("a handle of a process here has its pid, not {other:?}"),
    }
}

async fn quiet(node: &Node, slowly: bool) -> (ServerRef<Quiet>, Arc<AtomicUsize>) {
    let ended = Arc::new(AtomicUsize::new(0));
    let server = node.spawn(Quiet::spec(Arc::clone(&ended), slowly)).await;
    (server.unwrap(), ended)
}

#[tokio::test]
async fn a_server_that_was_never_asked_terminates_once_and_as_itself_when_it_is_stopped() {
    let node = node().await;
    for slowly in [false, true] {
        let (server, ended) = quiet(&node, slowly).await;
        assert_eq!(server.stop().await, Ok(()));
        assert_eq!(ended.load(Relaxed), 1);
        assert_eq!(server.stop().await, Err(CallError::NoProc));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_that_stop_it_at_once_both_hear_of_the_one_end() {
    let node = node().await;
    for n in 0..500 {
        let (server, ended) = quiet(&node, n % 2 == 0).await;
        let other = server.clone();
        let other = tokio::spawn(async move { other.stop().await });
        for outcome in [server.stop().await, other.await.unwrap()] {
            assert!(
                matches!(outcome, Ok(()) | Err(CallError::NoProc)),
                "{outcome:?}"
            );
        }
        assert_eq!(ended.load(Relaxed), 1);
    }
    node.stop().await;
}

#[tokio::test]
async fn a_stop_with_a_time_limit_ends_one_at_rest_too() {
    let node = node().await;
    let (server, ended) = quiet(&node, false).await;
    let stopped = server.stop_with(ExitReason::Normal, Some(SOON)).await;
    assert_eq!((stopped, ended.load(Relaxed)), (Ok(()), 1));
    node.stop().await;
}

#[tokio::test]
async fn whatever_is_sent_first_reaches_a_server_at_rest() {
    let node = node().await;
    let (asked, _) = quiet(&node, false).await;
    assert_eq!(asked.own_pid().await, Ok(pid_of(&asked)));

    let (looked_at, _) = quiet(&node, false).await;
    let summary = node
        .process_list()
        .into_iter()
        .find(|p| p.pid == pid_of(&looked_at));
    assert_eq!(summary.unwrap().status, Status::Waiting);
    let info = timeout(SOON, node.process_info(pid_of(&looked_at))).await;
    assert_eq!(info.unwrap().unwrap().status, Status::Waiting);

    let (killed, ended) = quiet(&node, false).await;
    let victim = pid_of(&killed);
    let (give, taken) = tokio::sync::oneshot::channel();
    let watcher = node.spawn_fn(async move |mut cx| {
        cx.monitor(victim);
        cx.exit(victim, ExitReason::Kill);
        let _ = give.send(cx.receive().await);
    });
    watcher.unwrap();
    let down = timeout(SOON, taken).await.unwrap().unwrap();
    assert!(
        matches!(
            &down,
            Info::Down {
                reason: ExitReason::Killed,
                ..
            }
        ),
        "{down:?}"
    );
    assert_eq!(ended.load(Relaxed), 0, "a killed one does not terminate");
    node.stop().await;
}

/// Its `terminate` stops the next one.
struct Chained(Option<ServerRef<Chained>>);

#[gen_server(local)]
impl Chained {
    #[init]
    fn new(next: Option<ServerRef<Chained>>) -> Self {
        Chained(next)
    }

    #[terminate]
    async fn terminate(&mut self, _reason: &ExitReason) {
        if let Some(next) = &self.0 {
            // Boxed: a future cannot contain itself.
            let stopped: std::pin::Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(next.stop());
            assert_eq!(stopped.await, Ok(()));
        }
    }
}

/// A runtime on the smallest stacks; a frame for each link of a chain would need many times as much.
fn small_stacks() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).thread_stack_size(256 << 10);
    builder.build().unwrap()
}

#[test]
fn a_chain_of_servers_that_stop_each_other_is_no_recursion() {
    let runtime = small_stacks();
    let chain = runtime.spawn(async {
        let node = node().await;
        let mut first = None;
        for _ in 0..3_000 {
            first = Some(node.spawn(Chained::spec(first)).await.unwrap());
        }
        assert_eq!(first.unwrap().stop().await, Ok(()));
        assert_eq!(
            node.processes().len(),
            node.registered().len(),
            "some did not end"
        );
        node.stop().await;
    });
    runtime.block_on(chain).unwrap();
}

/// Tells the next one when it is dropped.
struct Telling {
    next: Option<ServerRef<Telling>>,
    gone: Arc<AtomicUsize>,
}

#[gen_server(local)]
impl Telling {
    #[init]
    fn new(next: Option<ServerRef<Telling>>, gone: Arc<AtomicUsize>) -> Self {
        Telling { next, gone }
    }

    #[cast]
    fn told(&mut self) {}
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.gone.fetch_add(1, Relaxed);
        if let Some(next) = &self.next {
            drop(next.told());
        }
    }
}

#[test]
fn the_end_of_the_runtime_ends_servers_at_rest_each_in_its_turn() {
    const SERVERS: usize = 3_000;
    let gone = Arc::new(AtomicUsize::new(0));
    let runtime = small_stacks();
    let started = runtime.spawn({
        let gone = Arc::clone(&gone);
        async move {
            let node = node().await;
            let mut first = None;
            for _ in 0..SERVERS {
                first = Some(
                    node.spawn(Telling::spec(first, Arc::clone(&gone)))
                        .await
                        .unwrap(),
                );
            }
            let named = node.spawn(Telling::spec(None, gone)).name("named");
            (named.await.unwrap(), node)
        }
    });
    let (named, node) = runtime.block_on(started).unwrap();
    // On a thread whose stack is as small.
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    thread.spawn(move || drop(runtime)).unwrap().join().unwrap();
    assert_eq!(gone.load(Relaxed), SERVERS + 1);
    assert!(!named.is_alive());
    assert_eq!((node.whereis("named"), node.processes().len()), (None, 0));
}

/// Remembers whether a task-local of somebody else was to be seen when it was asked something.
struct Curious;

tokio::task_local! {
    static OF_THE_STARTER: u32;
}

#[gen_server(local)]
impl Curious {
    #[init]
    fn new() -> Self {
        Curious
    }

    #[call]
    fn sees(&self) -> bool {
        OF_THE_STARTER.try_with(|_| ()).is_ok()
    }
}

#[tokio::test]
async fn who_wakes_a_server_does_not_lend_it_its_task_locals() {
    let node = node().await;
    let asked = async {
        let curious = node.spawn(Curious::spec()).await.unwrap();
        curious.sees().await
    };
    assert_eq!(OF_THE_STARTER.scope(1, asked).await, Ok(false));
    node.stop().await;
}

#[tokio::test]
async fn who_stops_servers_without_end_lets_others_run() {
    let node = node().await;
    let ran = Arc::new(AtomicBool::new(false));
    let mut servers = Vec::new();
    for _ in 0..1_000 {
        servers.push(quiet(&node, false).await.0);
    }
    tokio::spawn({
        let ran = Arc::clone(&ran);
        async move { ran.store(true, Relaxed) }
    });
    for server in servers {
        server.stop().await.unwrap();
    }
    assert!(ran.load(Relaxed));
    node.stop().await;
}

/// The same with a million is the example `starts`.
const SERVERS: usize = 20_000;

#[tokio::test]
async fn servers_come_and_go_without_a_trace_on_one_thread() {
    let node = node().await;
    assert!(round::round(&node, SERVERS).await >= SERVERS / 2);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_come_and_go_without_a_trace_on_several_threads() {
    let node = node().await;
    assert!(round::round(&node, SERVERS).await >= SERVERS / 2);
    node.stop().await;
}
