//! The shared secret and its digest.

use std::fmt;
use std::sync::Arc;

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

/// A cluster's shared secret. Cheap to clone; its text is never printed.
///
/// ```
/// use kista_dist::handshake::Cookie;
/// assert_eq!(format!("{:?}", Cookie::from("secret")), "Cookie(..)");
/// ```
#[derive(Clone)]
pub struct Cookie(Arc<[u8]>);

impl Cookie {
    /// The digest by which a side proves that it knows the cookie: MD5 of the cookie and the challenge in decimal.
    #[must_use]
    pub fn digest(&self, challenge: u32) -> [u8; 16] {
        Md5::new()
            .chain_update(&self.0)
            .chain_update(challenge.to_string())
            .finalize()
            .into()
    }

    /// Whether it is no secret at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `digest` answers `challenge`; takes the same time whichever byte differs.
    #[must_use]
    pub fn verify(&self, challenge: u32, digest: &[u8; 16]) -> bool {
        self.digest(challenge).ct_eq(digest).into()
    }
}

impl From<&str> for Cookie {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().into())
    }
}

impl From<String> for Cookie {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<&[u8]> for Cookie {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookie(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_md5_of_cookie_and_decimal_challenge() {
        // md5("secret4294967295"), computed by erl.
        let want = u128::from_str_radix(GOLDEN, 16).unwrap().to_be_bytes();
        assert_eq!(Cookie::from("secret").digest(u32::MAX), want);
    }

    #[test]
    fn one_wrong_bit_is_refused() {
        let c = Cookie::from("secret");
        let mut d = c.digest(7);
        assert!(c.verify(7, &d));
        d[15] ^= 1;
        assert!(!c.verify(7, &d));
        assert!(!c.verify(8, &c.digest(7)));
    }

    const GOLDEN: &str = "5dfd181e69aa587cc812eb333e6536b6";
}
