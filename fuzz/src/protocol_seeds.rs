//! Good input for the targets of the protocol: what our own side and OTP say.

use std::time::Instant;

use kista_dist::control::{SpawnRequest, SpawnResult, Target};
use kista_dist::epmd::{AliveReply, MAX_REQUEST, NamesReply, NodeInfo, PortReply, Request};
use kista_dist::frame::{FrameWriter, Outbox, WriteBuffer};
use kista_dist::handshake::{Acceptor, Config, Cookie, Decision, Event, Initiator, LengthWidth};
use kista_dist::{Control, Flags};
use kista_etf::{Atom, Encoder, Pid, Reference, Term, atoms};

use crate::frames::LENGTHS;
use crate::handshakes::{OURS, PEER};

/// Frames of every control message, of messages in fragments, and of atoms that come again; as on the wire and with short lengths.
pub(crate) fn frames() -> Vec<Vec<u8>> {
    let all = Flags::ours(false);
    let old = all - Flags::EXIT_PAYLOAD - Flags::SEND_SENDER - Flags::ALTACT_SIG;
    let plain = all - Flags::DIST_HDR_ATOM_CACHE - Flags::FRAGMENTS;
    let mut seeds = Vec::new();
    for (how, flags) in [(0, all), (2, old), (3, plain)] {
        let controls = controls();
        let mut sequences: Vec<Vec<Vec<u8>>> = controls
            .iter()
            .map(|control| bodies(flags, &[control]))
            .collect();
        sequences.push(bodies(flags, &controls.iter().collect::<Vec<_>>()));
        let mut ticks = bodies(flags, &[&controls[0], &controls[0]]);
        ticks.insert(1, Vec::new());
        // More of them than of anything else that so few bytes can say.
        let mut idle = ticks.clone();
        idle.splice(1..1, vec![Vec::new(); 400]);
        sequences.extend([ticks, idle]);
        if how == 0 {
            sequences.extend([
                in_fragments(flags, &controls, &[1, 1, 2]),
                in_fragments(flags, &controls, &[1, 2, 1, 2, 3]),
            ]);
        }
        for sequence in sequences {
            for (flag, length) in [(0, 4), (LENGTHS, 2)] {
                let mut seed = vec![how | flag | 0x20];
                for body in &sequence {
                    seed.extend_from_slice(&(body.len() as u32).to_be_bytes()[4 - length..]);
                    seed.extend_from_slice(body);
                }
                seeds.push(seed);
            }
        }
    }
    seeds
}

fn pid(id: u32) -> Pid {
    Pid {
        node: Atom::from_static("nonode@nohost"),
        id,
        serial: 0,
        creation: 4,
    }
}

fn controls() -> Vec<Control> {
    let (from, to, token) = (pid(1), pid(2), None);
    let reference = Reference::new(pid(1).node, 4, &[1, 2, 3, 4]).expect("four words");
    let name = || Atom::from_static("name").into();
    let traced = Some(Box::new(Term::from(7)));
    let request = SpawnRequest {
        id: reference,
        from,
        group_leader: to,
        module: name(),
        function: name(),
        arity: 2,
        options: Term::list([Term::from(atoms::OK)]),
        token: None,
    };
    vec![
        Control::Send {
            from: Some(from),
            to,
            token: None,
        },
        Control::Send {
            from: Some(from),
            to,
            token: traced.clone(),
        },
        Control::RegSend {
            from,
            to: name(),
            token,
        },
        Control::Link { from, to },
        Control::Exit {
            from,
            to,
            token: traced,
        },
        Control::Exit2 {
            from,
            to,
            token: None,
        },
        Control::UnlinkId {
            id: u64::MAX,
            from,
            to,
        },
        Control::UnlinkIdAck { id: 1, from, to },
        Control::Monitor {
            from,
            to: Target::Name(name()),
            reference,
        },
        Control::Demonitor {
            from,
            to: Target::Pid(to),
            reference,
        },
        Control::MonitorExit {
            from: Target::Name(name()),
            to,
            reference,
        },
        Control::GroupLeader { from, to },
        Control::SpawnRequest(Box::new(request)),
        Control::SpawnReply {
            id: reference,
            to,
            flags: 3,
            result: SpawnResult::Spawned(from),
            token: None,
        },
        Control::AliasSend {
            from,
            to: reference,
            token: None,
        },
        Control::Priority {
            from,
            to: kista_dist::control::Recipient::Name(name()),
            exit: true,
            token: None,
        },
    ]
}

/// The frames that we write for these, each without its length.
fn bodies(flags: Flags, controls: &[&Control]) -> Vec<Vec<u8>> {
    let mut payload = Encoder::with_atom_table();
    payload.tuple(3);
    payload.atom(Atom::from_static("error"));
    payload.int(-5);
    payload.binary(b"a payload of some length");
    let mut outbox = Outbox::new();
    for control in controls {
        let payload = control.takes_payload().then_some(&payload);
        outbox
            .push((*control).clone(), payload)
            .expect("it can be encoded");
    }
    let mut writer = FrameWriter::new(flags);
    writer.accept(&mut outbox);
    let mut out = WriteBuffer::new();
    while writer.fill(&mut out, usize::MAX) {}
    let bytes = out.to_vec();
    let mut rest = &*bytes;
    let mut bodies = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let (body, after) = after.split_at(u32::from_be_bytes(*length) as usize);
        bodies.push(body.to_vec());
        rest = after;
    }
    bodies
}

/// The first message, once for each sequence that is named, cut into as many fragments as the sequence is named times; they take
/// turns in this order.
fn in_fragments(flags: Flags, controls: &[Control], turns: &[u8]) -> Vec<Vec<u8>> {
    const LAST: usize = 4;
    turns
        .iter()
        .enumerate()
        .map(|(at, &sequence)| {
            let left = turns[at..].iter().filter(|&&other| other == sequence);
            let counter = left.count() as u8;
            let first = !turns[..at].contains(&sequence);
            let whole = &bodies(flags, &[&controls[0]])[0];
            let (head, tail) = whole[2..].split_at(whole.len() - 2 - LAST);
            let mut body = vec![131, if first { 69 } else { 70 }];
            body.extend_from_slice(&u64::from(sequence).to_be_bytes());
            body.extend_from_slice(&u64::from(counter).to_be_bytes());
            if first {
                body.extend_from_slice(head);
            }
            if counter == 1 {
                body.extend_from_slice(tail);
            }
            body
        })
        .collect()
}

/// What an initiator says, to its good end, for each answer that it may get.
pub(crate) fn accepts() -> Vec<Vec<u8>> {
    let mut seeds = conversations()
        .map(|talk| talk.to_acceptor)
        .collect::<Vec<_>>();
    // An old node's name, and a flood behind a good one.
    let low = (Flags::ours(false).bits() as u32).to_be_bytes();
    let name = [&b"n\0\x05"[..], &low, b"old@127.0.0.1"].concat();
    let mut old = vec![0];
    old.extend_from_slice(&(name.len() as u16).to_be_bytes());
    old.extend_from_slice(&name);
    old.extend_from_slice(b"\0\x09c\0\0\0\x0d\0\0\0\x07");
    let mut flood = old.clone();
    flood.extend_from_slice(&[0; 5000]);
    seeds.extend([old, flood]);
    seeds.extend(names_of_a_message(
        b"N\0\0\0\x2d\x07\xdf\x7f\xbd\0\0\0\x07",
        &[],
    ));
    seeds
}

/// What an acceptor says, to its good end.
pub(crate) fn dials() -> Vec<Vec<u8>> {
    let mut seeds = conversations()
        .map(|talk| talk.to_initiator)
        .collect::<Vec<_>>();
    seeds.extend([
        b"\0\0\x04snok".to_vec(),
        b"\0\0\x0csnot_allowed".to_vec(),
        b"\x03\0\x06salive".to_vec(),
    ]);
    let challenge = b"N\0\0\0\x2d\x07\xdf\x7f\xbd\0\0\0\x09\0\0\0\x07";
    seeds.extend(names_of_a_message(challenge, b"\0\x03sok"));
    seeds.extend(names_of_a_message(b"snamed:", &[]).map(|mut seed| {
        seed[0] |= 1;
        seed
    }));
    seeds
}

/// A message that ends with a name of all the bytes it may have: one that is too long for a name, and one that says it is
/// longer than it is. In parts of a byte, and in the largest.
fn names_of_a_message<'a>(head: &'a [u8], before: &'a [u8]) -> impl Iterator<Item = Vec<u8>> + 'a {
    [0, 0xf0].into_iter().flat_map(move |part| {
        [(1000u16, 1000usize), (255, 1000), (1010, 1000)].map(|(says, has)| {
            let mut seed = vec![part];
            seed.extend_from_slice(before);
            seed.extend_from_slice(&((head.len() + 2 + has) as u16).to_be_bytes());
            seed.extend_from_slice(head);
            seed.extend_from_slice(&says.to_be_bytes());
            seed.extend((0..has).map(|n| if n == 3 { b'@' } else { 0xe9 }));
            seed
        })
    })
}

struct Talk {
    to_acceptor: Vec<u8>,
    to_initiator: Vec<u8>,
}

/// Handshakes between the side that the targets are and one that knows the cookie.
fn conversations() -> impl Iterator<Item = Talk> {
    let decisions = [
        (0u8, Decision::Ok),
        (1, Decision::OkSimultaneous),
        (4, Decision::Alive),
        (
            6,
            Decision::Named {
                name: "GIVEN@127.0.0.1".to_owned(),
                creation: 7,
            },
        ),
    ];
    decisions.into_iter().flat_map(|(how, decision)| {
        [LengthWidth::U16, LengthWidth::U32].map(|width| {
            let naming = matches!(decision, Decision::Named { .. });
            let wide = if width == LengthWidth::U32 { 8 } else { 0 };
            let part = 0xf0;
            let alive = if decision == Decision::Alive { 2 } else { 0 };
            let theirs = |name: &str, challenge: u32| {
                let mut config = Config::new(name, Flags::ours(false), 4711, challenge);
                config.width = width;
                if naming {
                    config.flags |= Flags::NAME_ME;
                }
                config
            };
            // The targets' challenge is the same for both of their sides; the other side must have another.
            let ours = 0x0102_0304;
            let name = if naming { "127.0.0.1" } else { PEER };
            let as_acceptor = said(
                theirs(name, 9),
                theirs_plain(OURS, ours, width),
                &decision,
                OURS,
            );
            let name = if naming { "127.0.0.1" } else { OURS };
            let as_initiator = said(
                theirs(name, ours),
                theirs_plain(PEER, 9, width),
                &decision,
                PEER,
            );
            Talk {
                to_acceptor: [&[how | wide | part][..], &as_acceptor.0].concat(),
                to_initiator: [
                    &[u8::from(naming) | alive | wide | part][..],
                    &as_initiator.1,
                ]
                .concat(),
            }
        })
    })
}

fn theirs_plain(name: &str, challenge: u32, width: LengthWidth) -> Config {
    let mut config = Config::new(name, Flags::ours(false), 4711, challenge);
    config.width = width;
    config
}

/// What each side of a handshake says.
fn said(a: Config, b: Config, decision: &Decision, dialled: &str) -> (Vec<u8>, Vec<u8>) {
    let now = Instant::now();
    let cookie = Cookie::from("secret");
    let mut initiator = Initiator::new(now, a, dialled, cookie.clone());
    let mut acceptor = Acceptor::new(now, b);
    let (mut of_initiator, mut of_acceptor) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let bytes = initiator.take_output();
        acceptor.receive(now, &bytes).expect("an honest initiator");
        of_initiator.extend(bytes);
        while let Some(event) = acceptor.next_event() {
            match event {
                Event::NameReceived { .. } => acceptor
                    .decide(decision.clone(), cookie.clone())
                    .expect("its turn"),
                Event::Verified => acceptor.finish().expect("its turn"),
                _ => {}
            }
        }
        let bytes = acceptor.take_output();
        initiator.receive(now, &bytes).expect("an honest acceptor");
        of_acceptor.extend(bytes);
        while let Some(event) = initiator.next_event() {
            if matches!(event, Event::Status(kista_dist::handshake::Status::Alive)) {
                initiator.answer_alive(true).expect("its turn");
            }
        }
    }
    (of_initiator, of_acceptor)
}

/// A server's clients: nodes that come and go, and whoever asks for them.
pub(crate) fn epmd_server() -> Vec<Vec<u8>> {
    let mut info = NodeInfo::new("demo", 5000, false);
    info.extra = b"xy".to_vec();
    let mut old = NodeInfo::new("old", 5001, true);
    old.highest = 5;
    let requests = [
        Request::Alive(info),
        Request::Alive(old),
        Request::Port("demo".to_owned()),
        Request::Names,
        Request::Dump,
        Request::Kill,
        Request::Stop("demo".to_owned()),
    ];
    let said = |request: &Request, how: u8| {
        let bytes = request.encode();
        [&(bytes.len() as u16).to_be_bytes()[..], &[how], &bytes].concat()
    };
    let mut seeds: Vec<Vec<u8>> = requests
        .iter()
        .flat_map(|request| [said(request, 3), said(request, 0)])
        .collect();
    let all: Vec<u8> = requests
        .iter()
        .flat_map(|request| said(request, 3))
        .collect();
    seeds.push([&*all, &all].concat());
    let long = |length: usize| said(&Request::Port("x".repeat(length)), 1);
    let mut long_extra = NodeInfo::new("x".repeat(255), 5002, false);
    long_extra.extra = vec![7; 256];
    seeds.extend([
        long(MAX_REQUEST - 1),
        long(MAX_REQUEST),
        long(2 * MAX_REQUEST),
        said(&Request::Alive(long_extra), 1),
    ]);
    seeds
}

/// What an EPMD may answer.
pub(crate) fn epmd_client() -> Vec<Vec<u8>> {
    let mut info = NodeInfo::new("demo", 5000, false);
    info.extra = b"xy".to_vec();
    let names = NamesReply {
        epmd_port: 4369,
        names: vec![("demo".to_owned(), 5000), ("other".to_owned(), 5001)],
    };
    vec![
        AliveReply::Registered { creation: 7 }.encode(true),
        AliveReply::Registered { creation: 3 }.encode(false),
        AliveReply::Refused { result: 1 }.encode(true),
        PortReply::Found(info).encode(),
        PortReply::NotFound.encode(),
        names.encode(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_handshake_seed_comes_to_its_good_end() {
        for talk in conversations() {
            let digest = Cookie::from("secret").digest(0x0102_0304);
            for bytes in [talk.to_acceptor, talk.to_initiator] {
                assert!(bytes.windows(16).any(|window| window == digest));
            }
        }
    }
}
