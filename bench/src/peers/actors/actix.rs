//! `actix`: `do_send`, and `send`. Its actors and the tasks around them share one thread, as in a program under `#[actix::main]`.

use actix::prelude::{Actor, Addr, Context, Handler, Message};
use actix::{ActorContext as _, System};
use tokio::sync::{mpsc, oneshot};

use super::Actors;

pub(super) struct Actix;

pub(super) struct Sink {
    received: u64,
    sum: u64,
    stopped: Option<oneshot::Sender<()>>,
}

impl Actor for Sink {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(usize::MAX >> 4);
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(stopped) = self.stopped.take() {
            let _ = stopped.send(());
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Tick(u64);

#[derive(Message)]
#[rtype(result = "u64")]
struct Add(u64);

#[derive(Message)]
#[rtype(result = "u64")]
struct Count;

#[derive(Message)]
#[rtype(result = "()")]
struct Stop(oneshot::Sender<()>);

impl Handler<Tick> for Sink {
    type Result = ();

    fn handle(&mut self, Tick(n): Tick, _: &mut Self::Context) {
        self.received += 1;
        self.sum = self.sum.wrapping_add(n);
    }
}

impl Handler<Add> for Sink {
    type Result = u64;

    fn handle(&mut self, Add(n): Add, _: &mut Self::Context) -> u64 {
        self.received += 1;
        n + 1
    }
}

impl Handler<Count> for Sink {
    type Result = u64;

    fn handle(&mut self, Count: Count, _: &mut Self::Context) -> u64 {
        std::hint::black_box(self.sum);
        self.received
    }
}

impl Handler<Stop> for Sink {
    type Result = ();

    fn handle(&mut self, Stop(stopped): Stop, context: &mut Self::Context) {
        self.stopped = Some(stopped);
        context.stop();
    }
}

pub(super) struct Link {
    next: Option<Addr<Link>>,
    done: mpsc::UnboundedSender<()>,
}

impl Actor for Link {
    type Context = Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Join(Addr<Link>);

#[derive(Message)]
#[rtype(result = "()")]
struct Token(u64);

impl Handler<Join> for Link {
    type Result = ();

    fn handle(&mut self, Join(next): Join, _: &mut Self::Context) {
        self.next = Some(next);
    }
}

impl Handler<Token> for Link {
    type Result = ();

    fn handle(&mut self, Token(hops): Token, _: &mut Self::Context) {
        match (&self.next, hops) {
            (_, 0) => self.done.send(()).expect("the driver waits"),
            (Some(next), hops) => next.do_send(Token(hops - 1)),
            (None, _) => unreachable!("the ring is closed"),
        }
    }
}

impl Actors for Actix {
    const NAME: &'static str = "actix";
    type Sink = Addr<Sink>;
    type Link = Addr<Link>;

    fn run(work: impl Future<Output = ()> + Send + 'static) {
        System::new().block_on(async move {
            tokio::task::spawn_local(work)
                .await
                .expect("the driver ends well");
        });
    }

    async fn start() -> Self::Sink {
        let sink = Sink {
            received: 0,
            sum: 0,
            stopped: None,
        };
        let sink = sink.start();
        sink.send(Count).await.expect("it lives, and answers");
        sink
    }

    fn tick(sink: &Self::Sink, n: u64) {
        sink.do_send(Tick(n));
    }

    async fn add(sink: &Self::Sink, n: u64) -> u64 {
        sink.send(Add(n)).await.expect("it lives, and answers")
    }

    async fn count(sink: &Self::Sink) -> u64 {
        sink.send(Count).await.expect("it lives, and answers")
    }

    async fn stop(sink: Self::Sink) {
        let (stopped, stopping) = oneshot::channel();
        sink.do_send(Stop(stopped));
        stopping.await.expect("it ends");
    }

    async fn link(done: mpsc::UnboundedSender<()>) -> Self::Link {
        Link { next: None, done }.start()
    }

    async fn join(link: &Self::Link, next: &Self::Link) {
        let joined = link.send(Join(next.clone())).await;
        joined.expect("it lives, and answers");
    }

    fn token(link: &Self::Link, hops: u64) {
        link.do_send(Token(hops));
    }
}
