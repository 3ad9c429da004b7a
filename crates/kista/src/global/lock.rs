use std::future::Future;

use kista_etf::{Atom, Pid, Term};

use super::Global;
use super::error::GlobalError;
use super::locker::{del_lock, set_lock};
use super::registrar::pause;
use crate::process::current;

/// A lock of the cluster: on what, and for whom. As long as one requester has it no other gets it; several processes may ask for
/// the same requester.
///
/// Source: `global:set_lock/3` and `trans/4`.
#[derive(Clone, Debug, PartialEq)]
pub struct LockId {
    resource: Term,
    requester: Term,
}

impl LockId {
    /// `{ResourceId, LockRequesterId}`.
    pub fn new(resource: impl Into<Term>, requester: impl Into<Term>) -> Self {
        Self {
            resource: resource.into(),
            requester: requester.into(),
        }
    }
}

impl Global {
    /// Locks on this node and all visible ones, however long it takes: `global:set_lock/1`. It is the lock of the process that asks, which
    /// gives it back by [`del_lock`](Self::del_lock) or by its end.
    ///
    /// # Errors
    /// [`GlobalError::NoProcess`].
    pub async fn set_lock(&self, id: &LockId) -> Result<(), GlobalError> {
        self.set_lock_on(id, &self.all(), None).await.map(drop)
    }

    /// Locks on these nodes, with so many further tries after the first (`None`: as many as it takes). False: somebody else has it.
    /// `global:set_lock/3`.
    ///
    /// # Errors
    /// [`GlobalError::NoProcess`].
    pub async fn set_lock_on(
        &self,
        id: &LockId,
        nodes: &[Atom],
        retries: Option<u32>,
    ) -> Result<bool, GlobalError> {
        if current::pid_on(&self.node).is_none() {
            return Err(GlobalError::NoProcess);
        }
        for times in 0.. {
            if set_lock(&self.node, &self.table, &id.resource, &id.requester, nodes).await {
                return Ok(true);
            }
            if retries.is_some_and(|retries| times >= retries) {
                break;
            }
            pause(times + 1).await;
        }
        Ok(false)
    }

    /// Gives a lock of this process back, on this node and all visible ones: `global:del_lock/1`.
    pub async fn del_lock(&self, id: &LockId) {
        self.del_lock_on(id, &self.all()).await;
    }

    /// Gives a lock of this process back on these nodes: `global:del_lock/2`.
    pub async fn del_lock_on(&self, id: &LockId, nodes: &[Atom]) {
        del_lock(&self.node, &id.resource, &id.requester, nodes).await;
    }

    /// Does something under a lock of this node and all visible ones: `global:trans/2`. If it panics, or the process ends
    /// meanwhile, the lock is free with the end of the process.
    ///
    /// # Errors
    /// [`GlobalError::NoProcess`].
    ///
    /// ```
    /// # use kista::{GlobalError, ProcessCx, global::LockId};
    /// # async fn f(cx: ProcessCx) -> Result<(), Box<dyn std::error::Error>> {
    /// let global = cx.node().global().await?;
    /// let id = LockId::new("the table", cx.pid());
    /// let sum = global.trans(&id, async || 1 + 1).await?;
    /// # Ok(()) }
    /// ```
    pub async fn trans<T, F>(&self, id: &LockId, code: impl FnOnce() -> F) -> Result<T, GlobalError>
    where
        F: Future<Output = T>,
    {
        let nodes = self.all();
        self.set_lock_on(id, &nodes, None).await?;
        let value = code().await;
        self.del_lock_on(id, &nodes).await;
        Ok(value)
    }

    /// The locks that are held on this node, each with the processes that hold it, in no order. For operators: what is free now may be
    /// taken before one has read it.
    #[must_use]
    pub fn locks(&self) -> Vec<(LockId, Vec<Pid>)> {
        let locks = self.table.locks().into_iter();
        locks
            .map(|(resource, lock)| (LockId::new(resource, lock.requester), lock.pids))
            .collect()
    }

    fn all(&self) -> Vec<Atom> {
        let mut nodes = self.node.nodes();
        nodes.push(self.node.name());
        nodes
    }
}
