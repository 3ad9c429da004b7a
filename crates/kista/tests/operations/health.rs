use std::sync::mpsc;
use std::time::Duration;

use kista::application::{Application, StartType};
use kista::health::{CheckError, Health, MOST_CHECKS, Probe};
use kista::supervisor::Supervisor;
use kista::{EpmdMode, Node};

use crate::port::free_port;

pub(crate) async fn alone(name: &str) -> Node {
    let node = Node::builder(format!("{name}@127.0.0.1")).no_network();
    node.start().await.unwrap()
}

async fn networked(name: &str, epmd: EpmdMode, epmd_port: u16) -> Node {
    Node::builder(format!("{name}@127.0.0.1"))
        .cookie("health")
        .epmd(epmd)
        .epmd_port(epmd_port)
        .start()
        .await
        .unwrap()
}

fn names(health: &Health) -> Vec<&str> {
    health.checks().iter().map(|c| c.name.as_str()).collect()
}

fn failures(health: &Health) -> Vec<String> {
    let failed = health.checks().iter().filter(|c| c.failure.is_some());
    failed.map(ToString::to_string).collect()
}

/// Asks again until it is so.
async fn until(node: &Node, wanted: impl Fn(&Health) -> bool) -> Health {
    let asked = async {
        loop {
            let health = node.health().await;
            if wanted(&health) {
                return health;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let asked = tokio::time::timeout(Duration::from_secs(30), asked).await;
    asked.expect("it does not come to that")
}

#[tokio::test]
async fn a_node_that_runs_is_live_and_ready() {
    let node = alone("fit").await;
    let health = node.health().await;
    assert_eq!(names(&health), ["runtime", "node", "applications"]);
    assert!(health.is_live() && health.is_ready(), "{health}");
    node.stop().await;
    let node = networked("fit", EpmdMode::Embedded, free_port()).await;
    let health = until(&node, Health::is_ready).await;
    assert_eq!(
        names(&health),
        [
            "runtime",
            "processes",
            "listener",
            "epmd",
            "ticks",
            "node",
            "applications"
        ]
    );
    assert!(health.is_live(), "{health}");
    node.stop().await;
}

#[tokio::test]
async fn a_check_that_fails_hangs_or_panics_harms_nobody_but_the_answer() {
    let node = alone("checked").await;
    node.add_check(Probe::Ready, "fails", async || Err("no database"))
        .unwrap();
    node.add_check(Probe::Ready, "holds", async || Ok::<_, String>(()))
        .unwrap();
    let health = node.health().await;
    assert!(health.is_live() && !health.is_ready());
    assert_eq!(failures(&health), ["fails: failed: no database"]);
    node.add_check(
        Probe::Ready,
        "hangs",
        std::future::pending::<Result<(), String>>,
    )
    .unwrap();
    node.add_check(Probe::Live, "panics", async || -> Result<(), String> {
        panic!("in a check")
    })
    .unwrap();
    let health = node.health().await;
    assert!(!health.is_live() && !health.is_ready());
    assert_eq!(
        failures(&health),
        [
            "fails: failed: no database",
            "hangs: failed: it took more than 1s",
            "panics: failed: the check did not come to its end",
        ]
    );
    for name in ["fails", "hangs", "panics"] {
        assert!(node.remove_check(name));
    }
    assert!(!node.remove_check("fails"));
    assert!(node.health().await.is_ready());
    node.stop().await;
}

#[tokio::test]
async fn a_name_is_one_checks_and_there_are_so_many() {
    let node = alone("many").await;
    let add = |n: usize| node.add_check(Probe::Ready, n.to_string(), async || Ok::<_, String>(()));
    for n in 0..MOST_CHECKS {
        add(n).unwrap();
    }
    assert_eq!(add(0), Err(CheckError::Taken("0".to_owned())));
    assert_eq!(add(MOST_CHECKS), Err(CheckError::TooMany));
    assert!(node.remove_check("0"));
    add(MOST_CHECKS).unwrap();
    assert_eq!(node.health().await.checks().len(), 3 + MOST_CHECKS);
    node.stop().await;
}

#[tokio::test]
async fn what_a_check_says_reaches_no_terminal_as_it_is() {
    let node = alone("escaped").await;
    node.add_check(Probe::Ready, "a\u{1b}[2J", async || Err("b\nruntime: ok"))
        .unwrap();
    let text = node.health().await.to_string();
    assert!(
        text.ends_with("\na\\u{1b}[2J: failed: b\\nruntime: ok\n"),
        "{text}"
    );
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_epmd_has_lost_is_found_out() {
    let port = free_port();
    let host = networked("host", EpmdMode::Embedded, port).await;
    let node = networked("guest", EpmdMode::Running, port).await;
    until(&node, Health::is_live).await;
    host.stop().await;
    let health = until(&node, |health| !health.is_live()).await;
    assert!(!health.is_ready());
    assert_eq!(
        failures(&health),
        ["epmd: failed: not registered: EPMD is gone, and tried again"]
    );
    let host = networked("host", EpmdMode::Embedded, port).await;
    until(&node, Health::is_ready).await;
    node.stop().await;
    host.stop().await;
}

#[tokio::test]
async fn a_node_without_epmd_needs_none() {
    let node = Node::builder("off@127.0.0.1")
        .cookie("health")
        .epmd(EpmdMode::Off)
        .port(free_port());
    let node = node.start().await.unwrap();
    until(&node, Health::is_ready).await;
    node.stop().await;
}

#[tokio::test]
async fn an_application_that_has_ended_is_named() {
    let application = Application::new("shop").start("shop_sup", |_cx| Supervisor::one_for_one());
    let node = Node::builder("shop@127.0.0.1")
        .no_network()
        .boot(application, StartType::Temporary);
    let node = node.start().await.unwrap();
    assert!(node.health().await.is_ready());
    node.applications().stop("shop").await.unwrap();
    let health = node.health().await;
    assert!(health.is_live() && !health.is_ready());
    assert_eq!(
        failures(&health),
        ["applications: failed: not running: shop"]
    );
    node.applications().start("shop").await.unwrap();
    assert!(node.health().await.is_ready());
    node.stop().await;
}

#[tokio::test]
async fn a_node_that_stops_lives_but_is_not_ready() {
    let (go_on, mut may_go_on) = tokio::sync::mpsc::channel::<()>(1);
    let application = Application::new("slow").start("slow_sup", |_cx| Supervisor::one_for_one());
    let node = Node::builder("slow@127.0.0.1")
        .cookie("health")
        .epmd(EpmdMode::Embedded)
        .epmd_port(free_port())
        .boot(application, StartType::Temporary)
        .start()
        .await
        .unwrap();
    // Trapped, the node's wish is a message that it may leave unread for a while.
    node.spawn_fn(async move |cx: kista::ProcessCx| {
        cx.trap_exit(true);
        may_go_on.recv().await;
    })
    .unwrap();
    until(&node, Health::is_ready).await;
    let stop = tokio::spawn({
        let node = node.clone();
        async move { node.stop().await }
    });
    let health = until(&node, |health| !health.is_ready()).await;
    assert!(health.is_live(), "{health}");
    assert!(
        failures(&health).contains(&"node: failed: it stops".to_owned()),
        "{health}"
    );
    drop(go_on);
    stop.await.unwrap();
    assert!(node.health().await.is_live());
}

#[tokio::test]
async fn a_runtime_that_stands_still_is_found_out_by_another() {
    let (started, node) = tokio::sync::oneshot::channel();
    let (wake, asleep) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let node = alone("still").await;
            started.send(node.clone()).unwrap();
            // Nothing else of this runtime runs meanwhile.
            let _ = asleep.recv();
            node.stopped().await
        })
    });
    let node = node.await.unwrap();
    let health = node.health().await;
    assert!(!health.is_live() && !health.is_ready());
    assert!(
        failures(&health)
            .contains(&"runtime: failed: the check did not come to its end".to_owned()),
        "{health}"
    );
    wake.send(()).unwrap();
    until(&node, Health::is_ready).await;
    node.stop().await;
    thread.join().unwrap();
}
