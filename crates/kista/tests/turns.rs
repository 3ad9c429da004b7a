//! What must not be told apart although a process does the turn of the server that it calls.

#[path = "support/plain.rs"]
mod plain;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use kista::{CallError, Dest, ExitReason, Info, Node, Pid, ProcessCx, ServerRef, gen_server};
use plain::{is_within_caller, node, run_as_caller};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task;

/// After so many calls a server has no task, mostly.
const MANY: usize = 40;

tokio::task_local! {
    static OF_THE_CALLER: u32;
}

/// Says where it is, and does what may go wrong.
struct Worker {
    done: usize,
}

#[gen_server(local)]
impl Worker {
    #[init]
    fn new() -> Self {
        Worker { done: 0 }
    }

    /// Whether it has its turn where its caller waits.
    #[call]
    fn place(&mut self) -> bool {
        self.done += 1;
        is_within_caller()
    }

    #[call]
    fn sees(&self) -> bool {
        OF_THE_CALLER.try_with(|_| ()).is_ok()
    }

    #[call]
    async fn slowly(&mut self) -> usize {
        task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        self.done += 1;
        self.done
    }

    #[call]
    fn long(&mut self) -> bool {
        std::thread::sleep(Duration::from_millis(1));
        is_within_caller()
    }

    #[call]
    fn fail(&mut self) {
        panic!("asked to");
    }

    #[cast]
    fn count(&mut self) {
        self.done += 1;
    }

    #[call]
    fn done(&self) -> usize {
        self.done
    }
}

fn pid_of(server: &ServerRef<Worker>) -> Pid {
    match Dest::from(server) {
        Dest::Pid(pid) => pid,
        other => panic!("a handle of a process here has its pid, not {other:?}"),
    }
}

async fn kill(node: &Node, pid: Pid) {
    node.spawn_fn(async move |cx: ProcessCx| {
        cx.exit(pid, ExitReason::Kill);
    })
    .expect("a process starts");
}

/// A server that has no task, and how often it was called until then. On a busy machine a turn now and then seems long, for which it
/// keeps its task for a while.
async fn without_task(node: &Node) -> (ServerRef<Worker>, usize) {
    let worker = node.spawn(Worker::spec()).await.expect("a server starts");
    let called = worker.clone();
    let calls = run_as_caller(node, async move {
        let mut calls = 1;
        while called.place().await != Ok(true) {
            calls += 1;
        }
        calls
    })
    .await;
    (worker, calls)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_only_called_has_its_turns_where_its_callers_wait() {
    let node = node("turns").await;
    let (worker, calls) = without_task(&node).await;
    assert_eq!(worker.done().await, Ok(calls));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_no_process_lends_no_server_its_task_locals() {
    let node = node("turns").await;
    let (worker, _) = without_task(&node).await;
    let asked = async {
        let mut seen = 0;
        for _ in 0..10 * MANY {
            seen += usize::from(worker.sees().await.unwrap());
        }
        seen
    };
    assert_eq!(OF_THE_CALLER.scope(1, asked).await, 0);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_awaits_goes_on_by_itself() {
    let node = node("turns").await;
    for _ in 0..20 {
        let (worker, calls) = without_task(&node).await;
        let answer = run_as_caller(&node, async move {
            // Given up where it stands: the server goes on.
            drop(tokio::time::timeout(Duration::ZERO, worker.slowly()).await);
            let second = worker.slowly().await;
            (second, worker.place().await.map(drop))
        })
        .await;
        assert_eq!(answer, (Ok(calls + 2), Ok(())));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_takes_long_is_done_beside_its_callers() {
    let node = node("turns").await;
    let (worker, _) = without_task(&node).await;
    let here = run_as_caller(&node, async move {
        let mut here = Vec::new();
        for _ in 0..3 * MANY {
            here.push(worker.long().await.unwrap());
        }
        here
    })
    .await;
    // It is timed from time to time: after the first that is, none is done here.
    assert!(here[MANY..].iter().all(|here| !here), "{here:?}");
    node.stop().await;
}

#[test]
fn who_calls_without_end_lets_others_run() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let node = node("turns").await;
        let (worker, _) = without_task(&node).await;
        let over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&over);
        let caller = run_as_caller(&node, async move {
            while !told.load(Relaxed) {
                worker.place().await.unwrap();
            }
        });
        let other = async {
            for _ in 0..100 {
                task::yield_now().await;
            }
            over.store(true, Relaxed);
        };
        tokio::join!(caller, other);
        node.stop().await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_reaches_a_server_without_a_task() {
    let node = node("turns").await;
    // A cast, and a call by who is no process.
    let (worker, calls) = without_task(&node).await;
    worker.count().await.unwrap();
    assert_eq!(worker.done().await, Ok(calls + 1));
    // A stop, waited for here and as a process.
    let (worker, _) = without_task(&node).await;
    assert_eq!(worker.stop().await, Ok(()));
    let (worker, _) = without_task(&node).await;
    assert_eq!(
        run_as_caller(&node, async move { worker.stop().await }).await,
        Ok(())
    );
    // An exit signal, and the answer to who watches.
    let (worker, _) = without_task(&node).await;
    let pid = pid_of(&worker);
    let (tell, told) = oneshot::channel();
    node.spawn_fn(async move |mut cx: ProcessCx| {
        let watched = cx.monitor(pid);
        cx.exit(pid, ExitReason::Kill);
        let reason = match cx.receive().await {
            Info::Down {
                reference, reason, ..
            } if reference == watched => reason,
            other => panic!("{other:?}"),
        };
        let _ = tell.send(reason);
    })
    .unwrap();
    assert_eq!(told.await, Ok(ExitReason::Killed));
    assert_eq!(worker.done().await, Err(CallError::NoProc));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_turn_ends_the_server_and_not_its_caller() {
    let node = node("turns").await;
    let (worker, _) = without_task(&node).await;
    let answers = run_as_caller(&node, async move {
        let failed = worker.fail().await;
        (failed, worker.done().await)
    })
    .await;
    assert!(
        matches!(&answers.0, Err(CallError::Exit(ExitReason::Panic(text))) if &**text == "asked to"),
        "{answers:?}"
    );
    assert_eq!(answers.1, Err(CallError::NoProc));
    node.stop().await;
}

/// Calls the one behind it.
struct Link {
    next: Option<ServerRef<Link>>,
}

#[gen_server(local)]
impl Link {
    #[init]
    fn new(next: Option<ServerRef<Link>>) -> Self {
        Link { next }
    }

    #[call]
    async fn depth(&mut self) -> usize {
        match &self.next {
            Some(next) => 1 + next.depth().forever().await.unwrap(),
            None => 0,
        }
    }

    #[call]
    fn touch(&mut self) {}
}

#[test]
fn a_chain_of_servers_that_call_each_other_is_no_recursion() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(256 * 1024)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let node = node("turns").await;
        let mut chain: Vec<ServerRef<Link>> = Vec::new();
        for _ in 0..2_000 {
            let next = chain.last().cloned();
            chain.push(node.spawn(Link::spec(next)).await.unwrap());
        }
        let first = chain.last().cloned().unwrap();
        let depth = run_as_caller(&node, async move {
            for link in &chain {
                for _ in 0..MANY {
                    link.touch().await.unwrap();
                }
            }
            for _ in 0..10 {
                assert_eq!(first.depth().forever().await, Ok(1_999));
            }
            first.depth().forever().await
        })
        .await;
        assert_eq!(depth, Ok(1_999));
        node.stop().await;
    });
}

/// Counts its own end.
struct Ending(Arc<AtomicUsize>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[gen_server(local)]
impl Ending {
    #[init]
    fn new(ended: Arc<AtomicUsize>) -> Self {
        Ending(ended)
    }

    #[call]
    fn touch(&self) {}
}

#[test]
fn the_end_of_the_runtime_ends_servers_without_a_task() {
    let runtime = Runtime::new().unwrap();
    let ended = Arc::new(AtomicUsize::new(0));
    let node = runtime.block_on(async {
        let node = node("turns").await;
        for _ in 0..100 {
            let server = node.spawn(Ending::spec(Arc::clone(&ended))).await.unwrap();
            run_as_caller(&node, async move {
                for _ in 0..MANY {
                    server.touch().await.unwrap();
                }
            })
            .await;
        }
        node
    });
    assert_eq!(ended.load(Relaxed), 0);
    drop(runtime);
    assert_eq!(ended.load(Relaxed), 100);
    drop(node);
}

/// Processes, tasks, casts, calls that await, panics and kills, all at once: each call is answered, and what was done is counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_between_a_task_and_none() {
    const CALLERS: usize = 16;
    const ROUNDS: usize = 2_000;
    let node = node("turns").await;
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(node.spawn(Worker::spec()).await.unwrap());
    }
    let mut callers = Vec::new();
    for n in 0..CALLERS {
        let (node, workers) = (node.clone(), workers.clone());
        callers.push(tokio::spawn(async move {
            let mut seed = n as u64 + 1;
            let work = async move {
                for _ in 0..ROUNDS {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let worker = &workers[(seed >> 33) as usize % workers.len()];
                    match (seed >> 40) % 64 {
                        0 => drop(worker.count()),
                        1 => drop(worker.slowly().forever().await.unwrap()),
                        2 => {
                            let request = worker.place().send_request();
                            worker.place().forever().await.unwrap();
                            request.await.unwrap();
                        }
                        _ => drop(worker.place().forever().await.unwrap()),
                    }
                }
                let mut seed = n as u64 + 1;
                let mut did = 0;
                for _ in 0..ROUNDS {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    did += if (seed >> 40) % 64 == 2 { 2 } else { 1 };
                }
                did
            };
            match n % 4 {
                0 => tokio::spawn(work).await.unwrap(),
                _ => run_as_caller(&node, work).await,
            }
        }));
    }
    let mut all = 0;
    for caller in callers {
        all += caller.await.unwrap();
    }
    let mut done = 0;
    for worker in &workers {
        done += worker.done().await.unwrap();
    }
    assert_eq!(done, all);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn servers_that_come_to_do_without_a_task_can_end_at_any_moment() {
    let node = node("turns").await;
    for round in 0..300 {
        let worker = node.spawn(Worker::spec()).await.unwrap();
        let called = worker.clone();
        let caller = run_as_caller(&node, async move {
            let mut answered = 0;
            while called.place().forever().await.is_ok() {
                answered += 1;
            }
            answered
        });
        let end = async {
            for _ in 0..round % 50 {
                task::yield_now().await;
            }
            match round % 3 {
                0 => drop(worker.stop().await),
                1 => drop(worker.fail().await),
                _ => kill(&node, pid_of(&worker)).await,
            }
        };
        tokio::join!(caller, end);
    }
    node.stop().await;
}
