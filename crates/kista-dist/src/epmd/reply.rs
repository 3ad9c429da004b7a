//! Replies. They have no length: each decoder says by `Ok(None)` that it needs more.

use super::{EpmdError, Fields, MAX_REPLY, NodeInfo, text};

/// The reply to [`Request::Alive`](super::Request::Alive).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AliveReply {
    /// Registered. Keep the connection open.
    Registered {
        /// The creation that EPMD proposes. A node that registers again keeps its first one.
        creation: u32,
    },
    /// Refused: mostly since a node of that name lives.
    Refused {
        /// Not 0.
        result: u8,
    },
}

impl AliveReply {
    /// Reads the reply; `Ok(None)` if more bytes are needed.
    ///
    /// ```
    /// use kista_dist::epmd::AliveReply;
    /// assert_eq!(AliveReply::decode(&[118, 0, 0, 0, 0, 7]), Ok(Some(AliveReply::Registered { creation: 7 })));
    /// assert_eq!(AliveReply::decode(&[118, 1, 0, 0, 0, 99]), Ok(Some(AliveReply::Refused { result: 1 })));
    /// assert_eq!(AliveReply::decode(&[118, 0]), Ok(None));
    /// ```
    ///
    /// # Errors
    /// [`EpmdError`]: whatever listens there is no EPMD.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, EpmdError> {
        let mut f = Fields(bytes);
        let Some(tag) = f.u8() else { return Ok(None) };
        if !matches!(tag, 118 | 121) {
            return Err(EpmdError::UnknownTag { tag });
        }
        let Some(result) = f.u8() else {
            return Ok(None);
        };
        let creation = if tag == 118 {
            f.u32()
        } else {
            f.u16().map(u32::from)
        };
        let Some(creation) = creation else {
            return Ok(None);
        };
        Ok(Some(if result == 0 {
            Self::Registered { creation }
        } else {
            Self::Refused { result }
        }))
    }

    /// The bytes; `wide` for nodes that announce protocol 6 (a creation of 32 bits).
    #[must_use]
    pub fn encode(&self, wide: bool) -> Vec<u8> {
        let (result, creation) = match *self {
            Self::Registered { creation } => (0, creation),
            Self::Refused { result } => (result, 99),
        };
        let mut out = vec![if wide { 118 } else { 121 }, result];
        if wide {
            out.extend_from_slice(&creation.to_be_bytes());
        } else {
            out.extend_from_slice(&(creation as u16).to_be_bytes());
        }
        out
    }
}

/// The reply to [`Request::Port`](super::Request::Port).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PortReply {
    /// There it is.
    Found(NodeInfo),
    /// There is no such node.
    NotFound,
}

impl PortReply {
    /// Reads the reply; `Ok(None)` if more bytes are needed.
    ///
    /// ```
    /// use kista_dist::epmd::PortReply;
    /// assert_eq!(PortReply::decode(&[119, 1]), Ok(Some(PortReply::NotFound)));
    /// ```
    ///
    /// # Errors
    /// [`EpmdError`]: whatever listens there is no EPMD.
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, EpmdError> {
        let mut f = Fields(bytes);
        match f.u8() {
            None => return Ok(None),
            Some(119) => {}
            Some(tag) => return Err(EpmdError::UnknownTag { tag }),
        }
        match f.u8() {
            None => Ok(None),
            Some(0) => Ok(NodeInfo::take(&mut f).transpose()?.map(Self::Found)),
            Some(_) => Ok(Some(Self::NotFound)),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![119];
        match self {
            Self::Found(info) => {
                out.push(0);
                info.put(&mut out);
            }
            Self::NotFound => out.push(1),
        }
        out
    }
}

/// The reply to [`Request::Names`](super::Request::Names).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesReply {
    /// The port that EPMD listens at.
    pub epmd_port: u32,
    /// Names and their ports.
    pub names: Vec<(String, u16)>,
}

impl NamesReply {
    /// Reads the reply, which ends with the connection: `Ok(None)` until `closed`.
    ///
    /// ```
    /// use kista_dist::epmd::NamesReply;
    /// let reply = NamesReply::decode(b"\0\0\x11\x11name demo at port 5000\n", true)?.unwrap();
    /// assert_eq!((reply.epmd_port, &*reply.names), (4369, &[("demo".to_owned(), 5000)][..]));
    /// # Ok::<(), kista_dist::epmd::EpmdError>(())
    /// ```
    ///
    /// # Errors
    /// [`EpmdError`]: whatever listens there is no EPMD, or its list is beyond [`MAX_REPLY`].
    pub fn decode(bytes: &[u8], closed: bool) -> Result<Option<Self>, EpmdError> {
        if bytes.len() > MAX_REPLY {
            return Err(EpmdError::TooLong {
                length: bytes.len(),
            });
        }
        if !closed {
            return Ok(None);
        }
        let mut f = Fields(bytes);
        let epmd_port = f.u32().ok_or(EpmdError::Truncated)?;
        let mut names = Vec::new();
        for line in f.0.split(|&b| b == b'\n').filter(|l| !l.is_empty()) {
            let line = text(line)?;
            // A name may hold anything, even " at port ": the last one counts.
            let parsed = line
                .strip_prefix("name ")
                .and_then(|rest| rest.rsplit_once(" at port "))
                .and_then(|(name, port)| Some((name.to_owned(), port.trim().parse().ok()?)));
            names.push(parsed.ok_or(EpmdError::BadText)?);
        }
        Ok(Some(Self { epmd_port, names }))
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = self.epmd_port.to_be_bytes().to_vec();
        for (name, port) in &self.names {
            out.extend_from_slice(format!("name {name} at port {port}\n").as_bytes());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_survive_and_their_truncations_wait() {
        let mut info = NodeInfo::new("demo", 5000, true);
        info.extra = b"xy".to_vec();
        for reply in [PortReply::Found(info), PortReply::NotFound] {
            let bytes = reply.encode();
            for n in 0..bytes.len() {
                assert_eq!(PortReply::decode(&bytes[..n]), Ok(None));
            }
            assert_eq!(PortReply::decode(&bytes), Ok(Some(reply)));
        }
        for wide in [true, false] {
            let bytes = AliveReply::Registered { creation: 3 }.encode(wide);
            for n in 0..bytes.len() {
                assert_eq!(AliveReply::decode(&bytes[..n]), Ok(None));
            }
            assert_eq!(
                AliveReply::decode(&bytes),
                Ok(Some(AliveReply::Registered { creation: 3 }))
            );
        }
        let names = NamesReply {
            epmd_port: 4369,
            names: vec![("a at port 1".into(), 7), ("b".into(), 8)],
        };
        assert_eq!(NamesReply::decode(&names.encode(), true), Ok(Some(names)));
    }

    #[test]
    fn what_is_no_epmd_is_said_at_once() {
        assert_eq!(
            AliveReply::decode(b"HTTP"),
            Err(EpmdError::UnknownTag { tag: b'H' })
        );
        assert_eq!(
            PortReply::decode(b"HTTP"),
            Err(EpmdError::UnknownTag { tag: b'H' })
        );
        assert_eq!(
            NamesReply::decode(b"\0\0\0\0junk\n", true),
            Err(EpmdError::BadText)
        );
        let flood = vec![b'x'; MAX_REPLY + 1];
        assert!(matches!(
            NamesReply::decode(&flood, false),
            Err(EpmdError::TooLong { .. })
        ));
    }
}
