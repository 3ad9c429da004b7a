//! The processes of several nodes in one OS process run each in their own runtime, as themselves.

use std::thread;
use std::time::Duration;

use kista::{Atom, CallError, Cx, ExitReason, Node, Pid, ServerRef, gen_server};
use tokio::task::{JoinSet, block_in_place};
use tokio::time::timeout;

use crate::plain::{SOON, node, run};
use crate::{one_thread, pid, two_threads};

/// Where a process of it finds itself.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    node: Atom,
    pid: Pid,
    /// The name of its thread, which says its runtime.
    thread: Option<String>,
}

/// Says where it is, and asks one of another node.
struct Here {
    count: usize,
    peer: Option<ServerRef<Here>>,
}

#[gen_server(local)]
impl Here {
    #[init]
    fn new() -> Self {
        Here {
            count: 0,
            peer: None,
        }
    }
    #[call]
    fn place(&mut self, cx: &mut Cx<Self>) -> Place {
        self.count += 1;
        place(cx)
    }
    #[call]
    async fn place_later(&mut self, cx: &mut Cx<Self>) -> Place {
        self.count += 1;
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_micros(10)).await;
        place(cx)
    }
    #[call]
    fn meet(&mut self, peer: ServerRef<Here>) {
        self.peer = Some(peer);
    }
    /// Of itself before, of its peer, and of itself afterwards.
    #[call]
    async fn places(&mut self, cx: &mut Cx<Self>) -> (Place, Place, Place) {
        let before = place(cx);
        let Some(peer) = &self.peer else {
            panic!("it has met nobody")
        };
        drop(peer.note());
        let of_peer = peer.place().forever().await.unwrap();
        (before, of_peer, place(cx))
    }
    #[cast]
    fn note(&mut self) {
        self.count += 1;
    }
    #[call]
    fn count(&self) -> usize {
        self.count
    }
    #[call]
    fn fail(&mut self) {
        panic!("asked to");
    }
    /// Drives a node of its own, in a runtime of its own, on its thread.
    #[call]
    fn drive(&mut self, threads: usize, cx: &mut Cx<Self>) -> usize {
        let before = place(cx);
        let peer = self.peer.clone().unwrap();
        let done = block_in_place(|| drive(threads, &peer));
        assert_eq!(place(cx), before);
        done
    }
}

fn place(cx: &Cx<Here>) -> Place {
    Place {
        node: cx.node().name(),
        pid: cx.pid(),
        thread: thread::current().name().map(str::to_owned),
    }
}

/// A node on this thread, whose processes ask each other, and one outside.
fn drive(threads: usize, outside: &ServerRef<Here>) -> usize {
    let runtime = match threads {
        1 => one_thread(),
        _ => two_threads("inner"),
    };
    runtime.block_on(async {
        let node = node("inner").await;
        let first = node.spawn(Here::spec()).await.unwrap();
        let second = node.spawn(Here::spec()).await.unwrap();
        first.meet(second.clone()).await.unwrap();
        second.meet(outside.clone()).await.unwrap();
        for _ in 0..20 {
            let (before, of_peer, after) = first.places().forever().await.unwrap();
            assert_eq!(before.node, node.name());
            assert_eq!((before.pid, after.pid), (pid(&first), pid(&first)));
            assert_eq!(of_peer.pid, pid(&second));
            let (of_second, of_outside, _) = second.places().forever().await.unwrap();
            assert_eq!(of_second.pid, pid(&second));
            assert_eq!(of_outside.pid, pid(outside));
        }
        // More than a process may do in a turn, and this is one turn of the handler's.
        for _ in 0..500 {
            outside.count().forever().await.unwrap();
        }
        let count = second.count().await.unwrap();
        node.stop().await;
        assert!(!first.is_alive() && !second.is_alive());
        count
    })
}

/// One for each, and each knows the other.
async fn pair(left: &Node, right: &Node) -> (ServerRef<Here>, ServerRef<Here>) {
    let of_left = left.spawn(Here::spec()).await.unwrap();
    let of_right = right.spawn(Here::spec()).await.unwrap();
    of_left.meet(of_right.clone()).await.unwrap();
    of_right.meet(of_left.clone()).await.unwrap();
    (of_left, of_right)
}

/// That the processes of both run as themselves, in the runtime of this name.
async fn look(left: &Node, left_thread: &'static str, right: &Node, right_thread: &'static str) {
    let mut all = JoinSet::new();
    for (node, thread, other, other_thread) in [
        (left, left_thread, right, right_thread),
        (right, right_thread, left, left_thread),
    ] {
        for n in 0..4 {
            let (asked, peer) = pair(node, other).await;
            // One after the other, or each waits for the other.
            let of = |server: &ServerRef<Here>, node: &Node, thread: &str| Place {
                node: node.name(),
                pid: pid(server),
                thread: Some(thread.to_owned()),
            };
            let (own, peers) = (of(&asked, node, thread), of(&peer, other, other_thread));
            let asking = async move {
                for _ in 0..100 {
                    let places = asked.places().forever().await.unwrap();
                    assert_eq!(places, (own.clone(), peers.clone(), own.clone()));
                    assert_eq!(asked.place_later().forever().await, Ok(own.clone()));
                    assert_eq!(peer.place_later().forever().await, Ok(peers.clone()));
                }
                assert_eq!(peer.count().forever().await, Ok(300));
            };
            let node = node.clone();
            match n % 2 {
                0 => all.spawn(asking),
                _ => all.spawn(async move { run(&node, async |_| asking.await).await }),
            };
        }
    }
    timeout(SOON, all.join_all()).await.expect("it hangs");
}

#[test]
fn two_nodes_of_one_runtime_do_not_run_each_others_processes_as_their_own() {
    let runtime = two_threads("both");
    let done = runtime.spawn(async {
        let (left, right) = (node("left").await, node("right").await);
        look(&left, "both", &right, "both").await;
        left.stop().await;
        right.stop().await;
    });
    runtime.block_on(done).unwrap();
}

#[test]
fn a_process_runs_in_the_runtime_of_its_node_whoever_calls_it() {
    let (of_left, of_right) = (two_threads("of left"), two_threads("of right"));
    let left = of_left.block_on(node("left"));
    let right = of_right.block_on(node("right"));
    let done = of_left.spawn({
        let (left, right) = (left.clone(), right.clone());
        async move { look(&left, "of left", &right, "of right").await }
    });
    of_left.block_on(done).unwrap();
    of_left.block_on(left.stop());
    of_right.block_on(right.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_or_fails_leaves_the_other_of_its_runtime_alone() {
    let (left, right) = (node("left").await, node("right").await);
    for _ in 0..50 {
        let (of_left, of_right) = pair(&left, &right).await;
        let failed = run(&left, {
            let of_right = of_right.clone();
            async move |_| {
                for _ in 0..40 {
                    of_right.place().await.unwrap();
                }
                of_right.fail().await
            }
        });
        assert!(matches!(
            failed.await,
            Err(CallError::Exit(ExitReason::Panic(_)))
        ));
        assert!(of_left.place().await.is_ok() && !of_right.is_alive());
    }
    let (of_left, of_right) = pair(&left, &right).await;
    left.stop().await;
    assert!(!of_left.is_alive());
    for _ in 0..100 {
        of_right.place().await.unwrap();
        of_right.place_later().await.unwrap();
        drop(of_left.note());
    }
    assert!(of_right.places().await.is_err(), "its peer is gone");
    right.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_driven_within_a_handler_of_another_leaves_that_one_as_it_was() {
    let outer = node("outer").await;
    let mut all = JoinSet::new();
    for n in 0..4 {
        let (driver, peer) = pair(&outer, &outer).await;
        let outer = outer.clone();
        let asking = async move {
            for threads in [1, 2, 1, 2] {
                drop(driver.note());
                assert_eq!(driver.drive(threads).forever().await, Ok(40));
            }
            // It is asked by both ways afterwards, and its peer lost nothing.
            assert_eq!(driver.place().await.unwrap().pid, pid(&driver));
            assert_eq!(driver.count().await, Ok(5));
            assert_eq!(peer.count().await, Ok(160));
        };
        match n % 2 {
            0 => all.spawn(asking),
            _ => all.spawn(async move { run(&outer, async |_| asking.await).await }),
        };
    }
    timeout(SOON, all.join_all()).await.expect("it hangs");
    outer.stop().await;
}
