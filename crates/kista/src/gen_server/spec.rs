use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};

use kista_etf::{Atom, Pid};
use kista_sync::slot::ReplySlot;

use super::reply_to::PendingReply;
use super::serve;
use super::{GenServer, ServerRef};
use crate::node::Node;
use crate::process::{AnyProcess, ControlSignal, Process};
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

    fn start(self) -> Result<Stage<S>, StartError> {
        let name = self.name.transpose().map_err(StartError::BadName)?;
        let parent = self.parent.as_ref().map(|parent| parent.me().pid());
        let process =
            self.node
                .insert_process::<S::Msg>(std::any::type_name::<S>(), parent, name)?;
        if let Some(parent) = &self.parent {
            let parent = parent.me();
            process.adopt(parent.pid());
            if !parent.adopt(process.pid()) {
                // As a link to a process that is no more.
                let unlinked = ControlSignal::LinkExit {
                    from: parent.pid(),
                    reason: ExitReason::NoProc,
                };
                self.node.signal(process.pid(), unlinked);
            }
        }
        let started = Arc::new(Started::new());
        serve::start::<S>(
            Arc::clone(&process),
            self.spec.args,
            Arc::clone(&started),
            self.parent,
        );
        Ok(Stage::Waiting(process, started))
    }
}

impl<S: GenServer> IntoFuture for Spawn<S> {
    type Output = Result<ServerRef<S>, StartError>;
    type IntoFuture = Starting<S>;

    fn into_future(self) -> Starting<S> {
        Starting(Stage::Ready(Box::new(self)))
    }
}

/// Where the starter waits. Failure is told by the end of the process, when its name is free again.
pub(super) struct Started {
    slot: ReplySlot<(), StartError>,
    ignored: AtomicBool,
}

impl Started {
    fn new() -> Self {
        Self {
            slot: ReplySlot::new(),
            ignored: AtomicBool::new(false),
        }
    }

    /// `init` returned a state.
    pub(super) fn settle(&self) {
        let _ = self.slot.fill(());
    }

    /// `init` found nothing to do: the end that follows is no failure.
    pub(super) fn ignore(&self) {
        self.ignored.store(true, Relaxed);
    }
}

impl PendingReply for Started {
    fn is_pending(&self) -> bool {
        self.slot.is_pending()
    }

    fn fail(&self, reason: &ExitReason) {
        let error = match self.ignored.load(Relaxed) {
            true => StartError::Ignored,
            false => StartError::Init(reason.clone()),
        };
        let _ = self.slot.fail(error);
    }
}

/// The future of [`Spawn`]: ready when `init` has returned.
#[must_use = "a server starts when this is awaited"]
pub struct Starting<S: GenServer>(Stage<S>);

enum Stage<S: GenServer> {
    Ready(Box<Spawn<S>>),
    Waiting(Arc<Process<S::Msg>>, Arc<Started>),
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
            self.0 = spawn.start()?;
        }
        let Stage::Waiting(_, started) = &self.0 else {
            panic!("a start was polled after it was done")
        };
        let started = ready!(started.slot.poll(cx));
        let Stage::Waiting(process, _) = std::mem::replace(&mut self.0, Stage::Done) else {
            unreachable!("matched above")
        };
        Poll::Ready(started.map(|()| ServerRef::new(Address::local(process))))
    }
}
