//! What a connection does, it does over TLS too; and what only TLS can do wrong.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use super::socket::Socket;
use super::*;
use crate::Tls;
use crate::net::Transport;
use crate::tls::LiveTls;

/// Of a CA that all nodes of these tests share.
fn transport() -> Transport {
    static TLS: OnceLock<Arc<LiveTls>> = OnceLock::new();
    let tls = TLS.get_or_init(|| {
        let dir = Scratch::new();
        LiveTls::load(&Tls::generated_in(&dir.0), "127.0.0.1").unwrap()
    });
    Transport::Tls(Arc::clone(tls))
}

/// A directory that goes with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let unique = getrandom::u64().unwrap();
        Self(std::env::temp_dir().join(format!("kista-net-tls-{unique:x}")))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn tls_config(alive: &str, epmd_port: u16) -> NetConfig {
    let mut config = config(alive, epmd_port);
    config.transport = transport();
    config
}

async fn tls_pair() -> (TestNode, TestNode) {
    let port = free_port();
    let a = TestNode::with(tls_config("a", port)).await;
    let b = TestNode::with(tls_config("b", port)).await;
    a.net.connect(b.name).await.unwrap();
    assert_eq!(a.next_up().await.0, b.name);
    assert_eq!(b.next_up().await.0, a.name);
    (a, b)
}

/// A peer that is a socket and went through both handshakes, and does nothing by itself.
async fn bare_tls(node: &TestNode, name: &str) -> Socket {
    let tcp = TcpStream::connect(("127.0.0.1", node.net.port()))
        .await
        .unwrap();
    let socket = transport()
        .connect(tcp, "127.0.0.1", &AtomicBool::new(false))
        .await
        .unwrap();
    let flags = kista_dist::Flags::ours(true);
    let handshake = HandshakeConfig::new(name, flags, 77, getrandom::u32().unwrap());
    let done = dial::handshake(
        handshake,
        node.name.as_str(),
        Cookie::from(COOKIE),
        socket,
        || true,
        Instant::now(),
    )
    .await
    .unwrap();
    done.socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_messages_arrive_in_order_and_large_ones_are_not_overtaken() {
    let (a, b) = tls_pair().await;
    traffic::in_order(&a, &b).await;
    traffic::large_and_small(&a, &b).await;
    traffic::in_order(&b, &a).await;
    let info = a.net.connected(b.name).unwrap().info().unwrap();
    assert_eq!(info.tls.unwrap().version, "1.3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_stop_writes_out_what_is_queued() {
    let (a, b) = tls_pair().await;
    traffic::stop_writes_out(a, b).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_idle_connections_live_by_ticks() {
    let port = free_port();
    let [a, b] = ["a", "b"].map(|alive| {
        let mut config = tls_config(alive, port);
        config.net_ticktime = Duration::from_millis(800);
        config
    });
    let (a, b) = (TestNode::with(a).await, TestNode::with(b).await);
    a.net.connect(b.name).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    a.next_up().await;
    b.next_up().await;
    a.saw_nothing();
    b.saw_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_a_silent_peer_is_down() {
    let mut config = tls_config("a", free_port());
    config.net_ticktime = Duration::from_millis(400);
    let a = TestNode::with(config).await;
    let _socket = bare_tls(&a, "x@127.0.0.1").await;
    let (peer, _) = a.next_up().await;
    assert_eq!(
        a.next_down().await,
        (peer, true, "net_tick_timeout".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_a_peer_that_stops_reading_meets_the_marks_and_frees_them_by_reading() {
    let mut config = tls_config("a", free_port());
    config.limits.busy_mark = 100_000;
    config.limits.full_mark = 8_000_000;
    let a = TestNode::with(config).await;
    let socket = bare_tls(&a, "x@127.0.0.1").await;
    let (peer, _) = a.next_up().await;
    let mut payload = Encoder::with_atom_table();
    payload.binary(&[1; 10_000]);
    let mut sent = 0;
    let full = loop {
        match a.send(peer, 1, &payload) {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(full, SendError::Full);
    let connection = a.net.connected(peer).unwrap();
    let read = Arc::new(AtomicUsize::new(0));
    let reading = tokio::spawn({
        let read = Arc::clone(&read);
        async move {
            let mut buffer = vec![0; 1 << 20];
            while let Ok(n @ 1..) = socket.read(&mut buffer).await {
                read.fetch_add(n, Ordering::Relaxed);
            }
        }
    });
    until("all is read", || {
        read.load(Ordering::Relaxed) > sent * 10_000
    })
    .await;
    assert_eq!(connection.in_flight(), 0);
    connection.close("test");
    reading.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silence_in_the_tls_handshake_ends_with_the_setup_time_and_holds_up_nobody() {
    let port = free_port();
    let mut config = tls_config("a", port);
    config.setup_time = Duration::from_secs(2);
    let a = TestNode::with(config).await;
    let mut silent = Vec::new();
    for bytes in [&b""[..], &[22], &[22, 3, 1, 2, 0, 1]] {
        let mut socket = TcpStream::connect(("127.0.0.1", a.net.port()))
            .await
            .unwrap();
        socket.write_all(bytes).await.unwrap();
        silent.push(socket);
    }
    let b = TestNode::with(tls_config("b", port)).await;
    b.net.connect(a.name).await.unwrap();
    assert!(a.net.gate.waiting() >= 3, "others do not wait for them");
    for mut socket in silent {
        let mut byte = [0; 16];
        let closed = tokio::time::timeout(LIMIT, socket.read(&mut byte)).await;
        assert_eq!(closed.expect("still open").unwrap(), 0);
    }
    until("all places are free", || a.net.gate.waiting() == 0).await;
    assert_eq!(a.net.handshakes().failed, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tls_handshake_without_end_is_cut_at_its_limit() {
    let a = TestNode::with(tls_config("a", free_port())).await;
    let mut socket = TcpStream::connect(("127.0.0.1", a.net.port()))
        .await
        .unwrap();
    // One handshake message that says to have 60,000 bytes, in records of 1,000.
    let mut message = vec![1, 0, 0xea, 0x60];
    message.resize(60_004, 0);
    let mut sent = 0;
    for part in message.chunks(1000) {
        let mut record = vec![22, 3, 3];
        record.extend_from_slice(&u16::try_from(part.len()).unwrap().to_be_bytes());
        record.extend_from_slice(part);
        if socket.write_all(&record).await.is_err() {
            break;
        }
        sent += record.len();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut byte = [0; 16];
    let _ = tokio::time::timeout(LIMIT, socket.read(&mut byte)).await;
    until("it is cut", || a.net.handshakes().failed == 1).await;
    assert!(sent > crate::tls::Failure::MOST, "{sent}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_record_ends_its_connection_only() {
    let (a, b) = tls_pair().await;
    for garbage in [
        &[0xff; 100][..],
        &[23, 3, 3, 0, 20, 1, 2],
        &[23, 3, 3, 0xff, 0xff],
    ] {
        let socket = bare_tls(&a, "x@127.0.0.1").await;
        let (peer, _) = a.next_up().await;
        let Socket::Tls(tls) = &socket else {
            panic!("it is one over TLS")
        };
        let mut bytes = garbage.to_vec();
        bytes.resize(400, 7);
        tls.tcp().writable().await.unwrap();
        assert_eq!(tls.tcp().try_write(&bytes).unwrap(), bytes.len());
        assert_eq!(
            a.next_down().await,
            (peer, true, "connection_closed".to_owned())
        );
    }
    let _ = a.send_int(b.name, 1, 5).unwrap();
    assert_eq!(b.next_int().await, 5);
    b.saw_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_keys_in_the_middle_of_the_traffic_lose_nothing() {
    let (a, b) = tls_pair().await;
    let mut payload = Encoder::with_atom_table();
    payload.binary(&[3; 50_000]);
    for n in 0..200 {
        let _ = a.send(b.name, 1, &payload).unwrap();
        if n % 10 == 0 {
            let connection = a.net.connected(b.name).unwrap();
            let socket = connection.established().unwrap().socket.upgrade().unwrap();
            let Socket::Tls(tls) = &*socket else {
                panic!("it is one over TLS")
            };
            tls.refresh_keys();
        }
    }
    for _ in 0..200 {
        let Seen::Signal(_, Some(payload)) = b.next().await else {
            panic!()
        };
        assert_eq!(payload.decoder().binary().unwrap().len(), 50_000);
    }
    traffic::in_order(&b, &a).await;
}
