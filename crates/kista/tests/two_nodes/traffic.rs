//! Large values, marks, senders.

use super::*;

#[tokio::test]
async fn large_values_come_back_whole() {
    let pair = Pair::start().await;
    pair.b.spawn(spec::<Echo>(())).name("echo").await.unwrap();
    for size in [64 << 10, 1 << 20, 16 << 20] {
        let bytes: Vec<u8> = (0..size).map(|i: usize| (i % 251) as u8).collect();
        let value = kista::Binary::from(bytes.as_slice());
        let back: kista::Binary = pair.a.call(on_b("echo"), &value).forever().await.unwrap();
        assert!(back == value, "{size} bytes");
    }
    pair.stop().await;
}

#[tokio::test]
async fn above_the_hard_mark_messages_are_refused_and_room_comes_back() {
    let port = free_port();
    let a = Node::builder("a@127.0.0.1")
        .cookie("two")
        .epmd(EpmdMode::Embedded)
        .epmd_port(port)
        .send_marks(64 << 10, 256 << 10)
        .start()
        .await
        .unwrap();
    // Nobody has this name: what is sent waits for a dial that cannot be done at once.
    let value = kista::Binary::from(vec![7u8; 100 << 10].as_slice());
    let sent: Vec<_> = (0..4)
        .map(|_| a.send(("x", "slow@127.0.0.1"), &value))
        .collect();
    assert_eq!(sent[0].result(), Ok(()));
    assert_eq!(sent[3].result(), Err(SendError::Overloaded));
    // The dial fails, and those who waited for room go on.
    for waiting in sent.into_iter().take(3) {
        assert_eq!(waiting.await, Ok(()));
    }
    a.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_outside_any_process_are_one_sender() {
    let pair = Pair::start().await;
    let (done, ended) = tokio::sync::oneshot::channel();
    let options = kista::SpawnOptions::new().name("sink");
    let rounds = 20;
    pair.b
        .spawn_opt(options, async move |mut cx| {
            let mut got = Vec::new();
            while got.len() < 2 * rounds {
                if let Info::Term(term) = cx.receive().await {
                    got.push(term.as_int());
                }
            }
            let _ = done.send(got);
        })
        .unwrap();
    // Each by another task, after the one before: none may overtake, whatever its size.
    let large = kista::Binary::from(vec![7u8; 300 << 10].as_slice());
    for n in 0..rounds as i64 {
        let (a, large) = (pair.a.clone(), large.clone());
        let first = tokio::spawn(async move { a.send(on_b("sink"), &large).result() });
        first.await.unwrap().unwrap();
        let a = pair.a.clone();
        let second = tokio::spawn(async move { a.send(on_b("sink"), &n).result() });
        second.await.unwrap().unwrap();
    }
    let got = ended.await.unwrap();
    let expected: Vec<_> = (0..rounds as i64).flat_map(|n| [None, Some(n)]).collect();
    assert_eq!(got, expected);
    pair.stop().await;
}
