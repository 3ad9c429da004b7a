//! Messages that are handled by a plain call (`handle_now`) beside others that are awaited: one order, one rule for panics and for stops.

#[path = "support/plain.rs"]
mod plain;

use kista::{
    Address, Cx, ExitReason, Flow, GenServer, InitStop, Message, ReplyTo, gen_server, spec,
};
use plain::node;
use tokio::task::yield_now;

enum Msg {
    Now(u32),
    Later(u32),
    Panic,
    Stop,
    Read(ReplyTo<Vec<u32>>),
}

impl Message for Msg {}

/// Written by hand. It notes what it handled.
#[derive(Default)]
struct ByHand(Vec<u32>);

impl GenServer for ByHand {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self::default())
    }

    fn handle_now(&mut self, message: Msg, _: &mut Cx<Self>) -> Result<Flow, Msg> {
        match message {
            Msg::Now(n) => self.0.push(n),
            Msg::Panic => panic!("at once"),
            Msg::Stop => return Ok(Flow::Stop(ExitReason::Shutdown)),
            Msg::Read(reply) => reply.reply(self.0.clone()),
            Msg::Later(_) => return Err(message),
        }
        Ok(Flow::Continue)
    }

    async fn handle(&mut self, message: Msg, _: &mut Cx<Self>) -> Flow {
        let Msg::Later(n) = message else {
            panic!("this one was handled at once")
        };
        yield_now().await;
        self.0.push(n);
        Flow::Continue
    }
}

#[tokio::test]
async fn what_is_handled_at_once_keeps_its_place_behind_what_is_awaited() {
    let node = node("at_once").await;
    let server = node.spawn(spec::<ByHand>(())).await.unwrap();
    for round in 0..100 {
        // Alone in the queue, and among others.
        for n in 0..round % 7 {
            server.cast(match (round + n) % 3 {
                0 => Msg::Later(round * 10 + n),
                _ => Msg::Now(round * 10 + n),
            });
        }
        yield_now().await;
    }
    let seen = server.call(Msg::Read).await.unwrap();
    let sent: Vec<_> = (0..100)
        .flat_map(|round| (0..round % 7).map(move |n| round * 10 + n))
        .collect();
    assert_eq!(seen, sent);
    node.stop().await;
}

#[tokio::test]
async fn a_panic_and_a_stop_at_once_end_the_process_for_their_reason() {
    let node = node("at_once").await;
    for (message, reason) in [
        (Msg::Panic, ExitReason::Panic("at once".into())),
        (Msg::Stop, ExitReason::Shutdown),
    ] {
        let server = node.spawn(spec::<ByHand>(())).await.unwrap();
        let call = server.call(Msg::Read);
        server.cast(message);
        assert_eq!(call.await, Err(reason.into()));
    }
    node.stop().await;
}

/// Gives back each message, and counts how often it was asked.
struct Refusing {
    asked: u32,
}

impl GenServer for Refusing {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self { asked: 0 })
    }

    fn handle_now(&mut self, message: Msg, _: &mut Cx<Self>) -> Result<Flow, Msg> {
        self.asked += 1;
        Err(message)
    }

    async fn handle(&mut self, message: Msg, cx: &mut Cx<Self>) -> Flow {
        match message {
            Msg::Read(reply) => reply.reply(vec![self.asked]),
            // Comes by another way than what was sent.
            Msg::Later(n) if n > 0 => cx.continue_with(Msg::Later(n - 1)),
            _ => {}
        }
        Flow::Continue
    }
}

#[tokio::test]
async fn each_message_is_asked_for_once_by_whatever_way_it_comes() {
    let node = node("at_once").await;
    let server = node.spawn(spec::<Refusing>(())).await.unwrap();
    for _ in 0..10 {
        server.cast(Msg::Now(0));
    }
    assert_eq!(server.call(Msg::Read).await, Ok(vec![11]));
    server.cast(Msg::Now(0));
    yield_now().await;
    assert_eq!(server.call(Msg::Read).await, Ok(vec![13]));
    server.cast(Msg::Later(3));
    assert_eq!(server.call(Msg::Read).await, Ok(vec![18]));
    node.stop().await;
}

/// Keeps the token of a call that it handled at once.
#[derive(Default)]
struct Keeping(Vec<ReplyTo<Vec<u32>>>);

impl GenServer for Keeping {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), _: &mut Cx<Self>) -> Result<Self, InitStop> {
        Ok(Self::default())
    }

    fn handle_now(&mut self, message: Msg, _: &mut Cx<Self>) -> Result<Flow, Msg> {
        match message {
            Msg::Read(reply) => self.0.push(reply),
            Msg::Stop => return Ok(Flow::Stop(ExitReason::Shutdown)),
            _ => return Err(message),
        }
        Ok(Flow::Continue)
    }

    async fn handle(&mut self, _: Msg, _: &mut Cx<Self>) -> Flow {
        Flow::Continue
    }
}

#[tokio::test]
async fn a_token_that_was_kept_at_once_fails_with_the_server() {
    let node = node("at_once").await;
    let server = node.spawn(spec::<Keeping>(())).await.unwrap();
    let kept = [
        server.call(Msg::Read).send_request(),
        server.call(Msg::Read).send_request(),
    ];
    yield_now().await;
    server.cast(Msg::Stop);
    for call in kept {
        assert_eq!(call.await, Err(ExitReason::Shutdown.into()));
    }
    node.stop().await;
}

/// By the macro: one method that is `async`, one that is not.
struct Both(Vec<u32>);

#[gen_server(local)]
impl Both {
    #[init]
    fn new() -> Self {
        Both(Vec::new())
    }
    #[cast]
    fn now(&mut self, n: u32) {
        self.0.push(n);
    }
    #[cast]
    async fn later(&mut self, n: u32) {
        yield_now().await;
        self.0.push(n);
    }
    #[call]
    fn read(&self) -> Vec<u32> {
        self.0.clone()
    }
}

#[tokio::test]
async fn methods_that_await_and_methods_that_do_not_are_one_order() {
    let node = node("at_once").await;
    let server = node.spawn(Both::spec()).await.unwrap();
    for n in 0..200 {
        match n % 3 {
            0 => server.later(n),
            _ => server.now(n),
        };
        if n % 5 == 0 {
            yield_now().await;
        }
    }
    assert_eq!(server.read().await.unwrap(), (0..200).collect::<Vec<_>>());
    node.stop().await;
}
