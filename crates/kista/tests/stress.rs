//! Many processes: what comes and goes leaves nothing. The same with a million is the example `million`.

#[path = "support/plain.rs"]
mod plain;

#[path = "../../../examples/million/rounds.rs"]
mod rounds;

use plain::node;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_processes_come_and_go_without_a_trace() {
    let node = node("stress").await;
    let before = (node.processes().len(), node.timer_count());
    // The first round makes the tables.
    let mut after = Vec::new();
    for _ in 0..4 {
        rounds::round(&node, 100_000).await;
        after.push(rounds::resident_bytes());
        assert_eq!((node.processes().len(), node.timer_count()), before);
    }
    // What stayed of the last two rounds would be more than 120 MB; the allocator takes some tens more or less.
    let grown = after[3].saturating_sub(after[1]);
    assert!(
        grown < 64 << 20,
        "memory grows from round to round: {after:?}"
    );
    node.stop().await;
}
