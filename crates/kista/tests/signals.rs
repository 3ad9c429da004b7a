//! Links, monitors and exits, as `docs/semantics.md` states them. Each test is named after the rule it holds.

use std::future::pending;
use std::time::Duration;

use kista::{Atom, Cx, Dest, ExitReason, Info, Node, Pid, ReplyTo, ServerRef, Term, gen_server};

/// Does nothing, or hangs in a handler for ever.
struct Victim;

#[gen_server(local)]
impl Victim {
    #[init]
    fn new() -> Self {
        Victim
    }
    #[cast]
    async fn hang(&mut self) {
        pending::<()>().await;
    }
    #[cast]
    fn nothing(&mut self) {}
    #[call]
    fn pong(&self) -> bool {
        true
    }
    #[cast]
    fn blow_up(&mut self) {
        panic!("as asked");
    }
}

/// A process that links and monitors as it is told and answers with what it hears next.
struct Watcher {
    heard: Vec<Info>,
    waiting: Option<ReplyTo<Info>>,
}

#[gen_server(local)]
impl Watcher {
    #[init]
    fn new(trap: bool, cx: &mut Cx<Self>) -> Self {
        cx.trap_exit(trap);
        Watcher {
            heard: Vec::new(),
            waiting: None,
        }
    }
    #[call]
    fn watch(&mut self, target: Dest, cx: &mut Cx<Self>) -> kista::Reference {
        cx.monitor(target)
    }
    #[call]
    fn unwatch(&mut self, reference: kista::Reference, cx: &mut Cx<Self>) {
        cx.demonitor(reference);
    }
    #[call]
    fn watch_and_exit(&mut self, target: Pid, reason: ExitReason, cx: &mut Cx<Self>) {
        cx.monitor(target);
        cx.exit(target, reason);
    }
    #[call]
    fn link(&mut self, target: Pid, cx: &mut Cx<Self>) {
        cx.link(target);
    }
    #[call]
    fn unlink(&mut self, target: Pid, cx: &mut Cx<Self>) {
        cx.unlink(target);
    }
    #[call]
    fn exit(&mut self, target: Pid, reason: ExitReason, cx: &mut Cx<Self>) {
        cx.exit(target, reason);
    }
    #[call]
    fn next(&mut self, reply: ReplyTo<Info>) {
        self.waiting = Some(reply);
        self.answer();
    }
    #[call]
    fn heard_nothing(&self) -> bool {
        self.heard.is_empty()
    }
    #[info(other)]
    fn heard(&mut self, info: Info) {
        self.heard.push(info);
        self.answer();
    }
}

impl Watcher {
    fn answer(&mut self) {
        if !self.heard.is_empty()
            && let Some(reply) = self.waiting.take()
        {
            reply.reply(self.heard.remove(0));
        }
    }
}

async fn node() -> Node {
    Node::builder("signals@127.0.0.1")
        .no_network()
        .start()
        .await
        .unwrap()
}

async fn watcher(node: &Node, trap: bool) -> ServerRef<Watcher> {
    node.spawn(Watcher::spec(trap)).await.unwrap()
}

async fn victim(node: &Node) -> (ServerRef<Victim>, Pid) {
    let victim = node.spawn(Victim::spec()).await.unwrap();
    let Dest::Pid(pid) = victim.dest() else {
        panic!("a spawned server has a pid")
    };
    (victim, pid)
}

fn pid<S: kista::GenServer>(server: &ServerRef<S>) -> Pid {
    let Dest::Pid(pid) = server.dest() else {
        panic!("a spawned server has a pid")
    };
    pid
}

fn foo() -> ExitReason {
    ExitReason::from(Atom::from_static("foo"))
}

fn reason(info: Info) -> ExitReason {
    match info {
        Info::Down { reason, .. } | Info::Exit { reason, .. } => reason,
        other => panic!("neither DOWN nor EXIT: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn monitor_then_exit_of_a_busy_process_reports_the_exit_reason() {
    let node = node().await;
    let watcher = watcher(&node, false).await;
    for _ in 0..20_000 {
        let (victim, pid) = victim(&node).await;
        victim.hang();
        watcher.watch_and_exit(pid, foo()).await.unwrap();
        assert_eq!(reason(watcher.next().await.unwrap()), foo());
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn info_is_answered_whatever_is_queued() {
    let node = node().await;
    let (victim, pid) = victim(&node).await;
    victim.hang();
    for _ in 0..1_000_000 {
        victim.nothing();
    }
    let info = node.process_info(pid).await.unwrap();
    // The process may not have begun with `hang` yet: then that is queued too.
    assert!(
        (1_000_000..=1_000_001).contains(&info.message_queue_len),
        "{}",
        info.message_queue_len
    );
    node.exit(pid, ExitReason::Kill);
    node.stop().await;
}

#[tokio::test]
async fn a_name_is_free_when_the_monitor_fires() {
    let node = node().await;
    let watcher = watcher(&node, false).await;
    for _ in 0..2_000 {
        let victim = node.spawn(Victim::spec()).name("victim").await.unwrap();
        watcher.watch_and_exit(pid(&victim), foo()).await.unwrap();
        watcher.next().await.unwrap();
        assert_eq!(node.whereis("victim"), None);
    }
    node.stop().await;
}

#[tokio::test]
async fn a_monitor_of_nothing_fires_with_noproc() {
    let node = node().await;
    let watcher = watcher(&node, false).await;
    watcher.watch(Dest::from("nobody")).await.unwrap();
    let Info::Down { from, reason, .. } = watcher.next().await.unwrap() else {
        panic!("no DOWN")
    };
    assert_eq!((from, reason), (Dest::from("nobody"), ExitReason::NoProc));

    let (victim, dead) = victim(&node).await;
    victim.stop().await.unwrap();
    watcher.watch(Dest::Pid(dead)).await.unwrap();
    assert_eq!(reason_of_next(&watcher).await, ExitReason::NoProc);
    node.stop().await;
}

async fn reason_of_next(watcher: &ServerRef<Watcher>) -> ExitReason {
    reason(watcher.next().await.unwrap())
}

#[tokio::test]
async fn no_down_follows_a_demonitor() {
    let node = node().await;
    let watcher = watcher(&node, false).await;
    let (victim, pid) = victim(&node).await;
    let reference = watcher.watch(Dest::Pid(pid)).await.unwrap();
    watcher.unwatch(reference).await.unwrap();
    victim.stop().await.unwrap();
    assert!(watcher.heard_nothing().await.unwrap());
    node.stop().await;
}

#[tokio::test]
async fn two_monitors_of_one_process_fire_twice() {
    let node = node().await;
    let watcher = watcher(&node, false).await;
    let (_victim, pid) = victim(&node).await;
    let first = watcher.watch(Dest::Pid(pid)).await.unwrap();
    let second = watcher.watch(Dest::Pid(pid)).await.unwrap();
    node.exit(pid, foo());
    let mut fired = Vec::new();
    for _ in 0..2 {
        let Info::Down { reference, .. } = watcher.next().await.unwrap() else {
            panic!("no DOWN")
        };
        fired.push(reference);
    }
    assert!(fired.contains(&first) && fired.contains(&second) && first != second);
    assert!(watcher.heard_nothing().await.unwrap());
    node.stop().await;
}

#[tokio::test]
async fn a_process_that_ends_takes_its_monitors_back() {
    let node = node().await;
    let watcher = watcher(&node, false).await;
    let (_victim, pid) = victim(&node).await;
    watcher.watch(Dest::Pid(pid)).await.unwrap();
    let watched = node.process_info(pid).await.unwrap();
    assert_eq!(watched.monitored_by.len(), 1);
    watcher.stop().await.unwrap();
    // The end is told before the demonitor is sent: it may take a moment.
    while !node
        .process_info(pid)
        .await
        .unwrap()
        .monitored_by
        .is_empty()
    {
        tokio::task::yield_now().await;
    }
    node.stop().await;
}

#[tokio::test]
async fn an_exit_spreads_over_a_link() {
    let node = node().await;
    let observer = watcher(&node, false).await;
    let linked = watcher(&node, false).await;
    let (_victim, pid_of_victim) = victim(&node).await;
    observer.watch(linked.dest()).await.unwrap();
    linked.link(pid_of_victim).await.unwrap();
    node.exit(pid_of_victim, foo());
    assert_eq!(reason_of_next(&observer).await, foo());
    node.stop().await;
}

#[tokio::test]
async fn a_trapped_exit_is_a_message() {
    let node = node().await;
    let trapping = watcher(&node, true).await;
    let (_victim, pid) = victim(&node).await;
    trapping.link(pid).await.unwrap();
    node.exit(pid, foo());
    assert_eq!(
        trapping.next().await.unwrap(),
        Info::Exit {
            from: pid,
            reason: foo()
        }
    );
    node.stop().await;
}

#[tokio::test]
async fn a_normal_end_does_not_end_the_linked() {
    let node = node().await;
    let linked = watcher(&node, false).await;
    let (victim, pid) = victim(&node).await;
    linked.link(pid).await.unwrap();
    victim.stop().await.unwrap();
    assert!(linked.heard_nothing().await.unwrap());
    node.stop().await;
}

#[tokio::test]
async fn no_exit_follows_an_unlink() {
    let node = node().await;
    let linked = watcher(&node, true).await;
    for _ in 0..1_000 {
        let (_victim, pid) = victim(&node).await;
        linked.link(pid).await.unwrap();
        // The exit races with the unlink: what counts is that nothing arrives once unlink has returned.
        node.exit(pid, foo());
        linked.unlink(pid).await.unwrap();
        while !linked.heard_nothing().await.unwrap() {
            // It came before the unlink.
            linked.next().await.unwrap();
        }
        assert!(linked.heard_nothing().await.unwrap());
    }
    node.stop().await;
}

#[tokio::test]
async fn a_link_to_nothing_is_an_exit_noproc() {
    let node = node().await;
    let trapping = watcher(&node, true).await;
    let (victim, dead) = victim(&node).await;
    victim.stop().await.unwrap();
    trapping.link(dead).await.unwrap();
    assert_eq!(reason_of_next(&trapping).await, ExitReason::NoProc);
    node.stop().await;
}

#[tokio::test]
async fn kill_cannot_be_trapped_and_is_seen_as_killed() {
    let node = node().await;
    let observer = watcher(&node, false).await;
    let trapping = watcher(&node, true).await;
    observer
        .watch_and_exit(pid(&trapping), ExitReason::Kill)
        .await
        .unwrap();
    assert_eq!(reason_of_next(&observer).await, ExitReason::Killed);
    node.stop().await;
}

#[tokio::test]
async fn exit_normal_from_another_is_ignored() {
    let node = node().await;
    let other = watcher(&node, false).await;
    let (victim, pid) = victim(&node).await;
    other.exit(pid, ExitReason::Normal).await.unwrap();
    assert!(victim.pong().await.unwrap());
    node.stop().await;
}

#[tokio::test]
async fn a_panic_is_an_exit_reason() {
    let node = node().await;
    let watcher = watcher(&node, false).await;
    let (victim, pid) = victim(&node).await;
    watcher.watch(Dest::Pid(pid)).await.unwrap();
    victim.blow_up();
    let expected = Term::tuple([
        Term::from(Atom::from_static("panic")),
        Term::from(kista::Binary::from(b"as asked".as_slice())),
    ]);
    assert_eq!(reason_of_next(&watcher).await.to_term(), expected);
    node.stop().await;
}

#[tokio::test]
async fn an_ended_pid_is_never_another_process() {
    let node = node().await;
    let (first, old) = victim(&node).await;
    first.stop().await.unwrap();
    for _ in 0..5_000 {
        let (next, pid) = victim(&node).await;
        assert_ne!(pid, old);
        next.stop().await.unwrap();
    }
    assert!(!node.is_alive(old));
    assert!(node.process_info(old).await.is_none());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_ended_processes() {
    let node = node().await;
    let before = node.processes().len();
    let watcher = watcher(&node, true).await;
    for _ in 0..1_000 {
        let (_victim, pid) = victim(&node).await;
        watcher.link(pid).await.unwrap();
        watcher.watch_and_exit(pid, foo()).await.unwrap();
        watcher.next().await.unwrap();
        watcher.next().await.unwrap();
    }
    watcher.stop().await.unwrap();
    assert_eq!(node.processes().len(), before);
    tokio::time::timeout(Duration::from_secs(30), node.stop())
        .await
        .unwrap();
}

/// Holds its thread.
struct Blocker;

#[gen_server(local)]
impl Blocker {
    #[init]
    fn new() -> Self {
        Blocker
    }
    #[cast]
    fn block(&mut self, begun: tokio::sync::oneshot::Sender<()>, gate: Gate) {
        let _ = begun.send(());
        let _ = gate.0.recv();
    }
}

struct Gate(std::sync::mpsc::Receiver<()>);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_holds_its_thread_ends_when_it_lets_go_and_holds_up_nobody_else() {
    let node = node().await;
    let watcher = watcher(&node, false).await;
    let victim = node.spawn(Victim::spec()).await.unwrap();
    let blocker = node.spawn(Blocker::spec()).await.unwrap();
    let Dest::Pid(pid) = blocker.dest() else {
        panic!("a spawned server has a pid")
    };
    watcher.watch(blocker.dest()).await.unwrap();
    let (open, gate) = std::sync::mpsc::channel();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    blocker.block(begun, Gate(gate));
    has_begun.await.unwrap();
    node.exit(pid, ExitReason::Kill);
    for _ in 0..1_000 {
        assert_eq!(victim.pong().await, Ok(true));
    }
    assert_eq!(watcher.heard_nothing().await, Ok(true));
    assert!(
        node.is_alive(pid),
        "nothing ends it while it holds its thread"
    );
    open.send(()).unwrap();
    let heard = watcher.next().forever().await.unwrap();
    let Info::Down { reason, .. } = heard else {
        panic!("{heard:?}")
    };
    assert_eq!(reason, ExitReason::Killed);
    node.stop().await;
}
