//! Reads integers of any size, and floats.

use num_bigint::{BigInt, Sign};

use super::{Decoder, length};
use crate::kind::mismatch;
use crate::{DecodeError, Limited, tag};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

impl<'a> Decoder<'a> {
    /// An integer that fits `i64`.
    #[inline]
    pub fn int(&mut self) -> Result<i64> {
        match self.rest {
            [tag::SMALL_INTEGER, value, rest @ ..] => {
                self.rest = rest;
                Ok(i64::from(*value))
            }
            [tag::INTEGER, a, b, c, d, rest @ ..] => {
                self.rest = rest;
                Ok(i64::from(i32::from_be_bytes([*a, *b, *c, *d])))
            }
            _ => self.medium("i64"),
        }
    }

    /// An integer that fits `u64`.
    #[inline]
    pub fn uint(&mut self) -> Result<u64> {
        match self.rest {
            [tag::SMALL_INTEGER, value, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(*value))
            }
            [tag::INTEGER, a @ 0..128, b, c, d, rest @ ..] => {
                self.rest = rest;
                Ok(u64::from(u32::from_be_bytes([*a, *b, *c, *d])))
            }
            _ => self.medium("u64"),
        }
    }

    /// An integer that fits `i128`.
    pub fn int128(&mut self) -> Result<i128> {
        self.medium("i128")
    }

    /// An integer that fits `u128`.
    pub fn uint128(&mut self) -> Result<u128> {
        let mark = self.mark();
        match self.int128() {
            Err(DecodeError::OutOfRange(_)) => {}
            Ok(value) if value < 0 => self.reset(mark),
            result => return result.map(i128::cast_unsigned),
        }
        match self.big_parts() {
            Ok((false, magnitude)) if magnitude.len() <= 16 => {
                let mut bytes = [0; 16];
                bytes[..magnitude.len()].copy_from_slice(magnitude);
                Ok(u128::from_le_bytes(bytes))
            }
            _ => {
                self.reset(mark);
                Err(DecodeError::OutOfRange("u128"))
            }
        }
    }

    /// An integer of up to 16 bytes, as the type `T` of this name.
    #[inline(never)]
    fn medium<T: TryFrom<i128>>(&mut self, name: &'static str) -> Result<T> {
        let mark = self.mark();
        let value = match self.tag()? {
            tag::SMALL_INTEGER => i128::from(self.take_array::<2>()?[1]),
            tag::INTEGER => {
                let [_, value @ ..] = *self.take_array::<5>()?;
                i128::from(i32::from_be_bytes(value))
            }
            _ => match self.big_parts()? {
                (negative, magnitude) if magnitude.len() <= 16 => {
                    let mut bytes = [0; 16];
                    bytes[..magnitude.len()].copy_from_slice(magnitude);
                    let magnitude = u128::from_le_bytes(bytes);
                    let value = if negative {
                        0i128.checked_sub_unsigned(magnitude)
                    } else {
                        i128::try_from(magnitude).ok()
                    };
                    let Some(value) = value else {
                        self.reset(mark);
                        return Err(DecodeError::OutOfRange(name));
                    };
                    value
                }
                _ => {
                    self.reset(mark);
                    return Err(DecodeError::OutOfRange(name));
                }
            },
        };
        T::try_from(value).map_err(|_| {
            self.reset(mark);
            DecodeError::OutOfRange(name)
        })
    }

    /// Reads integers of up to 32 bits, at most so many, and gives each to `take`; ends before what is none, and before one
    /// that `take` refuses. What is left stays in a register all the way.
    #[inline]
    pub(crate) fn small_integers(&mut self, most: usize, mut take: impl FnMut(i32) -> bool) {
        let mut rest = self.rest;
        for _ in 0..most {
            let (value, after) = match rest {
                [tag::SMALL_INTEGER, value, after @ ..] => (i32::from(*value), after),
                [tag::INTEGER, a, b, c, d, after @ ..] => {
                    (i32::from_be_bytes([*a, *b, *c, *d]), after)
                }
                _ => break,
            };
            if !take(value) {
                break;
            }
            rest = after;
        }
        self.rest = rest;
    }

    /// An integer of any size up to the limit.
    pub fn big(&mut self) -> Result<BigInt> {
        if matches!(self.tag()?, tag::SMALL_INTEGER | tag::INTEGER) {
            return Ok(BigInt::from(self.int()?));
        }
        let (negative, magnitude) = self.big_parts()?;
        Ok(BigInt::from_bytes_le(
            if negative { Sign::Minus } else { Sign::Plus },
            magnitude,
        ))
    }

    /// The sign and the bytes (least first, without leading zeros) of a big integer.
    pub(crate) fn big_parts(&mut self) -> Result<(bool, &'a [u8])> {
        let (len, sign) = match self.tag()? {
            tag::SMALL_BIG => {
                let [_, len, sign] = *self.take_array()?;
                (usize::from(len), sign)
            }
            tag::LARGE_BIG => {
                let [_, a, b, c, d, sign] = *self.take_array()?;
                (length([a, b, c, d]), sign)
            }
            other => return Err(mismatch("an integer", other)),
        };
        let limit = self.limits.bigint_bytes;
        if len > limit {
            return Err(DecodeError::TooLarge(Limited::Integer, limit));
        }
        let bytes = self.take(len)?;
        let used = bytes
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        Ok((sign != 0, &bytes[..used]))
    }

    /// A float. Integers are not taken for floats.
    #[inline]
    pub fn float(&mut self) -> Result<f64> {
        if let Some(([tag::NEW_FLOAT, value @ ..], rest)) = self.rest.split_first_chunk::<9>() {
            let value = f64::from_be_bytes(*value);
            if value.is_finite() {
                self.rest = rest;
                return Ok(value);
            }
        }
        self.rare_float()
    }

    /// A float as text, or none.
    #[cold]
    fn rare_float(&mut self) -> Result<f64> {
        match self.tag()? {
            tag::NEW_FLOAT => {
                self.take(9)?;
                Err(DecodeError::BadFloat)
            }
            tag::FLOAT => {
                let [_, text @ ..] = self.take_array::<32>()?;
                text_float(text)
                    .filter(|value| value.is_finite())
                    .ok_or(DecodeError::BadFloat)
            }
            other => Err(mismatch("a float", other)),
        }
    }
}

/// The number in a float's legacy form, which is text up to a zero byte: a sign or none, digits, a point (or the comma that
/// some locales wrote), digits, and maybe an exponent. Infinite when it is too large.
fn text_float(text: &[u8]) -> Option<f64> {
    let digits = |text: &mut &[u8]| {
        let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        *text = &text[count..];
        (count > 0).then_some(())
    };
    let sign = |text: &mut &[u8]| {
        if let [b'+' | b'-', rest @ ..] = *text {
            *text = rest;
        }
    };
    let text = &text[..text.iter().position(|byte| *byte == 0)?];
    let mut rest = text;
    sign(&mut rest);
    digits(&mut rest)?;
    let point = text.len() - rest.len();
    let [b'.' | b',', after @ ..] = rest else {
        return None;
    };
    rest = after;
    digits(&mut rest)?;
    if let [b'e' | b'E', after @ ..] = rest {
        rest = after;
        sign(&mut rest);
        digits(&mut rest)?;
    }
    let mut plain = [0; 31];
    let plain = plain.get_mut(..text.len()).filter(|_| rest.is_empty())?;
    plain.copy_from_slice(text);
    plain[point] = b'.';
    std::str::from_utf8(plain).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_that_ends_early_is_no_integer() {
        for bytes in [&[97][..], &[98, 1, 2, 3], &[110, 1], &[110, 1, 0], &[]] {
            for read in [
                |d: &mut Decoder<'_>| d.int().map(drop),
                |d: &mut Decoder<'_>| d.uint().map(drop),
                |d: &mut Decoder<'_>| d.int128().map(drop),
                |d: &mut Decoder<'_>| d.term().map(drop),
            ] {
                assert_eq!(read(&mut Decoder::new(bytes)), Err(DecodeError::Truncated));
            }
        }
        let short = [108, 0, 0, 0, 3, 97, 1, 98, 0, 0];
        assert_eq!(
            crate::Decode::decode(&mut Decoder::new(&short)),
            Err::<Vec<i64>, _>(DecodeError::Truncated)
        );
    }

    #[test]
    fn a_list_of_integers_says_which_element_does_not_fit() {
        use crate::{Decode, Place, to_vec};
        for (items, at) in [
            (vec![1i64, 2, 300], 2),
            (vec![-1, 1], 0),
            (vec![1i64, 1 << 40], 1),
        ] {
            let error = Vec::<u8>::decode(&mut Decoder::new(&to_vec(&items).unwrap()[1..]));
            let expected = DecodeError::OutOfRange("u8").within(Place::Element(at));
            assert_eq!(error, Err(expected));
        }
        let error = Vec::<i8>::decode(&mut Decoder::new(&[107, 0, 2, 127, 128]));
        let expected = DecodeError::OutOfRange("i8").within(Place::Element(1));
        assert_eq!(error, Err(expected));
    }
}
