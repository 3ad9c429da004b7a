//! Ends that are waited for, and told.

use super::*;

/// Takes its time to end.
struct Slow;

#[gen_server]
impl Slow {
    #[init]
    fn new() -> Self {
        Slow
    }
    #[call]
    fn here(&self) -> bool {
        true
    }
    #[terminate]
    async fn terminate(&mut self, _reason: &ExitReason) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn stop_of_a_remote_server_waits_for_its_end() {
    let pair = Pair::start().await;
    pair.b.spawn(Slow::spec()).name("slow").await.unwrap();
    let slow = pair.a.server::<Slow>(on_b("slow"));
    assert_eq!(slow.here().await, Ok(true));
    slow.stop().await.unwrap();
    assert_eq!(pair.b.whereis("slow"), None);
    assert_eq!(slow.stop().await, Err(CallError::NoProc));
    pair.stop().await;
}

/// Takes its time to be dropped.
struct Heavy;

impl Drop for Heavy {
    fn drop(&mut self) {
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Never reads what it is sent.
struct Deaf;

#[gen_server(local)]
impl Deaf {
    #[init]
    fn new() -> Self {
        Deaf
    }
    #[cast]
    async fn hang(&mut self) {
        std::future::pending::<()>().await;
    }
    #[cast]
    fn take(&mut self, heavy: Heavy) {
        drop(heavy);
    }
}

/// A process that is out of the table, but still drops what it left, has yet to tell of its end: the network waits for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_node_still_says_why_its_processes_ended() {
    let pair = Pair::start().await;
    let ear = ear(&pair.a).await;
    let deaf = pair.b.spawn(Deaf::spec()).await.unwrap();
    let Dest::Pid(pid) = deaf.dest() else {
        panic!("a spawned server has a pid")
    };
    ear.watch(Dest::Pid(pid)).await.unwrap();
    // A round trip behind the monitor: it has arrived.
    assert!(pair.a.ping("b@127.0.0.1").await);
    deaf.hang();
    deaf.take(Heavy);
    pair.b.exit(pid, ExitReason::Kill);
    while pair.b.is_alive(pid) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    pair.b.stop().await;
    let Info::Down { reason, .. } = next_signal(&ear).await else {
        panic!("no DOWN")
    };
    assert_eq!(reason, ExitReason::Killed);
    pair.a.stop().await;
}
