//! The orderly end of a node.
//!
//! Rules:
//! 1. Whoever begins the stop first says why; it is done once, in a task of its own, and everyone who waits hears of it.
//! 2. First the applications end, the last started first, each by its master: children in reverse order, within their own
//!    times. Until that is done processes may still be started; applications may not.
//! 3. Then everything else is told to end. What no supervisor stands for has 5 s; supervision trees have their own times.
//! 4. All of it has one limit ([`NodeBuilder::stop_timeout`](crate::NodeBuilder::stop_timeout)). What has not ended by then is
//!    killed. It is named, and so is what a supervisor killed because it took longer than its own time.
//! 5. While it stops, a node answers who asks from elsewhere for a process that is not there `shutdown`, not `noproc`. The
//!    connections stay until peers that were told of an end have asked for nothing more for a while, or a second has passed;
//!    then what is queued for them is written out, and they close.

use std::any::type_name;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use kista_etf::Pid;
use tokio::time::Instant;

use super::Node;
use super::stopped::{StopCause, Stopped, Unfinished};
use crate::process::{AnyProcess, ControlSignal, Me};
use crate::supervisor::Supervisor;
use crate::{CallError, ExitReason};

/// How long a whole stop may take before what is left is killed, unless set otherwise: less than the 30 s that container
/// platforms leave a program.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(25);

/// How long processes outside applications and supervision trees may take to end in order.
const STOP_TIME: Duration = Duration::from_secs(5);

/// How long a killed process is waited for. A handler that blocks its thread can not be ended by anyone.
const KILL_TIME: Duration = Duration::from_secs(1);

/// A peer that was told of an end and is silent for this long asks for nothing more.
const QUIET: Duration = Duration::from_millis(200);

/// How long peers are waited for that go on asking.
const FAREWELL: Duration = Duration::from_secs(1);

impl Node {
    /// Stops the node: its applications end, the last started first, then all other processes, in turn with their messages
    /// through `terminate`; what did not end in its time is killed and named. What is queued for other nodes is written out,
    /// connections close, the name is unregistered from EPMD. Returns when all of that is done.
    ///
    /// May be called again, by several at once, and from any executor; whoever gives up waiting does not end the stop. To be
    /// called from outside the node's processes: a handler that awaits it is itself waited for, and killed in the end.
    /// Calls from outside that are still open are not waited for: they fail.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let node = kista::Node::builder("docs@127.0.0.1").no_network().start().await?;
    /// let stopped = node.stop().await;
    /// assert!(stopped.is_orderly());
    /// # Ok(()) }
    /// ```
    pub async fn stop(&self) -> Stopped {
        self.begin_stop(StopCause::Asked);
        self.stopped().await
    }

    /// Waits until the node has stopped, whoever stops it: [`stop`](Self::stop), a signal, or an application that it is not to
    /// live without.
    pub async fn stopped(&self) -> Stopped {
        let mut stopped = self.0.stopped.subscribe();
        // The node is there, and with it the sender.
        let stopped = stopped.wait_for(Option::is_some).await;
        match stopped.ok().and_then(|stopped| stopped.clone()) {
            Some(stopped) => stopped,
            None => unreachable!("a node that is held has not gone"),
        }
    }

    /// False when it has begun already, for whatever cause.
    pub(crate) fn begin_stop(&self, cause: StopCause) -> bool {
        if self.0.stop_cause.set(cause).is_err() {
            return false;
        }
        let stop = StopOnDrop(self.clone());
        self.runtime().spawn(async move {
            let unfinished = stop.0.stop_all().await;
            stop.0.0.reports.tell_left_out();
            stop.0.have_stopped(unfinished);
        });
        true
    }

    /// Whether a stop has begun.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.stop_cause.get().is_some()
    }

    fn have_stopped(&self, unfinished: Vec<Unfinished>) {
        let Some(cause) = self.0.stop_cause.get().cloned() else {
            return;
        };
        self.0.events.close(&ExitReason::Shutdown);
        self.0.stopped.send_if_modified(|stopped| {
            let first = stopped.is_none();
            stopped.get_or_insert(Stopped { cause, unfinished });
            first
        });
    }

    async fn stop_all(&self) -> Vec<Unfinished> {
        let end = Instant::now() + self.0.stop_timeout;
        self.within(end, self.end_applications()).await;
        self.0.stopping.store(true, Relaxed);
        self.each_process(|process| {
            // A supervisor's children end by it, in its order and within its times.
            if !self.is_supervised(process.me()) {
                process.push_stop(ExitReason::Shutdown, None);
            }
        });
        let mut unfinished = Vec::new();
        let first = end.min(Instant::now() + STOP_TIME);
        if !self.within(first, self.wait_until_empty()).await {
            self.kill_where(&mut unfinished, |me| {
                !self.is_supervised(me) && me.behaviour() != type_name::<Supervisor>()
            });
        }
        if !self.within(end, self.wait_until_empty()).await {
            self.kill_where(&mut unfinished, |_| true);
        }
        unfinished.append(&mut self.0.overdue.lock());
        if !unfinished.is_empty() {
            let killed = Instant::now() + KILL_TIME;
            let _ = tokio::time::timeout_at(killed, self.wait_until_empty()).await;
            for process in &mut unfinished {
                process.blocked = self.find(process.pid).is_some();
                tracing::warn!(node = %self.name(), "{process}");
            }
        }
        if let Some(net) = &self.0.net {
            self.bid_farewell().await;
            net.stop().await;
        }
        unfinished
    }

    /// Whether it was done by then, and nobody lost patience.
    async fn within(&self, end: Instant, done: impl Future<Output = ()>) -> bool {
        tokio::select! {
            biased;
            () = done => true,
            () = tokio::time::sleep_until(end) => false,
            () = self.0.hurry.notified() => {
                // Also for what is waited for next.
                self.0.hurry.notify_one();
                false
            }
        }
    }

    fn kill_where(&self, unfinished: &mut Vec<Unfinished>, which: impl Fn(&Me) -> bool) {
        self.each_process(|process| {
            let me = process.me();
            if !which(me) || unfinished.iter().any(|known| known.pid == me.pid()) {
                return;
            }
            let name = me.state.lock().name;
            unfinished.push(Unfinished {
                pid: me.pid(),
                name,
                behaviour: me.behaviour(),
                application: me.application(),
                blocked: false,
            });
            let kill = ControlSignal::Exit {
                from: self.outside(),
                reason: ExitReason::Kill,
            };
            let _ = process.push_control(kill.into());
        });
    }

    /// A supervisor killed a child that did not end in its own time. That counts while the node stops.
    pub(crate) fn note_overdue(&self, child: impl FnOnce() -> Unfinished) {
        if self.is_stopping() {
            self.0.overdue.lock().push(child());
        }
    }

    /// Rule 5.
    async fn bid_farewell(&self) {
        let end = Instant::now() + FAREWELL;
        let mut told = self.0.told_away.load(Relaxed);
        if told == 0 {
            return;
        }
        while Instant::now() < end {
            tokio::time::sleep(QUIET).await;
            let now = self.0.told_away.load(Relaxed);
            if now == told {
                return;
            }
            told = now;
        }
    }

    /// What a caller hears of a process that is not here.
    pub(crate) fn absent(&self) -> CallError {
        self.reason_of_absence().into()
    }

    /// What another node hears of a process that is not here.
    pub(super) fn reason_of_absence(&self) -> ExitReason {
        match self.is_stopping() {
            true => ExitReason::Shutdown,
            false => ExitReason::NoProc,
        }
    }

    /// Counts that another node was told of an end, while this one stops.
    pub(super) fn count_told_away(&self) {
        if self.is_stopping() {
            self.0.told_away.fetch_add(1, Relaxed);
        }
    }

    fn is_supervised(&self, process: &Me) -> bool {
        self.parent_of(process)
            .is_some_and(|parent| parent.me().behaviour() == type_name::<Supervisor>())
    }

    fn parent_of(&self, process: &Me) -> Option<Arc<dyn AnyProcess>> {
        let parent: Option<Pid> = process.state.lock().parent();
        self.find(parent?)
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
    pub(crate) fn ending(&self) -> impl Drop {
        struct Ending<'a>(&'a Node);
        impl Drop for Ending<'_> {
            fn drop(&mut self) {
                self.0.0.ending.fetch_sub(1, Release);
                self.0.notify_if_stopping();
            }
        }
        self.0.ending.fetch_add(1, Relaxed);
        Ending(self)
    }

    pub(super) fn notify_if_stopping(&self) {
        if self.0.stopping.load(Relaxed) {
            self.0.ended.notify_waiters();
        }
    }
}

/// A stop whose runtime goes away is over: it took everything along.
struct StopOnDrop(Node);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.have_stopped(Vec::new());
    }
}
