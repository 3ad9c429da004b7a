//! Control messages in every form, whole and damaged; unknown and ill-formed ones.

use super::*;

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
