//! What a process is and may do whatever its message type: one place for the `cx` of every behaviour.
//!
//! [`Me`] lies inside each process. A behaviour's context ([`Cx`](crate::Cx) of a server) dereferences to it, so that
//! `cx.link(pid)` is the same function everywhere. Rules:
//! 1. Only the process's own code gets a `&Me`, through its context: that is what makes these acts *its* acts.
//! 2. Everything here returns at once. What has to be told to others is sent; what concerns the process itself is recorded
//!    before the call returns.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | who it is, sending; what others may see of it at any time |
//! | `relations.rs` | links, monitors, aliases, exits |
//! | `flags.rs` | trapping exits, the bound of the queue, group leader, environment |
//! | `start.rs` | starting other processes |
//!
//! Timers are in the module `timer`, nodes that come and go in `node/monitors.rs`.

mod flags;
mod relations;
mod start;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::Context;

use kista_etf::{Atom, Encode, Pid, atoms};
use kista_sync::lock::Mutex;

use super::{ProcessState, Room, Status};
use crate::gen_server::Sent;
use crate::node::Node;
use crate::reports::{CrashReport, During, Report, Source};
use crate::{Dest, ExitReason, Info};

/// A process's view of itself, the same for every behaviour: what only the process may do.
///
/// ```
/// use kista::{Cx, Me, gen_server};
///
/// struct Guard;
/// #[gen_server]
/// impl Guard {
///     #[init] fn new(cx: &mut Cx<Self>) -> Self {
///         cx.trap_exit(true);              // a `Cx` dereferences to `Me`
///         introduce(cx);
///         Guard
///     }
/// }
/// fn introduce(me: &Me) {
///     println!("I am {} on {}", me.pid(), me.node().name());
/// }
/// ```
///
/// Source: the `erlang` module of ERTS: `link/1`, `monitor/2`, `process_flag/2`, `exit/2` and their kin.
#[repr(C)] // What changes with each message comes last: see `Process`.
pub struct Me {
    pub(super) pid: Pid,
    pub(super) node: Node,
    pub(super) behaviour: &'static str,
    /// Locked by the process's own task mostly: others look when it starts, when it is full, and for the list of processes.
    pub(crate) state: Mutex<ProcessState>,
    /// Messages that the behaviour took over and has not handled yet.
    taken: AtomicUsize,
    /// Messages that the process sent.
    sent: AtomicU64,
    flags: AtomicU16,
    /// What it does. Only its own task writes this.
    doing: AtomicU16,
    /// The tick of the node's deadlines at which it is woken: see there. Only itself writes this.
    wakes_at: AtomicU32,
}

// Flags.
/// Its queue has a bound.
const BOUNDED: u16 = 1;
/// Its queue is longer than the node's mark.
const ALARMED: u16 = 1 << 1;
/// There may be timers that send to it.
const TIMED: u16 = 1 << 2;
/// It is a plain process: it takes what is encoded, and nothing of `sys`.
const PLAIN: u16 = 1 << 3;
/// It asked to be told of nodes.
const TOLD_OF_NODES: u16 = 1 << 4;

// What it does.
/// It waits for its next message.
const WAITING: u16 = 1;
/// It is held until there is room.
const HELD: u16 = 1 << 1;
/// `sys` suspended it.
const SUSPENDED: u16 = 1 << 2;
/// It is to be held at its next await until there is room.
const TO_HOLD: u16 = 1 << 3;

impl Me {
    pub(crate) fn new(node: Node, pid: Pid, behaviour: &'static str) -> Self {
        Self {
            pid,
            node,
            behaviour,
            state: Mutex::new(ProcessState::new(pid)),
            taken: AtomicUsize::new(0),
            sent: AtomicU64::new(0),
            flags: AtomicU16::new(0),
            doing: AtomicU16::new(0),
            wakes_at: AtomicU32::new(0),
        }
    }

    /// This process.
    #[inline]
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// The node it runs on.
    #[inline]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// The Rust type of the behaviour, e.g. `demo::Counter`.
    pub fn behaviour(&self) -> &'static str {
        self.behaviour
    }

    /// Sends a message in Erlang's format, to any process anywhere: `To ! Message`.
    pub fn send<T: Encode + ?Sized>(&self, to: impl Into<Dest>, message: &T) -> Sent {
        self.node.send(to, message)
    }

    /// What it does, as seen from anywhere.
    pub(crate) fn status(&self) -> Status {
        match self.doing.load(Relaxed) & (WAITING | HELD | SUSPENDED) {
            0 => Status::Running,
            doing if doing & SUSPENDED != 0 => Status::Suspended,
            doing if doing & HELD != 0 => Status::Held,
            _ => Status::Waiting,
        }
    }

    #[inline]
    pub(crate) fn set_waiting(&self, waiting: bool) {
        self.set_doing(WAITING, waiting);
    }

    /// Asks for itself to be held until there is room.
    pub(super) fn hold_for(&self, room: Arc<dyn Room>) {
        let before = self.state.lock().held_by.replace(room);
        drop(before);
        self.set_doing(TO_HOLD, true);
    }

    /// Whether it is held: it sent more than a connection or a queue has room for, and there is no room yet.
    #[inline]
    pub(super) fn poll_hold(&self, cx: &mut Context<'_>) -> bool {
        self.is_to_hold() && self.poll_room(cx)
    }

    #[cold]
    fn poll_room(&self, cx: &mut Context<'_>) -> bool {
        // Not under its lock: a room may be another process, or this one.
        let room = self.state.lock().held_by.clone();
        let held = room.is_some_and(|room| room.poll_room(cx).is_pending());
        if !held {
            let room = self.state.lock().held_by.take();
            drop(room);
        }
        self.set_doing(TO_HOLD | HELD, held);
        held
    }

    #[inline]
    pub(super) fn is_to_hold(&self) -> bool {
        self.doing.load(Relaxed) & TO_HOLD != 0
    }

    /// To be called by whoever serves `sys`.
    pub(crate) fn set_suspended(&self, suspended: bool) {
        self.set_doing(SUSPENDED, suspended);
    }

    pub(crate) fn set_bounded(&self, bounded: bool) {
        self.set(BOUNDED, bounded);
    }

    #[inline]
    pub(crate) fn is_bounded(&self) -> bool {
        self.has(BOUNDED)
    }

    /// Whether that changed anything.
    pub(crate) fn set_alarmed(&self, alarmed: bool) -> bool {
        self.set(ALARMED, alarmed)
    }

    #[inline]
    pub(crate) fn is_alarmed(&self) -> bool {
        self.has(ALARMED)
    }

    pub(crate) fn set_timed(&self) {
        self.set(TIMED, true);
    }

    pub(crate) fn is_timed(&self) -> bool {
        self.has(TIMED)
    }

    pub(crate) fn set_told_of_nodes(&self) {
        self.set(TOLD_OF_NODES, true);
    }

    pub(crate) fn is_told_of_nodes(&self) -> bool {
        self.has(TOLD_OF_NODES)
    }

    pub(crate) fn set_plain(&self) {
        self.set(PLAIN, true);
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.has(PLAIN)
    }

    #[inline]
    fn set_doing(&self, what: u16, on: bool) {
        let doing = self.doing.load(Relaxed);
        let now = match on {
            true => doing | what,
            false => doing & !what,
        };
        // Mostly it is so already: then nothing is written that others read.
        if now != doing {
            self.doing.store(now, Relaxed);
        }
    }

    #[inline]
    fn has(&self, flag: u16) -> bool {
        self.flags.load(Relaxed) & flag != 0
    }

    fn set(&self, flag: u16, on: bool) -> bool {
        // Mostly it is so already: then nothing is written that others read.
        if self.has(flag) == on {
            return false;
        }
        let before = match on {
            true => self.flags.fetch_or(flag, Relaxed),
            false => self.flags.fetch_and(!flag, Relaxed),
        };
        (before & flag != 0) != on
    }

    /// Messages that the behaviour took over and has not handled.
    #[inline]
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }

    /// So many more, or fewer. Only its own task counts.
    #[inline]
    pub(crate) fn count_taken(&self, more: isize) {
        let taken = self.taken().saturating_add_signed(more);
        self.taken.store(taken, Relaxed);
    }

    #[inline]
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Relaxed)
    }

    /// Only its own task counts.
    pub(crate) fn count_sent(&self, messages: u64) {
        if messages > 0 {
            self.sent.store(self.sent() + messages, Relaxed);
        }
    }

    #[inline]
    pub(crate) fn wakes_at(&self) -> u32 {
        self.wakes_at.load(Relaxed)
    }

    #[inline]
    pub(crate) fn set_wakes_at(&self, tick: u32) {
        self.wakes_at.store(tick, Relaxed);
    }

    pub(crate) fn name(&self) -> Option<Atom> {
        self.state.lock().name
    }

    /// The report on a failure of the process's own, when the reason is not a proper one.
    pub(crate) fn report_crash(&self, reason: &ExitReason, make: impl FnOnce() -> CrashReport) {
        if !reason.is_normal() {
            let source = Source::Crash(self.behaviour, self.name());
            self.node.report(source, || Report::Crash(Box::new(make())));
        }
    }

    /// The same of a plain process.
    pub(crate) fn report_plain_crash(&self, reason: &ExitReason) {
        self.report_crash(reason, || {
            CrashReport::of(self, atoms::PROCESS, During::Work, reason.clone())
        });
    }

    /// Logs what the behaviour did not expect: as a warning, at most 20 a second on one node.
    pub fn log_not_understood(&self, info: &Info) {
        // Debug is cut after 4 KiB, whatever a peer sent.
        match info {
            Info::Term(term) => self.log_not_understood_text(format_args!("{term:?}")),
            other => self.log_not_understood_text(format_args!("{other:?}")),
        }
    }

    pub(crate) fn log_not_understood_text(&self, what: impl fmt::Display) {
        self.node.log_not_understood(self.pid, self.behaviour, what);
    }
}

impl fmt::Debug for Me {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Me({} {})", self.pid, self.behaviour)
    }
}

/// A process is itself.
impl<M> Deref for super::Process<M> {
    type Target = Me;

    fn deref(&self) -> &Me {
        &self.me
    }
}
