//! Dangers in links and monitors between nodes while the connection comes and goes.

#[path = "support/port.rs"]
mod port;

use port::free_port;
use std::time::Duration;

use kista::{
    Cx, Dest, EpmdMode, ExitReason, Flow, GenServer, Info, Node, Pid, ServerRef, gen_server,
};
use tokio::time::timeout;

/// A guard against hanging, not a promise.
const SOON: Duration = Duration::from_secs(60);

/// Relates as it is told, all within one handler.
struct Hand {
    heard: Vec<Info>,
}

#[gen_server(local)]
impl Hand {
    #[init]
    fn new(cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(true);
        Self { heard: Vec::new() }
    }
    #[cast]
    fn link_and_end(&mut self, to: Pid, reason: ExitReason, cx: &mut Cx<Self>) -> Flow {
        cx.link(to);
        Flow::Stop(reason)
    }
    #[call]
    fn link_and_unlink(&mut self, to: Pid, cx: &mut Cx<Self>) {
        cx.link(to);
        cx.unlink(to);
    }
    #[call]
    fn watch_and_unwatch(&mut self, to: Dest, cx: &mut Cx<Self>) {
        let reference = cx.monitor(to);
        cx.demonitor(reference);
    }
    #[call]
    fn link(&mut self, to: Pid, cx: &mut Cx<Self>) {
        cx.link(to);
    }
    #[call]
    fn heard(&mut self) -> Vec<Info> {
        std::mem::take(&mut self.heard)
    }
    #[info(other)]
    fn other(&mut self, info: Info) {
        self.heard.push(info);
    }
}

async fn pair() -> (Node, Node) {
    let port = free_port();
    let start = async |name: &str, epmd| {
        let node = Node::builder(name).cookie("relations").visible();
        node.epmd(epmd).epmd_port(port).start().await.unwrap()
    };
    let a = start("a-rel@127.0.0.1", EpmdMode::Embedded).await;
    let b = start("b-rel@127.0.0.1", EpmdMode::Running).await;
    (a, b)
}

async fn hand(node: &Node) -> (ServerRef<Hand>, Pid) {
    let hand = node.spawn(Hand::spec()).await.unwrap();
    let pid = pid(&hand);
    (hand, pid)
}

fn pid<S: GenServer>(server: &ServerRef<S>) -> Pid {
    let Dest::Pid(pid) = server.dest() else {
        panic!("a spawned server has a pid")
    };
    pid
}

/// All that was sent from a to b before has been acted upon.
async fn settled(a: &Node, b: &Node, at: Pid) {
    assert!(a.ping(b.name().as_str()).await);
    b.process_info(at).await.unwrap();
}

#[tokio::test]
async fn an_end_before_the_connection_is_up_reaches_the_linked() {
    let (a, b) = pair().await;
    let (far, far_pid) = hand(&b).await;
    let (near, near_pid) = hand(&a).await;
    // Nothing is connected yet: the link waits for the dial, and so must the end.
    near.link_and_end(far_pid, ExitReason::Shutdown);
    let heard = timeout(SOON, async {
        loop {
            let heard = far.heard().await.unwrap();
            if !heard.is_empty() {
                return heard;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the exit was lost");
    let exit = Info::Exit {
        from: near_pid,
        reason: ExitReason::Shutdown,
    };
    assert_eq!(heard, [exit]);
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn what_is_taken_back_before_the_connection_is_up_leaves_nothing() {
    let (a, b) = pair().await;
    let (_far, far_pid) = hand(&b).await;
    let (near, near_pid) = hand(&a).await;
    near.link_and_unlink(far_pid).await.unwrap();
    near.watch_and_unwatch(Dest::Pid(far_pid)).await.unwrap();
    settled(&a, &b, far_pid).await;
    let info = b.process_info(far_pid).await.unwrap();
    assert_eq!(info.links, []);
    assert_eq!(info.monitored_by, []);
    settled(&b, &a, near_pid).await;
    assert_eq!(a.process_info(near_pid).await.unwrap().links, []);
    b.stop().await;
    a.stop().await;
}

/// Links made while connections are cut: in the end both sides agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_agree_on_both_sides_after_cuts() {
    let (a, b) = pair().await;
    let (_far, far_pid) = hand(&b).await;
    let cut = {
        let a = a.clone();
        tokio::spawn(async move {
            for n in 0..60u64 {
                a.disconnect("b-rel@127.0.0.1");
                tokio::time::sleep(Duration::from_micros(n * 731 % 9_000)).await;
            }
        })
    };
    let (near, near_pid) = hand(&a).await;
    while !cut.is_finished() {
        near.link(far_pid).await.unwrap();
        tokio::task::yield_now().await;
    }
    cut.await.unwrap();
    timeout(SOON, async {
        loop {
            settled(&a, &b, far_pid).await;
            settled(&b, &a, near_pid).await;
            let near = a.process_info(near_pid).await.unwrap().links;
            let far = b.process_info(far_pid).await.unwrap().links;
            if near.contains(&far_pid) == far.contains(&near_pid) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .expect("one side is linked, the other is not");
    b.stop().await;
    a.stop().await;
}
