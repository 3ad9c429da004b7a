//! Maps: pairs in one slice, sorted by key.

use super::{Elements, Term};

/// A map: its keys are distinct and sorted (by `Ord` of [`Term`], which is Erlang's order of map keys).
///
/// ```
/// use kista_etf::Term;
/// let term = Term::map([(Term::from("b"), Term::from(2)), (Term::from("a"), Term::from(1))]).unwrap();
/// let map = term.as_map().unwrap();
/// assert_eq!(map.value(&Term::from("b")).and_then(Term::as_int), Some(2));
/// assert_eq!(term.to_string(), r#"#{<<"a">> => 1,<<"b">> => 2}"#);
/// ```
#[derive(Clone, Default)]
pub struct Map(pub(crate) Elements);

impl Map {
    /// A map of these pairs, in any order; `None` when a key is there twice.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (Term, Term)>) -> Option<Self> {
        let mut items = Vec::new();
        for (key, value) in pairs {
            items.push(key);
            items.push(value);
        }
        Self::from_flat(items)
    }

    /// A map of these pairs, in any order; of pairs with the same key the last one counts, as in `maps:from_list/1`.
    ///
    /// ```
    /// use kista_etf::{Term, term::Map};
    /// let map = Map::from_pairs_last([(Term::from(1), Term::from("a")), (Term::from(1), Term::from("b"))]);
    /// assert_eq!(Term::from(map).to_string(), r#"#{1 => <<"b">>}"#);
    /// ```
    pub fn from_pairs_last(pairs: impl IntoIterator<Item = (Term, Term)>) -> Self {
        let mut pairs: Vec<(Term, Term)> = pairs.into_iter().collect();
        // The sort is stable: equal keys keep their order, and of each two the later one is kept.
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        pairs.dedup_by(|later, kept| {
            let same = later.0 == kept.0;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        Self(Elements::new(
            pairs
                .into_iter()
                .flat_map(|(key, value)| [key, value])
                .collect(),
        ))
    }

    /// From keys and values in turn.
    pub(crate) fn from_flat(items: Vec<Term>) -> Option<Self> {
        debug_assert!(items.len().is_multiple_of(2));
        let keys = |items: &[Term]| {
            items
                .iter()
                .step_by(2)
                .zip(items.iter().skip(2).step_by(2))
                .all(|(a, b)| a < b)
        };
        if keys(&items) {
            return Some(Self(Elements::new(items)));
        }
        let mut pairs = Vec::with_capacity(items.len() / 2);
        let mut rest = items.into_iter();
        while let (Some(key), Some(value)) = (rest.next(), rest.next()) {
            pairs.push((key, value));
        }
        pairs.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        if pairs.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        let mut items = Vec::with_capacity(pairs.len() * 2);
        for (key, value) in pairs {
            items.push(key);
            items.push(value);
        }
        Some(Self(Elements::new(items)))
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.as_slice().len() / 2
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.as_slice().is_empty()
    }

    /// The value of a key.
    pub fn value(&self, key: &Term) -> Option<&Term> {
        let (pairs, _) = self.0.as_slice().as_chunks::<2>();
        let at = pairs.binary_search_by(|[known, _]| known.cmp(key)).ok()?;
        Some(&pairs[at][1])
    }

    /// The value of an atom key, by its text.
    pub fn field(&self, name: &str) -> Option<&Term> {
        self.iter()
            .find_map(|(key, value)| key.is_atom(name).then_some(value))
    }

    /// The pairs, in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Term, &Term)> + Clone {
        let (pairs, _) = self.0.as_slice().as_chunks::<2>();
        pairs.iter().map(|[key, value]| (key, value))
    }

    /// The pairs, moved out, in the order of their keys.
    pub fn into_pairs(self) -> Vec<(Term, Term)> {
        let mut pairs = Vec::with_capacity(self.len());
        let mut rest = self.0.into_vec().into_iter();
        while let (Some(key), Some(value)) = (rest.next(), rest.next()) {
            pairs.push((key, value));
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AtomName, atoms};

    #[test]
    fn a_key_twice_is_no_map_also_when_one_is_not_interned() {
        let text = Term::from(AtomName::text("ok").unwrap());
        assert!(Term::map([(Term::from(atoms::OK), Term::NIL), (text, Term::NIL)]).is_none());
        assert!(Term::map([(Term::from(1), Term::NIL), (Term::from(1.0), Term::NIL)]).is_some());
    }
}
