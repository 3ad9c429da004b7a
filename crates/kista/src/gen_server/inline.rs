//! Turns that are done on the spot, by whoever waits for them: the first step of `init`; the first turn of a server that has had nothing to
//! do until it is asked to stop; and those of a server that is only called (rules in `process/shell.rs`).
//!
//! Who waits then goes on at once: nobody is woken, and no run queue is touched. Rules:
//! 1. It is the process's own turn: it runs as that process, and its panic is that process's end.
//! 2. What does not finish is run by a lane of the scheduler from there on; an `init` that awaits is polled again there.
//! 3. It is not done when that could be told apart:
//!    - a start, when something is in the process's queue already: a parent that is no more ends it before `init` runs;
//!    - outside the node's runtime, where no code of processes runs;
//!    - a start or a stop with a time limit, which code that blocks its thread could not be held to by the thread that it blocks;
//!    - within another such step: a chain of servers that start or stop each other would become a recursion.
//! 4. What can be told apart: the code finds the task-locals of who waits (`tokio::task_local!`), as a function that it calls would. Later
//!    turns find none. A server should not rely on that. The turn of a server that was called finds those of processes alone: other
//!    tasks, which use them more, do no turns.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::task;

use super::Message;
use super::reply_to::CallSlot;
use crate::ExitReason;
use crate::node::Node;
use crate::process::{AnyProcess, Begun, Caller, Handed, Me, Process, budget, current, poll_as};
use crate::scheduler::{ROUNDS, Task, Turns, schedule};

thread_local! {
    static STEPPING: Cell<bool> = const { Cell::new(false) };
    /// The task that asked last, and its runtime.
    static ASKED: Cell<Option<(task::Id, runtime::Id)>> = const { Cell::new(None) };
    /// Which process is wanted here when it is woken now.
    static CATCHES: Cell<Catch> = const { Cell::new(Catch::Nothing) };
    static CAUGHT: RefCell<Option<Task>> = const { RefCell::new(None) };
}

/// Rule 3 for a start.
pub(super) fn may_begin<M: Send + 'static>(
    process: &Process<M>,
    time_limit: Option<Duration>,
) -> bool {
    time_limit.is_none() && process.is_untouched() && may_step(process.node())
}

fn may_step(node: &Node) -> bool {
    !STEPPING.get() && runtime_here() == Some(node.runtime().id())
}

/// The runtime of the task that runs here. A task stays in its runtime, so it is asked once in a row: to ask takes a count.
fn runtime_here() -> Option<runtime::Id> {
    let here = task::try_id();
    if let Some((task, runtime)) = ASKED.get()
        && here == Some(task)
    {
        return Some(runtime);
    }
    let runtime = Handle::try_current().ok()?.id();
    ASKED.set(here.map(|task| (task, runtime)));
    Some(runtime)
}

/// What came of a first step.
pub(super) type Step<T> = Result<Poll<T>, ExitReason>;

/// Does the first step of a start, and gives the process back. Err: it panicked, and the process ends for that.
pub(super) fn begin<M: Send + 'static, F: Future>(
    process: Arc<Process<M>>,
    code: Pin<&mut F>,
) -> (Arc<Process<M>>, Step<F::Output>) {
    let _stepping = Stepping::new();
    let mut lent = Some(process);
    let step = poll_as(&mut lent, code, &mut Context::from_waker(Waker::noop()));
    match lent {
        Some(process) => (process, step),
        None => unreachable!("what is lent comes back"),
    }
}

/// Sends by `push` what ends a process that the caller waits for. If it has no task its first step is done.
pub(crate) fn end<R>(
    process: &dyn AnyProcess,
    time_limit: Option<Duration>,
    push: impl FnOnce() -> R,
) -> R {
    let node = process.me().node();
    if time_limit.is_some() || !may_step(node) {
        return push();
    }
    let (pushed, caught) = catching(Catch::Any, push);
    if let Some(caught) = caught {
        step(caught);
    }
    pushed
}

/// Sends by `push` a call whose answer the running process waits for. If the server's turns are done by its callers, this one is.
pub(super) fn call<R>(push: impl FnOnce() -> R) -> R {
    let (pushed, caught) = catching(Catch::Called, push);
    if let Some(caught) = caught {
        let begun = Begun::now(false);
        step(caught);
        ends_with(begun);
    }
    pushed
}

/// As [`call`], of one at rest whose turns are done by its callers: it is handed the message, past its queue. False: it is none.
#[inline]
pub(super) fn hand<M: Message, T: Send + 'static>(
    process: &Process<M>,
    message: &mut Option<M>,
    slot: &Arc<CallSlot<T>>,
) -> bool {
    // Asked of the message, which is the user's, while the server is in its place.
    let Some(kind) = message.as_ref().map(Message::kind) else {
        return false;
    };
    let Some(server) = process.take_for_call() else {
        return false;
    };
    slot.ask(process.pid(), kind);
    current::count_sent();
    let begun = Begun::now(false);
    let _stepping = Stepping::new();
    let caller = Caller {
        settled: slot.settled(),
        slot: &|| slot.pending(),
    };
    server.answer(Handed {
        process,
        message,
        caller,
    });
    ends_with(begun);
    true
}

/// A turn that took long was as long as one of its caller may be: the others of this thread have theirs.
#[inline]
fn ends_with(begun: Begun) {
    if begun.is_long_ago() {
        budget::end();
    }
}

/// Whether a call by the process that runs here, of another one, may have the server's turn done here. Not while signals wait for it.
#[inline]
pub(super) fn may_call<M: Send + 'static>(server: &Process<M>, waker: &Waker) -> bool {
    let may = |me: &Me, is_signalled: bool| {
        let (here, there) = (me.node(), server.node());
        !is_signalled
            && !ptr::eq(me, &raw const **server)
            && (here.is(there) || here.runtime().id() == there.runtime().id())
    };
    // Its own waker: no other runtime is driven here, in whose context the server's turn would be.
    !STEPPING.get() && current::with_own(waker, may).unwrap_or(false)
}

fn step(process: Task) {
    let _stepping = Stepping::new();
    process.step(ROUNDS);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Catch {
    Nothing,
    /// One whose turns are done by its callers.
    Called,
    /// That, or one that has yet to begin.
    Any,
}

/// Whether [`catch`] is to be called instead of making the process ready.
#[inline]
pub(crate) fn catches(turns: impl FnOnce() -> Turns) -> bool {
    let wanted = match CATCHES.get() {
        Catch::Nothing => return false,
        Catch::Called => turns() == Turns::OfCallers,
        Catch::Any => turns() != Turns::OfLanes,
    };
    if wanted {
        CATCHES.set(Catch::Nothing);
    }
    wanted
}

pub(crate) fn catch(process: Task) {
    CAUGHT.set(Some(process));
}

fn catching<R>(what: Catch, push: impl FnOnce() -> R) -> (R, Option<Task>) {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            CATCHES.set(Catch::Nothing);
            // What came behind it panicked.
            if let Some(caught) = CAUGHT.take() {
                schedule(caught);
            }
        }
    }
    CATCHES.set(what);
    let over = Over;
    let pushed = push();
    // Whoever catches says so.
    let caught = match CATCHES.get() {
        Catch::Nothing => CAUGHT.take(),
        Catch::Called | Catch::Any => None,
    };
    drop(over);
    (pushed, caught)
}

/// A step is done on this thread.
struct Stepping;

impl Stepping {
    fn new() -> Self {
        STEPPING.set(true);
        Self
    }
}

impl Drop for Stepping {
    fn drop(&mut self) {
        STEPPING.set(false);
    }
}
