//! What one side writes the other side reads, however the bytes are cut; and what a hostile side writes is refused.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use kista_dist::control::{ControlError, Recipient, SpawnRequest, SpawnResult, Target};
use kista_dist::frame::{
    AtomList, FRAGMENT_SIZE, FrameError, FrameReader, FrameWriter, Inbound, Outbox, Payload,
    ReaderLimits, WriteBuffer,
};
use kista_dist::{Control, Flags};
use kista_etf::{Atom, AtomQuota, Encoder, Pid, Reference, Term, atoms};
use proptest::prelude::*;

fn pid(id: u32) -> Pid {
    Pid {
        node: Atom::from_static("a@h"),
        id,
        serial: 0,
        creation: 4,
    }
}

fn to() -> Pid {
    Pid {
        node: Atom::from_static("b@h"),
        id: 9,
        serial: 1,
        creation: 5,
    }
}

fn reference() -> Reference {
    Reference::new(Atom::from_static("a@h"), 4, &[1, 2, 3, 4]).unwrap()
}

fn all_forms() -> [Flags; 4] {
    let all = Flags::ours(false);
    [
        all,
        all - Flags::DIST_HDR_ATOM_CACHE,
        all - Flags::DIST_HDR_ATOM_CACHE - Flags::FRAGMENTS,
        all - Flags::EXIT_PAYLOAD - Flags::SEND_SENDER - Flags::ALTACT_SIG,
    ]
}

fn reader(flags: Flags) -> FrameReader {
    FrameReader::new(
        flags,
        ReaderLimits::default(),
        Arc::new(AtomQuota::unlimited()),
    )
}

fn limited(change: impl FnOnce(&mut ReaderLimits)) -> FrameReader {
    let mut limits = ReaderLimits::default();
    change(&mut limits);
    FrameReader::new(Flags::ours(false), limits, Arc::new(AtomQuota::unlimited()))
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32).to_be_bytes()[..], body].concat()
}

/// Writes messages as one batch and gives the bytes.
fn written(flags: Flags, messages: &[(Control, Option<Encoder>)]) -> Vec<u8> {
    let mut outbox = Outbox::new();
    for (control, payload) in messages {
        outbox.push(control.clone(), payload.as_ref()).unwrap();
    }
    let mut writer = FrameWriter::new(flags);
    writer.accept(&mut outbox);
    let mut out = WriteBuffer::new();
    while writer.fill(&mut out, usize::MAX) {}
    assert_eq!(writer.pending_bytes(), 0);
    assert_eq!(writer.pending_large_bytes(), 0);
    out.to_vec()
}

fn drain(reader: &mut FrameReader) -> Vec<Inbound> {
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

fn term_of(inbound: &Inbound) -> Option<Term> {
    let Inbound::Signal {
        payload: Some(payload),
        ..
    } = inbound
    else {
        return None;
    };
    let mut decoder = payload.decoder();
    let term = decoder.term().unwrap();
    decoder.finish().unwrap();
    Some(term)
}

fn every_control() -> Vec<Control> {
    let token = Some(Box::new(Term::from(7)));
    let name = || Atom::from_static("some_name").into();
    let mut all = vec![
        Control::Link {
            from: pid(1),
            to: to(),
        },
        Control::Unlink {
            from: pid(1),
            to: to(),
        },
        Control::NodeLink,
        Control::GroupLeader {
            from: pid(1),
            to: to(),
        },
        Control::Monitor {
            from: pid(1),
            to: Target::Pid(to()),
            reference: reference(),
        },
        Control::Monitor {
            from: pid(1),
            to: Target::Name(name()),
            reference: reference(),
        },
        Control::Demonitor {
            from: pid(1),
            to: Target::Name(name()),
            reference: reference(),
        },
        Control::MonitorExit {
            from: Target::Name(name()),
            to: to(),
            reference: reference(),
        },
        Control::MonitorExit {
            from: Target::Pid(pid(1)),
            to: to(),
            reference: reference(),
        },
        Control::UnlinkId {
            id: u64::MAX,
            from: pid(1),
            to: to(),
        },
        Control::UnlinkIdAck {
            id: 1,
            from: pid(1),
            to: to(),
        },
    ];
    for token in [None, token] {
        let request = SpawnRequest {
            id: reference(),
            from: pid(1),
            group_leader: pid(2),
            module: name(),
            function: name(),
            arity: 300,
            options: Term::from(atoms::OK),
            token: token.clone(),
        };
        all.extend([
            Control::Send {
                from: Some(pid(1)),
                to: to(),
                token: token.clone(),
            },
            Control::Exit {
                from: pid(1),
                to: to(),
                token: token.clone(),
            },
            Control::RegSend {
                from: pid(1),
                to: name(),
                token: token.clone(),
            },
            Control::Exit2 {
                from: pid(1),
                to: to(),
                token: token.clone(),
            },
            Control::SpawnRequest(Box::new(request)),
            Control::SpawnReply {
                id: reference(),
                to: to(),
                flags: 3,
                result: SpawnResult::Spawned(pid(1)),
                token: token.clone(),
            },
            Control::SpawnReply {
                id: reference(),
                to: to(),
                flags: 0,
                result: SpawnResult::Failed(name()),
                token: token.clone(),
            },
            Control::AliasSend {
                from: pid(1),
                to: reference(),
                token: token.clone(),
            },
            Control::Priority {
                from: pid(1),
                to: Recipient::Pid(to()),
                exit: true,
                token: token.clone(),
            },
            Control::Priority {
                from: pid(1),
                to: Recipient::Name(name()),
                exit: false,
                token: token.clone(),
            },
            Control::Priority {
                from: pid(1),
                to: Recipient::Alias(reference()),
                exit: false,
                token,
            },
        ]);
    }
    all
}

/// What of a control message survives a connection with these flags.
fn as_received(control: &Control, flags: Flags) -> Control {
    match control.clone() {
        Control::Send { to, token, .. } if !flags.contains(Flags::SEND_SENDER) => Control::Send {
            from: None,
            to,
            token,
        },
        Control::Priority {
            from,
            to,
            exit,
            token,
        } if !flags.contains(Flags::ALTACT_SIG) => match to {
            Recipient::Pid(to) if exit => Control::Exit2 { from, to, token },
            Recipient::Pid(to) => Control::Send {
                from: Some(from),
                to,
                token,
            },
            Recipient::Name(to) => Control::RegSend { from, to, token },
            Recipient::Alias(to) => Control::AliasSend { from, to, token },
        },
        other => other,
    }
}

fn sample_payload() -> Encoder {
    let mut payload = Encoder::with_atom_table();
    payload.tuple(3);
    payload.atom(Atom::from_static("some_name"));
    payload.int(-5);
    payload.atom(Atom::from_static("other"));
    payload
}

#[test]
fn every_control_message_survives_in_every_form() {
    for flags in all_forms() {
        let controls = every_control();
        let messages: Vec<_> = controls
            .iter()
            .map(|c| (c.clone(), c.takes_payload().then(sample_payload)))
            .collect();
        let bytes = written(flags, &messages);
        let mut reader = reader(flags);
        reader.push(&bytes);
        let got = drain(&mut reader);
        assert_eq!(got.len(), controls.len());
        for (control, inbound) in controls.iter().zip(&got) {
            let Inbound::Signal {
                control: received, ..
            } = inbound
            else {
                panic!("{inbound:?}")
            };
            assert_eq!(*received, as_received(control, flags));
            assert_eq!(
                term_of(inbound).map(|t| t.to_string()),
                control
                    .takes_payload()
                    .then(|| "{some_name,-5,other}".into())
            );
        }
    }
}

#[test]
fn every_frame_truncated_at_every_byte_is_an_error_or_waits() {
    for flags in all_forms() {
        for control in every_control() {
            let message = (
                control.clone(),
                control.takes_payload().then(sample_payload),
            );
            let bytes = written(flags, &[message]);
            for cut in 0..bytes.len() {
                // Cut off: it waits.
                let mut r = reader(flags);
                r.push(&bytes[..cut]);
                assert_eq!(r.next(), Ok(None));
                // Cut short with a matching length: an error, or (within the payload) a payload that does not decode.
                if cut > 4 {
                    let mut r = reader(flags);
                    r.push(&frame(&bytes[4..cut]));
                    if let Ok(Some(inbound)) = r.next() {
                        let Inbound::Signal {
                            payload: Some(p), ..
                        } = &inbound
                        else {
                            panic!("{cut} {inbound:?}")
                        };
                        assert!(p.decoder().term().is_err());
                    }
                }
            }
        }
    }
}

#[test]
fn an_oversize_length_is_refused_before_memory_is_taken() {
    let mut r = limited(|l| l.frame = 1000);
    r.push(&[0, 0, 0x03, 0xe9]);
    assert_eq!(
        r.next(),
        Err(FrameError::TooLong {
            length: 1001,
            limit: 1000
        })
    );
    assert_eq!(r.next(), Err(FrameError::Dead));
    let mut r = reader(Flags::ours(false));
    r.push(&[0x07, 0xff, 0xff, 0xff]);
    assert_eq!(r.next(), Ok(None));
    assert!(
        r.buffer_mut().capacity() < 1 << 18,
        "an announcement alone is worth no memory"
    );
}

#[test]
fn the_other_form_of_frames_is_refused() {
    let all = Flags::ours(false);
    for (flags, body) in [
        (all, &b"\x70\x83h\x01a\x05"[..]),
        (
            all - Flags::DIST_HDR_ATOM_CACHE - Flags::FRAGMENTS,
            b"\x83D\0h\x01a\x05",
        ),
        (all, b"\x83h\x01a\x05"),
        (all, b"\x83C\0h\x01a\x05"),
        (
            all - Flags::DIST_HDR_ATOM_CACHE - Flags::FRAGMENTS,
            b"\x70\x83h\x01a\x05h\0",
        ),
    ] {
        let mut r = reader(flags);
        r.push(&frame(body));
        assert_eq!(r.next(), Err(FrameError::WrongForm));
    }
}

#[test]
fn unknown_numbers_are_reported_and_close_nothing() {
    let mut r = reader(Flags::ours(false));
    for op in [0, 9, 15, 17, 38, 99, 255] {
        r.push(&frame(&[
            131, 68, 0, 104, 3, 97, op, 106, 109, 0, 0, 0, 1, 7, 106,
        ]));
        assert_eq!(r.next(), Ok(Some(Inbound::Unknown { op: op.into() })));
    }
    r.push(&[0; 4]);
    assert_eq!(r.next(), Ok(Some(Inbound::Tick)));
}

#[test]
fn an_exit_signal_to_an_alias_closes_nothing() {
    // `exit(Alias, Reason)` of OTP 29, as it comes: 37, flags 4 and 16.
    let mut e = Encoder::new();
    e.tuple(4);
    e.int(37);
    e.int(20);
    e.pid(&pid(1));
    e.reference(&reference());
    e.atom(Atom::from_static("reason"));
    let mut r = reader(Flags::ours(false));
    r.push(&frame(&[&[131, 68, 0], &*e.to_bytes()].concat()));
    let Ok(Some(Inbound::Signal { control, .. })) = r.next() else {
        panic!()
    };
    assert!(matches!(
        control,
        Control::Priority { to: Recipient::Alias(to), exit: true, .. } if to == reference()
    ));
}

#[test]
fn ill_formed_control_tuples_are_errors() {
    for (body, arity) in [
        (&b"h\x02a\x01a\x01"[..], true),
        (b"h\x00", true),
        (b"h\x03a\x01a\x01a\x01", false),
        (b"a\x01", false),
        (b"h\x01w\x01x", false),
        (b"h\x04a\x25a\x02a\x01a\x01", true),
        (b"h\x04a\x23a\x00a\x01a\x01", false),
    ] {
        let mut r = reader(Flags::ours(false));
        r.push(&frame(&[b"\x83D\0", body].concat()));
        let error = r.next().unwrap_err();
        assert_eq!(
            matches!(error, FrameError::Control(ControlError::Arity { .. })),
            arity,
            "{error:?}"
        );
    }
}

#[test]
fn payloads_are_there_exactly_where_they_belong() {
    let link = written(
        Flags::ours(false),
        &[(
            Control::Link {
                from: pid(1),
                to: to(),
            },
            None,
        )],
    );
    let mut r = reader(Flags::ours(false));
    r.push(&frame(&[&link[4..], b"a\x01"].concat()));
    assert_eq!(r.next(), Err(FrameError::UnexpectedPayload));
    let mut nothing = Encoder::with_atom_table();
    nothing.nil();
    let send = written(
        Flags::ours(false),
        &[(
            Control::Exit {
                from: pid(1),
                to: to(),
                token: None,
            },
            Some(nothing),
        )],
    );
    let mut r = reader(Flags::ours(false));
    r.push(&frame(&send[4..send.len() - 1]));
    assert_eq!(r.next(), Err(FrameError::MissingPayload));
}

fn first_fragment(sequence: u64, fragment: u64, part: &[u8]) -> Vec<u8> {
    let whole = written(
        Flags::ours(false),
        &[(
            Control::Send {
                from: Some(pid(1)),
                to: to(),
                token: None,
            },
            Some({
                let mut e = Encoder::with_atom_table();
                e.nil();
                e
            }),
        )],
    );
    let head = [
        &[131, 69],
        &sequence.to_be_bytes()[..],
        &fragment.to_be_bytes(),
    ]
    .concat();
    frame(&[&head, &whole[6..whole.len() - 1], part].concat())
}

fn later_fragment(sequence: u64, fragment: u64, part: &[u8]) -> Vec<u8> {
    frame(
        &[
            &[131, 70],
            &sequence.to_be_bytes()[..],
            &fragment.to_be_bytes(),
            part,
        ]
        .concat(),
    )
}

fn fails(mut r: FrameReader, frames: &[Vec<u8>]) -> FrameError {
    for bytes in frames {
        r.push(bytes);
    }
    loop {
        match r.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no error"),
            Err(e) => return e,
        }
    }
}

#[test]
fn fragments_are_put_together_across_other_messages() {
    let mut r = reader(Flags::ours(false));
    r.push(&first_fragment(7, 3, b"m\0\0"));
    r.push(&first_fragment(8, 2, b"a"));
    r.push(&[0; 4]);
    r.push(&later_fragment(7, 2, b"\0\x02x"));
    r.push(&later_fragment(8, 1, b"\x2a"));
    r.push(&later_fragment(7, 1, b"y"));
    r.push(&first_fragment(7, 1, b"a\x01"));
    let got = drain(&mut r);
    let terms: Vec<_> = got
        .iter()
        .filter_map(term_of)
        .map(|t| t.to_string())
        .collect();
    assert_eq!(got[0], Inbound::Tick);
    assert_eq!(terms, ["42", "<<\"xy\">>", "1"]);
    assert_eq!(r.held_bytes(), 0);
}

#[test]
fn bad_fragment_orders_are_errors() {
    let all = || reader(Flags::ours(false));
    let order = |expected, actual| FrameError::FragmentOrder { expected, actual };
    assert_eq!(
        fails(all(), &[later_fragment(7, 2, b"x")]),
        FrameError::UnknownSequence { sequence: 7 }
    );
    assert_eq!(fails(all(), &[first_fragment(7, 0, b"x")]), order(2, 0));
    assert_eq!(
        fails(
            all(),
            &[first_fragment(7, 3, b"x"), later_fragment(7, 1, b"x")]
        ),
        order(2, 1)
    );
    assert_eq!(
        fails(
            all(),
            &[first_fragment(7, 3, b"x"), later_fragment(7, 3, b"x")]
        ),
        order(2, 3)
    );
    assert_eq!(
        fails(
            all(),
            &[first_fragment(7, 3, b"x"), first_fragment(7, 3, b"x")]
        ),
        FrameError::SequenceOpen { sequence: 7 }
    );
    assert_eq!(
        fails(
            all(),
            &[first_fragment(7, 3, b"x"), first_fragment(7, 1, b"a\x01")]
        ),
        FrameError::SequenceOpen { sequence: 7 }
    );
    assert_eq!(
        fails(
            all(),
            &[
                first_fragment(7, 2, b"a"),
                later_fragment(7, 1, b"\x01"),
                later_fragment(7, 1, b"x")
            ]
        ),
        FrameError::UnknownSequence { sequence: 7 }
    );
    assert_eq!(
        fails(all(), &[frame(&[131, 70, 0, 0])]),
        FrameError::Truncated
    );
}

#[test]
fn a_control_tuple_in_parts_is_an_error() {
    let whole = first_fragment(7, 2, b"");
    let cut = frame(&whole[4..whole.len() - 5]);
    assert!(matches!(
        fails(reader(Flags::ours(false)), &[cut]),
        FrameError::Control(_)
    ));
}

#[test]
fn open_sequences_and_their_bytes_are_bounded() {
    let many: Vec<_> = (0..11).map(|i| first_fragment(i, 2, b"x")).collect();
    assert_eq!(
        fails(limited(|l| l.open_sequences = 10), &many),
        FrameError::TooManySequences { limit: 10 }
    );
    let bytes = [
        first_fragment(1, 9, &[0; 600]),
        later_fragment(1, 8, &[0; 401]),
    ];
    assert_eq!(
        fails(limited(|l| l.fragment_bytes = 1000), &bytes),
        FrameError::TooManyFragmentBytes { limit: 1000 }
    );
    // A huge counter announces much and takes nothing.
    let mut r = reader(Flags::ours(false));
    r.push(&first_fragment(1, u64::MAX, b"x"));
    assert_eq!(r.next(), Ok(None));
    assert!(r.held_bytes() < 100);
}

/// In one frame, however large.
fn plain(size: usize) -> Vec<u8> {
    let control = Control::Send {
        from: Some(pid(1)),
        to: to(),
        token: None,
    };
    written(
        Flags::ours(false) - Flags::FRAGMENTS,
        &[(control, Some(binary(size)))],
    )
}

fn binary(size: usize) -> Encoder {
    let mut e = Encoder::with_atom_table();
    e.binary(&vec![7; size]);
    e
}

/// Reads `bytes` in one go; gives the payloads, and whether each is a slice of the memory that was read into.
fn shared(r: &mut FrameReader, bytes: &[u8]) -> Vec<bool> {
    let buffer = r.buffer_mut();
    buffer.reserve(bytes.len());
    buffer.extend_from_slice(bytes);
    let block = buffer.as_ptr_range();
    drain(r)
        .iter()
        .map(|inbound| match inbound {
            Inbound::Signal {
                payload: Some(payload),
                ..
            } => block.contains(&payload.bytes.as_ptr()),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn a_small_payload_that_waits_keeps_no_block_of_memory() {
    let mut r = reader(Flags::ours(false));
    let (small, large) = (plain(10), plain(40_000));
    assert_eq!(
        shared(&mut r, &[&*small, &*large, &*small].concat()),
        [false, true, false]
    );
    // Nor one that stands behind a large frame in the memory of that.
    let mut r = reader(Flags::ours(false));
    assert_eq!(
        shared(&mut r, &[&*plain(300_000), &*large].concat()),
        [true, false]
    );
    // Nor one whose frame is large for another reason.
    let flags = Flags::ours(false) - Flags::DIST_HDR_ATOM_CACHE - Flags::FRAGMENTS;
    let mut r = reader(flags);
    let control = Control::RegSend {
        from: pid(1),
        to: kista_etf::Atom::from_static("name").into(),
        token: Some(Box::new(Term::from(vec![Term::from(1i64 << 40); 500]))),
    };
    let bytes = written(flags, &[(control, Some(binary(10)))]);
    assert_eq!(shared(&mut r, &bytes), [false]);
}

#[test]
fn a_payload_weighs_what_it_keeps() {
    let payload = |bytes: &[u8], atoms: AtomList| Payload {
        bytes: bytes.to_vec().into(),
        atoms,
    };
    let empty = payload(b"", AtomList::default()).weight();
    assert!(empty >= size_of::<Payload>(), "a queue of them is memory");
    assert_eq!(
        payload(&[0; 1000], AtomList::default()).weight(),
        empty + 1000
    );
    let quota = AtomQuota::new(0);
    let text = quota.intern(&"beyond the quota".repeat(10)).unwrap();
    let atoms: AtomList = std::iter::repeat_n(text, 200).collect();
    assert!(payload(b"", atoms).weight() >= empty + 200 * 160);
}

#[test]
fn the_control_part_of_an_unfinished_message_counts() {
    let options = Term::from(vec![Term::from(1i64 << 40); 100]);
    let request = Control::SpawnRequest(Box::new(SpawnRequest {
        id: reference(),
        from: pid(1),
        group_leader: pid(1),
        module: kista_etf::Atom::from_static("m").into(),
        function: kista_etf::Atom::from_static("f").into(),
        arity: 0,
        options,
        token: None,
    }));
    let whole = written(Flags::ours(false), &[(request, Some(binary(1)))]);
    let first = |sequence: u64| {
        let head = [
            &[131, 69],
            &sequence.to_be_bytes()[..],
            &2u64.to_be_bytes(),
            &whole[6..],
        ];
        frame(&head.concat())
    };
    let many: Vec<_> = (0..10).map(first).collect();
    assert_eq!(
        fails(limited(|l| l.fragment_bytes = 5000), &many),
        FrameError::TooManyFragmentBytes { limit: 5000 }
    );
}

#[test]
fn a_term_inside_a_control_tuple_takes_no_memory_without_bound() {
    let send = |size: usize| {
        let label = Term::from(vec![Term::from(1i64 << 40); size]);
        let control = Control::Send {
            from: Some(pid(1)),
            to: to(),
            token: Some(Box::new(label)),
        };
        written(Flags::ours(false), &[(control, Some(binary(1)))])
    };
    let mut r = reader(Flags::ours(false));
    r.push(&send(100));
    assert!(matches!(r.next(), Ok(Some(Inbound::Signal { .. }))));
    assert!(matches!(
        fails(reader(Flags::ours(false)), &[send(100_000)]),
        FrameError::Control(ControlError::Field { op: 23 })
    ));
}

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

#[test]
fn atoms_beyond_the_quota_stay_text_and_close_nothing() {
    let sender = Atom::new("a@h").unwrap();
    let body = [
        b"\x83D\x02\x98\x00\x00\x0fquota_atom_new1\x01\x03a@hh\x03a\x06X\x52\x01",
        &[0; 12][..],
    ]
    .concat();
    let body = [&body[..], b"w\x00w\x01xa\x01"].concat();
    // {6, Pid, '', x} has four elements.
    let at = body.windows(2).position(|w| w == [b'h', 3]).unwrap();
    let mut body = body;
    body[at + 1] = 4;
    let mut r = FrameReader::new(
        Flags::ours(false),
        ReaderLimits::default(),
        Arc::new(AtomQuota::new(0)),
    );
    r.push(&frame(&body));
    let got = r.next().unwrap();
    let Some(Inbound::Signal {
        control: Control::RegSend { from, .. },
        payload: Some(payload),
    }) = got
    else {
        panic!("{got:?}")
    };
    assert_eq!(from.node, sender);
    assert_eq!(payload.atoms[0].as_str(), "quota_atom_new1");
    assert_eq!(Atom::lookup("quota_atom_new1"), None);
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

/// A mixture of bursts: short messages by pid and by name from a few senders, with other signals and long ones in between.
fn bursts() -> Vec<(Control, Option<Encoder>)> {
    let mut messages = Vec::new();
    for n in 0..400u32 {
        let from = pid(1 + n / 37 % 3);
        let token = None;
        let control = match n / 23 % 3 {
            0 => Control::Send {
                from: Some(from),
                to: to(),
                token,
            },
            1 => Control::RegSend {
                from,
                to: Atom::from_static("burst").into(),
                token,
            },
            _ => Control::Send {
                from: Some(from),
                to: pid(7),
                token,
            },
        };
        let mut payload = Encoder::with_atom_table();
        payload.tuple(3);
        payload.atom(if n % 50 < 45 { atoms::OK } else { atoms::ERROR });
        payload.int(i64::from(n));
        let length = match n {
            100 => 3 * FRAGMENT_SIZE,
            _ if n % 31 == 0 => 6_000,
            _ => n as usize % 300,
        };
        payload.binary(&vec![n as u8; length]);
        messages.push((control, Some(payload)));
        if n % 61 == 0 {
            messages.push((Control::Link { from, to: to() }, None));
        }
    }
    messages
}

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

/// The messages of one thing that arrived.
fn each(inbound: Inbound) -> Vec<Inbound> {
    match inbound {
        Inbound::Run { control, run } => {
            let messages = run.messages();
            let all: Vec<_> = run
                .payloads()
                .map(|payload| Inbound::Signal {
                    control: control.clone(),
                    payload: Some(payload),
                })
                .collect();
            assert_eq!(all.len(), messages);
            assert!(messages > 1);
            all
        }
        other => vec![other],
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
