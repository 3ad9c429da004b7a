//! A process that keeps its thread keeps nobody else from running.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

use kista::{Node, ServerRef, gen_server};
use tokio::sync::oneshot;
use tokio::task::block_in_place;
use tokio::time::timeout;

use crate::plain::{SOON, node, run};
use crate::{compute_until, two_threads, wait_until};

/// Does what somebody else waits for.
struct Other;

#[gen_server(local)]
impl Other {
    #[init]
    fn new() -> Self {
        Other
    }
    #[cast]
    fn set(&mut self, flag: Arc<AtomicBool>) {
        flag.store(true, SeqCst);
    }
    #[cast]
    fn answer(&mut self, to: mpsc::Sender<()>) {
        let _ = to.send(());
    }
}

/// Keeps its thread until another one has run.
struct Busy {
    other: ServerRef<Other>,
}

#[gen_server(local)]
impl Busy {
    #[init]
    fn new(other: ServerRef<Other>) -> Self {
        Busy { other }
    }
    #[call]
    fn compute(&mut self) {
        let flag = Arc::new(AtomicBool::new(false));
        drop(self.other.set(flag.clone()));
        compute_until(&flag);
    }
    #[call]
    async fn await_and_compute(&mut self) {
        let flag = Arc::new(AtomicBool::new(false));
        tokio::task::yield_now().await;
        self.other.set(flag.clone()).await.unwrap();
        compute_until(&flag);
    }
    #[call]
    fn block(&mut self) {
        let (answer, answered) = mpsc::channel();
        drop(self.other.answer(answer));
        block_in_place(|| answered.recv_timeout(SOON)).expect("it has had no turn");
    }
}

async fn busy(node: &Node) -> ServerRef<Busy> {
    let other = node.spawn(Other::spec()).await.unwrap();
    node.spawn(Busy::spec(other)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_computes_for_long_does_not_hold_up_whom_it_sent_to() {
    let node = node("computes").await;
    let busy = busy(&node).await;
    for _ in 0..20 {
        busy.compute().forever().await.unwrap();
        busy.await_and_compute().forever().await.unwrap();
    }
    // Also when whoever calls it does its turns.
    run(&node, async move |_| {
        for _ in 0..100 {
            busy.compute().forever().await.unwrap();
        }
    })
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_process_that_computes_for_long_does_not_hold_up_whom_it_starts() {
    let node = node("starts").await;
    for _ in 0..20 {
        run(&node, async |cx| {
            let flag = Arc::new(AtomicBool::new(false));
            let sets = flag.clone();
            cx.spawn_fn(async move |_| sets.store(true, SeqCst))
                .unwrap();
            compute_until(&flag);
        })
        .await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_blocks_in_place_does_not_hold_up_whom_it_waits_for() {
    let node = node("blocks").await;
    let busy = busy(&node).await;
    for _ in 0..100 {
        busy.block().forever().await.unwrap();
    }
    run(&node, async move |_| {
        for _ in 0..100 {
            busy.block().forever().await.unwrap();
        }
    })
    .await;
    node.stop().await;
}

/// Answers only when so many have asked.
struct Ninth {
    asked: Vec<mpsc::Sender<()>>,
    wanted: usize,
}

#[gen_server(local)]
impl Ninth {
    #[init]
    fn new(wanted: usize) -> Self {
        Ninth {
            asked: Vec::new(),
            wanted,
        }
    }
    #[cast]
    fn ask(&mut self, answer: mpsc::Sender<()>) {
        self.asked.push(answer);
        if self.asked.len() == self.wanted {
            for answer in self.asked.drain(..) {
                let _ = answer.send(());
            }
        }
    }
}

/// Blocks until the ninth answers.
struct Asking {
    ninth: ServerRef<Ninth>,
}

#[gen_server(local)]
impl Asking {
    #[init]
    fn new(ninth: ServerRef<Ninth>) -> Self {
        Asking { ninth }
    }
    #[cast]
    fn block(&mut self, done: oneshot::Sender<()>) {
        let (answer, answered) = mpsc::channel();
        drop(self.ninth.ask(answer));
        block_in_place(|| answered.recv_timeout(SOON)).expect("the ninth has had no turn");
        let _ = done.send(());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_that_block_in_place_than_there_are_threads_do_not_hold_up_the_one_they_wait_for() {
    const ASKING: usize = 8;
    let node = node("ninth").await;
    let ninth = node.spawn(Ninth::spec(ASKING)).await.unwrap();
    let mut all = Vec::new();
    for _ in 0..ASKING {
        all.push(node.spawn(Asking::spec(ninth.clone())).await.unwrap());
    }
    for round in 0..20 {
        let (asked, told): (Vec<_>, Vec<_>) = (0..ASKING).map(|_| oneshot::channel()).unzip();
        let begin = {
            let all = all.clone();
            async move || {
                for (asking, done) in all.iter().zip(asked) {
                    asking.block(done).await.unwrap();
                }
            }
        };
        // From a process, so that they are behind each other on its thread; and from a task.
        match round % 2 {
            0 => run(&node, async move |_| begin().await).await,
            _ => begin().await,
        }
        for told in told {
            timeout(SOON, told)
                .await
                .expect("it hangs")
                .expect("it failed");
        }
    }
    node.stop().await;
}

#[test]
fn who_blocks_on_a_runtime_of_one_worker_does_not_hold_up_whom_it_waits_for() {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    let runtime = builder.worker_threads(1).enable_all().build().unwrap();
    let done = runtime.spawn(async {
        let node = node("one").await;
        let busy = busy(&node).await;
        for _ in 0..50 {
            busy.block().forever().await.unwrap();
        }
        node.stop().await;
    });
    runtime.block_on(done).unwrap();
}

/// Blocks until a thread that is none of the runtime lets it go.
struct Held;

#[gen_server(local)]
impl Held {
    #[init]
    fn new() -> Self {
        Held
    }
    #[cast]
    fn block(&mut self, blocks: mpsc::Sender<()>, let_go: Arc<AtomicBool>) {
        block_in_place(|| {
            blocks.send(()).unwrap();
            wait_until("it is let go", || let_go.load(SeqCst));
        });
    }
}

/// So many block at once, none of which has sent anything; then somebody else is told what they wait for.
fn all_block(name: &'static str, count: usize) {
    let runtime = crate::two_threads(name);
    let node = runtime.block_on(node(name));
    for _ in 0..3 {
        let let_go = Arc::new(AtomicBool::new(false));
        let (blocks, blocked) = mpsc::channel();
        let other = runtime.block_on(async { node.spawn(Other::spec()).await.unwrap() });
        for _ in 0..count {
            let held = runtime.block_on(async { node.spawn(Held::spec()).await.unwrap() });
            drop(held.block(blocks.clone(), let_go.clone()));
            blocked.recv_timeout(SOON).expect("it has had no turn");
        }
        drop(other.set(let_go.clone()));
        wait_until("the other one has its turn", || let_go.load(SeqCst));
    }
    runtime.block_on(node.stop());
}

#[test]
fn who_is_told_from_outside_is_not_held_up_by_all_that_block() {
    all_block("few", 4);
}

#[test]
fn who_is_told_from_outside_is_not_held_up_by_sixty_that_block() {
    all_block("many", 60);
}

#[test]
fn a_task_that_computes_after_it_has_sent_does_not_hold_up_others_of_the_node() {
    let runtime = crate::two_threads("computes");
    let node = runtime.block_on(node("computes"));
    let (first, second) = runtime.block_on(async {
        let first = node.spawn(Other::spec()).await.unwrap();
        (first, node.spawn(Other::spec()).await.unwrap())
    });
    for _ in 0..20 {
        let (sent, over) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let computes = runtime.spawn({
            let (first, sent, over) = (first.clone(), sent.clone(), over.clone());
            async move {
                drop(first.set(Arc::default()));
                sent.store(true, SeqCst);
                compute_until(&over);
            }
        });
        wait_until("it has sent", || sent.load(SeqCst));
        drop(second.set(over));
        runtime.block_on(computes).expect("it held up the second");
    }
    runtime.block_on(node.stop());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_computes_for_long_does_not_hold_up_one_of_another_node_to_which_it_sent() {
    let (left, right) = (node("left").await, node("right").await);
    let other = right.spawn(Other::spec()).await.unwrap();
    let busy = left.spawn(Busy::spec(other)).await.unwrap();
    for _ in 0..20 {
        busy.compute().forever().await.unwrap();
        busy.block().forever().await.unwrap();
        busy.await_and_compute().forever().await.unwrap();
    }
    left.stop().await;
    right.stop().await;
}

/// Notes on which threads it works.
struct Working {
    threads: Arc<Mutex<HashSet<ThreadId>>>,
}

#[gen_server(local)]
impl Working {
    #[init]
    fn new(threads: Arc<Mutex<HashSet<ThreadId>>>) -> Self {
        Working { threads }
    }
    #[cast]
    fn work(&mut self) {
        self.threads.lock().unwrap().insert(thread::current().id());
        thread::sleep(Duration::from_millis(1));
    }
}

/// Floods many processes until two threads were seen to work.
fn a_flood(name: &'static str, from_a_process: bool) {
    let runtime = crate::two_threads(name);
    let threads = Arc::new(Mutex::new(HashSet::new()));
    let both = {
        let threads = threads.clone();
        move || threads.lock().unwrap().len() >= 2
    };
    let node = runtime.block_on(async {
        let node = node(name).await;
        let mut all = Vec::new();
        for _ in 0..64 {
            all.push(node.spawn(Working::spec(threads.clone())).await.unwrap());
        }
        let over = both.clone();
        let flood = async move || {
            while !over() {
                for working in &all {
                    working.work().await.unwrap();
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        match from_a_process {
            true => drop(node.spawn_fn(async move |_| flood().await).unwrap()),
            false => drop(tokio::spawn(async move { flood().await })),
        }
        node
    });
    wait_until("both threads work", both);
    runtime.block_on(node.stop());
}

#[test]
fn one_thread_does_not_work_alone_on_what_one_process_sent_to_many() {
    a_flood("process", true);
}

#[test]
fn one_thread_does_not_work_alone_on_what_a_task_sent_to_many() {
    a_flood("task", false);
}

/// Blocks its thread for some milliseconds each time.
struct Slow {
    turns: Arc<AtomicUsize>,
}

#[gen_server(local)]
impl Slow {
    #[init]
    fn new(turns: Arc<AtomicUsize>) -> Self {
        Slow { turns }
    }
    #[call]
    fn work(&mut self) {
        thread::sleep(Duration::from_millis(5));
        self.turns.fetch_add(1, SeqCst);
    }
}

#[test]
fn who_is_woken_from_elsewhere_waits_for_few_long_turns() {
    let runtime = two_threads("few long turns");
    runtime.block_on(async {
        let node = node("few_long_turns").await;
        let turns = Arc::new(AtomicUsize::new(0));
        // More than there are threads.
        for _ in 0..3 {
            let slow = node.spawn(Slow::spec(Arc::clone(&turns))).await.unwrap();
            let works = node.spawn_fn(async move |_cx| while slow.work().await.is_ok() {});
            works.unwrap();
        }
        let waits = run(&node, async move |_cx| {
            let mut waits = Vec::new();
            for _ in 0..21 {
                let begun = turns.load(SeqCst);
                // By the runtime, in none of the scheduler's lanes.
                tokio::task::yield_now().await;
                waits.push(turns.load(SeqCst) - begun);
            }
            waits.sort_unstable();
            waits
        });
        // Now and then the runtime itself looks for it late.
        let waits = timeout(SOON, waits).await.expect("it hangs");
        assert!(waits[10] <= 8, "{waits:?}");
        timeout(SOON, node.stop()).await.expect("it hangs");
    });
}
