//! Loom models of the reply slot.

use std::task::{Context, Poll};

use loom::sync::Arc;
use loom::thread;

use super::ReplySlot;
use crate::testing::Parker;

type Slot = ReplySlot<u32, &'static str>;

fn wait(slot: &Slot) -> Result<u32, &'static str> {
    let (parker, waker) = Parker::new();
    loop {
        match slot.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => parker.park(),
        }
    }
}

#[test]
fn waiting_caller_gets_the_one_outcome_that_was_accepted() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let (filling, failing) = (slot.clone(), slot.clone());
        let fill = thread::spawn(move || filling.fill(1).is_ok());
        let fail = thread::spawn(move || failing.fail("down").is_ok());
        let outcome = wait(&slot);
        let accepted = (fill.join().unwrap(), fail.join().unwrap());
        assert!(matches!(
            (outcome, accepted),
            (Ok(1), (true, false)) | (Err("down"), (false, true))
        ));
        assert_eq!(slot.try_take(), None);
    });
}

#[test]
fn abandoned_slot_returns_what_was_accepted_and_accepts_nothing_after() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let (filling, failing) = (slot.clone(), slot.clone());
        let fill = thread::spawn(move || filling.fill(1).is_ok());
        let fail = thread::spawn(move || failing.fail("down").is_ok());
        let outcome = slot.abandon();
        let accepted = (fill.join().unwrap(), fail.join().unwrap());
        assert!(matches!(
            (outcome, accepted),
            (None, (false, false))
                | (Some(Ok(1)), (true, false))
                | (Some(Err("down")), (false, true))
        ));
        assert!(slot.is_abandoned());
    });
}

#[test]
fn caller_that_moved_to_another_task_is_woken_there() {
    loom::model(|| {
        let slot = Arc::new(Slot::new());
        let filling = slot.clone();
        let fill = thread::spawn(move || filling.fill(1).unwrap());
        let (_gone, waker) = Parker::new();
        let outcome = match slot.poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => wait(&slot),
        };
        assert_eq!(outcome, Ok(1));
        fill.join().unwrap();
    });
}
