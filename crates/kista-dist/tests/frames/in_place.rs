//! Large messages that are read where they stay.

use super::*;

/// Reads as a socket does: at most `step` bytes at a time, into the room that there is.
fn read_in_place(reader: &mut FrameReader, mut bytes: &[u8], step: usize) -> Vec<Inbound> {
    let mut got = Vec::new();
    while !bytes.is_empty() {
        let (room, most) = reader.room();
        let (now, rest) = bytes.split_at(most.min(step).min(bytes.len()));
        assert!(!now.is_empty());
        room.extend_from_slice(now);
        bytes = rest;
        while let Some(inbound) = reader.next_run().unwrap() {
            got.extend(each(inbound));
        }
    }
    got
}

fn large(n: u32, length: usize) -> (Control, Option<Encoder>) {
    let (from, to, token) = (Some(pid(1 + n % 2)), to(), None);
    let mut payload = Encoder::with_atom_table();
    payload.tuple(2);
    payload.atom(atoms::OK);
    payload.binary(&vec![n as u8; length]);
    (Control::Send { from, to, token }, Some(payload))
}

#[test]
fn large_messages_that_are_read_in_place_are_the_same() {
    for flags in all_forms() {
        let mut messages = Vec::new();
        for n in 0..60 {
            let length = match n % 6 {
                0 | 1 | 4 => FRAGMENT_SIZE,
                2 => 20_000,
                3 => 50,
                _ => 5 * FRAGMENT_SIZE / 2,
            };
            messages.push(large(n, length));
        }
        messages.extend(bursts());
        let bytes = written(flags, &messages);
        let mut one_by_one = reader(flags);
        one_by_one.push(&bytes);
        let want = drain(&mut one_by_one);
        for step in [usize::MAX, 1_000, 30_000, 66_000] {
            let mut reader = reader(flags);
            let got = read_in_place(&mut reader, &bytes, step);
            assert!(got == want, "{flags:?} {step}");
            assert_eq!(reader.counters(), one_by_one.counters());
            assert_eq!(reader.held_bytes(), 0);
        }
    }
}

#[test]
fn memory_of_large_messages_is_used_again_only_when_nobody_holds_it() {
    let flags = Flags::ours(false);
    let messages: Vec<_> = (0..40).map(|n| large(2 * n, FRAGMENT_SIZE)).collect();
    let bytes = written(flags, &messages);
    let (mut r, mut held, mut places) = (reader(flags), Vec::new(), Vec::new());
    for piece in bytes.chunks(1_000) {
        for inbound in read_in_place(&mut r, piece, 1_000) {
            let Inbound::Signal {
                payload: Some(payload),
                ..
            } = inbound
            else {
                panic!("{inbound:?}")
            };
            places.push(payload.bytes.as_ptr());
            if held.len() < 20 {
                held.push(payload);
            }
        }
    }
    assert_eq!(places.len(), 40);
    for (n, payload) in held.iter().enumerate() {
        let byte = 2 * n as u8;
        assert!(
            payload.bytes[payload.bytes.len() - FRAGMENT_SIZE..]
                .iter()
                .all(|&b| b == byte)
        );
    }
    places.drain(..20);
    places.sort_unstable();
    places.dedup();
    assert!(places.len() < 5, "{} places for 20 messages", places.len());
    // A tick says that nothing is under way: what is kept then is given back.
    read_in_place(&mut r, &[0; 4], 4);
    assert_eq!(r.held_bytes(), 0);
}

#[test]
fn an_announcement_alone_is_worth_no_memory_of_its_own() {
    let flags = Flags::ours(false);
    let bytes = written(
        flags,
        &[large(0, 30_000), large(2, 30_000), large(4, 30_000)],
    );
    let mut r = reader(flags);
    let got = read_in_place(&mut r, &bytes, usize::MAX).len();
    assert_eq!(got, 3);
    // The same envelope, before a payload that is said to have 100 MiB.
    let mut head = bytes[bytes.len() - 30_100..][..60].to_vec();
    let start = head.windows(2).position(|two| two == [131, 68]).unwrap();
    head.drain(..start);
    let mut frame = (100u32 << 20).to_be_bytes().to_vec();
    frame.extend_from_slice(&head);
    read_in_place(&mut r, &frame, usize::MAX);
    let (room, _) = r.room();
    assert!(room.capacity() < 1 << 18);
}
