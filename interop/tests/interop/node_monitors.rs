//! Nodes come and go in every way, before an Erlang node and one of ours that have asked for the same: both are told the same.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use kista::etf::atoms;
use kista::{Atom, MonitorNodes, Node, Pid, ProcessCx, Term};
use kista_interop::{Bed, Program};

const ERL: &str = "erl@127.0.0.1";
const OURS: &str = "ours@127.0.0.1";
const TARGET: &str = "target@127.0.0.1";
const HIDDEN: &str = "hidden@127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(60);
/// Seconds; that of all nodes.
const TICK_TIME: &str = "8";

/// The two who are told, and one who tells Erlang nodes what to do without being seen by ours.
struct Stage {
    bed: Bed,
    _erl: Program,
    ours: Node,
    control: Node,
}

impl Stage {
    async fn new() -> Self {
        let bed = Bed::new();
        let erl = erlang(&bed, ERL, &[]);
        let ours = builder(&bed, OURS).visible().connect_all(false);
        let ours = ours.start().await.expect("our node starts");
        let control = builder(&bed, "control@127.0.0.1").start().await;
        Self {
            bed,
            _erl: erl,
            ours,
            control: control.expect("the other one starts"),
        }
    }

    async fn ask<T>(&self, node: &str, function: (&str, &str), arguments: Vec<Term>) -> T
    where
        T: for<'a> kista::Decode<'a> + Send + 'static,
    {
        let answer = self.control.erpc::<T>(node, function, arguments);
        let answer = answer.timeout(PATIENCE).await;
        answer.unwrap_or_else(|error| panic!("{function:?} on {node}: {error:?}"))
    }

    async fn join(&self, node: &str) {
        let pong: Atom = self.ask(ERL, ("net_adm", "ping"), vec![atom(node)]).await;
        assert_eq!(pong.as_str(), "pong");
        self.ours.connect(node).await.expect("connected");
    }

    async fn is_dialled_by(&self, node: &str) {
        for observer in [ERL, OURS] {
            let dial = self.ask::<Atom>(node, ("net_adm", "ping"), vec![atom(observer)]);
            assert_eq!(dial.await.as_str(), "pong");
        }
    }

    async fn leave(&self, node: &str) {
        let left: bool = self
            .ask(ERL, ("erlang", "disconnect_node"), vec![atom(node)])
            .await;
        assert!(left);
        assert!(self.ours.disconnect(node));
    }

    async fn is_left_by(&self, node: &str) {
        for observer in [ERL, OURS] {
            let leave = self.ask::<bool>(node, ("erlang", "disconnect_node"), vec![atom(observer)]);
            assert!(leave.await);
        }
    }

    async fn stop(self) {
        self.ours.stop().await;
        self.control.stop().await;
    }
}

fn builder(bed: &Bed, name: &str) -> kista::NodeBuilder {
    let seconds = TICK_TIME.parse().expect("it is a number");
    bed.node(name).net_ticktime(Duration::from_secs(seconds))
}

fn erlang(bed: &Bed, name: &str, options: &[&str]) -> Program {
    let mut all = vec![
        "-connect_all",
        "false",
        "-kernel",
        "net_ticktime",
        TICK_TIME,
    ];
    all.extend(options);
    let mut erl = bed.erlang_with(&all, name, bed.cookie(), "scenario", "serve", &[name]);
    erl.expect(&format!("ready {name}"), PATIENCE);
    erl
}

fn atom(text: &str) -> Term {
    Term::from(Atom::new(text).expect("it is short"))
}

fn term(text: &str) -> Term {
    text.parse().expect("a term")
}

/// What a process asks for, on our side and on Erlang's.
type Ask = Vec<(bool, MonitorNodes, &'static str)>;

fn asks() -> Vec<Ask> {
    let none = MonitorNodes::new();
    let all = none.all().nodedown_reason().connection_id();
    let one = |options, erlang| vec![(true, options, erlang)];
    vec![
        one(none, "[]"),
        one(none.nodedown_reason(), "[nodedown_reason]"),
        one(none.visible(), "[{node_type,visible}]"),
        one(none.hidden(), "[{node_type,hidden}]"),
        one(none.all(), "[{node_type,all}]"),
        one(none.connection_id(), "[connection_id]"),
        one(
            none.connection_id().nodedown_reason(),
            "[nodedown_reason,connection_id]",
        ),
        one(all, "[connection_id,{node_type,all},nodedown_reason]"),
        one(none.as_map(), "#{}"),
        one(
            none.nodedown_reason().as_map(),
            "#{nodedown_reason => true,connection_id => false}",
        ),
        one(none.hidden().as_map(), "#{node_type => hidden}"),
        one(
            all.as_map(),
            "#{node_type => all,nodedown_reason => true,connection_id => true}",
        ),
        // Several of one process, in the order of their first beginning, each as often as it was begun.
        vec![
            (true, none.all(), "[{node_type,all}]"),
            (true, none, "[]"),
            (true, none.as_map(), "#{}"),
            (true, none, "[]"),
            (true, none.nodedown_reason(), "[nodedown_reason]"),
            (true, none.all(), "[{node_type,all}]"),
        ],
        // One `false` ends all that were begun with the same options, in whatever order these are; then it is the last.
        vec![
            (
                true,
                none.all().nodedown_reason(),
                "[{node_type,all},nodedown_reason]",
            ),
            (
                true,
                none.all().nodedown_reason(),
                "[nodedown_reason,{node_type,all}]",
            ),
            (true, none.visible(), "[{node_type,visible}]"),
            (true, none, "[]"),
            (false, none, "[]"),
            (
                false,
                none.all().nodedown_reason(),
                "[nodedown_reason,{node_type,all}]",
            ),
            (
                true,
                none.all().nodedown_reason(),
                "[{node_type,all},nodedown_reason]",
            ),
        ],
    ]
}

/// A process of ours that notes what it gets.
type Notes = Arc<Mutex<Vec<Term>>>;

fn note(node: &Node, name: Option<&str>, begin: impl FnOnce(&ProcessCx) + Send + 'static) -> Notes {
    let notes = Notes::default();
    let written = Arc::clone(&notes);
    let pid = node
        .spawn_fn(async move |mut cx: ProcessCx| {
            begin(&cx);
            loop {
                let message = cx.receive().await.to_term();
                written.lock().expect("nobody panics with it").push(message);
            }
        })
        .expect("a process");
    if let Some(name) = name {
        node.register(name, pid).expect("the name is free");
    }
    notes
}

/// The same process on both sides.
struct Twins {
    what: String,
    theirs: Pid,
    ours: Notes,
}

impl Twins {
    async fn subscribe(stage: &Stage, ask: Ask) -> Self {
        let calls = ask
            .iter()
            .map(|(on, _, options)| Term::from((*on, term(options))));
        let calls = Term::list(calls);
        let what = calls.to_string();
        let arguments = vec![Term::from(atoms::UNDEFINED), calls];
        let theirs = stage.ask(ERL, ("nodewatch", "subscribe"), arguments).await;
        let ours = note(&stage.ours, None, move |cx| {
            for (on, options, _) in ask {
                cx.monitor_nodes_with(on, options);
            }
        });
        Self { what, theirs, ours }
    }

    async fn monitor(stage: &Stage, calls: &[(&str, bool)]) -> Self {
        let calls: Vec<_> = calls
            .iter()
            .map(|(node, on)| (Atom::new(node).expect("it is short"), *on))
            .collect();
        let argument = Term::list(calls.iter().map(|call| Term::from(*call)));
        let theirs = stage
            .ask(ERL, ("nodewatch", "monitor"), vec![argument])
            .await;
        let what = format!("monitor_node {calls:?}");
        let ours = note(&stage.ours, None, move |cx| {
            for (node, on) in calls {
                cx.monitor_node(node, on);
            }
        });
        Self { what, theirs, ours }
    }

    /// What each has noted about the nodes that come and go; connections by number.
    async fn heard(&self, stage: &Stage) -> (Vec<String>, Vec<String>) {
        let ours = self.ours.lock().expect("nobody panics with it").clone();
        let theirs: Vec<Term> = stage
            .ask(ERL, ("nodewatch", "heard"), vec![Term::from(self.theirs)])
            .await;
        let mut theirs = readable(&theirs);
        if stage.bed.is_tls() {
            // Of whoever closes it. The process that has a TLS connection there ends with that reason.
            let closed = |text: &mut String| *text = text.replace("shutdown", "connection_closed");
            theirs.iter_mut().for_each(closed);
        }
        (theirs, readable(&ours))
    }
}

fn readable(messages: &[Term]) -> Vec<String> {
    let mut connections = Vec::new();
    let texts = messages.iter().map(Term::to_string);
    let texts = texts.filter(|text| !text.contains("control@"));
    texts
        .map(|text| {
            let Some((before, after)) = text.split_once("connection_id") else {
                return text;
            };
            let digits = after.trim_start_matches(|c: char| !c.is_ascii_digit());
            let end = digits.find(|c: char| !c.is_ascii_digit());
            let (id, rest) = digits.split_at(end.expect("a bracket follows"));
            let known = connections.iter().position(|known| known == id);
            let n = known.unwrap_or_else(|| {
                connections.push(id.to_owned());
                connections.len() - 1
            });
            format!("{before}connection_id {n}{rest}")
        })
        .collect()
}

/// Until both have been told of so many comings and goings.
async fn until(stage: &Stage, twins: &Twins, told: usize) {
    let end = Instant::now() + PATIENCE;
    loop {
        let (theirs, ours) = twins.heard(stage).await;
        if theirs.len() >= told && ours.len() >= told {
            return;
        }
        assert!(
            Instant::now() < end,
            "{told} were expected: {theirs:#?} {ours:#?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn are_equal(stage: &Stage, twins: &[Twins]) {
    for twins in twins {
        let end = Instant::now() + PATIENCE;
        loop {
            let (theirs, ours) = twins.heard(stage).await;
            if theirs == ours {
                println!("{}: {theirs:#?}", twins.what);
                break;
            }
            assert!(
                Instant::now() < end,
                "{}: Erlang was told {theirs:#?}, and ours {ours:#?}",
                twins.what
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_are_told_the_same_of_nodes_that_come_and_go() {
    let stage = Stage::new().await;
    let mut target = erlang(&stage.bed, TARGET, &[]);
    let _hidden = erlang(&stage.bed, HIDDEN, &["-hidden"]);
    let mut twins = Vec::new();
    for ask in asks() {
        twins.push(Twins::subscribe(&stage, ask).await);
    }
    // It is told of all.
    let all = twins
        .iter()
        .position(|twins| twins.what.contains("[{true,[connection_id,"))
        .expect("it is among them");
    let mut told = 0;
    let mut next = async |twins: &Vec<Twins>| {
        told += 1;
        until(&stage, &twins[all], told).await;
    };
    // We dial, and close.
    stage.join(TARGET).await;
    next(&twins).await;
    stage.leave(TARGET).await;
    next(&twins).await;
    // It dials, and closes.
    stage.is_dialled_by(TARGET).await;
    next(&twins).await;
    stage.is_left_by(TARGET).await;
    next(&twins).await;
    // A hidden one.
    stage.join(HIDDEN).await;
    next(&twins).await;
    stage.leave(HIDDEN).await;
    next(&twins).await;
    // It is killed, and comes back as another.
    stage.join(TARGET).await;
    next(&twins).await;
    target.kill();
    next(&twins).await;
    target = erlang(&stage.bed, TARGET, &[]);
    stage.join(TARGET).await;
    next(&twins).await;
    // It stops in order.
    stage.ask::<Atom>(TARGET, ("init", "stop"), vec![]).await;
    next(&twins).await;
    drop(target);
    // It stands still.
    target = erlang(&stage.bed, TARGET, &[]);
    stage.join(TARGET).await;
    next(&twins).await;
    target.signal("STOP");
    next(&twins).await;
    are_equal(&stage, &twins).await;
    let (_, ours) = twins[all].heard(&stage).await;
    for word in ["disconnect", "connection_closed", "net_tick_timeout"] {
        assert!(ours.iter().any(|told| told.contains(word)), "{ours:#?}");
    }
    target.signal("CONT");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_are_told_the_same_of_one_node() {
    let stage = Stage::new().await;
    let mut target = erlang(&stage.bed, TARGET, &[]);
    let hidden = erlang(&stage.bed, HIDDEN, &["-hidden"]);
    let counted = [
        (TARGET, true),
        (TARGET, true),
        (TARGET, true),
        (TARGET, false),
    ];
    let mut twins = vec![
        Twins::monitor(&stage, &[("nobody@127.0.0.1", true)]).await,
        Twins::monitor(&stage, &[("nobody", true), ("nobody", true)]).await,
        // Not connected: it is dialled.
        Twins::monitor(&stage, &counted).await,
        Twins::monitor(&stage, &[(TARGET, true), (TARGET, false), (TARGET, false)]).await,
        Twins::monitor(&stage, &[(HIDDEN, true)]).await,
    ];
    let gone = twins.len();
    target.kill();
    drop(hidden);
    until(&stage, &twins[2], 2).await;
    until(&stage, &twins[4], 1).await;
    // Used up: the next one is not told of.
    target = erlang(&stage.bed, TARGET, &[]);
    twins.push(Twins::monitor(&stage, &[(TARGET, true)]).await);
    target.kill();
    until(&stage, &twins[gone], 1).await;
    are_equal(&stage, &twins).await;
    for (twins, told) in twins.iter().zip([1, 2, 2, 0, 1, 1]) {
        let (_, ours) = twins.heard(&stage).await;
        assert_eq!(ours.len(), told, "{}: {ours:#?}", twins.what);
    }
    stage.stop().await;
}

/// Messages only between `nodeup` and `nodedown`, in their order; what is missing is missing at the end of a connection, and nothing of odd
/// rounds. A cut in the middle of a handshake cuts nothing, so that two rounds may share a connection.
fn check_bursts(who: &str, heard: &[Term], rounds: i64, count: i64) {
    let nodeup = term(&format!("{{nodeup,'{TARGET}'}}"));
    let nodedown = term(&format!("{{nodedown,'{TARGET}'}}"));
    let (mut up, mut first) = (false, false);
    // How many messages have come, or were lost.
    let (mut passed, mut whole) = (0, vec![0; rounds as usize + 1]);
    for message in heard {
        if *message == nodeup {
            assert!(!std::mem::replace(&mut up, true), "{who}: twice up");
            first = true;
        } else if *message == nodedown {
            assert!(std::mem::replace(&mut up, false), "{who}: twice down");
        } else {
            let burst = message.as_tagged("burst");
            let Some([round, n]) = burst else {
                panic!("{who}: {message}")
            };
            let (round, n) = (round.as_int().unwrap(), n.as_int().unwrap());
            let place = (round - 1) * count + n;
            assert!(up, "{who}: {message} while it is down");
            assert!(
                place == passed + 1 || first && place > passed,
                "{who}: {message} after {passed}"
            );
            (passed, first) = (place, false);
            whole[round as usize] += 1;
        }
    }
    assert!(!up, "{who}: still up");
    let odd = whole.iter().enumerate().filter(|(round, _)| round % 2 == 1);
    odd.for_each(|(round, n)| assert_eq!(*n, count, "{who}: messages of round {round}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_sends_comes_between_its_nodeup_and_its_nodedown() {
    const ROUNDS: i64 = 41;
    const COUNT: i64 = 50;
    let stage = Stage::new().await;
    let _target = erlang(&stage.bed, TARGET, &[]);
    let calls = Term::list([Term::from((true, Term::NIL))]);
    let theirs: Pid = stage
        .ask(ERL, ("nodewatch", "subscribe"), vec![atom("ear"), calls])
        .await;
    let ours = note(&stage.ours, Some("ear"), |cx| cx.monitor_nodes(true));
    for observer in [ERL, OURS] {
        let dest = Term::tuple([atom("ear"), atom(observer)]);
        let arguments = vec![dest, Term::from(ROUNDS), Term::from(COUNT)];
        let done: Atom = stage.ask(TARGET, ("nodewatch", "bursts"), arguments).await;
        assert_eq!(done.as_str(), "ok");
    }
    // The last `nodedown` may be on its way.
    let end = Instant::now() + PATIENCE;
    loop {
        let theirs: Vec<Term> = stage
            .ask(ERL, ("nodewatch", "heard"), vec![Term::from(theirs)])
            .await;
        let ours = ours.lock().expect("nobody panics with it").clone();
        let last = term(&format!("{{burst,{ROUNDS},{COUNT}}}"));
        let ended = |heard: &[Term]| {
            let down = heard
                .last()
                .is_some_and(|m| m.as_tagged("nodedown").is_some());
            down && heard.contains(&last)
        };
        if ended(&theirs) && ended(&ours) || Instant::now() > end {
            check_bursts("Erlang", &theirs, ROUNDS, COUNT);
            check_bursts("ours", &ours, ROUNDS, COUNT);
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Its name server may have had an answer to give, and so have connected once more.
        for observer in [ERL, OURS] {
            let left = ("erlang", "disconnect_node");
            stage.ask::<Term>(TARGET, left, vec![atom(observer)]).await;
        }
    }
    stage.stop().await;
}
