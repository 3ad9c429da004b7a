//! Loom models of the queue.

use std::collections::VecDeque;
use std::task::{Context, Poll, Wake};

use loom::sync::Arc;
use loom::thread;

use super::{Found, Queue};
use crate::testing::Parker;

/// Panics when it is woken twice.
#[derive(Default)]
struct Once(std::sync::atomic::AtomicBool);

impl Wake for Once {
    fn wake(self: std::sync::Arc<Self>) {
        let before = self.0.swap(true, std::sync::atomic::Ordering::SeqCst);
        assert!(!before, "woken twice");
    }
}

/// Takes until the queue is closed or `wanted` items are there; parks in between.
fn consume(queue: &Queue<u32>, wanted: usize) -> VecDeque<u32> {
    let (parker, waker) = Parker::new();
    let mut cx = Context::from_waker(&waker);
    let mut items = VecDeque::new();
    while items.len() < wanted {
        match queue.poll_take(&mut cx, &mut items) {
            Poll::Ready(batch) if batch.items == 0 => break,
            Poll::Ready(_) => {}
            Poll::Pending => parker.park(),
        }
    }
    items
}

#[test]
fn no_wake_up_is_lost_between_push_and_park() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let producers = [1, 2].map(|item| {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push(item).unwrap();
            })
        });
        let mut items = consume(&queue, 2);
        items.make_contiguous().sort_unstable();
        assert_eq!(items, [1, 2]);
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
    });
}

#[test]
fn no_item_is_lost_between_push_and_a_park_that_takes_nothing() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let producers = [1, 2].map(|item| {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push(item).unwrap();
            })
        });
        let (parker, waker) = Parker::new();
        if queue.park(|| waker) {
            parker.park();
        }
        let mut items = consume(&queue, 2);
        items.make_contiguous().sort_unstable();
        assert_eq!(items, [1, 2]);
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
    });
}

#[test]
fn of_a_push_and_a_bare_wake_only_one_ends_a_park() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let woken = std::sync::Arc::new(Once::default());
        assert!(queue.park(|| woken.clone().into()));
        let waker = {
            let queue = queue.clone();
            thread::spawn(move || queue.wake())
        };
        queue.push(1).unwrap();
        waker.join().unwrap();
        assert!(woken.0.load(std::sync::atomic::Ordering::SeqCst));
    });
}

/// The danger of the flag: a consumer that trusts it sleeps although something is there, and nobody wakes it.
#[test]
fn who_is_said_to_be_parked_is_woken_by_what_comes() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let producers = [1, 2].map(|item| {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push(item).unwrap();
            })
        });
        let (parker, waker) = Parker::new();
        let mut cx = Context::from_waker(&waker);
        let mut items = VecDeque::new();
        while items.len() < 2 {
            if queue.is_parked() || queue.poll_park(&mut cx).is_pending() {
                parker.park();
            } else {
                queue.try_take(&mut items);
            }
        }
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
    });
}

#[test]
fn each_producer_keeps_its_order() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let (ordered, other) = (queue.clone(), queue.clone());
        let producers = [
            thread::spawn(move || {
                ordered.push(1).unwrap();
                ordered.push_signal(2).unwrap();
            }),
            thread::spawn(move || {
                other.push(9).unwrap();
            }),
        ];
        let items = consume(&queue, 3);
        assert!(items.into_iter().filter(|&item| item != 9).eq([1, 2]));
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
    });
}

#[test]
fn each_item_is_taken_or_handed_back_exactly_once_when_the_queue_closes() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let producers = [&[1, 2][..], &[3][..]].map(|items| {
            let queue = queue.clone();
            thread::spawn(move || {
                let accepted: Vec<bool> =
                    items.iter().map(|&item| queue.push(item).is_ok()).collect();
                assert!(
                    accepted.is_sorted_by(|before, after| before >= after),
                    "open again"
                );
                items
                    .iter()
                    .zip(accepted)
                    .filter(|(_, accepted)| !accepted)
                    .map(|(item, _)| *item)
                    .collect::<Vec<_>>()
            })
        });
        let mut items = VecDeque::new();
        queue.try_take(&mut items);
        queue.close(&mut items);
        for producer in producers {
            items.extend(producer.join().unwrap());
        }
        items.make_contiguous().sort_unstable();
        assert_eq!(items, [1, 2, 3]);
    });
}

#[test]
fn a_parked_consumer_learns_that_another_closed_the_queue() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let closer = {
            let queue = queue.clone();
            thread::spawn(move || {
                let mut rest = VecDeque::new();
                queue.push(1).unwrap();
                queue.close(&mut rest);
                rest
            })
        };
        let mut items = consume(&queue, usize::MAX);
        items.extend(closer.join().unwrap());
        assert_eq!(items, [1]);
    });
}

#[test]
fn the_last_task_that_parked_is_the_one_that_is_woken() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let producer = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push(1).unwrap();
            })
        };
        let mut items = VecDeque::new();
        let (_gone, waker) = Parker::new();
        if queue
            .poll_take(&mut Context::from_waker(&waker), &mut items)
            .is_pending()
        {
            items = consume(&queue, 1);
        }
        assert_eq!(items, [1]);
        producer.join().unwrap();
    });
}

/// The danger of a limit: more unread messages than it allows, or a sender that waits for room which was made already.
#[test]
fn a_limit_is_never_passed_and_no_sender_misses_the_room_that_is_made() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        queue.set_limit(Some(1), 0);
        let room = Arc::new(loom::sync::Mutex::new(Vec::new()));
        let sender = {
            let (queue, room) = (queue.clone(), room.clone());
            thread::spawn(move || {
                for item in [1, 2] {
                    let (parker, waker) = Parker::new();
                    while queue.push(item).is_err() {
                        // As `Bound::wait`: looked at under the waiters' lock.
                        let mut waiting = room.lock().unwrap();
                        if !queue.has_room() {
                            waiting.push(waker.clone());
                            drop(waiting);
                            parker.park();
                        }
                    }
                }
            })
        };
        let (parker, waker) = Parker::new();
        let mut mine = VecDeque::new();
        for _ in 0..2 {
            while mine.is_empty() {
                match queue.poll_take(&mut Context::from_waker(&waker), &mut mine) {
                    Poll::Ready(batch) => assert_eq!(batch.messages, 1),
                    Poll::Pending => parker.park(),
                }
            }
            mine.pop_front();
            queue.done(1);
            let waiting = std::mem::take(&mut *room.lock().unwrap());
            waiting.into_iter().for_each(std::task::Waker::wake);
        }
        sender.join().unwrap();
    });
}

#[test]
fn what_comes_while_one_message_is_handed_over_by_itself_is_neither_lost_nor_doubled() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        queue.push(1).unwrap();
        let producer = thread::spawn({
            let queue = queue.clone();
            move || queue.push(2).unwrap()
        });
        let mut items = VecDeque::new();
        if let Found::One(item) = queue.try_next(&mut items) {
            items.push_back(item);
        }
        let left = 2 - items.len();
        items.extend(consume(&queue, left));
        assert_eq!(items, [1, 2]);
        producer.join().unwrap();
    });
}
