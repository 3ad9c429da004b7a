//! Nodes that get their name from others, without Erlang.

use super::*;

/// Connects as a node without a name, and says which one it got.
async fn nameless(a: &TestNode, cookie: &str) -> Option<(TcpStream, String, u32)> {
    let mut socket = TcpStream::connect(("127.0.0.1", a.net.port()))
        .await
        .unwrap();
    let flags = kista_dist::Flags::ours(true) | kista_dist::Flags::NAME_ME;
    let challenge = getrandom::u32().unwrap();
    let config = HandshakeConfig::new("127.0.0.1", flags, 0, challenge);
    let mut machine = Initiator::new(
        Instant::now(),
        config,
        a.name.as_str(),
        Cookie::from(cookie),
    );
    let mut buffer = [0; 1024];
    loop {
        let _ = socket.write_all(&machine.take_output()).await;
        let n = socket.read(&mut buffer).await.unwrap_or(0);
        if n == 0 {
            return None;
        }
        machine.receive(Instant::now(), &buffer[..n]).unwrap();
        while let Some(event) = machine.next_event() {
            if let HandshakeEvent::Established(peer) = event {
                return Some((socket, peer.our_name, peer.our_creation));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_given_name_is_given_again_with_another_creation() {
    let a = TestNode::start("a", free_port()).await;
    let (first, name, creation) = nameless(&a, COOKIE).await.unwrap();
    assert_eq!(a.next_up().await.0.as_str(), name);
    assert!(
        NodeName::parse(&name).is_ok() && name.ends_with("@127.0.0.1"),
        "{name}"
    );
    let (_second, other, _) = nameless(&a, COOKIE).await.unwrap();
    assert_ne!(name, other, "it is in use");
    a.next_up().await;
    drop(first);
    a.next_down().await;
    until("it is free", || {
        a.net.entry(Atom::new(&name).unwrap()).is_none()
    })
    .await;
    // Who does not know the cookie takes nothing away.
    assert!(nameless(&a, "wrong").await.is_none());
    until("it is over", || a.net.handshakes().failed == 1).await;
    let (_third, again, next) = nameless(&a, COOKIE).await.unwrap();
    assert_eq!(again, name);
    assert_ne!(next, creation);
    assert_eq!(a.next_up().await.0.as_str().len(), 13 + 10);
}

fn undefined(by: &TestNode) -> NetConfig {
    let mut config = config("undefined", 0);
    config.named_by = Some(NodeName::parse(by.name.as_str()).unwrap());
    let route = Route::to("127.0.0.1", by.net.port());
    config
        .routes
        .insert(by.name.as_str().to_owned(), (route, None));
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_name_is_named_by_whom_it_dials_and_stays_a_client() {
    let port = free_port();
    let a = TestNode::start("a", port).await;
    let n = TestNode::with(undefined(&a)).await;
    let name = n.net.name();
    assert_eq!(a.next_up().await.0, name);
    assert_eq!(n.next_up().await.0, a.name);
    assert_eq!(
        a.net.connected(name).unwrap().peer_creation(),
        n.net.creation()
    );
    assert!(n.net.listens_on().is_empty() && n.net.port() == 0);
    assert_eq!(n.net.epmd(), EpmdInUse::None);
    assert_eq!(
        (a.net.nodes(), n.net.nodes()),
        (vec![(name, true)], vec![(a.name, true)])
    );
    // Messages pass both ways under that name.
    let from = Pid {
        node: name,
        ..n.pid(1)
    };
    let control = Control::Send {
        from: Some(from),
        to: a.pid(1),
        token: None,
    };
    let mut payload = Encoder::with_atom_table();
    payload.int(5);
    let _ = n
        .net
        .connection(a.name)
        .unwrap()
        .send(control, Some(&payload))
        .unwrap();
    assert_eq!(a.next_int().await, 5);
    let _ = a.send_int(name, 1, 6).unwrap();
    assert_eq!(n.next_int().await, 6);
    // It dials others under it.
    let b = TestNode::start("b", port).await;
    n.net
        .add_route("b@127.0.0.1", Route::to("127.0.0.1", b.net.port()), None);
    n.net.connect(b.name).await.unwrap();
    assert_eq!(b.next_up().await.0, name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_its_namer_a_node_loses_its_name_and_all_connections() {
    let port = free_port();
    let (a, b) = (
        TestNode::start("a", port).await,
        TestNode::start("b", port).await,
    );
    let n = TestNode::with(undefined(&a)).await;
    n.next_up().await;
    n.net
        .add_route("b@127.0.0.1", Route::to("127.0.0.1", b.net.port()), None);
    n.net.connect(b.name).await.unwrap();
    n.next_up().await;
    // Another connection's end is its own.
    n.net.disconnect(b.name);
    n.next_down().await;
    n.net.connect(b.name).await.unwrap();
    n.next_up().await;
    a.net.stop().await;
    let mut lost = [n.next_down().await.0, n.next_down().await.0];
    lost.sort_by_key(|name| name.as_str());
    assert_eq!(lost, [a.name, b.name]);
    assert_eq!(n.net.called(), None);
    assert_eq!(n.net.connection(b.name).err(), Some(NotConnected::NameLost));
}

/// A pid of process 1 as a payload.
fn of_pid(pid: Pid) -> Encoder {
    let mut payload = Encoder::with_atom_table();
    payload.pid(&pid);
    payload
}

async fn next_pids(node: &TestNode) -> (Option<Pid>, Pid, Pid) {
    match node.next().await {
        Seen::Signal(Control::Send { from, to, .. }, Some(payload)) => {
            (from, to, payload.decoder().pid().unwrap())
        }
        other => panic!("{} saw {other:?}", node.name),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_lost_its_name_gets_another_by_the_next_that_it_connects_to() {
    let port = free_port();
    let (a, b) = (
        TestNode::start("a", port).await,
        TestNode::start("b", port).await,
    );
    let n = TestNode::with(undefined(&a)).await;
    n.next_up().await;
    let own = Pid {
        node: n.net.name(),
        ..n.pid(1)
    };
    a.net.stop().await;
    n.next_down().await;
    n.net
        .add_route("b@127.0.0.1", Route::to("127.0.0.1", b.net.port()), None);
    n.net.connect(b.name).await.unwrap();
    n.next_up().await;
    let called = n.net.called().unwrap();
    let public = Pid {
        node: called.node,
        creation: called.creation,
        ..own
    };
    assert_eq!(b.next_up().await.0, called.node);
    assert_ne!((public.node, public.creation), (own.node, own.creation));
    assert_eq!(
        n.net.connection(called.node).err(),
        Some(NotConnected::OwnNode)
    );
    // What is said of itself is understood, and said back.
    let to = b.pid(1);
    let send = |from: Pid, to, payload: &Encoder| {
        let from = Some(from);
        let token = None;
        (Control::Send { from, to, token }, payload.clone())
    };
    let (control, payload) = send(own, to, &of_pid(own));
    let away = n.net.connection(b.name).unwrap();
    let _ = away.send(control, Some(&payload)).unwrap();
    assert_eq!(next_pids(&b).await, (Some(public), to, public));
    let (control, payload) = send(to, public, &of_pid(public));
    let back = b.net.connection(called.node).unwrap();
    let _ = back.send(control, Some(&payload)).unwrap();
    assert_eq!(next_pids(&n).await, (Some(to), own, own));
    // What is kept from before the loss is nobody of today.
    let (control, payload) = send(to, own, &of_pid(own));
    let _ = back.send(control, Some(&payload)).unwrap();
    assert_eq!(next_pids(&n).await, (Some(to), public, public));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_that_are_dialled_without_a_name_one_gives_it() {
    let port = free_port();
    let (a, b, c) = (
        TestNode::start("a", port).await,
        TestNode::start("b", port).await,
        TestNode::start("c", port).await,
    );
    let n = TestNode::with(undefined(&a)).await;
    n.next_up().await;
    a.net.stop().await;
    n.next_down().await;
    for peer in [&b, &c] {
        n.net.add_route(
            peer.name.as_str(),
            Route::to("127.0.0.1", peer.net.port()),
            None,
        );
    }
    let (to_b, to_c) = tokio::join!(n.net.connect(b.name), n.net.connect(c.name));
    assert!(to_b.is_ok() && to_c.is_ok(), "{to_b:?} {to_c:?}");
    let called = n.net.called().unwrap().node;
    assert_eq!(b.next_up().await.0, called);
    assert_eq!(c.next_up().await.0, called);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_know_the_cookie_gives_no_name_and_the_next_one_does() {
    let port = free_port();
    let (a, b) = (
        TestNode::start("a", port).await,
        TestNode::start("b", port).await,
    );
    let n = TestNode::with(undefined(&a)).await;
    n.next_up().await;
    a.net.stop().await;
    n.next_down().await;
    let at = || Route::to("127.0.0.1", b.net.port());
    n.net.add_route("b@127.0.0.1", at().cookie("wrong"), None);
    assert!(n.net.connect(b.name).await.is_err());
    assert_eq!(n.net.called(), None);
    n.next_down().await;
    n.net.add_route("b@127.0.0.1", at(), None);
    n.net.connect(b.name).await.unwrap();
    assert!(n.net.called().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_gets_no_name_does_not_start_and_says_why() {
    let a = TestNode::start("a", free_port()).await;
    let mut wrong = undefined(&a);
    wrong.cookie = Cookie::from("wrong");
    let error = Net::start(wrong).await.map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains("a@127.0.0.1") && error.contains("cookie"),
        "{error}"
    );
    let mut nobody = undefined(&a);
    nobody.routes.clear();
    nobody.epmd_port = 1;
    assert!(matches!(
        Net::start(nobody).await.map(|_| ()),
        Err(StartError::Naming { .. })
    ));
    a.saw_nothing();
}
