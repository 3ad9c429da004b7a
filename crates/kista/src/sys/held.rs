use std::collections::VecDeque;
use std::task::{Context, Poll, ready};

use kista_etf::Pid;
use rustc_hash::FxHashMap;

use super::inbox::Inbox;
use crate::gen_server::Message;
use crate::process::{Info, Signal};

/// A handler's selective receive: it looks for certain DOWNs and exits, and everything else that arrives meanwhile stays in its
/// order. Each signal is moved aside once, however often is looked. When this is dropped it goes back in front.
pub(crate) struct Held<'a, M: Message> {
    inbox: &'a mut Inbox<M>,
    /// `None`: taken out by [`take_exit`](Self::take_exit).
    aside: Vec<Option<Signal<M>>>,
    /// Where in there the exits are.
    exits: FxHashMap<Pid, usize>,
}

impl<'a, M: Message> Held<'a, M> {
    pub(crate) fn new(inbox: &'a mut Inbox<M>) -> Self {
        Self {
            inbox,
            aside: Vec::new(),
            exits: FxHashMap::default(),
        }
    }

    /// The next notice that is wanted. Pending as [`Inbox::poll_next`].
    pub(crate) fn poll_notice(
        &mut self,
        wanted: impl Fn(&Info) -> bool,
        cx: &mut Context<'_>,
    ) -> Poll<Info> {
        loop {
            let signal = ready!(self.inbox.poll_signal(cx));
            match signal {
                Signal::Notice(info) if wanted(&info) => {
                    return Poll::Ready(self.inbox.read_notice(*info));
                }
                signal => {
                    if let Signal::Notice(info) = &signal
                        && let Info::Exit { from, .. } = **info
                    {
                        self.exits.insert(from, self.aside.len());
                    }
                    self.aside.push(Some(signal));
                }
            }
        }
    }

    /// The exit of this process, if it was passed over.
    pub(crate) fn take_exit(&mut self, pid: Pid) -> Option<Info> {
        let signal = self.aside[self.exits.remove(&pid)?].take();
        match signal {
            Some(Signal::Notice(info)) => Some(self.inbox.hand_out(*info)),
            _ => None,
        }
    }
}

impl<M: Message> Drop for Held<'_, M> {
    fn drop(&mut self) {
        if !self.aside.is_empty() {
            let aside: VecDeque<_> = self.aside.drain(..).flatten().collect();
            self.inbox.put_back(aside);
        }
    }
}
