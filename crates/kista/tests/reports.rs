//! Reports of crashes and of supervisors: what they say, what they leave out, and what is logged. How many lines a source may
//! have is decided by the pure core, and tested there (`src/reports/limit.rs`).

#[path = "support/log.rs"]
mod log;

use std::time::Duration;

use kista::events::{Subscription, Update};
use kista::gen_event::{self, EventHandler, Handled};
use kista::gen_statem::{Event, GenStatem, Init, StatemCx, Transition, statem};
use kista::reports::{Context, CrashReport, During, MOST_SHOWN, Next, REPORTS, Report, Shown};
use kista::supervisor::{Backoff, Child, Supervisor};
use kista::{
    Address, Atom, Binary, Cx, Encode, ExitReason, Flow, InitStop, Me, Message, Node, SpawnOptions,
    Term, gen_server, pool, sys,
};
use log::Lines;

async fn node() -> Node {
    Node::builder("reports@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

fn follow(node: &Node) -> Subscription<Report> {
    node.subscribe::<Report>(REPORTS).unwrap()
}

async fn next(reports: &mut Subscription<Report>) -> Report {
    let next = tokio::time::timeout(Duration::from_secs(60), reports.next());
    match next.await.expect("there is a report") {
        Some(Update::Event(report)) => report,
        other => panic!("no report: {other:?}"),
    }
}

/// The next crash; what else is reported before it is passed over.
async fn crash(reports: &mut Subscription<Report>) -> CrashReport {
    loop {
        if let Report::Crash(crash) = next(reports).await {
            return *crash;
        }
    }
}

/// What is reported already; nothing else is on its way when this is asked after a call to the node's only server.
fn reported(reports: &mut Subscription<Report>) -> Vec<Report> {
    let mut all = Vec::new();
    while let Some(update) = reports.try_next() {
        if let Update::Event(report) = update {
            all.push(report);
        }
    }
    all
}

#[derive(Debug)]
struct Counter {
    n: i64,
}

#[gen_server]
impl Counter {
    #[init]
    fn new(n: i64) -> Self {
        Counter { n }
    }
    #[call]
    fn divide(&mut self, by: i64) -> i64 {
        self.n /= by;
        self.n
    }
    #[cast]
    fn stop_for(&mut self, reason: Term) -> Flow {
        Flow::Stop(ExitReason::from(reason))
    }
    #[cast]
    fn wait_and_fail(&mut self) -> Flow {
        Flow::Timeout(Duration::ZERO)
    }
    #[timeout]
    fn timed_out(&mut self) {
        panic!("too late")
    }
}

fn term(text: &str) -> Term {
    text.parse().expect("a term")
}

#[tokio::test]
async fn a_crash_says_who_it_was_and_what_it_was_at_and_what_came_of_it() {
    let node = node().await;
    let mut reports = follow(&node);
    let counter = Child::new("counter", Counter::spec(3)).name("counter");
    let tree = Supervisor::one_for_one()
        .intensity(2, Duration::from_secs(60))
        .child(counter);
    let tree = node.spawn(tree.spec()).name("top").await.unwrap();
    let Report::Progress { child, .. } = next(&mut reports).await else {
        panic!("it runs")
    };
    for before in 0..3 {
        let counter = tree.child::<Counter>("counter").await.unwrap();
        counter.divide(0).await.unwrap_err();
        let crash = crash(&mut reports).await;
        assert_eq!(crash.name, Some(Atom::from_static("counter")));
        assert_eq!(crash.behaviour.as_str(), "gen_server");
        assert!(crash.runs.ends_with("::Counter"), "{}", crash.runs);
        assert_eq!(crash.during, During::Work);
        let by_zero = r#"{panic,<<"attempt to divide by zero">>}"#;
        assert_eq!(crash.reason.to_string(), by_zero);
        assert_eq!(crash.ancestors, ["top".into()]);
        assert_eq!(crash.last_message, Shown::Named("call {divide, By}"));
        assert_eq!(crash.state, Shown::Whole(term(r#"<<"Counter { n: 3 }">>"#)));
        assert_eq!((crash.links, crash.trap_exit), (1, false));
        let Report::Supervisor {
            supervisor,
            name,
            context,
            reason,
            child: of,
            restarts,
            next: then,
        } = next(&mut reports).await
        else {
            panic!("its supervisor reports")
        };
        assert_eq!(name, Some(Atom::from_static("top")));
        assert_eq!(Some(supervisor), node.whereis("top").or(Some(supervisor)));
        assert_eq!((context, reason), (Context::ChildTerminated, crash.reason));
        assert_eq!((of.pid, &of.id), (Some(crash.pid), &child.id));
        assert_eq!((of.restarts, restarts), (before, before as usize + 1));
        match before {
            2 => assert_eq!(then, Next::Ends),
            _ => {
                assert_eq!(then, Next::Restarts);
                assert!(
                    matches!(next(&mut reports).await, Report::Progress { child, .. } if child.restarts == before + 1)
                );
            }
        }
    }
    let ends = next(&mut reports).await;
    assert!(
        matches!(
            ends,
            Report::Supervisor {
                context: Context::Shutdown,
                next: Next::Ends,
                ..
            }
        ),
        "{ends}"
    );
}

#[tokio::test]
async fn an_encoded_message_is_shown_whole_and_a_moved_one_when_sys_watches() {
    let node = node().await;
    let mut reports = follow(&node);
    let start = || node.spawn(Counter::spec(1)).name("counter");

    start().await.unwrap();
    drop(node.send("counter", &term("{'$gen_cast', {stop_for, {because, 7}}}")));
    let report = crash(&mut reports).await;
    assert_eq!(
        report.last_message,
        Shown::Whole(term("{'$gen_cast', {stop_for, {because, 7}}}"))
    );
    assert_eq!(report.reason, ExitReason::from(term("{because, 7}")));

    let counter = start().await.unwrap();
    sys::log(&counter, Some(10)).await.unwrap();
    counter.divide(0).await.unwrap_err();
    assert_eq!(
        crash(&mut reports).await.last_message,
        Shown::Whole(term("{'$gen_call', local, {divide, 0}}"))
    );

    let counter = start().await.unwrap();
    counter.wait_and_fail();
    assert_eq!(
        crash(&mut reports).await.last_message,
        Shown::Named("timeout")
    );

    let counter = start().await.unwrap();
    let ended = counter.stop_with(ExitReason::from("enough"), None).await;
    assert_eq!(ended, Ok(()));
    assert_eq!(crash(&mut reports).await.last_message, Shown::Named("stop"));
}

/// Ends for a large reason when told so, and has a state of the size it was given.
#[derive(Encode)]
struct Large {
    lines: Vec<String>,
}

#[gen_server]
impl Large {
    #[init]
    fn new(lines: usize) -> Self {
        let line = || "\u{1b}[31mline\n".to_owned();
        Large {
            lines: std::iter::repeat_with(line).take(lines).collect(),
        }
    }
    #[cast]
    fn fail(&mut self, _why: Binary) {
        panic!("\u{1b}[2Jgone\n\u{202e}{}", self.lines.len())
    }
}

#[tokio::test]
async fn what_is_large_is_cut_with_a_mark_and_nothing_of_it_moves_a_terminal() {
    let node = node().await;
    let mut reports = follow(&node);
    for (bytes, lines) in [(1_000, 1), (5_000, 1_000), (1_000_000, 100_000)] {
        node.spawn(Large::spec(lines)).name("large").await.unwrap();
        let why = Binary::from(&*vec![b'x'; bytes]);
        drop(node.send(
            "large",
            &(
                Atom::from_static("$gen_cast"),
                (Atom::from_static("fail"), why),
            ),
        ));
        let report = crash(&mut reports).await;
        match (&report.state, lines) {
            (Shown::Whole(_), 1) => {}
            (Shown::Cut(text), 100..) => assert_eq!(text.len(), MOST_SHOWN),
            (other, _) => panic!("{other:?}"),
        }
        match (&report.last_message, bytes) {
            (Shown::Whole(_), 1_000) => {}
            (Shown::Cut(text), 5_000) => assert_eq!(text.len(), MOST_SHOWN),
            (Shown::Named("cast {fail, Why}"), 1_000_000) => {}
            (other, _) => panic!("{other:?}"),
        }
        let printed = Report::Crash(Box::new(report)).to_string();
        assert!(!printed.contains(['\u{1b}', '\u{202e}']), "{printed:?}");
        assert_eq!(
            printed.lines().count(),
            12,
            "one line for each thing: {printed}"
        );
        assert!(printed.len() < 4 * MOST_SHOWN, "{}", printed.len());
        assert_eq!(printed.contains("... (cut)"), lines > 1);
    }
}

/// Says nothing about its state.
struct Silent;

#[gen_server(local)]
impl Silent {
    #[init]
    fn new(how: &'static str, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        match how {
            "panics" => panic!("at once"),
            "fails" => Err(InitStop::Stop("no reason".into())),
            "is shut down" => Err(InitStop::Stop(ExitReason::Shutdown)),
            "errs" => Err(InitStop::Error("a plain error".into())),
            "ignores" => Err(InitStop::Ignore),
            _ => {
                cx.trap_exit(true);
                Ok(Silent)
            }
        }
    }
    #[cast]
    fn crash(&mut self) {
        panic!("first")
    }
    #[call]
    fn sync(&self) {}
    #[terminate]
    fn terminate(&mut self, reason: &ExitReason) {
        if *reason != ExitReason::Shutdown {
            panic!("second")
        }
    }
}

#[tokio::test]
async fn a_state_that_cannot_be_shown_says_so_and_a_panic_in_terminate_is_another_crash() {
    let node = node().await;
    let mut reports = follow(&node);
    node.spawn(Silent::spec("")).await.unwrap().crash();
    let first = crash(&mut reports).await;
    assert_eq!((first.during, first.state), (During::Work, Shown::Not));
    assert_eq!(first.reason.to_string(), r#"{panic,<<"first">>}"#);
    let second = crash(&mut reports).await;
    assert_eq!(
        (second.during, second.state),
        (During::Terminate, Shown::Not)
    );
    assert_eq!(second.reason.to_string(), r#"{panic,<<"second">>}"#);

    let silent = node.spawn(Silent::spec("")).await.unwrap();
    silent.stop().await.unwrap_err();
    let only = crash(&mut reports).await;
    assert_eq!(only.during, During::Terminate);
    assert_eq!(reported(&mut reports), []);
}

#[tokio::test]
async fn a_start_that_fails_is_a_crash_only_when_it_failed() {
    let node = node().await;
    let mut reports = follow(&node);
    for how in ["panics", "fails", "is shut down", "errs", "ignores"] {
        node.spawn(Silent::spec(how)).await.unwrap_err();
        let crashes = reported(&mut reports);
        match how {
            "panics" | "fails" => {
                let [Report::Crash(crash)] = &*crashes else {
                    panic!("{how}: {crashes:?}")
                };
                assert_eq!(crash.during, During::Init);
                assert_eq!(crash.state, Shown::Nothing);
                assert_eq!(crash.last_message, Shown::Nothing);
            }
            _ => assert_eq!(crashes, [], "{how}"),
        }
    }
}

#[tokio::test]
async fn who_ends_properly_or_by_anothers_signal_has_not_crashed() {
    let node = node().await;
    let mut reports = follow(&node);
    let children = [
        Child::new("killed", Counter::spec(0))
            .name("killed")
            .temporary(),
        Child::new("normal", Counter::spec(0))
            .name("normal")
            .temporary(),
        Child::new("shut", Counter::spec(0))
            .name("shut")
            .temporary(),
        Child::new("linked", Counter::spec(0))
            .name("linked")
            .temporary(),
    ];
    let tree = Supervisor::one_for_one().children(children);
    let tree = node.spawn(tree.spec()).await.unwrap();
    node.exit(node.whereis("killed").unwrap(), ExitReason::Kill);
    node.exit(
        node.whereis("linked").unwrap(),
        ExitReason::from("of another"),
    );
    for (name, reason) in [("normal", "normal"), ("shut", "{shutdown, today}")] {
        node.server::<Counter>(name).stop_for(term(reason));
    }
    while tree.count_children().await.unwrap().specs > 0 {
        tokio::task::yield_now().await;
    }
    let mut terminated = Vec::new();
    for report in reported(&mut reports) {
        match report {
            Report::Crash(crash) => panic!("nobody crashed: {crash}"),
            Report::Supervisor { child, next, .. } => {
                assert_eq!(next, Next::Forgets);
                terminated.push(child.id.to_string());
            }
            _ => {}
        }
    }
    terminated.sort();
    assert_eq!(terminated, ["killed", "linked"]);
}

#[tokio::test]
async fn a_plain_process_that_panics_or_ends_badly_reports() {
    let node = node().await;
    let mut reports = follow(&node);
    let options = SpawnOptions::new().name("plain");
    node.spawn_opt(options, async |_cx| -> ExitReason { panic!("plainly") })
        .unwrap();
    let report = crash(&mut reports).await;
    assert_eq!(report.behaviour.as_str(), "process");
    assert_eq!(report.reason.to_string(), r#"{panic,<<"plainly">>}"#);
    assert_eq!(report.name, Some(Atom::from_static("plain")));
    assert_eq!(
        (report.state, report.last_message),
        (Shown::Nothing, Shown::Nothing)
    );

    node.spawn_fn(async |_cx| ExitReason::from("returned"))
        .unwrap();
    let report = crash(&mut reports).await;
    assert_eq!(report.reason, ExitReason::from("returned"));
    node.spawn_fn(async |_cx| ExitReason::Normal).unwrap();
    node.stop().await;
    assert_eq!(reported(&mut reports), []);
}

struct Door;

enum Knock {
    Hard,
}

impl Message for Knock {
    fn kind_name(_kind: u16) -> &'static str {
        "a hard knock"
    }
}

impl GenStatem for Door {
    type Args = ();
    type State = &'static str;
    type Msg = Knock;
    type Timer = ();
    type Content = ();
    type Client = Address<Knock>;

    async fn init((): (), _cx: &mut StatemCx<Self>) -> Result<Init<Self>, InitStop> {
        Ok(Init::new(Door, "closed"))
    }

    async fn handle(
        &mut self,
        _state: &&'static str,
        event: Event<Self>,
        _cx: &mut StatemCx<Self>,
    ) -> Transition<Self> {
        match event {
            Event::Message(Knock::Hard) => panic!("it breaks"),
            _ => Transition::keep_state(),
        }
    }

    fn format_status(&self, state: &&'static str) -> Term {
        Term::tuple([Term::from(Atom::from_static(state)), Term::from(0)])
    }
}

#[tokio::test]
async fn a_state_machine_reports_as_one() {
    let node = node().await;
    let mut reports = follow(&node);
    let door = node.spawn(statem::<Door>(())).name("door").await.unwrap();
    drop(door.cast(Knock::Hard));
    let report = crash(&mut reports).await;
    assert_eq!(report.behaviour.as_str(), "gen_statem");
    assert_eq!(report.last_message, Shown::Named("a hard knock"));
    assert_eq!(report.state, Shown::Whole(term("{closed, 0}")));
}

struct Fragile;

impl EventHandler<Term> for Fragile {
    async fn handle_event(&mut self, event: &Term, _me: &Me) -> Handled<Term> {
        match event.as_int() {
            Some(0) => panic!("zero"),
            Some(1) => Handled::Fail("one".into()),
            _ => Handled::Keep,
        }
    }

    async fn handle_call(&mut self, _request: Term, _me: &Me) -> (Term, Handled<Term>) {
        (Term::from(0), Handled::Fail("asked".into()))
    }

    fn format_status(&self) -> Term {
        Term::from(Atom::from_static("fragile"))
    }
}

#[tokio::test]
async fn a_handler_that_fails_reports_and_its_manager_lives_on() {
    let node = node().await;
    let mut reports = follow(&node);
    let spec = gen_event::manager::<Term>();
    let manager = node.spawn(spec).name("alarms").await.unwrap();
    for n in 0..2 {
        manager.add_handler("fragile", Fragile).await.unwrap();
        manager.sync_notify(Term::from(n)).await.unwrap();
        let [Report::Crash(crash)] = &*reported(&mut reports) else {
            panic!("one handler failed")
        };
        assert_eq!(crash.during, During::Handler("fragile".into()));
        assert_eq!(crash.behaviour.as_str(), "gen_event");
        assert_eq!(crash.name, Some(Atom::from_static("alarms")));
        assert_eq!(crash.last_message, Shown::Whole(Term::from(n)));
        assert_eq!(crash.state, Shown::Whole(term("fragile")));
    }
    manager.add_handler("fragile", Fragile).await.unwrap();
    manager
        .call_handler::<Term>("fragile", &Term::from(0))
        .await
        .unwrap_err();
    assert_eq!(crash(&mut reports).await.last_message, Shown::Named("call"));
    assert_eq!(manager.which_handlers().await.unwrap(), []);
}

#[tokio::test]
async fn a_pool_reports_of_its_workers_as_a_supervisor_does() {
    let node = node().await;
    let mut reports = follow(&node);
    let spec = pool::of(Counter::spec(1), 1).intensity(1, Duration::from_secs(60));
    let pool = node.spawn(spec.spec()).name("pool").await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        pool.divide(0).await.unwrap_err();
        let crash = crash(&mut reports).await;
        assert_eq!(crash.ancestors, ["pool".into()]);
        assert_eq!(crash.last_message, Shown::Named("call {divide, By}"));
        let Report::Supervisor {
            context,
            child,
            restarts,
            next: then,
            name,
            ..
        } = next(&mut reports).await
        else {
            panic!("the pool reports")
        };
        assert_eq!(name, Some(Atom::from_static("pool")));
        assert_eq!(
            (child.pid, context),
            (Some(crash.pid), Context::ChildTerminated)
        );
        assert_eq!(child.id, 0.into());
        seen.push((restarts, child.restarts, then));
    }
    assert_eq!(seen, [(1, 0, Next::Restarts), (2, 1, Next::Ends)]);
    let last = next(&mut reports).await;
    assert!(
        matches!(
            last,
            Report::Supervisor {
                context: Context::Shutdown,
                ..
            }
        ),
        "{last}"
    );
}

#[tokio::test]
async fn each_report_of_a_supervisor_says_what_it_does_next() {
    let node = node().await;
    let mut reports = follow(&node);
    let wait = Duration::from_secs(3600);
    let spec = Supervisor::one_for_one()
        .backoff(Backoff::new(wait, wait))
        .child(Child::new("waits", Counter::spec(1)).name("waits"));
    node.spawn(spec.spec()).await.unwrap();
    node.server::<Counter>("waits").divide(0).await.unwrap_err();
    let spec = Supervisor::one_for_one()
        .child(Child::new("a", Counter::spec(1)))
        .child(Child::new("b", Silent::spec("fails")));
    node.spawn(spec.spec()).await.unwrap_err();
    let spec = Supervisor::one_for_one().child(Child::new("c", Silent::spec("")).name("c"));
    let tree = node.spawn(spec.spec()).await.unwrap();
    let slow = node.whereis("c").unwrap();
    node.exit(slow, ExitReason::from("its own"));
    tree.stop().await.unwrap();
    let mut seen = Vec::new();
    for report in reported(&mut reports) {
        if let Report::Supervisor {
            context,
            child,
            next,
            ..
        } = report
        {
            seen.push((child.id.to_string(), context, next));
        }
    }
    assert_eq!(
        seen[0],
        (
            "waits".into(),
            Context::ChildTerminated,
            Next::RestartsAfter(wait)
        )
    );
    assert_eq!(seen[1], ("b".into(), Context::StartError, Next::Ends));
}

/// Starts a server that crashes, and waits for its end.
async fn crashes(node: &Node) {
    let counter = node.spawn(Counter::spec(1)).await.unwrap();
    counter.stop_for(term("flooded"));
    counter.divide(1).await.unwrap_err();
}

/// How many reports were written as lines with this text, and how many more were said to be left out.
fn told(lines: &[String], text: &str) -> (u64, u64) {
    let written = lines.iter().filter(|line| line.contains(text)).count();
    let left_out = lines.iter().map(|line| match line {
        line if line.contains("reports left out") => number(line, "count"),
        line if line.contains("left_out=") => number(line, "left_out"),
        _ => 0,
    });
    (written as u64, left_out.sum())
}

fn number(line: &str, field: &str) -> u64 {
    let at = line
        .find(&format!("{field}="))
        .unwrap_or_else(|| panic!("{field} in {line}"));
    let digits = line[at + field.len() + 1..]
        .chars()
        .take_while(char::is_ascii_digit);
    digits.collect::<String>().parse().expect("a number")
}

#[tokio::test]
async fn a_line_is_one_line_and_tells_the_story() {
    let (lines, _capture) = Lines::capture();
    let node = node().await;
    let spec = Supervisor::one_for_one().child(Child::new("large", Large::spec(2)).name("large"));
    node.spawn(spec.spec()).name("top").await.unwrap();
    let before = node.whereis("large");
    node.server::<Large>("large")
        .fail(Binary::from(b"x".as_slice()));
    while node.whereis("large").is_none() || node.whereis("large") == before {
        tokio::task::yield_now().await;
    }
    let lines = lines.take();
    let [crash, supervisor] = &*lines else {
        panic!("two lines: {lines:#?}")
    };
    assert!(
        crash.contains("ERROR") && crash.contains("crash report"),
        "{crash}"
    );
    for part in [
        "process=large <",
        "behaviour=gen_server",
        "reason={panic,",
        "gone",
        "last_message=cast {fail, Why}",
        "state=",
        "ancestors=[top]",
    ] {
        assert!(crash.contains(part), "{part} in {crash}");
    }
    assert!(!crash.contains(['\u{1b}', '\u{202e}']), "{crash:?}");
    for part in [
        "supervisor report",
        "supervisor=top <",
        "child_terminated",
        "child=large",
        "restarts=1",
        "next=restarts it",
    ] {
        assert!(supervisor.contains(part), "{part} in {supervisor}");
    }
}

#[tokio::test]
async fn a_flood_of_crashes_is_a_few_lines_and_a_count_and_subscribers_miss_none() {
    let (lines, _capture) = Lines::capture();
    let node = node().await;
    let mut all = follow(&node);
    let mut few = follow(&node).bounded(10);
    for _ in 0..1_000 {
        crashes(&node).await;
    }
    // Another source has its lines all the same.
    node.spawn(Silent::spec("fails")).await.unwrap_err();
    let mut logged = Vec::new();
    let told_all = async {
        loop {
            logged.extend(lines.take());
            let (written, left_out) = told(&logged, "reason=flooded");
            // The clock goes on meanwhile: how many lines a second may have is tested beside the limit.
            if written + left_out == 1_000 {
                return left_out;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let left_out = tokio::time::timeout(Duration::from_secs(60), told_all).await;
    assert!(left_out.expect("what was left out is told") > 0);
    let lines = logged;
    assert_eq!(told(&lines, "no reason").0, 1);
    let of_whom = lines.iter().find(|line| line.contains("reports left out"));
    assert!(of_whom.is_some_and(|line| line.contains("Counter")));
    assert_eq!(reported(&mut all).len(), 1_001);
    assert_eq!(few.next().await, Some(Update::Missed(991)));
}

#[tokio::test]
async fn what_is_left_out_is_told_at_the_latest_when_the_node_stops() {
    let (lines, _capture) = Lines::capture();
    let node = node().await;
    let flood = async || {
        for _ in 0..1_000 {
            crashes(&node).await;
        }
    };
    flood().await;
    node.stop().await;
    let (written, left_out) = told(&lines.take(), "reason=flooded");
    assert!(left_out > 0);
    assert_eq!(written + left_out, 1_000);
}

#[tokio::test]
async fn much_progress_is_no_error() {
    let (lines, _capture) = Lines::capture_from(tracing::Level::DEBUG);
    let node = node().await;
    let children = (0..2_000).map(|n| Child::new(n, Counter::spec(1)));
    let tree = Supervisor::one_for_one().children(children);
    node.spawn(tree.spec()).await.unwrap();
    node.stop().await;
    let lines = lines.take();
    let (written, left_out) = told(&lines, "progress report");
    assert!(left_out > 0);
    assert_eq!(written + left_out, 2_000);
    assert!(
        lines.iter().all(|line| !line.contains("ERROR")),
        "{lines:#?}"
    );
}
