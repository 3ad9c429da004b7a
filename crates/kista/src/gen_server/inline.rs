//! What the task of a server would do first, done by whoever waits for it, on the spot: the first step of `init`, and the first
//! step of a server that has had nothing to do until it is asked to stop; and a turn of a server that is only called ([`turns`](super::turns)).
//!
//! Most servers need no second step. Who waits then goes on at once: no task is made or switched to, and nobody is woken. Rules:
//! 1. It is what the process's own task would do: it runs as that process, and its panic is that process's end.
//! 2. What does not finish is polled again by the process's task, which begins right then; so this step needs no waker.
//! 3. It is not done when that could be told apart:
//!    - a start, when something is in the process's queue already: a parent that is no more ends it before `init` runs;
//!    - outside the node's runtime, where no code of processes runs;
//!    - a start or a stop with a time limit, which code that blocks its thread could not be held to by the thread that it blocks;
//!    - within another such step: a chain of servers that start or stop each other would become a recursion.
//! 4. What can be told apart: the code finds the task-locals of who waits (`tokio::task_local!`, `tokio::task::id`), as a
//!    function that it calls would. Later steps find none. A server should rely on neither. The turn of a server that was called finds
//!    those of processes alone: other tasks, which use them more, do no turns.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::{self, Handle};
use tokio::task;

use super::resting::Unspawned;
use crate::ExitReason;
use crate::node::Node;
use crate::process::{AnyProcess, Process, current, poll_as};

thread_local! {
    static STEPPING: Cell<bool> = const { Cell::new(false) };
    /// The task that asked last, and its runtime.
    static ASKED: Cell<Option<(task::Id, runtime::Id)>> = const { Cell::new(None) };
    /// Which server without a task is wanted here when it is woken now.
    static CATCHES: Cell<Catch> = const { Cell::new(Catch::Nothing) };
    static CAUGHT: RefCell<Option<Caught>> = const { RefCell::new(None) };
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
    match caught {
        None => {}
        Some(Caught::Rested(mut code)) => {
            let _stepping = Stepping::new();
            let step = code.as_mut();
            if step
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
            {
                // It is not parked with a waker that wakes nobody.
                process.wake();
                node.runtime().spawn(code);
            }
        }
        Some(Caught::Begun(server)) => step(server),
    }
    pushed
}

/// Sends by `push` a call whose answer the running process waits for. If the server has its code and no task, its turn is done.
pub(super) fn call<R>(push: impl FnOnce() -> R) -> R {
    let (pushed, caught) = catching(Catch::Begun, push);
    if let Some(Caught::Begun(server)) = caught {
        step(server);
    }
    pushed
}

/// Whether a call by the process that runs here may have the server's turn done here.
pub(super) fn may_call(node: &Node) -> bool {
    current::is_process() && may_step(node)
}

fn step(server: Arc<dyn TakesTurns>) {
    let _stepping = Stepping::new();
    server.step();
}

/// A server without a task that was woken for a step.
pub(super) enum Caught {
    /// It has yet to begin.
    Rested(Unspawned),
    Begun(Arc<dyn TakesTurns>),
}

/// A server that was taken out of its queue with its code.
pub(super) trait TakesTurns: Send + Sync {
    /// Does its turn; then it is in its queue again, has a task, or has ended.
    fn step(self: Arc<Self>);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Catch {
    Nothing,
    Begun,
    Any,
}

/// Whether [`catch`] is to be called instead of handing the task of a server that has yet to begin to the runtime.
pub(super) fn catches_rested() -> bool {
    if CATCHES.get() != Catch::Any {
        return false;
    }
    CATCHES.set(Catch::Nothing);
    true
}

/// The same of a server that has begun.
pub(super) fn catches_begun() -> bool {
    CATCHES.replace(Catch::Nothing) != Catch::Nothing
}

pub(super) fn catch(caught: Caught) {
    CAUGHT.set(Some(caught));
}

fn catching<R>(what: Catch, push: impl FnOnce() -> R) -> (R, Option<Caught>) {
    struct Over;
    impl Drop for Over {
        fn drop(&mut self) {
            CATCHES.set(Catch::Nothing);
        }
    }
    CATCHES.set(what);
    let over = Over;
    let pushed = push();
    // Whoever catches says so.
    let caught = match CATCHES.get() {
        Catch::Nothing => CAUGHT.take(),
        Catch::Begun | Catch::Any => None,
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
