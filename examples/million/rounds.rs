//! One round: so many processes are spawned, linked, monitored and ended. Shared with the test `stress`.

use std::future::pending;
use std::sync::Arc;

use kista::{Atom, ExitReason, Info, Node, SpawnOptions};
use tokio::sync::Barrier;

/// Spawns that many processes as children of a few parents, which hear of the end of each by a link and by a monitor.
pub(crate) async fn round(node: &Node, processes: usize) {
    const PARENTS: usize = 10;
    // All are alive at once before the first one ends: each round needs the same memory.
    let all_alive = Arc::new(Barrier::new(PARENTS));
    let mut parents = Vec::new();
    for _ in 0..PARENTS {
        let (done, ended) = tokio::sync::oneshot::channel();
        let all_alive = Arc::clone(&all_alive);
        let spawned = node.spawn_fn(async move |mut cx| {
            cx.trap_exit(true);
            let why = ExitReason::from(Atom::from_static("enough"));
            let mut children = Vec::new();
            for _ in 0..processes / PARENTS {
                let options = SpawnOptions::new().link().monitor();
                let child = cx.spawn_opt(options, async |_cx| pending::<()>().await);
                children.push(child.expect("the table has room").pid);
                if children.len() % 1_000 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            all_alive.wait().await;
            for child in &children {
                cx.exit(*child, why.clone());
            }
            // Each end is heard twice, with its reason.
            for _ in 0..2 * children.len() {
                match cx.receive().await {
                    Info::Exit { reason, .. } | Info::Down { reason, .. } if reason == why => {}
                    other => panic!("neither: {other:?}"),
                }
            }
            let _ = done.send(());
        });
        spawned.expect("the table has room");
        parents.push(ended);
    }
    for ended in parents {
        ended.await.expect("a parent failed");
    }
    // The parents themselves end after that.
    let is_left = || {
        let list = node.process_list();
        list.iter()
            .any(|one| one.behaviour.contains("rounds::round"))
    };
    while is_left() {
        tokio::task::yield_now().await;
    }
}

/// The memory of this OS process; 0 where that is not to be had.
pub(crate) fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    resident.unwrap_or(0_usize) * 4096
}
