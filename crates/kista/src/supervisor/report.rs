use std::fmt;

use kista_etf::{Atom, Pid};

use super::child::{ChildId, ChildType, Restart, Shutdown};
use crate::ExitReason;

/// The event under which a node publishes [`Report`]s: `node.subscribe::<Report>(REPORTS)`. What is written to the log is limited to
/// 20 lines a second; subscribers get every report, and choose a bound for themselves.
pub const REPORTS: &str = "reports";

/// What supervisors have to say, as values. The same goes to `tracing`: problems as errors, progress as debug.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Report {
    /// OTP's supervisor report: something ended or did not start.
    Supervisor {
        /// The supervisor.
        supervisor: Pid,
        /// Its registered name.
        name: Option<Atom>,
        /// What went wrong.
        context: Context,
        /// Why.
        reason: ExitReason,
        /// Which child.
        child: ReportedChild,
        /// How many restarts the supervisor has counted within its period.
        restarts: usize,
    },
    /// OTP's progress report: a child runs. Not for children of a `simple_one_for_one`.
    Progress {
        /// The supervisor.
        supervisor: Pid,
        /// Its registered name.
        name: Option<Atom>,
        /// Which child.
        child: ReportedChild,
    },
}

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

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StartError => "start_error",
            Self::ChildTerminated => "child_terminated",
            Self::ShutdownError => "shutdown_error",
            Self::Shutdown => "shutdown",
        })
    }
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
    /// How many children this report is about: more than one when a `simple_one_for_one` ends.
    pub count: usize,
}
