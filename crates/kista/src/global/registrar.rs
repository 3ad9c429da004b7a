//! The registrar: a process that changes names one after the other, each under a lock on all nodes that have the same names.
//!
//! Source: `trans_all_known`, `set_lock_known` in `global.erl`.

use std::sync::Arc;
use std::time::Duration;

use kista_etf::{Atom, Pid, Term};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::locker::{boss, del_lock, give_back, global, set_lock};
use super::server::{Msg, SERVER};
use super::table::Table;
use crate::gen_server::Address;
use crate::plain::ProcessCx;

/// One change, and where its outcome goes.
pub(super) struct Job {
    pub(super) change: Change,
    pub(super) done: oneshot::Sender<bool>,
}

pub(super) enum Change {
    Register {
        name: Term,
        pid: Pid,
        method: Term,
        /// Whoever has the name has it no longer.
        anew: bool,
    },
    /// With a pid: only if it is that one's.
    Unregister(Term, Option<Pid>),
}

pub(super) struct Registrar {
    pub(super) cx: ProcessCx,
    pub(super) server: Address<Msg>,
    pub(super) table: Arc<Table>,
}

impl Registrar {
    /// Until the server is gone.
    pub(super) async fn run(self, mut jobs: UnboundedReceiver<Job>) {
        while let Some(Job { change, done }) = jobs.recv().await {
            let requester = Term::from(self.cx.pid());
            let Some(nodes) = self.lock(&requester).await else {
                return;
            };
            let changed = self.change(change, &nodes).await;
            give_back(self.cx.node(), &requester, nodes).await;
            // Nobody may wait for it any more.
            let _ = done.send(changed);
        }
    }

    async fn change(&self, change: Change, nodes: &[Atom]) -> bool {
        let request = match change {
            Change::Register {
                name,
                pid,
                method,
                anew,
            } => {
                // Asked only if it matters.
                let held = || alive(&self.cx, &self.table, &name).is_some();
                if !anew && (held() || self.table.has_a_name(pid)) {
                    return false;
                }
                Term::from((Atom::from_static("register"), name, pid, method))
            }
            Change::Unregister(name, of) => {
                if of.is_some() && self.table.whereis(&name) != of {
                    return false;
                }
                Term::from((Atom::from_static("unregister"), name))
            }
        };
        let to = nodes.iter().copied();
        drop(
            self.cx
                .node()
                .multi_call::<Term>(to, SERVER, &request)
                .await,
        );
        true
    }

    /// The nodes that are locked; `None`: the server is gone.
    async fn lock(&self, requester: &Term) -> Option<Vec<Atom>> {
        let node = self.cx.node();
        for times in 0.. {
            let known = self.known().await?;
            let mut nodes = vec![node.name()];
            nodes.extend(&known);
            let first: Vec<_> = boss(nodes.iter().copied()).into_iter().collect();
            if set_lock(node, &self.table, &global(), requester, &first).await {
                if set_lock(node, &self.table, &global(), requester, &nodes).await
                    && self.known().await?.iter().all(|now| known.contains(now))
                {
                    return Some(nodes);
                }
                del_lock(node, &global(), requester, &first).await;
            }
            pause(times).await;
        }
        None
    }

    async fn known(&self) -> Option<Vec<Atom>> {
        self.server.call(Msg::Known).forever().await.ok()
    }
}

/// Who has the name and lives, as far as that is to be seen from here.
pub(super) fn alive(cx: &ProcessCx, table: &Table, name: &Term) -> Option<Pid> {
    let pid = table.whereis(name)?;
    (pid.node != cx.node().name() || cx.node().is_alive(pid)).then_some(pid)
}

/// A pause before a lock is tried again: at random, the longer the more often it was refused. At most 8 s.
pub(super) async fn pause(times: u32) {
    let most: usize = match times {
        0..=5 => (1 << times) * 125,
        _ => 8000,
    };
    tokio::time::sleep(Duration::from_millis(1 + super::below(most) as u64)).await;
}
