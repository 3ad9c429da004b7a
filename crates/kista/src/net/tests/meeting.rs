//! How nodes find each other, and when they connect.

use std::net::{IpAddr, Ipv6Addr};

use super::super::resolve::{EpmdHosts, StaticTable};
use super::*;

/// A node that is registered nowhere, on a port that the system chooses.
fn off(alive: &str) -> NetConfig {
    let mut config = config(alive, 0);
    config.epmd = EpmdMode::Off;
    config
}

fn at(node: &TestNode) -> SocketAddr {
    ([127, 0, 0, 1], node.net.port()).into()
}

fn name(text: &str) -> NodeName {
    NodeName::parse(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_never_connects_by_itself_connects_when_asked() {
    let port = free_port();
    let mut never = config("a", port);
    never.auto_connect = AutoConnect::Never;
    let (a, b) = (
        TestNode::with(never).await,
        TestNode::start("b", port).await,
    );
    assert_eq!(
        a.net.connection(b.name).err(),
        Some(NotConnected::NotAutomatic)
    );
    a.net.connect(b.name).await.unwrap();
    a.next_up().await;
    let _ = a.send_int(b.name, 1, 5).unwrap();
    b.next_up().await;
    assert_eq!(b.next_int().await, 5);
    a.net.disconnect(b.name);
    a.next_down().await;
    assert_eq!(
        a.net.connection(b.name).err(),
        Some(NotConnected::NotAutomatic)
    );
    // That the other side comes is no business of this option.
    b.next_down().await;
    let _ = b.send_int(a.name, 1, 6).unwrap();
    a.next_up().await;
    assert_eq!(a.next_int().await, 6);
    let _ = a.send_int(b.name, 1, 7).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_means_until_the_connection_is_lost_and_a_failed_dial_bars_nothing() {
    let port = free_port();
    let mut once = config("a", port);
    once.auto_connect = AutoConnect::Once;
    let a = TestNode::with(once).await;
    let b = Atom::from_static("b@127.0.0.1");
    let _ = a.net.connection(b).unwrap();
    assert_eq!(a.next_down().await.2, "connection_setup_failed");
    let b = TestNode::start("b", port).await;
    let _ = a.send_int(b.name, 1, 1).unwrap();
    a.next_up().await;
    a.net.disconnect(b.name);
    a.next_down().await;
    assert_eq!(
        a.net.connection(b.name).err(),
        Some(NotConnected::NotAutomatic)
    );
    a.net.connect(b.name).await.unwrap();
    a.next_up().await;
    let _ = a.send_int(b.name, 1, 2).unwrap();
    // Barred again by the next loss.
    b.net.stop().await;
    a.next_down().await;
    assert_eq!(
        a.net.connection(b.name).err(),
        Some(NotConnected::NotAutomatic)
    );
}

fn quick(config: &mut NetConfig) {
    config.back_off = BackOff::new(Duration::from_millis(20), Duration::from_millis(100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_peer_comes_back_and_what_is_tried_can_be_seen() {
    let port = free_port();
    let mut keeps = config("a", port);
    keeps.keep_connected.push(name("b@127.0.0.1"));
    quick(&mut keeps);
    let a = TestNode::with(keeps).await;
    until("it fails", || a.net.kept()[0].failures >= 3).await;
    until("it waits", || a.net.kept()[0].next_attempt.is_some()).await;
    let kept = a.net.kept().remove(0);
    assert!(!kept.connected && kept.last_error.unwrap().contains("b"));
    for _ in 0..3 {
        let b = TestNode::start("b", port).await;
        until("it is kept", || a.net.kept()[0].connected).await;
        until("it is said", || a.net.kept()[0].last_error.is_none()).await;
        assert_eq!(a.net.kept()[0].next_attempt, None);
        b.net.stop().await;
        until("it is lost", || !a.net.kept()[0].connected).await;
    }
    assert!(
        !a.net.keep(Atom::from_static("b@127.0.0.1")),
        "it is kept already"
    );
    assert!(a.net.let_go(Atom::from_static("b@127.0.0.1")));
    assert!(a.net.kept().is_empty());
    let b = TestNode::start("b", port).await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    b.saw_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_ends_the_keeping_and_the_discovering() {
    let port = free_port();
    let b = TestNode::start("b", port).await;
    let mut keeps = config("a", port);
    keeps.keep_connected.push(name("b@127.0.0.1"));
    quick(&mut keeps);
    let hosts = EpmdHosts::new(["127.0.0.1"]).port(port);
    keeps
        .discoveries
        .push((Arc::new(hosts), Duration::from_millis(20)));
    let a = TestNode::with(keeps).await;
    b.next_up().await;
    a.net.stop().await;
    assert!(b.next_down().await.1);
    until("no task is left", || Arc::strong_count(&a.net) == 1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    b.saw_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_lost_at_once_is_not_dialled_without_pause() {
    let port = free_port();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
        .await
        .unwrap();
    let dials = Arc::new(AtomicU16::new(0));
    tokio::spawn({
        let dials = Arc::clone(&dials);
        async move {
            while listener.accept().await.is_ok() {
                dials.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let mut keeps = off("a");
    keeps.routes.insert(
        "b@127.0.0.1".to_owned(),
        (Route::to("127.0.0.1", port), None),
    );
    keeps.keep_connected.push(name("b@127.0.0.1"));
    keeps.back_off = BackOff::new(Duration::from_millis(100), Duration::from_secs(60));
    let began = Instant::now();
    let a = TestNode::with(keeps).await;
    until("some attempts", || a.net.kept()[0].failures >= 3).await;
    // A dial that failed keeps the next one waiting for a quarter of a second, whoever wants it.
    let dialled = u32::from(dials.load(Ordering::Relaxed));
    assert!(dialled >= 3);
    assert!(began.elapsed() >= Duration::from_millis(240) * (dialled - 1));
    a.net.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_needs_no_epmd_and_brings_its_own_cookie_both_ways() {
    let mut other = off("b");
    other.cookie = Cookie::from("another");
    let b = TestNode::with(other).await;
    let a = TestNode::with(off("a")).await;
    let error = a.net.connect(b.name).await.unwrap_err().to_string();
    assert!(error.contains("no port"), "{error}");
    a.next_down().await;
    a.net
        .add_route("b@127.0.0.1", Route::to("localhost", b.net.port()), None);
    let error = a.net.connect(b.name).await.unwrap_err().to_string();
    assert!(error.contains("cookie"), "{error}");
    a.next_down().await;
    let with_cookie = Route::to("127.0.0.1", b.net.port()).cookie("another");
    a.net.add_route("b@127.0.0.1", with_cookie, None);
    a.net.connect(b.name).await.unwrap();
    a.next_up().await;
    a.net.disconnect(b.name);
    a.next_down().await;
    until("b sees it, too", || b.net.connected(a.name).is_none()).await;
    // The same cookie is asked of it when it dials.
    b.net
        .add_route("a@127.0.0.1", Route::to("127.0.0.1", a.net.port()), None);
    b.net.connect(a.name).await.unwrap();
    assert_eq!(a.next_up().await.0, b.name);
    b.net.disconnect(a.name);
    a.next_down().await;
    assert!(a.net.remove_route("b@127.0.0.1") && !a.net.remove_route("b@127.0.0.1"));
    let error = a.net.connect(b.name).await.unwrap_err().to_string();
    assert!(error.contains("no port"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_answers_on_a_route_must_be_who_was_dialled() {
    let b = TestNode::with(off("b")).await;
    let a = TestNode::with(off("a")).await;
    a.net
        .add_route("c@127.0.0.1", Route::to("127.0.0.1", b.net.port()), None);
    let c = Atom::from_static("c@127.0.0.1");
    let error = a.net.connect(c).await.unwrap_err().to_string();
    assert!(error.contains("b@127.0.0.1"), "{error}");
    b.saw_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolver_is_asked_in_the_place_of_epmd() {
    let b = TestNode::with(off("b")).await;
    let mut table = off("a");
    // The first address is a dead one.
    let dead = SocketAddr::from(([127, 0, 0, 1], free_port()));
    table.resolver = Some(Arc::new(
        StaticTable::new()
            .with("b@127.0.0.1", dead)
            .with("b@127.0.0.1", at(&b)),
    ));
    let a = TestNode::with(table).await;
    a.net.connect(b.name).await.unwrap();
    let unknown = Atom::from_static("unknown@127.0.0.1");
    let error = a.net.connect(unknown).await.unwrap_err().to_string();
    assert!(
        error.contains("no address is known for unknown@127.0.0.1"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_epmd_knows_on_the_hosts_of_a_list_are_connected() {
    let port = free_port();
    let (b, c) = (
        TestNode::start("b", port).await,
        TestNode::start("c", port).await,
    );
    let mut seeks = config("a", port);
    // A host without an EPMD keeps nobody from the others.
    let hosts = EpmdHosts::new(["127.0.0.1", "127.0.0.77"]).port(port);
    seeks
        .discoveries
        .push((Arc::new(hosts), Duration::from_millis(50)));
    let a = TestNode::with(seeks).await;
    until("both are found", || a.net.nodes().len() == 2).await;
    let d = TestNode::start("d", port).await;
    until("the newcomer too", || a.net.nodes().len() == 3).await;
    a.net.disconnect(b.name);
    until("one that was lost again", || a.net.nodes().len() == 3).await;
    for node in [&b, &c, &d] {
        assert_eq!(node.next_up().await.0, a.name);
    }
}

#[tokio::test]
async fn a_list_of_hosts_of_which_none_answers_is_an_error() {
    use super::super::resolve::Discovery as _;
    let error = EpmdHosts::new(["127.0.0.77"])
        .port(1)
        .discover()
        .await
        .unwrap_err();
    assert!(error.to_string().contains("127.0.0.77"), "{error}");
    let none: Vec<String> = Vec::new();
    assert!(EpmdHosts::new(none).discover().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_listens_on_several_addresses_at_one_port_and_on_others_at_theirs() {
    let (v4, v6) = (
        IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(Ipv6Addr::LOCALHOST),
    );
    let extra = SocketAddr::from(([127, 0, 0, 3], free_port()));
    let mut several = off("b");
    several.listen = vec![v4, v6];
    several.listen_at = vec![(extra, Transport::Plain)];
    let b = TestNode::with(several).await;
    let port = b.net.port();
    let want = [(v4, port).into(), (v6, port).into(), extra];
    assert_eq!(b.net.listens_on(), want);
    for (i, address) in want.into_iter().enumerate() {
        let a = TestNode::with(off(&format!("a{i}"))).await;
        a.net.add_route(
            "b@127.0.0.1",
            Route::to(address.ip().to_string(), address.port()),
            None,
        );
        a.net.connect(b.name).await.unwrap();
        assert_eq!(a.net.infos()[0].address, Some(address));
        assert_eq!(b.next_up().await.0, a.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_versions_of_all_addresses_can_be_listened_on_at_once() {
    let mut all = off("b");
    all.listen = vec![
        IpAddr::from([0, 0, 0, 0]),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    ];
    let b = TestNode::with(all).await;
    assert_eq!(b.net.listens_on().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_cannot_be_had_says_which() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let mut wants = off("a");
    wants.listen_at = vec![(taken.local_addr().unwrap(), Transport::Plain)];
    let error = Net::start(wants).await.map(|_| ()).unwrap_err().to_string();
    assert!(
        error.contains(&taken.local_addr().unwrap().to_string()),
        "{error}"
    );
}
