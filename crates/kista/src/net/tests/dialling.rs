use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_dial_each_other_end_with_one_connection() {
    let port = free_port();
    // A handshake that could only end by its time would never end.
    let patient = |alive| {
        let mut patient = config(alive, port);
        patient.setup_time = LIMIT * 100;
        TestNode::with(patient)
    };
    let (a, b) = (patient("a").await, patient("b").await);
    let mut flaps = 0;
    for round in 0..200 {
        // Both at once, and each a little before the other.
        let (first, second) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let one = {
            let (net, to) = (Arc::clone(&first.net), second.name);
            tokio::spawn(async move { net.connect(to).await })
        };
        if round % 4 >= 2 {
            tokio::time::sleep(Duration::from_micros(round * 10)).await;
        }
        let two = second.net.connect(first.name);
        tokio::time::timeout(LIMIT, two).await.unwrap().unwrap();
        tokio::time::timeout(LIMIT, one)
            .await
            .unwrap()
            .unwrap()
            .unwrap();
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
        assert_eq!((a.net.nodes().len(), b.net.nodes().len()), (1, 1));
        a.net.disconnect(b.name);
        for node in [&a, &b] {
            assert!(node.next_down().await.1);
            node.saw_nothing();
        }
    }
    assert_eq!(flaps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_dial_tells_its_watchers_and_says_why() {
    let a = TestNode::start("a", free_port()).await;
    let nobody = Atom::from_static("nobody@127.0.0.1");
    // A dial can fail before anybody watches it: then the watcher is told so at once, and asks again.
    let connection = loop {
        let connection = a.net.connection(nobody).unwrap();
        if connection.watch(a.pid(1)) {
            break connection;
        }
        a.next().await;
    };
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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_slow_down_is_over_before_the_next_up() {
    let (a, b) = pair().await;
    a.host.slow_down.store(true, Ordering::Relaxed);
    a.net.disconnect(b.name);
    tokio::time::sleep(Duration::from_millis(100)).await;
    a.net.connect(b.name).await.unwrap();
    assert!(a.next_down().await.1);
    assert_eq!(a.next_up().await.0, b.name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dial_that_was_cut_does_not_take_a_proved_peer_with_it() {
    let a = TestNode::start("a", free_port()).await;
    let x = Atom::from_static("x@127.0.0.1");
    // As a dial between its end by `disconnect` and its task's next poll.
    let cut = a.net.insert_after(x, None).unwrap();
    cut.end("disconnect", "disconnected by this node");
    let _socket = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    assert_eq!(a.next_down().await, (x, false, "disconnect".to_owned()));
    assert_eq!(a.next_up().await.0, x);
    tokio::time::sleep(Duration::from_millis(50)).await;
    a.saw_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_node_is_not_dialled_without_pause_and_found_when_it_lives() {
    let port = free_port();
    let dials = Arc::new(AtomicU16::new(0));
    let listener = tokio::net::TcpListener::bind(("127.0.0.2", port))
        .await
        .unwrap();
    let closer = {
        let dials = Arc::clone(&dials);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                dials.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let off = |alive: &str, ip: [u8; 4]| {
        let mut config = config(alive, 0);
        config.name = NodeName::parse(&format!("{alive}@{}", std::net::IpAddr::from(ip))).unwrap();
        config.listen = vec![ip.into()];
        config.epmd = EpmdMode::Off;
        config.ports = port..=port;
        config
    };
    let a = TestNode::with(off("a", [127, 0, 0, 1])).await;
    let dead = Atom::from_static("dead@127.0.0.2");
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(1) {
        let _ = a.net.connection(dead).unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let dialled = dials.load(Ordering::Relaxed);
    assert!((1..=8).contains(&dialled), "{dialled}");
    closer.abort();
    let _ = closer.await;
    let b = TestNode::with(off("dead", [127, 0, 0, 2])).await;
    until("it is found", || {
        a.net.connection(dead).is_ok_and(|c| c.is_up())
    })
    .await;
    assert_eq!(b.next_up().await.0, a.name);
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
