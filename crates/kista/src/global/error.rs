use kista_etf::Atom;

use crate::{CallError, ExitReason};

/// Why a name was not given, or a lock not asked for.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GlobalError {
    /// `no`: another process has the name, or the process has another name already.
    #[error("the name is taken, or the process has another name")]
    Refused,
    /// A lock belongs to the process that asks, and is free when that ends. Ask within a process.
    #[error("no process asks: a lock outside of one would be free at once")]
    NoProcess,
    /// The node's name server does not run.
    #[error("the name server does not run: {0}")]
    Server(#[from] CallError),
}

/// The reason of a process that does not live without it.
impl From<GlobalError> for ExitReason {
    fn from(error: GlobalError) -> Self {
        match error {
            GlobalError::Refused => Self::from(Atom::from_static("no")),
            GlobalError::NoProcess => Self::from(Atom::from_static("no_process")),
            GlobalError::Server(error) => error.into(),
        }
    }
}
