//! A hash for keys that peers choose: short ones, of numbers.
//!
//! It is *multilinear*: each 32 bits of a key are multiplied by a random number of 64 bits of their own, and the upper half of the sum is the
//! hash. It is strongly universal (Carter and Wegman 1981; in this form Lemire and Kaser, "Strongly universal string hashing is fast", 2014):
//! who does not know the numbers finds no two keys of one length that meet more often than by chance, which is once in 2^32. It takes one
//! multiplication for four bytes, a tenth of what the standard hash takes for these keys.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// The longest key is a reference: a node, a creation, a count of 64 bits, and five words.
const WORDS: usize = 9;

type Numbers = [u64; WORDS + 1];

/// Made once for all tables.
static NUMBERS: LazyLock<Numbers> = LazyLock::new(|| {
    let random = RandomState::new();
    std::array::from_fn(|n| random.hash_one(n))
});

#[derive(Clone, Copy)]
pub(super) struct Keyed(&'static Numbers);

impl Default for Keyed {
    fn default() -> Self {
        Self(&NUMBERS)
    }
}

impl BuildHasher for Keyed {
    type Hasher = Sum;

    #[inline]
    fn build_hasher(&self) -> Sum {
        let [first, others @ ..] = self.0;
        Sum {
            sum: *first,
            others: others.as_slice(),
        }
    }
}

pub(super) struct Sum {
    sum: u64,
    others: &'static [u64],
}

impl Hasher for Sum {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<4>();
        for word in words {
            self.write_u32(u32::from_ne_bytes(*word));
        }
        for byte in rest {
            self.write_u32(u32::from(*byte));
        }
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        let Some((number, others)) = self.others.split_first() else {
            debug_assert!(false, "a longer key needs more numbers");
            self.sum = self.sum.rotate_left(5).wrapping_add(u64::from(word));
            return;
        };
        self.sum = self.sum.wrapping_add(number.wrapping_mul(u64::from(word)));
        self.others = others;
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.write_u32(word as u32);
        self.write_u32((word >> 32) as u32);
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    /// Both halves are the hash: a table looks at the highest bits and at the lowest.
    #[inline]
    fn finish(&self) -> u64 {
        let hash = self.sum >> 32;
        hash << 32 | hash
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use kista_etf::{Atom, Pid, Reference};

    use super::*;

    fn reference(words: &[u32]) -> Reference {
        Reference::new(Atom::from_static("keyed@host"), 7, words).expect("up to five words")
    }

    /// As a peer numbers them, and as one does that looks for keys which meet: their hashes differ in what a table looks at.
    #[test]
    fn keys_that_differ_in_one_place_do_not_meet() {
        let keyed = Keyed::default();
        for place in 0..5 {
            for shift in [0, 8, 20] {
                let hashes: HashSet<u32> = (0..4096u32)
                    .map(|n| {
                        let mut words = [1, 2, 3, 4, 5];
                        words[place] = n << shift;
                        keyed.hash_one(reference(&words)) as u32
                    })
                    .collect();
                assert!(hashes.len() > 4090, "{place} {shift}: {}", hashes.len());
            }
        }
        let node = Atom::from_static("keyed@host");
        let pid = |id| Pid {
            node,
            id,
            serial: 0,
            creation: 4,
        };
        let hashes: HashSet<u32> = (0..4096).map(|id| keyed.hash_one(pid(id)) as u32).collect();
        assert!(hashes.len() > 4090, "{}", hashes.len());
    }

    #[test]
    fn equal_references_hash_alike_whatever_they_were_made_of() {
        let keyed = Keyed::default();
        assert_eq!(
            keyed.hash_one(reference(&[1, 2, 3])),
            keyed.hash_one(reference(&[1, 2, 3, 0, 0]))
        );
        assert_ne!(
            keyed.hash_one(reference(&[1, 2, 3])),
            keyed.hash_one(reference(&[1, 2, 4]))
        );
    }
}
