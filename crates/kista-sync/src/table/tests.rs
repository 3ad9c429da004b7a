use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::{CHUNKS, FIRST_CHUNK, Full, Key, Table, WAITING, place};

#[test]
fn keys_start_at_one_and_find_their_entries() {
    let table = Table::new();
    let keys: Vec<Key> = (0..500)
        .map(|value| table.insert_with(|_| value).unwrap())
        .collect();
    assert_eq!(
        keys[0],
        Key {
            index: 1,
            generation: 1
        }
    );
    for (value, &key) in keys.iter().enumerate() {
        assert_eq!((key.index as usize, key.generation), (value + 1, 1));
        assert_eq!(table.get(key), Some(value));
        assert_eq!(table.with(key, |value| value + 1), Some(value + 1));
    }
    assert_eq!(table.len(), 500);
    assert!(table.keys().eq(keys));
}

#[test]
fn foreign_keys_find_nothing() {
    let table = Table::new();
    assert!(table.is_empty());
    table.insert_with(|_| ()).unwrap();
    for index in [0, 2, 32, 33, 1 << 27, u32::MAX] {
        for generation in [0, 1, u32::MAX] {
            let key = Key { index, generation };
            assert!(!table.contains(key));
            assert_eq!(table.remove(key), None);
        }
    }
    for generation in [0, 2] {
        assert!(!table.contains(Key {
            index: 1,
            generation
        }));
    }
    assert_eq!(table.len(), 1);
}

#[test]
fn stale_key_finds_nothing_after_reuse() {
    let table = Table::with_capacity_limit(1);
    let old = table.insert_with(|_| "old").unwrap();
    assert_eq!(table.insert_with(|_| "full"), Err(Full(1)));
    assert_eq!(table.remove(old), Some("old"));
    assert_eq!(table.remove(old), None);
    let new = table.insert_with(|_| "new").unwrap();
    assert_eq!(
        new,
        Key {
            index: 1,
            generation: 2
        }
    );
    assert_eq!(
        (table.get(old), table.remove(old), table.get(new)),
        (None, None, Some("new"))
    );
}

#[test]
fn generation_wraps_past_zero() {
    let table = Table::with_capacity_limit(1);
    let key = table.insert_with(|_| ()).unwrap();
    table.remove(key);
    // Where the slot and the list of empty ones keep it.
    table.slot(1).unwrap().lock().generation = u32::MAX;
    table.free.lock().waiting[0].generation = u32::MAX;
    let last = table.insert_with(|_| ()).unwrap();
    assert_eq!(last.generation, u32::MAX);
    table.remove(last);
    assert_eq!(table.insert_with(|_| ()).unwrap().generation, 1);
}

#[test]
fn slots_are_reused_oldest_first() {
    let table = Table::with_capacity_limit(3);
    let keys: Vec<Key> = (0..3).map(|_| table.insert_with(|_| ()).unwrap()).collect();
    for at in [1, 2, 0] {
        table.remove(keys[at]);
    }
    let reused: Vec<u32> = (0..3)
        .map(|_| table.insert_with(|_| ()).unwrap().index)
        .collect();
    assert_eq!(reused, [2, 3, 1]);
}

#[test]
fn one_entry_that_comes_and_goes_does_not_spend_its_generation() {
    let table = Table::new();
    let mut highest = Key {
        index: 0,
        generation: 0,
    };
    for _ in 0..10 * WAITING {
        let key = table.insert_with(|_| ()).unwrap();
        table.remove(key);
        highest = Key {
            index: highest.index.max(key.index),
            generation: highest.generation.max(key.generation),
        };
    }
    assert_eq!(
        highest,
        Key {
            index: WAITING as u32 + 1,
            generation: 10
        }
    );
}

#[test]
fn key_finds_nothing_before_the_insertion_is_complete() {
    let table = Table::new();
    let key = table
        .insert_with(|key| {
            assert!(!table.contains(key));
            assert_eq!(table.remove(key), None);
            assert_eq!(table.keys().count(), 0);
            table.insert_with(|other| other.index).unwrap().index
        })
        .unwrap();
    assert_eq!((key.index, table.get(key), table.len()), (1, Some(2), 2));
}

#[test]
fn slot_is_free_again_after_a_panic_and_its_key_is_stale() {
    let table = Table::<u8>::with_capacity_limit(1);
    let mut shown = None;
    let insert = catch_unwind(AssertUnwindSafe(|| {
        table.insert_with(|key| {
            shown = Some(key);
            panic!("no value")
        })
    }));
    assert!(insert.is_err() && table.is_empty());
    let key = table.insert_with(|_| 1).unwrap();
    assert_ne!(Some(key), shown);
    assert_eq!(table.get(key), Some(1));
}

#[test]
fn panicking_look_leaves_the_slot_usable() {
    let table = Table::new();
    let key = table.insert_with(|_| 1).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| table.with(key, |_| panic!("look")))).is_err());
    assert_eq!(table.get(key), Some(1));
}

#[test]
fn full_table_does_not_call_the_closure() {
    let table = Table::<u8>::with_capacity_limit(0);
    assert_eq!(table.insert_with(|_| unreachable!()), Err(Full(0)));
    assert_eq!(
        Table::<u8>::with_capacity_limit(u32::MAX).capacity_limit(),
        Table::<u8>::MAX_CAPACITY
    );
}

#[test]
fn every_index_has_its_own_place() {
    let seen: HashSet<_> = (1..=10_000).map(|index| place(index).unwrap()).collect();
    assert_eq!(seen.len(), 10_000);
    assert!(
        seen.iter()
            .all(|&(chunk, offset)| (offset as u64) < FIRST_CHUNK << chunk)
    );
    let (chunk, offset) = place(Table::<u8>::MAX_CAPACITY).unwrap();
    assert_eq!(
        (chunk, offset as u64),
        (CHUNKS - 1, (FIRST_CHUNK << chunk) - 1)
    );
    assert_eq!(
        (
            place(0),
            place(Table::<u8>::MAX_CAPACITY + 1),
            place(u32::MAX)
        ),
        (None, None, None)
    );
}

#[test]
fn removed_value_is_dropped_by_the_caller_without_a_lock() {
    struct Nested(Arc<Table<Self>>, Option<Key>);
    impl Drop for Nested {
        fn drop(&mut self) {
            self.1.and_then(|key| self.0.remove(key));
        }
    }
    let table = Arc::new(Table::new());
    let inner = table.insert_with(|_| Nested(table.clone(), None)).unwrap();
    let outer = table
        .insert_with(|_| Nested(table.clone(), Some(inner)))
        .unwrap();
    assert!(table.remove(outer).is_some());
    assert!(table.is_empty());
}

#[test]
fn stress_entries_are_never_mixed_up() {
    let table = Arc::new(Table::with_capacity_limit(64));
    let done = Arc::new(AtomicBool::new(false));
    let owners: Vec<_> = (0..3)
        .map(|_| {
            let table = table.clone();
            thread::spawn(move || {
                for _ in 0..2_000 {
                    let keys: Vec<Key> = (0..20)
                        .map(|_| table.insert_with(|key| key).unwrap())
                        .collect();
                    for key in keys {
                        assert_eq!(table.get(key), Some(key));
                        assert_eq!(table.remove(key), Some(key));
                        assert_eq!(table.get(key), None);
                    }
                }
            })
        })
        .collect();
    let reader = {
        let (table, done) = (table.clone(), done.clone());
        thread::spawn(move || {
            while !done.load(Ordering::Relaxed) {
                for key in table.keys() {
                    assert!(table.get(key).is_none_or(|value| value == key));
                }
            }
        })
    };
    owners.into_iter().for_each(|owner| owner.join().unwrap());
    done.store(true, Ordering::Relaxed);
    reader.join().unwrap();
    assert!(table.is_empty() && table.keys().next().is_none());
}
