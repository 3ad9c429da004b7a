//! Reads binaries, the text in them, and bit strings.

use super::{Decoder, length};
use crate::kind::mismatch;
use crate::{Binary, DecodeError, Kind, tag};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

impl<'a> Decoder<'a> {
    /// A binary, as a part of the input.
    #[inline]
    pub fn binary(&mut self) -> Result<&'a [u8]> {
        if let [tag::BINARY, a, b, c, d, rest @ ..] = self.rest
            && let Some((bytes, rest)) = rest.split_at_checked(length([*a, *b, *c, *d]))
        {
            self.rest = rest;
            return Ok(bytes);
        }
        self.rare_binary()
    }

    /// A bit string of whole bytes, or no binary.
    #[cold]
    fn rare_binary(&mut self) -> Result<&'a [u8]> {
        match self.tag()? {
            tag::BINARY => Err(DecodeError::Truncated),
            tag::BIT_BINARY => {
                let mark = self.mark();
                let (bytes, bits) = self.bit_binary()?;
                if bits == 8 || bytes.is_empty() {
                    return Ok(bytes);
                }
                self.reset(mark);
                Err(DecodeError::Unexpected {
                    expected: "a binary",
                    found: Kind::BitString,
                })
            }
            other => Err(mismatch("a binary", other)),
        }
    }

    /// A binary that is UTF-8, as a part of the input.
    #[inline]
    pub fn str(&mut self) -> Result<&'a str> {
        let mark = self.mark();
        match std::str::from_utf8(self.binary()?) {
            Ok(text) => Ok(text),
            Err(_) => {
                self.reset(mark);
                Err(DecodeError::NotUtf8)
            }
        }
    }

    /// [`str`](Self::str), copied. The copy is checked, not the input: it begins where memory is aligned, and zeros fill its
    /// last 16 bytes, so that `from_utf8` goes all the way by blocks of ASCII. For texts of 10 to 50 bytes, which are most, it
    /// spends its time on the bytes before and behind such blocks else.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<String> {
        if let [tag::BINARY, a, b, c, d, input @ ..] = self.rest
            && let len = length([*a, *b, *c, *d])
            && let Some(rest) = input.get(len..)
            && len != 0
            && let Ok(mut text) = String::from_utf8(padded(input, len))
        {
            text.truncate(len);
            self.rest = rest;
            return Ok(text);
        }
        self.rare_string()
    }

    /// An empty one, a bit string of whole bytes, or none.
    #[cold]
    fn rare_string(&mut self) -> Result<String> {
        self.str().map(String::from)
    }

    /// A binary that outlives the input: a slice of the shared memory when it is large, else a copy.
    #[inline]
    pub fn binary_shared(&mut self) -> Result<Binary> {
        let bytes = self.binary()?;
        Ok(self.own(bytes))
    }

    #[inline]
    pub(crate) fn own(&self, bytes: &'a [u8]) -> Binary {
        match self.shared {
            Some(shared) if bytes.len() >= Self::SHARE_THRESHOLD => {
                Binary::from(shared.slice_ref(bytes))
            }
            _ => Binary::copy_from_slice(bytes),
        }
    }

    /// The bytes and the number of bits in the last one.
    pub(crate) fn bit_binary(&mut self) -> Result<(&'a [u8], u8)> {
        let [_, a, b, c, d, bits] = *self.take_array()?;
        let bytes = self.take(length([a, b, c, d]))?;
        match bits {
            1..=8 if !bytes.is_empty() => Ok((bytes, bits)),
            0 if bytes.is_empty() => Ok((bytes, 8)),
            _ => Err(DecodeError::BadBits(bits)),
        }
    }
}

/// The first `len` bytes of the input, and zeros up to a multiple of 16.
#[inline]
fn padded(input: &[u8], len: usize) -> Vec<u8> {
    const BLOCK: usize = 16;
    /// By how many bytes count.
    static MASKS: [u128; BLOCK + 1] = {
        let mut masks = [0; BLOCK + 1];
        let mut len = 1;
        while len <= BLOCK {
            masks[len] = u128::MAX >> (8 * (BLOCK - len));
            len += 1;
        }
        masks
    };
    let cut =
        |block: &[u8; BLOCK], len: usize| (u128::from_le_bytes(*block) & MASKS[len]).to_le_bytes();
    if let Some(block) = input.first_chunk()
        && len <= BLOCK
    {
        return cut(block, len).to_vec();
    }
    // What follows the text in the input is there to be copied with it, and then taken away.
    let size = len.next_multiple_of(BLOCK);
    let mut text = Vec::with_capacity(size);
    text.extend_from_slice(input.get(..size).unwrap_or(&input[..len]));
    text.resize(size, 0);
    if let Some(last) = text.last_chunk_mut() {
        *last = cut(last, BLOCK - (size - len));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A binary, and bytes behind it that would go on with any character.
    fn binary(text: &[u8], behind: usize) -> Vec<u8> {
        let mut input = vec![tag::BINARY, 0, 0, 0, text.len() as u8];
        input.extend_from_slice(text);
        input.extend(std::iter::repeat_n(0xa9, behind));
        input
    }

    #[test]
    fn a_text_ends_where_it_ends_whatever_follows_it() {
        for behind in [0, 1, 15, 16, 40] {
            for len in 0..70 {
                for text in [
                    "x".repeat(len),
                    "x".repeat(len) + "é",
                    "x".repeat(len) + "€é",
                    "\0".repeat(len),
                ] {
                    let input = binary(text.as_bytes(), behind);
                    let mut d = Decoder::new(&input);
                    let read = d.string().unwrap();
                    assert_eq!(read, text);
                    assert!(read.capacity() < text.len() + 16);
                    assert_eq!(d.remaining(), behind);
                }
            }
        }
    }

    #[test]
    fn a_character_that_is_cut_off_does_not_go_on_behind_the_text() {
        for behind in [0, 1, 15, 16, 40] {
            for len in 0..70 {
                for cut in [&b"\xc3"[..], b"\xe2\x82", b"\xf0\x9f\x92", b"\xff", b"\x80"] {
                    for text in [
                        ["x".repeat(len).as_bytes(), cut].concat(),
                        [cut, "x".repeat(len).as_bytes()].concat(),
                    ] {
                        let input = binary(&text, behind);
                        let mut d = Decoder::new(&input);
                        assert_eq!(d.string(), Err(DecodeError::NotUtf8));
                        assert_eq!(d.position(), 0, "a mismatch does not move");
                        assert_eq!(d.binary().unwrap(), text);
                    }
                }
            }
        }
    }
}
