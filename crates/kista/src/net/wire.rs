//! The write half of a connection: frames under way, and the bytes that the socket shall get next.
//!
//! The writer task and the tick thread both write, always under the connection's `wire` lock, always without blocking. The order of bytes
//! is the order of the [`WriteBuffer`]; a tick enters it at a frame boundary only.

use std::io::{self, IoSlice};

use kista_dist::Flags;
use kista_dist::frame::{FrameCounters, FrameWriter, Outbox, WriteBuffer};

/// A flush has about this many bytes that were copied together: they are still in the processor's cache.
const FLUSH: usize = 64 * 1024;
/// A flush of large binaries, which the system takes where they are, has about this many: fewer calls, and fewer wake-ups of the peer.
const LARGE_FLUSH: usize = 256 * 1024;
/// Slices per system call.
const SLICES: usize = 64;

pub(super) struct Wire {
    frames: FrameWriter,
    buffer: WriteBuffer,
    /// How much of what was put into the buffer last was of large messages.
    buffered_large: usize,
}

/// What one step of writing did.
#[derive(Debug)]
pub(super) enum Step {
    /// The socket took some bytes; go on.
    Wrote,
    /// The socket takes no more now.
    Blocked,
    /// Nothing is left.
    Idle,
}

impl Wire {
    pub(super) fn new(flags: Flags) -> Self {
        Self {
            frames: FrameWriter::new(flags),
            buffer: WriteBuffer::new(),
            buffered_large: 0,
        }
    }

    /// Takes a batch of signals; `batch` is empty afterwards.
    pub(super) fn accept(&mut self, batch: &mut Outbox) {
        self.frames.accept(batch);
    }

    /// What was accepted and not yet written, in the measure of [`Outbox::bytes`].
    pub(super) fn unwritten(&self) -> usize {
        self.frames.pending_bytes() + self.buffer.len()
    }

    /// How much of that is of large messages.
    pub(super) fn unwritten_large(&self) -> usize {
        self.frames.pending_large_bytes() + self.buffered_large.min(self.buffer.len())
    }

    pub(super) fn counters(&self) -> FrameCounters {
        self.frames.counters()
    }

    /// One write of what is next, by `write`.
    pub(super) fn step(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Step> {
        if self.buffer.is_empty() {
            let large = self.frames.pending_large_bytes();
            self.frames.fill(&mut self.buffer, FLUSH);
            if self.buffer.copied() < FLUSH / 4 {
                self.frames.fill(&mut self.buffer, LARGE_FLUSH);
            }
            self.buffered_large = large.saturating_sub(self.frames.pending_large_bytes());
        }
        self.flush(write)
    }

    /// Shows a sign of life: what waits to be written, or a tick if nothing does.
    pub(super) fn tick(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Step> {
        if self.buffer.is_empty() {
            self.frames.tick(&mut self.buffer);
        }
        self.flush(write)
    }

    fn flush(
        &mut self,
        write: impl FnOnce(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Step> {
        if self.buffer.is_empty() {
            return Ok(Step::Idle);
        }
        let mut slices = [IoSlice::new(&[]); SLICES];
        let n = self.buffer.io_slices(&mut slices);
        match write(&slices[..n]) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => {
                self.buffer.advance(n);
                Ok(Step::Wrote)
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(Step::Blocked),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => Ok(Step::Wrote),
            Err(e) => Err(e),
        }
    }
}
