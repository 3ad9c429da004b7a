//! What the derives' expansions call, so that they stay short. Not for others: it changes without notice.
//!
//! [`Names`] is the heart: the names of a type's fields or variants, found without interning anything. A key that comes in the
//! expected order is compared with one text; others are looked up in a table that was made by the compiler. What is expected
//! is the order in which keys came last: a peer writes the keys of a map in whatever order (sorted, by hash, by age), but
//! always in the same one.

use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

use crate::decoder::same;
use crate::{Decode, DecodeError, Decoder, EncodeError, Kind, ListHeader, Mark, Place, StaticAtom};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// `true`, as the value of a bare atom in a proplist.
static TRUE: [u8; 6] = [119, 4, b't', b'r', b'u', b'e'];

/// `N` distinct names, in a table of `SLOTS`: a power of two, at least twice `N`.
#[derive(Debug)]
pub struct Names<const N: usize, const SLOTS: usize> {
    atoms: [StaticAtom; N],
    slots: [u16; SLOTS],
    /// Which name came after each the last time; the one at `N` came first. Only a guess: any thread may change it.
    follows: [AtomicU16; SLOTS],
}

const VACANT: u16 = u16::MAX;

impl<const N: usize, const SLOTS: usize> Names<N, SLOTS> {
    pub const fn new(texts: [&'static str; N]) -> Self {
        assert!(SLOTS.is_power_of_two() && SLOTS >= 2 * N && N < VACANT as usize);
        let mut names = Self {
            atoms: [const { StaticAtom::new("") }; N],
            slots: [VACANT; SLOTS],
            follows: [const { AtomicU16::new(0) }; SLOTS],
        };
        let mut index = 0;
        while index < N {
            names.atoms[index] = StaticAtom::new(texts[index]);
            let mut slot = spread(texts[index].as_bytes()) & (SLOTS - 1);
            while names.slots[slot] != VACANT {
                slot = (slot + 1) & (SLOTS - 1);
            }
            names.slots[slot] = index as u16;
            index += 1;
            if index < N {
                names.follows[index - 1] = AtomicU16::new(index as u16);
            }
        }
        names
    }

    /// The place of this name; `N` if it is none of them.
    #[inline]
    pub fn find(&self, text: &[u8]) -> usize {
        if N == 0 {
            return N;
        }
        let mut slot = spread(text) & (SLOTS - 1);
        loop {
            let index = usize::from(self.slots[slot]);
            match self.atoms.get(index) {
                Some(atom) if same(atom.text().as_bytes(), text) => return index,
                Some(_) => slot = (slot + 1) & (SLOTS - 1),
                None => return N,
            }
        }
    }

    /// What to give to the first [`key`](Self::key) as the last one.
    #[inline]
    pub const fn start(&self) -> usize {
        N
    }

    /// Reads a key: its place; `N` for every other term. `last` is the place of the last one before.
    #[inline]
    pub fn key(&self, d: &mut Decoder<'_>, last: &mut usize) -> Result<usize> {
        let expected = self.expected(*last);
        if let Some(atom) = self.atoms.get(expected)
            && d.take_atom(atom)
        {
            *last = expected;
            return Ok(expected);
        }
        self.unexpected_key(d, last)
    }

    #[inline(never)]
    fn unexpected_key(&self, d: &mut Decoder<'_>, last: &mut usize) -> Result<usize> {
        let index = self.any_key(d)?;
        self.came(index, last);
        Ok(index)
    }

    #[inline]
    fn expected(&self, last: usize) -> usize {
        self.follows
            .get(last)
            .map_or(N, |name| usize::from(name.load(Relaxed)))
    }

    #[inline]
    fn came(&self, index: usize, last: &mut usize) {
        if index < N {
            if let Some(follows) = self.follows.get(*last) {
                follows.store(index as u16, Relaxed);
            }
            *last = index;
        }
    }

    fn any_key(&self, d: &mut Decoder<'_>) -> Result<usize> {
        if let Some((text, before)) = d.peek_atom_text() {
            let index = self.find(text);
            if index < N {
                d.take(before + text.len())?;
                return Ok(index);
            }
        }
        if d.peek()? != Kind::Atom {
            d.skip()?;
            return Ok(N);
        }
        Ok(self.find(d.atom_str()?.as_bytes()))
    }

    /// [`key`](Self::key) for keys that are binaries.
    #[inline]
    pub fn binary_key(&self, d: &mut Decoder<'_>, last: &mut usize) -> Result<usize> {
        if d.peek()? != Kind::Binary {
            d.skip()?;
            return Ok(N);
        }
        let text = d.binary()?;
        let expected = self.expected(*last);
        if let Some(atom) = self.atoms.get(expected)
            && same(atom.text().as_bytes(), text)
        {
            *last = expected;
            return Ok(expected);
        }
        let index = self.find(text);
        self.came(index, last);
        Ok(index)
    }

    /// Reads an atom, or the head of a tuple and the atom that begins it: which name it is, and the size of the tuple, 0 for
    /// the bare atom. `N` for every other term, some of which is read then.
    #[inline]
    pub fn tag(&self, d: &mut Decoder<'_>) -> Result<(usize, usize)> {
        // A few names are compared faster than looked up.
        if N <= 4
            && let Some(index) = self.atoms.iter().position(|atom| d.take_front(atom))
        {
            return Ok((index, 0));
        }
        self.any_tag(d)
    }

    #[inline(never)]
    fn any_tag(&self, d: &mut Decoder<'_>) -> Result<(usize, usize)> {
        match d.peek()? {
            Kind::Atom => Ok((self.any_key(d)?, 0)),
            Kind::Tuple => match d.tuple()? {
                0 => Ok((N, 0)),
                arity if d.peek()? == Kind::Atom => Ok((self.any_key(d)?, arity)),
                _ => Ok((N, 0)),
            },
            _ => Ok((N, 0)),
        }
    }

    /// Reads one entry of a proplist up to the value of a field that is not `seen` yet. The second is set for a bare atom,
    /// whose value is no part of the input. `N`: there is nothing to do with this entry, which is read.
    pub fn entry(
        &self,
        d: &mut Decoder<'_>,
        binary: bool,
        last: &mut usize,
        seen: &mut [bool; N],
        deny: Option<&'static str>,
    ) -> Result<(usize, bool)> {
        let mark = d.mark();
        let (index, arity) = match d.peek()? {
            Kind::Atom if !binary => (self.key(d, last)?, 0),
            Kind::Tuple => match d.tuple()? {
                0 => (N, 1),
                arity if binary => (self.binary_key(d, last)?, arity),
                arity => (self.key(d, last)?, arity),
            },
            _ => {
                d.skip()?;
                (N, 1)
            }
        };
        if index == N
            && let Some(of) = deny
        {
            d.reset(mark);
            if d.peek()? == Kind::Tuple && d.tuple()? == 0 {
                d.reset(mark);
            }
            let key = d.mark();
            return Err(unknown_key(d, key, of));
        }
        let first = seen
            .get_mut(index)
            .is_some_and(|seen| !std::mem::replace(seen, true));
        if first && matches!(arity, 0 | 2) {
            return Ok((index, arity == 0));
        }
        for _ in 1..arity {
            d.skip()?;
        }
        Ok((N, false))
    }

    /// Why a term that [`tag`](Self::tag) read fits no variant.
    #[cold]
    pub fn unfit(&self, d: &mut Decoder<'_>, mark: Mark, of: &'static str) -> DecodeError {
        match self.read_unfit(d, mark, of) {
            Ok(error) | Err(error) => error,
        }
    }

    fn read_unfit(&self, d: &mut Decoder<'_>, mark: Mark, of: &'static str) -> Result<DecodeError> {
        d.reset(mark);
        let found = d.peek()?;
        let mut arity = 0;
        if found == Kind::Tuple {
            arity = d.tuple()?;
        }
        let error = if found == Kind::Atom || arity > 0 && d.peek()? == Kind::Atom {
            let name = d.atom_str()?;
            match arity {
                0 => DecodeError::unknown_variant(&name, of),
                _ => {
                    let rest = if arity > 9 {
                        ",..".to_owned()
                    } else {
                        ",_".repeat(arity - 1)
                    };
                    let name: String = name.chars().take(40).collect();
                    DecodeError::unknown_variant(&format!("{{{name}{rest}}}"), of)
                }
            }
        } else {
            DecodeError::Unexpected {
                expected: "an atom or a tagged tuple",
                found,
            }
            .within(Place::Type(of))
        };
        d.reset(mark);
        Ok(error)
    }

    /// Says of a field's error where it was.
    #[cold]
    pub fn within(
        &self,
        error: DecodeError,
        index: usize,
        fields: &'static [&'static str],
        of: &'static str,
    ) -> DecodeError {
        match fields.get(index) {
            Some(field) => error.within(Place::Field { field, of }),
            None => error,
        }
    }
}

/// Spreads texts over a table: the compiler makes the table with it, so it is `const`. It need not resist chosen texts: the
/// table never changes.
#[inline]
const fn spread(text: &[u8]) -> usize {
    let (front, back) = match text.len() {
        0 => (0, 0),
        n @ 1..4 => (
            text[0] as u64 | (text[n / 2] as u64) << 8,
            text[n - 1] as u64,
        ),
        n @ 4..8 => (half(text, 0), half(text, n - 4)),
        n => (
            half(text, 0) | half(text, 4) << 32,
            half(text, n - 8) | half(text, n - 4) << 32,
        ),
    };
    let mixed =
        (front ^ back.rotate_left(29) ^ text.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 48) as usize
}

#[inline]
const fn half(text: &[u8], at: usize) -> u64 {
    match text.split_at(at).1.first_chunk::<4>() {
        Some(bytes) => u32::from_le_bytes(*bytes) as u64,
        None => 0,
    }
}

/// Reads the value of a map's key into its place.
#[inline]
pub fn put<'a, T>(
    place: &mut Option<T>,
    d: &mut Decoder<'a>,
    decode: impl FnOnce(&mut Decoder<'a>) -> Result<T>,
) -> Result<()> {
    if place.is_some() {
        return Err(DecodeError::DuplicateKey);
    }
    *place = Some(decode(d)?);
    Ok(())
}

/// Reads a field that has its place by order.
#[inline]
pub fn field<'a, T>(
    d: &mut Decoder<'a>,
    decode: impl FnOnce(&mut Decoder<'a>) -> Result<T>,
    field: &'static str,
    of: &'static str,
) -> Result<T> {
    decode(d).map_err(|error| error.within(Place::Field { field, of }))
}

/// Says of an error in which field it was.
#[cold]
pub fn encoding(error: EncodeError, field: &'static str, of: &'static str) -> EncodeError {
    error.within(Place::Field { field, of })
}

/// The value of a field that is not there.
#[inline]
pub fn missing<'a, T: Decode<'a>>(field: &'static str, of: &'static str) -> Result<T> {
    T::missing().ok_or_else(|| missing_field(field, of))
}

#[cold]
pub fn missing_field(field: &'static str, of: &'static str) -> DecodeError {
    DecodeError::MissingField(field).within(Place::Type(of))
}

/// Reads the atom that alone fits here.
#[inline]
pub fn expect_atom(d: &mut Decoder<'_>, atom: &'static StaticAtom, of: &'static str) -> Result<()> {
    struct_name(d, atom).map_err(|error| error.within(Place::Type(of)))
}

/// Reads the value of `__struct__`.
#[inline]
pub fn struct_name(d: &mut Decoder<'_>, atom: &'static StaticAtom) -> Result<()> {
    if d.take_atom(atom) {
        return Ok(());
    }
    Err(wrong_atom(d, atom.text()))
}

#[cold]
fn wrong_atom(d: &mut Decoder<'_>, expected: &'static str) -> DecodeError {
    let mark = d.mark();
    match d.atom_str() {
        Ok(found) => {
            d.reset(mark);
            DecodeError::wrong_atom(expected, &found)
        }
        Err(error) => error,
    }
}

/// Reads the head of a tuple of this size.
#[inline]
pub fn tuple(d: &mut Decoder<'_>, arity: usize, of: &'static str) -> Result<()> {
    d.tuple_of(arity)
        .map_err(|error| error.within(Place::Type(of)))
}

/// Reads the head of a map.
#[inline]
pub fn map(d: &mut Decoder<'_>, of: &'static str) -> Result<usize> {
    d.map().map_err(|error| error.within(Place::Type(of)))
}

/// Reads the head of a proplist: how many entries follow, and after them a tail; `None` when nothing does.
pub fn proplist(d: &mut Decoder<'_>, of: &'static str) -> Result<Option<usize>> {
    d.list()
        .map(entries)
        .map_err(|error| error.within(Place::Type(of)))
}

/// Reads the tail of a proplist, as its head: it may be a list that goes on.
pub fn proplist_tail(d: &mut Decoder<'_>) -> Result<Option<usize>> {
    d.tail().map(entries)
}

const fn entries(header: ListHeader<'_>) -> Option<usize> {
    match header {
        ListHeader::Elements(len) => Some(len),
        // No entry of a proplist is an integer.
        ListHeader::Nil | ListHeader::Bytes(_) => None,
    }
}

/// A decoder of `true`: the value of a bare atom.
pub fn bare<'a>(d: &Decoder<'a>) -> Decoder<'a> {
    d.fork(&TRUE)
}

/// The key at `mark` is no field's.
#[cold]
pub fn unknown_key(d: &mut Decoder<'_>, mark: Mark, of: &'static str) -> DecodeError {
    d.reset(mark);
    let text = match d.peek() {
        Ok(Kind::Atom) => d.atom_str().map(|text| text.into_owned()),
        Ok(Kind::Binary) => d.binary().map(|bytes| {
            let bytes = &bytes[..bytes.len().min(64)];
            String::from_utf8_lossy(bytes).into_owned()
        }),
        Ok(kind) => Ok(kind.to_string()),
        Err(error) => Err(error),
    };
    match text {
        Ok(text) => DecodeError::unknown_field(&text, of),
        Err(error) => error,
    }
}

/// No variant of an untagged enum took the term that is next.
#[cold]
pub fn no_variant(d: &Decoder<'_>, of: &'static str) -> DecodeError {
    match d.peek() {
        Ok(found) => DecodeError::Unexpected {
            expected: "what one of the variants takes",
            found,
        }
        .within(Place::Type(of)),
        Err(error) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NAMES: Names<5, 16> = Names::new(["a", "name", "a_much_longer_name", "é", ""]);

    #[test]
    fn every_name_is_found_and_no_other() {
        for (index, text) in ["a", "name", "a_much_longer_name", "é", ""]
            .iter()
            .enumerate()
        {
            assert_eq!(NAMES.find(text.as_bytes()), index);
        }
        for text in ["b", "aa", "nam", "names", "a_much_longer_nam", "e", "\0"] {
            assert_eq!(NAMES.find(text.as_bytes()), 5, "{text}");
        }
        static NONE: Names<0, 1> = Names::new([]);
        assert_eq!(NONE.find(b"a"), 0);
    }

    #[test]
    fn all_names_that_fall_into_one_slot_are_found() {
        // With as many slots as this the table of 600 has runs of taken slots.
        let texts: Vec<String> = (0..600).map(|at| format!("field_{at}")).collect();
        let texts: [&'static str; 600] =
            std::array::from_fn(|at| &*Box::leak(texts[at].clone().into_boxed_str()));
        let names: Names<600, 2048> = Names::new(texts);
        for (index, text) in texts.iter().enumerate() {
            assert_eq!(names.find(text.as_bytes()), index);
        }
        assert_eq!(names.find(b"field_600"), 600);
    }

    #[test]
    fn keys_are_found_whatever_order_was_learnt() {
        static NAMES: Names<3, 8> = Names::new(["a", "b", "c"]);
        let keys = |order: &[u8]| -> Vec<usize> {
            let bytes: Vec<u8> = order.iter().flat_map(|key| [119, 1, *key]).collect();
            let (mut d, mut last) = (Decoder::new(&bytes), NAMES.start());
            let read = order
                .iter()
                .map(|_| NAMES.key(&mut d, &mut last).unwrap())
                .collect();
            d.finish().unwrap();
            read
        };
        for _ in 0..2 {
            for (order, places) in [
                (&b"abc"[..], &[0, 1, 2][..]),
                (b"cba", &[2, 1, 0]),
                (b"caxb", &[2, 0, 3, 1]),
                (b"xaax", &[3, 0, 0, 3]),
                (b"bb", &[1, 1]),
            ] {
                assert_eq!(keys(order), places);
            }
        }
    }

    #[test]
    fn legacy_atoms_are_the_same_names() {
        // ATOM_EXT and SMALL_ATOM_EXT are Latin-1.
        for bytes in [
            &[100, 0, 1, 0xe9][..],
            &[115, 1, 0xe9],
            &[118, 0, 2, 0xc3, 0xa9],
        ] {
            for mut last in [NAMES.start(), 2] {
                let mut d = Decoder::new(bytes);
                assert_eq!((NAMES.key(&mut d, &mut last), last), (Ok(3), 3));
                d.finish().unwrap();
            }
        }
    }
}
