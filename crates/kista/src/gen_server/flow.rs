use std::time::Duration;

use crate::{ExitReason, GenServer};

/// What a server does after a message.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Flow {
    /// Takes the next message.
    Continue,
    /// Waits so long for the next message; when none comes, [`Info::Timeout`](crate::Info::Timeout) is handled. Any message ends
    /// the wait, a request of `sys` begins it anew. The time is relative, counted from the callback's return; never early, up
    /// to 10 ms late. Zero: `Timeout` comes when nothing is waiting already.
    Timeout(Duration),
    /// Gives back the memory that the queue took, then waits for the next message. For servers that sleep for long after a burst.
    Hibernate,
    /// Runs `terminate` and ends with this reason.
    Stop(ExitReason),
}

/// Why a server did not come to be; the `Err` of [`GenServer::init`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InitStop {
    /// `ignore`: there is nothing to do, and that is fine.
    Ignore,
    /// `{error, Reason}`, of OTP 26: the starter gets the reason as an error; the process ends with `normal`, so that nobody
    /// else hears of it, the log neither.
    Error(ExitReason),
    /// `{stop, Reason}`: the starter gets the reason as an error, and the process ends with it. A linked starter that does not
    /// trap exits ends too, as in OTP.
    Stop(ExitReason),
}

impl<R: Into<ExitReason>> From<R> for InitStop {
    fn from(reason: R) -> Self {
        Self::Stop(reason.into())
    }
}

/// What an `#[init]` function may return: the state, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "`#[init]` makes a `{S}`, not a `{Self}`",
    label = "return the state, or a `Result` of it whose error becomes an exit reason"
)]
pub trait InitReturn<S> {
    /// The state, or why there is none.
    fn into_init(self) -> Result<S, InitStop>;
}

impl<S: GenServer> InitReturn<S> for S {
    fn into_init(self) -> Result<S, InitStop> {
        Ok(self)
    }
}

impl<S: GenServer, E: Into<InitStop>> InitReturn<S> for Result<S, E> {
    fn into_init(self) -> Result<S, InitStop> {
        self.map_err(Into::into)
    }
}

/// What a `#[cast]` or `#[info]` function may return: nothing, or a [`Flow`].
#[diagnostic::on_unimplemented(
    message = "a cast or plain message has no answer: `{Self}` would go nowhere",
    label = "return nothing, or a `Flow`; make it a #[call] to answer"
)]
pub trait IntoFlow {
    /// How the server goes on.
    fn into_flow(self) -> Flow;
}

impl IntoFlow for () {
    fn into_flow(self) -> Flow {
        Flow::Continue
    }
}

impl IntoFlow for Flow {
    fn into_flow(self) -> Flow {
        self
    }
}
