//! Numbers as text.

use kista_etf::{BigInt, Sign};

pub(super) fn in_base(value: &BigInt, base: u32) -> String {
    const LARGE: u64 = 1 << 17;
    match (base, value.bits() > LARGE) {
        // Decimal takes quadratic time: what is too long for any field is written in base 16.
        (10, true) => match value.sign() {
            Sign::Minus => format!("-16#{}", value.magnitude().to_str_radix(16)),
            _ => format!("16#{}", value.to_str_radix(16)),
        },
        (base, true) if !base.is_power_of_two() => in_base(value, 16),
        (base, _) => value.to_str_radix(base),
    }
}

/// `~f`; `None`: no number, or no digits.
pub(super) fn fixed(value: f64, digits: usize) -> Option<String> {
    // A float has no more than 1,074 digits behind the point.
    let exact = digits.min(1_100);
    let zeros = "0".repeat(digits - exact);
    (value.is_finite() && digits >= 1).then(|| format!("{value:.exact$}{zeros}"))
}

/// `~e`: so many digits in all, two at least.
pub(super) fn exponent(value: f64, digits: usize) -> Option<String> {
    if !value.is_finite() || digits < 2 {
        return None;
    }
    let behind = digits - 1;
    let exact = behind.min(1_100);
    let text = format!("{value:.exact$e}");
    let (number, exponent) = text.split_once('e')?;
    let zeros = "0".repeat(behind - exact);
    let sign = match exponent.starts_with('-') {
        true => "",
        false => "+",
    };
    Some(format!("{number}{zeros}e{sign}{exponent}"))
}

/// `~g`: as `~f` from 0.1 to 10,000, else as `~e`.
pub(super) fn shorter(value: f64, digits: usize) -> Option<String> {
    if digits < 1 {
        return None;
    }
    let digits = i64::try_from(digits).ok()?;
    let places = match value.abs() {
        x if x < 0.1 => None,
        x if x < 1.0 => Some(-1),
        x if x < 10.0 => Some(0),
        x if x < 100.0 => Some(1),
        x if x < 1_000.0 => Some(2),
        x if x < 10_000.0 => Some(3),
        _ => None,
    };
    match places {
        Some(places) if digits <= 1 && places == -1 || digits - 1 > places => {
            fixed(value, usize::try_from(digits - 1 - places).ok()?)
        }
        _ if digits <= 1 => exponent(value, 2),
        _ => exponent(value, usize::try_from(digits).ok()?),
    }
}
