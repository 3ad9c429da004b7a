//! Which process runs on this thread right now.
//!
//! The shell of a process moves its own [`Current`] into a thread-local for the length of each poll and takes it back
//! afterwards, so that knowing the caller costs a pointer move, and nothing outlives a poll. Rules:
//! 1. Set exactly while the process's own code runs, also while its state is dropped at its end.
//! 2. Nested processes (a runtime driven inside a handler) restore the outer one, also on unwinding.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use kista_etf::Pid;

use crate::node::Node;
use crate::process::Room;

thread_local! {
    static CURRENT: RefCell<Option<Box<Current>>> = const { RefCell::new(None) };
    static SENT: Cell<u64> = const { Cell::new(0) };
    static ENDING: Cell<Option<Pid>> = const { Cell::new(None) };
}

pub(crate) struct Current {
    pub(crate) node: Node,
    pub(crate) pid: Pid,
    /// The process sent more than a connection's mark or a queue's bound: it is held at its next await until there is room.
    pub(crate) held_by: Option<Arc<dyn Room>>,
}

/// Runs `f` as this process.
pub(crate) fn scope<R>(slot: &mut Option<Box<Current>>, f: impl FnOnce() -> R) -> R {
    struct Restore<'a> {
        slot: &'a mut Option<Box<Current>>,
        outer: Option<Box<Current>>,
    }
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            *self.slot = CURRENT.replace(self.outer.take());
        }
    }
    let outer = CURRENT.replace(slot.take());
    let _restore = Restore { slot, outer };
    f()
}

/// Runs `f`, which drops what the process `pid` leaves behind: its own reply tokens stay silent meanwhile.
pub(crate) fn ending<R>(pid: Pid, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<Pid>);
    impl Drop for Restore {
        fn drop(&mut self) {
            ENDING.set(self.0);
        }
    }
    let _restore = Restore(ENDING.replace(Some(pid)));
    f()
}

/// Whether what is dropped here is dropped by the end of this process: by the shell, or by a panic in its code.
pub(crate) fn is_ending(pid: Pid) -> bool {
    let panics = || {
        std::thread::panicking()
            && CURRENT.with_borrow(|current| current.as_ref().is_some_and(|c| c.pid == pid))
    };
    ENDING.get() == Some(pid) || panics()
}

/// The process that runs here, when it is one of `node`'s.
pub(crate) fn pid_on(node: &Node) -> Option<Pid> {
    CURRENT.with_borrow(|current| {
        current
            .as_ref()
            .filter(|current| current.node.is(node))
            .map(|current| current.pid)
    })
}

/// Whether a process's code runs on this thread.
pub(crate) fn is_process() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// Holds the running process, if there is one, until there is room.
pub(crate) fn hold(room: Arc<dyn Room>) {
    CURRENT.with_borrow_mut(|current| {
        if let Some(current) = current {
            current.held_by = Some(room);
        }
    });
}

/// Counts a message that is sent here. Who sends it is settled once per poll: see [`sent`].
pub(crate) fn count_sent() {
    SENT.set(SENT.get().wrapping_add(1));
}

/// Messages that were sent on this thread, ever.
pub(crate) fn sent() -> u64 {
    SENT.get()
}
