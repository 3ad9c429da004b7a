use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use kista::health::{Http, Probe};
use kista::{Node, NodeError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A guard against hanging.
const PATIENCE: Duration = Duration::from_secs(30);

async fn start(http: Http) -> (Node, SocketAddr) {
    let node = Node::builder("http@127.0.0.1").no_network().http(http);
    let node = node.start().await.unwrap();
    let address = node.http_address().unwrap();
    (node, address)
}

/// All that is answered until the connection is closed; what is cut off counts as closed.
async fn rest(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let read = async {
        while let Ok(n @ 1..) = socket.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..n]);
        }
    };
    let read = tokio::time::timeout(PATIENCE, read).await;
    read.expect("the connection stays open");
    String::from_utf8(bytes).unwrap()
}

pub(crate) async fn say(address: SocketAddr, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // It may answer and close before it has all.
    let _ = socket.write_all(request).await;
    rest(&mut socket).await
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    say(
        address,
        format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes(),
    )
    .await
}

#[track_caller]
fn has_status(answer: &str, status: u16) {
    let line = format!("HTTP/1.1 {status} ");
    assert!(answer.starts_with(&line), "{answer}");
}

#[tokio::test]
async fn it_tells_what_holds_and_what_does_not() {
    let (node, address) = start(Http::new(0)).await;
    assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
    for path in ["/healthz", "/readyz", "/readyz?verbose"] {
        let answer = get(address, path).await;
        has_status(&answer, 200);
        assert!(
            answer.ends_with("\r\n\r\nruntime: ok\nnode: ok\napplications: ok\n"),
            "{answer}"
        );
    }
    node.add_check(Probe::Ready, "stock", async || Err("empty\r\nX: y"))
        .unwrap();
    has_status(&get(address, "/healthz").await, 200);
    let answer = get(address, "/readyz").await;
    has_status(&answer, 503);
    assert!(
        answer.ends_with("stock: failed: empty\\r\\nX: y\n"),
        "{answer}"
    );
    node.add_check(Probe::Live, "heart", async || Err("stopped"))
        .unwrap();
    has_status(&get(address, "/healthz").await, 503);
    node.stop().await;
}

#[tokio::test]
async fn a_head_is_asked_for_without_its_body() {
    let (node, address) = start(Http::new(0)).await;
    let answer = say(address, b"HEAD /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
    has_status(&answer, 200);
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    node.stop().await;
}

#[tokio::test]
async fn other_methods_and_paths_are_refused() {
    let (node, address) = start(Http::new(0)).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let request = format!("{method} /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        let answer = say(address, request.as_bytes()).await;
        has_status(&answer, 405);
        assert!(answer.contains("allow: GET, HEAD\r\n"), "{answer}");
    }
    for path in ["/", "/healthz/", "/metrics", "/../etc/passwd"] {
        let answer = get(address, path).await;
        has_status(&answer, 404);
        assert!(
            answer.ends_with("there are /healthz and /readyz\n"),
            "{answer}"
        );
    }
    node.stop().await;
}

#[tokio::test]
async fn what_is_no_http_or_too_much_of_it_is_refused() {
    let (node, address) = start(Http::new(0)).await;
    has_status(&say(address, b"what is this\r\n\r\n").await, 400);
    let long = format!(
        "GET /healthz HTTP/1.1\r\nX: {}\r\n\r\n",
        "y".repeat(64 << 10)
    );
    let answer = say(address, long.as_bytes()).await;
    // The rest of it may meet a closed socket, and take the answer along.
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
        "{answer}"
    );
    let fields: String = (0..100).map(|n| format!("X{n}: y\r\n")).collect();
    let many = format!("GET /healthz HTTP/1.1\r\n{fields}\r\n");
    has_status(&say(address, many.as_bytes()).await, 431);
    has_status(&get(address, "/healthz").await, 200);
    node.stop().await;
}

#[tokio::test]
async fn a_body_is_not_waited_for_and_a_connection_is_for_one_request() {
    let (node, address) = start(Http::new(0)).await;
    let with_body = b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n";
    has_status(&say(address, with_body).await, 200);
    let two = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let answer = say(address, two).await;
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 1, "{answer}");
    node.stop().await;
}

#[tokio::test]
async fn slow_clients_are_cut_off() {
    let http = Http::new(0)
        .timeout(Duration::from_millis(200))
        .connections(3);
    let (node, address) = start(http).await;
    // One says nothing, one half of it.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut halting = TcpStream::connect(address).await.unwrap();
    halting.write_all(b"GET /healthz HT").await.unwrap();
    assert_eq!(rest(&mut silent).await, "");
    assert_eq!(rest(&mut halting).await, "");
    // One is always about to come to the end of its head.
    let mut dripping = TcpStream::connect(address).await.unwrap();
    dripping
        .write_all(b"GET /healthz HTTP/1.1\r\nX: ")
        .await
        .unwrap();
    let drip = async {
        while dripping.write_all(b"y").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let cut = tokio::time::timeout(PATIENCE, drip).await;
    cut.expect("it may drip for ever");
    has_status(&get(address, "/healthz").await, 200);
    node.stop().await;
}

/// The danger: who connects and says nothing keeps the orchestrator out, which then ends a healthy program.
#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_out() {
    let http = Http::new(0).connections(2).timeout(PATIENCE * 10);
    let (node, address) = start(http).await;
    let mut first = TcpStream::connect(address).await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    // Accepted in their order: the first gives way.
    has_status(&get(address, "/healthz").await, 200);
    assert_eq!(rest(&mut first).await, "");
    second
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    has_status(&rest(&mut second).await, 200);
    // Many that come again and again, and one that asks.
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(address).await.unwrap());
        silent.push(TcpStream::connect(address).await.unwrap());
        has_status(&get(address, "/healthz").await, 200);
    }
    node.stop().await;
}

#[tokio::test]
async fn it_tells_of_the_stop_and_ends_with_it() {
    let (go_on, mut may_go_on) = tokio::sync::mpsc::channel::<()>(1);
    let (node, address) = start(Http::new(0)).await;
    node.spawn_fn(async move |cx: kista::ProcessCx| {
        cx.trap_exit(true);
        may_go_on.recv().await;
    })
    .unwrap();
    let stop = tokio::spawn({
        let node = node.clone();
        async move { node.stop().await }
    });
    let told = async {
        while !get(address, "/readyz").await.starts_with("HTTP/1.1 503 ") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    told.expect("it does not tell of the stop");
    has_status(&get(address, "/healthz").await, 200);
    drop(go_on);
    stop.await.unwrap();
    let ended = async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended).await;
    ended.expect("it listens on");
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_of_the_start() {
    let (node, address) = start(Http::new(0)).await;
    let other = Node::builder("other@127.0.0.1")
        .no_network()
        .http(Http::new(address.port()));
    let error = other.start().await.expect_err("the port is taken");
    assert!(
        matches!(error, NodeError::Http(at, _) if at == address),
        "{error}"
    );
    assert!(error.to_string().contains(&address.to_string()), "{error}");
    node.stop().await;
}
