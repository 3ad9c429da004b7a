use super::*;

/// They wait for the reader's thread, which has a peer that never stops.
#[tokio::test]
async fn whom_a_signal_woke_has_a_turn_before_much_more_is_read() {
    let a = TestNode::start("a", free_port()).await;
    let socket = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    let (peer, _) = a.next_up().await;
    let mut payload = Encoder::with_atom_table();
    payload.binary(&[1; 10_000]);
    let from = Pid {
        node: peer,
        ..a.pid(1)
    };
    let mut outbox = Outbox::new();
    for _ in 0..2_000 {
        let message = Control::Send {
            from: Some(from),
            to: a.pid(1),
            token: None,
        };
        outbox.push(message, Some(&payload)).unwrap();
    }
    let mut writer = FrameWriter::new(a.net.connected(peer).unwrap().flags());
    writer.accept(&mut outbox);
    let mut frames = WriteBuffer::new();
    assert!(!writer.fill(&mut frames, usize::MAX));
    let mut socket = socket.into_std().unwrap();
    socket.set_nonblocking(false).unwrap();
    let writing = std::thread::spawn(move || {
        std::io::Write::write_all(&mut socket, &frames.to_vec()).unwrap();
        socket
    });
    let (mut messages, mut most) = (0, 0);
    let deadline = Instant::now() + LIMIT;
    while messages < 2_000 {
        let mut turn = 0;
        while let Ok(seen) = a.seen.lock().try_recv() {
            assert!(matches!(seen, Seen::Signal(..)));
            turn += 1;
        }
        messages += turn;
        most = most.max(turn);
        assert!(Instant::now() < deadline, "{messages} messages");
        tokio::task::yield_now().await;
    }
    // A quarter of a MiB, and one read.
    assert!(most <= 40, "{most} messages of 10 KB in a row");
    drop(writing.join().unwrap());
}

/// What the system has taken cannot be passed by a short message any more.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_system_takes_little_of_a_large_message_ahead() {
    let a = TestNode::start("a", free_port()).await;
    let _socket = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    let (peer, _) = a.next_up().await;
    let mut large = Encoder::with_atom_table();
    large.binary(&[1; 32 << 20]);
    let _ = a.send(peer, 1, &large).unwrap();
    let connection = a.net.connected(peer).unwrap();
    let (mut before, mut same) = (0, 0);
    until("the socket is full", || {
        let now = connection.in_flight();
        same = if now == before { same + 1 } else { 0 };
        before = now;
        same == 100
    })
    .await;
    let taken = (32 << 20) - connection.in_flight();
    assert!(taken < 2 << 20, "{taken} bytes");
    let (b, c) = pair().await;
    for (node, peer) in [(&b, c.name), (&c, b.name)] {
        let connection = node.net.connected(peer).unwrap();
        let socket = connection.established().unwrap().socket.upgrade().unwrap();
        let super::socket::Socket::Plain(tcp) = &*socket else {
            panic!("no TLS here")
        };
        let lowat = socket2::SockRef::from(tcp).tcp_notsent_lowat().unwrap();
        assert_eq!(lowat, 512 * 1024);
    }
}
