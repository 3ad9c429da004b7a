use std::any::Any;
use std::sync::Arc;

use crate::ExitReason;
use crate::gen_server::PendingReply;

type Act = dyn FnOnce(&mut dyn Any) + Send;

/// A local `replace_state`: a closure that changes the state, and the caller who waits for what it returns.
pub(crate) struct Replace {
    /// Also settles the caller's slot.
    act: Box<Act>,
    caller: Arc<dyn PendingReply>,
}

impl Replace {
    pub(crate) fn new(
        act: impl FnOnce(&mut dyn Any) + Send + 'static,
        caller: Arc<dyn PendingReply>,
    ) -> Self {
        Self {
            act: Box::new(act),
            caller,
        }
    }

    pub(crate) fn run(self, state: &mut dyn Any) {
        (self.act)(state);
    }

    /// The process ended first.
    pub(crate) fn fail(&self, reason: &ExitReason) {
        self.caller.fail(reason);
    }
}
