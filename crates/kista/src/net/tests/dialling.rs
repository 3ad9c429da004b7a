use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_dial_each_other_end_with_one_connection() {
    let port = free_port();
    let (a, b) = (
        TestNode::start("a", port).await,
        TestNode::start("b", port).await,
    );
    let (mut slowest, mut flaps) = (Duration::ZERO, 0);
    for round in 0..200 {
        let began = Instant::now();
        // Both at once, and each a little before the other.
        let (first, second) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let one = {
            let (net, to) = (Arc::clone(&first.net), second.name);
            tokio::spawn(async move { net.connect(to).await })
        };
        if round % 4 >= 2 {
            tokio::time::sleep(Duration::from_micros(round * 10)).await;
        }
        let two = second.net.connect(first.name).await;
        two.unwrap();
        one.await.unwrap().unwrap();
        let _ = a.send_int(b.name, 1, 1).unwrap();
        let _ = b.send_int(a.name, 1, 2).unwrap();
        for node in [&a, &b] {
            let mut ups = 0;
            loop {
                match node.next().await {
                    Seen::Up(..) => ups += 1,
                    Seen::Signal(..) => break,
                    Seen::Down { .. } => flaps += 1,
                }
            }
            assert!(ups >= 1, "round {round}");
        }
        slowest = slowest.max(began.elapsed());
        assert_eq!((a.net.nodes().len(), b.net.nodes().len()), (1, 1));
        a.net.disconnect(b.name);
        for node in [&a, &b] {
            assert!(node.next_down().await.1);
            node.saw_nothing();
        }
    }
    assert_eq!(flaps, 0);
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_dial_tells_its_watchers_and_says_why() {
    let a = TestNode::start("a", free_port()).await;
    let nobody = Atom::from_static("nobody@127.0.0.1");
    let connection = a.net.connection(nobody).unwrap();
    assert!(connection.watch(a.pid(1)));
    let error = a.net.connect(nobody).await.unwrap_err().to_string();
    assert!(error.contains("knows no node \"nobody\""), "{error}");
    let Seen::Down {
        was_up,
        reason,
        watchers,
        ..
    } = a.next().await
    else {
        panic!()
    };
    assert_eq!(
        (was_up, &*reason, watchers),
        (false, "connection_setup_failed", vec![a.pid(1)])
    );
    assert!(!connection.watch(a.pid(1)));
    assert_eq!(a.net.connection(a.name).err(), Some(NotConnected::OwnNode));
    assert_eq!(
        a.net.connection(Atom::from_static("nonsense")).err(),
        Some(NotConnected::BadName)
    );
    a.net.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_that_hangs_is_given_up_and_can_be_cut() {
    // Accepts, and never says a word.
    let port = free_port();
    let _silent = std::net::TcpListener::bind(("127.0.0.2", port)).unwrap();
    let mut config = config("a", 0);
    config.epmd = EpmdMode::Off;
    config.ports = port..=port;
    config.setup_time = Duration::from_millis(400);
    let a = TestNode::with(config).await;
    let hung = Atom::from_static("hung@127.0.0.2");
    let began = Instant::now();
    let error = a.net.connect(hung).await.unwrap_err().to_string();
    assert!(error.contains("setup time"), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert!(!a.next_down().await.1);
    let connection = a.net.connection(hung).unwrap();
    assert!(a.net.disconnect(hung));
    assert_eq!(a.next_down().await, (hung, false, "disconnect".to_owned()));
    assert_eq!(
        connection.send(reg_send(a.pid(1), "x"), Some(&Encoder::with_atom_table())),
        Err(SendError::Closed)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_peer_replaces_its_old_connection_in_order() {
    let (a, b) = pair().await;
    // The same name again, while the old connection still looks alive.
    let _again = bare(&b, "a@127.0.0.1", COOKIE).await.unwrap();
    assert_eq!(
        b.next_down().await,
        (a.name, true, "connection_closed".to_owned())
    );
    assert_eq!(b.next_up().await.0, a.name);
    assert_eq!(b.net.connected(a.name).unwrap().peer_creation(), 77);
    assert_eq!(a.next_down().await.0, b.name);
    assert_eq!(b.net.nodes().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reconnecting_at_once_keeps_down_before_up() {
    let (a, b) = pair().await;
    for n in 0..100 {
        a.net.disconnect(b.name);
        let _ = a.send_int(b.name, 1, n).unwrap();
        for node in [&a, &b] {
            assert!(node.next_down().await.1);
            node.next_up().await;
        }
        assert_eq!(b.next_int().await, n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_name_is_given_one() {
    let a = TestNode::start("a", free_port()).await;
    let mut socket = TcpStream::connect(("127.0.0.1", a.net.port()))
        .await
        .unwrap();
    let flags = kista_dist::Flags::ours(true) | kista_dist::Flags::NAME_ME;
    let config = HandshakeConfig::new("127.0.0.1", flags, 0, 4);
    let mut machine = Initiator::new(Instant::now(), config, "a@127.0.0.1", Cookie::from(COOKIE));
    let mut buffer = [0; 1024];
    let name = loop {
        socket.write_all(&machine.take_output()).await.unwrap();
        let n = socket.read(&mut buffer).await.unwrap();
        machine.receive(Instant::now(), &buffer[..n]).unwrap();
        let mut events = std::iter::from_fn(|| machine.next_event());
        if let Some(HandshakeEvent::Established(peer)) =
            events.find(|e| matches!(e, HandshakeEvent::Established(_)))
        {
            break peer.our_name;
        }
    };
    assert_eq!(a.next_up().await.0.as_str(), name);
    assert!(
        NodeName::parse(&name).is_ok() && name.ends_with("@127.0.0.1"),
        "{name}"
    );
}
