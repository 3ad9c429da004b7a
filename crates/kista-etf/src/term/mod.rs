//! Any Erlang term as a value.
//!
//! The rules:
//!
//! 1. A [`Term`] has 24 bytes. Containers own their elements in one flat slice each; big integers, references, bit strings,
//!    exports and foreign identifiers are boxed.
//! 2. Containers, never `Term`, implement `Drop`: a `match` can move out of a term. Drop, clone, comparison, hash, printing
//!    and encoding use no recursion: a term nested a million deep is as safe as a flat one.
//! 3. `Eq` and `Hash` are Erlang's `=:=`: `1` is not `1.0`, `0.0` is not `-0.0` (OTP 27), and a name that is not interned
//!    equals the atom of its text. `Ord` is the order of map keys: Erlang's term order, but all integers before all floats.
//! 4. A list of no elements is [`Term::NIL`]; an improper list has at least one element and a tail that is no list;
//!    [`Term::list`] and [`Term::improper`] see to it. Big integers are only those that do not fit `i64`.
//! 5. What cannot be understood (closures, identifiers of nodes beyond the atom quota) is kept and sent back unchanged.

mod accessors;
mod cmp;
mod elements;
mod from;
mod fun;
mod hash;
mod into;
mod lexeme;
mod map;
mod number;
mod opaque;
mod order;
mod phash2;
mod pretty;
mod sequence;
pub(crate) mod text;
pub(crate) mod write;

pub use crate::text_view::TextError;
pub use fun::{Export, Fun};
pub use map::Map;
pub use opaque::Opaque;
pub use sequence::{ImproperList, List, Tuple};
pub use text::Format;

pub(crate) use elements::Elements;
pub(crate) use lexeme::{continues_atom, is_reserved, starts_atom};
pub(crate) use opaque::Identity;

use num_bigint::BigInt;

use crate::{Atom, AtomText, Binary, BitString, Pid, Port, Reference};

/// Where a reference to the empty list is needed.
static NIL: Term = Term::NIL;

/// An Erlang term.
///
/// ```
/// use kista_etf::{atoms, Term};
/// let term = Term::tuple([Term::from(atoms::OK), Term::from(7), Term::from("text")]);
/// assert_eq!(term.to_string(), r#"{ok,7,<<"text">>}"#);
/// let [ok, n, _] = term.as_tuple().unwrap() else { panic!() };
/// assert!(ok.is_atom("ok"));
/// assert_eq!(n.as_int(), Some(7));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Term {
    /// An integer that fits `i64`.
    Int(i64),
    /// An integer that does not fit `i64`. Build it with [`Term::big`], which keeps this so.
    Big(Box<BigInt>),
    /// A finite float.
    Float(f64),
    /// An atom, booleans included.
    Atom(Atom),
    /// An atom beyond the quota: equal to the interned atom of this text.
    AtomText(AtomText),
    /// A process identifier.
    Pid(Pid),
    /// A port identifier.
    Port(Port),
    /// A reference.
    Reference(Box<Reference>),
    /// A tuple.
    Tuple(Tuple),
    /// A proper list, also the empty one.
    List(List),
    /// A list whose tail is not a list.
    ImproperList(ImproperList),
    /// A map.
    Map(Map),
    /// A binary.
    Binary(Binary),
    /// A bit string whose size is no multiple of eight.
    BitString(Box<BitString>),
    /// A closure, which is kept and can be sent back.
    Fun(Fun),
    /// `fun module:function/arity`.
    Export(Box<Export>),
    /// A pid, port or reference whose node's name is beyond the atom quota.
    Opaque(Box<Opaque>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_term_has_24_bytes() {
        assert!(size_of::<Term>() <= 24);
    }

    #[test]
    fn a_million_levels_overflow_no_stack() {
        let mut term = Term::NIL;
        for level in 0..1_000_000u32 {
            term = match level % 4 {
                0 => Term::tuple([term, Term::from(1)]),
                1 => Term::list([Term::from(1), term]),
                2 => Term::improper([term], Term::from(1)),
                _ => Term::map([(Term::from(1), term)]).unwrap(),
            };
        }
        let copy = term.clone();
        assert!(copy == term);
        assert!(copy.cmp(&term).is_eq());
        use std::hash::BuildHasher;
        let state = std::hash::RandomState::new();
        assert_eq!(state.hash_one(&copy), state.hash_one(&term));
        assert!(!format!("{term:?}").is_empty());
        let bytes = crate::to_vec(&term).unwrap();
        let back: Term = crate::from_slice_with(
            &bytes,
            &crate::Limits {
                depth: 2_000_000,
                ..crate::Limits::DEFAULT
            },
        )
        .unwrap();
        assert!(back == term);
        assert!(
            crate::from_slice_with::<Term>(
                &bytes,
                &crate::Limits {
                    depth: 1000,
                    ..crate::Limits::DEFAULT
                }
            )
            .is_err()
        );
        let mut d = crate::Decoder::new(&bytes[1..]);
        d.skip().unwrap();
        d.finish().unwrap();
    }
}
