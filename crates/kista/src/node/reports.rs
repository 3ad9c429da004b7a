//! What supervisors report: to the log, and to those who follow it.

use super::Node;
use crate::log::Escaped;
use crate::supervisor::{Report, ReportedChild};

impl Node {
    /// Publishes a report, and writes it to the log unless too much was written.
    pub(crate) fn report(&self, report: Report) {
        self.log_report(&report);
        if self.0.reports.subscribers() > 0 {
            // The node's own event ends with the node.
            let _ = self.0.reports.publish(report);
        }
    }

    /// Whether a progress report would be seen by anyone.
    pub(crate) fn wants_progress(&self) -> bool {
        tracing::enabled!(tracing::Level::DEBUG) || self.0.reports.subscribers() > 0
    }

    fn log_report(&self, report: &Report) {
        match report {
            Report::Supervisor {
                supervisor,
                name,
                context,
                reason,
                child,
                restarts,
            } => self.0.report_lines.line(|left_out| {
                let (reason, name) = (Escaped(reason), name.map(|name| name.as_str()));
                let ReportedChild { pid, starts, count, .. } = child;
                let (id, pid) = (Escaped(&child.id), pid.map(tracing::field::display));
                tracing::error!(%supervisor, name, %context, %reason, child = %id, pid, starts, count, restarts, left_out, "supervisor report");
            }),
            Report::Progress {
                supervisor,
                name,
                child,
            } => {
                let name = name.map(|name| name.as_str());
                let pid = child.pid.map(tracing::field::display);
                let (id, starts) = (Escaped(&child.id), child.starts);
                tracing::debug!(%supervisor, name, child = %id, pid, starts, "progress: started");
            }
        }
    }
}
