//! A server at rest: it has a state and a context, and no future of its code.
//!
//! Most servers wait for long until they are asked something, and most of what they are asked needs nothing awaited. So what waits is
//! small, and a turn for such a message is a plain call, in place of a future that is resumed, asks for a message, and waits again. Rules:
//! 1. It is parked in its queue as any process that waits. So whatever is sent to it has the same effect, in the same order and from
//!    anywhere, as on one whose code runs. A message of its own type that ends the park comes with it, past the queue, which was empty:
//!    it is read first, unless signals came since. If its code begins before that, or it ends, that message is the first of those taken over.
//! 2. Only who waits for its next message rests, and for nothing else. A behaviour with a loop of its own does not, nor a server that has
//!    more to do (`continue_with`, `then`, a timeout).
//! 3. It handles messages of its own type by [`GenServer::handle_now`]. For whatever else is there its code begins ([`serve`]), with what is
//!    in hand ([`First`]): a message that has to be awaited for, a flow that is not `Continue`, a panic, what came encoded, a signal.
//!    Then what is in hand comes before whatever has been sent since, as it would within the code.
//! 4. Its code rests again behind [`SETTLED`] messages in a row that it took by itself and needed for nothing: what comes and goes would be
//!    dearer than what it takes.
//! 5. Who waits for the stop of one that was never sent anything does its first turn, which mostly is the last: see
//!    [`inline`](super::inline). Who calls one that is only called does its turns, as any server's: see `process/shell.rs`.

use std::pin::Pin;
use std::sync::Arc;

use super::serve::serve;
use super::{Cx, Flow, GenServer};
use crate::ExitReason;
use crate::node::Node;
use crate::process::{
    AtRest, Begun, Caller, Handed, On, Parked, Process, Rest, Row, Signal, Waits, abandon, current,
    run_as, task,
};
use crate::scheduler::{ROUNDS, Runnable, Task, Turns, schedule, schedule_again};

/// Rule 4.
pub(super) const SETTLED: u8 = 32;

/// A server at rest.
pub(super) struct Resting<S: GenServer> {
    // Lent to `current` while the process's code runs.
    process: Option<Arc<Process<S::Msg>>>,
    /// `None`: its code has begun.
    state: Option<(S, Cx<S>)>,
    /// The message that it was woken with: it comes before whatever is in its queue.
    given: Option<Signal<S::Msg>>,
    row: Row,
    /// It had no turn yet.
    is_fresh: bool,
}

/// With what the code of a server begins.
pub(super) enum First<M> {
    Message(M),
    Flow(Flow),
    /// A callback failed so.
    Failed(ExitReason),
}

/// What a turn came to.
enum After<M> {
    Over,
    Waits,
    /// It did as much as one turn may.
    Ready,
    Begins(Option<Box<First<M>>>),
}

/// Lets the server wait for what is sent to it.
pub(super) fn rest<S: GenServer>(process: &Arc<Process<S::Msg>>, server: S, cx: Cx<S>) {
    process.rest(Box::pin(Resting {
        process: Some(Arc::clone(process)),
        state: Some((server, cx)),
        given: None,
        row: Row::NONE,
        is_fresh: true,
    }));
}

impl<S: GenServer> Resting<S> {
    /// Of a server whose code has run, for the shell that has its process.
    pub(super) fn again(server: S, cx: Cx<S>) -> Box<Self> {
        Box::new(Self {
            process: None,
            state: Some((server, cx)),
            given: None,
            row: Row::NONE,
            is_fresh: false,
        })
    }

    fn turn(&mut self) -> After<S::Msg> {
        let Some((server, cx)) = &mut self.state else {
            return After::Over;
        };
        self.is_fresh = false;
        let given = &mut self.given;
        if !cx.inbox.begin_at_rest(given.is_some()) {
            return After::Begins(None);
        }
        let mut first = None;
        let ran = run_as(&mut self.process, || first = handle_all(server, cx, given));
        Self::after(cx, ran, first)
    }

    /// The turn that begins with a call which was handed over.
    fn turn_for(&mut self, call: Handed<'_, S::Msg>) -> After<S::Msg> {
        let Some((server, cx)) = &mut self.state else {
            return After::Over;
        };
        let inbox = &mut cx.inbox;
        let fits = |message: &S::Msg| inbox.begin_at_rest(false) && inbox.takes_handed(message);
        if !call.message.as_ref().is_some_and(fits) {
            call.queue();
            return After::Begins(None);
        }
        let Some(message) = call.message.take() else {
            unreachable!("it fits")
        };
        let caller = call.caller;
        let mut first = None;
        let ran = run_as(&mut self.process, || {
            first = match handle(server, cx, message, Some(caller)) {
                Handled::All => None,
                Handled::This => handle_all(server, cx, &mut None),
                Handled::Not(first) => Some(first),
            };
        });
        if ran.is_err() {
            cx.inbox.is_awaited_by(caller.who_waits());
        }
        Self::after(cx, ran, first)
    }

    #[inline(always)]
    fn after(
        cx: &mut Cx<S>,
        ran: Result<(), ExitReason>,
        first: Option<Box<First<S::Msg>>>,
    ) -> After<S::Msg> {
        if let Err(panic) = ran {
            return After::Begins(Some(Box::new(First::Failed(panic))));
        }
        if first.is_some() {
            return After::Begins(first);
        }
        match cx.inbox.end_at_rest() {
            AtRest::Waits => After::Waits,
            AtRest::Spent => After::Ready,
            AtRest::Left => After::Begins(None),
            AtRest::Over => After::Over,
        }
    }

    /// Behind a turn: as the shell's. `held`: the process, when somebody holds it for as long.
    #[inline]
    fn settle(
        mut self: Pin<Box<Self>>,
        after: After<S::Msg>,
        begun: Begun,
        held: Option<&Process<S::Msg>>,
    ) -> Settled {
        let this = &mut *self;
        match (after, &this.process) {
            (After::Over, _) | (_, None) => Settled::Done,
            (After::Ready, Some(process)) => {
                this.row.ends();
                let flooded = process.is_flooded();
                schedule_again(self, flooded);
                Settled::Done
            }
            (After::Waits, Some(process)) => {
                this.row.waits(process, begun);
                // Once it is parked another thread may run it, and end it.
                let counted = held.is_none().then(|| Arc::clone(process));
                let Some(process) = held.or(counted.as_deref()) else {
                    return Settled::Done;
                };
                match process.park(self) {
                    Ok(()) => Settled::Done,
                    Err(again) if process.had_whole_turn() => {
                        schedule_again(again, process.is_flooded());
                        Settled::Done
                    }
                    Err(again) => Settled::Again(again),
                }
            }
            (After::Begins(first), Some(_)) => match self.begin(first) {
                Some(begun) => Settled::Begun(begun),
                None => Settled::Done,
            },
        }
    }

    /// Its code begins, in the turn that it has.
    fn begin(mut self: Pin<Box<Self>>, first: Option<Box<First<S::Msg>>>) -> Option<Task> {
        let given = self.given.take();
        let (server, mut cx) = self.state.take()?;
        if let Some(given) = given {
            cx.inbox.take_given(given);
        }
        let (process, row) = (self.process.take()?, self.row);
        drop(self);
        let on = match first {
            Some(_) => On::InHand,
            None => On::InTurn,
        };
        Some(task(process, row, on, move || serve(server, cx, first)))
    }
}

/// How a turn was settled.
enum Settled {
    Done,
    /// Something was sent meanwhile.
    Again(Task),
    /// The turn is its code's now.
    Begun(Task),
}

impl Settled {
    /// Goes on, where the turn was the first of so many that a caller does.
    fn step(self, rounds: usize) {
        match self {
            Self::Done => {}
            Self::Again(again) => again.step(rounds - 1),
            Self::Begun(begun) => begun.step(rounds),
        }
    }
}

/// Handles what is there, until its code is needed.
#[inline]
fn handle_all<S: GenServer>(
    server: &mut S,
    cx: &mut Cx<S>,
    given: &mut Option<Signal<S::Msg>>,
) -> Option<Box<First<S::Msg>>> {
    // By itself: of many messages only the first is so.
    if given.is_some() {
        let mut message = None;
        cx.inbox.given_message(given, &mut message);
        if let Some(message) = message {
            match handle(server, cx, message, None) {
                Handled::All => return None,
                Handled::This => {}
                Handled::Not(first) => return Some(first),
            }
        }
    }
    loop {
        let mut message = None;
        cx.inbox.next_message(&mut message);
        let Some(message) = message else {
            if cx.inbox.takes_more() {
                continue;
            }
            return None;
        };
        match handle(server, cx, message, None) {
            Handled::All => return None,
            Handled::This => {}
            Handled::Not(first) => return Some(first),
        }
    }
}

/// What came of a message.
enum Handled<M> {
    /// There is no other.
    All,
    This,
    /// The server's code has to begin with this.
    Not(Box<First<M>>),
}

#[inline(always)]
fn handle<S: GenServer>(
    server: &mut S,
    cx: &mut Cx<S>,
    message: S::Msg,
    caller: Option<Caller<'_>>,
) -> Handled<S::Msg> {
    let flow = server.handle_now(message, cx);
    if let Some(caller) = caller {
        cx.inbox.is_awaited_by(caller.who_waits());
    }
    match flow {
        // By itself: of this one nothing but what it is has been written, to be copied.
        Ok(Flow::Continue) if cx.has_more() => Handled::Not(Box::new(First::Flow(Flow::Continue))),
        // Mostly it was the only one.
        Ok(Flow::Continue) if cx.inbox.is_read_up() => Handled::All,
        Ok(Flow::Continue) => Handled::This,
        Ok(flow) => Handled::Not(Box::new(First::Flow(flow))),
        Err(message) => Handled::Not(Box::new(First::Message(message))),
    }
}

// Nothing in it is pinned: it is moved out before its code begins.
impl<S: GenServer> Unpin for Resting<S> {}

impl<S: GenServer> Runnable for Resting<S> {
    fn run(mut self: Pin<Box<Self>>) {
        let begun = self.row.begin();
        let after = self.turn();
        match self.settle(after, begun, None) {
            Settled::Done => {}
            Settled::Again(again) => schedule(again),
            Settled::Begun(begun) => begun.run(),
        }
    }

    fn step(mut self: Pin<Box<Self>>, rounds: usize) {
        // Its end is waited for, and nothing else was ever sent to it.
        if self.is_fresh && self.given.is_none() {
            self.is_fresh = false;
            return self.begin(None).map_or((), |begun| begun.run());
        }
        let begun = self.row.begin_called();
        let after = match rounds {
            0 => After::Ready,
            _ => self.turn(),
        };
        self.settle(after, begun, None).step(rounds);
    }

    fn node(&self) -> &Node {
        match &self.process {
            Some(process) => process.node(),
            None => unreachable!("the handle is lent only while the code runs"),
        }
    }

    fn turns(&self) -> Turns {
        match self.is_fresh {
            true => Turns::First,
            false if self.row.is_of_callers() => Turns::OfCallers,
            false => Turns::OfLanes,
        }
    }
}

impl<S: GenServer> Waits<S::Msg> for Resting<S> {
    fn takes_calls(&self) -> bool {
        self.turns() == Turns::OfCallers
    }

    fn given(self: Pin<&mut Self>) -> Option<&mut Option<Signal<S::Msg>>> {
        Some(&mut self.get_mut().given)
    }

    fn answer(mut self: Pin<Box<Self>>, call: Handed<'_, S::Msg>) {
        let begun = self.row.begin_called();
        let process = call.process;
        let after = self.turn_for(call);
        self.settle(after, begun, Some(process)).step(ROUNDS);
    }
}

impl<S: GenServer> Rest<S::Msg> for Resting<S> {
    fn at_rest(mut self: Box<Self>, process: Arc<Process<S::Msg>>, row: Row) -> Parked<S::Msg> {
        self.process = Some(process);
        self.row = row;
        Box::into_pin(self)
    }
}

/// Its runtime is gone, or it was killed: it ends, and its state is dropped as the process.
impl<S: GenServer> Drop for Resting<S> {
    fn drop(&mut self) {
        let (Some(process), Some(mut state)) = (self.process.take(), self.state.take()) else {
            return;
        };
        if let Some(given) = self.given.take() {
            state.1.inbox.take_given(given);
        }
        process.drop_quietly("the state", || {
            current::scope(Arc::clone(&process) as _, || {
                current::ending(process.pid(), || drop(state));
            });
        });
        abandon(&process);
    }
}
