//! Work divided among the tasks that send or call.

use tokio::task::JoinSet;

/// As many tasks as there are drivers: each does its share of `ops` with a sink, as `work` does it, which is over when all of it was
/// received.
pub(super) async fn in_shares<S: Clone, F>(
    sinks: &[S],
    drivers: usize,
    ops: u64,
    work: impl Fn(S, u64) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let each = ops.div_ceil(drivers as u64);
    let mut left = ops;
    let mut working = JoinSet::new();
    for n in 0..drivers {
        let share = each.min(left);
        left -= share;
        working.spawn(work(sinks[n % sinks.len()].clone(), share));
    }
    while let Some(end) = working.join_next().await {
        end.expect("no panic");
    }
}
