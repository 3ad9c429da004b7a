use kista_etf::Pid;

use crate::ExitReason;

/// Why a server did not start.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// `{already_started, Pid}`: the name is taken by this process.
    #[error("already started: the name is held by {0}")]
    AlreadyStarted(Pid),
    /// `init` found nothing to do: [`InitStop::Ignore`](crate::InitStop::Ignore).
    #[error("init chose not to start")]
    Ignored,
    /// `init` failed with this reason, or panicked.
    #[error("init failed: {0}")]
    Init(ExitReason),
    /// `timeout`: `init` took longer than [`Spawn::timeout`](crate::Spawn::timeout) allows; the process was killed.
    #[error("init took too long")]
    Timeout,
    /// The name has more than 255 characters, or is `undefined`.
    #[error("not a name: {0}")]
    BadName(String),
    /// The node holds as many processes as it can.
    #[error("the process table is full")]
    TooManyProcesses,
    /// The node is stopping or has stopped.
    #[error("the node has stopped")]
    NodeStopped,
}
