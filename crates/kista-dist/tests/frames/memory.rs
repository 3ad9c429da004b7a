//! What is kept of a message while it waits.

use super::*;

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
    assert_eq!(
        payload.atoms.iter().next().unwrap().as_str(),
        "quota_atom_new1"
    );
    assert_eq!(Atom::lookup("quota_atom_new1"), None);
}
