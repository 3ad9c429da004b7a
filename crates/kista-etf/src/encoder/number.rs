//! Writes integers, in their smallest form, and floats.

use num_bigint::{BigInt, Sign};

use super::Encoder;
use crate::{EncodeError, tag};

impl Encoder {
    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        match i32::try_from(value) {
            Ok(value) => {
                let (block, used) = integer(value);
                self.block(&block, used);
            }
            Err(_) => self.small_big(value < 0, &value.unsigned_abs().to_le_bytes()),
        }
    }

    /// An integer without a sign.
    #[inline]
    pub fn uint(&mut self, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.small_big(false, &value.to_le_bytes()),
        }
    }

    /// An integer of up to 128 bits.
    pub fn int128(&mut self, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.small_big(value < 0, &value.unsigned_abs().to_le_bytes()),
        }
    }

    /// An integer of up to 128 bits, without a sign.
    pub fn uint128(&mut self, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.small_big(false, &value.to_le_bytes()),
        }
    }

    /// An integer of any size.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    pub fn big(&mut self, value: &BigInt) {
        if let Ok(value) = i128::try_from(value) {
            return self.int128(value);
        }
        let (sign, bytes) = value.to_bytes_le();
        self.big_bytes(sign == Sign::Minus, &bytes);
    }

    fn small_big(&mut self, negative: bool, magnitude: &[u8]) {
        let len = magnitude
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        self.big_bytes(negative, &magnitude[..len]);
    }

    fn big_bytes(&mut self, negative: bool, magnitude: &[u8]) {
        match u8::try_from(magnitude.len()) {
            Ok(len) => self
                .bytes
                .extend_from_slice(&[tag::SMALL_BIG, len, u8::from(negative)]),
            Err(_) => {
                self.head(tag::LARGE_BIG, magnitude.len());
                self.bytes.push(u8::from(negative));
            }
        }
        self.bytes.extend_from_slice(magnitude);
    }

    /// A float. Fails for infinities and NaN, which Erlang does not have.
    #[inline]
    pub fn float(&mut self, value: f64) -> Result<(), EncodeError> {
        if !value.is_finite() {
            return Err(EncodeError::NonFinite);
        }
        let mut whole = [tag::NEW_FLOAT; 9];
        whole[1..].copy_from_slice(&value.to_be_bytes());
        self.bytes.extend_from_slice(&whole);
        Ok(())
    }
}

/// An integer in its smallest form, and how many bytes of the block that takes. Without a branch: in a list of mixed sizes
/// a branch is guessed wrong every second time.
#[inline]
pub(super) fn integer(value: i32) -> ([u8; 5], usize) {
    let [a, b, c, d] = value.to_be_bytes();
    let small = u8::try_from(value).is_ok();
    if small {
        ([tag::SMALL_INTEGER, d, 0, 0, 0], 2)
    } else {
        ([tag::INTEGER, a, b, c, d], 5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut e = Encoder::new();
        write(&mut e);
        e.into_vec()
    }

    #[test]
    fn integers_take_their_smallest_form() {
        assert_eq!(written(|e| e.int(255)), [97, 255]);
        assert_eq!(written(|e| e.int(-1)), [98, 255, 255, 255, 255]);
        assert_eq!(written(|e| e.int(256)), [98, 0, 0, 1, 0]);
        assert_eq!(written(|e| e.int(1 << 31)), [110, 4, 0, 0, 0, 0, 128]);
        assert_eq!(
            written(|e| e.int(i64::MIN)),
            [110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128]
        );
        assert_eq!(
            written(|e| e.uint(u64::MAX)),
            [110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255]
        );
        assert_eq!(written(|e| e.big(&BigInt::from(3))), [97, 3]);
        assert_eq!(
            written(|e| e.big(&(BigInt::from(1) << 2040)))[..7],
            [111, 0, 0, 1, 0, 0, 0]
        );
    }

    #[test]
    fn non_finite_floats_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Encoder::new().float(bad), Err(EncodeError::NonFinite));
        }
    }
}
