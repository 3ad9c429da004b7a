//! The frames of one connection, one after another: atom cache and fragments are state between them.

use std::sync::{Arc, LazyLock};

use kista_dist::frame::{
    FrameError, FrameReader, FrameWriter, Inbound, Outbox, ReaderLimits, WriteBuffer,
};
use kista_dist::{Control, Flags};
use kista_etf::{AtomQuota, Encoder};

use crate::budget::within;
use crate::names::TABLE;
use crate::owned::same;

/// No new atoms, in the form that a reader wants.
static QUOTA: LazyLock<Arc<AtomQuota>> = LazyLock::new(|| Arc::new(AtomQuota::new(0)));

/// What a reader holds when nothing has arrived: its atom cache, one block to read into, the table of fragments, and that of what stood in
/// front of messages.
const EMPTY: usize = 160 * 1024;

/// The flag of the first byte that says that lengths are ours; see [`frames`].
pub(crate) const LENGTHS: u8 = 4;

/// Reads frames through one reader, in parts and as a whole, and writes again what was read.
///
/// The first byte says which form of frames was negotiated, and in how large parts they arrive. Then come frames as they are on
/// the wire or, with the flag 4, frames whose length has two bytes and is never too large: damage leaves those in step.
pub fn frames(input: &[u8]) {
    let Some((&how, rest)) = input.split_first() else {
        return;
    };
    LazyLock::force(&QUOTA);
    LazyLock::force(&TABLE);
    let flags = form(how);
    let bytes = if how & LENGTHS == 0 {
        rest.to_vec()
    } else {
        with_lengths(rest)
    };
    let part = 1 + usize::from(how >> 3) * 7;
    let in_parts = within(bytes.len(), EMPTY, || read(flags, bytes.chunks(part)));
    let whole = read(flags, [&*bytes].into_iter());
    assert_eq!(in_parts, whole, "in parts of {part} and as a whole");
    let in_place = within(bytes.len(), EMPTY, || read_in_place(flags, &bytes, part));
    assert_eq!(
        in_place, whole,
        "in place, {part} at a time, and as a whole"
    );
    again(flags, &whole.0);
}

/// The four forms that a connection may have.
fn form(how: u8) -> Flags {
    let all = Flags::ours(false);
    match how % 4 {
        0 | 1 => all,
        2 => all - Flags::EXIT_PAYLOAD - Flags::SEND_SENDER - Flags::ALTACT_SIG,
        _ => all - Flags::DIST_HDR_ATOM_CACHE - Flags::FRAGMENTS,
    }
}

fn with_lengths(mut rest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (body, after) = after.split_at(length);
        bytes.extend_from_slice(&(length as u32).to_be_bytes());
        bytes.extend_from_slice(body);
        rest = after;
    }
    bytes
}

/// The messages that arrive, how many ticks among them, and the error that ended it. Ticks are not kept, as by nobody: of four bytes
/// each, they would be the most of what is held.
fn read<'a>(
    flags: Flags,
    parts: impl Iterator<Item = &'a [u8]>,
) -> (Vec<Inbound>, usize, Option<FrameError>) {
    let (mut reader, limits) = reader(flags);
    let (mut all, mut ticks) = (Vec::new(), 0);
    for part in parts {
        reader.buffer_mut().extend_from_slice(part);
        loop {
            match reader.next() {
                Ok(Some(Inbound::Tick)) => ticks += 1,
                Ok(Some(inbound)) => all.push(inbound),
                Ok(None) => break,
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    assert_eq!(reader.next(), Err(FrameError::Dead), "after {error}");
                    return (all, ticks, Some(error));
                }
            }
        }
        assert!(reader.held_bytes() <= limits.frame + 4 + limits.fragment_bytes);
    }
    (all, ticks, None)
}

fn reader(flags: Flags) -> (FrameReader, ReaderLimits) {
    let mut limits = ReaderLimits::default();
    limits.frame = 64 * 1024;
    limits.open_sequences = 8;
    limits.fragment_bytes = 64 * 1024;
    let reader = FrameReader::new(flags, limits, Arc::clone(&QUOTA));
    (reader, limits)
}

/// The same as a node reads: each part where there is room for it, and messages that can be handed over together at once.
fn read_in_place(
    flags: Flags,
    mut bytes: &[u8],
    part: usize,
) -> (Vec<Inbound>, usize, Option<FrameError>) {
    let (mut reader, limits) = reader(flags);
    let (mut all, mut ticks) = (Vec::new(), 0);
    while !bytes.is_empty() {
        let (room, most) = reader.room();
        let (now, rest) = bytes.split_at(most.min(part).min(bytes.len()));
        assert!(!now.is_empty(), "no room");
        room.extend_from_slice(now);
        bytes = rest;
        loop {
            match reader.next_run() {
                Ok(Some(Inbound::Tick)) => ticks += 1,
                Ok(Some(Inbound::Run { control, run })) => {
                    all.extend(run.payloads().map(|payload| Inbound::Signal {
                        control: control.clone(),
                        payload: Some(payload),
                    }));
                }
                Ok(Some(inbound)) => all.push(inbound),
                Ok(None) => break,
                Err(error) => return (all, ticks, Some(error)),
            }
        }
        assert!(reader.held_bytes() <= limits.frame + 4 + limits.fragment_bytes);
    }
    (all, ticks, None)
}

/// What was read, written by us and read again, is the same.
fn again(flags: Flags, read_before: &[Inbound]) {
    let mut outbox = Outbox::new();
    let mut sent = Vec::new();
    for inbound in read_before {
        let Inbound::Signal { control, payload } = inbound else {
            continue;
        };
        assert_eq!(control.takes_payload(), payload.is_some(), "{control:?}");
        // Without a sender there is no such message of ours.
        if matches!(control, Control::Send { from: None, .. }) {
            continue;
        }
        let mut encoder = Encoder::with_atom_table();
        if let Some(payload) = payload {
            // Nobody but the receiver looks at a payload: it may be anything.
            let mut decoder = payload.decoder().quota(&QUOTA);
            let Ok(term) = decoder.term() else { continue };
            if decoder.finish().is_err() {
                continue;
            }
            encoder.term(&term).expect("what was read can be written");
        }
        outbox
            .push(control.clone(), payload.is_some().then_some(&encoder))
            .expect("what was read can be written");
        sent.push((control, payload));
    }
    let mut writer = FrameWriter::new(flags);
    writer.accept(&mut outbox);
    let mut out = WriteBuffer::new();
    while writer.fill(&mut out, usize::MAX) {}
    let (back, ticks, error) = read(flags, [&*out.to_vec()].into_iter());
    assert_eq!(error, None, "of what we wrote: {sent:?}");
    assert_eq!((back.len(), ticks), (sent.len(), 0));
    for (back, (control, payload)) in back.iter().zip(sent) {
        let Inbound::Signal {
            control: back_control,
            payload: back_payload,
        } = back
        else {
            panic!("{back:?} of {control:?}");
        };
        if flags.contains(Flags::ALTACT_SIG) {
            assert_eq!(back_control, control);
        }
        if let (Some(payload), Some(back)) = (payload, back_payload) {
            let term = |payload: &kista_dist::frame::Payload| {
                let mut decoder = payload.decoder().quota(&QUOTA);
                decoder.term().expect("it was read before")
            };
            same(&term(payload), &term(back));
        }
    }
}
