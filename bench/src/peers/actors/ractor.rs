//! `ractor`: casts, and calls with a reply port.

use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, rpc::CallResult};
use tokio::sync::mpsc;

use super::{Actors, in_tokio};

pub(super) struct Ractor;

#[cfg_attr(feature = "ractor-cluster", derive(ractor_cluster::RactorMessage))]
pub(super) enum ToSink {
    Tick(u64),
    Add(u64, RpcReplyPort<u64>),
    Count(RpcReplyPort<u64>),
}

pub(super) struct Sink;

impl Actor for Sink {
    type Msg = ToSink;
    /// How many were received, and their sum.
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
            ToSink::Add(n, reply) => {
                *received += 1;
                reply.send(n + 1)?;
            }
            ToSink::Count(reply) => {
                std::hint::black_box(*sum);
                reply.send(*received)?;
            }
        }
        Ok(())
    }
}

#[cfg_attr(feature = "ractor-cluster", derive(ractor_cluster::RactorMessage))]
pub(super) enum ToLink {
    Join(ActorRef<ToLink>, RpcReplyPort<()>),
    Token(u64),
}

pub(super) struct Link(mpsc::UnboundedSender<()>);

impl Actor for Link {
    type Msg = ToLink;
    type State = Option<ActorRef<ToLink>>;
    type Arguments = ();

    async fn pre_start(
        &self,
        _: ActorRef<ToLink>,
        (): (),
    ) -> Result<Self::State, ActorProcessingErr> {
        Ok(None)
    }

    async fn handle(
        &self,
        _: ActorRef<ToLink>,
        message: ToLink,
        next: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        match (message, next) {
            (ToLink::Join(to, reply), next) => {
                *next = Some(to);
                reply.send(())?;
            }
            (ToLink::Token(0), _) => self.0.send(())?,
            (ToLink::Token(hops), Some(next)) => next.cast(ToLink::Token(hops - 1))?,
            (ToLink::Token(_), None) => unreachable!("the ring is closed"),
        }
        Ok(())
    }
}

async fn ask<M, T>(of: &ActorRef<M>, request: impl FnOnce(RpcReplyPort<T>) -> M + Send) -> T
where
    M: ractor::Message,
    T: Send + 'static,
{
    match of.call(request, None).await {
        Ok(CallResult::Success(answer)) => answer,
        _ => panic!("the actor lives, and answers"),
    }
}

impl Actors for Ractor {
    const NAME: &'static str = "ractor";
    type Sink = ActorRef<ToSink>;
    type Link = ActorRef<ToLink>;

    fn run(work: impl Future<Output = ()> + Send + 'static) {
        in_tokio(work);
    }

    async fn start() -> Self::Sink {
        let (sink, _) = Actor::spawn(None, Sink, ()).await.expect("it starts");
        sink
    }

    fn tick(sink: &Self::Sink, n: u64) {
        sink.cast(ToSink::Tick(n)).expect("it lives");
    }

    async fn add(sink: &Self::Sink, n: u64) -> u64 {
        ask(sink, |reply| ToSink::Add(n, reply)).await
    }

    async fn count(sink: &Self::Sink) -> u64 {
        ask(sink, ToSink::Count).await
    }

    async fn stop(sink: Self::Sink) {
        sink.stop_and_wait(None, None).await.expect("it ends");
    }

    async fn link(done: mpsc::UnboundedSender<()>) -> Self::Link {
        let (link, _) = Actor::spawn(None, Link(done), ()).await.expect("it starts");
        link
    }

    async fn join(link: &Self::Link, next: &Self::Link) {
        let next = next.clone();
        ask(link, |reply| ToLink::Join(next, reply)).await;
    }

    fn token(link: &Self::Link, hops: u64) {
        link.cast(ToLink::Token(hops)).expect("it lives");
    }
}
