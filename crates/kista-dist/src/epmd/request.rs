//! Requests.

use super::{EpmdError, Fields, MAX_REQUEST, put_block, text};

/// How a node registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeType {
    /// A visible node, `M`.
    Normal,
    /// A hidden node, `H`.
    Hidden,
    /// What another implementation may send; kept as it is.
    Other(u8),
}

impl NodeType {
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Normal => 77,
            Self::Hidden => 72,
            Self::Other(byte) => byte,
        }
    }
}

impl From<u8> for NodeType {
    fn from(byte: u8) -> Self {
        match byte {
            77 => Self::Normal,
            72 => Self::Hidden,
            other => Self::Other(other),
        }
    }
}

/// What EPMD knows of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeInfo {
    /// The part of the node's name before the `@`.
    pub name: String,
    /// Where the node listens; 0 if it does not.
    pub port: u16,
    /// Visible or hidden.
    pub node_type: NodeType,
    /// 0: TCP (over IPv4 or IPv6).
    pub protocol: u8,
    /// The highest distribution protocol that it speaks; 6 since OTP 23.
    pub highest: u16,
    /// The lowest one; 6 since OTP 25.
    pub lowest: u16,
    /// Stored and returned as it came.
    pub extra: Vec<u8>,
}

impl NodeInfo {
    /// A node of today, that speaks protocol 6 over TCP.
    ///
    /// ```
    /// use kista_dist::epmd::{NodeInfo, NodeType};
    /// assert_eq!(NodeInfo::new("demo", 5000, true).node_type, NodeType::Hidden);
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>, port: u16, hidden: bool) -> Self {
        Self {
            name: name.into(),
            port,
            node_type: if hidden {
                NodeType::Hidden
            } else {
                NodeType::Normal
            },
            protocol: 0,
            highest: 6,
            lowest: 6,
            extra: Vec::new(),
        }
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.port.to_be_bytes());
        out.extend_from_slice(&[self.node_type.byte(), self.protocol]);
        out.extend_from_slice(&self.highest.to_be_bytes());
        out.extend_from_slice(&self.lowest.to_be_bytes());
        put_block(out, self.name.as_bytes());
        put_block(out, &self.extra);
    }

    /// The outer `None`: more bytes are needed.
    pub(super) fn take(f: &mut Fields<'_>) -> Option<Result<Self, EpmdError>> {
        let port = f.u16()?;
        let node_type = f.u8()?.into();
        let protocol = f.u8()?;
        let (highest, lowest) = (f.u16()?, f.u16()?);
        let name = f.block()?;
        let extra = f.block()?.to_vec();
        Some(text(name).map(|name| Self {
            name,
            port,
            node_type,
            protocol,
            highest,
            lowest,
            extra,
        }))
    }
}

/// What a client asks of EPMD.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Request {
    /// ALIVE2: register this node for as long as the connection is open.
    Alive(NodeInfo),
    /// PORT_PLEASE2: where is the node of this name (without host)?
    Port(String),
    /// All names.
    Names,
    /// All names, for a human.
    Dump,
    /// End EPMD.
    Kill,
    /// Forget a name; refused by every EPMD that is not told otherwise.
    Stop(String),
}

impl Request {
    /// The bytes, with the length in front.
    ///
    /// ```
    /// use kista_dist::epmd::Request;
    /// assert_eq!(Request::Names.encode(), [0, 1, 110]);
    /// assert_eq!(Request::Port("demo".into()).encode(), b"\0\x05zdemo");
    /// ```
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![0, 0];
        match self {
            Self::Alive(info) => {
                out.push(120);
                info.put(&mut out);
            }
            Self::Port(name) => {
                out.push(122);
                out.extend_from_slice(name.as_bytes());
            }
            Self::Names => out.push(110),
            Self::Dump => out.push(100),
            Self::Kill => out.push(107),
            Self::Stop(name) => {
                out.push(115);
                out.extend_from_slice(name.as_bytes());
            }
        }
        let len = u16::try_from(out.len() - 2).unwrap_or(u16::MAX);
        out[..2].copy_from_slice(&len.to_be_bytes());
        out
    }

    /// Reads the request at the beginning of `bytes`, and says how many bytes it has. `Ok(None)`: more bytes are needed.
    ///
    /// # Errors
    /// [`EpmdError`]: close the connection.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, EpmdError> {
        let Some(prefix) = bytes.first_chunk::<2>() else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes(*prefix));
        if length > MAX_REQUEST {
            return Err(EpmdError::TooLong { length });
        }
        let Some(body) = bytes.get(2..2 + length) else {
            return Ok(None);
        };
        let (&tag, body) = body.split_first().ok_or(EpmdError::Truncated)?;
        let request = match tag {
            120 => Self::Alive(NodeInfo::take(&mut Fields(body)).ok_or(EpmdError::Truncated)??),
            122 => Self::Port(text(body)?),
            110 => Self::Names,
            100 => Self::Dump,
            107 => Self::Kill,
            115 => Self::Stop(text(body)?),
            tag => return Err(EpmdError::UnknownTag { tag }),
        };
        Ok(Some((request, 2 + length)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_and_their_truncations_wait() {
        let mut info = NodeInfo::new("demo", 5000, false);
        info.extra = vec![1, 2, 3];
        let all = [
            Request::Alive(info),
            Request::Port("x".into()),
            Request::Names,
            Request::Dump,
            Request::Kill,
            Request::Stop("x".into()),
        ];
        for request in all {
            let bytes = request.encode();
            for n in 0..bytes.len() {
                assert_eq!(Request::decode(&bytes[..n]), Ok(None));
            }
            assert_eq!(Request::decode(&bytes), Ok(Some((request, bytes.len()))));
        }
    }

    #[test]
    fn lying_inner_lengths_are_errors() {
        let mut bytes = Request::Alive(NodeInfo::new("demo", 5000, false)).encode();
        bytes[12] = 200;
        assert_eq!(Request::decode(&bytes), Err(EpmdError::Truncated));
    }

    #[test]
    fn long_requests_are_refused_at_their_length() {
        assert_eq!(
            Request::decode(&[0xff, 0xff]),
            Err(EpmdError::TooLong { length: 65535 })
        );
        assert_eq!(Request::decode(&[0, 0]), Err(EpmdError::Truncated));
        assert_eq!(
            Request::decode(&[0, 1, 9]),
            Err(EpmdError::UnknownTag { tag: 9 })
        );
    }
}
