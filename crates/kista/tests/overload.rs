//! Bounded queues under flood, each policy, and the alarm for those without a bound.

#[path = "support/port.rs"]
mod port;

#[path = "support/plain.rs"]
mod plain;

use port::free_port;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use kista::{
    Atom, CallError, Dest, EpmdMode, Flow, Info, Node, Overflow, Pid, ProcessInfo, QueueBound,
    SendError, ServerRef, SpawnOptions, Term, gen_server,
};
use plain::{SOON, node, run, term};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Counts what it gets; does nothing until its gate is opened.
struct Slow {
    gate: Arc<Notify>,
    got: Vec<i64>,
    lost: u64,
}

#[gen_server]
impl Slow {
    #[init]
    fn new(gate: Arc<Notify>) -> Self {
        Self {
            gate,
            got: Vec::new(),
            lost: 0,
        }
    }
    #[cast]
    async fn wait(&mut self) {
        self.gate.notified().await;
    }
    #[cast]
    fn put(&mut self, n: i64) {
        self.got.push(n);
    }
    #[call]
    fn got(&self) -> Vec<i64> {
        self.got.clone()
    }
    #[call]
    fn lost(&self) -> i64 {
        self.lost as i64
    }
    #[info(other)]
    fn other(&mut self, info: Info) -> Flow {
        match info {
            Info::MessagesLost { count } => self.lost += count,
            Info::Term(term) => self.got.extend(term.as_int()),
            _ => {}
        }
        Flow::Continue
    }
}

const LIMIT: u32 = 100;

/// A server that is busy with its first message, so that what is sent waits.
async fn busy(node: &Node, overflow: Overflow) -> (ServerRef<Slow>, Pid, Arc<Notify>) {
    let gate = Arc::new(Notify::new());
    let bound = SpawnOptions::new().bound(QueueBound::new(LIMIT, overflow));
    let slow = node
        .spawn(Slow::spec(Arc::clone(&gate)))
        .options(bound)
        .await
        .unwrap();
    let Dest::Pid(pid) = slow.dest() else {
        panic!("a spawned server has a pid")
    };
    slow.wait().await.unwrap();
    // It has begun with it: nothing is unread.
    timeout(SOON, async {
        while info(node, pid).await.message_queue_len > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    (slow, pid, gate)
}

async fn info(node: &Node, pid: Pid) -> ProcessInfo {
    node.process_info(pid).await.unwrap()
}

#[tokio::test]
async fn a_full_queue_rejects_and_says_so() {
    let node = node("reject").await;
    let (slow, pid, gate) = busy(&node, Overflow::Reject).await;
    for n in 0..i64::from(LIMIT) {
        assert_eq!(slow.put(n).result(), Ok(()));
    }
    // Typed, encoded, a call, and a call by pid: all are told.
    assert_eq!(slow.put(-1).result(), Err(SendError::Overloaded));
    assert_eq!(node.send(pid, &-1).result(), Err(SendError::Overloaded));
    assert_eq!(slow.got().await, Err(CallError::Overloaded));
    let encoded = node.call::<Term>(pid, &Atom::from_static("got")).await;
    assert_eq!(encoded, Err(CallError::Overloaded));
    // What is no message is heard all the same.
    let said = info(&node, pid).await;
    assert_eq!(said.messages_refused, 4);
    assert_eq!(said.message_queue_len, LIMIT as usize);
    gate.notify_one();
    let got = loop {
        match slow.got().await {
            Err(CallError::Overloaded) => tokio::task::yield_now().await,
            got => break got.unwrap(),
        }
    };
    assert_eq!(got, (0..i64::from(LIMIT)).collect::<Vec<_>>());
    assert_eq!(slow.lost().await, Ok(0), "the senders were told");
    node.stop().await;
}

#[tokio::test]
async fn the_newest_are_dropped_and_counted() {
    let node = node("newest").await;
    let (slow, pid, gate) = busy(&node, Overflow::DropNewest).await;
    for n in 0..10 * i64::from(LIMIT) {
        assert_eq!(slow.put(n).result(), Ok(()));
    }
    // Whoever waits for an answer is told all the same.
    assert_eq!(slow.got().await, Err(CallError::Overloaded));
    assert_eq!(info(&node, pid).await.messages_dropped, 901);
    gate.notify_one();
    let got = timeout(SOON, async {
        loop {
            if let Ok(got) = slow.got().await {
                return got;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(
        got.await.unwrap(),
        (0..i64::from(LIMIT)).collect::<Vec<_>>()
    );
    assert!(slow.lost().await.unwrap() >= 901);
    node.stop().await;
}

#[tokio::test]
async fn the_oldest_are_dropped_and_their_callers_told() {
    let node = node("oldest").await;
    let (slow, pid, gate) = busy(&node, Overflow::DropOldest).await;
    let call = {
        let slow = slow.clone();
        tokio::spawn(async move { slow.got().await })
    };
    while info(&node, pid).await.message_queue_len == 0 {
        tokio::task::yield_now().await;
    }
    // Half typed, half encoded; the process does not run meanwhile.
    for n in 0..5_000 {
        match n % 2 {
            0 => assert_eq!(slow.put(n).result(), Ok(())),
            _ => assert_eq!(node.send(pid, &n).result(), Ok(())),
        }
    }
    let overloaded = kista::ExitReason::from(Atom::from_static("overloaded"));
    assert_eq!(call.await.unwrap(), Err(CallError::Exit(overloaded)));
    let said = info(&node, pid).await;
    // And one report.
    assert_eq!(said.message_queue_len, LIMIT as usize + 1);
    assert_eq!(said.messages_dropped, 4_901);
    gate.notify_one();
    // The call is one message more, and takes the place of one if it comes early.
    let got = slow.got().await.unwrap();
    assert!(
        got.ends_with(&(4_901..5_000).collect::<Vec<_>>()),
        "{got:?}"
    );
    assert!(got.len() <= LIMIT as usize);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn senders_wait_for_room_and_nothing_is_lost() {
    let node = node("wait").await;
    let (slow, pid, gate) = busy(&node, Overflow::Wait).await;
    let sent = Arc::new(AtomicU64::new(0));
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let (slow, node, sent) = (slow.clone(), node.clone(), Arc::clone(&sent));
            tokio::spawn(async move {
                for n in 0..2_000 {
                    match n % 2 {
                        0 => slow.put(sender * 10_000 + n).await.unwrap(),
                        _ => node.send(pid, &(sender * 10_000 + n)).await.unwrap(),
                    }
                    sent.fetch_add(1, Relaxed);
                }
            })
        })
        .collect();
    // They all come to wait, each with one message beyond the limit at most.
    let all_wait = async {
        let mut before = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let now = sent.load(Relaxed);
            if now > 0 && now == before {
                return;
            }
            before = now;
        }
    };
    timeout(SOON, all_wait).await.unwrap();
    assert!(info(&node, pid).await.message_queue_len <= LIMIT as usize + 4);
    gate.notify_one();
    for sender in senders {
        timeout(SOON, sender).await.unwrap().unwrap();
    }
    let got = slow.got().await.unwrap();
    assert_eq!(got.len(), 8_000);
    for sender in 0..4 {
        let of_one = got.iter().filter(|n| **n / 10_000 == sender);
        assert!(of_one.is_sorted(), "the order of one sender");
    }
    assert_eq!(slow.lost().await, Ok(0));
    node.stop().await;
}

#[tokio::test]
async fn a_process_that_sends_too_much_is_held() {
    let node = node("held").await;
    let (slow, pid, gate) = busy(&node, Overflow::Wait).await;
    let (done, ended) = tokio::sync::oneshot::channel();
    let sender = node
        .spawn_fn(async move |_cx| {
            for n in 0..=i64::from(LIMIT) {
                // Not awaited: the process is held at its next await.
                slow.put(n);
            }
            tokio::task::yield_now().await;
            done.send(()).unwrap();
        })
        .unwrap();
    timeout(SOON, async {
        while info(&node, sender).await.status != kista::Status::Held {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(info(&node, pid).await.message_queue_len, LIMIT as usize + 1);
    gate.notify_one();
    timeout(SOON, ended).await.unwrap().unwrap();
    node.stop().await;
}

#[tokio::test]
async fn who_neither_waits_nor_is_held_is_refused_in_the_end() {
    let node = node("mark").await;
    let (slow, pid, gate) = busy(&node, Overflow::Wait).await;
    let taken = (0..10_000)
        .filter(|n| slow.put(*n).result().is_ok())
        .count();
    assert_eq!(taken, LIMIT as usize + 1_024);
    assert_eq!(
        info(&node, pid).await.messages_refused,
        10_000 - taken as u64
    );
    gate.notify_one();
    node.stop().await;
}

#[tokio::test]
async fn a_fallback_takes_what_does_not_fit() {
    let node = node("divert").await;
    let name = Atom::from_static("fallback");
    let (slow, pid, gate) = busy(&node, Overflow::Divert(name)).await;
    for n in 0..i64::from(LIMIT) {
        slow.put(n);
    }
    assert_eq!(
        slow.put(-1).result(),
        Err(SendError::Overloaded),
        "nobody has the name"
    );
    let open = Arc::new(Notify::new());
    let fallback = node
        .spawn(Slow::spec(open))
        .options(SpawnOptions::new().name("fallback"))
        .await
        .unwrap();
    assert_eq!(slow.put(100).result(), Ok(()));
    assert_eq!(node.send(pid, &101).result(), Ok(()));
    // A call is answered by the one who takes it.
    assert_eq!(slow.got().await, Ok(vec![100, 101]));
    assert_eq!(info(&node, pid).await.messages_diverted, 3);
    fallback.stop().await.unwrap();
    // One of another message type gets it encoded.
    let options = SpawnOptions::new().name("fallback");
    let diverted = plain::run_with(&node, options, {
        let slow = slow.clone();
        async move |mut cx| {
            assert_eq!(slow.put(7).result(), Ok(()));
            assert_eq!(cx.send(pid, &8).result(), Ok(()));
            [cx.receive().await, cx.receive().await]
        }
    })
    .await;
    let cast = Term::tuple([
        Term::from(Atom::from_static("$gen_cast")),
        Term::tuple([Term::from(Atom::from_static("put")), Term::from(7)]),
    ]);
    assert_eq!(diverted, [Info::Term(cast), term(8)]);
    gate.notify_one();
    node.stop().await;
}

#[tokio::test]
async fn a_bound_can_be_set_and_lifted_while_it_runs() {
    let node = node("runtime").await;
    run(&node, async |mut cx| {
        let me = cx.pid();
        for n in 0..10 {
            cx.send(me, &n);
        }
        // Some were looked at and left, some were not even taken over.
        let none = cx.receive_if(|_| false).after(Duration::ZERO).await;
        assert_eq!(none, None);
        for n in 10..20 {
            cx.send(me, &n);
        }
        cx.queue_bound(Some(QueueBound::new(21, Overflow::Reject)));
        assert_eq!(cx.send(me, &20).result(), Ok(()));
        assert_eq!(cx.send(me, &21).result(), Err(SendError::Overloaded));
        // Reading one makes room for one.
        let ninth = cx.receive_if(|info| *info == term(9)).await;
        assert_eq!(ninth, term(9));
        assert_eq!(cx.send(me, &22).result(), Ok(()));
        assert_eq!(cx.send(me, &23).result(), Err(SendError::Overloaded));
        cx.queue_bound(None);
        assert_eq!(cx.send(me, &24).result(), Ok(()));
        let mut got = Vec::new();
        while let Some(Info::Term(n)) = cx.receive().after(Duration::ZERO).await {
            got.extend(n.as_int());
        }
        let expected = (0..=20).filter(|n| *n != 9).chain([22, 24]);
        assert_eq!(got, expected.collect::<Vec<_>>());
    })
    .await;
    node.stop().await;
}

#[tokio::test]
async fn the_oldest_goes_also_from_what_a_selective_receive_left() {
    let node = node("left").await;
    run(&node, async |mut cx| {
        cx.queue_bound(Some(QueueBound::new(3, Overflow::DropOldest)));
        let me = cx.pid();
        for n in 0..3 {
            cx.send(me, &n);
        }
        let none = cx.receive_if(|_| false).after(Duration::ZERO).await;
        assert_eq!(none, None);
        for n in 3..5 {
            cx.send(me, &n);
        }
        for n in 2..5 {
            let wanted = cx.receive_if(|info| matches!(info, Info::Term(_)));
            assert_eq!(wanted.await, term(n));
        }
        let lost = cx.receive().await;
        assert_eq!(lost, Info::MessagesLost { count: 2 });
    })
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_remote_sender_loses_is_counted_and_the_reader_goes_on() {
    let port = free_port();
    let start = async |name: &str, epmd| {
        let node = Node::builder(name).cookie("overload");
        node.epmd(epmd).epmd_port(port).start().await.unwrap()
    };
    let a = start("a-over@127.0.0.1", EpmdMode::Embedded).await;
    let b = start("b-over@127.0.0.1", EpmdMode::Running).await;
    for overflow in [Overflow::Reject, Overflow::Wait, Overflow::DropNewest] {
        let (slow, pid, gate) = busy(&a, overflow).await;
        let (other, other_pid, _) = busy(&a, Overflow::Reject).await;
        for n in 0..1_000 {
            b.send(pid, &n).await.unwrap();
        }
        // Its calls are refused at once, not left to their timeouts.
        let refused = b.call::<Term>(pid, &Atom::from_static("got")).forever();
        let refused = timeout(SOON, refused).await.unwrap();
        assert!(
            matches!(&refused, Err(CallError::Exit(why)) if why.to_string() == "{no_reply,got}"),
            "{refused:?}"
        );
        // The reader is past all of that: who is not full gets its message.
        b.send(other_pid, &1).await.unwrap();
        timeout(SOON, async {
            while info(&a, other_pid).await.message_queue_len == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        drop(other);
        gate.notify_one();
        let got = timeout(SOON, async {
            loop {
                if let Ok(got) = slow.got().await {
                    return got;
                }
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(
            got.await.unwrap(),
            (0..i64::from(LIMIT)).collect::<Vec<_>>()
        );
        assert!(slow.lost().await.unwrap() >= 900, "{overflow:?}");
        a.exit(other_pid, kista::ExitReason::Kill);
    }
    b.stop().await;
    a.stop().await;
}

#[tokio::test]
async fn the_alarm_is_raised_once_and_again_only_after_half() {
    let node = Node::builder("alarm@127.0.0.1").no_network();
    let node = node.queue_alarm(1_000).start().await.unwrap();
    let control = node.clone();
    run(&node, async move |mut cx| {
        let me = cx.pid();
        let flood = async |cx: &mut kista::ProcessCx, n| {
            for n in 0..n {
                cx.send(me, &n);
            }
            let none = cx.receive_if(|_| false).after(Duration::ZERO).await;
            assert_eq!(none, None);
        };
        flood(&mut cx, 1_000).await;
        assert_eq!(control.queue_alarms(), 0, "at the mark is not above it");
        flood(&mut cx, 100).await;
        assert_eq!(control.queue_alarms(), 1);
        // Up and down above half: nothing more.
        for _ in 0..500 {
            cx.receive().await;
        }
        flood(&mut cx, 1_000).await;
        assert_eq!(control.queue_alarms(), 1);
        while cx.receive().after(Duration::ZERO).await.is_some() {}
        flood(&mut cx, 1_001).await;
        assert_eq!(control.queue_alarms(), 2);
    })
    .await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_alarm_is_raised_for_a_process_that_does_not_run() {
    let node = Node::builder("blocked@127.0.0.1").no_network();
    let node = node.queue_alarm(5_000).start().await.unwrap();
    let (begun, blocked) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let pid = node
        .spawn_fn(async move |_cx| {
            begun.send(()).unwrap();
            released.recv().unwrap();
        })
        .unwrap();
    tokio::task::spawn_blocking(move || blocked.recv().unwrap())
        .await
        .unwrap();
    for n in 0..20_000 {
        node.send(pid, &n);
    }
    assert_eq!(node.queue_alarms(), 1);
    let listed = node.process_list();
    let listed = listed.iter().find(|one| one.pid == pid).unwrap();
    assert_eq!(listed.message_queue_len, 20_000);
    release.send(()).unwrap();
    node.stop().await;
}

#[tokio::test]
async fn an_evicted_message_does_not_hide_the_next_from_a_waiting_receive() {
    let node = node("hidden").await;
    let bound = SpawnOptions::new().bound(QueueBound::new(3, Overflow::DropOldest));
    let (done, ended) = tokio::sync::oneshot::channel();
    let waits = async move |mut cx: kista::ProcessCx| {
        let found = cx.receive_if(|info| *info == term(9)).await;
        let _ = done.send((found, cx.receive().await, cx.receive().await));
    };
    let pid = node.spawn_opt(bound, waits).unwrap().pid;
    for n in 0..3 {
        node.send(pid, &n).await.unwrap();
    }
    // It has looked at all three, and waits behind them.
    while info(&node, pid).await.message_queue_len < 3 {
        tokio::task::yield_now().await;
    }
    node.send(pid, &9).await.unwrap();
    let read = timeout(SOON, ended).await.expect("the message is hidden");
    assert_eq!(read.unwrap(), (term(9), term(1), term(2)));
    node.stop().await;
}

/// Only it could make the room that it would wait for.
#[tokio::test]
async fn a_process_is_never_held_for_its_own_queue() {
    let node = node("self").await;
    let options = SpawnOptions::new().bound(QueueBound::new(2, Overflow::Wait));
    let sent = plain::run_with(&node, options, async |mut cx| {
        let me = cx.pid();
        let mut taken = 0;
        for n in 0..2_000 {
            // Half awaited: neither way waits.
            let sent = match n % 2 {
                0 => cx.send(me, &n).await,
                _ => cx.send(me, &n).result(),
            };
            match sent {
                Ok(()) => taken += 1,
                Err(error) => assert_eq!(error, SendError::Overloaded),
            }
        }
        tokio::task::yield_now().await;
        for n in 0..taken {
            assert_eq!(cx.receive().await, term(n));
        }
        taken
    });
    assert_eq!(sent.await, 2 + 1_024);
    node.stop().await;
}
