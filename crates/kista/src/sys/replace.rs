use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use crate::ExitReason;
use crate::gen_server::PendingReply;
use crate::process::panic_text;

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

    /// A closure that panics ends the process, as any code of its own; its caller hears of that at once.
    pub(crate) fn run(self, state: &mut dyn Any) {
        let Self { act, caller } = self;
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| act(state))) {
            caller.fail(&ExitReason::Panic(panic_text(&*panic).into()));
            resume_unwind(panic);
        }
    }

    /// The process ended first.
    pub(crate) fn fail(&self, reason: &ExitReason) {
        self.caller.fail(reason);
    }
}
