//! Fragments: put together across others, out of order, without end.

use super::*;

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
