//! Inbound: bytes in, signals out.
//!
//! ```text
//! frame          length:4 body                        length 0: a tick
//! with header    131,68 header control [payload]      131,69 seq:8 fragment:8 header control [part of payload]
//!                                                     131,70 seq:8 fragment:8 part of payload
//! pass-through   112,131 control [131 payload]
//! ```
//! Rules:
//! 1. A connection speaks one of the two forms, by its flags; the other one is an error.
//! 2. A frame's length is checked before memory is taken, and memory grows with what really arrived, not with what was announced.
//! 3. Only the control tuple is decoded. A payload keeps alive little more memory than it has bytes, however long it waits: below
//!    [`SHARE_FROM`] it is copied out of the read buffer, whose block is then used again; above, it is cut off without copying. A large frame has
//!    its block for itself; when its envelope is known, the rest of it is read there straight from the socket (`incoming`).
//! 4. Fragments count down to 1 without a gap. Open sequences and their bytes are bounded; they fall with the reader.
//! 5. Messages with equal envelopes that follow each other can be taken as one [`Run`]. Nothing else is overtaken by that.
//! 6. After an error the reader gives nothing but errors: close the connection.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use kista_etf::{AtomQuota, AtomTable, Decoder, Limits};

use super::atoms::InboundCache;
use super::fragments::{Fragments, Partial};
use super::incoming::{Blocks, DIRECT_FROM, Incoming};
use super::memo::Seen;
use super::run::{MOST_IN_RUN, RUN_BYTES, Run};
use super::template::ReadTemplates;
use super::{AtomList, FrameCounters, FrameError, Payload, PayloadBytes};
use crate::control::{Control, Decoded};
use crate::flags::Flags;

/// What a peer may make us hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderLimits {
    /// Longest frame. Peers that fragment send at most 64 KiB and a little; others send whole messages. Default 128 MiB.
    pub frame: usize,
    /// Most messages that may be incomplete at once (one per sending process). Default 4096.
    pub open_sequences: usize,
    /// Most bytes of incomplete messages together. Default 512 MiB.
    pub fragment_bytes: usize,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self {
            frame: 128 << 20,
            open_sequences: 4096,
            fragment_bytes: 512 << 20,
        }
    }
}

/// What arrived.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Inbound {
    /// A sign of life.
    Tick,
    /// A signal. Its payload is there exactly if [`Control::takes_payload`] says so.
    Signal {
        /// What it is.
        control: Control,
        /// The message or reason, undecoded.
        payload: Option<Payload>,
    },
    /// Several messages from one process to one other, given by [`FrameReader::next_run`] only.
    Run {
        /// What each of them is: a message to a pid or to a name.
        control: Control,
        /// They.
        run: Run,
    },
    /// A control message with a number that this crate does not know: log it, go on.
    Unknown {
        /// The number.
        op: i64,
    },
}

/// Reads the frames of one connection.
///
/// ```
/// use std::sync::Arc;
/// use kista_dist::{Flags, frame::{FrameReader, Inbound, ReaderLimits}};
/// use kista_etf::AtomQuota;
///
/// let mut reader = FrameReader::new(Flags::ours(false), ReaderLimits::default(), Arc::new(AtomQuota::new(1000)));
/// reader.push(&[0, 0, 0, 0, 0]);
/// assert_eq!(reader.next()?, Some(Inbound::Tick));
/// assert_eq!(reader.next()?, None);
/// # Ok::<(), kista_dist::frame::FrameError>(())
/// ```
#[derive(Debug)]
pub struct FrameReader {
    header: bool,
    limits: ReaderLimits,
    term_limits: Limits,
    quota: Arc<AtomQuota>,
    buffer: BytesMut,
    cache: InboundCache,
    seen: Seen,
    templates: ReadTemplates,
    fragments: Fragments,
    /// While it is there `buffer` is empty.
    incoming: Option<Incoming>,
    blocks: Blocks,
    /// The last message was a large one: the next may be, too.
    large: bool,
    failed: bool,
    /// Without the atoms, which the cache counts.
    counters: FrameCounters,
}

/// A read should have room for at least this much, and new blocks have at least this size.
const BLOCK: usize = 64 * 1024;
/// Payloads from this length on are cut off the block, and keep it: at most four times as much.
const SHARE_FROM: usize = BLOCK / 4;
const ROOM: usize = 8 * 1024;
/// What is read at once where a large message may begin.
const HEAD: usize = 2 * 1024;

impl FrameReader {
    /// A reader for a connection with these negotiated flags. New atoms are counted against `quota`.
    #[must_use]
    pub fn new(flags: Flags, limits: ReaderLimits, quota: Arc<AtomQuota>) -> Self {
        Self {
            header: flags.uses_header(),
            limits,
            term_limits: Limits::default(),
            quota,
            buffer: BytesMut::new(),
            cache: InboundCache::new(),
            seen: Seen::default(),
            templates: ReadTemplates::default(),
            fragments: Fragments::new(limits),
            incoming: None,
            blocks: Blocks::default(),
            large: false,
            failed: false,
            counters: FrameCounters::default(),
        }
    }

    /// The buffer to read the socket into (append only). When its room runs out, room is made for the rest of the frame that is
    /// arriving, but at most for as much again as has arrived.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        let have = self.buffer.len();
        if self.buffer.capacity() - have < ROOM {
            let rest = self
                .announced()
                .map_or(0, |frame| (frame + 4).saturating_sub(have));
            self.buffer.reserve(rest.clamp(BLOCK, have.max(BLOCK)));
        }
        &mut self.buffer
    }

    /// Where to read the socket into (append only), and how much at most: [`buffer_mut`](Self::buffer_mut), or the memory that a large
    /// message will stay in. Then call [`next`](Self::next) before anything else.
    pub fn room(&mut self) -> (&mut BytesMut, usize) {
        if self.incoming.is_none() && !self.failed {
            self.begin_large();
        }
        // What stands in front of a large message, and no more: the rest of it has another place.
        let begins = self.large && self.buffer.len() < HEAD;
        let most = if begins { HEAD } else { usize::MAX };
        if self.incoming.is_none() {
            return (self.buffer_mut(), most);
        }
        match &mut self.incoming {
            Some(incoming) => {
                let missing = incoming.missing();
                (&mut incoming.bytes, missing)
            }
            None => (&mut self.buffer, most),
        }
    }

    /// Begins with the message whose head is in the buffer, if it is a large one with a known envelope.
    fn begin_large(&mut self) {
        let have = self.buffer.len();
        let Some(length) = self.announced() else {
            return;
        };
        let end = 4 + length;
        if end < have + DIRECT_FROM || !self.header || self.buffer.get(4..6) != Some(&[131, 68]) {
            return;
        }
        let Some((control, atoms, front)) = self.seen.find(&self.buffer[6..], self.cache.misses)
        else {
            return;
        };
        let front = 6 + front;
        let mut incoming = Incoming {
            control: control.clone(),
            atoms: atoms.clone(),
            length: end - front,
            bytes: BytesMut::new(),
        };
        // As much room as for what arrives otherwise: not more than arrived already, beyond what many messages have.
        if incoming.length > (2 * BLOCK).max(have) {
            return;
        }
        incoming.bytes = self.blocks.take(incoming.length);
        incoming.bytes.extend_from_slice(&self.buffer[front..]);
        self.buffer.clear();
        self.counters.bytes += end as u64;
        self.cache.hits += incoming.atoms.len() as u64;
        self.incoming = Some(incoming);
    }

    /// The large message, when it is whole.
    fn end_large(&mut self) -> Option<Inbound> {
        let Incoming {
            control,
            atoms,
            bytes,
            ..
        } = self.incoming.take_if(|incoming| incoming.missing() == 0)?;
        let bytes = bytes.freeze();
        self.blocks.give(&bytes);
        self.large = true;
        let bytes = bytes.into();
        let payload = Some(Payload { bytes, atoms });
        Some(Inbound::Signal { control, payload })
    }

    /// Takes bytes by copying, such as the handshake's leftover.
    pub fn push(&mut self, mut bytes: &[u8]) {
        if let Some(incoming) = &mut self.incoming {
            let (first, rest) = bytes.split_at(incoming.missing().min(bytes.len()));
            incoming.bytes.extend_from_slice(first);
            bytes = rest;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that are held here: not yet a whole frame, or fragments of incomplete messages.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let incoming = self.incoming.as_ref().map_or(0, |large| large.bytes.len());
        self.buffer.len() + incoming + self.fragments.bytes()
    }

    /// What was read so far.
    #[must_use]
    pub fn counters(&self) -> FrameCounters {
        FrameCounters {
            atom_hits: self.cache.hits,
            atom_misses: self.cache.misses,
            ..self.counters
        }
    }

    /// The length of the frame that is arriving, if it is lawful.
    fn announced(&self) -> Option<usize> {
        let prefix = self.buffer.first_chunk::<4>()?;
        let length = u32::from_be_bytes(*prefix) as usize;
        (length <= self.limits.frame).then_some(length)
    }

    /// The next thing that arrived whole; `None` if more bytes are needed.
    ///
    /// # Errors
    /// The peer broke the protocol or a limit: close the connection. All later calls fail as well.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Inbound>, FrameError> {
        self.read(false)
    }

    /// As [`next`](Self::next), but messages that can be handed over together come as [`Inbound::Run`].
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn next_run(&mut self) -> Result<Option<Inbound>, FrameError> {
        self.read(true)
    }

    fn read(&mut self, runs: bool) -> Result<Option<Inbound>, FrameError> {
        if self.failed {
            return Err(FrameError::Dead);
        }
        let result = self.advance(runs);
        match &result {
            Ok(Some(Inbound::Tick)) => self.counters.ticks += 1,
            Ok(Some(Inbound::Run { run, .. })) => self.counters.messages += run.messages() as u64,
            Ok(Some(_)) => self.counters.messages += 1,
            Ok(None) => {}
            Err(_) => self.failed = true,
        }
        result
    }

    fn advance(&mut self, runs: bool) -> Result<Option<Inbound>, FrameError> {
        if self.incoming.is_some() {
            return Ok(self.end_large());
        }
        loop {
            let Some(prefix) = self.buffer.first_chunk::<4>() else {
                return Ok(None);
            };
            let length = u32::from_be_bytes(*prefix) as usize;
            if length > self.limits.frame {
                return Err(FrameError::TooLong {
                    length,
                    limit: self.limits.frame,
                });
            }
            let end = 4 + length;
            if self.buffer.len() < end {
                return Ok(None);
            }
            self.counters.bytes += end as u64;
            self.large = length >= DIRECT_FROM;
            if length == 0 {
                self.buffer.advance(4);
                self.blocks.clear();
                return Ok(Some(Inbound::Tick));
            }
            let frame = &self.buffer[4..end];
            if !self.header {
                return self.pass_through(end).map(Some);
            }
            if frame.first_chunk::<2>() != Some(&[131, 68]) {
                match self.fragment(end)? {
                    None => continue,
                    message => return Ok(message),
                }
            }
            return self.whole(end, runs).map(Some);
        }
    }

    /// A message in one frame, which ends at `end`.
    #[inline]
    fn whole(&mut self, end: usize, runs: bool) -> Result<Inbound, FrameError> {
        let frame = &self.buffer[6..end];
        let time = self.cache.misses;
        if let Some((control, atoms, length)) = self.seen.find(frame, time) {
            let (control, atoms) = (control.clone(), atoms.clone());
            self.cache.hits += atoms.len() as u64;
            if runs && let Some((bytes, messages)) = self.more_of(length, end) {
                self.cache.hits += atoms.len() as u64 * u64::from(messages - 1);
                let run = Run::new(bytes, atoms, messages);
                return Ok(Inbound::Run { control, run });
            }
            let bytes = self.cut(6 + length, end);
            let payload = Some(Payload { bytes, atoms });
            return Ok(Inbound::Signal { control, payload });
        }
        if let Some((control, atoms, length)) = self.templates.find(frame, time) {
            self.cache.hits += atoms.len() as u64;
            if frame.len() == length {
                self.buffer.advance(end);
                let payload = None;
                return Ok(Inbound::Signal { control, payload });
            }
            let atoms = atoms.clone();
            let bytes = self.cut(6 + length, end);
            let payload = Some(Payload { bytes, atoms });
            return Ok(Inbound::Signal { control, payload });
        }
        let mut atoms = AtomList::default();
        let header = self.cache.read_header(frame, &self.quota, &mut atoms)?;
        let (message, control_length) = self.control(&frame[header..], atoms.table())?;
        let length = header + control_length;
        if self.cache.misses == time
            && let Message::Known {
                control,
                reason: None,
            } = &message
        {
            if frame.len() > length {
                self.seen.keep(frame, length, control, &atoms, time);
            }
            let front = &frame[..length];
            self.templates
                .keep(front, control_length, control, &atoms, time);
        }
        let bytes = self.cut(6 + length, end);
        message.complete(bytes, atoms)
    }

    /// The message in the frame that ends at `end`, whose header and control tuple have `length` bytes, with those behind it that begin
    /// with the same. `None`: there are none. All that is given is off the buffer.
    #[inline]
    fn more_of(&mut self, length: usize, end: usize) -> Option<(Bytes, u32)> {
        let front = 6 + length;
        let envelope = &self.buffer[4..front];
        // How long the frame is that begins there, if it has the same envelope.
        let same = |at: usize| {
            let rest = &self.buffer[at..];
            let frame = 4 + u32::from_be_bytes(*rest.first_chunk()?) as usize;
            let lawful = frame > front
                && frame - front <= MOST_IN_RUN
                && frame - 4 <= self.limits.frame
                && frame <= rest.len();
            (lawful && rest[4..front] == *envelope).then_some(frame)
        };
        if end - front > MOST_IN_RUN {
            return None;
        }
        let mut frame = same(end)?;
        // They mostly are as long as the first.
        let most = self.buffer.len() / end * (4 + end - front);
        let mut block = match most < DIRECT_FROM {
            true => BytesMut::with_capacity(most + 4),
            false => self.blocks.take(most.min(RUN_BYTES) + MOST_IN_RUN + 4),
        };
        let mut put = |term: &[u8]| {
            block.extend_from_slice(&(term.len() as u32).to_ne_bytes());
            block.extend_from_slice(term);
            block.len() < RUN_BYTES
        };
        put(&self.buffer[front..end]);
        let (mut messages, mut at) = (1, end);
        loop {
            messages += 1;
            let more = put(&self.buffer[at + front..at + frame]);
            at += frame;
            match same(at).filter(|_| more) {
                Some(next) => frame = next,
                None => break,
            }
        }
        // The first `end` bytes are counted already.
        self.counters.bytes += (at - end) as u64;
        self.buffer.advance(at);
        // What waits long keeps little more memory than it has bytes.
        let block = match block.capacity() > 2 * block.len() {
            true => Bytes::copy_from_slice(&block),
            false => block.freeze(),
        };
        self.blocks.give(&block);
        Some((block, messages))
    }

    /// Takes the frame that ends at `end` off the buffer, and gives its bytes from `from` on; see rule 3.
    #[inline]
    fn cut(&mut self, from: usize, end: usize) -> PayloadBytes {
        let length = end - from;
        if length < SHARE_FROM || length < end / 2 {
            let bytes = PayloadBytes::copy_of_front(&self.buffer[from..], length);
            self.buffer.advance(end);
            return bytes;
        }
        let mut frame = self.buffer.split_to(end);
        if end > BLOCK {
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        frame.advance(from);
        frame.freeze().into()
    }

    #[cold]
    fn fragment(&mut self, end: usize) -> Result<Option<Inbound>, FrameError> {
        self.counters.fragments += 1;
        let frame = &self.buffer[4..end];
        match *frame.first_chunk::<2>().ok_or(FrameError::Truncated)? {
            [131, 69] => {
                let (sequence, fragment) = fragment_head(frame)?;
                let mut atoms = AtomList::default();
                let header = 18
                    + self
                        .cache
                        .read_header(&frame[18..], &self.quota, &mut atoms)?;
                let (message, control_length) = self.control(&frame[header..], atoms.table())?;
                let payload_at = header + control_length;
                if fragment == 1 {
                    self.fragments.must_be_closed(sequence)?;
                    let bytes = self.cut(4 + payload_at, end);
                    return message.complete(bytes, atoms).map(Some);
                }
                message.may_be_cut()?;
                let partial = Partial::new(message, atoms, fragment, frame, payload_at)?;
                self.fragments.open(sequence, partial)?;
                self.buffer.advance(end);
                Ok(None)
            }
            [131, 70] => {
                let (sequence, fragment) = fragment_head(frame)?;
                let done = self.fragments.append(sequence, fragment, &frame[18..])?;
                self.buffer.advance(end);
                match done {
                    Some((message, atoms, bytes)) => {
                        message.complete(bytes.into(), atoms).map(Some)
                    }
                    None => Ok(None),
                }
            }
            _ => Err(FrameError::WrongForm),
        }
    }

    fn pass_through(&mut self, end: usize) -> Result<Inbound, FrameError> {
        let frame = &self.buffer[4..end];
        if frame.first_chunk::<2>() != Some(&[112, 131]) {
            return Err(FrameError::WrongForm);
        }
        let (message, control_length) = self.control(&frame[2..], AtomTable::EMPTY)?;
        let mut payload_at = 2 + control_length;
        match frame.get(payload_at) {
            None => {}
            Some(131) => payload_at += 1,
            Some(_) => return Err(FrameError::WrongForm),
        }
        let bytes = self.cut(4 + payload_at, end);
        message.complete(bytes, AtomList::default())
    }

    /// Decodes the control tuple at the beginning of `bytes`; also says how long it is.
    fn control(&self, bytes: &[u8], atoms: AtomTable<'_>) -> Result<(Message, usize), FrameError> {
        let mut decoder = Decoder::new(bytes)
            .atom_table(atoms)
            .limits(&self.term_limits)
            .quota(&self.quota);
        let message = match Control::decode(&mut decoder)? {
            Decoded::Signal {
                control,
                inline_reason,
            } => Message::Known {
                control,
                reason: inline_reason.map(Bytes::copy_from_slice),
            },
            Decoded::Unknown { op } => Message::Unknown { op },
        };
        Ok((message, decoder.position()))
    }
}

/// A decoded control part, before its payload is whole.
#[derive(Debug)]
pub(super) enum Message {
    Known {
        control: Control,
        reason: Option<Bytes>,
    },
    Unknown {
        op: i64,
    },
}

impl Message {
    /// `bytes` are what stands behind the control tuple.
    fn complete(self, bytes: PayloadBytes, atoms: AtomList) -> Result<Inbound, FrameError> {
        let (control, reason) = match self {
            Self::Unknown { op } => return Ok(Inbound::Unknown { op }),
            Self::Known { control, reason } => (control, reason),
        };
        if let Some(reason) = reason {
            if !bytes.is_empty() {
                return Err(FrameError::UnexpectedPayload);
            }
            return Ok(Inbound::Signal {
                control,
                payload: Some(Payload {
                    bytes: reason.into(),
                    atoms,
                }),
            });
        }
        match (control.takes_payload(), bytes.is_empty()) {
            (true, false) => Ok(Inbound::Signal {
                control,
                payload: Some(Payload { bytes, atoms }),
            }),
            (false, true) => Ok(Inbound::Signal {
                control,
                payload: None,
            }),
            (true, true) => Err(FrameError::MissingPayload),
            (false, false) => Err(FrameError::UnexpectedPayload),
        }
    }

    /// Only what has a payload behind its control tuple can come in parts.
    fn may_be_cut(&self) -> Result<(), FrameError> {
        match self {
            Self::Known {
                control,
                reason: None,
            } if control.takes_payload() => Ok(()),
            Self::Unknown { .. } => Ok(()),
            Self::Known { .. } => Err(FrameError::UnexpectedPayload),
        }
    }
}

fn fragment_head(frame: &[u8]) -> Result<(u64, u64), FrameError> {
    let head = frame.get(2..18).ok_or(FrameError::Truncated)?;
    let number = |b: &[u8]| b.iter().fold(0u64, |n, &b| n << 8 | u64::from(b));
    Ok((number(&head[..8]), number(&head[8..])))
}
