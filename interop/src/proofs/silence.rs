//! A peer that stands still: beyond `net_ticktime` it is down, in 0.75 to 1.25 of that time; for less it is not, and nothing is lost.

use std::time::{Duration, Instant};

use kista::{Atom, Info, Node, NodeEvent, ProcessCx, Term};
use tokio::sync::watch;

use super::{ERL, PATIENCE, QUIET, ours};
use crate::{Bed, Program, Subject};

const OURS: &str = "silence@127.0.0.1";
const DEMO: &str = "demo@127.0.0.1";

/// What is timed.
#[derive(Debug, Clone, Copy)]
pub struct Silence {
    /// `net_ticktime` of both sides, in seconds.
    pub ticktime: u64,
    /// How often each is done.
    pub rounds: usize,
}

/// Times, in parts of `net_ticktime`.
#[derive(Debug, Clone, Default)]
pub struct Silent {
    /// After which our node took a standing `erl` for down, with traffic and without.
    pub ours: Vec<f64>,
    /// After which `erl` took our standing node for down: its doing, not ours.
    pub theirs: Vec<f64>,
    /// Numbers that went each way through the short stops, none lost.
    pub numbers: Vec<(u64, u64)>,
}

/// Does all of it.
///
/// # Panics
///
/// When our time is not in 0.75 to 1.25 of `net_ticktime`, when a short stop cuts the connection, or a message is lost.
pub async fn silence(bed: &Bed, plan: Silence) -> Silent {
    println!("silence: {plan:?}");
    let mut silent = Silent::default();
    for round in 0..plan.rounds {
        silent
            .ours
            .push(erl_stands(bed, plan, round % 2 == 0).await);
        silent.theirs.push(we_stand(bed, plan));
        for side in [Side::Erl, Side::Ours] {
            silent.numbers.push(short_stop(bed, plan, side).await);
        }
        println!("{silent:?}");
    }
    for part in &silent.ours {
        assert!((0.75..=1.25).contains(part), "{silent:?}");
    }
    // Erlang's own clock is told, and not judged: on a machine that is busy it is late.
    assert!(silent.theirs.iter().all(|part| *part >= 0.75), "{silent:?}");
    silent
}

fn erl(bed: &Bed, plan: Silence, function: &str, peer: &str) -> Program {
    let seconds = plan.ticktime.to_string();
    let mut options = QUIET.to_vec();
    options.extend(["-kernel", "net_ticktime", &seconds]);
    bed.erlang_with(&options, ERL, bed.cookie(), "stalls", function, &[peer])
}

async fn node(bed: &Bed, plan: Silence) -> Node {
    ours(bed, OURS)
        .net_ticktime(Duration::from_secs(plan.ticktime))
        .start()
        .await
        .expect("our node starts")
}

fn part(plan: Silence, took: Duration) -> f64 {
    took.as_secs_f64() / plan.ticktime as f64
}

async fn erl_stands(bed: &Bed, plan: Silence, traffic: bool) -> f64 {
    let node = node(bed, plan).await;
    let mut events = node.events();
    let numbers = Numbers::start(&node);
    let mut erl = erl(bed, plan, "numbers", OURS);
    erl.expect(&format!("ready {ERL}"), PATIENCE);
    numbers.past(100).await;
    if !traffic {
        numbers.pause.send_replace(true);
        let _ = node
            .call::<(u64, u64)>(("numbers", ERL), &Atom::from_static("last"))
            .await;
        // Between two ticks of the peer.
        tokio::time::sleep(Duration::from_secs(plan.ticktime)).await;
    }
    erl.signal("STOP");
    let start = Instant::now();
    loop {
        let event = tokio::time::timeout(PATIENCE, events.next())
            .await
            .expect("nodedown comes");
        if matches!(event, Some(NodeEvent::Down { .. })) {
            break;
        }
    }
    let took = start.elapsed();
    drop(erl);
    node.stop().await;
    part(plan, took)
}

fn we_stand(bed: &Bed, plan: Silence) -> f64 {
    let seconds = plan.ticktime.to_string();
    let demo = Subject::Demo.start(bed, DEMO, &["--net-ticktime", &seconds]);
    let mut erl = erl(bed, plan, "watch", DEMO);
    erl.expect("watching", PATIENCE);
    demo.signal("STOP");
    erl.tell("next");
    let said = erl.line("down ...", PATIENCE, |line| line.starts_with("down "));
    let millis = said["down ".len()..].parse().expect("milliseconds");
    drop(demo);
    part(plan, Duration::from_millis(millis))
}

/// Who stands still for a while.
enum Side {
    Erl,
    /// This process, with all of its threads.
    Ours,
}

/// A stop of 0.6 of the time; numbers go both ways before, meanwhile and after.
async fn short_stop(bed: &Bed, plan: Silence, side: Side) -> (u64, u64) {
    let node = node(bed, plan).await;
    let mut events = node.events();
    let numbers = Numbers::start(&node);
    let mut erl = erl(bed, plan, "numbers", OURS);
    erl.expect(&format!("ready {ERL}"), PATIENCE);
    numbers.past(100).await;
    let stop = Duration::from_secs(plan.ticktime) * 6 / 10;
    match side {
        Side::Erl => {
            erl.signal("STOP");
            tokio::time::sleep(stop).await;
            erl.signal("CONT");
        }
        Side::Ours => {
            let script = format!(
                "kill -STOP {0}; sleep {1}; kill -CONT {0}",
                std::process::id(),
                stop.as_secs_f64()
            );
            let mut shell = std::process::Command::new("sh");
            let mut shell = shell.args(["-c", &script]).spawn().expect("a shell");
            tokio::time::sleep(stop).await;
            assert!(shell.wait().expect("our own child").success());
        }
    }
    let heard = *numbers.heard.borrow();
    numbers.past(heard + 100).await;
    numbers.pause.send_replace(true);
    let sent_here = *numbers.sent.borrow();
    let end = Instant::now() + PATIENCE;
    let (sent_there, heard_there) = loop {
        let (sent, heard) = node
            .call::<(u64, u64)>(("numbers", ERL), &Atom::from_static("last"))
            .await
            .expect("the connection stands");
        if heard >= sent_here && *numbers.heard.borrow() >= sent {
            break (sent, heard);
        }
        assert!(Instant::now() < end, "{heard} of {sent_here} arrived");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert!(erl.is_running(), "{:#?}", erl.printed());
    assert_eq!(*numbers.heard.borrow(), sent_there);
    let mut ups = 0;
    while let Ok(Some(event)) = tokio::time::timeout(Duration::from_millis(10), events.next()).await
    {
        assert!(matches!(event, NodeEvent::Up { .. }), "{event:?}");
        ups += 1;
    }
    assert_eq!(ups, 1, "one connection");
    node.stop().await;
    (heard_there, sent_there)
}

/// Our half of the numbers.
struct Numbers {
    sent: watch::Receiver<u64>,
    heard: watch::Receiver<u64>,
    pause: watch::Sender<bool>,
}

impl Numbers {
    fn start(node: &Node) -> Self {
        let (sending, sent) = watch::channel(0);
        let (hearing, heard) = watch::channel(0);
        let (pause, paused) = watch::channel(false);
        let pid = node
            .spawn_fn(async move |cx| numbers(cx, sending, hearing, paused).await)
            .expect("a process starts");
        node.register("numbers", pid).expect("the name is free");
        Self { sent, heard, pause }
    }

    async fn past(&self, number: u64) {
        let mut heard = self.heard.clone();
        let past = heard.wait_for(|heard| *heard >= number);
        tokio::time::timeout(PATIENCE, past)
            .await
            .expect("numbers come")
            .expect("the process lives");
    }
}

async fn numbers(
    mut cx: ProcessCx,
    sent: watch::Sender<u64>,
    heard: watch::Sender<u64>,
    pause: watch::Receiver<bool>,
) {
    let tag = Atom::from_static("number");
    // The other side begins.
    let mut due = 0;
    let mut next = 0u64;
    loop {
        let info = cx.receive().after(Duration::from_millis(1)).await;
        if let Some(Info::Term(term)) = info {
            let number = Term::tuple([Term::from(tag), Term::from(due)]);
            assert_eq!(term, number, "in order, without a gap");
            due += 1;
            heard.send_replace(due);
        }
        if due > 0 && !*pause.borrow() {
            let _ = cx.send(("numbers", ERL), &(tag, next)).await;
            next += 1;
            sent.send_replace(next);
        }
    }
}
