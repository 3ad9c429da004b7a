//! Addresses, as OTP's module `inet` has them: `{127,0,0,1}`, `{0,0,0,0,0,0,0,1}`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

impl Encode for Ipv4Addr {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.tuple(4);
        for byte in self.octets() {
            e.int(i64::from(byte));
        }
        Ok(())
    }
}

impl<'a> Decode<'a> for Ipv4Addr {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        <(u8, u8, u8, u8)>::decode(d).map(|(a, b, c, e)| Self::new(a, b, c, e))
    }
}

impl Encode for Ipv6Addr {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        e.tuple(8);
        for segment in self.segments() {
            e.int(i64::from(segment));
        }
        Ok(())
    }
}

impl<'a> Decode<'a> for Ipv6Addr {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        d.tuple_of(8)?;
        let mut segments = [0; 8];
        for segment in &mut segments {
            *segment = u16::decode(d)?;
        }
        Ok(Self::from(segments))
    }
}

impl Encode for IpAddr {
    fn encode(&self, e: &mut Encoder) -> Result<(), EncodeError> {
        match self {
            Self::V4(address) => address.encode(e),
            Self::V6(address) => address.encode(e),
        }
    }
}

impl<'a> Decode<'a> for IpAddr {
    fn decode(d: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let mark = d.mark();
        let size = d.tuple()?;
        d.reset(mark);
        match size {
            8 => Ipv6Addr::decode(d).map(Self::V6),
            _ => Ipv4Addr::decode(d).map(Self::V4),
        }
    }
}
