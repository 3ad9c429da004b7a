//! The rows within one OS process, for crates of actors: what each of them does is the same, and stands here once.
//!
//! Built with `--features actors` only (`ractor-cluster` for that one between two OS processes, too): nobody else waits for these
//! crates to be compiled.
//!
//! Actors have queues without a bound, as ours and Erlang's do. Senders and callers are tasks, which is less than a process.

mod actix;
mod kameo;
mod ractor;
#[cfg(feature = "ractor-cluster")]
mod ractor_cluster;

use std::time::Duration;

use ::tokio::sync::mpsc;

use super::shares::in_shares;
use super::{Peer, Role, children};
use crate::child::{self, Mark, Measurement};
use crate::row::{Pattern, Row, Work};

/// A crate of actors.
trait Actors: 'static {
    const NAME: &'static str;

    /// An actor that receives, counts and answers.
    type Sink: Clone + Send + Sync + 'static;
    /// One of a ring.
    type Link: Clone + Send + Sync + 'static;

    /// Runs `work` as a program that uses this crate does.
    fn run(work: impl Future<Output = ()> + Send + 'static);

    /// Ready when it has started.
    fn start() -> impl Future<Output = Self::Sink> + Send;
    fn tick(sink: &Self::Sink, n: u64);
    /// `n + 1`.
    fn add(sink: &Self::Sink, n: u64) -> impl Future<Output = u64> + Send;
    /// How many ticks and additions it received.
    fn count(sink: &Self::Sink) -> impl Future<Output = u64> + Send;
    /// Ready when it has ended.
    fn stop(sink: Self::Sink) -> impl Future<Output = ()> + Send;

    /// Hands a token on with one hop less to the one that it was joined with; at 0 it says so to `done`.
    fn link(done: mpsc::UnboundedSender<()>) -> impl Future<Output = Self::Link> + Send;
    fn join(link: &Self::Link, next: &Self::Link) -> impl Future<Output = ()> + Send;
    fn token(link: &Self::Link, hops: u64);
}

/// All of them.
pub(super) fn all() -> impl Iterator<Item = Box<dyn Peer>> {
    let all: [Box<dyn Peer>; 3] = [
        Box::new(Named::<ractor::Ractor>::new()),
        Box::new(Named::<kameo::Kameo>::new()),
        Box::new(Named::<actix::Actix>::new()),
    ];
    let all = all.into_iter();
    #[cfg(feature = "ractor-cluster")]
    let all = all.chain([Box::new(ractor_cluster::RactorCluster) as Box<dyn Peer>]);
    all
}

struct Named<A>(std::marker::PhantomData<fn() -> A>);

impl<A> Named<A> {
    const fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<A: Actors> Peer for Named<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn processes(&self, row: &Row) -> Option<Vec<std::process::Command>> {
        let can = matches!(
            row.work,
            Work::Local(
                Pattern::Send { .. }
                    | Pattern::Call { .. }
                    | Pattern::StartStop
                    | Pattern::StartAll
                    | Pattern::Idle
                    | Pattern::Ring { .. }
            )
        );
        can.then(|| children(self.name(), row)).flatten()
    }

    fn run(&self, row: &Row, _role: Role) {
        let pattern = row.work.pattern().expect("a row of messages");
        A::run(work::<A>(pattern));
    }
}

/// What counts as received where nothing is counted by a receiver.
const fn done(received: u64) -> Mark {
    Mark {
        received,
        cpu: Duration::ZERO,
    }
}

async fn work<A: Actors>(pattern: Pattern) {
    match pattern {
        Pattern::Send {
            senders, receivers, ..
        } => messages::<A>(senders, receivers, false).await,
        Pattern::Call { callers } => messages::<A>(callers, 1, true).await,
        Pattern::StartStop => {
            start_stop::<A>(child::warmup()).await;
            let measurement = Measurement::begin(done(0));
            measurement.end(done(start_stop::<A>(child::ops()).await));
        }
        Pattern::StartAll => {
            start_all::<A>(child::warmup()).await;
            let measurement = Measurement::begin(done(0));
            measurement.end(done(start_all::<A>(child::ops()).await));
        }
        Pattern::Idle => {
            let mut sinks = Vec::with_capacity(usize::try_from(child::ops()).expect("memory"));
            let before = child::resident();
            let measurement = Measurement::begin(done(0));
            for _ in 0..child::ops() {
                sinks.push(A::start().await);
            }
            let more = child::bytes_per_process(before, child::ops());
            measurement.end_with(done(sinks.len() as u64), &more);
        }
        Pattern::Ring { nodes } => ring::<A>(nodes).await,
        Pattern::Flood
        | Pattern::Apply
        | Pattern::CallEach { .. }
        | Pattern::Delay(_)
        | Pattern::Nodes { .. } => unreachable!("no row of these peers"),
    }
}

async fn messages<A: Actors>(drivers: usize, receivers: usize, calls: bool) {
    let mut sinks = Vec::new();
    for _ in 0..receivers {
        sinks.push(A::start().await);
    }
    drive::<A>(&sinks, drivers, calls, child::warmup()).await;
    let measurement = Measurement::begin(mark::<A>(&sinks).await);
    drive::<A>(&sinks, drivers, calls, child::ops()).await;
    measurement.end(mark::<A>(&sinks).await);
}

/// As many tasks as there are drivers, each of which does its share and hears that it was received.
async fn drive<A: Actors>(sinks: &[A::Sink], drivers: usize, calls: bool, ops: u64) {
    in_shares(sinks, drivers, ops, |sink, share| async move {
        for n in 0..share {
            if calls {
                assert_eq!(A::add(&sink, n).await, n + 1);
            } else {
                A::tick(&sink, n);
            }
        }
        A::count(&sink).await;
    })
    .await;
}

async fn mark<A: Actors>(sinks: &[A::Sink]) -> Mark {
    let mut received = 0;
    for sink in sinks {
        received += A::count(sink).await;
    }
    done(received)
}

async fn start_stop<A: Actors>(ops: u64) -> u64 {
    for _ in 0..ops {
        A::stop(A::start().await).await;
    }
    ops
}

async fn start_all<A: Actors>(ops: u64) -> u64 {
    let mut sinks = Vec::with_capacity(usize::try_from(ops).expect("memory"));
    for _ in 0..ops {
        sinks.push(A::start().await);
    }
    let started = sinks.len() as u64;
    for sink in sinks {
        A::stop(sink).await;
    }
    started
}

async fn ring<A: Actors>(nodes: usize) {
    let (to_driver, mut is_round) = mpsc::unbounded_channel();
    let mut links = Vec::new();
    for _ in 0..nodes {
        links.push(A::link(to_driver.clone()).await);
    }
    for (n, link) in links.iter().enumerate() {
        A::join(link, &links[(n + 1) % nodes]).await;
    }
    let mut go_round = async |ops: u64| {
        let hops = ops.next_multiple_of(nodes as u64);
        A::token(&links[0], hops);
        is_round.recv().await.expect("the ring lives");
        hops
    };
    go_round(child::warmup()).await;
    let measurement = Measurement::begin(done(0));
    measurement.end(done(go_round(child::ops()).await));
}

/// A multi-threaded runtime, with the work in a task, as ours has it.
fn in_tokio(work: impl Future<Output = ()> + Send + 'static) {
    let runtime = ::tokio::runtime::Runtime::new().expect("a runtime starts");
    runtime
        .block_on(runtime.spawn(work))
        .expect("the driver ends well");
}
