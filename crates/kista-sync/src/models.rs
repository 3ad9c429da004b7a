//! Loom models of what several pieces do together: a process that ends while others send to it, and a call whose time runs out.

use std::collections::VecDeque;

use loom::sync::Arc;
use loom::thread;

use crate::queue::Queue;
use crate::slot::ReplySlot;
use crate::table::Table;

/// Who sends to a process that ends has its message read, answered for by the end, or given back: one of these, and one only. Once
/// the process is out of the table nobody finds it.
#[test]
fn what_is_sent_to_an_ending_process_is_answered_exactly_once() {
    loom::model(|| {
        let table = Arc::new(Table::with_capacity_limit(2));
        let key = table.insert_with(|_| Arc::new(Queue::<_>::new())).unwrap();
        let sending = table.clone();
        let sender = thread::spawn(move || {
            let mut given_back = Vec::new();
            for item in [1, 2] {
                match sending.get(key) {
                    Some(queue) => given_back.extend(queue.push_signal(item).err()),
                    None => given_back.push(item),
                }
            }
            // The process is no more from then on.
            assert_ne!(given_back, [1], "open again");
            given_back
        });
        // The process: reads once, then ends as `Process::end` does.
        let queue = table.get(key).unwrap();
        let mut answered = VecDeque::new();
        queue.try_take(&mut answered);
        queue.close(&mut answered);
        assert!(table.remove(key).is_some());
        answered.extend(sender.join().unwrap());
        answered.make_contiguous().sort_unstable();
        assert_eq!(answered, [1, 2]);
        assert!(table.get(key).is_none());
    });
}

/// A call that goes encoded: the answer finds it by its key. When the time is up the caller takes the entry out and gives up; the answer is
/// the caller's or nobody's, never a later call's in the same slot.
#[test]
fn an_answer_that_races_with_the_timeout_is_the_callers_or_nobodys() {
    loom::model(|| {
        let calls = Arc::new(Table::with_capacity_limit(1));
        let slot = Arc::new(ReplySlot::<u32, ()>::new());
        let key = calls.insert_with(|_| slot.clone()).unwrap();
        let answering = calls.clone();
        let answer =
            thread::spawn(move || answering.get(key).is_some_and(|slot| slot.fill(1).is_ok()));
        // The time is up.
        drop(calls.remove(key));
        let outcome = slot.abandon();
        let next = Arc::new(ReplySlot::<u32, ()>::new());
        calls.insert_with(|_| next.clone()).unwrap();
        assert_eq!(outcome.is_some(), answer.join().unwrap());
        assert!(next.is_pending());
    });
}
