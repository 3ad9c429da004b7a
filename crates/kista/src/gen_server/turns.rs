//! A server that is only called: it has its code, begun, and no task.
//!
//! Who calls a server and waits has nothing to do meanwhile, and a server that answers at once needs no other thread. So a process that
//! calls another does the other's turn, on the spot, and finds its answer: nobody is woken, no task is switched to. Rules:
//! 1. It is the server's turn: it runs as that process (its panic is its own end), takes what is in its queue in its order, and acts
//!    on signals as ever. What differs is the thread and the tokio task on which that happens.
//! 2. A server comes to be so after [`ENOUGH`] turns in its own task in a row, in each of which it read calls of this node alone, was
//!    done with them at once, and took less than [`LONG`]. It is then parked in its queue with its code; its task ends.
//! 3. Whatever else is sent to it, and a call by who is no process of its node, gives it a task again ([`Serving`]). So does a turn
//!    that awaits something, that meets anything but calls, or that finds more than [`ROUNDS`] times something new: who calls
//!    does little for others.
//! 4. One that took [`LONG`], which is looked at from time to time, keeps its task for [`PENALTY`] such turns: what takes long, or
//!    blocks, is done beside its callers, not in their place.
//! 5. There is no turn within a turn done for another ([`inline`]): a chain of servers is no recursion. And a caller
//!    yields as often as any task that uses tokio's channels.
//! 6. What can be told apart is what `inline` says: a handler may find the task-locals of a process that called it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::inline::{self, Caught, TakesTurns};
use super::resting::{Unspawned, spawn};
use crate::process::Process;

/// So many turns for calls alone, in a row, make a server do without its task.
const ENOUGH: i32 = 8;

/// A turn of this length is long, but for what each of its messages may take.
const LONG: Duration = Duration::from_micros(50);
const EACH: Duration = Duration::from_micros(2);

/// So many more are needed after a long one.
const PENALTY: i32 = 1_024;

/// Every so many turns without a task one is timed.
const TIMED: u32 = 16;

/// How often in a turn without a task it may find, where it would rest, that more was sent to it.
const ROUNDS: usize = 4;

/// A server and its code.
struct Turns<M> {
    process: Arc<Process<M>>,
    code: Unspawned,
    /// How many it had without a task.
    count: u32,
}

/// A server with a task: the task.
pub(super) struct Serving<M: Send + 'static> {
    /// `None`: it does without from now on, or it has ended.
    turns: Option<Turns<M>>,
    /// How many turns for calls alone it had in a row; less than none after a long one.
    row: i32,
}

impl<M: Send + 'static> Serving<M> {
    pub(super) fn new(process: Arc<Process<M>>, code: Unspawned) -> Self {
        let turns = Turns {
            process,
            code,
            count: 0,
        };
        Self {
            turns: Some(turns),
            row: 0,
        }
    }
}

// The code is pinned where it is.
impl<M: Send + 'static> Unpin for Serving<M> {}

impl<M: Send + 'static> Future for Serving<M> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let Some(turns) = &mut this.turns else {
            return Poll::Ready(());
        };
        // The first of a row is not timed: most servers have none.
        let begun = (this.row > 0).then(Instant::now);
        if turns.code.as_mut().poll(cx).is_ready() {
            this.turns = None;
            return Poll::Ready(());
        }
        if !turns.process.rests_after_calls() {
            this.row = this.row.min(0);
        } else if turns.was_long(begun) {
            this.row = -PENALTY;
        } else {
            this.row += 1;
            if this.row >= ENOUGH {
                return this.park();
            }
        }
        Poll::Pending
    }
}

impl<M: Send + 'static> Serving<M> {
    /// The server does without this task, which ends; unless something was sent to it, for which the task was woken.
    fn park(&mut self) -> Poll<()> {
        let Some(turns) = self.turns.take() else {
            return Poll::Ready(());
        };
        match Parked::park(Arc::new(Parked(Mutex::new(Some(turns))))) {
            Ok(()) => Poll::Ready(()),
            Err(mut parked) => {
                self.turns = parked.with(Option::take);
                Poll::Pending
            }
        }
    }
}

/// A server without a task: the waker that its queue holds. The queue moves it and never clones it, so the lock is hardly ever taken.
struct Parked<M>(Mutex<Option<Turns<M>>>);

impl<M: Send + 'static> Parked<M> {
    /// Err: something was sent to it meanwhile.
    fn park(self: Arc<Self>) -> Result<(), Arc<Self>> {
        let mut parked = Some(self);
        let process = parked
            .as_mut()
            .and_then(|parked| parked.with(|turns| turns.as_ref().map(|t| Arc::clone(&t.process))));
        let Some(process) = process else {
            return Ok(());
        };
        process.rest_with(|| match parked.take() {
            Some(parked) => Waker::from(parked),
            None => unreachable!("a waker is asked for once"),
        });
        parked.map_or(Ok(()), Err)
    }

    fn with<R>(self: &mut Arc<Self>, f: impl FnOnce(&mut Option<Turns<M>>) -> R) -> R {
        match Arc::get_mut(self) {
            Some(Self(turns)) => f(turns.get_mut()),
            None => f(&mut self.0.lock()),
        }
    }
}

impl<M: Send + 'static> Wake for Parked<M> {
    fn wake(mut self: Arc<Self>) {
        if inline::catches_begun() {
            inline::catch(Caught::Begun(self));
        } else if let Some(turns) = self.with(Option::take) {
            turns.get_task(0);
        }
    }
}

/// What a turn came to.
enum After<M> {
    Over,
    Rests,
    /// It needs a task.
    Needs(Turns<M>, i32),
}

impl<M: Send + 'static> TakesTurns for Parked<M> {
    fn step(mut self: Arc<Self>) {
        for _ in 0..ROUNDS {
            match self.with(Turns::step) {
                After::Over => return,
                After::Needs(turns, row) => return turns.get_task(row),
                After::Rests => match self.park() {
                    Ok(()) => return,
                    Err(parked) => self = parked,
                },
            }
        }
        if let Some(turns) = self.with(Option::take) {
            turns.get_task(0);
        }
    }
}

impl<M: Send + 'static> Turns<M> {
    fn step(slot: &mut Option<Self>) -> After<M> {
        let Some(turns) = slot else {
            return After::Over;
        };
        let begun = turns.count.is_multiple_of(TIMED).then(Instant::now);
        turns.count = turns.count.wrapping_add(1);
        let polled = turns
            .code
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        if polled.is_ready() {
            *slot = None;
            return After::Over;
        }
        let long = turns.was_long(begun);
        if turns.process.rests_after_calls() && !long {
            return After::Rests;
        }
        let row = if long { -PENALTY } else { 0 };
        match slot.take() {
            Some(turns) => After::Needs(turns, row),
            None => After::Over,
        }
    }

    /// Of a turn that is over.
    fn was_long(&self, begun: Option<Instant>) -> bool {
        begun.is_some_and(|begun| begun.elapsed() >= LONG + EACH * self.process.read_in_turn())
    }

    fn get_task(self, row: i32) {
        let process = Arc::clone(&self.process);
        // It may be parked with a waker that wakes nobody.
        process.unpark();
        let serving = Serving {
            turns: Some(self),
            row,
        };
        spawn(process.node().runtime(), serving);
    }
}
