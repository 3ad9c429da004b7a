//! Terms that can be made twice: here by our constructors, there by OTP's own functions.

use kista::Atom;
use kista::etf::term::Export;
use kista::etf::{AtomName, BigInt, BitString, Pid, Port, Reference, Term};

/// How to make a term.
#[derive(Debug, Clone)]
pub(super) enum Recipe {
    Int(BigInt),
    Float(f64),
    Atom(String),
    Binary(Vec<u8>),
    /// The last byte's upper bits count: 1 to 7.
    Bits(Vec<u8>, u8),
    Tuple(Vec<Self>),
    /// Elements and tail.
    List(Vec<Self>, Box<Self>),
    Nil,
    /// Keys differ in kind or value.
    Map(Vec<(Self, Self)>),
    Export(String, String, u8),
    Pid(&'static str, u32, u32, u32),
    Port(&'static str, u64, u32),
    Reference(&'static str, u32, Vec<u32>),
}

const NODES: &[&str] = &["ours@127.0.0.1", "a@b", "kista@nowhere", "é@日本"];

impl Recipe {
    pub(super) fn random(rng: &mut Rng) -> Self {
        let depth = rng.below(5);
        Self::nested(rng, depth)
    }

    fn nested(rng: &mut Rng, depth: usize) -> Self {
        if depth == 0 {
            return Self::leaf(rng);
        }
        let many = |rng: &mut Rng| {
            let count = match rng.below(100) {
                0 if depth == 1 => 250 + rng.below(20),
                _ => rng.below(5),
            };
            (0..count)
                .map(|_| Self::nested(rng, depth - 1))
                .collect::<Vec<_>>()
        };
        match rng.below(6) {
            0 | 1 => Self::Tuple(many(rng)),
            2 => Self::List(many(rng), Box::new(Self::Nil)),
            3 => {
                let elements = many(rng);
                let tail = Self::nested(rng, depth - 1);
                Self::List(elements, Box::new(tail))
            }
            4 => {
                let keys = many(rng);
                let mut pairs: Vec<(Self, Self)> = Vec::new();
                for key in keys {
                    // OTP before 27 holds 0.0 and -0.0 for one key.
                    let known = |(other, _): &(Self, Self)| other.term() == key.term();
                    if !key.has_negative_zero() && !pairs.iter().any(known) {
                        let value = Self::nested(rng, depth - 1);
                        pairs.push((key, value));
                    }
                }
                Self::Map(pairs)
            }
            _ => Self::leaf(rng),
        }
    }

    fn leaf(rng: &mut Rng) -> Self {
        match rng.below(16) {
            0 => Self::Int(BigInt::from(rng.next() as i64)),
            1 => Self::Int(BigInt::from(rng.below(1024) as i64 - 512)),
            2 => {
                let bit =
                    *rng.one_of(&[7, 8, 15, 16, 31, 32, 59, 60, 63, 64, 127, 2039, 2040, 2048]);
                let near = (BigInt::from(1) << bit) + (rng.below(3) as i64 - 1);
                Self::Int(if rng.below(2) == 0 { near } else { -near })
            }
            3 => {
                let bytes: Vec<u8> = (0..rng.below(600)).map(|_| rng.next() as u8).collect();
                Self::Int(BigInt::from_signed_bytes_le(&bytes))
            }
            4 => Self::Float(
                Some(f64::from_bits(rng.next()))
                    .filter(|value| value.is_finite())
                    .unwrap_or(0.0),
            ),
            5 => Self::Float(*rng.one_of(&[
                0.0,
                -0.0,
                1.0,
                -1.5,
                0.1,
                f64::MAX,
                f64::MIN_POSITIVE,
                5e-324,
                9_007_199_254_740_993.0,
            ])),
            6 => Self::Atom((*rng.one_of(&["", "ok", "true", "nil", "'", "\\", "a b"])).to_owned()),
            7 => Self::Atom(text(rng, 12)),
            8 => {
                let count = *rng.one_of(&[63, 64, 127, 128, 254, 255]);
                Self::Atom(char(rng).to_string().repeat(count))
            }
            9 => Self::Binary((0..rng.below(300)).map(|_| rng.next() as u8).collect()),
            10 => Self::Binary(text(rng, 40).into_bytes()),
            11 => {
                let bytes = (0..=rng.below(20)).map(|_| rng.next() as u8).collect();
                Self::Bits(bytes, 1 + rng.below(7) as u8)
            }
            12 => {
                let bytes = (0..=rng.below(30)).map(|_| Self::Int(BigInt::from(rng.below(256))));
                Self::List(bytes.collect(), Box::new(Self::Nil))
            }
            13 => Self::Export(text(rng, 6), text(rng, 6), rng.next() as u8),
            14 => Self::Nil,
            _ => Self::identifier(rng),
        }
    }

    fn identifier(rng: &mut Rng) -> Self {
        let node = *rng.one_of(NODES);
        let creation = rng.next() as u32;
        match rng.below(3) {
            0 => Self::Pid(
                node,
                rng.below(1 << 28) as u32,
                rng.below(1 << 13) as u32,
                creation,
            ),
            1 => Self::Port(node, rng.next() >> rng.below(60), creation),
            _ => {
                // Not one word: OTP 25 does not find such a reference among the keys of a large map.
                let words = (0..2 + rng.below(4)).map(|at| match at {
                    0 => rng.below(1 << 18) as u32,
                    _ => rng.next() as u32,
                });
                Self::Reference(node, creation, words.collect())
            }
        }
    }

    fn has_negative_zero(&self) -> bool {
        match self {
            Self::Float(value) => value.to_bits() == (-0.0f64).to_bits(),
            Self::Tuple(items) => items.iter().any(Self::has_negative_zero),
            Self::List(items, tail) => {
                items.iter().any(Self::has_negative_zero) || tail.has_negative_zero()
            }
            Self::Map(pairs) => pairs
                .iter()
                .any(|(key, value)| key.has_negative_zero() || value.has_negative_zero()),
            _ => false,
        }
    }

    /// The term, by our constructors.
    pub(super) fn term(&self) -> Term {
        match self {
            Self::Int(value) => Term::big(value.clone()),
            Self::Float(value) => Term::from(*value),
            Self::Atom(text) => Term::from(atom(text)),
            Self::Binary(bytes) => Term::from(&bytes[..]),
            Self::Bits(bytes, bits) => {
                Term::from(BitString::new(&bytes[..], *bits).expect("1 to 7 bits"))
            }
            Self::Tuple(items) => Term::tuple(items.iter().map(Self::term)),
            Self::List(items, tail) => Term::improper(items.iter().map(Self::term), tail.term()),
            Self::Nil => Term::NIL,
            Self::Map(pairs) => {
                Term::map(pairs.iter().map(|(key, value)| (key.term(), value.term())))
                    .expect("keys differ")
            }
            Self::Export(module, function, arity) => Term::from(Export {
                module: AtomName::from(atom(module)),
                function: AtomName::from(atom(function)),
                arity: *arity,
            }),
            Self::Pid(node, id, serial, creation) => Term::from(Pid {
                node: atom(node),
                id: *id,
                serial: *serial,
                creation: *creation,
            }),
            Self::Port(node, id, creation) => Term::from(Port {
                node: atom(node),
                id: *id,
                creation: *creation,
            }),
            Self::Reference(node, creation, words) => {
                Term::from(Reference::new(atom(node), *creation, words).expect("one to five words"))
            }
        }
    }

    /// The program by which `differential:build/2` makes it.
    pub(super) fn program(&self) -> Vec<u8> {
        let mut program = Vec::new();
        self.write(&mut program);
        program
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Int(value) => counted(out, b'i', value.to_string().as_bytes()),
            Self::Float(value) => {
                out.push(b'f');
                out.extend_from_slice(&value.to_be_bytes());
            }
            Self::Atom(text) => counted(out, b'a', text.as_bytes()),
            Self::Binary(bytes) => counted(out, b'b', bytes),
            Self::Bits(bytes, bits) => {
                let (last, front) = bytes.split_last().expect("not empty");
                counted(out, b'B', front);
                out.extend_from_slice(&[*last, *bits]);
            }
            Self::Tuple(items) => {
                items.iter().for_each(|item| item.write(out));
                count(out, b't', items.len());
            }
            Self::List(items, tail) => {
                items.iter().for_each(|item| item.write(out));
                tail.write(out);
                count(out, b'l', items.len());
            }
            Self::Nil => out.push(b'n'),
            Self::Map(pairs) => {
                for (key, value) in pairs {
                    key.write(out);
                    value.write(out);
                }
                count(out, b'm', pairs.len());
            }
            Self::Export(module, function, arity) => {
                counted(out, b'a', module.as_bytes());
                counted(out, b'a', function.as_bytes());
                out.extend_from_slice(&[b'x', *arity]);
            }
            Self::Pid(node, id, serial, creation) => {
                counted(out, b'a', node.as_bytes());
                out.push(b'p');
                words(out, &[*id, *serial, *creation]);
            }
            Self::Port(node, id, creation) => {
                counted(out, b'a', node.as_bytes());
                out.push(b'o');
                out.extend_from_slice(&id.to_be_bytes());
                words(out, &[*creation]);
            }
            Self::Reference(node, creation, all) => {
                counted(out, b'a', node.as_bytes());
                out.extend_from_slice(&[b'r', all.len() as u8]);
                words(out, &[*creation]);
                words(out, all);
            }
        }
    }
}

fn count(out: &mut Vec<u8>, what: u8, count: usize) {
    out.push(what);
    words(out, &[count as u32]);
}

fn counted(out: &mut Vec<u8>, what: u8, bytes: &[u8]) {
    count(out, what, bytes.len());
    out.extend_from_slice(bytes);
}

fn words(out: &mut Vec<u8>, words: &[u32]) {
    words
        .iter()
        .for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
}

fn atom(text: &str) -> Atom {
    Atom::new(text).expect("at most 255 characters")
}

fn text(rng: &mut Rng, longest: usize) -> String {
    (0..rng.below(longest)).map(|_| char(rng)).collect()
}

fn char(rng: &mut Rng) -> char {
    match rng.below(4) {
        0 => char::from(b'a' + rng.below(26) as u8),
        1 => char::from(rng.next() as u8),
        2 => *rng.one_of(&[
            'Ā', '\u{7ff}', '\u{800}', '日', '\u{d7ff}', '\u{e000}', '\u{fffd}',
        ]),
        _ => *rng.one_of(&['\u{10000}', '😀', '\u{10ffff}', '\0']),
    }
}

/// The generator SplitMix64: the same numbers on every run.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}
