use std::pin::Pin;
use std::sync::Arc;
use std::task::Wake;

use crate::node::Node;
use crate::process::Process;

/// A process with all that it is to do, in the hand of whoever may run it.
pub(crate) type Task = Pin<Box<dyn Runnable>>;

/// In so many turns that a caller does in a row the process may find, where it would rest, that more was sent to it.
pub(crate) const ROUNDS: usize = 4;

pub(crate) trait Runnable: Send {
    /// Has one turn; then it is parked in its queue, ready again, or over.
    fn run(self: Pin<Box<Self>>);
    /// Has at most so many turns, done by a process that called it and waits; then it is as after [`run`](Self::run).
    fn step(self: Pin<Box<Self>>, rounds: usize);
    /// It is woken while nothing is in its queue: what came later can wait for another turn.
    fn set_idle(self: Pin<&mut Self>) {}
    fn node(&self) -> &Node;
    fn turns(&self) -> Turns;
}

/// Who may do a process's turns, beside a lane.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turns {
    /// Its first one is done by whoever waits for its end.
    First,
    /// They are done by processes that call it.
    OfCallers,
    OfLanes,
}

/// Whatever it waits for beside its queue wakes it so.
impl<M: Send + 'static> Wake for Process<M> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_up();
    }
}
