use std::any::Any;
use std::future::poll_fn;
use std::task::{Context, Poll};

use kista_etf::{Atom, Term, atoms};

use super::machine::{After, Machine, TimerEffect};
use super::timers::Timers;
use super::{Event, GenStatem, StatemCx};
use crate::gen_server::{Cx, Flow, GenServer, InitStop, Spec, spec};
use crate::sys::{self, Behaviour};
use crate::{ExitReason, Info};

const MODULE: Atom = atoms::GEN_STATEM;

/// A [`GenStatem`] as a process runs it: a server, so that it is spawned, named, linked, supervised, called and stopped as
/// any other. Its loop carries out what the machine's core says.
pub struct Statem<S: GenStatem> {
    data: S,
    machine: Machine<S>,
    timers: Timers,
    effects: Vec<TimerEffect>,
    /// A timer has rung, and so many messages had arrived before it.
    rang_behind: Option<usize>,
}

/// The specification of a state machine that starts from these arguments: `node.spawn(statem::<Lock>(args)).name("lock").await?`.
pub fn statem<S: GenStatem>(args: S::Args) -> Spec<Statem<S>>
where
    S::Args: Clone,
{
    spec(args)
}

/// For a local [`sys::replace_state`](crate::sys::replace_state).
impl<S: GenStatem> Statem<S> {
    /// The present state.
    pub fn state(&self) -> &S::State {
        self.machine.state()
    }

    /// The data.
    pub const fn data(&mut self) -> &mut S {
        &mut self.data
    }

    /// Sets the state. That is no transition: nothing is entered, retried or cancelled.
    pub fn set_state(&mut self, state: S::State) {
        self.machine.replace_state(state);
    }
}

impl<S: GenStatem> GenServer for Statem<S> {
    const MODULE: Atom = MODULE;
    const HAS_LOOP: bool = true;
    type Args = S::Args;
    type Msg = S::Msg;
    type Client = S::Client;

    async fn init(args: S::Args, cx: &mut Cx<Self>) -> Result<Self, InitStop> {
        let (machine, data) = Machine::new(S::init(args, cx).await?);
        Ok(Self {
            data,
            machine,
            timers: Timers::default(),
            effects: Vec::new(),
            rang_behind: None,
        })
    }

    async fn handle(&mut self, message: S::Msg, cx: &mut Cx<Self>) -> Flow {
        self.act(Event::Message(message), cx).await
    }

    async fn handle_info(&mut self, info: Info, cx: &mut Cx<Self>) -> Flow {
        self.act(Event::Info(info), cx).await
    }

    async fn run(&mut self, cx: &mut Cx<Self>) -> Option<ExitReason> {
        // The first state is entered before anything is received.
        let mut flow = self.settle(After::Enter, cx).await;
        loop {
            if let Flow::Stop(reason) = flow {
                return Some(reason);
            }
            if self.machine.wants_hibernation() {
                cx.inbox.shrink();
            }
            flow = match poll_fn(|context| self.poll_received(cx, context)).await {
                Received::Message(message) => self.handle(message, cx).await,
                Received::Info(info) => self.handle_info(info, cx).await,
                Received::Rang(event) => self.act(event, cx).await,
                Received::Stop(reason) => Flow::Stop(reason),
            };
        }
    }

    async fn terminate(&mut self, reason: &ExitReason, cx: &mut Cx<Self>) {
        let state = self.machine.state();
        self.data.terminate(reason, state, cx).await;
    }

    fn format_status(&self) -> Term {
        self.data.format_status(self.machine.state())
    }
}

enum Received<S: GenStatem> {
    Message(S::Msg),
    Info(Info),
    Rang(Event<S>),
    Stop(ExitReason),
}

impl<S: GenStatem> Statem<S> {
    /// Handles an event, and all that the machine has queued then.
    async fn act(&mut self, event: Event<S>, cx: &mut StatemCx<S>) -> Flow {
        let mut next = Some(event);
        while let Some(event) = next {
            let state = self.machine.state();
            let transition = self.data.handle(state, event, cx).await;
            let after = self.machine.transition(transition, &mut self.effects);
            if let Flow::Stop(reason) = self.settle_one(after, cx).await {
                return Flow::Stop(reason);
            }
            next = self.machine.next();
        }
        Flow::Continue
    }

    /// Enters a state, and handles what the machine has queued then.
    async fn settle(&mut self, after: After, cx: &mut StatemCx<S>) -> Flow {
        match self.settle_one(after, cx).await {
            Flow::Stop(reason) => Flow::Stop(reason),
            _ => match self.machine.next() {
                Some(event) => self.act(event, cx).await,
                None => Flow::Continue,
            },
        }
    }

    /// Brings a transition to its end.
    async fn settle_one(&mut self, mut after: After, cx: &mut StatemCx<S>) -> Flow {
        loop {
            after = match after {
                After::Enter => {
                    let (old, state) = self.machine.entering();
                    let entered = self.data.enter(old, state, cx).await;
                    self.machine.entered(entered, &mut self.effects)
                }
                After::Done => {
                    self.timers.apply(&mut self.effects);
                    return Flow::Continue;
                }
                After::Stop(reason) => return Flow::Stop(reason),
            };
        }
    }

    /// What comes next from outside: a message, or a timer. A timer that rings is behind the messages that have arrived, as in
    /// OTP, and in front of later ones.
    fn poll_received(
        &mut self,
        cx: &mut StatemCx<S>,
        context: &mut Context<'_>,
    ) -> Poll<Received<S>> {
        loop {
            let suspended = cx.inbox.is_suspended();
            if self.rang_behind.is_none() && !suspended && self.timers.is_due() {
                self.rang_behind = Some(cx.inbox.waiting());
            }
            let is_turn = self.rang_behind == Some(0) && !suspended;
            let received = match is_turn {
                true => Poll::Pending,
                false => cx.inbox.poll_next(&mut Shown(self), context),
            };
            let received = match received {
                Poll::Ready(received) => received,
                Poll::Pending if cx.inbox.is_suspended() => return Poll::Pending,
                Poll::Pending => {
                    let Poll::Ready(timer) = self.timers.poll(context) else {
                        self.rang_behind = None;
                        match is_turn {
                            // Not due after all: it was cancelled while its turn came.
                            true => continue,
                            false => return Poll::Pending,
                        }
                    };
                    self.rang_behind = None;
                    match self.machine.rang(timer) {
                        Some(event) => {
                            cx.inbox.timed_out();
                            return Poll::Ready(Received::Rang(event));
                        }
                        None => continue,
                    }
                }
            };
            if let Some(before) = &mut self.rang_behind {
                *before = before.saturating_sub(1);
            }
            return Poll::Ready(match received {
                sys::Event::Message(message) => Received::Message(message),
                sys::Event::Info(info) => Received::Info(*info),
                sys::Event::Stop(reason) => Received::Stop(reason),
                sys::Event::System => continue,
            });
        }
    }
}

/// A machine as `sys` sees it.
struct Shown<'a, S: GenStatem>(&'a mut Statem<S>);

impl<S: GenStatem> Behaviour for Shown<'_, S> {
    fn module(&self) -> Atom {
        MODULE
    }

    fn state(&self) -> Term {
        self.0.format_status()
    }

    fn replaceable(&mut self) -> &mut dyn Any {
        self.0
    }
}
