//! What waits for the writer of a connection: the senders' side of it, with the marks.
//!
//! 1. In flight = queued + taken by the writer and not yet accepted by the socket. Above the busy mark senders are told so, above
//!    the full mark messages are refused. Signals that keep links and monitors true are never refused; when they alone double
//!    the full mark the connection is to be closed.
//!    Short messages pass the fragments of large ones: so for who sends short ones the bytes of large ones do not count.
//! 2. The lock covers one push, or one swap of all that is queued for an empty outbox. It is never held across an await.
//! 3. It ends in two steps: `refuse`, after which nothing is taken, and `leave`, after which nobody is told of the loss.

use std::task::{Context, Poll, Waker};

use kista_dist::Control;
use kista_dist::control::Target;
use kista_dist::frame::{Outbox, is_large};
use kista_etf::{EncodeError, Encoder, Pid};
use parking_lot::Mutex;
use rustc_hash::FxHashSet;
use thiserror::Error;

/// The signals on their way to the writer; see the module.
pub(super) struct Outgoing {
    busy_mark: usize,
    full_mark: usize,
    queue: Mutex<Queue>,
}

struct Queue {
    outbox: Outbox,
    /// Bytes that the writer took and the socket did not accept yet.
    unwritten: usize,
    /// How many of those are of large messages.
    unwritten_large: usize,
    closed: bool,
    /// No more than what is queued shall be written, then the write side is shut.
    draining: bool,
    gone: bool,
    watchers: FxHashSet<Pid>,
    /// Who waits for room; for another large message, or for a short one.
    waiters: Vec<(Share, Waker)>,
    /// For [`Load`].
    held: u64,
    refused: u64,
}

/// A signal that was queued.
pub(super) struct Pushed {
    /// Nothing was queued before it: the writer may sleep.
    pub(super) first: bool,
    pub(super) pressure: Pressure,
}

/// Whether a sender may go on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Pressure {
    /// Below the busy mark.
    Room,
    /// Above it: wait with [`Connection::poll_room`](super::Connection::poll_room).
    Busy(Share),
}

/// What counts for a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Share {
    /// What is in flight of short messages, among which its own goes.
    Short,
    /// All that is in flight.
    All,
}

/// Why a signal was not queued.
#[derive(Clone, Debug, PartialEq, Error)]
pub(crate) enum SendError {
    /// The connection is down or going down.
    #[error("the connection is closed")]
    Closed,
    /// The peer does not read, and the hard mark of bytes in flight is passed.
    #[error("too many bytes are waiting for a peer that does not read")]
    Full,
    /// The signal can not be encoded: a fault of the caller. Nothing was queued.
    #[error("not sent: {0}")]
    Encode(#[from] EncodeError),
}

/// What a push came to that queued nothing.
pub(super) enum NotPushed {
    Because(SendError),
    /// Signals that cannot be refused alone double the full mark: the connection is to be closed.
    Overrun,
}

/// What the writer found queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queued {
    Some,
    Nothing,
    /// Nothing, and nothing will come.
    Drained,
    Closed,
}

/// What is to be seen of it.
pub(super) struct Load {
    pub(super) in_flight: usize,
    /// How often a sender was told to wait.
    pub(super) held: u64,
    pub(super) refused: u64,
}

impl Outgoing {
    pub(super) fn new(busy_mark: usize, full_mark: usize) -> Self {
        Self {
            busy_mark,
            full_mark,
            queue: Mutex::new(Queue {
                outbox: Outbox::new(),
                unwritten: 0,
                unwritten_large: 0,
                closed: false,
                draining: false,
                gone: false,
                watchers: FxHashSet::default(),
                waiters: Vec::new(),
                held: 0,
                refused: 0,
            }),
        }
    }

    /// `sender`: of a signal that does not say it itself.
    pub(super) fn push(
        &self,
        sender: Option<Pid>,
        control: Control,
        payload: Option<&Encoder>,
    ) -> Result<Pushed, NotPushed> {
        let refusable = is_message(&control);
        self.append(refusable, payload, |outbox| match sender {
            Some(sender) => outbox.push_from(sender, control, payload),
            None => outbox.push(control, payload),
        })
    }

    /// A plain message.
    #[inline]
    pub(super) fn push_message(
        &self,
        from: Pid,
        to: Target,
        payload: &Encoder,
    ) -> Result<Pushed, NotPushed> {
        self.append(true, Some(payload), |outbox| {
            outbox.push_message(from, to, payload)
        })
    }

    /// A monitor and a plain message of the same sender, both or, when there is no room, neither.
    pub(super) fn push_call(
        &self,
        monitor: Control,
        from: Pid,
        to: Target,
        payload: &Encoder,
    ) -> Result<Pushed, NotPushed> {
        self.append(true, Some(payload), |outbox| {
            outbox.push(monitor, None)?;
            outbox.push_message(from, to, payload)
        })
    }

    #[inline]
    fn append(
        &self,
        refusable: bool,
        payload: Option<&Encoder>,
        append: impl FnOnce(&mut Outbox) -> Result<(), EncodeError>,
    ) -> Result<Pushed, NotPushed> {
        let mut queue = self.queue.lock();
        if queue.closed || queue.draining {
            return Err(SendError::Closed.into());
        }
        // Nearly always there is room for anything.
        if queue.in_flight(Share::All) >= self.full_mark {
            self.crowded(&mut queue, refusable, share(payload))?;
        }
        let first = queue.outbox.is_empty();
        append(&mut queue.outbox).map_err(SendError::from)?;
        let pressure = match queue.in_flight(Share::All) < self.busy_mark {
            true => Pressure::Room,
            false => self.pressure(&mut queue, share(payload)),
        };
        Ok(Pushed { first, pressure })
    }

    /// Whether there is room for this signal, after all.
    #[cold]
    fn crowded(&self, queue: &mut Queue, refusable: bool, share: Share) -> Result<(), NotPushed> {
        let in_flight = queue.in_flight(share);
        if in_flight < self.full_mark {
            return Ok(());
        }
        if refusable {
            queue.refused += 1;
            return Err(SendError::Full.into());
        }
        match in_flight >= self.full_mark.saturating_mul(2) {
            true => Err(NotPushed::Overrun),
            false => Ok(()),
        }
    }

    fn pressure(&self, queue: &mut Queue, share: Share) -> Pressure {
        if queue.in_flight(share) < self.busy_mark {
            return Pressure::Room;
        }
        queue.held += 1;
        Pressure::Busy(share)
    }

    /// Ready below the busy mark, or when nothing is taken any more.
    pub(super) fn poll_room(&self, share: Share, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.queue.lock();
        if queue.closed || queue.in_flight(share) < self.busy_mark {
            return Poll::Ready(());
        }
        let waits = |(for_share, waker): &(Share, Waker)| {
            *for_share == share && waker.will_wake(cx.waker())
        };
        if !queue.waiters.iter().any(waits) {
            queue.waiters.push((share, cx.waker().clone()));
        }
        Poll::Pending
    }

    /// Puts `pid` among those that are told of the loss. Idempotent. `false`: too late, nothing will be told.
    pub(super) fn watch(&self, pid: Pid) -> bool {
        let mut queue = self.queue.lock();
        if queue.gone {
            return false;
        }
        queue.watchers.insert(pid);
        true
    }

    pub(super) fn load(&self) -> Load {
        let queue = self.queue.lock();
        Load {
            in_flight: queue.in_flight(Share::All),
            held: queue.held,
            refused: queue.refused,
        }
    }

    /// Swaps the queued signals with `spare`, which is empty.
    pub(super) fn take(&self, spare: &mut Outbox) -> Queued {
        let mut queue = self.queue.lock();
        if queue.closed {
            return Queued::Closed;
        }
        if queue.outbox.is_empty() {
            return if queue.draining {
                Queued::Drained
            } else {
                Queued::Nothing
            };
        }
        queue.unwritten += queue.outbox.bytes();
        queue.unwritten_large += queue.outbox.large_bytes();
        std::mem::swap(&mut queue.outbox, spare);
        Queued::Some
    }

    /// What the writer holds after a write. Wakes those who wait for room.
    pub(super) fn set_unwritten(&self, bytes: usize, large: usize) {
        let mut queue = self.queue.lock();
        queue.unwritten = bytes;
        queue.unwritten_large = large;
        if queue.waiters.is_empty() || queue.in_flight(Share::Short) >= self.busy_mark {
            return;
        }
        let all = queue.in_flight(Share::All) < self.busy_mark;
        let let_go = |(share, _): &mut (Share, Waker)| all || *share == Share::Short;
        let waiters: Vec<_> = queue.waiters.extract_if(.., let_go).collect();
        drop(queue);
        waiters.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Takes no more; what is queued is still for the writer.
    pub(super) fn drain(&self) {
        self.queue.lock().draining = true;
    }

    /// Takes no more, and gives nothing to the writer. Frees those who wait for room.
    pub(super) fn refuse(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let waiters = std::mem::take(&mut queue.waiters);
        drop(queue);
        waiters.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Drops what is queued. Who is to be told of the loss; nobody else will be.
    pub(super) fn leave(&self) -> Vec<Pid> {
        let mut queue = self.queue.lock();
        queue.gone = true;
        queue.outbox.clear();
        queue.unwritten = 0;
        queue.unwritten_large = 0;
        std::mem::take(&mut queue.watchers).into_iter().collect()
    }
}

impl Queue {
    fn in_flight(&self, share: Share) -> usize {
        let all = self.outbox.bytes() + self.unwritten;
        match share {
            Share::All => all,
            Share::Short => all.saturating_sub(self.outbox.large_bytes() + self.unwritten_large),
        }
    }
}

impl From<SendError> for NotPushed {
    fn from(error: SendError) -> Self {
        Self::Because(error)
    }
}

/// What counts for the sender of this payload.
fn share(payload: Option<&Encoder>) -> Share {
    match payload {
        Some(payload) if is_large(payload.len()) => Share::All,
        _ => Share::Short,
    }
}

/// Signals that a sender can be told to have failed. The others keep links and monitors true on both sides.
fn is_message(control: &Control) -> bool {
    matches!(
        control,
        Control::Send { .. }
            | Control::RegSend { .. }
            | Control::AliasSend { .. }
            | Control::SpawnRequest(_)
            | Control::Priority { exit: false, .. }
    )
}

#[cfg(test)]
mod tests {
    use kista_etf::{Atom, Reference};

    use super::*;

    /// A monitor without its request would be answered to nobody, and one that is taken back for nothing costs the peer two signals.
    #[test]
    fn a_call_that_finds_no_room_sends_no_monitor() {
        let node = Atom::from_static("outgoing@host");
        let pid = |id| Pid {
            node,
            id,
            serial: 0,
            creation: 4,
        };
        let mut payload = Encoder::with_atom_table();
        payload.int(7);
        let out = Outgoing::new(1_000, 2_000);
        let call = |n| {
            let monitor = Control::Monitor {
                from: pid(1),
                to: Target::Pid(pid(2)),
                reference: Reference::from_words(node, 4, [1, 2, n]),
            };
            out.push_call(monitor, pid(1), Target::Pid(pid(2)), &payload)
        };
        let mut calls = 0;
        let refused = loop {
            match call(calls) {
                Ok(pushed) => {
                    assert_eq!(pushed.first, calls == 0);
                    let busy = out.load().in_flight >= 1_000;
                    assert_eq!(pushed.pressure != Pressure::Room, busy);
                    calls += 1;
                }
                Err(refused) => break refused,
            }
        };
        assert!(matches!(refused, NotPushed::Because(SendError::Full)));
        let mut queued = Outbox::new();
        assert_eq!(out.take(&mut queued), Queued::Some);
        assert_eq!(queued.len(), 2 * calls as usize);
        assert!(queued.bytes() >= 2_000 && out.load().refused == 1);
        out.refuse();
        assert!(matches!(
            call(calls),
            Err(NotPushed::Because(SendError::Closed))
        ));
    }
}
