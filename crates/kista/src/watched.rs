use std::collections::HashMap;

use kista_etf::{Pid, Reference};

use crate::process::Me;

/// The processes that a server watches, each by one monitor: for cores that know processes, and no monitors.
#[derive(Default)]
pub(crate) struct Watched {
    monitors: HashMap<Pid, Reference>,
    watched: HashMap<Reference, Pid>,
}

impl Watched {
    pub(crate) fn watch(&mut self, me: &Me, pid: Pid) {
        let reference = me.monitor(pid);
        self.monitors.insert(pid, reference);
        self.watched.insert(reference, pid);
    }

    pub(crate) fn unwatch(&mut self, me: &Me, pid: Pid) {
        if let Some(reference) = self.monitors.remove(&pid) {
            self.watched.remove(&reference);
            me.demonitor_flush(reference);
        }
    }

    /// Whose end a DOWN with this reference tells; `None`: nobody's who is watched.
    pub(crate) fn ended(&mut self, reference: Reference) -> Option<Pid> {
        let pid = self.watched.remove(&reference)?;
        self.monitors.remove(&pid);
        Some(pid)
    }
}
