//! The first step of a server's `init`, done by whoever starts it, on the spot.
//!
//! Most servers need no second step. Their starter then goes on at once: no task is switched to, nobody is woken, and nothing
//! has to say that they have started. Rules:
//! 1. It is what the new process's own task would do first: it runs as that process, and its panic is that process's end.
//! 2. What does not finish is polled again by the process's task, which begins right then; so this step needs no waker.
//! 3. It is not done when that could be told apart:
//!    - something is in the process's queue already: a parent that is no more ends it before `init` runs;
//!    - outside the node's runtime, where no code of processes runs;
//!    - with a time limit, which an `init` that blocks its thread could not be held to by the thread that it blocks;
//!    - within another such step: a chain of servers that start each other would become a recursion.
//! 4. Who starts many in a row waits for each one's task to have run: else they pile up in the queue of the thread, which
//!    wakes another thread for each, and each is cold by the time that it runs.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::ExitReason;
use crate::process::{Process, current, poll_as};

/// Where the first step is done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// By the process's task.
    There,
    /// By the starter, who goes on at once.
    Here,
    /// By the starter, who then waits for the task to have run.
    HereAndWait,
}

/// Starts that are waited for before it is tried again to do without.
const ROW: u32 = 127;

thread_local! {
    static STEPPING: Cell<bool> = const { Cell::new(false) };
    /// At which turn of this thread the last server was started here.
    static LAST: Cell<Option<u32>> = const { Cell::new(None) };
    /// How many more of a row are waited for.
    static WAITED_FOR: Cell<u32> = const { Cell::new(0) };
}

impl Step {
    /// Rules 3 and 4.
    pub(super) fn of<M: Send + 'static>(
        process: &Process<M>,
        time_limit: Option<Duration>,
    ) -> Self {
        let is_at_home =
            || Handle::try_current().is_ok_and(|here| here.id() == process.node().runtime().id());
        if time_limit.is_some() || STEPPING.get() || !process.is_untouched() || !is_at_home() {
            return Self::There;
        }
        let turn = Some(current::turns());
        let left = match WAITED_FOR.get() {
            // No process has run here since.
            0 if LAST.get() == turn => ROW,
            left => left,
        };
        LAST.set(turn);
        WAITED_FOR.set(left.saturating_sub(1));
        match left {
            0 => Self::Here,
            _ => Self::HereAndWait,
        }
    }
}

/// Does the step. Err: it panicked, and the process ends for that.
pub(super) fn step<M: Send + 'static, F: Future>(
    process: &Arc<Process<M>>,
    code: Pin<&mut F>,
) -> Result<Poll<F::Output>, ExitReason> {
    struct Stepping;
    impl Drop for Stepping {
        fn drop(&mut self) {
            STEPPING.set(false);
        }
    }
    STEPPING.set(true);
    let _stepping = Stepping;
    let mut handle = Some(Arc::clone(process));
    poll_as(&mut handle, code, &mut Context::from_waker(Waker::noop()))
}
