//! Connections on which nothing is said but ticks: they stay, whoever made them, with the usual `net_ticktime` and with a short one.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::{JoinSet, spawn_blocking};

use super::{PATIENCE, QUIET, ours};
use crate::{Bed, Program};

/// What is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Idle {
    /// How long nothing is said, in seconds.
    pub seconds: u64,
}

/// One connection at the end.
#[derive(Debug, Clone, Copy)]
pub struct Idled {
    /// `net_ticktime` of both sides, in seconds.
    pub ticktime: u64,
    /// Whether our node dialled.
    pub ours: bool,
    /// Ticks that our node sent, and received.
    pub ticks: (u64, u64),
}

/// Leaves four connections alone at the same time: `net_ticktime` 60 and 8, dialled by `erl` and by us.
///
/// # Panics
///
/// When either side takes the other for down, or nothing kept the connection alive.
pub async fn idle(bed: Bed, plan: Idle) -> Vec<Idled> {
    println!("idle: {plan:?}");
    let bed = Arc::new(bed);
    let mut all = JoinSet::new();
    for ticktime in [60, 8] {
        for by_us in [true, false] {
            let bed = Arc::clone(&bed);
            all.spawn(async move { alone(&bed, plan, ticktime, by_us).await });
        }
    }
    all.join_all().await
}

async fn alone(bed: &Bed, plan: Idle, ticktime: u64, by_us: bool) -> Idled {
    let number = ticktime * 10 + u64::from(by_us);
    let (name, peer) = (
        format!("ours{number}@127.0.0.1"),
        format!("erl{number}@127.0.0.1"),
    );
    let node = ours(bed, &name).net_ticktime(Duration::from_secs(ticktime));
    let node = node.start().await.expect("our node starts");
    let text = ticktime.to_string();
    let mut options = QUIET.to_vec();
    options.extend(["-kernel", "net_ticktime", &text]);
    let who = if by_us { "ours" } else { "erl" };
    let arguments = [&*name, who, &plan.seconds.to_string()];
    let mut erl = bed.erlang_with(&options, &peer, bed.cookie(), "idle", "wait", &arguments);
    let patience = PATIENCE + Duration::from_secs(plan.seconds);
    if by_us {
        erl = said(erl, "waiting", patience).await;
        node.connect(&peer).await.expect("erl is there");
    }
    erl = said(erl, "kept", patience).await;
    let connection = node.connection_info(&peer).expect("it is still there");
    // The same one since the beginning; its time began here a moment after `erl` had it.
    assert!(connection.up_for + Duration::from_secs(1) >= Duration::from_secs(plan.seconds));
    erl.tell("next");
    spawn_blocking(move || erl.expect_ok(PATIENCE))
        .await
        .expect("erl agrees");
    node.stop().await;
    let ticks = (connection.sent.ticks, connection.received.ticks);
    // Each side says something four times in a `net_ticktime`, and may be late each time, and at the end not have come to it.
    let least = (3 * plan.seconds / ticktime).saturating_sub(1);
    assert!(ticks.0 >= least && ticks.1 >= least, "{connection:?}");
    Idled {
        ticktime,
        ours: by_us,
        ticks,
    }
}

/// The peer, once it said so.
async fn said(mut erl: Program, line: &'static str, patience: Duration) -> Program {
    spawn_blocking(move || {
        erl.expect(line, patience);
        erl
    })
    .await
    .unwrap_or_else(|_| panic!("{line} was not said"))
}
