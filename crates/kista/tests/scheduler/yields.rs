//! A process that goes on and on without ever waiting leaves its thread to others.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use kista::{Node, ProcessCx, ServerRef, gen_server};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::task;
use tokio::time::{sleep, timeout};

use crate::one_thread;
use crate::plain::{SOON, node, run};

type Flag = Arc<AtomicBool>;

/// Answers, counts, or sends on and on.
struct Peer {
    over: Flag,
    next: Option<ServerRef<Peer>>,
}

#[gen_server(local)]
impl Peer {
    #[init]
    fn new(over: Flag) -> Self {
        Peer { over, next: None }
    }
    #[call]
    fn ask(&self) {}
    #[call]
    async fn ask_slowly(&self) {
        task::yield_now().await;
    }
    #[cast]
    fn tell(&mut self) {}
    #[call]
    fn send_to(&mut self, next: ServerRef<Peer>) {
        self.next = Some(next);
    }
    #[cast]
    async fn on_and_on(&mut self) {
        if let Some(next) = &self.next
            && !self.over.load(SeqCst)
        {
            next.on_and_on().await.unwrap();
        }
    }
    #[cast]
    async fn on_within_one_turn(&mut self, to: ServerRef<Peer>) {
        while !self.over.load(SeqCst) {
            to.tell().await.unwrap();
        }
    }
}

/// On one thread: begins what goes on and on, and sees that processes, tasks and timers have their turns all the same.
fn leaves_the_thread(begin: impl AsyncFn(Node, Flag)) {
    let mut worker = Builder::new_multi_thread();
    let worker = worker.worker_threads(1).enable_all().build().unwrap();
    for runtime in [one_thread(), worker] {
        on(&runtime, &begin);
    }
}

fn on(runtime: &Runtime, begin: &impl AsyncFn(Node, Flag)) {
    runtime.block_on(async {
        let node = node("yields").await;
        let over = Flag::default();
        begin(node.clone(), over.clone()).await;
        let others = async {
            let peer = node.spawn(Peer::spec(over.clone())).await.unwrap();
            for _ in 0..10 {
                peer.ask().forever().await.unwrap();
                peer.ask_slowly().forever().await.unwrap();
                run(&node, async |_| task::yield_now().await).await;
                tokio::spawn(task::yield_now()).await.unwrap();
            }
            for _ in 0..3 {
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(SOON, others)
            .await
            .expect("it keeps others from their turn");
        over.store(true, SeqCst);
        node.stop().await;
    });
}

async fn peer(node: &Node, over: &Flag) -> ServerRef<Peer> {
    node.spawn(Peer::spec(over.clone())).await.unwrap()
}

/// As a plain process.
fn goes_on<F, R>(node: &Node, code: F)
where
    F: FnOnce(ProcessCx) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    node.spawn_fn(code).unwrap();
}

#[test]
fn who_sends_to_another_for_ever_leaves_the_thread_to_others() {
    leaves_the_thread(async |node, over| {
        let peer = peer(&node, &over).await;
        goes_on(&node, async move |_| {
            while !over.load(SeqCst) {
                peer.tell().await.unwrap();
            }
        });
    });
}

#[test]
fn a_handler_that_sends_for_ever_leaves_the_thread_to_others() {
    leaves_the_thread(async |node, over| {
        let (from, to) = (peer(&node, &over).await, peer(&node, &over).await);
        from.on_within_one_turn(to).await.unwrap();
    });
}

#[test]
fn who_sends_to_itself_and_reads_it_for_ever_leaves_the_thread_to_others() {
    leaves_the_thread(async |node, over| {
        goes_on(&node, async move |mut cx| {
            while !over.load(SeqCst) {
                cx.send(cx.pid(), &1_i64).await.unwrap();
                cx.receive().await;
            }
        });
    });
}

#[test]
fn servers_that_send_each_other_on_and_on_leave_the_thread_to_others() {
    leaves_the_thread(async |node, over| {
        let (a, b) = (peer(&node, &over).await, peer(&node, &over).await);
        a.send_to(b.clone()).await.unwrap();
        b.send_to(a.clone()).await.unwrap();
        // And one that does so alone.
        let c = peer(&node, &over).await;
        c.send_to(c.clone()).await.unwrap();
        a.on_and_on().await.unwrap();
        c.on_and_on().await.unwrap();
    });
}

#[test]
fn who_calls_for_ever_leaves_the_thread_to_others() {
    leaves_the_thread(async |node, over| {
        let peer = peer(&node, &over).await;
        for slowly in [false, true] {
            let (over, peer) = (over.clone(), peer.clone());
            goes_on(&node, async move |_| {
                while !over.load(SeqCst) {
                    match slowly {
                        false => peer.ask().forever().await.unwrap(),
                        true => peer.ask_slowly().forever().await.unwrap(),
                    }
                }
            });
        }
    });
}

#[test]
fn who_reads_a_channel_that_is_always_ready_leaves_the_thread_to_others() {
    leaves_the_thread(async |node, over| {
        goes_on(&node, async move |_| {
            let (send, mut read) = mpsc::unbounded_channel();
            while !over.load(SeqCst) {
                send.send(()).unwrap();
                read.recv().await.unwrap();
            }
        });
    });
}

#[test]
fn who_starts_processes_for_ever_leaves_the_thread_to_others() {
    leaves_the_thread(async |node, over| {
        goes_on(&node, async move |cx| {
            while !over.load(SeqCst) {
                let peer = cx.spawn_link(Peer::spec(over.clone())).await.unwrap();
                peer.stop().await.unwrap();
            }
        });
    });
}

#[test]
fn who_yields_for_ever_leaves_the_thread_to_others() {
    leaves_the_thread(async |node, over| {
        goes_on(&node, async move |_| {
            while !over.load(SeqCst) {
                task::yield_now().await;
            }
        });
    });
}

/// Has turns that take far longer than those of others.
struct Slow;

#[gen_server(local)]
impl Slow {
    #[init]
    fn new() -> Self {
        Slow
    }
    #[cast]
    fn work(&mut self) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(10) {
            std::hint::spin_loop();
        }
    }
    #[call]
    fn done(&self) {}
}

/// Sends itself a message in each turn, and counts them.
struct Light {
    turns: Arc<AtomicU64>,
    over: Flag,
    itself: Option<ServerRef<Light>>,
}

#[gen_server(local)]
impl Light {
    #[init]
    fn new(turns: Arc<AtomicU64>, over: Flag) -> Self {
        let itself = None;
        Light {
            turns,
            over,
            itself,
        }
    }
    #[cast]
    fn begin(&mut self, itself: ServerRef<Light>) {
        itself.turn();
        self.itself = Some(itself);
    }
    #[cast]
    fn turn(&mut self) {
        self.turns.fetch_add(1, SeqCst);
        if let Some(itself) = &self.itself
            && !self.over.load(SeqCst)
        {
            itself.turn();
        }
    }
}

#[test]
fn one_that_is_flooded_and_slow_comes_before_no_others_that_are_quick() {
    const OTHERS: u64 = 50;
    const TURNS: u64 = 40;
    let mut worker = Builder::new_multi_thread();
    let worker = worker.worker_threads(1).enable_all().build().unwrap();
    worker.block_on(async {
        let node = node("slow").await;
        let (turns, over) = (Arc::new(AtomicU64::new(0)), Flag::default());
        for _ in 0..OTHERS {
            let light = node.spawn(Light::spec(turns.clone(), over.clone()));
            let light = light.await.unwrap();
            light.begin(light.clone());
        }
        let slow = node.spawn(Slow::spec()).await.unwrap();
        let before = turns.load(SeqCst);
        for _ in 0..TURNS * 128 {
            slow.work();
        }
        slow.done().forever().await.unwrap();
        let between = turns.load(SeqCst) - before;
        over.store(true, SeqCst);
        // All of them between two turns of the slow one; with every second turn for that it would be one.
        assert!(
            between > TURNS * OTHERS / 2,
            "{between} turns of {OTHERS} others beside {TURNS}"
        );
        node.stop().await;
    });
}

/// Sends itself a message in each turn, which is longer than a lane goes on for.
struct Long {
    turns: Arc<AtomicU64>,
    over: Flag,
}

#[gen_server(local)]
impl Long {
    #[init]
    fn new(turns: Arc<AtomicU64>, over: Flag) -> Self {
        Long { turns, over }
    }
    #[cast]
    fn turn(&mut self, itself: ServerRef<Long>) {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_micros(300) {
            std::hint::spin_loop();
        }
        self.turns.fetch_add(1, SeqCst);
        if !self.over.load(SeqCst) {
            drop(itself.turn(itself.clone()));
        }
    }
}

#[test]
fn behind_each_long_turn_the_tasks_of_the_thread_have_theirs() {
    one_thread().block_on(async {
        let node = node("long").await;
        let (turns, over) = (Arc::new(AtomicU64::new(0)), Flag::default());
        for _ in 0..64 {
            let long = node.spawn(Long::spec(turns.clone(), over.clone()));
            let long = long.await.unwrap();
            drop(long.turn(long.clone()));
        }
        let mut most = 0;
        let mut before = turns.load(SeqCst);
        while before < 1_000 {
            task::yield_now().await;
            let now = turns.load(SeqCst);
            most = most.max(now - before);
            before = now;
        }
        over.store(true, SeqCst);
        assert!(
            most <= 2,
            "{most} turns of 300 us before a task had its own"
        );
        node.stop().await;
    });
}
