//! Bytes that a real node sent (OTP 25, `gold@127.0.0.1` to `golden@127.0.0.1`, cookie `secret`), read again.
//!
//! It connected, and when the connection was up:
//! `{foo,N} ! {hello,42}, {foo,N} ! {hello,43}, monitor(process,{foo,N}), {foo,N} ! [hello, LongAtom, N, node()]`.

use std::sync::Arc;
use std::time::Instant;

use kista_dist::control::Target;
use kista_dist::frame::{FrameError, FrameReader, Inbound, ReaderLimits};
use kista_dist::handshake::{Acceptor, Config, Cookie, Decision, Event};
use kista_dist::{Control, Flags};
use kista_etf::AtomQuota;

const HANDSHAKE: &[&str] = &[
    "001d4e0000000d07df7fbd6b030806000e676f6c64403132372e302e302e310015726ec7ce74d4047d3e56e6d6d63f7d16b8",
    "5cd2fa88",
];

const FRAMES: &[&str] = &[
    "000000418344048ff900220e676f6c64403132372e302e302e310500a603666f6f790568656c6c6f68046106585200000000",
    "09000000006b0308065201520268025203612a000000278344040771002205a6796804610658520000000009000000006b03",
    "08065201520268025203612b00000031834402170022a66804611358520000000009000000006b03080652015a000352006b",
    "0308060003c2bd8b9c00021a11be4e0000014a83440607719b012205a679330104c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3",
    "a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3",
    "a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3",
    "a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3",
    "a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3",
    "a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9a50010676f6c64",
    "656e403132372e302e302e316804610658520000000009000000006b030806520152026c0000000452035204520552006a",
];

fn bytes(hex: &[&str]) -> Vec<u8> {
    let hex = hex.concat();
    (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect()
}

#[test]
fn a_real_handshake_is_accepted() {
    let now = Instant::now();
    let mut acceptor = Acceptor::new(
        now,
        Config::new("golden@127.0.0.1", Flags::ours(true), 77, 12345),
    );
    acceptor.receive(now, &bytes(HANDSHAKE)).unwrap();
    let Some(Event::NameReceived { name, .. }) = acceptor.next_event() else {
        panic!()
    };
    assert_eq!(name, "gold@127.0.0.1");
    acceptor
        .decide(Decision::Ok, Cookie::from("secret"))
        .unwrap();
    acceptor.receive(now, &[]).unwrap();
    assert_eq!(acceptor.next_event(), Some(Event::Verified));
}

#[test]
fn real_frames_are_read_with_their_atom_cache() {
    let mut reader = FrameReader::new(
        Flags::ours(true),
        ReaderLimits::default(),
        Arc::new(AtomQuota::unlimited()),
    );
    let mut terms = Vec::new();
    let mut monitors = 0;
    for byte in bytes(FRAMES) {
        reader.push(&[byte]);
        match reader.next().unwrap() {
            Some(Inbound::Signal {
                control: Control::RegSend { to, .. },
                payload: Some(payload),
            }) => {
                assert_eq!(to.as_str(), "foo");
                let mut decoder = payload.decoder();
                terms.push(decoder.term().unwrap().to_string());
                decoder.finish().unwrap();
            }
            Some(Inbound::Signal {
                control:
                    Control::Monitor {
                        to: Target::Name(name),
                        ..
                    },
                payload: None,
            }) => {
                assert_eq!(name.as_str(), "foo");
                monitors += 1;
            }
            Some(Inbound::Tick) | None => {}
            Some(other) => panic!("{other:?}"),
        }
    }
    let last = format!(
        "[hello,{},'golden@127.0.0.1','gold@127.0.0.1']",
        "é".repeat(130)
    );
    assert_eq!(terms, ["{hello,42}", "{hello,43}", &*last]);
    assert_eq!(monitors, 1);
}

#[test]
fn without_the_first_frame_the_cache_is_empty() {
    let all = bytes(FRAMES);
    let first = 4 + usize::from(u16::from_be_bytes([all[2], all[3]]));
    let mut reader = FrameReader::new(
        Flags::ours(true),
        ReaderLimits::default(),
        Arc::new(AtomQuota::unlimited()),
    );
    reader.push(&all[first..]);
    assert!(matches!(
        reader.next(),
        Err(FrameError::EmptyCacheSlot { .. })
    ));
}
