//! A peer that stands still, with senders at full speed: what it costs the others, and how much memory it takes.
//!
//!     cargo run --release --example back_pressure -p kista
//!
//! Two rounds alternate. In both, four processes send to a node that reads, as fast as they can. In the second one sixteen
//! more send 10 kB messages to a node that was stopped by SIGSTOP. Printed are the rates of the first four, their ratio, the
//! bytes that wait for the stopped node, and the memory of this process. It fails below 80 %.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kista::{Atom, Binary, EpmdMode, Node, NodeBuilder, Pid, Route};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(2);
const STALLED: &str = "stalled@127.0.0.1";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() == Some("stalled") {
        let node = node("stalled").start().await?;
        println!("{}", node.port());
        return std::future::pending().await;
    }
    let stalled = Stalled::start()?;
    let reader = node("reader").start().await?;
    let sender = node("sender")
        .route("reader@127.0.0.1", Route::to("127.0.0.1", reader.port()))
        .route(STALLED, Route::to("127.0.0.1", stalled.port))
        .start()
        .await?;
    sender.connect(STALLED).await?;

    let counted = Arc::new(AtomicU64::new(0));
    let flood = Arc::new(AtomicBool::new(false));
    for _ in 0..4 {
        let sink = counter(&reader, &counted)?;
        sender.spawn_fn(async move |cx| {
            let word = Binary::from(vec![7; 100]);
            loop {
                let _ = cx.send(sink, &word).await;
            }
        })?;
    }
    for _ in 0..16 {
        let flood = Arc::clone(&flood);
        sender.spawn_fn(async move |cx| {
            let sink = (Atom::from_static("sink"), Atom::from_static(STALLED));
            let blob = Binary::from(vec![7; 10_000]);
            loop {
                match flood.load(Relaxed) {
                    true => _ = cx.send(sink, &blob).await,
                    false => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        })?;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;

    let (mut ratios, mut most_queued, memory) = (Vec::new(), 0, resident_kib());
    for round in 1..=ROUNDS {
        let alone = rate(&counted).await;
        stalled.signal("-STOP")?;
        flood.store(true, Relaxed);
        let beside = rate(&counted).await;
        let info = sender
            .connection_info(STALLED)
            .ok_or("the stopped node was lost")?;
        flood.store(false, Relaxed);
        stalled.signal("-CONT")?;
        most_queued = most_queued.max(info.queued_bytes);
        ratios.push(beside / alone);
        println!(
            "round {round}: {alone:.0} messages/s alone, {beside:.0} beside: {:.0} %; {} bytes queued, {} sends held, {} refused",
            100.0 * beside / alone,
            info.queued_bytes,
            info.held_sends,
            info.refused_sends,
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ROUNDS / 2];
    println!(
        "median {:.0} %; at most {most_queued} bytes queued for the stopped node; memory {memory} KiB before, {} KiB after",
        100.0 * median,
        resident_kib()
    );
    if median < 0.8 {
        return Err("the others lost more than a fifth of their rate".into());
    }
    Ok(())
}

fn node(alive: &str) -> NodeBuilder {
    let name = format!("{alive}@127.0.0.1");
    Node::builder(name)
        .cookie("back-pressure")
        .epmd(EpmdMode::Off)
}

/// A process that counts what it gets.
fn counter(node: &Node, counted: &Arc<AtomicU64>) -> Result<Pid, kista::StartError> {
    let counted = Arc::clone(counted);
    node.spawn_fn(async move |mut cx| {
        loop {
            cx.receive().await;
            counted.fetch_add(1, Relaxed);
        }
    })
}

/// Messages per second in one round.
async fn rate(counted: &AtomicU64) -> f64 {
    let (began, before) = (Instant::now(), counted.load(Relaxed));
    tokio::time::sleep(ROUND).await;
    (counted.load(Relaxed) - before) as f64 / began.elapsed().as_secs_f64()
}

/// This program once more, as the node that will stand still.
struct Stalled {
    child: Child,
    port: u16,
}

impl Stalled {
    fn start() -> Result<Self, Box<dyn std::error::Error>> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("stalled")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let output = child.stdout.take().ok_or("no output")?;
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self {
            child,
            port: line.trim().parse()?,
        })
    }

    fn signal(&self, signal: &str) -> std::io::Result<()> {
        let pid = self.child.id().to_string();
        Command::new("kill").args([signal, &pid]).status().map(drop)
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        let _ = self.signal("-CONT");
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The memory that this process holds.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
