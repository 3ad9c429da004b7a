//! The servers of the rows, written as a user writes them.

use kista::{Binary, ReplyTo, ServerRef, gen_server};

use crate::child;

/// Receives in all rows.
pub(super) struct Sink {
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

    /// `Sink ! {blob, Bytes}`
    #[info]
    fn blob(&mut self, bytes: Binary) {
        self.received += 1;
        self.sum = self.sum.wrapping_add(bytes.len() as u64);
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

/// What a sender or caller does, over and over.
#[derive(Clone, Copy)]
pub(super) enum Job {
    Tick,
    Blob(usize),
    Add,
}

/// A process that sends or calls.
pub(super) struct Driver {
    sink: ServerRef<Sink>,
    job: Job,
}

#[gen_server(local)]
impl Driver {
    #[init]
    fn new(sink: ServerRef<Sink>, job: Job) -> Self {
        Driver { sink, job }
    }

    /// Does it so often, and answers when all was received.
    #[call]
    async fn work(&mut self, ops: u64) {
        self.repeat(ops).await;
        self.sink.mark().forever().await.expect("an answer");
    }
}

impl Driver {
    async fn repeat(&self, ops: u64) {
        match self.job {
            Job::Tick => {
                for n in 0..ops {
                    self.sink.tick(n).await.expect("room");
                }
            }
            Job::Blob(bytes) => {
                let blob = Binary::from(vec![7; bytes]);
                for _ in 0..ops {
                    self.sink.blob(blob.clone()).await.expect("room");
                }
            }
            Job::Add => {
                for n in 0..ops {
                    assert_eq!(self.sink.add(n).forever().await.expect("an answer"), n + 1);
                }
            }
        }
    }
}

/// One of a ring: hands the token on.
pub(super) struct Link {
    next: Option<ServerRef<Link>>,
    received: u64,
    done: Option<ReplyTo<()>>,
}

#[gen_server(local)]
impl Link {
    #[init]
    fn new() -> Self {
        Link {
            next: None,
            received: 0,
            done: None,
        }
    }

    #[call]
    fn join(&mut self, next: ServerRef<Link>) {
        self.next = Some(next);
    }

    /// Sends a token round; answered when it has made so many hops and is here again.
    #[call]
    fn go_round(&mut self, hops: u64, done: ReplyTo<()>) {
        self.done = Some(done);
        self.hand_on(hops);
    }

    #[cast]
    fn token(&mut self, hops: u64) {
        self.received += 1;
        if hops > 0 {
            self.hand_on(hops);
        } else if let Some(done) = self.done.take() {
            done.reply(());
        }
    }

    #[call]
    fn received(&self) -> u64 {
        self.received
    }
}

impl Link {
    fn hand_on(&self, hops: u64) {
        let next = self.next.as_ref().expect("the ring is closed");
        drop(next.token(hops - 1));
    }
}
