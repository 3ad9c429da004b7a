//! Nodes found by DNS, asked of a server of the test's own.
#![cfg(feature = "dns")]

#[path = "support/plain.rs"]
mod plain;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use kista::resolve::{Discovery as _, Dns, HeadlessService, Resolver as _};
use kista::{EpmdMode, Node, NodeBuilder};
use tokio::net::UdpSocket;

/// What the server knows; names without the last dot.
#[derive(Default)]
struct Zone {
    a: HashMap<String, Vec<Ipv4Addr>>,
    srv: HashMap<String, Vec<(u16, u16, String)>>,
    /// It answers nothing but that it failed.
    broken: bool,
}

/// A DNS server on loopback, by UDP, for A and SRV records.
struct Server {
    address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
}

impl Server {
    async fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let zone = Arc::<Mutex<Zone>>::default();
        tokio::spawn({
            let zone = Arc::clone(&zone);
            async move {
                let mut buffer = [0; 1500];
                while let Ok((n, from)) = socket.recv_from(&mut buffer).await {
                    let reply = answer(&zone.lock().unwrap(), &buffer[..n]);
                    let _ = socket.send_to(&reply, from).await;
                }
            }
        });
        Self { address, zone }
    }

    fn dns(&self) -> Dns {
        Dns::at(self.address).unwrap()
    }

    fn a(&self, name: &str, ips: &[[u8; 4]]) {
        let ips = ips.iter().map(|ip| Ipv4Addr::from(*ip)).collect();
        self.zone.lock().unwrap().a.insert(name.to_owned(), ips);
    }

    fn srv(&self, name: &str, records: &[(u16, u16, &str)]) {
        let records = records
            .iter()
            .map(|&(priority, port, to)| (priority, port, to.to_owned()));
        self.zone
            .lock()
            .unwrap()
            .srv
            .insert(name.to_owned(), records.collect());
    }
}

fn answer(zone: &Zone, query: &[u8]) -> Vec<u8> {
    let (mut at, mut labels) = (12, Vec::new());
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..at + 1 + length]).into_owned());
        at += 1 + length;
    }
    let name = labels.join(".").to_lowercase();
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    let question = &query[12..at + 5];
    let data: Vec<Vec<u8>> = match kind {
        1 => zone.a.get(&name).map_or_else(Vec::new, |ips| {
            ips.iter().map(|ip| ip.octets().to_vec()).collect()
        }),
        33 => zone.srv.get(&name).map_or_else(Vec::new, |records| {
            let bytes = |(priority, port, target): &(u16, u16, String)| {
                let mut bytes = [priority.to_be_bytes(), [0, 0], port.to_be_bytes()].concat();
                for label in target.split('.') {
                    bytes.push(u8::try_from(label.len()).unwrap());
                    bytes.extend_from_slice(label.as_bytes());
                }
                bytes.push(0);
                bytes
            };
            records.iter().map(bytes).collect()
        }),
        _ => Vec::new(),
    };
    let known = zone.a.contains_key(&name) || zone.srv.contains_key(&name);
    let code = match (zone.broken, known) {
        (true, _) => 2,
        (false, true) => 0,
        (false, false) => 3,
    };
    let mut reply = query[..2].to_vec();
    reply.extend_from_slice(&[0x85, 0x80 | code, 0, 1]);
    reply.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
    reply.extend_from_slice(&[0; 4]);
    reply.extend_from_slice(question);
    for data in data {
        // The question's name, the class, and no time to live.
        reply.extend_from_slice(&[0xc0, 12, 0, kind as u8, 0, 1, 0, 0, 0, 0]);
        reply.extend_from_slice(&u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend_from_slice(&data);
    }
    reply
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + plain::SOON;
    while !condition() {
        assert!(Instant::now() < end, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn off(name: &str) -> NodeBuilder {
    Node::builder(name).cookie("dns").epmd(EpmdMode::Off)
}

const SERVICE: &str = "shop.default.svc.cluster.local";
const PORTS: &str = "_dist._tcp.shop.default.svc.cluster.local";
const ROUND: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_named_by_their_addresses_are_found_and_reached() {
    let server = Server::start().await;
    let first = off("shop@127.0.0.1").start().await.unwrap();
    let port = first.port();
    let second = off("shop@127.0.0.2").port(port).start().await.unwrap();
    server.a(SERVICE, &[[127, 0, 0, 1], [127, 0, 0, 2]]);
    let pods = HeadlessService::by_address(server.dns(), "shop", SERVICE, port);
    assert_eq!(
        pods.discover().await.unwrap(),
        ["shop@127.0.0.1", "shop@127.0.0.2"]
    );
    assert!(pods.resolve("shop", "not-an-address").await.is_err());
    let node = off("shop@127.0.0.9")
        .resolver(pods.clone())
        .discover(pods, ROUND)
        .start()
        .await
        .unwrap();
    until("both are found", || node.hidden_nodes().len() == 2).await;
    // A pod that comes later is found by a later round.
    server.a(
        SERVICE,
        &[
            [127, 0, 0, 1],
            [127, 0, 0, 2],
            [127, 0, 0, 3],
            [127, 0, 0, 9],
        ],
    );
    let third = off("shop@127.0.0.3").port(port).start().await.unwrap();
    until("the third too", || {
        node.hidden_nodes().contains(&third.name())
    })
    .await;
    for node in [node, first, second, third] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pods_named_by_their_hosts_are_reached_at_the_ports_of_their_records() {
    let server = Server::start().await;
    let host = |n: u8| format!("shop-{n}.{SERVICE}");
    let mut pods = Vec::new();
    for n in 0..2 {
        let name = format!("shop@{}", host(n));
        let listen = [127, 0, 0, 11 + n].into();
        pods.push(off(&name).listen_on(listen).start().await.unwrap());
        server.a(&host(n), &[[127, 0, 0, 11 + n]]);
    }
    let (zero, one) = (host(0), host(1));
    server.srv(
        PORTS,
        &[(2, pods[1].port(), &one), (1, pods[0].port(), &zero)],
    );
    let service = HeadlessService::by_host(server.dns(), "shop", PORTS);
    let expected = [format!("shop@{zero}"), format!("shop@{one}")];
    assert_eq!(service.discover().await.unwrap(), expected);
    let at = SocketAddr::from(([127, 0, 0, 11], pods[0].port()));
    assert_eq!(
        service.resolve("shop", &zero.to_uppercase()).await.unwrap(),
        [at]
    );
    let error = service
        .resolve("shop", "elsewhere")
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("shop@elsewhere"), "{error}");
    let node = off("client@127.0.0.1")
        .resolver(service.clone())
        .discover(service, ROUND)
        .start()
        .await
        .unwrap();
    until("both are found", || node.hidden_nodes().len() == 2).await;
    assert!(node.ping(&expected[0]).await && node.ping(&expected[1]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_pods_is_empty_and_a_server_that_fails_an_error() {
    let server = Server::start().await;
    for service in [
        HeadlessService::by_address(server.dns(), "shop", SERVICE, 9100),
        HeadlessService::by_host(server.dns(), "shop", PORTS),
    ] {
        assert!(service.discover().await.unwrap().is_empty());
    }
    server.zone.lock().unwrap().broken = true;
    for service in [
        HeadlessService::by_address(server.dns(), "shop", SERVICE, 9100),
        HeadlessService::by_host(server.dns(), "shop", PORTS),
    ] {
        let error = service.discover().await.unwrap_err().to_string();
        assert!(error.contains("shop.default"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_with_several_ports_is_tried_at_them_by_priority() {
    let server = Server::start().await;
    let host = "shop-0.shop.default.svc.cluster.local";
    server.a(host, &[[127, 0, 0, 1]]);
    server.srv(
        PORTS,
        &[(20, 9102, host), (0, 9100, host), (10, 9101, host)],
    );
    let service = HeadlessService::by_host(server.dns(), "shop", PORTS);
    let at = [9100, 9101, 9102].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    assert_eq!(service.resolve("shop", host).await.unwrap(), at);
    assert_eq!(service.discover().await.unwrap().len(), 1);
}
