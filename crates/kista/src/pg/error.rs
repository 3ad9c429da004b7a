use kista_etf::{Atom, Pid, Term};

use crate::{CallError, ExitReason};

/// Why nobody joined, left or watches.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PgError {
    /// `{nolocal, Pid}`: only processes of this node join and leave here.
    #[error("{0} is no process of this node: let it join on its own")]
    NotLocal(Pid),
    /// The scope's process is not running, or ended meanwhile. Start it again, and join again.
    #[error("the scope does not run: {0}")]
    Scope(#[from] CallError),
}

/// The reason of a process that does not live without it.
impl From<PgError> for ExitReason {
    fn from(error: PgError) -> Self {
        match error {
            PgError::NotLocal(pid) => {
                let tag = Term::from(Atom::from_static("nolocal"));
                Self::from(Term::tuple([tag, Term::from(pid)]))
            }
            PgError::Scope(error) => error.into(),
        }
    }
}
