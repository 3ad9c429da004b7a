use std::any::Any;
use std::sync::Arc;
use std::task::{Context, Poll};

use kista_etf::{Pid, Reference};

use super::signal::{ControlSignal, Envelope, WireMessage};
use super::state::Effect;
use super::{AnyProcess, Delivery, Info, Me, QueueBound, Room, Via};
use crate::ExitReason;
use crate::gen_server::PendingReply;
use crate::node::Node;
use crate::remote::settle;
use crate::sys::Replace;

/// The pid of code that calls from outside any process: alive, linkable and monitorable until the call returns.
///
/// It has no task: signals act on its state at once, and messages to it are dropped (its answers come by alias).
pub(crate) struct Guest {
    me: Me,
}

impl Guest {
    pub(crate) fn new(node: Node, pid: Pid) -> Self {
        Self {
            me: Me::new(node, pid, "guest"),
        }
    }

    /// The call is over: links and monitors see a normal end.
    pub(crate) fn end(&self) {
        self.me.node().forget_guest(self.me.pid());
        let effects = self.me.state.lock().end(&ExitReason::Normal);
        self.carry_out(effects);
    }

    fn carry_out(&self, effects: Vec<Effect>) {
        for effect in effects {
            // Nobody is there to die or to read.
            match effect {
                Effect::Send(to, signal, via) => {
                    self.me.node().signal_by(&via, None, to, signal);
                }
                Effect::Spawned(slot, result) => settle(&slot, result),
                Effect::Abandon {
                    spawned,
                    reference,
                    flags,
                    via,
                } => {
                    let (node, pid) = (self.me.node(), self.me.pid());
                    node.abandon_spawned(&via, pid, spawned, reference, flags);
                }
                _ => {}
            }
        }
    }
}

impl AnyProcess for Guest {
    fn me(&self) -> &Me {
        &self.me
    }

    fn is_guest(&self) -> bool {
        true
    }

    fn push_wire(&self, _message: WireMessage) -> Delivery {
        Delivery::Taken
    }

    fn push_to_alias(&self, _alias: Reference, _message: WireMessage) -> Delivery {
        Delivery::Taken
    }

    fn push_diverted(&self, message: Box<WireMessage>) -> Option<Box<WireMessage>> {
        Some(message)
    }

    fn push_replace(&self, _replace: Replace) -> bool {
        false
    }

    fn push_control(&self, envelope: Envelope) -> Result<(), Envelope> {
        let Envelope { signal, via } = envelope;
        if let ControlSignal::Info { .. } = signal {
            return Err(Envelope { signal, via });
        }
        let mut effects = Vec::new();
        let mut state = self.me.state.lock();
        // Who found it just before it ended learns that there is no such process.
        if state.ended {
            return Err(Envelope { signal, via });
        }
        state.apply(signal, Via::from(via.as_ref()), &mut effects);
        drop(state);
        self.carry_out(effects);
        Ok(())
    }

    fn push_notice(&self, _info: Info) {}

    fn push_stop(&self, _reason: ExitReason, _slot: Option<Arc<dyn PendingReply>>) -> bool {
        false
    }

    fn set_bound(&self, _bound: Option<QueueBound>) {}

    fn backlog(&self) -> usize {
        0
    }

    fn received(&self) -> u64 {
        0
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// It reads nothing, so there is always room.
impl Room for Guest {
    fn poll_room(&self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
