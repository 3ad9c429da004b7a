use kista_etf::{Atom, DecodeError, EncodeError, atoms};

use crate::ExitReason;

/// Why a call has no answer.
///
/// The first four are what OTP's `gen_server:call` exits with; the rest is between the caller and its own types.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No answer within the time given. The server may still act on the request; its late answer is dropped.
    #[error("no answer in time")]
    Timeout,
    /// There is no such process, or no process of that name.
    #[error("no such process")]
    NoProc,
    /// The other node is not connected and could not be reached, or the connection was lost while waiting.
    #[error("no connection to the node")]
    NoConnection,
    /// The server ended before it answered, or refused: `{no_reply, Request}`, where the request is a term when it went encoded and
    /// [its name](crate::Message::kind_name) when it was moved. A process that calls itself gets `calling_self`.
    #[error("the server ended: {0}")]
    Exit(ExitReason),
    /// The connection holds more unwritten bytes than its hard mark allows, or the process has as many unread messages as its bound
    /// allows; nothing was sent.
    #[error("the connection or the process is overloaded")]
    Overloaded,
    /// A blocking call within a process: it would hold the process with its thread. Await the call instead.
    #[error("a blocking call within a process: await it instead")]
    InsideProcess,
    /// A blocking call within a task: it would hold the thread that may have to bring the answer. Await the call instead, or make it
    /// in `spawn_blocking`.
    #[error("a blocking call within a task: await it, or make it in spawn_blocking")]
    InsideTask,
    /// A blocking call, and nobody drove the node's runtime meanwhile: a current_thread runtime runs only while some other thread is
    /// in its `block_on`.
    #[error("nobody drives the node's current_thread runtime: keep a thread in its block_on")]
    NotDriven,
    /// The request has no wire form.
    #[error("the request cannot be encoded: {0}")]
    Request(EncodeError),
    /// The answer is not of the type awaited.
    #[error("the answer is not of the expected type: {0}")]
    Reply(DecodeError),
}

impl CallError {
    pub(crate) fn calling_self() -> Self {
        Self::Exit(ExitReason::from(Atom::from_static("calling_self")))
    }
}

/// What a DOWN for a call's monitor means to its caller.
impl From<ExitReason> for CallError {
    fn from(reason: ExitReason) -> Self {
        match reason {
            ExitReason::NoProc => Self::NoProc,
            ExitReason::NoConnection => Self::NoConnection,
            other => Self::Exit(other),
        }
    }
}

impl From<EncodeError> for CallError {
    fn from(error: EncodeError) -> Self {
        Self::Request(error)
    }
}

/// The reason of a process that does not live without the answer, without OTP's note of which call it was: so that `init` may say `?`.
impl From<CallError> for ExitReason {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Timeout => Self::from(atoms::TIMEOUT),
            CallError::NoProc => Self::NoProc,
            CallError::NoConnection => Self::NoConnection,
            CallError::Exit(reason) => reason,
            other => Self::from(other.to_string()),
        }
    }
}
