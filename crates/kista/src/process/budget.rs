//! How much a process may do in one turn before the others of its thread have theirs.
//!
//! The runtime has a budget for each of its tasks, and a lane of the [`scheduler`](crate::scheduler), which runs many processes, is one
//! of them: so a process has one of its own, for what it does here. What it does in the runtime (sockets, channels) counts there.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll};

use tokio::task::coop;

/// Units for a turn. As many sends as messages are read in one ([`BUDGET`](super::BUDGET)): else who sends all the time would send more
/// than can be read.
const TURN: u16 = super::BUDGET;

/// No process runs here.
const NONE: u16 = u16::MAX;

/// Who is no process pays one unit of the runtime's for so many sends: it has 128 for each poll, and a send is cheap.
const SENDS_PER_UNIT: u8 = 4;

/// Who comes back so often in one turn is polled again on the spot, by a runtime that the process drives within its turn: it goes on.
const REFUSALS: u16 = 128;

thread_local! {
    static LEFT: Cell<u16> = const { Cell::new(NONE) };
    static REFUSED: Cell<u16> = const { Cell::new(0) };
    /// Sends by who is no process.
    static SENDS: Cell<u8> = const { Cell::new(0) };
}

/// Runs `f` with a budget of its own. Whether it used it up.
#[inline]
pub(super) fn turn(f: impl FnOnce()) -> bool {
    struct Restore(u16, u16);
    impl Drop for Restore {
        fn drop(&mut self) {
            LEFT.set(self.0);
            REFUSED.set(self.1);
        }
    }
    let _outer = Restore(LEFT.replace(TURN), REFUSED.replace(0));
    f();
    LEFT.get() == 0
}

/// For a send; as [`poll_unit`].
#[inline]
pub(crate) fn poll_send(cx: &mut Context<'_>) -> Poll<()> {
    if LEFT.get() == NONE {
        let sends = SENDS.replace(SENDS.get().wrapping_add(1));
        if !sends.is_multiple_of(SENDS_PER_UNIT) {
            return Poll::Ready(());
        }
    }
    poll_unit(cx)
}

/// Ready, but when the process that runs here, or the task, has used up its budget: it is polled again when others had their turn.
#[inline]
pub(crate) fn poll_unit(cx: &mut Context<'_>) -> Poll<()> {
    match LEFT.get() {
        NONE => pin!(coop::consume_budget()).poll(cx),
        0 if refuses() => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
        0 => {
            LEFT.set(TURN);
            Poll::Ready(())
        }
        left => {
            LEFT.set(left - 1);
            Poll::Ready(())
        }
    }
}

/// The process that runs here, if one does, has used up its budget.
#[cold]
pub(crate) fn end() {
    if LEFT.get() != NONE {
        LEFT.set(0);
    }
}

#[cold]
fn refuses() -> bool {
    let refused = REFUSED.get() + 1;
    REFUSED.set(refused % REFUSALS);
    refused < REFUSALS
}
