use std::process::{Child, Command, Stdio};

use super::*;
use crate::epmd::{self, EpmdError};

struct RealEpmd(Child);

impl RealEpmd {
    fn start(port: u16) -> Self {
        let child = Command::new("epmd")
            .args(["-port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test needs Erlang's epmd: apt-get install erlang-base");
        let began = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < LIMIT);
            std::thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }
}

impl Drop for RealEpmd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn is_registered(port: u16, alive: &str, node_port: u16) -> bool {
    epmd::lookup(([127, 0, 0, 1], port).into(), alive)
        .await
        .is_ok_and(|p| p == node_port)
}

async fn registered_again(port: u16, node: &TestNode) {
    let began = Instant::now();
    while !is_registered(port, "a", node.net.port()).await {
        assert!(began.elapsed() < LIMIT, "not registered again in time");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_epmd_knows_us_again_and_our_creation_stays() {
    let port = free_port();
    let epmd = RealEpmd::start(port);
    let mut config = config("a", port);
    config.epmd = EpmdMode::Running;
    let a = TestNode::with(config).await;
    let creation = a.net.creation();
    assert!(is_registered(port, "a", a.net.port()).await);
    assert_eq!(a.net.epmd(), EpmdInUse::Running);
    drop(epmd);
    until("the loss is seen", || a.net.epmd() == EpmdInUse::None).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    let _again = RealEpmd::start(port);
    registered_again(port, &a).await;
    until("it is said", || a.net.epmd() == EpmdInUse::Running).await;
    assert_eq!(a.net.creation(), creation);
    a.net.stop().await;
    assert!(!is_registered(port, "a", a.net.port()).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vanished_epmd_is_replaced_by_this_process() {
    let port = free_port();
    let epmd = RealEpmd::start(port);
    let a = TestNode::start("a", port).await;
    assert_eq!(a.net.epmd(), EpmdInUse::Running);
    drop(epmd);
    registered_again(port, &a).await;
    until("it is said", || a.net.epmd() == EpmdInUse::Embedded).await;
    a.net.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_node_serves_when_the_first_one_ends() {
    let port = free_port();
    let (a, b) = (
        TestNode::start("a", port).await,
        TestNode::start("b", port).await,
    );
    assert_eq!(
        (a.net.epmd(), b.net.epmd()),
        (EpmdInUse::Embedded, EpmdInUse::Running)
    );
    a.net.stop().await;
    until("b serves", || b.net.epmd() == EpmdInUse::Embedded).await;
    assert!(is_registered(port, "b", b.net.port()).await);
    // The first one again, with another creation.
    let again = TestNode::start("a", port).await;
    assert_ne!(again.net.creation(), a.net.creation());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_in_use_and_a_missing_epmd_are_errors() {
    let port = free_port();
    let mut missing = config("a", port);
    missing.epmd = EpmdMode::Running;
    let error = Net::start(missing).await.map(|_| ()).unwrap_err();
    assert!(
        matches!(error, StartError::Epmd(EpmdError::Unreachable { .. })),
        "{error}"
    );
    let _a = TestNode::start("a", port).await;
    let error = Net::start(config("a", port)).await.map(|_| ()).unwrap_err();
    assert!(
        matches!(error, StartError::Epmd(EpmdError::Refused { .. })),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_program_is_started_when_it_is_wanted() {
    let port = free_port();
    let mut config = config("a", port);
    config.epmd = EpmdMode::Spawn;
    let a = TestNode::with(config).await;
    assert_eq!(a.net.epmd(), EpmdInUse::Spawned);
    assert!(is_registered(port, "a", a.net.port()).await);
    a.net.stop().await;
    let killed = Command::new("epmd")
        .args(["-port", &port.to_string(), "-kill"])
        .output()
        .unwrap();
    assert!(killed.status.success(), "{killed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_epmd_nodes_meet_on_their_agreed_port() {
    // Two addresses of loopback, one port.
    let port = free_port();
    let mut nodes = Vec::new();
    for (alive, ip) in [("a", "127.0.0.1"), ("b", "127.0.0.2")] {
        let name = NodeName::parse(&format!("{alive}@{ip}")).unwrap();
        let mut config = NetConfig::new(name, Cookie::from(COOKIE));
        config.epmd = EpmdMode::Off;
        config.ports = port..=port;
        nodes.push(TestNode::with(config).await);
    }
    nodes[0].net.connect(nodes[1].name).await.unwrap();
    assert!(nodes.iter().all(|n| n.net.creation() >= 4));
    assert_eq!(nodes[0].net.epmd(), EpmdInUse::None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn silent_sockets_keep_nobody_from_the_embedded_epmd() {
    let port = free_port();
    let a = TestNode::start("a", port).await;
    let mut silent = Vec::new();
    for _ in 0..400 {
        silent.push(TcpStream::connect(("127.0.0.1", port)).await.unwrap());
    }
    registered_again(port, &a).await;
    let b = TestNode::start("b", port).await;
    assert!(is_registered(port, "b", b.net.port()).await);
}

/// The danger: a stop that does not wait for EPMD, which then refuses the next node of the same name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stopped_can_be_started_at_once_under_its_name() {
    for served in [true, false] {
        let port = free_port();
        let (mut served_by, mut epmd) = (None, None);
        match served {
            true => served_by = Some(TestNode::with(config("a", port)).await),
            false => epmd = Some(RealEpmd::start(port)),
        }
        for _ in 0..100 {
            let b = TestNode::start("b", port).await;
            b.net.stop().await;
        }
        if let Some(a) = served_by {
            a.net.stop().await;
        }
        drop(epmd);
    }
}
