//! Who is parked, who ends that, and what it finds then.

use super::*;

#[test]
fn a_parked_consumer_is_taken_out_by_who_wants_it_and_nobody_is_woken() {
    let queue = Queue::new();
    let (counted, waker) = Counted::new();
    assert!(queue.take_parked(|_| true).is_none());
    assert!(queue.park(waker).is_ok());
    assert!(queue.take_parked(|_| false).is_none());
    let taken = queue.take_parked(|_| true).expect("it is parked");
    assert!(queue.take_parked(|_| true).is_none());
    queue.push(1).unwrap();
    assert_eq!(counted.wakes(), 0);
    // What came meanwhile has its park refused, as ever.
    let taken = queue.park(taken).expect_err("there is something");
    let mut mine = VecDeque::new();
    queue.try_take(&mut mine);
    assert!(queue.park(taken).is_ok());
    // With a limit, what is unread is counted: nothing goes past the queue.
    queue.set_limit(Some(4), 0);
    assert!(queue.take_parked(|_| true).is_none());
    queue.push(2).unwrap();
    assert_eq!((counted.wakes(), mine.len()), (1, 1));
}

#[test]
fn a_park_is_refused_where_nothing_would_end_it() {
    let queue = Queue::new();
    let (counted, waker) = Counted::new();
    assert!(queue.park(waker.clone()).is_ok());
    queue.push(1).unwrap();
    assert_eq!(counted.wakes(), 1);
    assert!(queue.park(waker.clone()).is_err(), "there is an item");
    queue.close(&mut VecDeque::new());
    assert!(queue.park(waker).is_err(), "closed");
    assert_eq!(counted.wakes(), 1, "nobody is parked");
}

#[test]
fn a_bare_wake_ends_a_park_and_leaves_no_item() {
    let queue = Queue::<u32>::new();
    let (counted, waker) = Counted::new();
    assert!(queue.park(waker).is_ok());
    queue.wake();
    assert_eq!((counted.wakes(), queue.len()), (1, 0));
}

#[test]
fn a_wake_of_a_consumer_that_is_not_parked_yet_has_it_look_once_more() {
    let queue = Queue::<u32>::new();
    let (counted, waker) = Counted::new();
    queue.wake();
    queue.wake();
    assert!(queue.park(waker.clone()).is_err(), "it was woken");
    assert!(queue.park(waker.clone()).is_ok(), "it has looked since");
    queue.wake();
    assert_eq!(counted.wakes(), 1);
    assert!(
        queue.park(waker).is_ok(),
        "what ended its park leaves nothing"
    );
}

#[test]
fn a_wake_is_remembered_while_the_consumer_takes() {
    let queue = Queue::new();
    queue.push(1).unwrap();
    queue.wake();
    assert!(queue.park(Waker::noop().clone()).is_err(), "an item");
    assert_eq!(queue.try_take(&mut VecDeque::new()).items, 1);
    assert!(queue.park(Waker::noop().clone()).is_err(), "the wake");
    assert!(queue.park(Waker::noop().clone()).is_ok());
}

#[test]
fn what_is_idle_is_open_and_has_nothing_parked_or_not() {
    let queue = Queue::new();
    assert!(queue.is_idle());
    assert!(queue.park(Waker::noop().clone()).is_ok());
    assert!(queue.is_idle());
    queue.push_note(1).unwrap();
    assert!(!queue.is_idle());
    queue.close(&mut VecDeque::new());
    assert!(queue.is_empty() && !queue.is_idle(), "closed");
}

/// A consumer that is parked itself.
struct Whole {
    name: &'static str,
    woken: Sender<Whole>,
}

impl Park<u32> for Whole {
    fn wake(self) {
        let woken = self.woken.clone();
        woken.send(self).unwrap();
    }
}

#[test]
fn a_consumer_that_parks_itself_is_in_one_place_at_any_time() {
    let (woken, ready) = channel();
    let queue = super::super::Queue::new();
    let whole = |name| Whole {
        name,
        woken: woken.clone(),
    };
    assert!(queue.park(whole("pushed to")).is_ok());
    queue.push(1).unwrap();
    queue.push_signal(2).unwrap();
    queue.wake();
    let names = || ready.try_iter().map(|whole| whole.name).collect::<Vec<_>>();
    assert_eq!(names(), ["pushed to"]);
    let Err(back) = queue.park(whole("refused")) else {
        panic!("there are items");
    };
    assert_eq!(back.name, "refused");
    queue.try_take(&mut VecDeque::new());
    // The bare wake.
    let Err(back) = queue.park(back) else {
        panic!("it was woken while it ran");
    };
    assert!(queue.park(back).is_ok());
    queue.close(&mut VecDeque::new());
    queue.wake();
    assert_eq!(names(), ["refused"]);
}

#[test]
fn who_is_parked_is_dropped_with_the_queue_and_not_woken() {
    let (woken, ready) = channel();
    let queue = super::super::Queue::<u32, _>::new();
    let name = "gone";
    assert!(queue.park(Whole { name, woken }).is_ok());
    drop(queue);
    assert!(ready.recv().is_err(), "its sender is gone, unused");
}

/// A holder that has lost its core: who waits sleeps, so that it gets one, and goes on once the lock is free.
#[test]
fn a_lock_that_is_held_for_long_keeps_nobody_for_ever() {
    const WAITING: usize = 4;
    let queue = Arc::new(Queue::new());
    let (about_to, waits) = channel();
    let held = queue.inner.lock();
    let pushers: Vec<_> = (0..WAITING)
        .map(|n| {
            let (queue, about_to) = (queue.clone(), about_to.clone());
            thread::spawn(move || {
                about_to.send(()).unwrap();
                queue.push(n).unwrap();
            })
        })
        .collect();
    (0..WAITING).for_each(|_| waits.recv().unwrap());
    thread::sleep(Duration::from_millis(20));
    assert!(held.items.is_empty(), "nobody passes a lock that is held");
    drop(held);
    pushers
        .into_iter()
        .for_each(|pusher| pusher.join().unwrap());
    let mut mine = VecDeque::new();
    queue.try_take(&mut mine);
    mine.make_contiguous().sort_unstable();
    assert!(mine.into_iter().eq(0..WAITING));
}

/// A consumer that is parked itself, and has a place.
struct Placed {
    in_hand: Option<u32>,
    woken: Sender<Placed>,
}

impl Park<u32> for Placed {
    fn wake(self) {
        let woken = self.woken.clone();
        woken.send(self).unwrap();
    }

    fn place(&mut self) -> Option<&mut Option<u32>> {
        Some(&mut self.in_hand)
    }
}

#[test]
fn a_message_by_which_a_park_ends_comes_in_hand() {
    let (woken, ready) = channel();
    let queue = super::super::Queue::new();
    let placed = Placed {
        in_hand: None,
        woken,
    };
    assert!(queue.park(placed).is_ok());
    assert!(queue.is_idle());
    assert_eq!(queue.push_made(|| 1).ok(), Some(1));
    assert_eq!((queue.len(), queue.buffer_bytes()), (1, 0), "in no buffer");
    assert!(!queue.is_idle(), "it is still to be read");
    let mut consumer = ready.try_recv().expect("it was woken");
    // What comes behind it is queued.
    assert_eq!(queue.push_made(|| 2).ok(), Some(1));
    assert_eq!(consumer.in_hand.take(), Some(1));
    queue.read_in_hand();
    assert_eq!(queue.len(), 1);
    let mut consumer = queue.park(consumer).err();
    assert!(consumer.is_some(), "there is an item");
    assert_eq!(queue.try_next(&mut VecDeque::new()), Found::One(2));

    // Others are not given so: what is pushed in another way, or where messages are counted.
    let mut parked_and = |push: &dyn Fn()| {
        assert!(queue.park(consumer.take().expect("it is here")).is_ok());
        push();
        let back: Placed = ready.try_recv().expect("it was woken");
        assert_eq!(back.in_hand, None);
        assert_eq!(queue.try_take(&mut VecDeque::new()).items, 1);
        consumer = Some(back);
    };
    parked_and(&|| assert!(queue.push(3).is_ok()));
    parked_and(&|| queue.push_signal(4).unwrap());
    parked_and(&|| queue.push_note(5).unwrap());
    queue.set_limit(Some(9), 0);
    parked_and(&|| assert!(queue.push_made(|| 6).is_ok()));
}

#[test]
fn what_is_queued_is_seen_without_the_lock() {
    let queue = Queue::<u32>::new();
    let mut mine = VecDeque::new();
    assert!(queue.seems_empty());
    queue.push(1).unwrap();
    assert!(!queue.seems_empty() && !queue.seems_signalled());
    assert_eq!(queue.pop_only(|_| true), Some(1));
    assert!(queue.seems_empty());
    queue.push(1).unwrap();
    assert_eq!(queue.try_next(&mut mine), Found::One(1));
    assert!(queue.seems_empty());
    queue.push(1).unwrap();
    queue.push_signal(2).unwrap();
    assert!(queue.seems_signalled());
    queue.try_take(&mut mine);
    assert!(queue.seems_empty() && !queue.seems_signalled());
    queue.push_acting(3, 0).unwrap();
    assert!(queue.seems_signalled());
    assert!(matches!(queue.try_next(&mut mine), Found::Batch(_)));
    assert!(!queue.seems_signalled());
    queue.push_signal(4).unwrap();
    queue.close(&mut mine);
    assert!(!queue.seems_signalled());
}
