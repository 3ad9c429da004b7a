//! Where senders put their messages.
//!
//! A sender holds the connection's lock only while its already encoded payload is copied to the end of one growing arena: no allocation
//! per message, no encoding, no cache. The writer swaps the whole outbox for an empty one. Rules:
//! 1. Payloads are encoded with [`Encoder::with_atom_table`]; the atom list is copied along.
//! 2. Large binaries (the encoder's chunks) are kept as they are, as references.
//! 3. Messages of one sender leave in the order of their `push`.
//! 4. Short messages from one process to one other that follow each other are one entry (a *run*): what stands in front of them
//!    is the same, and is kept, compared and written as one.

use bytes::Bytes;
use kista_etf::{Atom, AtomName, EncodeError, Encoder, Pid, Renaming};

use super::{Payload, is_large};
use crate::control::{Control, Target};

/// Bytes that a message costs beside its payload, for the accounts.
pub(super) const OVERHEAD: usize = 64;
/// Inline bytes beyond this leave the arena and are shared instead.
const SHARE_FROM: usize = 16 * 1024;
/// Longer payloads are no part of a run: what stands in front of them is little beside them.
const MOST_JOINED: usize = 4 * 1024;
/// Memory that an empty outbox keeps.
const KEEP: usize = 1 << 20;
/// The longest payload; a frame's length has 32 bits.
const MAX_PAYLOAD: usize = i32::MAX as usize;

/// The order key of messages without a sender.
const NO_SENDER: u64 = u64::MAX;

/// Messages on their way to the writer.
///
/// ```
/// use kista_dist::{Control, frame::Outbox};
/// use kista_etf::{Atom, Encoder, Pid};
///
/// let node = Atom::from_static("a@h");
/// let pid = |id| Pid { node, id, serial: 0, creation: 4 };
/// let mut payload = Encoder::with_atom_table();
/// payload.int(42);
/// let mut outbox = Outbox::new();
/// outbox.push(Control::Send { from: Some(pid(1)), to: pid(2), token: None }, Some(&payload))?;
/// assert_eq!(outbox.len(), 1);
/// # Ok::<(), kista_etf::EncodeError>(())
/// ```
#[derive(Debug, Default)]
pub struct Outbox {
    pub(super) entries: Vec<Entry>,
    pub(super) arena: Vec<u8>,
    pub(super) atoms: Vec<Atom>,
    pub(super) chunks: Vec<(usize, Bytes)>,
    /// How long the payloads of runs are, but for the first of each.
    pub(super) joined: Vec<u32>,
    bytes: usize,
    large: usize,
}

/// One message, or a run. Its parts begin where those of the entry before it end.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) control: Control,
    /// Messages of equal keys keep their order.
    pub(super) key: u64,
    pub(super) arena_end: usize,
    pub(super) atoms_end: usize,
    pub(super) chunks_end: usize,
    pub(super) joined_end: usize,
    /// Of the first message.
    pub(super) payload_len: usize,
    /// Others may join.
    joins: bool,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a message; its order is kept among those of [`Control::sender`].
    ///
    /// # Errors
    /// A token, or options of a spawn request, that can not be encoded; a payload of more than 2 GiB. Nothing was appended then.
    #[inline]
    pub fn push(&mut self, control: Control, payload: Option<&Encoder>) -> Result<(), EncodeError> {
        if let Some(payload) = payload
            && self.join(&control, payload)
        {
            return Ok(());
        }
        let key = control.sender().map_or(NO_SENDER, order_key);
        self.append(control, payload, key)
    }

    /// Like [`Outbox::push`] of the [`Control`] that carries a plain message: it is made only for one that joins no run, which is the
    /// smaller part where many are sent.
    ///
    /// # Errors
    /// As [`Outbox::push`].
    #[inline]
    pub fn push_message(
        &mut self,
        from: Pid,
        to: Target,
        payload: &Encoder,
    ) -> Result<(), EncodeError> {
        if self.join_if(payload, |control| is_message(control, from, &to)) {
            return Ok(());
        }
        self.append(Control::message(from, to), Some(payload), order_key(from))
    }

    /// Like [`Outbox::push`] for a signal that does not say its sender (the DOWN of a monitor by name): its order is kept
    /// among those of `sender`.
    ///
    /// # Errors
    /// As [`Outbox::push`].
    pub fn push_from(
        &mut self,
        sender: Pid,
        control: Control,
        payload: Option<&Encoder>,
    ) -> Result<(), EncodeError> {
        self.append(control, payload, order_key(sender))
    }

    fn append(
        &mut self,
        control: Control,
        payload: Option<&Encoder>,
        key: u64,
    ) -> Result<(), EncodeError> {
        debug_assert_eq!(control.takes_payload(), payload.is_some(), "{control:?}");
        let joins = payload.is_some_and(|payload| joins(&control, payload));
        for term in control.terms() {
            Encoder::new().term(term)?;
        }
        let mut payload_len = 0;
        if let Some(payload) = payload {
            payload_len = payload.len();
            if payload_len > MAX_PAYLOAD {
                return Err(EncodeError::TooLong { what: "a message" });
            }
            self.atoms.extend_from_slice(payload.atoms());
            let inline = payload.inline_bytes();
            if inline.len() <= SHARE_FROM {
                self.arena.extend_from_slice(inline);
                self.chunks.extend_from_slice(payload.chunks());
            } else {
                self.share(inline, payload.chunks());
            }
        }
        self.bytes += payload_len + OVERHEAD;
        if is_large(payload_len) {
            self.large += payload_len + OVERHEAD;
        }
        self.entries.push(Entry {
            control,
            key,
            arena_end: self.arena.len(),
            atoms_end: self.atoms.len(),
            chunks_end: self.chunks.len(),
            joined_end: self.joined.len(),
            payload_len,
            joins,
        });
        Ok(())
    }

    /// Appends a message to the entry at the end, if that has the same envelope.
    #[inline]
    fn join(&mut self, control: &Control, payload: &Encoder) -> bool {
        plain(control)
            .is_some_and(|(from, to)| self.join_if(payload, |last| is_message(last, from, &to)))
    }

    #[inline]
    fn join_if(&mut self, payload: &Encoder, same: impl FnOnce(&Control) -> bool) -> bool {
        if !is_short(payload) {
            return false;
        }
        let (last, atoms_at) = match &mut self.entries[..] {
            [.., before, last] => (last, before.atoms_end),
            [last] => (last, 0),
            [] => return false,
        };
        if !last.joins || !same(&last.control) || self.atoms[atoms_at..] != *payload.atoms() {
            return false;
        }
        let bytes = payload.inline_bytes();
        self.arena.extend_from_slice(bytes);
        self.joined.push(bytes.len() as u32);
        last.arena_end = self.arena.len();
        last.joined_end = self.joined.len();
        self.bytes += bytes.len() + OVERHEAD;
        true
    }

    #[cold]
    fn share(&mut self, inline: &[u8], chunks: &[(usize, Bytes)]) {
        let inline = Bytes::copy_from_slice(inline);
        let mut at = 0;
        for (before, chunk) in chunks {
            if *before > at {
                self.chunks.push((0, inline.slice(at..*before)));
            }
            self.chunks.push((0, chunk.clone()));
            at = *before;
        }
        if at < inline.len() {
            self.chunks.push((0, inline.slice(at..)));
        }
    }

    /// The entries one by one, each with the messages in it: a payload's inline bytes, atoms and chunks.
    fn each(&mut self, mut message: impl FnMut(&Entry, &[u8], &[Atom], &[(usize, Bytes)])) {
        let (mut arena_at, mut atoms_at, mut chunks_at, mut joined_at) = (0, 0, 0, 0);
        for entry in std::mem::take(&mut self.entries) {
            let atoms = &self.atoms[atoms_at..entry.atoms_end];
            let chunks = &self.chunks[chunks_at..entry.chunks_end];
            let joined = &self.joined[joined_at..entry.joined_end];
            let further: usize = joined.iter().map(|&len| len as usize).sum();
            let mut at = arena_at;
            let mut to = entry.arena_end - further;
            message(&entry, &self.arena[at..to], atoms, chunks);
            for &len in joined {
                (at, to) = (to, to + len as usize);
                message(&entry, &self.arena[at..to], atoms, chunks);
            }
            (arena_at, atoms_at, chunks_at, joined_at) =
                (to, entry.atoms_end, entry.chunks_end, entry.joined_end);
        }
    }

    /// All messages with two incarnations of a node changing places: how this node is called outside.
    pub fn rename(&mut self, renaming: &Renaming) {
        let mut renamed = Self::new();
        self.each(|entry, inline, atoms, chunks| {
            let payload = entry.control.takes_payload().then(|| {
                let payload = Payload {
                    bytes: whole(inline, chunks).into(),
                    atoms: atoms.iter().map(|&atom| atom.into()).collect(),
                };
                let mut out = Encoder::with_atom_table();
                // What was encoded here is a term.
                let _ = payload.decoder().transcode_renamed(&mut out, renaming);
                out
            });
            let control = entry.control.clone().renamed(renaming);
            let _ = renamed.append(control, payload.as_ref(), entry.key);
        });
        *self = renamed;
    }

    /// What the messages weigh: payloads, and a flat sum for each message.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How much of that is of messages which [are large](super::is_large).
    #[must_use]
    pub fn large_bytes(&self) -> usize {
        self.large
    }

    /// How many messages wait.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() + self.joined.len()
    }

    /// Whether none waits.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Drops all messages and keeps a moderate amount of memory.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.arena.clear();
        self.atoms.clear();
        self.chunks.clear();
        self.joined.clear();
        self.bytes = 0;
        self.large = 0;
        self.entries.shrink_to(KEEP / size_of::<Entry>());
        self.arena.shrink_to(KEEP);
        self.atoms.shrink_to(KEEP / size_of::<Atom>());
        self.chunks.shrink_to(KEEP / size_of::<(usize, Bytes)>());
        self.joined.shrink_to(KEEP / size_of::<u32>());
    }
}

/// Whether messages like this one can be part of a run.
#[inline]
fn joins(control: &Control, payload: &Encoder) -> bool {
    is_short(payload) && plain(control).is_some()
}

/// What stands in front of a message, if that is nothing but who sends it to whom.
#[inline]
fn plain(control: &Control) -> Option<(Pid, Target)> {
    match control {
        Control::Send {
            from: Some(from),
            to,
            token: None,
        } => Some((*from, Target::Pid(*to))),
        Control::RegSend {
            from,
            to: to @ AtomName::Interned(_),
            token: None,
        } => Some((*from, Target::Name(to.clone()))),
        _ => None,
    }
}

#[inline]
fn is_short(payload: &Encoder) -> bool {
    payload.chunks().is_empty() && payload.inline_bytes().len() <= MOST_JOINED
}

/// Of one that [`joins`] let through.
#[inline]
fn is_message(control: &Control, sender: Pid, target: &Target) -> bool {
    match (control, target) {
        (Control::Send { from, to, .. }, Target::Pid(pid)) => to == pid && *from == Some(sender),
        (
            Control::RegSend {
                from,
                to: AtomName::Interned(to),
                ..
            },
            Target::Name(AtomName::Interned(name)),
        ) => to == name && *from == sender,
        _ => false,
    }
}

/// A payload in one piece: chunks stand in what is inline, each behind so many bytes of it.
pub(super) fn whole(inline: &[u8], chunks: &[(usize, Bytes)]) -> Bytes {
    let copied: usize = chunks.iter().map(|(_, chunk)| chunk.len()).sum();
    let mut whole = Vec::with_capacity(inline.len() + copied);
    let mut at = 0;
    for (before, chunk) in chunks {
        whole.extend_from_slice(&inline[at..*before]);
        whole.extend_from_slice(chunk);
        at = *before;
    }
    whole.extend_from_slice(&inline[at..]);
    whole.into()
}

/// Also the sequence id of the sender's fragments. Never 0: OTP 25 to 29 crash on a fragment whose sequence id is 0. A pid
/// of id 0 and serial 0 (whoever sends outside any process) shares its order with the pid of id 1 and serial 0.
fn order_key(pid: Pid) -> u64 {
    (u64::from(pid.serial) << 32 | u64::from(pid.id)).max(1)
}

#[cfg(test)]
mod tests {
    use kista_etf::{Atom, Binary, Incarnation, Term};

    use super::*;

    /// Short messages, such with binaries that are kept as they are, and long ones keep their place, their order and their bytes.
    #[test]
    fn whatever_waits_is_renamed_where_it_stands() {
        let one = Incarnation {
            node: Atom::from_static("a@host"),
            creation: 4,
        };
        let other = Incarnation {
            node: Atom::from_static("b@host"),
            creation: 5,
        };
        let pid = |of: Incarnation, id| Pid {
            node: of.node,
            id,
            serial: 0,
            creation: of.creation,
        };
        let message = |of: Incarnation, id: u32| {
            let binary = |size: usize| Term::from(Binary::from(vec![id as u8; size]));
            let pids = |n| Term::list((0..n).map(|_| Term::from(pid(of, id))));
            match id % 4 {
                0 => Term::from(pid(of, id)),
                1 => Term::list([Term::from(pid(of, id)), binary(10_000), pids(2)]),
                2 => pids(2_000),
                _ => Term::list([pids(2_000), binary(10_000), pids(2_000)]),
            }
        };
        let mut outbox = Outbox::new();
        for id in 1..20 {
            let mut payload = Encoder::with_atom_table();
            payload.term(&message(one, id)).unwrap();
            let (from, to) = (Some(pid(one, id)), pid(other, id));
            let token = None;
            let control = Control::Send { from, to, token };
            outbox.push(control, Some(&payload)).unwrap();
            let (from, to, id) = (pid(one, id), pid(other, id), 7);
            outbox
                .push(Control::UnlinkId { id, from, to }, None)
                .unwrap();
        }
        outbox.rename(&Renaming::new(one, other));
        assert_eq!(outbox.len(), 38);
        let (mut arena_at, mut atoms_at, mut chunks_at) = (0, 0, 0);
        for (n, entry) in outbox.entries.iter().enumerate() {
            let id = 1 + n as u32 / 2;
            let payload = Payload {
                bytes: whole(
                    &outbox.arena[arena_at..entry.arena_end],
                    &outbox.chunks[chunks_at..entry.chunks_end],
                )
                .into(),
                atoms: outbox.atoms[atoms_at..entry.atoms_end]
                    .iter()
                    .map(|&atom| atom.into())
                    .collect(),
            };
            (arena_at, atoms_at, chunks_at) = (entry.arena_end, entry.atoms_end, entry.chunks_end);
            match &entry.control {
                Control::Send { from, to, .. } => {
                    assert_eq!((*from, *to), (Some(pid(other, id)), pid(one, id)));
                    assert_eq!(payload.decoder().term().unwrap(), message(other, id));
                    assert_eq!(entry.payload_len, payload.len());
                }
                Control::UnlinkId { from, to, .. } => {
                    assert_eq!((*from, *to), (pid(other, id), pid(one, id)));
                    assert!(payload.is_empty());
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(entry.key, order_key(pid(one, id)));
        }
    }

    #[test]
    fn a_sequence_id_is_never_0() {
        let outside = Pid {
            node: Atom::from_static("a@host"),
            id: 0,
            serial: 0,
            creation: 4,
        };
        assert_ne!(order_key(outside), 0);
    }
}
