//! Writes the heads of tuples, lists and maps, and lists of integers whole.

use super::Encoder;
use super::number::integer;
use crate::tag;

impl Encoder {
    /// The head of a tuple: `arity` terms follow.
    ///
    /// # Panics
    /// When `arity` is more than `u32::MAX`.
    #[inline]
    pub fn tuple(&mut self, arity: usize) {
        match u8::try_from(arity) {
            Ok(arity) => self.bytes.extend_from_slice(&[tag::SMALL_TUPLE, arity]),
            Err(_) => self.head(tag::LARGE_TUPLE, arity),
        }
    }

    /// The head of a list: `len` terms follow, then the tail, which is [`nil`](Self::nil) for a proper list.
    /// For an empty list write `nil` alone; `list(0)` writes nothing, so that `list(n)`, elements, `nil()` is always right.
    ///
    /// # Panics
    /// When `len` is more than `u32::MAX`.
    #[inline]
    pub fn list(&mut self, len: usize) {
        if len != 0 {
            self.head(tag::LIST, len);
        }
    }

    /// The empty list, and the end of a proper one.
    #[inline]
    pub fn nil(&mut self) {
        self.bytes.push(tag::NIL);
    }

    /// The head of a map: `len` times a key and its value follow. A key twice makes the peer drop the whole message.
    ///
    /// # Panics
    /// When `len` is more than `u32::MAX`.
    #[inline]
    pub fn map(&mut self, len: usize) {
        self.head(tag::MAP, len);
    }

    /// A list of small integers in its short form, as `term_to_binary` writes it: false, and nothing is written, when there
    /// are more than 65,535. An empty one is `[]`.
    #[inline]
    pub fn string(&mut self, bytes: &[u8]) -> bool {
        match u16::try_from(bytes.len()) {
            Ok(0) => self.nil(),
            Ok(len) => {
                let [high, low] = len.to_be_bytes();
                self.bytes.extend_from_slice(&[tag::STRING, high, low]);
                self.bytes.extend_from_slice(bytes);
            }
            Err(_) => return false,
        }
        true
    }

    /// Ends a proper list of `len` elements, whose head was written at this place in the buffer: with `[]`, or as a string.
    pub(crate) fn end_list(&mut self, at: usize, len: usize) {
        if !self.shorten_list(at, len) {
            self.nil();
        }
    }

    /// Gives the list of `count` elements that was begun at `at`, and has all of them but no end yet, its short form, if they are
    /// all small integers: for who cannot know before. False when it stays as it is.
    pub(crate) fn shorten_list(&mut self, at: usize, count: usize) -> bool {
        let Some(items) = self.bytes.get(at + 5..) else {
            return false;
        };
        let short = count > 0
            && u16::try_from(count).is_ok()
            && items.len() == 2 * count
            && items
                .iter()
                .step_by(2)
                .all(|tag| *tag == tag::SMALL_INTEGER);
        if short {
            for index in 0..count {
                self.bytes[at + 3 + index] = self.bytes[at + 6 + 2 * index];
            }
            self.bytes.truncate(at + 3 + count);
            let [high, low] = (count as u16).to_be_bytes();
            self.bytes[at..at + 3].copy_from_slice(&[tag::STRING, high, low]);
        }
        short
    }

    /// [`string`](Self::string) of at most 65,535 integers.
    #[inline]
    pub(crate) fn small_integers(&mut self, items: impl ExactSizeIterator<Item = u8>) {
        match items.len() {
            0 => self.nil(),
            len => {
                let [high, low] = (len as u16).to_be_bytes();
                self.bytes.reserve(3 + len);
                self.bytes.extend_from_slice(&[tag::STRING, high, low]);
                self.bytes.extend(items);
            }
        }
    }

    /// The first items, as far as they are small integers, and how many those are. Memory is asked for once, and the place
    /// of the next item stays in a register, which going by the vector's length would store and load for each.
    pub(crate) fn integers_in_front<T>(
        &mut self,
        items: &[T],
        small: impl Fn(&T) -> Option<i32>,
    ) -> usize {
        let start = self.bytes.len();
        // As many bytes as the wider of the two forms takes.
        self.bytes.resize(start + 5 * items.len(), 0);
        let place = &mut self.bytes[start..];
        let (mut at, mut written) = (0, 0);
        for item in items {
            let (Some(value), Some(place)) = (small(item), place[at..].first_chunk_mut::<5>())
            else {
                break;
            };
            let (block, used) = integer(value);
            *place = block;
            at += used;
            written += 1;
        }
        self.bytes.truncate(start + at);
        written
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encode, Term};

    fn written(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut e = Encoder::new();
        write(&mut e);
        e.into_vec()
    }

    #[test]
    fn only_lists_of_nothing_but_bytes_become_strings() {
        let vec = |items: &[i64]| crate::to_vec(items).unwrap();
        assert_eq!(vec(&[1, 255, 0]), [131, 107, 0, 3, 1, 255, 0]);
        assert_eq!(vec(&[]), [131, 106]);
        for items in [&[256][..], &[1, 2, 300], &[1, -1], &[1, i64::MAX, 2]] {
            let bytes = vec(items);
            assert_eq!((bytes[1], bytes.last()), (tag::LIST, Some(&tag::NIL)));
            assert_eq!(crate::from_slice::<Vec<i64>>(&bytes).unwrap(), items);
        }
        assert_eq!(vec(&[7; 65_535]).len(), 4 + 65_535);
        assert_eq!(vec(&[7; 65_536]).len(), 6 + 2 * 65_536 + 1);
        // Elements whose bytes add up to two each, and none of them an integer.
        assert_eq!(
            written(|e| vec![(); 3].encode(e).unwrap())[..5],
            [108, 0, 0, 0, 3]
        );
        let odd = Term::list([Term::NIL, Term::from(97), Term::NIL, Term::from(97)]);
        assert_eq!(
            crate::from_slice::<Term>(&crate::to_vec(&odd).unwrap()).unwrap(),
            odd
        );
    }

    #[test]
    fn a_term_is_written_as_the_rust_value_it_came_from() {
        for items in [
            vec![],
            vec![0, 255],
            vec![0, 256, -1],
            vec![1i64 << 40, 1],
            vec![1, 1i64 << 40, 300],
            vec![7; 65_536],
        ] {
            let bytes = crate::to_vec(&items).unwrap();
            let term = Term::list(items.iter().copied().map(Term::from));
            assert_eq!(crate::to_vec(&term).unwrap(), bytes);
            let nested = Term::tuple([term.clone(), Term::list([term, Term::from(1)])]);
            let again: Term = crate::from_slice(&crate::to_vec(&nested).unwrap()).unwrap();
            assert_eq!(again, nested);
        }
    }
}
