use super::*;

fn info(of: &TestNode, peer: Atom) -> ConnectionInfo {
    of.net
        .connected(peer)
        .and_then(|c| c.info())
        .expect("it is up")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_side_counts_as_sent_the_other_counts_as_received() {
    let (a, b) = pair().await;
    let word = Atom::new("a_word_of_statistics").unwrap();
    let blob = vec![1; 300_000];
    for n in 0..100 {
        let mut payload = Encoder::with_atom_table();
        payload.tuple(2);
        payload.atom(word);
        payload.binary(if n % 10 == 0 { &blob } else { b"x" });
        let _ = a.send(b.name, 1, &payload).unwrap();
    }
    for _ in 0..100 {
        assert!(matches!(b.next().await, Seen::Signal(..)));
    }
    until("all is counted", || {
        info(&b, a.name).received.messages == 100 && info(&a, b.name).queued_bytes == 0
    })
    .await;
    let (sent, received) = (info(&a, b.name).sent, info(&b, a.name).received);
    assert_eq!((sent.messages, sent.fragments), (100, 10 * 5));
    assert_eq!(
        (sent.messages, sent.fragments, sent.bytes),
        (received.messages, received.fragments, received.bytes)
    );
    assert!(sent.bytes > 10 * 300_000);
    // Both nodes' names and the word, written out once; then by their places.
    assert_eq!(
        (sent.atom_hits, sent.atom_misses),
        (received.atom_hits, received.atom_misses)
    );
    assert_eq!(sent.atom_misses, 3);
    assert_eq!(sent.atom_hits, 3 * 99);
    let (ours, theirs) = (info(&a, b.name), info(&b, a.name));
    assert_eq!(
        (ours.node, ours.dialled, theirs.dialled),
        (b.name, true, false)
    );
    assert_eq!(ours.address.unwrap().port(), b.net.port());
    assert_eq!(ours.creation, b.net.creation());
    assert!(ours.hidden && ours.flags.contains(kista_dist::Flags::FRAGMENTS));
    assert_eq!(a.net.infos().len(), 1);
    assert_eq!(b.net.handshakes().accepted, 1);
    a.net.disconnect(b.name);
    until("it is gone", || a.net.infos().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ticks_held_and_refused_senders_are_counted() {
    let mut config = config("a", free_port());
    config.limits.busy_mark = 100_000;
    config.limits.full_mark = 2_000_000;
    config.net_ticktime = Duration::from_millis(800);
    let a = TestNode::with(config).await;
    let mut socket = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    let (x, _) = a.next_up().await;
    until("ticks", || info(&a, x).sent.ticks >= 2).await;
    socket.write_all(&[0; 12]).await.unwrap();
    until("their ticks", || info(&a, x).received.ticks == 3).await;
    assert_eq!(
        (info(&a, x).received.bytes, info(&a, x).received.messages),
        (12, 0)
    );
    let mut payload = Encoder::with_atom_table();
    payload.binary(&[1; 10_000]);
    let (mut accepted, mut refused) = (0, 0);
    // What the socket still takes makes room again.
    until("the socket is full, too", || {
        while a.send(x, 1, &payload).is_ok() {
            accepted += 1;
            assert!(accepted < 10_000, "the peer does not read");
        }
        refused += 1;
        info(&a, x).queued_bytes >= 2_000_000
    })
    .await;
    assert!(a.send(x, 1, &payload).is_err());
    let seen = info(&a, x);
    assert_eq!(seen.refused_sends, refused + 1);
    assert!(seen.held_sends > 0, "{seen:?}");
    let charge = a.net.connected(x).unwrap().charge(77);
    assert_eq!(info(&a, x).undecoded_bytes, 77);
    drop(charge);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_that_fail_are_counted() {
    let a = TestNode::start("a", free_port()).await;
    assert!(bare(&a, "x@127.0.0.1", "wrong").await.is_err());
    until("it is counted", || a.net.handshakes().failed == 1).await;
    let _first = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    let _second = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    until("both are counted", || a.net.handshakes().accepted == 2).await;
    assert_eq!(a.net.handshakes().alive, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_to_a_collision_is_counted_and_leaves_one_connection() {
    let a = TestNode::start("m", free_port()).await;
    // Whoever is dialled here accepts, and says nothing.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = silent.local_addr().unwrap().port();
    for (peer, nok, simultaneous) in [("b@127.0.0.1", 1, 0), ("z@127.0.0.1", 1, 1)] {
        a.net.add_route(peer, Route::to("127.0.0.1", port), None);
        let node = Atom::new(peer).unwrap();
        let connection = a.net.connection(node).unwrap();
        until("it dials", || connection.dialling.load(Ordering::SeqCst)).await;
        let arrived = bare(&a, peer, COOKIE).await;
        let stats = a.net.handshakes();
        assert_eq!((stats.nok, stats.ok_simultaneous), (nok, simultaneous));
        match arrived {
            Ok(_socket) => {
                assert_eq!(a.next_up().await.0, node);
                assert!(std::ptr::eq(&*connection, &*a.net.connected(node).unwrap()));
            }
            Err(error) => {
                assert_eq!((error, peer), (Some(HandshakeError::Nok), "b@127.0.0.1"));
                a.net.disconnect(node);
                a.next_down().await;
            }
        }
    }
}
