//! A node's full name, `alive@host`, checked once.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use kista_dist::check_node_name;
use kista_etf::Atom;
use thiserror::Error;

/// The full name of a node: `demo@127.0.0.1`, `demo@myhost` (short), `demo@host.example.org` (long).
///
/// The part before the `@` is letters, digits, `_` and `-`, as OTP demands of its own nodes; the host part is anything without
/// white space, control characters and a second `@`. All together at most 255 characters.
///
/// ```
/// use kista::NodeName;
/// let name: NodeName = "demo@host.example.org".parse().unwrap();
/// assert_eq!((name.alive(), name.host()), ("demo", "host.example.org"));
/// assert!(name.is_long());
/// assert!("demo".parse::<NodeName>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeName {
    text: Arc<str>,
    /// Where the `@` is.
    at: u8,
}

/// Why a text is no [`NodeName`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NodeNameError {
    /// Not of the form `name@host`.
    #[error("a node's name is name@host, such as demo@127.0.0.1")]
    NotNameAtHost,
    /// More than 255 characters.
    #[error("a node's name has at most 255 characters")]
    TooLong,
    /// A character that one of the two parts must not have.
    #[error(
        "a node's name is letters, digits, '_' and '-' before the '@', and no white space after it"
    )]
    BadCharacter,
}

impl NodeName {
    /// Parses and checks a full name.
    ///
    /// # Errors
    /// [`NodeNameError`], saying which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, NodeNameError> {
        check_node_name(text).map_err(|e| match e {
            kista_dist::NodeNameError::TooLong => NodeNameError::TooLong,
            kista_dist::NodeNameError::NotNameAtHost => NodeNameError::NotNameAtHost,
            _ => NodeNameError::BadCharacter,
        })?;
        let at = text.find('@').ok_or(NodeNameError::NotNameAtHost)?;
        let at = u8::try_from(at).map_err(|_| NodeNameError::TooLong)?;
        Ok(Self {
            text: text.into(),
            at,
        })
    }

    /// The part before the `@`: what EPMD knows the node by.
    #[must_use]
    pub fn alive(&self) -> &str {
        &self.text[..usize::from(self.at)]
    }

    /// The part after the `@`.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[usize::from(self.at) + 1..]
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is a long name (`erl -name`): a dot or a colon in the host part. Nodes with long and with short names do not meet.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.host().contains(['.', ':'])
    }

    /// The address that the host part spells out: an IP literal, or `localhost`.
    ///
    /// ```
    /// # use kista::NodeName;
    /// assert!(NodeName::parse("a@localhost").unwrap().literal_address().unwrap().is_loopback());
    /// assert_eq!(NodeName::parse("a@myhost").unwrap().literal_address(), None);
    /// ```
    #[must_use]
    pub fn literal_address(&self) -> Option<IpAddr> {
        if self.host().eq_ignore_ascii_case("localhost") {
            return Some(IpAddr::from([127, 0, 0, 1]));
        }
        self.host().parse().ok()
    }

    /// The name as an atom.
    #[must_use]
    pub fn atom(&self) -> Atom {
        // Checked: at most 255 characters.
        Atom::new(&self.text).unwrap_or(kista_etf::atoms::UNDEFINED)
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, NodeNameError> {
        Self::parse(text)
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_otp_would_refuse_are_refused() {
        for (text, why) in [
            ("demo", NodeNameError::NotNameAtHost),
            ("@host", NodeNameError::NotNameAtHost),
            ("demo@", NodeNameError::NotNameAtHost),
            ("a@b@c", NodeNameError::NotNameAtHost),
            ("a.b@host", NodeNameError::BadCharacter),
            ("a/b@host", NodeNameError::BadCharacter),
            ("a\u{1b}@host", NodeNameError::BadCharacter),
            ("a@ho st", NodeNameError::BadCharacter),
            ("\u{e9}@host", NodeNameError::BadCharacter),
        ] {
            assert_eq!(NodeName::parse(text), Err(why), "{text:?}");
        }
        assert_eq!(
            NodeName::parse(&format!("{}@h", "x".repeat(254))),
            Err(NodeNameError::TooLong)
        );
    }

    #[test]
    fn parts_and_literals() {
        let name = NodeName::parse("a-1_B@::1").unwrap();
        assert_eq!(
            (name.alive(), name.host(), name.is_long()),
            ("a-1_B", "::1", true)
        );
        assert_eq!(name.literal_address(), Some("::1".parse().unwrap()));
        assert_eq!(name.to_string(), "a-1_B@::1");
        assert!(!NodeName::parse("a@host").unwrap().is_long());
    }
}
