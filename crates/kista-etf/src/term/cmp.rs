//! Equality (`=:=`) and the order of map keys, without recursion.
//!
//! The order of kinds is number < atom < reference < fun < port < pid < tuple < map < nil < list < bit string; all integers
//! sort before all floats. Tuples go by size, then element by element; maps by size, then all keys, then all values; lists
//! element by element, then by what follows the shorter one.

use std::cmp::Ordering;

use num_bigint::Sign;

use super::{Identity, ImproperList, Term};

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

/// What is still to be compared, if everything before it is equal.
enum Task<'a> {
    /// These terms, every `step`th of them.
    Items(&'a [Term], &'a [Term], usize),
    /// What follows the shorter of two lists.
    Tails(Tail<'a>, Tail<'a>),
}

#[derive(Clone, Copy)]
enum Tail<'a> {
    Term(&'a Term),
    /// The rest of a list: not empty.
    Rest,
}

impl Ord for Term {
    fn cmp(&self, other: &Self) -> Ordering {
        let mut tasks = Vec::new();
        let order = cmp_heads(self, other, &mut tasks);
        if order.is_ne() {
            return order;
        }
        while let Some(task) = tasks.pop() {
            let order = match task {
                Task::Items([], _, _) | Task::Items(_, [], _) => continue,
                Task::Items(a, b, step) => {
                    let next = Task::Items(
                        a.get(step..).unwrap_or(&[]),
                        b.get(step..).unwrap_or(&[]),
                        step,
                    );
                    if !matches!(next, Task::Items([], _, _)) {
                        tasks.push(next);
                    }
                    cmp_heads(&a[0], &b[0], &mut tasks)
                }
                Task::Tails(Tail::Term(a), Tail::Term(b)) => cmp_heads(a, b, &mut tasks),
                Task::Tails(Tail::Term(a), Tail::Rest) => rank(a).cmp(&LIST_RANK),
                Task::Tails(Tail::Rest, Tail::Term(b)) => LIST_RANK.cmp(&rank(b)),
                Task::Tails(Tail::Rest, Tail::Rest) => continue,
            };
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }
}

const LIST_RANK: u8 = 10;

fn rank(term: &Term) -> u8 {
    match term {
        Term::Int(_) | Term::Big(_) => 0,
        Term::Float(_) => 1,
        Term::Atom(_) | Term::AtomText(_) => 2,
        Term::Reference(_) => 3,
        Term::Fun(_) | Term::Export(_) => 4,
        Term::Port(_) => 5,
        Term::Pid(_) => 6,
        Term::Tuple(_) => 7,
        Term::Map(_) => 8,
        Term::List(list) if list.is_empty() => 9,
        Term::List(_) | Term::ImproperList(_) => LIST_RANK,
        Term::Binary(_) | Term::BitString(_) => 11,
        Term::Opaque(it) => match it.kind() {
            crate::Kind::Reference => 3,
            crate::Kind::Port => 5,
            _ => 6,
        },
    }
}

/// Compares all but what is inside, which becomes tasks.
fn cmp_heads<'a>(a: &'a Term, b: &'a Term, tasks: &mut Vec<Task<'a>>) -> Ordering {
    match (a, b) {
        (Term::Int(a), Term::Int(b)) => a.cmp(b),
        (Term::Big(a), Term::Big(b)) => a.cmp(b),
        (Term::Int(_), Term::Big(b)) => {
            if b.sign() == Sign::Minus {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (Term::Big(a), Term::Int(_)) => {
            if a.sign() == Sign::Minus {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (Term::Float(a), Term::Float(b)) => a.total_cmp(b),
        (Term::Atom(a), Term::Atom(b)) => a.cmp(b),
        (Term::Atom(_) | Term::AtomText(_), Term::Atom(_) | Term::AtomText(_)) => {
            a.as_atom_str().cmp(&b.as_atom_str())
        }
        (Term::Fun(a), Term::Fun(b)) => a.cmp(b),
        (Term::Export(a), Term::Export(b)) => a.cmp(b),
        (Term::Fun(_), Term::Export(_)) => Ordering::Less,
        (Term::Export(_), Term::Fun(_)) => Ordering::Greater,
        (Term::Tuple(x), Term::Tuple(y)) => {
            tasks.push(Task::Items(x, y, 1));
            x.len().cmp(&y.len())
        }
        (Term::Map(x), Term::Map(y)) => {
            let (items_x, items_y) = (a.children(), b.children());
            tasks.push(Task::Items(
                items_x.get(1..).unwrap_or(&[]),
                items_y.get(1..).unwrap_or(&[]),
                2,
            ));
            tasks.push(Task::Items(items_x, items_y, 2));
            x.len().cmp(&y.len())
        }
        (Term::Binary(_) | Term::BitString(_), Term::Binary(_) | Term::BitString(_)) => {
            cmp_bits(a, b)
        }
        (Term::List(_) | Term::ImproperList(_), Term::List(_) | Term::ImproperList(_))
            if rank(a) == rank(b) =>
        {
            // Two empty lists are done: their tails are themselves.
            if rank(a) != LIST_RANK {
                return Ordering::Equal;
            }
            let ((x, tail_x), (y, tail_y)) = (list_parts(a), list_parts(b));
            let common = x.len().min(y.len());
            let after = |items: &[Term], tail| {
                if items.len() > common {
                    Tail::Rest
                } else {
                    Tail::Term(tail)
                }
            };
            tasks.push(Task::Tails(after(x, tail_x), after(y, tail_y)));
            tasks.push(Task::Items(&x[..common], &y[..common], 1));
            Ordering::Equal
        }
        _ => match (rank(a).cmp(&rank(b)), Identity::of(a), Identity::of(b)) {
            (Ordering::Equal, Some(a), Some(b)) => a.cmp(&b),
            (order, ..) => order,
        },
    }
}

fn list_parts(list: &Term) -> (&[Term], &Term) {
    match list {
        Term::ImproperList(ImproperList(items)) => items
            .as_slice()
            .split_last()
            .map_or((&[], &super::NIL), |(tail, items)| (items, tail)),
        other => (other.children(), &super::NIL),
    }
}

/// Bit by bit, the shorter one first. Unused bits are zero, so whole bytes can be compared.
fn cmp_bits(a: &Term, b: &Term) -> Ordering {
    fn parts(term: &Term) -> (&[u8], usize) {
        match term {
            Term::Binary(binary) => (binary, binary.len() * 8),
            Term::BitString(bits) => (bits.bytes(), bits.bit_len()),
            _ => (&[], 0),
        }
    }
    let ((x, bits_x), (y, bits_y)) = (parts(a), parts(b));
    let common = bits_x.min(bits_y);
    let (whole, rest) = (common / 8, common % 8);
    x[..whole]
        .cmp(&y[..whole])
        .then_with(|| {
            let mask = |byte: Option<&u8>| byte.copied().unwrap_or(0) & !(0xff_u8 >> rest);
            if rest == 0 {
                Ordering::Equal
            } else {
                mask(x.get(whole)).cmp(&mask(y.get(whole)))
            }
        })
        .then_with(|| bits_x.cmp(&bits_y))
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
