//! Nodes that come, go, and are refused.

use super::*;

#[tokio::test]
async fn nodes_come_and_go_once_each() {
    let pair = Pair::start().await;
    let mut events = pair.a.events();
    let ear = ear(&pair.a).await;
    let b = pair.b.name();
    for _ in 0..5 {
        pair.a.connect("b@127.0.0.1").await.unwrap();
        let Some(NodeEvent::Up {
            node,
            hidden: false,
            connection_id: up,
        }) = events.next().await
        else {
            panic!("no event")
        };
        assert_eq!(node, b);
        let info = pair.a.connection_info("b@127.0.0.1").unwrap();
        assert_eq!(info.connection_id, up);
        assert_eq!(ear.next().await, Ok(Info::NodeUp(b)));
        pair.a.disconnect("b@127.0.0.1");
        let down = events.next().await;
        assert!(
            matches!(down, Some(NodeEvent::Down { node, connection_id, .. }) if node == b && connection_id == up)
        );
        assert_eq!(ear.next().await, Ok(Info::NodeDown(b)));
    }
    pair.stop().await;
}

/// A process of A that begins so, and what it gets.
fn listener(
    node: &Node,
    begin: impl FnOnce(&ProcessCx) + Send + 'static,
) -> (Pid, mpsc::UnboundedReceiver<Info>) {
    let (heard, listen) = mpsc::unbounded_channel();
    let pid = node.spawn_fn(async move |mut cx: ProcessCx| {
        begin(&cx);
        while heard.send(cx.receive().await).is_ok() {}
    });
    (pid.unwrap(), listen)
}

async fn texts(heard: &mut mpsc::UnboundedReceiver<Info>, count: usize) -> Vec<String> {
    let mut texts = Vec::new();
    for _ in 0..count {
        texts.push(heard.recv().await.unwrap().to_term().to_string());
    }
    texts
}

#[tokio::test]
async fn each_subscription_is_told_as_often_as_it_was_begun() {
    let pair = Pair::start().await;
    let none = MonitorNodes::new();
    let (pid, mut heard) = listener(&pair.a, move |cx| {
        cx.monitor_nodes_with(true, none.all().nodedown_reason());
        cx.monitor_nodes(true);
        cx.monitor_nodes_with(true, none.nodedown_reason().as_map());
        cx.monitor_nodes(true);
        cx.monitor_nodes_with(true, none.hidden());
        cx.monitor_nodes_with(true, none.connection_id());
        cx.monitor_nodes_with(true, none.connection_id());
        cx.monitor_nodes_with(false, none.connection_id());
    });
    pair.a.connect("b@127.0.0.1").await.unwrap();
    let up = [
        "{nodeup,'b@127.0.0.1',[{node_type,visible}]}",
        "{nodeup,'b@127.0.0.1'}",
        "{nodeup,'b@127.0.0.1'}",
        "{nodeup,'b@127.0.0.1',#{}}",
    ];
    assert_eq!(texts(&mut heard, 4).await, up);
    // It was among them before that was told.
    assert_eq!(pair.a.nodes(), [pair.b.name()]);
    pair.a.disconnect("b@127.0.0.1");
    let down = [
        "{nodedown,'b@127.0.0.1',[{nodedown_reason,disconnect},{node_type,visible}]}",
        "{nodedown,'b@127.0.0.1'}",
        "{nodedown,'b@127.0.0.1'}",
        "{nodedown,'b@127.0.0.1',#{nodedown_reason => disconnect}}",
    ];
    assert_eq!(texts(&mut heard, 4).await, down);
    pair.a.send(pid, &0);
    assert_eq!(texts(&mut heard, 1).await, ["0"]);
    pair.stop().await;
}

#[tokio::test]
async fn monitor_node_is_told_of_once_for_each_call_and_used_up() {
    let pair = Pair::start().await;
    let (a, b) = (pair.a.name(), pair.b.name());
    let nobody = Atom::new("nobody@127.0.0.1").unwrap();
    let (pid, mut heard) = listener(&pair.a, move |cx| {
        cx.monitor(Dest::from((Atom::from_static("nobody"), b)));
        for on in [true, true, true, false] {
            cx.monitor_node(b, on);
        }
        cx.monitor_node(a, true);
        cx.monitor_node(nobody, false);
    });
    // That dialled.
    let down = heard.recv().await.unwrap();
    assert!(
        matches!(
            down,
            Info::Down {
                reason: ExitReason::NoProc,
                ..
            }
        ),
        "{down:?}"
    );
    assert_eq!(pair.a.nodes(), [b]);
    pair.a.disconnect("b@127.0.0.1");
    assert_eq!(heard.recv().await, Some(Info::NodeDown(b)));
    assert_eq!(heard.recv().await, Some(Info::NodeDown(b)));
    pair.a.connect("b@127.0.0.1").await.unwrap();
    pair.a.disconnect("b@127.0.0.1");
    pair.a.send(pid, &0);
    assert_eq!(heard.recv().await, Some(Info::Term(Term::from(0))));
    // Who cannot be reached is down.
    let (_, mut heard) = listener(&pair.a, move |cx| cx.monitor_node(nobody, true));
    assert_eq!(heard.recv().await, Some(Info::NodeDown(nobody)));
    pair.stop().await;
}

#[tokio::test]
async fn a_restarted_node_is_another_incarnation() {
    let pair = Pair::start().await;
    let old = counter_on_b(&pair).await;
    let counter = pair.a.server::<Counter>(on_b("counter"));
    assert_eq!(counter.add(1).await, Ok(1));
    pair.b.stop().await;
    let b = start(pair.port, "b", EpmdMode::Running).await;
    b.spawn(Counter::spec(100)).name("counter").await.unwrap();
    assert_eq!(counter.add(1).await, Ok(101), "a name reaches the new one");
    let stale = pair.a.server::<Counter>(Dest::Pid(old));
    assert_eq!(
        stale.add(1).await,
        Err(CallError::NoProc),
        "a pid of the old one is nobody's"
    );
    b.stop().await;
    pair.a.stop().await;
}

#[tokio::test]
async fn a_wrong_cookie_is_refused() {
    let pair = Pair::start().await;
    let stranger = Node::builder("stranger@127.0.0.1")
        .cookie("another")
        .epmd(EpmdMode::Running)
        .epmd_port(pair.port)
        .start()
        .await
        .unwrap();
    assert!(stranger.connect("a@127.0.0.1").await.is_err());
    assert!(!stranger.ping("b@127.0.0.1").await);
    assert!(
        pair.a.ping("b@127.0.0.1").await,
        "the others are not touched"
    );
    stranger.stop().await;
    pair.stop().await;
}

#[tokio::test]
async fn a_hidden_node_is_not_among_nodes() {
    let pair = Pair::start().await;
    let hidden = Node::builder("hidden@127.0.0.1")
        .cookie("two")
        .epmd(EpmdMode::Running)
        .epmd_port(pair.port)
        .start()
        .await
        .unwrap();
    assert!(hidden.ping("a@127.0.0.1").await);
    assert!(pair.a.nodes().is_empty());
    assert_eq!(pair.a.hidden_nodes(), [hidden.name()]);
    hidden.stop().await;
    pair.stop().await;
}
