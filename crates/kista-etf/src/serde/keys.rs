//! The keys of a map that is read by somebody who would not notice one that is there twice.
//!
//! serde's maps let the last value win; in Erlang such a map does not exist. So the keys are compared here, as parts of the
//! input: atoms by their texts, binaries by their contents, small integers as they are written. Mostly they come in order,
//! and one comparison each is all; else they are sorted. A key of another kind, or one that is not written in the usual way,
//! makes that the keys are read once more at the end, and compared as terms. The atom `a` and the binary `<<"a">>` are two keys,
//! but one string: a map with both is refused to who reads its keys as strings.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::{AtomQuota, DecodeError, Decoder, Kind, Mark, tag};

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// To compare atoms nobody needs to intern them.
static NO_NEW_ATOMS: AtomQuota = AtomQuota::new(0);

/// The keys that were read so far.
#[derive(Debug, Default)]
pub struct Keys<'de> {
    first: Option<Mark>,
    count: usize,
    simple: SmallVec<[(Class, &'de [u8]); 16]>,
    /// Whether there was a key that is not in `simple`.
    others: bool,
    /// Whether `simple` is out of order.
    unordered: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Integer,
    Atom,
    Binary,
    /// An atom or a binary that was read as a string.
    Text,
}

impl<'de> Keys<'de> {
    /// A key that begins at `place`, and whether it was read as a string.
    pub(super) fn note(&mut self, d: &Decoder<'de>, place: Mark, is_text: bool) -> Result<()> {
        self.first.get_or_insert(place);
        self.count += 1;
        if self.others {
            return Ok(());
        }
        let mut key = d.clone();
        key.reset(place);
        let Some(mut key) = simple(&mut key)? else {
            self.others = true;
            return Ok(());
        };
        if is_text && key.0 != Class::Integer {
            key.0 = Class::Text;
        }
        self.unordered |= self.simple.last().is_some_and(|last| *last >= key);
        self.simple.push(key);
        Ok(())
    }

    /// Fails if a key was there twice; `d` has read the whole map.
    pub(super) fn check(mut self, d: &Decoder<'de>) -> Result<()> {
        if self.others {
            return self.check_terms(d);
        }
        if !self.unordered {
            return Ok(());
        }
        self.simple.sort_unstable();
        match self.simple.windows(2).find(|pair| pair[0] == pair[1]) {
            None => Ok(()),
            Some([(Class::Text, _), _]) => {
                self.check_terms(d)?;
                let text = "two keys of a map are the same string";
                Err(DecodeError::custom(text))
            }
            Some(_) => Err(DecodeError::DuplicateKey),
        }
    }

    fn check_terms(&self, d: &Decoder<'de>) -> Result<()> {
        let (2.., Some(first)) = (self.count, self.first) else {
            return Ok(());
        };
        let mut d = d.clone().quota(&NO_NEW_ATOMS);
        d.reset(first);
        let mut keys = Vec::new();
        for _ in 0..self.count {
            keys.push(d.term()?);
            d.skip()?;
        }
        keys.sort_unstable();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(DecodeError::DuplicateKey);
        }
        Ok(())
    }
}

/// What two equal keys of this class have in common, and no others.
fn simple<'de>(d: &mut Decoder<'de>) -> Result<Option<(Class, &'de [u8])>> {
    Ok(match d.peek()? {
        Kind::Atom => match d.atom_str()? {
            Cow::Borrowed(text) => Some((Class::Atom, text.as_bytes())),
            Cow::Owned(_) => None,
        },
        Kind::Binary if d.tag()? == tag::BINARY => Some((Class::Binary, d.binary()?)),
        Kind::Integer => {
            let written = &d.input()[d.position()..];
            match (written, d.int()) {
                ([tag::SMALL_INTEGER, ..], Ok(_)) => Some((Class::Integer, &written[..2])),
                ([tag::INTEGER, ..], Ok(value)) if u8::try_from(value).is_err() => {
                    Some((Class::Integer, &written[..5]))
                }
                _ => None,
            }
        }
        _ => None,
    })
}
