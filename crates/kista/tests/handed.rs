//! What must not be told apart although a call to a server at rest is handed to it, past its queue, by the process that waits.

#[path = "support/plain.rs"]
mod plain;

use std::future::Future;
use std::time::Duration;

use kista::{
    CallError, Cx, Dest, ExitReason, Flow, Node, ReplyTo, ServerRef, Term, gen_server, sys,
};
use plain::{is_within_caller, node, run_as_caller};

/// Answers at once, later, or not at all.
#[derive(Default)]
struct Desk {
    all: Vec<i64>,
    kept: Vec<ReplyTo<i64>>,
}

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
    fn note(&mut self, n: i64) -> i64 {
        self.all.push(n);
        n
    }

    #[call]
    fn keep(&mut self, n: i64, reply: ReplyTo<i64>) {
        self.all.push(n);
        self.kept.push(reply);
    }

    #[call]
    fn lose(&mut self, n: i64, reply: ReplyTo<i64>) {
        self.all.push(n);
        drop(reply);
    }

    #[cast]
    fn answer_all(&mut self) {
        for (n, reply) in self.all.iter().zip(self.kept.drain(..)) {
            reply.reply(*n);
        }
    }

    #[cast]
    fn end(&mut self) -> Flow {
        Flow::Stop(ExitReason::from(Term::from(7)))
    }

    /// Answered, and then it ends.
    #[call]
    fn note_and_end(&mut self, n: i64, cx: &mut Cx<Self>) -> i64 {
        self.all.push(n);
        cx.then(Flow::Stop(ExitReason::Normal));
        n
    }

    /// Kept, and then it panics.
    #[call]
    fn keep_and_fail(&mut self, reply: ReplyTo<i64>) {
        self.kept.push(reply);
        panic!("asked to");
    }

    /// With another of its own behind it.
    #[call]
    fn note_twice(&mut self, n: i64, cx: &mut Cx<Self>) -> i64 {
        self.all.push(n);
        cx.continue_with(DeskMsg::More(-n));
        n
    }

    #[cast]
    fn more(&mut self, n: i64) {
        self.all.push(n);
    }

    #[call]
    async fn note_later(&mut self, n: i64) -> i64 {
        tokio::task::yield_now().await;
        self.all.push(n);
        n
    }

    #[call]
    fn all(&self) -> Vec<i64> {
        self.all.clone()
    }
}

/// Calls it until its turns are done by who calls it: then the next call by a process is handed over. On a busy machine a turn now and
/// then seems long, for which it has its turns by itself for a while.
async fn comes_to_be_handed(desk: &ServerRef<Desk>) {
    while desk.place().await != Ok(true) {}
}

/// A server, and what comes of a process for which it is ready to be handed calls.
async fn with_desk<T: Send + 'static, F>(test: impl FnOnce(ServerRef<Desk>) -> F) -> (Node, T)
where
    F: Future<Output = T> + Send + 'static,
{
    let node = node("handed").await;
    let desk = node.spawn(Desk::spec()).await.expect("a server starts");
    let body = test(desk.clone());
    let came = run_as_caller(&node, async move {
        comes_to_be_handed(&desk).await;
        body.await
    })
    .await;
    (node, came)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_kept_answers_later() {
    let (node, came) = with_desk(|desk| async move {
        let asked = desk.keep(4).send_request();
        desk.answer_all().await.expect("it is there");
        let first = asked.await;
        // Of this one the token is kept in a turn that its caller does, who goes on to wait.
        let other = desk.clone();
        tokio::spawn(async move {
            while other.all().await.is_ok_and(|all| all.len() < 2) {}
            other.answer_all().await
        });
        comes_to_be_handed(&desk).await;
        (first, desk.keep(5).await)
    })
    .await;
    // It answers with what it wrote down first.
    assert_eq!(came, (Ok(4), Ok(4)));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_kept_fails_with_the_server() {
    let (node, came) = with_desk(|desk| async move {
        let other = desk.clone();
        tokio::spawn(async move {
            while other.all().await.is_ok_and(|all| all.is_empty()) {}
            other.end().await
        });
        desk.keep(4).await
    })
    .await;
    assert_eq!(came, Err(CallError::Exit(ExitReason::from(Term::from(7)))));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_is_dropped_refuses_the_call() {
    let (node, came) = with_desk(|desk| async move {
        let lost = desk.lose(4).await;
        (lost, desk.all().await)
    })
    .await;
    let (Err(CallError::Exit(reason)), Ok(all)) = came else {
        panic!("{came:?}");
    };
    assert!(reason.to_string().contains("no_reply"), "{reason}");
    assert_eq!(all, [4]);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_behind_a_token_that_is_kept_reaches_the_caller() {
    let (node, came) = with_desk(|desk| async move { desk.keep_and_fail().await }).await;
    let Err(CallError::Exit(ExitReason::Panic(text))) = came else {
        panic!("{came:?}");
    };
    assert!(text.contains("asked to"), "{text}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_follows_a_call_comes_before_the_next() {
    let (node, came) = with_desk(|desk| async move {
        for n in [1, 2, 3] {
            assert_eq!(desk.note_twice(n).await, Ok(n));
            comes_to_be_handed(&desk).await;
            assert_eq!(desk.note_later(n + 10).await, Ok(n + 10));
            comes_to_be_handed(&desk).await;
        }
        let all = desk.all().await;
        comes_to_be_handed(&desk).await;
        (all, desk.note_and_end(9).await, desk.note(10).await)
    })
    .await;
    let all = vec![1, -1, 11, 2, -2, 12, 3, -3, 13];
    let (Ok(noted), Ok(9), Err(_)) = came else {
        panic!("{came:?}");
    };
    assert_eq!(noted, all);
    node.stop().await;
}

/// A call is behind all that its caller sent before, and counts as a message that arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_keeps_its_place_and_is_counted() {
    let node = node("handed").await;
    let desk = node.spawn(Desk::spec()).await.expect("a server starts");
    let (called, pid) = (desk.clone(), Dest::from(&desk));
    let Dest::Pid(pid) = pid else {
        panic!("a handle of a process here has its pid, not {pid:?}")
    };
    let received = async || node.process_info(pid).await.map(|info| info.messages_in);
    let before = received().await.expect("it is there");
    let calls = run_as_caller(&node, async move {
        let mut calls = 0;
        for n in 0..1_000 {
            if n % 3 == 0 {
                called.more(-n).await.expect("it is there");
                calls += 1;
            }
            assert_eq!(called.note(n).await, Ok(n));
            calls += 1;
        }
        calls
    })
    .await;
    assert_eq!(received().await, Some(before + calls));
    let all = desk.all().await.expect("it is there");
    let each = |n: i64| (n % 3 == 0).then_some(-n).into_iter().chain([n]);
    assert_eq!(all, (0..1_000).flat_map(each).collect::<Vec<_>>());
    node.stop().await;
}

/// Who is suspended, or watched, is handed nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sys_sees_and_holds_up_what_would_be_handed() {
    let (node, ()) = with_desk(|desk| async move {
        sys::suspend(&desk).await.expect("it is there");
        let late = desk.note(1).timeout(Duration::from_millis(50)).await;
        assert_eq!(late, Err(CallError::Timeout));
        sys::resume(&desk).await.expect("it is there");
        assert_eq!(desk.note(2).await, Ok(2));
        assert_eq!(desk.all().await, Ok(vec![1, 2]));
    })
    .await;
    node.stop().await;
}
