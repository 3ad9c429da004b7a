//! Loom models of the table.

use loom::sync::Arc;
use loom::thread;

use super::{Full, Table};

#[test]
fn stale_key_never_finds_the_next_entry_of_its_slot() {
    loom::model(|| {
        let table = Arc::new(Table::with_capacity_limit(1));
        let old = table.insert_with(|_| 1).unwrap();
        let reusing = table.clone();
        let reuse = thread::spawn(move || {
            assert_eq!(reusing.remove(old), Some(1));
            reusing.insert_with(|_| 2).unwrap()
        });
        let found = table.get(old);
        assert!(found.is_none() || found == Some(1));
        let new = reuse.join().unwrap();
        assert_eq!((new.index, new.generation), (old.index, old.generation + 1));
        assert_eq!(
            (table.get(old), table.remove(old), table.get(new)),
            (None, None, Some(2))
        );
    });
}

#[test]
fn entry_is_removed_once_even_while_its_slot_is_reused() {
    loom::model(|| {
        let table = Arc::new(Table::with_capacity_limit(1));
        let old = table.insert_with(|_| 1).unwrap();
        let removers = [(), ()].map(|()| {
            let table = table.clone();
            thread::spawn(move || {
                let removed = table.remove(old);
                removed.map(|value| (value, table.insert_with(|_| 2).unwrap()))
            })
        });
        let mut removed = removers
            .map(|remover| remover.join().unwrap())
            .into_iter()
            .flatten();
        let (value, new) = removed.next().unwrap();
        assert!(value == 1 && removed.next().is_none());
        assert_eq!((table.get(new), table.len()), (Some(2), 1));
    });
}

#[test]
fn free_slots_are_handed_out_once() {
    loom::model(|| {
        let table = Arc::new(Table::with_capacity_limit(2));
        let threads = [10, 20].map(|value| {
            let table = table.clone();
            thread::spawn(move || {
                let key = table.insert_with(|_| value).unwrap();
                assert_eq!(table.remove(key), Some(value));
                let key = table.insert_with(|_| value + 1).unwrap();
                assert_eq!(table.get(key), Some(value + 1));
                key
            })
        });
        let [one, two] = threads.map(|thread| thread.join().unwrap());
        assert_ne!(one.index, two.index);
        assert_eq!(
            (table.get(one), table.get(two), table.len()),
            (Some(11), Some(21), 2)
        );
        assert_eq!(table.insert_with(|_| 0), Err(Full(2)));
    });
}

#[test]
fn key_finds_nothing_or_the_whole_entry_while_it_is_inserted() {
    loom::model(|| {
        let table = Arc::new(Table::with_capacity_limit(1));
        let looking = table.clone();
        let look = thread::spawn(move || {
            looking
                .keys()
                .map(|key| (key, looking.get(key)))
                .collect::<Vec<_>>()
        });
        let key = table.insert_with(|key| key).unwrap();
        let found = look.join().unwrap();
        assert!(found.is_empty() || found == [(key, Some(key))]);
    });
}
