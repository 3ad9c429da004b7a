use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_peer_is_down_in_time() {
    let mut config = config("a", free_port());
    config.net_ticktime = Duration::from_millis(1200);
    let a = TestNode::with(config).await;
    let _socket = bare(&a, "x@127.0.0.1", COOKIE).await.unwrap();
    let (x, _) = a.next_up().await;
    let began = Instant::now();
    assert_eq!(
        a.next_down().await,
        (x, true, "net_tick_timeout".to_owned())
    );
    let took = began.elapsed();
    assert!(
        took > Duration::from_millis(900) && took < LIMIT,
        "{took:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_live_by_ticks() {
    let port = free_port();
    let mut nodes = Vec::new();
    for alive in ["a", "b"] {
        let mut config = config(alive, port);
        config.net_ticktime = Duration::from_millis(1200);
        nodes.push(TestNode::with(config).await);
    }
    nodes[0].net.connect(nodes[1].name).await.unwrap();
    for node in &nodes {
        node.next_up().await;
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    for node in &nodes {
        node.saw_nothing();
    }
}

#[test]
fn ticks_go_out_while_every_worker_is_blocked() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let (port, node) = runtime.block_on(async {
        let mut config = config("a", free_port());
        config.net_ticktime = Duration::from_millis(800);
        let node = TestNode::with(config).await;
        (node.net.port(), node)
    });
    // The peer has a runtime of its own.
    let peer = std::thread::spawn({
        let node = Arc::new(node);
        let shared = Arc::clone(&node);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut socket = bare(&shared, "x@127.0.0.1", COOKIE).await.unwrap();
                let (mut ticks, began) = (0, Instant::now());
                let mut buffer = [0; 4];
                while began.elapsed() < Duration::from_millis(2500) {
                    // The peer lives as well, though nobody reads it.
                    let _ = socket.write_all(&[0; 4]).await;
                    if let Ok(read) = tokio::time::timeout(
                        Duration::from_millis(100),
                        socket.read_exact(&mut buffer),
                    )
                    .await
                    {
                        read.expect("the node kept the connection");
                        assert_eq!(buffer, [0; 4]);
                        ticks += 1;
                    }
                }
                ticks
            })
        });
        move || (node, thread.join().unwrap())
    });
    std::thread::sleep(Duration::from_millis(300));
    runtime.spawn(async { std::thread::sleep(Duration::from_millis(2500)) });
    let (node, ticks) = peer.join().unwrap();
    assert!(
        ticks >= 4,
        "{ticks} ticks in 2.5 s, one is due every 200 ms"
    );
    assert_eq!(node.net.port(), port);
    runtime.block_on(async {
        node.next_up().await;
        node.next_down().await;
    });
}
