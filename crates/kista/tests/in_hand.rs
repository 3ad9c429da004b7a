//! What must not be told apart although the message by which the wait of a server at rest ends is in its hand, not in its queue.

#[path = "support/plain.rs"]
mod plain;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};

use kista::{CallError, Cx, Dest, ExitReason, Info, Node, Pid, ServerRef, gen_server};
use plain::{node, run};

/// Writes down what it is sent; others see how much that is.
struct Diary {
    all: Vec<i64>,
    noted: Arc<AtomicUsize>,
}

#[gen_server(local)]
impl Diary {
    #[init]
    fn new(noted: Arc<AtomicUsize>) -> Self {
        let all = Vec::new();
        Diary { all, noted }
    }

    #[cast]
    fn note(&mut self, n: i64) {
        self.all.push(n);
        self.noted.fetch_add(1, Relaxed);
    }

    #[cast]
    async fn note_later(&mut self, n: i64) {
        tokio::task::yield_now().await;
        self.note(n);
    }

    #[call]
    fn read(&mut self, cx: &mut Cx<Self>) -> Vec<i64> {
        // Who follows it is told so, behind the call.
        cx.server_ref().note(-1);
        std::mem::take(&mut self.all)
    }

    #[info(other)]
    fn other(&mut self, info: Info) {
        if let Info::Term(term) = info {
            self.note(i64::try_from(&term).expect("a number"));
        }
    }
}

/// At rest, and parked: nothing is in its queue.
async fn diary(node: &Node) -> (ServerRef<Diary>, Pid, Arc<AtomicUsize>) {
    let noted = Arc::new(AtomicUsize::new(0));
    let server = node.spawn(Diary::spec(Arc::clone(&noted))).await.unwrap();
    let Dest::Pid(pid) = Dest::from(&server) else {
        panic!("a handle of a process here has its pid")
    };
    server.read().await.unwrap();
    while noted.load(Relaxed) == 0 || queued(node, pid) > 0 {
        tokio::task::yield_now().await;
    }
    server.note(0).await.unwrap();
    while noted.load(Relaxed) == 1 {
        tokio::task::yield_now().await;
    }
    noted.store(0, Relaxed);
    (server, pid, noted)
}

fn queued(node: &Node, pid: Pid) -> usize {
    let list = node.process_list();
    let of = list.iter().find(|process| process.pid == pid);
    of.expect("it lives").message_queue_len
}

/// Polls it once, so that what it is to send is sent.
fn begin<T>(call: std::pin::Pin<&mut impl Future<Output = T>>) {
    let mut cx = Context::from_waker(Waker::noop());
    assert!(call.poll(&mut cx).is_pending(), "its server has no turn");
}

#[tokio::test]
async fn it_counts_as_queued_and_keeps_its_place() {
    let node = node("in_hand").await;
    let (server, pid, _) = diary(&node).await;
    // No process of this one thread has a turn in between.
    drop(server.note(1));
    assert_eq!(queued(&node, pid), 1);
    drop(server.note(2));
    drop(node.send(pid, &3));
    drop(server.note_later(4));
    drop(server.note(5));
    assert_eq!(queued(&node, pid), 5);
    assert_eq!(server.read().await.unwrap(), [-1, 0, 1, 2, 3, 4, 5]);
    let info = node.process_info(pid).await.expect("it lives");
    assert_eq!(info.message_queue_len, 0);
    node.stop().await;
}

#[tokio::test]
async fn what_came_encoded_is_in_nobodys_hand() {
    let node = node("in_hand").await;
    let (server, pid, _) = diary(&node).await;
    drop(node.send(pid, &1));
    drop(server.note(2));
    assert_eq!(queued(&node, pid), 2);
    assert_eq!(server.read().await.unwrap(), [-1, 0, 1, 2]);
    node.stop().await;
}

#[tokio::test]
async fn a_kill_that_comes_before_it_is_read_acts_first() {
    let node = node("in_hand").await;
    for calls in [false, true] {
        let (server, pid, noted) = diary(&node).await;
        let other = server.clone();
        // No monitor: that would be a signal, for which the server's code begins.
        let answer = run(&node, async move |cx| {
            let mut call = pin!(other.read());
            match calls {
                true => begin(call.as_mut()),
                false => drop(other.note(1)),
            }
            cx.exit(pid, ExitReason::Kill);
            match calls {
                true => Some(call.await),
                false => None,
            }
        })
        .await;
        while node.is_alive(pid) {
            tokio::task::yield_now().await;
        }
        assert_eq!(noted.load(Relaxed), 0, "nothing was handled");
        if let Some(answer) = answer {
            assert_eq!(answer, Err(CallError::Exit(ExitReason::Killed)));
        }
    }
    node.stop().await;
}

#[test]
fn a_call_in_hand_is_answered_when_the_runtime_goes_away() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (node, server) = runtime.block_on(async {
        let node = node("in_hand").await;
        let (server, ..) = diary(&node).await;
        (node, server)
    });
    let mut call = pin!(server.read());
    {
        let _entered = runtime.enter();
        begin(call.as_mut());
    }
    drop(runtime);
    let answer = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(
        matches!(answer, Poll::Ready(Err(CallError::Exit(_)))),
        "{answer:?}"
    );
    drop(node);
}
