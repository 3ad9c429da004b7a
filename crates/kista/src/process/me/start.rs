//! Starting other processes, as this one.

use std::future::Future;

use kista_etf::{Pid, Reference};

use super::Me;
use crate::gen_server::{GenServer, Spawn, SpawnMonitor, Spec, StartError};
use crate::plain::{IntoExit, ProcessCx, Spawned};
use crate::process::SpawnOptions;

impl Me {
    /// Starts a linked server: it ends with this process, and this process with it.
    pub fn spawn_link<C: GenServer>(&self, spec: Spec<C>) -> Spawn<C> {
        // A process that runs its own code is in the table.
        let parent = self.node.find(self.pid);
        Spawn::new(self.node.clone(), spec, parent)
    }

    /// Starts a server that this process monitors from before its first step; when it does not start, there is the error and
    /// no [`Info::Down`](crate::Info::Down).
    pub fn spawn_monitor<C: GenServer>(&self, spec: Spec<C>) -> SpawnMonitor<C> {
        SpawnMonitor::new(self.node.clone(), spec, self.node.find(self.pid))
    }

    /// Starts a plain process: `spawn/1`. See [`Node::spawn_fn`](crate::Node::spawn_fn).
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn spawn_fn<F, R>(&self, code: F) -> Result<Pid, StartError>
    where
        F: FnOnce(ProcessCx) -> R + Send + 'static,
        R: Future<Output: IntoExit> + Send + 'static,
    {
        self.spawn_opt(SpawnOptions::new(), code)
            .map(|spawned| spawned.pid)
    }

    /// Starts a plain process and links with it, in one step: `spawn_link/1`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn spawn_fn_link<F, R>(&self, code: F) -> Result<Pid, StartError>
    where
        F: FnOnce(ProcessCx) -> R + Send + 'static,
        R: Future<Output: IntoExit> + Send + 'static,
    {
        self.spawn_opt(SpawnOptions::new().link(), code)
            .map(|spawned| spawned.pid)
    }

    /// Starts a plain process and monitors it, in one step: `spawn_monitor/1`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn spawn_fn_monitor<F, R>(&self, code: F) -> Result<(Pid, Reference), StartError>
    where
        F: FnOnce(ProcessCx) -> R + Send + 'static,
        R: Future<Output: IntoExit> + Send + 'static,
    {
        let spawned = self.spawn_opt(SpawnOptions::new().monitor(), code)?;
        match spawned.monitor {
            Some(monitor) => Ok((spawned.pid, monitor)),
            None => Err(StartError::NodeStopped),
        }
    }

    /// Starts a plain process with options: `spawn_opt/2`.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn spawn_opt<F, R>(&self, options: SpawnOptions, code: F) -> Result<Spawned, StartError>
    where
        F: FnOnce(ProcessCx) -> R + Send + 'static,
        R: Future<Output: IntoExit> + Send + 'static,
    {
        crate::plain::start(&self.node, options, self.node.find(self.pid), code)
    }
}
