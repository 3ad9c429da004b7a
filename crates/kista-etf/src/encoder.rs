//! Writes terms as bytes.
//!
//! An encoder is a growing buffer with one method per kind of term; containers are a head followed by their elements.
//! The rules:
//!
//! 1. Only modern tags are written, and always the smallest form of an integer.
//! 2. Atoms go inline (tags 119, 118), or, after [`Encoder::with_atom_table`], as `82, i` into a table of this message, which
//!    the frame's header carries: at most 255 entries, further ones inline. A name that is not interned always goes inline.
//! 3. A shared binary of [`Encoder::CHAIN_THRESHOLD`] bytes or more is not copied: it is kept beside the buffer with the
//!    offset at which it belongs ([`Encoder::chunks`]).
//! 4. The encoder checks values, not structure: who writes `tuple(2)` writes two terms after it.

use bytes::Bytes;
use num_bigint::{BigInt, Sign};
use smallvec::SmallVec;

use crate::atom::Entry;
use crate::binary::Binary;
use crate::tag;
use crate::{Atom, AtomName, EncodeError, Pid, Port, Reference, StaticAtom};

/// The writer of the external term format.
///
/// ```
/// use kista_etf::{atoms, Encoder};
/// let mut e = Encoder::new();
/// e.tuple(2);
/// e.atom(atoms::OK);
/// e.int(7);
/// assert_eq!(e.inline_bytes(), [104, 2, 119, 2, b'o', b'k', 97, 7]);
/// ```
#[derive(Debug, Clone)]
pub struct Encoder {
    bytes: Vec<u8>,
    chunks: Vec<(usize, Bytes)>,
    chained: usize,
    table: Option<Box<AtomTable>>,
}

impl Encoder {
    /// Shared binaries of at least this many bytes are chained, not copied.
    pub const CHAIN_THRESHOLD: usize = 4096;

    /// An encoder that writes atoms inline: for everything but distribution messages.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            chunks: Vec::new(),
            chained: 0,
            table: None,
        }
    }

    /// An encoder that writes atoms as references to [`atoms`](Self::atoms), for the payload of a distribution message.
    pub fn with_atom_table() -> Self {
        Self {
            table: Some(Box::default()),
            ..Self::new()
        }
    }

    /// Forgets what was written, and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.chunks.clear();
        self.chained = 0;
        if let Some(table) = &mut self.table {
            table.atoms.clear();
        }
    }

    /// The message's atom table: entry `i` is what `82, i` means. Empty for an encoder that writes atoms inline.
    pub fn atoms(&self) -> &[Atom] {
        self.table.as_ref().map_or(&[], |table| &table.atoms)
    }

    /// Whether atoms are written as references.
    pub const fn has_atom_table(&self) -> bool {
        self.table.is_some()
    }

    /// How many bytes were written, chained ones included.
    pub const fn len(&self) -> usize {
        self.bytes.len() + self.chained
    }

    /// Whether nothing was written.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was written, without the chained binaries.
    pub fn inline_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The chained binaries, each with the offset in [`inline_bytes`](Self::inline_bytes) before which it belongs.
    /// Offsets never decrease.
    pub fn chunks(&self) -> &[(usize, Bytes)] {
        &self.chunks
    }

    /// Everything in one piece; copies the chained binaries.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.len());
        let mut from = 0;
        for (offset, chunk) in &self.chunks {
            whole.extend_from_slice(&self.bytes[from..*offset]);
            whole.extend_from_slice(chunk);
            from = *offset;
        }
        whole.extend_from_slice(&self.bytes[from..]);
        whole
    }

    /// Everything in one piece; copies the chained binaries.
    pub fn to_bytes(&self) -> Bytes {
        Bytes::from(self.to_vec())
    }

    /// Everything in one piece, without a copy when nothing was chained.
    pub fn into_vec(self) -> Vec<u8> {
        if self.chunks.is_empty() {
            self.bytes
        } else {
            self.to_vec()
        }
    }

    /// An atom.
    #[inline]
    pub fn atom(&mut self, atom: Atom) {
        if let Some(table) = &mut self.table
            && let Some(index) = table.index(atom)
        {
            self.bytes.extend_from_slice(&[tag::ATOM_REF, index]);
            return;
        }
        self.inline_atom(atom.entry());
    }

    /// An atom of the program, of which `inline` is the inline form (119, length, text): for the derives, which know it when
    /// they are compiled.
    #[doc(hidden)]
    #[inline]
    pub fn known_atom(&mut self, atom: &StaticAtom, inline: &'static [u8]) {
        if self.table.is_none() {
            self.bytes.extend_from_slice(inline);
        } else {
            self.atom(atom.atom());
        }
    }

    /// An atom that may not be interned.
    #[inline]
    pub fn atom_name(&mut self, name: &AtomName) {
        match name {
            AtomName::Interned(atom) => self.atom(*atom),
            AtomName::Text(text) => self.inline_text(text.as_str()),
        }
    }

    /// An atom by its text, always inline, without interning it. Fails when the text has more than 255 characters.
    pub fn atom_str(&mut self, text: &str) -> Result<(), EncodeError> {
        crate::atom::check(text)?;
        self.inline_text(text);
        Ok(())
    }

    /// A short atom is written whole, zeros behind it included, and these are taken back: a copy whose size is known beats
    /// one of exactly the right size by far (measured for 10 bytes: 1.5 ns against 5).
    #[inline]
    fn inline_atom(&mut self, atom: &Entry) {
        if atom.text.len() > Entry::LONGEST {
            return self.inline_text(atom.text);
        }
        self.block(&atom.wire, 2 + atom.text.len());
    }

    /// The first `used` bytes of a block: see [`inline_atom`](Self::inline_atom).
    #[inline]
    fn block<const N: usize>(&mut self, block: &[u8; N], used: usize) {
        let end = self.bytes.len() + used;
        self.bytes.extend_from_slice(block);
        self.bytes.truncate(end);
    }

    fn inline_text(&mut self, text: &str) {
        match u8::try_from(text.len()) {
            Ok(len) => self.bytes.extend_from_slice(&[tag::SMALL_ATOM_UTF8, len]),
            Err(_) => {
                // At most 255 characters of at most four bytes: checked where the text became an atom.
                let [high, low] = (text.len() as u16).to_be_bytes();
                self.bytes.extend_from_slice(&[tag::ATOM_UTF8, high, low]);
            }
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.atom(if value {
            crate::atoms::TRUE
        } else {
            crate::atoms::FALSE
        });
    }

    /// An integer.
    #[inline]
    pub fn int(&mut self, value: i64) {
        match i32::try_from(value) {
            Ok(value) => {
                let (block, used) = integer(value);
                self.block(&block, used);
            }
            Err(_) => self.small_big(value < 0, &value.unsigned_abs().to_le_bytes()),
        }
    }

    /// An integer without a sign.
    #[inline]
    pub fn uint(&mut self, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.small_big(false, &value.to_le_bytes()),
        }
    }

    /// An integer of up to 128 bits.
    pub fn int128(&mut self, value: i128) {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.small_big(value < 0, &value.unsigned_abs().to_le_bytes()),
        }
    }

    /// An integer of up to 128 bits, without a sign.
    pub fn uint128(&mut self, value: u128) {
        match i64::try_from(value) {
            Ok(value) => self.int(value),
            Err(_) => self.small_big(false, &value.to_le_bytes()),
        }
    }

    /// An integer of any size.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    pub fn big(&mut self, value: &BigInt) {
        if let Ok(value) = i128::try_from(value) {
            return self.int128(value);
        }
        let (sign, bytes) = value.to_bytes_le();
        self.big_bytes(sign == Sign::Minus, &bytes);
    }

    fn small_big(&mut self, negative: bool, magnitude: &[u8]) {
        let len = magnitude
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        self.big_bytes(negative, &magnitude[..len]);
    }

    fn big_bytes(&mut self, negative: bool, magnitude: &[u8]) {
        match u8::try_from(magnitude.len()) {
            Ok(len) => self
                .bytes
                .extend_from_slice(&[tag::SMALL_BIG, len, u8::from(negative)]),
            Err(_) => {
                self.head(tag::LARGE_BIG, magnitude.len());
                self.bytes.push(u8::from(negative));
            }
        }
        self.bytes.extend_from_slice(magnitude);
    }

    /// A float. Fails for infinities and NaN, which Erlang does not have.
    #[inline]
    pub fn float(&mut self, value: f64) -> Result<(), EncodeError> {
        if !value.is_finite() {
            return Err(EncodeError::NonFinite);
        }
        let mut whole = [tag::NEW_FLOAT; 9];
        whole[1..].copy_from_slice(&value.to_be_bytes());
        self.bytes.extend_from_slice(&whole);
        Ok(())
    }

    /// A binary, copied.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    #[inline]
    pub fn binary(&mut self, bytes: &[u8]) {
        self.bytes.reserve(5 + bytes.len());
        self.head(tag::BINARY, bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// A binary of shared memory: chained when it is large, else copied.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    pub fn binary_shared(&mut self, binary: &Binary) {
        if binary.len() < Self::CHAIN_THRESHOLD {
            return self.binary(binary);
        }
        self.head(tag::BINARY, binary.len());
        self.chain(binary.to_bytes());
    }

    /// Like [`binary_shared`](Self::binary_shared), for `Bytes`.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    pub fn bytes(&mut self, bytes: &Bytes) {
        if bytes.len() < Self::CHAIN_THRESHOLD {
            return self.binary(bytes);
        }
        self.head(tag::BINARY, bytes.len());
        self.chain(bytes.clone());
    }

    fn chain(&mut self, bytes: Bytes) {
        self.chained += bytes.len();
        self.chunks.push((self.bytes.len(), bytes));
    }

    /// A string, as the binary of its UTF-8: what Elixir calls a string.
    ///
    /// # Panics
    /// When it has more than `u32::MAX` bytes.
    #[inline]
    pub fn str(&mut self, text: &str) {
        self.binary(text.as_bytes());
    }

    /// A bit string: `bytes`, of whose last byte the upper `bits` (1 to 8) count. Unused bits are written as zero.
    ///
    /// # Panics
    /// When `bits` is not 1 to 8, or `bytes` is empty or has more than `u32::MAX` bytes.
    pub fn bit_string(&mut self, bytes: &[u8], bits: u8) {
        assert!(
            (1..=8).contains(&bits) && !bytes.is_empty(),
            "a bit string has 1 to 8 bits in its last byte"
        );
        if bits == 8 {
            return self.binary(bytes);
        }
        self.head(tag::BIT_BINARY, bytes.len());
        self.bytes.push(bits);
        let (last, front) = bytes.split_last().expect("not empty");
        self.bytes.extend_from_slice(front);
        self.bytes.push(last & (0xff << (8 - bits)));
    }

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

    /// A process identifier.
    #[inline]
    pub fn pid(&mut self, pid: &Pid) {
        self.bytes.push(tag::NEW_PID);
        self.atom(pid.node);
        let words = [pid.id, pid.serial, pid.creation].map(u32::to_be_bytes);
        self.bytes.extend_from_slice(words.as_flattened());
    }

    /// A port identifier.
    pub fn port(&mut self, port: &Port) {
        self.bytes.push(tag::V4_PORT);
        self.atom(port.node);
        self.bytes.extend_from_slice(&port.id.to_be_bytes());
        self.words(&[port.creation]);
    }

    /// A reference.
    #[inline]
    pub fn reference(&mut self, reference: &Reference) {
        let words = reference.words();
        self.bytes
            .extend_from_slice(&[tag::NEWER_REF, 0, words.len() as u8]);
        self.atom(reference.node());
        let mut block = [[0; 4]; 1 + Reference::MAX_WORDS];
        block[0] = reference.creation().to_be_bytes();
        for (place, word) in block[1..].iter_mut().zip(words) {
            *place = word.to_be_bytes();
        }
        let used = 4 + 4 * words.len();
        self.bytes.extend_from_slice(&block.as_flattened()[..used]);
    }

    #[inline]
    pub(crate) fn words(&mut self, words: &[u32]) {
        for word in words {
            self.bytes.extend_from_slice(&word.to_be_bytes());
        }
    }

    /// Bytes as they are: whole terms that were encoded before, with inline atoms (or for this very table).
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Bytes as they are, that belong to somebody else: chained when they are many.
    pub fn raw_shared(&mut self, bytes: Bytes) {
        if bytes.len() < Self::CHAIN_THRESHOLD {
            self.raw(&bytes)
        } else {
            self.chain(bytes)
        }
    }

    /// A tag and a length of four bytes.
    #[inline]
    fn head(&mut self, tag: u8, len: usize) {
        let len = u32::try_from(len).expect("a length of the external term format has 32 bits");
        let [a, b, c, d] = len.to_be_bytes();
        self.bytes.extend_from_slice(&[tag, a, b, c, d]);
    }

    /// Ends a proper list of `len` elements, whose head was written at this place in the buffer: with `[]`, or as a string.
    pub(crate) fn end_list(&mut self, at: usize, len: usize) {
        if !self.shorten_list(at, len) {
            self.nil();
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

    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// An integer in its smallest form, and how many bytes of the block that takes. Without a branch: in a list of mixed sizes
/// a branch is guessed wrong every second time.
#[inline]
fn integer(value: i32) -> ([u8; 5], usize) {
    let [a, b, c, d] = value.to_be_bytes();
    let small = u8::try_from(value).is_ok();
    if small {
        ([tag::SMALL_INTEGER, d, 0, 0, 0], 2)
    } else {
        ([tag::INTEGER, a, b, c, d], 5)
    }
}

/// The atoms of one message.
#[derive(Debug, Clone)]
struct AtomTable {
    atoms: SmallVec<[Atom; 16]>,
    /// Where an atom was last seen, by its lowest bits. Only a guess: it is checked against `atoms`, so it needs no clearing.
    hints: [u8; 64],
}

impl Default for AtomTable {
    fn default() -> Self {
        Self {
            atoms: SmallVec::new(),
            hints: [0; 64],
        }
    }
}

impl AtomTable {
    const MAX: usize = 255;

    #[inline]
    fn index(&mut self, atom: Atom) -> Option<u8> {
        let slot = atom.index() as usize % self.hints.len();
        let hint = self.hints[slot];
        if self.atoms.get(usize::from(hint)) == Some(&atom) {
            return Some(hint);
        }
        let index = match self.atoms.iter().position(|known| *known == atom) {
            Some(index) => index,
            None if self.atoms.len() < Self::MAX => {
                self.atoms.push(atom);
                self.atoms.len() - 1
            }
            None => return None,
        };
        let index = u8::try_from(index).ok()?;
        self.hints[slot] = index;
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encode, Term, atoms};

    fn written(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut e = Encoder::new();
        write(&mut e);
        e.into_vec()
    }

    #[test]
    fn integers_take_their_smallest_form() {
        assert_eq!(written(|e| e.int(255)), [97, 255]);
        assert_eq!(written(|e| e.int(-1)), [98, 255, 255, 255, 255]);
        assert_eq!(written(|e| e.int(256)), [98, 0, 0, 1, 0]);
        assert_eq!(written(|e| e.int(1 << 31)), [110, 4, 0, 0, 0, 0, 128]);
        assert_eq!(
            written(|e| e.int(i64::MIN)),
            [110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128]
        );
        assert_eq!(
            written(|e| e.uint(u64::MAX)),
            [110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255]
        );
        assert_eq!(written(|e| e.big(&BigInt::from(3))), [97, 3]);
        assert_eq!(
            written(|e| e.big(&(BigInt::from(1) << 2040)))[..7],
            [111, 0, 0, 1, 0, 0, 0]
        );
    }

    #[test]
    fn the_256th_atom_of_a_message_goes_inline() {
        let mut e = Encoder::with_atom_table();
        let atoms: Vec<Atom> = (0..300)
            .map(|i| Atom::new(&format!("table_{i}")).unwrap())
            .collect();
        for atom in &atoms {
            e.atom(*atom);
        }
        assert_eq!(e.atoms(), &atoms[..255]);
        assert_eq!(&e.inline_bytes()[254 * 2..254 * 2 + 4], [82, 254, 119, 9]);
        e.clear();
        e.atom(atoms[299]);
        e.atom(atoms[299]);
        assert_eq!(
            (e.inline_bytes(), e.atoms()),
            (&[82, 0, 82, 0][..], &atoms[299..])
        );
    }

    #[test]
    fn non_finite_floats_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Encoder::new().float(bad), Err(EncodeError::NonFinite));
        }
    }

    #[test]
    fn large_shared_binaries_are_chained_not_copied() {
        let big = Bytes::from(vec![7; Encoder::CHAIN_THRESHOLD]);
        let mut e = Encoder::new();
        e.tuple(2);
        e.binary_shared(&Binary::from(big.clone()));
        e.atom(atoms::OK);
        assert_eq!(e.chunks().len(), 1);
        assert_eq!(
            (e.chunks()[0].0, e.chunks()[0].1.as_ptr()),
            (7, big.as_ptr())
        );
        assert_eq!(e.len(), 2 + 5 + big.len() + 4);
        let whole = e.to_vec();
        assert_eq!(whole.len(), e.len());
        assert_eq!(&whole[whole.len() - 4..], [119, 2, b'o', b'k']);
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

    #[test]
    fn atoms_of_every_length_are_written_whole() {
        for len in 0..=255 {
            let text = "a".repeat(len);
            let bytes = written(|e| {
                e.atom(Atom::new(&text).unwrap());
                e.nil();
            });
            assert_eq!(bytes, [&[119, len as u8], text.as_bytes(), &[106]].concat());
        }
    }

    #[test]
    fn long_atoms_take_two_length_bytes_and_longer_ones_are_refused() {
        assert_eq!(
            written(|e| e.atom_str(&"é".repeat(255)).unwrap())[..3],
            [118, 1, 254]
        );
        assert!(Encoder::new().atom_str(&"a".repeat(256)).is_err());
    }
}
