//! What is sent to a caller before its answer acts before it sees the answer: also where it does its server's turn itself, and the answer
//! is there at once.

#[path = "support/plain.rs"]
mod plain;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use kista::{
    CallError, Cx, Dest, ExitReason, Node, Pid, ProcessCx, ReplyTo, ServerRef, gen_server,
};
use plain::{SOON, as_caller, is_within_caller, node, run};
use tokio::sync::oneshot;
use tokio::time::timeout;

#[derive(Default)]
struct Desk(Vec<ReplyTo<()>>);

#[gen_server(local)]
impl Desk {
    #[init]
    fn new() -> Self {
        Desk::default()
    }

    /// Whether its caller waits where it has its turn.
    #[call]
    fn place(&mut self) -> bool {
        is_within_caller()
    }

    #[call]
    fn kill(&mut self, who: Pid, cx: &mut Cx<Self>) {
        cx.exit(who, ExitReason::Kill);
    }

    #[call]
    fn count(&mut self, calls: Arc<AtomicUsize>) {
        calls.fetch_add(1, Relaxed);
    }

    #[call]
    fn fail(&mut self) {
        panic!("as it was asked to");
    }

    /// Not answered while it lives.
    #[call]
    fn wait(&mut self, reply: ReplyTo<()>) {
        self.0.push(reply);
    }

    /// How many do.
    #[call]
    fn waiting(&self) -> usize {
        self.0.len()
    }

    #[cast]
    fn fail_unasked(&mut self) {
        panic!("as it was told to");
    }
}

fn pid_of(desk: &ServerRef<Desk>) -> Pid {
    match Dest::from(desk) {
        Dest::Pid(pid) => pid,
        other => panic!("a handle of a process here has its pid, not {other:?}"),
    }
}

/// Until its callers do the server's turns.
async fn warm(desk: &ServerRef<Desk>) {
    while !desk.place().await.unwrap() {}
}

/// So many, as one thread may be quicker than the other.
const ROUNDS: usize = 50;

/// Whether a process got to the end of its code, in any of many rounds: where its caller does the server's turn, or not.
async fn ran_on<F, R>(node: &Node, code: F) -> bool
where
    F: Fn(ProcessCx, ServerRef<Desk>) -> R + Clone + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    for round in 0..2 * ROUNDS {
        let desk = node.spawn(Desk::spec()).await.unwrap();
        let (give, end) = oneshot::channel();
        let code = code.clone();
        let process = node.spawn_fn(async move |cx| {
            as_caller(async move {
                if round % 2 == 0 {
                    warm(&desk).await;
                }
                code(cx, desk).await;
                let _ = give.send(());
            })
            .await;
        });
        process.unwrap();
        if timeout(SOON, end).await.expect("it ends").is_ok() {
            return true;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_by_the_server_keeps_its_caller_from_seeing_the_answer() {
    let node = node("before_answers").await;
    let calls = async move |cx: ProcessCx, desk: ServerRef<Desk>| {
        let _ = desk.kill(cx.pid()).await;
    };
    assert!(!ran_on(&node, calls).await);
    let requests = async move |cx: ProcessCx, desk: ServerRef<Desk>| {
        let _ = desk.kill(cx.pid()).send_request().await;
    };
    assert!(!ran_on(&node, requests).await);
    let joined = async move |cx: ProcessCx, desk: ServerRef<Desk>| {
        let _ = tokio::join!(desk.place(), desk.kill(cx.pid()));
    };
    assert!(!ran_on(&node, joined).await);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_linked_caller_does_not_see_what_became_of_the_call_that_ended_its_server() {
    let node = node("before_answers").await;
    let linked = async move |cx: ProcessCx, desk: ServerRef<Desk>| {
        cx.link(pid_of(&desk));
        let _ = desk.fail().await;
    };
    assert!(!ran_on(&node, linked).await);
    let trapping = async move |cx: ProcessCx, desk: ServerRef<Desk>| {
        cx.trap_exit(true);
        cx.link(pid_of(&desk));
        let failed = desk.fail().await;
        assert!(
            matches!(failed, Err(CallError::Exit(ExitReason::Panic(_)))),
            "{failed:?}"
        );
    };
    assert!(ran_on(&node, trapping).await, "it is no end of its own");
    node.stop().await;
}

/// Of many that are linked some have yet to be told when a caller could run that was told of its call: here before them all, if it were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_are_told_of_an_end_before_calls_are() {
    const CALLERS: usize = 200;
    let node = node("before_answers").await;
    for _ in 0..ROUNDS {
        let desk = node.spawn(Desk::spec()).await.unwrap();
        let mut ends = Vec::new();
        let ran_on = Arc::new(AtomicUsize::new(0));
        for _ in 0..CALLERS {
            let (desk, ran_on) = (desk.clone(), Arc::clone(&ran_on));
            let (ended, end) = oneshot::channel::<()>();
            let caller = node.spawn_fn(async move |cx| {
                let _ended = ended;
                cx.link(pid_of(&desk));
                let _ = desk.wait().forever().await;
                ran_on.fetch_add(1, Relaxed);
            });
            caller.unwrap();
            ends.push(end);
        }
        while desk.waiting().forever().await.unwrap() < CALLERS {
            tokio::task::yield_now().await;
        }
        desk.fail_unasked().await.unwrap();
        for end in ends {
            assert!(timeout(SOON, end).await.expect("it ends").is_err());
        }
        assert_eq!(ran_on.load(Relaxed), 0);
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_killed_itself_calls_nobody() {
    let node = node("before_answers").await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let dead = move |cx: ProcessCx, desk: ServerRef<Desk>| {
        let counted = Arc::clone(&counted);
        async move {
            cx.exit(cx.pid(), ExitReason::Kill);
            let _ = desk.count(counted).await;
        }
    };
    assert!(!ran_on(&node, dead).await);
    assert_eq!(calls.load(Relaxed), 0);
    node.stop().await;
}

/// Within a handler that drives a runtime of its own no signal acts: the answer comes all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_that_cannot_act_holds_no_answer_back_for_ever() {
    let node = node("before_answers").await;
    let desk = node.spawn(Desk::spec()).await.unwrap();
    let answered = run(&node, async move |cx| {
        cx.trap_exit(true);
        warm_up_to(&desk).await;
        tokio::task::block_in_place(|| {
            let driven = tokio::runtime::Handle::current();
            driven.block_on(async {
                cx.exit(cx.pid(), ExitReason::Normal);
                desk.place().await
            })
        })
    });
    assert!(
        timeout(SOON, answered)
            .await
            .expect("it is answered")
            .is_ok()
    );
    node.stop().await;
}

async fn warm_up_to(desk: &ServerRef<Desk>) {
    for _ in 0..20 {
        desk.place().await.unwrap();
    }
}

/// Calls that fail at once, in a row, by as many processes as there are threads: others have their turns.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_calls_a_name_that_nobody_has_lets_others_run() {
    let node = node("before_answers").await;
    for encoded in [false, true] {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let gave_up = Arc::new(AtomicBool::new(false));
        for _ in 0..2 {
            let (stopped, nobody, gave_up) = (stopped.clone(), node.clone(), Arc::clone(&gave_up));
            let process = node.spawn_fn(async move |_cx| {
                // Not for ever, should nobody else run.
                let end = Instant::now() + SOON;
                while !*stopped.borrow() {
                    let failed = match encoded {
                        false => nobody.server::<Desk>("nobody").place().await.map(drop),
                        true => nobody.call::<bool>("nobody", &1).await.map(drop),
                    };
                    assert_eq!(failed, Err(CallError::NoProc));
                    if Instant::now() > end {
                        return gave_up.store(true, Relaxed);
                    }
                }
            });
            process.unwrap();
        }
        // A timer of the runtime, a task, a start, and a call.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let others = tokio::spawn({
            let node = node.clone();
            async move {
                let desk = node.spawn(Desk::spec()).await.unwrap();
                desk.place().await.unwrap();
            }
        });
        let others = timeout(SOON, others).await.expect("they run");
        others.unwrap();
        stop.send(true).unwrap();
        assert!(!gave_up.load(Relaxed), "nobody else ran");
    }
    node.stop().await;
}
