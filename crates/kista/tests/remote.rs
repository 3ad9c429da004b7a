//! Functions across two nodes of this library. What Erlang does with them, and they with Erlang's, is in `interop/`.

#[path = "support/log.rs"]
mod log;
#[path = "support/plain.rs"]
mod plain;
#[path = "support/port.rs"]
mod port;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use kista::{
    AliasMode, Atom, BadRpc, Class, EpmdMode, ErpcError, ExitReason, ExposeError, Info, Node,
    NodeBuilder, Peers, Pid, ProcessCx, Raise, SpawnError, Spawned, Term,
};
use log::Lines;
use plain::{SOON, reason, run};
use port::free_port;

/// Two nodes, of which `b` exposes functions.
struct Pair {
    a: Node,
    b: Node,
}

const B: &str = "b@127.0.0.1";

impl Pair {
    async fn start() -> Self {
        Self::start_with(|b| b).await
    }

    async fn start_with(configure: impl FnOnce(NodeBuilder) -> NodeBuilder) -> Self {
        let port = free_port();
        let node = |name: &str, epmd| {
            let builder = Node::builder(format!("{name}@127.0.0.1")).cookie("remote");
            builder.epmd(epmd).epmd_port(port)
        };
        let a = node("a", EpmdMode::Embedded).start().await.unwrap();
        let b = configure(node("b", EpmdMode::Running));
        let b = b.start().await.unwrap();
        expose(&b).unwrap();
        Self { a, b }
    }

    async fn stop(self) {
        self.b.stop().await;
        self.a.stop().await;
    }
}

fn atom(name: &'static str) -> Atom {
    Atom::from_static(name)
}

fn expose(node: &Node) -> Result<(), ExposeError> {
    node.expose("demo", "add", async |a: i64, b: i64| a + b)?;
    node.expose("demo", "echo", async |term: Term| term)?;
    node.expose("demo", "nan", async || f64::NAN)?;
    node.expose("demo", "sleep", async |millis: u64| {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    })?;
    node.expose("demo", "raise", async |class: Atom, value: Term| {
        Err::<(), _>(match class.as_str() {
            "error" => Raise::error(value),
            "exit" => Raise::exit(value),
            _ => Raise::throw(value),
        })
    })?;
    node.expose("demo", "panic", async || {
        if std::hint::black_box(true) {
            panic!("asked to")
        }
    })?;
    node.expose("demo", "whoami", async |cx: ProcessCx| cx.pid())?;
    node.expose("demo", "wait", async |mut cx: ProcessCx| {
        match cx.receive().await {
            Info::Term(term) => Err::<(), _>(Raise::exit(term)),
            other => panic!("{other:?}"),
        }
    })
}

async fn soon<T>(future: impl IntoFuture<Output = T>) -> T {
    let ended = tokio::time::timeout(SOON, future.into_future()).await;
    ended.expect("it hangs")
}

#[tokio::test]
async fn a_value_comes_back_as_its_type() {
    let pair = Pair::start().await;
    let sum = soon(pair.a.erpc::<i64>(B, ("demo", "add"), (1, 2))).await;
    assert_eq!(sum, Ok(3));
    let sum = soon(pair.a.rpc::<i64>(B, ("demo", "add"), [20, 22])).await;
    assert_eq!(sum, Ok(42));
    let echoed = soon(
        pair.a
            .erpc::<(Atom, String)>(B, ("demo", "echo"), ((atom("x"), "y"),)),
    );
    assert_eq!(echoed.await, Ok((atom("x"), "y".to_owned())));
    let wrong = soon(pair.a.erpc::<String>(B, ("demo", "add"), (1, 2))).await;
    assert!(matches!(wrong, Err(ErpcError::Value(_))), "{wrong:?}");
    let blocked = soon(pair.a.rpc_block_call::<i64>(B, ("demo", "add"), (1, 2))).await;
    assert_eq!(blocked, Ok(3));
    pair.stop().await;
}

#[tokio::test]
async fn a_value_that_somebody_else_hears_of_is_the_reason_for_both() {
    let pair = Pair::start().await;
    let (heard, hears) = tokio::sync::oneshot::channel();
    let watcher = (pair.b)
        .spawn_fn(async move |mut cx| {
            let Info::Term(term) = cx.receive().await else {
                panic!("a pid is awaited")
            };
            let runs = term.as_pid().unwrap();
            cx.monitor(runs);
            // Behind the monitor.
            assert!(cx.send(runs, &atom("go")).await.is_ok());
            let _ = heard.send(cx.receive().await);
        })
        .unwrap();
    let watched = async move |mut cx: ProcessCx| {
        assert!(cx.send(watcher, &cx.pid()).await.is_ok());
        cx.receive().await;
        7
    };
    pair.b.expose("demo", "watched", watched).unwrap();
    let value = soon(pair.a.erpc::<i64>(B, ("demo", "watched"), ())).await;
    assert_eq!(value, Ok(7));
    let Info::Down { reason, .. } = soon(hears).await.unwrap() else {
        panic!("a DOWN is awaited")
    };
    let reason = reason.to_term();
    let words = reason.as_tuple().unwrap();
    assert_eq!(words[1..], [Term::from(atom("return")), Term::from(7)]);
    pair.stop().await;
}

#[tokio::test]
async fn a_value_that_only_its_caller_hears_of_is_told_once() {
    let pair = Pair::start().await;
    let (found, mut finds) = tokio::sync::mpsc::unbounded_channel();
    let alone = async move |cx: ProcessCx| {
        let _ = found.send(cx.pid());
        7
    };
    pair.b.expose("demo", "alone", alone).unwrap();
    let signals = || pair.b.connection_info("a@127.0.0.1").unwrap().sent.messages;
    soon(pair.a.ping(B)).await;
    let before = signals();
    let value = soon(pair.a.erpc::<i64>(B, ("demo", "alone"), ())).await;
    assert_eq!(value, Ok(7));
    // Its end tells nobody anything more.
    let pid = soon(finds.recv()).await.unwrap();
    while pair.b.is_alive(pid) {
        tokio::task::yield_now().await;
    }
    soon(pair.a.ping(B)).await;
    // The answer to the spawn, the value, the answer to the ping.
    assert_eq!(signals() - before, 3);
    pair.stop().await;
}

#[tokio::test]
async fn the_own_node_is_called_like_any_other() {
    let node = plain::node("own").await;
    expose(&node).unwrap();
    let sum = soon(node.erpc::<i64>(node.name(), ("demo", "add"), (1, 2))).await;
    assert_eq!(sum, Ok(3));
    let nothing = soon(node.erpc::<i64>(node.name(), ("demo", "nothing"), ())).await;
    let Err(ErpcError::Exception { reason, .. }) = nothing else {
        panic!("{nothing:?}")
    };
    assert_eq!(reason, Term::from(atom("undef")));
    node.stop().await;
}

#[tokio::test]
async fn exceptions_keep_their_class_and_rpc_makes_of_them_what_it_does() {
    let pair = Pair::start().await;
    let raise = |class: &'static str| (atom(class), atom("boom"));
    for (name, class) in [
        ("error", Class::Error),
        ("exit", Class::Exit),
        ("throw", Class::Throw),
    ] {
        let raised = soon(pair.a.erpc::<Term>(B, ("demo", "raise"), raise(name))).await;
        let Err(ErpcError::Exception {
            class: found,
            reason,
            stacktrace,
        }) = raised
        else {
            panic!("{raised:?}")
        };
        assert_eq!((found, reason), (class, Term::from(atom("boom"))));
        let place = match class {
            Class::Error => "[{demo,raise,2,[]}]",
            _ => "[]",
        };
        assert_eq!(stacktrace.to_string(), place);
    }
    let rpc = |name| soon(pair.a.rpc::<Term>(B, ("demo", "raise"), raise(name)));
    assert_eq!(rpc("throw").await, Ok(Term::from(atom("boom"))));
    let bad = |text: &str| Err(BadRpc::Exit(text.parse().unwrap()));
    assert_eq!(rpc("exit").await, bad("boom"));
    assert_eq!(rpc("error").await, bad("{boom,[{demo,raise,2,[]}]}"));
    pair.stop().await;
}

#[tokio::test]
async fn a_panic_is_an_error_and_the_node_lives_on() {
    let pair = Pair::start().await;
    let panic = soon(pair.a.erpc::<()>(B, ("demo", "panic"), ())).await;
    let Err(ErpcError::Exception { class, reason, .. }) = panic else {
        panic!("{panic:?}")
    };
    assert_eq!(class, Class::Error);
    assert_eq!(reason.to_string(), r#"{panic,<<"asked to">>}"#);
    let nan = soon(pair.a.erpc::<f64>(B, ("demo", "nan"), ())).await;
    assert!(matches!(nan, Err(ErpcError::Exception { .. })), "{nan:?}");
    let sum = soon(pair.a.erpc::<i64>(B, ("demo", "add"), (1, 2))).await;
    assert_eq!(sum, Ok(3));
    pair.stop().await;
}

#[tokio::test]
async fn what_is_exposed_to_others_only_is_undef_and_said_in_the_log() {
    let (lines, _capture) = Lines::capture();
    let pair = Pair::start().await;
    let secret = async || 42;
    let only = Peers::only(["c@127.0.0.1"]);
    pair.b.expose_to(only, "demo", "secret", secret).unwrap();
    let odd = Peers::matching(|node| node.starts_with("a@"));
    pair.b.expose_to(odd, "demo", "ours", secret).unwrap();
    let refused = soon(pair.a.rpc::<i64>(B, ("demo", "secret"), ())).await;
    let undef = "{undef,[{demo,secret,[],[]}]}".parse().unwrap();
    assert_eq!(refused, Err(BadRpc::Exit(undef)));
    let refused = soon(pair.a.rpc_block_call::<i64>(B, ("demo", "secret"), ())).await;
    assert!(matches!(refused, Err(BadRpc::Exit(_))), "{refused:?}");
    let said = lines.with(&["refused", "a@127.0.0.1", "demo:secret/0"]);
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(soon(pair.a.rpc(B, ("demo", "ours"), ())).await, Ok(42));
    // The node itself may always.
    assert_eq!(soon(pair.b.rpc(B, ("demo", "secret"), ())).await, Ok(42));
    pair.stop().await;
}

/// Who has the cookie may call what is exposed, but not end, hold or lead what the node itself consists of.
#[tokio::test]
async fn no_signal_of_another_node_ends_or_holds_a_system_process() {
    let (lines, _capture) = Lines::capture();
    let pair = Pair::start_with(NodeBuilder::visible).await;
    let b = pair.b.clone();
    b.pg().await.unwrap();
    // The controller comes with the first that is asked of it.
    let _ = b.applications().stop("nothing").await;
    for name in [
        "net_kernel",
        "rex",
        "application_controller",
        "global_name_server",
        "pg",
    ] {
        let Some(system) = b.whereis(name) else {
            panic!("{name} runs")
        };
        let there = kista::Dest::Remote {
            name: atom(name),
            node: b.name(),
        };
        run(&pair.a, async move |mut cx| {
            cx.trap_exit(true);
            // A link finds nobody, so that its end is none of theirs.
            cx.link(system);
            let exit = cx.receive().await;
            assert!(
                matches!(&exit, Info::Exit { from, reason } if *from == system && *reason == ExitReason::NoProc),
                "{name}: {exit:?}"
            );
            cx.exit(system, reason("shutdown"));
            cx.exit(system, ExitReason::Kill);
            cx.set_group_leader(cx.pid(), system);
            for request in ["suspend", "{terminate,shutdown}"] {
                let request: Term = request.parse().unwrap();
                let tag = cx.node().make_ref();
                let message = (atom("system"), (cx.pid(), tag), request);
                assert!(cx.send(there, &message).await.is_ok());
                let Info::Term(answer) = cx.receive().await else {
                    panic!("{name}: no answer")
                };
                let text = answer.to_string();
                assert!(text.contains("unknown_system_msg"), "{name}: {text}");
            }
        })
        .await;
        // Its signals came before its requests, and these were answered.
        assert_eq!(b.whereis(name), Some(system), "{name}");
        let refused = |what: &str| lines.with(&["refused", "a@127.0.0.1", what, name]).len();
        let exits = refused("an exit signal");
        assert_eq!(
            (exits, refused("a link"), refused("a group leader")),
            (2, 1, 1),
            "{name}"
        );
    }
    assert!(pair.a.ping(B).await);
    // From inside it is the program's own affair.
    let rex = b.whereis("rex").unwrap();
    b.exit(rex, ExitReason::Kill);
    plain::run(&b, async move |mut cx| {
        cx.monitor(rex);
        cx.receive().await
    })
    .await;
    assert_eq!(b.whereis("rex"), None);
    pair.stop().await;
}

/// The pid in a plain request can be anybody's: it is the connection that counts.
#[tokio::test]
async fn a_forged_caller_reaches_nothing_more_than_its_own_node_may() {
    let pair = Pair::start().await;
    let count = Arc::new(AtomicUsize::new(0));
    for (name, function) in [("a@127.0.0.1", "open"), ("c@127.0.0.1", "secret")] {
        let count = Arc::clone(&count);
        let run = async move || count.fetch_add(1, SeqCst);
        let peers = Peers::only([name]);
        pair.b.expose_to(peers, "demo", function, run).unwrap();
    }
    let forged = Pid {
        node: atom("c@127.0.0.1"),
        id: 1,
        serial: 1,
        creation: 4,
    };
    let none: Vec<i64> = Vec::new();
    for function in ["secret", "open"] {
        let request = (
            atom("call"),
            atom("demo"),
            atom(function),
            &none,
            atom("user"),
        );
        pair.a.send(("rex", B), &(forged, request));
    }
    soon(async {
        while count.load(SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    // `secret` was asked for first.
    soon(pair.a.rpc_block_call::<i64>(B, ("demo", "add"), (1, 2)))
        .await
        .unwrap();
    assert_eq!(count.load(SeqCst), 1);
    pair.stop().await;
}

#[tokio::test]
async fn names_are_taken_once_and_free_again() {
    let node = plain::node("names").await;
    node.expose("m", "f", async || 1).unwrap();
    node.expose("m", "f", async |_: i64| 2).unwrap();
    let taken = node.expose("m", "f", async || 3);
    assert_eq!(taken, Err(ExposeError::Taken("m:f/0".to_owned())));
    let long = "x".repeat(256);
    let bad = node.expose(&long, "f", async || 3);
    assert_eq!(bad, Err(ExposeError::BadName(long)));
    assert_eq!(node.exposed().len(), 2);
    assert!(node.unexpose("m", "f", 0));
    assert!(!node.unexpose("m", "f", 0));
    node.expose("m", "f", async || 3).unwrap();
    let call = node.erpc::<i64>(node.name(), ("m", "f"), ());
    assert_eq!(soon(call).await, Ok(3));
    node.stop().await;
}

#[tokio::test]
async fn a_closure_takes_along_what_it_captured() {
    let node = plain::node("captures").await;
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    node.expose("m", "count", async move || {
        tokio::task::yield_now().await;
        counted.fetch_add(1, SeqCst)
    })
    .unwrap();
    for n in 0..3 {
        let call = node.erpc::<usize>(node.name(), ("m", "count"), ());
        assert_eq!(soon(call).await, Ok(n));
    }
    node.stop().await;
}

#[tokio::test]
async fn a_call_ends_with_its_time_and_with_its_connection() {
    let pair = Pair::start().await;
    let late = pair.a.erpc::<()>(B, ("demo", "sleep"), (60_000,));
    let late = soon(late.timeout(Duration::from_millis(20))).await;
    assert_eq!(late, Err(ErpcError::Timeout));
    let call = pair.a.erpc::<()>(B, ("demo", "sleep"), (60_000,));
    let call = call.send_request();
    // Answered, so the other one is under way.
    soon(pair.a.erpc::<i64>(B, ("demo", "add"), (1, 2)))
        .await
        .unwrap();
    assert!(pair.a.disconnect(B));
    assert_eq!(soon(call).await, Err(ErpcError::NoConnection));
    let nowhere = pair
        .a
        .rpc::<()>("nobody@127.0.0.1", ("demo", "sleep"), (1,));
    assert_eq!(soon(nowhere).await, Err(BadRpc::NodeDown));
    let bad = pair
        .a
        .rpc::<()>("x".repeat(300).as_str(), ("demo", "sleep"), (1,));
    assert!(matches!(soon(bad).await, Err(BadRpc::BadName(_))));
    let bad = pair.a.rpc::<()>(B, ("demo", "echo"), (f64::NAN,));
    assert!(matches!(soon(bad).await, Err(BadRpc::Arguments(_))));
    pair.stop().await;
}

#[tokio::test]
async fn a_killed_process_is_a_signal() {
    let pair = Pair::start().await;
    let (told, pid) = tokio::sync::mpsc::unbounded_channel::<Pid>();
    let mut pid = pid;
    pair.b
        .expose("demo", "tell", async move |cx: ProcessCx| {
            told.send(cx.pid()).unwrap();
            std::future::pending::<()>().await
        })
        .unwrap();
    let call = pair.a.erpc::<()>(B, ("demo", "tell"), ()).send_request();
    let victim = soon(pid.recv()).await.unwrap();
    pair.b.exit(victim, ExitReason::Kill);
    assert_eq!(soon(call).await, Err(ErpcError::Signal(ExitReason::Killed)));
    let call = pair.a.rpc_block_call::<()>(B, ("demo", "tell"), ());
    let kill = async {
        let victim = pid.recv().await.unwrap();
        pair.b.exit(victim, ExitReason::Kill);
    };
    let (answer, ()) = soon(async { tokio::join!(call, kill) }).await;
    assert_eq!(answer, Err(BadRpc::Exit(Term::from(atom("killed")))));
    pair.stop().await;
}

#[tokio::test]
async fn a_multicall_tells_each_nodes_answer_in_its_place() {
    let pair = Pair::start().await;
    expose(&pair.a).unwrap();
    let nodes = [B, "nobody@127.0.0.1", "a@127.0.0.1"];
    let answers = soon(pair.a.multicall::<i64>(nodes, ("demo", "add"), (1, 2))).await;
    let answers: Vec<_> = answers.into_iter().map(|(_, answer)| answer).collect();
    assert_eq!(answers, [Ok(3), Err(ErpcError::NoConnection), Ok(3)]);
    let slow = pair.a.multicall::<()>([B], ("demo", "sleep"), (60_000,));
    let slow = soon(slow.timeout(Duration::from_millis(10))).await;
    assert_eq!(slow[0].1, Err(ErpcError::Timeout));
    pair.stop().await;
}

#[tokio::test]
async fn a_cast_runs_and_is_never_heard_of() {
    let pair = Pair::start().await;
    let (told, mut ran) = tokio::sync::mpsc::unbounded_channel();
    pair.b
        .expose("demo", "run", async move |n: i64| told.send(n).unwrap())
        .unwrap();
    pair.a.erpc_cast(B, ("demo", "run"), (7,)).unwrap();
    assert_eq!(soon(ran.recv()).await, Some(7));
    pair.a
        .erpc_cast("nobody@127.0.0.1", ("demo", "run"), (7,))
        .unwrap();
    let bad = pair.a.erpc_cast(B, ("demo", "run"), (f64::NAN,));
    assert!(matches!(bad, Err(ErpcError::Arguments(_))));
    pair.stop().await;
}

#[tokio::test]
async fn a_spawned_process_is_linked_and_monitored_before_its_first_step() {
    let pair = Pair::start().await;
    run(&pair.a, async |mut cx| {
        cx.trap_exit(true);
        for _ in 0..50 {
            let raise = (atom("exit"), atom("boom"));
            let spawn = cx.node().spawn_on(B, ("demo", "raise"), raise);
            let Spawned { pid, monitor, .. } = spawn.link().monitor().await.unwrap();
            assert_eq!(
                cx.receive().await,
                Info::Exit {
                    from: pid,
                    reason: reason("boom")
                }
            );
            let Info::Down {
                reference, reason, ..
            } = cx.receive().await
            else {
                panic!("the link first, then the monitor")
            };
            assert_eq!(Some(reference), monitor);
            assert_eq!(reason, plain::reason("boom"));
        }
        let nothing = cx.node().spawn_on(B, ("demo", "nothing"), (1,));
        nothing.monitor().await.unwrap();
        let Info::Down { reason, .. } = cx.receive().await else {
            panic!("no DOWN")
        };
        assert_eq!(reason.to_string(), "{undef,[{demo,nothing,[1],[]}]}");
    })
    .await;
    pair.stop().await;
}

#[tokio::test]
async fn a_spawned_process_ends_with_the_one_that_it_is_linked_with() {
    let pair = Pair::start().await;
    let (told, child) = tokio::sync::oneshot::channel();
    let parent = pair.a.spawn_fn(async move |mut cx| {
        let spawn = cx.node().spawn_on(B, ("demo", "wait"), ()).link();
        told.send(spawn.await.unwrap().pid).unwrap();
        cx.receive().await;
    });
    let child = soon(child).await.unwrap();
    assert!(pair.b.is_alive(child));
    pair.a.exit(parent.unwrap(), reason("boom"));
    soon(async {
        while pair.b.is_alive(child) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    pair.stop().await;
}

#[tokio::test]
async fn spawning_on_the_own_node_links_and_monitors_too() {
    let node = plain::node("selfspawn").await;
    expose(&node).unwrap();
    run(&node, async |mut cx| {
        cx.trap_exit(true);
        let raise = (atom("exit"), atom("boom"));
        let spawn = cx
            .node()
            .spawn_on(cx.node().name(), ("demo", "raise"), raise);
        let spawned = spawn.link().monitor().await.unwrap();
        let exit = Info::Exit {
            from: spawned.pid,
            reason: reason("boom"),
        };
        assert_eq!(cx.receive().await, exit);
        assert!(matches!(cx.receive().await, Info::Down { .. }));
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn the_monitor_of_a_spawn_can_be_an_alias() {
    let pair = Pair::start().await;
    run(&pair.a, async |mut cx| {
        let spawn = cx.node().spawn_on(B, ("demo", "wait"), ());
        let spawned = spawn.monitor_alias(AliasMode::Explicit).await.unwrap();
        let alias = spawned.monitor.unwrap();
        cx.send(alias, &1);
        assert_eq!(cx.receive().await, plain::term(1));
        cx.send(spawned.pid, &atom("done"));
        assert!(matches!(cx.receive().await, Info::Down { reference, .. } if reference == alias));
    })
    .await;
    pair.stop().await;
}

#[tokio::test]
async fn a_spawn_that_is_not_told_why_ends_in_an_error() {
    let pair = Pair::start_with(|b| b.remote_processes(2)).await;
    run(&pair.a, async |cx| {
        let node = cx.node();
        let nowhere = node.spawn_on("nobody@127.0.0.1", ("demo", "wait"), ());
        assert_eq!(nowhere.link().await, Err(SpawnError::NoConnection));
        let option = Term::from(atom("no_option"));
        let bad = node.spawn_on(B, ("demo", "wait"), ()).option(option);
        assert_eq!(bad.monitor().await, Err(SpawnError::BadOption));
        let bad = node.spawn_on(B, ("demo", "echo"), (f64::INFINITY,));
        assert!(matches!(bad.await, Err(SpawnError::Arguments(_))));
        let mut waiting = Vec::new();
        for _ in 0..2 {
            waiting.push(node.spawn_on(B, ("demo", "wait"), ()).await.unwrap().pid);
        }
        let full = node.spawn_on(B, ("demo", "wait"), ()).await;
        assert_eq!(full, Err(SpawnError::SystemLimit));
        let full = node.erpc::<i64>(B, ("demo", "add"), (1, 2)).await;
        let limit = Term::from(atom("system_limit"));
        assert_eq!(full, Err(ErpcError::Refused(limit.clone())));
        let full = node.rpc_block_call::<i64>(B, ("demo", "add"), (1, 2)).await;
        assert_eq!(full, Err(BadRpc::Exit(limit)));
        // Room again, once one has ended.
        cx.send(waiting[0], &atom("normal"));
        while node.erpc::<i64>(B, ("demo", "add"), (1, 2)).await != Ok(3) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    pair.stop().await;
}

#[tokio::test]
async fn an_abandoned_spawn_leaves_nothing() {
    let pair = Pair::start().await;
    run(&pair.a, async |mut cx| {
        cx.node()
            .erpc::<i64>(B, ("demo", "add"), (1, 2))
            .await
            .unwrap();
        for _ in 0..50 {
            let mut spawn = cx
                .node()
                .spawn_on(B, ("demo", "wait"), ())
                .link()
                .monitor()
                .into_future();
            // Sent, and given up at once.
            let polled = std::future::poll_fn(|c| std::task::Poll::Ready(spawn.as_mut().poll(c)));
            drop(polled.await);
            drop(spawn);
        }
        cx.node()
            .erpc::<i64>(B, ("demo", "add"), (1, 2))
            .await
            .unwrap();
        let quiet = cx.receive().after(Duration::from_millis(50)).await;
        assert_eq!(quiet, None, "nothing of it is heard");
        let me = cx.node().process_info(cx.pid()).await.unwrap();
        assert!(me.links.is_empty() && me.monitors.is_empty());
    })
    .await;
    // Each was linked, so each has ended.
    soon(async {
        let waits = |p: &kista::ProcessSummary| p.behaviour.contains("remote");
        while pair.b.process_list().iter().any(waits) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    pair.stop().await;
}

#[tokio::test]
async fn a_lost_connection_ends_spawns_under_way_and_what_they_made() {
    let pair = Pair::start().await;
    run(&pair.a, async |mut cx| {
        cx.trap_exit(true);
        let spawn = cx.node().spawn_on(B, ("demo", "wait"), ());
        let spawned = spawn.link().monitor().await.unwrap();
        assert!(cx.node().disconnect(B));
        let mut heard = [cx.receive().await, cx.receive().await];
        heard.sort_by_key(|info| matches!(info, Info::Down { .. }));
        let exit = Info::Exit {
            from: spawned.pid,
            reason: ExitReason::NoConnection,
        };
        assert_eq!(heard[0], exit);
        let Info::Down { reason, .. } = &heard[1] else {
            panic!("{heard:?}")
        };
        assert_eq!(*reason, ExitReason::NoConnection);
    })
    .await;
    pair.stop().await;
}

#[tokio::test]
async fn from_outside_any_process_a_spawn_is_neither_linked_nor_monitored() {
    let pair = Pair::start().await;
    let spawn = pair.a.spawn_on(B, ("demo", "wait"), ()).link().monitor();
    let spawned = soon(spawn).await.unwrap();
    assert_eq!(spawned.monitor, None);
    let info = pair.b.process_info(spawned.pid).await.unwrap();
    assert!(info.links.is_empty() && info.monitored_by.is_empty());
    pair.stop().await;
}
