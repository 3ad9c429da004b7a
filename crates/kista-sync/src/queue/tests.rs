mod parking;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use super::inner::{KEPT_BYTES, MOVED_UNDER_LOCK};
use super::{Batch, Found, Park, Refused};
use crate::testing::{Calling, Counted, Unparking, take_or_park};

/// Of a consumer that is woken.
type Queue<T> = super::Queue<T>;

type Large = [u64; 8];

fn park<T>(queue: &Queue<T>, waker: &Waker, into: &mut VecDeque<T>) {
    assert_eq!(take_or_park(queue, waker, into), Poll::Pending);
}

fn held<T>(queue: &Queue<T>) -> usize {
    queue.inner.lock().items.capacity()
}

fn push_all<T>(queue: &Queue<T>, items: impl IntoIterator<Item = T>) {
    for item in items {
        queue.push(item).unwrap();
    }
}

#[test]
fn unused_queue_owns_no_memory() {
    static QUEUE: Queue<Large> = Queue::new();
    let mut mine = VecDeque::new();
    park(&QUEUE, Waker::noop(), &mut mine);
    assert_eq!((held(&QUEUE), mine.capacity()), (0, 0));
    assert!(size_of::<Queue<Large>>() <= 72);
}

#[test]
fn a_message_by_itself_goes_through_no_second_buffer() {
    let queue = Queue::new();
    let mut mine = VecDeque::new();
    assert_eq!(queue.try_next(&mut mine), Found::Nothing);
    queue.push(1).unwrap();
    assert_eq!(queue.try_next(&mut mine), Found::One(1));
    assert_eq!((mine.capacity(), queue.len()), (0, 0));
    push_all(&queue, [2, 3]);
    let batch = Batch {
        items: 2,
        messages: 2,
        ..Batch::default()
    };
    assert_eq!(queue.try_next(&mut mine), Found::Batch(batch));
    assert_eq!(mine, [2, 3]);
}

#[test]
fn the_only_item_is_taken_alone_if_it_is_a_message_and_wanted() {
    let queue = Queue::new();
    assert_eq!(queue.pop_only(|_| panic!("there is none")), None::<u32>);
    queue.push(1).unwrap();
    assert_eq!(queue.pop_only(|item| *item == 2), None);
    assert_eq!(queue.pop_only(|item| *item == 1), Some(1));
    assert!(queue.is_empty());
    let declined =
        |queue: &Queue<u32>| queue.pop_only(|_| panic!("it is not alone, or no message"));
    push_all(&queue, [1, 2]);
    assert_eq!(declined(&queue), None);
    queue.try_take(&mut VecDeque::new());
    queue.push_signal(3).unwrap();
    assert_eq!(declined(&queue), None);
    queue.try_take(&mut VecDeque::new());
    queue.set_limit(Some(5), 0);
    queue.push(4).unwrap();
    assert_eq!(declined(&queue), None);
    assert_eq!(queue.len(), 1);
}

#[test]
fn what_is_made_in_its_place_is_not_made_where_it_is_refused() {
    let queue = Queue::new();
    queue.set_limit(Some(1), 0);
    assert!(queue.push_made(|| 1).is_ok());
    let refused = queue.push_made(|| panic!("there is no room"));
    assert!(matches!(refused, Err(Refused::Full(_))));
    queue.close(&mut VecDeque::new());
    let refused = queue.push_made(|| 2);
    assert_eq!(
        refused.map_err(|r| r.map(|make| make())),
        Err(Refused::Closed(2))
    );
}

#[test]
fn what_is_more_than_one_message_by_itself_comes_as_a_batch() {
    let found = |queue: &Queue<u32>| queue.try_next(&mut VecDeque::new());
    let batch = |signals, messages, more| {
        Found::Batch(Batch {
            items: 1,
            signals,
            messages,
            more,
        })
    };
    let queue = Queue::new();
    queue.push_signal(1).unwrap();
    assert_eq!(found(&queue), batch(1, 0, 0));
    queue.push_acting(1, 0).unwrap();
    assert_eq!(found(&queue), batch(1, 1, 0));
    queue.push_note(1).unwrap();
    assert_eq!(found(&queue), batch(0, 0, 0));
    queue.push_run(1, 3).unwrap();
    assert_eq!(found(&queue), batch(0, 3, 2));
    // Where there is a limit the consumer says when it is done with it.
    queue.set_limit(Some(1), 0);
    queue.push(1).unwrap();
    assert_eq!(found(&queue), batch(0, 1, 0));
    assert_eq!(queue.push(2), Err(Refused::Full(2)));
}

#[test]
fn a_large_buffer_is_given_back_though_one_message_is_in_it() {
    let queue: Queue<Large> = Queue::new();
    push_all(&queue, (0..1_000).map(|n| [n; 8]));
    let mut mine = VecDeque::new();
    queue.try_take(&mut mine);
    queue.try_take(&mut mine);
    mine.clear();
    push_all(&queue, (0..1_000).map(|n| [n; 8]));
    queue.try_take(&mut mine);
    mine.clear();
    // Both sides have a large one now.
    queue.push([0; 8]).unwrap();
    assert!(matches!(queue.try_next(&mut mine), Found::Batch(_)));
    mine.clear();
    park(&queue, Waker::noop(), &mut mine);
    assert!(held(&queue) * size_of::<Large>() <= KEPT_BYTES);
}

#[test]
fn items_come_in_order_and_signals_are_counted() {
    let queue = Queue::new();
    queue.push(1).unwrap();
    queue.push_signal(2).unwrap();
    queue.push(3).unwrap();
    assert_eq!(queue.len(), 3);
    let mut mine = VecDeque::new();
    assert_eq!(
        queue.try_take(&mut mine),
        Batch {
            items: 3,
            signals: 1,
            messages: 2,
            more: 0,
        }
    );
    assert_eq!(mine, [1, 2, 3]);
    assert_eq!(queue.try_take(&mut mine), Batch::default());
    queue.push(4).unwrap();
    assert_eq!(
        take_or_park(&queue, Waker::noop(), &mut mine),
        Poll::Ready(Batch {
            items: 1,
            signals: 0,
            messages: 1,
            more: 0,
        })
    );
    assert_eq!(mine, [1, 2, 3, 4]);
    assert!(queue.is_empty());
}

#[test]
fn only_the_push_that_ends_a_park_wakes() {
    let (counted, waker) = Counted::new();
    let queue = Queue::new();
    let mut mine = VecDeque::new();
    queue.push(1).unwrap();
    assert_eq!(counted.wakes(), 0);
    queue.try_take(&mut mine);
    park(&queue, &waker, &mut mine);
    park(&queue, &waker, &mut mine);
    push_all(&queue, [2, 3]);
    assert_eq!(counted.wakes(), 1);
    queue.try_take(&mut mine);
    queue.push_signal(4).unwrap();
    assert_eq!(counted.wakes(), 1);
}

#[test]
fn stale_waker_is_replaced_and_dropped() {
    let (old, old_waker) = Counted::new();
    let (new, new_waker) = Counted::new();
    let queue = Queue::new();
    let mut mine = VecDeque::new();
    park(&queue, &old_waker, &mut mine);
    drop(old_waker);
    park(&queue, &new_waker, &mut mine);
    assert_eq!(Arc::strong_count(&old), 1);
    queue.push(1).unwrap();
    assert_eq!((old.wakes(), new.wakes()), (0, 1));
}

#[test]
fn waker_may_use_the_queue() {
    let queue = Arc::new(Queue::new());
    let inner = queue.clone();
    let waker = Waker::from(Arc::new(Calling(move || {
        let _refused_when_closed = inner.push(inner.len());
    })));
    let mut mine = VecDeque::new();
    park(&queue, &waker, &mut mine);
    queue.push(7).unwrap();
    queue.try_take(&mut mine);
    assert_eq!(mine, [7, 1]);
    mine.clear();
    park(&queue, &waker, &mut mine);
    queue.close(&mut mine);
    assert!(mine.is_empty());
}

#[test]
fn closed_queue_hands_out_the_rest_and_refuses() {
    let (counted, waker) = Counted::new();
    let queue = Queue::new();
    let mut mine = VecDeque::from([0]);
    queue.push(1).unwrap();
    queue.push_signal(2).unwrap();
    assert_eq!(
        queue.close(&mut mine),
        Batch {
            items: 2,
            signals: 1,
            messages: 1,
            more: 0,
        }
    );
    assert_eq!(mine, [0, 1, 2]);
    assert!(queue.is_closed());
    assert_eq!(queue.push(3), Err(Refused::Closed(3)));
    assert_eq!(queue.push_signal(4), Err(4));
    assert_eq!(queue.close(&mut mine), Batch::default());
    assert_eq!(queue.try_take(&mut mine), Batch::default());
    assert!(queue.park(waker).is_err(), "nothing would wake it");
    assert_eq!((held(&queue), queue.len(), counted.wakes()), (0, 0, 0));
}

#[test]
fn close_wakes_a_parked_consumer_once() {
    let (counted, waker) = Counted::new();
    let queue = Queue::<u8>::new();
    park(&queue, &waker, &mut VecDeque::new());
    queue.close(&mut VecDeque::new());
    queue.close(&mut VecDeque::new());
    assert_eq!(counted.wakes(), 1);
}

#[test]
fn steady_state_only_exchanges_two_buffers() {
    let queue = Queue::new();
    let mut mine = VecDeque::new();
    let mut seen = Vec::new();
    for round in 0..100 {
        push_all(&queue, [[round; 8]; 3]);
        queue.try_take(&mut mine);
        assert!(mine.drain(..).eq([[round; 8]; 3]));
        park(&queue, Waker::noop(), &mut mine);
        seen.push((
            queue.inner.lock().items.as_ptr(),
            mine.as_slices().0.as_ptr(),
        ));
    }
    assert!(seen[2..].chunks(2).all(|pair| pair == &seen[2..4]));
}

#[test]
fn burst_is_given_back_when_the_consumer_parks() {
    let queue = Queue::new();
    let mut mine = VecDeque::new();
    for _ in 0..2 {
        push_all(&queue, vec![[0; 8]; 10_000]);
        queue.try_take(&mut mine);
        mine.clear();
    }
    assert!(held(&queue) >= 10_000 && mine.capacity() >= 10_000);
    park(&queue, Waker::noop(), &mut mine);
    let most = KEPT_BYTES / size_of::<Large>();
    assert!(held(&queue) <= most && mine.capacity() <= most);
}

#[test]
fn burst_is_given_back_under_a_trickle_that_never_parks() {
    let queue = Queue::new();
    let mut mine = VecDeque::new();
    push_all(&queue, vec![[0; 8]; 10_000]);
    for _ in 0..3 {
        queue.push([1; 8]).unwrap();
        queue.try_take(&mut mine);
        mine.clear();
    }
    assert!(held(&queue) < 100 && mine.capacity() < 100);
}

#[test]
fn burst_is_given_back_while_the_consumer_still_holds_items() {
    let queue = Queue::new();
    let mut mine = VecDeque::from([[0; 8]]);
    push_all(&queue, vec![[1; 8]; 10_000]);
    queue.try_take(&mut mine);
    assert!(held(&queue) == 0 && mine.len() == 10_001);
    mine.drain(..10_000);
    queue.push([2; 8]).unwrap();
    queue.try_take(&mut mine);
    assert_eq!(mine, [[1; 8], [2; 8]]);
    assert!(mine.capacity() < 100);
    push_all(&queue, vec![[3; 8]; MOVED_UNDER_LOCK]);
    queue.try_take(&mut mine);
    assert!(
        held(&queue) > 0,
        "a small batch leaves the buffer in the queue"
    );
}

#[test]
fn buffer_with_few_items_is_not_grown_and_shrunk_at_each_poll() {
    fn check<T: Default>() {
        let queue = Queue::<T>::new();
        let mut mine = VecDeque::from([T::default()]);
        park(&queue, Waker::noop(), &mut mine);
        let before = (mine.capacity(), mine.as_slices().0.as_ptr());
        for _ in 0..10 {
            park(&queue, Waker::noop(), &mut mine);
            assert_eq!((mine.capacity(), mine.as_slices().0.as_ptr()), before);
        }
    }
    check::<[u64; 1]>();
    check::<[u64; 8]>();
    check::<[[u64; 32]; 32]>();
}

#[test]
fn batches_of_any_size_go_behind_what_the_consumer_holds() {
    for size in [
        1,
        MOVED_UNDER_LOCK - 1,
        MOVED_UNDER_LOCK,
        MOVED_UNDER_LOCK + 1,
        1000,
    ] {
        let queue = Queue::new();
        let mut mine = VecDeque::from([usize::MAX]);
        for _ in 0..3 {
            push_all(&queue, 0..size);
            assert_eq!(queue.try_take(&mut mine).items, size);
        }
        assert_eq!(mine.pop_front(), Some(usize::MAX));
        assert!(mine.into_iter().eq((0..3).flat_map(|_| 0..size)));
    }
}

#[test]
fn items_without_a_size_are_counted() {
    let queue = Queue::new();
    let mut mine = VecDeque::new();
    push_all(&queue, [(); 100]);
    assert_eq!(queue.try_take(&mut mine).items, 100);
    push_all(&queue, [(); 5]);
    assert_eq!(queue.try_take(&mut mine).items, 5);
    mine.clear();
    park(&queue, Waker::noop(), &mut mine);
}

#[test]
fn every_item_is_dropped_once() {
    let item = Arc::new(());
    let queue = Queue::new();
    let mut mine = VecDeque::new();
    push_all(&queue, vec![item.clone(); 100]);
    queue.try_take(&mut mine);
    push_all(&queue, vec![item.clone(); 50]);
    assert_eq!(Arc::strong_count(&item), 151);
    drop(mine);
    assert_eq!(Arc::strong_count(&item), 51);
    drop(queue);
    assert_eq!(Arc::strong_count(&item), 1);
}

#[test]
fn stress_each_item_arrives_once_or_is_refused() {
    const PRODUCERS: usize = 4;
    const ITEMS: usize = 20_000;
    for close_after in [usize::MAX, PRODUCERS * ITEMS / 2] {
        let queue = Arc::new(Queue::new());
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let queue = queue.clone();
                thread::spawn(move || {
                    let push = |item: usize| match item % 7 {
                        0 => queue.push_signal((producer, item)).is_ok(),
                        _ => queue.push((producer, item)).is_ok(),
                    };
                    (0..ITEMS).filter(|&item| push(item)).count()
                })
            })
            .collect();
        let waker = Unparking::waker();
        let (mut mine, mut batch) = (VecDeque::new(), VecDeque::new());
        while mine.len() < (PRODUCERS * ITEMS).min(close_after) {
            match take_or_park(&queue, &waker, &mut batch) {
                Poll::Ready(counts) => {
                    assert_eq!(
                        counts.signals,
                        batch.iter().filter(|(_, item)| item % 7 == 0).count()
                    );
                    mine.append(&mut batch);
                }
                Poll::Pending => thread::park(),
            }
        }
        queue.close(&mut mine);
        let accepted: Vec<usize> = producers
            .into_iter()
            .map(|producer| producer.join().unwrap())
            .collect();
        for (producer, accepted) in accepted.into_iter().enumerate() {
            let of_one = mine
                .iter()
                .filter(|(from, _)| *from == producer)
                .map(|(_, item)| *item);
            assert!(of_one.eq(0..accepted), "what was accepted arrives in order");
        }
    }
}

#[test]
fn a_limit_counts_what_is_unread_and_never_refuses_signals() {
    let queue = Queue::new();
    push_all(&queue, [1, 2, 3]);
    let mut mine = VecDeque::new();
    queue.try_take(&mut mine);
    queue.set_limit(Some(4), mine.len());
    assert_eq!(queue.push(4), Ok(1));
    assert_eq!(queue.push(5), Err(Refused::Full(5)));
    assert_eq!(queue.push_acting(5, 0), Err(Refused::Full(5)));
    assert_eq!(queue.push_signal(6), Ok(()));
    assert!(!queue.has_room());
    // Taking alone makes no room: what was taken is unread still.
    assert_eq!(queue.try_take(&mut mine).messages, 1);
    assert_eq!(queue.push(7), Err(Refused::Full(7)));
    assert_eq!(queue.push_beyond(7, 1), Ok(1));
    assert_eq!(queue.push_beyond(8, 1), Err(Refused::Full(8)));
    assert_eq!(queue.done(2), 3);
    assert!(queue.has_room());
    assert_eq!(queue.push_acting(9, 0), Ok(2));
    assert_eq!(queue.push(10), Err(Refused::Full(10)));
    queue.set_limit(None, 0);
    push_all(&queue, 0..1_000);
}

#[test]
fn a_note_keeps_its_place_and_counts_as_nothing() {
    let queue = Queue::new();
    queue.set_limit(Some(1), 0);
    queue.push(1).unwrap();
    queue.push_note(2).unwrap();
    assert_eq!(queue.push(3), Err(Refused::Full(3)));
    let mut mine = VecDeque::new();
    let batch = queue.try_take(&mut mine);
    assert_eq!((batch.items, batch.signals, batch.messages), (2, 0, 1));
    assert_eq!(mine, [1, 2]);
    queue.close(&mut mine);
    assert_eq!(queue.push_note(4), Err(4));
}

#[test]
fn a_limit_does_not_open_a_closed_queue() {
    let queue = Queue::new();
    queue.close(&mut VecDeque::new());
    queue.set_limit(Some(9), 0);
    queue.set_limit(None, 0);
    assert_eq!(queue.push_beyond(1, 9), Err(Refused::Closed(1)));
    assert!(queue.has_room(), "nobody waits for room in a closed queue");
}
