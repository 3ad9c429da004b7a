//! One round of starts and stops. Shared with the test `resting`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use kista::{ExitReason, Node, ProcessCx, StartError, gen_server};
use tokio::sync::oneshot;
use tokio::task::yield_now;

/// How a server begins.
#[derive(Clone, Copy)]
enum Begin {
    AtOnce,
    /// With a second step.
    Slowly,
    Not,
}

struct Server;

#[gen_server(local)]
impl Server {
    #[init]
    async fn new(begin: Begin) -> Result<Self, ExitReason> {
        match begin {
            Begin::AtOnce => Ok(Server),
            Begin::Slowly => {
                yield_now().await;
                Ok(Server)
            }
            Begin::Not => Err(ExitReason::Shutdown),
        }
    }

    #[call]
    fn double(&self, n: usize) -> usize {
        2 * n
    }

    /// Every third one ends with a second step.
    #[terminate]
    async fn terminate(&mut self, _reason: &ExitReason, cx: &mut kista::Cx<Self>) {
        if cx.pid().id.is_multiple_of(3) {
            yield_now().await;
        }
    }
}

/// Starts that many servers, a hundred by each starter, of which every fifth is killed somewhere on its way. Gives how many were
/// stopped in order; returns when all have ended.
pub(crate) async fn round(node: &Node, servers: usize) -> usize {
    const EACH: usize = 100;
    const AT_ONCE: usize = 50;
    let before = node.processes().len();
    let stopped = Arc::new(AtomicUsize::new(0));
    for batch in 0..servers.div_ceil(EACH * AT_ONCE) {
        let mut ends = Vec::new();
        for n in 0..AT_ONCE {
            let (end, ended) = oneshot::channel::<()>();
            let stopped = Arc::clone(&stopped);
            let starter = node.spawn_fn(async move |cx| {
                let _end = end;
                for n in 0..EACH {
                    start_and_stop(&cx, n).await;
                    stopped.fetch_add(1, Relaxed);
                }
            });
            let starter = starter.expect("there is room");
            ends.push(ended);
            if n % 5 == 0 {
                let node = node.clone();
                tokio::spawn(async move {
                    for _ in 0..(batch + n) % 7 {
                        yield_now().await;
                    }
                    node.exit(starter, ExitReason::Kill);
                });
            }
        }
        for ended in ends {
            assert!(
                ended.await.is_err(),
                "a starter ends by itself or is killed"
            );
        }
    }
    // What was linked with a killed starter hears of it, and ends.
    while node.processes().len() > before {
        yield_now().await;
    }
    stopped.load(Relaxed)
}

async fn start_and_stop(cx: &ProcessCx, n: usize) {
    let begin = match n % 4 {
        0 | 1 => Begin::AtOnce,
        2 => Begin::Slowly,
        _ => Begin::Not,
    };
    if let Begin::Not = begin {
        let failed = cx.node().spawn(Server::spec(begin)).await.err();
        assert_eq!(failed, Some(StartError::Init(ExitReason::Shutdown)));
        return;
    }
    let server = cx.spawn_link(Server::spec(begin)).await;
    let server = server.expect("it begins");
    if n % 4 == 1 {
        assert_eq!(server.double(n).await, Ok(2 * n));
    }
    assert_eq!(server.stop().await, Ok(()));
    assert_eq!(server.stop().await, Err(kista::CallError::NoProc));
}
