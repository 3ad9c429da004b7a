//! Requests sent now and waited for later, one or many; calls to many nodes; calls from plain threads.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kista::{
    Atom, CallError, Cx, ExitReason, NoResponse, Node, ReplyTo, RequestIds, ServerRef, gen_server,
};

/// Answers when it is told to, or never.
struct Desk {
    open: Vec<ReplyTo<i64>>,
}

#[gen_server]
impl Desk {
    #[init]
    fn new() -> Self {
        Desk { open: Vec::new() }
    }
    #[call]
    fn keep(&mut self, reply: ReplyTo<i64>) {
        self.open.push(reply);
    }
    #[call]
    fn double(&self, n: i64) -> i64 {
        2 * n
    }
    /// Answers what is open, the last first.
    #[call]
    fn answer(&mut self, value: i64) -> usize {
        let open = std::mem::take(&mut self.open);
        let count = open.len();
        open.into_iter().rev().for_each(|reply| reply.reply(value));
        count
    }
    #[call]
    async fn block(&mut self, other: Option<Atom>, cx: &mut Cx<Self>) -> bool {
        let other = cx.node().server::<Desk>(other.unwrap());
        other.double(1).blocking() == Err(CallError::InsideProcess)
    }
    #[cast]
    fn count(&mut self, _n: i64) {}
}

async fn node(name: &str) -> Node {
    Node::builder(format!("{name}@127.0.0.1"))
        .no_network()
        .start()
        .await
        .unwrap()
}

async fn desk(node: &Node) -> ServerRef<Desk> {
    node.spawn(Desk::spec()).name("desk").await.unwrap()
}

fn atom(text: &'static str) -> Atom {
    Atom::from_static(text)
}

#[tokio::test]
async fn a_request_is_sent_at_once_and_answered_later() {
    let node = node("req").await;
    let desk = desk(&node).await;
    let mut moved = desk.keep().send_request();
    let mut encoded = node.call::<i64>("desk", &atom("keep")).send_request();
    assert_eq!(moved.check_response(), None);
    assert_eq!(encoded.wait_response(Duration::from_millis(20)).await, None);
    assert_eq!(desk.answer(7).await, Ok(2), "both had arrived");
    assert_eq!(moved.check_response(), Some(Ok(7)));
    assert_eq!(moved.check_response(), None, "there is one answer");
    assert_eq!(
        encoded.wait_response(Duration::from_secs(60)).await,
        Some(Ok(7))
    );
    node.stop().await;
}

#[tokio::test]
async fn a_request_waited_for_in_vain_is_abandoned() {
    let node = node("req").await;
    let desk = desk(&node).await;
    for request in [
        desk.keep().send_request(),
        node.call("desk", &atom("keep")).send_request(),
    ] {
        let late = request.receive_response(Duration::from_millis(20)).await;
        assert_eq!(late, Err(CallError::Timeout));
    }
    drop(desk.keep().send_request());
    assert_eq!(desk.answer(1).await, Ok(3));
    assert_eq!(desk.answer(1).await, Ok(0), "nothing is left behind");
    node.stop().await;
}

#[tokio::test]
async fn a_request_to_nobody_and_one_whose_server_ends_say_so() {
    let node = node("req").await;
    let desk = desk(&node).await;
    let kept = [
        desk.keep().send_request(),
        node.call("desk", &atom("keep")).send_request(),
    ];
    desk.stop_with(ExitReason::Shutdown, None).await.unwrap();
    for request in kept {
        assert_eq!(request.await, Err(CallError::Exit(ExitReason::Shutdown)));
    }
    assert_eq!(desk.keep().send_request().await, Err(CallError::NoProc));
    let nobody = node.call::<i64>("desk", &1).send_request();
    assert_eq!(nobody.await, Err(CallError::NoProc));
    node.stop().await;
}

#[tokio::test]
async fn a_collection_gives_each_answer_once_with_its_label() {
    let node = node("req").await;
    let desk = desk(&node).await;
    let mut requests = RequestIds::new();
    assert_eq!(
        requests.wait_response(Duration::MAX).await,
        Err(NoResponse::NoRequest)
    );
    for n in 0..10_000 {
        let request = match n % 2 {
            0 => desk.double(n).send_request(),
            _ => node.call("desk", &(atom("double"), n)).send_request(),
        };
        requests.add(request, n);
    }
    requests.add(desk.keep().send_request(), -1);
    assert_eq!(requests.size(), 10_001);
    let mut seen = HashSet::new();
    while requests.size() > 1 {
        let (answer, n) = requests
            .wait_response(Duration::from_secs(60))
            .await
            .unwrap();
        assert_eq!(answer, Ok(2 * n));
        assert!(seen.insert(n));
    }
    assert_eq!(requests.labels().collect::<Vec<_>>(), [&-1]);
    let late = requests.wait_response(Duration::from_millis(20)).await;
    assert_eq!(late, Err(NoResponse::Timeout));
    assert_eq!(requests.check_response(), None);
    assert_eq!(desk.answer(5).await, Ok(1));
    let last = requests.receive_response(Duration::from_secs(60)).await;
    assert_eq!(last, Ok((Ok(5), -1)));
    assert!(requests.is_empty());
    node.stop().await;
}

#[tokio::test]
async fn a_collection_received_in_vain_is_abandoned_whole() {
    let node = node("req").await;
    let desk = desk(&node).await;
    let mut requests = RequestIds::new();
    requests.add(desk.keep().send_request(), 'a');
    requests.add(desk.keep().send_request(), 'b');
    let late = requests.receive_response(Duration::from_millis(20)).await;
    assert_eq!(late, Err(NoResponse::Timeout));
    assert_eq!(requests.size(), 0);
    requests.add(desk.keep().send_request(), 'c');
    let listed = requests.into_list();
    assert_eq!(listed[0].1, 'c');
    assert_eq!(desk.answer(0).await, Ok(3));
    node.stop().await;
}

#[tokio::test]
async fn a_multi_call_tells_answers_from_nodes_without_one() {
    let node = node("req").await;
    let _desk = desk(&node).await;
    let nodes = [node.name(), atom("nowhere@127.0.0.1")];
    let called = node
        .multi_call::<i64>(nodes, "desk", &(atom("double"), 4))
        .await;
    assert_eq!(called.replies, [(node.name(), 8)]);
    assert_eq!(
        called.bad_nodes,
        [(atom("nowhere@127.0.0.1"), CallError::NoConnection)]
    );
    let silent = node
        .multi_call::<i64>([node.name()], "desk", &atom("keep"))
        .timeout(Duration::from_millis(20))
        .await;
    assert_eq!(silent.bad_nodes, [(node.name(), CallError::Timeout)]);
    assert_eq!(node.abcast(nodes, "desk", &(atom("count"), 1)), Ok(()));
    node.stop().await;
}

#[test]
fn a_plain_thread_calls_without_a_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (node, desk) = runtime.block_on(async {
        let node = node("req").await;
        let desk = desk(&node).await;
        (node, desk)
    });
    let desk = Arc::new(desk);
    let threads: Vec<_> = (0..4)
        .map(|n| {
            let (node, desk) = (node.clone(), Arc::clone(&desk));
            std::thread::spawn(move || {
                assert_eq!(desk.double(n).blocking(), Ok(2 * n));
                let encoded = node.call::<i64>("desk", &(atom("double"), n)).blocking();
                assert_eq!(encoded, Ok(2 * n));
                let late = desk.keep().timeout(Duration::from_millis(20)).blocking();
                assert_eq!(late, Err(CallError::Timeout));
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    runtime.block_on(node.stop());
}

#[tokio::test]
async fn a_blocking_call_within_a_process_is_refused() {
    let node = node("req").await;
    let desk = desk(&node).await;
    assert_eq!(desk.block(Some(atom("desk"))).await, Ok(true));
    node.stop().await;
}

#[tokio::test]
async fn a_blocking_call_within_a_task_is_refused_at_once() {
    let node = node("req").await;
    let desk = desk(&node).await;
    // In what the runtime blocks on, and in a task of its own: nobody could answer meanwhile.
    assert_eq!(
        desk.double(1).forever().blocking(),
        Err(CallError::InsideTask)
    );
    let called = desk.clone();
    let task = tokio::spawn(async move {
        let encoded = called.double(1).send_request();
        drop(encoded);
        called.double(1).forever().blocking()
    });
    assert_eq!(task.await.unwrap(), Err(CallError::InsideTask));
    let by_name = node.call::<i64>("desk", &(atom("double"), 1));
    assert_eq!(by_name.forever().blocking(), Err(CallError::InsideTask));
    // A thread that may be held is served, also beside a runtime of one thread.
    let called = desk.clone();
    let thread = tokio::task::spawn_blocking(move || called.double(2).blocking());
    assert_eq!(thread.await.unwrap(), Ok(4));
    assert_eq!(desk.double(3).await, Ok(6), "a refused call harms nobody");
    node.stop().await;
}

#[test]
fn a_blocking_call_to_a_runtime_that_nobody_drives_says_so() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (node, desk) = runtime.block_on(async {
        let node = node("req").await;
        let desk = desk(&node).await;
        (node, desk)
    });
    let waits = Duration::from_secs(1);
    let call = desk.double(1).timeout(waits).blocking();
    assert_eq!(call, Err(CallError::NotDriven));
    // Driven, it is an ordinary call again.
    let called = desk.clone();
    let (done, ended) = tokio::sync::oneshot::channel();
    let thread = std::thread::spawn(move || {
        let _ = done.send(called.double(2).forever().blocking());
    });
    assert_eq!(runtime.block_on(ended).unwrap(), Ok(4));
    thread.join().unwrap();
    runtime.block_on(node.stop());
}
