use std::any::type_name;
use std::future::Future;
use std::sync::Arc;

use kista_etf::{Pid, Reference};

use super::{IntoExit, ProcessCx};
use crate::gen_server::StartError;
use crate::node::Node;
use crate::process::{AnyProcess, Never, SpawnOptions, launch};

/// A plain process that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spawned {
    /// The process.
    pub pid: Pid,
    /// The monitor of it that [`SpawnOptions::monitor`] asked for.
    pub monitor: Option<Reference>,
}

impl Spawned {
    pub(crate) const fn new(pid: Pid, monitor: Option<Reference>) -> Self {
        Self { pid, monitor }
    }
}

/// `starter`: as whom; else as the process that runs here, if any.
pub(crate) fn start<F, R>(
    node: &Node,
    options: SpawnOptions,
    starter: Option<Arc<dyn AnyProcess>>,
    code: F,
) -> Result<Spawned, StartError>
where
    F: FnOnce(ProcessCx) -> R + Send + 'static,
    R: Future<Output: IntoExit> + Send + 'static,
{
    let born = node.birth::<Never>(type_name::<F>(), options, starter)?;
    let process = born.process;
    process.set_plain();
    let spawned = Spawned {
        pid: process.pid(),
        monitor: born.monitor,
    };
    let me = Arc::clone(&process);
    let body = move || async move {
        let reason = code(ProcessCx::new(Arc::clone(&me))).await.into_exit();
        me.report_plain_crash(&reason);
        reason
    };
    launch(process, body);
    Ok(spawned)
}

impl Node {
    /// Starts a plain process: `spawn/1`. Its function gets its [`ProcessCx`] and returns the reason with which it ends; see
    /// [`plain`](crate::plain) for an example and the rules.
    ///
    /// Started within a process it inherits from that one, as by [`Me::spawn_fn`](crate::Me::spawn_fn).
    ///
    /// # Errors
    /// [`StartError::TooManyProcesses`], or [`StartError::NodeStopped`].
    pub fn spawn_fn<F, R>(&self, code: F) -> Result<Pid, StartError>
    where
        F: FnOnce(ProcessCx) -> R + Send + 'static,
        R: Future<Output: IntoExit> + Send + 'static,
    {
        self.spawn_opt(SpawnOptions::new(), code)
            .map(|spawned| spawned.pid)
    }

    /// Starts a plain process with options: `spawn_opt/2`.
    ///
    /// # Errors
    /// As [`spawn_fn`](Self::spawn_fn); and [`StartError::BadName`] or [`StartError::AlreadyStarted`] for the name.
    pub fn spawn_opt<F, R>(&self, options: SpawnOptions, code: F) -> Result<Spawned, StartError>
    where
        F: FnOnce(ProcessCx) -> R + Send + 'static,
        R: Future<Output: IntoExit> + Send + 'static,
    {
        start(self, options, None, code)
    }
}
