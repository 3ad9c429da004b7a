//! Messages that are queued and handed over together.

use super::*;

#[test]
fn what_is_queued_as_a_run_is_written_as_if_one_by_one() {
    for flags in all_forms() {
        let messages = bursts();
        let mut writer = FrameWriter::new(flags);
        let mut out = WriteBuffer::new();
        for (control, payload) in &messages {
            let mut outbox = Outbox::new();
            outbox.push(control.clone(), payload.as_ref()).unwrap();
            writer.accept(&mut outbox);
        }
        while writer.fill(&mut out, usize::MAX) {}
        let alone = (out.to_vec(), writer.counters());
        // In one batch, and so that a run is left off in the middle.
        for target in [usize::MAX, 1, 5_000] {
            let mut outbox = Outbox::new();
            for (control, payload) in &messages {
                outbox.push(control.clone(), payload.as_ref()).unwrap();
            }
            assert_eq!(outbox.len(), messages.len());
            let mut writer = FrameWriter::new(flags);
            writer.accept(&mut outbox);
            let mut all = Vec::new();
            loop {
                let mut out = WriteBuffer::new();
                let more = writer.fill(&mut out, target);
                all.extend_from_slice(&out.to_vec());
                if !more {
                    break;
                }
            }
            assert_eq!(writer.pending_bytes(), 0);
            assert_eq!(writer.pending_large_bytes(), 0);
            assert_eq!(writer.counters(), alone.1);
            assert!(all == alone.0, "{flags:?} {target}");
        }
    }
}

#[test]
fn runs_are_the_same_messages_in_the_same_order() {
    for flags in all_forms() {
        let bytes = written(flags, &bursts());
        let mut one_by_one = reader(flags);
        one_by_one.push(&bytes);
        let want = drain(&mut one_by_one);
        for step in [bytes.len(), 100, 5_000] {
            let mut reader = reader(flags);
            let (mut got, mut runs) = (Vec::new(), 0);
            for piece in bytes.chunks(step) {
                reader.push(piece);
                while let Some(inbound) = reader.next_run().unwrap() {
                    runs += usize::from(matches!(inbound, Inbound::Run { .. }));
                    got.extend(each(inbound));
                }
            }
            assert!(got == want, "{flags:?} {step}");
            assert_eq!(reader.counters(), one_by_one.counters());
            assert_eq!(reader.held_bytes(), 0);
            let can = flags.contains(Flags::DIST_HDR_ATOM_CACHE | Flags::SEND_SENDER);
            assert!(!can || step == 100 || runs > 10, "{flags:?} {step}: {runs}");
        }
    }
}

#[test]
fn a_bad_frame_behind_a_run_is_found_and_the_run_is_given_first() {
    let message = |n| {
        let mut payload = Encoder::with_atom_table();
        payload.int(n);
        let (from, to, token) = (Some(pid(1)), to(), None);
        (Control::Send { from, to, token }, Some(payload))
    };
    let mut bytes = written(
        Flags::ours(false),
        &[message(1), message(2), message(3), message(4)],
    );
    let whole = bytes.len();
    bytes.extend_from_slice(&frame(&[131, 68, 1]));
    let mut r = reader(Flags::ours(false));
    r.push(&bytes);
    let mut got = 0;
    let error = loop {
        match r.next_run() {
            Ok(Some(inbound)) => got += each(inbound).len(),
            Ok(None) => panic!("the bad frame was passed over"),
            Err(error) => break error,
        }
    };
    assert_eq!((got, error), (4, FrameError::Truncated));
    // The same envelope with a length beyond the limit, and with nothing behind it.
    let mut last = &bytes[..whole];
    for _ in 0..3 {
        last = &last[4 + u32::from_be_bytes(*last.first_chunk().unwrap()) as usize..];
    }
    for (length, expected) in [
        (u32::MAX, None),
        (last.len() as u32 - 4 - 2, Some(FrameError::MissingPayload)),
    ] {
        let mut r = reader(Flags::ours(false));
        r.push(&bytes[..whole]);
        r.push(&length.to_be_bytes());
        let end = last.len().min(4 + length as usize);
        r.push(&last[4..end]);
        let mut got = 0;
        let error = loop {
            match r.next_run() {
                Ok(Some(inbound)) => got += each(inbound).len(),
                Ok(None) => panic!("the bad frame was passed over"),
                Err(error) => break error,
            }
        };
        assert_eq!(got, 4);
        match expected {
            Some(expected) => assert_eq!(error, expected),
            None => assert!(matches!(error, FrameError::TooLong { .. })),
        }
    }
}
