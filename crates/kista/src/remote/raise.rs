use std::fmt;

use kista_etf::{Atom, Term, atoms};

use crate::{CallError, ExitReason};

/// The class of an exception: what stands before the colon in `catch Class:Reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// `error`: a fault, with a stacktrace.
    Error,
    /// `exit`: the process wants to end.
    Exit,
    /// `throw`: a value that is returned past the callers.
    Throw,
}

impl Class {
    /// `error`, `exit` or `throw`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Exit => "exit",
            Self::Throw => "throw",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An exception that an exposed function raises instead of returning a value: the error of its `Result`.
///
/// Who calls the function by `erpc` gets the very exception; by `rpc:call` what that makes of it (`{badrpc, {'EXIT', _}}`, and
/// the value of a throw); a process that was spawned with the function ends as in Erlang: with `{Reason, Stacktrace}` for an
/// error, with the reason for an exit, with `{{nocatch, Value}, Stacktrace}` for a throw.
///
/// ```
/// use kista::{Atom, Raise};
/// async fn divide(a: i64, b: i64) -> Result<i64, Raise> {
///     a.checked_div(b).ok_or(Raise::error(Atom::from_static("badarith")))
/// }
/// ```
///
/// Source: *Errors and Error Handling* in the Erlang reference manual.
#[derive(Clone, Debug, PartialEq)]
pub struct Raise {
    pub(crate) class: Class,
    pub(crate) reason: Term,
    /// `None`: that of the exposed function.
    pub(crate) stacktrace: Option<Term>,
}

impl Raise {
    /// `error(Reason)`.
    pub fn error(reason: impl Into<Term>) -> Self {
        Self::new(Class::Error, reason.into())
    }

    /// `exit(Reason)`.
    pub fn exit(reason: impl Into<ExitReason>) -> Self {
        Self::new(Class::Exit, reason.into().to_term())
    }

    /// `throw(Value)`.
    pub fn throw(value: impl Into<Term>) -> Self {
        Self::new(Class::Throw, value.into())
    }

    /// An error with a stacktrace of its own: a list of `{Module, Function, ArityOrArguments, Location}`.
    #[must_use]
    pub fn stacktrace(mut self, stacktrace: Term) -> Self {
        self.stacktrace = Some(stacktrace);
        self
    }

    const fn new(class: Class, reason: Term) -> Self {
        Self {
            class,
            reason,
            stacktrace: None,
        }
    }

    /// The reason with which a process ends that nobody catches this in.
    pub(crate) fn into_exit_reason(self) -> ExitReason {
        let stacktrace = self.stacktrace.unwrap_or(Term::NIL);
        match self.class {
            Class::Exit => ExitReason::from(self.reason),
            Class::Error => ExitReason::from(Term::tuple([self.reason, stacktrace])),
            Class::Throw => {
                let nocatch = Term::from(Atom::from_static("nocatch"));
                let reason = Term::tuple([nocatch, self.reason]);
                ExitReason::from(Term::tuple([reason, stacktrace]))
            }
        }
    }
}

/// An exit with this reason.
impl From<ExitReason> for Raise {
    fn from(reason: ExitReason) -> Self {
        Self::exit(reason)
    }
}

/// The exit with which `gen_server:call` tells that it has no answer, without its note about which call that was.
impl From<CallError> for Raise {
    fn from(error: CallError) -> Self {
        Self::exit(match error {
            CallError::Timeout => ExitReason::from(atoms::TIMEOUT),
            CallError::NoProc => ExitReason::NoProc,
            CallError::NoConnection => ExitReason::NoConnection,
            CallError::Exit(reason) => reason,
            other => ExitReason::from(other.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(raise: Raise) -> String {
        raise.into_exit_reason().to_string()
    }

    #[test]
    fn an_uncaught_exception_ends_a_process_as_in_erlang() {
        let boom = || Term::from(Atom::from_static("boom"));
        assert_eq!(ended(Raise::error(boom())), "{boom,[]}");
        assert_eq!(ended(Raise::exit(boom())), "boom");
        assert_eq!(ended(Raise::throw(boom())), "{{nocatch,boom},[]}");
    }

    #[test]
    fn a_failed_call_exits_as_gen_server_call_does() {
        assert_eq!(ended(CallError::Timeout.into()), "timeout");
        assert_eq!(ended(CallError::NoProc.into()), "noproc");
        assert_eq!(ended(CallError::Exit(ExitReason::Killed).into()), "killed");
    }
}
