//! What node-local events promise those who publish and those who follow.

use std::time::Duration;

use kista::events::{EventError, EventSource, NODES, Subscription, Update};
use kista::{Atom, Cx, ExitReason, Node, NodeEvent, ReplyTo, ServerRef, gen_server};

/// Owns an event.
struct Owner {
    prices: EventSource<u32>,
}

#[gen_server(local)]
impl Owner {
    #[init]
    fn new(name: &'static str, cx: &mut Cx<Self>) -> Result<Self, ExitReason> {
        let prices = cx
            .node()
            .register_event(name, 2)
            .map_err(|error| ExitReason::from(error.to_string()))?;
        Ok(Owner { prices })
    }
    #[call]
    fn publish(&mut self, price: u32) -> usize {
        self.prices.publish(price).expect("its owner lives")
    }
    #[cast]
    fn crash(&mut self) {
        panic!("asked to crash")
    }
}

/// Follows an event in its own messages.
struct Follower {
    heard: Vec<Update<u32>>,
    enough: Option<(usize, ReplyTo<Vec<Update<u32>>>)>,
}

#[gen_server(local)]
impl Follower {
    #[init]
    fn new(name: &'static str, cx: &mut Cx<Self>) -> Self {
        let me = cx.server_ref();
        cx.node()
            .subscribe_server(name, &me, FollowerMsg::Price)
            .expect("there is such an event");
        Follower {
            heard: Vec::new(),
            enough: None,
        }
    }
    #[cast]
    fn price(&mut self, update: Update<u32>) {
        self.heard.push(update);
        self.answer();
    }
    /// Answered with all it heard when that is `count` updates.
    #[call]
    fn heard(&mut self, count: usize, reply: ReplyTo<Vec<Update<u32>>>) {
        self.enough = Some((count, reply));
        self.answer();
    }
}

impl Follower {
    fn answer(&mut self) {
        if let Some((_, reply)) = self.enough.take_if(|(count, _)| self.heard.len() >= *count) {
            reply.reply(self.heard.clone());
        }
    }
}

async fn node(name: &str) -> Node {
    let node = Node::builder(name).no_network().start().await;
    node.expect("a node without a network starts")
}

async fn owner(node: &Node, name: &'static str) -> ServerRef<Owner> {
    node.spawn(Owner::spec(name)).await.expect("it starts")
}

async fn next<T: Clone + Send + 'static>(stream: &mut Subscription<T>) -> Option<Update<T>> {
    let next = tokio::time::timeout(Duration::from_secs(60), stream.next()).await;
    next.expect("an update comes")
}

#[tokio::test]
async fn the_end_of_the_owner_is_heard_last_and_with_its_reason() {
    let node = node("end@test").await;
    let owner = owner(&node, "prices").await;
    let mut stream = node.subscribe::<u32>("prices").expect("it is there");
    owner.publish(1).await.expect("published");
    owner.crash();
    assert_eq!(next(&mut stream).await, Some(Update::Event(1)));
    let ended = next(&mut stream).await;
    assert_eq!(
        ended,
        Some(Update::Ended(ExitReason::Panic("asked to crash".into())))
    );
    // The name is free again: a restarted owner registers the same.
    let again = node.register_event::<u32>("prices", 0).expect("free");
    assert_eq!(again.subscribers(), 0);
    assert_eq!(next(&mut stream).await, None);
    node.stop().await;
}

#[tokio::test]
async fn an_owner_that_stops_says_so_and_not_that_it_unregistered() {
    let node = node("stop@test").await;
    let owner = owner(&node, "prices").await;
    let mut stream = node.subscribe::<u32>("prices").expect("it is there");
    owner.stop().await.expect("it stops");
    assert_eq!(
        next(&mut stream).await,
        Some(Update::Ended(ExitReason::Normal))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_dropped_source_ends_its_event() {
    let node = node("drop@test").await;
    let source = node.register_event::<u32>("prices", 0).expect("free");
    let mut stream = node.subscribe::<u32>("prices").expect("it is there");
    drop(source);
    let unregistered = ExitReason::from(Atom::from_static("unregistered"));
    assert_eq!(next(&mut stream).await, Some(Update::Ended(unregistered)));
    assert_eq!(
        node.subscribe::<u32>("prices").expect_err("gone"),
        EventError::Unknown(Atom::from_static("prices"))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_source_that_outlives_its_owner_publishes_nothing() {
    struct Once(Option<EventSource<u32>>);
    #[gen_server(local)]
    impl Once {
        #[init]
        fn new(cx: &mut Cx<Self>) -> Self {
            Once(cx.node().register_event("prices", 0).ok())
        }
        #[call]
        fn give(&mut self) -> Option<EventSource<u32>> {
            self.0.take()
        }
    }
    let node = node("outlives@test").await;
    let once = node.spawn(Once::spec()).await.expect("it starts");
    let source = once.give().await.expect("answered").expect("registered");
    assert_eq!(source.publish(1), Ok(0));
    once.stop().await.expect("it stops");
    assert_eq!(
        source.publish(2),
        Err(EventError::Ended(ExitReason::Normal))
    );
    // Dropped late, it does not end the event that has the name now.
    let newer = node.register_event::<u32>("prices", 0).expect("free");
    drop(source);
    assert_eq!(newer.publish(3), Ok(0));
    node.stop().await;
}

#[tokio::test]
async fn a_server_follows_in_its_own_messages_and_is_forgotten_at_its_end() {
    let node = node("server@test").await;
    let source = node.register_event::<u32>("prices", 2).expect("free");
    for price in 1..=3 {
        source.publish(price).expect("open");
    }
    let follower = node.spawn(Follower::spec("prices")).await.expect("starts");
    assert_eq!(source.publish(4), Ok(1));
    let heard = follower.heard(3).await.expect("answered");
    assert_eq!(heard, [2, 3, 4].map(Update::Event));
    follower.stop().await.expect("it stops");
    assert_eq!(source.subscribers(), 0, "nobody published meanwhile");
    let gone = node.subscribe_server("prices", &follower, FollowerMsg::Price);
    assert_eq!(gone.expect_err("it has ended"), EventError::NoSubscriber);
    node.stop().await;
}

#[tokio::test]
async fn an_unsubscribed_server_hears_no_more() {
    let node = node("unsub@test").await;
    let source = node.register_event::<u32>("prices", 0).expect("free");
    let follower = node.spawn(Follower::spec("prices")).await.expect("starts");
    let second = node
        .subscribe_server("prices", &follower, FollowerMsg::Price)
        .expect("twice is two subscriptions");
    assert_eq!(source.publish(1), Ok(2));
    second.unsubscribe();
    assert_eq!(source.publish(2), Ok(1));
    let heard = follower.heard(3).await.expect("answered");
    assert_eq!(heard, [1, 1, 2].map(Update::Event));
    node.stop().await;
}

#[tokio::test]
async fn a_name_has_one_event_and_an_event_one_type() {
    let node = node("names@test").await;
    let prices = Atom::from_static("prices");
    let _source = node.register_event::<u32>("prices", 0).expect("free");
    assert_eq!(
        node.register_event::<u32>("prices", 0).expect_err("taken"),
        EventError::Taken(prices)
    );
    assert_eq!(
        node.subscribe::<String>("prices").expect_err("not strings"),
        EventError::OtherType(prices, "alloc::string::String")
    );
    assert!(matches!(
        node.subscribe::<u32>("x".repeat(256)),
        Err(EventError::BadName(_))
    ));
    assert!(node.register_event::<u32>(NODES, 0).is_err());
    assert!(node.event_names().contains(&prices));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_followers_get_the_same_order_whoever_publishes() {
    const EACH: u32 = 10_000;
    let node = node("order@test").await;
    let source = std::sync::Arc::new(node.register_event::<u32>("prices", 0).expect("free"));
    let mut streams: Vec<_> = (0..3)
        .map(|_| node.subscribe::<u32>("prices").expect("it is there"))
        .collect();
    let publishers = [0, 1].map(|publisher| {
        let source = source.clone();
        tokio::spawn(async move {
            for n in 0..EACH {
                source.publish(n * 2 + publisher).expect("open");
                tokio::task::yield_now().await;
            }
        })
    });
    for publisher in publishers {
        publisher.await.expect("it publishes all");
    }
    let mut first = Vec::new();
    for (n, stream) in streams.iter_mut().enumerate() {
        let all: Vec<_> = std::iter::from_fn(|| stream.try_next()).collect();
        assert_eq!(all.len(), 2 * EACH as usize);
        match n {
            0 => first = all,
            _ => assert!(all == first, "another order"),
        }
    }
    node.stop().await;
}

#[tokio::test]
async fn a_bounded_stream_says_how_much_it_missed() {
    let node = node("bounded@test").await;
    let source = node.register_event::<u32>("prices", 3).expect("free");
    for price in 1..=3 {
        source.publish(price).expect("open");
    }
    let mut stream = node.subscribe::<u32>("prices").expect("there").bounded(2);
    assert_eq!(next(&mut stream).await, Some(Update::Missed(1)));
    assert_eq!(next(&mut stream).await, Some(Update::Event(2)));
    for price in 4..=7 {
        source.publish(price).expect("open");
    }
    assert_eq!(next(&mut stream).await, Some(Update::Missed(3)));
    assert_eq!(next(&mut stream).await, Some(Update::Event(6)));
    drop(source);
    assert_eq!(next(&mut stream).await, Some(Update::Event(7)));
    assert!(matches!(next(&mut stream).await, Some(Update::Ended(_))));
    node.stop().await;
}

#[tokio::test]
async fn a_dropped_stream_is_no_subscriber() {
    let node = node("dropped@test").await;
    let source = node.register_event::<u32>("prices", 0).expect("free");
    let stream = node.subscribe::<u32>("prices").expect("it is there");
    assert_eq!(source.subscribers(), 1);
    drop(stream);
    assert_eq!(source.subscribers(), 0);
    node.stop().await;
}

#[tokio::test]
async fn the_events_of_a_node_end_with_it() {
    let node = node("gone@test").await;
    let mut nodes = node.subscribe::<NodeEvent>(NODES).expect("always there");
    let mut events = node.events();
    node.stop().await;
    drop(node);
    assert!(matches!(next(&mut nodes).await, Some(Update::Ended(_))));
    assert_eq!(events.next().await, None);
}

#[tokio::test]
async fn a_stopped_node_has_no_events_and_lets_nobody_wait() {
    let node = node("ended@test").await;
    let source = node.register_event::<u32>("prices", 0).unwrap();
    let mut follower = node.subscribe::<u32>("prices").unwrap();
    source.publish(1).unwrap();
    node.stop().await;
    let ended = Update::Ended(ExitReason::Shutdown);
    assert_eq!(follower.next().await, Some(Update::Event(1)));
    assert_eq!(follower.next().await, Some(ended));
    assert_eq!(follower.next().await, None);
    let refused = EventError::Ended(ExitReason::Shutdown);
    assert_eq!(source.publish(2), Err(refused.clone()));
    for name in ["prices", "others"] {
        let followed = node.subscribe::<u32>(name).map(drop);
        assert_eq!(followed, Err(refused.clone()));
    }
    let registered = node.register_event::<u32>("others", 0).map(drop);
    assert_eq!(registered, Err(refused));
    assert_eq!(node.events().next().await, None);
}
