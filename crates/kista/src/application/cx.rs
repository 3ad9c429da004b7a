use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use kista_etf::{Atom, Pid};

use super::Application;
use crate::ExitReason;
use crate::process::{AnyProcess, Me};
use crate::supervisor::SupervisorSpec;

/// An application's view of itself in its callbacks: everything of [`Me`], as which its master runs them, and what belongs to
/// applications.
///
/// It is for the length of the callback: what is started by it later has no master any more.
#[derive(Clone)]
pub struct ApplicationCx {
    master: Arc<dyn AnyProcess>,
    application: Arc<Application>,
}

impl ApplicationCx {
    pub(super) fn new(master: Arc<dyn AnyProcess>, application: Arc<Application>) -> Self {
        Self {
            master,
            application,
        }
    }

    /// The application's name.
    pub fn name(&self) -> Atom {
        self.application.name()
    }

    /// The application.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// Starts a supervisor under this name, linked with the master, and gives its pid.
    ///
    /// # Errors
    /// The reason for which it did not start.
    pub async fn supervisor(&self, name: &str, spec: SupervisorSpec) -> Result<Pid, ExitReason> {
        let started = self.master.me().spawn_link(spec.spec()).name(name).await?;
        match started.dest() {
            crate::Dest::Pid(pid) => Ok(pid),
            other => unreachable!("a server was started as {other}"),
        }
    }
}

impl Deref for ApplicationCx {
    type Target = Me;

    fn deref(&self) -> &Me {
        self.master.me()
    }
}

impl fmt::Debug for ApplicationCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApplicationCx({} {})", self.name(), self.pid())
    }
}
