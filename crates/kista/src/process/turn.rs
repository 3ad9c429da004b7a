use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicU64, Ordering::Relaxed};

use super::{ACTS, BUDGET, Signal};

/// What the process's own task knows of its mail without locking it. Nobody else writes it, but for `received`.
pub(super) struct Turn {
    /// Messages that ever arrived.
    received: AtomicU64,
    /// Messages that may still be read in this poll.
    messages: AtomicU16,
    /// Control signals that may still act in this poll.
    acts: AtomicU16,
    /// Something may be in `Mail::list`.
    listed: AtomicBool,
    /// Something may be in `Mail::arrived`.
    arrived: AtomicBool,
    /// What the behaviour has read: [`TOOK`] and its kin.
    read: AtomicU8,
}

/// It took the queue over in this poll.
pub(super) const TOOK: u8 = 1;
/// It found nothing to read in this poll.
pub(super) const EMPTIED: u8 = 1 << 1;
/// Whenever it is polled it asks first of all for what it is to read: so it can take the queue over itself.
pub(super) const READING: u8 = 1 << 2;
/// It read as much as one poll may, and goes on with that in the next one.
pub(super) const YIELDED: u8 = 1 << 3;
/// It waits for nothing but what is sent to it.
pub(super) const RESTS: u8 = 1 << 4;
/// It read a call of this node.
pub(super) const CALLED: u8 = 1 << 5;
/// It read what is none.
pub(super) const OTHER: u8 = 1 << 6;

impl Turn {
    pub(super) const fn new() -> Self {
        Self {
            received: AtomicU64::new(0),
            messages: AtomicU16::new(BUDGET),
            acts: AtomicU16::new(ACTS),
            listed: AtomicBool::new(false),
            arrived: AtomicBool::new(false),
            read: AtomicU8::new(0),
        }
    }

    /// A new poll begins.
    #[inline]
    pub(super) fn refill(&self) {
        self.messages.store(BUDGET, Relaxed);
        self.acts.store(ACTS, Relaxed);
    }

    #[inline]
    pub(super) fn is_spent(&self) -> bool {
        self.messages.load(Relaxed) == 0 || self.acts.load(Relaxed) == 0
    }

    /// Whether one more control signal may act.
    #[inline]
    pub(super) fn may_act(&self) -> bool {
        self.acts.load(Relaxed) > 0
    }

    #[inline]
    pub(super) fn acted(&self) {
        let left = self.acts.load(Relaxed);
        self.acts.store(left.saturating_sub(1), Relaxed);
    }

    #[inline]
    pub(super) fn set_listed(&self, listed: bool) {
        self.listed.store(listed, Relaxed);
    }

    #[inline]
    pub(super) fn may_read(&self) -> bool {
        self.messages.load(Relaxed) > 0
    }

    #[inline]
    pub(super) fn read<M>(&self, signal: &Signal<M>) {
        self.set_read(match signal {
            Signal::Call(..) => CALLED,
            _ => OTHER,
        });
        self.count_read();
    }

    #[inline]
    pub(super) fn count_read(&self) {
        let left = self.messages.load(Relaxed);
        self.messages.store(left.saturating_sub(1), Relaxed);
    }

    /// It has done what it may.
    #[inline]
    pub(super) fn end(&self) {
        self.messages.store(0, Relaxed);
    }

    #[inline]
    pub(super) fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Counts messages that arrived. `alone`: nobody else takes the queue over.
    #[inline]
    pub(super) fn receive(&self, messages: usize, alone: bool) {
        let messages = messages as u64;
        if alone {
            self.received.store(self.received() + messages, Relaxed);
        } else {
            self.received.fetch_add(messages, Relaxed);
        }
    }

    #[inline]
    pub(super) fn set_arrived(&self, arrived: bool) {
        self.arrived.store(arrived, Relaxed);
    }

    #[inline]
    pub(super) fn has_read(&self, what: u8) -> bool {
        self.read.load(Relaxed) & what != 0
    }

    #[inline]
    pub(super) fn set_read(&self, what: u8) {
        self.read.store(self.read.load(Relaxed) | what, Relaxed);
    }

    #[inline]
    pub(super) fn has_arrived(&self) -> bool {
        self.arrived.load(Relaxed)
    }

    /// The behaviour is about to be polled.
    #[inline]
    pub(super) fn begin_read(&self) -> Reader {
        let reader = match self.read.load(Relaxed) {
            read if read & READING != 0 => Reader::Behaviour,
            read if read & YIELDED != 0 => Reader::BehaviourOfMessages,
            _ => Reader::Shell,
        };
        self.read.store(0, Relaxed);
        reader
    }

    #[inline]
    pub(super) fn is_reading(&self) -> bool {
        self.has_read(READING)
    }

    /// How many messages were read in this poll.
    pub(super) fn messages_read(&self) -> u32 {
        u32::from(BUDGET.saturating_sub(self.messages.load(Relaxed)))
    }

    /// Whether the behaviour waits for nothing but what is sent to it, and read calls of this node and nothing else.
    pub(super) fn rests_after_calls(&self) -> bool {
        let all = READING | RESTS | CALLED;
        self.read.load(Relaxed) & (all | OTHER) == all
    }

    #[inline]
    pub(super) fn is_listed(&self) -> bool {
        self.listed.load(Relaxed)
    }
}

/// Who takes the queue over.
pub(super) enum Reader {
    Shell,
    /// It looks at the queue itself.
    Behaviour,
    /// It does so when it has read what it took before; until then signals would wait.
    BehaviourOfMessages,
}
