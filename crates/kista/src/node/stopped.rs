use std::fmt;
use std::process::{ExitCode, Termination};

use kista_etf::{Atom, Pid};

use crate::ExitReason;
use crate::application::StartType;

/// So many unfinished processes stand in a `Stopped`'s text.
const SHOWN: usize = 10;

/// How a node came to its end: given by [`Node::stop`](crate::Node::stop) and [`Node::stopped`](crate::Node::stopped).
///
/// A `main` that returns it tells by its exit code: 0 when the end was asked for and everything ended in order, else 1, with
/// what happened on standard error.
///
/// ```no_run
/// use kista::{Node, NodeError, Stopped};
///
/// #[tokio::main]
/// async fn main() -> Result<Stopped, NodeError> {
///     let node = Node::builder("demo@127.0.0.1").stop_on_signals().start().await?;
///     Ok(node.stopped().await)
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Stopped {
    /// Why it stopped.
    pub cause: StopCause,
    /// Which processes did not end by themselves in their time.
    pub unfinished: Vec<Unfinished>,
}

/// Why a node stopped.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum StopCause {
    /// By [`Node::stop`](crate::Node::stop).
    Asked,
    /// By a signal to the program: see [`NodeBuilder::stop_on_signals`](crate::NodeBuilder::stop_on_signals).
    Signal(&'static str),
    /// An application ended that the node is not to live without: OTP's `{application_terminated, Application, Reason}`.
    ApplicationTerminated {
        /// Its name.
        application: Atom,
        /// `permanent`, or `transient` and the reason is another than `normal`.
        start_type: StartType,
        /// Why it ended.
        reason: ExitReason,
    },
    /// The process `application_controller` ended, and nobody can say what becomes of the applications.
    ApplicationController,
    /// An application did not start that the node is not to live without: OTP's `{application_start_failure, Application, Reason}`.
    ApplicationStartFailure {
        /// Its name.
        application: Atom,
        /// `permanent` or `transient`.
        start_type: StartType,
        /// Why it did not start.
        reason: ExitReason,
    },
}

/// A process that was killed because it did not end in its time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// The process.
    pub pid: Pid,
    /// Its registered name; of a child that its supervisor killed, the id, when that is an atom.
    pub name: Option<Atom>,
    /// The Rust type of its behaviour.
    pub behaviour: &'static str,
    /// The application that it belonged to.
    pub application: Option<Atom>,
    /// Whether it still ran when the node had stopped: it blocks its thread, and nobody can end it.
    pub blocked: bool,
}

impl Stopped {
    /// Whether the end was asked for, and everything ended by itself.
    pub fn is_orderly(&self) -> bool {
        matches!(self.cause, StopCause::Asked | StopCause::Signal(_)) && self.unfinished.is_empty()
    }

    /// The exit code that tells: 0 for an orderly end, else 1.
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.is_orderly())
    }
}

impl Termination for Stopped {
    fn report(self) -> ExitCode {
        if !self.is_orderly() {
            eprintln!("{self}");
        }
        ExitCode::from(self.exit_code())
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cause)?;
        for process in self.unfinished.iter().take(SHOWN) {
            write!(f, "; {process}")?;
        }
        match self.unfinished.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl fmt::Display for StopCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("the node was stopped"),
            Self::ApplicationController => {
                f.write_str("the application controller ended, and the node with it")
            }
            Self::Signal(signal) => write!(f, "the node was stopped by {signal}"),
            Self::ApplicationTerminated {
                application,
                start_type,
                reason,
            } => write!(
                f,
                "the {start_type} application {application} terminated, and the node with it: {reason}"
            ),
            Self::ApplicationStartFailure {
                application,
                start_type,
                reason,
            } => write!(
                f,
                "the {start_type} application {application} did not start, and the node ended with it: {reason}"
            ),
        }
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pid)?;
        if let Some(name) = self.name {
            write!(f, " {name}")?;
        }
        write!(f, " ({}", self.behaviour)?;
        if let Some(application) = self.application {
            write!(f, " of {application}")?;
        }
        f.write_str(match self.blocked {
            true => ") did not end and blocks its thread",
            false => ") did not end in time and was killed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(cause: StopCause) -> Stopped {
        let unfinished = Vec::new();
        Stopped { cause, unfinished }
    }

    #[test]
    fn many_that_did_not_end_are_counted_and_not_all_named() {
        let one = Unfinished {
            pid: Pid {
                node: Atom::from_static("a@b"),
                id: 7,
                serial: 0,
                creation: 1,
            },
            name: None,
            behaviour: "Slow",
            application: None,
            blocked: false,
        };
        let text = |count| {
            let unfinished = vec![one.clone(); count];
            let stopped = Stopped {
                cause: StopCause::Asked,
                unfinished,
            };
            stopped.to_string()
        };
        assert_eq!(text(10).matches("in time").count(), 10);
        assert_eq!(text(400).matches("in time").count(), 10);
        assert!(text(400).ends_with("; and 390 more"));
    }

    #[test]
    fn an_end_that_nobody_asked_for_or_that_had_to_be_forced_is_no_success() {
        assert_eq!(stopped(StopCause::Asked).exit_code(), 0);
        assert_eq!(stopped(StopCause::Signal("SIGTERM")).exit_code(), 0);
        let died = stopped(StopCause::ApplicationTerminated {
            application: Atom::from_static("demo"),
            start_type: StartType::Permanent,
            reason: ExitReason::Shutdown,
        });
        assert_eq!(died.exit_code(), 1);
        assert_eq!(
            died.to_string(),
            "the permanent application demo terminated, and the node with it: shutdown"
        );
        let mut forced = stopped(StopCause::Asked);
        forced.unfinished.push(Unfinished {
            pid: Pid {
                node: Atom::from_static("a@b"),
                id: 7,
                serial: 0,
                creation: 1,
            },
            name: Some(Atom::from_static("slow")),
            behaviour: "Slow",
            application: Some(Atom::from_static("demo")),
            blocked: false,
        });
        assert_eq!(forced.exit_code(), 1);
        let text = forced.to_string();
        assert!(
            text.ends_with(" slow (Slow of demo) did not end in time and was killed"),
            "{text}"
        );
    }
}
