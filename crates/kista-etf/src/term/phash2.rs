//! `erlang:phash2`: the hash that is the same on every node, release and machine (ERTS Reference Manual, `erlang:phash2/2`).
//!
//! What Erlang and Elixir distribute work by (partitions, pools, shards), so ours has to agree in every bit. The rules, found
//! in OTP's `make_hash2` and held against live nodes by `interop`:
//!
//! 1. One word of state goes through the whole term, in the order in which Erlang walks it; each item is mixed into it by Bob
//!    Jenkins' mix under a constant of its kind, a multiple of the golden ratio.
//! 2. Bytes in a list are packed, up to four to a word. A list's tail is hashed as a term of its own.
//! 3. The pairs of a map are hashed each from zero, and the results xored: their order does not matter.
//! 4. An atom or `[]` that meets a state of zero becomes the state, unmixed.
//! 5. `0.0` and `-0.0` hash alike, also where OTP 27 tells them apart; nodes and creations of identifiers do not count.
//! 6. A closure is hashed by its module, index, old uniq and captured values, all of which travel with it.

use super::{ImproperList, Term};

impl Term {
    /// What `erlang:phash2(Term)` gives on any node: 0 to 2^27 - 1.
    ///
    /// ```
    /// use kista_etf::{Term, atoms};
    /// assert_eq!(Term::NIL.phash2(), 113427502);
    /// assert_eq!(Term::from((atoms::OK, "text", 1.5)).phash2(), 117787956);
    /// ```
    pub fn phash2(&self) -> u32 {
        hash(self) & ((1 << 27) - 1)
    }

    /// What `erlang:phash2(Term, Range)` gives on any node: 0 to `range` - 1. `None` unless `range` is 1 to 2^32.
    ///
    /// ```
    /// use kista_etf::Term;
    /// assert_eq!(Term::from("user:17").phash2_range(16), Some(1));
    /// assert_eq!(Term::from("user:17").phash2_range(0), None);
    /// ```
    pub fn phash2_range(&self, range: u64) -> Option<u32> {
        if range > 1 << 32 {
            return None;
        }
        u64::from(hash(self))
            .checked_rem(range)
            .and_then(|it| u32::try_from(it).ok())
    }
}

/// The constants of the kinds are multiples of the golden ratio.
const fn salt(n: u32) -> u32 {
    0x9e37_79b9_u32.wrapping_mul(n)
}

const SMALL: u32 = salt(1);
const NIL: u32 = salt(2);
const ATOM: u32 = salt(3);
const PACKED: u32 = salt(4);
const PID: u32 = salt(5);
const PORT: u32 = salt(6);
const REFERENCE: u32 = salt(7);
const TUPLE: u32 = salt(9);
const NEGATIVE: u32 = salt(10);
const POSITIVE: u32 = salt(11);
const FLOAT: u32 = salt(12);
const BINARY: u32 = salt(13);
const FUNCTION: u32 = salt(14);
const BITS: u32 = salt(15);
const MAP: u32 = salt(16);
const PAIRS: u32 = salt(19);

/// What is left of an open container.
enum Open<'a> {
    /// Terms one after the other: a tuple's, or what a closure captured.
    Items(Items<'a>),
    /// A list's elements, of which bytes are packed; then its tail, which is the last item, or `[]`.
    List { items: Items<'a>, proper: bool },
    /// Keys and values in turn, the state before the map, and the pairs so far of the map around it.
    Map {
        items: Items<'a>,
        inside_pair: bool,
        before: u32,
        outer_pairs: u32,
    },
}

/// Terms of the caller's, or our own: what is inside a closure is decoded on the way.
enum Items<'a> {
    Borrowed(std::slice::Iter<'a, Term>),
    Owned(std::vec::IntoIter<Term>),
}

enum Item<'a> {
    Borrowed(&'a Term),
    Owned(Term),
}

impl<'a> Items<'a> {
    fn rest(&self) -> &[Term] {
        match self {
            Self::Borrowed(items) => items.as_slice(),
            Self::Owned(items) => items.as_slice(),
        }
    }

    fn next(&mut self) -> Option<Item<'a>> {
        match self {
            Self::Borrowed(items) => items.next().map(Item::Borrowed),
            Self::Owned(items) => items.next().map(Item::Owned),
        }
    }
}

impl<'a> Item<'a> {
    fn term(&self) -> &Term {
        match self {
            Self::Borrowed(term) => term,
            Self::Owned(term) => term,
        }
    }

    /// What is inside, as it is held itself.
    fn into_items(self) -> Items<'a> {
        match self {
            Self::Borrowed(term) => Items::Borrowed(term.children().iter()),
            Self::Owned(term) => Items::Owned(term.into_children().into_iter()),
        }
    }
}

struct State<'a> {
    hash: u32,
    /// The pairs so far of the innermost open map, xored.
    pairs: u32,
    open: Vec<Open<'a>>,
}

fn hash(term: &Term) -> u32 {
    let mut state = State {
        hash: 0,
        pairs: 0,
        open: Vec::new(),
    };
    state.item(Item::Borrowed(term));
    while let Some(open) = state.open.pop() {
        state.go_on(open);
    }
    state.hash
}

impl<'a> State<'a> {
    fn go_on(&mut self, open: Open<'a>) {
        match open {
            Open::Items(mut items) => {
                if let Some(item) = items.next() {
                    self.open.push(Open::Items(items));
                    self.item(item);
                }
            }
            Open::List { mut items, proper } => {
                self.packed_bytes(&mut items, proper);
                match items.next() {
                    None => self.nil(),
                    Some(tail) if !proper && items.rest().is_empty() => self.item(tail),
                    Some(item) => {
                        self.open.push(Open::List { items, proper });
                        self.item(item);
                    }
                }
            }
            Open::Map {
                mut items,
                inside_pair,
                before,
                outer_pairs,
            } => {
                if !inside_pair {
                    self.pairs ^= self.hash;
                    self.hash = 0;
                }
                if let Some(item) = items.next() {
                    self.open.push(Open::Map {
                        items,
                        inside_pair: !inside_pair,
                        before,
                        outer_pairs,
                    });
                    self.item(item);
                } else {
                    self.hash = before;
                    self.word(self.pairs, PAIRS);
                    self.pairs = outer_pairs;
                }
            }
        }
    }

    /// The run of bytes with which the list goes on.
    fn packed_bytes(&mut self, items: &mut Items<'a>, proper: bool) {
        let (mut word, mut count) = (0u32, 0);
        loop {
            // The tail of an improper list is no element.
            let byte = match items.rest() {
                [_] if !proper => None,
                [Term::Int(byte @ 0..=255), ..] => Some(*byte as u32),
                _ => None,
            };
            let Some(byte) = byte else { break };
            items.next();
            word = (word << 8) | byte;
            count += 1;
            if count == 4 {
                self.word(word, PACKED);
                (word, count) = (0, 0);
            }
        }
        if count > 0 {
            self.word(word, PACKED);
        }
    }

    fn item(&mut self, item: Item<'a>) {
        match item.term() {
            Term::Int(value) => self.integer(*value),
            Term::Big(value) => {
                let salt = if value.sign() == num_bigint::Sign::Minus {
                    NEGATIVE
                } else {
                    POSITIVE
                };
                for digit in value.magnitude().iter_u64_digits() {
                    self.words(digit as u32, (digit >> 32) as u32, salt);
                }
            }
            Term::Float(value) => {
                let bits = if *value == 0.0 { 0 } else { value.to_bits() };
                self.words((bits >> 32) as u32, bits as u32, FLOAT);
            }
            Term::Atom(atom) => self.atom(atom.as_str()),
            Term::AtomText(text) => self.atom(text.as_str()),
            Term::Pid(pid) => self.word(pid.id, PID),
            Term::Port(port) => self.words(port.id as u32, (port.id >> 32) as u32, PORT),
            Term::Reference(reference) => self.word(reference.words()[0], REFERENCE),
            Term::Opaque(it) => match it.hashed_number() {
                (crate::Kind::Reference, number) => self.word(number as u32, REFERENCE),
                (crate::Kind::Port, number) => {
                    self.words(number as u32, (number >> 32) as u32, PORT);
                }
                (_, number) => self.word(number as u32, PID),
            },
            Term::Binary(binary) => self.binary(binary),
            Term::BitString(bits) => {
                if let Some((last, whole)) = bits.bytes().split_last() {
                    // Not `binary`: that takes no bytes for nothing, but here there are some bits.
                    self.hash = block(whole, BINARY.wrapping_add(self.hash));
                    let count = bits.last_bits();
                    self.words(u32::from(count), u32::from(last >> (8 - count)), BITS);
                }
            }
            Term::Export(export) => {
                let module = atom_value(export.module.as_str());
                self.words(u32::from(export.arity), module, SMALL);
                self.word(atom_value(export.function.as_str()), FUNCTION);
            }
            Term::Fun(fun) => {
                if let Some(parts) = fun.parts() {
                    let module = atom_value(parts.module.as_str());
                    self.words(parts.free, module, SMALL);
                    self.words(parts.index, parts.old_uniq as u32, SMALL);
                    if let Some(captured) = parts.captured() {
                        self.open
                            .push(Open::Items(Item::Owned(captured).into_items()));
                    }
                }
            }
            Term::List(list) if list.is_empty() => self.nil(),
            Term::List(_) => self.open.push(Open::List {
                items: item.into_items(),
                proper: true,
            }),
            Term::ImproperList(ImproperList(_)) => self.open.push(Open::List {
                items: item.into_items(),
                proper: false,
            }),
            Term::Tuple(tuple) => {
                self.word(tuple.len() as u32, TUPLE);
                self.open.push(Open::Items(item.into_items()));
            }
            Term::Map(map) => {
                self.word(map.len() as u32, MAP);
                if !map.is_empty() {
                    self.open.push(Open::Map {
                        items: item.into_items(),
                        // The first `go_on` takes nothing into the pairs.
                        inside_pair: false,
                        before: std::mem::take(&mut self.hash),
                        outer_pairs: std::mem::take(&mut self.pairs),
                    });
                }
            }
        }
    }

    fn integer(&mut self, value: i64) {
        let magnitude = value.unsigned_abs();
        if (-(1 << 27)..1 << 27).contains(&value) {
            if value < 0 {
                self.word(magnitude as u32, SMALL);
            }
            self.word(value as u32, SMALL);
        } else {
            let salt = if value < 0 { NEGATIVE } else { POSITIVE };
            self.words(magnitude as u32, (magnitude >> 32) as u32, salt);
        }
    }

    fn atom(&mut self, text: &str) {
        let value = atom_value(text);
        if self.hash == 0 {
            self.hash = value;
        } else {
            self.word(value, ATOM);
        }
    }

    fn nil(&mut self) {
        if self.hash == 0 {
            self.hash = 3_468_870_702;
        } else {
            self.word(2, NIL);
        }
    }

    fn binary(&mut self, bytes: &[u8]) {
        let start = BINARY.wrapping_add(self.hash);
        self.hash = if bytes.is_empty() {
            start
        } else {
            block(bytes, start)
        };
    }

    fn word(&mut self, word: u32, salt: u32) {
        self.words(word, 0, salt);
    }

    fn words(&mut self, first: u32, second: u32, salt: u32) {
        self.hash = mix(
            salt.wrapping_add(first),
            salt.wrapping_add(second),
            self.hash,
        )
        .2;
    }
}

/// Bob Jenkins' mix of three words ("Hash Functions", Dr. Dobb's Journal, 1997).
fn mix(mut a: u32, mut b: u32, mut c: u32) -> (u32, u32, u32) {
    for (right, left, last) in [(13, 8, 13), (12, 16, 5), (3, 10, 15)] {
        a = a.wrapping_sub(b).wrapping_sub(c) ^ (c >> right);
        b = b.wrapping_sub(c).wrapping_sub(a) ^ (a << left);
        c = c.wrapping_sub(a).wrapping_sub(b) ^ (b >> last);
    }
    (a, b, c)
}

/// Jenkins' hash of a block of bytes: twelve at a time; the last word of the rest also holds the length.
fn block(bytes: &[u8], start: u32) -> u32 {
    let (mut a, mut b, mut c) = (SMALL, SMALL, start);
    let (blocks, rest) = bytes.as_chunks::<12>();
    for block in blocks {
        let word = |at: usize| {
            u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
        };
        (a, b, c) = mix(
            a.wrapping_add(word(0)),
            b.wrapping_add(word(4)),
            c.wrapping_add(word(8)),
        );
    }
    // The lowest byte of the third word is the length's place: the bytes of the rest go around it.
    let mut last = [0u8; 13];
    let (front, back) = rest.split_at(rest.len().min(8));
    last[..front.len()].copy_from_slice(front);
    last[9..9 + back.len()].copy_from_slice(back);
    let word = |at: usize| u32::from_le_bytes([last[at], last[at + 1], last[at + 2], last[at + 3]]);
    let c = c.wrapping_add(bytes.len() as u32).wrapping_add(word(8));
    mix(a.wrapping_add(word(0)), b.wrapping_add(word(4)), c).2
}

/// The value of an atom in Erlang's own atom table: `hashpjw`, of Latin-1 where that is possible.
fn atom_value(text: &str) -> u32 {
    let mut hash = 0u32;
    let mut add = |byte: u8| {
        hash = (hash << 4).wrapping_add(u32::from(byte));
        let high = hash & 0xf000_0000;
        hash ^= high >> 24;
        hash ^= high;
    };
    for char in text.chars() {
        if let Ok(byte) = u8::try_from(u32::from(char)) {
            add(byte);
        } else {
            char.encode_utf8(&mut [0; 4]).bytes().for_each(&mut add);
        }
    }
    hash
}
