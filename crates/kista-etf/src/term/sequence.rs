//! Tuples and lists.

use super::{Elements, Term};

macro_rules! sequence {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Default)]
        pub struct $name(pub(crate) Elements);

        impl $name {
            /// The elements.
            pub fn as_slice(&self) -> &[Term] {
                self.0.as_slice()
            }

            /// The elements, to change.
            pub fn as_mut_slice(&mut self) -> &mut [Term] {
                self.0.as_mut_slice()
            }

            /// The elements, moved out.
            pub fn into_vec(self) -> Vec<Term> {
                self.0.into_vec()
            }
        }

        impl From<Vec<Term>> for $name {
            fn from(items: Vec<Term>) -> Self {
                Self(Elements::new(items))
            }
        }

        impl FromIterator<Term> for $name {
            fn from_iter<I: IntoIterator<Item = Term>>(items: I) -> Self {
                Self(Elements::new(items.into_iter().collect()))
            }
        }

        impl std::ops::Deref for $name {
            type Target = [Term];
            fn deref(&self) -> &[Term] {
                self.0.as_slice()
            }
        }

        impl IntoIterator for $name {
            type Item = Term;
            type IntoIter = std::vec::IntoIter<Term>;
            fn into_iter(self) -> Self::IntoIter {
                self.into_vec().into_iter()
            }
        }

        impl<'a> IntoIterator for &'a $name {
            type Item = &'a Term;
            type IntoIter = std::slice::Iter<'a, Term>;
            fn into_iter(self) -> Self::IntoIter {
                self.as_slice().iter()
            }
        }
    };
}

sequence! {
    /// The elements of a tuple.
    Tuple
}

sequence! {
    /// The elements of a proper list.
    List
}

/// The elements of an improper list, at least one, and its tail, which is no list.
#[derive(Clone)]
pub struct ImproperList(pub(crate) Elements);

impl ImproperList {
    /// The elements before the tail.
    pub fn elements(&self) -> &[Term] {
        self.0
            .as_slice()
            .split_last()
            .map_or(&[], |(_, elements)| elements)
    }

    /// The tail.
    pub fn tail(&self) -> &Term {
        self.0.as_slice().last().unwrap_or(&super::NIL)
    }

    /// The elements and the tail, moved out.
    pub fn into_parts(self) -> (Vec<Term>, Term) {
        let mut items = self.0.into_vec();
        let tail = items.pop().unwrap_or(Term::NIL);
        (items, tail)
    }
}
