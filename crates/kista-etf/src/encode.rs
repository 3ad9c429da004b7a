//! Rust values as terms: the trait. Implementations for the types of others are in `types/`.

use crate::types;
use crate::{EncodeError, Encoder};

/// A type whose values can be written as terms; which form each has is told in [`mapping`](crate::mapping).
///
/// ```
/// use kista_etf::{Encode, EncodeError, Encoder};
///
/// struct Celsius(f64);
///
/// impl Encode for Celsius {
///     fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
///         e.tuple(2);
///         e.atom(kista_etf::atom!("celsius"));
///         e.float(self.0)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written as an Erlang term",
    note = "add `#[derive(kista_etf::Encode)]` to it, or implement `Encode`"
)]
pub trait Encode {
    /// Writes exactly one term.
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError>;

    /// Whether the value is written as `ok`, so that `Ok(value)` need not be `{ok, ok}`, nor `Err(value)` `{error, ok}`: for `()`.
    fn is_ok(&self) -> bool {
        false
    }

    /// Writes a list of such values: where integers take the short form of a string.
    #[doc(hidden)]
    #[inline]
    fn encode_list(items: &[Self], e: &mut Encoder) -> Result<(), EncodeError>
    where
        Self: Sized,
    {
        types::encode_list(items.iter(), e)
    }

    /// Writes a slice of such values: where bytes are a binary.
    #[doc(hidden)]
    #[inline]
    fn encode_slice(items: &[Self], e: &mut Encoder) -> Result<(), EncodeError>
    where
        Self: Sized,
    {
        Self::encode_list(items, e)
    }
}
