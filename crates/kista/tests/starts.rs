//! What must not be told apart although the first step of a server's `init` is done by whoever starts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use kista::{Cx, ExitReason, Node, ServerRef, StartError, gen_server};
use tokio::runtime::Handle;

async fn node() -> Node {
    let builder = Node::builder("starts@localhost").no_network();
    builder
        .start()
        .await
        .expect("a node without network starts")
}

/// One of a chain: its `init` starts the next one.
struct Link {
    next: Option<ServerRef<Link>>,
}

#[gen_server(local)]
impl Link {
    #[init]
    async fn new(left: u32, cx: &mut Cx<Self>) -> Result<Self, ExitReason> {
        let node = cx.node().clone();
        let next = match left {
            0 => None,
            // Boxed: a future cannot contain itself.
            _ => Some(
                Box::pin(async move { node.spawn(Link::spec(left - 1)).await })
                    .await
                    .map_err(|_| ExitReason::Killed)?,
            ),
        };
        Ok(Link { next })
    }

    #[call]
    fn next(&self) -> Option<ServerRef<Link>> {
        self.next.clone()
    }
}

#[test]
fn a_chain_of_servers_that_start_each_other_is_no_recursion() {
    const LONG: u32 = 3_000;
    // On the smallest stacks; a frame for each link would need many times as much.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_stack_size(256 << 10)
        .enable_time()
        .build()
        .unwrap();
    let chain = runtime.spawn(async {
        let node = node().await;
        let mut last = node.spawn(Link::spec(LONG)).await.unwrap();
        let mut links = 0;
        while let Some(next) = last.next().await.unwrap() {
            last = next;
            links += 1;
        }
        assert_eq!(links, LONG);
        node.stop().await;
    });
    runtime.block_on(chain).unwrap();
}

/// Remembers where its `init` ran.
struct Where {
    runtime: tokio::runtime::Id,
}

#[gen_server(local)]
impl Where {
    #[init]
    fn new() -> Self {
        Where {
            runtime: Handle::current().id(),
        }
    }

    #[call]
    fn is_in(&self, runtime: tokio::runtime::Id) -> bool {
        self.runtime == runtime
    }
}

#[test]
fn init_runs_in_the_nodes_runtime_wherever_the_start_is_awaited() {
    let runtime = || {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap()
    };
    let (home, other) = (runtime(), runtime());
    let node = home.block_on(node());
    let server = other.block_on(async { node.spawn(Where::spec()).await.unwrap() });
    assert!(other.block_on(server.is_in(home.handle().id())).unwrap());
    home.block_on(node.stop());
}

#[tokio::test]
async fn who_starts_servers_without_end_lets_others_run() {
    let node = node().await;
    let ran = Arc::new(AtomicBool::new(false));
    let other = tokio::spawn({
        let ran = Arc::clone(&ran);
        async move { ran.store(true, Relaxed) }
    });
    while !ran.load(Relaxed) {
        node.spawn(Where::spec()).await.unwrap();
    }
    other.await.unwrap();
    node.stop().await;
}

/// Sends in its `init`.
struct Loud;

#[gen_server(local)]
impl Loud {
    #[init]
    fn new(messages: u64, cx: &mut Cx<Self>) -> Self {
        for n in 0..messages {
            drop(cx.send(cx.pid(), &n));
        }
        Loud
    }
}

#[tokio::test]
async fn what_init_sends_is_counted_for_the_new_process_alone() {
    let node = node().await;
    let (give, taken) = tokio::sync::oneshot::channel();
    let starter = node
        .spawn_fn(async move |mut cx| {
            let loud = cx.node().spawn(Loud::spec(3)).await.unwrap();
            let _ = give.send(loud);
            cx.receive().await;
        })
        .unwrap();
    let loud = taken.await.unwrap();
    let pid = loud.dest();
    let kista::Dest::Pid(pid) = pid else {
        panic!("a handle of a process here has its pid")
    };
    assert_eq!(node.process_info(pid).await.unwrap().messages_out, 3);
    assert_eq!(node.process_info(starter).await.unwrap().messages_out, 0);
    node.stop().await;
}

/// Says when its `init` has run.
struct Marked;

#[gen_server(local)]
impl Marked {
    #[init]
    fn new(ran: Arc<AtomicBool>) -> Self {
        ran.store(true, Relaxed);
        Marked
    }
}

#[tokio::test]
async fn what_is_linked_with_a_starter_that_is_no_more_ends_before_its_init() {
    let node = node().await;
    let ran = Arc::new(AtomicBool::new(false));
    let spec = Marked::spec(Arc::clone(&ran));
    let (give, taken) = tokio::sync::oneshot::channel();
    let starter = node.spawn_fn(async move |cx| {
        let _ = give.send(cx.spawn_link(spec));
    });
    let start = taken.await.unwrap();
    let starter = starter.unwrap();
    while node.is_alive(starter) {
        tokio::task::yield_now().await;
    }
    let started = start.await;
    assert_eq!(started.err(), Some(StartError::Init(ExitReason::NoProc)));
    assert!(!ran.load(Relaxed));
    node.stop().await;
}

/// Blocks the thread of its `init` until it is let go.
struct Blocks;

#[gen_server(local)]
impl Blocks {
    #[init]
    fn new(go: Arc<AtomicBool>) -> Self {
        while !go.load(Relaxed) {
            std::thread::yield_now();
        }
        Blocks
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_with_a_time_limit_is_not_held_by_an_init_that_blocks() {
    let node = node().await;
    let go = Arc::new(AtomicBool::new(false));
    let start = node.spawn(Blocks::spec(Arc::clone(&go)));
    let start = start.timeout(std::time::Duration::from_millis(10));
    assert_eq!(start.await.err(), Some(StartError::Timeout));
    go.store(true, Relaxed);
    node.stop().await;
}
