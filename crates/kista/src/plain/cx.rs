use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::receive::{Any, If, Matching, Receive};
use crate::Info;
use crate::process::{Me, Never, Process};

/// A plain process's view of itself: everything of [`Me`], and receiving.
///
/// It belongs to the process's own task. A receive in another task, which the process started and gave its `cx`, panics: nobody
/// would wake that task.
pub struct ProcessCx {
    process: Arc<Process<Never>>,
}

impl ProcessCx {
    pub(crate) fn new(process: Arc<Process<Never>>) -> Self {
        Self { process }
    }

    /// The next message: the oldest that is there, or else the first that comes.
    pub fn receive(&mut self) -> Receive<'_, Any> {
        Receive::new(&self.process, Any)
    }

    /// The first message for which `wanted` is true, past those for which it is not: they stay, in place. A selective receive.
    ///
    /// `wanted` should look at the message and do nothing else.
    pub fn receive_if<F>(&mut self, wanted: F) -> Receive<'_, If<F>>
    where
        F: FnMut(&Info) -> bool + Send,
    {
        Receive::new(&self.process, If(wanted))
    }

    /// As [`receive_if`](Self::receive_if), for what `wanted` makes of the first message that it does not pass over with `None`.
    ///
    /// ```
    /// # use kista::{ExitReason, Info, ProcessCx};
    /// # async fn f(mut cx: ProcessCx, monitor: kista::Reference) {
    /// let why: ExitReason = cx
    ///     .receive_match(|info| match info {
    ///         Info::Down { reference, reason, .. } if *reference == monitor => Some(reason.clone()),
    ///         _ => None,
    ///     })
    ///     .await;
    /// # }
    /// ```
    pub fn receive_match<F, T>(&mut self, wanted: F) -> Receive<'_, Matching<F>>
    where
        F: FnMut(&Info) -> Option<T> + Send,
    {
        Receive::new(&self.process, Matching(wanted))
    }
}

impl Deref for ProcessCx {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.process
    }
}

impl fmt::Debug for ProcessCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProcessCx({})", self.pid())
    }
}
