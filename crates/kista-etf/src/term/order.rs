//! The walk over two terms that all ordering shares, without recursion.
//!
//! The order of kinds is number < atom < reference < fun < port < pid < tuple < map < nil < list < bit string. Tuples go by
//! size, then element by element; maps by size, then all keys, then all values; lists element by element, then by what
//! follows the shorter one. How numbers compare is the caller's choice, except within keys of maps, where it is by kind.
//!
//! Closures go by module, index, old uniq and the number of captured values, then by these values, which are decoded for it;
//! in a closure that is captured by a closure, eight times over, by their bytes instead, which bounds the recursion.

use std::cmp::Ordering;

use super::number::{cmp_by_kind, cmp_by_value};
use super::{Fun, Identity, ImproperList, Term};

/// How an integer compares with a float.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Every integer is less than every float, and `-0.0` less than `0.0`: the order of map keys.
    ByKind,
    /// By value, as `<` does.
    ByValue,
}

pub(super) fn order(a: &Term, b: &Term, numbers: Numbers) -> Ordering {
    walk(a, b, numbers, 0)
}

/// How deep closures may capture each other before their values are compared by their bytes.
const MAX_CAPTURED: u8 = 8;

/// What is still to be compared, if everything before it is equal.
struct Task<'a> {
    what: What<'a>,
    numbers: Numbers,
}

enum What<'a> {
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

fn walk(a: &Term, b: &Term, numbers: Numbers, captured: u8) -> Ordering {
    let mut tasks = Vec::new();
    let order = cmp_heads(a, b, numbers, captured, &mut tasks);
    if order.is_ne() {
        return order;
    }
    while let Some(Task { what, numbers }) = tasks.pop() {
        let order = match what {
            What::Items([], _, _) | What::Items(_, [], _) => continue,
            What::Items(a, b, step) => {
                let (next_a, next_b) = (a.get(step..).unwrap_or(&[]), b.get(step..).unwrap_or(&[]));
                if !next_a.is_empty() {
                    tasks.push(Task {
                        what: What::Items(next_a, next_b, step),
                        numbers,
                    });
                }
                cmp_heads(&a[0], &b[0], numbers, captured, &mut tasks)
            }
            What::Tails(Tail::Term(a), Tail::Term(b)) => {
                cmp_heads(a, b, numbers, captured, &mut tasks)
            }
            What::Tails(Tail::Term(a), Tail::Rest) => rank(a).cmp(&LIST_RANK),
            What::Tails(Tail::Rest, Tail::Term(b)) => LIST_RANK.cmp(&rank(b)),
            What::Tails(Tail::Rest, Tail::Rest) => continue,
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

const LIST_RANK: u8 = 9;

fn rank(term: &Term) -> u8 {
    match term {
        Term::Int(_) | Term::Big(_) | Term::Float(_) => 0,
        Term::Atom(_) | Term::AtomText(_) => 1,
        Term::Reference(_) => 2,
        Term::Fun(_) | Term::Export(_) => 3,
        Term::Port(_) => 4,
        Term::Pid(_) => 5,
        Term::Tuple(_) => 6,
        Term::Map(_) => 7,
        Term::List(list) if list.is_empty() => 8,
        Term::List(_) | Term::ImproperList(_) => LIST_RANK,
        Term::Binary(_) | Term::BitString(_) => 10,
        Term::Opaque(it) => match it.kind() {
            crate::Kind::Reference => 2,
            crate::Kind::Port => 4,
            _ => 5,
        },
    }
}

/// Compares all but what is inside, which becomes tasks.
fn cmp_heads<'a>(
    a: &'a Term,
    b: &'a Term,
    numbers: Numbers,
    captured: u8,
    tasks: &mut Vec<Task<'a>>,
) -> Ordering {
    let mut later = |what, numbers| tasks.push(Task { what, numbers });
    match (a, b) {
        (Term::Int(a), Term::Int(b)) => a.cmp(b),
        (
            Term::Int(_) | Term::Big(_) | Term::Float(_),
            Term::Int(_) | Term::Big(_) | Term::Float(_),
        ) => match numbers {
            Numbers::ByKind => cmp_by_kind(a, b),
            Numbers::ByValue => cmp_by_value(a, b),
        },
        (Term::Atom(a), Term::Atom(b)) => a.cmp(b),
        (Term::Atom(_) | Term::AtomText(_), Term::Atom(_) | Term::AtomText(_)) => {
            a.as_atom_str().cmp(&b.as_atom_str())
        }
        (Term::Fun(a), Term::Fun(b)) => cmp_funs(a, b, numbers, captured),
        (Term::Export(a), Term::Export(b)) => a.cmp(b),
        (Term::Fun(_), Term::Export(_)) => Ordering::Less,
        (Term::Export(_), Term::Fun(_)) => Ordering::Greater,
        (Term::Tuple(x), Term::Tuple(y)) => {
            later(What::Items(x, y, 1), numbers);
            x.len().cmp(&y.len())
        }
        (Term::Map(x), Term::Map(y)) => {
            let (items_x, items_y) = (a.children(), b.children());
            let values = What::Items(
                items_x.get(1..).unwrap_or(&[]),
                items_y.get(1..).unwrap_or(&[]),
                2,
            );
            later(values, numbers);
            later(What::Items(items_x, items_y, 2), Numbers::ByKind);
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
            later(What::Tails(after(x, tail_x), after(y, tail_y)), numbers);
            later(What::Items(&x[..common], &y[..common], 1), numbers);
            Ordering::Equal
        }
        _ => match (rank(a).cmp(&rank(b)), Identity::of(a), Identity::of(b)) {
            (Ordering::Equal, Some(a), Some(b)) => a.cmp(&b),
            (order, ..) => order,
        },
    }
}

/// Closures of one fun expression by what they captured; `Equal` in the exact order only if they are equal.
fn cmp_funs(a: &Fun, b: &Fun, numbers: Numbers, captured: u8) -> Ordering {
    let (Some(x), Some(y)) = (a.parts(), b.parts()) else {
        return a.key().cmp(&b.key());
    };
    let heads = x
        .module
        .cmp(&y.module)
        .then_with(|| x.index.cmp(&y.index))
        .then_with(|| x.old_uniq.cmp(&y.old_uniq))
        .then_with(|| x.free.cmp(&y.free));
    if heads.is_ne() {
        return heads;
    }
    let values = match (captured < MAX_CAPTURED).then(|| (x.captured(), y.captured())) {
        Some((Some(x), Some(y))) => walk(&x, &y, numbers, captured + 1),
        _ => Ordering::Equal,
    };
    match numbers {
        Numbers::ByValue if values.is_eq() && captured < MAX_CAPTURED => values,
        _ => values.then_with(|| a.key().cmp(&b.key())),
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
