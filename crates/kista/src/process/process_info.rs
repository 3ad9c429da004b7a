use kista_etf::{Atom, Pid};
use kista_sync::slot::ReplySlot;

use crate::CallError;

/// What a process says of itself when asked; see [`Node::process_info`](crate::Node::process_info).
///
/// The request travels as a signal, so a process with any number of messages waiting answers at once.
/// Counterpart of `erlang:process_info/1`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProcessInfo {
    /// The process.
    pub pid: Pid,
    /// The name it is registered under, if any.
    pub name: Option<Atom>,
    /// The Rust type of the behaviour, e.g. `demo::Counter`.
    pub behaviour: &'static str,
    /// Messages received and not yet taken by the behaviour.
    pub message_queue_len: usize,
    /// The other ends of its links.
    pub links: Vec<Pid>,
    /// How many monitors it holds.
    pub monitors: usize,
    /// Who monitors it.
    pub monitored_by: Vec<Pid>,
    /// Whether exit signals become messages.
    pub trap_exit: bool,
}

pub(crate) type InfoSlot = ReplySlot<ProcessInfo, CallError>;
