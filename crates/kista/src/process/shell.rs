//! The shell of a process: it has turns, in which it takes signals over and polls the behaviour; and it ends the process in order.
//!
//! Who may run a process holds its shell: a lane of the [`scheduler`](crate::scheduler), or a process that calls it and waits. In
//! between the shell is parked in the process's own queue. A server at rest has no shell, and is parked as its state: the same rules hold for
//! its turns (`gen_server/resting.rs`). Rules of a turn that a caller does ([`Runnable::step`]):
//! 1. It is the process's turn: it runs as that process (its panic is its own end), takes what is in its queue in its order, and acts
//!    on signals as ever. What differs is the task of the runtime on which that happens.
//! 2. A process comes to have such turns after enough turns in a [`Row`], in each of which it read calls of this node alone, was
//!    done with them at once, and did not take long. Is it at rest then, a call is handed to it past its queue, in which nothing is
//!    ([`Waits::answer`]): it is taken out of its park under the queue's lock, so whatever others send comes behind the call.
//! 3. Whatever else is sent to it, and a call by who is no process of its node, has a lane run it, and the row begins anew. So does a
//!    turn that awaits something, that meets anything but calls, or that finds something new more than
//!    [`ROUNDS`](crate::scheduler::ROUNDS) times: who calls does little for others.
//! 4. One that took long, which is looked at from time to time, has no more of them for many turns: what takes long, or blocks, is done
//!    beside its callers, not in their place. One of some milliseconds is seen each time, and ends the turn of its caller too.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::acts::{caught_text, drop_quietly};
use super::turn::Reader;
use super::{AnyProcess, BUDGET, Begun, Parked, Process, Row, Waits, budget, current};
use crate::ExitReason;
use crate::node::Node;
use crate::scheduler::{Runnable, Task, Turns, schedule, schedule_again};

/// Makes the process ready to run `body` until that returns a reason, panics, or an exit signal ends it; then the process ends. So does
/// dropping the shell, even before it ran: the runtime is gone, and others must not wait for a process that will never run.
pub(crate) fn launch<M, F>(process: Arc<Process<M>>, body: impl FnOnce() -> F)
where
    M: Send + 'static,
    F: Future<Output: Outcome<M>> + Send + 'static,
{
    schedule(task(process, Row::NONE, On::Anew, body));
}

/// How its first turn begins.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Anew,
    /// It is one that has begun without the code.
    InTurn,
    /// The same, and the code has something in hand: whatever came since has to wait for that.
    InHand,
}

/// The process, to run `body` when it has its turn.
pub(crate) fn task<M, F>(
    process: Arc<Process<M>>,
    row: Row,
    on: On,
    body: impl FnOnce() -> F,
) -> Task
where
    M: Send + 'static,
    F: Future<Output: Outcome<M>> + Send + 'static,
{
    Box::pin(Shell {
        waker: Waker::from(Arc::clone(&process)),
        process: Some(process),
        row,
        on,
        idle: false,
        body: Some(body()),
    })
}

/// What the code of a process returns.
pub(crate) trait Outcome<M>: Send {
    /// Why the process is to end. Err: it is not; it waits as that does.
    fn over(self) -> Result<ExitReason, Box<dyn Rest<M>>>;
}

impl<M> Outcome<M> for ExitReason {
    fn over(self) -> Result<ExitReason, Box<dyn Rest<M>>> {
        Ok(self)
    }
}

/// A process's state, whose code is done for now.
pub(crate) trait Rest<M>: Send {
    /// The process, to be parked.
    fn at_rest(self: Box<Self>, process: Arc<Process<M>>, row: Row) -> Parked<M>;
}

/// Ends a process whose code is no more; as killed, when it has not said why.
pub(crate) fn abandon<M: Send + 'static>(process: &Process<M>) {
    let reason = process.ended.get_or_init(|| ExitReason::Killed).clone();
    process.end(&reason);
}

pin_project! {
    /// A process with its code. Dropping it drops the code as the process, which ends.
    struct Shell<M, F>
    where
        M: Send,
        M: 'static,
    {
        // Lent to `current` while the process's code runs.
        process: Option<Arc<Process<M>>>,
        // Wakes the process.
        waker: Waker,
        row: Row,
        on: On,
        // Nothing was in its queue when it was woken.
        idle: bool,
        #[pin]
        body: Option<F>,
    }

    impl<M, F> PinnedDrop for Shell<M, F>
    where
        M: Send,
        M: 'static,
    {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let Some(process) = this.process.take() else {
                return;
            };
            let pid = process.pid();
            let ((), process) = current::lent(process as _, || {
                drop_quietly(pid, "the state", || {
                    current::ending(pid, || this.body.set(None));
                });
            });
            if let Some(process) = process.and_then(Process::<M>::of) {
                abandon(&process);
            }
        }
    }
}

/// What a turn came to.
enum After<M> {
    /// The process is to end for what `Process::ended` says.
    Over,
    Waits,
    /// It waits, and its code is done for now.
    Rests(Box<dyn Rest<M>>),
    /// It did as much as one turn may.
    Ready,
}

impl<M, F> Runnable for Shell<M, F>
where
    M: Send + 'static,
    F: Future<Output: Outcome<M>> + Send + 'static,
{
    fn run(mut self: Pin<Box<Self>>) {
        let begun = self.as_mut().project().row.begin();
        let after = self.as_mut().turn();
        match self.settle(after, begun) {
            None => {}
            // It was woken because it had done what it may.
            Some((again, true)) => schedule_again(again, false),
            Some((again, false)) => schedule(again),
        }
    }

    fn step(mut self: Pin<Box<Self>>, rounds: usize) {
        let begun = self.row.begin_called();
        let after = match rounds {
            0 => After::Ready,
            _ => self.as_mut().turn(),
        };
        if let Some((again, _)) = self.settle(after, begun) {
            again.step(rounds - 1);
        }
    }

    fn set_idle(self: Pin<&mut Self>) {
        *self.project().idle = true;
    }

    fn node(&self) -> &Node {
        match &self.process {
            Some(process) => process.node(),
            None => unreachable!("the handle is lent only while the code runs"),
        }
    }

    fn turns(&self) -> Turns {
        match self.row.is_of_callers() {
            true => Turns::OfCallers,
            false => Turns::OfLanes,
        }
    }
}

impl<M, F> Waits<M> for Shell<M, F>
where
    M: Send + 'static,
    F: Future<Output: Outcome<M>> + Send + 'static,
{
}

impl<M, F> Shell<M, F>
where
    M: Send + 'static,
    F: Future<Output: Outcome<M>> + Send + 'static,
{
    /// Behind a turn: it is over, ready again, or parked, and its row has gone on or not. Some: something was sent meanwhile, or it was
    /// woken; and whether it has done as much as one turn may.
    fn settle(mut self: Pin<Box<Self>>, after: After<M>, begun: Begun) -> Option<(Task, bool)> {
        let this = self.as_mut().project();
        match (after, this.process) {
            (After::Over, _) | (_, None) => None,
            (After::Ready, Some(process)) => {
                this.row.ends();
                let flooded = process.is_flooded();
                schedule_again(self, flooded);
                None
            }
            (After::Waits, Some(process)) => {
                this.row.waits(process, begun);
                // Once it is parked another thread may run it, and end it.
                let process = Arc::clone(process);
                let spent = process.turn.is_spent();
                process.park(self).err().map(|again| (again as Task, spent))
            }
            (After::Rests(rest), process) => {
                let process = process.take()?;
                this.row.waits(&process, begun);
                let spent = process.turn.is_spent();
                let resting = rest.at_rest(Arc::clone(&process), *this.row);
                process
                    .park(resting)
                    .err()
                    .map(|again| (again as Task, spent))
            }
        }
    }

    fn turn(self: Pin<&mut Self>) -> After<M> {
        let this = self.project();
        let (lent, mut body, waker) = (this.process, this.body, this.waker);
        let over = |process: &Process<M>, reason| {
            let _ = process.ended.set(reason);
            After::Over
        };
        let mut idle = std::mem::replace(this.idle, false);
        let on = std::mem::replace(this.on, On::Anew);
        let mut ran = false;
        // So many rounds that a flood of messages to a process that waits does not keep the thread from others.
        for _ in 0..BUDGET {
            let Some(process) = lent.as_deref() else {
                return After::Over;
            };
            let in_hand = !ran && on == On::InHand;
            if !ran && on == On::Anew {
                process.turn.refill();
            }
            let leaves = match process.turn.begin_read() {
                Reader::Behaviour => !process.is_to_hold(),
                Reader::BehaviourOfMessages => {
                    !process.is_to_hold() && !process.queue.has_signals()
                }
                Reader::Shell => false,
            };
            let found = if leaves || in_hand {
                true
            } else if std::mem::replace(&mut idle, false) && !process.turn.has_arrived() {
                // Whoever waits is refused its park if something came since.
                false
            } else {
                match process.take_signals() {
                    Poll::Ready(Some(fatal)) => return over(process, fatal),
                    Poll::Ready(None) => true,
                    Poll::Pending => false,
                }
            };
            if ran && !found {
                return After::Waits;
            }
            ran = true;
            let mut cx = Context::from_waker(waker);
            if in_hand || !process.poll_hold(&mut cx) {
                let Some(body) = body.as_mut().as_pin_mut() else {
                    return After::Over;
                };
                let polled = poll_as(lent, body, &mut cx);
                let Some(process) = lent.as_deref() else {
                    return After::Over;
                };
                match polled {
                    Ok(Poll::Ready(outcome)) => {
                        return match outcome.over() {
                            Ok(reason) => over(process, reason),
                            Err(rest) => After::Rests(rest),
                        };
                    }
                    // A receive met a fatal signal: see `take_arrived` and `take_queue`.
                    Ok(Poll::Pending) if process.ended.get().is_some() => return After::Over,
                    Ok(Poll::Pending) if process.turn.is_reading() => return After::Waits,
                    Ok(Poll::Pending) => {}
                    Err(panic) => {
                        // Behaviours catch their callbacks' own: this is a plain process.
                        process.report_plain_crash(&panic);
                        return over(process, panic);
                    }
                }
            }
            if !found {
                return After::Waits;
            }
            // The others of this thread come first.
            if lent
                .as_deref()
                .is_none_or(|process| process.turn.is_spent())
            {
                break;
            }
        }
        // The body need not have noticed that the budget is used up: it may wait for something else, with messages taken over and
        // not handled yet.
        After::Ready
    }
}

/// Polls code as the process: see [`run_as`].
///
/// What the code returned is written where it is wanted, and only when it has: to hand an empty `Poll` of three words from one
/// function to the next takes longer than a switch of processes otherwise does, since the processor has to wait for the words to be
/// written before it can copy them together.
#[inline]
pub(crate) fn poll_as<M: Send + 'static, F: Future>(
    process: &mut Option<Arc<Process<M>>>,
    code: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Result<Poll<F::Output>, ExitReason> {
    let mut returned = None;
    run_as(process, || {
        if let Poll::Ready(output) = code.poll(cx) {
            returned = Some(output);
        }
    })?;
    match returned {
        None => Ok(Poll::Pending),
        Some(output) => Ok(Poll::Ready(output)),
    }
}

/// Runs code as the process, whose handle is lent to `current` meanwhile, with a budget of its own. A panic is the reason for which the
/// process ends.
#[inline]
pub(crate) fn run_as<M: Send + 'static>(
    process: &mut Option<Arc<Process<M>>>,
    code: impl FnOnce(),
) -> Result<(), ExitReason> {
    let Some(handle) = process.take() else {
        unreachable!("code does not run within itself")
    };
    let ((ran, handle), sent) = current::sent_by(|| {
        current::lent(handle as _, || {
            catch_unwind(AssertUnwindSafe(|| budget::turn(code)))
        })
    });
    *process = handle.and_then(Process::of);
    if let Some(process) = process {
        process.count_sent(sent);
        // Or what it is sent meanwhile would give it another budget in the same turn, and another.
        if ran.as_ref().is_ok_and(|&spent| spent) {
            process.turn.end();
        }
    }
    match ran {
        Ok(_) => Ok(()),
        Err(panic) => Err(ExitReason::Panic(caught_text(panic).into())),
    }
}

impl<M: Send + 'static> Process<M> {
    /// The process itself, of one of any type.
    fn of(process: Arc<dyn AnyProcess>) -> Option<Arc<Self>> {
        process.as_any().downcast().ok()
    }
}
