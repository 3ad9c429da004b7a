//! One link to one peer: what senders, the reader, the writer and the tick thread share.
//!
//! A connection exists before its handshake: what is sent meanwhile queues, and travels on whichever socket makes it, ours or
//! the peer's.
//!
//! ```text
//!   Pending ----> Claimed ----> Up ----> Closing ----> Gone
//!      |  a handshake   |  `up` was      |   no more sends;   `down` was
//!      |  was proved    |  called        |   the reader ends  called
//!      +----------------+----------------+
//! ```
//!
//! 1. `claim` is won by one task only: the dial (by success or failure) or an accepted socket. The winner brings the connection up
//!    or ends it; the losers just go away.
//! 2. `finish` runs once, in the task that owns the connection (the reader when it was up), after the last signal. It takes the
//!    watchers and calls `Host::down`. From then on `watch` says false.
//! 3. Two locks, never held together and never across an await: that of `out` ([`Outgoing`]), and `wire`, which covers one
//!    non-blocking write. The tick thread uses `wire` only by `try_lock`.

use std::net::{Shutdown, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use kista_dist::control::Target;
use kista_dist::frame::{FrameCounters, Outbox};
use kista_dist::{Control, Flags, TickClock};
use kista_etf::{Atom, Encoder, Pid, Renaming};
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::given_names::Given;
use super::inbound::PeerLoad;
pub(super) use super::outgoing::Queued;
use super::outgoing::{NotPushed, Outgoing, Pressure, Pushed, SendError, Share};
use super::socket::Socket;
use super::stats::TlsInfo;
use super::wire::Wire;
use super::{ConnectionInfo, Host, InboundCharge, Net};

/// A link to a peer; see the module.
pub(crate) struct Connection {
    id: u64,
    peer: Atom,
    net: Weak<Net>,
    claimed: AtomicBool,
    phase: watch::Sender<Phase>,
    /// `Host::up` was called, or is just being called: who is told of the node finds it among `Net::nodes`.
    announced: AtomicBool,
    /// `phase >= Closing`, for the reader to see after each signal.
    ending: AtomicBool,
    /// The connection whose place this one took, until it is gone; see [`Connection::predecessors_gone`].
    predecessor: Mutex<Option<Arc<Self>>>,
    /// Whether our own dial is between its start and its end (not while it waits for the peer's to arrive).
    pub(super) dialling: AtomicBool,
    established: OnceLock<Established>,
    out: Outgoing,
    /// Wakes the writer task.
    pub(super) work: Notify,
    why: OnceLock<Why>,
    /// Counts reads and writes that passed the socket: the tick thread compares them with what it saw last.
    pub(super) reads: AtomicU64,
    pub(super) writes: AtomicU64,
    /// What the reader has read; it writes this after each read.
    pub(super) received: Mutex<FrameCounters>,
    pub(super) clock: Mutex<Option<Watched>>,
    load: Arc<PeerLoad>,
    /// What was to be seen of it when it ended.
    #[cfg(feature = "metrics")]
    last: OnceLock<Box<ConnectionInfo>>,
}

/// What the handshake brought.
pub(super) struct Established {
    pub(super) creation: u32,
    pub(super) flags: Flags,
    /// Whether our own dial made it.
    pub(super) by_dial: bool,
    pub(super) since: Instant,
    pub(super) address: Option<SocketAddr>,
    pub(super) tls: Option<TlsInfo>,
    /// The name that we gave to the peer.
    pub(super) given: Option<Given>,
    /// How the peer calls what is of this node, when we call it otherwise.
    pub(super) renaming: Option<Renaming>,
    /// Held by the reader and the writer: whoever keeps a dead connection keeps no file descriptor.
    pub(super) socket: Weak<Socket>,
    /// None when the connection is gone.
    pub(super) wire: Mutex<Option<Wire>>,
}

/// The tick thread's view of a connection.
pub(super) struct Watched {
    pub(super) clock: TickClock,
    pub(super) reads: u64,
    pub(super) writes: u64,
}

impl Watched {
    pub(super) fn new(net_ticktime: Duration) -> Self {
        // Four ticks in a `net_ticktime`, as OTP's `net_tickintensity`.
        Self {
            clock: TickClock::new(net_ticktime, 4, Instant::now()),
            reads: 0,
            writes: 0,
        }
    }
}

/// The stages of a connection's life, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Pending,
    Claimed,
    Up,
    Closing,
    Gone,
}

/// Why a connection ends: OTP's word for `nodedown`, and the story for the log.
pub(super) struct Why {
    pub(super) word: &'static str,
    pub(super) detail: String,
}

impl Connection {
    /// A pending connection that takes the place of `predecessor` in the table.
    pub(super) fn new(
        id: u64,
        peer: Atom,
        net: &Arc<Net>,
        predecessor: Option<Arc<Self>>,
    ) -> Arc<Self> {
        let limits = &net.config.limits;
        Arc::new(Self {
            id,
            peer,
            net: Arc::downgrade(net),
            claimed: AtomicBool::new(false),
            phase: watch::Sender::new(Phase::Pending),
            announced: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            predecessor: Mutex::new(predecessor),
            dialling: AtomicBool::new(false),
            established: OnceLock::new(),
            out: Outgoing::new(limits.busy_mark, limits.full_mark),
            work: Notify::new(),
            why: OnceLock::new(),
            reads: AtomicU64::new(0),
            writes: AtomicU64::new(0),
            received: Mutex::default(),
            clock: Mutex::new(None),
            load: net.inbound.load(peer),
            #[cfg(feature = "metrics")]
            last: OnceLock::new(),
        })
    }

    /// Unique in this node; a later connection to the same peer has another one.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    /// The peer's name.
    pub(crate) fn peer(&self) -> Atom {
        self.peer
    }

    /// The peer's creation; 0 before the handshake.
    pub(crate) fn peer_creation(&self) -> u32 {
        self.established.get().map_or(0, |e| e.creation)
    }

    /// What both sides can do; empty before the handshake.
    pub(crate) fn flags(&self) -> Flags {
        self.established.get().map_or(Flags::empty(), |e| e.flags)
    }

    /// Whether the link is a hidden one (either side is).
    pub(crate) fn hidden(&self) -> bool {
        !self.flags().contains(Flags::PUBLISHED)
    }

    /// Whether it is the one of this network to that peer: until it ends nobody takes its place.
    #[inline]
    pub(crate) fn leads(&self, net: &Arc<Net>, peer: Atom) -> bool {
        self.peer == peer && !self.is_closing() && std::ptr::eq(self.net.as_ptr(), &**net)
    }

    /// Whether signals pass now.
    pub(crate) fn is_up(&self) -> bool {
        self.announced.load(Ordering::Acquire) && !self.is_closing()
    }

    /// Queues a signal; it is written in the order of the calls. The payload was encoded with [`Encoder::with_atom_table`].
    ///
    /// # Errors
    /// [`SendError::Closed`] after the end; [`SendError::Full`] for a message above the hard mark.
    pub(crate) fn send(
        &self,
        control: Control,
        payload: Option<&Encoder>,
    ) -> Result<Pressure, SendError> {
        self.queued(self.out.push(None, control, payload))
    }

    /// As [`Connection::send`] of a plain message.
    #[inline]
    pub(crate) fn send_message(
        &self,
        from: Pid,
        to: Target,
        payload: &Encoder,
    ) -> Result<Pressure, SendError> {
        self.queued(self.out.push_message(from, to, payload))
    }

    /// As [`Connection::send`] of a monitor, and of a message of who monitors to whom it monitors. [`SendError::Encode`]: the monitor went
    /// alone.
    pub(crate) fn send_call(
        &self,
        monitor: Control,
        from: Pid,
        to: Target,
        payload: &Encoder,
    ) -> Result<Pressure, SendError> {
        self.queued(self.out.push_call(monitor, from, to, payload))
    }

    /// As [`Connection::send`] for a signal that does not say its sender (the DOWN of a monitor by name): its order is kept among those
    /// of `sender`.
    pub(crate) fn send_from(
        &self,
        sender: Pid,
        control: Control,
        payload: Option<&Encoder>,
    ) -> Result<Pressure, SendError> {
        self.queued(self.out.push(Some(sender), control, payload))
    }

    #[inline]
    fn queued(&self, pushed: Result<Pushed, NotPushed>) -> Result<Pressure, SendError> {
        match pushed {
            Ok(Pushed { first, pressure }) => {
                if first {
                    self.work.notify_one();
                }
                Ok(pressure)
            }
            Err(NotPushed::Because(error)) => Err(error),
            Err(NotPushed::Overrun) => {
                self.close("the peer does not read and too many signals wait for it");
                Err(SendError::Closed)
            }
        }
    }

    /// What is to be seen of it; `None` unless it is up.
    pub(crate) fn info(&self) -> Option<ConnectionInfo> {
        self.is_up().then(|| self.look()).flatten()
    }

    /// The same of one that was up and has ended.
    #[cfg(feature = "metrics")]
    pub(crate) fn last_info(&self) -> Option<&ConnectionInfo> {
        self.last.get().map(Box::as_ref)
    }

    fn look(&self) -> Option<ConnectionInfo> {
        let established = self.established.get()?;
        let sent = established.wire.lock().as_ref()?.counters();
        let received = *self.received.lock();
        let load = self.out.load();
        Some(ConnectionInfo {
            node: self.peer,
            connection_id: self.id,
            creation: established.creation,
            hidden: self.hidden(),
            dialled: established.by_dial,
            address: established.address,
            tls: established.tls.clone(),
            flags: established.flags,
            up_for: established.since.elapsed(),
            received,
            sent,
            queued_bytes: load.in_flight,
            undecoded_bytes: self.load.bytes(),
            held_sends: load.held,
            refused_sends: load.refused,
        })
    }

    /// Bytes queued or not yet accepted by the socket.
    #[cfg(test)]
    pub(crate) fn in_flight(&self) -> usize {
        self.out.load().in_flight
    }

    /// Puts `pid` among those that `Host::down` is told of. Idempotent. `false`: already down, nothing will be told.
    pub(crate) fn watch(&self, pid: Pid) -> bool {
        self.out.watch(pid)
    }

    /// Ready below the busy mark, or when the connection is closed.
    pub(crate) fn poll_room(&self, share: Share, cx: &mut Context<'_>) -> Poll<()> {
        self.out.poll_room(share, cx)
    }

    /// Ends this connection; a newer one to the same peer is not touched. `why` is for the log, `nodedown` says `connection_closed`.
    pub(crate) fn close(&self, why: &str) {
        self.end("connection_closed", why);
    }

    /// Counts `bytes` as received and undecoded until the charge is dropped. Above the node's cap the peer that holds most is cut off.
    pub(crate) fn charge(self: &Arc<Self>, bytes: usize) -> InboundCharge {
        let look = self.load.add(bytes);
        let charge = InboundCharge::new(self, bytes);
        if look && let Some(net) = self.net.upgrade() {
            net.relieve();
        }
        charge
    }

    pub(super) fn load(&self) -> &PeerLoad {
        &self.load
    }

    // What follows is for the tasks of this module.

    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Won by one task only; see rule 1.
    pub(super) fn claim(&self) -> bool {
        if self.claimed.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.phase
            .send_if_modified(|p| advance(p, Phase::Pending, Phase::Claimed));
        true
    }

    pub(super) fn is_closing(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    pub(super) fn is_claimed(&self) -> bool {
        self.claimed.load(Ordering::Acquire)
    }

    /// Returns when the phase is `phase` or a later one; at once if it is already.
    pub(super) async fn reached(&self, phase: Phase) {
        let mut seen = self.phase.subscribe();
        // Fails only if the sender is dropped, which `self` holds.
        let _ = seen.wait_for(|p| *p >= phase).await;
    }

    /// Returns when all that had this place before are gone: their `down` comes before our `up`.
    pub(super) async fn predecessors_gone(&self) {
        let mut next = self.predecessor.lock().clone();
        while let Some(old) = next {
            old.reached(Phase::Gone).await;
            next = old.predecessor.lock().clone();
        }
        *self.predecessor.lock() = None;
    }

    /// By the owner of the claim: the handshake's result.
    pub(super) fn set_established(&self, established: Established) {
        let _ = self.established.set(established);
    }

    pub(super) fn established(&self) -> Option<&Established> {
        self.established.get()
    }

    /// By the reader, before `Host::up`.
    pub(super) fn announce(&self) {
        self.announced.store(true, Ordering::Release);
    }

    /// By the reader, after `Host::up`. `false`: closed meanwhile.
    pub(super) fn set_up(&self) -> bool {
        self.phase
            .send_if_modified(|p| advance(p, Phase::Claimed, Phase::Up))
    }

    /// Begins the end: senders are refused, the socket is shut, the owner notices.
    pub(super) fn end(&self, word: &'static str, detail: &str) {
        let _ = self.why.set(Why {
            word,
            detail: detail.to_owned(),
        });
        self.out.refuse();
        self.ending.store(true, Ordering::Relaxed);
        self.phase.send_if_modified(|p| {
            let earlier = *p < Phase::Closing;
            *p = (*p).max(Phase::Closing);
            earlier
        });
        self.shut(Shutdown::Both);
        self.work.notify_one();
    }

    /// The socket takes no more bytes. What the peer sent before can still be read.
    pub(super) fn write_failed(&self, detail: &str) {
        let _ = self.why.set(Why {
            word: "connection_closed",
            detail: detail.to_owned(),
        });
        self.out.refuse();
        self.shut(Shutdown::Write);
    }

    pub(super) fn shut(&self, how: Shutdown) {
        if let Some(socket) = self.established.get().and_then(|e| e.socket.upgrade()) {
            socket.shut(how);
        }
    }

    /// No more sends; the writer ends when all is written.
    pub(super) fn drain(&self) {
        let _ = self.why.set(Why {
            word: "net_kernel_terminated",
            detail: "this node stops".to_owned(),
        });
        self.out.drain();
        self.work.notify_one();
    }

    /// By the owner, once, after the last signal; see rule 2.
    pub(super) fn finish(
        self: &Arc<Self>,
        host: Option<&Arc<dyn Host>>,
        was_up: bool,
        word: &'static str,
        detail: &str,
    ) {
        self.end(word, detail);
        let why = self.why.get();
        let (word, detail) = why.map_or((word, detail), |w| (w.word, w.detail.as_str()));
        #[cfg(feature = "metrics")]
        if was_up && let Some(last) = self.look() {
            let _ = self.last.set(Box::new(last));
        }
        let watchers = self.out.leave();
        if let Some(e) = self.established.get() {
            *e.wire.lock() = None;
        }
        if let Some(net) = self.net.upgrade() {
            net.log_end(self, was_up, word, detail);
            if was_up {
                net.bars.lost(net.config.auto_connect, self.peer);
                net.name_may_be_lost(self);
            }
        }
        if let Some(host) = host {
            let told = catch_unwind(AssertUnwindSafe(|| {
                host.down(self, was_up, word, watchers);
            }));
            if told.is_err() {
                tracing::error!(peer = %self.peer, "the node panicked in `down`; some processes may not know of the lost connection");
            }
        }
        self.phase.send_replace(Phase::Gone);
        // Not before: until then a successor finds us in the table, and waits.
        if let Some(net) = self.net.upgrade() {
            net.forget(self);
            if let Some(given) = self.established.get().and_then(|e| e.given.clone()) {
                net.given_names.give_back(given);
            }
        }
    }

    /// The story of the end, once it has begun.
    pub(super) fn why(&self) -> Option<&Why> {
        self.why.get()
    }

    /// Swaps the queued signals with `spare`, which is empty.
    pub(super) fn take_queued(&self, spare: &mut Outbox) -> Queued {
        self.out.take(spare)
    }

    /// What the writer holds after a write. Wakes those who wait for room.
    pub(super) fn set_unwritten(&self, bytes: usize, large: usize) {
        self.out.set_unwritten(bytes, large);
    }
}

fn advance(phase: &mut Phase, from: Phase, to: Phase) -> bool {
    let fits = *phase == from;
    if fits {
        *phase = to;
    }
    fits
}
