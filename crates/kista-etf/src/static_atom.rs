//! An atom that is interned at its first use: what the [`atom!`](crate::atom) macro and the derives keep in a `static`.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::Atom;

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
    /// The index plus one; 0 before the first use. Every racing thread writes the same number.
    index: AtomicU32,
}

impl StaticAtom {
    /// A place for the atom of this text, which is not interned yet.
    pub const fn new(text: &'static str) -> Self {
        Self {
            text,
            index: AtomicU32::new(0),
        }
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
