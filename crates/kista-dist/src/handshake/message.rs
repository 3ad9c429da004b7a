//! The handshake's messages as bytes. Every parser is total; bytes after a known message are ignored, as the protocol says.
//!
//! ```text
//! send_name   'N' flags:8 creation:4 nlen:2 name      (old: 'n' 0:1 5:1 flags:4 name)
//! status      's' text                                 ("named:" nlen:2 name creation:4)
//! challenge   'N' flags:8 challenge:4 creation:4 nlen:2 name
//! complement  'c' flags_high:4 creation:4              (only after 'n')
//! reply       'r' challenge:4 digest:16
//! ack         'a' digest:16
//! ```
//!
//! Names are Latin-1; that of a `named:` is UTF-8.

use super::HandshakeError;
use crate::flags::Flags;
use crate::name::{from_latin1, from_utf8, to_latin1};

type Result<T> = std::result::Result<T, HandshakeError>;

/// A parsed send_name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SendName {
    pub(super) flags: Flags,
    /// 0 in the old form, which brings it in the complement.
    pub(super) creation: u32,
    pub(super) name: String,
    pub(super) old: bool,
}

/// A parsed challenge.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    pub(super) flags: Flags,
    pub(super) challenge: u32,
    pub(super) creation: u32,
    pub(super) name: String,
}

/// A parsed status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RawStatus {
    Ok,
    OkSimultaneous,
    Nok,
    NotAllowed,
    Alive,
    True,
    False,
    Named { name: String, creation: u32 },
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, rest) = self
            .0
            .split_at_checked(n)
            .ok_or(HandshakeError::Truncated)?;
        self.0 = rest;
        Ok(head)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, rest) = self
            .0
            .split_first_chunk()
            .ok_or(HandshakeError::Truncated)?;
        self.0 = rest;
        Ok(*head)
    }
    fn u16(&mut self) -> Result<u16> {
        self.array().map(u16::from_be_bytes)
    }
    fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_be_bytes)
    }
    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_be_bytes)
    }
    fn name(&mut self) -> Result<String> {
        let len = self.u16()?;
        Ok(from_latin1(self.take(usize::from(len))?)?)
    }
}

fn tagged(body: &[u8], tag: u8) -> Result<Fields<'_>> {
    match body.split_first() {
        Some((&t, rest)) if t == tag => Ok(Fields(rest)),
        Some((&t, _)) => Err(HandshakeError::Unexpected { tag: t }),
        None => Err(HandshakeError::Truncated),
    }
}

pub(super) fn parse_send_name(body: &[u8]) -> Result<SendName> {
    if body.first() == Some(&b'n') {
        let mut f = tagged(body, b'n')?;
        if f.u16()? != 5 {
            return Err(HandshakeError::TooOld);
        }
        let flags = Flags::from_bits_retain(u64::from(f.u32()?));
        if !flags.contains(Flags::HANDSHAKE_23) {
            return Err(HandshakeError::TooOld);
        }
        return Ok(SendName {
            flags,
            creation: 0,
            name: from_latin1(f.0)?,
            old: true,
        });
    }
    let mut f = tagged(body, b'N')?;
    let flags = Flags::from_bits_retain(f.u64()?);
    let creation = f.u32()?;
    Ok(SendName {
        flags,
        creation,
        name: f.name()?,
        old: false,
    })
}

pub(super) fn send_name(flags: Flags, creation: u32, name: &str) -> Vec<u8> {
    let mut b = vec![b'N'];
    b.extend_from_slice(&flags.bits().to_be_bytes());
    b.extend_from_slice(&creation.to_be_bytes());
    put_name(&mut b, name);
    b
}

pub(super) fn parse_status(body: &[u8]) -> Result<RawStatus> {
    let f = tagged(body, b's')?;
    Ok(match f.0 {
        b"ok" => RawStatus::Ok,
        b"ok_simultaneous" => RawStatus::OkSimultaneous,
        b"nok" => RawStatus::Nok,
        b"not_allowed" => RawStatus::NotAllowed,
        b"alive" => RawStatus::Alive,
        b"true" => RawStatus::True,
        b"false" => RawStatus::False,
        text => {
            let mut f = Fields(
                text.strip_prefix(b"named:")
                    .ok_or(HandshakeError::UnknownStatus)?,
            );
            let len = f.u16()?;
            let name = from_utf8(f.take(usize::from(len))?)?;
            RawStatus::Named {
                name,
                creation: f.u32()?,
            }
        }
    })
}

pub(super) fn status(status: &RawStatus) -> Vec<u8> {
    let text: &[u8] = match status {
        RawStatus::Ok => b"sok",
        RawStatus::OkSimultaneous => b"sok_simultaneous",
        RawStatus::Nok => b"snok",
        RawStatus::NotAllowed => b"snot_allowed",
        RawStatus::Alive => b"salive",
        RawStatus::True => b"strue",
        RawStatus::False => b"sfalse",
        RawStatus::Named { name, creation } => {
            let mut b = b"snamed:".to_vec();
            put_name_bytes(&mut b, name.as_bytes());
            b.extend_from_slice(&creation.to_be_bytes());
            return b;
        }
    };
    text.to_vec()
}

pub(super) fn parse_challenge(body: &[u8]) -> Result<Challenge> {
    if body.first() == Some(&b'n') {
        return Err(HandshakeError::TooOld);
    }
    let mut f = tagged(body, b'N')?;
    let flags = Flags::from_bits_retain(f.u64()?);
    let challenge = f.u32()?;
    let creation = f.u32()?;
    Ok(Challenge {
        flags,
        challenge,
        creation,
        name: f.name()?,
    })
}

pub(super) fn challenge(c: &Challenge) -> Vec<u8> {
    let mut b = vec![b'N'];
    b.extend_from_slice(&c.flags.bits().to_be_bytes());
    b.extend_from_slice(&c.challenge.to_be_bytes());
    b.extend_from_slice(&c.creation.to_be_bytes());
    put_name(&mut b, &c.name);
    b
}

/// The high half of the flags, and the creation.
pub(super) fn parse_complement(body: &[u8]) -> Result<(Flags, u32)> {
    let mut f = tagged(body, b'c')?;
    let high = Flags::from_bits_retain(u64::from(f.u32()?) << 32);
    Ok((high, f.u32()?))
}

pub(super) fn parse_reply(body: &[u8]) -> Result<(u32, [u8; 16])> {
    let mut f = tagged(body, b'r')?;
    Ok((f.u32()?, f.array()?))
}

pub(super) fn reply(challenge: u32, digest: [u8; 16]) -> Vec<u8> {
    let mut b = vec![b'r'];
    b.extend_from_slice(&challenge.to_be_bytes());
    b.extend_from_slice(&digest);
    b
}

pub(super) fn parse_ack(body: &[u8]) -> Result<[u8; 16]> {
    tagged(body, b'a')?.array()
}

pub(super) fn ack(digest: [u8; 16]) -> Vec<u8> {
    let mut b = vec![b'a'];
    b.extend_from_slice(&digest);
    b
}

fn put_name(b: &mut Vec<u8>, name: &str) {
    put_name_bytes(b, &to_latin1(name));
}

fn put_name_bytes(b: &mut Vec<u8>, name: &[u8]) {
    b.extend_from_slice(&(name.len() as u16).to_be_bytes());
    b.extend_from_slice(name);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_truncated_at_every_byte_is_an_error() {
        let c = Challenge {
            flags: Flags::ours(false),
            challenge: 1,
            creation: 2,
            name: "a@b".into(),
        };
        let named = RawStatus::Named {
            name: "x@y".into(),
            creation: 9,
        };
        type Parser = fn(&[u8]) -> bool;
        let cases: [(Vec<u8>, Parser); 5] = [
            (send_name(Flags::ours(true), 7, "a@b"), |b| {
                parse_send_name(b).is_err()
            }),
            (challenge(&c), |b| parse_challenge(b).is_err()),
            (reply(5, [1; 16]), |b| parse_reply(b).is_err()),
            (ack([2; 16]), |b| parse_ack(b).is_err()),
            (status(&named), |b| parse_status(b).is_err()),
        ];
        for (bytes, fails) in cases {
            assert!(!fails(&bytes));
            for n in 0..bytes.len() {
                assert!(fails(&bytes[..n]), "{n} of {bytes:?}");
            }
        }
    }

    #[test]
    fn bytes_after_a_name_are_ignored() {
        let mut b = send_name(Flags::ours(true), 7, "a@b");
        b.extend_from_slice(b"future");
        assert_eq!(parse_send_name(&b).unwrap().name, "a@b");
    }

    #[test]
    fn old_names_need_the_new_handshake_flag() {
        let old =
            |flags: Flags| [b"n\0\x05", &(flags.bits() as u32).to_be_bytes()[..], b"a@b"].concat();
        assert!(parse_send_name(&old(Flags::HANDSHAKE_23)).unwrap().old);
        assert!(matches!(
            parse_send_name(&old(Flags::MAP_TAG)),
            Err(HandshakeError::TooOld)
        ));
    }
}
