//! Whole terms with their version byte: what `term_to_binary` makes and `binary_to_term` reads.
//!
//! ```text
//! 131 | term
//! 131 | 80 | size of the term: u32 | zlib stream of the term
//! ```

use std::io::Write;

use bytes::Bytes;
use flate2::write::ZlibEncoder;
use flate2::{Decompress, FlushDecompress, Status};

use crate::decode::{Decode, DecodeOwned};
use crate::encode::Encode;
use crate::{AtomQuota, DecodeError, Decoder, EncodeError, Encoder, Limited, Limits, Term, tag};

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

/// How [`to_vec_compressed`] compresses.
///
/// ```
/// use kista_etf::{Compression, to_vec_compressed};
/// let how = Compression::new(9).threshold(4096);
/// assert_eq!(to_vec_compressed(&vec![7u32; 100], how).unwrap()[1], 107);      // small: as it is
/// assert_eq!(to_vec_compressed(&vec![7u32; 10_000], how).unwrap()[1], 80);    // compressed
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    level: u32,
    threshold: usize,
}

impl Compression {
    /// Level 0 (none) to 9 (best, slow), as zlib counts; a higher one counts as 9. There is no threshold yet.
    pub const fn new(level: u32) -> Self {
        Self {
            level: if level > 9 { 9 } else { level },
            threshold: 0,
        }
    }

    /// Terms of fewer bytes than this, version byte included, stay as they are.
    pub const fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }
}

impl Default for Compression {
    /// Level 6 and no threshold: what `term_to_binary(Value, [compressed])` does.
    fn default() -> Self {
        Self::new(6)
    }
}

/// As [`Compression::new`].
impl From<u32> for Compression {
    fn from(level: u32) -> Self {
        Self::new(level)
    }
}

/// What `term_to_binary(Value, [{compressed, Level}])` makes of this value, with a level or a [`Compression`]. Stays
/// uncompressed when that is shorter.
///
/// A reader with the default [`Limits`](crate::Limits) takes up to 1 MiB at any ratio, and above that 16 MiB at the most that
/// are no more than 64 times what they were compressed to. What repeats itself a great deal needs a reader with wider ones.
///
/// ```
/// let value = vec![7u8; 1000];
/// let bytes = kista_etf::to_vec_compressed(&value, 6).unwrap();
/// assert!(bytes.len() < 100);
/// assert_eq!(kista_etf::from_slice::<Vec<u8>>(&bytes).unwrap(), value);
/// ```
pub fn to_vec_compressed<T: Encode + ?Sized>(
    value: &T,
    how: impl Into<Compression>,
) -> Result<Vec<u8>, EncodeError> {
    let how = how.into();
    let plain = to_vec(value)?;
    let size = match u32::try_from(plain.len() - 1) {
        Ok(size) if plain.len() >= how.threshold => size,
        _ => return Ok(plain),
    };
    let mut out = vec![tag::VERSION, tag::COMPRESSED];
    out.extend_from_slice(&size.to_be_bytes());
    let mut zlib = ZlibEncoder::new(out, flate2::Compression::new(how.level));
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

/// [`from_slice`] for types that borrow from the input: `&str` and `&[u8]` are parts of `bytes`. A compressed term has nothing
/// to borrow from: it is a mismatch.
///
/// ```
/// use kista_etf::{Decode, from_slice_borrowed};
/// #[derive(Decode)]
/// struct User<'a> { name: &'a str }
///
/// let bytes = b"\x83t\0\0\0\x01w\x04namem\0\0\0\x02Jo";
/// let user: User<'_> = from_slice_borrowed(bytes).unwrap();
/// assert!(bytes.as_ptr_range().contains(&user.name.as_ptr()));
/// ```
pub fn from_slice_borrowed<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    from_slice_borrowed_with(bytes, &Limits::DEFAULT)
}

/// [`from_slice_borrowed`] with limits of one's own.
pub fn from_slice_borrowed_with<'a, T: Decode<'a>>(
    bytes: &'a [u8],
    limits: &'a Limits,
) -> Result<T, DecodeError> {
    whole(Decoder::new(plain(bytes, limits)?).limits(limits))
}

/// [`from_slice`] with limits of one's own.
pub fn from_slice_with<T: DecodeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, DecodeError> {
    match open(bytes, limits)? {
        Opened::Plain(term) => whole(Decoder::new(term).limits(limits)),
        Opened::Inflated(term) => whole(Decoder::new(&term).limits(limits)),
    }
}

/// [`from_slice_with`] and a quota of new atoms of one's own: for a source that is not to use up what others share.
///
/// ```
/// use kista_etf::{AtomQuota, Limits, Term, from_slice_with_quota};
/// let quota = AtomQuota::new(0);
/// let term: Term = from_slice_with_quota(b"\x83w\x0anever_seen", &Limits::DEFAULT, &quota).unwrap();
/// assert!(term.is_atom("never_seen"));
/// assert_eq!(term.as_atom(), None);                       // a text: it was not interned
/// ```
pub fn from_slice_with_quota<T: DecodeOwned>(
    bytes: &[u8],
    limits: &Limits,
    quota: &AtomQuota,
) -> Result<T, DecodeError> {
    match open(bytes, limits)? {
        Opened::Plain(term) => whole(Decoder::new(term).limits(limits).quota(quota)),
        Opened::Inflated(term) => whole(Decoder::new(&term).limits(limits).quota(quota)),
    }
}

/// The value as a term; the way back is [`from_term`].
///
/// ```
/// use kista_etf::{Encode, Decode, from_term, term, to_term};
/// #[derive(Debug, PartialEq, Encode, Decode)]
/// struct Point { x: i64, y: i64 }
///
/// let term = to_term(&Point { x: 1, y: 2 }).unwrap();
/// assert_eq!(term, term!(#{x => 1, y => 2}));
/// assert_eq!(from_term::<Point>(&term).unwrap(), Point { x: 1, y: 2 });
/// ```
pub fn to_term<T: Encode + ?Sized>(value: &T) -> Result<Term, EncodeError> {
    let mut e = Encoder::new();
    value.encode(&mut e)?;
    whole(Decoder::new(&e.into_vec()).limits(&OURS)).map_err(|error| {
        EncodeError::custom(format_args!(
            "an implementation of Encode wrote something else than one term: {error}"
        ))
    })
}

/// A value out of a term: what [`from_slice`] makes of its bytes.
///
/// ```
/// use kista_etf::{Term, from_term};
/// let term: Term = "{7, <<\"seven\">>}".parse().unwrap();
/// assert_eq!(from_term::<(u8, String)>(&term).unwrap(), (7, "seven".to_owned()));
/// assert_eq!(from_term::<(u8, u8)>(&term).unwrap_err().to_string(), "element 1: expected an integer, found a binary");
/// ```
pub fn from_term<T: DecodeOwned>(term: &Term) -> Result<T, DecodeError> {
    let mut e = Encoder::new();
    e.term(term).map_err(DecodeError::custom)?;
    whole(Decoder::new(&e.into_vec()).limits(&OURS))
}

/// For what is in memory already: only the stack is bounded.
static OURS: Limits = Limits {
    depth: usize::MAX,
    bigint_bytes: usize::MAX,
    ..Limits::DEFAULT
};

/// [`from_slice`] out of shared memory: large binaries become slices of it.
pub fn from_bytes<T: DecodeOwned>(bytes: &Bytes) -> Result<T, DecodeError> {
    from_bytes_with(bytes, &Limits::DEFAULT)
}

/// [`from_bytes`] with limits of one's own.
pub fn from_bytes_with<T: DecodeOwned>(bytes: &Bytes, limits: &Limits) -> Result<T, DecodeError> {
    match open(bytes, limits)? {
        Opened::Plain(term) => whole(Decoder::new(term).limits(limits).shared(bytes)),
        Opened::Inflated(term) => {
            let term = Bytes::from(term);
            whole(Decoder::new(&term).limits(limits).shared(&term))
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

/// The term in it, which can be borrowed from: a compressed one is refused, and not inflated for it.
pub(crate) fn plain<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a [u8], DecodeError> {
    match term_of(bytes, limits)? {
        [tag::COMPRESSED, ..] => Err(DecodeError::custom(
            "a compressed term cannot be borrowed from; read it as an owned type",
        )),
        term => Ok(term),
    }
}

/// What follows the version byte.
fn term_of<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a [u8], DecodeError> {
    if bytes.len() > limits.bytes {
        return Err(DecodeError::TooLarge(Limited::Input, limits.bytes));
    }
    match bytes {
        [tag::VERSION, term @ ..] => Ok(term),
        [other, ..] => Err(DecodeError::BadVersion(*other)),
        [] => Err(DecodeError::Truncated),
    }
}

fn open<'a>(bytes: &'a [u8], limits: &Limits) -> Result<Opened<'a>, DecodeError> {
    match term_of(bytes, limits)? {
        [tag::COMPRESSED, a, b, c, d, packed @ ..] => {
            inflate(packed, crate::decoder::length([*a, *b, *c, *d]), limits).map(Opened::Inflated)
        }
        [tag::COMPRESSED, ..] => Err(DecodeError::Truncated),
        term => Ok(Opened::Plain(term)),
    }
}

/// Inflates exactly `size` bytes, taking memory only as they come.
fn inflate(packed: &[u8], size: usize, limits: &Limits) -> Result<Vec<u8>, DecodeError> {
    let by_ratio = packed
        .len()
        .saturating_mul(limits.inflation_ratio)
        .max(limits.inflated_free);
    if size > limits.inflated_bytes {
        let limit = limits.inflated_bytes;
        return Err(DecodeError::TooLarge(Limited::Inflated, limit));
    }
    if size > by_ratio {
        return Err(DecodeError::TooLarge(Limited::InflationRatio, by_ratio));
    }
    let mut zlib = Decompress::new(true);
    // Room for one byte more than announced shows a stream that is too long.
    let mut term = Vec::with_capacity(packed.len().saturating_mul(4).min(size) + 1);
    loop {
        let unread = packed.get(zlib.total_in() as usize..).unwrap_or_default();
        let status = zlib
            .decompress_vec(unread, &mut term, FlushDecompress::None)
            .map_err(|_| DecodeError::BadCompressed)?;
        match status {
            Status::StreamEnd if term.len() == size => break,
            Status::StreamEnd => return Err(DecodeError::BadCompressed),
            Status::Ok | Status::BufError
                if term.len() == term.capacity() && term.len() <= size =>
            {
                term.reserve_exact(term.len().min(size + 1 - term.len()));
            }
            // There is room, so what is missing is input; or there is more than was announced.
            Status::Ok | Status::BufError => return Err(DecodeError::BadCompressed),
        }
    }
    match packed.len() - zlib.total_in() as usize {
        0 => Ok(term),
        left => Err(DecodeError::TrailingBytes(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(plain: &[u8], claimed: u32) -> Vec<u8> {
        let mut out = vec![131, 80];
        out.extend_from_slice(&claimed.to_be_bytes());
        let mut zlib = ZlibEncoder::new(out, flate2::Compression::best());
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
    fn level_and_threshold_are_kept() {
        let value = Term::charlist(&"kista ".repeat(100));
        let plain = to_vec(&value).unwrap();
        let sizes = [0, 1, 6, 9, 200].map(|level| to_vec_compressed(&value, level).unwrap());
        assert_eq!(sizes[0], plain, "level 0 saves nothing");
        assert!(sizes[1..].iter().all(|packed| packed[..2] == [131, 80]));
        assert_eq!(sizes[3], sizes[4]);
        let how = Compression::default();
        for (threshold, tag) in [(plain.len(), 80), (plain.len() + 1, plain[1])] {
            let bytes = to_vec_compressed(&value, how.threshold(threshold)).unwrap();
            assert_eq!(bytes[1], tag);
            assert_eq!(from_slice::<Term>(&bytes).unwrap(), value);
        }
    }

    #[test]
    fn a_stream_may_inflate_in_many_steps() {
        for count in [0, 1, 100, 30_000] {
            let mut plain = vec![108];
            plain.extend_from_slice(&(count as u32).to_be_bytes());
            plain.extend(std::iter::repeat_n(106, count + 1));
            let size = plain.len();
            let read = from_slice::<Term>(&packed(&plain, size as u32));
            assert_eq!(read.unwrap().as_list().unwrap().len(), count);
            for lie in [size - 1, size + 1, size * 2] {
                let refused = from_slice::<Term>(&packed(&plain, lie as u32));
                assert_eq!(
                    refused,
                    Err(DecodeError::BadCompressed),
                    "{lie}, not {size}"
                );
            }
        }
    }

    #[test]
    fn a_zip_bomb_is_refused_before_it_inflates() {
        let zeros = vec![106; 10_000_000];
        let bomb = packed(&zeros, zeros.len() as u32);
        assert!(matches!(
            from_slice::<Term>(&bomb),
            Err(DecodeError::TooLarge(
                Limited::Inflated | Limited::InflationRatio,
                _
            ))
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
