use std::fmt;
use std::time::Duration;

use kista_etf::Pid;

use crate::supervisor::{ChildId, ChildType, Restart, Shutdown};

/// What went wrong: OTP's `errorContext`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Context {
    /// `start_error`: a child did not start, with its supervisor or again.
    StartError,
    /// `child_terminated`: a child ended that was not told to.
    ChildTerminated,
    /// `shutdown_error`: a child was told to end, and ended for another reason.
    ShutdownError,
    /// `shutdown`: one restart too many; the supervisor ends.
    Shutdown,
}

/// A child in a report.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReportedChild {
    /// Its id; that of the specification in a `simple_one_for_one`.
    pub id: ChildId,
    /// The process it is, or was.
    pub pid: Option<Pid>,
    /// The Rust type that runs, or the function that starts it.
    pub starts: &'static str,
    /// When it is restarted.
    pub restart: Restart,
    /// How it is stopped.
    pub shutdown: Shutdown,
    /// Whether its end can be the supervisor's.
    pub significant: bool,
    /// What it is.
    pub child_type: ChildType,
    /// How often it was started again before, in this life of its supervisor; of a pool: all of its workers together.
    pub restarts: u32,
    /// How many children this report is about: more than one when a `simple_one_for_one` ends.
    pub count: usize,
}

/// What a supervisor does about what it reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// It starts the child again now, and with it whom its strategy takes along.
    Restarts,
    /// The same after this time: its back-off.
    RestartsAfter(Duration),
    /// The restart failed; it is tried again behind what waits in the queue, and counts again.
    TriesAgain,
    /// The same after this time: its back-off.
    TriesAgainAfter(Duration),
    /// The child is forgotten: it was temporary.
    Forgets,
    /// Nothing: the child was told to end, and has ended.
    Stopped,
    /// The supervisor ends, its other children before it.
    Ends,
}

impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restarts => f.write_str("restarts it"),
            Self::RestartsAfter(time) => write!(f, "restarts it after {time:?}"),
            Self::TriesAgain => f.write_str("tries again"),
            Self::TriesAgainAfter(time) => write!(f, "tries again after {time:?}"),
            Self::Forgets => f.write_str("forgets it"),
            Self::Stopped => f.write_str("has stopped it"),
            Self::Ends => f.write_str("ends"),
        }
    }
}
