//! What a row's OS processes say and read, for the peers in Rust.

use std::io::Write;
use std::time::{Duration, Instant};

/// How many operations are measured.
pub(crate) fn ops() -> u64 {
    number("KISTA_BENCH_OPS")
}

/// How many operations go before, unmeasured.
pub(crate) fn warmup() -> u64 {
    number("KISTA_BENCH_WARMUP")
}

/// Where the first process is, as it said itself.
pub(crate) fn address() -> String {
    std::env::var("KISTA_BENCH_ADDRESS")
        .expect("the second process is started with the first one's address")
}

fn number(name: &str) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or_else(|| panic!("{name} is not set"))
}

/// Says where this process, the first of two, is to be reached.
pub(crate) fn ready(address: &str) {
    println!("ready {address}");
    std::io::stdout().flush().expect("stdout is open");
}

/// CPU time of this OS process, user and system, in the kernel's ticks of 10 ms.
pub(crate) fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux has /proc");
    let (_, fields) = stat.rsplit_once(") ").expect("proc(5)");
    let ticks = fields
        .split(' ')
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Memory of this OS process that is in use, in bytes.
pub(crate) fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has /proc");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.expect("proc(5)") * 1024
}

/// Says how much memory each of so many idle processes takes.
pub(crate) fn bytes_per_process(before: u64, processes: u64) -> String {
    let bytes = resident().saturating_sub(before) as f64 / processes as f64;
    format!(" bytes_per_process={bytes:.0}")
}

/// Says what 99 of 100 did not take longer than.
pub(crate) fn p99(times: Vec<Duration>) -> String {
    format!(" p99_ns={}", p99_of(times).as_nanos())
}

/// The same of those that the row is about, how many they are, and of all.
pub(crate) fn p99_of_some(some: Vec<Duration>, all: Vec<Duration>) -> String {
    let (count, all) = (some.len(), p99_of(all).as_nanos());
    format!("{} p99_calls={count} p99_all_ns={all}", p99(some))
}

fn p99_of(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[(times.len() * 99 / 100).min(times.len() - 1)]
}

/// What the receiving side says when it is asked: how many it has received, and how much CPU time it has used. The asking
/// comes behind the messages that it is about, so that the answer means that all of them were received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) received: u64,
    /// Zero when both sides are one process.
    pub(crate) cpu: Duration,
}

/// One measurement under way.
#[derive(Debug)]
pub(crate) struct Measurement {
    before: Mark,
    cpu: Duration,
    start: Instant,
}

impl Measurement {
    /// Begins, with the receiver's mark after the warm-up.
    pub(crate) fn begin(before: Mark) -> Self {
        Self {
            before,
            cpu: cpu(),
            start: Instant::now(),
        }
    }

    /// Ends, with the receiver's mark after the work, and says the result.
    pub(crate) fn end(self, after: Mark) {
        self.end_with(after, "");
    }

    /// The same; `more` are further figures, such as ` p99_ns=120000`.
    pub(crate) fn end_with(self, after: Mark, more: &str) {
        let wall = self.start.elapsed();
        let theirs = after.cpu - self.before.cpu;
        let cpu = cpu() - self.cpu + theirs;
        println!(
            "result {} {} {} receiver_cpu_ns={}{more}",
            wall.as_nanos(),
            cpu.as_nanos(),
            after.received - self.before.received,
            theirs.as_nanos()
        );
    }
}
