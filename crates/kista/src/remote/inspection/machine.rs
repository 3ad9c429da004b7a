//! What the operating system says of this program and of the machine that it runs on. All of it is 0 where there is no `/proc`.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Bytes of the program's memory.
#[derive(Clone, Copy, Default)]
pub(super) struct Memory {
    /// In the machine's memory.
    pub(super) resident: u64,
    /// Of that, what is not of a file: heap and stacks.
    pub(super) anonymous: u64,
    /// Its code.
    pub(super) code: u64,
    /// What is reserved for data and stacks.
    pub(super) data: u64,
}

/// From here on time is counted: by the first node.
pub(super) fn prepare() {
    LazyLock::force(&BEGAN);
}

/// How long ago the program's first node began.
pub(super) fn uptime() -> Duration {
    BEGAN.elapsed()
}

pub(super) fn memory() -> Memory {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |key: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(key));
        let kib = lines.next().and_then(|rest| rest.split_whitespace().next());
        kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    Memory {
        resident: bytes("VmRSS:"),
        anonymous: bytes("RssAnon:"),
        code: bytes("VmExe:"),
        data: bytes("VmData:"),
    }
}

/// Milliseconds of processor time that the program took, in all threads.
pub(super) fn processor_millis() -> u64 {
    // Nanoseconds of each thread's time on a processor.
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else {
        return 0;
    };
    let nanos = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    nanos.sum::<u64>() / 1_000_000
}

/// Processors that this program may use.
pub(super) fn processors() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

/// `{Major, Minor, Release}` of the kernel.
pub(super) fn kernel_version() -> (u32, u32, u32) {
    let text = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .map(|digits| digits.parse().unwrap_or(0));
    let mut next = || numbers.next().unwrap_or(0);
    (next(), next(), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_system_says_is_read_and_not_made_up() {
        let memory = memory();
        assert!(memory.resident > memory.anonymous && memory.data > 0 && memory.code > 0);
        // A program of a few MiB to a few GiB: KiB were not taken for bytes.
        assert!((1 << 20..1 << 34).contains(&memory.resident));
        assert!(kernel_version().0 >= 2);
    }
}
