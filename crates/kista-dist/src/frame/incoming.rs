//! A large message on its way in: what is still to come of its frame is read straight into the memory in which it stays.
//!
//! 1. It begins when the head of a frame is there whose envelope is known ([`Seen`](super::memo::Seen)), and much of the frame is not.
//! 2. The memory of earlier messages, and of long runs, is used again once nobody holds it: fresh memory costs more than all else, since the kernel has
//!    to clear it page by page. At most [`KEPT_BLOCKS`] of at most [`MOST_BLOCK`] bytes are kept, until a tick says that the connection
//!    is idle.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::AtomList;
use crate::control::Control;

/// What is still to come must be this much, for a read of its own to be worth it.
pub(super) const DIRECT_FROM: usize = 16 * 1024;
/// Blocks of earlier messages that are kept.
const KEPT_BLOCKS: usize = 8;
/// Larger ones are not kept.
const MOST_BLOCK: usize = 128 * 1024;

/// A frame that is not whole yet.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) control: Control,
    pub(super) atoms: AtomList,
    /// Of the payload.
    pub(super) length: usize,
    pub(super) bytes: BytesMut,
}

impl Incoming {
    /// How much is missing.
    pub(super) fn missing(&self) -> usize {
        self.length - self.bytes.len()
    }
}

/// Memory of messages that were given away.
#[derive(Debug, Default)]
pub(super) struct Blocks(VecDeque<Bytes>);

impl Blocks {
    /// An empty block with room for so many bytes, and not for many more: it may wait for long.
    pub(super) fn take(&mut self, length: usize) -> BytesMut {
        for _ in 0..self.0.len() {
            let Some(block) = self.0.pop_front() else {
                break;
            };
            match block.try_into_mut() {
                Ok(mut block) => {
                    block.clear();
                    if (length..=2 * length).contains(&block.capacity()) {
                        return block;
                    }
                    if self.0.len() < KEPT_BLOCKS / 2 {
                        self.0.push_back(block.freeze());
                    }
                }
                Err(held) => self.0.push_back(held),
            }
        }
        // All of one size, so that each fits the next message, too.
        BytesMut::with_capacity(length.next_multiple_of(DIRECT_FROM))
    }

    /// Remembers the memory of a message that is given away.
    pub(super) fn give(&mut self, bytes: &Bytes) {
        if (DIRECT_FROM..=MOST_BLOCK).contains(&bytes.len()) {
            if self.0.len() >= KEPT_BLOCKS {
                self.0.pop_front();
            }
            self.0.push_back(bytes.clone());
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
