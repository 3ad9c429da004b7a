//! Both sides of a handshake, before the peer has proved anything.

use std::time::Instant;

use kista_dist::Flags;
use kista_dist::handshake::{
    Acceptor, Config, Cookie, Decision, Event, HandshakeError, Initiator, LengthWidth, READ_SIZE,
    Status,
};

use crate::budget::held_by;

/// The most memory that a peer may make us hold before it has proved the cookie, what its driver reads into included.
const UNPROVED: usize = 4 * 1024;

/// What our side is in every run, so that the right digest is a known one.
pub(crate) const OURS: &str = "ours@127.0.0.1";
/// Whom the initiator dials.
pub(crate) const PEER: &str = "peer@127.0.0.1";
const OUR_CHALLENGE: u32 = 0x0102_0304;
const COOKIE: &str = "secret";

/// A node that dials us says this. The first byte says how it is answered, and in how large parts it speaks.
pub fn accepts(input: &[u8]) {
    let Some((&how, bytes)) = input.split_first() else {
        return;
    };
    let decide = |wants_name: bool| match how & 7 {
        2 => Decision::Nok,
        3 => Decision::NotAllowed,
        _ if wants_name => Decision::Named {
            name: "GIVEN@127.0.0.1".to_owned(),
            creation: 7,
        },
        1 => Decision::OkSimultaneous,
        4 | 5 => Decision::Alive,
        _ => Decision::Ok,
    };
    let config = config(OURS, Flags::ours(false), how);
    let cookie = Cookie::from(COOKIE);
    let mut proved = false;
    let mut step = |machine: &mut Acceptor, bytes: &[u8]| -> Result<bool, HandshakeError> {
        machine.receive(Instant::now(), bytes)?;
        while let Some(event) = machine.next_event() {
            match event {
                Event::NameReceived {
                    name, wants_name, ..
                } => {
                    assert!(name.chars().count() <= 255);
                    assert!(wants_name || kista_dist::check_node_name(&name).is_ok());
                    let decision = decide(wants_name);
                    let refused = matches!(decision, Decision::Nok | Decision::NotAllowed);
                    machine.decide(decision, cookie.clone())?;
                    if refused {
                        return Err(HandshakeError::Dead);
                    }
                }
                Event::Verified => {
                    proved = true;
                    machine.finish()?;
                }
                Event::Established(_) => {
                    assert!(proved, "nobody comes in without the digest");
                    return Ok(true);
                }
                other => panic!("an acceptor says {other:?}"),
            }
        }
        Ok(false)
    };
    let mut machine = None;
    let mut in_all = 0;
    let held = held_by(|| machine = Some(Acceptor::new(Instant::now(), config.clone())));
    in_all += held.left;
    let machine = machine.as_mut().expect("it was made");
    assert!(machine.take_output().is_empty(), "an acceptor only answers");
    for part in bytes.chunks(part(how)) {
        let mut outcome = Ok(false);
        let held = held_by(|| {
            outcome = step(machine, part);
            // The driver has sent it before it reads again.
            drop(machine.take_output());
        });
        assert_unproved(in_all, held.most, part);
        in_all += held.left;
        match outcome {
            Ok(false) => {}
            Ok(true) => {
                assert!(holds_digest(bytes), "established without the digest");
                return;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                let dead = machine.receive(Instant::now(), bytes);
                assert_eq!(dead, Err(HandshakeError::Dead), "after {error}");
                assert!(machine.next_event().is_none());
                return;
            }
        }
    }
}

/// A node that we dial answers this. The first byte says whether we ask for a name, what we say to `alive`, and in how large
/// parts it speaks.
pub fn dials(input: &[u8]) {
    let Some((&how, bytes)) = input.split_first() else {
        return;
    };
    let (name, flags) = if how & 1 == 0 {
        (OURS, Flags::ours(false))
    } else {
        ("127.0.0.1", Flags::ours(true) | Flags::NAME_ME)
    };
    let config = config(name, flags, how);
    let mut machine = None;
    let mut in_all = 0;
    let held = held_by(|| {
        let new = Initiator::new(Instant::now(), config.clone(), PEER, Cookie::from(COOKIE));
        let sent = machine.insert(new).take_output();
        assert!(sent.len() < 300, "our name");
    });
    in_all += held.left;
    let machine = machine.as_mut().expect("it was made");
    let replace = how & 2 != 0;
    let step = |machine: &mut Initiator, bytes: &[u8]| -> Result<bool, HandshakeError> {
        machine.receive(Instant::now(), bytes)?;
        while let Some(event) = machine.next_event() {
            match event {
                Event::Status(Status::Alive) => {
                    machine.answer_alive(replace)?;
                    if !replace {
                        return Err(HandshakeError::Dead);
                    }
                }
                Event::Status(Status::Named { name, .. }) => {
                    assert!(how & 1 != 0, "only who asks is named");
                    assert!(kista_dist::check_node_name(&name).is_ok());
                }
                Event::Status(_) => {}
                Event::Established(peer) => {
                    assert_eq!(peer.name, PEER, "whom we dialled");
                    return Ok(true);
                }
                other => panic!("an initiator says {other:?}"),
            }
        }
        Ok(false)
    };
    for part in bytes.chunks(part(how)) {
        let mut outcome = Ok(false);
        let held = held_by(|| {
            outcome = step(machine, part);
            drop(machine.take_output());
        });
        assert_unproved(in_all, held.most, part);
        in_all += held.left;
        match outcome {
            Ok(false) => {}
            Ok(true) => {
                assert!(holds_digest(bytes), "established without the digest");
                return;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                let dead = machine.receive(Instant::now(), bytes);
                assert_eq!(dead, Err(HandshakeError::Dead), "after {error}");
                return;
            }
        }
    }
}

fn config(name: &str, flags: Flags, how: u8) -> Config {
    let mut config = Config::new(name, flags, 4711, OUR_CHALLENGE);
    if how & 8 != 0 {
        config.width = LengthWidth::U32;
    }
    config
}

/// From one byte to all that a driver reads at once.
fn part(how: u8) -> usize {
    match how >> 4 {
        0 => 1,
        n @ 1..8 => usize::from(n) * 9,
        n => READ_SIZE * usize::from(n - 7) / 8,
    }
}

fn assert_unproved(before: i64, most: usize, part: &[u8]) {
    let held = usize::try_from(before).unwrap_or(0) + most + READ_SIZE;
    assert!(
        held <= UNPROVED,
        "{held} bytes are held for {} that nobody has proved",
        part.len()
    );
}

/// The digest that proves the cookie to us is somewhere in these bytes.
fn holds_digest(bytes: &[u8]) -> bool {
    let digest = Cookie::from(COOKIE).digest(OUR_CHALLENGE);
    bytes.windows(16).any(|window| window == digest)
}
