//! Binaries: 16 bytes each, memory shared.
//!
//! A binary is one of two: bytes of its own behind one counted pointer (what was copied), or a slice of somebody else's
//! `Bytes` (what was received in a large buffer). Both clone by counting; neither conversion from or to `Bytes` copies.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

/// An immutable binary: cheap to clone, dereferences to `[u8]`.
///
/// ```
/// use bytes::Bytes;
/// use kista_etf::Binary;
/// let shared = Bytes::from_static(b"hello");
/// let binary = Binary::from(shared.clone());
/// assert_eq!(&binary[1..3], b"el");
/// assert_eq!(binary.to_bytes().as_ptr(), shared.as_ptr());
/// ```
#[derive(Clone)]
pub struct Binary(Repr);

#[derive(Clone)]
enum Repr {
    Own(Arc<[u8]>),
    Slice(Arc<Bytes>),
}

impl Binary {
    /// The empty binary.
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of these bytes.
    #[inline]
    pub fn copy_from_slice(bytes: &[u8]) -> Self {
        Self(Repr::Own(Arc::from(bytes)))
    }

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Repr::Own(bytes) => bytes,
            Repr::Slice(bytes) => bytes,
        }
    }

    /// The text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(self.as_slice()).ok()
    }

    /// The same memory as `Bytes`; nothing is copied.
    pub fn to_bytes(&self) -> Bytes {
        match &self.0 {
            Repr::Own(bytes) => Bytes::from_owner(Arc::clone(bytes)),
            Repr::Slice(bytes) => Bytes::clone(bytes),
        }
    }
}

impl Default for Binary {
    fn default() -> Self {
        Self(Repr::Own(Arc::default()))
    }
}

impl Deref for Binary {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Binary {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Borrow<[u8]> for Binary {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl From<Bytes> for Binary {
    fn from(bytes: Bytes) -> Self {
        Self(Repr::Slice(Arc::new(bytes)))
    }
}

impl From<Vec<u8>> for Binary {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Repr::Own(Arc::from(bytes)))
    }
}

impl From<&[u8]> for Binary {
    fn from(bytes: &[u8]) -> Self {
        Self::copy_from_slice(bytes)
    }
}

impl From<&str> for Binary {
    fn from(text: &str) -> Self {
        Self::copy_from_slice(text.as_bytes())
    }
}

impl From<String> for Binary {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<Binary> for Bytes {
    fn from(binary: Binary) -> Self {
        binary.to_bytes()
    }
}

impl From<Binary> for Vec<u8> {
    fn from(binary: Binary) -> Self {
        binary.as_slice().to_vec()
    }
}

impl PartialEq for Binary {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Binary {}

impl PartialEq<[u8]> for Binary {
    fn eq(&self, other: &[u8]) -> bool {
        self.as_slice() == other
    }
}

impl Hash for Binary {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl PartialOrd for Binary {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Binary {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

impl fmt::Debug for Binary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::term::text::write_binary(f, self.as_slice(), None, true)
    }
}

/// A bit string whose size is no multiple of eight: the last byte holds 1 to 7 bits, in its upper end.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BitString {
    bytes: Binary,
    bits: u8,
}

impl BitString {
    /// `bytes`, of whose last byte the upper `bits` count: `None` unless there is a last byte and `bits` is 1 to 7.
    /// Unused bits are set to zero.
    pub fn new(bytes: impl Into<Binary>, bits: u8) -> Option<Self> {
        let bytes = bytes.into();
        let last = *bytes.last()?;
        if !(1..=7).contains(&bits) {
            return None;
        }
        let kept = last & (0xff << (8 - bits));
        if kept == last {
            return Some(Self { bytes, bits });
        }
        let mut own = bytes.to_vec();
        *own.last_mut()? = kept;
        Some(Self {
            bytes: Binary::from(own),
            bits,
        })
    }

    /// All bytes, the last one partly used.
    pub const fn bytes(&self) -> &Binary {
        &self.bytes
    }

    /// How many bits of the last byte count: 1 to 7.
    pub const fn last_bits(&self) -> u8 {
        self.bits
    }

    /// How many bits there are.
    pub fn bit_len(&self) -> usize {
        (self.bytes.len() - 1) * 8 + usize::from(self.bits)
    }
}

impl fmt::Debug for BitString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::term::text::write_binary(f, &self.bytes, Some(self.bits), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bytes_and_no_copies() {
        assert_eq!(size_of::<Binary>(), 16);
        let bytes = Bytes::from(vec![1; 1000]);
        assert_eq!(
            Binary::from(bytes.clone()).to_bytes().as_ptr(),
            bytes.as_ptr()
        );
        let own = Binary::copy_from_slice(&[1; 1000]);
        assert_eq!(own.to_bytes().as_ptr(), own.as_ptr());
        assert_eq!(own, Binary::from(bytes));
    }

    #[test]
    fn unused_bits_do_not_count() {
        assert_eq!(
            BitString::new(&[0b1010_1111][..], 4),
            BitString::new(&[0b1010_0000][..], 4)
        );
        assert_eq!(BitString::new(&[0b1010_0000][..], 4).unwrap().bit_len(), 4);
    }

    #[test]
    fn a_bit_string_of_whole_bytes_is_refused() {
        assert!(BitString::new(&[1][..], 8).is_none());
        assert!(BitString::new(&[1][..], 0).is_none());
        assert!(BitString::new(&[][..], 3).is_none());
    }
}
