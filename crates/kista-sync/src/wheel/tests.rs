use proptest::prelude::*;

use super::{KEPT, SLOTS, Wheel, WheelKey};

const TURN: u64 = SLOTS as u64;

fn advanced<T>(wheel: &mut Wheel<T>, tick: u64) -> Vec<T> {
    let mut expired = Vec::new();
    wheel.advance(tick, &mut expired);
    expired
}

#[test]
fn nothing_expires_early() {
    let mut wheel = Wheel::new();
    for deadline in [1, 2, TURN - 1, TURN, TURN + 1, 5 * TURN, 5 * TURN + 1] {
        wheel.insert(deadline, deadline);
    }
    for tick in 0..=6 * TURN {
        assert!(
            advanced(&mut wheel, tick)
                .iter()
                .all(|&deadline| deadline == tick)
        );
    }
    assert!(wheel.is_empty());
}

#[test]
fn reached_deadline_expires_with_the_next_tick() {
    let mut wheel = Wheel::starting_at(1000);
    wheel.insert(0, "past");
    wheel.insert(1000, "now");
    assert_eq!(wheel.next_deadline(), Some(1001));
    assert!(advanced(&mut wheel, 1000).is_empty());
    assert_eq!(advanced(&mut wheel, 1001), ["past", "now"]);
}

#[test]
fn time_never_goes_back() {
    let mut wheel = Wheel::new();
    advanced(&mut wheel, 100);
    assert!(advanced(&mut wheel, 50).is_empty());
    wheel.insert(60, ());
    assert_eq!(wheel.next_deadline(), Some(101));
}

#[test]
fn jump_over_many_turns_expires_in_order() {
    let mut wheel = Wheel::new();
    let deadlines = [3 * TURN + 7, 5, TURN + 5, 2 * TURN, 3 * TURN + 8, 5];
    for (number, deadline) in deadlines.into_iter().enumerate() {
        wheel.insert(deadline, (deadline, number));
    }
    let expired = advanced(&mut wheel, 3 * TURN + 7);
    assert_eq!(
        expired,
        [
            (5, 1),
            (5, 5),
            (TURN + 5, 2),
            (2 * TURN, 3),
            (3 * TURN + 7, 0)
        ]
    );
    assert_eq!(
        (wheel.len(), wheel.next_deadline()),
        (1, Some(3 * TURN + 8))
    );
    assert_eq!(advanced(&mut wheel, u64::MAX).len(), 1);
}

#[test]
fn stale_key_removes_nothing() {
    let mut wheel = Wheel::new();
    let first = wheel.insert(1, "first");
    assert_eq!(wheel.remove(first), Some("first"));
    assert_eq!(wheel.remove(first), None);
    let second = wheel.insert(1, "second");
    assert_eq!(second.index, first.index);
    assert_eq!(wheel.remove(first), None);
    assert_eq!(advanced(&mut wheel, 1), ["second"]);
    assert_eq!(wheel.remove(second), None);
}

#[test]
fn stale_key_removes_nothing_after_the_slab_was_freed() {
    let mut wheel = Wheel::new();
    let keys: Vec<WheelKey> = (0..1000).map(|value| wheel.insert(1, value)).collect();
    assert_eq!(advanced(&mut wheel, 1).len(), 1000);
    assert_eq!(wheel.entries.capacity(), 0);
    wheel.insert(2, 5000);
    assert!(keys.into_iter().all(|key| wheel.remove(key).is_none()));
    assert_eq!(wheel.len(), 1);
}

#[test]
fn memory_is_reused_and_a_burst_is_given_back() {
    let mut wheel = Wheel::new();
    assert!(wheel.slots.is_none());
    for tick in 0..10_000 {
        let key = wheel.insert(tick + 500, ());
        wheel.remove(key).unwrap();
    }
    assert!(wheel.entries.capacity() <= 4);
    let keys: Vec<WheelKey> = (0..10_000).map(|_| wheel.insert(1, ())).collect();
    for key in keys {
        wheel.remove(key).unwrap();
    }
    assert!(wheel.entries.capacity() <= KEPT);
}

#[test]
fn next_deadline_does_not_wake_for_entries_a_turn_away() {
    let mut wheel = Wheel::new();
    assert_eq!(wheel.next_deadline(), None);
    wheel.insert(10 * TURN + 3, ());
    let key = wheel.insert(4 * TURN + 9, ());
    assert_eq!(wheel.next_deadline(), Some(4 * TURN + 9));
    wheel.remove(key);
    assert_eq!(wheel.next_deadline(), Some(10 * TURN + 3));
    wheel.insert(3, ());
    assert_eq!(wheel.next_deadline(), Some(3));
    assert_eq!(advanced(&mut wheel, 3).len(), 1);
    assert_eq!(wheel.next_deadline(), Some(10 * TURN + 3));
}

#[test]
fn end_of_time_is_no_panic() {
    let mut wheel = Wheel::starting_at(u64::MAX - 1);
    wheel.insert(u64::MAX, 1);
    assert_eq!(wheel.next_deadline(), Some(u64::MAX));
    assert_eq!(advanced(&mut wheel, u64::MAX), [1]);
    wheel.insert(u64::MAX, 2);
    assert_eq!(wheel.next_deadline(), Some(u64::MAX));
}

/// What one step of the comparison does.
#[derive(Debug, Clone)]
enum Step {
    Insert(u64),
    Remove(usize),
    Advance(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let distance = prop_oneof![0..20u64, 500..530u64, 0..3000u64];
    prop_oneof![
        4 => distance.clone().prop_map(Step::Insert),
        2 => any::<usize>().prop_map(Step::Remove),
        2 => distance.prop_map(Step::Advance),
    ]
}

proptest! {
    #[test]
    fn wheel_does_what_a_sorted_list_does(start in 0..2000u64, steps in prop::collection::vec(step(), 1..200)) {
        let mut wheel = Wheel::starting_at(start);
        let (mut now, mut model, mut keys) = (start, Vec::new(), Vec::new());
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Insert(distance) => {
                    let deadline = now.saturating_sub(10) + distance;
                    keys.push((wheel.insert(deadline, number), number));
                    model.push((deadline.max(now + 1), number));
                }
                Step::Remove(at) if !keys.is_empty() => {
                    let (key, number) = keys[at % keys.len()];
                    let at = model.iter().position(|entry| entry.1 == number);
                    prop_assert_eq!(wheel.remove(key), at.map(|at| model.remove(at).1));
                }
                Step::Remove(_) => {}
                Step::Advance(ticks) => {
                    now += ticks;
                    model.sort();
                    let due: Vec<usize> = model.iter().filter(|entry| entry.0 <= now).map(|entry| entry.1).collect();
                    model.retain(|entry| entry.0 > now);
                    prop_assert_eq!(advanced(&mut wheel, now), due);
                }
            }
            prop_assert_eq!(wheel.len(), model.len());
            let earliest = model.iter().map(|entry| entry.0).min();
            let bound = wheel.next_deadline();
            prop_assert_eq!(bound.is_some(), earliest.is_some());
            prop_assert!(bound <= earliest && bound.is_none_or(|bound| bound > now));
        }
    }
}
