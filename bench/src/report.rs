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
            print!(
                "    {peer:<11} {wall:>10.1} ns/op {ratio:>7.2} x   {cpu:>10.1} ns CPU/op {cpu_ratio:>7.2} x"
            );
            if let Some(receiver) = optional(samples, |sample| sample.receiver) {
                print!("   {:>3.0} % of it the receiver's", receiver * 100.0);
            }
            if let Some(bytes) = optional(samples, |sample| sample.bytes_per_process) {
                print!("   {bytes:>6.0} bytes each");
            }
            if let Some(p99) = optional(samples, |sample| sample.p99_ns) {
                print!("   {:>8.1} us at p99", p99 / 1000.0);
            }
            if let Some((calls, all)) = of_some(samples) {
                print!(
                    " of the {calls:.0} beside it, {:.1} us of all",
                    all / 1000.0
                );
            }
            println!();
        }
        println!();
    }

    /// The row's entries of the JSON array.
    pub(crate) fn json(&self) -> impl Iterator<Item = Value> + '_ {
        self.peers.iter().map(|(peer, samples)| {
            let mut entry = json!({
                "row": self.row.name,
                "peer": peer,
                "ns_per_op": median(samples.iter().map(|sample| sample.ns_per_op)),
                "cpu_ns_per_op": median(samples.iter().map(|sample| sample.cpu_ns_per_op)),
                "runs": samples.len(),
            });
            if let Some(receiver) = optional(samples, |sample| sample.receiver) {
                entry["receiver_of_cpu"] = json!(receiver);
            }
            if let Some(bytes) = optional(samples, |sample| sample.bytes_per_process) {
                entry["bytes_per_process"] = json!(bytes);
            }
            if let Some(p99) = optional(samples, |sample| sample.p99_ns) {
                entry["p99_ns"] = json!(p99);
            }
            if let Some((calls, all)) = of_some(samples) {
                entry["p99_calls"] = json!(calls);
                entry["p99_all_ns"] = json!(all);
            }
            entry
        })
    }
}

/// The median of what not every row measures.
fn optional(samples: &[Sample], field: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
    samples
        .iter()
        .any(|sample| field(sample).is_some())
        .then(|| median(samples.iter().filter_map(field)))
}

/// How many operations the p99 is of, and the p99 of all.
fn of_some(samples: &[Sample]) -> Option<(f64, f64)> {
    let calls = optional(samples, |sample| Some(sample.p99_of_some?.0));
    calls.zip(optional(samples, |sample| Some(sample.p99_of_some?.1)))
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
