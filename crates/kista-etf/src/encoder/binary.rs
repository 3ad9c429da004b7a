//! Writes binaries and bit strings; large ones that are shared are chained.

use bytes::Bytes;

use super::Encoder;
use crate::binary::Binary;
use crate::tag;

impl Encoder {
    /// A binary, copied.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    #[inline]
    pub fn binary(&mut self, bytes: &[u8]) {
        self.bytes.reserve(5 + bytes.len());
        self.head(tag::BINARY, bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// A binary of shared memory: chained when it is large, else copied.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    pub fn binary_shared(&mut self, binary: &Binary) {
        if binary.len() < Self::CHAIN_THRESHOLD {
            return self.binary(binary);
        }
        self.head(tag::BINARY, binary.len());
        self.chain(binary.to_bytes());
    }

    /// Like [`binary_shared`](Self::binary_shared), for `Bytes`.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    pub fn bytes(&mut self, bytes: &Bytes) {
        if bytes.len() < Self::CHAIN_THRESHOLD {
            return self.binary(bytes);
        }
        self.head(tag::BINARY, bytes.len());
        self.chain(bytes.clone());
    }

    /// A string, as the binary of its UTF-8: what Elixir calls a string.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    #[inline]
    pub fn str(&mut self, text: &str) {
        self.binary(text.as_bytes());
    }

    /// A bit string: `bytes`, of whose last byte the upper `bits` (1 to 8) count. Unused bits are written as zero.
    ///
    /// # Panics
    /// When `bits` is not 1 to 8, or `bytes` is empty or has more than `u32::MAX` bytes.
    pub fn bit_string(&mut self, bytes: &[u8], bits: u8) {
        assert!(
            (1..=8).contains(&bits) && !bytes.is_empty(),
            "a bit string has 1 to 8 bits in its last byte"
        );
        if bits == 8 {
            return self.binary(bytes);
        }
        self.head(tag::BIT_BINARY, bytes.len());
        self.bytes.push(bits);
        let (last, front) = bytes.split_last().expect("not empty");
        self.bytes.extend_from_slice(front);
        self.bytes.push(last & (0xff << (8 - bits)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atoms;

    #[test]
    fn large_shared_binaries_are_chained_not_copied() {
        let big = Bytes::from(vec![7; Encoder::CHAIN_THRESHOLD]);
        let mut e = Encoder::new();
        e.tuple(2);
        e.binary_shared(&Binary::from(big.clone()));
        e.atom(atoms::OK);
        assert_eq!(e.chunks().len(), 1);
        assert_eq!(
            (e.chunks()[0].0, e.chunks()[0].1.as_ptr()),
            (7, big.as_ptr())
        );
        assert_eq!(e.len(), 2 + 5 + big.len() + 4);
        let whole = e.to_vec();
        assert_eq!(whole.len(), e.len());
        assert_eq!(&whole[whole.len() - 4..], [119, 2, b'o', b'k']);
    }
}
