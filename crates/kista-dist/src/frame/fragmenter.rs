//! Large messages on their way out.
//!
//! Rules:
//! 1. Each sender has at most one message in fragments on the wire; its later messages wait behind it, and only its own do.
//! 2. Senders with open messages take turns, one fragment (or as many bytes of small messages that waited) each.
//! 3. At most [`MAX_OPEN`] sequences are open; further senders with large messages wait for a place.
//! 4. The sequence id is the sender's pid number, as in OTP.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use kista_etf::Atom;

use super::writer::Wire;
use super::{FRAGMENT_SIZE, WriteBuffer};
use crate::control::Control;

/// Most sequences that are open at once.
const MAX_OPEN: usize = 64;

/// A message that owns its parts.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) control: Control,
    pub(super) atoms: Box<[Atom]>,
    pub(super) inline: Bytes,
    pub(super) chunks: Vec<(usize, Bytes)>,
    pub(super) len: usize,
}

impl Held {
    /// The payload as a row of pieces.
    fn pieces(inline: &Bytes, chunks: Vec<(usize, Bytes)>) -> VecDeque<Bytes> {
        let mut pieces = VecDeque::with_capacity(chunks.len() * 2 + 1);
        let mut at = 0;
        for (before, chunk) in chunks {
            if before > at {
                pieces.push_back(inline.slice(at..before));
            }
            pieces.push_back(chunk);
            at = before;
        }
        if at < inline.len() {
            pieces.push_back(inline.slice(at..));
        }
        pieces
    }
}

/// A message that is being cut.
#[derive(Debug)]
struct Cut {
    /// Taken by the first fragment.
    head: Option<(Control, Box<[Atom]>)>,
    pieces: VecDeque<Bytes>,
    /// The counter of the next fragment; 1 is the last.
    next: u64,
}

impl Cut {
    fn new(wire: &Wire, held: Held) -> Self {
        let (pieces, len) = match wire.without_table(&held.atoms, &held.inline, &held.chunks) {
            Some(bytes) => (VecDeque::from([bytes.clone()]), bytes.len()),
            None => (Held::pieces(&held.inline, held.chunks), held.len),
        };
        Self {
            head: Some((held.control, held.atoms)),
            pieces,
            next: len.div_ceil(FRAGMENT_SIZE) as u64,
        }
    }
}

#[derive(Debug)]
struct Stream {
    key: u64,
    cut: Option<Cut>,
}

/// The weight of what is out now.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Of large messages, or parts of them.
    pub(super) large: usize,
    /// Of those that waited behind.
    pub(super) short: usize,
}

/// The senders with large messages.
#[derive(Debug, Default)]
pub(super) struct Fragmenter {
    active: VecDeque<Stream>,
    parked: VecDeque<Stream>,
    /// What waits behind each active or parked sender.
    behind: HashMap<u64, VecDeque<Held>>,
}

impl Fragmenter {
    #[inline]
    pub(super) fn is_idle(&self) -> bool {
        self.active.is_empty()
    }

    /// Whether messages of this sender have to wait here.
    #[inline]
    pub(super) fn holds(&self, key: u64) -> bool {
        !self.behind.is_empty() && self.behind.contains_key(&key)
    }

    /// Takes a large message, or any message of a sender that [`Fragmenter::holds`].
    pub(super) fn take(&mut self, wire: &Wire, key: u64, held: Held) {
        if let Some(queue) = self.behind.get_mut(&key) {
            queue.push_back(held);
            return;
        }
        self.behind.insert(key, VecDeque::new());
        let stream = Stream {
            key,
            cut: Some(Cut::new(wire, held)),
        };
        if self.active.len() < MAX_OPEN {
            &mut self.active
        } else {
            &mut self.parked
        }
        .push_back(stream);
    }

    /// Gives the next sender its turn.
    pub(super) fn turn(&mut self, wire: &mut Wire, out: &mut WriteBuffer) -> Done {
        let mut done = Done::default();
        let Some(mut stream) = self.active.pop_front() else {
            return done;
        };
        let queue = self.behind.entry(stream.key).or_default();
        if let Some(cut) = &mut stream.cut {
            done.large += wire.fragment(stream.key, cut, out);
            if cut.next == 0 {
                stream.cut = None;
            }
        } else {
            let start = out.len();
            while out.len() - start < FRAGMENT_SIZE {
                let Some(held) = queue.pop_front() else { break };
                if wire.is_large(held.len) {
                    stream.cut = Some(Cut::new(wire, held));
                    break;
                }
                wire.message(&held.control, &held.atoms, &held.inline, &held.chunks, out);
                wire.counters.messages += 1;
                done.short += held.len + super::outbox::OVERHEAD;
            }
        }
        if stream.cut.is_some() || !queue.is_empty() {
            self.active.push_back(stream);
            return done;
        }
        self.behind.remove(&stream.key);
        if self.behind.is_empty() && self.behind.capacity() > 1024 {
            self.behind = HashMap::new();
        }
        self.active.extend(self.parked.pop_front());
        done
    }
}

impl Wire {
    /// Writes the next fragment; returns how much of the account it settles.
    fn fragment(&mut self, sequence: u64, cut: &mut Cut, out: &mut WriteBuffer) -> usize {
        let start = out.begin();
        let first = cut.head.take();
        let mut done = 0;
        out.bytes()
            .extend_from_slice(&[131, if first.is_some() { 69 } else { 70 }]);
        out.bytes().extend_from_slice(&sequence.to_be_bytes());
        out.bytes().extend_from_slice(&cut.next.to_be_bytes());
        if let Some((control, atoms)) = first {
            let _ = self.header_and_control(&control, &atoms, out);
            done += super::outbox::OVERHEAD;
        }
        let mut room = FRAGMENT_SIZE;
        while room > 0 {
            let Some(piece) = cut.pieces.front_mut() else {
                break;
            };
            let part = piece.split_to(room.min(piece.len()));
            if piece.is_empty() {
                cut.pieces.pop_front();
            }
            room -= part.len();
            out.put_shared(part);
        }
        cut.next -= 1;
        self.counters.fragments += 1;
        self.counters.messages += u64::from(cut.next == 0);
        out.end(start);
        done + FRAGMENT_SIZE - room
    }
}
