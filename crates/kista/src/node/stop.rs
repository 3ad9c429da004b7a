//! The end of a node, and of a server that is asked to end.

use std::any::type_name;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::task::Poll;
use std::time::Duration;

use kista_etf::{Atom, atoms};

use super::{Node, Outcall, Request};
use crate::ExitReason;
use crate::gen_server::{CallError, CallSlot, poll_deadline};
use crate::process::{ControlSignal, Dest, Me};
use crate::supervisor::Supervisor;

/// How long processes may take to end in order before [`Node::stop`] kills them.
const STOP_TIME: Duration = Duration::from_secs(5);

impl Node {
    /// Stops the node: its servers end in turn with their messages through `terminate`, within 5 s; what did not end is
    /// killed and named in the log. What is queued for other nodes is written out, connections close, the name is
    /// unregistered from EPMD. Returns when all of that is done.
    ///
    /// May be called again, by several at once, and from any executor; whoever gives up waiting does not end the stop. To be
    /// called from outside the node's processes: a handler that awaits it is itself waited for, and killed in the end.
    /// Calls from outside that are still open are not waited for: they fail.
    pub async fn stop(&self) {
        self.0.stopping.store(true, Relaxed);
        let node = self.clone();
        // A task of its own. Err: the runtime is gone, and took everything along.
        let _ = self
            .runtime()
            .spawn(async move {
                node.0.stopped.get_or_init(|| node.stop_all()).await;
                node.0.reports.tell_left_out();
            })
            .await;
    }

    pub(crate) async fn stop_process(
        &self,
        dest: Dest,
        reason: ExitReason,
        timeout: Option<Duration>,
    ) -> Result<(), CallError> {
        let ended = match self.local(dest) {
            None => self.stop_remote(dest, &reason, timeout).await,
            Some(pid) => {
                let process = pid
                    .and_then(|pid| self.find(pid))
                    .ok_or(CallError::NoProc)?;
                let slot = CallSlot::<()>::new();
                if !process.push_stop(reason.clone(), Some(Arc::clone(&slot) as _)) {
                    return Err(CallError::NoProc);
                }
                drop(process);
                let mut deadline = None;
                std::future::poll_fn(|cx| match slot.poll(cx) {
                    Poll::Pending => poll_deadline(self, timeout, &mut deadline, cx),
                    ready => ready,
                })
                .await
            }
        };
        match ended {
            Err(CallError::Exit(why)) if why == reason => Ok(()),
            other => other,
        }
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
        std::future::poll_fn(|cx| match ended.poll(cx) {
            Poll::Pending => poll_deadline(self, timeout, &mut deadline, cx),
            Poll::Ready(ended) => Poll::Ready(ended.map(drop)),
        })
        .await
    }

    async fn stop_all(&self) {
        self.each_process(|process| {
            // A supervisor's children end by it, in its order and within its times.
            if !self.is_supervised(process.me()) {
                process.push_stop(ExitReason::Shutdown, None);
            }
        });
        if tokio::time::timeout(STOP_TIME, self.wait_until_empty())
            .await
            .is_err()
        {
            self.each_process(|process| {
                tracing::warn!(pid = %process.me().pid(), "did not end in time; killed");
                let kill = ControlSignal::Exit {
                    from: self.outside(),
                    reason: ExitReason::Kill,
                };
                let _ = process.push_control(kill.into());
            });
            // A handler that blocks its thread cannot be ended by anyone.
            let _ = tokio::time::timeout(Duration::from_secs(1), self.wait_until_empty()).await;
        }
        if let Some(net) = &self.0.net {
            net.stop().await;
        }
    }

    fn is_supervised(&self, process: &Me) -> bool {
        let parent = process.state.lock().parent();
        parent
            .and_then(|parent| self.find(parent))
            .is_some_and(|parent| parent.me().behaviour() == type_name::<Supervisor>())
    }

    async fn wait_until_empty(&self) {
        loop {
            let ended = self.0.ended.notified();
            tokio::pin!(ended);
            ended.as_mut().enable();
            // The numbers alone do not belong together for sure; what changes them notifies.
            if self.0.processes.len() <= self.0.guests.load(Relaxed)
                && self.has_only_guests()
                && self.0.ending.load(Acquire) == 0
            {
                return;
            }
            ended.await;
        }
    }

    fn has_only_guests(&self) -> bool {
        let mut keys = self.0.processes.keys();
        keys.all(|key| {
            let process = self.0.processes.get(key);
            process.is_none_or(|process| process.is_guest())
        })
    }

    /// Held by a process while it ends, out of the table already: a stop waits until its signals are on their way.
    pub(crate) fn ending(&self) -> impl Drop + use<> {
        struct Ending(Node);
        impl Drop for Ending {
            fn drop(&mut self) {
                self.0.0.ending.fetch_sub(1, Release);
                self.0.notify_if_stopping();
            }
        }
        self.0.ending.fetch_add(1, Relaxed);
        Ending(self.clone())
    }

    pub(super) fn notify_if_stopping(&self) {
        if self.0.stopping.load(Relaxed) {
            self.0.ended.notify_waiters();
        }
    }
}
