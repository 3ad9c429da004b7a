//! What signals do to a process before its behaviour reads, and what its end does.

use std::any::{Any, TypeId};

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};

use kista_etf::Pid;
use kista_sync::queue::Batch;

use super::current;
use super::signal::{ControlSignal, Envelope, Never, Signal, unfold};
use super::state::Effect;
use super::{Mail, Process, ProcessInfo, Via};
use crate::ExitReason;
use crate::remote::settle;
impl<M: Send + 'static> Process<M> {
    /// Takes the queue over, and lets as many of its control signals act as one poll may. What came behind them stays
    /// in `Mail::arrived`, and the queue where it is, until the next poll. `Some` when a signal ends the process.
    pub(super) fn take_signals(&self) -> Poll<Option<ExitReason>> {
        let mut mail = self.mail.lock();
        let mail = &mut *mail;
        if mail.arrived.is_empty() {
            let read_before = mail.list.len();
            let batch = self.queue.try_take(&mut mail.list);
            if batch.items == 0 {
                return Poll::Pending;
            }
            if !self.sort(batch, read_before, mail) {
                return Poll::Ready(None);
            }
        }
        Poll::Ready(self.act_on_arrived(mail))
    }

    /// Takes over what came since this poll began, for a receive that begins in the middle of it: what the process sent to itself.
    /// False when that ends the process: the receive is to be pending then, and the shell does the rest.
    pub(crate) fn take_arrived(&self, cx: &Context<'_>) -> bool {
        let mut mail = self.mail.lock();
        let mail = &mut *mail;
        if mail.arrived.is_empty() {
            let read_before = mail.list.len();
            // It does not park: the receive may be polled by another waker than the process's.
            let batch = self.queue.try_take(&mut mail.list);
            if !self.sort(batch, read_before, mail) {
                return true;
            }
        }
        let Some(fatal) = self.act_on_arrived(mail) else {
            return true;
        };
        let _ = self.ended.set(fatal);
        cx.waker().wake_by_ref();
        false
    }

    /// What was taken over behind `read_before` is for the behaviour to read (false), or there are signals among it that have to act
    /// first, in `Mail::arrived`.
    fn sort(&self, batch: Batch, read_before: usize, mail: &mut Mail<M>) -> bool {
        match self.reads_singly() {
            true if batch.more > 0 => unfold(&mut mail.list, read_before),
            _ => mail.add_more(batch.more),
        }
        self.turn.receive(batch.messages, !self.is_bounded());
        self.look_at_backlog(mail.len() + self.taken());
        if batch.signals == 0 {
            self.turn.set_listed(!mail.list.is_empty());
            return false;
        }
        mail.arrived.set(mail.list.split_off(read_before));
        self.turn.set_arrived(true);
        true
    }

    /// Whether messages that came together are listed one by one: others may take the oldest one out, or a receive the one that it
    /// chooses. That is done for each as it is taken over: to look for runs later would be to look at the whole backlog.
    fn reads_singly(&self) -> bool {
        self.is_bounded() || TypeId::of::<M>() == TypeId::of::<Never>()
    }

    pub(super) fn act_on_arrived(&self, mail: &mut Mail<M>) -> Option<ExitReason> {
        while self.turn.may_act()
            && let Some(signal) = mail.arrived.pop_front()
        {
            let Signal::Control(envelope) = signal else {
                mail.list.push_back(signal);
                continue;
            };
            self.turn.acted();
            if let Some(fatal) = self.act(*envelope, mail) {
                // What came after the fatal signal is answered by `end`.
                return Some(fatal);
            }
        }
        mail.arrived.give_back();
        self.turn.set_arrived(!mail.arrived.is_empty());
        self.turn.set_listed(!mail.list.is_empty());
        None
    }

    /// Lets one control signal act on the process.
    fn act(&self, envelope: Envelope, mail: &mut Mail<M>) -> Option<ExitReason> {
        let Envelope { signal, via } = envelope;
        if let ControlSignal::Info { slot } = signal {
            let _ = slot.fill(self.info(mail));
            return None;
        }
        let mut effects = Vec::new();
        {
            let mut state = self.state.lock();
            match via {
                None => state.apply(signal, Via::Here, &mut effects),
                Some(connection) => {
                    let makes_relation = matches!(
                        signal,
                        ControlSignal::Link { .. } | ControlSignal::Monitor { .. }
                    );
                    state.apply(signal, Via::from(&connection), &mut effects);
                    // A connection that is down already will not report its loss again.
                    if makes_relation && !state.is_watching(&connection) {
                        let lost = ControlSignal::ConnectionLost {
                            connection: connection.id(),
                        };
                        state.apply(lost, Via::Here, &mut effects);
                    }
                }
            }
        }
        let mut fatal = None;
        for effect in effects {
            match effect {
                Effect::Send(to, signal, via) => {
                    self.node().signal_by(&via, Some(self.pid()), to, signal)
                }
                Effect::Deliver(info) => mail.list.push_back(Signal::Notice(Box::new(info))),
                Effect::Receive(message) => mail.list.push_back(Signal::Wire(message)),
                Effect::Drop(message) => {
                    drop(message);
                    if self.is_bounded() {
                        self.done(1);
                    }
                }
                Effect::Demonitor(reference, target, via) => {
                    self.node().demonitor(&via, self.pid(), target, reference);
                }
                Effect::Spawned(slot, result) => settle(&slot, result),
                Effect::Abandon {
                    spawned,
                    reference,
                    flags,
                    via,
                } => {
                    let node = self.node();
                    node.abandon_spawned(&via, self.pid(), spawned, reference, flags);
                }
                Effect::Die(reason) => fatal = fatal.or(Some(reason)),
            }
        }
        fatal
    }

    fn info(&self, mail: &Mail<M>) -> ProcessInfo {
        let timers = match self.is_timed() {
            true => self.node().timers().count(self.pid()),
            false => 0,
        };
        let state = self.state.lock();
        let bound = state.bound.as_deref();
        ProcessInfo {
            pid: self.pid(),
            name: state.name,
            behaviour: self.behaviour(),
            status: self.status(),
            message_queue_len: (mail.listed() + self.taken()).saturating_sub(state.flushed()),
            message_queue_bytes: self.queue.buffer_bytes() + mail.held_bytes(),
            messages_in: self.turn.received(),
            messages_out: self.sent(),
            links: state.links(),
            monitors: state.monitors(),
            monitored_by: state.watchers(),
            aliases: state.alias_count(),
            timers,
            parent: state.parent(),
            ancestors: state
                .origin()
                .map_or_else(Vec::new, |origin| origin.ancestry.list()),
            group_leader: state.group_leader(),
            trap_exit: state.trap_exit,
            priority: state.priority,
            environment: state
                .origin()
                .map_or_else(Vec::new, |origin| origin.env.list()),
            bound: bound.map(|bound| bound.bound),
            messages_refused: bound.map_or(0, |bound| bound.counts.refused.load(Relaxed)),
            messages_dropped: bound.map_or(0, |bound| bound.counts.dropped.load(Relaxed)),
            messages_diverted: bound.map_or(0, |bound| bound.counts.diverted.load(Relaxed)),
        }
    }

    /// Rule 3 of the module, after the state was dropped.
    pub(crate) fn end(&self, reason: &ExitReason) {
        let _ending = self.node().ending();
        let name = self.state.lock().give_up_name();
        if let Some(name) = name {
            self.node().free_name(name, self.pid());
        }
        let mut left = self.mail.lock().take_all();
        self.queue.close(&mut left);
        self.node().forget(self.pid());
        let events = self.node().event_registry();
        events.process_ended(self.pid(), reason);
        if self.is_timed() {
            self.node().timers().end_of(self.pid());
        }
        if self.is_told_of_nodes() {
            self.node().node_monitors().end_of(self.pid());
        }
        if self.is_bounded() {
            self.wake_waiters();
        }
        let mut calls = Vec::new();
        for signal in left {
            match signal {
                Signal::Call(..) | Signal::Stop(_, Some(_)) | Signal::Replace(_) => {
                    calls.push(signal);
                }
                Signal::Message(message) => self.drop_quietly("a message", || drop(message)),
                Signal::Control(envelope) => {
                    self.node().answer_for_dead(self.pid(), *envelope);
                }
                Signal::Wire(_) | Signal::Passed(_) | Signal::Notice(_) | Signal::Stop(_, None) => {
                }
            }
        }
        let (effects, monitors, deferred, _held_by) = {
            let mut state = self.state.lock();
            let effects = state.end(reason);
            (
                effects,
                state.take_monitors().collect::<Vec<_>>(),
                state.take_deferred(),
                // It may be this very process, which would keep itself for ever.
                state.held_by.take(),
            )
        };
        for effect in effects {
            if let Effect::Send(to, signal, via) = effect {
                self.node().signal_by(&via, Some(self.pid()), to, signal);
            }
        }
        // Behind that: a linked caller that does not trap exits does not see what became of its call.
        for call in calls {
            match call {
                Signal::Call(message, pending) => {
                    pending.fail(reason);
                    self.drop_quietly("a message", || drop(message));
                }
                Signal::Stop(_, Some(pending)) => pending.fail(reason),
                Signal::Replace(replace) => replace.fail(reason),
                _ => unreachable!("these were set aside"),
            }
        }
        for pending in deferred.iter().flat_map(|deferred| deferred.iter()) {
            pending.fail(reason);
        }
        for (reference, target, via) in monitors {
            self.node().demonitor(&via, self.pid(), target, reference);
        }
    }

    /// Drops what the ending process leaves. A Drop that panics must not keep others from hearing of the end.
    pub(crate) fn drop_quietly(&self, what: &str, drop: impl FnOnce()) {
        drop_quietly(self.pid(), what, || current::ending(self.pid(), drop));
    }
}

/// Drops what is the user's. A Drop that panics is logged, and is nobody else's trouble.
pub(crate) fn drop_quietly(pid: Pid, what: &str, drop: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(drop)) {
        tracing::error!(%pid, text = %caught_text(panic), "{what} panicked while it was dropped");
    }
}

/// The text of a panic that was caught, whose payload ends here: when its own Drop panics too, what that throws is left behind.
pub(crate) fn caught_text(panic: Box<dyn Any + Send>) -> String {
    let text = panic_text(&*panic);
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(again);
    }
    text
}

pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::process::Never;
    use crate::{Node, SpawnOptions};

    #[tokio::test]
    async fn a_process_held_by_its_own_queue_does_not_keep_itself_when_it_ends() {
        let node = Node::builder("held@localhost").no_network().start().await;
        let node = node.expect("a node without network starts");
        let born = node.birth::<Never>("held", SpawnOptions::new(), None);
        let process = born.map_err(drop).expect("there is room").process;
        process.hold_for(Arc::clone(&process) as _);
        process.end(&ExitReason::Normal);
        assert_eq!(Arc::strong_count(&process), 1);
        node.stop().await;
    }
}
