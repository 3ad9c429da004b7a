//! Ours: servers written as a user writes them.

use std::time::Duration;

use kista::{EpmdMode, Node, ServerRef, gen_server};
use tokio::runtime::Runtime;

use super::{Peer, Role, children};
use crate::child::{self, Mark, Measurement};
use crate::row::Row;

/// Typed casts, plain messages and calls; between two OS processes, two nodes with an EPMD of their own.
pub(super) struct Kista;

/// Receives in all rows.
struct Sink {
    received: u64,
    sum: u64,
}

#[gen_server]
impl Sink {
    #[init]
    fn new() -> Self {
        Sink {
            received: 0,
            sum: 0,
        }
    }

    /// `Sink ! {tick, N}`
    #[info]
    fn tick(&mut self, n: u64) {
        self.received += 1;
        self.sum = self.sum.wrapping_add(n);
    }

    #[call]
    fn add(&mut self, k: u64) -> u64 {
        self.received += 1;
        k + 1
    }

    /// How many were received, and the CPU time of this OS process in nanoseconds.
    #[call]
    fn mark(&self) -> (u64, u64) {
        std::hint::black_box(self.sum);
        (
            self.received,
            u64::try_from(child::cpu().as_nanos()).unwrap_or(u64::MAX),
        )
    }
}

impl Peer for Kista {
    fn name(&self) -> &'static str {
        "kista"
    }

    fn processes(&self, row: &Row) -> Option<Vec<std::process::Command>> {
        matches!(row.name, "L1" | "L4" | "N1" | "N5")
            .then(|| children(self.name(), row))
            .flatten()
    }

    fn run(&self, row: &Row, role: Role) {
        let calls = matches!(row.name, "L4" | "N5");
        Runtime::new()
            .expect("a runtime starts")
            .block_on(async move {
                match role {
                    Role::Only => {
                        let node = Node::builder("only@127.0.0.1")
                            .no_network()
                            .start()
                            .await
                            .expect("a node starts");
                        let sink = node.spawn(Sink::spec()).await.expect("a server starts");
                        drive(sink, calls, true).await;
                    }
                    Role::First => {
                        let port = free_port();
                        let node = node("first@127.0.0.1", EpmdMode::Embedded, port).await;
                        let _sink = node
                            .spawn(Sink::spec())
                            .name("sink")
                            .await
                            .expect("a server starts");
                        child::ready(&port.to_string());
                        std::future::pending::<()>().await;
                    }
                    Role::Second => {
                        let port = child::address()
                            .parse()
                            .expect("the first process says a port");
                        let node = node("second@127.0.0.1", EpmdMode::Running, port).await;
                        drive(
                            node.server::<Sink>(("sink", "first@127.0.0.1")),
                            calls,
                            false,
                        )
                        .await;
                    }
                }
            });
    }
}

async fn node(name: &str, epmd: EpmdMode, port: u16) -> Node {
    let builder = Node::builder(name)
        .cookie("bench")
        .epmd(epmd)
        .epmd_port(port)
        .visible();
    builder.start().await.expect("a node starts")
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))
        .expect("loopback has a free port");
    listener.local_addr().expect("bound").port()
}

/// In a task of its own, as the work of a program is; `block_on` runs on a thread outside the pool.
async fn drive(sink: ServerRef<Sink>, calls: bool, one_process: bool) {
    let driver = tokio::spawn(async move {
        work(&sink, calls, child::warmup()).await;
        let measurement = Measurement::begin(mark(&sink, one_process).await);
        work(&sink, calls, child::ops()).await;
        measurement.end(mark(&sink, one_process).await);
    });
    driver.await.expect("the driver ends well");
}

async fn work(sink: &ServerRef<Sink>, calls: bool, ops: u64) {
    for n in 0..ops {
        if calls {
            assert_eq!(sink.add(n).forever().await.expect("an answer"), n + 1);
        } else {
            sink.tick(n).await.expect("room");
        }
    }
}

async fn mark(sink: &ServerRef<Sink>, one_process: bool) -> Mark {
    let (received, nanos) = sink.mark().forever().await.expect("an answer");
    Mark {
        received,
        cpu: if one_process {
            Duration::ZERO
        } else {
            Duration::from_nanos(nanos)
        },
    }
}
