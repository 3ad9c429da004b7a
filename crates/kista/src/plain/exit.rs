use std::any::Any;
use std::fmt::Display;

use crate::ExitReason;

/// What the function of a plain process may return: the reason with which the process ends.
#[diagnostic::on_unimplemented(
    message = "a process can not end with a `{Self}`",
    label = "return nothing, an `ExitReason`, or a `Result` of these whose error becomes an exit reason"
)]
pub trait IntoExit {
    /// The reason.
    fn into_exit(self) -> ExitReason;
}

/// `normal`.
impl IntoExit for () {
    fn into_exit(self) -> ExitReason {
        ExitReason::Normal
    }
}

impl IntoExit for ExitReason {
    fn into_exit(self) -> ExitReason {
        self
    }
}

/// For a function that never returns by itself, a loop without an end: what it "returns" is `!`.
impl IntoExit for Endless {
    fn into_exit(self) -> ExitReason {
        self
    }
}

/// `!`, which has no name of its own yet where a type is wanted: what a function returns that does not.
type Endless = <fn() -> ! as Returns>::Value;

#[doc(hidden)]
pub trait Returns {
    type Value;
}

impl<T> Returns for fn() -> T {
    type Value = T;
}

/// An error that is an exit reason itself is that reason; any other one is its text, as a binary.
impl<T: IntoExit, E: Display + 'static> IntoExit for Result<T, E> {
    fn into_exit(self) -> ExitReason {
        match self {
            Ok(done) => done.into_exit(),
            Err(error) => match (&error as &dyn Any).downcast_ref::<ExitReason>() {
                Some(reason) => reason.clone(),
                None => ExitReason::from(error.to_string()),
            },
        }
    }
}
