//! Loom models of the queue.

use std::collections::VecDeque;
use std::task::{Poll, Wake};

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

use super::{Found, Park};
use crate::testing::{Parker, take_or_park};

/// Of a consumer that is woken.
type Queue<T> = super::Queue<T>;

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
    let mut items = VecDeque::new();
    while items.len() < wanted {
        match take_or_park(queue, &waker, &mut items) {
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
        if queue.park(waker).is_ok() {
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
        assert!(queue.park(woken.clone().into()).is_ok());
        let waker = {
            let queue = queue.clone();
            thread::spawn(move || queue.wake())
        };
        queue.push(1).unwrap();
        waker.join().unwrap();
        assert!(woken.0.load(std::sync::atomic::Ordering::SeqCst));
    });
}

/// A consumer that waits for something beside its queue: whatever makes that ready wakes it by the queue.
#[test]
fn no_bare_wake_is_lost_between_a_last_look_and_the_park() {
    loom::model(|| {
        let queue = Arc::new(Queue::<u32>::new());
        let ready = Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let waker = {
            let (queue, ready) = (queue.clone(), ready.clone());
            thread::spawn(move || {
                ready.store(true, loom::sync::atomic::Ordering::Relaxed);
                queue.wake();
            })
        };
        let (parker, parked) = Parker::new();
        while !ready.load(loom::sync::atomic::Ordering::Relaxed) {
            if queue.park(parked.clone()).is_ok() {
                parker.park();
            }
        }
        waker.join().unwrap();
    });
}

/// A consumer that is parked as a whole. Loom sees two that run it at once.
struct Whole {
    taken: UnsafeCell<()>,
    runs: std::sync::Arc<Ready>,
}

/// Where it waits for its turn.
struct Ready {
    list: loom::sync::Mutex<Vec<Whole>>,
    some: loom::sync::Condvar,
}

impl Park<u32> for Whole {
    fn wake(self) {
        let runs = self.runs.clone();
        let mut list = runs.list.lock().unwrap();
        assert!(list.is_empty(), "it is there twice");
        list.push(self);
        runs.some.notify_one();
    }
}

#[test]
fn a_consumer_that_parks_itself_is_run_by_one_at_a_time_and_misses_nothing() {
    loom::model(|| {
        let queue = Arc::new(super::Queue::new());
        let runs = std::sync::Arc::new(Ready {
            list: loom::sync::Mutex::new(Vec::new()),
            some: loom::sync::Condvar::new(),
        });
        let pusher = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push(1).unwrap();
            })
        };
        let waker = {
            let queue = queue.clone();
            thread::spawn(move || queue.wake())
        };
        let mut items = VecDeque::new();
        let mut whole = Whole {
            taken: UnsafeCell::new(()),
            runs: runs.clone(),
        };
        loop {
            whole.taken.with_mut(|_| queue.try_take(&mut items));
            if !items.is_empty() {
                break;
            }
            whole = match queue.park(whole) {
                Err(again) => again,
                Ok(()) => {
                    let mut list = runs.list.lock().unwrap();
                    while list.is_empty() {
                        list = runs.some.wait(list).unwrap();
                    }
                    list.pop().unwrap()
                }
            };
        }
        pusher.join().unwrap();
        waker.join().unwrap();
        assert_eq!(items, [1]);
    });
}

/// A consumer that is parked as a whole, and has a place.
struct Placed {
    in_hand: Option<u32>,
    runs: std::sync::Arc<(loom::sync::Mutex<Vec<Placed>>, loom::sync::Condvar)>,
}

impl Park<u32> for Placed {
    fn wake(self) {
        let runs = self.runs.clone();
        let mut list = runs.0.lock().unwrap();
        assert!(list.is_empty(), "it is there twice");
        list.push(self);
        runs.1.notify_one();
    }

    fn place(&mut self) -> Option<&mut Option<u32>> {
        Some(&mut self.in_hand)
    }
}

/// What a consumer has in hand comes before what is queued, of each producer in its order; nothing is lost, and nothing comes twice.
#[test]
fn what_comes_in_hand_is_read_once_and_first() {
    loom::model(|| {
        let queue = Arc::new(super::Queue::new());
        let runs = std::sync::Arc::new((
            loom::sync::Mutex::new(Vec::new()),
            loom::sync::Condvar::new(),
        ));
        let other = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push_made(|| 11).unwrap();
            })
        };
        let ordered = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push_made(|| 1).unwrap();
                queue.push_made(|| 2).unwrap();
            })
        };
        let mut items = VecDeque::new();
        let mut consumer = Placed {
            in_hand: None,
            runs: runs.clone(),
        };
        while items.len() < 3 {
            consumer = match queue.park(consumer) {
                Ok(()) => {
                    let mut list = runs.0.lock().unwrap();
                    while list.is_empty() {
                        list = runs.1.wait(list).unwrap();
                    }
                    list.pop().unwrap()
                }
                Err(again) => {
                    queue.try_take(&mut items);
                    again
                }
            };
            if let Some(item) = consumer.in_hand.take() {
                queue.read_in_hand();
                items.push_back(item);
            }
        }
        other.join().unwrap();
        ordered.join().unwrap();
        assert_eq!(queue.len(), 0);
        let of_one: Vec<_> = items.iter().filter(|item| **item < 10).collect();
        assert_eq!(of_one, [&1, &2], "{items:?}");
        assert_eq!(items.len(), 3);
    });
}

/// Who takes the consumer out of its park gives it an item by hand, which comes before all that is pushed from there on.
#[test]
fn a_consumer_that_is_taken_out_of_its_park_misses_nothing_and_keeps_the_order() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let (parker, waker) = Parker::new();
        assert!(queue.park(waker).is_ok());
        let pusher = {
            let queue = queue.clone();
            thread::spawn(move || {
                queue.push(2).unwrap();
                queue.push(3).unwrap();
            })
        };
        let mut items = VecDeque::new();
        match queue.take_parked(|_| true) {
            // It is the consumer's turn, by hand; then it parks again, or finds what came.
            Some(taken) => {
                items.push_back(1);
                if queue.park(taken).is_ok() {
                    parker.park();
                }
            }
            None => parker.park(),
        }
        let handed = items.len();
        while items.len() < handed + 2 {
            if queue.try_take(&mut items).items == 0 {
                thread::yield_now();
            }
        }
        assert!(items.iter().is_sorted(), "{items:?}");
        pusher.join().unwrap();
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
        // Parks do not matter to the order.
        let mut items = VecDeque::new();
        queue.try_take(&mut items);
        queue.try_take(&mut items);
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
        queue.try_take(&mut items);
        assert_eq!(items.len(), 3);
        assert!(items.into_iter().filter(|&item| item != 9).eq([1, 2]));
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
        if take_or_park(&queue, &waker, &mut items).is_pending() {
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
                match take_or_park(&queue, &waker, &mut mine) {
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
