//! Frames of the connected phase, in and out.
//!
//! *Out:* senders push into an [`Outbox`] under a lock; the writer swaps it out, [`FrameWriter::accept`]s it, and [`FrameWriter::fill`]s a
//! [`WriteBuffer`] from which the socket is written. *In:* the socket is read into [`FrameReader::room`], and
//! [`FrameReader::next`] gives signals with undecoded [`Payload`]s.

mod atoms;
mod counters;
mod fragmenter;
mod fragments;
mod incoming;
mod memo;
mod outbox;
mod outcache;
mod payload;
mod reader;
mod run;
mod scratch;
mod template;
mod write_buffer;
mod writer;

use thiserror::Error;

pub use atoms::AtomList;
pub use counters::FrameCounters;
pub use outbox::Outbox;
pub use payload::{Payload, PayloadBytes};
pub use reader::{FrameReader, Inbound, ReaderLimits};
pub use run::{Place, Run};
pub use write_buffer::WriteBuffer;
pub use writer::FrameWriter;

use crate::control::ControlError;

/// Payload bytes per fragment, as in OTP.
pub const FRAGMENT_SIZE: usize = 64 * 1024;

/// A payload that is so little longer is not cut: what a tuple, an atom and a head make of 64 KiB.
const SLACK: usize = 1024;

/// Whether a payload of this length leaves in fragments, between which shorter messages pass.
#[must_use]
pub const fn is_large(payload_len: usize) -> bool {
    payload_len > FRAGMENT_SIZE + SLACK
}

/// Why inbound bytes are worthless. All are the peer's fault, or a limit of ours: end the connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame longer than [`ReaderLimits::frame`].
    #[error("frame of {length} bytes (limit {limit})")]
    TooLong {
        /// What was announced.
        length: usize,
        /// What is allowed.
        limit: usize,
    },
    /// A frame ended within its header.
    #[error("frame is too short")]
    Truncated,
    /// Not the form of frame that was negotiated.
    #[error("frame is not of the negotiated form")]
    WrongForm,
    /// A header refers to a cache slot that was never filled.
    #[error("atom cache slot {slot} was never filled")]
    EmptyCacheSlot {
        /// The slot.
        slot: usize,
    },
    /// An atom in a header is not UTF-8 or longer than 255 characters.
    #[error("bad atom in a frame's header")]
    BadAtom,
    /// The control tuple is bad.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// A signal came without the payload that belongs to it.
    #[error("signal without its payload")]
    MissingPayload,
    /// A signal came with a payload that does not belong to it.
    #[error("signal with a payload that does not belong to it")]
    UnexpectedPayload,
    /// A fragment's counter is wrong.
    #[error("fragment {actual} where {expected} was due")]
    FragmentOrder {
        /// What was due.
        expected: u64,
        /// What came.
        actual: u64,
    },
    /// A first fragment of a sequence that is open.
    #[error("fragment sequence {sequence} begins twice")]
    SequenceOpen {
        /// The sequence.
        sequence: u64,
    },
    /// A later fragment of a sequence that is not open.
    #[error("fragment of unknown sequence {sequence}")]
    UnknownSequence {
        /// The sequence.
        sequence: u64,
    },
    /// More incomplete messages than [`ReaderLimits::open_sequences`].
    #[error("more than {limit} incomplete messages")]
    TooManySequences {
        /// The limit.
        limit: usize,
    },
    /// Incomplete messages larger than [`ReaderLimits::fragment_bytes`].
    #[error("incomplete messages of more than {limit} bytes")]
    TooManyFragmentBytes {
        /// The limit.
        limit: usize,
    },
    /// There was an error before.
    #[error("connection already failed")]
    Dead,
}
