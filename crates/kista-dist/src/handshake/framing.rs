//! Length-framed handshake messages, bounded: what nobody has authenticated yet costs at most a few KiB.

use super::HandshakeError;

/// Longest handshake message that is accepted. A legal one needs less than 300 bytes.
pub const MAX_MESSAGE: usize = 1024;

/// How much a driver should read at once while a handshake is under way. With it, the machine and what it is read into hold at
/// most 4 KiB for a peer that has proved nothing.
pub const READ_SIZE: usize = 512;

/// By so much at least the input's memory grows.
const STEP: usize = 128;

/// How long the length before each handshake message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LengthWidth {
    /// Two bytes: plain TCP.
    #[default]
    U16,
    /// Four bytes: inside TLS.
    U32,
}

impl LengthWidth {
    fn bytes(self) -> usize {
        match self {
            Self::U16 => 2,
            Self::U32 => 4,
        }
    }
}

/// The byte buffers of one side of a handshake.
#[derive(Debug)]
pub(super) struct Framing {
    width: LengthWidth,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Framing {
    pub(super) fn new(width: LengthWidth) -> Self {
        Self {
            width,
            input: Vec::new(),
            output: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        // Exactly, not doubled: see `READ_SIZE`.
        let room = self.input.capacity() - self.input.len();
        if room < bytes.len() {
            self.input.reserve_exact(bytes.len().max(STEP));
        }
        self.input.extend_from_slice(bytes);
    }

    /// The next whole message, or `None` when more bytes are needed.
    pub(super) fn next(&mut self) -> Result<Option<Vec<u8>>, HandshakeError> {
        let head = self.width.bytes();
        let Some(prefix) = self.input.get(..head) else {
            return Ok(None);
        };
        let len = prefix.iter().fold(0usize, |n, &b| n << 8 | usize::from(b));
        if len > MAX_MESSAGE {
            return Err(HandshakeError::TooLong { length: len });
        }
        if self.input.len() < head + len {
            return Ok(None);
        }
        let rest = self.input.split_off(head + len);
        let mut body = std::mem::replace(&mut self.input, rest);
        body.drain(..head);
        Ok(Some(body))
    }

    pub(super) fn send(&mut self, body: &[u8]) {
        debug_assert!(body.len() <= usize::from(u16::MAX));
        let len = (body.len() as u32).to_be_bytes();
        self.output
            .extend_from_slice(&len[4 - self.width.bytes()..]);
        self.output.extend_from_slice(body);
    }

    pub(super) fn take_output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    pub(super) fn buffered(&self) -> usize {
        self.input.len()
    }

    pub(super) fn take_input(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.input)
    }
}
