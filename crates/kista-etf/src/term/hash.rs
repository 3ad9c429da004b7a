//! Hashing, consistent with equality.

use std::hash::{Hash, Hasher};

use super::{Identity, Term};
use crate::atom::hash_text;

impl Hash for Term {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut open: Vec<std::slice::Iter<'_, Self>> = Vec::new();
        let mut next = Some(self);
        loop {
            if let Some(term) = next {
                hash_one(term, state);
                let children = term.children();
                if !children.is_empty() {
                    open.push(children.iter());
                }
            }
            let Some(innermost) = open.last_mut() else {
                return;
            };
            next = innermost.next();
            if next.is_none() {
                open.pop();
            }
        }
    }
}

/// The term without what is inside of it.
fn hash_one(term: &Term, state: &mut impl Hasher) {
    match term {
        // Kinds, not variants: an opaque pid hashes as a pid. A list and an improper one are told apart by their sizes.
        Term::Int(value) => state.write_i64(*value),
        Term::Big(value) => value.hash(state),
        Term::Float(value) => state.write_u64(value.to_bits()),
        Term::Atom(atom) => state.write_u64(atom.text_hash()),
        Term::AtomText(text) => state.write_u64(hash_text(text.as_str())),
        Term::Binary(binary) => binary.hash(state),
        Term::BitString(bits) => bits.hash(state),
        Term::Fun(fun) => fun.hash(state),
        Term::Export(export) => export.hash(state),
        Term::Tuple(_) | Term::List(_) | Term::ImproperList(_) | Term::Map(_) => {
            (term.kind(), term.children().len()).hash(state);
        }
        Term::Pid(_) | Term::Port(_) | Term::Reference(_) | Term::Opaque(_) => {
            if let Some(identity) = Identity::of(term) {
                identity.hash(state);
            }
        }
    }
}
