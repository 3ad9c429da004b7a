//! What one side writes the other side reads, however the bytes are cut; and what a hostile side writes is refused.

mod control;
mod fragments;
mod in_place;
mod memory;
mod runs;
mod senders;

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
