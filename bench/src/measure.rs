//! One run: a peer's processes are started for one row, do its work, and are ended.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::peers::Peer;
use crate::row::{Row, Work};

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// Time that passed, per operation.
    pub(crate) ns_per_op: f64,
    /// CPU time of all processes, per operation.
    pub(crate) cpu_ns_per_op: f64,
    /// The receiving OS process's part of the CPU time, from 0 to 1, where there are two.
    pub(crate) receiver: Option<f64>,
    /// Memory that one process takes, where the row is about that.
    pub(crate) bytes_per_process: Option<f64>,
    /// What 99 of 100 operations did not take longer than, where the row is about that.
    pub(crate) p99_ns: Option<f64>,
    /// How many operations that is of, and what it is of all, where it is not of all.
    pub(crate) p99_of_some: Option<(f64, f64)>,
}

/// Runs the row's work once; `None` when the row is not for this peer.
///
/// # Panics
///
/// When a process fails, or did not receive what was sent: a number from such a run would be worth nothing.
pub(crate) fn run(peer: &dyn Peer, row: &Row, ops: u64) -> Option<Sample> {
    let commands = peer.processes(row)?;
    let warmup = ops / 10;
    let mut running = Vec::new();
    let mut address = None;
    let last = commands.len() - 1;
    for (index, mut command) in commands.into_iter().enumerate() {
        command
            .env("KISTA_BENCH_OPS", ops.to_string())
            .env("KISTA_BENCH_WARMUP", warmup.to_string());
        if let Some(address) = &address {
            command.env("KISTA_BENCH_ADDRESS", address);
        }
        let mut process = Process::start(command);
        if index < last {
            address = Some(process.line("ready "));
            running.push(process);
            continue;
        }
        let line = process.line("result ");
        let (more, numbers): (Vec<_>, Vec<_>) =
            line.split(' ').partition(|word| word.contains('='));
        let numbers: Vec<u64> = numbers
            .iter()
            .filter_map(|word| word.parse().ok())
            .collect();
        let &[wall, cpu, received] = &numbers[..] else {
            panic!("{} says of {}: {line}", peer.name(), row.name);
        };
        let more = |key: &str| {
            let value = more
                .iter()
                .find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
            value.map(|value| value.parse::<f64>().expect("a number"))
        };
        assert_eq!(
            received,
            ops,
            "{} has not received in {} what was sent",
            peer.name(),
            row.name
        );
        let per_op = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64() * 1e9 / ops as f64;
        let two = matches!(row.work, Work::Network(..)) && cpu > 0;
        return Some(Sample {
            receiver: more("receiver_cpu_ns")
                .filter(|_| two)
                .map(|theirs| theirs / cpu as f64),
            ns_per_op: per_op(wall),
            cpu_ns_per_op: per_op(cpu),
            bytes_per_process: more("bytes_per_process"),
            p99_ns: more("p99_ns"),
            p99_of_some: more("p99_calls").zip(more("p99_all_ns")),
        });
    }
    unreachable!("the last process returns the result")
}

/// A running process of a row, killed when dropped.
struct Process {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Process {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let output = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, output }
    }

    /// What follows this word on the next line that begins with it.
    fn line(&mut self, word: &str) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            let length = self.output.read_line(&mut line).expect("text");
            assert!(length > 0, "a process ended without saying `{word}`");
            if let Some(rest) = line.trim_end().strip_prefix(word) {
                return rest.to_owned();
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
