//! `kameo`: tells, and asks.

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use kameo::message::{Context, Message};
use tokio::sync::mpsc;

use super::{Actors, in_tokio};

pub(super) struct Kameo;

#[derive(Actor)]
pub(super) struct Sink {
    received: u64,
    sum: u64,
}

struct Tick(u64);
struct Add(u64);
struct Count;

impl Message<Tick> for Sink {
    type Reply = ();

    async fn handle(&mut self, Tick(n): Tick, _: &mut Context<Self, ()>) {
        self.received += 1;
        self.sum = self.sum.wrapping_add(n);
    }
}

impl Message<Add> for Sink {
    type Reply = u64;

    async fn handle(&mut self, Add(n): Add, _: &mut Context<Self, u64>) -> u64 {
        self.received += 1;
        n + 1
    }
}

impl Message<Count> for Sink {
    type Reply = u64;

    async fn handle(&mut self, Count: Count, _: &mut Context<Self, u64>) -> u64 {
        std::hint::black_box(self.sum);
        self.received
    }
}

#[derive(Actor)]
pub(super) struct Link {
    next: Option<ActorRef<Link>>,
    done: mpsc::UnboundedSender<()>,
}

struct Join(ActorRef<Link>);
struct Token(u64);

impl Message<Join> for Link {
    type Reply = ();

    async fn handle(&mut self, Join(next): Join, _: &mut Context<Self, ()>) {
        self.next = Some(next);
    }
}

impl Message<Token> for Link {
    type Reply = ();

    async fn handle(&mut self, Token(hops): Token, _: &mut Context<Self, ()>) {
        match (&self.next, hops) {
            (_, 0) => self.done.send(()).expect("the driver waits"),
            (Some(next), hops) => next.tell(Token(hops - 1)).try_send().expect("it lives"),
            (None, _) => unreachable!("the ring is closed"),
        }
    }
}

impl Actors for Kameo {
    const NAME: &'static str = "kameo";
    type Sink = ActorRef<Sink>;
    type Link = ActorRef<Link>;

    fn run(work: impl Future<Output = ()> + Send + 'static) {
        in_tokio(work);
    }

    async fn start() -> Self::Sink {
        let sink = Sink {
            received: 0,
            sum: 0,
        };
        let sink = Sink::spawn_with_mailbox(sink, mailbox::unbounded());
        sink.wait_for_startup().await;
        sink
    }

    fn tick(sink: &Self::Sink, n: u64) {
        sink.tell(Tick(n)).try_send().expect("it lives");
    }

    async fn add(sink: &Self::Sink, n: u64) -> u64 {
        sink.ask(Add(n)).await.expect("it lives, and answers")
    }

    async fn count(sink: &Self::Sink) -> u64 {
        sink.ask(Count).await.expect("it lives, and answers")
    }

    async fn stop(sink: Self::Sink) {
        sink.stop_gracefully().await.expect("it lives");
        sink.wait_for_shutdown().await;
    }

    async fn link(done: mpsc::UnboundedSender<()>) -> Self::Link {
        let link = Link { next: None, done };
        let link = Link::spawn_with_mailbox(link, mailbox::unbounded());
        link.wait_for_startup().await;
        link
    }

    async fn join(link: &Self::Link, next: &Self::Link) {
        let joined = link.ask(Join(next.clone())).await;
        joined.expect("it lives, and answers");
    }

    fn token(link: &Self::Link, hops: u64) {
        link.tell(Token(hops)).try_send().expect("it lives");
    }
}
