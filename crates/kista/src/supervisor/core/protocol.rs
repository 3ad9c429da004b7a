//! What a supervisor's core is given, and what it says is to be done.

use std::time::Duration;

use kista_etf::Pid;

use crate::ExitReason;
use crate::reports::{Context, Next};
use crate::supervisor::child::{ChildId, Policy};
use crate::supervisor::children::Key;
use crate::supervisor::spec::{AutoShutdown, Backoff, Strategy};

/// What happens to a supervisor.
#[derive(Clone, Debug)]
pub(in crate::supervisor) enum Event {
    /// The children of the specification are to be started.
    Boot,
    /// The answer to [`Effect::Start`].
    Started(Key, Outcome),
    /// A child that was told to end did, for this reason: the answer to [`Effect::Wait`].
    Ended(Pid, ExitReason),
    /// The time for that is up: the other answer.
    TimedOut,
    /// A linked process ended.
    Exit(Pid, ExitReason),
    /// What [`Effect::TryAgain`] asked for.
    TryAgain(Key),
    /// What [`Effect::Later`] asked for.
    Due(Key, u64),
    /// A request to add a child and start it.
    StartChild(ChildId, Policy),
    /// The same in a `simple_one_for_one`.
    StartDynamic,
    Terminate(ChildId),
    /// Of a `simple_one_for_one`; whether there is such a process at all.
    TerminatePid(Pid, bool),
    Restart(ChildId),
    Delete(ChildId),
    /// The supervisor ends: its children are to be stopped.
    End,
}

#[derive(Clone, Debug)]
pub(in crate::supervisor) enum Outcome {
    Running(Pid),
    Ignored,
    Failed(ExitReason),
}

/// What the shell is to do, in order.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::supervisor) enum Effect {
    /// Keep what starts this child: it was asked to be added.
    Adopt(Key),
    /// The child is forgotten.
    Forget(Key),
    /// Start it, and answer with [`Event::Started`]. The last of its effects.
    Start(Key),
    /// Watch the process, and send it this exit signal: `shutdown` or `kill`.
    Tell(Pid, ExitReason),
    /// Kill it: it is watched already.
    Kill(Pid),
    /// Wait for one of those to end, at most so long from now; without a time, as the time set before says. The last of its effects.
    Wait(Time),
    /// Give [`Event::TryAgain`] behind what is in the queue.
    TryAgain(Key),
    /// Give [`Event::Due`] after this time.
    Later(Key, u64, Duration),
    /// Answer the request.
    Reply(Reply),
    Report(Context, Offender, ExitReason, Next),
    /// Report that it runs.
    Progress(Key, Pid),
    /// All children of the specification are started.
    Booted,
    /// This one did not start; those before it are stopped.
    BootFailed(Option<ChildId>, ExitReason),
    /// End the supervisor with `shutdown`.
    Shutdown,
    /// All children are stopped.
    AllEnded,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::supervisor) enum Time {
    /// From now on.
    Within(Duration),
    Endless,
    /// As before.
    Same,
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::supervisor) enum Reply {
    Done,
    Started(Option<Pid>),
    Failed(Refusal),
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::supervisor) enum Refusal {
    NotFound,
    Running,
    Restarting,
    AlreadyPresent,
    AlreadyStarted(Pid),
    SimpleOneForOne,
    Start(ExitReason),
}

/// Whom a report is about.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::supervisor) struct Offender {
    pub(in crate::supervisor) key: Option<Key>,
    pub(in crate::supervisor) id: Option<ChildId>,
    pub(in crate::supervisor) pid: Option<Pid>,
    pub(in crate::supervisor) policy: Policy,
    /// How often it was started again before.
    pub(in crate::supervisor) restarts: u32,
    /// Of how many children, for those of a `simple_one_for_one` that were stopped together.
    pub(in crate::supervisor) count: usize,
}

/// What of a specification the core needs.
pub(in crate::supervisor) struct Flags {
    pub(in crate::supervisor) strategy: Strategy,
    pub(in crate::supervisor) intensity: u32,
    pub(in crate::supervisor) period: Duration,
    pub(in crate::supervisor) auto_shutdown: AutoShutdown,
    pub(in crate::supervisor) backoff: Option<Backoff>,
}
