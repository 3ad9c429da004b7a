use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;

use super::ReplySlot;
use crate::testing::{Calling, Counted, Unparking};

type Slot = ReplySlot<u32, &'static str>;

fn poll(slot: &Slot, waker: &Waker) -> Poll<Result<u32, &'static str>> {
    slot.poll(&mut Context::from_waker(waker))
}

#[test]
fn first_outcome_wins_and_later_ones_come_back() {
    let slot = Slot::new();
    assert!(slot.is_pending());
    slot.fill(1).unwrap();
    assert!(!slot.is_pending());
    assert_eq!(slot.fill(2), Err(2));
    assert_eq!(slot.fail("late"), Err("late"));
    assert_eq!(poll(&slot, Waker::noop()), Poll::Ready(Ok(1)));

    let slot = Slot::default();
    slot.fail("down").unwrap();
    assert_eq!(slot.fill(2), Err(2));
    assert_eq!(slot.fail("late"), Err("late"));
    assert_eq!(slot.try_take(), Some(Err("down")));
}

#[test]
fn a_quiet_reply_wakes_nobody_and_stays_with_who_brought_it_when_it_is_late() {
    let slot = Slot::new();
    let mut reply = Some(1);
    assert!(slot.fill_quietly(&mut reply).is_none(), "nobody waits");
    assert_eq!(reply, None);
    let mut late = Some(2);
    assert!(slot.fill_quietly(&mut late).is_none());
    assert_eq!(late, Some(2));
    assert_eq!(slot.try_take(), Some(Ok(1)));

    let slot = Slot::new();
    let (counted, waker) = Counted::new();
    assert_eq!(poll(&slot, &waker), Poll::Pending);
    let woken = slot.fill_quietly(&mut Some(3));
    assert_eq!(counted.wakes(), 0);
    woken.expect("who waits").wake();
    assert_eq!(counted.wakes(), 1);
    assert_eq!(poll(&slot, &waker), Poll::Ready(Ok(3)));
}

#[test]
fn outcome_is_taken_once_and_nothing_follows() {
    let slot = Slot::new();
    assert_eq!(slot.try_take(), None);
    slot.fill(1).unwrap();
    assert_eq!(slot.try_take(), Some(Ok(1)));
    assert_eq!(slot.try_take(), None);
    assert_eq!(slot.fill(2), Err(2));
    assert_eq!(poll(&slot, Waker::noop()), Poll::Pending);
    assert_eq!(slot.abandon(), None);
}

#[test]
fn late_reply_is_refused_after_abandon() {
    let (counted, waker) = Counted::new();
    let slot = Slot::new();
    assert!(poll(&slot, &waker).is_pending());
    assert_eq!(slot.abandon(), None);
    assert_eq!(Arc::strong_count(&counted), 2, "the waker is let go");
    assert!(slot.is_abandoned() && !slot.is_pending());
    assert_eq!(slot.fill(1), Err(1));
    assert_eq!(slot.fail("late"), Err("late"));
    assert_eq!(slot.try_take(), None);
    assert_eq!(poll(&slot, &waker), Poll::Pending);
    assert_eq!(counted.wakes(), 0);
}

#[test]
fn reply_that_beat_the_timeout_is_returned_by_abandon() {
    let slot = Slot::new();
    slot.fill(1).unwrap();
    assert_eq!(slot.abandon(), Some(Ok(1)));
    assert_eq!(slot.abandon(), None);
}

#[test]
fn caller_is_woken_once_where_it_last_waited() {
    let (old, old_waker) = Counted::new();
    let (new, new_waker) = Counted::new();
    let slot = Slot::new();
    assert!(poll(&slot, &old_waker).is_pending());
    assert!(poll(&slot, &new_waker).is_pending());
    assert!(poll(&slot, &new_waker).is_pending());
    assert_eq!(slot.try_take(), None);
    slot.fill(1).unwrap();
    assert_eq!(slot.fill(2), Err(2));
    assert_eq!((old.wakes(), new.wakes()), (0, 1));
    assert_eq!(Arc::strong_count(&old), 2);
}

#[test]
fn waker_may_use_the_slot() {
    let slot = Arc::new(Slot::new());
    let inner = slot.clone();
    let waker = Waker::from(Arc::new(Calling(move || assert!(!inner.is_pending()))));
    assert!(poll(&slot, &waker).is_pending());
    slot.fail("down").unwrap();
    assert_eq!(poll(&slot, &waker), Poll::Ready(Err("down")));
}

#[test]
fn small_reply_takes_four_words() {
    assert!(size_of::<ReplySlot<u64, u32>>() <= 40);
}

#[test]
fn stress_one_outcome_each() {
    for round in 0..2_000 {
        let slot = Arc::new(Slot::new());
        let (filling, failing) = (slot.clone(), slot.clone());
        let fill = thread::spawn(move || filling.fill(round).is_ok());
        let fail = thread::spawn(move || failing.fail("down").is_ok());
        let waker = Unparking::waker();
        let outcome = loop {
            match poll(&slot, &waker) {
                Poll::Ready(outcome) => break outcome,
                Poll::Pending => thread::park(),
            }
        };
        let accepted = (fill.join().unwrap(), fail.join().unwrap());
        assert_eq!(accepted, (outcome == Ok(round), outcome == Err("down")));
    }
}

#[test]
fn a_slot_of_which_the_answer_was_taken_to_reuse_it_is_as_new() {
    let mut slot = Slot::new();
    assert_eq!(slot.take_to_reuse(), None);
    assert_eq!(slot.fill(1), Ok(()));
    assert_eq!(slot.take_to_reuse(), Some(Ok(1)));
    assert!(slot.is_pending());
    assert_eq!(slot.try_take(), None);
    assert_eq!(slot.fail("late"), Ok(()));
    assert_eq!(slot.take_to_reuse(), Some(Err("late")));
    // One that was given up is not.
    assert_eq!(slot.abandon(), None);
    assert_eq!(slot.take_to_reuse(), None);
    assert!(!slot.is_pending() && slot.is_abandoned());
}
