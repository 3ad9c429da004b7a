//! Small damage to good input, which gets deeper into a decoder than noise does.

use crate::Rng;

/// The first bytes of terms, and lengths at which something changes.
const TELLING: &[u8] = &[
    0, 1, 2, 3, 4, 5, 7, 8, 9, 70, 77, 80, 82, 88, 89, 90, 97, 98, 99, 100, 101, 102, 103, 104,
    105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119, 120, 121, 127, 128,
    131, 254, 255,
];

/// Damages `input` in one to four places: bytes set, bits flipped, parts removed, repeated, or taken from `other`.
/// The result has at most twice as many bytes and 64 more.
pub fn mutate(input: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let longest = input.len() * 2 + 64;
    for _ in 0..=rng.below(4) {
        let at = rng.below(input.len() + 1);
        let end = at + rng.below((input.len() - at).min(40) + 1);
        match rng.below(8) {
            0 | 1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = *rng.one_of(TELLING);
                }
            }
            2 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << rng.below(8);
                }
            }
            3 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = rng.next() as u8;
                }
            }
            4 => input.insert(at, *rng.one_of(TELLING)),
            5 => drop(input.drain(at..end)),
            6 => {
                let part = input[at..end].repeat(1 + rng.below(3));
                input.splice(at..at, part);
            }
            _ => {
                let from = rng.below(other.len() + 1);
                let until = from + rng.below((other.len() - from).min(40) + 1);
                input.splice(at..end, other[from..until].iter().copied());
            }
        }
        input.truncate(longest);
    }
}
