//! Links, monitors and exits, as the process itself asks for them. The rules are in `process/state.rs`.

use kista_etf::{Pid, Reference};

use super::Me;
use crate::process::{ControlSignal, Via};
use crate::{Dest, ExitReason};

impl Me {
    /// Links with another process, here or on another node. To a process that does not exist the answer is an exit signal `noproc`.
    pub fn link(&self, to: Pid) {
        if to == self.pid {
            return;
        }
        let Ok(via) = self.node.relation_via(self.pid, to.node) else {
            // The way there is lost already. The rule for a lost connection applies to this one link.
            self.state.lock().link(to, Via::Here);
            let lost = ControlSignal::LinkExit {
                from: to,
                reason: ExitReason::NoConnection,
            };
            return self.node.signal(self.pid, lost);
        };
        if self.state.lock().link(to, via.clone()) {
            let link = ControlSignal::Link { from: self.pid };
            self.node.signal_by(&via, None, to, link);
        }
    }

    /// Takes a link away: no exit signal of it arrives afterwards.
    pub fn unlink(&self, from: Pid) {
        let unlinked = self.state.lock().unlink(from);
        if let Some((id, via)) = unlinked {
            let unlink = ControlSignal::Unlink { from: self.pid, id };
            self.node.signal_by(&via, None, from, unlink);
        }
    }

    /// Watches a process or a name: exactly one [`Info::Down`](crate::Info::Down) follows, at once with `noproc` when there is none.
    pub fn monitor(&self, target: impl Into<Dest>) -> Reference {
        let reference = self.node.make_ref();
        self.monitor_as(reference, target.into());
        reference
    }

    fn monitor_as(&self, reference: Reference, target: Dest) {
        match self.node.relation_via(self.pid, self.node.node_of(target)) {
            Ok(via) => {
                self.state.lock().monitor(reference, target, via.clone());
                self.node.monitor(&via, self.pid, target, reference);
            }
            Err(_) => {
                // As for a link: lost before it was made.
                self.state.lock().monitor(reference, target, Via::Here);
                let lost = ControlSignal::Down {
                    from: target,
                    reference,
                    reason: ExitReason::NoConnection,
                };
                self.node.signal(self.pid, lost);
            }
        }
    }

    /// Forgets a monitor. A DOWN that has arrived already stays to be read.
    pub fn demonitor(&self, reference: Reference) {
        let monitored = self.state.lock().demonitor(&reference);
        if let Some((target, via)) = monitored {
            self.node.demonitor(&via, self.pid, target, reference);
        }
    }

    /// Sends an exit signal: `exit(Pid, Reason)`.
    pub fn exit(&self, to: Pid, reason: impl Into<ExitReason>) {
        let exit = ControlSignal::Exit {
            from: self.pid,
            reason: reason.into(),
        };
        self.node.signal(to, exit);
    }

    /// Links a child that is about to start; false when this process has ended.
    pub(crate) fn adopt(&self, child: Pid) -> bool {
        let mut state = self.state.lock();
        if !state.ended {
            state.link(child, Via::Here);
        }
        !state.ended
    }

    /// Forgets a child that did not start.
    pub(crate) fn disown(&self, child: Pid) {
        self.state.lock().forget_link(child);
    }
}
