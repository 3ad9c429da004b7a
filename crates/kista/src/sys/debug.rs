use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use kista_etf::{Atom, Binary, Encoder, Pid, Term, atoms};
use parking_lot::Mutex;

use super::status::date_time;
use crate::gen_server::{Message, WireKind};
use crate::process::{Dest, Info};

/// The most events that a log keeps, whatever was asked for.
const MOST_EVENTS: usize = 10_000;

/// What `sys` asked a process to keep of its messages. Off, it costs nothing; on, each message is written as a term.
///
/// The events are `sys`'s: `{in, Message}`, then `{out, Reply, From, State}` when the message was a call and answered within
/// its handler, else `{noreply, State}`. A typed message of this node was moved and has no reply or caller to show: both
/// are the atom `local` there.
#[derive(Default)]
pub(super) struct Debug {
    pub(super) statistics: Option<Statistics>,
    pub(super) log: Option<Log>,
    pub(super) trace: bool,
    /// The name in what is traced.
    pub(super) shown: Option<Term>,
    /// The message that is being handled.
    in_hand: Option<InHand>,
}

struct InHand {
    message: Term,
    /// `Some` of a call: `From`.
    from: Option<Term>,
    /// Where the answer of an encoded call is seen; none when it was moved.
    tap: Option<Arc<Tap>>,
}

/// Where the answer to one encoded call is copied to.
pub(crate) struct Tap(Mutex<Option<Term>>);

impl Tap {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(None)))
    }

    pub(crate) fn see(&self, reply: Option<Term>) {
        *self.0.lock() = reply;
    }
}

pub(super) struct Statistics {
    pub(super) since: SystemTime,
    pub(super) messages_in: u64,
    pub(super) messages_out: u64,
}

pub(super) struct Log {
    pub(super) most: usize,
    pub(super) events: VecDeque<Term>,
}

impl Log {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.clamp(1, MOST_EVENTS),
            events: VecDeque::new(),
        }
    }

    /// Another length; the newest stay.
    pub(super) fn limit(&mut self, most: usize) {
        self.most = most.clamp(1, MOST_EVENTS);
        let over = self.events.len().saturating_sub(self.most);
        self.events.drain(..over);
    }
}

impl Debug {
    pub(super) fn is_on(&self) -> bool {
        self.statistics.is_some() || self.log.is_some() || self.trace
    }

    /// A typed message, which was moved.
    pub(super) fn moved<M: Message>(&mut self, message: &M) {
        let mut e = Encoder::new();
        let written = message.encode(&mut e);
        let term = written.ok().and_then(|kind| Some((kind, read(e)?)));
        let local = || Term::from(Atom::from_static("local"));
        let (event, from) = match term {
            Some((WireKind::Call, term)) => (
                Term::tuple([Term::from(atoms::GEN_CALL), local(), term]),
                Some(local()),
            ),
            Some((WireKind::Cast, term)) => {
                (Term::tuple([Term::from(atoms::GEN_CAST), term]), None)
            }
            Some((WireKind::Info, term)) => (term, None),
            None => {
                let name = Binary::from(std::any::type_name::<M>().as_bytes());
                (Term::tuple([local(), Term::from(name)]), None)
            }
        };
        self.take(event, from, None);
    }

    /// An encoded message, whole, and the tap that sees the answer to it.
    pub(super) fn came_in(&mut self, message: Term, tap: Option<Arc<Tap>>) {
        let from = message.as_tagged("$gen_call").map(|call| call[0].clone());
        self.take(message, from, tap);
    }

    pub(super) fn noticed(&mut self, info: &Info) {
        self.take(info_term(info), None, None);
    }

    /// The message that is being handled, as `sys` shows it.
    pub(super) fn in_hand(&self) -> Option<Term> {
        Some(self.in_hand.as_ref()?.message.clone())
    }

    fn take(&mut self, message: Term, from: Option<Term>, tap: Option<Arc<Tap>>) {
        if let Some(statistics) = &mut self.statistics {
            statistics.messages_in += 1;
        }
        let shown = message.clone();
        self.event(Term::tuple([Term::from(Atom::from_static("in")), message]));
        self.in_hand = Some(InHand {
            message: shown,
            from,
            tap,
        });
    }

    /// The message in hand was handled. `answered` speaks of a moved call.
    pub(super) fn handled(&mut self, answered: bool, state: impl FnOnce() -> Term) {
        let Some(InHand { from, tap, .. }) = self.in_hand.take() else {
            return;
        };
        if !self.is_on() {
            return;
        }
        let reply = match tap {
            Some(tap) => tap.0.lock().take(),
            None => answered.then(|| Term::from(Atom::from_static("local"))),
        };
        let event = match (from, reply) {
            (Some(from), Some(reply)) => {
                if let Some(statistics) = &mut self.statistics {
                    statistics.messages_out += 1;
                }
                Term::tuple([Term::from(Atom::from_static("out")), reply, from, state()])
            }
            _ => Term::tuple([Term::from(atoms::NOREPLY), state()]),
        };
        self.event(event);
    }

    fn event(&mut self, event: Term) {
        if self.trace {
            print(self.shown.as_ref(), &event);
        }
        if let Some(log) = &mut self.log {
            if log.events.len() == log.most {
                log.events.pop_front();
            }
            log.events.push_back(event);
        }
    }
}

impl Statistics {
    pub(super) fn new() -> Self {
        Self {
            since: SystemTime::now(),
            messages_in: 0,
            messages_out: 0,
        }
    }

    /// The proper list of `sys:statistics(Name, get)`. Reductions are not counted here: 0.
    pub(super) fn to_term(&self) -> Term {
        let pair = |name, value| Term::tuple([Term::from(Atom::from_static(name)), value]);
        Term::list([
            pair("start_time", date_time(self.since)),
            pair("current_time", date_time(SystemTime::now())),
            pair("reductions", Term::from(0)),
            pair("messages_in", Term::from(self.messages_in)),
            pair("messages_out", Term::from(self.messages_out)),
        ])
    }
}

/// What `sys:log(Name, print)` and `sys:trace` say of an event. OTP writes to the process's group leader; here it is a line
/// of the program's own log.
pub(super) fn print(name: Option<&Term>, event: &Term) {
    let undefined = Term::from(atoms::UNDEFINED);
    let name = name.unwrap_or(&undefined);
    // Debug is cut after 4 KiB, whatever a peer sent.
    match event.as_tuple() {
        Some([kind, message]) if kind.is_atom("in") => {
            tracing::info!(target: "kista::sys", "*DBG* {name} got {message:?}");
        }
        Some([kind, reply, from, state]) if kind.is_atom("out") => {
            tracing::info!(target: "kista::sys", "*DBG* {name} sent {reply:?} to {from:?}, new state {state:?}");
        }
        Some([kind, state]) if kind.as_atom() == Some(atoms::NOREPLY) => {
            tracing::info!(target: "kista::sys", "*DBG* {name} new state {state:?}");
        }
        _ => tracing::info!(target: "kista::sys", "*DBG* {name} {event:?}"),
    }
}

/// What was encoded with its atoms inline.
pub(crate) fn read(e: Encoder) -> Option<Term> {
    let bytes = e.to_bytes();
    kista_etf::Decoder::new(&bytes).shared(&bytes).term().ok()
}

/// The message that Erlang would show.
pub(crate) fn info_term(info: &Info) -> Term {
    let exit = |tag, from: Term, reason: &crate::ExitReason| {
        Term::tuple([Term::from(tag), from, reason.to_term()])
    };
    match info {
        Info::Down {
            reference,
            from,
            reason,
        } => Term::tuple([
            Term::from(atoms::DOWN),
            Term::from(*reference),
            Term::from(atoms::PROCESS),
            dest_term(*from),
            reason.to_term(),
        ]),
        Info::Exit { from, reason } => exit(atoms::EXIT, Term::from(*from), reason),
        Info::NodeUp(node) => Term::tuple([Term::from(atoms::NODEUP), Term::from(*node)]),
        Info::NodeDown(node) => Term::tuple([Term::from(atoms::NODEDOWN), Term::from(*node)]),
        Info::NodeStatus(status) => status.to_term(),
        Info::Timeout => Term::from(atoms::TIMEOUT),
        Info::MessagesLost { count } => {
            let tag = Atom::from_static("messages_lost");
            Term::tuple([Term::from(tag), Term::from(*count)])
        }
        Info::Term(term) => term.clone(),
    }
}

fn dest_term(dest: Dest) -> Term {
    match dest {
        Dest::Pid(pid) => Term::from(pid),
        Dest::Name(name) => Term::from(name),
        Dest::Remote { name, node } => Term::tuple([Term::from(name), Term::from(node)]),
        Dest::Alias(alias) => Term::from(alias),
    }
}

/// The name of a process, or its pid.
pub(super) fn name_term(name: Option<Atom>, pid: Pid) -> Term {
    name.map_or_else(|| Term::from(pid), Term::from)
}
