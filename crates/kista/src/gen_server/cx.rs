use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;

use kista_etf::{Encode, Pid, Reference};

use super::{Address, GenServer, Sent, ServerRef, Spawn, Spec};
use crate::ExitReason;
use crate::node::Node;
use crate::process::{ControlSignal, Dest, Info, Process, Signal, Via};

/// A server's view of its own process: who it is, and what only it may do.
///
/// Source: `link/1`, `monitor/2`, `process_flag/2` and `exit/2` in the `erlang` module of ERTS.
pub struct Cx<S: GenServer> {
    process: Arc<Process<S::Msg>>,
    /// Messages taken over and not handled yet: read without a lock.
    taken: VecDeque<Signal<S::Msg>>,
}

impl<S: GenServer> Cx<S> {
    pub(super) fn new(process: Arc<Process<S::Msg>>) -> Self {
        Self {
            process,
            taken: VecDeque::new(),
        }
    }

    /// This process.
    pub fn pid(&self) -> Pid {
        self.process.pid
    }

    /// The node it runs on.
    pub fn node(&self) -> &Node {
        &self.process.node
    }

    /// A handle of this server, to give to others.
    pub fn server_ref(&self) -> ServerRef<S> {
        ServerRef::new(Address::local(Arc::clone(&self.process)))
    }

    /// The process that started this one with [`spawn_link`](Self::spawn_link), if any.
    pub fn parent(&self) -> Option<Pid> {
        self.process.state.lock().parent
    }

    /// Whether exit signals become [`Info::Exit`] messages instead of ending the process. Gives the former setting.
    pub fn trap_exit(&self, trap: bool) -> bool {
        std::mem::replace(&mut self.process.state.lock().trap_exit, trap)
    }

    /// Links with another process, here or on another node. To a process that does not exist the answer is an exit signal `noproc`.
    pub fn link(&self, to: Pid) {
        if to == self.process.pid {
            return;
        }
        let node = self.node();
        let from = self.process.pid;
        let Ok(via) = node.relation_via(from, to.node) else {
            // The way there is lost already. The rule for a lost connection applies to this one link.
            self.process.state.lock().link(to, Via::Here);
            let lost = ControlSignal::LinkExit {
                from: to,
                reason: ExitReason::NoConnection,
            };
            return node.signal(from, lost);
        };
        if self.process.state.lock().link(to, via.clone()) {
            node.signal_by(&via, None, to, ControlSignal::Link { from });
        }
    }

    /// Takes a link away: no exit signal of it arrives afterwards.
    pub fn unlink(&self, from: Pid) {
        let unlinked = self.process.state.lock().unlink(from);
        if let Some((id, via)) = unlinked {
            self.node().signal_by(
                &via,
                None,
                from,
                ControlSignal::Unlink {
                    from: self.process.pid,
                    id,
                },
            );
        }
    }

    /// Watches a process or a name: exactly one [`Info::Down`] follows, at once with `noproc` when there is none.
    pub fn monitor(&self, target: impl Into<Dest>) -> Reference {
        let node = self.node();
        let reference = node.make_ref();
        let target = target.into();
        let pid = self.process.pid;
        match node.relation_via(pid, node.node_of(target)) {
            Ok(via) => {
                let mut state = self.process.state.lock();
                state.monitor(reference, target, via.clone());
                drop(state);
                node.monitor(&via, pid, target, reference);
            }
            Err(_) => self.process.notify_self(Info::Down {
                reference,
                from: target,
                reason: ExitReason::NoConnection,
            }),
        }
        reference
    }

    /// Forgets a monitor. A DOWN that has arrived already stays to be read.
    pub fn demonitor(&self, reference: Reference) {
        let monitored = self.process.state.lock().demonitor(&reference);
        if let Some((target, via)) = monitored {
            self.node()
                .demonitor(&via, self.process.pid, target, reference);
        }
    }

    /// Sends an exit signal: `exit(Pid, Reason)`.
    pub fn exit(&self, to: Pid, reason: impl Into<ExitReason>) {
        self.node().signal(
            to,
            ControlSignal::Exit {
                from: self.process.pid,
                reason: reason.into(),
            },
        );
    }

    /// Sends a message in Erlang's format, to any process anywhere: `To ! Message`.
    pub fn send<T: Encode + ?Sized>(&self, to: impl Into<Dest>, message: &T) -> Sent {
        self.node().send(to, message)
    }

    /// Starts a linked child: it ends with this process, and this process with it.
    pub fn spawn_link<C: GenServer>(&self, spec: Spec<C>) -> Spawn<C> {
        Spawn::new(
            self.node().clone(),
            spec,
            Some(Arc::clone(&self.process) as _),
        )
    }

    /// Receive [`Info::NodeUp`] and [`Info::NodeDown`] from now on, or no more: `net_kernel:monitor_nodes/1`.
    pub fn monitor_nodes(&self, on: bool) {
        self.node().monitor_nodes(self.process.pid, on);
    }

    pub(super) async fn next(&mut self) -> Signal<S::Msg> {
        let Self { process, taken } = self;
        poll_fn(|cx| process.poll_next(taken, cx)).await
    }

    pub(super) fn log_not_understood(&self, info: &Info) {
        let Process { pid, behaviour, .. } = &*self.process;
        match info {
            // Debug is cut after 4 KiB, whatever a peer sent.
            Info::Term(term) => {
                self.node()
                    .log_not_understood(*pid, behaviour, format_args!("{term:?}"))
            }
            other => self
                .node()
                .log_not_understood(*pid, behaviour, format_args!("{other:?}")),
        }
    }

    pub(super) fn process(&self) -> &Arc<Process<S::Msg>> {
        &self.process
    }
}

impl<S: GenServer> Drop for Cx<S> {
    fn drop(&mut self) {
        self.process.give_back(&mut self.taken);
    }
}
