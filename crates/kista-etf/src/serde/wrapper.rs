//! A serde type where the traits of this crate are asked for.

use serde_core::{Deserialize, Serialize};

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

/// A value that is written and read by its serde implementations: where a message has to implement
/// [`Encode`](trait@Encode) and [`Decode`](trait@Decode).
///
/// ```
/// use kista_etf::{from_slice, serde::Serde, to_vec};
///
/// #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
/// struct User { name: String }
///
/// let bytes = to_vec(&Serde(User { name: "Ann".into() })).unwrap();
/// let Serde(user) = from_slice::<Serde<User>>(&bytes).unwrap();
/// assert_eq!(user.name, "Ann");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serde<T>(pub T);

impl<T: Serialize> Encode for Serde<T> {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        super::encode(&self.0, e)
    }
}

impl<'a, T: Deserialize<'a>> Decode<'a> for Serde<T> {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        super::decode(d).map(Serde)
    }
}
