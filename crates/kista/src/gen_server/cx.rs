use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::Deref;
use std::sync::Arc;

use super::{Address, GenServer, ServerRef};
use crate::process::{Me, Process, Signal};

/// A server's view of its own process: everything of [`Me`], and what belongs to servers.
pub struct Cx<S: GenServer> {
    process: Arc<Process<S::Msg>>,
    /// Messages taken over and not handled yet: read without a lock.
    taken: VecDeque<Signal<S::Msg>>,
}

impl<S: GenServer> Cx<S> {
    pub(super) fn new(process: Arc<Process<S::Msg>>) -> Self {
        Self {
            process,
            taken: VecDeque::new(),
        }
    }

    /// A handle of this server, to give to others.
    pub fn server_ref(&self) -> ServerRef<S> {
        ServerRef::new(Address::local(Arc::clone(&self.process)))
    }

    pub(super) async fn next(&mut self) -> Signal<S::Msg> {
        let Self { process, taken } = self;
        poll_fn(|cx| process.poll_next(taken, cx)).await
    }

    pub(super) fn process(&self) -> &Arc<Process<S::Msg>> {
        &self.process
    }
}

impl<S: GenServer> Deref for Cx<S> {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.process
    }
}

impl<S: GenServer> Drop for Cx<S> {
    fn drop(&mut self) {
        self.process.give_back(&mut self.taken);
    }
}
