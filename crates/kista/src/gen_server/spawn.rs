use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kista_etf::{Atom, Reference, Term};
use kista_sync::slot::ReplySlot;

use super::registry::{NameRegistry, ViaName};
use super::reply_to::PendingReply;
use super::serve;
use super::{Address, GenServer, ServerRef, Spec, StartError};
use crate::ExitReason;
use crate::node::{Deadline, Node};
use crate::process::{AnyProcess, ControlSignal, Dest, Process, Via};

/// How long a process that was killed because its `init` took too long is waited for. One that blocks its thread does not
/// end before it lets go.
const KILL_TIME: Duration = Duration::from_secs(1);

/// A server about to start: `node.spawn(Counter::spec(0)).name("counter").await?`.
#[must_use = "a server starts when this is awaited"]
pub struct Spawn<S: GenServer> {
    node: Node,
    spec: Spec<S>,
    name: Name,
    /// The process that starts it, when it is to be linked or to monitor.
    starter: Option<Arc<dyn AnyProcess>>,
    relation: Relation,
    timeout: Option<Duration>,
}

enum Name {
    None,
    Local(Result<Atom, String>),
    Via(ViaName),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Link,
    Monitor,
}

impl<S: GenServer> Spawn<S> {
    pub(crate) fn new(node: Node, spec: Spec<S>, parent: Option<Arc<dyn AnyProcess>>) -> Self {
        Self {
            node,
            spec,
            name: Name::None,
            starter: parent,
            relation: Relation::Link,
            timeout: None,
        }
    }

    /// Registers it under this name, before `init` runs.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        self.name = Name::Local(Atom::new(name).map_err(|_| name.to_owned()));
        self
    }

    /// Registers it in another registry, before `init` runs: `{via, Module, Name}`.
    pub fn via(mut self, registry: Arc<dyn NameRegistry>, name: Term) -> Self {
        self.name = Name::Via(ViaName { registry, name });
        self
    }

    /// How long `init` may take; without a limit unless this is called. Then the process is killed, and the start fails with
    /// [`StartError::Timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    fn start(self) -> Result<Waiting<S>, StartError> {
        let (name, via) = match self.name {
            Name::None => (None, None),
            Name::Local(name) => (Some(name.map_err(StartError::BadName)?), None),
            Name::Via(via) => (None, Some(via)),
        };
        let links = self.relation == Relation::Link;
        let parent = self.starter.as_ref().filter(|_| links);
        let process = self.node.insert_process::<S::Msg>(
            std::any::type_name::<S>(),
            parent.map(|parent| parent.me().pid()),
            name,
        )?;
        if let Some(parent) = parent {
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
        let monitor = self
            .starter
            .as_ref()
            .filter(|_| !links)
            .map(|starter| monitor(&self.node, &**starter, &process));
        let started = Arc::new(Started::new());
        serve::start::<S>(
            Arc::clone(&process),
            self.spec.args,
            serve::Start {
                started: Arc::clone(&started),
                parent: self.starter.clone().filter(|_| links),
                via,
                monitor,
            },
        );
        Ok(Waiting {
            deadline: self.timeout.map(|timeout| self.node.deadline(timeout)),
            process,
            started,
            starter: self.starter,
            monitor,
            killed: false,
        })
    }
}

/// Has the starter watch the process, which has not run yet.
fn monitor<M: Send + 'static>(
    node: &Node,
    starter: &dyn AnyProcess,
    process: &Process<M>,
) -> Reference {
    let reference = node.make_ref();
    let watcher = starter.me();
    let target = Dest::Pid(process.pid());
    watcher.state.lock().monitor(reference, target, Via::Here);
    let monitor = ControlSignal::Monitor {
        watcher: watcher.pid(),
        reference,
        name: None,
    };
    node.signal(process.pid(), monitor);
    reference
}

impl<S: GenServer> IntoFuture for Spawn<S> {
    type Output = Result<ServerRef<S>, StartError>;
    type IntoFuture = Starting<S>;

    fn into_future(self) -> Starting<S> {
        Starting(Stage::Ready(Box::new(self)))
    }
}

/// A server about to start, and to be watched by its starter from before its first step: `start_monitor`. See
/// [`Me::spawn_monitor`](crate::Me::spawn_monitor).
#[must_use = "a server starts when this is awaited"]
pub struct SpawnMonitor<S: GenServer>(Spawn<S>);

impl<S: GenServer> SpawnMonitor<S> {
    pub(crate) fn new(node: Node, spec: Spec<S>, starter: Option<Arc<dyn AnyProcess>>) -> Self {
        let mut spawn = Spawn::new(node, spec, starter);
        spawn.relation = Relation::Monitor;
        Self(spawn)
    }

    /// See [`Spawn::name`].
    pub fn name(self, name: impl AsRef<str>) -> Self {
        Self(self.0.name(name))
    }

    /// See [`Spawn::via`].
    pub fn via(self, registry: Arc<dyn NameRegistry>, name: Term) -> Self {
        Self(self.0.via(registry, name))
    }

    /// See [`Spawn::timeout`].
    pub fn timeout(self, timeout: Duration) -> Self {
        Self(self.0.timeout(timeout))
    }
}

impl<S: GenServer> IntoFuture for SpawnMonitor<S> {
    type Output = Result<(ServerRef<S>, Reference), StartError>;
    type IntoFuture = StartingMonitored<S>;

    fn into_future(self) -> StartingMonitored<S> {
        StartingMonitored(self.0.into_future())
    }
}

/// Where the starter waits. Failure is told by the end of the process, when its name is free again.
pub(super) struct Started {
    slot: ReplySlot<(), StartError>,
    /// What the starter is to hear when the end that follows does not say it.
    instead: OnceLock<StartError>,
}

impl Started {
    const fn new() -> Self {
        Self {
            slot: ReplySlot::new(),
            instead: OnceLock::new(),
        }
    }

    /// `init` returned a state.
    pub(super) fn settle(&self) {
        let _ = self.slot.fill(());
    }

    /// The end that follows is told to the starter as this error.
    pub(super) fn say(&self, error: StartError) {
        let _ = self.instead.set(error);
    }
}

impl PendingReply for Started {
    fn is_pending(&self) -> bool {
        self.slot.is_pending()
    }

    fn fail(&self, reason: &ExitReason) {
        let error = self.instead.get().cloned();
        let error = error.unwrap_or_else(|| StartError::Init(reason.clone()));
        let _ = self.slot.fail(error);
    }
}

/// The future of [`Spawn`]: ready when `init` has returned.
#[must_use = "a server starts when this is awaited"]
pub struct Starting<S: GenServer>(Stage<S>);

/// The future of [`SpawnMonitor`]: ready when `init` has returned.
#[must_use = "a server starts when this is awaited"]
pub struct StartingMonitored<S: GenServer>(Starting<S>);

enum Stage<S: GenServer> {
    Ready(Box<Spawn<S>>),
    Waiting(Waiting<S>),
    Done,
}

struct Waiting<S: GenServer> {
    process: Arc<Process<S::Msg>>,
    started: Arc<Started>,
    starter: Option<Arc<dyn AnyProcess>>,
    monitor: Option<Reference>,
    deadline: Option<Deadline>,
    /// `init` took too long.
    killed: bool,
}

impl<S: GenServer> Waiting<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StartError>> {
        loop {
            let started = match (self.started.slot.poll(cx), &mut self.deadline) {
                (Poll::Ready(started), _) => started,
                (Poll::Pending, None) => return Poll::Pending,
                (Poll::Pending, Some(deadline)) => {
                    ready!(deadline.poll(cx));
                    if !self.killed {
                        self.kill();
                        continue;
                    }
                    Ok(())
                }
            };
            let started = match self.killed {
                true => Err(StartError::Timeout),
                false => started,
            };
            if started.is_err() {
                self.forget_monitor();
            }
            return Poll::Ready(started);
        }
    }

    /// No DOWN beside the error.
    fn forget_monitor(&self) {
        if let (Some(starter), Some(reference)) = (&self.starter, self.monitor) {
            starter.me().state.lock().demonitor(&reference);
        }
    }

    fn kill(&mut self) {
        self.killed = true;
        let node = self.process.node();
        self.forget_monitor();
        if let Some(starter) = &self.starter {
            starter.me().disown(self.process.pid());
        }
        let kill = ControlSignal::Exit {
            from: node.outside(),
            reason: ExitReason::Kill,
        };
        node.signal(self.process.pid(), kill);
        self.deadline = Some(node.deadline(KILL_TIME));
    }
}

// Nothing in it is pinned: the parts are moved, never polled in place.
impl<S: GenServer> Unpin for Starting<S> {}
impl<S: GenServer> Unpin for StartingMonitored<S> {}

impl<S: GenServer> Starting<S> {
    fn poll_started(&mut self, cx: &mut Context<'_>) -> Poll<Result<Waiting<S>, StartError>> {
        if let Stage::Ready(_) = self.0 {
            let Stage::Ready(spawn) = std::mem::replace(&mut self.0, Stage::Done) else {
                unreachable!("matched above")
            };
            self.0 = Stage::Waiting(spawn.start()?);
        }
        let Stage::Waiting(waiting) = &mut self.0 else {
            panic!("a start was polled after it was done")
        };
        let started = ready!(waiting.poll(cx));
        let Stage::Waiting(waiting) = std::mem::replace(&mut self.0, Stage::Done) else {
            unreachable!("matched above")
        };
        Poll::Ready(started.map(|()| waiting))
    }
}

impl<S: GenServer> Future for Starting<S> {
    type Output = Result<ServerRef<S>, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.poll_started(cx)
            .map_ok(|started| ServerRef::new(Address::local(started.process)))
    }
}

impl<S: GenServer> Future for StartingMonitored<S> {
    type Output = Result<(ServerRef<S>, Reference), StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let started = ready!(self.0.poll_started(cx))?;
        let reference = started.monitor.expect("it was started with a monitor");
        let server = ServerRef::new(Address::local(started.process));
        Poll::Ready(Ok((server, reference)))
    }
}
