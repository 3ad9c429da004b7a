//! Links between nodes as a program sees them: who connects when, who is kept, where nodes are, and what is counted.

#[path = "support/bare.rs"]
mod bare;
#[path = "support/plain.rs"]
mod plain;
#[path = "support/port.rs"]
mod port;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kista::resolve::{EpmdHosts, StaticTable};
use kista::{
    Atom, AutoConnect, BackOff, Binary, Dest, EpmdMode, ExitReason, Info, Node, NodeBuilder,
    NodeError, Pid, ProcessCx, Route, Term,
};
use plain::run;
use port::free_port;
use tokio::sync::oneshot;

/// A node that no EPMD knows.
fn off(alive: &str) -> NodeBuilder {
    Node::builder(format!("{alive}@127.0.0.1"))
        .cookie("links")
        .epmd(EpmdMode::Off)
}

fn on(alive: &str, port: u16) -> NodeBuilder {
    let builder = Node::builder(format!("{alive}@127.0.0.1")).cookie("links");
    builder.epmd(EpmdMode::Embedded).epmd_port(port)
}

fn name_of(node: &Node) -> String {
    node.name().as_str().to_owned()
}

fn route_to(node: &Node) -> Route {
    Route::to("127.0.0.1", node.port())
}

async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + plain::SOON;
    while !condition() {
        assert!(Instant::now() < end, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_signal_may_not_connect_links_and_monitors_end_with_noconnection() {
    let b = off("b").start().await.unwrap();
    let a = off("a")
        .auto_connect(AutoConnect::Never)
        .route(name_of(&b), route_to(&b))
        .start()
        .await
        .unwrap();
    let there = Pid {
        node: b.name(),
        id: 1,
        serial: 0,
        creation: b.creation(),
    };
    run(&a, async move |mut cx| {
        cx.trap_exit(true);
        let reference = cx.monitor(there);
        let no_connection = ExitReason::NoConnection;
        assert_eq!(
            cx.receive().await,
            Info::Down {
                reference,
                from: there.into(),
                reason: no_connection.clone()
            }
        );
        cx.link(there);
        assert_eq!(
            cx.receive().await,
            Info::Exit {
                from: there,
                reason: no_connection
            }
        );
        // Dropped, as in Erlang.
        assert!(cx.send(there, &1).await.is_ok());
    })
    .await;
    assert!(a.connections().is_empty());
    assert!(!a.ping(&name_of(&b)).await);
    a.connect(&name_of(&b)).await.unwrap();
    assert!(a.ping(&name_of(&b)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_node_is_there_again_after_each_loss_until_it_is_let_go() {
    let port = free_port();
    let (first, cap) = (Duration::from_millis(10), Duration::from_millis(50));
    let a = on("a", port)
        .keep_connected("b@127.0.0.1")
        .back_off(BackOff::new(first, cap))
        .start()
        .await
        .unwrap();
    until("attempts fail", || a.kept_peers()[0].failures >= 2).await;
    let b = on("b", port).start().await.unwrap();
    for _ in 0..3 {
        until("it is kept", || a.kept_peers()[0].connected).await;
        a.disconnect("b@127.0.0.1");
    }
    until("it is kept", || a.kept_peers()[0].connected).await;
    assert_eq!(a.keep_connected("b@127.0.0.1"), Ok(false));
    assert!(a.keep_connected("nonsense").is_err());
    assert!(a.let_go("b@127.0.0.1") && !a.let_go("b@127.0.0.1"));
    a.disconnect("b@127.0.0.1");
    until("it is gone", || b.hidden_nodes().is_empty()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(b.hidden_nodes().is_empty() && a.kept_peers().is_empty());
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_is_a_resolver_and_a_discovery() {
    let b = off("b").start().await.unwrap();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, b.port()));
    let table = StaticTable::new()
        .with(name_of(&b), address)
        .with("a@127.0.0.1", address);
    let a = off("a")
        .resolver(table.clone())
        .discover(table, Duration::from_millis(50))
        .start()
        .await
        .unwrap();
    until("it is found", || a.hidden_nodes() == [b.name()]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_of_an_epmd_are_found_by_asking_it() {
    let port = free_port();
    let b = on("b", port).start().await.unwrap();
    let hosts = EpmdHosts::new(["127.0.0.1"]).port(port);
    let a = on("a", port)
        .discover(hosts, Duration::from_millis(50))
        .start()
        .await
        .unwrap();
    until("it is found", || a.hidden_nodes() == [b.name()]).await;
}

/// OTP 25, 27 and 29 do not: what they leave behind at the peer lasts until the connection or the monitored process ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_of_a_name_is_taken_back_also_while_its_connection_is_being_set_up() {
    let b = off("b").start().await.unwrap();
    // Whoever connects here waits for a word.
    let silent = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
    let silent = silent.unwrap();
    let route = Route::to("127.0.0.1", silent.local_addr().unwrap().port());
    let a = off("a").route(name_of(&b), route).start().await.unwrap();
    let idle = async |mut cx: ProcessCx| drop(cx.receive().await);
    let watched = b.spawn_fn(idle).unwrap();
    b.register("watched", watched).unwrap();
    let name = Dest::from((Atom::new("watched").unwrap(), b.name()));
    run(&a, async move |cx| {
        let reference = cx.monitor(name);
        assert!(cx.demonitor(reference));
        // Its end takes this one back.
        cx.monitor(name);
    })
    .await;
    let keeps = a.spawn_fn(async move |mut cx| {
        cx.monitor(name);
        drop(cx.receive().await);
    });
    let keeps = keeps.unwrap();

    let (mut dialled, _) = silent.accept().await.unwrap();
    assert!(a.nodes().is_empty());
    let to = tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, b.port())).await;
    let mut to = to.unwrap();
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut dialled, &mut to).await });
    let end = Instant::now() + plain::SOON;
    loop {
        let watchers = b.process_info(watched).await.unwrap().monitored_by;
        if watchers == [keeps] {
            break;
        }
        assert!(Instant::now() < end, "{watchers:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_of_a_name_from_elsewhere_is_taken_back_where_it_was_made() {
    let b = off("b").start().await.unwrap();
    let a = off("a").route(name_of(&b), route_to(&b));
    let a = a.start().await.unwrap();
    let idle = async |mut cx: ProcessCx| drop(cx.receive().await);
    let [first, second, third] = [(); 3].map(|()| b.spawn_fn(idle).unwrap());
    let watchers = async |pid| b.process_info(pid).await.unwrap().monitored_by;
    let name = Dest::from((Atom::new("moves").unwrap(), b.name()));
    let (go, gone) = oneshot::channel();
    b.register("moves", first).unwrap();
    let watcher = a.spawn_fn(async move |mut cx| {
        let reference = cx.monitor(name);
        gone.await.unwrap();
        assert!(cx.demonitor(reference));
        cx.monitor(name);
        drop(cx.receive().await);
    });
    let watcher = watcher.unwrap();
    let end = Instant::now() + plain::SOON;
    while watchers(first).await != [watcher] {
        assert!(Instant::now() < end, "it is not monitored");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for next in [second, third] {
        b.unregister("moves").unwrap();
        b.register("moves", next).unwrap();
    }
    go.send(()).unwrap();
    // What was said before this has been heard by then.
    while watchers(third).await != [watcher] {
        assert!(
            Instant::now() < end,
            "the one that has the name is not monitored"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(watchers(first).await.is_empty());
    assert!(watchers(second).await.is_empty());
    a.stop().await;
    b.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_reached_at_each_address_that_it_listens_on() {
    let b = off("b")
        .listen_on(Ipv4Addr::LOCALHOST.into())
        .listen_on(Ipv6Addr::LOCALHOST.into())
        .listen_on(Ipv6Addr::LOCALHOST.into())
        .listen_at((Ipv4Addr::from([127, 0, 0, 4]), 0))
        .start()
        .await
        .unwrap();
    let listens_on = b.listens_on();
    assert_eq!(listens_on.len(), 3, "{listens_on:?}");
    assert_eq!(
        (listens_on[0].port(), listens_on[1].port()),
        (b.port(), b.port())
    );
    for address in listens_on {
        let a = off("a").start().await.unwrap();
        let route = Route::to(address.ip().to_string(), address.port());
        a.add_route(&name_of(&b), route).unwrap();
        assert!(a.ping(&name_of(&b)).await, "{address}");
        assert_eq!(
            a.connection_info(&name_of(&b)).unwrap().address,
            Some(address)
        );
        a.stop().await;
    }
}

/// A node that has its name from `b`.
async fn named_by(b: &Node) -> Node {
    Node::builder("undefined@127.0.0.1")
        .cookie("links")
        .route(name_of(b), route_to(b))
        .named_by(name_of(b))
        .start()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_name_gets_one_and_its_processes_live_under_it_and_the_next() {
    let b = off("b").start().await.unwrap();
    let n = named_by(&b).await;
    let name = name_of(&n);
    assert!(
        name.ends_with("@127.0.0.1") && !name.starts_with("undefined"),
        "{name}"
    );
    assert!(b.ping(&name).await && n.ping(&name_of(&b)).await);
    assert_eq!((n.port(), n.listens_on()), (0, vec![]));
    let pid = run(&n, async |cx| cx.pid()).await;
    assert_eq!((pid.node, pid.creation), (n.name(), n.creation()));
    assert_eq!(b.connection_info(&name).unwrap().creation, n.creation());
    b.stop().await;
    until("the name is lost", || n.hidden_nodes().is_empty()).await;
    assert_eq!(n.known_as(), None);
    // It lives on, gets another name from the next node, and its processes are found by it under their old pids.
    let c = off("c").start().await.unwrap();
    n.add_route(&name_of(&c), route_to(&c)).unwrap();
    let (told, tells) = oneshot::channel();
    let waiting = n
        .spawn_fn(async move |mut cx| {
            let _ = told.send(cx.receive().await);
        })
        .unwrap();
    let silent = c.name();
    let lost = run(&n, async move |mut cx| {
        cx.monitor(Dest::Remote {
            name: Atom::from_static("nobody"),
            node: silent,
        });
        cx.receive().await
    });
    assert!(
        matches!(lost.await, Info::Down { reason, .. } if reason == ExitReason::NoConnection),
        "no signal connects it"
    );
    n.connect(&name_of(&c)).await.unwrap();
    let known_as = n.known_as().unwrap();
    assert_ne!(known_as, n.name());
    assert!(n.ping(&name_of(&c)).await && c.ping(known_as.as_str()).await);
    let peer = c.clone();
    let sent = run(&n, async move |mut cx| {
        // A process there gets the pid of the one that waits here, and sends to it.
        let echo = peer
            .spawn_fn(async move |mut cx| {
                let Info::Term(term) = cx.receive().await else {
                    panic!("a message")
                };
                let pid = term.as_pid().expect("a pid");
                assert_eq!(pid.node, known_as);
                assert!(cx.send(pid, &pid).await.is_ok());
                cx.receive().await;
            })
            .unwrap();
        cx.link(echo);
        cx.trap_exit(true);
        assert!(cx.send(echo, &waiting).await.is_ok());
        let got = tells.await.unwrap();
        cx.exit(echo, ExitReason::Shutdown);
        let exit = cx.receive().await;
        assert_eq!(
            exit,
            Info::Exit {
                from: echo,
                reason: ExitReason::Shutdown
            }
        );
        got
    })
    .await;
    assert_eq!(sent, Info::Term(Term::from(waiting)));
    n.stop().await;
}

/// What a peer calls this node is this node, for whoever is inside: a `{Name, Node}` that the peer sends can be used.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_name_that_others_use_a_node_finds_itself() {
    let b = off("b").start().await.unwrap();
    let n = named_by(&b).await;
    b.stop().await;
    until("the name is lost", || n.known_as().is_none()).await;
    let c = off("c").start().await.unwrap();
    n.add_route(&name_of(&c), route_to(&c)).unwrap();
    n.connect(&name_of(&c)).await.unwrap();
    let known_as = n.known_as().unwrap();
    assert_ne!(known_as, n.name());
    n.expose("demo", "add", async |a: i64, b: i64| a + b)
        .unwrap();
    let there = move |name| Dest::Remote {
        name: Atom::from_static(name),
        node: known_as,
    };
    run(&n, async move |mut cx| {
        let node = cx.node().clone();
        node.register("inbox", cx.pid()).unwrap();
        assert!(node.is_alive(there("inbox")) && !node.is_alive(there("nobody")));
        assert!(cx.send(there("inbox"), &1).await.is_ok());
        assert_eq!(cx.receive().await, plain::term(1));
        cx.monitor(there("nobody"));
        assert!(
            matches!(cx.receive().await, Info::Down { reason, .. } if reason == ExitReason::NoProc)
        );
        assert!(node.ping(known_as.as_str()).await);
        let sum = node.erpc::<i64>(known_as, ("demo", "add"), (1, 2)).await;
        assert_eq!(sum.unwrap(), 3);
        let spawned = node.spawn_on(known_as, ("demo", "add"), (1, 2)).monitor();
        assert_eq!(spawned.await.unwrap().pid.node, node.name());
        assert!(matches!(cx.receive().await, Info::Down { .. }));
    })
    .await;
    // And it says so itself, to whom knows it by no other name.
    run(&c, async move |mut cx| {
        let request = (cx.pid(), Atom::from_static("features_request"));
        assert!(cx.send(there("rex"), &request).await.is_ok());
        let Info::Term(reply) = cx.receive().await else {
            panic!("an answer")
        };
        assert_eq!(reply.as_tuple().unwrap()[1], Term::from(known_as));
    })
    .await;
    n.stop().await;
    c.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_started() {
    let refused = async |builder: NodeBuilder| builder.start().await.map(|_| ()).unwrap_err();
    let nameless = Node::builder("undefined@127.0.0.1").cookie("links");
    assert!(matches!(refused(nameless).await, NodeError::Undefined));
    let named_twice = off("a").named_by("b@127.0.0.1");
    assert!(matches!(refused(named_twice).await, NodeError::Undefined));
    assert!(matches!(
        refused(off("a").keep_connected("b")).await,
        NodeError::Name(_)
    ));
    let route = off("a").route("b", Route::to("127.0.0.1", 1));
    assert!(matches!(refused(route).await, NodeError::Name(_)));
    let empty = off("a").route("b@h", Route::to("127.0.0.1", 1).cookie(""));
    assert!(matches!(refused(empty).await, NodeError::Cookie(_)));
    let a = off("a").start().await.unwrap();
    assert!(a.add_route("b@h", Route::to("h", 1).cookie("")).is_err());
    assert!(!a.remove_route("b@h"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connections_figures_can_be_read_from_outside() {
    let b = off("b").start().await.unwrap();
    let a = off("a")
        .route(name_of(&b), route_to(&b))
        .start()
        .await
        .unwrap();
    for n in 0..50 {
        let nobody = (Atom::from_static("nobody"), b.name());
        assert!(a.send(nobody, &n).await.is_ok());
    }
    until("all arrived", || {
        b.connection_info("a@127.0.0.1")
            .is_some_and(|c| c.received.messages >= 50)
    })
    .await;
    let out = a.connections().remove(0);
    assert_eq!(
        (out.node, out.dialled, out.queued_bytes),
        (b.name(), true, 0)
    );
    assert!(out.sent.messages >= 50 && out.sent.bytes > 500 && out.sent.atom_hits > 50);
    assert!(b.handshakes().accepted == 1 && a.handshakes().accepted == 0);
    let alone = Node::builder("c@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap();
    assert!(alone.connections().is_empty() && alone.listens_on().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_of_an_earlier_incarnation_is_noproc_and_a_message_to_it_nobodys() {
    let b = off("b").start().await.unwrap();
    let a = off("a")
        .route(name_of(&b), route_to(&b))
        .start()
        .await
        .unwrap();
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let alive = b
        .spawn_fn(async move |mut cx| {
            loop {
                let _ = heard.send(cx.receive().await);
            }
        })
        .unwrap();
    let stale = Pid {
        creation: alive.creation.wrapping_add(1),
        ..alive
    };
    run(&a, async move |mut cx| {
        assert!(cx.send(stale, &1).await.is_ok());
        let reference = cx.monitor(stale);
        let down = cx.receive().await;
        assert_eq!(
            down,
            Info::Down {
                reference,
                from: stale.into(),
                reason: ExitReason::NoProc
            }
        );
        assert!(cx.send(alive, &2).await.is_ok());
    })
    .await;
    assert_eq!(hears.recv().await, Some(plain::term(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_peer_holds_its_senders_and_nobody_else() {
    const BUSY: usize = 200_000;
    const SIZE: usize = 10_000;
    const SENDERS: usize = 8;
    let b = off("b").start().await.unwrap();
    let a = off("a")
        .send_marks(BUSY, 64 << 20)
        .route(name_of(&b), route_to(&b))
        .start()
        .await
        .unwrap();
    // A peer that has shaken hands and reads no more.
    let mut stalled = bare::connect(a.port(), "a@127.0.0.1", "stalled@127.0.0.1", "links").await;
    until("it is up", || {
        a.connection_info("stalled@127.0.0.1").is_some()
    })
    .await;
    let (sent, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let sink = (
        Atom::from_static("sink"),
        Atom::from_static("stalled@127.0.0.1"),
    );
    for _ in 0..SENDERS {
        let (sent, refused) = (Arc::clone(&sent), Arc::clone(&refused));
        a.spawn_fn(async move |cx| {
            let blob = Binary::from(vec![1; SIZE]);
            loop {
                // Not waited for: that the process is held at its next await is what is asked about.
                let to_sink = cx.send(sink, &blob);
                sent.fetch_add(1, Relaxed);
                refused.fetch_add(u64::from(to_sink.result().is_err()), Relaxed);
                tokio::task::yield_now().await;
            }
        })
        .unwrap();
    }
    let held = || a.connection_info("stalled@127.0.0.1").unwrap();
    until("its senders are held", || held().queued_bytes >= BUSY).await;
    // Everybody else goes on: 2,000 round trips of another process over another connection.
    let echo = b
        .spawn_fn(async |mut cx| {
            loop {
                if let Info::Term(term) = cx.receive().await {
                    let [from, n] = term.as_tuple().unwrap() else {
                        panic!("{term}")
                    };
                    cx.send(from.as_pid().unwrap(), n);
                }
            }
        })
        .unwrap();
    run(&a, async move |mut cx| {
        for n in 0..2_000i64 {
            cx.send(echo, &(cx.pid(), n));
            assert_eq!(cx.receive().await, plain::term(n));
        }
    })
    .await;
    let most = BUSY + SENDERS * (SIZE + 200);
    assert!(
        held().queued_bytes <= most,
        "{} of at most {most}",
        held().queued_bytes
    );
    assert_eq!((refused.load(Relaxed), held().refused_sends), (0, 0));
    let before = sent.load(Relaxed);
    assert!(
        before < 5_000,
        "{before} messages of 10 kB for one that does not read"
    );
    // It reads again, and they go on.
    let reading = tokio::spawn(async move { bare::read_all(&mut stalled).await });
    until("they go on", || sent.load(Relaxed) > before + 1_000).await;
    a.stop().await;
    reading.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_that_is_no_term_costs_the_connection_that_it_came_by_and_no_other() {
    let b = off("b").start().await.unwrap();
    let a = off("a")
        .route(name_of(&b), route_to(&b))
        .start()
        .await
        .unwrap();
    a.connect(&name_of(&b)).await.unwrap();
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let sink = a
        .spawn_fn(async move |mut cx| {
            loop {
                let _ = heard.send(cx.receive().await);
            }
        })
        .unwrap();
    let mut rogue = bare::connect(a.port(), "a@127.0.0.1", "rogue@127.0.0.1", "links").await;
    bare::send(&mut rogue, "rogue@127.0.0.1", sink, &[97, 1]).await;
    assert_eq!(hears.recv().await, Some(plain::term(1)));
    // A tag that there is not.
    bare::send(&mut rogue, "rogue@127.0.0.1", sink, &[255]).await;
    bare::read_all(&mut rogue).await;
    until("it is gone", || {
        a.connection_info("rogue@127.0.0.1").is_none()
    })
    .await;
    b.send(sink, &2).await.unwrap();
    assert_eq!(hears.recv().await, Some(plain::term(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_leads_to_a_node_that_cannot_be_reached_ends_with_noconnection() {
    let a = off("a").start().await.unwrap();
    let there = Pid {
        node: Atom::from_static("nobody@127.0.0.1"),
        id: 1,
        serial: 0,
        creation: 1,
    };
    run(&a, async move |mut cx| {
        cx.trap_exit(true);
        let reference = cx.monitor(there);
        let down = Info::Down {
            reference,
            from: there.into(),
            reason: ExitReason::NoConnection,
        };
        assert_eq!(cx.receive().await, down);
        cx.link(there);
        let exit = Info::Exit {
            from: there,
            reason: ExitReason::NoConnection,
        };
        assert_eq!(cx.receive().await, exit);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_watch_nodes_hear_of_visible_ones_only() {
    let watcher = off("a").visible().start().await.unwrap();
    let hidden = off("h").start().await.unwrap();
    let visible = off("v").visible().start().await.unwrap();
    for node in [&hidden, &visible] {
        watcher.add_route(&name_of(node), route_to(node)).unwrap();
    }
    let (h, v) = (name_of(&hidden), name_of(&visible));
    run(&watcher, async move |mut cx| {
        cx.monitor_nodes(true);
        let node = cx.node().clone();
        for name in [&h, &v] {
            node.connect(name).await.unwrap();
        }
        let up = cx.receive().await;
        assert_eq!(up, Info::NodeUp(Atom::new(&v).unwrap()));
        for name in [&h, &v] {
            assert!(node.disconnect(name));
        }
        let down = cx.receive().await;
        assert_eq!(down, Info::NodeDown(Atom::new(&v).unwrap()));
    })
    .await;
}
