use std::time::Duration;

use kista_etf::{Atom, Pid, Term};

use super::QueueBound;

/// How a process is started, beside what it runs: the options of `erlang:spawn_opt`, and ours.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use kista::{Node, Overflow, QueueBound, SpawnOptions};
/// use std::time::Duration;
///
/// let node = Node::builder("options@127.0.0.1").no_network().start().await?;
/// let options = SpawnOptions::new()
///     .name("worker")
///     .bound(QueueBound::new(100, Overflow::Reject))
///     .deadline(Duration::from_secs(60));
/// let worker = node.spawn_opt(options, async move |mut cx| { cx.receive().await; })?;
/// assert_eq!(node.whereis("worker"), Some(worker.pid));
/// # node.stop().await; Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "options do nothing until something is started with them"]
pub struct SpawnOptions {
    pub(crate) name: Option<Result<Atom, String>>,
    pub(crate) link: bool,
    pub(crate) monitor: bool,
    pub(crate) bound: Option<QueueBound>,
    pub(crate) group_leader: Option<Pid>,
    pub(crate) env: Vec<(String, Term)>,
    pub(crate) deadline: Option<Duration>,
}

impl SpawnOptions {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers it under this name, before its code runs.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        self.name = Some(Atom::new(name).map_err(|_| name.to_owned()));
        self
    }

    /// Links it with the process that starts it, before its code runs. From outside any process it means nothing.
    pub fn link(mut self) -> Self {
        self.link = true;
        self
    }

    /// Monitors it for the process that starts it, before its code runs. From outside any process it means nothing.
    pub fn monitor(mut self) -> Self {
        self.monitor = true;
        self
    }

    /// Limits its unread messages.
    pub fn bound(mut self, bound: QueueBound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// Its group leader. Without it: that of the process that starts it.
    pub fn group_leader(mut self, leader: Pid) -> Self {
        self.group_leader = Some(leader);
        self
    }

    /// Puts one more value into the environment that it inherits from the process that starts it, or else from the node.
    pub fn env(mut self, key: impl Into<String>, value: impl Into<Term>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// Kills it (`exit(Pid, kill)`, so that others see `killed`) when it has not ended within this time.
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }
}
