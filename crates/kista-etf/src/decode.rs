//! Rust values out of terms: the trait. Implementations for the types of others are in `types/`.

use crate::{DecodeError, Decoder, tag, types};

/// A type whose values can be read from terms; which form each has is told in [`mapping`](crate::mapping).
///
/// ```
/// use kista_etf::{Decode, DecodeError, Decoder};
///
/// struct Celsius(f64);
///
/// impl<'a> Decode<'a> for Celsius {
///     fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
///         d.tuple_of(2)?;
///         match &*d.atom_str()? {
///             "celsius" => Ok(Celsius(d.float()?)),
///             other => Err(DecodeError::unknown_variant(other, "Celsius")),
///         }
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from an Erlang term",
    note = "add `#[derive(kista_etf::Decode)]` to it, or implement `Decode`"
)]
pub trait Decode<'a>: Sized {
    /// Reads exactly one term.
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError>;

    /// What stands for a field that a map does not have: `None` for an `Option`, nothing for other types.
    fn missing() -> Option<Self> {
        None
    }

    /// What a bare `ok` (or `error`) stands for, where `{ok, value}` (or `{error, value}`) is usual: `()`, and nothing for other
    /// types.
    fn from_ok() -> Option<Self> {
        None
    }

    /// Reads a proper list of such values: what integers do faster than one by one.
    #[doc(hidden)]
    #[inline]
    fn decode_vec(d: &mut Decoder<'a>) -> Result<Vec<Self>, DecodeError> {
        types::decode_vec(d)
    }

    /// Reads an element of a list that came as a string.
    #[doc(hidden)]
    #[inline]
    fn decode_small(d: &mut Decoder<'a>, value: u8) -> Result<Self, DecodeError> {
        Self::decode(&mut d.fork(&SMALL_INTEGERS[usize::from(value)]))
    }

    /// Reads what `encode_slice` wrote.
    #[doc(hidden)]
    fn decode_slice(d: &mut Decoder<'a>) -> Result<Vec<Self>, DecodeError> {
        Vec::decode(d)
    }
}

/// A type that can be read from any input and borrows nothing of it.
pub trait DecodeOwned: for<'a> Decode<'a> {}

impl<T: for<'a> Decode<'a>> DecodeOwned for T {}

/// The integers 0 to 255 as terms: the elements of a list that came as a string.
pub(crate) static SMALL_INTEGERS: [[u8; 2]; 256] = {
    let mut table = [[tag::SMALL_INTEGER, 0]; 256];
    let mut value = 0;
    while value < 256 {
        table[value][1] = value as u8;
        value += 1;
    }
    table
};
