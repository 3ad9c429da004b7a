//! The end of a process that is asked to end: `gen_server:stop/3`.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use kista_etf::{Atom, atoms};

use super::{Node, Outcall, Request};
use crate::ExitReason;
use crate::gen_server::{CallError, CallSlot, inline, poll_deadline};
use crate::process::budget;
use crate::process::{AnyProcess, Dest};

impl Node {
    pub(crate) async fn stop_process(
        &self,
        dest: Dest,
        reason: ExitReason,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        match self.local(dest) {
            None => as_asked(&reason, self.stop_remote(dest, &reason, timeout).await),
            Some(pid) => {
                let process = pid
                    .and_then(|pid| self.find(pid))
                    .ok_or_else(|| self.absent())?;
                self.stop_here(&*process, reason, timeout).await
            }
        }
    }

    /// The same of a process of this node.
    pub(crate) async fn stop_here(
        &self,
        process: &dyn AnyProcess,
        reason: ExitReason,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        // Whoever stops one after the other yields from time to time.
        poll_fn(budget::poll_unit).await;
        let slot = CallSlot::<()>::new();
        let pending = Some(Arc::clone(&slot) as _);
        let asked = inline::end(process, timeout, || {
            process.push_stop(reason.clone(), pending)
        });
        if !asked {
            return Err(self.absent());
        }
        let mut deadline = None;
        let ended = poll_fn(|cx| match slot.poll(cx) {
            Poll::Pending => poll_deadline(self, timeout, &mut deadline, cx),
            ready => ready,
        });
        as_asked(&reason, ended.await)
    }

    /// As `gen_server:stop/3`: watches, asks by `sys:terminate`, which is answered before it is obeyed, and waits for the end.
    async fn stop_remote(
        &self,
        dest: Dest,
        reason: &ExitReason,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        let mut ended = Outcall::watch(self, dest)?;
        let request = (atoms::TERMINATE, reason.clone());
        let mut deadline = None;
        Request::<Atom>::new(self, dest, atoms::SYSTEM, &request)
            .limit(timeout)
            .await?;
        poll_fn(|cx| match ended.poll(cx) {
            Poll::Pending => poll_deadline(self, timeout, &mut deadline, cx),
            Poll::Ready(ended) => Poll::Ready(ended.map(drop)),
        })
        .await
    }
}

/// An end for the reason that was asked for is what was asked for.
fn as_asked(reason: &ExitReason, ended: Result<(), CallError>) -> Result<(), CallError> {
    match ended {
        Err(CallError::Exit(why)) if why == *reason => Ok(()),
        other => other,
    }
}
