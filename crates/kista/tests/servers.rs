//! What a gen_server promises its callers, as `docs/semantics.md` states it.

#[path = "support/log.rs"]
mod log;
mod support;

use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::Echo;

use kista::{
    Address, Atom, CallError, Cx, Dest, Dynamic, ExitReason, Flow, GenServer, Info, InitStop,
    Message, Node, Pid, ReplyTo, ServerRef, StartError, Term, gen_server, spec,
};

/// Keeps, drops or forwards reply tokens as it is told.
struct Keeper {
    kept: Vec<ReplyTo<i64>>,
    log: Log,
}

/// What `terminate` saw, readable after the end.
type Log = Arc<Mutex<Vec<String>>>;

#[gen_server(local)]
impl Keeper {
    #[init]
    fn new(log: Log) -> Self {
        Keeper {
            kept: Vec::new(),
            log,
        }
    }
    #[call]
    fn keep(&mut self, reply: ReplyTo<i64>) {
        self.kept.push(reply);
    }
    #[call]
    fn lose(&mut self, reply: ReplyTo<i64>) {
        drop(reply);
    }
    #[call]
    fn answer_kept(&mut self, value: i64) -> usize {
        let kept = std::mem::take(&mut self.kept);
        let count = kept.len();
        kept.into_iter().for_each(|reply| reply.reply(value));
        count
    }
    #[call]
    fn give_away(&mut self, reply: ReplyTo<i64>) {
        // Lives on in a plain task, past the server's end.
        tokio::spawn(async move {
            let _reply = reply;
            pending::<()>().await;
        });
    }
    #[call]
    async fn hang(&mut self) -> i64 {
        pending().await
    }
    #[call]
    fn blow_up(&mut self) -> i64 {
        panic!("boom")
    }
    #[call]
    async fn ask_myself(&mut self, cx: &mut Cx<Self>) -> Result<usize, CallError> {
        cx.server_ref().answer_kept(1).await
    }
    #[call]
    async fn ask(&mut self, other: ServerRef<Keeper>) -> Result<usize, CallError> {
        other.answer_kept(1).await
    }
    #[cast]
    fn note(&mut self, text: String) {
        self.log.lock().unwrap().push(text);
    }
    #[cast]
    fn quit(&mut self) -> Flow {
        Flow::Stop(ExitReason::Shutdown)
    }
    #[call]
    fn trap(&mut self, cx: &mut Cx<Self>) {
        cx.trap_exit(true);
    }
    #[call]
    async fn start_child(
        &mut self,
        log: Log,
        cx: &mut Cx<Self>,
    ) -> Result<ServerRef<Keeper>, StartError> {
        cx.spawn_link(Keeper::spec(log)).await
    }
    #[terminate]
    fn terminate(&mut self, reason: &ExitReason) {
        self.log.lock().unwrap().push(format!("terminate {reason}"));
    }
}

async fn node() -> Node {
    Node::builder("servers@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

async fn keeper(node: &Node) -> (ServerRef<Keeper>, Log) {
    let log = Log::default();
    (
        node.spawn(Keeper::spec(Arc::clone(&log))).await.unwrap(),
        log,
    )
}

fn lines(log: &Log) -> Vec<String> {
    log.lock().unwrap().clone()
}

fn pid(server: &ServerRef<Keeper>) -> Pid {
    let Dest::Pid(pid) = server.dest() else {
        panic!("a spawned server has a pid")
    };
    pid
}

/// Runs a call in a task of its own and waits until the server holds its token.
async fn call_and_keep(
    server: &ServerRef<Keeper>,
) -> tokio::task::JoinHandle<Result<i64, CallError>> {
    let caller = server.clone();
    let call = tokio::spawn(async move { caller.keep().await });
    tokio::task::yield_now().await;
    call
}

#[tokio::test]
async fn a_kept_token_is_answered_later() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let call = call_and_keep(&server).await;
    assert_eq!(server.answer_kept(7).await, Ok(1));
    assert_eq!(call.await.unwrap(), Ok(7));
    node.stop().await;
}

#[tokio::test]
async fn a_lost_token_refuses_the_call_at_once() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let Err(CallError::Exit(reason)) = server.lose().forever().await else {
        panic!("an answer?")
    };
    // A request that was moved is gone: its name stands for it.
    assert_eq!(reason.to_string(), r#"{no_reply,<<"call lose">>}"#);
    assert!(server.is_alive());
    node.stop().await;
}

#[tokio::test]
async fn the_end_of_the_server_reaches_every_open_call() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let kept = call_and_keep(&server).await;
    let given_away = {
        let server = server.clone();
        tokio::spawn(async move { server.give_away().await })
    };
    let running = {
        let server = server.clone();
        tokio::spawn(async move { server.hang().forever().await })
    };
    tokio::task::yield_now().await;
    let queued = call_and_keep(&server).await;
    node.exit(pid(&server), ExitReason::Kill);
    for call in [kept, given_away, running, queued] {
        assert_eq!(
            call.await.unwrap(),
            Err(CallError::Exit(ExitReason::Killed))
        );
    }
    assert_eq!(server.answer_kept(1).await, Err(CallError::NoProc));
    node.stop().await;
}

#[tokio::test]
async fn a_panic_reaches_its_own_caller_as_the_reason() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    let error = server.blow_up().await.unwrap_err();
    assert_eq!(error, CallError::Exit(ExitReason::Panic("boom".into())));
    assert_eq!(
        lines(&log),
        [r#"terminate {panic,<<"boom">>}"#],
        "terminate runs after a crash in a callback"
    );
    node.stop().await;
}

#[tokio::test]
async fn a_late_answer_is_dropped() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    assert_eq!(
        server.keep().timeout(Duration::from_millis(20)).await,
        Err(CallError::Timeout)
    );
    assert_eq!(server.answer_kept(1).await, Ok(1));
    assert_eq!(server.answer_kept(2).await, Ok(0), "nothing is left behind");
    node.stop().await;
}

#[tokio::test]
async fn a_timeout_is_never_early() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    for ms in [1, 9, 10, 11, 35] {
        let asked = Duration::from_millis(ms);
        let begun = std::time::Instant::now();
        assert_eq!(server.keep().timeout(asked).await, Err(CallError::Timeout));
        assert!(begun.elapsed() >= asked);
    }
    node.stop().await;
}

#[tokio::test]
async fn a_server_that_calls_itself_gets_an_error_at_once() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let inner = server.ask_myself().forever().await.unwrap();
    assert_eq!(
        inner,
        Err(CallError::Exit(ExitReason::from(Atom::from_static(
            "calling_self"
        ))))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_handler_that_awaits_a_call_gets_its_answer() {
    let node = node().await;
    let ((a, _), (b, _)) = (keeper(&node).await, keeper(&node).await);
    assert_eq!(a.ask(b).await, Ok(Ok(0)));
    node.stop().await;
}

#[tokio::test]
async fn a_call_does_nothing_until_it_is_polled() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    drop(server.keep());
    assert_eq!(server.answer_kept(1).await, Ok(0));
    node.stop().await;
}

#[tokio::test]
async fn messages_of_one_sender_keep_their_order() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    for n in 0..1_000 {
        server.note(n.to_string());
    }
    server.answer_kept(0).await.unwrap();
    assert_eq!(
        lines(&log),
        (0..1_000).map(|n| n.to_string()).collect::<Vec<_>>()
    );
    node.stop().await;
}

#[tokio::test]
async fn stop_comes_in_turn_and_waits_for_the_end() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    server.note("first".into());
    server.stop().await.unwrap();
    assert_eq!(lines(&log), ["first", "terminate normal"]);
    assert!(!server.is_alive());
    assert_eq!(server.stop().await, Err(CallError::NoProc));
    node.stop().await;
}

#[tokio::test]
async fn a_server_stops_itself_through_terminate() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    server.quit();
    assert_eq!(
        server.hang().await,
        Err(CallError::Exit(ExitReason::Shutdown))
    );
    assert_eq!(lines(&log), ["terminate shutdown"]);
    node.stop().await;
}

#[tokio::test]
async fn the_parents_exit_runs_terminate_only_when_trapping() {
    let node = node().await;
    for (trapping, expected) in [
        (true, vec!["terminate shutdown".to_owned()]),
        (false, vec![]),
    ] {
        let (parent, _) = keeper(&node).await;
        let log = Log::default();
        let child = parent.start_child(Arc::clone(&log)).await.unwrap().unwrap();
        if trapping {
            child.trap().await.unwrap();
        }
        parent.quit();
        let end = child.keep().forever().await;
        assert_eq!(
            end,
            Err(CallError::Exit(ExitReason::Shutdown)),
            "trapping: {trapping}"
        );
        assert_eq!(lines(&log), expected, "trapping: {trapping}");
    }
    node.stop().await;
}

#[tokio::test]
async fn a_name_has_one_holder() {
    let node = node().await;
    let first = node
        .spawn(Keeper::spec(Log::default()))
        .name("one")
        .await
        .unwrap();
    let second = node.spawn(Keeper::spec(Log::default())).name("one").await;
    assert_eq!(second.unwrap_err(), StartError::AlreadyStarted(pid(&first)));
    let by_name = node.server::<Keeper>("one");
    assert_eq!(by_name.answer_kept(0).await, Ok(0));
    first.stop().await.unwrap();
    assert_eq!(by_name.answer_kept(0).await, Err(CallError::NoProc));
    node.spawn(Keeper::spec(Log::default()))
        .name("one")
        .await
        .unwrap();
    assert_eq!(
        by_name.answer_kept(0).await,
        Ok(0),
        "a name survives its holder"
    );
    node.stop().await;
}

/// Fails in `init` in every way there is.
struct Failing;

impl GenServer for Failing {
    type Args = &'static str;
    type Msg = Nothing;
    type Client = Address<Nothing>;

    async fn init(how: &'static str, _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        match how {
            "ignore" => Err(InitStop::Ignore),
            "stop" => Err(InitStop::Stop(ExitReason::from("no disk"))),
            _ => panic!("in init"),
        }
    }

    async fn handle(&mut self, message: Nothing, _cx: &mut Cx<Self>) -> Flow {
        match message {}
    }
}

enum Nothing {}
impl Message for Nothing {}

#[tokio::test]
async fn the_starter_hears_why_init_failed() {
    let node = node().await;
    let before = node.processes().len();
    let start = async |how| {
        node.spawn(spec::<Failing>(how))
            .name("failing")
            .await
            .unwrap_err()
    };
    assert_eq!(start("ignore").await, StartError::Ignored);
    assert_eq!(
        start("stop").await,
        StartError::Init(ExitReason::from("no disk"))
    );
    assert_eq!(
        start("panic").await,
        StartError::Init(ExitReason::Panic("in init".into()))
    );
    assert_eq!(node.whereis("failing"), None);
    assert_eq!(node.processes().len(), before);
    node.stop().await;
}

/// Panics where it should clean up.
struct Clumsy;

#[gen_server(local)]
impl Clumsy {
    #[init]
    fn new() -> Self {
        Clumsy
    }
    #[call]
    async fn hang(&mut self) -> i64 {
        pending().await
    }
    #[terminate]
    fn terminate(&mut self, _reason: &ExitReason) {
        panic!("in terminate")
    }
}

#[tokio::test]
async fn a_panic_in_terminate_is_the_reason() {
    let node = node().await;
    let server = node.spawn(Clumsy::spec()).await.unwrap();
    let end = server.stop().await;
    assert_eq!(
        end,
        Err(CallError::Exit(ExitReason::Panic("in terminate".into())))
    );
    node.stop().await;
}

#[tokio::test]
async fn terminate_does_not_run_on_kill() {
    let node = node().await;
    let (server, log) = keeper(&node).await;
    server.trap().await.unwrap();
    node.exit(pid(&server), ExitReason::Kill);
    assert_eq!(
        server.hang().forever().await.unwrap_err(),
        CallError::Exit(ExitReason::Killed)
    );
    assert!(lines(&log).is_empty());
    node.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_five_seconds_unless_told_otherwise() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let begun = tokio::time::Instant::now();
    assert_eq!(server.keep().await, Err(CallError::Timeout));
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(5) && waited < Duration::from_millis(5_050));
    node.stop().await;
}

#[tokio::test]
async fn an_encoded_call_reaches_a_local_server() {
    let node = node().await;
    let echo = node.spawn(spec::<Echo>(())).name("echo").await.unwrap();
    let answer: (String, Vec<i64>) = node.call("echo", &("hello", [1, 2])).await.unwrap();
    assert_eq!(answer, ("hello".to_owned(), vec![1, 2]));
    let typed = echo
        .call(|reply| Dynamic::Call(Term::from(5), reply))
        .await
        .unwrap();
    assert_eq!(typed, Term::from(5));
    let missing: Result<Term, _> = node.call("nobody", &1).forever().await;
    assert_eq!(missing, Err(CallError::NoProc));
    node.stop().await;
}

/// A wire server, to be called with what it does not understand.
struct Adder {
    n: i64,
    others: Vec<Term>,
}

#[gen_server]
impl Adder {
    #[init]
    fn new() -> Self {
        Adder {
            n: 0,
            others: Vec::new(),
        }
    }
    #[call]
    fn add(&mut self, k: i64) -> i64 {
        self.n += k;
        self.n
    }
    #[cast]
    fn clear(&mut self) {
        self.n = 0;
    }
    #[call]
    fn others(&mut self) -> Vec<Term> {
        std::mem::take(&mut self.others)
    }
    #[info(other)]
    fn other(&mut self, info: Info) {
        if let Info::Term(term) = info {
            self.others.push(term);
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_the_type_is_refused_or_info() {
    let node = node().await;
    node.spawn(Adder::spec()).name("adder").await.unwrap();
    let add = Atom::from_static("add");
    assert_eq!(node.call::<i64>("adder", &(add, 2)).await, Ok(2));

    let request = (add, Atom::from_static("foo"));
    let Err(CallError::Exit(refused)) = node.call::<i64>("adder", &request).forever().await else {
        panic!("{{add, foo}} was answered")
    };
    assert_eq!(refused.to_string(), "{no_reply,{add,foo}}");

    node.cast("adder", &Atom::from_static("unknown"));
    node.send("adder", &Atom::from_static("plain"));
    let others: Vec<Term> = node
        .call("adder", &Atom::from_static("others"))
        .await
        .unwrap();
    let texts: Vec<String> = others.iter().map(ToString::to_string).collect();
    assert_eq!(texts, ["{'$gen_cast',unknown}", "plain"]);

    node.cast("adder", &Atom::from_static("clear"));
    assert_eq!(node.call::<i64>("adder", &(add, 1)).await, Ok(1));
    node.stop().await;
}

#[test]
fn calls_come_from_plain_threads_too() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (node, server) = runtime.block_on(async {
        let node = node().await;
        let (server, _) = keeper(&node).await;
        (node, server)
    });
    let handle = runtime.handle().clone();
    let answer =
        std::thread::spawn(move || handle.block_on(async { server.answer_kept(3).await })).join();
    assert_eq!(answer.unwrap(), Ok(0));
    runtime.block_on(node.stop());
}

#[tokio::test]
async fn nodes_in_one_program_share_nothing() {
    let (a, b) = (node().await, node().await);
    a.spawn(Keeper::spec(Log::default()))
        .name("mine")
        .await
        .unwrap();
    assert_eq!(b.whereis("mine"), None);
    a.stop().await;
    b.spawn(Keeper::spec(Log::default())).await.unwrap();
    b.stop().await;
}

#[tokio::test]
async fn a_stopped_node_starts_nothing() {
    let node = node().await;
    let (_server, log) = keeper(&node).await;
    node.stop().await;
    assert_eq!(
        lines(&log),
        ["terminate shutdown"],
        "stop waits for the servers"
    );
    let refused = node.spawn(Keeper::spec(Log::default())).await;
    assert_eq!(refused.unwrap_err(), StartError::NodeStopped);
}

/// What the rest of the rules about calls need.
struct Odd {
    log: Log,
}

#[gen_server]
impl Odd {
    #[init]
    fn new(log: Log, cx: &mut Cx<Self>) -> Self {
        let registered = cx.node().whereis("odd") == Some(cx.pid());
        log.lock().unwrap().push(format!("registered {registered}"));
        Odd { log }
    }
    #[call]
    fn not_a_number(&self) -> f64 {
        f64::NAN
    }
    #[call]
    fn act(&mut self) {
        self.log.lock().unwrap().push("acted".to_owned());
    }
    /// Asks the next of a ring, which asks the one after it.
    #[call]
    async fn round(&mut self, next: Pid, after: Pid, cx: &mut Cx<Self>) -> String {
        let node = cx.node().clone();
        let next = node.server::<Odd>(Dest::Pid(next));
        let patience = Duration::from_millis(50);
        let answer = next.round(after, cx.pid()).timeout(patience).await;
        answer.unwrap_or_else(|error| error.to_string())
    }
    #[cast]
    fn stop_for(&mut self, reason: Term) -> Flow {
        Flow::Stop(ExitReason::from(reason))
    }
}

async fn odd(node: &Node) -> (ServerRef<Odd>, Log) {
    let log = Log::default();
    let odd = node.spawn(Odd::spec(Arc::clone(&log))).name("odd").await;
    (odd.unwrap(), log)
}

#[tokio::test]
async fn a_name_is_registered_before_init_runs() {
    let node = node().await;
    let (_, log) = odd(&node).await;
    assert_eq!(lines(&log), ["registered true"]);
    node.stop().await;
}

#[tokio::test]
async fn who_calls_from_outside_has_a_pid_until_the_call_is_over() {
    let node = node().await;
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let server = node
        .spawn_fn(async move |mut cx| {
            let call = cx.receive_match(|info| match info {
                Info::Term(term) => Some(term.clone()),
                _ => None,
            });
            let call = call.await;
            let Some([_, from, _]) = call.as_tuple() else {
                panic!("{call}")
            };
            let Some([caller, tag]) = from.as_tuple() else {
                panic!("{from}")
            };
            let caller = caller.as_pid().unwrap();
            let monitor = cx.monitor(caller);
            assert!(cx.node().is_alive(caller));
            assert_eq!(cx.receive().after(Duration::from_millis(1)).await, None);
            let answer = Term::tuple([tag.clone(), Term::from(7)]);
            cx.send(caller, &answer).await.unwrap();
            let down = cx.receive().await;
            let _ = asked.send((caller, monitor, down));
        })
        .unwrap();
    let question = Atom::from_static("question");
    assert_eq!(node.call::<i64>(server, &question).forever().await, Ok(7));
    let (caller, monitor, down) = is_asked.await.unwrap();
    let Info::Down {
        reference, reason, ..
    } = down
    else {
        panic!("{down:?}")
    };
    assert_eq!((reference, reason), (monitor, ExitReason::Normal));
    assert!(!node.is_alive(caller));
    node.stop().await;
}

#[tokio::test]
async fn a_circle_of_servers_waits_for_its_time_and_no_longer() {
    let node = node().await;
    let (first, _) = odd(&node).await;
    let log = Log::default();
    let second = node.spawn(Odd::spec(log)).await.unwrap();
    let [Dest::Pid(one), Dest::Pid(two)] = [first.dest(), second.dest()] else {
        panic!("spawned servers have pids")
    };
    // The first asks the second, which asks the first, which is busy.
    let answer = first.round(two, one).forever().await.unwrap();
    assert_eq!(answer, CallError::Timeout.to_string());
    node.stop().await;
}

#[tokio::test]
async fn an_answer_that_comes_with_the_deadline_is_an_answer() {
    let node = node().await;
    let (server, _) = keeper(&node).await;
    let call = {
        let server = server.clone();
        tokio::spawn(async move { server.keep().timeout(Duration::from_millis(10)).await })
    };
    tokio::task::yield_now().await;
    // The time is over, and nobody saw it yet: this thread is held. The answer is there when the caller looks.
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(server.answer_kept(7).await, Ok(1));
    assert_eq!(call.await.unwrap(), Ok(7));
    node.stop().await;
}

#[tokio::test]
async fn a_call_that_is_dropped_is_given_up_and_the_server_still_acts() {
    let node = node().await;
    let (odd, log) = odd(&node).await;
    let (keeper, _) = keeper(&node).await;
    for _ in 0..3 {
        let mut call = Box::pin(odd.act());
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
        drop(call);
        let mut kept = Box::pin(keeper.keep());
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(kept.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
    }
    odd.act().await.unwrap();
    assert_eq!(lines(&log)[1..], ["acted"; 4]);
    // Nobody waits for these; answering them does nothing.
    assert_eq!(keeper.answer_kept(1).await, Ok(3));
    node.stop().await;
}

#[tokio::test]
async fn an_answer_without_an_encoding_refuses_the_call_and_is_logged() {
    let node = node().await;
    let (_, _) = odd(&node).await;
    let (logged, _capture) = log::Lines::capture();
    let request = Atom::from_static("not_a_number");
    let refused = node.call::<Term>("odd", &request).forever().await;
    let Err(CallError::Exit(reason)) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(reason.to_string(), "{no_reply,not_a_number}");
    assert_eq!(logged.with(&["WARN", "could not be encoded"]).len(), 1);
    node.stop().await;
}

#[tokio::test]
async fn only_an_end_that_is_not_proper_is_logged_and_once() {
    let node = node().await;
    let (logged, _capture) = log::Lines::capture();
    let atom = |text: &'static str| Term::from(Atom::from_static(text));
    let proper = Term::tuple([atom("shutdown"), Term::from(1)]);
    for reason in [atom("normal"), atom("shutdown"), proper, atom("disk_full")] {
        let (odd, _) = odd(&node).await;
        odd.stop_for(reason);
        while odd.is_alive() {
            tokio::task::yield_now().await;
        }
    }
    let (killed, _) = odd(&node).await;
    let Dest::Pid(pid) = killed.dest() else {
        panic!("a spawned server has a pid")
    };
    node.exit(pid, ExitReason::from(Atom::from_static("from_outside")));
    while killed.is_alive() {
        tokio::task::yield_now().await;
    }
    let ends = logged.with(&["ERROR"]);
    assert_eq!(ends.len(), 1, "{ends:#?}");
    for words in ["crash report", "process=odd <", "Odd", "reason=disk_full"] {
        assert!(ends[0].contains(words), "no {words} in {}", ends[0]);
    }
    node.stop().await;
}

/// A state, or what a panic throws, that does not go quietly.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("dropped")
    }
}

struct Fragile {
    _bomb: Bomb,
}

#[gen_server(local)]
impl Fragile {
    #[init]
    fn new() -> Self {
        Fragile { _bomb: Bomb }
    }
    #[call]
    fn crash(&mut self) {
        panic!("asked to crash")
    }
    #[call]
    fn throw(&mut self) {
        std::panic::panic_any(Bomb)
    }
}

#[tokio::test]
async fn a_state_that_panics_when_it_is_dropped_takes_nothing_from_the_reason() {
    let node = node().await;
    let fragile = node.spawn(Fragile::spec()).await.unwrap();
    let panicked = |text: &str| Err(CallError::Exit(ExitReason::Panic(text.into())));
    assert_eq!(fragile.crash().await, panicked("asked to crash"));
    let fragile = node.spawn(Fragile::spec()).await.unwrap();
    assert_eq!(fragile.throw().await, panicked("a panic without a text"));
    let fragile = node.spawn(Fragile::spec()).await.unwrap();
    assert_eq!(fragile.stop().await, Ok(()), "a proper end stays one");
    node.stop().await;
}
