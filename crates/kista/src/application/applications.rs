use std::sync::Arc;

use kista_etf::{Atom, Pid, Term};

use super::controller::{Answer, Controller, Msg, NAME};
use super::order::order;
use super::registry::Registry;
use super::{Application, ApplicationError, ApplicationInfo, StartType};
use crate::gen_server::{CallError, Client, ServerRef, StartError, spec};
use crate::node::Node;
use crate::process::Me;

/// The applications of a node: OTP's module `application`. Given by [`Node::applications`].
///
/// What changes something is done by the process `application_controller`, one thing after the other, as in OTP: while an
/// application stops, no other one starts or stops. Therefore a process of an application that waits for its own stop is killed
/// in the end. What only looks waits for nobody.
#[derive(Clone, Debug)]
pub struct Applications(Node);

/// What [`Applications::load`] takes: an application, or the name of one that is known.
pub enum Load {
    /// This one.
    Application(Box<Application>),
    /// The known one of this name.
    Known(String),
}

impl From<Application> for Load {
    fn from(application: Application) -> Self {
        Self::Application(Box::new(application))
    }
}

impl From<&str> for Load {
    fn from(name: &str) -> Self {
        Self::Known(name.to_owned())
    }
}

impl Applications {
    /// Makes an application known, so that it can be loaded, started and depended on by name. One of that name that is loaded
    /// stays as it is until it is loaded again.
    pub fn add(&self, application: Application) {
        self.registry().add(application);
    }

    /// Loads an application: it has its environment then, and can be started. `application:load/1`.
    ///
    /// # Errors
    /// [`ApplicationError::AlreadyLoaded`], [`Unknown`](ApplicationError::Unknown).
    pub async fn load(&self, application: impl Into<Load>) -> Result<(), ApplicationError> {
        let application = match application.into() {
            Load::Application(application) => Arc::from(application),
            Load::Known(name) => {
                let name = atom(&name)?;
                let known = self.registry().find(name);
                known.ok_or(ApplicationError::Unknown(name))?
            }
        };
        self.ask(|to| Msg::Load(application, to)).await
    }

    /// Forgets an application that does not run, and its environment: `application:unload/1`. It stays known.
    ///
    /// # Errors
    /// [`ApplicationError::Running`], [`NotLoaded`](ApplicationError::NotLoaded).
    pub async fn unload(&self, name: &str) -> Result<(), ApplicationError> {
        let name = atom(name)?;
        self.ask(|to| Msg::Unload(name, to)).await
    }

    /// Starts an application whose end concerns nobody else: `application:start/1`.
    ///
    /// # Errors
    /// As [`start_as`](Self::start_as).
    pub async fn start(&self, name: &str) -> Result<(), ApplicationError> {
        self.start_as(name, StartType::Temporary).await
    }

    /// Starts an application, and loads it before if need be: `application:start/2`. Returns when its `start` has.
    ///
    /// # Errors
    /// [`ApplicationError::NotStarted`] of one that it depends on, and [`AlreadyStarted`](ApplicationError::AlreadyStarted), change
    /// nothing. [`Start`](ApplicationError::Start), and [`NotRunning`](ApplicationError::NotRunning) of one that it depends on, take
    /// the node with them by the start type.
    pub async fn start_as(
        &self,
        name: &str,
        start_type: StartType,
    ) -> Result<(), ApplicationError> {
        self.start_atom(atom(name)?, start_type).await
    }

    async fn start_atom(&self, name: Atom, start_type: StartType) -> Result<(), ApplicationError> {
        if !self.registry().is_loaded(name) {
            match self.load(name.as_str()).await {
                Ok(()) | Err(ApplicationError::AlreadyLoaded(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.ask(|to| Msg::Start(name, start_type, to)).await
    }

    /// Starts an application, and before it those that it depends on and that do not run; gives the names of those that it
    /// started, in order. `application:ensure_all_started/2`.
    ///
    /// # Errors
    /// [`ApplicationError::Cycle`], before anything is started; else as [`start_as`](Self::start_as): then what it started is
    /// stopped again.
    pub async fn ensure_all_started(
        &self,
        name: &str,
        start_type: StartType,
    ) -> Result<Vec<Atom>, ApplicationError> {
        // What runs needs nothing more, whatever became of that which it depends on.
        let depends_on = |name| match self.registry().find(name) {
            Some(known) if self.registry().start_type(name).is_none() => {
                known.keys().depends_on.to_vec()
            }
            _ => Vec::new(),
        };
        let mut started: Vec<Atom> = Vec::new();
        for name in order(&[atom(name)?], depends_on)? {
            match self.start_atom(name, start_type).await {
                Ok(()) => started.push(name),
                Err(ApplicationError::AlreadyStarted(_)) => {}
                Err(error) => {
                    for name in started.iter().rev() {
                        // It may have ended by itself, or the node ends.
                        let _ = self.stop(name.as_str()).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(started)
    }

    /// Stops an application, and returns when it has ended: `application:stop/1`. It stays loaded. Those that depend on it go on.
    ///
    /// # Errors
    /// [`ApplicationError::NotStarted`].
    pub async fn stop(&self, name: &str) -> Result<(), ApplicationError> {
        let name = atom(name)?;
        self.ask(|to| Msg::Stop(name, to)).await
    }

    /// Those that run, the last started first: `application:which_applications/0`.
    pub fn which(&self) -> Vec<ApplicationInfo> {
        self.registry().running()
    }

    /// Those that are loaded, by name: `application:loaded_applications/0`.
    pub fn loaded(&self) -> Vec<ApplicationInfo> {
        self.registry().loaded()
    }

    /// The application that is loaded under this name, or known: its keys are `application:get_key/2`.
    pub fn find(&self, name: &str) -> Option<Arc<Application>> {
        self.registry().find(Atom::lookup(name)?)
    }

    /// As what a running application was started.
    pub fn start_type(&self, name: &str) -> Option<StartType> {
        self.registry().start_type(Atom::lookup(name)?)
    }

    /// The master of a running application: the group leader of its processes.
    pub fn master(&self, name: &str) -> Option<Pid> {
        self.registry().master(Atom::lookup(name)?)
    }

    /// The application that a process of this node belongs to: `application:get_application/1`.
    pub fn of(&self, pid: Pid) -> Option<Atom> {
        self.0.find(pid)?.me().application()
    }

    /// A value of an application's environment: `application:get_env/2`.
    pub fn env(&self, name: &str, key: &str) -> Option<Term> {
        self.registry().env(Atom::lookup(name)?, key)
    }

    /// An application's environment, by key: `application:get_all_env/1`.
    pub fn all_env(&self, name: &str) -> Vec<(String, Term)> {
        Atom::lookup(name).map_or_else(Vec::new, |name| self.registry().all_env(name))
    }

    /// Sets a value of an application's environment, until it is unloaded; gives the former one: `application:set_env/3`. As in OTP
    /// it need not be loaded; what it has itself comes over that when it is.
    ///
    /// # Errors
    /// [`ApplicationError::BadName`].
    pub fn set_env(
        &self,
        name: &str,
        key: &str,
        value: impl Into<Term>,
    ) -> Result<Option<Term>, ApplicationError> {
        let name = atom(name)?;
        Ok(self.registry().set_env(name, key, value.into()))
    }

    /// Takes a value out of an application's environment, and gives it: `application:unset_env/2`.
    pub fn unset_env(&self, name: &str, key: &str) -> Option<Term> {
        self.registry().unset_env(Atom::lookup(name)?, key)
    }

    fn registry(&self) -> &Registry {
        self.0.application_registry()
    }

    async fn ask(&self, request: impl FnOnce(Answer) -> Msg) -> Result<(), ApplicationError> {
        let controller = self.0.application_controller().await?;
        match controller.address().call(request).forever().await {
            Ok(answer) => answer,
            Err(_) if self.0.is_stopping() => Err(ApplicationError::NodeStopping),
            Err(error) => Err(ApplicationError::Call(error)),
        }
    }
}

impl Node {
    /// The applications of this node.
    pub fn applications(&self) -> Applications {
        Applications(self.clone())
    }

    /// The controller; started when it is first needed, and by nobody: it inherits nothing.
    async fn application_controller(&self) -> Result<ServerRef<Controller>, ApplicationError> {
        if self.is_stopping() {
            return Err(ApplicationError::NodeStopping);
        }
        if self.whereis(NAME).is_none() {
            let node = self.clone();
            let started = self
                .runtime()
                .spawn(async move { node.spawn(spec::<Controller>(())).name(NAME).await });
            match started.await {
                Ok(Ok(_) | Err(StartError::AlreadyStarted(_))) => {}
                Ok(Err(_)) | Err(_) => return Err(ApplicationError::Call(CallError::NoProc)),
            }
        }
        Ok(self.server::<Controller>(NAME))
    }

    /// Ends the applications, the last started first.
    pub(crate) async fn end_applications(&self) {
        if self.whereis(NAME).is_some() {
            let controller = self.server::<Controller>(NAME);
            // An error: it is gone, and with it its masters are.
            let _ = controller.address().call(Msg::End).forever().await;
        }
    }
}

impl Me {
    /// The application that this process belongs to, by its group leader: `application:get_application/0`.
    pub fn application(&self) -> Option<Atom> {
        self.node()
            .application_registry()
            .of_leader(self.group_leader()?)
    }
}

fn atom(name: &str) -> Result<Atom, ApplicationError> {
    Atom::new(name).map_err(|_| ApplicationError::BadName(name.to_owned()))
}
