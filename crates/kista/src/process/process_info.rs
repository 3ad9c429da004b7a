use kista_etf::{Atom, Pid, Term};
use kista_sync::slot::ReplySlot;

use super::{Dest, QueueBound};
use crate::CallError;

/// What a process says of itself when asked; see [`Node::process_info`](crate::Node::process_info).
///
/// The request travels as a signal, so a process with any number of messages waiting answers at once; one whose code blocks
/// its thread answers when it comes back. [`Node::process_list`](crate::Node::process_list) asks nobody.
/// Counterpart of `erlang:process_info/1`. What Erlang counts in reductions and words of heap has no counterpart here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The process.
    pub pid: Pid,
    /// The name it is registered under, if any.
    pub name: Option<Atom>,
    /// The Rust type of the behaviour, e.g. `demo::Counter`; of a plain process, that of its function.
    pub behaviour: &'static str,
    /// What it does.
    pub status: Status,
    /// Messages received and not yet handled, with what a selective receive passed over.
    pub message_queue_len: usize,
    /// Bytes that they hold, about: the buffers, and encoded messages whole, as they wait. Not counted are what messages of Rust
    /// types own elsewhere, the content of terms that were decoded already, and what came behind the question beyond its place in a
    /// buffer. To be counted all are looked at.
    pub message_queue_bytes: usize,
    /// Messages that ever arrived.
    pub messages_in: u64,
    /// Messages, requests and answers that it ever sent.
    pub messages_out: u64,
    /// The other ends of its links.
    pub links: Vec<Pid>,
    /// Whom it monitors, once for each monitor.
    pub monitors: Vec<Dest>,
    /// Who monitors it, once for each monitor.
    pub monitored_by: Vec<Pid>,
    /// How many of its aliases are active.
    pub aliases: usize,
    /// How many timers will send to it.
    pub timers: usize,
    /// The process that started it with a link.
    pub parent: Option<Pid>,
    /// Who started it, and who started that one, nearest first, by name where there was one: `$ancestors`.
    pub ancestors: Vec<Dest>,
    /// Its group leader, if any was ever set.
    pub group_leader: Option<Pid>,
    /// Whether exit signals become messages.
    pub trap_exit: bool,
    /// Recorded, without effect.
    pub priority: Priority,
    /// Its environment, by key.
    pub environment: Vec<(String, Term)>,
    /// The bound of its queue, if any.
    pub bound: Option<QueueBound>,
    /// Messages that the present bound refused, their senders told where they can be.
    pub messages_refused: u64,
    /// Messages that the present bound dropped.
    pub messages_dropped: u64,
    /// Messages that the present bound diverted.
    pub messages_diverted: u64,
}

/// What [`Node::process_list`](crate::Node::process_list) tells of each process, without asking it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessSummary {
    /// The process.
    pub pid: Pid,
    /// The name it is registered under, if any.
    pub name: Option<Atom>,
    /// The Rust type of the behaviour.
    pub behaviour: &'static str,
    /// What it does.
    pub status: Status,
    /// Messages received and not yet handled; roughly, while it works.
    pub message_queue_len: usize,
}

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// Its own code has a message in hand. Also while that code awaits something, or blocks its thread.
    Running,
    /// It waits for its next message.
    Waiting,
    /// It sent more than a connection or a bounded queue has room for, and is held until there is room.
    Held,
    /// `sys` suspended it.
    Suspended,
}

/// `process_flag(priority, Level)`. Recorded and shown, for code that is ported; it changes nothing: tasks have no priorities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Priority {
    /// `low`.
    Low,
    /// `normal`.
    #[default]
    Normal,
    /// `high`.
    High,
    /// `max`.
    Max,
}

pub(crate) type InfoSlot = ReplySlot<ProcessInfo, CallError>;
