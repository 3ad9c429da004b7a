use kista_etf::{Atom, Pid};

use super::{Shown, place};
use crate::gen_event::HandlerId;
use crate::process::Me;
use crate::{Dest, ExitReason};

/// A process that failed: OTP's crash report, and its behaviour's error report, in one.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CrashReport {
    /// The process.
    pub pid: Pid,
    /// Its registered name.
    pub name: Option<Atom>,
    /// `gen_server`, `gen_statem`, `gen_event`; `process` for a plain one.
    pub behaviour: Atom,
    /// The Rust type that ran, or the function of a plain process.
    pub runs: &'static str,
    /// What it was at.
    pub during: During,
    /// Why it ends.
    pub reason: ExitReason,
    /// Where it panicked: `src/counter.rs:12:9`. `None`: it did not, or its program notes no places
    /// ([`NodeBuilder::no_panic_hook`](crate::NodeBuilder::no_panic_hook)).
    pub panicked_at: Option<String>,
    /// Who started it, and who started that one, nearest first, by name where there was one.
    pub ancestors: Vec<Dest>,
    /// The message that was handled.
    pub last_message: Shown,
    /// What `format_status` shows of its state.
    pub state: Shown,
    /// How many messages were unread.
    pub message_queue_len: usize,
    /// How many processes are linked with it, and will hear of the end.
    pub links: usize,
    /// Whether it trapped exits.
    pub trap_exit: bool,
}

/// What a process was at when it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum During {
    /// Its `init`: it did not start.
    Init,
    /// Its work.
    Work,
    /// Its `terminate`.
    Terminate,
    /// The work of this handler, which is removed from its event manager; the process lives on.
    Handler(HandlerId),
}

impl CrashReport {
    /// What every process knows of itself.
    pub(crate) fn of(me: &Me, behaviour: Atom, during: During, reason: ExitReason) -> Self {
        let state = me.state.lock();
        let (name, links, trap_exit) = (state.name, state.links().len(), state.trap_exit);
        drop(state);
        let process = me.node().find(me.pid());
        Self {
            pid: me.pid(),
            name,
            behaviour,
            runs: me.behaviour(),
            during,
            panicked_at: place::take(me.pid(), &reason),
            reason,
            ancestors: me.ancestors(),
            last_message: Shown::Nothing,
            state: Shown::Nothing,
            message_queue_len: process.map_or(0, |process| process.backlog()),
            links,
            trap_exit,
        }
    }

    pub(crate) fn last_message(mut self, message: Shown) -> Self {
        self.last_message = message;
        self
    }

    pub(crate) fn state(mut self, state: Shown) -> Self {
        self.state = state;
        self
    }
}
