//! Dangers of a panic hook, of which a program has one: that ours takes the program's away, and that a report tells a wrong place.
//! One test, since what it changes is the program's.

use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use kista::events::Update;
use kista::reports::{CrashReport, During, REPORTS, Report};
use kista::{Cx, ExitReason, Info, InitStop, Node, NodeBuilder, ProcessCx, gen_server};

static HEARD: AtomicUsize = AtomicUsize::new(0);

struct Failing;

#[gen_server(local)]
impl Failing {
    #[init]
    async fn new(fails: bool, _cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        if fails {
            // Behind an await that waits: not on the thread that started it.
            tokio::task::yield_now().await;
            panic!("{}", line!());
        }
        Ok(Self)
    }
    #[cast]
    fn fail(&mut self) {
        panic!("{}", line!())
    }
    #[terminate]
    fn terminate(&mut self, _reason: &ExitReason) {
        panic!("{}", line!())
    }
}

async fn node(configure: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Node {
    let builder = Node::builder("panics@127.0.0.1").no_network();
    configure(builder).start().await.unwrap()
}

/// Panics here say their line.
fn is_placed(crash: &CrashReport) -> bool {
    let ExitReason::Panic(line) = &crash.reason else {
        panic!("no panic: {crash:?}")
    };
    let place = crash.panicked_at.as_ref();
    place.is_some_and(|place| place.starts_with(&format!("{}:{line}:", file!())))
}

/// Runs a process that fails, and gives its report.
async fn fails(node: &Node, code: fn() -> ()) -> CrashReport {
    let mut reports = node.subscribe::<Report>(REPORTS).unwrap();
    let run = async move |_cx: ProcessCx| code();
    node.spawn_fn(run).unwrap();
    match reports.next().await {
        Some(Update::Event(Report::Crash(crash))) => *crash,
        other => panic!("no crash: {other:?}"),
    }
}

fn boom() {
    panic!("{}", line!())
}

#[tokio::test]
async fn a_panic_is_reported_with_its_place_and_the_programs_own_hook_runs_as_before() {
    std::panic::set_hook(Box::new(|_| {
        HEARD.fetch_add(1, SeqCst);
    }));

    // Left alone, nothing is known, and nothing is touched.
    let alone = node(NodeBuilder::no_panic_hook).await;
    assert_eq!(fails(&alone, boom).await.panicked_at, None);
    assert_eq!(HEARD.swap(0, SeqCst), 1);
    alone.stop().await;

    let one = node(|one| one).await;
    // A second node puts no second hook.
    let two = node(|two| two).await;
    let crash = fails(&one, boom).await;
    assert!(is_placed(&crash), "{crash:?}");
    assert_eq!(HEARD.swap(0, SeqCst), 1);
    let place = crash.panicked_at.clone().unwrap();
    let printed = Report::Crash(Box::new(crash)).to_string();
    assert!(
        printed.contains(&format!("panicked at:        {place}\n")),
        "{printed}"
    );
    assert!(is_placed(&fails(&two, boom).await));
    assert_eq!(HEARD.swap(0, SeqCst), 1);

    // Not of our processes.
    let elsewhere = std::thread::spawn(boom).join();
    assert!(elsewhere.is_err());
    assert_eq!(HEARD.swap(0, SeqCst), 1);

    // One that runs no hook gets no other one's place.
    let silent = || {
        let _ = catch_unwind(boom);
        resume_unwind(Box::new("silent"));
    };
    let crash = fails(&one, silent).await;
    assert_eq!(crash.reason, ExitReason::Panic("silent".into()));
    assert_eq!(crash.panicked_at, None);
    // Nor has an end that is no panic one.
    let mut reports = one.subscribe::<Report>(REPORTS).unwrap();
    let waits = async |mut cx: ProcessCx| match cx.receive().await {
        Info::Term(reason) => ExitReason::from(reason),
        other => panic!("{other:?}"),
    };
    let bad = one.spawn_fn(waits).unwrap();
    one.send(bad, &kista::Atom::from_static("bad"));
    let mut next = async || match reports.next().await {
        Some(Update::Event(Report::Crash(crash))) => *crash,
        other => panic!("no crash: {other:?}"),
    };
    assert_eq!(next().await.panicked_at, None);

    // Of a server: each has its own.
    let failing = one.spawn(Failing::spec(false)).await.unwrap();
    failing.fail();
    for during in [During::Work, During::Terminate] {
        let crash = next().await;
        assert!(is_placed(&crash) && crash.during == during, "{crash:?}");
    }
    one.spawn(Failing::spec(true)).await.unwrap_err();
    let crash = next().await;
    assert!(
        is_placed(&crash) && crash.during == During::Init,
        "{crash:?}"
    );

    // A program that sets another hook takes ours out.
    std::panic::set_hook(Box::new(|_| {}));
    assert_eq!(fails(&one, boom).await.panicked_at, None);
    one.stop().await;
    two.stop().await;
}
