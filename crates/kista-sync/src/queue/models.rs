//! Loom models of the queue.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use loom::sync::Arc;
use loom::thread;

use super::{Closed, Queue};
use crate::testing::Parker;

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
            thread::spawn(move || queue.push(item).unwrap())
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
fn each_producer_keeps_its_order() {
    loom::model(|| {
        let queue = Arc::new(Queue::new());
        let (ordered, other) = (queue.clone(), queue.clone());
        let producers = [
            thread::spawn(move || {
                ordered.push(1).unwrap();
                ordered.push_signal(2).unwrap();
            }),
            thread::spawn(move || other.push(9).unwrap()),
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
        let producers = [10, 20].map(|first| {
            let queue = queue.clone();
            thread::spawn(move || {
                let refused =
                    [first, first + 1].map(|item| queue.push(item).err().map(Closed::into_inner));
                assert!(
                    refused[0].is_none() || refused[1].is_some(),
                    "open again after it was closed"
                );
                refused
            })
        });
        let mut items = VecDeque::new();
        queue.try_take(&mut items);
        queue.close(&mut items);
        let refused = producers.map(|producer| producer.join().unwrap());
        items.extend(refused.into_iter().flatten().flatten());
        items.make_contiguous().sort_unstable();
        assert_eq!(items, [10, 11, 20, 21]);
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
            thread::spawn(move || queue.push(1).unwrap())
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
