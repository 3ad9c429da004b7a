//! Bytes on their way to the socket: whole frames, with large binaries chained in.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// Shared pieces below this are copied: cheaper than another entry of a vectored write.
const CHAIN_FROM: usize = 4 * 1024;
/// Written bytes that are kept in front before the rest is moved down.
const COMPACT_FROM: usize = 256 * 1024;
/// Memory that an empty buffer keeps.
const KEEP: usize = 1 << 20;

/// What the writer gave and the socket has not taken yet.
///
/// Only whole frames are put in, so that a tick may be appended at any time, also when what was taken out ended within one.
///
/// ```
/// use kista_dist::frame::WriteBuffer;
/// let mut out = WriteBuffer::new();
/// out.push_tick();
/// let mut slices = [std::io::IoSlice::new(&[]); 4];
/// assert_eq!(out.io_slices(&mut slices), 1);
/// assert_eq!(&*slices[0], [0, 0, 0, 0]);
/// out.advance(3);
/// out.advance(1);
/// assert!(out.is_empty());
/// ```
#[derive(Debug, Default)]
pub struct WriteBuffer {
    inline: Vec<u8>,
    /// So much of `inline` was taken.
    head: usize,
    /// Shared pieces, each with the place in `inline` before which it stands.
    shared: VecDeque<(usize, Bytes)>,
    shared_bytes: usize,
}

/// The beginning of a frame whose length is not known yet.
#[derive(Debug)]
#[must_use]
pub(super) struct FrameStart {
    at: usize,
    len: usize,
}

impl WriteBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that wait.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.inline.len() - self.head + self.shared_bytes
    }

    /// How many of them were copied together, and are not shared.
    #[must_use]
    pub fn copied(&self) -> usize {
        self.inline.len() - self.head
    }

    /// Whether nothing waits.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a tick.
    pub fn push_tick(&mut self) {
        let start = self.begin();
        self.end(start);
    }

    /// Fills `slices` with what waits, in order, as far as they reach; says how many were filled.
    pub fn io_slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let mut put = |bytes: &'a [u8]| {
            if bytes.is_empty() {
                return true;
            }
            let Some(slot) = slices.get_mut(filled) else {
                return false;
            };
            *slot = IoSlice::new(bytes);
            filled += 1;
            true
        };
        let mut at = self.head;
        for (before, piece) in &self.shared {
            if !put(&self.inline[at..*before]) || !put(piece) {
                return filled;
            }
            at = *before;
        }
        put(&self.inline[at..]);
        filled
    }

    /// The socket took `n` bytes.
    ///
    /// # Panics
    /// If that is more than there were.
    pub fn advance(&mut self, n: usize) {
        assert!(n <= self.len(), "advance beyond the end");
        if n == 0 {
            return;
        }
        let mut left = n;
        while left > 0 {
            let Some((before, piece)) = self.shared.front_mut() else {
                self.head += left;
                break;
            };
            let step = left.min(*before - self.head);
            self.head += step;
            left -= step;
            let step = left.min(piece.len());
            piece.advance(step);
            self.shared_bytes -= step;
            left -= step;
            if piece.is_empty() {
                self.shared.pop_front();
            }
        }
        if self.is_empty() {
            self.inline.clear();
            self.inline.shrink_to(KEEP);
            self.head = 0;
        }
    }

    /// All that waits as one piece; for tests and drivers without vectored writes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.len());
        let mut at = self.head;
        for (before, piece) in &self.shared {
            all.extend_from_slice(&self.inline[at..*before]);
            all.extend_from_slice(piece);
            at = *before;
        }
        all.extend_from_slice(&self.inline[at..]);
        all
    }

    /// Moves the rest down when much was taken.
    pub(super) fn compact(&mut self) {
        if self.head >= COMPACT_FROM && self.head >= self.inline.len() / 2 {
            self.inline.drain(..self.head);
            for (before, _) in &mut self.shared {
                *before -= self.head;
            }
            self.head = 0;
        }
    }

    #[inline]
    pub(super) fn begin(&mut self) -> FrameStart {
        let start = FrameStart {
            at: self.inline.len(),
            len: self.len(),
        };
        self.inline.extend_from_slice(&[0; 4]);
        start
    }

    #[inline]
    pub(super) fn end(&mut self, start: FrameStart) {
        let len = self.len();
        let body = len - start.len - 4;
        debug_assert!(
            u32::try_from(body).is_ok(),
            "the outbox refuses longer messages"
        );
        self.inline[start.at..start.at + 4].copy_from_slice(&(body as u32).to_be_bytes());
    }

    /// A whole frame: `front`, in which the length is left open, and what is behind it.
    #[inline]
    pub(super) fn put_frame(&mut self, front: &[u8], rest: &[u8]) {
        let at = self.inline.len();
        let body = (front.len() + rest.len() - 4) as u32;
        self.inline.reserve(front.len() + rest.len());
        self.inline.extend_from_slice(front);
        self.inline[at..at + 4].copy_from_slice(&body.to_be_bytes());
        self.inline.extend_from_slice(rest);
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.inline
    }

    /// Appends a shared piece within a frame.
    pub(super) fn put_shared(&mut self, piece: Bytes) {
        if piece.len() < CHAIN_FROM {
            self.inline.extend_from_slice(&piece);
        } else {
            self.shared_bytes += piece.len();
            self.shared.push_back((self.inline.len(), piece));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> WriteBuffer {
        let mut out = WriteBuffer::new();
        out.push_tick();
        let start = out.begin();
        out.bytes().extend_from_slice(b"head");
        out.put_shared(Bytes::from(vec![7; 5000]));
        out.put_shared(Bytes::from(vec![8; 5000]));
        out.bytes().extend_from_slice(b"tail");
        out.end(start);
        out.push_tick();
        out
    }

    #[test]
    fn any_way_of_taking_gives_the_same_bytes() {
        let whole = sample().to_vec();
        assert_eq!(whole.len(), 4 + 4 + 4 + 10_000 + 4 + 4);
        assert_eq!(whole[4..8], 10_008u32.to_be_bytes());
        for step in [1, 3, 7, 1000, 4999, 5001, 20_000] {
            let mut out = sample();
            let mut got = Vec::new();
            while !out.is_empty() {
                let mut slices = [IoSlice::new(&[]); 2];
                let n = out.io_slices(&mut slices);
                let all: Vec<u8> = slices[..n].iter().flat_map(|s| s.to_vec()).collect();
                let step = step.min(all.len());
                got.extend_from_slice(&all[..step]);
                out.advance(step);
            }
            assert_eq!(got, whole);
        }
    }

    #[test]
    fn a_long_taken_head_is_given_back() {
        let mut out = WriteBuffer::new();
        for _ in 0..100 {
            let start = out.begin();
            out.bytes().extend_from_slice(&[1; 4000]);
            out.put_shared(Bytes::from(vec![2; 5000]));
            out.end(start);
        }
        let whole = out.to_vec();
        out.advance(700_000);
        let rest = out.to_vec();
        out.compact();
        assert_eq!(out.head, 0);
        assert_eq!(out.to_vec(), rest);
        assert_eq!(rest, whole[700_000..]);
    }
}
