use std::collections::BTreeSet;
use std::sync::Arc;

use kista_dist::frame::Payload;
use kista_etf::{Atom, Pid, Term, atoms};

use super::handler::AnyHandler;
use super::request::{Request, WireRequest, reread};
use super::table::{self, Entry, Table};
use super::{EventManager, EventType, Handled, Handler, HandlerId, ManagerMsg, Removed};
use crate::gen_server::{Cx, Flow, GenServer, InitStop, RemoteReply, Spec, caught, spec};
use crate::process::{Me, drop_quietly};
use crate::reports::{CrashReport, During, Report, Shown, Source};
use crate::sys::{info_term, show};
use crate::{ExitReason, Info};

/// The process behind an event manager: a server, started as any other. See the [module](super).
pub struct Manager<E: EventType> {
    table: Table<Box<dyn AnyHandler<E>>>,
    modules: Modules<E>,
    /// A handler asked for hibernation.
    hibernate: bool,
}

/// Makes a handler from the arguments that another node gives.
pub(super) type Make<E> = Arc<dyn Fn(Term) -> Result<Handler<E>, ExitReason> + Send + Sync>;

/// What a manager starts from: made by [`manager`].
pub struct ManagerArgs<E: EventType>(Modules<E>);

/// Which handlers other nodes may add, by name.
type Modules<E> = Vec<(Atom, Make<E>)>;

impl<E: EventType> Clone for ManagerArgs<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// The specification of an event manager without handlers: `node.spawn(gen_event::manager::<Alarm>()).name("alarms").await?`.
pub fn manager<E: EventType>() -> Spec<Manager<E>> {
    manager_with([])
}

/// As [`manager`], with handlers that others may add by name: `gen_event:add_handler({alarms, Node}, counter, Args)` in Erlang.
/// Nothing else can be added from another node.
///
/// ```no_run
/// # use kista::gen_event::{self, EventHandler, Handled, Handler, EventType};
/// # use kista::{Term, Me};
/// # struct Counter; impl EventHandler<Term> for Counter {
/// #     async fn handle_event(&mut self, _: &Term, _: &Me) -> Handled<Term> { Handled::Keep } }
/// let counter = |_args: Term| Ok(Handler::new(Counter));
/// let spec = gen_event::manager_with::<Term>([("counter", std::sync::Arc::new(counter) as _)]);
/// ```
pub fn manager_with<E: EventType>(
    modules: impl IntoIterator<Item = (&'static str, Make<E>)>,
) -> Spec<Manager<E>> {
    let modules = modules.into_iter();
    spec(ManagerArgs(
        modules
            .map(|(name, make)| (Atom::from_static(name), make))
            .collect(),
    ))
}

impl<E: EventType> GenServer for Manager<E> {
    const MODULE: Atom = atoms::GEN_EVENT;
    type Args = ManagerArgs<E>;
    type Msg = ManagerMsg<E>;
    type Client = EventManager<E>;

    async fn init(args: ManagerArgs<E>, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        // The ends of supervisors are to be heard.
        cx.trap_exit(true);
        Ok(Self {
            table: Table::new(),
            modules: args.0,
            hibernate: false,
        })
    }

    async fn handle(&mut self, message: ManagerMsg<E>, cx: &mut Cx<Self>) -> Flow {
        match message {
            ManagerMsg::Notify(event) => self.tell(What::Event(&event), cx).await,
            ManagerMsg::SyncNotify(event, reply) => {
                self.tell(What::Event(&event), cx).await;
                reply.reply(());
            }
            ManagerMsg::Add {
                id,
                handler,
                supervisor,
                reply,
            } => reply.reply(self.add(id, handler, supervisor, None, cx).await),
            ManagerMsg::Delete { id, args, reply } => {
                reply.reply(self.delete(&id, args, cx).await);
            }
            ManagerMsg::Swap {
                old: (old, args),
                new,
                supervisor,
                reply,
            } => reply.reply(self.swap(&old, args, new, supervisor, cx).await),
            ManagerMsg::Call { id, request, reply } => {
                reply.reply(self.call(&id, request, cx).await);
            }
            ManagerMsg::WhichHandlers(reply) => reply.reply(self.which()),
        }
        self.flow()
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Flow {
        match &info {
            Info::Term(term) => {
                if let Some(wire) = WireRequest::read(term) {
                    return self.serve(wire, cx).await;
                }
                match term.as_tagged("notify") {
                    Some([event]) => self.tell(What::Other(event), cx).await,
                    _ => self.tell(What::Info(&info), cx).await,
                }
            }
            Info::Exit { from, reason } => {
                while let Some(at) = self.table.supervised_by(*from) {
                    let why = Removed::SupervisorEnded(reason.clone());
                    let entry = self.table.take(at);
                    remove(entry, &why, cx).await;
                }
                self.tell(What::Info(&info), cx).await;
            }
            _ => self.tell(What::Info(&info), cx).await,
        }
        self.flow()
    }

    async fn terminate(&mut self, _reason: &ExitReason, cx: &mut Cx<Self>) {
        let parent = cx.parent();
        while !self.table.entries().is_empty() {
            let entry = self.table.take(0);
            let supervisor = entry.supervisor;
            remove(entry, &Removed::Stop, cx).await;
            // Whoever supervised a handler does not end with the manager, but for the parent.
            if let Some(supervisor) = supervisor.filter(|pid| Some(*pid) != parent) {
                cx.unlink(supervisor);
            }
        }
    }

    /// As OTP: `[{Module, Id, State}]`.
    fn format_status(&self) -> Term {
        Term::list(self.table.entries().iter().map(|entry| {
            let id = entry.id.id().cloned();
            Term::tuple([
                Term::from(entry.id.module()),
                id.unwrap_or_else(|| Term::from(false)),
                entry.handler.format_status(),
            ])
        }))
    }
}

/// What all handlers are told.
enum What<'a, E> {
    Event(&'a E),
    Other(&'a Term),
    Info(&'a Info),
}

impl<E> Copy for What<'_, E> {}

impl<E> Clone for What<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E: EventType> What<'_, E> {
    fn shown(self) -> Shown {
        Shown::term(match self {
            Self::Event(event) => show::encoded(event),
            Self::Other(term) => term.clone(),
            Self::Info(info) => info_term(info),
        })
    }
}

impl<E: EventType> Manager<E> {
    async fn tell(&mut self, what: What<'_, E>, me: &Me) {
        let mut at = 0;
        while let Some(handler) = self.table.handler(at) {
            let act = match what {
                What::Event(event) => handler.handle_event(event, me),
                What::Other(event) => handler.handle_other(event, me),
                What::Info(info) => handler.handle_info(info, me),
            };
            let handled = caught(act).await.unwrap_or_else(Handled::Fail);
            if self.settle(at, handled, Some(what), me).await {
                at += 1;
            }
        }
    }

    /// What follows a message.
    fn flow(&mut self) -> Flow {
        match std::mem::take(&mut self.hibernate) {
            true => Flow::Hibernate,
            false => Flow::Continue,
        }
    }

    async fn call(
        &mut self,
        id: &HandlerId,
        request: Term,
        me: &Me,
    ) -> Option<Result<Term, ExitReason>> {
        let at = self.table.position(id)?;
        let handler = self.table.handler(at)?;
        let (reply, handled) = match caught(handler.handle_call(request, me)).await {
            Ok((_, Handled::Fail(reason))) => (Err(reason.clone()), Handled::Fail(reason)),
            Ok((reply, handled)) => (Ok(reply), handled),
            Err(panic) => (Err(panic.clone()), Handled::Fail(panic)),
        };
        self.settle(at, handled, None, me).await;
        Some(reply)
    }

    /// Carries out what a handler returned when it was told this; `None`: its answer to a request. Whether its place is taken
    /// still.
    async fn settle(
        &mut self,
        at: usize,
        handled: Handled<E>,
        told: Option<What<'_, E>>,
        me: &Me,
    ) -> bool {
        match handled {
            Handled::Keep => true,
            Handled::Hibernate => {
                self.hibernate = true;
                true
            }
            Handled::Remove => {
                let entry = self.table.take(at);
                remove(entry, &Removed::Removed, me).await;
                false
            }
            Handled::Fail(reason) => {
                let entry = self.table.take(at);
                let last_message = || told.map_or(Shown::Named("call"), What::shown);
                report(&entry, &reason, last_message, me);
                remove(entry, &Removed::Failed(reason), me).await;
                false
            }
            Handled::Swap { args, id, handler } => {
                let old = self.table.take(at);
                let supervisor = old.supervisor;
                let left = replaced(old, args, &id, supervisor, me).await;
                let mut new = Entry {
                    id,
                    supervisor,
                    handler: handler.0,
                };
                match init(&mut new.handler, Some(left), me).await {
                    Ok(()) => {
                        self.table.put(at, new);
                        true
                    }
                    Err(reason) => {
                        report(&new, &reason, || Shown::Nothing, me);
                        tell_supervisor(&new, &Removed::Failed(reason), me);
                        discard(new.handler, me);
                        false
                    }
                }
            }
        }
    }

    async fn add(
        &mut self,
        id: HandlerId,
        handler: Handler<E>,
        supervisor: Option<Pid>,
        swapped: Option<Term>,
        me: &Me,
    ) -> Result<(), ExitReason> {
        if let Some(supervisor) = supervisor {
            me.link(supervisor);
        }
        let mut handler = handler.0;
        if let Err(reason) = init(&mut handler, swapped, me).await {
            discard(handler, me);
            return Err(reason);
        }
        self.table.add(Entry {
            id,
            supervisor,
            handler,
        });
        Ok(())
    }

    async fn delete(&mut self, id: &HandlerId, args: Term, me: &Me) -> Option<Term> {
        let at = self.table.position(id)?;
        let entry = self.table.take(at);
        Some(remove(entry, &Removed::Deleted(args), me).await)
    }

    async fn swap(
        &mut self,
        old: &HandlerId,
        args: Term,
        (id, handler): (HandlerId, Handler<E>),
        supervisor: Option<Pid>,
        me: &Me,
    ) -> Result<(), ExitReason> {
        let (left, supervisor) = self.give_way(old, args, &id, supervisor, me).await;
        self.add(id, handler, supervisor, Some(left), me).await
    }

    /// The old handler goes. What it leaves to the new one, and who supervises that.
    async fn give_way(
        &mut self,
        old: &HandlerId,
        args: Term,
        new: &HandlerId,
        supervisor: Option<Pid>,
        me: &Me,
    ) -> (Term, Option<Pid>) {
        let Some(at) = self.table.position(old) else {
            return (Term::from(atoms::ERROR), supervisor);
        };
        let old = self.table.take(at);
        let supervisor = supervisor.or(old.supervisor);
        let left = replaced(old, args, new, supervisor, me).await;
        (left, supervisor)
    }

    fn which(&self) -> Vec<HandlerId> {
        let entries = self.table.entries().iter();
        entries.map(|entry| entry.id.clone()).collect()
    }
}

/// Requests from other nodes.
impl<E: EventType> Manager<E> {
    async fn serve(&mut self, wire: WireRequest, me: &Me) -> Flow {
        let WireRequest { from, tag, request } = wire;
        let stops = matches!(request, Request::Stop);
        let answer = match request {
            Request::SyncNotify(event) => {
                match reread::<E>(&event) {
                    Ok(event) => self.tell(What::Event(&event), me).await,
                    Err(_) => self.tell(What::Other(&event), me).await,
                }
                Term::from(atoms::OK)
            }
            Request::Call(id, request) => match self.call(&id, request, me).await {
                None => error(Term::from(Atom::from_static("bad_module"))),
                Some(Ok(reply)) => reply,
                Some(Err(reason)) => error(exit(&reason.to_term())),
            },
            Request::Add {
                id,
                args,
                supervisor,
            } => match self.make(&id, args) {
                Err(answer) => answer,
                Ok(handler) => match self.add(id, handler, supervisor, None, me).await {
                    Ok(()) => Term::from(atoms::OK),
                    Err(reason) => error(reason.to_term()),
                },
            },
            Request::Delete(id, args) => match self.delete(&id, args, me).await {
                Some(left) => left,
                None => error(Term::from(Atom::from_static("module_not_found"))),
            },
            Request::Swap {
                old: (old, args),
                new: (new, new_args),
                supervisor,
            } => {
                // The old one goes even if the new one does not come.
                let (left, supervisor) = self.give_way(&old, args, &new, supervisor, me).await;
                match self.make(&new, new_args) {
                    Err(answer) => error(answer),
                    Ok(handler) => match self.add(new, handler, supervisor, Some(left), me).await {
                        Ok(()) => Term::from(atoms::OK),
                        Err(reason) => error(reason.to_term()),
                    },
                }
            }
            Request::WhichHandlers => Term::list(self.which().iter().map(Term::from)),
            Request::Modules => {
                let entries = self.table.entries().iter();
                let modules: BTreeSet<Term> =
                    entries.map(|entry| Term::from(entry.id.module())).collect();
                Term::list(modules)
            }
            Request::Stop => Term::from(atoms::OK),
        };
        let node = me.node().clone();
        let reply = RemoteReply::new(node, me.pid(), from, tag, Payload::default(), None);
        reply.send_term(&answer);
        match stops {
            true => Flow::Stop(ExitReason::Normal),
            false => self.flow(),
        }
    }

    /// A handler that others may add; Err: what OTP answers when `init` of a module cannot be called, or fails.
    fn make(&self, id: &HandlerId, args: Term) -> Result<Handler<E>, Term> {
        let known = self.modules.iter().find(|(name, _)| *name == id.module());
        let Some((_, make)) = known else {
            let call = Term::tuple([
                Term::from(id.module()),
                Term::from(Atom::from_static("init")),
                Term::list([args]),
                Term::NIL,
            ]);
            let undef = Term::from(Atom::from_static("undef"));
            return Err(exit(&Term::tuple([undef, Term::list([call])])));
        };
        make(args).map_err(|reason| exit(&reason.to_term()))
    }
}

/// The last act of a handler that gives its place to another.
async fn replaced<E: EventType>(
    mut old: Entry<Box<dyn AnyHandler<E>>>,
    args: Term,
    new: &HandlerId,
    supervisor: Option<Pid>,
    me: &Me,
) -> Term {
    let left = terminate(&mut old.handler, &Removed::Swapped(args), me).await;
    send(old.notice(table::swapped(new, supervisor)), me);
    discard(old.handler, me);
    left
}

/// The last act of a handler that was taken out of the table, and what is said of it.
async fn remove<E: EventType>(
    mut entry: Entry<Box<dyn AnyHandler<E>>>,
    why: &Removed,
    me: &Me,
) -> Term {
    let left = terminate(&mut entry.handler, why, me).await;
    tell_supervisor(&entry, why, me);
    discard(entry.handler, me);
    left
}

/// A handler whose Drop panics is gone all the same; the manager and the other handlers go on.
fn discard<E: EventType>(handler: Box<dyn AnyHandler<E>>, me: &Me) {
    drop_quietly(me.pid(), "an event handler", || drop(handler));
}

async fn init<E: EventType>(
    handler: &mut Box<dyn AnyHandler<E>>,
    swapped: Option<Term>,
    me: &Me,
) -> Result<(), ExitReason> {
    caught(handler.init(swapped, me))
        .await
        .and_then(|result| result)
}

/// A panic here is what it leaves: `{'EXIT', {panic, Text}}`.
async fn terminate<E: EventType>(
    handler: &mut Box<dyn AnyHandler<E>>,
    why: &Removed,
    me: &Me,
) -> Term {
    let left = caught(handler.terminate(why, me)).await;
    left.unwrap_or_else(|panic| exit(&panic.to_term()))
}

/// The crash report of a handler, which costs the manager nothing else.
fn report<E: EventType>(
    entry: &Entry<Box<dyn AnyHandler<E>>>,
    reason: &ExitReason,
    last_message: impl FnOnce() -> Shown,
    me: &Me,
) {
    let source = Source::Crash(me.behaviour(), me.name());
    me.node().report(source, || {
        let during = During::Handler(entry.id.clone());
        let crash = CrashReport::of(me, atoms::GEN_EVENT, during, reason.clone())
            .last_message(last_message())
            .state(Shown::state(|| entry.handler.format_status()));
        Report::Crash(Box::new(crash))
    });
}

fn tell_supervisor<H>(entry: &Entry<H>, why: &Removed, me: &Me) {
    send(entry.notice(table::reason(why)), me);
}

fn send(notice: Option<table::Notice>, me: &Me) {
    if let Some(notice) = notice {
        me.send(notice.to, &notice.message);
    }
}

fn error(what: Term) -> Term {
    Term::tuple([Term::from(atoms::ERROR), what])
}

fn exit(reason: &Term) -> Term {
    Term::tuple([Term::from(atoms::EXIT), reason.clone()])
}
