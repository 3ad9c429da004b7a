use std::any::Any;
use std::collections::VecDeque;
use std::future::{Future, IntoFuture, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use kista_etf::{Atom, Pid, Term, atoms};
use tokio::time::Instant;

use super::router::{Choice, Intensity, Load, Router};
use super::{PoolInfo, PoolSpec, Routing};
use crate::gen_server::{
    Cx, Flow, GenServer, InitStop, PendingReply, ServerRef, Spec, StartError, Starting,
};
use crate::process::{AnyProcess, Process, Signal, caught_text, drop_quietly};
use crate::reports::{Context as Trouble, Next, Report, ReportedChild, Source};
use crate::supervisor::{ChildId, ChildType, Restart, Shutdown};
use crate::sys::{Behaviour, Event};
use crate::{ExitReason, Info};

/// How long workers may take to end with their pool before they are killed.
const STOP_TIME: Duration = Duration::from_secs(5);

/// The process behind a pool of `S`: a server with the message type of its workers. See the [module](super).
pub struct Pool<S: GenServer> {
    worker: Spec<S>,
    routing: Routing<S::Msg>,
    max_queue: usize,
    intensity: Intensity,
    router: Router,
    places: Vec<Place<S>>,
    /// How many workers there are to be.
    wanted: usize,
    /// What came while no worker was there.
    held: VecDeque<S::Msg>,
    routed: u64,
    refused: u64,
    replaced: u64,
}

enum Place<S: GenServer> {
    Alive(Arc<Process<S::Msg>>),
    Starting(Starting<S>),
}

impl<S: GenServer> GenServer for Pool<S> {
    const HAS_LOOP: bool = true;
    type Args = PoolSpec<S>;
    type Msg = S::Msg;
    type Client = S::Client;

    /// All workers have started when this returns; when one cannot, the pool does not start.
    async fn init(spec: PoolSpec<S>, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        cx.trap_exit(true);
        for (name, value) in [("workers", spec.workers), ("max_queue", spec.max_queue)] {
            if value == 0 {
                return Err(InitStop::from(bad_pool(name)));
            }
        }
        let wanted = spec.workers;
        let (most, period) = spec.intensity;
        let mut pool = Self {
            worker: spec.worker,
            routing: spec.routing,
            max_queue: spec.max_queue,
            intensity: Intensity::new(most, period),
            router: Router::default(),
            places: Vec::with_capacity(wanted),
            wanted,
            held: VecDeque::new(),
            routed: 0,
            refused: 0,
            replaced: 0,
        };
        for _ in 0..wanted {
            let worker = cx.spawn_link(pool.worker.clone()).await;
            let worker = worker.map_err(|error| InitStop::Stop(why(error)))?;
            // One that is gone already is replaced as soon as its exit is read.
            if let Some(process) = process(cx, &worker) {
                pool.places.push(Place::Alive(process));
            }
        }
        Ok(pool)
    }

    async fn handle(&mut self, message: S::Msg, cx: &mut Cx<Self>) -> Flow {
        self.route(message, cx);
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Flow {
        match info {
            Info::Exit { from, reason } => self.ended(from, reason, cx),
            // Workers get plain messages too, as terms.
            Info::Term(term) => {
                match self.choose(Choice::InTurn).and_then(|at| self.pid(at)) {
                    Some(worker) => drop(cx.send(worker, &term)),
                    None => self.refused += 1,
                }
                Flow::Continue
            }
            other => {
                cx.log_not_understood(&other);
                Flow::Continue
            }
        }
    }

    async fn run(&mut self, cx: &mut Cx<Self>) -> Option<ExitReason> {
        loop {
            if let Flow::Stop(reason) = self.fill_up(cx) {
                return Some(reason);
            }
            let flow = match poll_fn(|context| self.poll(cx, context)).await {
                Received::Message(message) => self.handle(message, cx).await,
                Received::Info(info) => self.handle_info(info, cx).await,
                Received::Started(at, started) => self.started(at, started, cx),
                Received::System => Flow::Continue,
                Received::Stop(reason) => return Some(reason),
            };
            if let Flow::Stop(reason) = flow {
                return Some(reason);
            }
        }
    }

    async fn terminate(&mut self, _reason: &ExitReason, cx: &mut Cx<Self>) {
        let alive: Vec<_> = self
            .places
            .iter()
            .filter_map(Place::alive)
            .cloned()
            .collect();
        for worker in &alive {
            worker.push_stop(ExitReason::Shutdown, None);
        }
        let end = Instant::now() + STOP_TIME;
        for worker in alive {
            let left = end.saturating_duration_since(Instant::now());
            let pid = worker.pid();
            let stopped = cx
                .node()
                .stop_process(pid.into(), ExitReason::Shutdown, Some(left));
            if stopped.await == Err(crate::CallError::Timeout) {
                cx.exit(pid, ExitReason::Kill);
            }
        }
    }

    /// What [`info`](super::info) tells, as a map.
    fn format_status(&self) -> Term {
        let info = self.info();
        let pair = |name, value: Term| (Term::from(Atom::from_static(name)), value);
        let count = |n: usize| Term::from(n as u64);
        let map = Term::map([
            pair("workers", count(info.workers)),
            pair("alive", count(info.alive)),
            pair("queues", Term::list(info.queues.into_iter().map(count))),
            pair("routed", Term::from(info.routed)),
            pair("refused", Term::from(info.refused)),
            pair("replaced", Term::from(info.replaced)),
        ]);
        map.unwrap_or(Term::NIL)
    }
}

enum Received<S: GenServer> {
    Message(S::Msg),
    Info(Info),
    Started(usize, Result<ServerRef<S>, StartError>),
    System,
    Stop(ExitReason),
}

impl<S: GenServer> Pool<S> {
    pub(super) fn info(&self) -> PoolInfo {
        let alive = self.places.iter().filter_map(Place::alive);
        let queues: Vec<_> = alive.map(|worker| worker.unread()).collect();
        PoolInfo {
            workers: self.wanted,
            alive: queues.len(),
            queues,
            routed: self.routed,
            refused: self.refused,
            replaced: self.replaced,
        }
    }

    pub(super) const fn want(&mut self, workers: usize) {
        self.wanted = workers;
    }

    fn poll(&mut self, cx: &mut Cx<Self>, context: &mut Context<'_>) -> Poll<Received<S>> {
        if !cx.inbox.is_suspended() {
            for (at, place) in self.places.iter_mut().enumerate() {
                if let Place::Starting(starting) = place
                    && let Poll::Ready(started) = Pin::new(starting).poll(context)
                {
                    return Poll::Ready(Received::Started(at, started));
                }
            }
        }
        let event = std::task::ready!(cx.inbox.poll_next(&mut Shown(self), context));
        Poll::Ready(match event {
            Event::Message(message) => Received::Message(message),
            Event::Info(info) => Received::Info(*info),
            Event::System => Received::System,
            Event::Stop(reason) => Received::Stop(reason),
        })
    }

    fn route(&mut self, message: S::Msg, cx: &mut Cx<Self>) {
        if !self.places.iter().any(|place| place.alive().is_some()) {
            // Its caller hears of the pool's end, should it come to that first.
            return self.held.push_back(message);
        }
        let caller = cx.inbox.take_caller();
        self.hand_over(message, caller, cx.pid());
    }

    fn hand_over(&mut self, mut message: S::Msg, caller: Option<Arc<dyn PendingReply>>, pool: Pid) {
        let choice = match self.routing {
            Routing::RoundRobin => Choice::InTurn,
            Routing::LeastQueue => Choice::LeastQueue,
            Routing::Key(key) => match catch_unwind(AssertUnwindSafe(|| key(&message))) {
                Ok(key) => Choice::Key(key),
                Err(panic) => {
                    let text = caught_text(panic);
                    tracing::error!(%pool, %text, "the routing key panicked: its message is refused");
                    self.refused += 1;
                    if let Some(caller) = caller {
                        caller.fail(&ExitReason::Panic(text.into()));
                    }
                    return drop_quietly(pool, "a message", || drop(message));
                }
            },
        };
        // A worker may end between the choice and the push; it has room for nothing then.
        for _ in 0..=self.places.len() {
            let Some(at) = self.choose(choice) else {
                break;
            };
            let Some(worker) = self.places[at].alive() else {
                break;
            };
            let signal = match &caller {
                Some(caller) => {
                    caller.hand_to(worker.pid());
                    Signal::Call(message, Arc::clone(caller))
                }
                None => Signal::Message(message),
            };
            match worker.push(|| signal) {
                // Workers have no bound of their own: nobody has to wait for room.
                Ok(_) => {
                    self.routed += 1;
                    return;
                }
                Err(refused) => match refused.into_message() {
                    Signal::Message(back) | Signal::Call(back, _) => message = back,
                    _ => return,
                },
            }
        }
        self.refused += 1;
        if let Some(caller) = caller {
            caller.fail(&ExitReason::from(Atom::from_static("overloaded")));
        }
    }

    fn choose(&mut self, choice: Choice) -> Option<usize> {
        let load = |at: usize| match self.places[at].alive() {
            Some(worker) if !worker.has_ended() => match worker.unread() {
                unread if unread < self.max_queue => Load::Queue(unread),
                _ => Load::None,
            },
            _ => Load::None,
        };
        self.router.choose(choice, self.places.len(), load)
    }

    fn pid(&self, at: usize) -> Option<Pid> {
        self.places[at].alive().map(|worker| worker.pid())
    }

    /// A linked process has ended: a worker in its place is replaced, one that was stopped by a resize is forgotten.
    fn ended(&mut self, pid: Pid, reason: ExitReason, cx: &mut Cx<Self>) -> Flow {
        let mut places = self.places.iter();
        let at = places.position(|place| place.alive().is_some_and(|worker| worker.pid() == pid));
        match at {
            Some(at) => self.replace(at, Trouble::ChildTerminated, Some(pid), reason, cx),
            None => Flow::Continue,
        }
    }

    fn replace(
        &mut self,
        at: usize,
        context: Trouble,
        worker: Option<Pid>,
        reason: ExitReason,
        cx: &mut Cx<Self>,
    ) -> Flow {
        if at >= self.wanted {
            self.places.remove(at);
            return Flow::Continue;
        }
        let admitted = self.intensity.admit(Instant::now());
        let next = match admitted {
            true => Next::Restarts,
            false => Next::Ends,
        };
        self.report(at, context, worker, reason, next, cx);
        if !admitted {
            let too_many = "reached_max_restart_intensity";
            let reason = ExitReason::from(Atom::from_static(too_many));
            self.report(at, Trouble::Shutdown, worker, reason, Next::Ends, cx);
            let why = ["shutdown", too_many];
            let why = why.map(|word| Term::from(Atom::from_static(word)));
            return Flow::Stop(ExitReason::from(Term::tuple(why)));
        }
        self.replaced += 1;
        self.places[at] = self.start(cx);
        Flow::Continue
    }

    /// A supervisor's report: each place is a permanent child, whose id is its number.
    fn report(
        &self,
        at: usize,
        context: Trouble,
        worker: Option<Pid>,
        reason: ExitReason,
        next: Next,
        cx: &Cx<Self>,
    ) {
        let source = Source::Supervisor(cx.pid());
        cx.node().report(source, || Report::Supervisor {
            supervisor: cx.pid(),
            name: cx.name(),
            context,
            reason,
            child: ReportedChild {
                id: ChildId::from(at as i64),
                pid: worker,
                starts: std::any::type_name::<S>(),
                restart: Restart::Permanent,
                shutdown: Shutdown::After(STOP_TIME),
                significant: false,
                child_type: ChildType::Worker,
                restarts: u32::try_from(self.replaced).unwrap_or(u32::MAX),
                count: 1,
            },
            restarts: self.intensity.counted() + usize::from(next == Next::Ends),
            next,
        });
    }

    fn start(&self, cx: &mut Cx<Self>) -> Place<S> {
        Place::Starting(cx.spawn_link(self.worker.clone()).into_future())
    }

    fn started(
        &mut self,
        at: usize,
        started: Result<ServerRef<S>, StartError>,
        cx: &mut Cx<Self>,
    ) -> Flow {
        let worker = match started {
            Ok(worker) => process(cx, &worker).ok_or(ExitReason::NoProc),
            Err(error) => Err(why(error)),
        };
        let worker = match worker {
            Ok(worker) => worker,
            // It could not start, or is gone again.
            Err(reason) => return self.replace(at, Trouble::StartError, None, reason, cx),
        };
        self.places[at] = Place::Alive(worker);
        for message in std::mem::take(&mut self.held) {
            self.hand_over(message, None, cx.pid());
        }
        Flow::Continue
    }

    /// As many workers as are wanted.
    fn fill_up(&mut self, cx: &mut Cx<Self>) -> Flow {
        while self.places.len() > self.wanted {
            if let Some(Place::Alive(worker)) = self.places.pop() {
                worker.push_stop(ExitReason::Shutdown, None);
            }
        }
        while self.places.len() < self.wanted {
            let place = self.start(cx);
            self.places.push(place);
        }
        Flow::Continue
    }
}

impl<S: GenServer> Place<S> {
    const fn alive(&self) -> Option<&Arc<Process<S::Msg>>> {
        match self {
            Self::Alive(worker) => Some(worker),
            Self::Starting(_) => None,
        }
    }
}

fn process<S: GenServer>(cx: &Cx<Pool<S>>, worker: &ServerRef<S>) -> Option<Arc<Process<S::Msg>>> {
    cx.node().local_process(worker.dest())
}

/// What is asked of a pool is nothing: `{bad_pool, Name}`.
pub(super) fn bad_pool(name: &'static str) -> Term {
    Term::tuple(["bad_pool", name].map(|word| Term::from(Atom::from_static(word))))
}

/// Why a pool whose worker cannot start does not start.
fn why(error: StartError) -> ExitReason {
    match error {
        StartError::Init(reason) => reason,
        StartError::Ignored => ExitReason::from(Atom::from_static("ignore")),
        StartError::TooManyProcesses => ExitReason::from(Atom::from_static("system_limit")),
        other => ExitReason::from(other.to_string()),
    }
}

/// A pool as `sys` sees it: a server.
struct Shown<'a, S: GenServer>(&'a mut Pool<S>);

impl<S: GenServer> Behaviour for Shown<'_, S> {
    fn module(&self) -> Atom {
        atoms::GEN_SERVER
    }

    fn state(&self) -> Term {
        self.0.format_status()
    }

    fn replaceable(&mut self) -> &mut dyn Any {
        self.0
    }
}
