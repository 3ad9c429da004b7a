//! What passed through one direction of a connection, for statistics.

/// Counters of one direction of a connection; they only grow.
///
/// ```
/// use std::sync::Arc;
/// use kista_dist::{Flags, frame::{FrameReader, ReaderLimits}};
/// use kista_etf::AtomQuota;
///
/// let mut reader = FrameReader::new(Flags::ours(false), ReaderLimits::default(), Arc::new(AtomQuota::new(1000)));
/// reader.push(&[0, 0, 0, 0]);
/// reader.next()?;
/// assert_eq!((reader.counters().ticks, reader.counters().bytes), (1, 4));
/// # Ok::<(), kista_dist::frame::FrameError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameCounters {
    /// Bytes of whole frames, their lengths and ticks among them.
    pub bytes: u64,
    /// Signals of any kind; a message in fragments is one.
    pub messages: u64,
    /// Frames that held a part of a message.
    pub fragments: u64,
    /// Ticks.
    pub ticks: u64,
    /// Atoms that a frame's header named by their place in the cache.
    pub atom_hits: u64,
    /// Atoms that a frame's header wrote out, because the other side did not have them (any more).
    pub atom_misses: u64,
}
