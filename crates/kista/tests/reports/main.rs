//! Reports of crashes and of supervisors: what they say, what they leave out, and what is logged. How many lines a source may
//! have is decided by the pure core, and tested there (`src/reports/limit.rs`).

#[path = "../support/log.rs"]
mod log;

mod behaviours;
mod crashes;
mod lines;

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
