use kista_etf::{Atom, Pid, Reference, Term};

use super::dest::Dest;
use crate::node::NodeStatus;
use crate::{ExitReason, sys};

/// What reaches a behaviour beside its own typed messages: OTP's `handle_info`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Info {
    /// `{'DOWN', Reference, process, From, Reason}`: a monitored process ended, or the way to it was lost.
    Down {
        /// What [`Me::monitor`](crate::Me::monitor) returned.
        reference: Reference,
        /// The process or name that was monitored.
        from: Dest,
        /// Why.
        reason: ExitReason,
    },
    /// `{'EXIT', From, Reason}`: an exit signal, made a message by [`Me::trap_exit`](crate::Me::trap_exit).
    Exit {
        /// The process that ended, or that sent the signal.
        from: Pid,
        /// Why.
        reason: ExitReason,
    },
    /// `{nodeup, Node}`, after [`Me::monitor_nodes`](crate::Me::monitor_nodes).
    NodeUp(Atom),
    /// `{nodedown, Node}`, after [`Me::monitor_nodes`](crate::Me::monitor_nodes) or [`Me::monitor_node`](crate::Me::monitor_node).
    NodeDown(Atom),
    /// `{nodeup, Node, Info}` or `{nodedown, Node, Info}`, after [`Me::monitor_nodes_with`](crate::Me::monitor_nodes_with).
    NodeStatus(Box<NodeStatus>),
    /// `timeout`: no message came within the time of [`Flow::Timeout`](crate::Flow::Timeout).
    Timeout,
    /// Messages were lost since the last report, and those who sent them were not told: the queue is bounded
    /// ([`QueueBound`](crate::QueueBound)) and was full. Ours: OTP has no bounded queues. At most one report waits at a time.
    MessagesLost {
        /// How many, up to the moment in which this is read.
        count: u64,
    },
    /// Any other message: what another node or an untyped sender sent and the server's own message type does not cover.
    Term(Term),
}

impl Info {
    /// The message as Erlang has it.
    pub fn to_term(&self) -> Term {
        sys::info_term(self)
    }
}
