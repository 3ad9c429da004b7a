use kista_etf::Pid;

use crate::CallError;

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
