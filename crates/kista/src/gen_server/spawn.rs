use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kista_etf::{Reference, Term};
use kista_sync::slot::ReplySlot;

use super::inline;
use super::registry::{NameRegistry, ViaName};
use super::reply_to::PendingReply;
use super::serve;
use super::{Address, GenServer, ServerRef, Spec, StartError};
use crate::ExitReason;
use crate::node::{Deadline, Node};
use crate::process::budget;
use crate::process::{AnyProcess, ControlSignal, Process, SpawnOptions};

/// How long a process that was killed because its `init` took too long is waited for. One that blocks its thread does not
/// end before it lets go.
const KILL_TIME: Duration = Duration::from_secs(1);

/// A server about to start: `node.spawn(Counter::spec(0)).name("counter").await?`.
///
/// Whoever waits for it may do the first step of `init` itself, on its own thread: then no task is made or switched to for an
/// `init` that needs no second step. It runs as the new process. A blocking `init` holds that thread, and so any `timeout` around
/// the wait; with [`timeout`](Self::timeout) here, `init` runs in a task of its own.
#[must_use = "a server starts when this is awaited"]
pub struct Spawn<S: GenServer> {
    node: Node,
    spec: Spec<S>,
    options: SpawnOptions,
    via: Option<ViaName>,
    /// The process that starts it, when it is to be linked or to monitor.
    starter: Option<Arc<dyn AnyProcess>>,
    relation: Relation,
    timeout: Option<Duration>,
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
            options: SpawnOptions::new(),
            via: None,
            starter: parent,
            relation: Relation::Link,
            timeout: None,
        }
    }

    /// Registers it under this name, before `init` runs.
    pub fn name(mut self, name: impl AsRef<str>) -> Self {
        self.options = self.options.name(name);
        self
    }

    /// Options beside the name: the bound of its queue, group leader, environment, deadline. They take the place of those given
    /// before; a name that was given stays unless these have one. Links and monitors are made by
    /// [`Me::spawn_link`](crate::Me::spawn_link) and [`Me::spawn_monitor`](crate::Me::spawn_monitor), not from here.
    pub fn options(mut self, options: SpawnOptions) -> Self {
        let name = self.options.name.take();
        self.options = options;
        self.options.name = self.options.name.take().or(name);
        self
    }

    /// Registers it in another registry, before `init` runs: `{via, Module, Name}`.
    pub fn via(mut self, registry: Arc<dyn NameRegistry>, name: Term) -> Self {
        self.via = Some(ViaName { registry, name });
        self
    }

    /// How long `init` may take; without a limit unless this is called. Then the process is killed, and the start fails with
    /// [`StartError::Timeout`].
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    fn start(self) -> Result<Waiting<S>, StartError> {
        let links = self.relation == Relation::Link;
        let mut options = self.options;
        options.link = links && self.starter.is_some();
        options.monitor = !links;
        let born =
            self.node
                .birth::<S::Msg>(std::any::type_name::<S>(), options, self.starter.clone())?;
        let monitor = born.monitor;
        let inline = inline::may_begin(&born.process, self.timeout);
        let (process, started) = serve::start::<S>(
            born.process,
            self.spec.args,
            serve::Start {
                parent: self.starter.clone().filter(|_| links),
                via: self.via,
                monitor,
            },
            inline,
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

impl<S: GenServer> IntoFuture for Spawn<S> {
    type Output = Result<ServerRef<S>, StartError>;
    type IntoFuture = Starting<S>;

    fn into_future(self) -> Starting<S> {
        Starting(Stage::Ready(self))
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

    /// See [`Spawn::options`].
    pub fn options(self, options: SpawnOptions) -> Self {
        Self(self.0.options(options))
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
    pub(super) const fn new() -> Self {
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

/// Lets the starter go on when it is dropped: the task has run, or will not.
pub(super) struct GoOn(pub(super) Arc<Started>);

impl Drop for GoOn {
    fn drop(&mut self) {
        self.0.settle();
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
    Ready(Spawn<S>),
    Waiting(Waiting<S>),
    Done,
}

struct Waiting<S: GenServer> {
    process: Arc<Process<S::Msg>>,
    /// `None`: it has started.
    started: Option<Arc<Started>>,
    starter: Option<Arc<dyn AnyProcess>>,
    monitor: Option<Reference>,
    deadline: Option<Deadline>,
    /// `init` took too long.
    killed: bool,
}

impl<S: GenServer> Waiting<S> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StartError>> {
        loop {
            let Some(started) = &self.started else {
                return Poll::Ready(Ok(()));
            };
            let started = match (started.slot.poll(cx), &mut self.deadline) {
                (Poll::Ready(started), _) => started,
                (Poll::Pending, None) => return Poll::Pending,
                (Poll::Pending, Some(deadline)) => {
                    ready!(deadline.poll(self.process.node(), cx));
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
            starter.me().state.lock().demonitor(&reference, true);
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
            // Whoever starts one after the other yields from time to time.
            if budget::poll_unit(cx).is_pending() {
                return Poll::Pending;
            }
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
        // A starter that has ended (its context may have outlived it) watches nobody, and nobody would hear of it.
        let reference = started
            .monitor
            .unwrap_or_else(|| started.process.node().make_ref());
        let server = ServerRef::new(Address::local(started.process));
        Poll::Ready(Ok((server, reference)))
    }
}
