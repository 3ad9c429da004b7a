//! A bare typed tokio channel between two tasks: what a hand-written actor without names, monitors or a network costs.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

use super::{Peer, Role, children};
use crate::child::{self, Mark, Measurement};
use crate::row::Row;

/// `tokio::sync::mpsc`, with a `oneshot` for each answer.
pub(super) struct Tokio;

enum Message {
    Tick(u64),
    Add(u64, oneshot::Sender<u64>),
    Mark(oneshot::Sender<Mark>),
}

impl Peer for Tokio {
    fn name(&self) -> &'static str {
        "tokio"
    }

    fn processes(&self, row: &Row) -> Option<Vec<std::process::Command>> {
        matches!(row.name, "L1" | "L4")
            .then(|| children(self.name(), row))
            .flatten()
    }

    fn run(&self, row: &Row, _role: Role) {
        let calls = row.name == "L4";
        Runtime::new()
            .expect("a runtime starts")
            .block_on(async move {
                let (to, messages) = mpsc::unbounded_channel();
                tokio::spawn(receive(messages));
                tokio::spawn(async move {
                    work(&to, calls, child::warmup()).await;
                    let measurement = Measurement::begin(mark(&to).await);
                    work(&to, calls, child::ops()).await;
                    measurement.end(mark(&to).await);
                })
                .await
                .expect("the driver ends well");
            });
    }
}

async fn work(to: &mpsc::UnboundedSender<Message>, calls: bool, ops: u64) {
    for n in 0..ops {
        if calls {
            let (reply, answer) = oneshot::channel();
            let _ = to.send(Message::Add(n, reply));
            assert_eq!(answer.await, Ok(n + 1));
        } else {
            let _ = to.send(Message::Tick(n));
        }
    }
}

async fn mark(to: &mpsc::UnboundedSender<Message>) -> Mark {
    let (reply, answer) = oneshot::channel();
    let _ = to.send(Message::Mark(reply));
    answer.await.expect("the receiver lives")
}

async fn receive(mut messages: mpsc::UnboundedReceiver<Message>) {
    let (mut received, mut sum) = (0, 0u64);
    while let Some(message) = messages.recv().await {
        match message {
            Message::Tick(n) => {
                received += 1;
                sum = sum.wrapping_add(n);
            }
            Message::Add(n, reply) => {
                received += 1;
                let _ = reply.send(n + 1);
            }
            Message::Mark(reply) => {
                std::hint::black_box(sum);
                let _ = reply.send(Mark {
                    received,
                    cpu: Duration::ZERO,
                });
            }
        }
    }
}
