//! `ractor_cluster`: actors of another OS process, found by their process group.
//!
//! Only with the feature `ractor-cluster`, which makes messages of `ractor` what the network can carry.

use std::time::Duration;

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, pg, rpc::CallResult};
use ractor_cluster::{NodeServer, RactorClusterMessage, client_connect};

use super::super::shares::in_shares;
use super::super::{Peer, Role, children};
use super::in_tokio;
use crate::child::{self, Mark, Measurement};
use crate::row::{Pattern, Row, Wire, Work};

pub(super) struct RactorCluster;

const SINKS: &str = "sinks";

#[derive(RactorClusterMessage)]
enum ToSink {
    Tick(u64),
    Blob(Vec<u8>),
    #[rpc]
    Add(u64, RpcReplyPort<u64>),
    #[rpc]
    Count(RpcReplyPort<u64>),
    /// The CPU time of its OS process in nanoseconds.
    #[rpc]
    Cpu(RpcReplyPort<u64>),
}

struct Sink;

impl Actor for Sink {
    type Msg = ToSink;
    type State = (u64, u64);
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<ToSink>,
        (): (),
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok((0, 0))
    }

    async fn handle(
        &self,
        _: ActorRef<ToSink>,
        message: ToSink,
        (received, sum): &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ToSink::Tick(n) => {
                *received += 1;
                *sum = sum.wrapping_add(n);
            }
            ToSink::Blob(bytes) => {
                *received += 1;
                *sum = sum.wrapping_add(bytes.len() as u64);
            }
            ToSink::Add(n, reply) => {
                *received += 1;
                reply.send(n + 1)?;
            }
            ToSink::Count(reply) => {
                std::hint::black_box(*sum);
                reply.send(*received)?;
            }
            ToSink::Cpu(reply) => {
                let cpu = child::cpu().as_nanos();
                reply.send(u64::try_from(cpu).unwrap_or(u64::MAX))?;
            }
        }
        Ok(())
    }
}

impl Peer for RactorCluster {
    fn name(&self) -> &'static str {
        "ractor_cluster"
    }

    fn processes(&self, row: &Row) -> Option<Vec<std::process::Command>> {
        let can = matches!(
            row.work,
            Work::Network(Pattern::Send { .. } | Pattern::Call { .. }, Wire::Tcp)
        );
        can.then(|| children(self.name(), row)).flatten()
    }

    fn run(&self, row: &Row, role: Role) {
        let pattern = row.work.pattern().expect("a row of messages");
        in_tokio(async move {
            match role {
                Role::First => receive(pattern).await,
                Role::Second | Role::Only => drive(pattern).await,
            }
        });
    }
}

const fn receivers(pattern: Pattern) -> usize {
    match pattern {
        Pattern::Send { receivers, .. } => receivers,
        _ => 1,
    }
}

/// A node that listens at a free port.
async fn node(name: &str) -> (ActorRef<ractor_cluster::NodeServerMessage>, u16) {
    let free = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0));
    let port = free
        .and_then(|free| free.local_addr())
        .expect("a free port")
        .port();
    let server = NodeServer::new(
        port,
        "bench".into(),
        name.into(),
        "localhost".into(),
        None,
        None,
    );
    let (node, _) = Actor::spawn(None, server, ()).await.expect("a node starts");
    (node, port)
}

async fn receive(pattern: Pattern) {
    let (_node, port) = node("first").await;
    for _ in 0..receivers(pattern) {
        let (sink, _) = Actor::spawn(None, Sink, ()).await.expect("it starts");
        pg::join(SINKS.into(), vec![sink.get_cell()]);
    }
    child::ready(&port.to_string());
    std::future::pending::<()>().await;
}

async fn drive(pattern: Pattern) {
    let (node, _) = node("second").await;
    let address = format!("127.0.0.1:{}", child::address());
    client_connect(&node, address).await.expect("they connect");
    let wanted = receivers(pattern);
    let sinks: Vec<ActorRef<ToSink>> = loop {
        let sinks = pg::get_members(&SINKS.into());
        if sinks.len() == wanted {
            break sinks.into_iter().map(Into::into).collect();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    work(&sinks, pattern, child::warmup()).await;
    let measurement = Measurement::begin(mark(&sinks).await);
    work(&sinks, pattern, child::ops()).await;
    measurement.end(mark(&sinks).await);
}

async fn ask<T: Send + 'static>(
    sink: &ActorRef<ToSink>,
    request: impl FnOnce(RpcReplyPort<T>) -> ToSink + Send,
) -> T {
    match sink.call(request, None).await {
        Ok(CallResult::Success(answer)) => answer,
        _ => panic!("the actor lives, and answers"),
    }
}

async fn mark(sinks: &[ActorRef<ToSink>]) -> Mark {
    let mut received = 0;
    for sink in sinks {
        received += ask(sink, ToSink::Count).await;
    }
    let cpu = Duration::from_nanos(ask(&sinks[0], ToSink::Cpu).await);
    Mark { received, cpu }
}

async fn work(sinks: &[ActorRef<ToSink>], pattern: Pattern, ops: u64) {
    let (drivers, bytes, calls) = match pattern {
        Pattern::Send { senders, bytes, .. } => (senders, bytes, false),
        Pattern::Call { callers } => (callers, 0, true),
        _ => unreachable!("no row of this peer"),
    };
    in_shares(sinks, drivers, ops, |sink, share| async move {
        for n in 0..share {
            if calls {
                assert_eq!(ask(&sink, |reply| ToSink::Add(n, reply)).await, n + 1);
            } else if bytes == 0 {
                sink.cast(ToSink::Tick(n)).expect("it lives");
            } else {
                sink.cast(ToSink::Blob(vec![7; bytes])).expect("it lives");
            }
        }
        ask(&sink, ToSink::Count).await;
    })
    .await;
}
