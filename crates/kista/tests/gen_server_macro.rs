//! `#[gen_server]` at work: within a node, in Erlang's format, and between two nodes. What it refuses is in `ui/`.

#[path = "support/port.rs"]
mod port;

use port::free_port;
use std::sync::{Arc, Mutex};

use kista::etf::{Decode, Encode, Pid, Term};
use kista::{
    Atom, CallError, Cx, EpmdMode, ExitReason, Flow, Info, Node, ReplyTo, StartError, gen_server,
};

struct Counter {
    n: i64,
}

#[gen_server]
impl Counter {
    #[init]
    fn new(start: i64) -> Self {
        Self { n: start }
    }

    #[call]
    fn get(&self) -> i64 {
        self.n
    }

    #[call]
    async fn add(&mut self, k: i64) -> i64 {
        self.n += k;
        self.n
    }

    #[cast]
    fn reset(&mut self) {
        self.n = 0
    }
}

/// What happened to a [`Desk`], in order.
type Log = Arc<Mutex<Vec<String>>>;

/// A server with one of everything.
struct Desk {
    log: Log,
    waiting: Vec<ReplyTo<String>>,
}

#[gen_server]
impl Desk {
    #[init]
    async fn open(log: Option<Log>, cx: &mut Cx<Self>) -> Result<Self, String> {
        let log = log.ok_or("no log")?;
        log.lock()
            .unwrap()
            .push(format!("open {}", cx.node().name()));
        Ok(Self {
            log,
            waiting: vec![],
        })
    }

    #[call]
    fn unit(&self) {}

    #[call(name = "whoAmI")]
    fn my_pid(&self, cx: &Cx<Self>) -> Pid {
        cx.pid()
    }

    #[call]
    fn later(&mut self, (a, b): (i64, i64), reply: ReplyTo<String>, cx: &mut Cx<Self>) {
        let _ = cx;
        self.note(format!("later {a} {b}"));
        self.waiting.push(reply);
    }

    /// Answers all who wait; the cast shares its name with a call.
    #[cast(name = "unit")]
    fn answer(&mut self, reply: String) {
        for waiting in self.waiting.drain(..) {
            waiting.reply(reply.clone());
        }
    }

    #[call]
    async fn close(&mut self, reply: ReplyTo<Vec<String>>) -> Flow {
        reply.reply(self.log.lock().unwrap().clone());
        Flow::Stop(ExitReason::Shutdown)
    }

    #[info]
    fn r#type(&mut self, what: String) {
        self.note(format!("type {what}"));
    }

    #[call(other)]
    fn other(&mut self, request: Term, reply: ReplyTo<Term>) {
        reply.reply(request);
    }

    #[cast(other)]
    fn other_cast(&mut self, message: Term) {
        self.note(format!("cast {message}"));
    }

    #[info(other)]
    async fn info(&mut self, info: Info) -> Flow {
        if let Info::Term(term) = info {
            self.note(format!("info {term}"));
        }
        Flow::Continue
    }

    #[terminate]
    async fn bye(&mut self, reason: &ExitReason) {
        self.note(format!("bye {reason}"));
    }

    fn note(&self, line: String) {
        self.log.lock().unwrap().push(line);
    }
}

/// What cannot be written can still be sent within the node.
struct Local;

#[gen_server(local)]
impl Local {
    #[init]
    fn new() -> Self {
        Self
    }

    #[call]
    fn apply(&self, f: Box<dyn Fn(&str) -> usize + Send>) -> Box<dyn Fn() -> usize + Send> {
        let n = f("four");
        Box::new(move || n)
    }
}

struct Stack<T> {
    items: Vec<T>,
}

#[gen_server]
impl<T> Stack<T>
where
    T: Encode + for<'a> Decode<'a> + Clone + Send + 'static,
{
    #[init]
    fn new() -> Self {
        Self { items: Vec::new() }
    }

    #[cast]
    fn push(&mut self, item: T) {
        self.items.push(item);
    }

    #[call]
    fn pop(&mut self) -> Option<T> {
        self.items.pop()
    }
}

fn atom(text: &str) -> Atom {
    Atom::new(text).unwrap()
}

async fn lonely_node() -> Node {
    Node::builder("alone@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

/// A node, a desk called `desk` on it, and what the desk notes.
async fn with_desk() -> (Node, kista::ServerRef<Desk>, Log) {
    let (node, log) = (lonely_node().await, Log::default());
    let desk = node
        .spawn(Desk::spec(Some(Arc::clone(&log))))
        .name("desk")
        .await
        .unwrap();
    (node, desk, log)
}

#[tokio::test]
async fn a_counter_counts() {
    let node = lonely_node().await;
    let counter = node.spawn(Counter::spec(40)).await.unwrap();
    assert_eq!(counter.add(2).await, Ok(42));
    counter.reset();
    assert_eq!(counter.get().await, Ok(0));
    node.stop().await;
}

#[test]
fn the_methods_stay_plain_functions() {
    let mut counter = Counter::new(1);
    counter.n += 1;
    assert_eq!(counter.get(), 2);
}

#[tokio::test]
async fn a_spec_starts_as_many_as_are_wanted() {
    let node = lonely_node().await;
    let spec = Counter::spec(5);
    let [one, two] = [
        node.spawn(spec.clone()).await.unwrap(),
        node.spawn(spec).await.unwrap(),
    ];
    assert_eq!(one.add(1).await, Ok(6));
    assert_eq!(two.get().await, Ok(5));
    node.stop().await;
}

#[tokio::test]
async fn erlang_sees_atoms_and_tagged_tuples() {
    let node = lonely_node().await;
    node.spawn(Counter::spec(0)).name("counter").await.unwrap();
    assert_eq!(node.call("counter", &(atom("add"), 2)).await, Ok(2));
    assert_eq!(node.call("counter", &atom("get")).await, Ok(2));
    node.cast("counter", &atom("reset"));
    assert_eq!(node.call("counter", &atom("get")).await, Ok(0));
    node.stop().await;
}

#[tokio::test]
async fn a_request_that_does_not_fit_is_refused_and_harms_nobody() {
    let node = lonely_node().await;
    let counter = node.spawn(Counter::spec(7)).name("counter").await.unwrap();
    let requests = [
        Term::from(atom("unknown")),
        Term::from(atom("add")),
        Term::from(atom("reset")), // a cast
        Term::tuple([]),
        Term::tuple([Term::from(atom("get"))]), // {get} is not get
        Term::tuple([Term::from(atom("add")), Term::from(atom("two"))]),
        Term::tuple([Term::from(atom("add")), Term::from(1), Term::from(2)]),
        Term::tuple([Term::from(1), Term::from(2)]),
        Term::from(1),
        Term::list([]),
    ];
    for request in requests {
        let refused = node.call::<i64>("counter", &request).await;
        assert!(
            matches!(refused, Err(CallError::Exit(_))),
            "{request}: {refused:?}"
        );
        node.cast("counter", &request);
        node.send("counter", &request);
    }
    // Among the casts was one that fits: `reset`.
    assert_eq!(counter.get().await, Ok(0));
    node.stop().await;
}

#[tokio::test]
async fn an_answer_may_come_later() {
    let (node, desk, log) = with_desk().await;
    let call = tokio::spawn({
        let desk = desk.clone();
        async move { desk.later((1, 2)).await }
    });
    while !log.lock().unwrap().contains(&"later 1 2".to_owned()) {
        tokio::task::yield_now().await;
    }
    desk.answer("now".to_owned());
    assert_eq!(call.await.unwrap(), Ok("now".to_owned()));
    node.stop().await;
}

#[tokio::test]
async fn the_wire_name_is_the_one_that_was_given() {
    let (node, desk, _) = with_desk().await;
    let pid = desk.my_pid().await.unwrap();
    assert_eq!(node.call("desk", &atom("whoAmI")).await, Ok(pid));
    assert_eq!(
        node.call("desk", &atom("my_pid")).await,
        Ok(Term::from(atom("my_pid"))),
        "taken by `other`"
    );
    node.stop().await;
}

#[tokio::test]
async fn nothing_is_answered_as_ok() {
    let (node, desk, _) = with_desk().await;
    assert_eq!(desk.unit().await, Ok(()));
    assert_eq!(node.call("desk", &atom("unit")).await, Ok(atom("ok")));
    node.stop().await;
}

#[tokio::test]
async fn what_no_method_names_goes_to_other() {
    let (node, desk, log) = with_desk().await;
    let misfit = Term::tuple([Term::from(atom("later")), Term::from(atom("x"))]);
    assert_eq!(node.call("desk", &misfit).await, Ok(misfit.clone()));
    assert_eq!(desk.other(Term::from(3)).await, Ok(Term::from(3)));
    node.cast("desk", &misfit);
    desk.other_cast(Term::from(4));
    node.send("desk", &misfit);
    node.send("desk", &(atom("type"), "x"));
    desk.r#type("y".to_owned());
    let seen = desk.close().await.unwrap();
    let expected = [
        "open 'alone@127.0.0.1'",
        "cast {later,x}",
        "cast 4",
        "info {later,x}",
        "type x",
        "type y",
    ];
    assert_eq!(seen, expected);
    while log.lock().unwrap().len() == expected.len() {
        tokio::task::yield_now().await;
    }
    assert_eq!(log.lock().unwrap().last().unwrap(), "bye shutdown");
    node.stop().await;
}

#[tokio::test]
async fn an_init_that_fails_is_told_to_the_one_who_starts() {
    let node = lonely_node().await;
    let started = node.spawn(Desk::spec(None)).await;
    assert!(matches!(started, Err(StartError::Init(_))), "{started:?}");
    node.stop().await;
}

#[tokio::test]
async fn a_local_server_takes_what_cannot_be_written_and_nothing_from_outside() {
    let node = lonely_node().await;
    let local = node.spawn(Local::spec()).name("local").await.unwrap();
    let answer = local.apply(Box::new(str::len)).await.unwrap();
    assert_eq!(answer(), 4);
    let refused = node.call::<Term>("local", &(atom("apply"), 1)).await;
    assert!(matches!(refused, Err(CallError::Exit(_))), "{refused:?}");
    node.stop().await;
}

#[tokio::test]
async fn a_server_may_be_generic() {
    let node = lonely_node().await;
    let stack = node
        .spawn(Stack::<String>::spec())
        .name("stack")
        .await
        .unwrap();
    stack.push("a".to_owned());
    node.cast("stack", &(atom("push"), "b"));
    assert_eq!(stack.pop().await, Ok(Some("b".to_owned())));
    assert_eq!(node.call("stack", &atom("pop")).await, Ok("a".to_owned()));
    assert_eq!(stack.pop().await, Ok(None));
    node.stop().await;
}

/// Each message crosses a real connection: what one side writes, the other reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_nodes_every_message_is_read_as_it_was_written() {
    let epmd = free_port();
    let start = |name: &'static str, mode| async move {
        Node::builder(name)
            .cookie("macro")
            .epmd(mode)
            .epmd_port(epmd)
            .start()
            .await
            .unwrap()
    };
    let here = start("here@127.0.0.1", EpmdMode::Embedded).await;
    let there = start("there@127.0.0.1", EpmdMode::Running).await;
    let log = Log::default();
    here.spawn(Desk::spec(Some(Arc::clone(&log))))
        .name("desk")
        .await
        .unwrap();
    here.spawn(Counter::spec(1)).name("counter").await.unwrap();

    let counter = there.server::<Counter>(("counter", "here@127.0.0.1"));
    assert_eq!(counter.add(2).await, Ok(3));
    counter.reset();
    assert_eq!(counter.get().await, Ok(0));

    let desk = there.server::<Desk>(("desk", "here@127.0.0.1"));
    assert_eq!(desk.unit().await, Ok(()));
    assert_eq!(desk.my_pid().await.ok(), here.whereis("desk"));
    let waiting = tokio::spawn({
        let desk = desk.clone();
        async move { desk.later((3, 4)).await }
    });
    while !log.lock().unwrap().contains(&"later 3 4".to_owned()) {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    desk.answer("late".to_owned());
    assert_eq!(waiting.await.unwrap(), Ok("late".to_owned()));
    assert_eq!(desk.other(Term::from(9)).await, Ok(Term::from(9)));
    desk.other_cast(Term::from(8));
    desk.r#type("wire".to_owned());
    let seen = desk.close().await.unwrap();
    assert_eq!(seen[1..], ["later 3 4", "cast 8", "type wire"]);
    there.stop().await;
    here.stop().await;
}

#[test]
fn mistakes_are_told_where_they_are() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
