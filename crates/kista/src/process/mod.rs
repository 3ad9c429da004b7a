//! A process: one task that owns its state, its links and its monitors, behind one queue of signals.
//!
//! Rules:
//! 1. *One order.* Messages and every other signal arrive in one queue. The shell (`task`) takes it over at each poll,
//!    also while a handler awaits: what is not a message acts at once and in that order; messages, DOWN and trapped exits
//!    move to the private list that the behaviour reads.
//! 2. *Ownership.* [`Process`] is what others may touch: they only push. `mail` and `state` are locked by the process's own
//!    task alone (but for the link between a parent and a child that starts); the locks are never contended.
//! 3. *Ending*, in this order: the state is dropped, the name is freed, queued links and monitors are answered with the real
//!    reason, then the process's own links and monitors are signalled. A restart never finds its name taken.
//! 4. A panic is the exit reason `{panic, Text}` of this process and of nothing else.

pub(crate) mod current;
mod dest;
mod exit_reason;
mod guest;
mod info;
mod me;
mod process_info;
mod signal;
mod state;
mod task;
mod via;

use std::any::Any;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use kista_etf::Pid;
use kista_sync::queue::{Closed, Queue};
use parking_lot::Mutex;

pub use dest::Dest;
pub use exit_reason::ExitReason;
pub(crate) use guest::Guest;
pub use info::Info;
pub use me::Me;
pub(crate) use process_info::InfoSlot;
pub use process_info::ProcessInfo;
pub(crate) use signal::{ControlSignal, Envelope, Signal, WireMessage};
pub(crate) use state::ProcessState;
pub(crate) use task::{panic_text, run};
pub(crate) use via::Via;

use crate::gen_server::PendingReply;
use crate::node::Node;
use crate::sys::Replace;

/// Messages a process may take in one poll before it yields to the other tasks of its thread.
const BUDGET: usize = 128;

/// Control signals that act in one poll. They are short, and an exit should not wait behind many polls; but a flood of
/// them grows while it is worked off, and taken whole it would keep the thread for good.
const ACTS: usize = 1024;

/// What the rest of the node holds of a process.
pub(crate) struct Process<M> {
    /// What does not depend on `M`.
    me: Me,
    queue: Queue<Signal<M>>,
    mail: Mutex<Mail<M>>,
    /// How many messages the behaviour has taken over and not handled yet.
    taken: AtomicUsize,
    /// Set first of all when the process ends by itself or by a signal.
    ended: OnceLock<ExitReason>,
}

/// What the process took over from its queue.
struct Mail<M> {
    /// The private list: what the behaviour has yet to read.
    list: VecDeque<Signal<M>>,
    /// What came behind the last control signal that one poll had time for. The queue is left alone until this is empty.
    arrived: VecDeque<Signal<M>>,
    /// Messages that may still be read in this poll.
    budget: usize,
    /// Control signals that may still act in this poll.
    acts: usize,
}

impl<M> Mail<M> {
    const fn new() -> Self {
        Self {
            list: VecDeque::new(),
            arrived: VecDeque::new(),
            budget: BUDGET,
            acts: ACTS,
        }
    }

    /// A new poll begins.
    const fn refill(&mut self) {
        self.budget = BUDGET;
        self.acts = ACTS;
    }

    const fn is_spent(&self) -> bool {
        self.budget == 0 || self.acts == 0
    }

    /// Everything that was taken over, in its order.
    fn take_all(&mut self) -> VecDeque<Signal<M>> {
        let mut all = std::mem::take(&mut self.list);
        all.append(&mut self.arrived);
        all
    }
}

impl<M: Send + 'static> Process<M> {
    pub(crate) fn new(node: Node, pid: Pid, behaviour: &'static str, parent: Option<Pid>) -> Self {
        Self {
            me: Me::new(node, pid, behaviour, parent),
            queue: Queue::new(),
            mail: Mutex::new(Mail::new()),
            taken: AtomicUsize::new(0),
            ended: OnceLock::new(),
        }
    }

    /// Queues a message; gives it back when the process has ended.
    pub(crate) fn push(&self, message: Signal<M>) -> Result<(), Signal<M>> {
        self.queue.push(message).map_err(|Closed(message)| message)
    }

    /// The next message for the behaviour, which takes them over in batches into a list of its own: `taken`. Only the
    /// process's own task polls this.
    pub(crate) fn poll_next(
        &self,
        taken: &mut VecDeque<Signal<M>>,
        cx: &mut Context<'_>,
    ) -> Poll<Signal<M>> {
        if taken.is_empty() {
            let mut mail = self.mail.lock();
            if mail.budget == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if mail.list.len() <= mail.budget {
                mail.budget -= mail.list.len();
                std::mem::swap(taken, &mut mail.list);
            } else {
                let budget = std::mem::take(&mut mail.budget);
                taken.extend(mail.list.drain(..budget));
            }
        }
        // Nothing there: the shell polls again when its queue is pushed to.
        let Some(signal) = taken.pop_front() else {
            return Poll::Pending;
        };
        self.taken.store(taken.len(), Relaxed);
        Poll::Ready(signal)
    }

    /// Counts what the behaviour keeps for later among what it has not handled.
    pub(crate) fn count_kept(&self, kept: usize) {
        self.taken.store(kept, Relaxed);
    }

    /// How many messages (and signals) have arrived and are not handled yet.
    pub(crate) fn unread(&self) -> usize {
        self.arrived() + self.taken.load(Relaxed)
    }

    /// Whether nothing can be pushed any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.queue.is_closed()
    }

    /// How many signals have arrived that the behaviour did not take over yet.
    pub(crate) fn arrived(&self) -> usize {
        let mail = self.mail.lock();
        mail.list.len() + mail.arrived.len() + self.queue.len()
    }

    /// Gives back the memory of lists that are empty now. Only the process's own task calls this.
    pub(crate) fn shrink(&self) {
        let mut mail = self.mail.lock();
        mail.list.shrink_to_fit();
        mail.arrived.shrink_to_fit();
    }

    /// What the behaviour took over and did not handle goes back in front: the end of the process answers for it.
    pub(crate) fn give_back(&self, taken: &mut VecDeque<Signal<M>>) {
        if !taken.is_empty() {
            let mut mail = self.mail.lock();
            taken.append(&mut mail.list);
            std::mem::swap(taken, &mut mail.list);
        }
    }
}

/// A process whatever its message type: what the process table holds.
pub(crate) trait AnyProcess: Any + Send + Sync {
    /// What of it does not depend on its message type.
    fn me(&self) -> &Me;
    /// Whether it is a [`Guest`], which nothing ends but its call.
    fn is_guest(&self) -> bool {
        false
    }
    /// Queues an encoded message; false when the process has ended.
    fn push_wire(&self, message: WireMessage) -> bool;
    /// Queues a `sys` replace_state; false when the process has ended.
    fn push_replace(&self, replace: Replace) -> bool;
    /// Queues a control signal; gives it back when the process has ended.
    fn push_control(&self, envelope: Envelope) -> Result<(), Envelope>;
    fn push_notice(&self, info: Info);
    /// Asks for an orderly end, which `slot` hears of; false when the process has ended.
    fn push_stop(&self, reason: ExitReason, slot: Option<Arc<dyn PendingReply>>) -> bool;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<M: Send + 'static> AnyProcess for Process<M> {
    fn me(&self) -> &Me {
        &self.me
    }

    fn push_wire(&self, message: WireMessage) -> bool {
        self.queue.push(Signal::Wire(Box::new(message))).is_ok()
    }

    fn push_replace(&self, replace: Replace) -> bool {
        self.queue.push(Signal::Replace(Box::new(replace))).is_ok()
    }

    fn push_control(&self, envelope: Envelope) -> Result<(), Envelope> {
        match self.queue.push_signal(Signal::Control(Box::new(envelope))) {
            Ok(()) => Ok(()),
            Err(Closed(Signal::Control(envelope))) => Err(*envelope),
            Err(Closed(_)) => unreachable!("the queue hands back what was pushed"),
        }
    }

    fn push_notice(&self, info: Info) {
        // An ended process reads no notices.
        let _ = self.queue.push(Signal::Notice(Box::new(info)));
    }

    fn push_stop(&self, reason: ExitReason, slot: Option<Arc<dyn PendingReply>>) -> bool {
        self.queue.push(Signal::Stop(reason, slot)).is_ok()
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}
