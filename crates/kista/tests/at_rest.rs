//! What must not be told apart although a server handles most messages at rest, and has a future of its code for the others alone.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kista::{
    CallError, Cx, Dest, ExitReason, Flow, Info, Node, Overflow, Pid, QueueBound, ReplyTo,
    ServerRef, SpawnOptions, Status, Term, gen_server, sys,
};
use tokio::time::timeout;

/// Only a guard against hanging.
const SOON: Duration = Duration::from_secs(60);

async fn node() -> Node {
    let builder = Node::builder("at_rest@localhost").no_network();
    builder
        .start()
        .await
        .expect("a node without network starts")
}

fn pid_of<S: kista::GenServer<Client: kista::Client<S::Msg>>>(server: &ServerRef<S>) -> Pid {
    match Dest::from(server) {
        Dest::Pid(pid) => pid,
        other => panic!("a handle of a process here has its pid, not {other:?}"),
    }
}

/// Writes down what it is sent, and why it ended.
struct Diary {
    all: Vec<i64>,
    ended: Sender<(Vec<i64>, ExitReason)>,
    kept: Option<ReplyTo<()>>,
}

#[gen_server(local)]
impl Diary {
    #[init]
    fn new(ended: Sender<(Vec<i64>, ExitReason)>) -> Self {
        Diary {
            all: Vec::new(),
            ended,
            kept: None,
        }
    }

    #[cast]
    fn note(&mut self, n: i64) {
        self.all.push(n);
    }

    #[cast]
    async fn note_later(&mut self, n: i64) {
        tokio::task::yield_now().await;
        self.all.push(n);
    }

    /// Handled with another of its own behind it.
    #[cast]
    fn note_twice(&mut self, n: i64, cx: &mut Cx<Self>) {
        self.all.push(n);
        cx.continue_with(DiaryMsg::Note(-n));
    }

    #[cast]
    fn note_in_time(&mut self, n: i64) -> Flow {
        self.all.push(n);
        Flow::Timeout(Duration::from_millis(1))
    }

    #[cast]
    fn end_for(&mut self, n: i64) -> Flow {
        Flow::Stop(ExitReason::from(Term::from(n)))
    }

    /// What is sent to it by that comes behind what it does now.
    #[cast]
    fn link_and_end(&mut self, dead: Pid, panics: bool, cx: &mut Cx<Self>) -> Flow {
        cx.link(dead);
        assert!(!panics, "as it was asked to");
        Flow::Stop(ExitReason::Normal)
    }

    /// It would be held, if it went on.
    #[cast]
    fn overfill_and_end(&mut self, sink: ServerRef<Gated>, panics: bool) -> Flow {
        (0..3).for_each(|_| drop(sink.next()));
        assert!(!panics, "as it was asked to");
        Flow::Stop(ExitReason::Normal)
    }

    /// What is returned counts, not what was said before.
    #[cast]
    fn stop_after_all_not(&mut self, cx: &mut Cx<Self>) -> Flow {
        cx.then(Flow::Stop(ExitReason::Normal));
        Flow::Hibernate
    }

    #[call]
    fn bound_of_one(&mut self, cx: &mut Cx<Self>) {
        cx.queue_bound(Some(QueueBound::new(1, Overflow::Wait)));
    }

    #[call]
    fn keeps(&self) -> bool {
        self.kept.is_some()
    }

    #[cast]
    fn fail(&mut self) {
        panic!("as it was asked to");
    }

    #[call]
    fn read(&self) -> Vec<i64> {
        self.all.clone()
    }

    #[call]
    fn keep(&mut self, reply: ReplyTo<()>) {
        self.kept = Some(reply);
    }

    #[info(other)]
    fn other(&mut self, info: Info) {
        match info {
            Info::Term(term) => self.all.push(i64::try_from(&term).expect("a number")),
            Info::Timeout => self.all.push(0),
            _ => {}
        }
    }

    #[terminate]
    fn terminate(&mut self, reason: &ExitReason) {
        let _ = self
            .ended
            .send((std::mem::take(&mut self.all), reason.clone()));
    }
}

async fn diary(node: &Node) -> (ServerRef<Diary>, Receiver<(Vec<i64>, ExitReason)>) {
    let (tell, told) = channel();
    (node.spawn(Diary::spec(tell)).await.unwrap(), told)
}

/// So many messages in a row that need nothing of its code let it rest again, and more.
const SETTLES: i64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_its_code_and_what_does_not_are_one_order() {
    let node = node().await;
    let (server, _told) = diary(&node).await;
    let mut expected = Vec::new();
    let mut seed = 7_u64;
    for n in 1..=20_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        expected.push(n);
        match seed >> 59 {
            0 => drop(server.note_later(n)),
            1 => drop(node.send(pid_of(&server), &n)),
            2 => {
                drop(server.note_twice(n));
                expected.push(-n);
            }
            // It is given time to rest, and to begin from there.
            3 => {
                drop(server.note(n));
                assert_eq!(server.read().await.unwrap(), expected);
            }
            _ => drop(server.note(n)),
        }
        if n % 1_000 == 0 {
            for _ in 0..SETTLES {
                server.read().await.unwrap();
            }
        }
    }
    assert_eq!(server.read().await.unwrap(), expected);
    node.stop().await;
}

#[tokio::test]
async fn a_timeout_that_is_asked_for_at_rest_runs() {
    let node = node().await;
    let (server, _told) = diary(&node).await;
    for round in 1..=3 {
        for _ in 0..SETTLES {
            server.read().await.unwrap();
        }
        server.note_in_time(round).await.unwrap();
        while server.read().await.unwrap().last() == Some(&round) {
            // A message ends the wait: it is asked for again.
            server.note_in_time(round).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    node.stop().await;
}

#[tokio::test]
async fn a_stop_and_a_panic_at_rest_terminate_it_once_with_its_state() {
    let node = node().await;
    for settled in [false, true] {
        for panics in [false, true] {
            let (server, told) = diary(&node).await;
            if settled {
                server.note_later(1).await.unwrap();
                for _ in 0..SETTLES {
                    server.read().await.unwrap();
                }
            }
            drop(server.note(2));
            let waits = {
                let server = server.clone();
                tokio::spawn(async move { server.keep().forever().await })
            };
            while !server.keeps().await.unwrap() {
                tokio::task::yield_now().await;
            }
            drop(if panics {
                server.fail()
            } else {
                server.end_for(5)
            });
            let told = tokio::task::spawn_blocking(move || {
                (told.recv_timeout(SOON), told.recv_timeout(SOON))
            });
            let (end, again) = told.await.unwrap();
            let (all, reason) = end.unwrap();
            assert_eq!(all.last(), Some(&2));
            match panics {
                true => assert!(matches!(reason, ExitReason::Panic(_)), "{reason:?}"),
                false => assert_eq!(reason, ExitReason::from(Term::from(5_i64))),
            }
            assert!(again.is_err(), "it terminates once");
            // Who is owed an answer hears why.
            let unanswered = timeout(SOON, waits).await.unwrap().unwrap();
            assert_eq!(unanswered, Err(CallError::Exit(reason)));
        }
    }
    node.stop().await;
}

async fn settled(server: &ServerRef<Diary>) {
    server.note_later(1).await.unwrap();
    for _ in 0..SETTLES {
        server.read().await.unwrap();
    }
}

async fn end_of(told: Receiver<(Vec<i64>, ExitReason)>) -> ExitReason {
    let told = tokio::task::spawn_blocking(move || told.recv_timeout(SOON));
    told.await.unwrap().expect("it terminates").1
}

#[tokio::test]
async fn what_a_message_at_rest_came_to_is_before_what_was_sent_since() {
    let node = node().await;
    let (dead, _) = diary(&node).await;
    let dead_pid = pid_of(&dead);
    dead.stop().await.unwrap();
    for panics in [false, true] {
        for is_settled in [false, true] {
            let (server, told) = diary(&node).await;
            if is_settled {
                settled(&server).await;
            }
            drop(server.link_and_end(dead_pid, panics));
            let reason = end_of(told).await;
            assert_eq!(matches!(reason, ExitReason::Panic(_)), panics, "{reason:?}");
            assert_eq!(reason == ExitReason::Normal, !panics, "{reason:?}");
        }
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_to_be_held_ends_at_once_when_it_is_to_end() {
    let node = node().await;
    for panics in [false, true] {
        let (reach, reached) = channel();
        let (open, gate) = channel();
        let spec = Gated::spec(Arc::default(), [0, 0], reach, Arc::new(Mutex::new(gate)));
        let bound = SpawnOptions::new().bound(QueueBound::new(1, Overflow::Wait));
        let sink = node.spawn(spec).options(bound).await.unwrap();
        drop(sink.next());
        let reached =
            tokio::task::spawn_blocking(move || reached.recv_timeout(SOON).map(|()| reached));
        let _reached = reached.await.unwrap().unwrap();
        let (server, told) = diary(&node).await;
        drop(server.overfill_and_end(sink.clone(), panics));
        let reason = end_of(told).await;
        assert_eq!(matches!(reason, ExitReason::Panic(_)), panics, "{reason:?}");
        open.send(()).unwrap();
    }
    node.stop().await;
}

#[tokio::test]
async fn what_is_returned_counts_at_rest_and_else() {
    let node = node().await;
    let (server, told) = diary(&node).await;
    for n in 0..3 {
        if n == 1 {
            settled(&server).await;
        }
        server.stop_after_all_not().await.unwrap();
        for _ in 0..3 {
            server.read().await.expect("it goes on");
        }
    }
    server.stop().await.unwrap();
    assert_eq!(end_of(told).await, ExitReason::Normal);
    node.stop().await;
}

#[tokio::test]
async fn sys_and_a_bound_find_a_server_that_rests_again() {
    let node = node().await;
    let (server, _told) = diary(&node).await;
    settled(&server).await;
    sys::suspend(&server).await.unwrap();
    drop(server.note(2));
    sys::replace_state(&server, |diary: &mut Diary| diary.all.clear())
        .await
        .unwrap();
    sys::resume(&server).await.unwrap();
    assert_eq!(server.read().await.unwrap(), [2]);
    settled(&server).await;
    server.bound_of_one().await.unwrap();
    for n in 3..6 {
        server.note(n).await.unwrap();
    }
    assert_eq!(server.read().await.unwrap(), [2, 1, 3, 4, 5]);
    let info = node.process_info(pid_of(&server)).await.unwrap();
    assert_eq!(info.bound, Some(QueueBound::new(1, Overflow::Wait)));
    assert_eq!(info.status, Status::Waiting);
    node.stop().await;
}

/// Waits at one of its messages.
struct Gated {
    handled: Arc<AtomicUsize>,
    at: [usize; 2],
    reached: Sender<()>,
    gate: Gate,
}

/// A spec can be started more than once.
type Gate = Arc<Mutex<Receiver<()>>>;

#[gen_server(local)]
impl Gated {
    #[init]
    fn new(handled: Arc<AtomicUsize>, at: [usize; 2], reached: Sender<()>, gate: Gate) -> Self {
        Gated {
            handled,
            at,
            reached,
            gate,
        }
    }

    #[cast]
    fn next(&mut self) {
        let n = self.handled.fetch_add(1, Relaxed);
        if self.at.contains(&n) {
            self.reached.send(()).unwrap();
            self.gate.lock().unwrap().recv_timeout(SOON).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_that_is_read_at_rest_keeps_no_kill_from_acting() {
    let node = node().await;
    // In the first turn nothing is taken over yet; in a later one much is.
    for second in [None, Some(300)] {
        let handled = Arc::new(AtomicUsize::new(0));
        let (reach, reached) = channel();
        let (open, gate) = channel();
        let at = [0, second.unwrap_or(0)];
        let spec = Gated::spec(Arc::clone(&handled), at, reach, Arc::new(Mutex::new(gate)));
        let server = node.spawn(spec).await.unwrap();
        let victim = pid_of(&server);
        let (give, down) = tokio::sync::oneshot::channel();
        let (kill, may_kill) = tokio::sync::oneshot::channel::<()>();
        let (sent, was_sent) = tokio::sync::oneshot::channel();
        let watcher = node.spawn_fn(async move |mut cx| {
            cx.monitor(victim);
            let _ = may_kill.await;
            cx.exit(victim, ExitReason::Kill);
            let _ = sent.send(());
            let _ = give.send(cx.receive().await);
        });
        watcher.unwrap();
        tokio::task::yield_now().await;
        (0..10_000).for_each(|_| drop(server.next()));
        let wait = |reached: Receiver<()>| async move {
            let reached = tokio::task::spawn_blocking(move || {
                reached.recv_timeout(SOON).unwrap();
                reached
            });
            reached.await.unwrap()
        };
        let mut reached = wait(reached).await;
        if second.is_some() {
            open.send(()).unwrap();
            reached = wait(reached).await;
        }
        kill.send(()).unwrap();
        was_sent.await.unwrap();
        open.send(()).unwrap();
        let down = timeout(SOON, down).await.unwrap().unwrap();
        assert!(
            matches!(
                &down,
                Info::Down {
                    reason: ExitReason::Killed,
                    ..
                }
            ),
            "{down:?}"
        );
        // What is left of the turn, and the message that is in hand.
        let most = second.unwrap_or(0) + 129;
        let handled = handled.load(Relaxed);
        assert!(handled <= most, "{handled} messages instead of {most}");
        drop(reached);
    }
    node.stop().await;
}
