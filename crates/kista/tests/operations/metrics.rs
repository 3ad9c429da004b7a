use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kista::metrics::METRICS;
use kista::{Atom, ConnectionInfo, EpmdMode, Node, Pid, Term};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use crate::port::free_port;

/// What one recorder was told so far: name and labels other than the node's, and the value.
type Told = BTreeMap<String, f64>;

struct Ear {
    recorder: DebuggingRecorder,
    told: Told,
}

impl Ear {
    fn new() -> Self {
        Self {
            recorder: DebuggingRecorder::new(),
            told: Told::new(),
        }
    }

    /// Has the node publish; a snapshot of that recorder takes the counters' growth.
    fn hear(&mut self, node: &Node) -> &Told {
        metrics::with_local_recorder(&self.recorder, || node.publish_metrics());
        for (key, unit, about, value) in self.recorder.snapshotter().snapshot().into_vec() {
            let key = key.key();
            let labels: BTreeMap<_, _> = key.labels().map(|l| (l.key(), l.value())).collect();
            assert_eq!(labels.get("node"), Some(&node.name().as_str()), "{key}");
            let known = METRICS.iter().find(|metric| metric.name == key.name());
            let known = known.unwrap_or_else(|| panic!("{} is not documented", key.name()));
            assert_eq!(
                (unit, about.as_deref()),
                (Some(known.unit), Some(known.about))
            );
            assert_eq!(
                labels.keys().copied().collect::<BTreeSet<_>>(),
                known.labels.iter().copied().collect(),
                "{key}"
            );
            let mut id = key.name().to_owned();
            for (label, value) in labels.iter().filter(|(label, _)| **label != "node") {
                id.push_str(&format!(" {label}={value}"));
            }
            match value {
                DebugValue::Counter(grown) => {
                    assert!(known.counter, "{id}");
                    *self.told.entry(id).or_default() += grown as f64;
                }
                DebugValue::Gauge(now) => {
                    assert!(!known.counter, "{id}");
                    self.told.insert(id, now.into_inner());
                }
                DebugValue::Histogram(_) => panic!("{id} is a histogram"),
            }
        }
        &self.told
    }

    /// Counters of one connection as the node itself tells them, and as the recorder was told, when nothing passed meanwhile.
    async fn agree(&mut self, node: &Node, peer: &str) -> ConnectionInfo {
        let agreed = async {
            loop {
                let before = node.connection_info(peer).expect("it is up");
                self.hear(node);
                let after = node.connection_info(peer).expect("it is up");
                if (before.sent, before.received) == (after.sent, after.received) {
                    return after;
                }
            }
        };
        let agreed = tokio::time::timeout(Duration::from_secs(30), agreed).await;
        agreed.expect("it does not come to rest")
    }

    fn of(&self, id: &str) -> f64 {
        let told = self.told.get(id);
        *told.unwrap_or_else(|| panic!("{id} was not told: {:#?}", self.told))
    }
}

async fn node(name: &str, epmd: EpmdMode, epmd_port: u16) -> Node {
    Node::builder(format!("{name}@127.0.0.1"))
        .cookie("metrics")
        .epmd(epmd)
        .epmd_port(epmd_port)
        .queue_alarm(5)
        .start()
        .await
        .unwrap()
}

/// A process that answers `{From, N}` with N.
fn echo(node: &Node) -> Pid {
    let echo = node.spawn_fn(async |mut cx: kista::ProcessCx| {
        loop {
            if let kista::Info::Term(term) = cx.receive().await
                && let Some([to, n]) = term.as_tuple()
            {
                cx.send(to.as_pid().unwrap(), n);
            }
        }
    });
    echo.unwrap()
}

/// So many messages of this size there, and when it returns all have arrived.
async fn send(from: &Node, to: Pid, count: usize, size: usize) {
    let (done, ended) = tokio::sync::oneshot::channel();
    from.spawn_fn(async move |mut cx: kista::ProcessCx| {
        let payload = Term::from(&vec![7_u8; size][..]);
        for _ in 0..count {
            let _ = cx
                .send(to, &(Atom::from_static("ignored_by_echo"), &payload, 0))
                .await;
        }
        let _ = cx.send(to, &(cx.pid(), 0)).await;
        cx.receive().await;
        done.send(()).unwrap();
    })
    .unwrap();
    ended.await.unwrap();
}

#[tokio::test]
async fn every_documented_name_is_told_and_the_numbers_are_right() {
    let port = free_port();
    let (a, b) = (
        node("a", EpmdMode::Embedded, port).await,
        node("b", EpmdMode::Running, port).await,
    );
    let (peer, echo) = ("b@127.0.0.1", echo(&b));
    let mut ear = Ear::new();
    send(&a, echo, 100, 10).await;
    send(&a, echo, 1, 300 << 10).await;
    let info = ear.agree(&a, peer).await;
    assert!(
        info.sent.messages >= 103 && info.sent.fragments >= 5,
        "{info:?}"
    );
    assert!(
        info.sent.atom_hits > 100 && info.sent.atom_misses > 0,
        "{info:?}"
    );
    for (direction, counted) in [("sent", info.sent), ("received", info.received)] {
        for (name, counted) in [
            ("bytes", counted.bytes),
            ("messages", counted.messages),
            ("fragments", counted.fragments),
            ("ticks", counted.ticks),
            ("atom_hits", counted.atom_hits),
            ("atom_misses", counted.atom_misses),
        ] {
            let id = format!("kista_connection_{name}_total direction={direction} peer={peer}");
            assert_eq!(ear.of(&id), counted as f64, "{id}");
        }
    }
    let of_peer = |name: &str| ear.of(&format!("kista_connection_{name} peer={peer}"));
    assert!(of_peer("up_seconds") > 0.0);
    assert_eq!(of_peer("queued_bytes"), 0.0);
    assert_eq!(of_peer("undecoded_bytes"), 0.0);
    assert_eq!(of_peer("held_sends_total"), info.held_sends as f64);
    assert_eq!(of_peer("refused_sends_total"), 0.0);
    assert_eq!(ear.of("kista_nodes type=hidden"), 1.0);
    assert_eq!(ear.of("kista_nodes type=visible"), 0.0);
    // All that is documented was told, and so with these labels, as `hear` has seen.
    let told: BTreeSet<_> = ear
        .told
        .keys()
        .filter_map(|id| id.split(' ').next())
        .collect();
    let documented: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
    assert_eq!(told, documented);

    // The other side counts the same, the other way round, and whom it let in.
    let mut other = Ear::new();
    let theirs = other.agree(&b, "a@127.0.0.1").await;
    assert_eq!(theirs.received.messages, info.sent.messages);
    assert_eq!(other.of("kista_handshakes_total result=accepted"), 1.0);
    assert_eq!(ear.of("kista_handshakes_total result=accepted"), 0.0);
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn what_passed_by_connections_that_ended_stays_counted() {
    let port = free_port();
    let (a, b) = (
        node("a", EpmdMode::Embedded, port).await,
        node("b", EpmdMode::Running, port).await,
    );
    let (peer, echo) = ("b@127.0.0.1", echo(&b));
    let sent = format!("kista_connection_messages_total direction=sent peer={peer}");
    let received = format!("kista_connection_messages_total direction=received peer={peer}");
    let up = format!("kista_connection_up_seconds peer={peer}");
    let mut ear = Ear::new();
    ear.hear(&a);
    let mut total = (0, 0);
    for round in 0..3 {
        let mut events = a.events();
        a.connect(peer).await.unwrap();
        if round > 0 {
            ear.hear(&a);
        }
        // Untold until after the end.
        send(&a, echo, 50, 10).await;
        let last = a.connection_info(peer).unwrap();
        total.0 += last.sent.messages;
        total.1 += last.received.messages;
        a.disconnect(peer);
        while !matches!(events.next().await, Some(kista::NodeEvent::Down { .. })) {}
        ear.hear(&a);
        assert_eq!(ear.of(&sent), total.0 as f64);
        assert_eq!(ear.of(&received), total.1 as f64);
        if let Some(up) = ear.told.get(&up) {
            assert_eq!(*up, 0.0);
        }
    }
    assert!(total.0 >= 150, "{total:?}");
    assert!(ear.told.contains_key(&up));
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn processes_names_queues_and_alarms_are_counted() {
    let node = node("queues", EpmdMode::Embedded, free_port()).await;
    let mut ear = Ear::new();
    ear.hear(&node);
    let (processes, names) = (ear.of("kista_processes"), ear.of("kista_registered_names"));
    assert_eq!(processes, node.processes().len() as f64);
    assert_eq!(ear.of("kista_unread_messages"), 0.0);
    assert_eq!(ear.of("kista_queue_alarms_total"), 0.0);
    let (wake, asleep) = tokio::sync::watch::channel(false);
    let deaf = || {
        let mut asleep = asleep.clone();
        let deaf = node.spawn_fn(async move |mut cx: kista::ProcessCx| {
            let _ = asleep.wait_for(|awake| *awake).await;
            loop {
                cx.receive().await;
            }
        });
        deaf.unwrap()
    };
    let (first, second) = (deaf(), deaf());
    node.register("deaf", first).unwrap();
    for n in 0..7 {
        node.send(first, &n);
    }
    node.send(second, &0);
    ear.hear(&node);
    assert_eq!(ear.of("kista_processes"), processes + 2.0);
    assert_eq!(ear.of("kista_registered_names"), names + 1.0);
    assert_eq!(ear.of("kista_unread_messages"), 8.0);
    assert_eq!(ear.of("kista_longest_queue_messages"), 7.0);
    wake.send(true).unwrap();
    let read = async {
        while *ear.hear(&node).get("kista_unread_messages").unwrap() > 0.0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let read = tokio::time::timeout(Duration::from_secs(30), read).await;
    read.expect("all are read in the end");
    assert_eq!(
        ear.of("kista_queue_alarms_total"),
        node.queue_alarms() as f64
    );
    node.stop().await;
}

#[test]
fn the_page_tells_all_of_them() {
    let page = include_str!("../../../../docs/operations.md");
    for metric in METRICS {
        let kind = match metric.counter {
            true => "counter",
            false => "gauge",
        };
        let labels: Vec<_> = metric
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let row = format!(
            "| `{}` | {kind} | {} | {} | {} |",
            metric.name,
            metric.unit.as_str(),
            labels.join(", "),
            metric.about
        );
        assert!(page.contains(&row), "docs/operations.md has no row\n{row}");
    }
}

#[cfg(feature = "prometheus")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_publishes_by_itself_and_prometheus_reads_it() {
    use crate::http::get;
    use kista::health::Http;
    let shown = Node::builder("shown@127.0.0.1")
        .no_network()
        .http(Http::new(0).metrics());
    let shown = shown.start().await.unwrap();
    let address = shown.http_address().unwrap();
    let answer = get(address, "/metrics").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.contains("# TYPE kista_processes gauge\n"),
        "{answer}"
    );
    assert!(
        answer.contains("kista_processes{node=\"shown@127.0.0.1\"} 0\n"),
        "{answer}"
    );
    let answer = get(address, "/nothing").await;
    assert!(
        answer.ends_with("there are /healthz, /readyz and /metrics\n"),
        "{answer}"
    );
    // Nobody asks that one; the recorder is the program's.
    let other = Node::builder("other@127.0.0.1")
        .no_network()
        .metrics(Duration::from_millis(10));
    let other = other.start().await.unwrap();
    let told = async {
        while !get(address, "/metrics")
            .await
            .contains("node=\"other@127.0.0.1\"")
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(30), told).await;
    told.expect("it does not publish by itself");
    other.stop().await;
    shown.stop().await;
}
