//! `sys` and the many-at-once requests of gen_server, from us to Erlang.

use std::time::Duration;

use kista::{Atom, CallError, ExitReason, Node, RequestIds, Term, sys};
use kista_interop::{Bed, Program, Subject};

const ERL: &str = "erl@127.0.0.1";
const OURS: &str = "ours@127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(60);

/// A bed with the demo's servers in Erlang, and a node of ours.
async fn both() -> (Bed, Program, Node) {
    let bed = Bed::new();
    let erl = Subject::Reference.start(&bed, ERL, &[]);
    let node = bed.node(OURS).start().await.expect("our node starts");
    (bed, erl, node)
}

fn atom(text: &'static str) -> Atom {
    Atom::from_static(text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_sys_asks_a_server_in_erlang() {
    let (_bed, _erl, node) = both().await;
    let counter = &(&node, ("counter", ERL));
    let state = |n: i64| Term::tuple([Term::from(atom("counter")), Term::from(n)]);
    assert_eq!(sys::get_state(counter).await, Ok(state(0)));
    let status = sys::get_status(counter).await.unwrap();
    assert!(status.as_tagged("status").is_some(), "{status}");

    sys::suspend(counter).await.unwrap();
    let add = node.call::<i64>(("counter", ERL), &(atom("add"), 2));
    let mut add = add.send_request();
    assert_eq!(add.wait_response(Duration::from_millis(100)).await, None);
    sys::resume(counter).await.unwrap();
    assert_eq!(add.wait_response(PATIENCE).await, Some(Ok(2)));

    sys::statistics(counter, true).await.unwrap();
    sys::log(counter, Some(2)).await.unwrap();
    let get = node.call::<i64>(("counter", ERL), &atom("get"));
    assert_eq!(get.await, Ok(2));
    let counted = sys::read_statistics(counter).await.unwrap().unwrap();
    assert_eq!((counted.messages_in, counted.messages_out), (1, 1));
    let log = sys::read_log(counter).await.unwrap();
    assert!(log[0].as_tagged("in").is_some(), "{log:?}");
    assert!(log[1].as_tagged("out").is_some(), "{log:?}");
    sys::trace(counter, false).await.unwrap();
    sys::no_debug(counter).await.unwrap();
    assert_eq!(sys::read_statistics(counter).await, Ok(None));

    sys::terminate(counter, ExitReason::Shutdown).await.unwrap();
    let ended = node.call::<i64>(("counter", ERL), &atom("get"));
    assert!(
        matches!(
            ended.forever().await,
            Ok(0) | Err(CallError::NoProc | CallError::Exit(ExitReason::Shutdown))
        ),
        "it has ended, or does now, or its supervisor has started another"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_many_requests_to_erlang_find_their_labels() {
    let (_bed, _erl, node) = both().await;
    let mut requests = RequestIds::new();
    for n in 0..1_000 {
        let request = node.call::<i64>(("echo", ERL), &n);
        requests.add(request.send_request(), n);
    }
    let nobody = node.call::<i64>(("nobody", ERL), &1);
    requests.add(nobody.send_request(), -1);
    while let Some((answer, n)) = requests.receive_next().await {
        match n {
            -1 => assert_eq!(answer, Err(CallError::NoProc)),
            n => assert_eq!(answer, Ok(n)),
        }
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_multi_call_and_abcast_reach_erlang_and_name_the_missing() {
    let (_bed, mut erl, node) = both().await;
    let nodes = [atom(ERL), atom("missing@127.0.0.1")];
    let add = (atom("add"), 3);
    node.abcast(nodes, "counter", &add).unwrap();
    let called = node
        .multi_call::<i64>(nodes, "counter", &add)
        .timeout(PATIENCE)
        .await;
    assert_eq!(
        called.replies,
        [(atom(ERL), 6)],
        "the casts before the call"
    );
    assert_eq!(
        called.bad_nodes,
        [(atom("missing@127.0.0.1"), CallError::NoConnection)]
    );
    let nobody = node.multi_call::<i64>([atom(ERL)], "nobody", &add).await;
    assert_eq!(nobody.bad_nodes, [(atom(ERL), CallError::NoProc)]);

    // A node that dies meanwhile is told too, also without a time limit.
    let waiting = node.clone();
    let call = tokio::spawn(async move {
        let suspended = (&waiting, ("counter", ERL));
        sys::suspend(&suspended).await.unwrap();
        waiting
            .multi_call::<i64>([atom(ERL)], "counter", &add)
            .await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    erl.kill();
    let called = tokio::time::timeout(PATIENCE, call).await.unwrap().unwrap();
    assert_eq!(called.bad_nodes, [(atom(ERL), CallError::NoConnection)]);
    node.stop().await;
}
