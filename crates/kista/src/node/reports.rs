//! Reports on their way: to who follows them, and to the log within its limits.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;
use tracing::Level;

use super::Node;
use crate::events::EventSource;
use crate::log::Escaped;
use crate::reports::{
    Admitted, Ancestors, CrashReport, Limit, Named, Report, ReportedChild, Source,
};

/// How much of a reason, a state or a message is in a line.
const IN_A_LINE: usize = 1_000;
/// When what was left out is told, unless a line of its source comes first.
const TELL_AFTER: Duration = Duration::from_secs(1);

/// The reports of a node: the right to publish them, and how many were logged.
pub(super) struct Reports {
    source: EventSource<Report>,
    limit: Mutex<Limit>,
    began: Instant,
}

impl Reports {
    pub(super) fn new(source: EventSource<Report>) -> Self {
        Self {
            source,
            limit: Mutex::default(),
            began: Instant::now(),
        }
    }

    /// Says what was left out since it was last said.
    pub(super) fn tell_left_out(&self) {
        let left_out = self.limit.lock().left_out();
        for (of, count) in left_out {
            match of {
                Source::Progress(_) => {
                    tracing::debug!(%of, count, "reports left out: too many within a second");
                }
                _ => tracing::error!(%of, count, "reports left out: too many within a second"),
            }
        }
    }
}

impl Node {
    /// Publishes a report, and writes it to the log unless too much was written. It is made only when somebody sees it.
    pub(crate) fn report(&self, of: Source, make: impl FnOnce() -> Report) {
        let level = match of {
            Source::Progress(_) => Level::DEBUG,
            _ => Level::ERROR,
        };
        let admitted = self.admit(of, level);
        let followed = self.0.reports.source.subscribers() > 0;
        if admitted.is_none() && !followed {
            return;
        }
        let report = make();
        if let Some(left_out) = admitted {
            log(&report, (left_out > 0).then_some(left_out));
        }
        if followed {
            // The node's own event ends with the node.
            let _ = self.0.reports.source.publish(report);
        }
    }

    /// Whether a line may be written: how many of its kind were left out before.
    fn admit(&self, of: Source, level: Level) -> Option<u64> {
        let enabled = match level {
            Level::DEBUG => tracing::enabled!(Level::DEBUG),
            _ => tracing::enabled!(Level::ERROR),
        };
        if !enabled {
            return None;
        }
        let now = self.0.reports.began.elapsed();
        let admitted = self.0.reports.limit.lock().admit(of, now);
        match admitted {
            Admitted::Yes(left_out) => Some(left_out),
            Admitted::No { first } => {
                if first {
                    self.tell_left_out_later();
                }
                None
            }
        }
    }

    fn tell_left_out_later(&self) {
        let node = self.0.me.clone();
        self.runtime().spawn(async move {
            tokio::time::sleep(TELL_AFTER).await;
            if let Some(node) = node.upgrade() {
                node.reports.tell_left_out();
            }
        });
    }
}

/// What is left when the node goes.
impl Drop for Reports {
    fn drop(&mut self) {
        self.tell_left_out();
    }
}

fn log(report: &Report, left_out: Option<u64>) {
    match report {
        Report::Crash(crash) => log_crash(crash, left_out),
        Report::Supervisor {
            supervisor,
            name,
            context,
            reason,
            child,
            restarts,
            next,
        } => {
            let supervisor = Named(*name, *supervisor);
            let reason = Escaped::up_to(IN_A_LINE, reason);
            let ReportedChild {
                pid, starts, count, ..
            } = child;
            let (id, pid) = (Escaped(&child.id), pid.map(tracing::field::display));
            let before = child.restarts;
            tracing::error!(%supervisor, %context, child = %id, pid, %reason, starts, count, restarted_before = before, restarts, %next, left_out, "supervisor report");
        }
        Report::Progress {
            supervisor,
            name,
            child,
        } => {
            let supervisor = Named(*name, *supervisor);
            let pid = child.pid.map(tracing::field::display);
            let (id, starts) = (Escaped(&child.id), child.starts);
            let before = child.restarts;
            tracing::debug!(%supervisor, child = %id, pid, starts, restarted_before = before, left_out, "progress report");
        }
    }
}

fn log_crash(crash: &CrashReport, left_out: Option<u64>) {
    let process = Named(crash.name, crash.pid);
    let reason = Escaped::up_to(IN_A_LINE, &crash.reason);
    let last_message = Escaped::up_to(IN_A_LINE, &crash.last_message);
    let state = Escaped::up_to(IN_A_LINE, &crash.state);
    let panicked_at = crash.panicked_at.as_deref();
    let ancestors = Ancestors(crash);
    let CrashReport {
        behaviour,
        runs,
        during,
        message_queue_len,
        links,
        trap_exit,
        ..
    } = crash;
    tracing::error!(%process, %behaviour, runs, %during, %reason, panicked_at, %last_message, %state, %ancestors, message_queue_len, links, trap_exit, left_out, "crash report");
}
