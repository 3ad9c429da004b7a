//! A running program whose output is watched line by line.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A running program: everything it prints is kept, and tests wait for lines of it.
///
/// Killed when dropped. stdout and stderr are read together, because a crash report explains a missing line.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    output: Arc<Output>,
    /// How many lines the test has already looked at.
    read: usize,
}

#[derive(Debug, Default)]
struct Output {
    lines: Mutex<Lines>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Lines {
    all: Vec<String>,
    /// Pipes that reached their end; at 2 nothing more can come.
    ended: u8,
}

impl Program {
    /// Starts `command`; `name` is what messages of failing tests call it.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub fn start(name: &str, mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name} ({command:?}): {error}"));
        let output = Arc::new(Output::default());
        watch(&output, child.stdout.take().expect("stdout is piped"));
        watch(&output, child.stderr.take().expect("stderr is piped"));
        Self {
            name: name.to_owned(),
            child,
            output,
            read: 0,
        }
    }

    /// Waits until the program prints a line that `wanted` accepts, and returns it. Lines before it are passed over and not
    /// looked at again.
    ///
    /// # Panics
    ///
    /// When it does not come within `patience`, or the program ends without it.
    #[track_caller]
    pub fn line(
        &mut self,
        what: &str,
        patience: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> String {
        let end = Instant::now() + patience;
        let mut lines = self.output.lines.lock().expect("no reader panics");
        loop {
            while let Some(line) = lines.all.get(self.read) {
                self.read += 1;
                if wanted(line) {
                    return line.clone();
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || lines.ended == 2 {
                let why = if lines.ended == 2 {
                    "ended without"
                } else {
                    "did not print"
                };
                let all = lines.all.join("\n  ");
                drop(lines);
                panic!(
                    "{} {why} {what} (waited at most {patience:?}); all it printed:\n  {all}",
                    self.name
                );
            }
            lines = self
                .output
                .changed
                .wait_timeout(lines, left)
                .expect("no reader panics")
                .0;
        }
    }

    /// Waits for the scenario's last word and fails when it is not `ok`.
    #[track_caller]
    pub fn expect_ok(&mut self, patience: Duration) {
        let last = self.line("`ok` or `failed: ...`", patience, |line| {
            line == "ok" || line.starts_with("failed: ")
        });
        if last != "ok" {
            panic!(
                "{}: {last}\nall it printed:\n  {}",
                self.name,
                self.printed().join("\n  ")
            );
        }
    }

    /// Waits for exactly this line.
    #[track_caller]
    pub fn expect(&mut self, line: &str, patience: Duration) {
        self.line(&format!("`{line}`"), patience, |found| found == line);
    }

    /// Writes one line to the program's stdin; scenarios with more than one step wait for it.
    pub fn tell(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("stdin is piped");
        writeln!(stdin, "{line}")
            .and_then(|()| stdin.flush())
            .unwrap_or_else(|error| {
                panic!("{} does not listen to `{line}`: {error}", self.name);
            });
    }

    /// All lines so far.
    pub fn printed(&self) -> Vec<String> {
        self.output
            .lines
            .lock()
            .expect("no reader panics")
            .all
            .clone()
    }

    /// The id of the operating system's process that was started.
    pub fn os_pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it at once, as SIGKILL does: the program has no chance to say goodbye to its peers.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to end by SIGTERM and waits.
    ///
    /// # Panics
    ///
    /// When it has not ended within `patience`.
    #[track_caller]
    pub fn terminate(&mut self, patience: Duration) -> ExitStatus {
        self.signal("TERM");
        self.wait(patience)
    }

    /// Sends a signal, by name: `TERM`, `STOP`, `CONT`.
    #[track_caller]
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.os_pid().to_string())
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "cannot send {signal} to {}",
            self.name
        );
    }

    /// Waits for its end.
    ///
    /// # Panics
    ///
    /// When it has not ended within `patience`.
    #[track_caller]
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        let end = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().expect("our own child") {
                return status;
            }
            assert!(
                Instant::now() < end,
                "{} has not ended within {patience:?}; all it printed:\n  {}",
                self.name,
                self.printed().join("\n  ")
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

fn watch(output: &Arc<Output>, pipe: impl Read + Send + 'static) {
    let output = Arc::clone(output);
    std::thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe
            .read_until(b'\n', &mut line)
            .is_ok_and(|length| length > 0)
        {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            output
                .lines
                .lock()
                .expect("no waiter panics while it holds the lock")
                .all
                .push(text);
            output.changed.notify_all();
            line.clear();
        }
        output
            .lines
            .lock()
            .expect("no waiter panics while it holds the lock")
            .ended += 1;
        output.changed.notify_all();
    });
}
