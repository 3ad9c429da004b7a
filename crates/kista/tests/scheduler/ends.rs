//! Where a runtime or a node goes, no process is left behind, wherever it was.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use kista::{Cx, EpmdMode, Info, Node, Pid, ProcessCx, ServerRef, gen_server};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::plain::{SOON, node, run};
use crate::port::free_port;
use crate::{pid, two_threads, wait_until};

/// What is dropped with its owner.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn new(gone: &Arc<AtomicUsize>) -> Self {
        Held(gone.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A process in whatever position it is brought to.
struct Brought {
    _held: Held,
}

#[gen_server(local)]
impl Brought {
    #[init]
    fn new(gone: Arc<AtomicUsize>) -> Self {
        Brought {
            _held: Held::new(&gone),
        }
    }
    #[call]
    fn ask(&self) {}
    #[cast]
    fn tell(&mut self) {}
    /// Its message is never read, or in its hand, when it ends.
    #[cast]
    fn take(&mut self, _held: Held) {}
    #[cast]
    async fn wait(&mut self, _held: Held) {
        pending::<()>().await;
    }
    #[cast]
    async fn sleep(&mut self, _held: Held) {
        sleep(Duration::from_secs(3_600)).await;
    }
    #[cast]
    async fn ask_another(&mut self, held: Held, to: ServerRef<Brought>) {
        let _held = held;
        let _ = to.ask().forever().await;
    }
    /// Keeps its thread.
    #[cast]
    fn run(&mut self, _held: Held, running: Arc<AtomicUsize>, let_go: Arc<AtomicBool>) {
        running.fetch_add(1, SeqCst);
        wait_until("it is let go", || let_go.load(SeqCst));
    }
}

/// How many of each position.
const EACH: usize = 20;

/// A process of each position, but for those that run and that are ready; how many [`Held`] there are.
async fn bring(node: &Node, gone: &Arc<AtomicUsize>) -> (Vec<ServerRef<Brought>>, usize) {
    let mut all = Vec::new();
    let mut held = 0;
    for position in 0..7 {
        for _ in 0..EACH {
            let brought = node.spawn(Brought::spec(gone.clone())).await.unwrap();
            held += 1;
            let mut more = true;
            match position {
                // Never asked.
                0 => more = false,
                1 => {
                    brought.ask().await.unwrap();
                    more = false;
                }
                // Its callers do its turns.
                2 => {
                    let called = brought.clone();
                    run(node, async move |_| {
                        for _ in 0..40 {
                            called.ask().await.unwrap();
                        }
                    })
                    .await;
                    more = false;
                }
                3 => brought.wait(Held::new(gone)).await.unwrap(),
                4 => brought.sleep(Held::new(gone)).await.unwrap(),
                5 => {
                    let waits: &ServerRef<Brought> = &all[3 * EACH];
                    brought
                        .ask_another(Held::new(gone), waits.clone())
                        .await
                        .unwrap();
                }
                // It has an unread message, that owns something too.
                _ => {
                    brought.wait(Held::new(gone)).await.unwrap();
                    drop(brought.take(Held::new(gone)));
                    held += 1;
                }
            }
            held += usize::from(more);
            all.push(brought);
        }
    }
    // A plain process, that waits for a message or for something else.
    for n in 0..EACH {
        let own = Held::new(gone);
        held += 1;
        node.spawn_fn(async move |mut cx: ProcessCx| {
            let _own = own;
            match n % 2 {
                0 => drop(cx.receive().await),
                _ => pending().await,
            }
        })
        .unwrap();
    }
    (all, held)
}

/// Two nodes, each in a runtime of its own.
fn connected(name: &str, ends: &Runtime, stays: &Runtime) -> (Node, Node) {
    let port = free_port();
    let builder = |side: &str| {
        Node::builder(format!("{name}-{side}@127.0.0.1"))
            .cookie("scheduler")
            .epmd_port(port)
    };
    // The EPMD is of the one that stays.
    let watching = stays
        .block_on(builder("stays").epmd(EpmdMode::Embedded).start())
        .unwrap();
    let ending = ends
        .block_on(builder("ends").epmd(EpmdMode::Running).start())
        .unwrap();
    let connected = watching.connect(ending.name().as_str());
    stays.block_on(connected).unwrap();
    (ending, watching)
}

/// For each of them, by its pid, how often its end was heard of: by a link, and by a monitor.
type Heard = Arc<Mutex<HashMap<Pid, (usize, usize)>>>;

/// Links and watches each of them.
async fn watch(node: &Node, all: Vec<Pid>) -> Heard {
    let heard = Heard::default();
    let (ready, mut is_ready) = mpsc::unbounded_channel();
    let notes = heard.clone();
    node.spawn_fn(async move |mut cx: ProcessCx| {
        cx.trap_exit(true);
        let mut of = HashMap::new();
        for &pid in &all {
            cx.link(pid);
            of.insert(cx.monitor(pid), pid);
        }
        ready.send(()).unwrap();
        loop {
            let info = cx.receive().await;
            let mut notes = notes.lock().unwrap();
            match info {
                Info::Exit { from, .. } => notes.entry(from).or_default().0 += 1,
                Info::Down { reference, .. } => {
                    notes.entry(of[&reference]).or_default().1 += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .unwrap();
    timeout(SOON, is_ready.recv()).await.expect("it hangs");
    heard
}

/// The runtime goes away by `end` while its processes are in all positions.
fn the_end_of_a_runtime(name: &'static str, end: fn(Runtime)) {
    let (ends, stays) = (two_threads("ends"), two_threads("stays"));
    let (ending, watching) = connected(name, &ends, &stays);
    let gone = Arc::new(AtomicUsize::new(0));
    let (mut all, mut held) = ends.block_on(bring(&ending, &gone));
    let (running, let_go) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let more = ends.block_on(async {
        let mut more = Vec::new();
        for _ in 0..EACH {
            more.push(ending.spawn(Brought::spec(gone.clone())).await.unwrap());
            held += 1;
        }
        more
    });
    all.extend(more.iter().cloned());
    let heard = stays.block_on(watch(&watching, all.iter().map(pid).collect()));
    // Two keep both threads; what is sent to the others makes them ready, and they stay so.
    for runs in &more[..2] {
        drop(runs.run(Held::new(&gone), running.clone(), let_go.clone()));
        held += 1;
    }
    wait_until("both run", || running.load(SeqCst) == 2);
    for ready in &more[2..] {
        drop(ready.take(Held::new(&gone)));
        held += 1;
    }
    assert!(gone.load(SeqCst) == 0, "nobody has ended yet");
    let ender = thread::spawn(move || end(ends));
    thread::sleep(Duration::from_millis(20));
    let_go.store(true, SeqCst);
    ender.join().unwrap();
    wait_until("all that they held is dropped", || {
        gone.load(SeqCst) == held
    });
    wait_until("all have ended", || ending.processes().is_empty());
    assert!(all.iter().all(|server| !server.is_alive()));
    wait_until("their ends are heard of", || {
        heard
            .lock()
            .unwrap()
            .values()
            .filter(|&&n| n == (1, 1))
            .count()
            == all.len()
    });
    assert_eq!(heard.lock().unwrap().len(), all.len());
    // What is sent now is dropped with its sender, or at once.
    drop(all[0].take(Held::new(&gone)));
    drop((all, more));
    wait_until("what came too late is dropped", || {
        gone.load(SeqCst) == held + 1
    });
    stays.block_on(watching.stop());
}

#[test]
fn the_end_of_a_runtime_that_waits_for_its_threads_leaves_no_process_behind() {
    the_end_of_a_runtime("drop", drop);
}

#[test]
fn the_end_of_a_runtime_in_the_background_leaves_no_process_behind() {
    the_end_of_a_runtime("background", Runtime::shutdown_background);
}

/// Processes that are made ready, by each other and by threads, while the runtime goes away.
#[test]
fn what_becomes_ready_while_the_runtime_goes_away_is_not_left_behind() {
    for round in 0..60 {
        let runtime = two_threads("busy");
        let gone = Arc::new(AtomicUsize::new(0));
        let node = runtime.block_on(node("busy"));
        let all: Vec<_> = runtime.block_on(async {
            let mut all = Vec::new();
            for _ in 0..16 {
                all.push(node.spawn(Brought::spec(gone.clone())).await.unwrap());
            }
            for _ in 0..4 {
                let all = all.clone();
                let spawned = node.spawn_fn(async move |_| {
                    loop {
                        for to in &all {
                            to.tell().await.unwrap();
                            to.ask().forever().await.unwrap();
                        }
                    }
                });
                spawned.unwrap();
            }
            all
        });
        let over = Arc::new(AtomicBool::new(false));
        let sender = thread::spawn({
            let (all, over) = (all.clone(), over.clone());
            move || {
                while !over.load(SeqCst) {
                    all.iter().for_each(|to| drop(to.tell()));
                    thread::yield_now();
                }
            }
        });
        thread::sleep(Duration::from_micros(round * 50));
        match round % 2 {
            0 => drop(runtime),
            _ => runtime.shutdown_background(),
        }
        wait_until("all states are dropped", || gone.load(SeqCst) == all.len());
        wait_until("all have ended", || node.processes().is_empty());
        over.store(true, SeqCst);
        sender.join().unwrap();
    }
}

/// A start that races with the end.
#[test]
fn who_is_started_while_the_runtime_goes_away_is_not_left_behind() {
    for round in 0..60 {
        let runtime = two_threads("starts");
        let node = runtime.block_on(node("starts"));
        let over = Arc::new(AtomicBool::new(false));
        let starter = thread::spawn({
            let (node, over) = (node.clone(), over.clone());
            move || {
                let gone = Arc::new(AtomicUsize::new(0));
                let mut started = 0;
                while !over.load(SeqCst) {
                    let held = Held::new(&gone);
                    started += 1;
                    let _refused = node.spawn_fn(async move |mut cx: ProcessCx| {
                        let _held = held;
                        cx.receive().await;
                    });
                }
                (started, gone)
            }
        });
        thread::sleep(Duration::from_micros(round * 50));
        drop(runtime);
        over.store(true, SeqCst);
        let (started, gone) = starter.join().unwrap();
        wait_until("what they held is dropped", || gone.load(SeqCst) == started);
        wait_until("all have ended", || node.processes().is_empty());
    }
}

/// Holds the next one.
struct Link {
    _next: Option<ServerRef<Link>>,
    _held: Held,
}

#[gen_server(local)]
impl Link {
    #[init]
    fn new(next: Option<ServerRef<Link>>, gone: Arc<AtomicUsize>) -> Self {
        Link {
            _next: next,
            _held: Held::new(&gone),
        }
    }
    #[cast]
    fn tell(&mut self) {}
}

/// A chain of so many, on stacks that a frame for each link would not fit on.
fn a_chain(asked: bool, end: impl FnOnce(Runtime, &Node, ServerRef<Link>) + Send + 'static) {
    const LINKS: usize = 100_000;
    const STACK: usize = 256 << 10;
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).thread_stack_size(STACK);
    let runtime = builder.enable_all().build().unwrap();
    let gone = Arc::new(AtomicUsize::new(0));
    let started = runtime.spawn({
        let gone = gone.clone();
        async move {
            let node = node("chain").await;
            let mut first = None;
            for _ in 0..LINKS {
                let next = node.spawn(Link::spec(first, gone.clone()));
                let next = next.await.unwrap();
                if asked {
                    next.tell().await.unwrap();
                }
                first = Some(next);
            }
            (node, first.unwrap())
        }
    });
    let (node, first) = runtime.block_on(started).unwrap();
    let thread = thread::Builder::new().stack_size(STACK);
    let ender = thread.spawn(move || {
        end(runtime, &node, first);
        wait_until("each is dropped", || gone.load(SeqCst) == LINKS);
        wait_until("each has ended", || node.processes().is_empty());
    });
    ender.unwrap().join().unwrap();
}

#[test]
fn a_chain_of_processes_that_hold_each_other_is_no_recursion_when_the_runtime_ends() {
    for asked in [false, true] {
        a_chain(asked, |runtime, _, first| {
            drop(first);
            drop(runtime);
        });
        a_chain(asked, |runtime, _, first| {
            runtime.shutdown_background();
            drop(first);
        });
    }
}

#[test]
fn a_chain_of_processes_that_hold_each_other_is_no_recursion_when_the_node_stops() {
    a_chain(true, |runtime, node, first| {
        drop(first);
        runtime.block_on(node.stop());
    });
}

/// Holds its own handle, its node, and what its owner looks at.
struct Knotted {
    me: Option<ServerRef<Knotted>>,
    over: usize,
    _node: Node,
    _held: Arc<()>,
}

#[gen_server(local)]
impl Knotted {
    #[init]
    fn new(held: Arc<()>, cx: &mut Cx<Self>) -> Self {
        Knotted {
            me: None,
            over: 0,
            _node: cx.node().clone(),
            _held: held,
        }
    }
    #[call]
    fn know(&mut self, me: ServerRef<Knotted>) {
        self.me = Some(me);
    }
    /// Never waits.
    #[cast]
    async fn on_and_on(&mut self) {
        self.over += 1;
        if let Some(me) = &self.me {
            let _ = me.on_and_on().await;
        }
    }
    #[cast]
    async fn wait(&mut self, _held: Arc<()>) {
        pending::<()>().await;
    }
    #[cast]
    fn take(&mut self, _held: Arc<()>) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_leaves_no_process_running_and_gives_its_memory_back() {
    let (held, weak): (Arc<()>, Weak<()>) = {
        let held = Arc::new(());
        let weak = Arc::downgrade(&held);
        (held, weak)
    };
    let node = node("stops").await;
    for n in 0..200 {
        let knotted = node.spawn(Knotted::spec(held.clone())).await.unwrap();
        knotted.know(knotted.clone()).await.unwrap();
        match n % 4 {
            0 => drop(knotted.on_and_on()),
            1 => {
                drop(knotted.wait(held.clone()));
                drop(knotted.take(held.clone()));
            }
            2 => drop(knotted.take(held.clone())),
            _ => {}
        }
        let own = held.clone();
        let plain = node.spawn_fn(async move |mut cx: ProcessCx| {
            let _own = own;
            match n % 3 {
                0 => loop {
                    tokio::task::yield_now().await;
                },
                1 => pending().await,
                _ => drop(cx.receive().await),
            }
        });
        plain.unwrap();
    }
    drop(held);
    assert!(weak.strong_count() > 0);
    node.stop().await;
    assert!(node.processes().is_empty());
    // A lane may have one in hand for a moment longer.
    let given_back = async {
        while weak.strong_count() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(SOON, given_back)
        .await
        .expect("a process is left behind");
}
