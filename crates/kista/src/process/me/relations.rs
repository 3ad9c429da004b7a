//! Links, monitors, aliases and exits, as the process itself asks for them. The rules are in `process/state.rs`.

use kista_etf::{Pid, Reference};

use super::Me;
use crate::process::state::Demonitored;
use crate::process::{AliasMode, ControlSignal, Via};
use crate::{Dest, ExitReason};

impl Me {
    /// Links with another process, here or on another node. To a process that does not exist the answer is an exit signal `noproc`;
    /// when that is known at once, because it would be one of this node, no unlink takes the signal back.
    pub fn link(&self, to: Pid) {
        if to == self.pid {
            return;
        }
        if to.node == self.node.name() && !self.node.is_alive(to) {
            let nobody = ControlSignal::Exit {
                from: to,
                reason: ExitReason::NoProc,
            };
            return self.node.signal(self.pid, nobody);
        }
        let Ok(via) = self.node.relation_via(self.pid, to.node) else {
            // The way there is lost already. The rule for a lost connection applies to this one link.
            self.state.lock().link(to, Via::Here);
            let lost = ControlSignal::LinkExit {
                from: to,
                reason: ExitReason::NoConnection,
            };
            return self.node.signal(self.pid, lost);
        };
        if self.state.lock().link(to, via.clone()) {
            let link = ControlSignal::Link { from: self.pid };
            self.node.signal_by(&via, None, to, link);
        }
    }

    /// Takes a link away: no exit signal of it arrives afterwards.
    pub fn unlink(&self, from: Pid) {
        let unlinked = self.state.lock().unlink(from);
        if let Some((id, via)) = unlinked {
            let unlink = ControlSignal::Unlink { from: self.pid, id };
            self.node.signal_by(&via, None, from, unlink);
        }
    }

    /// Watches a process or a name: exactly one [`Info::Down`](crate::Info::Down) follows, at once with `noproc` when there is none.
    pub fn monitor(&self, target: impl Into<Dest>) -> Reference {
        let reference = self.node.make_ref();
        let target = target.into();
        if !self.is_at(target) {
            self.monitor_as(reference, target);
        }
        reference
    }

    /// Watches, and makes the reference an alias of this process, for as long as `mode` says: what the monitored process sends to
    /// `reference` arrives here exactly while that lasts. `monitor(process, Target, [{alias, Mode}])`.
    ///
    /// With [`AliasMode::ReplyDemonitor`] it is one call: the answer takes the monitor back, a DOWN ends the alias.
    pub fn monitor_alias(&self, target: impl Into<Dest>, mode: AliasMode) -> Reference {
        let reference = self.node.make_alias(self.pid);
        let target = target.into();
        if !self.is_at(target) {
            self.state.lock().alias(reference, mode);
            self.monitor_as(reference, target);
        }
        reference
    }

    /// Makes an alias of this process: a reference that takes messages for it until it is taken back. `alias/1`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let node = kista::Node::builder("alias@127.0.0.1").no_network().start().await?;
    /// # let (done, ended) = tokio::sync::oneshot::channel();
    /// use kista::{AliasMode, Info, Term};
    /// node.spawn_fn(async move |mut cx| {
    ///     let alias = cx.alias(AliasMode::Reply);
    ///     cx.send(alias, &1);
    ///     cx.send(alias, &2);                            // the alias took its one message
    ///     assert_eq!(cx.receive().await, Info::Term(Term::from(1)));
    ///     assert_eq!(cx.receive().after(std::time::Duration::ZERO).await, None);
    ///     # done.send(()).unwrap();
    /// })?;
    /// # ended.await?; node.stop().await; Ok(()) }
    /// ```
    pub fn alias(&self, mode: AliasMode) -> Reference {
        let alias = self.node.make_alias(self.pid);
        self.state.lock().alias(alias, mode);
        alias
    }

    /// Takes an alias back: no message by it arrives afterwards; one that had arrived stays to be read. False when it was not an active
    /// alias of this process. `unalias/1`.
    pub fn unalias(&self, alias: Reference) -> bool {
        self.state.lock().unalias(&alias)
    }

    /// Whether it is this process: a monitor of oneself is nothing, and no alias either, as in OTP.
    fn is_at(&self, target: Dest) -> bool {
        self.node.local(target).flatten() == Some(self.pid)
    }

    fn monitor_as(&self, reference: Reference, target: Dest) {
        match self.node.relation_via(self.pid, self.node.node_of(target)) {
            Ok(via) => {
                let here = self.node.local(target);
                let mut state = self.state.lock();
                state.monitor(reference, target, here.flatten(), via.clone());
                drop(state);
                self.node.monitor(&via, self.pid, target, here, reference);
            }
            Err(_) => {
                // As for a link: lost before it was made.
                self.state
                    .lock()
                    .monitor(reference, target, None, Via::Here);
                let lost = ControlSignal::Down {
                    from: target,
                    reference,
                    reason: ExitReason::NoConnection,
                };
                self.node.signal(self.pid, lost);
            }
        }
    }

    /// Forgets a monitor. A DOWN that has arrived already stays to be read. True when the monitor was active, so that no DOWN was
    /// or will be delivered: what `demonitor(Ref, [info])` gives.
    pub fn demonitor(&self, reference: Reference) -> bool {
        self.give_up(reference, false)
    }

    /// As [`demonitor`](Self::demonitor), and takes a DOWN back that has arrived and was not read: `demonitor(Ref, [flush, info])`.
    pub fn demonitor_flush(&self, reference: Reference) -> bool {
        self.give_up(reference, true)
    }

    fn give_up(&self, reference: Reference, flush: bool) -> bool {
        let monitored = self.state.lock().demonitor(&reference, flush);
        let Demonitored::Active(target, via) = monitored else {
            return false;
        };
        self.node.demonitor(&via, self.pid, target, reference);
        true
    }

    /// Sends an exit signal: `exit(Pid, Reason)`.
    pub fn exit(&self, to: Pid, reason: impl Into<ExitReason>) {
        let exit = ControlSignal::Exit {
            from: self.pid,
            reason: reason.into(),
        };
        self.node.signal(to, exit);
    }

    /// Links a child that is about to start; false when this process has ended.
    pub(crate) fn adopt(&self, child: Pid) -> bool {
        let mut state = self.state.lock();
        if !state.ended {
            state.link(child, Via::Here);
        }
        !state.ended
    }

    /// Forgets a child that did not start.
    pub(crate) fn disown(&self, child: Pid) {
        self.state.lock().take_back_link(child);
    }
}
