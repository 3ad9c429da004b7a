//! Calls from plain threads.
//!
//! Rules:
//! 1. A thread that polls a task is not held: the answer may need that very thread. Within a process the error is
//!    [`CallError::InsideProcess`], within any other task, or what a runtime blocks on, [`CallError::InsideTask`].
//! 2. The time limit is kept by the waiting thread itself. So a call returns in time also when nobody drives the node's runtime,
//!    which a current_thread one asks for; then the error says so ([`CallError::NotDriven`]).

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::coop;

use super::CallError;
use crate::node::Node;
use crate::process::current;

/// How long a call without a limit waits for the first sign that somebody drives the runtime.
const PATIENCE: Duration = Duration::from_secs(60);

/// A runtime may be busy for less than this: no sign of it within a shorter limit says nothing.
const BUSY: Duration = Duration::from_secs(1);

/// Waits for a call on this thread. What the call waits for is driven by the node's runtime, on other threads.
pub(crate) fn block_on<T>(
    node: &Node,
    timeout: Option<Duration>,
    call: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    if current::is_process() {
        return Err(CallError::InsideProcess);
    }
    if is_polling() {
        return Err(CallError::InsideTask);
    }
    let began = Instant::now();
    let driven = Driven::watch(node);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut call = pin!(call);
    loop {
        // Looked at before the poll: an answer that arrives with the end of the time is an answer.
        let waited = began.elapsed();
        match call.as_mut().poll(&mut context) {
            Poll::Ready(Err(CallError::Timeout)) => return Err(driven.late(waited)),
            Poll::Ready(answer) => return answer,
            Poll::Pending => {}
        }
        let limit = match timeout {
            None if driven.is_seen() => None,
            limit => Some(limit.unwrap_or(PATIENCE)),
        };
        // Both return at once when it was woken meanwhile.
        match limit {
            Some(limit) if limit <= waited => return Err(driven.late(waited)),
            Some(limit) => thread::park_timeout(limit - waited),
            None => thread::park(),
        }
    }
}

/// Whether this thread polls a task: tokio gives each a budget, which it has used up when it has to wait for nothing. A thread that
/// may be held has none. (Nor has a task within `tokio::task::unconstrained`, which is on its own here.)
fn is_polling() -> bool {
    /// More than any version of tokio gives.
    const BUDGET: usize = 1024;
    if Handle::try_current().is_err() {
        return false;
    }
    let mut context = Context::from_waker(Waker::noop());
    (0..BUDGET).any(|_| pin!(coop::consume_budget()).poll(&mut context).is_pending())
}

/// Whether the node's runtime has run since a call began. One with threads of its own always does.
struct Driven(Option<Arc<AtomicBool>>);

impl Driven {
    fn watch(node: &Node) -> Self {
        let runtime = node.runtime();
        if runtime.runtime_flavor() != RuntimeFlavor::CurrentThread {
            return Self(None);
        }
        let seen = Arc::new(AtomicBool::new(false));
        let sign = Arc::clone(&seen);
        runtime.spawn(async move { sign.store(true, Relaxed) });
        Self(Some(seen))
    }

    fn is_seen(&self) -> bool {
        self.0.as_ref().is_none_or(|seen| seen.load(Relaxed))
    }

    /// Why there is no answer after this time.
    fn late(&self, waited: Duration) -> CallError {
        match waited < BUSY || self.is_seen() {
            true => CallError::Timeout,
            false => CallError::NotDriven,
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
