//! An atom that is interned at its first use: what the [`atom!`](crate::atom) macro and the derives keep in a `static`.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::{Atom, tag};

/// A place for one atom in a `static`: after the first use it costs one load.
///
/// ```
/// use kista_etf::StaticAtom;
/// static COUNTER: StaticAtom = StaticAtom::new("counter");
/// assert_eq!(COUNTER.atom().as_str(), "counter");
/// ```
#[derive(Debug)]
pub struct StaticAtom {
    text: &'static str,
    /// Its usual form on the wire (119, length, text), the first byte lowest; a number that no input can be when that is
    /// longer than 16 bytes.
    wire: u128,
    /// Which bits of 16 bytes of input belong to it; none when it is longer.
    mask: u128,
    /// The index plus one; 0 before the first use. Every racing thread writes the same number.
    index: AtomicU32,
}

impl StaticAtom {
    /// A place for the atom of this text, which is not interned yet.
    pub const fn new(text: &'static str) -> Self {
        let (wire, mask) = whole(text.as_bytes());
        Self {
            text,
            wire,
            mask,
            index: AtomicU32::new(0),
        }
    }

    /// How many bytes of the wire this atom takes in its usual form, if the input goes on with it and both are seen at one
    /// glance: false of a longer one, and at the very end of the input.
    #[inline]
    pub(crate) fn at_front_of(&self, input: &[u8]) -> Option<usize> {
        let block = u128::from_le_bytes(*input.first_chunk()?);
        (block & self.mask == self.wire).then_some(2 + self.text.len())
    }

    /// The atom.
    ///
    /// # Panics
    /// At the first use, when the text has more than 255 characters.
    #[inline]
    pub fn atom(&self) -> Atom {
        match self.index.load(Relaxed) {
            0 => self.intern(),
            index => Atom::seeded(index - 1),
        }
    }

    /// The text.
    #[inline]
    pub const fn text(&self) -> &'static str {
        self.text
    }

    #[cold]
    fn intern(&self) -> Atom {
        let atom = Atom::from_static(self.text);
        self.index.store(atom.index() + 1, Relaxed);
        atom
    }
}

/// The form on the wire as one number, and which bits of it count.
const fn whole(text: &[u8]) -> (u128, u128) {
    if text.len() > 14 {
        return (1, 0);
    }
    let mut block = [0; 16];
    let mut mask = [0; 16];
    block[0] = tag::SMALL_ATOM_UTF8;
    block[1] = text.len() as u8;
    let mut at = 0;
    while at < text.len() {
        block[2 + at] = text[at];
        at += 1;
    }
    let mut at = 0;
    while at < 2 + text.len() {
        mask[at] = 0xff;
        at += 1;
    }
    (u128::from_le_bytes(block), u128::from_le_bytes(mask))
}

/// The atom of a literal text, interned once.
///
/// ```
/// use kista_etf::atom;
/// assert_eq!(atom!("counter").as_str(), "counter");
/// ```
#[macro_export]
macro_rules! atom {
    ($text:literal) => {{
        static ATOM: $crate::StaticAtom = $crate::StaticAtom::new($text);
        ATOM.atom()
    }};
}
