use kista_etf::{Atom, Decode, DecodeError, EncodeError, Term, atoms};

use super::Class;
use super::call::{CallFailure, Failed, Sealed, Why, from_term};
use super::target::Unsendable;
use crate::{CallError, ExitReason};

/// Why a call by [`Node::erpc`](crate::Node::erpc) has no value: what `erpc:call` raises.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErpcError {
    /// The function raised an exception: `error:{exception, Reason, Stacktrace}`, `exit:{exception, Reason}`, or the throw itself.
    #[error("{class}:{reason}")]
    Exception {
        /// Its class.
        class: Class,
        /// Its reason; of a throw the value.
        reason: Term,
        /// Where an error was raised, as Erlang has it: a list of `{Module, Function, ArityOrArguments, Location}`; else `[]`.
        stacktrace: Term,
    },
    /// `exit:{signal, Reason}`: the process that ran the function was ended by an exit signal.
    #[error("the process that ran the function ended: {0}")]
    Signal(ExitReason),
    /// `error:{erpc, timeout}`. The function goes on.
    #[error("no value in time")]
    Timeout,
    /// `error:{erpc, noconnection}`: the node is not connected and could not be reached, or the connection was lost meanwhile.
    #[error("no connection to the node")]
    NoConnection,
    /// `error:{erpc, notsup}`: the node starts no processes for others.
    #[error("the node starts no processes for others")]
    NotSupported,
    /// `error:{erpc, Reason}` with another reason, such as `system_limit`.
    #[error("the node refused: {0}")]
    Refused(Term),
    /// The connection holds more unwritten bytes than its hard mark allows; nothing was sent.
    #[error("the connection is overloaded")]
    Overloaded,
    /// The name of the node, the module or the function is no atom: it has more than 255 characters.
    #[error("{0:?} has more than 255 characters and is no atom")]
    BadName(String),
    /// The arguments have no wire form.
    #[error("the arguments cannot be encoded: {0}")]
    Arguments(EncodeError),
    /// The value is not of the type awaited.
    #[error("the value is not of the expected type: {0}")]
    Value(DecodeError),
    /// A blocking call within a process: it would hold the process with its thread. Await the call instead.
    #[error("a blocking call within a process: await it instead")]
    InsideProcess,
    /// A blocking call within a task: it would hold the thread that may have to bring the answer. Await it, or call in `spawn_blocking`.
    #[error("a blocking call within a task: await it, or make it in spawn_blocking")]
    InsideTask,
    /// A blocking call, and nobody drove the node's current_thread runtime meanwhile.
    #[error("nobody drives the node's current_thread runtime: keep a thread in its block_on")]
    NotDriven,
}

impl CallFailure for ErpcError {}

impl Sealed for ErpcError {
    fn tell<T: for<'a> Decode<'a>>(failed: Failed) -> Result<T, Self> {
        Err(match failed.why() {
            Why::Exception {
                class,
                reason,
                stacktrace,
            } => Self::Exception {
                class,
                reason,
                stacktrace,
            },
            Why::Erpc(reason) => Self::refused(reason),
            Why::Signal(ExitReason::NoConnection) => Self::NoConnection,
            Why::Signal(reason) => Self::Signal(reason),
            Why::Value(error) => Self::Value(error),
            Why::Call(error) => match error {
                CallError::Timeout => Self::Timeout,
                CallError::NoConnection => Self::NoConnection,
                CallError::Exit(reason) => Self::refused(reason.to_term()),
                CallError::Overloaded => Self::Overloaded,
                CallError::Request(error) => Self::Arguments(error),
                CallError::Reply(error) => Self::Value(error),
                CallError::InsideProcess => Self::InsideProcess,
                CallError::InsideTask => Self::InsideTask,
                CallError::NotDriven => Self::NotDriven,
                // There is no room for one more caller.
                CallError::NoProc => Self::refused(Term::from(Atom::from_static("system_limit"))),
            },
            Why::Unsendable(Unsendable::BadName(name)) => Self::BadName(name),
            Why::Unsendable(Unsendable::Encode(error)) => Self::Arguments(error),
        })
    }
}

impl ErpcError {
    fn refused(reason: Term) -> Self {
        match reason.as_atom_str() {
            Some("noconnection") => Self::NoConnection,
            Some("notsup") => Self::NotSupported,
            Some("timeout") => Self::Timeout,
            _ => Self::Refused(reason),
        }
    }
}

/// Why a call by [`Node::rpc`](crate::Node::rpc) has no value: the reasons of `{badrpc, Reason}`, and what else can go wrong.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRpc {
    /// `{badrpc, nodedown}`: the node is not connected and could not be reached, or the connection was lost meanwhile.
    #[error("the node is down")]
    NodeDown,
    /// `{badrpc, timeout}`. The function goes on.
    #[error("no value in time")]
    Timeout,
    /// `{badrpc, notsup}`: the node starts no processes for others.
    #[error("the node starts no processes for others")]
    NotSupported,
    /// `{badrpc, {'EXIT', Reason}}`: the function exited, raised an error (then it is `{Reason, Stacktrace}`), or its process was ended.
    #[error("the function exited: {0}")]
    Exit(Term),
    /// `{badrpc, Reason}` with another reason.
    #[error("refused: {0}")]
    Refused(Term),
    /// The connection holds more unwritten bytes than its hard mark allows; nothing was sent.
    #[error("the connection is overloaded")]
    Overloaded,
    /// The name of the node, the module or the function is no atom: it has more than 255 characters.
    #[error("{0:?} has more than 255 characters and is no atom")]
    BadName(String),
    /// The arguments have no wire form.
    #[error("the arguments cannot be encoded: {0}")]
    Arguments(EncodeError),
    /// The value is not of the type awaited.
    #[error("the value is not of the expected type: {0}")]
    Value(DecodeError),
    /// A blocking call within a process: it would hold the process with its thread. Await the call instead.
    #[error("a blocking call within a process: await it instead")]
    InsideProcess,
    /// A blocking call within a task: it would hold the thread that may have to bring the answer. Await it, or call in `spawn_blocking`.
    #[error("a blocking call within a task: await it, or make it in spawn_blocking")]
    InsideTask,
    /// A blocking call, and nobody drove the node's current_thread runtime meanwhile.
    #[error("nobody drives the node's current_thread runtime: keep a thread in its block_on")]
    NotDriven,
}

impl CallFailure for BadRpc {}

impl Sealed for BadRpc {
    fn tell<T: for<'a> Decode<'a>>(failed: Failed) -> Result<T, Self> {
        let why = failed.why();
        if let Why::Exception {
            class,
            reason,
            stacktrace,
        } = why
        {
            return match class {
                // A value like any other, but for the one that looks like an exit.
                Class::Throw => match reason.as_tagged("EXIT") {
                    Some([exit]) => Err(Self::Exit(exit.clone())),
                    _ => from_term(&reason).map_err(Self::Value),
                },
                Class::Exit => Err(Self::Exit(reason)),
                Class::Error => Err(Self::Exit(Term::tuple([reason, stacktrace]))),
            };
        }
        Err(match ErpcError::tell::<T>(Failed::of(why)) {
            Ok(value) => return Ok(value),
            Err(error) => Self::from(error),
        })
    }
}

impl From<ErpcError> for BadRpc {
    fn from(error: ErpcError) -> Self {
        match error {
            ErpcError::NoConnection => Self::NodeDown,
            ErpcError::Timeout => Self::Timeout,
            ErpcError::NotSupported => Self::NotSupported,
            ErpcError::Signal(reason) => Self::Exit(reason.to_term()),
            ErpcError::Exception {
                class: Class::Error,
                reason,
                stacktrace,
            } => Self::Exit(Term::tuple([reason, stacktrace])),
            ErpcError::Exception { reason, .. } => Self::Exit(reason),
            ErpcError::Refused(reason) => Self::Exit(reason),
            ErpcError::Overloaded => Self::Overloaded,
            ErpcError::BadName(name) => Self::BadName(name),
            ErpcError::Arguments(error) => Self::Arguments(error),
            ErpcError::Value(error) => Self::Value(error),
            ErpcError::InsideProcess => Self::InsideProcess,
            ErpcError::InsideTask => Self::InsideTask,
            ErpcError::NotDriven => Self::NotDriven,
        }
    }
}

impl BadRpc {
    /// Of `{badrpc, Reason}`.
    pub(crate) fn from_reason(reason: Term) -> Self {
        if let Some([exit]) = reason.as_tagged("EXIT") {
            return Self::Exit(exit.clone());
        }
        match reason.as_atom() {
            Some(atoms::NODEDOWN) => Self::NodeDown,
            Some(atoms::TIMEOUT) => Self::Timeout,
            Some(atoms::NOTSUP) => Self::NotSupported,
            _ => Self::Refused(reason),
        }
    }
}

/// Why another node started no process: the errors of `spawn_request/5`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// `noconnection`: the node is not connected and could not be reached, or the connection was lost before the answer.
    #[error("no connection to the node")]
    NoConnection,
    /// `notsup`: the node starts no processes for others.
    #[error("the node starts no processes for others")]
    NotSupported,
    /// `system_limit`: the node has too many processes.
    #[error("the node has too many processes")]
    SystemLimit,
    /// `badopt`: an option of [`SpawnOn::option`](super::SpawnOn::option) is none.
    #[error("the node does not know an option")]
    BadOption,
    /// Another word of the other node.
    #[error("the node refused: {0}")]
    Refused(Term),
    /// The connection holds more unwritten bytes than its hard mark allows; nothing was sent.
    #[error("the connection is overloaded")]
    Overloaded,
    /// The name of the node, the module or the function is no atom: it has more than 255 characters.
    #[error("{0:?} has more than 255 characters and is no atom")]
    BadName(String),
    /// The arguments have no wire form.
    #[error("the arguments cannot be encoded: {0}")]
    Arguments(EncodeError),
}

impl SpawnError {
    /// By the word of a reply.
    pub(crate) fn from_reply(why: Term) -> Self {
        match why.as_atom_str() {
            Some("noconnection") => Self::NoConnection,
            Some("notsup") => Self::NotSupported,
            Some("system_limit") => Self::SystemLimit,
            Some("badopt") => Self::BadOption,
            _ => Self::Refused(why),
        }
    }
}

impl From<CallError> for SpawnError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Overloaded => Self::Overloaded,
            CallError::Request(error) => Self::Arguments(error),
            CallError::Exit(reason) => Self::from_reply(reason.to_term()),
            CallError::NoProc => Self::SystemLimit,
            _ => Self::NoConnection,
        }
    }
}

impl From<Unsendable> for SpawnError {
    fn from(why: Unsendable) -> Self {
        match why {
            Unsendable::BadName(name) => Self::BadName(name),
            Unsendable::Encode(error) => Self::Arguments(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exception(class: Class) -> Failed {
        Failed::of(Why::Exception {
            class,
            reason: Term::from(7),
            stacktrace: Term::NIL,
        })
    }

    #[test]
    fn rpc_takes_a_throw_for_a_value_and_erpc_does_not() {
        assert_eq!(BadRpc::tell::<i64>(exception(Class::Throw)), Ok(7));
        let error = ErpcError::tell::<i64>(exception(Class::Throw));
        assert!(matches!(error, Err(ErpcError::Exception { .. })));
        let exit = BadRpc::tell::<i64>(exception(Class::Exit));
        assert_eq!(exit, Err(BadRpc::Exit(Term::from(7))));
        let Err(BadRpc::Exit(error)) = BadRpc::tell::<i64>(exception(Class::Error)) else {
            panic!("an error is an exit")
        };
        assert_eq!(error.to_string(), "{7,[]}");
    }

    #[test]
    fn the_reasons_of_badrpc_are_told_apart() {
        let bad = |text: &str| BadRpc::from_reason(text.parse().expect("a term"));
        assert_eq!(bad("nodedown"), BadRpc::NodeDown);
        assert_eq!(bad("timeout"), BadRpc::Timeout);
        assert_eq!(bad("{'EXIT',why}").to_string(), "the function exited: why");
        assert_eq!(bad("other").to_string(), "refused: other");
    }
}
