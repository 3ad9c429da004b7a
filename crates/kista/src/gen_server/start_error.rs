use kista_etf::{Atom, Binary, Pid, Term, atoms};

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

/// The reason that Erlang would see in `{error, Reason}`.
impl From<StartError> for ExitReason {
    fn from(error: StartError) -> Self {
        let tagged = |tag, what| {
            let tag = Term::from(Atom::from_static(tag));
            Self::from(Term::tuple([tag, what]))
        };
        match error {
            StartError::Init(reason) => reason,
            StartError::AlreadyStarted(pid) => tagged("already_started", Term::from(pid)),
            StartError::Timeout => Self::from(atoms::TIMEOUT),
            StartError::TooManyProcesses => Self::from(Atom::from_static("system_limit")),
            StartError::BadName(name) => {
                tagged("bad_name", Term::from(Binary::from(name.as_bytes())))
            }
            StartError::NodeStopped => Self::Shutdown,
            StartError::Ignored => Self::Normal,
        }
    }
}
