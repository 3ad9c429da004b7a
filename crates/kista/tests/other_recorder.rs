//! A program that has its own recorder of metrics keeps it.
#![cfg(feature = "prometheus")]

use kista::Node;
use kista::health::Http;
use metrics_util::debugging::DebuggingRecorder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_recorder_of_the_program_is_left_alone() {
    let recorder = DebuggingRecorder::new();
    let heard = recorder.snapshotter();
    recorder.install().unwrap();
    let node = Node::builder("other@127.0.0.1")
        .no_network()
        .http(Http::new(0).metrics());
    let node = node.start().await.unwrap();
    let mut socket = TcpStream::connect(node.http_address().unwrap())
        .await
        .unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    socket.write_all(request).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    node.publish_metrics();
    let heard = heard.snapshot().into_vec();
    assert!(
        heard
            .iter()
            .any(|(key, ..)| key.key().name() == "kista_processes")
    );
    node.stop().await;
}
