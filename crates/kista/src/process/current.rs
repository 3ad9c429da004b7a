//! Which process runs on this thread right now.
//!
//! The shell of a process lends its handle to a thread-local for the length of each poll, so that knowing the caller costs
//! nothing that others see, and nothing outlives a poll. Rules:
//! 1. Set exactly while the process's own code runs, also while its state is dropped at its end.
//! 2. Nested processes (a runtime driven inside a handler) restore the outer one, also on unwinding.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::task::{Context, Waker};

use kista_etf::Pid;

use crate::node::Node;
use crate::process::{AnyProcess, Me, Room};

thread_local! {
    static CURRENT: RefCell<Option<Arc<dyn AnyProcess>>> = const { RefCell::new(None) };
    static SENT: Cell<u64> = const { Cell::new(0) };
    static ENDING: Cell<Option<Pid>> = const { Cell::new(None) };
}

/// Runs `f` as this process.
pub(crate) fn scope<R>(process: Arc<dyn AnyProcess>, f: impl FnOnce() -> R) -> R {
    lent(process, f).0
}

/// Runs `f` as this process, and gives the handle back: it is moved, so that nobody counts.
#[inline]
pub(super) fn lent<R>(
    process: Arc<dyn AnyProcess>,
    f: impl FnOnce() -> R,
) -> (R, Option<Arc<dyn AnyProcess>>) {
    /// Whom to restore, once.
    struct Restore(Option<Option<Arc<dyn AnyProcess>>>);
    impl Restore {
        fn restore(&mut self) -> Option<Arc<dyn AnyProcess>> {
            CURRENT.replace(self.0.take()?)
        }
    }
    impl Drop for Restore {
        fn drop(&mut self) {
            drop(self.restore());
        }
    }
    let mut outer = Restore(Some(CURRENT.replace(Some(process))));
    let done = f();
    (done, outer.restore())
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
            && CURRENT.with_borrow(|current| current.as_ref().is_some_and(|c| c.me().pid() == pid))
    };
    ENDING.get() == Some(pid) || panics()
}

/// The pid of the process that runs here, when it is one of `node`'s.
#[inline]
pub(crate) fn pid_on(node: &Node) -> Option<Pid> {
    CURRENT.with_borrow(|current| {
        let me = current.as_ref()?.me();
        me.node().is(node).then(|| me.pid())
    })
}

/// The process that runs here, when it is one of `node`'s.
pub(crate) fn process_on(node: &Node) -> Option<Arc<dyn AnyProcess>> {
    CURRENT.with_borrow(|current| {
        let process = current.as_ref()?;
        process.me().node().is(node).then(|| Arc::clone(process))
    })
}

/// Sees to it that the process of `node` that runs here, if it is the one that `waker` wakes, is woken at this tick of the node's
/// deadlines, or before: by `arm`, if it has no alarm, which says at which tick that is. False: it is not.
#[inline]
pub(crate) fn set_alarm(
    node: &Node,
    waker: &Waker,
    tick: u64,
    passed: u64,
    arm: impl FnOnce(Pid) -> u64,
) -> bool {
    with_own(waker, |me, _| {
        if !me.node().is(node) {
            return false;
        }
        let wakes_at = u64::from(me.wakes_at());
        if wakes_at > passed {
            return wakes_at <= tick;
        }
        // An alarm that has fired says nothing.
        match u32::try_from(tick) {
            Ok(_) => {
                let armed = arm(me.pid());
                me.set_wakes_at(u32::try_from(armed).unwrap_or(u32::MAX));
                true
            }
            Err(_) => false,
        }
    })
    .unwrap_or(false)
}

/// The process that runs here, if it is the one that `waker` wakes: then this is its own turn, in its node's runtime. Whether signals
/// wait for it.
#[inline]
pub(crate) fn with_own<R>(waker: &Waker, f: impl FnOnce(&Me, bool) -> R) -> Option<R> {
    here(|process| {
        let process = process?;
        (waker.data() == Arc::as_ptr(process).cast()).then(|| {
            let (me, is_signalled) = process.me_and_signalled();
            f(me, is_signalled)
        })
    })?
}

/// With the process that runs here, if one does. None: the thread ends. In place, where `with_borrow` is called.
#[inline(always)]
fn here<R>(f: impl FnOnce(Option<&Arc<dyn AnyProcess>>) -> R) -> Option<R> {
    CURRENT
        .try_with(|current| f(current.borrow().as_ref()))
        .ok()
}

/// Whether signals wait for the process that runs here. If so it is woken by `cx`, to be polled again when they have acted.
#[inline]
pub(crate) fn has_to_act(cx: &Context<'_>) -> bool {
    let is_signalled = here(|process| process.is_some_and(|it| it.me_and_signalled().1));
    let is_signalled = is_signalled.unwrap_or(false);
    if is_signalled {
        cx.waker().wake_by_ref();
    }
    is_signalled
}

/// The process that runs here, whatever its node; also asked while a thread ends or panics.
pub(crate) fn running() -> Option<Pid> {
    let pid = |current: &RefCell<Option<Arc<dyn AnyProcess>>>| {
        Some(current.try_borrow().ok()?.as_ref()?.me().pid())
    };
    CURRENT.try_with(pid).ok().flatten()
}

/// Whether a process's code runs on this thread.
pub(crate) fn is_process() -> bool {
    CURRENT.with_borrow(Option::is_some)
}

/// Holds the running process, if there is one, until there is room.
pub(crate) fn hold(room: Arc<dyn Room>) {
    CURRENT.with_borrow(|current| {
        if let Some(current) = current {
            current.me().hold_for(room);
        }
    });
}

/// Counts a message that is sent here. Who sends it is settled once per poll: see [`sent_by`].
#[inline]
pub(crate) fn count_sent() {
    SENT.set(SENT.get().wrapping_add(1));
}

/// Runs `f`, and says how many messages it sent. They are not counted again for what runs around it.
#[inline]
pub(super) fn sent_by<R>(f: impl FnOnce() -> R) -> (R, u64) {
    let before = SENT.get();
    let done = f();
    let sent = SENT.replace(before).wrapping_sub(before);
    (done, sent)
}
