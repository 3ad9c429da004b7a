//! How a gen_server begins, goes on after a callback, and ends: `docs/semantics.md`, "Starting and stopping a server" and
//! "After a callback".

use std::collections::HashMap;
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kista::{
    Atom, CallError, Cx, Dest, ExitReason, Flow, Info, InitStop, NameRegistry, Node, Pid,
    Reference, ServerRef, StartError, Term, gen_server, sys,
};

async fn node() -> Node {
    Node::builder("life@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

/// What happened, in order.
type Log = Arc<Mutex<Vec<String>>>;

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

fn pid<S: kista::GenServer>(server: &ServerRef<S>) -> Pid {
    match server.dest() {
        Dest::Pid(pid) => pid,
        other => panic!("a spawned server has a pid, not {other}"),
    }
}

/// Says what it does, and does what it is told next.
struct Worker {
    log: Log,
}

impl Worker {
    fn say(&self, text: impl Into<String>) {
        self.log.lock().unwrap().push(text.into());
    }
}

#[gen_server(local)]
impl Worker {
    #[init]
    fn new(log: Log, cx: &mut Cx<Self>) -> Self {
        // Sent before the state is there: it is in the queue when `init` returns.
        cx.server_ref().note("queued before init returned".into());
        cx.continue_with(WorkerMsg::Finish("init".into()));
        Worker { log }
    }
    #[handle_continue]
    fn finish(&mut self, what: String) {
        self.say(format!("continued {what}"));
    }
    #[cast]
    fn note(&mut self, text: String) {
        self.say(text);
    }
    #[cast]
    async fn begin_two(&mut self, cx: &mut Cx<Self>) {
        self.say("begin");
        cx.server_ref().note("sent by itself".into());
        cx.continue_with(WorkerMsg::Finish("one".into()));
        cx.continue_with(WorkerMsg::Finish("two".into()));
    }
    #[cast]
    fn within(&mut self, time: Duration) -> Flow {
        Flow::Timeout(time)
    }
    #[call]
    fn within_too(&mut self, time: Duration, cx: &mut Cx<Self>) -> &'static str {
        cx.then(Flow::Timeout(time));
        "answered"
    }
    #[call]
    fn bye(&mut self, cx: &mut Cx<Self>) -> &'static str {
        cx.then(Flow::Stop(ExitReason::Shutdown));
        "bye"
    }
    #[cast]
    fn rest(&mut self) -> Flow {
        self.say("rests");
        Flow::Hibernate
    }
    #[timeout]
    fn idle(&mut self) {
        self.say("timeout");
    }
    #[call]
    fn sync(&self) {}
    #[terminate]
    fn terminate(&mut self, reason: &ExitReason) {
        self.say(format!("terminate {reason}"));
    }
}

async fn worker(node: &Node) -> (ServerRef<Worker>, Log) {
    let log = Log::default();
    let worker = node.spawn(Worker::spec(Arc::clone(&log))).await.unwrap();
    worker.sync().await.unwrap();
    let began = std::mem::take(&mut *log.lock().unwrap());
    assert_eq!(began, ["continued init", "queued before init returned"]);
    (worker, log)
}

#[tokio::test]
async fn a_continuation_comes_before_any_message() {
    let node = node().await;
    // `worker` looks at the one from `init`.
    let (worker, log) = worker(&node).await;
    worker.begin_two();
    worker.note("sent before it was handled".into());
    worker.sync().await.unwrap();
    assert_eq!(
        lines(&log),
        [
            "begin",
            "continued one",
            "continued two",
            "sent before it was handled",
            "sent by itself"
        ]
    );
    node.stop().await;
}

#[tokio::test]
async fn nobody_else_can_send_a_continuation() {
    let node = node().await;
    let (worker, log) = worker(&node).await;
    let finish = (Atom::from_static("finish"), "from outside");
    node.send(worker.dest(), &finish);
    node.cast(worker.dest(), &finish);
    assert!(
        node.call::<Term>(worker.dest(), &finish).await.is_err(),
        "it is no call"
    );
    worker.sync().await.unwrap();
    assert_eq!(lines(&log), [""; 0]);
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_comes_when_nothing_else_did_and_never_early() {
    let node = node().await;
    let (worker, log) = worker(&node).await;
    let begun = tokio::time::Instant::now();
    worker.within(Duration::from_millis(50));
    while lines(&log).is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(begun.elapsed() >= Duration::from_millis(50));
    assert_eq!(
        worker.within_too(Duration::from_millis(30)).await,
        Ok("answered")
    );
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(lines(&log), ["timeout", "timeout"], "each comes once");
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn any_message_cancels_the_timeout() {
    let node = node().await;
    let (worker, log) = worker(&node).await;
    worker.within(Duration::from_secs(1));
    tokio::time::sleep(Duration::from_millis(500)).await;
    worker.note("a message".into());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(lines(&log), ["a message"]);
    node.stop().await;
}

#[tokio::test]
async fn a_timeout_of_zero_lets_what_waits_go_first() {
    let node = node().await;
    let (worker, log) = worker(&node).await;
    // In the queue together: this task does not await between them.
    worker.within(Duration::ZERO);
    worker.note("waited".into());
    worker.sync().await.unwrap();
    assert_eq!(lines(&log), ["waited"], "and the message cancelled it");
    worker.within(Duration::ZERO);
    while lines(&log).len() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(lines(&log)[1], "timeout");
    node.stop().await;
}

#[tokio::test]
async fn a_call_answers_and_stops_in_one_step() {
    let node = node().await;
    let (worker, log) = worker(&node).await;
    assert_eq!(worker.bye().await, Ok("bye"));
    assert_eq!(
        worker.sync().forever().await.unwrap_err(),
        match worker.is_alive() {
            true => CallError::Exit(ExitReason::Shutdown),
            false => CallError::NoProc,
        }
    );
    assert_eq!(lines(&log), ["terminate shutdown"]);
    node.stop().await;
}

#[tokio::test]
async fn a_server_that_hibernates_still_hears_the_next_message() {
    let node = node().await;
    let (worker, log) = worker(&node).await;
    for _ in 0..1_000 {
        worker.note("burst".into());
    }
    worker.rest();
    worker.note("woken".into());
    worker.sync().await.unwrap();
    let lines = lines(&log);
    assert_eq!(lines[1_000..], ["rests", "woken"]);
    node.stop().await;
}

/// Begins as it is told.
struct Fickle;

#[gen_server(local)]
impl Fickle {
    #[init]
    async fn new(how: &'static str) -> Result<Self, InitStop> {
        match how {
            "ok" => Ok(Fickle),
            "ignore" => Err(InitStop::Ignore),
            "error" => Err(InitStop::Error("no disk".into())),
            "stop" => Err(InitStop::Stop("no disk".into())),
            "panic" => panic!("in init"),
            _ => pending().await,
        }
    }
    #[call]
    fn ping(&self) {}
}

/// Starts a `Fickle` in each way there is, and keeps what it hears.
struct Starter {
    heard: Vec<Info>,
}

#[gen_server(local)]
impl Starter {
    #[init]
    fn new(trap: bool, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(trap);
        Starter { heard: Vec::new() }
    }
    #[call]
    async fn linked(&mut self, how: &'static str, cx: &mut Cx<Self>) -> Option<StartError> {
        cx.spawn_link(Fickle::spec(how)).await.err()
    }
    #[call]
    async fn monitored(
        &mut self,
        how: &'static str,
        cx: &mut Cx<Self>,
    ) -> Result<(ServerRef<Fickle>, Reference), StartError> {
        let spawn = cx.spawn_monitor(Fickle::spec(how));
        spawn.timeout(Duration::from_millis(50)).await
    }
    #[call]
    fn heard(&mut self) -> Vec<Info> {
        std::mem::take(&mut self.heard)
    }
    #[info(other)]
    fn info(&mut self, info: Info) {
        self.heard.push(info);
    }
}

#[tokio::test]
async fn a_failed_init_is_an_error_alone_to_a_starter_that_traps_exits() {
    let node = node().await;
    let starter = node.spawn(Starter::spec(true)).await.unwrap();
    for (how, error) in [
        ("ignore", StartError::Ignored),
        ("error", StartError::Init("no disk".into())),
        ("stop", StartError::Init("no disk".into())),
        (
            "panic",
            StartError::Init(ExitReason::Panic("in init".into())),
        ),
    ] {
        assert_eq!(starter.linked(how).await, Ok(Some(error)), "{how}");
        assert_eq!(starter.heard().await, Ok(vec![]), "{how}");
    }
    node.stop().await;
}

#[tokio::test]
async fn a_failed_init_ends_a_linked_starter_that_does_not_trap_exits() {
    let node = node().await;
    for (how, survives) in [
        ("ignore", true),
        ("error", true),
        ("stop", false),
        ("panic", false),
    ] {
        let starter = node.spawn(Starter::spec(false)).await.unwrap();
        let answer = starter.linked(how).forever().await;
        assert_eq!(answer.is_ok(), survives, "{how}: {answer:?}");
        assert_eq!(starter.heard().await.is_ok(), survives, "{how}");
    }
    node.stop().await;
}

#[tokio::test]
async fn a_monitor_made_with_the_start_hears_the_end_and_no_failed_start() {
    let node = node().await;
    let starter = node.spawn(Starter::spec(false)).await.unwrap();
    for how in ["ignore", "error", "stop", "panic", "hang"] {
        assert!(starter.monitored(how).await.unwrap().is_err(), "{how}");
        assert_eq!(starter.heard().await, Ok(vec![]), "{how}");
    }
    let (server, reference) = starter.monitored("ok").await.unwrap().unwrap();
    server.ping().await.unwrap();
    node.exit(pid(&server), ExitReason::Kill);
    let mut heard = vec![];
    while heard.is_empty() {
        heard = starter.heard().await.unwrap();
    }
    let down = Info::Down {
        reference,
        from: server.dest(),
        reason: ExitReason::Killed,
    };
    assert_eq!(heard, [down]);
    node.stop().await;
}

#[tokio::test]
async fn an_init_that_takes_too_long_is_killed() {
    let node = node().await;
    let before = node.processes().len();
    let spawn = node.spawn(Fickle::spec("hang")).name("slow");
    let started = spawn.timeout(Duration::from_millis(20)).await;
    assert_eq!(started.unwrap_err(), StartError::Timeout);
    assert_eq!(node.whereis("slow"), None);
    assert_eq!(node.processes().len(), before);
    let in_time = node.spawn(Fickle::spec("ok")).timeout(Duration::MAX);
    in_time.await.unwrap().ping().await.unwrap();
    node.stop().await;
}

/// A registry of its own.
#[derive(Default)]
struct Names(Mutex<HashMap<Term, Pid>>);

impl NameRegistry for Names {
    fn register<'a>(
        &'a self,
        name: &'a Term,
        pid: Pid,
    ) -> Pin<Box<dyn Future<Output = Result<(), Pid>> + Send + 'a>> {
        let holder = *self.0.lock().unwrap().entry(name.clone()).or_insert(pid);
        let registered = if holder == pid { Ok(()) } else { Err(holder) };
        Box::pin(ready(registered))
    }

    fn unregister(&self, name: &Term, pid: Pid) {
        let mut names = self.0.lock().unwrap();
        if names.get(name) == Some(&pid) {
            names.remove(name);
        }
    }

    fn whereis(&self, name: &Term) -> Option<Pid> {
        self.0.lock().unwrap().get(name).copied()
    }
}

#[tokio::test]
async fn a_name_in_another_registry_is_looked_up_at_each_use() {
    let node = node().await;
    let names = Arc::new(Names::default());
    let name = Term::tuple([Term::from(1), Term::from("one")]);
    let by_name = node.server_via::<Fickle>(Arc::clone(&names) as _, name.clone());
    assert_eq!(by_name.ping().await, Err(CallError::NoProc));
    let start = async |how| {
        let spawn = node.spawn(Fickle::spec(how));
        spawn.via(Arc::clone(&names) as _, name.clone()).await
    };
    let first = start("ok").await.unwrap();
    by_name.ping().await.unwrap();
    assert_eq!(by_name.dest(), first.dest());
    let second = start("ok").await;
    assert_eq!(second.unwrap_err(), StartError::AlreadyStarted(pid(&first)));
    first.stop().await.unwrap();
    assert_eq!(by_name.ping().await, Err(CallError::NoProc));
    // The dead one is the registry's to forget.
    names.unregister(&name, pid(&first));
    assert!(start("stop").await.is_err());
    assert_eq!(
        names.whereis(&name),
        None,
        "an init that failed leaves no name"
    );
    start("ok").await.unwrap();
    by_name.ping().await.unwrap();
    node.stop().await;
}

/// One state of each kind, by what it can show.
mod shown {
    use kista::{Encode, gen_server};

    #[derive(Encode, Debug)]
    pub(super) enum Encoded {
        Ready,
    }
    #[gen_server]
    impl Encoded {
        #[init]
        fn new() -> Self {
            Encoded::Ready
        }
    }

    #[derive(Debug)]
    pub(super) struct Debugged {
        #[expect(dead_code, reason = "shown")]
        n: i64,
    }
    #[gen_server]
    impl Debugged {
        #[init]
        fn new() -> Self {
            Debugged { n: 1 }
        }
    }

    pub(super) struct Opaque;
    #[gen_server]
    impl Opaque {
        #[init]
        fn new() -> Self {
            Opaque
        }
    }

    #[derive(Encode)]
    pub(super) struct Chosen {
        secret: i64,
    }
    #[gen_server]
    impl Chosen {
        #[init]
        fn new() -> Self {
            Chosen { secret: 42 }
        }
        #[format_status]
        fn shown(&self) -> (&'static str, bool) {
            ("secret", self.secret == 42)
        }
    }
}

#[tokio::test]
async fn a_state_is_shown_as_far_as_its_type_can() {
    let node = node().await;
    let encoded = node.spawn(shown::Encoded::spec()).await.unwrap();
    let debugged = node.spawn(shown::Debugged::spec()).await.unwrap();
    let opaque = node.spawn(shown::Opaque::spec()).await.unwrap();
    let chosen = node.spawn(shown::Chosen::spec()).await.unwrap();
    let state = |term: Result<Term, _>| term.unwrap().to_string();
    assert_eq!(state(sys::get_state(&encoded).await), "ready");
    assert_eq!(
        state(sys::get_state(&debugged).await),
        r#"<<"Debugged { n: 1 }">>"#
    );
    let opaque = state(sys::get_state(&opaque).await);
    assert!(opaque.starts_with("{opaque,<<\""), "{opaque}");
    assert_eq!(
        state(sys::get_state(&chosen).await),
        r#"{<<"secret">>,true}"#
    );
    node.stop().await;
}

#[tokio::test]
async fn a_context_that_outlives_its_process_starts_without_a_panic() {
    let node = node().await;
    let (give, taken) = tokio::sync::oneshot::channel();
    let ended = node
        .spawn_fn(async move |cx| {
            let _ = give.send(cx);
        })
        .unwrap();
    let cx = taken.await.unwrap();
    while node.is_alive(ended) {
        tokio::task::yield_now().await;
    }
    let (server, _) = cx.spawn_monitor(Fickle::spec("ok")).await.unwrap();
    assert!(server.is_alive());
    node.stop().await;
}

#[tokio::test]
async fn a_server_that_hibernates_gives_the_memory_of_its_queue_back() {
    let node = node().await;
    let bytes = async |worker: &ServerRef<Worker>| {
        let info = node.process_info(pid(worker)).await.unwrap();
        info.message_queue_bytes
    };
    let (awake, _) = worker(&node).await;
    let (asleep, _) = worker(&node).await;
    for worker in [&awake, &asleep] {
        for _ in 0..16 {
            worker.note("burst".into());
        }
        worker.sync().await.unwrap();
    }
    asleep.rest();
    tokio::task::yield_now().await;
    let (kept, left) = (bytes(&awake).await, bytes(&asleep).await);
    assert!(left < kept, "{left} of {kept} bytes");
    node.stop().await;
}
