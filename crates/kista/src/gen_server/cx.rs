use std::ops::Deref;
use std::sync::Arc;

use super::{Address, Flow, GenServer, ServerRef};
use crate::process::{Me, Process};
use crate::sys::Inbox;

/// A server's view of its own process: everything of [`Me`], and what belongs to servers.
pub struct Cx<S: GenServer> {
    pub(crate) inbox: Inbox<S::Msg>,
    /// What follows the callback that runs, when it does not return it. Boxed: an idle server has none.
    then: Option<Box<Flow>>,
}

impl<S: GenServer> Cx<S> {
    pub(super) fn new(process: Arc<Process<S::Msg>>) -> Self {
        Self {
            inbox: Inbox::new(process),
            then: None,
        }
    }

    /// A handle of this server, to give to others.
    pub fn server_ref(&self) -> ServerRef<S> {
        ServerRef::new(Address::local(Arc::clone(self.process())))
    }

    /// Says what follows the callback that runs, for one that does not return a [`Flow`]: `init`, and calls that return their
    /// answer. A [`Flow`] that is returned as well counts, unless it is `Continue`.
    ///
    /// `cx.then(Flow::Stop(reason))` in a call is OTP's `{stop, Reason, Reply, State}`.
    pub fn then(&mut self, flow: Flow) {
        self.then = Some(Box::new(flow));
    }

    /// Has this message handled right after the callback that runs, before anything that is or will be in the queue: OTP's
    /// `{continue, _}`, from `init` or any other callback. Several are handled in the order given.
    pub fn continue_with(&mut self, message: S::Msg) {
        self.inbox.continue_with(message);
    }

    /// Whether there is something to do before the next message is waited for.
    pub(super) fn has_more(&self) -> bool {
        self.has_then() || self.inbox.has_own()
    }

    /// Whether it waits for its next message, and has nothing else to do.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.has_then() && self.inbox.is_plain() && self.process().is_reading()
    }

    pub(super) fn has_then(&self) -> bool {
        self.then.is_some()
    }

    pub(super) fn take_then(&mut self) -> Flow {
        self.then.take().map_or(Flow::Continue, |flow| *flow)
    }

    pub(crate) fn process(&self) -> &Arc<Process<S::Msg>> {
        self.inbox.process()
    }
}

impl<S: GenServer> Deref for Cx<S> {
    type Target = Me;

    fn deref(&self) -> &Me {
        self.process()
    }
}
