use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_messages_arrive_in_order() {
    let (a, b) = pair().await;
    in_order(&a, &b).await;
    assert_eq!(a.net.nodes(), [(b.name, true)]);
    assert_eq!(
        b.net.connected(a.name).unwrap().peer_creation(),
        a.net.creation()
    );
}

pub(super) async fn in_order(a: &TestNode, b: &TestNode) {
    for n in 0..10_000 {
        let _ = a.send_int(b.name, 1, n).unwrap();
    }
    for n in 0..10_000 {
        assert_eq!(b.next_int().await, n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_small_message_never_overtakes_a_large_one_of_its_sender() {
    let (a, b) = pair().await;
    large_and_small(&a, &b).await;
}

pub(super) async fn large_and_small(a: &TestNode, b: &TestNode) {
    let blob = vec![7u8; 3 << 20];
    for n in 0..20 {
        let mut large = Encoder::with_atom_table();
        large.tuple(2);
        large.int(n);
        large.binary(&blob);
        let _ = a.send(b.name, 1, &large).unwrap();
        let mut small = Encoder::with_atom_table();
        small.tuple(2);
        small.int(n);
        small.binary(b"");
        let _ = a.send(b.name, 1, &small).unwrap();
    }
    for i in 0..40 {
        let Seen::Signal(_, Some(payload)) = b.next().await else {
            panic!()
        };
        let mut d = payload.decoder();
        assert_eq!(d.tuple().unwrap(), 2);
        assert_eq!(d.int().unwrap(), i / 2);
        assert_eq!(
            d.binary().unwrap().len(),
            if i % 2 == 0 { blob.len() } else { 0 }
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_before_the_connection_travels_on_it() {
    let port = free_port();
    let (a, b) = (
        TestNode::start("a", port).await,
        TestNode::start("b", port).await,
    );
    for n in 0..100 {
        let _ = a.send_int(b.name, 1, n).unwrap();
    }
    assert_eq!(b.next_up().await.0, a.name);
    for n in 0..100 {
        assert_eq!(b.next_int().await, n);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_writes_out_what_is_queued() {
    let (a, b) = pair().await;
    stop_writes_out(a, b).await;
}

pub(super) async fn stop_writes_out(a: TestNode, b: TestNode) {
    let mut payload = Encoder::with_atom_table();
    payload.binary(&[1; 1000]);
    for _ in 0..5_000 {
        let _ = a.send(b.name, 1, &payload).unwrap();
    }
    a.net.stop().await;
    for _ in 0..5_000 {
        assert!(matches!(b.next().await, Seen::Signal(..)));
    }
    assert_eq!(
        b.next_down().await,
        (a.name, true, "connection_closed".to_owned())
    );
    assert_eq!(
        a.next_down().await,
        (b.name, true, "net_kernel_terminated".to_owned())
    );
    assert!(matches!(
        a.net.connection(b.name),
        Err(NotConnected::NotRunning)
    ));
    until("no task is left", || Arc::strong_count(&a.net) == 1).await;
}

/// A node with these marks, busy and full, and a peer that has yet to read what it is sent.
async fn before_one_that_does_not_read(busy: usize, full: usize) -> (TestNode, TcpStream, Atom) {
    let mut config = config("a", free_port());
    config.limits.busy_mark = busy;
    config.limits.full_mark = full;
    let node = TestNode::with(config).await;
    let socket = bare(&node, "x@127.0.0.1", COOKIE).await.unwrap();
    let (peer, _) = node.next_up().await;
    (node, socket, peer)
}

/// Until the connection ends.
async fn read_all(mut socket: TcpStream) {
    let mut buffer = vec![0; 1 << 20];
    while socket.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_stops_reading_meets_the_marks_and_frees_them_by_reading() {
    let (a, socket, peer) = before_one_that_does_not_read(100_000, 8_000_000).await;
    let mut payload = Encoder::with_atom_table();
    payload.binary(&[1; 10_000]);
    let mut busy = false;
    let full = loop {
        match a.send(peer, 1, &payload) {
            Ok(Pressure::Busy(Share::Short)) => busy = true,
            Ok(Pressure::Busy(Share::All)) => panic!("it is a short message"),
            Ok(Pressure::Room) => {}
            Err(error) => break error,
        }
    };
    assert!(busy);
    assert_eq!(full, SendError::Full);
    let connection = a.net.connected(peer).unwrap();
    // Links and monitors must stay true.
    let link = Control::Link {
        from: a.pid(1),
        to: Pid {
            node: peer,
            id: 1,
            serial: 0,
            creation: 77,
        },
    };
    assert_eq!(
        connection.send(link, None),
        Ok(Pressure::Busy(Share::Short))
    );
    let room = std::future::poll_fn(|cx| connection.poll_room(Share::Short, cx));
    tokio::pin!(room);
    assert!(
        tokio::time::timeout(Duration::from_millis(100), &mut room)
            .await
            .is_err()
    );
    let reading = tokio::spawn(read_all(socket));
    tokio::time::timeout(LIMIT, room).await.unwrap();
    until("all is written", || connection.in_flight() == 0).await;
    assert_eq!(a.send(peer, 1, &payload), Ok(Pressure::Room));
    // Who waits for room at the end is let go.
    connection.close("test");
    std::future::poll_fn(|cx| connection.poll_room(Share::All, cx)).await;
    assert_eq!(
        connection.send(reg_send(a.pid(1), "x"), Some(&payload)),
        Err(SendError::Closed)
    );
    assert_eq!(
        a.next_down().await,
        (peer, true, "connection_closed".to_owned())
    );
    reading.await.unwrap();
}

/// A large message takes its time. Short ones pass its fragments, so who sends those is neither held nor refused for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_messages_are_no_burden_to_who_sends_short_ones() {
    let (a, socket, peer) = before_one_that_does_not_read(100_000, 8_000_000).await;
    let mut large = Encoder::with_atom_table();
    large.binary(&[1; 5_000_000]);
    let mut short = Encoder::with_atom_table();
    short.binary(&[1; 1_000]);
    let connection = a.net.connected(peer).unwrap();
    // More than the socket takes, and than may be in flight.
    let mut sent = 0;
    let full = loop {
        match a.send(peer, 1, &large) {
            Ok(pressure) => assert_eq!(pressure, Pressure::Busy(Share::All)),
            Err(error) => break error,
        }
        sent += 1;
        assert!(sent < 100, "the peer does not read");
    };
    assert_eq!(full, SendError::Full);
    assert_eq!(a.send(peer, 2, &short), Ok(Pressure::Room));
    std::future::poll_fn(|cx| connection.poll_room(Share::Short, cx)).await;
    // They have marks of their own.
    let mut pressures = Vec::new();
    let full = loop {
        match a.send(peer, 2, &short) {
            Ok(pressure) => pressures.push(pressure),
            Err(error) => break error,
        }
    };
    assert_eq!(full, SendError::Full);
    // What the system still takes makes room again, but not so much.
    assert_eq!(pressures.last(), Some(&Pressure::Busy(Share::Short)));
    let weight = 1_000 + 80;
    assert!(pressures.len() > 8_000_000 / weight, "{}", pressures.len());
    let reading = tokio::spawn(read_all(socket));
    for share in [Share::Short, Share::All] {
        let room = std::future::poll_fn(|cx| connection.poll_room(share, cx));
        tokio::time::timeout(LIMIT, room).await.unwrap();
    }
    until("all is written", || connection.in_flight() == 0).await;
    assert_eq!(a.send(peer, 1, &large), Ok(Pressure::Busy(Share::All)));
    a.net.disconnect(peer);
    reading.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_alone_can_not_take_memory_without_end() {
    let mut config = config("a", free_port());
    config.limits.full_mark = 1_000_000;
    let a = TestNode::with(config).await;
    let _socket = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    let (peer, _) = a.next_up().await;
    let connection = a
        .net
        .connected(peer)
        .unwrap_or_else(|| a.net.connection(peer).unwrap());
    let mut sent = 0;
    let error = loop {
        let to = Pid {
            node: peer,
            id: 1,
            serial: 0,
            creation: 77,
        };
        match connection.send(Control::Link { from: a.pid(1), to }, None) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
        assert!(sent < 10_000_000);
    };
    assert_eq!(error, SendError::Closed);
    assert_eq!(a.next_down().await.0, peer);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_are_told_once_and_too_late_says_so() {
    let (a, b) = pair().await;
    let connection = a.net.connection(b.name).unwrap();
    assert!(connection.watch(a.pid(5)) && connection.watch(a.pid(5)) && connection.watch(a.pid(6)));
    assert!(a.net.disconnect(b.name));
    let Seen::Down {
        mut watchers,
        reason,
        ..
    } = a.next().await
    else {
        panic!()
    };
    watchers.sort_by_key(|pid| pid.id);
    assert_eq!(watchers, [a.pid(5), a.pid(6)]);
    assert_eq!(reason, "disconnect");
    assert!(!connection.watch(a.pid(7)));
    assert!(!a.net.disconnect(b.name));
    assert_eq!(b.next_down().await.0, a.name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_panics_loses_that_connection_only_and_is_told() {
    let (a, b) = pair().await;
    b.host.panic_next.store(true, Ordering::Relaxed);
    let _ = a.send_int(b.name, 1, 1).unwrap();
    assert_eq!(b.next_down().await.0, a.name);
    assert_eq!(a.next_down().await.0, b.name);
    let _ = a.send_int(b.name, 1, 2).unwrap();
    assert_eq!(b.next_up().await.0, a.name);
    assert_eq!(b.next_int().await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_peer_that_fills_the_node_with_undecoded_bytes_is_cut_off() {
    let mut config = config("a", free_port());
    config.limits.inbound_bytes = 10 << 20;
    let a = TestNode::with(config).await;
    let _x = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    let (x, _) = a.next_up().await;
    let _y = bare(&a, "y@127.0.0.1", COOKIE).await.unwrap();
    let (y, _) = a.next_up().await;
    until("both are up", || a.net.nodes().len() == 2).await;
    let small = a.net.connected(x).unwrap().charge(2 << 20);
    let charges: Vec<_> = (0..9)
        .map(|_| a.net.connected(y).map(|c| c.charge(1 << 20)))
        .collect();
    assert_eq!(a.next_down().await.0, y);
    assert!(a.net.connected(x).is_some());
    drop((small, charges));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_does_not_read_holds_up_a_stop_for_its_time_only() {
    let mut config = config("a", free_port());
    config.stop_time = Duration::from_millis(300);
    let a = TestNode::with(config).await;
    let _socket = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    let (x, _) = a.next_up().await;
    let mut payload = Encoder::with_atom_table();
    payload.binary(&[1; 1_000_000]);
    for _ in 0..30 {
        let _ = a.send(x, 1, &payload).unwrap();
    }
    let began = Instant::now();
    a.net.stop().await;
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    assert_eq!(
        a.next_down().await,
        (x, true, "net_kernel_terminated".to_owned())
    );
    until("no task is left", || Arc::strong_count(&a.net) == 1).await;
}
