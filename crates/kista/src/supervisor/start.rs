//! How a child is started, whatever it is: erased once, here.

use std::any::{Any, TypeId, type_name};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use kista_etf::{Decode, Pid, Term};

use super::SupervisorError;
use super::child::Setup;
use crate::Dest;
use crate::gen_server::{GenServer, Spawn, Spec, StartError, caught};
use crate::node::Node;
use crate::plain::{self, IntoExit, ProcessCx};
use crate::process::{AnyProcess, SpawnOptions};

/// The start of one child. It holds no borrow, so that the supervisor can be used meanwhile.
pub(super) type Starting = Pin<Box<dyn Future<Output = Result<Pid, StartError>> + Send>>;

/// Starts a child, as often as is needed.
pub(super) trait StartChild: Send {
    fn start(&self, starter: Starter) -> Starting;
    fn clone_box(&self) -> Box<dyn StartChild>;
    /// The server that it starts, if it is one.
    fn server(&self) -> Option<TypeId>;
    fn type_name(&self) -> &'static str;
}

/// Makes what starts a child of an argument.
pub(super) trait Template: Send {
    /// The argument of a local caller.
    fn of(&self, argument: Box<dyn Any + Send>) -> Result<Box<dyn StartChild>, SupervisorError>;
    /// The extra arguments of a caller elsewhere.
    fn of_terms(&self, arguments: &[Term]) -> Result<Box<dyn StartChild>, SupervisorError>;
    fn clone_box(&self) -> Box<dyn Template>;
    fn type_name(&self) -> &'static str;
}

pub(super) enum Start {
    /// The same each time.
    Fixed(Box<dyn StartChild>),
    /// Another for each argument.
    Each(Box<dyn Template>),
}

impl Start {
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Fixed(start) => start.type_name(),
            Self::Each(template) => template.type_name(),
        }
    }
}

impl Clone for Start {
    fn clone(&self) -> Self {
        match self {
            Self::Fixed(start) => Self::Fixed(start.clone_box()),
            Self::Each(template) => Self::Each(template.clone_box()),
        }
    }
}

/// What starts a supervisor's child, linked to the supervisor.
pub struct Starter {
    pub(super) supervisor: Arc<dyn AnyProcess>,
    pub(super) setup: Setup,
}

impl Starter {
    /// The node of the supervisor.
    pub fn node(&self) -> &Node {
        self.supervisor.me().node()
    }

    /// The supervisor.
    pub fn supervisor(&self) -> Pid {
        self.supervisor.me().pid()
    }

    /// Starts a server, linked to the supervisor, under the name and within the time that the child's specification says.
    pub fn spawn<S: GenServer>(self, spec: Spec<S>) -> Spawn<S> {
        let node = self.node().clone();
        let mut spawn = Spawn::new(node, spec, Some(self.supervisor));
        if let Some(name) = self.setup.name {
            spawn = spawn.name(name);
        }
        match self.setup.start_timeout {
            Some(timeout) => spawn.timeout(timeout),
            None => spawn,
        }
    }
}

impl Starter {
    /// Starts a plain process, linked to the supervisor, under the name that the child's specification says.
    ///
    /// # Errors
    /// See [`Node::spawn_opt`].
    pub fn spawn_fn<F, R>(self, code: F) -> Result<Pid, StartError>
    where
        F: FnOnce(ProcessCx) -> R + Send + 'static,
        R: Future<Output: IntoExit> + Send + 'static,
    {
        let node = self.node().clone();
        let options = SpawnOptions::new().link();
        let options = match self.setup.name {
            Some(name) => options.name(name),
            None => options,
        };
        plain::start(&node, options, Some(self.supervisor), code).map(|started| started.pid)
    }
}

/// What has a [`Spec`].
pub(super) struct Typed<S: GenServer>(pub(super) Spec<S>);

impl<S: GenServer> StartChild for Typed<S>
where
    Spec<S>: Send,
{
    fn start(&self, starter: Starter) -> Starting {
        let spawn = starter.spawn(self.0.clone());
        Box::pin(async move { Ok(pid_of(spawn.await?.dest())) })
    }

    fn clone_box(&self) -> Box<dyn StartChild> {
        Box::new(Self(self.0.clone()))
    }

    fn server(&self) -> Option<TypeId> {
        Some(TypeId::of::<S>())
    }

    fn type_name(&self) -> &'static str {
        type_name::<S>()
    }
}

/// A handle of what was just started here goes by pid.
fn pid_of(started: Dest) -> Pid {
    match started {
        Dest::Pid(pid) => pid,
        other => unreachable!("a server was started as {other}"),
    }
}

/// A function of the user's.
pub(super) struct Custom<F>(pub(super) F);

impl<F, R> StartChild for Custom<F>
where
    F: Fn(Starter) -> R + Clone + Send + 'static,
    R: Future<Output = Result<Pid, StartError>> + Send + 'static,
{
    fn start(&self, starter: Starter) -> Starting {
        let (start, supervisor) = (self.0.clone(), Arc::clone(&starter.supervisor));
        Box::pin(async move {
            // A panic of the function is a start that failed, as in OTP; not the supervisor's end.
            let pid = caught(async move { start(starter).await })
                .await
                .map_err(StartError::Init)??;
            // Its end must be heard of. A link that is there already stays as it is.
            supervisor.me().link(pid);
            Ok(pid)
        })
    }

    fn clone_box(&self) -> Box<dyn StartChild> {
        Box::new(Self(self.0.clone()))
    }

    fn server(&self) -> Option<TypeId> {
        None
    }

    fn type_name(&self) -> &'static str {
        type_name::<F>()
    }
}

/// A function that makes a [`Spec`] of an argument.
pub(super) struct Made<A, F>(F, PhantomData<fn(A)>);

impl<A, F> Made<A, F> {
    pub(super) const fn new(make: F) -> Self {
        Self(make, PhantomData)
    }
}

impl<A, S, F> Template for Made<A, F>
where
    A: Send + 'static,
    S: GenServer,
    F: Fn(A) -> Spec<S> + Clone + Send + 'static,
{
    fn of(&self, argument: Box<dyn Any + Send>) -> Result<Box<dyn StartChild>, SupervisorError> {
        let argument = argument
            .downcast::<A>()
            .map_err(|_| SupervisorError::OtherArgument(type_name::<A>()))?;
        Ok(Box::new(Typed((self.0)(*argument))))
    }

    fn of_terms(&self, _arguments: &[Term]) -> Result<Box<dyn StartChild>, SupervisorError> {
        Err(SupervisorError::LocalOnly)
    }

    fn clone_box(&self) -> Box<dyn Template> {
        Box::new(Self::new(self.0.clone()))
    }

    fn type_name(&self) -> &'static str {
        type_name::<S>()
    }
}

/// The same, whose argument can also be read from terms.
pub(super) struct Decoded<A, F>(Made<A, F>);

impl<A, F> Decoded<A, F> {
    pub(super) const fn new(make: F) -> Self {
        Self(Made::new(make))
    }
}

impl<A, S, F> Template for Decoded<A, F>
where
    A: for<'a> Decode<'a> + Send + 'static,
    S: GenServer,
    F: Fn(A) -> Spec<S> + Clone + Send + 'static,
{
    fn of(&self, argument: Box<dyn Any + Send>) -> Result<Box<dyn StartChild>, SupervisorError> {
        self.0.of(argument)
    }

    fn of_terms(&self, arguments: &[Term]) -> Result<Box<dyn StartChild>, SupervisorError> {
        let wrong = || SupervisorError::OtherArgument(type_name::<A>());
        let argument = match arguments {
            [one] => one.clone(),
            several => Term::tuple(several.iter().cloned()),
        };
        let bytes = kista_etf::to_vec(&argument).map_err(|_| wrong())?;
        let argument = kista_etf::from_slice::<A>(&bytes).map_err(|_| wrong())?;
        Ok(Box::new(Typed((self.0.0)(argument))))
    }

    fn clone_box(&self) -> Box<dyn Template> {
        Box::new(Self::new(self.0.0.clone()))
    }

    fn type_name(&self) -> &'static str {
        self.0.type_name()
    }
}
