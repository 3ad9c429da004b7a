use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use kista_etf::{Pid, Reference};

use super::core::{Event, Time};
use super::request::SupervisorMsg;
use crate::node::Deadline;
use crate::process::AnyProcess;
use crate::sys::Held;
use crate::{ExitReason, Info};

/// Tells children to end, and waits for it. Each is watched by a monitor, since it may have unlinked itself; the reason is that of
/// its exit signal if there was one: a child that had ended before it was told to says why, where the monitor says `noproc`.
pub(super) struct Ending<'a> {
    supervisor: Arc<dyn AnyProcess>,
    held: Held<'a, SupervisorMsg>,
    children: HashMap<Pid, Told>,
    monitors: HashMap<Reference, Pid>,
    deadline: Option<Deadline>,
}

#[derive(Default)]
struct Told {
    /// Its exit signal was read.
    exit: Option<ExitReason>,
    /// Its monitor found nobody, while there is a link: the exit signal is on its way.
    gone: bool,
}

impl<'a> Ending<'a> {
    pub(super) fn new(supervisor: Arc<dyn AnyProcess>, held: Held<'a, SupervisorMsg>) -> Self {
        Self {
            supervisor,
            held,
            children: HashMap::new(),
            monitors: HashMap::new(),
            deadline: None,
        }
    }

    pub(super) fn tell(&mut self, pid: Pid, reason: ExitReason) {
        let me = self.supervisor.me();
        self.monitors.insert(me.monitor(pid), pid);
        me.exit(pid, reason);
        let exit = match self.held.take_exit(pid) {
            Some(Info::Exit { reason, .. }) => Some(reason),
            _ => None,
        };
        self.children.insert(pid, Told { exit, gone: false });
    }

    /// The end of one of them, or the end of the time.
    pub(super) async fn wait(&mut self, time: Time) -> Event {
        match time {
            Time::Within(time) => self.deadline = Some(self.supervisor.me().node().deadline(time)),
            Time::Endless => self.deadline = None,
            Time::Same => {}
        }
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Event> {
        let Self {
            held,
            children,
            monitors,
            ..
        } = self;
        loop {
            let wanted = |info: &Info| match info {
                Info::Exit { from, .. } => children.contains_key(from),
                Info::Down { reference, .. } => monitors.contains_key(reference),
                _ => false,
            };
            match held.poll_notice(wanted, cx) {
                Poll::Ready(Info::Exit { from, reason }) => {
                    let Some(child) = children.get_mut(&from) else {
                        continue;
                    };
                    if child.gone {
                        children.remove(&from);
                        return Poll::Ready(Event::Ended(from, reason));
                    }
                    child.exit = Some(reason);
                }
                Poll::Ready(Info::Down {
                    reference, reason, ..
                }) => {
                    let Some(pid) = monitors.remove(&reference) else {
                        continue;
                    };
                    let me = self.supervisor.me();
                    let exit = children.get_mut(&pid).and_then(|child| child.exit.take());
                    if exit.is_none()
                        && reason == ExitReason::NoProc
                        && me.state.lock().is_linked(pid)
                    {
                        children.entry(pid).or_default().gone = true;
                        continue;
                    }
                    children.remove(&pid);
                    // No exit signal follows.
                    me.unlink(pid);
                    return Poll::Ready(Event::Ended(pid, exit.unwrap_or(reason)));
                }
                Poll::Ready(_) => {}
                Poll::Pending => break,
            }
        }
        match &mut self.deadline {
            Some(deadline) => deadline
                .poll(self.supervisor.me().node(), cx)
                .map(|()| Event::TimedOut),
            None => Poll::Pending,
        }
    }
}
