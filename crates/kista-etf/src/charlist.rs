//! Strings as Erlang has them: lists of code points.

use std::fmt;
use std::ops::Deref;

use crate::types::fits;
use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder, ListHeader};

/// A string that is a list of code points on the wire: `"text"` in Erlang, `~c"text"` in Elixir. A `String` is a binary.
///
/// ```
/// use kista_etf::{Charlist, from_slice, to_vec};
/// let bytes = to_vec(&Charlist::from("hi")).unwrap();
/// assert_eq!(bytes, [131, 107, 0, 2, b'h', b'i']);            // as term_to_binary("hi")
/// assert_eq!(from_slice::<Charlist>(&bytes).unwrap().as_str(), "hi");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Charlist(pub String);

impl Charlist {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Writes a text as a list of code points.
pub(crate) fn encode(text: &str, e: &mut Encoder) -> Result<(), EncodeError> {
    if text.is_ascii() && e.string(text.as_bytes()) {
        return Ok(());
    }
    let len = text.chars().count();
    fits(len, "a charlist")?;
    let head = e.inline_bytes().len();
    e.list(len);
    for char in text.chars() {
        e.int(i64::from(u32::from(char)));
    }
    e.end_list(head, len);
    Ok(())
}

impl Encode for Charlist {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        encode(&self.0, e)
    }
}

impl<'a> Decode<'a> for Charlist {
    /// An element that is no code point is a mismatch.
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let mut text = String::new();
        let mut header = d.list()?;
        loop {
            match header {
                ListHeader::Nil => return Ok(Self(text)),
                ListHeader::Bytes(bytes) => {
                    text.extend(bytes.iter().map(|byte| char::from(*byte)));
                    return Ok(Self(text));
                }
                ListHeader::Elements(len) => {
                    text.reserve(d.reserve_for(len, 1));
                    for _ in 0..len {
                        let char = u32::try_from(d.int()?).ok().and_then(char::from_u32);
                        text.push(char.ok_or(DecodeError::OutOfRange("char"))?);
                    }
                }
            }
            header = d.tail()?;
        }
    }
}

impl Deref for Charlist {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Charlist {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Charlist {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Charlist> for String {
    fn from(text: Charlist) -> Self {
        text.0
    }
}

impl fmt::Display for Charlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
