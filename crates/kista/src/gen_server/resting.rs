//! A server that has had nothing to do since its `init`: it has a state and a context, and no task.
//!
//! Many servers wait for long until they are first asked something, and some are never asked. Rules:
//! 1. It is parked at its queue as any process that waits; the waker there makes the task. So whatever is sent to it has the same
//!    effect, in the same order and from anywhere, as on one that has its task.
//! 2. Only who waits for its next message rests. A behaviour with a loop of its own, and a server that has more to do after its
//!    `init` (`continue_with`, `then`), has its task at once.
//! 3. Once made the task stays: what comes and goes would be dearer than what it takes. But one that is only called does without it
//!    after a while, and keeps its code: see [`turns`](super::turns).
//! 4. Who waits for its stop does the first step of the task, which mostly is the whole of it: see [`inline`](super::inline).
//! 5. When the runtime goes away each one at rest gets its task, which goes with it: see `node/rest.rs`.
//! 6. A task that such a runtime drops ends its process, whose state, when it is dropped, may send to others at rest. They take
//!    turns: a chain of them is no recursion.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Wake, Waker};

use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::inline::Caught;
use super::serve::serve;
use super::turns::Serving;
use super::{Cx, GenServer, inline};
use crate::process::{Process, current, run};

/// The task of a process, before the runtime has it.
pub(super) type Unspawned = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A server at rest: the waker that its queue holds. The lock is never taken while nobody else has the waker, which the queue
/// moves and never clones; it is there for whoever would.
struct Resting<S: GenServer>(Mutex<Parts<S>>);

struct Parts<S: GenServer> {
    /// For its task. `None`: it has been woken.
    process: Option<Arc<Process<S::Msg>>>,
    begun: Option<(S, Cx<S>)>,
}

/// Lets the server wait for what is sent to it.
pub(super) fn rest<S: GenServer>(process: &Arc<Process<S::Msg>>, server: S, cx: Cx<S>) {
    let resting = Resting(Mutex::new(Parts {
        process: Some(Arc::clone(process)),
        begun: Some((server, cx)),
    }));
    process.rest(Waker::from(Arc::new(resting)));
}

impl<S: GenServer> Wake for Resting<S> {
    fn wake(mut self: Arc<Self>) {
        let process = match Arc::get_mut(&mut self) {
            Some(Self(parts)) => parts.get_mut().process.take(),
            None => self.0.lock().process.take(),
        };
        let Some(process) = process else { return };
        let runtime = (!inline::catches_rested()).then(|| process.node().runtime().clone());
        let begun = Begun(Some(self));
        let code = Box::pin(run(Arc::clone(&process), move || {
            let (server, cx) = begun.take();
            serve(server, cx)
        }));
        match runtime {
            Some(runtime) => spawn(&runtime, Serving::new(process, code)),
            None => inline::catch(Caught::Rested(code)),
        }
    }
}

/// The server, on its way into its task.
struct Begun<S: GenServer>(Option<Arc<Resting<S>>>);

impl<S: GenServer> Begun<S> {
    fn take(mut self) -> (S, Cx<S>) {
        match self.parts() {
            Some(begun) => begun,
            None => unreachable!("woken once, so there is one task that takes it"),
        }
    }

    fn parts(&mut self) -> Option<(S, Cx<S>)> {
        match Arc::try_unwrap(self.0.take()?) {
            Ok(Resting(parts)) => parts.into_inner().begun,
            Err(shared) => shared.0.lock().begun.take(),
        }
    }
}

/// The task is dropped before it ran.
impl<S: GenServer> Drop for Begun<S> {
    fn drop(&mut self) {
        if let Some((server, cx)) = self.parts() {
            let process = Arc::clone(cx.process());
            process.drop_quietly("the state", || {
                current::scope(Arc::clone(&process) as _, || drop((server, cx)));
            });
        }
    }
}

thread_local! {
    static SPAWNING: Cell<bool> = const { Cell::new(false) };
    /// What waits for its turn.
    static NEXT: RefCell<VecDeque<(Handle, Unspawned)>> = const { RefCell::new(VecDeque::new()) };
}

/// Rule 6.
pub(super) fn spawn(runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
    if SPAWNING.replace(true) {
        let next = (runtime.clone(), Box::pin(task) as Unspawned);
        return NEXT.with_borrow_mut(|waiting| waiting.push_back(next));
    }
    let turn = Turn;
    drop(runtime.spawn(task));
    while let Some((runtime, task)) = NEXT.with_borrow_mut(VecDeque::pop_front) {
        drop(runtime.spawn(task));
    }
    drop(turn);
}

/// Over when it is dropped: also when a runtime panics.
struct Turn;

impl Drop for Turn {
    fn drop(&mut self) {
        SPAWNING.set(false);
    }
}
