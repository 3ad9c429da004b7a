//! What may be a node's name.
//!
//! A name that arrives before the cookie was checked is text from anybody: it is bounded (255 characters), has exactly one `@`
//! with something on both sides, and no control characters, so that it can be logged. It becomes an atom only afterwards.
//!
//! 1. Before the `@` are ASCII letters, digits, `-` and `_` alone, as OTP 25 to 29 have it (`erts_internal:new_connection/1` refuses
//!    others). After it OTP takes anything; here it is what can be logged.
//! 2. In the handshake a name's bytes are Latin-1, not UTF-8: OTP makes an atom of them by `list_to_atom/1`. Only the name that a node
//!    without one is given is UTF-8 (`named:`).

use thiserror::Error;

const MAX_CHARACTERS: usize = 255;

/// Why a text is no node name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NodeNameError {
    /// Longer than an atom may be.
    #[error("node name is longer than 255 characters")]
    TooLong,
    /// Not `name@host`, both parts non-empty.
    #[error("node name is not of the form name@host")]
    NotNameAtHost,
    /// A control character or white space, or before the `@` anything but ASCII letters, digits, `-` and `_`.
    #[error(
        "node name contains a character that it must not have: before the '@' are ASCII letters, digits, '-' and '_', and nowhere \
         control characters or white space"
    )]
    BadCharacter,
    /// The name that the peer gives us is not UTF-8.
    #[error("the node name that the peer gives is not UTF-8")]
    NotUtf8,
    /// A character that the handshake's Latin-1 cannot carry.
    #[error("node name contains a character outside Latin-1")]
    NotLatin1,
}

/// Checks a full node name, `name@host`.
///
/// ```
/// use kista_dist::check_node_name;
/// assert!(check_node_name("demo@127.0.0.1").is_ok());
/// assert!(check_node_name("demo").is_err());
/// assert!(check_node_name("a@b@c").is_err());
/// ```
pub fn check_node_name(name: &str) -> Result<(), NodeNameError> {
    check_characters(name)?;
    match name.split_once('@') {
        Some((alive, host)) if !alive.is_empty() && !host.is_empty() && !host.contains('@') => {
            match alive.bytes().all(is_of_alive) {
                true => Ok(()),
                false => Err(NodeNameError::BadCharacter),
            }
        }
        _ => Err(NodeNameError::NotNameAtHost),
    }
}

fn is_of_alive(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Checks the host part, which is all that a node asking for a dynamic name sends.
pub(crate) fn check_host(host: &str) -> Result<(), NodeNameError> {
    check_characters(host)?;
    if host.is_empty() || host.contains('@') {
        Err(NodeNameError::NotNameAtHost)
    } else {
        Ok(())
    }
}

fn check_characters(text: &str) -> Result<(), NodeNameError> {
    let mut count = 0;
    for c in text.chars() {
        count += 1;
        if count > MAX_CHARACTERS {
            return Err(NodeNameError::TooLong);
        }
        if c.is_control() || c.is_whitespace() {
            return Err(NodeNameError::BadCharacter);
        }
        if u32::from(c) > 255 {
            return Err(NodeNameError::NotLatin1);
        }
    }
    Ok(())
}

/// The handshake's bytes for a name that was checked.
pub(crate) fn to_latin1(name: &str) -> Vec<u8> {
    name.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect()
}

/// A name out of the handshake's bytes; only its length is checked, before it takes any memory.
pub(crate) fn from_latin1(bytes: &[u8]) -> Result<String, NodeNameError> {
    if bytes.len() > MAX_CHARACTERS {
        return Err(NodeNameError::TooLong);
    }
    Ok(bytes.iter().map(|&b| char::from(b)).collect())
}

/// As [`from_latin1`], of the one name that is UTF-8.
pub(crate) fn from_utf8(bytes: &[u8]) -> Result<String, NodeNameError> {
    // A character has up to four bytes; how many there are of them is checked with the rest.
    if bytes.len() > 4 * MAX_CHARACTERS {
        return Err(NodeNameError::TooLong);
    }
    match std::str::from_utf8(bytes) {
        Ok(name) => Ok(name.to_owned()),
        Err(_) => Err(NodeNameError::NotUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_are_refused() {
        for (name, why) in [
            ("", NodeNameError::NotNameAtHost),
            ("@host", NodeNameError::NotNameAtHost),
            ("name@", NodeNameError::NotNameAtHost),
            ("a\n@b", NodeNameError::BadCharacter),
            ("a\u{1b}[31m@b", NodeNameError::BadCharacter),
            ("a\u{9b}@b", NodeNameError::BadCharacter),
            ("a b@c", NodeNameError::BadCharacter),
            ("\u{e9}@b", NodeNameError::BadCharacter),
            ("a.b@c", NodeNameError::BadCharacter),
            ("a/b@c", NodeNameError::BadCharacter),
            ("a@\u{263a}", NodeNameError::NotLatin1),
        ] {
            assert_eq!(check_node_name(name), Err(why), "{name:?}");
        }
        assert_eq!(
            check_node_name(&format!("{}@h", "x".repeat(254))),
            Err(NodeNameError::TooLong)
        );
        assert_eq!(check_node_name(&format!("{}@h", "x".repeat(253))), Ok(()));
    }

    #[test]
    fn latin1_survives_both_ways() {
        assert_eq!(from_latin1(&to_latin1("b@é")), Ok("b@é".to_owned()));
        assert_eq!(from_latin1(&[0xe9; 256]), Err(NodeNameError::TooLong));
    }

    #[test]
    fn what_is_not_utf8_is_no_given_name() {
        assert_eq!(from_utf8("b@é".as_bytes()), Ok("b@é".to_owned()));
        assert_eq!(from_utf8(b"b@\xe9"), Err(NodeNameError::NotUtf8));
        assert_eq!(from_utf8(&[b'x'; 1021]), Err(NodeNameError::TooLong));
    }
}
