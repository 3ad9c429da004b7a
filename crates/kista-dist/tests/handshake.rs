//! Handshakes, honest and hostile, byte by byte.

use std::time::{Duration, Instant};

use kista_dist::handshake::{
    Acceptor, Challenges, Config, Cookie, Decision, Event, HandshakeError, Initiator, LengthWidth,
    MAX_MESSAGE, Peer, SETUP_TIME, Status,
};
use kista_dist::{Flags, NodeNameError};
use proptest::prelude::*;

const A: &str = "a@h";
const B: &str = "b@h";

fn config(name: &str, challenge: u32) -> Config {
    Config::new(
        name,
        Flags::ours(false),
        u32::from(name.as_bytes()[0]),
        challenge,
    )
}

fn cookie() -> Cookie {
    Cookie::from("secret")
}

struct Run {
    now: Instant,
    a: Initiator,
    b: Acceptor,
    /// Most bytes that are handed over at once.
    step: usize,
    /// All bytes of each direction.
    from_a: Vec<u8>,
    from_b: Vec<u8>,
}

impl Run {
    fn new() -> Self {
        Self::with(config(A, 1), config(B, 2), cookie())
    }

    fn with(a: Config, b: Config, a_cookie: Cookie) -> Self {
        let now = Instant::now();
        let a = Initiator::new(now, a, B, a_cookie);
        Self {
            now,
            a,
            b: Acceptor::new(now, b),
            step: usize::MAX,
            from_a: Vec::new(),
            from_b: Vec::new(),
        }
    }

    /// Runs until nothing moves; the outcome of both sides.
    fn run(
        &mut self,
        decision: Decision,
        replace: bool,
    ) -> (Result<Peer, HandshakeError>, Result<Peer, HandshakeError>) {
        let (mut a, mut b) = (Err(HandshakeError::Timeout), Err(HandshakeError::Timeout));
        loop {
            let (to_b, to_a) = (self.a.take_output(), self.b.take_output());
            self.from_a.extend_from_slice(&to_b);
            self.from_b.extend_from_slice(&to_a);
            for part in to_b.chunks(self.step.min(4096)) {
                if let Err(e) = self.b.receive(self.now, part) {
                    b = Err(e);
                }
            }
            for part in to_a.chunks(self.step.min(4096)) {
                if let Err(e) = self.a.receive(self.now, part) {
                    a = Err(e);
                }
            }
            let mut moved = !to_a.is_empty() || !to_b.is_empty();
            while let Some(event) = self.b.next_event() {
                moved = true;
                match event {
                    Event::NameReceived { .. } => {
                        self.b.decide(decision.clone(), cookie()).unwrap()
                    }
                    Event::Verified => self.b.finish().unwrap(),
                    Event::Established(peer) => b = Ok(peer),
                    _ => panic!("{event:?}"),
                }
            }
            while let Some(event) = self.a.next_event() {
                moved = true;
                match event {
                    Event::Status(Status::Alive) => self.a.answer_alive(replace).unwrap(),
                    Event::Status(_) => {}
                    Event::Established(peer) => a = Ok(peer),
                    _ => panic!("{event:?}"),
                }
            }
            if !moved {
                return (a, b);
            }
        }
    }
}

#[test]
fn both_sides_agree_whatever_the_cuts_and_the_width() {
    for width in [LengthWidth::U16, LengthWidth::U32] {
        for step in [1, 2, 3, 7, 1000] {
            let (mut a, mut b) = (config(A, 1), config(B, 2));
            (a.width, b.width) = (width, width);
            let mut run = Run::with(a, b, cookie());
            run.step = step;
            let (a, b) = run.run(Decision::Ok, true);
            let (a, b) = (a.unwrap(), b.unwrap());
            assert_eq!(
                (&*a.name, a.creation, &*b.name, b.creation),
                (B, u32::from(b'b'), A, u32::from(b'a'))
            );
            assert_eq!(a.flags, b.flags);
            assert_eq!(a.flags, Flags::ours(false));
        }
    }
}

#[test]
fn a_wrong_cookie_is_told_by_nothing_but_the_end() {
    let mut run = Run::with(config(A, 1), config(B, 2), Cookie::from("wrong"));
    let (a, b) = run.run(Decision::Ok, true);
    assert_eq!(b, Err(HandshakeError::BadCookie));
    assert_eq!(a, Err(HandshakeError::Timeout), "A hears nothing more");
    assert_eq!(run.b.receive(run.now, &[]), Err(HandshakeError::Dead));
    assert_eq!(
        run.b.finish(),
        Err(HandshakeError::OutOfTurn),
        "no way around the digest"
    );
}

#[test]
fn an_acceptor_without_the_cookie_is_refused() {
    let mut run = Run::new();
    run.b.receive(run.now, &run.a.take_output()).unwrap();
    let _ = run.b.next_event();
    run.b.decide(Decision::Ok, Cookie::from("wrong")).unwrap();
    run.a.receive(run.now, &run.b.take_output()).unwrap();
    let _ = run.a.take_output();
    let forged = [&[0, 17, b'a'][..], &[7; 16]].concat();
    assert_eq!(
        run.a.receive(run.now, &forged),
        Err(HandshakeError::BadCookie)
    );
    assert_eq!(run.a.next_event(), None);
}

#[test]
fn refusals_reach_the_initiator() {
    assert_eq!(
        Run::new().run(Decision::Nok, true).0,
        Err(HandshakeError::Nok)
    );
    assert_eq!(
        Run::new().run(Decision::NotAllowed, true).0,
        Err(HandshakeError::NotAllowed)
    );
}

#[test]
fn an_old_connection_is_replaced_or_kept_as_the_initiator_says() {
    let (a, b) = Run::new().run(Decision::Alive, true);
    assert!(a.is_ok() && b.is_ok());
    let (a, b) = Run::new().run(Decision::Alive, false);
    assert_eq!(b, Err(HandshakeError::KeptOld));
    assert!(a.is_err());
}

#[test]
fn simultaneous_attempts_leave_one_survivor() {
    use kista_dist::handshake::simultaneous;
    let (a, b) = Run::new().run(simultaneous(B, A, false), true);
    assert!(a.is_ok() && b.is_ok());
    for (x, y) in [(A, B), (B, A), ("n10@h", "n9@h")] {
        let answers = [simultaneous(x, y, true), simultaneous(y, x, true)];
        assert_eq!(answers.iter().filter(|d| **d == Decision::Nok).count(), 1);
    }
    let (a, b) = Run::new().run(Decision::OkSimultaneous, true);
    assert!(a.is_ok() && b.is_ok());
}

#[test]
fn a_node_without_a_name_gets_one() {
    let mut nameless = config("h", 1);
    nameless.flags |= Flags::NAME_ME;
    let given = Decision::Named {
        name: "x1@h".into(),
        creation: 77,
    };
    let (a, b) = Run::with(nameless, config(B, 2), cookie()).run(given, true);
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(
        (&*a.our_name, a.our_creation, &*b.name, b.creation),
        ("x1@h", 77, "x1@h", 77)
    );
    assert!(!a.flags.contains(Flags::NAME_ME));

    let mut run = Run::new();
    run.b.receive(run.now, &run.a.take_output()).unwrap();
    let given = Decision::Named {
        name: "x1@h".into(),
        creation: 77,
    };
    assert_eq!(
        run.b.decide(given, cookie()),
        Err(HandshakeError::OutOfTurn),
        "who has a name keeps it"
    );
}

/// As OTP 25 to 29: what a node says of itself is Latin-1, what it is told to be is UTF-8.
#[test]
fn a_given_name_keeps_a_host_beyond_ascii() {
    let mut nameless = config("h\u{e9}", 1);
    nameless.flags |= Flags::NAME_ME;
    let given = Decision::Named {
        name: "x1@h\u{e9}".into(),
        creation: 77,
    };
    let mut run = Run::with(nameless, config(B, 2), cookie());
    let (a, b) = run.run(given, true);
    assert_eq!(
        (&*a.unwrap().our_name, &*b.unwrap().name),
        ("x1@h\u{e9}", "x1@h\u{e9}")
    );
    let says = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).any(|part| part == what);
    assert!(says(&run.from_a, b"\0\x02h\xe9"));
    assert!(says(&run.from_b, b"named:\0\x06x1@h\xc3\xa9"));
}

/// OTP 25 to 29 refuse them too: a byte beyond ASCII has no place before the `@`, as Latin-1 or as UTF-8.
#[test]
fn a_name_that_is_no_node_name_is_refused_before_anything_is_answered() {
    for name in [
        &b"r\xe9@h"[..],
        b"r\xc3\xa9@h",
        b"\xff\xfe@h",
        b"r.s@h",
        b"r\0@h",
        b"r@h\x1b",
    ] {
        let mut body = vec![b'N'];
        body.extend_from_slice(&Flags::ours(false).bits().to_be_bytes());
        body.extend_from_slice(&7u32.to_be_bytes());
        body.extend_from_slice(&(name.len() as u16).to_be_bytes());
        body.extend_from_slice(name);
        let mut bytes = (body.len() as u16).to_be_bytes().to_vec();
        bytes.extend_from_slice(&body);
        let now = Instant::now();
        let mut b = Acceptor::new(now, config(B, 2));
        assert!(
            matches!(
                b.receive(now, &bytes),
                Err(HandshakeError::BadName(NodeNameError::BadCharacter))
            ),
            "{name:?}"
        );
        assert!(b.take_output().is_empty(), "{name:?}");
    }
}

#[test]
fn only_who_asks_for_a_name_is_told_that_names_are_given() {
    let given = Decision::Named {
        name: "x1@h".into(),
        creation: 77,
    };
    for (name, asks, decision) in [("h", true, given), (A, false, Decision::Ok)] {
        let mut a = config(name, 1);
        a.flags.set(Flags::NAME_ME, asks);
        let mut run = Run::with(a, config(B, 2), cookie());
        run.b.receive(run.now, &run.a.take_output()).unwrap();
        run.b.decide(decision, cookie()).unwrap();
        let output = run.b.take_output();
        // The status, then the challenge: length, tag, flags.
        let status = usize::from(u16::from_be_bytes([output[0], output[1]]));
        let flags = output[2 + status + 3..].first_chunk().unwrap();
        let flags = Flags::from_bits_retain(u64::from_be_bytes(*flags));
        assert_eq!(flags.contains(Flags::NAME_ME), asks);
    }
}

#[test]
fn one_byte_per_second_does_not_extend_the_time() {
    let mut run = Run::new();
    let name = run.a.take_output();
    let mut result = Ok(());
    for (second, byte) in (0..).zip(name) {
        result = run
            .b
            .receive(run.now + Duration::from_secs(second), &[byte]);
        if result.is_err() {
            assert_eq!(second, SETUP_TIME.as_secs());
            break;
        }
    }
    assert_eq!(result, Err(HandshakeError::Timeout));
    assert_eq!(run.a.deadline(), run.now + SETUP_TIME);
    assert_eq!(
        run.a.receive(run.a.deadline(), &[]),
        Err(HandshakeError::Timeout)
    );
}

#[test]
fn oversize_messages_and_floods_are_refused() {
    let now = Instant::now();
    let mut b = Acceptor::new(now, config(B, 2));
    assert_eq!(
        b.receive(now, &[0xff, 0xff]),
        Err(HandshakeError::TooLong { length: 65535 })
    );
    let mut wide = config(B, 2);
    wide.width = LengthWidth::U32;
    let mut b = Acceptor::new(now, wide);
    assert!(matches!(
        b.receive(now, &[0xff; 4]),
        Err(HandshakeError::TooLong { .. })
    ));
    let mut run = Run::new();
    let mut bytes = run.a.take_output();
    bytes.extend_from_slice(&vec![0; MAX_MESSAGE + 100]);
    assert_eq!(run.b.receive(now, &bytes), Err(HandshakeError::Flood));
    assert_eq!(run.b.next_event(), None);
}

#[test]
fn reflections_are_refused() {
    // Our own name.
    let mut run = Run::with(config(B, 1), config(B, 2), cookie());
    let (_, b) = run.run(Decision::Ok, true);
    assert_eq!(b, Err(HandshakeError::OwnName));
    // Our own challenge, sent back as theirs.
    let (a, b) = Run::with(config(A, 5), config(B, 5), cookie()).run(Decision::Ok, true);
    assert_eq!(a, Err(HandshakeError::Reflection));
    assert!(b.is_err());
    let mut run = Run::new();
    run.b.receive(run.now, &run.a.take_output()).unwrap();
    run.b.decide(Decision::Ok, cookie()).unwrap();
    let reply = [&[0, 21, b'r', 0, 0, 0, 2][..], &cookie().digest(2)].concat();
    assert_eq!(
        run.b.receive(run.now, &reply),
        Err(HandshakeError::Reflection)
    );
}

#[test]
fn a_challenge_of_another_handshake_is_not_answered() {
    let challenges = Challenges::default();
    let elsewhere = config(B, 2);
    let config = |name: &str, number| {
        let mut config = config(name, 0);
        config.challenge = challenges.issue(number).unwrap();
        config
    };
    // A stranger dials us and gets the challenge 2, has us dial it, and puts the same challenge to us.
    let as_acceptor = config(A, 2);
    let (dialling, _) =
        Run::with(config(A, 1), elsewhere.clone(), cookie()).run(Decision::Ok, true);
    assert_eq!(dialling, Err(HandshakeError::Reflection));
    // Once that handshake is over the number is as good as any.
    drop(as_acceptor);
    let (dialling, _) = Run::with(config(A, 3), elsewhere, cookie()).run(Decision::Ok, true);
    assert!(dialling.is_ok(), "{dialling:?}");
}

#[test]
fn a_recorded_handshake_played_again_establishes_nothing() {
    let mut recorded = Run::new();
    assert!(matches!(recorded.run(Decision::Ok, true), (Ok(_), Ok(_))));
    // To an acceptor, whose challenge is another one now.
    let now = Instant::now();
    let mut acceptor = Acceptor::new(now, config(B, 77));
    let mut result = acceptor.receive(now, &recorded.from_a);
    while result.is_ok() {
        match acceptor.next_event() {
            Some(Event::NameReceived { .. }) => {
                acceptor.decide(Decision::Ok, cookie()).unwrap();
                result = acceptor.receive(now, &[]);
            }
            event => panic!("{event:?}"),
        }
    }
    assert_eq!(result, Err(HandshakeError::BadCookie));
    // To an initiator, likewise.
    let mut initiator = Initiator::new(now, config(A, 78), B, cookie());
    let result = initiator.receive(now, &recorded.from_b);
    assert_eq!(result, Err(HandshakeError::BadCookie));
    assert_eq!(initiator.next_event(), None);
}

#[test]
fn another_node_than_the_dialled_one_is_refused() {
    let (a, _) = Run::with(config(A, 1), config("c@h", 2), cookie()).run(Decision::Ok, true);
    assert_eq!(
        a,
        Err(HandshakeError::WrongName {
            actual: "c@h".into()
        })
    );
}

#[test]
fn a_peer_without_mandatory_flags_is_told_so() {
    let mut old = config(A, 1);
    old.flags -= Flags::MAP_TAG | Flags::MANDATORY_25_DIGEST;
    let (a, b) = Run::with(old, config(B, 2), cookie()).run(Decision::Ok, true);
    assert_eq!(
        b,
        Err(HandshakeError::MissingFlags {
            missing: Flags::MAP_TAG
        })
    );
    assert_eq!(a, Err(HandshakeError::NotAllowed));
    let mut old = config(B, 2);
    old.flags -= Flags::UNLINK_ID;
    let (a, _) = Run::with(config(A, 1), old, cookie()).run(Decision::Ok, true);
    assert_eq!(
        a,
        Err(HandshakeError::MissingFlags {
            missing: Flags::UNLINK_ID
        })
    );
}

#[test]
fn the_old_name_form_is_accepted_and_completed() {
    let now = Instant::now();
    let mut b = Acceptor::new(now, config(B, 2));
    let flags = Flags::ours(false).bits();
    let name = [
        b"\x00\x0an\x00\x05",
        &(flags as u32).to_be_bytes()[..],
        b"a@h",
    ]
    .concat();
    b.receive(now, &name).unwrap();
    assert!(matches!(
        b.next_event(),
        Some(Event::NameReceived { creation: 0, .. })
    ));
    b.decide(Decision::Ok, cookie()).unwrap();
    let complement = [
        b"\x00\x09c",
        &((flags >> 32) as u32).to_be_bytes()[..],
        &[0, 0, 0, 9],
    ]
    .concat();
    let reply = [&[0, 21, b'r', 0, 0, 0, 1][..], &cookie().digest(2)].concat();
    b.receive(now, &[complement, reply].concat()).unwrap();
    assert_eq!(b.next_event(), Some(Event::Verified));
    b.finish().unwrap();
    let Some(Event::Established(peer)) = b.next_event() else {
        panic!()
    };
    assert_eq!((peer.creation, peer.flags), (9, Flags::ours(false)));
}

#[test]
fn what_follows_the_handshake_is_kept() {
    let mut run = Run::new();
    run.b.receive(run.now, &run.a.take_output()).unwrap();
    run.b.decide(Decision::Ok, cookie()).unwrap();
    run.a.receive(run.now, &run.b.take_output()).unwrap();
    run.b.receive(run.now, &run.a.take_output()).unwrap();
    run.b.finish().unwrap();
    let mut last = run.b.take_output();
    last.extend_from_slice(&[9; 5000]);
    run.a.receive(run.now, &last).unwrap();
    run.a.receive(run.now + SETUP_TIME * 2, &[8; 2]).unwrap();
    assert!(matches!(run.a.next_event(), Some(Event::Established(_))));
    assert_eq!(run.a.leftover(), [vec![9; 5000], vec![8; 2]].concat());
}

#[test]
fn methods_out_of_turn_are_errors_not_holes() {
    let now = Instant::now();
    let mut b = Acceptor::new(now, config(B, 2));
    assert_eq!(
        b.decide(Decision::Ok, cookie()),
        Err(HandshakeError::OutOfTurn)
    );
    assert_eq!(b.finish(), Err(HandshakeError::OutOfTurn));
    let mut a = Initiator::new(now, config(A, 1), B, cookie());
    assert_eq!(a.answer_alive(true), Err(HandshakeError::OutOfTurn));
    assert!(matches!(
        a.receive(now, b"\x00\x01a"),
        Err(HandshakeError::Unexpected { tag: b'a' })
    ));
}

/// The bytes of a good handshake, one per direction.
fn good() -> (Vec<u8>, Vec<u8>) {
    let mut run = Run::new();
    let (a, b) = run.run(Decision::Ok, true);
    assert!(a.is_ok() && b.is_ok());
    (run.from_a, run.from_b)
}

/// Feeds an acceptor; whether it was established.
fn accepts(bytes: &[u8]) -> bool {
    let now = Instant::now();
    let mut b = Acceptor::new(now, config(B, 2));
    let mut rest = bytes;
    loop {
        if b.receive(now, rest).is_err() {
            return false;
        }
        rest = &[];
        match b.next_event() {
            Some(Event::NameReceived {
                wants_name: false, ..
            }) => b.decide(Decision::Ok, cookie()).unwrap(),
            Some(Event::NameReceived { .. }) => return false,
            Some(Event::Verified) => b.finish().unwrap(),
            Some(Event::Established(_)) => return true,
            _ => return false,
        }
    }
}

/// Feeds an initiator; whether it was established.
fn initiates(bytes: &[u8]) -> bool {
    let now = Instant::now();
    let mut a = Initiator::new(now, config(A, 1), B, cookie());
    a.receive(now, bytes).is_ok()
        && std::iter::from_fn(|| a.next_event()).any(|e| matches!(e, Event::Established(_)))
}

#[test]
fn good_bytes_truncated_at_every_byte_establish_nothing() {
    let (from_a, from_b) = good();
    assert!(accepts(&from_a) && initiates(&from_b));
    for cut in 0..from_a.len() {
        assert!(!accepts(&from_a[..cut]));
    }
    for cut in 0..from_b.len() {
        assert!(!initiates(&from_b[..cut]));
    }
}

#[test]
fn messages_in_another_order_establish_nothing() {
    let (from_a, _) = good();
    let name = 2 + usize::from(from_a[1]);
    let swapped = [&from_a[name..], &from_a[..name]].concat();
    assert!(!accepts(&swapped));
    let twice = [&from_a[..name], &from_a].concat();
    assert!(!accepts(&twice));
    assert!(!accepts(&from_a[name..]));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing but the right digest establishes anything, and nothing panics.
    #[test]
    fn a_changed_digest_establishes_nothing(at in 0usize..16, bit in 0u8..8) {
        let (mut from_a, mut from_b) = good();
        let (end_a, end_b) = (from_a.len() - 1 - at, from_b.len() - 1 - at);
        from_a[end_a] ^= 1 << bit;
        from_b[end_b] ^= 1 << bit;
        prop_assert!(!accepts(&from_a) && !initiates(&from_b));
    }

    #[test]
    fn garbage_establishes_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200), good_bytes in 0usize..40) {
        let (from_a, from_b) = good();
        let with = |good: &[u8]| {
            let mut all = good[..good_bytes.min(good.len())].to_vec();
            all.extend_from_slice(&bytes);
            all
        };
        prop_assert!(!accepts(&with(&from_a)) && !initiates(&with(&from_b)));
    }
}
