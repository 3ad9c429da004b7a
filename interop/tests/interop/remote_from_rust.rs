//! Functions across nodes, from Rust: we spawn and call what an Erlang node has. Where we dial, and where Erlang did.

use std::time::Duration;

use kista::{
    Atom, BadRpc, Class, ErpcError, ExitReason, Info, Node, Pid, ProcessCx, Reference, SpawnError,
    Term,
};
use kista_interop::{Bed, Program, Subject};

const ERL: &str = "erl@127.0.0.1";
const PATIENCE: Duration = Duration::from_secs(60);

async fn node(bed: &Bed) -> Node {
    let builder = bed.node("ours@127.0.0.1");
    let node = builder.visible().start().await.expect("our node starts");
    node.expose("demo", "add", async |a: i64, b: i64| a + b)
        .expect("it is free");
    node
}

/// A node with the demo's functions, in Erlang.
fn reference(bed: &Bed) -> Program {
    Subject::Reference.start(bed, ERL, &[])
}

fn atom(name: &'static str) -> Atom {
    Atom::from_static(name)
}

fn term(text: &str) -> Term {
    text.parse().expect("a term")
}

async fn soon<T>(future: impl IntoFuture<Output = T>) -> T {
    let ended = tokio::time::timeout(PATIENCE, future.into_future()).await;
    ended.expect("it hangs")
}

/// Runs code as a process of the node.
async fn inside<T, F, R>(node: &Node, code: F) -> T
where
    F: FnOnce(ProcessCx) -> R + Send + 'static,
    R: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let (done, ended) = tokio::sync::oneshot::channel();
    let run = async move |cx| {
        let _ = done.send(code(cx).await);
    };
    node.spawn_fn(run).expect("there is room");
    soon(ended).await.expect("the process failed")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erlangs_functions_return_values() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    let sum = soon(node.erpc::<i64>(ERL, ("demo", "add"), (1, 2))).await;
    assert_eq!(sum, Ok(3));
    let list = soon(node.erpc::<Vec<i64>>(ERL, ("lists", "seq"), (1, 1000))).await;
    assert_eq!(list.map(|list| list.len()), Ok(1000));
    let name = soon(node.rpc::<Atom>(ERL, ("erlang", "node"), ())).await;
    assert_eq!(name, Ok(atom(ERL)));
    let big = vec![7_u8; 3_000_000];
    let echoed = node.rpc::<Term>(ERL, ("demo", "echo"), (Term::from(&big[..]),));
    assert_eq!(soon(echoed).await, Ok(Term::from(&big[..])));
    let blocked = node.rpc_block_call::<i64>(ERL, ("demo", "add"), [Term::from(1), Term::from(2)]);
    assert_eq!(soon(blocked).await, Ok(3));
    let requests: Vec<_> = (0..100)
        .map(|n| {
            node.erpc::<i64>(ERL, ("demo", "add"), (n, n))
                .send_request()
        })
        .collect();
    for (n, request) in requests.into_iter().enumerate().rev() {
        assert_eq!(soon(request).await, Ok(2 * n as i64));
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erlangs_exceptions_keep_their_class() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    let boom = || (atom("boom"),);
    for (function, class) in [
        ("error", Class::Error),
        ("exit", Class::Exit),
        ("throw", Class::Throw),
    ] {
        let raised = soon(node.erpc::<Term>(ERL, ("erlang", function), boom())).await;
        let Err(ErpcError::Exception {
            class: found,
            reason,
            stacktrace,
        }) = raised
        else {
            panic!("{raised:?}")
        };
        assert_eq!((found, reason), (class, term("boom")));
        assert_eq!(stacktrace.is_nil(), class != Class::Error);
    }
    let thrown = soon(node.rpc::<Atom>(ERL, ("erlang", "throw"), boom())).await;
    assert_eq!(thrown, Ok(atom("boom")));
    let exit = soon(node.rpc::<Term>(ERL, ("erlang", "exit"), boom())).await;
    assert_eq!(exit, Err(BadRpc::Exit(term("boom"))));
    let undef = soon(node.rpc::<Term>(ERL, ("nobody", "nothing"), [1])).await;
    let shape = term("{undef,[{nobody,nothing,[1],[]}]}");
    assert_eq!(undef, Err(BadRpc::Exit(shape.clone())));
    let undef = soon(node.rpc_block_call::<Term>(ERL, ("nobody", "nothing"), [1])).await;
    let Err(BadRpc::Exit(undef)) = undef else {
        panic!("{undef:?}")
    };
    assert_eq!(undef.as_tuple().map(|t| t[0].clone()), Some(term("undef")));
    let killed = [term("erlang"), term("exit"), term("[kill]")];
    let killed = soon(node.erpc::<Term>(ERL, ("erlang", "apply"), killed)).await;
    assert!(
        matches!(
            killed,
            Err(ErpcError::Exception {
                class: Class::Exit,
                ..
            })
        ),
        "{killed:?}"
    );
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_erlang_end_with_time_signal_and_connection() {
    let bed = Bed::new();
    let mut erl = reference(&bed);
    let node = node(&bed).await;
    let late = node.rpc::<()>(ERL, ("timer", "sleep"), (60_000,));
    let late = soon(late.timeout(Duration::from_millis(20))).await;
    assert_eq!(late, Err(BadRpc::Timeout));
    let idle = node.erpc::<Term>(ERL, ("demo", "idle"), ()).send_request();
    let there = soon(node.multicall::<i64>([ERL, "nobody@127.0.0.1"], ("demo", "add"), (1, 2)));
    let there: Vec<_> = there.await.into_iter().map(|(_, answer)| answer).collect();
    assert_eq!(there, [Ok(3), Err(ErpcError::NoConnection)]);
    erl.kill();
    assert_eq!(soon(idle).await, Err(ErpcError::NoConnection));
    let down = soon(node.rpc::<i64>(ERL, ("demo", "add"), (1, 2))).await;
    assert_eq!(down, Err(BadRpc::NodeDown));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_spawned_in_erlang_are_linked_and_monitored() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    inside(&node, async |mut cx| {
        cx.trap_exit(true);
        for n in 0..200 {
            let why = Term::tuple([Term::from(atom("why")), Term::from(n)]);
            let spawn = cx.node().spawn_on(ERL, ("demo", "exit_with"), (&why,));
            let spawned = spawn.link().monitor().await.expect("it starts");
            let reason = ExitReason::from(why);
            let exit = Info::Exit {
                from: spawned.pid,
                reason: reason.clone(),
            };
            assert_eq!(cx.receive().await, exit);
            let Info::Down {
                reference,
                reason: down,
                ..
            } = cx.receive().await
            else {
                panic!("the link first, then the monitor")
            };
            assert_eq!((Some(reference), down), (spawned.monitor, reason));
        }
        let pinged = (cx.pid(), 10);
        let spawned = cx.node().spawn_on(ERL, ("demo", "pinger"), pinged);
        let pinger = spawned
            .option(term("{priority,low}"))
            .await
            .expect("it starts");
        for i in 1..=10 {
            let ping = Term::tuple([term("ping"), Term::from(pinger.pid), Term::from(i)]);
            assert_eq!(cx.receive().await, Info::Term(ping));
        }
        let undef = cx.node().spawn_on(ERL, ("nobody", "nothing"), ());
        undef.monitor().await.expect("it starts");
        let Info::Down { reason, .. } = cx.receive().await else {
            panic!("no DOWN")
        };
        assert_eq!(reason.to_string(), "{undef,[{nobody,nothing,[],[]}]}");
    })
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spawn_that_erlang_refuses_says_why() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    for bad in ["no_option", "{priority,urgent}", "{reply,no}"] {
        let spawn = node.spawn_on(ERL, ("demo", "idle"), ()).option(term(bad));
        assert_eq!(soon(spawn).await, Err(SpawnError::BadOption), "{bad}");
    }
    let nobody = node.spawn_on("nobody@127.0.0.1", ("demo", "idle"), ());
    assert_eq!(soon(nobody).await, Err(SpawnError::NoConnection));
    assert!(node.ping(ERL).await);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abandoned_spawn_in_erlang_ends() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    let count = |node: Node| async move {
        let list = node.erpc::<Vec<Term>>(ERL, ("erlang", "processes"), ());
        soon(list).await.expect("a list").len()
    };
    let before = count(node.clone()).await;
    inside(&node, async |mut cx| {
        for _ in 0..50 {
            let spawn = cx.node().spawn_on(ERL, ("demo", "idle"), ());
            let mut spawn = spawn.link().monitor().into_future();
            // Sent, and given up at once.
            let polled = std::future::poll_fn(|c| std::task::Poll::Ready(spawn.as_mut().poll(c)));
            drop(polled.await);
        }
        let quiet = cx.receive().after(Duration::from_millis(100)).await;
        assert_eq!(quiet, None);
    })
    .await;
    while count(node.clone()).await > before {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_leader_is_the_callers_until_another_is_given() {
    let bed = Bed::new();
    let node = node(&bed).await;
    let leader = async |cx: ProcessCx| cx.group_leader();
    node.expose("demo", "leader", leader).expect("it is free");
    let tell = async |mut cx: ProcessCx, to: Pid| {
        cx.receive().await;
        cx.send(to, &(atom("leader"), cx.group_leader()));
    };
    node.expose("demo", "tell_leader", tell)
        .expect("it is free");
    let mut erl = bed.erlang(ERL, "traced", "leaders", &["ours@127.0.0.1"]);
    tokio::task::spawn_blocking(move || erl.expect_ok(PATIENCE))
        .await
        .expect("it passes");
    node.stop().await;
}

/// Erlang's calls of our functions, by the connection that we made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_we_made_carries_calls_back() {
    let bed = Bed::new();
    let _erl = reference(&bed);
    let node = node(&bed).await;
    let call = |function| {
        let back = (node.name(), atom("demo"), function, [300, 1]);
        node.clone().erpc::<Term>(ERL, ("rpc", "call"), back)
    };
    assert_eq!(soon(call(atom("add"))).await, Ok(Term::from(301)));
    let undef = term("{badrpc,{'EXIT',{undef,[{demo,nothing,[300,1],[]}]}}}");
    assert_eq!(soon(call(atom("nothing"))).await, Ok(undef));
    let block = (node.name(), atom("demo"), atom("add"), [300, 1]);
    let block = node.erpc::<i64>(ERL, ("rpc", "block_call"), block);
    assert_eq!(soon(block).await, Ok(301));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_erlang_made_carries_calls_both_ways() {
    let bed = Bed::new();
    let node = node(&bed).await;
    let mut erl = bed.erlang(
        "erl@127.0.0.1",
        "rpcs",
        "dial_and_serve",
        &["ours@127.0.0.1"],
    );
    erl.expect("ready erl@127.0.0.1", PATIENCE);
    assert_eq!(node.nodes(), [atom(ERL)]);
    let sum = soon(node.erpc::<i64>(ERL, ("demo", "add"), (1, 2))).await;
    assert_eq!(sum, Ok(3));
    inside(&node, async |mut cx| {
        let spawn = cx.node().spawn_on(ERL, ("demo", "idle"), ()).monitor();
        let idle = spawn.await.expect("it starts");
        cx.send(idle.pid, &(atom("exit"), atom("done")));
        let monitor: Option<Reference> = idle.monitor;
        assert!(
            matches!(cx.receive().await, Info::Down { reference, .. } if Some(reference) == monitor)
        );
    })
    .await;
    node.stop().await;
}
