//! The shell: carries out what the core says, in the supervisor's process.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use kista_etf::{Atom, Pid, Term, atoms};
use rustc_hash::FxHashMap;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::answer::{ChildInfo, ChildProcess, Counts};
use super::child::{Child, ChildId, ChildType, Setup, Shutdown};
use super::children::{ChildState, Key, Record};
use super::client::SupervisorClient;
use super::core::{Core, Effect, Event, Offender, Outcome, Reply};
use super::ending::Ending;
use super::error::SupervisorError;
use super::request::{Answer, Request, SupervisorMsg};
use super::spec::{SpecError, Strategy, SupervisorSpec, check_child};
use super::start::{Start, StartChild, Starter};
use crate::gen_server::{Cx, Flow, GenServer, InitStop, StartError};
use crate::node::Unfinished;
use crate::process::AnyProcess;
use crate::reports::{Context, Next, Report, ReportedChild, Source};
use crate::sys::Held;
use crate::{ExitReason, Info};

/// A process that starts, stops and restarts others. See the [module](crate::supervisor).
pub struct Supervisor {
    core: Core,
    /// What starts each child again; of temporary children of a `simple_one_for_one` nothing is kept.
    starts: FxHashMap<Key, Known>,
    /// What the children of a `simple_one_for_one` are made of.
    template: Option<Child>,
    /// What starts the child that is about to be added.
    incoming: Option<Known>,
    /// The back-off of children; they end with the supervisor.
    timers: JoinSet<()>,
    began: Instant,
}

struct Known {
    start: Box<dyn StartChild>,
    setup: Setup,
}

/// What came of an event.
#[derive(Default)]
struct Done {
    reply: Option<Reply>,
    /// The supervisor is to end.
    shutdown: bool,
    boot_failed: Option<(Option<ChildId>, ExitReason)>,
}

impl Done {
    const fn flow(&self) -> Flow {
        match self.shutdown {
            true => Flow::Stop(ExitReason::Shutdown),
            false => Flow::Continue,
        }
    }
}

impl GenServer for Supervisor {
    type Args = SupervisorSpec;
    type Msg = SupervisorMsg;
    type Client = SupervisorClient;

    async fn init(spec: SupervisorSpec, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        cx.trap_exit(true);
        let mut supervisor = Self::new(spec).map_err(|error| {
            let reason = SupervisorError::Spec(error).to_term();
            InitStop::Stop(ExitReason::from(reason))
        })?;
        let done = supervisor.act(Event::Boot, cx).await;
        match done.boot_failed {
            None => Ok(supervisor),
            Some((id, reason)) => Err(InitStop::Stop(failed_to_start(id.as_ref(), &reason))),
        }
    }

    async fn handle(&mut self, message: SupervisorMsg, cx: &mut Cx<Self>) -> Flow {
        let done = match message.0 {
            Request::StartChild(child, reply) => return self.start_child(*child, reply, cx).await,
            Request::StartWith(argument, reply) => {
                let start = self.template().and_then(|start| match start {
                    Start::Each(template) => template.of(argument),
                    Start::Fixed(start) => match argument.is::<()>() {
                        true => Ok(start.clone_box()),
                        false => Err(SupervisorError::OtherArgument("()")),
                    },
                });
                return self.start_dynamic(start, reply, cx).await;
            }
            Request::StartRemote(what, reply) => {
                let start = self.start_of_terms(&what);
                return self.start_dynamic(start, reply, cx).await;
            }
            Request::Terminate(id, reply) => {
                let event = match id.as_term().as_pid() {
                    Some(pid) if self.core.is_simple() => {
                        Event::TerminatePid(pid, cx.node().is_alive(pid))
                    }
                    _ => Event::Terminate(id),
                };
                let done = self.act(event, cx).await;
                reply.reply(match &done.reply {
                    Some(Reply::Failed(refusal)) => Err(refusal.clone().into()),
                    _ => Ok(()),
                });
                done
            }
            Request::Restart(id, reply) => {
                let done = self.act(Event::Restart(id), cx).await;
                reply.reply(started(&done));
                done
            }
            Request::Delete(id, reply) => {
                let done = self.act(Event::Delete(id), cx).await;
                reply.reply(match &done.reply {
                    Some(Reply::Failed(refusal)) => Err(refusal.clone().into()),
                    _ => Ok(()),
                });
                done
            }
            Request::WhichChildren(reply) => {
                reply.reply(self.which_children());
                return Flow::Continue;
            }
            Request::WhichChild(id, reply) => {
                reply.reply(self.which_child(&id));
                return Flow::Continue;
            }
            Request::CountChildren(reply) => {
                reply.reply(self.count_children());
                return Flow::Continue;
            }
            Request::Childspec(id, reply) => {
                reply.reply(self.childspec(&id));
                return Flow::Continue;
            }
            Request::Find(id, server, reply) => {
                reply.reply(self.find(&id, server));
                return Flow::Continue;
            }
            Request::TryAgain(key) => self.act(Event::TryAgain(key), cx).await,
            Request::Due(key, number) => self.act(Event::Due(key, number), cx).await,
        };
        done.flow()
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Flow {
        match info {
            Info::Exit { from, reason } => self.act(Event::Exit(from, reason), cx).await.flow(),
            other => {
                cx.log_not_understood(&other);
                Flow::Continue
            }
        }
    }

    /// `#{strategy => Strategy, children => which_children(), restarts => Counted}`.
    fn format_status(&self) -> Term {
        let field = |name, value| (Term::from(Atom::from_static(name)), value);
        let strategy = match self.core.strategy() {
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
            Strategy::SimpleOneForOne => "simple_one_for_one",
        };
        let children = crate::sys::show::encoded(&self.which_children());
        let restarts = Term::from(self.core.restarts_counted() as u64);
        Term::map([
            field("strategy", Term::from(Atom::from_static(strategy))),
            field("children", children),
            field("restarts", restarts),
        ])
        .unwrap_or(Term::NIL)
    }

    async fn terminate(&mut self, _reason: &ExitReason, cx: &mut Cx<Self>) {
        self.act(Event::End, cx).await;
    }
}

impl Supervisor {
    fn new(spec: SupervisorSpec) -> Result<Self, SpecError> {
        spec.check()?;
        let simple = spec.strategy == Strategy::SimpleOneForOne;
        let template = spec.children.first().filter(|_| simple).cloned();
        let policy = template.as_ref().map(Child::policy).unwrap_or_default();
        let mut core = Core::new(&spec.flags(), policy);
        let mut starts = FxHashMap::default();
        for child in spec.children {
            if let Start::Fixed(start) = &child.start
                && !simple
            {
                let start = start.clone_box();
                let key = core.add(child.id().clone(), child.policy());
                let setup = child.setup();
                starts.insert(key, Known { start, setup });
            }
        }
        Ok(Self {
            core,
            starts,
            template,
            incoming: None,
            timers: JoinSet::new(),
            began: Instant::now(),
        })
    }

    /// Gives the core an event, and carries out what it says, until nothing is left to do.
    async fn act(&mut self, event: Event, cx: &mut Cx<Self>) -> Done {
        let me: Arc<dyn AnyProcess> = Arc::clone(cx.process()) as _;
        let myself = cx.server_ref();
        let mut ending = Ending::new(Arc::clone(&me), Held::new(&mut cx.inbox));
        let mut done = Done::default();
        let mut effects = Vec::new();
        let mut next = Some(event);
        while let Some(event) = next.take() {
            self.core.handle(event, self.began.elapsed(), &mut effects);
            for effect in effects.drain(..) {
                match effect {
                    Effect::Adopt(key) => {
                        if let Some(known) = self.incoming.take() {
                            self.starts.insert(key, known);
                        }
                    }
                    Effect::Forget(key) => {
                        self.starts.remove(&key);
                    }
                    Effect::Start(key) => {
                        next = Some(Event::Started(key, self.start(key, &me).await));
                    }
                    Effect::Tell(pid, reason) => ending.tell(pid, reason),
                    Effect::Kill(pid) => me.me().exit(pid, ExitReason::Kill),
                    Effect::Wait(time) => next = Some(ending.wait(time).await),
                    Effect::TryAgain(key) => {
                        // To itself, behind whatever is in the queue.
                        drop(myself.cast(SupervisorMsg(Request::TryAgain(key))));
                    }
                    Effect::Later(key, number, delay) => self.later(&myself, key, number, delay),
                    Effect::Reply(reply) => done.reply = Some(reply),
                    Effect::Report(context, offender, reason, next) => {
                        self.report(&*me, context, offender, reason, next);
                    }
                    Effect::Progress(key, pid) => self.progress(&*me, key, pid),
                    Effect::BootFailed(id, reason) => done.boot_failed = Some((id, reason)),
                    Effect::Shutdown => done.shutdown = true,
                    Effect::Booted | Effect::AllEnded => {}
                }
            }
        }
        done
    }

    async fn start(&mut self, key: Key, me: &Arc<dyn AnyProcess>) -> Outcome {
        let Some(known) = self.starts.get(&key) else {
            return Outcome::Failed(ExitReason::from(Atom::from_static("unknown_child")));
        };
        let starter = Starter {
            supervisor: Arc::clone(me),
            setup: known.setup.clone(),
        };
        let starting = known.start.start(starter);
        if self.core.is_simple() && self.core.template().restart == super::Restart::Temporary {
            // It is started once: there may be very many.
            self.starts.remove(&key);
        }
        match starting.await {
            Ok(pid) => Outcome::Running(pid),
            Err(StartError::Ignored) => Outcome::Ignored,
            Err(error) => Outcome::Failed(error.into()),
        }
    }

    fn later(&mut self, myself: &super::SupervisorRef, key: Key, number: u64, delay: Duration) {
        while self.timers.try_join_next().is_some() {}
        let myself = myself.clone();
        self.timers.spawn(async move {
            tokio::time::sleep(delay).await;
            drop(myself.cast(SupervisorMsg(Request::Due(key, number))));
        });
    }

    // Requests.

    async fn start_child(
        &mut self,
        child: Child,
        reply: Answer<Option<Pid>>,
        cx: &mut Cx<Self>,
    ) -> Flow {
        if let Err(error) = check_child(&child, Some(self.core.auto_shutdown())) {
            reply.reply(Err(error.into()));
            return Flow::Continue;
        }
        let event = Event::StartChild(child.id().clone(), child.policy());
        let setup = child.setup();
        match child.into_start() {
            Err(error) => {
                reply.reply(Err(error));
                Flow::Continue
            }
            Ok(start) => {
                self.incoming = Some(Known { start, setup });
                self.add(event, reply, cx).await
            }
        }
    }

    async fn start_dynamic(
        &mut self,
        start: Result<Box<dyn StartChild>, SupervisorError>,
        reply: Answer<Option<Pid>>,
        cx: &mut Cx<Self>,
    ) -> Flow {
        match start {
            Err(error) => {
                reply.reply(Err(error));
                Flow::Continue
            }
            Ok(start) => {
                let setup = self.template.as_ref().map(Child::setup).unwrap_or_default();
                self.incoming = Some(Known { start, setup });
                self.add(Event::StartDynamic, reply, cx).await
            }
        }
    }

    async fn add(&mut self, event: Event, reply: Answer<Option<Pid>>, cx: &mut Cx<Self>) -> Flow {
        let done = self.act(event, cx).await;
        self.incoming = None;
        reply.reply(started(&done));
        done.flow()
    }

    /// Of a `simple_one_for_one`.
    fn template(&self) -> Result<&Start, SupervisorError> {
        let template = self.template.as_ref().map(|child| &child.start);
        template.ok_or(SupervisorError::NotSimpleOneForOne)
    }

    /// From extra arguments; a specification is not taken from outside.
    fn start_of_terms(&self, what: &Term) -> Result<Box<dyn StartChild>, SupervisorError> {
        let arguments = what.as_list().ok_or(SupervisorError::CodeFromOutside)?;
        match self.template()? {
            Start::Each(template) => template.of_terms(arguments),
            Start::Fixed(start) if arguments.is_empty() => Ok(start.clone_box()),
            Start::Fixed(_) => Err(SupervisorError::OtherArgument("()")),
        }
    }

    fn which_children(&self) -> Vec<ChildInfo> {
        let children = self.core.children();
        children.map(|child| self.child_info(child)).collect()
    }

    fn which_child(&self, id: &ChildId) -> Result<ChildInfo, SupervisorError> {
        let child = match (self.core.is_simple(), id.as_term().as_pid()) {
            (false, _) => self.core.child(id),
            (true, Some(pid)) => self.core.child_of_pid(pid),
            (true, None) => return Err(SupervisorError::SimpleOneForOne),
        };
        child
            .map(|child| self.child_info(child))
            .ok_or(SupervisorError::NotFound)
    }

    fn child_info(&self, (key, record): (Key, &Record)) -> ChildInfo {
        ChildInfo {
            id: record.id.clone().unwrap_or_else(undefined),
            process: match record.state {
                ChildState::Running(pid) => ChildProcess::Running(pid),
                ChildState::Restarting(..) => ChildProcess::Restarting,
                ChildState::Down => ChildProcess::Down,
            },
            child_type: record.policy.child_type.atom(),
            modules: modules(self.type_name(Some(key))),
        }
    }

    fn count_children(&self) -> Counts {
        let children = self.core.count();
        if self.core.is_simple() {
            let supervise = self.core.template().child_type == ChildType::Supervisor;
            return Counts {
                specs: 1,
                active: self.core.running(),
                supervisors: if supervise { children } else { 0 },
                workers: if supervise { 0 } else { children },
            };
        }
        let types = self.core.children().map(|(_, child)| child.policy);
        let supervisors = types
            .filter(|policy| policy.child_type == ChildType::Supervisor)
            .count();
        Counts {
            specs: children,
            active: self.core.running(),
            supervisors,
            workers: children - supervisors,
        }
    }

    fn childspec(&self, id: &ChildId) -> Result<Term, SupervisorError> {
        if let Some(template) = &self.template {
            let by_pid = id
                .as_term()
                .as_pid()
                .is_some_and(|pid| self.core.child_of_pid(pid).is_some());
            return match by_pid || id == template.id() {
                true => Ok(childspec(
                    template.id(),
                    template.policy(),
                    template.start.type_name(),
                )),
                false => Err(SupervisorError::NotFound),
            };
        }
        let (key, Record { policy, .. }) = self.core.child(id).ok_or(SupervisorError::NotFound)?;
        Ok(childspec(id, *policy, self.type_name(Some(key))))
    }

    fn find(&self, id: &ChildId, server: TypeId) -> Result<Pid, SupervisorError> {
        let (key, record) = self.core.child(id).ok_or(SupervisorError::NotFound)?;
        let ChildState::Running(pid) = record.state else {
            return Err(SupervisorError::NotFound);
        };
        let known = self.starts.get(&key).ok_or(SupervisorError::NotFound)?;
        match known.start.server() == Some(server) {
            true => Ok(pid),
            false => Err(SupervisorError::OtherServer(known.start.type_name())),
        }
    }

    fn type_name(&self, key: Option<Key>) -> &'static str {
        match (key.and_then(|key| self.starts.get(&key)), &self.template) {
            (Some(known), _) => known.start.type_name(),
            (None, Some(template)) => template.start.type_name(),
            (None, None) => "undefined",
        }
    }

    // Reports.

    fn report(
        &self,
        me: &dyn AnyProcess,
        context: Context,
        offender: Offender,
        reason: ExitReason,
        next: Next,
    ) {
        let me = me.me();
        let overdue = context == Context::ShutdownError && reason == ExitReason::Killed;
        if overdue && offender.policy.shutdown != Shutdown::BrutalKill {
            let id = offender.id.as_ref().and_then(|id| id.as_term().as_atom());
            me.node().note_overdue(|| Unfinished {
                pid: offender.pid.unwrap_or_else(|| me.pid()),
                name: id,
                behaviour: self.type_name(offender.key),
                application: me.application(),
                blocked: false,
            });
        }
        let source = Source::Supervisor(me.pid());
        me.node().report(source, || Report::Supervisor {
            supervisor: me.pid(),
            name: me.name(),
            context,
            reason,
            child: self.reported(offender),
            restarts: self.core.restarts_counted(),
            next,
        });
    }

    fn progress(&self, me: &dyn AnyProcess, key: Key, pid: Pid) {
        let me = me.me();
        let Some(record) = self.core.record(key) else {
            return;
        };
        let source = Source::Progress(me.pid());
        me.node().report(source, || Report::Progress {
            supervisor: me.pid(),
            name: me.name(),
            child: self.reported(Offender {
                key: Some(key),
                id: record.id.clone(),
                pid: Some(pid),
                policy: record.policy,
                restarts: record.restarts(),
                count: 1,
            }),
        });
    }

    fn reported(&self, offender: Offender) -> ReportedChild {
        let template = self.template.as_ref().map(|child| child.id().clone());
        let id = offender.id.or(template).unwrap_or_else(undefined);
        ReportedChild {
            id,
            pid: offender.pid,
            starts: self.type_name(offender.key),
            restart: offender.policy.restart,
            shutdown: offender.policy.shutdown,
            significant: offender.policy.significant,
            child_type: offender.policy.child_type,
            restarts: offender.restarts,
            count: offender.count,
        }
    }
}

fn started(done: &Done) -> Result<Option<Pid>, SupervisorError> {
    match &done.reply {
        Some(Reply::Started(pid)) => Ok(*pid),
        Some(Reply::Failed(refusal)) => Err(refusal.clone().into()),
        Some(Reply::Done) | None => Ok(None),
    }
}

fn undefined() -> ChildId {
    ChildId::from(atoms::UNDEFINED)
}

/// `{shutdown, {failed_to_start_child, Id, Reason}}`.
fn failed_to_start(id: Option<&ChildId>, reason: &ExitReason) -> ExitReason {
    let id = id.map_or_else(|| Term::from(atoms::UNDEFINED), |id| id.as_term().clone());
    let failed = Term::from(Atom::from_static("failed_to_start_child"));
    ExitReason::from(Term::tuple([
        Term::from(atoms::SHUTDOWN),
        Term::tuple([failed, id, reason.to_term()]),
    ]))
}

/// `[Module]`: the Rust type.
fn modules(type_name: &str) -> Term {
    Term::list([module(type_name)])
}

fn module(type_name: &str) -> Term {
    Term::from(Atom::new(type_name).unwrap_or(atoms::UNDEFINED))
}

/// OTP's map. The start names the Rust type; there are no arguments to show.
fn childspec(id: &ChildId, policy: super::child::Policy, type_name: &str) -> Term {
    let start = [
        module(type_name),
        Term::from(Atom::from_static("start_link")),
        Term::from(atoms::UNDEFINED),
    ];
    let field = |name, value| (Term::from(Atom::from_static(name)), value);
    Term::map([
        field("id", id.as_term().clone()),
        field("start", Term::tuple(start)),
        field("restart", Term::from(policy.restart.atom())),
        field("significant", Term::from(policy.significant)),
        field("shutdown", policy.shutdown.to_term()),
        field("type", Term::from(policy.child_type.atom())),
        field("modules", modules(type_name)),
    ])
    .unwrap_or(Term::NIL)
}
