//! Which terms are equal, and which comes first: the exact relations, and Erlang's own operators.
//!
//! | Rust | Erlang | `1` and `1.0` | `0.0` and `-0.0` |
//! |---|---|---|---|
//! | `==`, `Hash` | `=:=` | differ | differ (as in OTP 27) |
//! | `cmp`, `<` | the order of map keys | `1` is less, as every integer is than every float | `-0.0` is less |
//! | [`Term::erl_eq`] | `==` | equal | equal |
//! | [`Term::erl_cmp`] | `<`, `>`, `lists:sort/1` | equal | equal |
//!
//! `cmp` is `Equal` exactly when `==` holds. `erl_cmp` compares integers with floats by their exact values, as Erlang does;
//! the keys of two maps it compares by `cmp`, as Erlang does too.

use std::cmp::Ordering;

use super::order::{Numbers, order};
use super::{Identity, Term};

impl Term {
    /// Erlang's `==`: as `=:=`, but an integer equals the float of the same value, and `0.0` equals `-0.0`.
    ///
    /// ```
    /// use kista_etf::Term;
    /// assert!(Term::from((1, 0.0)).erl_eq(&Term::from((1.0, -0.0))));
    /// assert!(!Term::from(9007199254740993i64).erl_eq(&Term::from(9007199254740992.0)));
    /// // Keys of maps are compared exactly.
    /// let key = |key: Term| Term::map([(key, Term::NIL)]).unwrap();
    /// assert!(!key(Term::from(1)).erl_eq(&key(Term::from(1.0))));
    /// ```
    pub fn erl_eq(&self, other: &Self) -> bool {
        self.erl_cmp(other).is_eq()
    }

    /// The order of Erlang's `<`, by which `lists:sort/1` sorts.
    ///
    /// Number < atom < reference < fun < port < pid < tuple < map < nil < list < bit string (Erlang Reference Manual,
    /// "Term Comparisons"). Unlike `cmp` it takes `1` and `1.0` for equal, so it is no order to keep a set by.
    ///
    /// ```
    /// use kista_etf::Term;
    /// let mut terms = vec![Term::from("b"), Term::from(2), Term::from(1.5), Term::from((1, 2))];
    /// terms.sort_by(Term::erl_cmp);
    /// assert_eq!(Term::list(terms).to_string(), r#"[1.5,2,{1,2},<<"b">>]"#);
    /// ```
    pub fn erl_cmp(&self, other: &Self) -> Ordering {
        order(self, other, Numbers::ByValue)
    }
}

impl PartialEq for Term {
    fn eq(&self, other: &Self) -> bool {
        let mut open: Vec<(&[Self], &[Self])> = Vec::new();
        let (mut a, mut b) = (std::slice::from_ref(self), std::slice::from_ref(other));
        loop {
            while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
                (a, b) = (rest_a, rest_b);
                if !same_head(x, y) {
                    return false;
                }
                let (inner_x, inner_y) = (x.children(), y.children());
                if !inner_x.is_empty() {
                    if !a.is_empty() {
                        open.push((a, b));
                    }
                    (a, b) = (inner_x, inner_y);
                }
            }
            match open.pop() {
                Some(next) => (a, b) = next,
                None => return true,
            }
        }
    }
}

impl Eq for Term {}

/// Whether two terms are equal but for what is inside of them, of which they have equally much.
fn same_head(a: &Term, b: &Term) -> bool {
    match (a, b) {
        (Term::Int(a), Term::Int(b)) => a == b,
        (Term::Big(a), Term::Big(b)) => a == b,
        (Term::Float(a), Term::Float(b)) => a.to_bits() == b.to_bits(),
        (Term::Atom(a), Term::Atom(b)) => a == b,
        (Term::Atom(_) | Term::AtomText(_), Term::Atom(_) | Term::AtomText(_)) => {
            a.as_atom_str() == b.as_atom_str()
        }
        (Term::Pid(a), Term::Pid(b)) => a == b,
        (Term::Reference(a), Term::Reference(b)) => a == b,
        (Term::Binary(a), Term::Binary(b)) => a == b,
        (Term::BitString(a), Term::BitString(b)) => a == b,
        (Term::Fun(a), Term::Fun(b)) => a == b,
        (Term::Export(a), Term::Export(b)) => a == b,
        (Term::Tuple(_), Term::Tuple(_))
        | (Term::List(_), Term::List(_))
        | (Term::ImproperList(_), Term::ImproperList(_))
        | (Term::Map(_), Term::Map(_)) => a.children().len() == b.children().len(),
        _ => match (Identity::of(a), Identity::of(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        },
    }
}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Term {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self, other, Numbers::ByKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AtomName, BitString, atoms};

    fn list(items: &[i64]) -> Term {
        items.iter().map(|item| Term::from(*item)).collect()
    }

    #[test]
    fn kinds_sort_as_in_erlang() {
        let sorted = [
            Term::from(-1i128 << 70),
            Term::from(i64::MIN),
            Term::from(5),
            Term::from(1i128 << 70),
            Term::from(-0.0),
            Term::from(0.0),
            Term::from(atoms::ERROR),
            Term::from(atoms::OK),
            Term::from((9, 9)),
            Term::from((1, 1, 1)),
            Term::map([(Term::from(2), Term::from(1))]).unwrap(),
            Term::map([
                (Term::from(1), Term::from(9)),
                (Term::from(2), Term::from(1)),
            ])
            .unwrap(),
            Term::map([
                (Term::from(1), Term::from(1)),
                (Term::from(3), Term::from(1)),
            ])
            .unwrap(),
            Term::NIL,
            Term::improper([Term::from(1)], Term::from(2)),
            Term::improper([Term::from(1)], Term::from((2,))),
            list(&[1]),
            Term::improper([Term::from(1), Term::from(2)], Term::from(0)),
            list(&[1, 2]),
            Term::improper([Term::from(1)], Term::from("")),
            list(&[2]),
            Term::from(""),
            Term::from(BitString::new(&[0b1010_0000][..], 3).unwrap()),
            Term::from(BitString::new(&[0b1010_0000][..], 4).unwrap()),
            Term::from(&[0b1010_0000][..]),
            Term::from(&[0b1010_0000, 0][..]),
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(a.cmp(b), i.cmp(&j), "{a} and {b}");
                assert_eq!(a == b, i == j, "{a} and {b}");
            }
        }
    }

    #[test]
    fn one_is_not_one_point_zero() {
        assert_ne!(Term::from(1), Term::from(1.0));
        assert_ne!(Term::from(0.0), Term::from(-0.0));
        assert_eq!(
            Term::from(AtomName::text("ok").unwrap()),
            Term::from(atoms::OK)
        );
    }
}
