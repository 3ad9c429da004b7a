//! What is seen of a process from outside, and the memory that a burst leaves.

#[path = "support/plain.rs"]
mod plain;

use std::future::pending;
use std::time::Duration;

use kista::{Binary, Dest, Info, Node, Pid, ProcessInfo, SpawnOptions, Status, Term, gen_server};
use plain::{SOON, node, run, term};
use tokio::time::timeout;

async fn info(node: &Node, pid: Pid) -> ProcessInfo {
    node.process_info(pid).await.unwrap()
}

async fn until(node: &Node, pid: Pid, holds: impl Fn(&ProcessInfo) -> bool) -> ProcessInfo {
    let reached = async {
        loop {
            let info = info(node, pid).await;
            if holds(&info) {
                return info;
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, reached).await.unwrap()
}

#[tokio::test]
async fn a_process_says_all_of_itself() {
    let node = node("all").await;
    let control = node.clone();
    run(&node, async move |mut cx| {
        let me = cx.pid();
        let options = SpawnOptions::new()
            .name("shown")
            .link()
            .monitor()
            .env("key", 1);
        let child = cx
            .spawn_opt(options, async move |mut cx| {
                cx.trap_exit(true);
                cx.monitor(me);
                cx.monitor("nobody else");
                cx.send(me, &0);
                cx.receive_if(|info| *info == term(-1)).await;
                cx.send(me, &1);
                pending::<()>().await;
            })
            .unwrap()
            .pid;
        assert_eq!(cx.receive().await, term(0));
        for n in 0..5 {
            cx.send(child, &n);
        }
        let said = until(&control, child, |info| {
            info.message_queue_len == 6 && info.status == Status::Waiting
        })
        .await;
        assert_eq!((said.pid, said.name), (child, kista::Atom::lookup("shown")));
        assert!(said.behaviour.contains("a_process_says_all_of_itself"));
        assert_eq!((said.messages_in, said.messages_out), (5, 1));
        assert_eq!((&said.links[..], said.parent), (&[me][..], Some(me)));
        assert_eq!((&said.monitored_by[..], said.trap_exit), (&[me][..], true));
        // The other one has fired.
        assert_eq!(said.monitors, [Dest::Pid(me)]);
        assert_eq!(said.ancestors, [Dest::Pid(me)]);
        assert_eq!(said.environment, [("key".to_owned(), Term::from(1))]);
        assert!(said.message_queue_bytes > 0);
        cx.send(child, &-1);
        assert_eq!(cx.receive().await, term(1));
        let said = info(&control, child).await;
        assert_eq!((said.status, said.message_queue_len), (Status::Running, 6));
        let listed = control.process_list();
        let listed = listed.iter().find(|one| one.pid == child).unwrap();
        assert_eq!((listed.name, listed.status), (said.name, Status::Running));
        assert_eq!(listed.message_queue_len, 6);
        assert_eq!(control.process_list().len(), control.processes().len());
        cx.unlink(child);
        cx.exit(child, kista::ExitReason::Kill);
    })
    .await;
    node.stop().await;
}

struct Sink;

#[gen_server(local)]
impl Sink {
    #[init]
    fn new() -> Self {
        Sink
    }
    #[cast]
    fn put(&mut self, _: [u64; 8]) {}
    #[call]
    fn done(&self) {}
}

#[tokio::test]
async fn a_bursts_memory_is_given_back() {
    let node = node("burst").await;
    let sink = node.spawn(Sink::spec()).await.unwrap();
    let Dest::Pid(pid) = sink.dest() else {
        panic!("a spawned server has a pid")
    };
    for _ in 0..200_000 {
        sink.put([0; 8]);
    }
    sink.done().await.unwrap();
    let said = until(&node, pid, |info| info.message_queue_bytes < 8_192).await;
    assert_eq!((said.message_queue_len, said.messages_in), (0, 200_001));
    // One that chose: what it passed over stays, the memory of what it took does not.
    let (done, ended) = tokio::sync::oneshot::channel();
    let chooser = node
        .spawn_fn(async move |mut cx| {
            for _ in 0..100_000 {
                cx.receive_if(|info| *info != term(7)).await;
            }
            done.send(()).unwrap();
            pending::<()>().await;
        })
        .unwrap();
    node.send(chooser, &7);
    for n in 100..100_100_i64 {
        node.send(chooser, &n);
    }
    ended.await.unwrap();
    let said = until(&node, chooser, |info| info.message_queue_bytes < 8_192).await;
    assert_eq!(said.message_queue_len, 1);
    node.stop().await;
}

#[tokio::test]
async fn encoded_messages_that_wait_are_counted_with_what_they_hold() {
    const COUNT: usize = 100;
    const SIZE: usize = 10_000;
    let node = node("heavy").await;
    let (go, gone) = tokio::sync::oneshot::channel::<()>();
    let busy = node
        .spawn_fn(async move |mut cx| {
            let _ = gone.await;
            for _ in 0..COUNT {
                cx.receive().await;
            }
            pending::<()>().await;
        })
        .unwrap();
    for _ in 0..COUNT {
        node.send(busy, &Binary::from(vec![0; SIZE]));
    }
    let held = info(&node, busy).await.message_queue_bytes;
    assert!((COUNT * SIZE..2 * COUNT * SIZE).contains(&held), "{held}");
    go.send(()).unwrap();
    let emptied = until(&node, busy, |info| info.message_queue_len == 0).await;
    assert!(emptied.message_queue_bytes < SIZE, "{emptied:?}");
    node.stop().await;
}

#[tokio::test]
async fn a_flushed_down_is_not_counted() {
    let node = node("counted").await;
    run(&node, async |mut cx| {
        let monitors: Vec<_> = (0..10)
            .map(|_| cx.spawn_fn_monitor(async |_| ()).unwrap().1)
            .collect();
        let me = cx.pid();
        let node = cx.node().clone();
        until(&node, me, |info| info.message_queue_len == 10).await;
        for monitor in &monitors[..5] {
            assert!(!cx.demonitor_flush(*monitor));
        }
        assert_eq!(info(&node, me).await.message_queue_len, 5);
        for _ in 0..5 {
            assert!(matches!(cx.receive().await, Info::Down { .. }));
        }
        assert_eq!(cx.receive().after(Duration::ZERO).await, None);
        assert_eq!(info(&node, me).await.message_queue_len, 0);
        for monitor in &monitors {
            assert!(!cx.demonitor_flush(*monitor), "it was read or flushed");
        }
        cx.send(me, &0);
        assert_eq!(cx.receive_if(|_| false).after(Duration::ZERO).await, None);
        assert_eq!(info(&node, me).await.message_queue_len, 1);
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn a_monitor_by_name_is_taken_back_where_it_was_made() {
    let node = node("moved").await;
    let idle = || {
        node.spawn_fn(async |mut cx| {
            cx.receive().await;
        })
        .unwrap()
    };
    let (first, second) = (idle(), idle());
    node.register("moved", first).unwrap();
    let moved = node.clone();
    run(&node, async move |cx| {
        let reference = cx.monitor("moved");
        let watched = info(&moved, first).await.monitored_by;
        assert_eq!(watched, [cx.pid()]);
        moved.unregister("moved").unwrap();
        moved.register("moved", second).unwrap();
        assert!(cx.demonitor(reference));
        for pid in [first, second] {
            assert_eq!(info(&moved, pid).await.monitored_by, []);
        }
    })
    .await;
    node.stop().await;
}
