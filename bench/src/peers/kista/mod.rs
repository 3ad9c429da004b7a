//! Ours: typed casts, plain messages and calls; between two OS processes, two nodes with an EPMD of their own.

mod delay;
mod servers;

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use kista::{Atom, EpmdMode, Node, NodeBuilder, ServerRef, Tls};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use self::servers::{Driver, Job, Link, Sink};
use super::papers::Papers;
use super::{Peer, Role, children};
use crate::child::{self, Mark, Measurement};
use crate::row::{Pattern, Row};

/// The process that receives, in a network row.
const FIRST: &str = "first@127.0.0.1";

#[derive(Default)]
pub(super) struct Kista(OnceCell<Papers>);

impl Peer for Kista {
    fn name(&self) -> &'static str {
        "kista"
    }

    fn processes(&self, row: &Row) -> Option<Vec<std::process::Command>> {
        row.work.pattern()?;
        let mut commands = children(self.name(), row)?;
        if row.work.over_tls() {
            let papers = self.0.get_or_init(|| Papers::new("kista"));
            for command in &mut commands {
                command.env("KISTA_BENCH_TLS", papers.dir());
            }
        }
        Some(commands)
    }

    fn run(&self, row: &Row, role: Role) {
        let pattern = row.work.pattern().expect("a row of messages");
        let work = async move {
            match role {
                Role::Only => {
                    let builder = Node::builder("only@127.0.0.1").no_network();
                    let node = builder.start().await.expect("a node starts");
                    local(&node, pattern).await;
                }
                Role::First => {
                    let port = env("KISTA_BENCH_EPMD");
                    let port = port.map_or_else(free_port, |port| port.parse().expect("a port"));
                    let node = node(FIRST, EpmdMode::Embedded, port).await;
                    expose(&node);
                    for n in 0..receivers(pattern) {
                        let sink = node.spawn(Sink::spec()).name(receiver(n));
                        sink.await.expect("a server starts");
                    }
                    child::ready(&format!("{FIRST}:{port}"));
                    std::future::pending::<()>().await;
                }
                Role::Second => {
                    let address = child::address();
                    let (_, port) = address.rsplit_once(':').expect("the first says a port");
                    second(pattern, port.parse().expect("a port")).await;
                }
            }
        };
        // In a task of its own, as the work of a program is; `block_on` runs on a thread outside the pool.
        let runtime = Runtime::new().expect("a runtime starts");
        runtime
            .block_on(runtime.spawn(work))
            .expect("the driver ends well");
    }
}

/// The OS process that drives.
async fn second(pattern: Pattern, port: u16) {
    if let Pattern::Nodes { nodes } = pattern {
        return many_nodes(nodes, port).await;
    }
    let node = node("second@127.0.0.1", EpmdMode::Running, port).await;
    let sinks: Vec<_> = (0..receivers(pattern)).map(|n| there(&node, n)).collect();
    match pattern {
        Pattern::Apply => apply(&node).await,
        Pattern::Delay(beside) => delay::beside(beside, &sinks[0], &sinks[1]).await,
        _ => messages(&node, pattern, &sinks, false).await,
    }
}

/// As the module `bench` in Erlang calls them.
fn receiver(n: usize) -> String {
    format!("receiver{}", n + 1)
}

/// The receiver of this number in the first OS process.
fn there(node: &Node, n: usize) -> ServerRef<Sink> {
    let name = Atom::new(&receiver(n)).expect("a short name");
    node.server((name, Atom::from_static(FIRST)))
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn node(name: &str, epmd: EpmdMode, port: u16) -> Node {
    let builder = builder(name, epmd, port).visible();
    builder.start().await.expect("a node starts")
}

fn builder(name: &str, epmd: EpmdMode, port: u16) -> NodeBuilder {
    let mut builder = Node::builder(name)
        .cookie("bench")
        .epmd(epmd)
        .epmd_port(port);
    if let Some(dir) = env("KISTA_BENCH_TLS") {
        builder = builder.tls(Tls::from_dir(dir));
    }
    builder
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
        .expect("loopback has a free port");
    listener.local_addr().expect("bound").port()
}

const fn receivers(pattern: Pattern) -> usize {
    match pattern {
        Pattern::Send { receivers, .. } => receivers,
        Pattern::Delay(_) => 2,
        Pattern::Nodes { nodes } => nodes,
        _ => 1,
    }
}

async fn local(node: &Node, pattern: Pattern) {
    match pattern {
        Pattern::Send { .. } | Pattern::Call { .. } => {
            let mut sinks = Vec::new();
            for _ in 0..receivers(pattern) {
                sinks.push(sink(node).await);
            }
            messages(node, pattern, &sinks, true).await;
        }
        Pattern::StartStop => {
            start_stop(node, child::warmup()).await;
            let measurement = Measurement::begin(done(0));
            measurement.end(done(start_stop(node, child::ops()).await));
        }
        Pattern::StartAll => {
            start_all(node, child::warmup()).await;
            let measurement = Measurement::begin(done(0));
            measurement.end(done(start_all(node, child::ops()).await));
        }
        Pattern::Idle => {
            let mut servers = Vec::with_capacity(usize::try_from(child::ops()).expect("memory"));
            let before = child::resident();
            let measurement = Measurement::begin(done(0));
            for _ in 0..child::ops() {
                servers.push(sink(node).await);
            }
            let more = child::bytes_per_process(before, child::ops());
            measurement.end_with(done(servers.len() as u64), &more);
        }
        Pattern::Ring { nodes } => ring(node, nodes).await,
        Pattern::Flood => delay::flood(node).await,
        Pattern::CallEach { servers } => call_each(node, servers).await,
        Pattern::Apply | Pattern::Delay(_) | Pattern::Nodes { .. } => {
            unreachable!("a row between two OS processes")
        }
    }
}

/// What others run here, and how often they did.
fn expose(node: &Node) {
    let applied = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&applied);
    node.expose("bench", "plus_one", async move |n: u64| {
        count.fetch_add(1, Relaxed);
        n + 1
    })
    .expect("it is free");
    node.expose("bench", "applied", async move || {
        let cpu = u64::try_from(child::cpu().as_nanos()).unwrap_or(u64::MAX);
        (applied.load(Relaxed), cpu)
    })
    .expect("it is free");
}

async fn apply(node: &Node) {
    let mark = async || {
        let applied = node.erpc::<(u64, u64)>(FIRST, ("bench", "applied"), ());
        let (received, nanos) = applied.await.expect("a value");
        let cpu = Duration::from_nanos(nanos);
        Mark { received, cpu }
    };
    applied(node, child::warmup()).await;
    let measurement = Measurement::begin(mark().await);
    applied(node, child::ops()).await;
    measurement.end(mark().await);
}

/// A process that calls.
async fn applied(node: &Node, ops: u64) {
    let (done, is_done) = oneshot::channel();
    let caller = node.clone();
    node.spawn_fn(async move |_cx| {
        for n in 0..ops {
            let value = caller.erpc::<u64>(FIRST, ("bench", "plus_one"), (n,));
            assert_eq!(value.await.expect("a value"), n + 1);
        }
        let _ = done.send(());
    })
    .expect("a process starts");
    is_done.await.expect("no panic");
}

async fn sink(node: &Node) -> ServerRef<Sink> {
    node.spawn(Sink::spec()).await.expect("a server starts")
}

/// What counts as received where nothing is: processes that were started.
const fn done(received: u64) -> Mark {
    Mark {
        received,
        cpu: Duration::ZERO,
    }
}

/// As many processes as the row says send or call; each answers when it has done its share.
async fn messages(node: &Node, pattern: Pattern, sinks: &[ServerRef<Sink>], one_process: bool) {
    let (drivers, job) = match pattern {
        Pattern::Send {
            senders, bytes: 0, ..
        } => (senders, Job::Tick),
        Pattern::Send { senders, bytes, .. } => (senders, Job::Blob(bytes)),
        Pattern::Call { callers } => (callers, Job::Add),
        _ => unreachable!("a row of messages"),
    };
    let mut all = Vec::new();
    for n in 0..drivers {
        let sink = sinks[n % sinks.len()].clone();
        let driver = node.spawn(Driver::spec(sink, job)).await;
        all.push(driver.expect("a server starts"));
    }
    work(&all, child::warmup()).await;
    let measurement = Measurement::begin(mark(sinks, one_process).await);
    work(&all, child::ops()).await;
    measurement.end(mark(sinks, one_process).await);
}

async fn work(drivers: &[ServerRef<Driver>], ops: u64) {
    let each = ops.div_ceil(drivers.len() as u64);
    let mut left = ops;
    let mut working = JoinSet::new();
    for driver in drivers {
        let share = each.min(left);
        left -= share;
        let driver = driver.clone();
        working.spawn(async move { driver.work(share).forever().await });
    }
    while let Some(end) = working.join_next().await {
        end.expect("no panic").expect("the work is done");
    }
}

/// The sum of what all have received; each sender has heard before that its own messages are among them.
async fn mark(sinks: &[ServerRef<Sink>], one_process: bool) -> Mark {
    let mut mark = done(0);
    for sink in sinks {
        let (received, nanos) = sink.mark().forever().await.expect("an answer");
        mark.received += received;
        if !one_process {
            mark.cpu = Duration::from_nanos(nanos);
        }
    }
    mark
}

async fn start_stop(node: &Node, ops: u64) -> u64 {
    for _ in 0..ops {
        sink(node).await.stop().await.expect("it ends");
    }
    ops
}

async fn start_all(node: &Node, ops: u64) -> u64 {
    let mut servers = Vec::with_capacity(usize::try_from(ops).expect("memory"));
    for _ in 0..ops {
        servers.push(sink(node).await);
    }
    let started = servers.len() as u64;
    for server in servers {
        server.stop().await.expect("it ends");
    }
    started
}

async fn ring(node: &Node, nodes: usize) {
    let mut links = Vec::new();
    for _ in 0..nodes {
        links.push(node.spawn(Link::spec()).await.expect("a server starts"));
    }
    for (n, link) in links.iter().enumerate() {
        let next = links[(n + 1) % nodes].clone();
        link.join(next).await.expect("an answer");
    }
    let received = async || {
        let mut sum = 0;
        for link in &links {
            sum += link.received().await.expect("an answer");
        }
        sum
    };
    let whole = |ops: u64| ops.next_multiple_of(nodes as u64);
    links[0]
        .go_round(whole(child::warmup()))
        .forever()
        .await
        .expect("it comes round");
    let measurement = Measurement::begin(done(received().await));
    links[0]
        .go_round(whole(child::ops()))
        .forever()
        .await
        .expect("it comes round");
    measurement.end(done(received().await));
}

/// Each is called once before it is measured: it has been started, and has worked.
async fn call_each(node: &Node, servers: usize) {
    let mut sinks = Vec::with_capacity(servers);
    for n in 0..servers as u64 {
        let sink = sink(node).await;
        assert_eq!(sink.add(n).forever().await, Ok(n + 1));
        sinks.push(sink);
    }
    // By a process, as in the other rows.
    let (done, is_done) = oneshot::channel();
    node.spawn_fn(async move |_cx| {
        let calls = async |ops: u64| {
            for (n, sink) in (0..ops).zip(sinks.iter().cycle()) {
                assert_eq!(sink.add(n).forever().await, Ok(n + 1));
            }
        };
        calls(child::warmup()).await;
        let measurement = Measurement::begin(self::done(0));
        calls(child::ops()).await;
        measurement.end(self::done(child::ops()));
        let _ = done.send(());
    })
    .expect("a process starts");
    is_done.await.expect("no panic");
}

/// Each node sends its share to a receiver of its own. They are hidden: visible ones would connect to each other, too.
async fn many_nodes(count: usize, port: u16) {
    let (mut nodes, mut drivers) = (Vec::new(), Vec::new());
    for n in 0..count {
        let builder = builder(&format!("node{n}@127.0.0.1"), EpmdMode::Running, port);
        let node = builder.start().await.expect("a node starts");
        // All at once would be more than may wait to prove the cookie.
        node.connect(FIRST).await.expect("it is there");
        let driver = node.spawn(Driver::spec(there(&node, n), Job::Tick)).await;
        drivers.push(driver.expect("a server starts"));
        nodes.push(node);
    }
    let sinks: Vec<_> = (0..count).map(|n| there(&nodes[0], n)).collect();
    work(&drivers, child::warmup().max(10 * count as u64)).await;
    let measurement = Measurement::begin(mark(&sinks, false).await);
    work(&drivers, child::ops()).await;
    measurement.end(mark(&sinks, false).await);
}
