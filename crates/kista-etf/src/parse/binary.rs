//! `<<1, 2, "text", "π"/utf8, 5:3>>`.

use num_bigint::BigInt;

use super::{Parser, Problem, Result};
use crate::{Binary, BitString, Term};

/// Bits, the first one highest.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// How many bits of the last byte are used; 0 when it is a whole one.
    used: u8,
}

impl Bits {
    fn byte(&mut self, byte: u8) {
        self.push(byte, 8);
    }

    /// The lower `count` bits of the byte, 1 to 8.
    fn push(&mut self, byte: u8, count: u8) {
        let byte = byte << (8 - count);
        match self.bytes.last_mut() {
            Some(last) if self.used > 0 => {
                *last |= byte >> self.used;
                let room = 8 - self.used;
                if count > room {
                    self.bytes.push(byte << room);
                }
            }
            _ => self.bytes.push(byte),
        }
        self.used = (self.used + count) % 8;
    }

    fn into_term(self) -> Term {
        match BitString::new(self.bytes.clone(), self.used) {
            Some(bits) => Term::from(bits),
            None => Term::Binary(Binary::from(self.bytes)),
        }
    }
}

impl Parser<'_> {
    pub(super) fn binary(&mut self) -> Result<Term> {
        self.scan.eat_str("<<");
        let mut bits = Bits::default();
        self.scan.skip_blanks();
        if self.scan.eat_str(">>") {
            return Ok(bits.into_term());
        }
        loop {
            self.scan.skip_blanks();
            self.segment(&mut bits)?;
            self.scan.skip_blanks();
            if self.scan.eat_str(">>") {
                return Ok(bits.into_term());
            }
            if !self.scan.eat(',') {
                return Err(Problem::expected("`,` or `>>`"));
            }
        }
    }

    fn segment(&mut self, bits: &mut Bits) -> Result<()> {
        match self.scan.peek() {
            Some('"') => {
                let mut codes = Vec::new();
                self.scan.quoted('"', |code| codes.push(code))?;
                self.scan.skip_blanks();
                let utf8 = self.types(&["utf8", "integer"])? == Some("utf8");
                for code in codes {
                    if utf8 {
                        let char = char::from_u32(code).ok_or(Problem::NoChar(code))?;
                        char.encode_utf8(&mut [0; 4])
                            .bytes()
                            .for_each(|byte| bits.byte(byte));
                    } else {
                        // As Erlang does: what does not fit is cut off.
                        bits.byte(code as u8);
                    }
                }
                Ok(())
            }
            Some('0'..='9' | '$' | '-' | '+') => {
                let value = self.number()?;
                self.sized(&value, bits)
            }
            Some('(') => {
                self.scan.bump();
                self.scan.skip_blanks();
                let value = self.number()?;
                self.scan.skip_blanks();
                if !self.scan.eat(')') {
                    return Err(Problem::expected("`)`"));
                }
                self.sized(&value, bits)
            }
            _ => Err(Problem::BadSegment),
        }
    }

    /// The size and the types of a number, and its bits.
    fn sized(&mut self, value: &Term, bits: &mut Bits) -> Result<()> {
        let start = self.scan.mark();
        self.scan.skip_blanks();
        let size = if self.scan.eat(':') {
            self.scan.skip_blanks();
            match self.number()? {
                Term::Int(size) => Some(usize::try_from(size).map_err(|_| Problem::BadSegment)?),
                Term::Big(_) => return Err(Problem::BigSegment),
                _ => return Err(Problem::BadSegment),
            }
        } else {
            None
        };
        let kind = self.types(&["integer", "float", "utf8"])?;
        self.scan.mark_at(start);
        match (value, kind) {
            (Term::Int(code), Some("utf8")) if size.is_none() => {
                let char = u32::try_from(*code).ok().and_then(char::from_u32);
                let char = char.ok_or(Problem::BadSegment)?;
                char.encode_utf8(&mut [0; 4])
                    .bytes()
                    .for_each(|byte| bits.byte(byte));
            }
            (Term::Float(value), Some("float")) if matches!(size, None | Some(64)) => {
                value.to_be_bytes().iter().for_each(|byte| bits.byte(*byte));
            }
            (Term::Int(value), None | Some("integer")) => {
                self.integer_bits(&BigInt::from(*value), size, bits)?;
            }
            (Term::Big(value), None | Some("integer")) => self.integer_bits(value, size, bits)?,
            _ => return Err(Problem::BadSegment),
        }
        Ok(())
    }

    /// The lowest bits of an integer, in two's complement.
    fn integer_bits(&mut self, value: &BigInt, size: Option<usize>, bits: &mut Bits) -> Result<()> {
        let size = size.unwrap_or(8);
        // What the text has no digits for comes out of one allowance for the whole text.
        let unpaid = (size as u64).saturating_sub(value.bits() + 64);
        self.unpaid_bits = self
            .unpaid_bits
            .checked_sub(unpaid)
            .ok_or(Problem::BigSegment)?;
        let bytes = value.to_signed_bytes_be();
        let fill = if value.sign() == num_bigint::Sign::Minus {
            0xff
        } else {
            0
        };
        let (whole, rest) = (size / 8, (size % 8) as u8);
        // The byte that many places above the lowest one.
        let place = |at: usize| {
            bytes
                .len()
                .checked_sub(at + 1)
                .map_or(fill, |index| bytes[index])
        };
        if rest > 0 {
            bits.push(place(whole), rest);
        }
        (0..whole).rev().for_each(|at| bits.byte(place(at)));
        Ok(())
    }

    /// `/utf8`, if there is one, and only of these.
    fn types(&mut self, known: &[&'static str]) -> Result<Option<&'static str>> {
        self.scan.skip_blanks();
        if !self.scan.eat('/') {
            return Ok(None);
        }
        self.scan.skip_blanks();
        let word = self.scan.word();
        match known.iter().find(|known| **known == word) {
            Some(found) => Ok(Some(found)),
            None => Err(Problem::BadSegment),
        }
    }
}
