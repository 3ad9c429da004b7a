//! Writes pids, ports and references, in their modern forms.

use super::Encoder;
use crate::{Pid, Port, Reference, tag};

impl Encoder {
    /// A process identifier.
    #[inline]
    pub fn pid(&mut self, pid: &Pid) {
        self.bytes.push(tag::NEW_PID);
        self.atom(pid.node);
        let words = [pid.id, pid.serial, pid.creation].map(u32::to_be_bytes);
        self.bytes.extend_from_slice(words.as_flattened());
    }

    /// A port identifier.
    pub fn port(&mut self, port: &Port) {
        self.bytes.push(tag::V4_PORT);
        self.atom(port.node);
        self.bytes.extend_from_slice(&port.id.to_be_bytes());
        self.words(&[port.creation]);
    }

    /// A reference.
    #[inline]
    pub fn reference(&mut self, reference: &Reference) {
        let words = reference.words();
        self.bytes
            .extend_from_slice(&[tag::NEWER_REF, 0, words.len() as u8]);
        self.atom(reference.node());
        let mut block = [[0; 4]; 1 + Reference::MAX_WORDS];
        block[0] = reference.creation().to_be_bytes();
        for (place, word) in block[1..].iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        let used = 4 + 4 * words.len();
        self.bytes.extend_from_slice(&block.as_flattened()[..used]);
    }

    #[inline]
    pub(crate) fn words(&mut self, words: &[u32]) {
        for word in words {
            self.bytes.extend_from_slice(&word.to_be_bytes());
        }
    }
}
