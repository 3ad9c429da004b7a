//! Dangers in `Node::stop`, and in what outlives it.

#[path = "support/port.rs"]
mod port;

use port::free_port;
use std::future::pending;
use std::time::Duration;

use kista::application::{Application, StartType};
use kista::supervisor::{Child, Supervisor};
use kista::{
    Address, CallError, Cx, Dest, Dynamic, EpmdMode, ExitReason, Flow, GenServer, InitStop, Node,
    Pid, ReplyTo, ServerRef, StartError, Term, gen_server, spec,
};
use tokio::time::{Instant, timeout};

/// A guard against hanging, not a promise.
const SOON: Duration = Duration::from_secs(60);

/// The longest that a node waits for its servers.
const STOP_TIME: Duration = Duration::from_secs(5);

/// Hangs, blocks, or stops its own node.
struct Hand;

#[gen_server(local)]
impl Hand {
    #[init]
    fn new() -> Self {
        Hand
    }
    #[cast]
    async fn hang(&mut self) {
        pending::<()>().await;
    }
    #[cast]
    fn block(&mut self, time: Duration) {
        std::thread::sleep(time);
    }
    #[call]
    fn never(&mut self, reply: ReplyTo<i64>) {
        std::mem::forget(reply);
    }
    #[cast]
    async fn stop_the_node(&mut self, cx: &mut Cx<Self>) {
        cx.node().stop().await;
    }
}

/// Takes any term and answers none.
struct Silent(Vec<ReplyTo<Term>>);

impl GenServer for Silent {
    type Args = ();
    type Msg = Dynamic;
    type Client = Address<Dynamic>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self(Vec::new()))
    }

    async fn handle(&mut self, message: Dynamic, _cx: &mut Cx<Self>) -> Flow {
        if let Dynamic::Call(_, reply) = message {
            self.0.push(reply);
        }
        Flow::Continue
    }
}

async fn node() -> Node {
    Node::builder("stop@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

async fn pair() -> (Node, Node) {
    let port = free_port();
    let start = async |name: &str| {
        Node::builder(name)
            .cookie("stop")
            .epmd(EpmdMode::Embedded)
            .epmd_port(port)
    };
    let a = start("a-stop@127.0.0.1").await.start().await.unwrap();
    let b = start("b-stop@127.0.0.1")
        .await
        .epmd(EpmdMode::Running)
        .start()
        .await
        .unwrap();
    (a, b)
}

fn pid(server: &ServerRef<Hand>) -> Pid {
    let Dest::Pid(pid) = server.dest() else {
        panic!("a spawned server has a pid")
    };
    pid
}

#[tokio::test]
async fn a_stop_that_was_given_up_is_finished_by_the_next() {
    let (a, b) = pair().await;
    a.connect("b-stop@127.0.0.1").await.unwrap();
    let hand = a.spawn(Hand::spec()).await.unwrap();
    hand.hang();
    assert!(timeout(Duration::from_millis(20), a.stop()).await.is_err());
    a.exit(pid(&hand), ExitReason::Kill);
    timeout(SOON, a.stop())
        .await
        .expect("the second stop hangs");
    assert!(a.connect("b-stop@127.0.0.1").await.is_err());
    assert!(a.hidden_nodes().is_empty(), "the network still runs");
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_at_once_return_when_all_is_done() {
    let (a, b) = pair().await;
    a.connect("b-stop@127.0.0.1").await.unwrap();
    let stops: Vec<_> = (0..4)
        .map(|_| {
            let a = a.clone();
            tokio::spawn(async move {
                a.stop().await;
                a.hidden_nodes()
            })
        })
        .collect();
    for stop in stops {
        assert!(timeout(SOON, stop).await.unwrap().unwrap().is_empty());
    }
    timeout(SOON, a.stop()).await.unwrap();
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_from_inside_a_handler_stops_the_node() {
    let (a, b) = pair().await;
    a.connect("b-stop@127.0.0.1").await.unwrap();
    let hand = a.spawn(Hand::spec()).await.unwrap();
    hand.stop_the_node();
    timeout(SOON, async {
        while !a.hidden_nodes().is_empty() || !a.processes().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the node lives on");
    assert_eq!(
        a.spawn(Hand::spec()).await.unwrap_err(),
        StartError::NodeStopped
    );
    b.stop().await;
}

#[test]
fn a_node_is_stopped_from_anywhere() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let node = runtime.block_on(node());
    let hand = runtime.block_on(async { node.spawn(Hand::spec()).await.unwrap() });
    // No runtime here.
    let stopped = node.clone();
    let thread = std::thread::spawn(move || block_on(stopped.stop()));
    thread.join().unwrap();
    assert!(!hand.is_alive());
    drop(runtime);
    // Nor anywhere.
    block_on(node.stop());
}

/// The least executor there is.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(value) => return value,
            std::task::Poll::Pending => std::thread::park(),
        }
    }
}

#[tokio::test]
async fn a_call_from_outside_neither_holds_up_the_stop_nor_outlives_it() {
    let (a, b) = pair().await;
    b.spawn(spec::<Silent>(())).name("silent").await.unwrap();
    a.spawn(spec::<Silent>(())).name("silent").await.unwrap();
    let calls = [
        tokio::spawn(a.call::<Term>(("silent", "b-stop@127.0.0.1"), &1).forever()),
        tokio::spawn(a.call::<Term>("silent", &1).forever()),
    ];
    tokio::time::sleep(Duration::from_millis(200)).await;
    let begun = Instant::now();
    timeout(SOON, a.stop())
        .await
        .expect("a call holds up the stop");
    assert!(begun.elapsed() < STOP_TIME);
    let mut ends = Vec::new();
    for call in calls {
        ends.push(timeout(SOON, call).await.expect("the call hangs").unwrap());
    }
    assert_eq!(
        ends,
        [
            Err(CallError::NoConnection),
            Err(CallError::Exit(ExitReason::Shutdown))
        ]
    );
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlines_are_kept_also_after_the_stop() {
    let node = node().await;
    let hand = node.spawn(Hand::spec()).await.unwrap();
    hand.block(Duration::from_secs(8));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let call = {
        let hand = hand.clone();
        tokio::spawn(async move { hand.never().timeout(Duration::from_secs(7)).await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    // Gives up after 6 s: nobody can end a handler that blocks its thread.
    node.stop().await;
    let end = timeout(SOON, call).await.expect("never timed out").unwrap();
    assert_eq!(end, Err(CallError::Timeout));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_at_most_one_tick_late_and_never_early() {
    let node = node().await;
    let hand = node.spawn(Hand::spec()).await.unwrap();
    for n in 0..2_000 {
        let asked = Duration::from_micros(n * 137 % 33_000);
        tokio::time::advance(Duration::from_micros(n * 731 % 12_000)).await;
        let begun = Instant::now();
        assert_eq!(hand.never().timeout(asked).await, Err(CallError::Timeout));
        let took = begun.elapsed();
        assert!(took >= asked, "{took:?} of {asked:?}");
        // The clock of tokio's timers has a granularity of 1 ms.
        let limit = asked + Duration::from_millis(12);
        assert!(took <= limit, "{took:?} of {asked:?}");
    }
    node.stop().await;
}

#[tokio::test]
async fn nothing_of_a_stopped_node_is_left() {
    let (a, b) = pair().await;
    a.spawn(Hand::spec()).await.unwrap();
    a.connect("b-stop@127.0.0.1").await.unwrap();
    let (mut of_a, mut of_b) = (a.events(), b.events());
    a.stop().await;
    b.stop().await;
    drop((a, b));
    for events in [&mut of_a, &mut of_b] {
        timeout(SOON, async { while events.next().await.is_some() {} })
            .await
            .expect("a node is leaked");
    }
}

/// Never comes to its end by itself.
struct Stubborn;

#[gen_server(local)]
impl Stubborn {
    #[init]
    fn new() -> Self {
        Stubborn
    }
    #[call]
    fn never(&mut self, reply: ReplyTo<i64>) {
        std::mem::forget(reply);
    }
    #[call]
    fn here(&self) {}
    #[terminate]
    async fn terminate(&mut self, _reason: &ExitReason) {
        pending::<()>().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_end_is_killed_after_the_time_of_a_stop() {
    let node = node().await;
    let stubborn = node.spawn(Stubborn::spec()).await.unwrap();
    let call = {
        let stubborn = stubborn.clone();
        tokio::spawn(async move { stubborn.never().forever().await })
    };
    stubborn.here().await.unwrap();
    let began = Instant::now();
    node.stop().await;
    assert!(
        began.elapsed() >= STOP_TIME,
        "it had its time: {:?}",
        began.elapsed()
    );
    assert!(!stubborn.is_alive());
    assert_eq!(
        call.await.unwrap(),
        Err(CallError::Exit(ExitReason::Killed))
    );
}

/// Says what it hears of another that is gone, in the moment of its end.
struct Last {
    gone: ServerRef<Hand>,
    heard: tokio::sync::mpsc::UnboundedSender<CallError>,
}

#[derive(Clone)]
struct LastArgs(
    ServerRef<Hand>,
    tokio::sync::mpsc::UnboundedSender<CallError>,
);

#[gen_server(local)]
impl Last {
    #[init]
    fn new(args: LastArgs, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        let LastArgs(gone, heard) = args;
        Last { gone, heard }
    }
    #[terminate]
    async fn terminate(&mut self, cx: &mut Cx<Self>) {
        let node = cx.node().clone();
        let said = [
            self.gone.never().await.unwrap_err(),
            self.gone.stop().await.unwrap_err(),
            node.call::<Term>(self.gone.dest(), &1).await.unwrap_err(),
            node.call::<Term>("nobody", &1).await.unwrap_err(),
        ];
        said.into_iter()
            .for_each(|error| drop(self.heard.send(error)));
    }
}

#[tokio::test]
async fn who_calls_what_is_gone_while_the_node_stops_hears_of_the_stop() {
    let node = node().await;
    let gone = node.spawn(Hand::spec()).await.unwrap();
    gone.stop().await.unwrap();
    assert_eq!(gone.never().await, Err(CallError::NoProc));
    let (heard, mut said) = tokio::sync::mpsc::unbounded_channel();
    node.spawn(Last::spec(LastArgs(gone, heard))).await.unwrap();
    timeout(SOON, node.stop()).await.unwrap();
    for _ in 0..4 {
        assert_eq!(
            said.recv().await,
            Some(CallError::Exit(ExitReason::Shutdown))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_given_up_gives_its_name_back() {
    let port = free_port();
    let builder = |name: &str| {
        let builder = Node::builder(name).cookie("stop").epmd_port(port);
        builder.epmd(EpmdMode::Running)
    };
    let registry = builder("registry-stop@127.0.0.1").epmd(EpmdMode::Embedded);
    let registry = registry.start().await.unwrap();
    let reached = std::sync::Arc::new(tokio::sync::Notify::new());
    let tell = std::sync::Arc::clone(&reached);
    let hanging = Application::new("hanging").start("hanging_sup", move |_| {
        let tell = std::sync::Arc::clone(&tell);
        Supervisor::one_for_one().child(Child::start("hangs", move |_| {
            let tell = std::sync::Arc::clone(&tell);
            async move {
                tell.notify_one();
                pending().await
            }
        }))
    });
    let given_up = builder("late-stop@127.0.0.1").boot(hanging, StartType::Temporary);
    tokio::select! {
        started = given_up.start() => panic!("it hangs: {started:?}"),
        () = reached.notified() => {}
    }
    let again = timeout(SOON, async {
        loop {
            match builder("late-stop@127.0.0.1").start().await {
                Ok(node) => return node,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
    let again = again.await.expect("the name stays taken");
    again.stop().await;
    registry.stop().await;
}
