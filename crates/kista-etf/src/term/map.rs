//! Maps: pairs in one slice, sorted by key.

use std::cmp::Ordering;

use smallvec::SmallVec;

use super::{Elements, Term};

/// A map: its keys are distinct and sorted (by `Ord` of [`Term`], which is Erlang's order of map keys).
///
/// ```
/// use kista_etf::Term;
/// let term = Term::map([(Term::from("b"), Term::from(2)), (Term::from("a"), Term::from(1))]).unwrap();
/// let map = term.as_map().unwrap();
/// assert_eq!(map.get(&Term::from("b")).and_then(Term::as_int), Some(2));
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
    pub(crate) fn from_flat(mut items: Vec<Term>) -> Option<Self> {
        let (pairs, rest) = items.as_chunks_mut::<2>();
        debug_assert!(rest.is_empty());
        if !is_sorted(pairs) {
            sort(pairs);
            if !is_sorted(pairs) {
                return None;
            }
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

    fn pairs(&self) -> &[[Term; 2]] {
        self.0.as_slice().as_chunks::<2>().0
    }

    /// Where the key is, or where it belongs.
    fn find(&self, key: &Term) -> Result<usize, usize> {
        self.pairs().binary_search_by(|[known, _]| known.cmp(key))
    }

    /// The value of a key.
    pub fn get(&self, key: &Term) -> Option<&Term> {
        let at = self.find(key).ok()?;
        Some(&self.pairs()[at][1])
    }

    /// The same as [`get`](Self::get).
    pub fn value(&self, key: &Term) -> Option<&Term> {
        self.get(key)
    }

    /// Whether the key is there.
    pub fn contains_key(&self, key: &Term) -> bool {
        self.find(key).is_ok()
    }

    /// Sets the value of a key; gives the one before, if it was there. A new key moves those behind it: to make a map out of
    /// many pairs, collect them.
    ///
    /// ```
    /// use kista_etf::{Term, term::Map};
    /// let mut map = Map::default();
    /// assert_eq!(map.insert("b".into(), 1.into()), None);
    /// assert_eq!(map.insert("a".into(), 2.into()), None);
    /// assert_eq!(map.insert("b".into(), 3.into()), Some(Term::from(1)));
    /// assert_eq!(Term::from(map).to_string(), r#"#{<<"a">> => 2,<<"b">> => 3}"#);
    /// ```
    pub fn insert(&mut self, key: Term, value: Term) -> Option<Term> {
        match self.find(&key) {
            Ok(at) => {
                let place = self.0.as_mut_slice().get_mut(2 * at + 1)?;
                Some(std::mem::replace(place, value))
            }
            Err(at) => {
                let mut items = std::mem::take(&mut self.0).into_vec();
                items.reserve_exact(2);
                items.splice(2 * at..2 * at, [key, value]);
                self.0 = Elements::new(items);
                None
            }
        }
    }

    /// Takes a key out, and gives its value.
    pub fn remove(&mut self, key: &Term) -> Option<Term> {
        let at = self.find(key).ok()?;
        let mut items = std::mem::take(&mut self.0).into_vec();
        let value = items.drain(2 * at..2 * at + 2).next_back();
        self.0 = Elements::new(items);
        value
    }

    /// The keys, in their order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &Term> + Clone {
        self.pairs().iter().map(|[key, _]| key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &Term> + Clone {
        self.pairs().iter().map(|[_, value]| value)
    }

    /// The value of an atom key, by its text.
    pub fn field(&self, name: &str) -> Option<&Term> {
        self.iter()
            .find_map(|(key, value)| key.is_atom(name).then_some(value))
    }

    /// The pairs, in the order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Term, &Term)> + Clone {
        self.into_iter()
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

/// Of pairs with the same key the last one counts.
impl FromIterator<(Term, Term)> for Map {
    fn from_iter<I: IntoIterator<Item = (Term, Term)>>(pairs: I) -> Self {
        Self::from_pairs_last(pairs)
    }
}

impl IntoIterator for Map {
    type Item = (Term, Term);
    type IntoIter = std::vec::IntoIter<(Term, Term)>;

    fn into_iter(self) -> Self::IntoIter {
        self.into_pairs().into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Term, &'a Term);
    type IntoIter =
        std::iter::Map<std::slice::Iter<'a, [Term; 2]>, fn(&'a [Term; 2]) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.pairs().iter().map(|[key, value]| (key, value))
    }
}

/// Whether each key is less than the next.
fn is_sorted(pairs: &[[Term; 2]]) -> bool {
    pairs
        .windows(2)
        .all(|pair| cmp_keys(&pair[0][0], &pair[1][0]).is_lt())
}

/// Keys are mostly atoms, or mostly binaries.
fn cmp_keys(a: &Term, b: &Term) -> Ordering {
    match (a, b) {
        (Term::Atom(a), Term::Atom(b)) => a.cmp(b),
        (Term::Binary(a), Term::Binary(b)) => a.cmp(b),
        _ => a.cmp(b),
    }
}

/// Sorts by key. Where all keys are atoms, their first eight bytes are fetched once, and decide nearly all of the comparisons
/// without a look into the table of atoms.
fn sort(pairs: &mut [[Term; 2]]) {
    let mut order: SmallVec<[(u64, u32); 64]> = SmallVec::new();
    for (at, [key, _]) in (0u32..).zip(&*pairs) {
        let Term::Atom(atom) = key else {
            return pairs.sort_unstable_by(|[a, _], [b, _]| cmp_keys(a, b));
        };
        order.push((front(atom.as_str().as_bytes()), at));
    }
    order.sort_unstable_by(|(front_a, a), (front_b, b)| {
        front_a
            .cmp(front_b)
            .then_with(|| cmp_keys(&pairs[*a as usize][0], &pairs[*b as usize][0]))
    });
    // Along each cycle of the permutation, so that every pair is moved once.
    for start in 0..pairs.len() {
        let mut to = start;
        loop {
            let from = std::mem::replace(&mut order[to].1, to as u32) as usize;
            if from == start || from == to {
                break;
            }
            pairs.swap(to, from);
            to = from;
        }
    }
}

/// The first eight bytes as a number: two that differ sort as the texts do.
fn front(text: &[u8]) -> u64 {
    let mut front = [0; 8];
    for (place, byte) in front.iter_mut().zip(text) {
        *place = *byte;
    }
    u64::from_be_bytes(front)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Atom, AtomName, atoms};

    #[test]
    fn every_order_of_the_keys_makes_the_same_map() {
        let names = [
            "b",
            "bb",
            "a",
            "",
            "handshake",
            "handshaker",
            "handshake_",
            "h",
            "\u{e9}",
        ];
        for keys in [
            names.map(|name| Term::Atom(Atom::new(name).unwrap())),
            names.map(Term::from),
        ] {
            let mut sorted = keys.to_vec();
            sorted.sort();
            for turn in 0..keys.len() {
                for step in [1, 2, 4, 5, 7, 8] {
                    let pairs = (0..keys.len()).map(|n| (n * step + turn) % keys.len());
                    let map =
                        Map::from_pairs(pairs.map(|n| (keys[n].clone(), Term::from(n)))).unwrap();
                    assert!(map.iter().map(|(key, _)| key).eq(&sorted));
                    assert!(
                        map.iter()
                            .all(|(key, n)| *key == keys[n.as_int().unwrap() as usize])
                    );
                }
            }
            let twice = keys
                .iter()
                .chain(&keys[4..5])
                .map(|key| (key.clone(), Term::NIL));
            assert!(Map::from_pairs(twice).is_none());
        }
    }

    #[test]
    fn a_key_twice_is_no_map_also_when_one_is_not_interned() {
        let text = Term::from(AtomName::text("ok").unwrap());
        assert!(Term::map([(Term::from(atoms::OK), Term::NIL), (text, Term::NIL)]).is_none());
        assert!(Term::map([(Term::from(1), Term::NIL), (Term::from(1.0), Term::NIL)]).is_some());
    }
}
