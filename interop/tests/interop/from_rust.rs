//! Rust acts, Erlang and Elixir answer: nodes in the test's own process, written as a user would.

use std::time::Duration;

use kista::etf::atoms;
use kista::{
    Address, Atom, Binary, CallError, Cx, Dest, Dynamic, ExitReason, Flow, GenServer, Info,
    InitStop, Node, NodeEvent, Pid, Reference, ReplyTo, Term, gen_server,
};
use kista_interop::{Bed, Program, Subject};

const ERL: &str = "erl@127.0.0.1";
const OURS: &str = "ours@127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(60);

/// A visible node of ours on the bed.
async fn node(bed: &Bed) -> Node {
    node_with(bed, bed.cookie(), Duration::from_secs(60)).await
}

async fn node_with(bed: &Bed, cookie: &str, net_ticktime: Duration) -> Node {
    bed.node(OURS)
        .cookie(cookie)
        .visible()
        .net_ticktime(net_ticktime)
        .start()
        .await
        .expect("our node starts")
}

/// The demo's servers in Erlang, for ours to call.
fn reference(bed: &Bed) -> Program {
    Subject::Reference.start(bed, ERL, &[])
}

fn atom(text: &str) -> Atom {
    Atom::new(text).expect("short")
}

/// The Erlang counter, as Rust sees it.
struct Counter;

#[gen_server]
impl Counter {
    #[init]
    fn new() -> Self {
        Self
    }

    #[call]
    fn get(&self) -> i64 {
        unreachable!("it runs in Erlang")
    }

    #[call]
    fn add(&mut self, _k: i64) -> i64 {
        unreachable!("it runs in Erlang")
    }

    #[cast]
    fn reset(&mut self) {}

    #[call]
    fn crash(&mut self) {}
}

/// Sends back what it gets.
struct Echo;

impl GenServer for Echo {
    type Args = ();
    type Msg = Dynamic;
    type Client = Address<Dynamic>;

    async fn init((): (), _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self)
    }

    async fn handle(&mut self, message: Dynamic, _cx: &mut Cx<Self>) -> Flow {
        if let Dynamic::Call(request, reply) = message {
            reply.reply(request);
        }
        Flow::Continue
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_dials_erlang_and_is_seen() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    assert!(node.ping(ERL).await);
    assert_eq!(node.nodes(), [atom(ERL)]);
    assert!(!node.ping("nobody@127.0.0.1").await);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hidden_erlang_that_we_dial_is_not_among_nodes() {
    let bed = Bed::new();
    let _erl = Subject::Reference.start(&bed, ERL, &["--hidden"]);
    let node = node(&bed).await;
    assert!(node.ping(ERL).await);
    assert!(node.nodes().is_empty());
    assert_eq!(node.hidden_nodes(), [atom(ERL)]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rust_calls_a_typed_server_in_erlang() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    let counter = node.server::<Counter>(("counter", ERL));
    assert_eq!(counter.add(2).await, Ok(2));
    assert_eq!(counter.add(-44).forever().await, Ok(-42));
    counter.reset();
    assert_eq!(counter.get().await, Ok(0));
    let Err(CallError::Exit(reason)) = counter.crash().await else {
        panic!("a crash has no answer")
    };
    assert!(reason.to_term().as_tagged("panic").is_some(), "{reason}");
    // Its supervisor starts another, under the same name.
    let n = loop {
        match counter.get().await {
            Err(CallError::NoProc) => tokio::time::sleep(Duration::from_millis(1)).await,
            other => break other,
        }
    };
    assert_eq!(n, Ok(0));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_to_nobody_does_not_wait() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    node.connect(ERL).await.expect("erl is there");
    for (node_name, why) in [
        (ERL, CallError::NoProc),
        ("nowhere@127.0.0.1", CallError::NoConnection),
    ] {
        let call = node.call::<Term>(("nobody", node_name), &1).forever();
        let answer = tokio::time::timeout(PATIENCE, call).await;
        assert_eq!(answer.expect("it waits for nothing"), Err(why));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn terms_come_back_the_same() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    let map = Term::map([
        (Term::charlist("key"), Term::from(1)),
        (Term::from(Binary::copy_from_slice(b"k")), Term::list([])),
    ]);
    let mut terms = vec![
        Term::list([]),
        Term::tuple([]),
        map.expect("the keys differ"),
        Term::from(i64::MIN),
        Term::from(0.5),
        Term::from(node.make_ref()),
        Term::improper([Term::from(1)], Term::from(2)),
        Term::charlist(&"x".repeat(70_000)),
        Term::list((0..3000).map(|n| Term::from(atom(&format!("kista_test_atom_{n}"))))),
    ];
    for size in [64 << 10, 1 << 20, 16 << 20] {
        let bytes: Vec<u8> = (0..size).map(|n: usize| (n * 7) as u8).collect();
        terms.push(Term::from(Binary::copy_from_slice(&bytes)));
    }
    for round in 0..3 {
        for term in &terms {
            let answer = node
                .call::<Term>(("echo", ERL), term)
                .timeout(PATIENCE)
                .await
                .expect("an answer");
            assert!(
                answer == *term,
                "changed in round {round}: {:.200}",
                format!("{answer:?}")
            );
        }
    }
    let long = Term::from(Binary::from(vec![7; 64 << 20]));
    let answer = node.call::<Term>(("echo", ERL), &long).timeout(PATIENCE);
    assert!(answer.await.as_ref() == Ok(&long));
    for n in (0..3000).rev() {
        let name = atom(&format!("kista_test_atom_{}", n * 7 % 3000));
        assert_eq!(node.call::<Atom>(("echo", ERL), &name).await, Ok(name));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_answer_from_elixir_is_dropped() {
    let bed = Bed::new();
    let mut elixir = bed.elixir("ex@127.0.0.1", "peer", &["serve"]);
    elixir.expect("ready ex@127.0.0.1", PATIENCE);
    let node = node(&bed).await;
    let kv = Dest::from(("kv", "ex@127.0.0.1"));
    let put = (atom("put"), "title", vec!["a", "b"]);
    assert_eq!(node.call::<Atom>(kv, &put).await, Ok(atoms::OK));
    let sleep = (atom("sleep"), 300);
    assert_eq!(
        node.call::<Term>(kv, &sleep)
            .timeout(Duration::from_millis(50))
            .await,
        Err(CallError::Timeout)
    );
    let fetch = (atom("fetch"), "title");
    let answer = node.call::<Result<Vec<String>, Term>>(kv, &fetch).await;
    assert_eq!(answer, Ok(Ok(vec!["a".to_owned(), "b".to_owned()])));
    let all = node
        .call::<std::collections::BTreeMap<String, Vec<String>>>(kv, &atom("all"))
        .await;
    assert_eq!(all.map(|map| map.len()), Ok(1));
    node.stop().await;
}

/// As `defstruct` has it in `elixir/peer.exs`.
#[derive(Debug, Clone, PartialEq, kista::Encode, kista::Decode)]
#[etf(crate = kista::etf, elixir = "Point")]
struct Point {
    x: i64,
    y: f64,
    label: Option<String>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn elixir_serves_us_with_structs_and_its_end_is_noticed() {
    let bed = Bed::new();
    let mut elixir = bed.elixir("ex@127.0.0.1", "peer", &["serve"]);
    elixir.expect("ready ex@127.0.0.1", PATIENCE);
    let node = node(&bed).await;
    let kv = Dest::from(("kv", "ex@127.0.0.1"));
    let point = Point {
        x: 1,
        y: 2.5,
        label: None,
    };
    let put = (atom("put"), atom("here"), point.clone());
    assert_eq!(node.call::<Atom>(kv, &put).await, Ok(atoms::OK));
    let asked = node.call::<bool>(kv, &(atom("is_point"), atom("here")));
    assert_eq!(asked.await, Ok(true));
    let fetched = node.call::<Result<Point, ()>>(kv, &(atom("fetch"), atom("here")));
    assert_eq!(fetched.await, Ok(Ok(point)));
    // No key of that name: `Map.fetch/2` says `:error`.
    let fetched = node.call::<Result<Point, ()>>(kv, &(atom("fetch"), atom("there")));
    assert_eq!(fetched.await, Ok(Err(())));

    let (told, tells) = tokio::sync::oneshot::channel();
    let watcher = async move |mut cx: kista::ProcessCx| {
        cx.monitor(kv);
        let _ = told.send(cx.receive().await);
    };
    node.spawn_fn(watcher).expect("it starts");
    let fetched = node.call::<bool>(kv, &(atom("is_point"), atom("here")));
    assert_eq!(fetched.await, Ok(true));
    elixir.kill();
    let down = tokio::time::timeout(PATIENCE, tells).await;
    let down = down.expect("DOWN").expect("it lives");
    assert!(
        matches!(&down, Info::Down { reason, .. } if *reason == ExitReason::NoConnection),
        "{down:?}"
    );
    node.stop().await;
}

/// As `order:size_of/2` has it.
fn size_of(sender: usize, n: usize) -> usize {
    match (sender * 31 + n * 17) % 200 {
        0 => 5_000_000,
        k if k < 4 => 1_000_000,
        k if k < 14 => 65_000 + k * 100,
        k if k < 40 => 3_000 * k,
        k => 10 + k,
    }
}

async fn send_numbered(node: &Node, sender: usize) {
    for n in 0..200 {
        let bytes = Binary::copy_from_slice(&vec![n as u8; size_of(sender, n)]);
        node.send(("collector", ERL), &(sender as i64, n as i64, bytes))
            .await
            .expect("there is room after waiting");
    }
}

struct Sender;

#[gen_server]
impl Sender {
    #[init]
    fn new() -> Self {
        Self
    }

    #[cast]
    async fn send_all(&mut self, sender: i64, cx: &mut Cx<Self>) {
        send_numbered(cx.node(), sender as usize).await;
    }
}

/// Half of the senders are processes, half are tasks that are none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_messages_never_overtake_each_other() {
    let bed = Bed::new();
    let mut erl = bed.erlang(ERL, "order", "collect", &[]);
    erl.expect("ready erl@127.0.0.1", PATIENCE);
    let node = node(&bed).await;
    for sender in 0..20 {
        if sender % 2 == 0 {
            let process = node.spawn(Sender::spec()).await.expect("a process");
            process.send_all(sender);
        } else {
            let node = node.clone();
            tokio::spawn(async move { send_numbered(&node, sender as usize).await });
        }
    }
    erl.expect_ok(Duration::from_secs(120));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_erlang_is_down_and_comes_back() {
    let bed = Bed::new();
    let mut erl = reference(&bed);
    let node = node(&bed).await;
    let mut events = node.events();
    node.connect(ERL).await.expect("erl is there");
    assert!(matches!(events.next().await, Some(NodeEvent::Up { node, .. }) if node == atom(ERL)));
    for round in 1..=3 {
        let waiting = {
            let node = node.clone();
            // Erlang's `init` drops what it does not know: the call waits for as long as the node lives.
            tokio::spawn(async move {
                node.call::<Term>(("init", ERL), &atom("unanswered"))
                    .forever()
                    .await
            })
        };
        tokio::time::sleep(Duration::from_millis(200)).await;
        erl.kill();
        let down = tokio::time::timeout(PATIENCE, events.next())
            .await
            .expect("nodedown comes");
        assert!(
            matches!(down, Some(NodeEvent::Down { node, .. }) if node == atom(ERL)),
            "{down:?}"
        );
        let answer = tokio::time::timeout(PATIENCE, waiting)
            .await
            .expect("the call returns");
        assert_eq!(answer.expect("no panic"), Err(CallError::NoConnection));
        assert!(node.nodes().is_empty());

        erl = reference(&bed);
        assert_eq!(node.call::<i64>(("echo", ERL), &round).await, Ok(round));
        assert!(matches!(events.next().await, Some(NodeEvent::Up { .. })));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_cookie_is_refused_by_erlang() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node_with(&bed, "wrong", Duration::from_secs(60)).await;
    assert!(!node.ping(ERL).await);
    let call = node.call::<Term>(("echo", ERL), &1).forever();
    assert_eq!(
        tokio::time::timeout(PATIENCE, call).await,
        Ok(Err(CallError::NoConnection))
    );
    assert!(node.nodes().is_empty());
    node.stop().await;
}

struct Blocker;

#[gen_server]
impl Blocker {
    #[init]
    fn new() -> Self {
        Self
    }

    #[cast]
    fn block(&self, seconds: u64) {
        std::thread::sleep(Duration::from_secs(seconds));
    }
}

/// Both threads of the runtime are blocked for longer than a peer's patience; the ticks go out all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocking_handlers_do_not_stop_the_ticks() {
    let bed = Bed::new();
    let node = node_with(&bed, bed.cookie(), Duration::from_secs(8)).await;
    let _echo = node
        .spawn(kista::spec::<Echo>(()))
        .name("echo")
        .await
        .expect("echo starts");
    let ticks = ["-kernel", "net_ticktime", "8"];
    let mut erl = bed.erlang_with(&ticks, ERL, bed.cookie(), "lifecycle", "idle", &[OURS]);
    erl.expect("idle", PATIENCE);
    for _ in 0..2 {
        node.spawn(Blocker::spec())
            .await
            .expect("a process")
            .block(28);
    }
    erl.expect_ok(PATIENCE);
    node.stop().await;
}

/// EPMD ends and another comes in its place: the node is found again, in its same life.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_epmd_learns_the_node() {
    let mut bed = Bed::new();
    let node = node(&bed).await;
    let _echo = node
        .spawn(kista::spec::<Echo>(()))
        .name("echo")
        .await
        .expect("echo starts");
    let creation = node.creation();
    bed.restart_epmd();
    let registered = async {
        while !bed.is_registered("ours") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, registered)
        .await
        .expect("the new EPMD is told");
    bed.erlang(ERL, "calls", "echo", &[OURS])
        .expect_ok(PATIENCE);
    assert_eq!(node.creation(), creation);
    node.stop().await;
}

/// Idle, waiting in a handler, or working: whatever Erlang makes of it.
struct Worker;

#[gen_server]
impl Worker {
    #[init]
    fn new() -> Self {
        Self
    }

    #[cast]
    async fn wait(&mut self) {
        std::future::pending::<()>().await;
    }

    #[cast]
    async fn work(&mut self) {
        tokio::task::yield_now().await;
    }

    #[call]
    fn who(&self, cx: &mut Cx<Self>) -> Pid {
        cx.pid()
    }
}

struct Spawner;

#[gen_server]
impl Spawner {
    #[init]
    fn new() -> Self {
        Self
    }

    #[call]
    async fn spawn(&mut self, cx: &mut Cx<Self>, reply: ReplyTo<Pid>) {
        let worker = cx.node().spawn(Worker::spec()).await.expect("a process");
        let Dest::Pid(pid) = worker.dest() else {
            panic!("a local process has a pid")
        };
        reply.reply(pid);
    }
}

async fn signals(function: &str) {
    let bed = Bed::new();
    let node = node(&bed).await;
    let _spawner = node
        .spawn(Spawner::spec())
        .name("spawner")
        .await
        .expect("spawner starts");
    bed.erlang(ERL, "signals", function, &[OURS])
        .expect_ok(Duration::from_secs(120));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_before_an_exit_reports_its_reason() {
    signals("monitor_then_exit").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_carry_exits_exactly_while_they_stand() {
    signals("links").await;
}

/// Watches what it is told to, and tells what it hears.
struct Watcher {
    heard: tokio::sync::mpsc::UnboundedSender<Info>,
}

enum Watch {
    Monitor(Dest, ReplyTo<Reference>),
    Link(Pid, ReplyTo<()>),
}

impl kista::Message for Watch {}

impl GenServer for Watcher {
    type Args = tokio::sync::mpsc::UnboundedSender<Info>;
    type Msg = Watch;
    type Client = Address<Watch>;

    async fn init(heard: Self::Args, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        cx.trap_exit(true);
        Ok(Self { heard })
    }

    async fn handle(&mut self, message: Watch, cx: &mut Cx<Self>) -> Flow {
        match message {
            Watch::Monitor(dest, reply) => reply.reply(cx.monitor(dest)),
            Watch::Link(pid, reply) => {
                cx.link(pid);
                reply.reply(());
            }
        }
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, _cx: &mut Cx<Self>) -> Flow {
        let _ = self.heard.send(info);
        Flow::Continue
    }
}

/// A process in Erlang that is watched by one in Rust: each of its ends is heard once, with its reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ends_in_erlang_are_heard_with_their_reasons() {
    let bed = Bed::new();
    let mut erl = bed.erlang(ERL, "signals", "victims", &[]);
    erl.expect("ready erl@127.0.0.1", PATIENCE);
    let node = node(&bed).await;
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let watcher = node
        .spawn(kista::spec::<Watcher>(heard))
        .await
        .expect("a process");
    let victim = async || {
        node.call::<Pid>(("victim", ERL), &atom("new"))
            .await
            .expect("a victim")
    };

    for round in 0..500 {
        let pid = victim().await;
        let monitor = watcher
            .call(|reply| Watch::Monitor(pid.into(), reply))
            .await
            .expect("an answer");
        if round % 2 == 0 {
            node.send(pid, &(atom("round"), round));
        } else {
            node.exit(pid, Term::tuple([atom("round").into(), round.into()]));
        }
        let reason = ExitReason::from(Term::tuple([atom("round").into(), round.into()]));
        let down = Info::Down {
            reference: monitor,
            from: pid.into(),
            reason,
        };
        assert_eq!(hears.recv().await, Some(down));
    }

    let pid = victim().await;
    watcher
        .call(|reply| Watch::Link(pid, reply))
        .await
        .expect("an answer");
    node.exit(pid, ExitReason::Kill);
    assert_eq!(
        hears.recv().await,
        Some(Info::Exit {
            from: pid,
            reason: ExitReason::Killed
        })
    );
    watcher
        .call(|reply| Watch::Link(pid, reply))
        .await
        .expect("an answer");
    assert_eq!(
        hears.recv().await,
        Some(Info::Exit {
            from: pid,
            reason: ExitReason::NoProc
        })
    );

    let nobody = Dest::from(("nobody", ERL));
    let monitor = watcher
        .call(|reply| Watch::Monitor(nobody, reply))
        .await
        .expect("an answer");
    let down = Info::Down {
        reference: monitor,
        from: nobody,
        reason: ExitReason::NoProc,
    };
    assert_eq!(hears.recv().await, Some(down));

    let named = Dest::from(("victim", ERL));
    let monitor = watcher
        .call(|reply| Watch::Monitor(named, reply))
        .await
        .expect("an answer");
    erl.kill();
    let down = Info::Down {
        reference: monitor,
        from: named,
        reason: ExitReason::NoConnection,
    };
    assert_eq!(hears.recv().await, Some(down));
    node.stop().await;
}
