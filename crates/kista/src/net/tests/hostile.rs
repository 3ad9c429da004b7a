use super::*;

/// Sends `bytes`, and waits until the other side closes.
async fn closes_after(node: &TestNode, bytes: &[u8]) {
    let mut socket = TcpStream::connect(("127.0.0.1", node.net.port()))
        .await
        .unwrap();
    let _ = socket.write_all(bytes).await;
    drain(&mut socket).await;
}

async fn drain(socket: &mut TcpStream) {
    let mut buffer = [0; 4096];
    let reading = async { while socket.read(&mut buffer).await.is_ok_and(|n| n > 0) {} };
    tokio::time::timeout(LIMIT, reading)
        .await
        .expect("the socket was not closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_cookie_touches_nothing() {
    let (a, b) = pair().await;
    for _ in 0..5 {
        assert_eq!(bare(&b, "a@127.0.0.1", "wrong").await.unwrap_err(), None);
        assert_eq!(bare(&b, "other@127.0.0.1", "").await.unwrap_err(), None);
    }
    assert_eq!(
        bare(&b, "b@127.0.0.1", COOKIE).await.unwrap_err(),
        Some(HandshakeError::NotAllowed)
    );
    let _ = a.send_int(b.name, 1, 5).unwrap();
    assert_eq!(b.next_int().await, 5);
    a.saw_nothing();
    b.saw_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_own_dial_finds_the_other_cookie_out() {
    let port = free_port();
    let a = TestNode::start("a", port).await;
    let mut other = config("b", port);
    other.cookie = Cookie::from("another");
    let b = TestNode::with(other).await;
    let error = a.net.connect(b.name).await.unwrap_err().to_string();
    assert!(error.contains("cookie"), "{error}");
    assert!(!a.next_down().await.1);
    b.saw_nothing();
    // With a cookie for that peer alone it works.
    let mut third = config("c", port);
    third
        .peer_cookies
        .insert("b@127.0.0.1".to_owned(), Cookie::from("another"));
    let c = TestNode::with(third).await;
    c.net.connect(b.name).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_at_each_byte_of_the_handshake_costs_its_own_socket_only() {
    let (a, b) = pair().await;
    let mut name = vec![0, 0, b'N'];
    name.extend_from_slice(&kista_dist::Flags::ours(true).bits().to_be_bytes());
    name.extend_from_slice(&[0, 0, 0, 77, 0, 11]);
    name.extend_from_slice(b"x@127.0.0.1");
    name[1] = u8::try_from(name.len() - 2).unwrap();
    for cut in 0..name.len() {
        // The flags' low bytes may be anything; behind them nothing is lawful.
        let mut bytes = name[..cut].to_vec();
        bytes.extend_from_slice(&[0xff; 3000]);
        closes_after(&b, &bytes).await;
    }
    // The same behind a name that was accepted: in place of the digest.
    for garbage in [
        &[0xff; 3000][..],
        &[0, 21, b'r'],
        &[0, 0],
        &[0, 1, b'a'],
        b"GET / HTTP/1.0\r\n\r\n",
    ] {
        let mut socket = TcpStream::connect(("127.0.0.1", b.net.port()))
            .await
            .unwrap();
        socket.write_all(&name).await.unwrap();
        let mut buffer = [0; 64];
        assert!(socket.read(&mut buffer).await.unwrap() > 0);
        socket.write_all(garbage).await.unwrap();
        socket.shutdown().await.unwrap();
        drain(&mut socket).await;
    }
    let _ = a.send_int(b.name, 1, 5).unwrap();
    assert_eq!(b.next_int().await, 5);
    b.saw_nothing();
    until("all places are free", || b.net.gate.waiting() == 0).await;
    assert!(b.net.incoming.lock().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_after_the_handshake_costs_that_connection_only() {
    let (a, b) = pair().await;
    for garbage in [
        &[0xff; 100][..],
        &[0, 0, 0, 2, 131, 68],
        &[0, 0, 0, 3, 112, 131, 97],
        &[0, 0, 0, 1, 0],
    ] {
        let mut socket = bare(&b, "x@127.0.0.1", COOKIE).await.unwrap();
        let (x, _) = b.next_up().await;
        socket.write_all(garbage).await.unwrap();
        drain(&mut socket).await;
        assert_eq!(
            b.next_down().await,
            (x, true, "connection_closed".to_owned())
        );
    }
    let _ = a.send_int(b.name, 1, 5).unwrap();
    assert_eq!(b.next_int().await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_in_another_nodes_name_ends_the_connection() {
    let (a, b) = pair().await;
    let connection = a.net.connection(b.name).unwrap();
    let foreign = Pid {
        node: Atom::from_static("victim@127.0.0.1"),
        ..a.pid(1)
    };
    let _ = connection
        .send(
            Control::Link {
                from: foreign,
                to: b.pid(1),
            },
            None,
        )
        .unwrap();
    assert_eq!(b.next_down().await.0, a.name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_sockets_are_capped_and_timed_out_and_keep_nobody_out() {
    let port = free_port();
    let mut config = config("b", port);
    config.setup_time = Duration::from_millis(1500);
    let b = TestNode::with(config).await;
    let mut silent = Vec::new();
    for _ in 0..400 {
        silent.push(
            TcpStream::connect(("127.0.0.1", b.net.port()))
                .await
                .unwrap(),
        );
        assert!(b.net.gate.waiting() <= 128);
    }
    let a = TestNode::start("a", port).await;
    tokio::time::timeout(LIMIT, a.net.connect(b.name))
        .await
        .unwrap()
        .unwrap();
    // One byte now and then buys no time.
    let slow = silent.last_mut().unwrap();
    for _ in 0..20 {
        let _ = slow.write_all(&[0]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for socket in &mut silent {
        drain(socket).await;
    }
    until("all places are free", || b.net.gate.waiting() == 0).await;
    assert_eq!(b.net.nodes().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claimed_name_does_not_keep_our_dial_away() {
    let port = free_port();
    // The liar's time is never over.
    let mut patient = config("a", port);
    patient.setup_time = LIMIT * 100;
    let (a, b) = (
        TestNode::with(patient).await,
        TestNode::start("b", port).await,
    );
    // Says to be b, and never proves it.
    let mut liar = TcpStream::connect(("127.0.0.1", a.net.port()))
        .await
        .unwrap();
    let mut name = vec![0, 26, b'N'];
    name.extend_from_slice(&kista_dist::Flags::ours(true).bits().to_be_bytes());
    name.extend_from_slice(&[0, 0, 0, 77, 0, 11]);
    name.extend_from_slice(b"b@127.0.0.1");
    liar.write_all(&name).await.unwrap();
    until("the name is known", || a.net.has_incoming("b@127.0.0.1")).await;
    let dialled = tokio::time::timeout(LIMIT, a.net.connect(b.name)).await;
    dialled.expect("the liar is not waited for").unwrap();
    assert!(a.net.has_incoming("b@127.0.0.1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_beyond_the_limit_is_refused_before_it_arrives() {
    let mut config = config("a", free_port());
    config.limits.frame_bytes = 1000;
    let a = TestNode::with(config).await;
    let mut socket = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    a.next_up().await;
    socket.write_all(&1001u32.to_be_bytes()).await.unwrap();
    drain(&mut socket).await;
    assert!(a.next_down().await.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_connections_that_never_finish_keep_nobody_out() {
    let port = free_port();
    let b = TestNode::start("b", port).await;
    let mut silent = Vec::new();
    for _ in 0..5_000 {
        let socket = TcpStream::connect(("127.0.0.1", b.net.port())).await;
        silent.push(socket.unwrap());
    }
    assert!(b.net.gate.waiting() <= 128);
    let a = TestNode::start("a", port).await;
    a.net.connect(b.name).await.unwrap();
    assert_eq!(b.next_up().await.0, a.name);
}

/// The frames of a message that is too large for one.
fn fragments_of(from: Pid, to: Pid, bytes: usize) -> Vec<Vec<u8>> {
    use kista_dist::frame::{FrameWriter, Outbox, WriteBuffer};
    let mut payload = Encoder::with_atom_table();
    payload.binary(&vec![7; bytes]);
    let mut outbox = Outbox::new();
    let control = Control::Send {
        from: Some(from),
        to,
        token: None,
    };
    outbox.push(control, Some(&payload)).unwrap();
    let mut writer = FrameWriter::new(kista_dist::Flags::ours(true));
    writer.accept(&mut outbox);
    let mut out = WriteBuffer::new();
    while writer.fill(&mut out, usize::MAX) {}
    let (mut rest, mut frames) = (&out.to_vec()[..], Vec::new());
    while let Some(length) = rest.first_chunk::<4>() {
        let (frame, after) = rest.split_at(4 + u32::from_be_bytes(*length) as usize);
        frames.push(frame.to_vec());
        rest = after;
    }
    frames
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fragments_of_a_lost_connection_are_forgotten_with_it() {
    let a = TestNode::start("a", free_port()).await;
    let from = Pid {
        node: Atom::from_static("x@127.0.0.1"),
        id: 3,
        serial: 0,
        creation: 77,
    };
    let frames = fragments_of(from, a.pid(1), 200_000);
    assert_eq!(frames.len(), 4);
    let mut first = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    a.next_up().await;
    first.write_all(&frames[..3].concat()).await.unwrap();
    drop(first);
    assert!(a.next_down().await.1);
    // The same sender, on a new connection: the last part alone is nonsense, and all parts are a message.
    let mut second = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    a.next_up().await;
    second.write_all(&frames.concat()).await.unwrap();
    let Seen::Signal(_, Some(payload)) = a.next().await else {
        panic!("no message")
    };
    assert_eq!(payload.decoder().binary().unwrap(), vec![7; 200_000]);
    second.write_all(&frames[3]).await.unwrap();
    drain(&mut second).await;
    assert!(a.next_down().await.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_never_finished_take_no_more_than_their_limit() {
    let mut config = config("a", free_port());
    config.limits.fragment_bytes = 1 << 20;
    let a = TestNode::with(config).await;
    let mut socket = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    a.next_up().await;
    for id in 0..20 {
        let from = Pid {
            node: Atom::from_static("x@127.0.0.1"),
            id: id + 1,
            serial: 0,
            creation: 77,
        };
        // One fragment of each is held back; in the end the node closes.
        let frames = fragments_of(from, a.pid(1), 150_000);
        if socket.write_all(&frames[..2].concat()).await.is_err() {
            break;
        }
    }
    drain(&mut socket).await;
    assert!(a.next_down().await.1);
}
