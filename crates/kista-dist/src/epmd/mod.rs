//! EPMD, the Erlang port mapper: who is reachable at which port.
//!
//! *As a client:* send [`Request::encode`], read until [`AliveReply`], [`PortReply`] or [`NamesReply`] is whole. The connection of an
//! `Alive` request stays open as long as the node lives: closing it takes the name back.
//!
//! *As a server:* one [`Registry`] for all, one [`ServerConnection`] per socket.
//!
//! ```text
//! request   length:2 tag:1 ...        reply   no length: ends by its structure, or with the connection
//! ```

mod registry;
mod reply;
mod request;
mod server;

use thiserror::Error;

pub use registry::{RefusedName, RegisteredName, Registry, RegistryLimits};
pub use reply::{AliveReply, NamesReply, PortReply};
pub use request::{NodeInfo, NodeType, Request};
pub use server::{REQUEST_TIME, ServerConnection};

/// The port that EPMD listens at unless `ERL_EPMD_PORT` says otherwise.
pub const DEFAULT_PORT: u16 = 4369;

/// Longest request that is accepted; `epmd` itself takes none that is longer.
pub const MAX_REQUEST: usize = 1024;

/// How much a server should read at once. With it, a connection holds at most 4 KiB before its request is answered.
pub const READ_SIZE: usize = 1024;

/// The longest reply that is read: a list of some thousand names.
pub const MAX_REPLY: usize = 1 << 20;

/// Why EPMD bytes are bad: the fault of the other side; close the connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EpmdError {
    /// A length beyond [`MAX_REQUEST`] or [`MAX_REPLY`].
    #[error("EPMD message of {length} bytes is too long")]
    TooLong {
        /// What was announced or read.
        length: usize,
    },
    /// The message ended within a field.
    #[error("EPMD message is too short")]
    Truncated,
    /// A first byte that is none of the expected.
    #[error("unknown EPMD message {tag}")]
    UnknownTag {
        /// It.
        tag: u8,
    },
    /// A text that is not what it should be.
    #[error("bad text in EPMD message")]
    BadText,
}

/// Big endian fields out of a byte slice. `None` is the end.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }
    fn u8(&mut self) -> Option<u8> {
        self.array().map(|[b]| b)
    }
    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }
    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
    /// Bytes behind their two-byte length.
    fn block(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        let (head, rest) = self.0.split_at_checked(usize::from(len))?;
        self.0 = rest;
        Some(head)
    }
}

fn put_block(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(&bytes[..usize::from(len)]);
}

/// EPMD does not say what encoding names have; those of today's nodes are UTF-8.
fn text(bytes: &[u8]) -> Result<String, EpmdError> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|_| EpmdError::BadText)
}
