//! What is printed, and the JSON.

use serde_json::{Value, json};

use crate::measure::Sample;
use crate::row::Row;

/// All that was measured of one row: for each peer its samples, the n-th of each peer from the same round.
#[derive(Debug)]
pub(crate) struct Results {
    pub(crate) row: &'static Row,
    pub(crate) peers: Vec<(&'static str, Vec<Sample>)>,
}

impl Results {
    /// Prints the row: medians, and how many times as long as the first peer each other took. The ratio is the median of
    /// the rounds' ratios, so that a disturbance of the machine, which hits one round, does not decide it.
    pub(crate) fn print(&self) {
        println!(
            "{}  {} ({} per run)",
            self.row.name, self.row.what, self.row.ops
        );
        let Some((_, base)) = self.peers.first() else {
            return;
        };
        for (peer, samples) in &self.peers {
            let wall = median(samples.iter().map(|sample| sample.ns_per_op));
            let cpu = median(samples.iter().map(|sample| sample.cpu_ns_per_op));
            let ratio = median(
                samples
                    .iter()
                    .zip(base)
                    .map(|(sample, base)| sample.ns_per_op / base.ns_per_op),
            );
            let cpu_ratio = median(
                samples
                    .iter()
                    .zip(base)
                    .map(|(sample, base)| sample.cpu_ns_per_op / base.cpu_ns_per_op),
            );
            println!(
                "    {peer:<10} {wall:>10.1} ns/op {ratio:>7.2} x   {cpu:>10.1} ns CPU/op {cpu_ratio:>7.2} x"
            );
        }
        println!();
    }

    /// The row's entries of the JSON array.
    pub(crate) fn json(&self) -> impl Iterator<Item = Value> + '_ {
        self.peers.iter().map(|(peer, samples)| {
            json!({
                "row": self.row.name,
                "peer": peer,
                "ns_per_op": median(samples.iter().map(|sample| sample.ns_per_op)),
                "cpu_ns_per_op": median(samples.iter().map(|sample| sample.cpu_ns_per_op)),
                "runs": samples.len(),
            })
        })
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn one_outlier_does_not_move_the_median() {
        assert_eq!(median([1.0, 1000.0, 2.0].into_iter()), 2.0);
        assert_eq!(median([4.0, 1.0, 2.0, 1000.0].into_iter()), 3.0);
    }
}
