//! The flat slice of terms inside every container, and the only places where nesting could become recursion: drop and clone.

use super::{ImproperList, List, Map, Term, Tuple};

/// The elements of one container: `None` for none, so that the empty list is a constant.
#[derive(Default)]
pub(crate) struct Elements(Option<Box<[Term]>>);

impl Elements {
    pub(crate) const EMPTY: Self = Self(None);

    #[inline]
    pub(crate) fn new(items: Vec<Term>) -> Self {
        if items.is_empty() {
            Self(None)
        } else {
            Self(Some(items.into_boxed_slice()))
        }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[Term] {
        self.0.as_deref().unwrap_or(&[])
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Term] {
        self.0.as_deref_mut().unwrap_or(&mut [])
    }

    pub(crate) fn into_vec(mut self) -> Vec<Term> {
        self.0.take().map(Vec::from).unwrap_or_default()
    }
}

impl Term {
    /// The terms directly inside this one: of a map keys and values in turn, of an improper list the tail last.
    #[inline]
    pub(crate) fn children(&self) -> &[Self] {
        match self {
            Self::Tuple(Tuple(items))
            | Self::List(List(items))
            | Self::ImproperList(ImproperList(items))
            | Self::Map(Map(items)) => items.as_slice(),
            _ => &[],
        }
    }

    fn take_children(&mut self) -> Option<Box<[Self]>> {
        match self {
            Self::Tuple(Tuple(items))
            | Self::List(List(items))
            | Self::ImproperList(ImproperList(items))
            | Self::Map(Map(items)) => items.0.take(),
            _ => None,
        }
    }

    /// The terms directly inside this one, moved out.
    pub(crate) fn into_children(mut self) -> Vec<Self> {
        self.take_children().map(Vec::from).unwrap_or_default()
    }

    /// The same kind of container around other elements.
    fn with_children(&self, items: Vec<Self>) -> Self {
        let items = Elements::new(items);
        match self {
            Self::Tuple(_) => Self::Tuple(Tuple(items)),
            Self::List(_) => Self::List(List(items)),
            Self::ImproperList(_) => Self::ImproperList(ImproperList(items)),
            Self::Map(_) => Self::Map(Map(items)),
            leaf => leaf.clone(),
        }
    }
}

/// Whether there is something inside of what is inside: what the compiler's own drop must not descend into.
fn is_deep(term: &Term) -> bool {
    term.children()
        .iter()
        .any(|child| !child.children().is_empty())
}

impl Drop for Elements {
    fn drop(&mut self) {
        if !self.as_slice().iter().any(is_deep) {
            return;
        }
        let mut open: Vec<Box<[Term]>> = self.0.take().into_iter().collect();
        while let Some(mut items) = open.pop() {
            open.extend(
                items
                    .iter_mut()
                    .filter(|item| is_deep(item))
                    .filter_map(Term::take_children),
            );
        }
    }
}

impl Clone for Elements {
    fn clone(&self) -> Self {
        let is_nested = |term: &Term| !term.children().is_empty();
        if !self.as_slice().iter().any(is_nested) {
            return Self(self.0.clone());
        }
        struct Open<'a> {
            of: Option<&'a Term>,
            rest: std::slice::Iter<'a, Term>,
            done: Vec<Term>,
        }
        let mut outer = Vec::new();
        let mut open = Open {
            of: None,
            rest: self.as_slice().iter(),
            done: Vec::with_capacity(self.as_slice().len()),
        };
        loop {
            let Some(next) = open.rest.next() else {
                let Some(mut parent) = outer.pop() else {
                    return Self::new(open.done);
                };
                std::mem::swap(&mut open, &mut parent);
                let finished = parent;
                if let Some(of) = finished.of {
                    open.done.push(of.with_children(finished.done));
                }
                continue;
            };
            if next.children().iter().any(is_nested) {
                let items = next.children();
                let inner = Open {
                    of: Some(next),
                    rest: items.iter(),
                    done: Vec::with_capacity(items.len()),
                };
                outer.push(std::mem::replace(&mut open, inner));
            } else {
                open.done.push(next.clone());
            }
        }
    }
}
