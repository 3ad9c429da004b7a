//! The shell: carries out what the core says, as the process `application_controller`.

use std::sync::Arc;

use kista_etf::{Atom, DecodeError, Decoder, Pid};
use rustc_hash::FxHashMap;

use super::core::{Core, Effect, Event};
use super::{Application, ApplicationError, ApplicationInfo, StartType, master};
use crate::gen_server::{Address, Caller, Cx, Flow, GenServer, InitStop, Message, ReplyTo};
use crate::node::{StopCause, WeakNode};
use crate::process::AnyProcess;
use crate::{Dest, ExitReason, Info};

/// The name under which it is registered, as in OTP.
pub(super) const NAME: &str = "application_controller";

/// Loads, starts and stops the applications of a node, one thing after the other.
pub(super) struct Controller {
    core: Core<Answer, Pid>,
    /// What is about to be loaded.
    incoming: Option<Arc<Application>>,
    /// The masters of starts that are under way.
    starting: FxHashMap<Pid, Atom>,
    node: WeakNode,
}

/// As in OTP, a node does not outlive it: its masters end with it, and what it knew of them is gone.
impl Drop for Controller {
    fn drop(&mut self) {
        if let Some(node) = self.node.upgrade() {
            node.begin_stop(StopCause::ApplicationController);
        }
    }
}

pub(super) type Answer = ReplyTo<Result<(), ApplicationError>>;

pub(super) enum Msg {
    Load(Arc<Application>, Answer),
    Unload(Atom, Answer),
    Start(Atom, StartType, Answer),
    Stop(Atom, Answer),
    /// From a master.
    Started(Atom, Pid),
    /// The node ends.
    End(Answer),
    WhichApplications(ReplyTo<Vec<ApplicationInfo>>),
}

impl Message for Msg {
    fn decode_call(d: &mut Decoder<'_>, caller: &mut Caller) -> Result<Self, DecodeError> {
        match d.term()?.as_atom_str() {
            Some("which_applications") => Ok(Self::WhichApplications(caller.reply_to()?)),
            _ => Err(DecodeError::custom(
                "not a request that is taken from another node",
            )),
        }
    }
}

impl GenServer for Controller {
    type Args = ();
    type Msg = Msg;
    type Client = Address<Msg>;

    async fn init((): (), cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        cx.trap_exit(true);
        Ok(Self {
            core: Core::new(),
            incoming: None,
            starting: FxHashMap::default(),
            node: cx.node().downgrade(),
        })
    }

    async fn handle(&mut self, message: Msg, cx: &mut Cx<Self>) -> Flow {
        let event = match message {
            Msg::Load(application, to) => {
                let keys = application.keys();
                let (name, depends_on) = (keys.name, keys.depends_on.to_vec());
                let has_code = keys.has_code;
                self.incoming = Some(application);
                Event::Load {
                    name,
                    depends_on,
                    has_code,
                    to,
                }
            }
            Msg::Unload(name, to) => Event::Unload(name, to),
            Msg::Start(name, start_type, to) => Event::Start(name, start_type, to),
            Msg::Stop(name, to) => Event::Stop(name, to),
            Msg::Started(name, master) => {
                self.starting.remove(&master);
                Event::Started(name, Ok(master))
            }
            Msg::End(to) => Event::End(to),
            Msg::WhichApplications(reply) => {
                reply.reply(cx.node().application_registry().running());
                return Flow::Continue;
            }
        };
        self.act(event, cx).await;
        Flow::Continue
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Flow {
        match info {
            Info::Exit { from, reason } => {
                cx.node().application_registry().forget_master(from);
                let event = match self.starting.remove(&from) {
                    Some(name) => Event::Started(name, Err(reason)),
                    None => Event::Ended(from, reason),
                };
                self.act(event, cx).await;
            }
            other => cx.log_not_understood(&other),
        }
        Flow::Continue
    }
}

impl Controller {
    async fn act(&mut self, event: Event<Answer, Pid>, cx: &mut Cx<Self>) {
        let node = cx.node().clone();
        let registry = node.application_registry();
        let mut effects = Vec::new();
        let mut next = Some(event);
        while let Some(event) = next.take() {
            self.core.handle(event, &mut effects);
            for effect in effects.drain(..) {
                match effect {
                    Effect::Load(_) => {
                        if let Some(application) = self.incoming.take() {
                            registry.load(application);
                        }
                    }
                    Effect::Unload(name) => registry.unload(name),
                    Effect::Start(name) => next = self.start(name, cx),
                    Effect::Running(application, start_type, _) => {
                        registry.has_started(application, start_type);
                        tracing::info!(%application, %start_type, "application started");
                    }
                    Effect::Stop(master) => end(master, ExitReason::Normal, cx).await,
                    Effect::Shutdown(master) => end(master, ExitReason::Shutdown, cx).await,
                    Effect::Abandon(name) => self.abandon(name, cx).await,
                    Effect::Exited(application, start_type, reason) => {
                        registry.has_ended(application);
                        say_end(application, start_type, reason);
                    }
                    Effect::Failed(application, start_type, reason) => {
                        tracing::error!(%application, %start_type, %reason, "application did not start");
                    }
                    Effect::Reply(to, answer) => to.reply(answer),
                    Effect::StopNode(cause) => {
                        node.begin_stop(cause);
                    }
                }
            }
        }
        self.incoming = None;
    }

    fn start(&mut self, name: Atom, cx: &Cx<Self>) -> Option<Event<Answer, Pid>> {
        let registry = cx.node().application_registry();
        let application = registry.find(name)?;
        let controller: Arc<dyn AnyProcess> = Arc::clone(cx.process()) as _;
        match master::start(&controller, cx.server_ref(), application) {
            Ok(master) => {
                self.starting.insert(master, name);
                None
            }
            Err(error) => Some(Event::Started(name, Err(error.into()))),
        }
    }

    async fn abandon(&mut self, name: Atom, cx: &mut Cx<Self>) {
        let masters = self.starting.iter();
        let masters = masters.filter(|(_, starting)| **starting == name);
        let masters: Vec<_> = masters.map(|(pid, _)| *pid).collect();
        for master in masters {
            self.starting.remove(&master);
            end(master, ExitReason::Kill, cx).await;
        }
    }
}

/// Ends a master and waits for as long as it takes. Of its exit signal nothing comes: the core knows no such master any more.
async fn end(master: Pid, reason: ExitReason, cx: &mut Cx<Controller>) {
    // An error: it had ended already.
    let _ = cx
        .node()
        .stop_process(Dest::Pid(master), reason, None)
        .await;
    cx.node().application_registry().forget_master(master);
}

fn say_end(application: Atom, start_type: StartType, reason: Option<ExitReason>) {
    match reason {
        None => tracing::info!(%application, %start_type, "application stopped"),
        Some(ExitReason::Normal) => {
            tracing::info!(%application, %start_type, "application ended");
        }
        Some(reason) => {
            tracing::error!(%application, %start_type, %reason, "application ended");
        }
    }
}
