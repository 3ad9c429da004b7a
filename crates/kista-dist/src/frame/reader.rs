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
//!    its block for itself.
//! 4. Fragments count down to 1 without a gap. Open sequences and their bytes are bounded; they fall with the reader.
//! 5. After an error the reader gives nothing but errors: close the connection.

use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use kista_etf::{AtomName, AtomQuota, Decoder, Limits};

use super::atoms::InboundCache;
use super::fragments::{Fragments, Partial};
use super::memo::Seen;
use super::{AtomList, FrameCounters, FrameError, Payload};
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
    fragments: Fragments,
    failed: bool,
    /// Without the atoms, which the cache counts.
    counters: FrameCounters,
}

/// A read should have room for at least this much, and new blocks have at least this size.
const BLOCK: usize = 64 * 1024;
/// Payloads from this length on are cut off the block, and keep it: at most four times as much.
const SHARE_FROM: usize = BLOCK / 4;
const ROOM: usize = 8 * 1024;

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
            fragments: Fragments::new(limits),
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

    /// Takes bytes by copying, such as the handshake's leftover.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Bytes that are held here: not yet a whole frame, or fragments of incomplete messages.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.buffer.len() + self.fragments.bytes()
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
        if self.failed {
            return Err(FrameError::Dead);
        }
        let result = self.advance();
        match &result {
            Ok(Some(Inbound::Tick)) => self.counters.ticks += 1,
            Ok(Some(_)) => self.counters.messages += 1,
            Ok(None) => {}
            Err(_) => self.failed = true,
        }
        result
    }

    fn advance(&mut self) -> Result<Option<Inbound>, FrameError> {
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
            if length == 0 {
                self.buffer.advance(4);
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
            return self.whole(end).map(Some);
        }
    }

    /// A message in one frame, which ends at `end`.
    #[inline]
    fn whole(&mut self, end: usize) -> Result<Inbound, FrameError> {
        let frame = &self.buffer[6..end];
        let time = self.cache.misses;
        if let Some((control, atoms, length)) = self.seen.find(frame, time) {
            let (control, atoms) = (control.clone(), atoms.clone());
            self.cache.hits += atoms.len() as u64;
            let bytes = self.cut(6 + length, end);
            let payload = Some(Payload { bytes, atoms });
            return Ok(Inbound::Signal { control, payload });
        }
        let mut atoms = AtomList::default();
        let header = self.cache.read_header(frame, &self.quota, &mut atoms)?;
        let (message, control_length) = self.control(&frame[header..], &atoms)?;
        let length = header + control_length;
        if self.cache.misses == time
            && frame.len() > length
            && let Message::Known {
                control,
                reason: None,
            } = &message
        {
            self.seen.keep(frame, length, control, &atoms, time);
        }
        let bytes = self.cut(6 + length, end);
        message.complete(bytes, atoms)
    }

    /// Takes the frame that ends at `end` off the buffer, and gives its bytes from `from` on; see rule 3.
    #[inline]
    fn cut(&mut self, from: usize, end: usize) -> Bytes {
        let length = end - from;
        if length < SHARE_FROM || length < end / 2 {
            let bytes = Bytes::copy_from_slice(&self.buffer[from..end]);
            self.buffer.advance(end);
            return bytes;
        }
        let mut frame = self.buffer.split_to(end);
        if end > BLOCK {
            self.buffer = BytesMut::from(&self.buffer[..]);
        }
        frame.advance(from);
        frame.freeze()
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
                let (message, control_length) = self.control(&frame[header..], &atoms)?;
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
                    Some((message, atoms, bytes)) => message.complete(bytes, atoms).map(Some),
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
        let (message, control_length) = self.control(&frame[2..], &[])?;
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
    fn control(&self, bytes: &[u8], atoms: &[AtomName]) -> Result<(Message, usize), FrameError> {
        let mut decoder = Decoder::new(bytes)
            .atoms(atoms)
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
    fn complete(self, bytes: Bytes, atoms: AtomList) -> Result<Inbound, FrameError> {
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
                    bytes: reason,
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
