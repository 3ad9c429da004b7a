use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use kista_etf::{Atom, Pid};

use super::reply_to::CallSlot;
use super::serve;
use super::{CallError, GenServer, ServerRef};
use crate::node::Node;
use crate::process::{AnyProcess, Process};
use crate::{Address, ExitReason};

/// What it takes to start a server, as often as it is needed: its cloneable arguments.
pub struct Spec<S: GenServer> {
    args: S::Args,
    clone: fn(&S::Args) -> S::Args,
}

/// The specification of a server that starts from these arguments.
pub fn spec<S: GenServer>(args: S::Args) -> Spec<S>
where
    S::Args: Clone,
{
    Spec {
        args,
        clone: Clone::clone,
    }
}

impl<S: GenServer> Clone for Spec<S> {
    fn clone(&self) -> Self {
        Self {
            args: (self.clone)(&self.args),
            clone: self.clone,
        }
    }
}

impl<S: GenServer> std::fmt::Debug for Spec<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spec({})", std::any::type_name::<S>())
    }
}

/// Why a server did not start.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// `{already_started, Pid}`: the name is taken by this process.
    #[error("already started: the name is held by {0}")]
    AlreadyStarted(Pid),
    /// `init` found nothing to do: [`InitStop::Ignore`](crate::InitStop::Ignore).
    #[error("init chose not to start")]
    Ignored,
    /// `init` failed with this reason, or panicked.
    #[error("init failed: {0}")]
    Init(ExitReason),
    /// The name has more than 255 characters.
    #[error("not a name: {0}")]
    BadName(String),
    /// The node holds as many processes as it can.
    #[error("the process table is full")]
    TooManyProcesses,
    /// The node is stopping or has stopped.
    #[error("the node has stopped")]
    NodeStopped,
}

/// A server about to start: `node.spawn(Counter::spec(0)).name("counter").await?`.
#[must_use = "a server starts when this is awaited"]
pub struct Spawn<S: GenServer> {
    node: Node,
    spec: Spec<S>,
    name: Option<Result<Atom, String>>,
    parent: Option<Arc<dyn AnyProcess>>,
}

impl<S: GenServer> Spawn<S> {
    pub(crate) fn new(node: Node, spec: Spec<S>, parent: Option<Arc<dyn AnyProcess>>) -> Self {
        Self {
            node,
            spec,
            name: None,
            parent,
        }
    }

    /// Registers it under this name, before `init` runs.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        self.name = Some(Atom::new(name).map_err(|_| name.to_owned()));
        self
    }

    fn start(self) -> Result<(Arc<Process<S::Msg>>, Arc<CallSlot<()>>), StartError> {
        let name = self.name.transpose().map_err(StartError::BadName)?;
        let parent = self.parent.as_ref().map(|parent| parent.pid());
        let process =
            self.node
                .insert_process::<S::Msg>(std::any::type_name::<S>(), parent, name)?;
        if let Some(parent) = &self.parent {
            process.adopt(parent.pid());
            parent.adopt(process.pid);
        }
        let started = CallSlot::new();
        serve::start::<S>(
            Arc::clone(&process),
            self.spec.args,
            Arc::clone(&started),
            self.parent,
        );
        Ok((process, started))
    }
}

impl<S: GenServer> IntoFuture for Spawn<S> {
    type Output = Result<ServerRef<S>, StartError>;
    type IntoFuture = Starting<S>;

    fn into_future(self) -> Starting<S> {
        Starting(Stage::Ready(Box::new(self)))
    }
}

/// The future of [`Spawn`]: ready when `init` has returned.
#[must_use = "a server starts when this is awaited"]
pub struct Starting<S: GenServer>(Stage<S>);

enum Stage<S: GenServer> {
    Ready(Box<Spawn<S>>),
    Waiting(Arc<Process<S::Msg>>, Arc<CallSlot<()>>),
    Done,
}

// Nothing in it is pinned: the parts are moved, never polled in place.
impl<S: GenServer> Unpin for Starting<S> {}

impl<S: GenServer> Future for Starting<S> {
    type Output = Result<ServerRef<S>, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Ready(_) = self.0 {
            let Stage::Ready(spawn) = std::mem::replace(&mut self.0, Stage::Done) else {
                unreachable!("matched above")
            };
            let (process, started) = spawn.start()?;
            self.0 = Stage::Waiting(process, started);
        }
        let Stage::Waiting(_, started) = &self.0 else {
            panic!("a start was polled after it was done")
        };
        let started = ready!(started.poll(cx));
        let Stage::Waiting(process, _) = std::mem::replace(&mut self.0, Stage::Done) else {
            unreachable!("matched above")
        };
        Poll::Ready(match started {
            Ok(()) => Ok(ServerRef::new(Address::local(process))),
            Err(CallError::Exit(reason)) => Err(StartError::Init(reason)),
            Err(CallError::NoProc) => Err(StartError::Ignored),
            Err(other) => Err(StartError::Init(ExitReason::from(other.to_string()))),
        })
    }
}
