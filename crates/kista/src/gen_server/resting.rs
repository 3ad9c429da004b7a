//! A server that has had nothing to do since its `init`: it has a state and a context, and no future of its code.
//!
//! Many servers wait for long until they are first asked something, and some are never asked. Rules:
//! 1. It is parked in its queue as any process that waits. So whatever is sent to it has the same effect, in the same order and from
//!    anywhere, as on one whose code has begun.
//! 2. Only who waits for its next message rests. A behaviour with a loop of its own, and a server that has more to do after its
//!    `init` (`continue_with`, `then`), begins at once.
//! 3. Once begun it stays so: what comes and goes would be dearer than what it takes.
//! 4. Who waits for its stop does its first turn, which mostly is the last: see [`inline`](super::inline).

use std::pin::Pin;
use std::sync::Arc;

use super::serve::serve;
use super::{Cx, GenServer};
use crate::node::Node;
use crate::process::{Process, abandon, current, task};
use crate::scheduler::{Runnable, Turns};

/// A server at rest.
struct Resting<S: GenServer> {
    process: Arc<Process<S::Msg>>,
    /// `None`: it has begun.
    begun: Option<(S, Cx<S>)>,
}

/// Lets the server wait for what is sent to it.
pub(super) fn rest<S: GenServer>(process: &Arc<Process<S::Msg>>, server: S, cx: Cx<S>) {
    let resting = Resting {
        process: Arc::clone(process),
        begun: Some((server, cx)),
    };
    process.rest(Box::pin(resting));
}

// Nothing in it is pinned: it is moved out before its code begins.
impl<S: GenServer> Unpin for Resting<S> {}

impl<S: GenServer> Runnable for Resting<S> {
    fn run(mut self: Pin<Box<Self>>) {
        let Some((server, cx)) = self.begun.take() else {
            unreachable!("it begins once")
        };
        let process = Arc::clone(&self.process);
        drop(self);
        task(process, move || serve(server, cx)).run();
    }

    fn step(self: Pin<Box<Self>>, _rounds: usize) {
        self.run();
    }

    fn node(&self) -> &Node {
        self.process.node()
    }

    fn turns(&self) -> Turns {
        Turns::First
    }
}

/// Its runtime is gone: it ends without having begun.
impl<S: GenServer> Drop for Resting<S> {
    fn drop(&mut self) {
        let Some(begun) = self.begun.take() else {
            return;
        };
        let process = &self.process;
        process.drop_quietly("the state", || {
            current::scope(Arc::clone(process) as _, || drop(begun));
        });
        abandon(process);
    }
}
