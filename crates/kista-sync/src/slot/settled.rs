use std::sync::atomic::Ordering::Relaxed;

use crate::sync::AtomicBool;

/// Whether a [slot](super::ReplySlot) was settled: it is pending no more then, and who asks that needs no lock.
#[derive(Debug)]
pub struct Settled(AtomicBool);

impl Settled {
    #[cfg(not(loom))]
    pub(super) const fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    #[cfg(loom)]
    pub(super) fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    #[inline]
    pub(super) fn set(&self, settled: bool) {
        self.0.store(settled, Relaxed);
    }

    /// As far as is known here: by who answers, or behind what made the answer known.
    #[inline]
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Relaxed)
    }
}
