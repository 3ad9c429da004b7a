//! A process: code that owns its state, its links and its monitors, behind one queue of signals. Who holds its shell (`shell`), or the state of
//! a server at rest, runs it: that is what "its own task" says in these files.
//!
//! Rules:
//! 1. *One order.* Messages and every other signal arrive in one queue. The shell takes it over at each poll,
//!    also while a handler awaits: what is not a message acts at once and in that order; messages, DOWN and trapped exits
//!    move to the private list (`mail`) that the behaviour reads.
//! 2. *Ownership.* [`Process`] is what others may touch: they push, and, when a full queue shall lose its oldest message,
//!    take that one out (`overflow`). All else of `mail` and [`Me::state`] is the process's own task's.
//! 3. *Ending*, in this order: the state is dropped, the name is freed, queued links and monitors are answered with
//!    `noproc`, as OTP does, then the process's own links and monitors are signalled, and then its open calls. A restart never finds
//!    its name taken.
//! 4. A panic is the exit reason `{panic, Text}` of this process and of nothing else.
//! 5. *Locks*, in this order: `mail`, the waiters of a bound, the queue. `Me::state` is taken alone or under `mail`.

mod acts;
mod alarm;
mod ancestry;
mod at_rest;
mod bound;
pub(crate) mod budget;
pub(crate) mod current;
mod dest;
mod env;
mod exit_reason;
mod guest;
mod info;
mod mail;
mod me;
mod options;
mod overflow;
mod parked;
mod process_info;
mod room;
mod row;
mod shell;
mod signal;
mod state;
mod turn;
mod via;

use std::any::Any;
use std::sync::{Arc, OnceLock};

use kista_etf::{Pid, Reference};
use kista_sync::queue::Queue;
use parking_lot::Mutex;

pub(crate) use acts::{caught_text, drop_quietly, panic_text};
pub(crate) use ancestry::Ancestry;
pub(crate) use at_rest::AtRest;
pub use bound::{Overflow, QueueBound};
pub use dest::Dest;
pub(crate) use env::Env;
pub use exit_reason::ExitReason;
pub(crate) use guest::Guest;
pub use info::Info;
use mail::Mail;
pub(crate) use mail::Next;
pub use me::Me;
pub use options::SpawnOptions;
pub(crate) use overflow::{Delivery, NotTaken};
pub(crate) use parked::{Caller, Handed, Parked, Waits};
pub(crate) use process_info::InfoSlot;
pub use process_info::{Priority, ProcessInfo, ProcessSummary, Status};
pub(crate) use room::{Room, RoomForLarge};
pub(crate) use row::{Begun, Row};
pub(crate) use shell::{On, Outcome, Rest, abandon, launch, poll_as, run_as, task};
pub(crate) use signal::{ControlSignal, Envelope, Never, Signal, WireMessage};
pub use state::AliasMode;
pub(crate) use state::{Deferred, ProcessState};
use turn::Turn;
pub(crate) use via::Via;

use crate::gen_server::PendingReply;
use crate::node::Node;
use crate::sys::Replace;

/// Messages a process may take in one poll before it yields to the other tasks of its thread.
const BUDGET: u16 = 128;

/// Control signals that act in one poll. They are short, and an exit should not wait behind many polls; but a flood of
/// them grows while it is worked off, and taken whole it would keep the thread for good.
const ACTS: u16 = 1024;

/// What the rest of the node holds of a process.
///
/// In this order: what senders write is at one end and what the process itself writes at the other, with what changes seldom in
/// between; else each message would have both wait for the same cache line.
#[repr(C)]
pub(crate) struct Process<M> {
    queue: Queue<Signal<M>, Parked<M>>,
    /// Set first of all when the process ends by itself or by a signal.
    ended: OnceLock<ExitReason>,
    /// What does not depend on `M`.
    me: Me,
    turn: Turn,
    mail: Mutex<Mail<M>>,
}

impl<M: Send + 'static> Process<M> {
    /// Why it ended, from the moment on in which it is to end.
    pub(crate) fn end_reason(&self) -> Option<&ExitReason> {
        self.ended.get()
    }

    pub(crate) fn new(node: Node, pid: Pid, behaviour: &'static str) -> Self {
        Self {
            queue: Queue::new(),
            ended: OnceLock::new(),
            me: Me::new(node, pid, behaviour),
            turn: Turn::new(),
            mail: Mutex::new(Mail::new()),
        }
    }
}

// What each of a million processes costs, whatever its message type. Not more without a reason: see row L7m of the benchmarks.
// Glibc puts the task beside it at a multiple of 128 bytes: 336 leave no gap, with 328 there would be one of 144.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(
    size_of::<Process<Never>>() <= 336,
    "a process has grown: what most do not need belongs behind a pointer that is made on demand"
);

/// A process whatever its message type: what the process table holds.
pub(crate) trait AnyProcess: Room + Any {
    /// What of it does not depend on its message type.
    fn me(&self) -> &Me;
    /// Whether it is a [`Guest`], which nothing ends but its call.
    fn is_guest(&self) -> bool {
        false
    }
    /// Queues an encoded message, or several.
    fn push_wire(&self, message: WireMessage) -> Delivery;
    /// Queues an encoded message that is read only if the alias is active when it is met.
    fn push_to_alias(&self, alias: Reference, message: WireMessage) -> Delivery;
    /// Queues an encoded message that another's full queue diverted here; gives it back when there is no room.
    fn push_diverted(&self, message: Box<WireMessage>) -> Option<Box<WireMessage>>;
    /// Queues a `sys` replace_state; false when the process has ended.
    fn push_replace(&self, replace: Replace) -> bool;
    /// Queues a control signal; gives it back when the process has ended.
    fn push_control(&self, envelope: Envelope) -> Result<(), Envelope>;
    fn push_notice(&self, info: Info);
    /// Asks for an orderly end, which `slot` hears of; false when the process has ended.
    fn push_stop(&self, reason: ExitReason, slot: Option<Arc<dyn PendingReply>>) -> bool;
    /// Limits the unread messages from now on. Only the process's own task may ask for it, or who starts the process.
    fn set_bound(&self, bound: Option<QueueBound>);
    /// Has it run again, though nothing was sent to it.
    fn wake(&self) {}
    /// What of it does not depend on its message type, and whether signals wait for it: they act when it awaits something next.
    fn me_and_signalled(&self) -> (&Me, bool) {
        (self.me(), false)
    }
    /// Messages that wait, as seen from outside: roughly.
    fn backlog(&self) -> usize;
    /// Messages that ever arrived.
    fn received(&self) -> u64;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<M: Send + 'static> AnyProcess for Process<M> {
    fn me(&self) -> &Me {
        &self.me
    }

    fn push_wire(&self, message: WireMessage) -> Delivery {
        let message = Box::new(message);
        match message.is_run() {
            false => self.deliver(Signal::Wire(message)),
            true => self.deliver_run(message),
        }
    }

    fn push_to_alias(&self, alias: Reference, message: WireMessage) -> Delivery {
        let message = Box::new(message);
        let signal = ControlSignal::ToAlias { alias, message };
        self.deliver(Signal::Control(Box::new(signal.into())))
    }

    fn push_diverted(&self, message: Box<WireMessage>) -> Option<Box<WireMessage>> {
        self.take_diverted(message)
    }

    fn push_replace(&self, replace: Replace) -> bool {
        let replace = Signal::Replace(Box::new(replace));
        !self.is_plain() && self.queue.push_note(replace).is_ok()
    }

    fn push_control(&self, envelope: Envelope) -> Result<(), Envelope> {
        match self.queue.push_signal(Signal::Control(Box::new(envelope))) {
            Ok(()) => Ok(()),
            Err(Signal::Control(envelope)) => Err(*envelope),
            Err(_) => unreachable!("the queue hands back what was pushed"),
        }
    }

    fn push_notice(&self, info: Info) {
        // An ended process reads no notices.
        let _ = self.queue.push_note(Signal::Notice(Box::new(info)));
    }

    fn push_stop(&self, reason: ExitReason, slot: Option<Arc<dyn PendingReply>>) -> bool {
        if !self.is_plain() {
            return self.queue.push_note(Signal::Stop(reason, slot)).is_ok();
        }
        // A plain process has no place where it obeys: it is asked as its supervisor would ask it.
        if let Some(slot) = slot {
            let mut state = self.state.lock();
            if state.ended {
                return false;
            }
            state.deferred().push(slot);
        }
        let from = self.node().outside();
        self.push_control(ControlSignal::Exit { from, reason }.into())
            .is_ok()
    }

    fn set_bound(&self, bound: Option<QueueBound>) {
        self.bound_queue(bound);
    }

    fn wake(&self) {
        self.queue.wake();
    }

    fn me_and_signalled(&self) -> (&Me, bool) {
        (&self.me, self.queue.seems_signalled())
    }

    fn backlog(&self) -> usize {
        // Not waited for: a selective receive may look through it for long, and might be the one who asks.
        let mail = self.mail.try_lock().map_or(0, |mail| mail.len());
        self.queue.len() + mail + self.taken()
    }

    fn received(&self) -> u64 {
        self.turn.received()
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

#[cfg(test)]
mod tests;
