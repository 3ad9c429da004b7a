//! Outbound: messages in, frames out, in wire order.
//!
//! The one writer of a connection takes the senders' [`Outbox`] batches and writes frames into a [`WriteBuffer`]. Atom cache slots are assigned
//! here, in the order in which the peer will read them. Rules:
//! 1. Messages leave in the order of the batches, except that one behind an unfinished large message of the same sender waits for it.
//! 2. Payloads beyond [`FRAGMENT_SIZE`] leave in fragments if the peer takes them, in turn with other senders' messages.
//! 3. To a peer without an atom cache the same payloads are written with their atoms in place.

use std::collections::VecDeque;

use bytes::Bytes;
use kista_etf::{Atom, AtomName, Decoder, Encoder, Limits};

use super::fragmenter::{Fragmenter, Held};
use super::memo::Written;
use super::outbox::{OVERHEAD, whole};
use super::outcache::OutboundCache;
use super::scratch::Scratch;
use super::template::WriteTemplates;
use super::{FRAGMENT_SIZE, FrameCounters, Outbox, WriteBuffer, is_large};
use crate::control::{Control, Placement};
use crate::flags::Flags;

/// Empty outboxes that are kept.
const SPARES: usize = 4;

/// Writes the frames of one connection.
///
/// ```
/// use kista_dist::{Control, Flags, frame::{FrameWriter, Outbox, WriteBuffer}};
/// use kista_etf::{Atom, Encoder, Pid};
///
/// let pid = |id| Pid { node: Atom::from_static("a@h"), id, serial: 0, creation: 4 };
/// let mut payload = Encoder::with_atom_table();
/// payload.int(42);
/// let mut outbox = Outbox::new();
/// outbox.push(Control::Send { from: Some(pid(1)), to: pid(2), token: None }, Some(&payload))?;
///
/// let mut writer = FrameWriter::new(Flags::ours(false));
/// writer.accept(&mut outbox);
/// let mut out = WriteBuffer::new();
/// assert!(!writer.fill(&mut out, 64 * 1024), "nothing is left");
/// assert!(outbox.is_empty() && !out.is_empty());
/// # Ok::<(), kista_etf::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct FrameWriter {
    wire: Wire,
    fragmenter: Fragmenter,
    current: Outbox,
    /// The next entry of `current`, and where its parts begin.
    next: usize,
    arena_at: usize,
    atoms_at: usize,
    chunks_at: usize,
    joined_at: usize,
    /// How many of the next entry's messages are dealt with: it is a run.
    begun: usize,
    queue: VecDeque<Outbox>,
    spare: Vec<Outbox>,
    pending: usize,
    pending_large: usize,
    /// Bytes that others may write before the next fragment.
    credit: usize,
}

impl FrameWriter {
    /// A writer for a connection with these negotiated flags.
    #[must_use]
    pub fn new(flags: Flags) -> Self {
        Self {
            wire: Wire::new(flags),
            fragmenter: Fragmenter::default(),
            current: Outbox::new(),
            next: 0,
            arena_at: 0,
            atoms_at: 0,
            chunks_at: 0,
            joined_at: 0,
            begun: 0,
            queue: VecDeque::new(),
            spare: Vec::new(),
            pending: 0,
            pending_large: 0,
            credit: 0,
        }
    }

    /// Takes all messages of `outbox`, which is empty afterwards (and often has another one's memory).
    pub fn accept(&mut self, outbox: &mut Outbox) {
        if outbox.is_empty() {
            return;
        }
        self.pending += outbox.bytes();
        self.pending_large += outbox.large_bytes();
        // A batch that waits in the queue is older, even when the current one is done.
        if self.next >= self.current.entries.len() && self.queue.is_empty() {
            self.rewind();
            std::mem::swap(&mut self.current, outbox);
        } else {
            let empty = self.spare.pop().unwrap_or_default();
            self.queue.push_back(std::mem::replace(outbox, empty));
        }
    }

    /// What the messages that are not yet written weigh, in the measure of [`Outbox::bytes`].
    #[must_use]
    pub fn pending_bytes(&self) -> usize {
        self.pending
    }

    /// How much of that is of messages which [are large](super::is_large).
    #[must_use]
    pub fn pending_large_bytes(&self) -> usize {
        self.pending_large
    }

    /// Whether all messages were written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.next >= self.current.entries.len()
            && self.queue.is_empty()
            && self.fragmenter.is_idle()
    }

    /// Writes frames until `out` holds `target` bytes (the last frame may go beyond) or nothing is left. Returns whether
    /// something is left.
    pub fn fill(&mut self, out: &mut WriteBuffer, target: usize) -> bool {
        out.compact();
        let before_all = out.len();
        while out.len() < target {
            let before = out.len();
            if self.fragmenter.is_idle() || self.credit > 0 {
                let until = match self.fragmenter.is_idle() {
                    true => target,
                    false => target.min(before + self.credit),
                };
                if self.step(out, until) {
                    self.credit = self.credit.saturating_sub(out.len() - before);
                    continue;
                }
                if self.fragmenter.is_idle() {
                    break;
                }
            }
            let done = self.fragmenter.turn(&mut self.wire, out);
            self.pending = self.pending.saturating_sub(done.large + done.short);
            self.pending_large = self.pending_large.saturating_sub(done.large);
            self.credit = FRAGMENT_SIZE;
        }
        self.wire.counters.bytes += (out.len() - before_all) as u64;
        !self.is_empty()
    }

    /// Writes a tick. Between two frames only, as [`WriteBuffer::push_tick`] does by itself.
    pub fn tick(&mut self, out: &mut WriteBuffer) {
        let before = out.len();
        out.push_tick();
        self.wire.counters.ticks += 1;
        self.wire.counters.bytes += (out.len() - before) as u64;
    }

    /// What was written so far.
    #[must_use]
    pub fn counters(&self) -> FrameCounters {
        FrameCounters {
            atom_hits: self.wire.cache.hits,
            atom_misses: self.wire.cache.misses,
            ..self.wire.counters
        }
    }

    /// Deals with the next message; of a run with as many as it takes until `out` holds `target` bytes. `false` if there is none.
    #[inline]
    fn step(&mut self, out: &mut WriteBuffer, target: usize) -> bool {
        if self.next >= self.current.entries.len() && !self.next_batch() {
            return false;
        }
        let entry = &mut self.current.entries[self.next];
        if self.joined_at < entry.joined_end {
            self.run(out, target);
            return true;
        }
        let inline = &self.current.arena[self.arena_at..entry.arena_end];
        let atoms = &self.current.atoms[self.atoms_at..entry.atoms_end];
        let chunks = &self.current.chunks[self.chunks_at..entry.chunks_end];
        if self.wire.is_large(entry.payload_len) || self.fragmenter.holds(entry.key) {
            let held = Held {
                control: std::mem::replace(&mut entry.control, Control::NodeLink),
                atoms: atoms.into(),
                inline: Bytes::copy_from_slice(inline),
                chunks: chunks.to_vec(),
                len: entry.payload_len,
            };
            self.fragmenter.take(&self.wire, entry.key, held);
        } else {
            self.wire
                .message(&entry.control, atoms, inline, chunks, out);
            self.wire.counters.messages += 1;
            let done = entry.payload_len + OVERHEAD;
            self.pending = self.pending.saturating_sub(done);
            if is_large(entry.payload_len) {
                self.pending_large = self.pending_large.saturating_sub(done);
            }
        }
        self.done_with_entry();
        true
    }

    fn done_with_entry(&mut self) {
        let entry = &self.current.entries[self.next];
        self.next += 1;
        self.begun = 0;
        self.arena_at = entry.arena_end;
        self.atoms_at = entry.atoms_end;
        self.chunks_at = entry.chunks_end;
        self.joined_at = entry.joined_end;
    }

    /// Goes on with the run that is next. Its first message has its length in the entry, the others have theirs in a list.
    fn run(&mut self, out: &mut WriteBuffer, target: usize) {
        let entry = &self.current.entries[self.next];
        let atoms = &self.current.atoms[self.atoms_at..entry.atoms_end];
        let further = &self.current.joined[self.joined_at..entry.joined_end];
        let held = self.fragmenter.holds(entry.key);
        self.wire.begin_run();
        while self.begun <= further.len() {
            let len = match self.begun {
                0 => entry.payload_len,
                n => further[n - 1] as usize,
            };
            let inline = &self.current.arena[self.arena_at..self.arena_at + len];
            if held {
                let held = Held {
                    control: entry.control.clone(),
                    atoms: atoms.into(),
                    inline: Bytes::copy_from_slice(inline),
                    chunks: Vec::new(),
                    len,
                };
                self.fragmenter.take(&self.wire, entry.key, held);
            } else {
                self.wire.next_of_run(&entry.control, atoms, inline, out);
                self.wire.counters.messages += 1;
                self.pending = self.pending.saturating_sub(len + OVERHEAD);
            }
            self.begun += 1;
            self.arena_at += len;
            if out.len() >= target {
                break;
            }
        }
        if self.begun > further.len() {
            self.done_with_entry();
        }
    }

    #[cold]
    fn next_batch(&mut self) -> bool {
        self.rewind();
        let Some(batch) = self.queue.pop_front() else {
            return false;
        };
        let empty = std::mem::replace(&mut self.current, batch);
        if self.spare.len() < SPARES {
            self.spare.push(empty);
        }
        true
    }

    fn rewind(&mut self) {
        self.current.clear();
        self.next = 0;
        self.arena_at = 0;
        self.atoms_at = 0;
        self.chunks_at = 0;
        self.joined_at = 0;
        self.begun = 0;
    }
}

/// The form of frames on this connection, and what it remembers.
#[derive(Debug)]
pub(super) struct Wire {
    flags: Flags,
    header: bool,
    /// The peer has no atom cache: atoms are written in place.
    inline_atoms: bool,
    fragments: bool,
    cache: OutboundCache,
    written: Written,
    templates: WriteTemplates,
    /// A frame of the run at hand up to its payload, its length still open, once it is known what each begins with; and how many
    /// atoms its header lists.
    front: Vec<u8>,
    front_atoms: usize,
    scratch: Scratch,
    /// Without the atoms, which the cache counts.
    pub(super) counters: FrameCounters,
}

impl Wire {
    fn new(flags: Flags) -> Self {
        let inline_atoms = !flags.contains(Flags::DIST_HDR_ATOM_CACHE);
        Self {
            flags,
            header: flags.uses_header(),
            inline_atoms,
            // A reason inside the control tuple could not be cut off it.
            fragments: flags.contains(Flags::FRAGMENTS | Flags::EXIT_PAYLOAD),
            cache: OutboundCache::new(),
            written: Written::default(),
            templates: WriteTemplates::default(),
            front: Vec::new(),
            front_atoms: 0,
            scratch: Scratch::new(inline_atoms),
            counters: FrameCounters::default(),
        }
    }

    #[inline]
    pub(super) fn is_large(&self, payload_len: usize) -> bool {
        is_large(payload_len) && self.fragments
    }

    /// Writes a whole message as one frame.
    #[inline]
    pub(super) fn message(
        &mut self,
        control: &Control,
        atoms: &[Atom],
        inline: &[u8],
        chunks: &[(usize, Bytes)],
        out: &mut WriteBuffer,
    ) {
        let start = out.begin();
        if self.header {
            out.bytes().extend_from_slice(&[131, 68]);
            self.known_header_and_control(control, atoms, out);
        } else {
            out.bytes().extend_from_slice(&[112, 131]);
            if self.header_and_control(control, atoms, out) == Placement::Behind {
                out.bytes().push(131);
            }
        }
        if let Some(bytes) = self.without_table(atoms, inline, chunks) {
            out.put_shared(bytes);
        } else {
            let mut at = 0;
            for (before, chunk) in chunks {
                out.bytes().extend_from_slice(&inline[at..*before]);
                out.put_shared(chunk.clone());
                at = *before;
            }
            out.bytes().extend_from_slice(&inline[at..]);
        }
        out.end(start);
    }

    fn begin_run(&mut self) {
        self.front.clear();
    }

    /// Writes a message of a run, which [`Wire::begin_run`] began: the others have the same control message and the same atoms, and
    /// nothing else is written in between.
    #[inline]
    fn next_of_run(
        &mut self,
        control: &Control,
        atoms: &[Atom],
        inline: &[u8],
        out: &mut WriteBuffer,
    ) {
        if !self.front.is_empty() {
            out.put_frame(&self.front, inline);
            self.cache.hits += self.front_atoms as u64;
            return;
        }
        let (from, misses, hits) = (out.bytes().len(), self.cache.misses, self.cache.hits);
        self.message(control, atoms, inline, &[], out);
        // Those that the peer had to be told are known to it from now on.
        if self.header && !self.inline_atoms && self.cache.misses == misses {
            let to = out.bytes().len() - inline.len();
            self.front.extend_from_slice(&out.bytes()[from..to]);
            self.front_atoms = (self.cache.hits - hits) as usize;
        }
    }

    /// As [`Wire::header_and_control`], by copying when the same was written before.
    #[inline]
    fn known_header_and_control(
        &mut self,
        control: &Control,
        atoms: &[Atom],
        out: &mut WriteBuffer,
    ) {
        let time = self.cache.misses;
        if let Some((bytes, header_atoms)) = self.written.find(control, atoms, time) {
            out.bytes().extend_from_slice(bytes);
            self.cache.hits += header_atoms as u64;
            return;
        }
        let by_template = self.templates.write(control, atoms, time, out.bytes());
        if let Some(header_atoms) = by_template {
            self.cache.hits += header_atoms as u64;
            return;
        }
        let from = out.bytes().len();
        let _ = self.header_and_control(control, atoms, out);
        if self.cache.misses == time {
            let (bytes, listed) = (&out.bytes()[from..], self.scratch.atoms.len());
            self.written.keep(control, atoms, bytes, listed, time);
            let control_length = self.scratch.bytes.len();
            self.templates
                .keep(control, atoms, bytes, control_length, listed, time);
        }
    }

    /// Writes what stands between a frame's first bytes and its payload.
    pub(super) fn header_and_control(
        &mut self,
        control: &Control,
        atoms: &[Atom],
        out: &mut WriteBuffer,
    ) -> Placement {
        self.scratch.begin(atoms);
        // The outbox took only what can be encoded.
        let placement = control
            .write(self.flags, &mut self.scratch)
            .unwrap_or(Placement::None);
        if self.header {
            self.cache.write_header(&self.scratch.atoms, out.bytes());
        }
        out.bytes().extend_from_slice(&self.scratch.bytes);
        placement
    }

    /// The payload with its atoms in place, if the peer needs that.
    #[inline]
    pub(super) fn without_table(
        &self,
        atoms: &[Atom],
        inline: &[u8],
        chunks: &[(usize, Bytes)],
    ) -> Option<Bytes> {
        if !self.inline_atoms || atoms.is_empty() {
            None
        } else {
            Some(transcode(atoms, inline, chunks))
        }
    }
}

#[cold]
fn transcode(atoms: &[Atom], inline: &[u8], chunks: &[(usize, Bytes)]) -> Bytes {
    let whole = whole(inline, chunks);
    let names: Vec<AtomName> = atoms.iter().map(|&a| a.into()).collect();
    // These are our own bytes: what we may send has no limit here.
    let mut limits = Limits::default();
    limits.depth = usize::MAX;
    limits.bigint_bytes = usize::MAX;
    let mut encoder = Encoder::new();
    let term = Decoder::new(&whole)
        .shared(&whole)
        .atoms(&names)
        .limits(&limits)
        .term();
    match term.map(|term| encoder.term(&term)) {
        Ok(Ok(())) => encoder.to_bytes(),
        // Our own encoder's bytes can be read; if not, the receiver gets something that is a term at least.
        _ => {
            debug_assert!(false, "own payload is unreadable");
            Bytes::from_static(&[106])
        }
    }
}
