//! Nodes of this library with each other, over real sockets and an EPMD of their own. What Erlang itself says is in `interop/`.

#[path = "support/port.rs"]
mod port;

mod support;

use port::free_port;
use std::time::Duration;

use tokio::sync::mpsc;

use support::Echo;

use kista::{
    Atom, CallError, Cx, Dest, EpmdMode, ExitReason, Info, MonitorNodes, Node, NodeEvent, Pid,
    ProcessCx, ReplyTo, SendError, ServerRef, Term, gen_server, spec,
};

/// A small server with a wire form.
struct Counter {
    n: i64,
}

#[gen_server]
impl Counter {
    #[init]
    fn new(start: i64) -> Self {
        Counter { n: start }
    }
    #[call]
    fn add(&mut self, k: i64) -> i64 {
        self.n += k;
        self.n
    }
    #[cast]
    fn reset(&mut self) {
        self.n = 0;
    }
    #[call]
    async fn hang(&mut self) -> i64 {
        std::future::pending().await
    }
    #[call]
    fn lose(&mut self, reply: ReplyTo<i64>) {
        drop(reply);
    }
}

/// Hears everything, does as told.
struct Ear {
    heard: Vec<Info>,
    waiting: Option<ReplyTo<Info>>,
}

#[gen_server(local)]
impl Ear {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        cx.monitor_nodes(true);
        Ear {
            heard: Vec::new(),
            waiting: None,
        }
    }
    #[call]
    fn link(&mut self, to: Pid, cx: &mut Cx<Self>) {
        cx.link(to);
    }
    #[call]
    fn unlink(&mut self, to: Pid, cx: &mut Cx<Self>) {
        cx.unlink(to);
    }
    #[call]
    fn watch(&mut self, to: Dest, cx: &mut Cx<Self>) {
        cx.monitor(to);
    }
    #[call]
    fn exit(&mut self, to: Pid, reason: ExitReason, cx: &mut Cx<Self>) {
        cx.exit(to, reason);
    }
    #[call]
    fn next(&mut self, reply: ReplyTo<Info>) {
        self.waiting = Some(reply);
        self.answer();
    }
    #[info(other)]
    fn other(&mut self, info: Info) {
        self.heard.push(info);
        self.answer();
    }
}

impl Ear {
    fn answer(&mut self) {
        if !self.heard.is_empty()
            && let Some(reply) = self.waiting.take()
        {
            reply.reply(self.heard.remove(0));
        }
    }
}

struct Pair {
    port: u16,
    a: Node,
    b: Node,
}

impl Pair {
    async fn start() -> Self {
        let port = free_port();
        let a = start(port, "a", EpmdMode::Embedded).await;
        let b = start(port, "b", EpmdMode::Running).await;
        Self { port, a, b }
    }

    async fn stop(self) {
        self.b.stop().await;
        self.a.stop().await;
    }
}

async fn start(epmd: u16, name: &str, mode: EpmdMode) -> Node {
    Node::builder(format!("{name}@127.0.0.1"))
        .cookie("two")
        .visible()
        .epmd(mode)
        .epmd_port(epmd)
        .start()
        .await
        .unwrap()
}

fn on_b(name: &'static str) -> (&'static str, &'static str) {
    (name, "b@127.0.0.1")
}

async fn counter_on_b(pair: &Pair) -> Pid {
    let counter = pair
        .b
        .spawn(Counter::spec(0))
        .name("counter")
        .await
        .unwrap();
    let Dest::Pid(pid) = counter.dest() else {
        panic!("a spawned server has a pid")
    };
    pid
}

async fn ear(node: &Node) -> ServerRef<Ear> {
    node.spawn(Ear::spec()).await.unwrap()
}

/// The server is in `hang` once another call waits in vain.
async fn until_it_hangs(counter: &ServerRef<Counter>) {
    while counter.add(0).timeout(Duration::from_millis(50)).await != Err(CallError::Timeout) {}
}

/// The next thing heard that is not about nodes.
async fn next_signal(ear: &ServerRef<Ear>) -> Info {
    loop {
        match ear.next().await.unwrap() {
            Info::NodeUp(_) | Info::NodeDown(_) => {}
            info => return info,
        }
    }
}

#[tokio::test]
async fn typed_calls_and_casts_cross_nodes() {
    let pair = Pair::start().await;
    counter_on_b(&pair).await;
    let counter = pair.a.server::<Counter>(on_b("counter"));
    assert_eq!(counter.add(2).await, Ok(2));
    counter.reset();
    assert_eq!(counter.add(40).await, Ok(40));
    assert_eq!(pair.a.nodes(), [pair.b.name()]);
    assert_eq!(pair.b.nodes(), [pair.a.name()]);
    pair.stop().await;
}

#[tokio::test]
async fn ping_both_ways() {
    let pair = Pair::start().await;
    assert!(pair.a.ping("b@127.0.0.1").await);
    assert!(pair.b.ping("a@127.0.0.1").await);
    assert!(!pair.a.ping("nobody@127.0.0.1").await);
    pair.stop().await;
}

#[tokio::test]
async fn an_unknown_name_answers_an_endless_call() {
    let pair = Pair::start().await;
    let counter = pair.a.server::<Counter>(on_b("nobody"));
    assert_eq!(counter.add(1).forever().await, Err(CallError::NoProc));
    pair.stop().await;
}

#[tokio::test]
async fn an_unreachable_node_answers_an_endless_call() {
    let pair = Pair::start().await;
    let counter = pair.a.server::<Counter>(("counter", "nobody@127.0.0.1"));
    assert_eq!(counter.add(1).forever().await, Err(CallError::NoConnection));
    pair.stop().await;
}

#[tokio::test]
async fn a_remote_call_ends_as_its_server_ends() {
    let pair = Pair::start().await;
    let pid = counter_on_b(&pair).await;
    let counter = pair.a.server::<Counter>(Dest::Pid(pid));
    let Err(CallError::Exit(refused)) = counter.lose().forever().await else {
        panic!("answered?")
    };
    assert_eq!(refused.to_string(), "{no_reply,lose}");
    let call = tokio::spawn(async move { counter.hang().forever().await });
    let counter = pair.a.server::<Counter>(Dest::Pid(pid));
    until_it_hangs(&counter).await;
    pair.a.exit(pid, ExitReason::from(Atom::from_static("foo")));
    assert_eq!(
        call.await.unwrap(),
        Err(CallError::Exit(ExitReason::from(Atom::from_static("foo"))))
    );
    assert_eq!(counter.add(1).await, Err(CallError::NoProc));
    pair.stop().await;
}

#[tokio::test]
async fn calls_end_with_the_connection() {
    let pair = Pair::start().await;
    counter_on_b(&pair).await;
    let counter = pair.a.server::<Counter>(on_b("counter"));
    let call = {
        let counter = counter.clone();
        tokio::spawn(async move { counter.hang().forever().await })
    };
    until_it_hangs(&counter).await;
    assert!(pair.a.disconnect("b@127.0.0.1"));
    assert_eq!(call.await.unwrap(), Err(CallError::NoConnection));
    pair.stop().await;
}

#[tokio::test]
async fn links_and_monitors_cross_nodes() {
    let pair = Pair::start().await;
    let ear = ear(&pair.a).await;
    let pid = counter_on_b(&pair).await;
    ear.link(pid).await.unwrap();
    ear.watch(Dest::from(on_b("counter"))).await.unwrap();
    let reason = ExitReason::from(Term::tuple([Term::from(1), Term::from(2)]));
    ear.exit(pid, reason.clone()).await.unwrap();
    let mut kinds = Vec::new();
    for _ in 0..2 {
        match next_signal(&ear).await {
            Info::Exit { from, reason: why } => {
                assert_eq!((from, &why), (pid, &reason));
                kinds.push("exit");
            }
            Info::Down {
                from, reason: why, ..
            } => {
                assert_eq!((from, &why), (Dest::from(on_b("counter")), &reason));
                kinds.push("down");
            }
            other => panic!("{other:?}"),
        }
    }
    kinds.sort_unstable();
    assert_eq!(kinds, ["down", "exit"]);

    ear.link(pid).await.unwrap();
    assert_eq!(
        next_signal(&ear).await,
        Info::Exit {
            from: pid,
            reason: ExitReason::NoProc
        }
    );
    ear.watch(Dest::from(on_b("nobody"))).await.unwrap();
    assert!(matches!(
        next_signal(&ear).await,
        Info::Down {
            reason: ExitReason::NoProc,
            ..
        }
    ));
    pair.stop().await;
}

#[tokio::test]
async fn unlinked_nodes_hear_no_exit() {
    let pair = Pair::start().await;
    let ear = ear(&pair.a).await;
    for _ in 0..200 {
        let counter = pair.b.spawn(Counter::spec(0)).await.unwrap();
        let Dest::Pid(pid) = counter.dest() else {
            panic!("a spawned server has a pid")
        };
        ear.link(pid).await.unwrap();
        ear.unlink(pid).await.unwrap();
        ear.watch(counter.dest()).await.unwrap();
        counter.stop().await.unwrap();
        // The monitor's DOWN comes after any exit of the link would have.
        assert!(matches!(next_signal(&ear).await, Info::Down { .. }));
    }
    pair.stop().await;
}

#[tokio::test]
async fn losing_the_connection_ends_links_and_monitors_once() {
    let pair = Pair::start().await;
    let other = ear(&pair.b).await;
    let ear = ear(&pair.a).await;
    // It traps exits, so that it is still there to be asked.
    let Dest::Pid(pid) = other.dest() else {
        panic!("a spawned server has a pid")
    };
    ear.link(pid).await.unwrap();
    ear.watch(Dest::Pid(pid)).await.unwrap();
    // A round trip behind the link and the monitor: both have arrived.
    assert!(pair.a.ping("b@127.0.0.1").await);
    pair.b.disconnect("a@127.0.0.1");
    let (mut exits, mut downs) = (0, 0);
    for _ in 0..2 {
        match next_signal(&ear).await {
            Info::Exit {
                reason: ExitReason::NoConnection,
                ..
            } => exits += 1,
            Info::Down {
                reason: ExitReason::NoConnection,
                ..
            } => downs += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((exits, downs), (1, 1));
    assert!(matches!(
        next_signal(&other).await,
        Info::Exit {
            reason: ExitReason::NoConnection,
            ..
        }
    ));
    let info = pair.b.process_info(pid).await.unwrap();
    assert!(
        info.links.is_empty() && info.monitored_by.is_empty(),
        "{info:?}"
    );
    pair.stop().await;
}

#[tokio::test]
async fn nodes_come_and_go_once_each() {
    let pair = Pair::start().await;
    let mut events = pair.a.events();
    let ear = ear(&pair.a).await;
    let b = pair.b.name();
    for _ in 0..5 {
        pair.a.connect("b@127.0.0.1").await.unwrap();
        let Some(NodeEvent::Up {
            node,
            hidden: false,
            connection_id: up,
        }) = events.next().await
        else {
            panic!("no event")
        };
        assert_eq!(node, b);
        let info = pair.a.connection_info("b@127.0.0.1").unwrap();
        assert_eq!(info.connection_id, up);
        assert_eq!(ear.next().await, Ok(Info::NodeUp(b)));
        pair.a.disconnect("b@127.0.0.1");
        let down = events.next().await;
        assert!(
            matches!(down, Some(NodeEvent::Down { node, connection_id, .. }) if node == b && connection_id == up)
        );
        assert_eq!(ear.next().await, Ok(Info::NodeDown(b)));
    }
    pair.stop().await;
}

/// A process of A that begins so, and what it gets.
fn listener(
    node: &Node,
    begin: impl FnOnce(&ProcessCx) + Send + 'static,
) -> (Pid, mpsc::UnboundedReceiver<Info>) {
    let (heard, listen) = mpsc::unbounded_channel();
    let pid = node.spawn_fn(async move |mut cx: ProcessCx| {
        begin(&cx);
        while heard.send(cx.receive().await).is_ok() {}
    });
    (pid.unwrap(), listen)
}

async fn texts(heard: &mut mpsc::UnboundedReceiver<Info>, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..count {
        texts.push(heard.recv().await.unwrap().to_term().to_string());
    }
    texts
}

#[tokio::test]
async fn each_subscription_is_told_as_often_as_it_was_begun() {
    let pair = Pair::start().await;
    let none = MonitorNodes::new();
    let (pid, mut heard) = listener(&pair.a, move |cx| {
        cx.monitor_nodes_with(true, none.all().nodedown_reason());
        cx.monitor_nodes(true);
        cx.monitor_nodes_with(true, none.nodedown_reason().as_map());
        cx.monitor_nodes(true);
        cx.monitor_nodes_with(true, none.hidden());
        cx.monitor_nodes_with(true, none.connection_id());
        cx.monitor_nodes_with(true, none.connection_id());
        cx.monitor_nodes_with(false, none.connection_id());
    });
    pair.a.connect("b@127.0.0.1").await.unwrap();
    let up = [
        "{nodeup,'b@127.0.0.1',[{node_type,visible}]}",
        "{nodeup,'b@127.0.0.1'}",
        "{nodeup,'b@127.0.0.1'}",
        "{nodeup,'b@127.0.0.1',#{}}",
    ];
    assert_eq!(texts(&mut heard, 4).await, up);
    // It was among them before that was told.
    assert_eq!(pair.a.nodes(), [pair.b.name()]);
    pair.a.disconnect("b@127.0.0.1");
    let down = [
        "{nodedown,'b@127.0.0.1',[{nodedown_reason,disconnect},{node_type,visible}]}",
        "{nodedown,'b@127.0.0.1'}",
        "{nodedown,'b@127.0.0.1'}",
        "{nodedown,'b@127.0.0.1',#{nodedown_reason => disconnect}}",
    ];
    assert_eq!(texts(&mut heard, 4).await, down);
    pair.a.send(pid, &0);
    assert_eq!(texts(&mut heard, 1).await, ["0"]);
    pair.stop().await;
}

#[tokio::test]
async fn monitor_node_is_told_of_once_for_each_call_and_used_up() {
    let pair = Pair::start().await;
    let (a, b) = (pair.a.name(), pair.b.name());
    let nobody = Atom::new("nobody@127.0.0.1").unwrap();
    let (pid, mut heard) = listener(&pair.a, move |cx| {
        cx.monitor(Dest::from((Atom::from_static("nobody"), b)));
        for on in [true, true, true, false] {
            cx.monitor_node(b, on);
        }
        cx.monitor_node(a, true);
        cx.monitor_node(nobody, false);
    });
    // That dialled.
    let down = heard.recv().await.unwrap();
    assert!(
        matches!(
            down,
            Info::Down {
                reason: ExitReason::NoProc,
                ..
            }
        ),
        "{down:?}"
    );
    assert_eq!(pair.a.nodes(), [b]);
    pair.a.disconnect("b@127.0.0.1");
    assert_eq!(heard.recv().await, Some(Info::NodeDown(b)));
    assert_eq!(heard.recv().await, Some(Info::NodeDown(b)));
    pair.a.connect("b@127.0.0.1").await.unwrap();
    pair.a.disconnect("b@127.0.0.1");
    pair.a.send(pid, &0);
    assert_eq!(heard.recv().await, Some(Info::Term(Term::from(0))));
    // Who cannot be reached is down.
    let (_, mut heard) = listener(&pair.a, move |cx| cx.monitor_node(nobody, true));
    assert_eq!(heard.recv().await, Some(Info::NodeDown(nobody)));
    pair.stop().await;
}

#[tokio::test]
async fn a_restarted_node_is_another_incarnation() {
    let pair = Pair::start().await;
    let old = counter_on_b(&pair).await;
    let counter = pair.a.server::<Counter>(on_b("counter"));
    assert_eq!(counter.add(1).await, Ok(1));
    pair.b.stop().await;
    let b = start(pair.port, "b", EpmdMode::Running).await;
    b.spawn(Counter::spec(100)).name("counter").await.unwrap();
    assert_eq!(counter.add(1).await, Ok(101), "a name reaches the new one");
    let stale = pair.a.server::<Counter>(Dest::Pid(old));
    assert_eq!(
        stale.add(1).await,
        Err(CallError::NoProc),
        "a pid of the old one is nobody's"
    );
    b.stop().await;
    pair.a.stop().await;
}

#[tokio::test]
async fn a_wrong_cookie_is_refused() {
    let pair = Pair::start().await;
    let stranger = Node::builder("stranger@127.0.0.1")
        .cookie("another")
        .epmd(EpmdMode::Running)
        .epmd_port(pair.port)
        .start()
        .await
        .unwrap();
    assert!(stranger.connect("a@127.0.0.1").await.is_err());
    assert!(!stranger.ping("b@127.0.0.1").await);
    assert!(
        pair.a.ping("b@127.0.0.1").await,
        "the others are not touched"
    );
    stranger.stop().await;
    pair.stop().await;
}

#[tokio::test]
async fn a_hidden_node_is_not_among_nodes() {
    let pair = Pair::start().await;
    let hidden = Node::builder("hidden@127.0.0.1")
        .cookie("two")
        .epmd(EpmdMode::Running)
        .epmd_port(pair.port)
        .start()
        .await
        .unwrap();
    assert!(hidden.ping("a@127.0.0.1").await);
    assert!(pair.a.nodes().is_empty());
    assert_eq!(pair.a.hidden_nodes(), [hidden.name()]);
    hidden.stop().await;
    pair.stop().await;
}

/// Takes its time to end.
struct Slow;

#[gen_server]
impl Slow {
    #[init]
    fn new() -> Self {
        Slow
    }
    #[call]
    fn here(&self) -> bool {
        true
    }
    #[terminate]
    async fn terminate(&mut self, _reason: &ExitReason) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn stop_of_a_remote_server_waits_for_its_end() {
    let pair = Pair::start().await;
    pair.b.spawn(Slow::spec()).name("slow").await.unwrap();
    let slow = pair.a.server::<Slow>(on_b("slow"));
    assert_eq!(slow.here().await, Ok(true));
    slow.stop().await.unwrap();
    assert_eq!(pair.b.whereis("slow"), None);
    assert_eq!(slow.stop().await, Err(CallError::NoProc));
    pair.stop().await;
}

/// Takes its time to be dropped.
struct Heavy;

impl Drop for Heavy {
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Never reads what it is sent.
struct Deaf;

#[gen_server(local)]
impl Deaf {
    #[init]
    fn new() -> Self {
        Deaf
    }
    #[cast]
    async fn hang(&mut self) {
        std::future::pending::<()>().await;
    }
    #[cast]
    fn take(&mut self, heavy: Heavy) {
        drop(heavy);
    }
}

/// A process that is out of the table, but still drops what it left, has yet to tell of its end: the network waits for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_node_still_says_why_its_processes_ended() {
    let pair = Pair::start().await;
    let ear = ear(&pair.a).await;
    let deaf = pair.b.spawn(Deaf::spec()).await.unwrap();
    let Dest::Pid(pid) = deaf.dest() else {
        panic!("a spawned server has a pid")
    };
    ear.watch(Dest::Pid(pid)).await.unwrap();
    // A round trip behind the monitor: it has arrived.
    assert!(pair.a.ping("b@127.0.0.1").await);
    deaf.hang();
    deaf.take(Heavy);
    pair.b.exit(pid, ExitReason::Kill);
    while pair.b.is_alive(pid) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    pair.b.stop().await;
    let Info::Down { reason, .. } = next_signal(&ear).await else {
        panic!("no DOWN")
    };
    assert_eq!(reason, ExitReason::Killed);
    pair.a.stop().await;
}

#[tokio::test]
async fn large_values_come_back_whole() {
    let pair = Pair::start().await;
    pair.b.spawn(spec::<Echo>(())).name("echo").await.unwrap();
    for size in [64 << 10, 1 << 20, 16 << 20] {
        let bytes: Vec<u8> = (0..size).map(|i: usize| (i % 251) as u8).collect();
        let value = kista::Binary::from(bytes.as_slice());
        let back: kista::Binary = pair.a.call(on_b("echo"), &value).forever().await.unwrap();
        assert!(back == value, "{size} bytes");
    }
    pair.stop().await;
}

#[tokio::test]
async fn above_the_hard_mark_messages_are_refused_and_room_comes_back() {
    let port = free_port();
    let a = Node::builder("a@127.0.0.1")
        .cookie("two")
        .epmd(EpmdMode::Embedded)
        .epmd_port(port)
        .send_marks(64 << 10, 256 << 10)
        .start()
        .await
        .unwrap();
    // Nobody has this name: what is sent waits for a dial that cannot be done at once.
    let value = kista::Binary::from(vec![7u8; 100 << 10].as_slice());
    let sent: Vec<_> = (0..4)
        .map(|_| a.send(("x", "slow@127.0.0.1"), &value))
        .collect();
    assert_eq!(sent[0].result(), Ok(()));
    assert_eq!(sent[3].result(), Err(SendError::Overloaded));
    // The dial fails, and those who waited for room go on.
    for waiting in sent.into_iter().take(3) {
        assert_eq!(waiting.await, Ok(()));
    }
    a.stop().await;
}

#[tokio::test]
async fn an_answer_to_the_callers_pid_that_names_its_alias_is_the_calls() {
    let pair = Pair::start().await;
    let answers = async move |mut cx: kista::ProcessCx| loop {
        let Info::Term(call) = cx.receive().await else {
            continue;
        };
        let Some([_, from, request]) = call.as_tuple() else {
            panic!("{call}")
        };
        let Some([caller, tag]) = from.as_tuple() else {
            panic!("{from}")
        };
        // To the pid, not to the alias that the tag names.
        let answer = Term::tuple([tag.clone(), request.clone()]);
        cx.send(caller.as_pid().unwrap(), &answer);
    };
    let old = kista::SpawnOptions::new().name("old");
    pair.b.spawn_opt(old, answers).unwrap();
    let patience = Duration::from_secs(30);
    let call = pair.a.call::<i64>(on_b("old"), &5).timeout(patience);
    assert_eq!(call.await, Ok(5), "by who is no process");
    let (done, ended) = tokio::sync::oneshot::channel();
    pair.a
        .spawn_fn(async move |mut cx| {
            let call = cx.node().call::<i64>(on_b("old"), &6).timeout(patience);
            let answer = call.await;
            let _ = done.send((answer, cx.receive().after(Duration::ZERO).await));
        })
        .unwrap();
    let (answer, left) = ended.await.unwrap();
    assert_eq!(answer, Ok(6), "by a process");
    assert_eq!(left, None, "the answer is not a message too");
    pair.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_outside_any_process_are_one_sender() {
    let pair = Pair::start().await;
    let (done, ended) = tokio::sync::oneshot::channel();
    let options = kista::SpawnOptions::new().name("sink");
    let rounds = 20;
    pair.b
        .spawn_opt(options, async move |mut cx| {
            let mut got = Vec::new();
            while got.len() < 2 * rounds {
                if let Info::Term(term) = cx.receive().await {
                    got.push(term.as_int());
                }
            }
            let _ = done.send(got);
        })
        .unwrap();
    // Each by another task, after the one before: none may overtake, whatever its size.
    let large = kista::Binary::from(vec![7u8; 300 << 10].as_slice());
    for n in 0..rounds as i64 {
        let (a, large) = (pair.a.clone(), large.clone());
        let first = tokio::spawn(async move { a.send(on_b("sink"), &large).result() });
        first.await.unwrap().unwrap();
        let a = pair.a.clone();
        let second = tokio::spawn(async move { a.send(on_b("sink"), &n).result() });
        second.await.unwrap().unwrap();
    }
    let got = ended.await.unwrap();
    let expected: Vec<_> = (0..rounds as i64).flat_map(|n| [None, Some(n)]).collect();
    assert_eq!(got, expected);
    pair.stop().await;
}
