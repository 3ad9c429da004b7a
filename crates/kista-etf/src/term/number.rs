//! Integers and floats compared with each other, exactly: no integer is rounded to a float on the way.

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};

use super::Term;

/// Every integer before every float, and floats by their sign bit too.
pub(super) fn cmp_by_kind(a: &Term, b: &Term) -> Ordering {
    match (a, b) {
        (Term::Float(a), Term::Float(b)) => a.total_cmp(b),
        (Term::Float(_), _) => Ordering::Greater,
        (_, Term::Float(_)) => Ordering::Less,
        _ => cmp_integers(a, b),
    }
}

/// By value. Floats that Erlang does not have are beyond all numbers, by their sign.
pub(super) fn cmp_by_value(a: &Term, b: &Term) -> Ordering {
    match (a, b) {
        (Term::Float(a), Term::Float(b)) if a == b => Ordering::Equal,
        (Term::Float(a), Term::Float(b)) => a.total_cmp(b),
        (Term::Float(a), _) => cmp_with_float(b, *a).reverse(),
        (_, Term::Float(b)) => cmp_with_float(a, *b),
        _ => cmp_integers(a, b),
    }
}

fn cmp_integers(a: &Term, b: &Term) -> Ordering {
    match (a, b) {
        (Term::Int(a), Term::Int(b)) => a.cmp(b),
        (Term::Big(a), Term::Big(b)) => a.cmp(b),
        // A big integer is one that does not fit `i64`: its sign says on which side it is.
        (Term::Int(_), Term::Big(b)) => by_sign(b).reverse(),
        (Term::Big(a), _) => by_sign(a),
        _ => Ordering::Equal,
    }
}

fn by_sign(big: &BigInt) -> Ordering {
    if big.sign() == Sign::Minus {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

/// The first float beyond `i64`.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

fn cmp_with_float(integer: &Term, float: f64) -> Ordering {
    if !float.is_finite() {
        return if float.is_sign_negative() {
            Ordering::Greater
        } else {
            Ordering::Less
        };
    }
    let fits = (-BEYOND..BEYOND).contains(&float);
    match integer {
        Term::Int(value) if fits => {
            let whole = float.trunc();
            let fraction = float - whole;
            value.cmp(&(whole as i64)).then_with(|| {
                // The rest decides: 1 < 1.5, and -1 > -1.5.
                0.0_f64.partial_cmp(&fraction).unwrap_or(Ordering::Equal)
            })
        }
        Term::Big(value) if fits => by_sign(value),
        Term::Big(value) => BigInt::cmp(value, &whole_big(float)),
        _ if float < 0.0 => Ordering::Greater,
        _ => Ordering::Less,
    }
}

/// The integer that a finite float beyond `i64` is: such a float has no fraction.
fn whole_big(float: f64) -> BigInt {
    let bits = float.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1075;
    let mantissa = BigInt::from((bits & ((1 << 52) - 1)) | (1 << 52));
    let magnitude = mantissa << exponent.max(0);
    if float < 0.0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn big(base: i64, shift: u32, add: i64) -> Term {
        Term::big((BigInt::from(base) << shift) + add)
    }

    /// Each pair as OTP 25 orders it.
    #[test]
    fn no_integer_is_rounded_to_a_float() {
        let two_53 = 9_007_199_254_740_992.0;
        for (integer, float, order) in [
            (Term::from(1), 1.0, Ordering::Equal),
            (Term::from(0), -0.0, Ordering::Equal),
            (Term::from(1), 1.5, Ordering::Less),
            (Term::from(-1), -1.5, Ordering::Greater),
            (Term::from(2), 1.5, Ordering::Greater),
            (Term::from((1i64 << 53) + 1), two_53, Ordering::Greater),
            (Term::from(-(1i64 << 53) - 1), -two_53, Ordering::Less),
            (Term::from(i64::MAX), BEYOND, Ordering::Less),
            (Term::from(i64::MIN), -BEYOND, Ordering::Equal),
            (big(1, 63, 0), BEYOND, Ordering::Equal),
            (big(1, 64, 1), BEYOND * 2.0, Ordering::Greater),
            (big(1, 64, -1), BEYOND * 2.0, Ordering::Less),
            (big(-1, 64, -1), BEYOND * -2.0, Ordering::Less),
            (big(1, 2000, 0), f64::MAX, Ordering::Greater),
            (big(-1, 2000, 0), f64::MIN, Ordering::Less),
            (big(1, 100, 0), 1.0e-300, Ordering::Greater),
            (Term::from(5), f64::INFINITY, Ordering::Less),
            (big(-1, 100, 0), f64::NEG_INFINITY, Ordering::Greater),
        ] {
            let float = Term::from(float);
            assert_eq!(integer.erl_cmp(&float), order, "{integer} and {float}");
            assert_eq!(float.erl_cmp(&integer), order.reverse());
            assert_eq!(integer.cmp(&float), Ordering::Less, "{integer} and {float}");
            assert_ne!(integer, float);
        }
    }
}
