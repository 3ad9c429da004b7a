//! Many senders, and messages larger than a fragment: in order, and nobody stopped; by random cuts.

use super::*;

/// A message of about `size` bytes, numbered, from one of several senders.
fn numbered(sender: u32, number: i64, size: usize, shared: bool) -> (Control, Option<Encoder>) {
    let mut e = Encoder::with_atom_table();
    e.tuple(4);
    e.atom(Atom::new(&format!("atom_{}", number % 50)).unwrap());
    e.int(sender.into());
    e.int(number);
    let body = vec![(number % 251) as u8; size];
    if shared {
        e.bytes(&Bytes::from(body))
    } else {
        e.binary(&body)
    }
    (
        Control::Send {
            from: Some(pid(sender)),
            to: to(),
            token: None,
        },
        Some(e),
    )
}

/// Checks that each sender's messages are complete, intact and in order; gives the order of arrival.
fn check(got: &[Inbound], sizes: &HashMap<(i64, i64), usize>) -> Vec<(i64, i64)> {
    let mut last = HashMap::new();
    let mut order = Vec::new();
    for inbound in got {
        let term = term_of(inbound).unwrap();
        let parts = term.as_tuple().unwrap();
        let (sender, number) = (parts[1].as_int().unwrap(), parts[2].as_int().unwrap());
        assert_eq!(
            parts[0].as_atom().unwrap().as_str(),
            format!("atom_{}", number % 50)
        );
        let body = parts[3].as_binary().unwrap();
        assert_eq!(body.len(), sizes[&(sender, number)]);
        assert!(body.iter().all(|&b| b == (number % 251) as u8));
        if let Some(before) = last.insert(sender, number) {
            assert!(before < number, "sender {sender}: {number} after {before}");
        }
        order.push((sender, number));
    }
    assert_eq!(order.len(), sizes.len());
    order
}

/// What stood in front of a message is remembered on both sides: not beyond a change of the atom cache, nor for another pair.
#[test]
fn a_remembered_beginning_is_not_used_for_another_message() {
    let mut random = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let atom = |n: u64| Atom::new(&format!("beginning_{n}")).unwrap();
    // So that their indices are in this order, and those of the cache's slots with them.
    (0..3_000).for_each(|n| {
        atom(n);
    });
    let mut messages = Vec::new();
    for n in 0..20_000 {
        // Mostly what was there just now; from time to time an atom that takes the slot of one of those.
        let word = match random(50) {
            0 => 2_048 + random(3),
            _ => random(3),
        };
        let mut e = Encoder::with_atom_table();
        e.tuple(2);
        e.atom(atom(word));
        e.int(n);
        let from = pid(1 + random(4) as u32);
        let control = match random(3) {
            0 => Control::RegSend {
                from,
                to: atom(5_000 + random(3)).into(),
                token: None,
            },
            1 => Control::RegSend {
                from,
                to: atom(5_000).into(),
                token: Some(Box::new(Term::from(random(3) as i64))),
            },
            _ => Control::Send {
                from: Some(from),
                to: pid(10 + random(3) as u32),
                token: None,
            },
        };
        messages.push((control, Some(e), word));
    }
    for flags in all_forms() {
        let plain: Vec<_> = (messages.iter())
            .map(|(control, e, _)| (control.clone(), e.clone()))
            .collect();
        let mut r = reader(flags);
        r.push(&written(flags, &plain));
        let got = drain(&mut r);
        assert_eq!(got.len(), messages.len());
        for (n, (inbound, (control, _, word))) in (0..).zip(got.iter().zip(&messages)) {
            let Inbound::Signal { control: read, .. } = inbound else {
                panic!("{inbound:?}");
            };
            assert_eq!(*read, as_received(control, flags));
            let want = Term::from((atom(*word), n));
            assert_eq!(term_of(inbound), Some(want));
        }
        let c = r.counters();
        if flags.contains(Flags::DIST_HDR_ATOM_CACHE) {
            assert!(c.atom_hits > 20 * c.atom_misses, "{c:?}");
        }
    }
}

#[test]
fn a_large_message_stops_nobody_else_and_is_not_overtaken_by_its_sender() {
    let big = 40 * FRAGMENT_SIZE;
    let plan = [
        (1, 0, big),
        (1, 1, 10),
        (2, 0, 10),
        (3, 0, big),
        (2, 1, 10),
        (3, 1, big),
        (3, 2, 5),
        (1, 2, 10),
    ];
    let messages: Vec<_> = plan
        .iter()
        .map(|&(s, n, size)| numbered(s, n, size, s == 1))
        .collect();
    let sizes = plan
        .iter()
        .map(|&(s, n, size)| ((i64::from(s), n), size))
        .collect();
    let mut r = reader(Flags::ours(false));
    r.push(&written(Flags::ours(false), &messages));
    let order = check(&drain(&mut r), &sizes);
    assert_eq!(
        order[..2],
        [(2, 0), (2, 1)],
        "small messages of others go first"
    );
}

#[test]
fn a_down_by_name_does_not_overtake_its_process() {
    let (control, payload) = numbered(1, 0, 10 * FRAGMENT_SIZE, true);
    let down = Control::MonitorExit {
        from: Target::Name(atoms::OK.into()),
        to: to(),
        reference: reference(),
    };
    let mut outbox = Outbox::new();
    outbox.push(control, payload.as_ref()).unwrap();
    outbox
        .push_from(pid(1), down.clone(), Some(&sample_payload()))
        .unwrap();
    let mut writer = FrameWriter::new(Flags::ours(false));
    writer.accept(&mut outbox);
    let mut out = WriteBuffer::new();
    while writer.fill(&mut out, usize::MAX) {}
    let mut r = reader(Flags::ours(false));
    r.push(&out.to_vec());
    let got = drain(&mut r);
    assert!(matches!(&got[1], Inbound::Signal { control, .. } if *control == down));
}

#[test]
fn a_hundred_large_senders_are_all_served() {
    let plan: Vec<(u32, i64, usize)> = (0..100)
        .flat_map(|s| [(s, 0, 3 * FRAGMENT_SIZE), (s, 1, 7)])
        .collect();
    let messages: Vec<_> = plan
        .iter()
        .map(|&(s, n, size)| numbered(s, n, size, s % 2 == 0))
        .collect();
    let sizes = plan
        .iter()
        .map(|&(s, n, size)| ((i64::from(s), n), size))
        .collect();
    let mut r = limited(|l| l.open_sequences = 64);
    r.push(&written(Flags::ours(false), &messages));
    check(&drain(&mut r), &sizes);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any mix of senders and sizes, written in batches to a buffer that is emptied in steps, cut anywhere on the way.
    #[test]
    fn whatever_is_written_is_read_in_order(
        plan in prop::collection::vec((0u32..5, prop_oneof![8 => 0usize..300, 2 => 4000usize..70_000, 1 => 70_000usize..400_000], any::<bool>()), 1..40),
        batch in 1usize..10,
        target in 1usize..200_000,
        step in 1usize..100_000,
        form in 0usize..4,
    ) {
        let flags = all_forms()[form];
        let mut writer = FrameWriter::new(flags);
        let (mut outbox, mut out, mut r) = (Outbox::new(), WriteBuffer::new(), reader(flags));
        let mut sizes = HashMap::new();
        let mut got = Vec::new();
        let mut pump = |writer: &mut FrameWriter, out: &mut WriteBuffer, once: bool| {
            loop {
                let more = writer.fill(out, target);
                let mut slices = [std::io::IoSlice::new(&[]); 3];
                let filled = out.io_slices(&mut slices);
                let all: Vec<u8> = slices[..filled].iter().flat_map(|s| s.iter().copied()).take(step).collect();
                out.advance(all.len());
                r.buffer_mut().extend_from_slice(&all);
                got.extend(drain(&mut r));
                if once || (!more && out.is_empty()) {
                    return;
                }
            }
        };
        for (number, (sender, size, shared)) in plan.iter().enumerate() {
            let (control, payload) = numbered(*sender, number as i64, *size, *shared);
            outbox.push(control, payload.as_ref()).unwrap();
            sizes.insert((i64::from(*sender), number as i64), *size);
            if number % batch == 0 {
                writer.accept(&mut outbox);
                pump(&mut writer, &mut out, true);
            }
        }
        writer.accept(&mut outbox);
        pump(&mut writer, &mut out, false);
        prop_assert!(writer.is_empty());
        prop_assert_eq!(writer.pending_bytes(), 0);
        prop_assert_eq!(writer.pending_large_bytes(), 0);
        check(&got, &sizes);
    }

    /// Garbage never panics, and whatever it does ends with this reader.
    #[test]
    fn garbage_is_an_error_at_worst(body in prop::collection::vec(any::<u8>(), 0..200), lead in 0usize..4, form in 0usize..4) {
        let mut r = reader(all_forms()[form]);
        let leads: [&[u8]; 4] = [&[131, 68], &[131, 69], &[131, 70], &[112, 131]];
        r.push(&frame(&[leads[lead], &body].concat()));
        let _ = r.next();
    }

    /// A good frame with one byte changed never panics.
    #[test]
    fn one_wrong_byte_is_an_error_at_worst(which in 0usize..33, at in 0usize..200, value in any::<u8>(), form in 0usize..4) {
        let flags = all_forms()[form];
        let controls = every_control();
        let control = controls[which % controls.len()].clone();
        let payload = control.takes_payload().then(sample_payload);
        let mut bytes = written(flags, &[(control, payload)]);
        let at = 4 + at % (bytes.len() - 4);
        bytes[at] = value;
        let mut r = reader(flags);
        r.push(&bytes);
        if let Ok(Some(Inbound::Signal { payload: Some(p), .. })) = r.next() {
            let _ = p.decoder().term();
        }
    }
}
