//! Whatever a process waits for in its runtime wakes it, each time.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use kista::{ServerRef, gen_server};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::{JoinSet, spawn_blocking, yield_now};
use tokio::time::{sleep, timeout};

use crate::plain::{SOON, node, run};
use crate::{one_thread, two_threads};

/// Waits within its handlers, in each way that there is.
struct Waiting;

#[gen_server(local)]
impl Waiting {
    #[init]
    fn new() -> Self {
        Waiting
    }
    #[call]
    async fn sleep(&mut self, time: Duration) {
        sleep(time).await;
    }
    #[call]
    async fn one(&mut self, answer: oneshot::Receiver<u32>) -> u32 {
        answer.await.unwrap()
    }
    #[call]
    async fn of_a_task(&mut self, n: u32) -> u32 {
        tokio::spawn(async move { n }).await.unwrap()
    }
    #[call]
    async fn many(&mut self, mut from: mpsc::Receiver<u32>) -> u32 {
        let mut sum = 0;
        while let Some(n) = from.recv().await {
            sum += n;
        }
        sum
    }
    #[call]
    async fn notified(&mut self, here: Arc<Notify>, there: Arc<Notify>, times: usize) {
        for _ in 0..times {
            there.notify_one();
            here.notified().await;
        }
    }
    #[call]
    async fn first_of(&mut self, answer: oneshot::Receiver<u32>, time: Duration) -> Option<u32> {
        tokio::select! {
            () = sleep(time) => None,
            answer = answer => answer.ok(),
        }
    }
    #[call]
    async fn blocking(&mut self, n: u32) -> u32 {
        spawn_blocking(move || n).await.unwrap()
    }
    #[call]
    async fn yields(&mut self, times: u32) {
        for _ in 0..times {
            yield_now().await;
        }
    }
    #[call]
    async fn joined(&mut self, tasks: u32) -> u32 {
        let mut all = JoinSet::new();
        for n in 0..tasks {
            all.spawn(async move { n });
        }
        let mut sum = 0;
        while let Some(n) = all.join_next().await {
            sum += n.unwrap();
        }
        sum
    }
}

/// Has `rounds` done with each of several servers at once, by tasks and by processes, on two threads and on one.
fn each_wakes<R>(rounds: impl Fn(ServerRef<Waiting>) -> R)
where
    R: Future<Output = ()> + Send + 'static,
{
    for runtime in [two_threads("wakes"), one_thread()] {
        runtime.block_on(async {
            let node = node("wakes").await;
            let mut all = JoinSet::new();
            for n in 0..8 {
                let rounds = rounds(node.spawn(Waiting::spec()).await.unwrap());
                let node = node.clone();
                match n % 2 {
                    0 => all.spawn(rounds),
                    _ => all.spawn(async move { run(&node, async |_| rounds.await).await }),
                };
            }
            let done = timeout(SOON, all.join_all()).await;
            done.expect("a wake-up was lost");
            node.stop().await;
        });
    }
}

#[test]
fn no_end_of_a_sleep_is_lost() {
    each_wakes(async |waiting| {
        for n in 0..300 {
            let time = Duration::from_micros(n % 7 * 300);
            waiting.sleep(time).forever().await.unwrap();
        }
    });
}

#[test]
fn no_answer_by_a_channel_is_lost() {
    each_wakes(async |waiting| {
        for n in 0..1_000 {
            let (answer, answered) = oneshot::channel();
            let asked = waiting.one(answered).send_request();
            if n % 2 == 0 {
                yield_now().await;
            }
            answer.send(n).unwrap();
            assert_eq!(asked.await, Ok(n));
        }
    });
}

#[test]
fn no_end_of_a_task_is_lost() {
    each_wakes(async |waiting| {
        for n in 0..1_000 {
            assert_eq!(waiting.of_a_task(n).forever().await, Ok(n));
        }
        for _ in 0..100 {
            assert_eq!(waiting.joined(20).forever().await, Ok(190));
        }
    });
}

#[test]
fn nothing_that_comes_by_a_bounded_channel_is_lost() {
    each_wakes(async |waiting| {
        for room in [1, 2, 64] {
            let (send, from) = mpsc::channel(room);
            let sum = waiting.many(from).send_request();
            for n in 0..2_000 {
                send.send(n).await.unwrap();
            }
            drop(send);
            assert_eq!(sum.await, Ok(1_999_000));
        }
    });
}

#[test]
fn no_notification_is_lost() {
    each_wakes(async |waiting| {
        let (here, there) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let done = waiting.notified(here.clone(), there.clone(), 2_000);
        let done = done.send_request();
        for _ in 0..2_000 {
            there.notified().await;
            here.notify_one();
        }
        done.await.unwrap();
    });
}

#[test]
fn neither_side_of_a_select_is_lost() {
    each_wakes(async |waiting| {
        for n in 0..600 {
            let (answer, answered) = oneshot::channel();
            // Too late, soon, or about when the time is up.
            let time = [Duration::from_secs(600), Duration::from_millis(1)][n as usize % 2];
            let asked = waiting.first_of(answered, time).send_request();
            match n % 3 {
                0 => yield_now().await,
                1 if n % 2 == 1 => sleep(Duration::from_millis(1)).await,
                _ => {}
            }
            let _late = answer.send(n);
            let got = asked.await.unwrap();
            assert!(got == Some(n) || (got.is_none() && n % 2 == 1), "{got:?}");
        }
    });
}

#[test]
fn no_end_of_a_blocking_closure_is_lost() {
    each_wakes(async |waiting| {
        for n in 0..500 {
            assert_eq!(waiting.blocking(n).forever().await, Ok(n));
        }
    });
}

#[test]
fn who_yields_has_its_next_turn() {
    each_wakes(async |waiting| {
        for n in 0..200 {
            waiting.yields(n % 40).forever().await.unwrap();
        }
    });
}

/// Its waker is kept by what it waited for, and outlives it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wake_up_of_a_process_that_is_gone_harms_nobody() {
    let node = node("gone").await;
    for _ in 0..500 {
        let (answer, answered) = oneshot::channel();
        let waiting = node.spawn(Waiting::spec()).await.unwrap();
        let asked = waiting.one(answered).send_request();
        yield_now().await;
        node.exit(crate::pid(&waiting), kista::ExitReason::Kill);
        yield_now().await;
        let _ = answer.send(1);
        let _either = asked.await;
        let next = node.spawn(Waiting::spec()).await.unwrap();
        assert_eq!(next.of_a_task(2).await, Ok(2));
    }
    node.stop().await;
}
