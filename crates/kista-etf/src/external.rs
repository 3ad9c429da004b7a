//! Whole terms with their version byte: what `term_to_binary` makes and `binary_to_term` reads.
//!
//! ```text
//! 131 | term
//! 131 | 80 | size of the term: u32 | zlib stream of the term
//! ```

use std::io::{Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::bufread::ZlibDecoder;
use flate2::write::ZlibEncoder;

use crate::decode::{Decode, DecodeOwned};
use crate::encode::Encode;
use crate::{DecodeError, Decoder, EncodeError, Encoder, Limits, tag};

/// What `term_to_binary` makes of this value.
///
/// ```
/// assert_eq!(kista_etf::to_vec(&(1u8, "a")).unwrap(), [131, 104, 2, 97, 1, 109, 0, 0, 0, 1, b'a']);
/// ```
pub fn to_vec<T: Encode + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut e = Encoder::new();
    e.raw(&[tag::VERSION]);
    value.encode(&mut e)?;
    Ok(e.into_vec())
}

/// What `term_to_binary(Value, [{compressed, Level}])` makes of this value; level 0 to 9. Stays uncompressed when that is
/// shorter.
///
/// ```
/// let value = vec![7u8; 1000];
/// let bytes = kista_etf::to_vec_compressed(&value, 6).unwrap();
/// assert!(bytes.len() < 100);
/// assert_eq!(kista_etf::from_slice::<Vec<u8>>(&bytes).unwrap(), value);
/// ```
pub fn to_vec_compressed<T: Encode + ?Sized>(
    value: &T,
    level: u32,
) -> Result<Vec<u8>, EncodeError> {
    let plain = to_vec(value)?;
    let Ok(size) = u32::try_from(plain.len() - 1) else {
        return Ok(plain);
    };
    let mut out = vec![tag::VERSION, tag::COMPRESSED];
    out.extend_from_slice(&size.to_be_bytes());
    let mut zlib = ZlibEncoder::new(out, Compression::new(level.min(9)));
    // Writing into memory does not fail; if it ever did, the plain form is as good.
    match zlib.write_all(&plain[1..]).and_then(|()| zlib.finish()) {
        Ok(packed) if packed.len() < plain.len() => Ok(packed),
        _ => Ok(plain),
    }
}

/// Reads what `term_to_binary` made, also compressed. Nothing may follow it (`binary_to_term` would ignore that).
///
/// ```
/// let (n, text): (u8, String) = kista_etf::from_slice(&[131, 104, 2, 97, 1, 109, 0, 0, 0, 1, b'a']).unwrap();
/// assert_eq!((n, text.as_str()), (1, "a"));
/// ```
pub fn from_slice<T: DecodeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    from_slice_with(bytes, &Limits::DEFAULT)
}

/// [`from_slice`] with limits of one's own.
pub fn from_slice_with<T: DecodeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, DecodeError> {
    match open(bytes, limits)? {
        Opened::Plain(term) => whole(Decoder::new(term).limits(limits)),
        Opened::Inflated(term) => whole(Decoder::new(&term).limits(limits)),
    }
}

/// [`from_slice`] out of shared memory: large binaries become slices of it.
pub fn from_bytes<T: DecodeOwned>(bytes: &Bytes) -> Result<T, DecodeError> {
    match open(bytes, &Limits::DEFAULT)? {
        Opened::Plain(term) => whole(Decoder::new(term).shared(bytes)),
        Opened::Inflated(term) => {
            let term = Bytes::from(term);
            whole(Decoder::new(&term).shared(&term))
        }
    }
}

fn whole<'a, T: Decode<'a>>(mut d: Decoder<'a>) -> Result<T, DecodeError> {
    let value = T::decode(&mut d)?;
    d.finish()?;
    Ok(value)
}

enum Opened<'a> {
    Plain(&'a [u8]),
    Inflated(Vec<u8>),
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Opened<'a>, DecodeError> {
    match bytes {
        [tag::VERSION, tag::COMPRESSED, a, b, c, d, packed @ ..] => {
            inflate(packed, crate::decoder::length([*a, *b, *c, *d]), limits).map(Opened::Inflated)
        }
        [tag::VERSION, tag::COMPRESSED, ..] | [] => Err(DecodeError::Truncated),
        [tag::VERSION, term @ ..] => Ok(Opened::Plain(term)),
        [other, ..] => Err(DecodeError::BadVersion(*other)),
    }
}

/// Inflates exactly `size` bytes, taking memory only as they come.
fn inflate(packed: &[u8], size: usize, limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    let by_ratio = packed
        .len()
        .saturating_mul(limits.inflation_ratio)
        .max(limits.inflated_free);
    let limit = limits.inflated_bytes.min(by_ratio);
    if size > limit {
        return Err(DecodeError::TooLarge {
            what: "an inflated term",
            limit,
        });
    }
    let mut zlib = ZlibDecoder::new(packed);
    let mut term = Vec::new();
    // One byte more than announced shows a stream that is too long, and makes the reader check the checksum at its end.
    (&mut zlib)
        .take(size as u64 + 1)
        .read_to_end(&mut term)
        .map_err(|_| DecodeError::BadCompressed)?;
    if term.len() != size {
        return Err(DecodeError::BadCompressed);
    }
    match zlib.into_inner().len() {
        0 => Ok(term),
        left => Err(DecodeError::TrailingBytes(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Term;

    fn packed(plain: &[u8], claimed: u32) -> Vec<u8> {
        let mut out = vec![131, 80];
        out.extend_from_slice(&claimed.to_be_bytes());
        let mut zlib = ZlibEncoder::new(out, Compression::best());
        zlib.write_all(plain).unwrap();
        zlib.finish().unwrap()
    }

    #[test]
    fn a_compressed_term_must_have_the_size_it_says() {
        let plain = &to_vec(&Term::charlist("hello hello hello")).unwrap()[1..];
        let size = plain.len() as u32;
        assert_eq!(
            from_slice::<Term>(&packed(plain, size)).unwrap(),
            Term::charlist("hello hello hello")
        );
        for claimed in [size - 1, size + 1, 0] {
            assert_eq!(
                from_slice::<Term>(&packed(plain, claimed)),
                Err(DecodeError::BadCompressed)
            );
        }
    }

    #[test]
    fn a_zip_bomb_is_refused_before_it_inflates() {
        let zeros = vec![106; 10_000_000];
        let bomb = packed(&zeros, zeros.len() as u32);
        assert!(matches!(
            from_slice::<Term>(&bomb),
            Err(DecodeError::TooLarge { .. })
        ));
        assert!(matches!(
            from_slice::<Term>(&packed(&zeros, 100)),
            Err(DecodeError::BadCompressed)
        ));
    }

    #[test]
    fn a_compressed_term_inside_another_is_refused() {
        let inner = packed(&[106], 1);
        let inner = &inner[1..];
        assert_eq!(
            from_slice::<Term>(&packed(inner, inner.len() as u32)),
            Err(DecodeError::UnknownTag(80))
        );
    }

    #[test]
    fn a_broken_stream_and_bytes_after_it_are_refused() {
        let mut bytes = packed(&[106], 1);
        bytes.push(0);
        assert_eq!(
            from_slice::<Term>(&bytes),
            Err(DecodeError::TrailingBytes(1))
        );
        let whole = packed(&[106; 1], 1);
        for end in 0..whole.len() {
            assert!(from_slice::<Term>(&whole[..end]).is_err(), "{end}");
        }
        assert_eq!(
            from_slice::<Term>(&[130, 106]),
            Err(DecodeError::BadVersion(130))
        );
    }
}
