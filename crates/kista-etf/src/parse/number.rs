//! Integers in any base, characters, floats.

use num_bigint::BigInt;

use super::{Parser, Problem, Result};
use crate::Term;

/// Digits of a number with `_` between them; true if these stand where they may.
fn well_separated(digits: &str) -> bool {
    !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__")
}

impl Parser<'_> {
    /// A number, at most one sign before it.
    pub(super) fn number(&mut self) -> Result<Term> {
        let negative = self.scan.eat('-');
        if negative || self.scan.eat('+') {
            self.scan.skip_blanks();
        }
        self.unsigned(negative)
    }

    fn unsigned(&mut self, negative: bool) -> Result<Term> {
        if self.scan.eat('$') {
            let code = match self.scan.bump() {
                None => return Err(Problem::UnexpectedEnd),
                Some('\\') => self.scan.escape()?.unwrap_or(10),
                Some(char) => u32::from(char),
            };
            let code = i64::from(code);
            return Ok(Term::Int(if negative { -code } else { code }));
        }
        let digits = self.digits(10)?;
        if self.scan.peek() == Some('#')
            && let Ok(base @ 2..=36) = digits.parse::<u32>()
        {
            self.scan.bump();
            let digits = self.digits(base)?;
            return self.integer(&digits, base, negative);
        }
        let mut after_dot = self.scan.rest().chars().skip(1);
        if self.scan.peek() == Some('.') && after_dot.next().is_some_and(|it| it.is_ascii_digit()) {
            return self.float(digits, negative);
        }
        self.integer(&digits, 10, negative)
    }

    /// At least one digit of this base; no letter or digit may follow directly.
    fn digits(&mut self, base: u32) -> Result<String> {
        let digits = self
            .scan
            .take_while(|char| char == '_' || char.is_digit(base));
        let ends = !self
            .scan
            .peek()
            .is_some_and(|char| char.is_ascii_alphanumeric() || char == '@');
        if digits.is_empty() || !ends || !well_separated(digits) {
            return Err(Problem::BadNumber);
        }
        Ok(digits.chars().filter(|char| *char != '_').collect())
    }

    fn integer(&mut self, digits: &str, base: u32, negative: bool) -> Result<Term> {
        let sign = if negative { "-" } else { "" };
        if let Ok(value) = i64::from_str_radix(&format!("{sign}{digits}"), base) {
            return Ok(Term::Int(value));
        }
        // Before the work is done, which for bases that are no power of two is quadratic.
        let limit = self.limits.bigint_bytes;
        let slow = !base.is_power_of_two();
        let limit = if slow {
            limit.min(MAX_SLOW_BYTES)
        } else {
            limit
        };
        let bits = digits.trim_start_matches('0').len() as f64 * f64::from(base).log2();
        if bits > limit as f64 * 8.0 + 8.0 {
            return Err(Problem::BigInteger(limit));
        }
        let bytes = (bits / 8.0) as u64;
        if slow && bytes > FREE_SLOW_BYTES {
            self.slow_work = self
                .slow_work
                .checked_sub(bytes * bytes)
                .ok_or(Problem::BigIntegers)?;
        }
        let value = BigInt::parse_bytes(digits.as_bytes(), base).ok_or(Problem::BadNumber)?;
        Ok(Term::big(if negative { -value } else { value }))
    }

    /// `whole` and a point were read, or rather seen.
    fn float(&mut self, whole: String, negative: bool) -> Result<Term> {
        let mut text = whole;
        self.scan.bump();
        let fraction = self
            .scan
            .take_while(|char| char == '_' || char.is_ascii_digit());
        if !well_separated(fraction) {
            return Err(Problem::BadNumber);
        }
        text.push('.');
        text.extend(fraction.chars().filter(|char| *char != '_'));
        if self.scan.eat('e') || self.scan.eat('E') {
            text.push('e');
            if self.scan.eat('-') {
                text.push('-');
            } else {
                self.scan.eat('+');
            }
            text.push_str(&self.digits(10)?);
        } else if self
            .scan
            .peek()
            .is_some_and(|char| char.is_ascii_alphabetic() || char == '#')
        {
            return Err(Problem::BadNumber);
        }
        let value: f64 = text.parse().map_err(|_| Problem::BadNumber)?;
        if !value.is_finite() {
            return Err(Problem::BigFloat);
        }
        Ok(Term::Float(if negative { -value } else { value }))
    }
}

/// How large an integer may be whose base is no power of two: more is printed in base 16, too.
const MAX_SLOW_BYTES: usize = 64 * 1024;
/// Up to this size the work is little, however many there are.
const FREE_SLOW_BYTES: u64 = 1024;
/// The work for all larger ones of a text, as the sum of the squares of their bytes: that of eight of the largest, which is
/// more than what one text is printed as.
pub(super) const SLOW_WORK: u64 = 8 * (MAX_SLOW_BYTES as u64 + 1).pow(2);
